// SPDX-License-Identifier: GPL-2.0
/*
 * Waits for the page tables of IOMMUs.
 *
 * io-pgtable-arm makes a table entry visible to a walker that is not coherent by
 * dma_sync_single_for_device() on the IOMMU's own device: these waits are rows like all others,
 * inside the time of map_sg and unmap_sg of the devices behind it. Patch 7 leaves one for each
 * table that got entries, which is at least one a call; Linux 7.1 leaves them all. How many pieces
 * of a list share a table is in no capture, so what is saved is told as the most it can be.
 */
#include <string.h>
#include "parts.h"

static bool is_walker(const struct row *row)
{
	return row->op == OP_SYNC_SINGLE_FOR_DEVICE && !row->other &&
	       !strncmp(row->driver, "arm-smmu", strlen("arm-smmu"));
}

static bool is_mapping(const struct predict_row *row, enum op op)
{
	return row->sum.op == op && row->sum.iommu && row->sum.sum.calls && !row->sum.sum.bounces;
}

static double busy_calls(const struct predict_row *row)
{
	return row->sum.sum.calls - row->sum.sum.empty_calls;
}

/* Parts of the walkers' waits that belong to the lists, by their entries. */
static void share_out(struct predict *p, double entries)
{
	struct predict_row *row;
	size_t i;

	for (i = 0; i < p->n_rows; i++) {
		row = p->rows[i];
		if (is_mapping(row, OP_MAP_SG))
			row->page_waits_saved =
				p->page_waits_saved * row->sum.sum.entries / entries;
	}
}

struct sums {
	double waits, ns, entries, calls, unmaps;
};

static void sum_up(struct predict *p, struct sums *sum)
{
	struct predict_row *row;
	size_t i;

	for (i = 0; i < p->n_rows; i++) {
		row = p->rows[i];
		if (is_walker(&row->sum)) {
			sum->waits += row->sum.sum.calls;
			sum->ns += row->ns;
			row->shown = false;
		} else if (is_mapping(row, OP_MAP_SG)) {
			sum->entries += row->sum.sum.entries;
			sum->calls += busy_calls(row);
		} else if (is_mapping(row, OP_UNMAP_SG)) {
			sum->unmaps += busy_calls(row);
		}
	}
}

void predict_pages(struct predict *p)
{
	const char *walker = p->n_runs ? p->runs[0].info.iommu_walker : "";
	struct sums sum = {};
	double left;

	p->pages = PAGES_NONE;
	p->page_waits = p->page_waits_saved = p->page_ns = 0;
	sum_up(p, &sum);
	if (sum.entries <= 0)
		return;
	if (sum.waits > 0)
		p->pages = PAGES_MEASURED;
	else if (strcmp(walker, "coherent"))
		p->pages = walker[0] ? PAGES_BOUND : PAGES_UNKNOWN;
	else
		return;
	p->page_ns = sum.waits > 0 ? sum.ns / sum.waits : 0;
	p->page_waits = sum.waits > 0 ? sum.waits : sum.entries + sum.unmaps;
	left = sum.calls + sum.unmaps;
	if (p->opt->flavour == FLAVOUR_DMASYNC_BATCHED && p->page_waits > left)
		p->page_waits_saved = p->page_waits - left;
	share_out(p, sum.entries);
}
