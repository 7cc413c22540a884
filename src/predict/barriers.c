// SPDX-License-Identifier: GPL-2.0
/* Barriers that a row's calls would execute on a kernel that batches: exact, by derive.c's rules.
 */
#include <stdarg.h>
#include "parts.h"

bool op_cleans(enum op op)
{
	return op == OP_MAP_SG || op == OP_SYNC_SG_FOR_DEVICE || op == OP_MAP_PAGE ||
	       op == OP_SYNC_SINGLE_FOR_DEVICE || op == OP_IOVA_LINK || op == OP_IOVA_SYNC ||
	       op == OP_ARCH_SYNC_FOR_DEVICE;
}

__attribute__((format(printf, 2, 3))) static void refuse(struct predict_row *row, const char *fmt,
							 ...)
{
	va_list ap;

	row->how = HOW_NONE;
	va_start(ap, fmt);
	vsnprintf(row->why, sizeof(row->why), fmt, ap);
	va_end(ap);
}

/* Rows do not tell attributes; barriers do: either all calls maintain, or none. */
static bool find_case(const struct row *sum, struct derive_case *of)
{
	__u64 dsb;

	*of = (struct derive_case){
		.flavour = FLAVOUR_PER_ENTRY,
		.op = sum->op,
		.dir = sum->dir,
		.backend = sum->iommu ? BACKEND_IOMMU : BACKEND_DIRECT,
	};
	if (derive_dsb(of, &sum->sum, &dsb) && dsb == sum->dsb_derived)
		return true;
	of->attrs = CALL_SKIP_CPU_SYNC;
	return derive_dsb(of, &sum->sum, &dsb) && dsb == sum->dsb_derived;
}

static bool is_refused(const struct row *sum, struct predict_row *row)
{
	const struct call_counts *c = &sum->sum;

	if (sum->other)
		refuse(row, "calls of several devices in one row");
	else if (sum->hw_unknown)
		refuse(row, "whether the device is coherent is not known");
	else if (sum->coherent)
		refuse(row, "the device is coherent: there is no maintenance to wait for");
	else if (!sum->dsb_derived_known)
		refuse(row, "no rule tells its barriers (Xen, or other DMA operations)");
	else if (c->bounced_entries && c->bounces != c->entries)
		refuse(row, "some entries are copied through bounce buffers, others are not");
	else
		return false;
	return true;
}

void predict_barriers(const struct predict *p, struct predict_row *row)
{
	bool elsewhere = !row->sum.sum.calls && row->elsewhere.sum.calls;
	struct row *sum = elsewhere ? &row->elsewhere : &row->sum;
	struct call_counts good = sum->sum;
	struct derive_case of;
	__u64 before, after;

	row->why[0] = '\0';
	row->dsb_known = false;
	row->waits_saved = row->page_waits_saved = 0;
	if (is_refused(sum, row))
		return;
	if (!find_case(sum, &of)) {
		refuse(row, "some of its calls skip the maintenance, and rows do not tell which");
		return;
	}
	row->dsb_before = sum->dsb_derived;
	of.flavour = p->opt->flavour;
	row->dsb_known = derive_dsb(&of, &sum->sum, &row->dsb_after);
	good.failed = good.failed_entries = good.failed_partial = 0;
	if (!row->dsb_known || !derive_dsb(&of, &good, &after)) {
		refuse(row, "no rule tells the barriers of a kernel that batches");
		return;
	}
	of.flavour = FLAVOUR_PER_ENTRY;
	derive_dsb(&of, &good, &before);
	row->waits_saved = (double)before - (double)after;
	if (elsewhere)
		refuse(row, "its times hold the probes of %s: give a capture without, too",
		       "--level arch or --exact");
	else
		row->how = HOW_BOUND;
}
