// SPDX-License-Identifier: GPL-2.0
/* A prediction as NDJSON: what it rests on, then an object a row. */
#include <string.h>
#include <dmasync/json_rows.h>
#include <dmasync/view.h>
#include "parts.h"

static json_t *real_or_null(bool known, double v)
{
	json_t *real = known ? json_real(v) : NULL;

	return real ? real : json_null();
}

static json_t *range_object(bool known, const struct predict_range *r)
{
	if (!known)
		return json_null();
	return json_pack("{s:f, s:f, s:f}", "value", r->value, "low", r->low, "high", r->high);
}

static json_t *captures_list(const struct predict *p)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < p->n_runs; i++) {
		const struct predict_run *run = &p->runs[i];
		const struct header *h = &run->info.hdr;

		json_array_append_new(
			list,
			json_pack("{s:o, s:s, s:o, s:o, s:i, s:b, s:b, s:o, s:o, s:o}", "file",
				  json_text(run->path), "flavour", flavour_name(h->flavour),
				  "kernel", json_text(h->release), "dur_ns", json_u64(run->dur_ns),
				  "intervals", (int)run->intervals, "arch_level",
				  (int)(h->level == LEVEL_ARCH), "exact", (int)h->exact,
				  "probe_floor_ns", real_or_null(h->cost.valid, h->cost.floor_ns),
				  "iommu_walker",
				  run->info.iommu_walker[0] ? json_text(run->info.iommu_walker)
							    : json_null(),
				  "cut_off",
				  run->cut_off[0] ? json_text(run->cut_off) : json_null()));
	}
	return list;
}

static json_t *predict_object(const struct predict *p)
{
	double cpu = p->dur_ns > 0 ? p->ns / p->dur_ns * 100 : 0;
	struct predict_range freed = { p->saving.value * cpu, p->saving.low * cpu,
				       p->saving.high * cpu };
	static const char *const page_names[] = {
		[PAGES_NONE] = "none",
		[PAGES_MEASURED] = "measured",
		[PAGES_BOUND] = "bound",
		[PAGES_UNKNOWN] = "unknown",
	};
	bool known = !p->refused[0] && p->ns > 0;

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:s, s:o, "
			 "s:o, s:o, s:o, s:b, s:o}",
			 "type", "predict", "version", DMASYNC_VERSION, "flavour",
			 flavour_name(p->opt->flavour), "refused",
			 p->refused[0] ? json_text(p->refused) : json_null(), "ns",
			 json_real(p->ns), "cpu_percent", real_or_null(p->dur_ns > 0, cpu),
			 "saving", range_object(known, &p->saving), "cpu_percent_freed",
			 range_object(known && p->dur_ns > 0, &freed), "dsb_before",
			 json_u64(p->dsb_before), "dsb_after", json_u64(p->dsb_after),
			 "rows_predicted", (int)p->n_predicted, "blocks", (int)p->blocks,
			 "page_dsb", page_names[p->pages], "page_dsb_max",
			 real_or_null(p->pages != PAGES_NONE, p->page_waits), "page_dsb_saved_max",
			 real_or_null(p->pages != PAGES_NONE, p->page_waits_saved), "page_ns",
			 real_or_null(p->pages == PAGES_MEASURED, p->page_ns), "software_ns",
			 real_or_null(p->software_ns > 0, p->software_ns), "software_measured",
			 (int)p->software_measured, "captures", captures_list(p));
}

static json_t *row_object(const struct predict_row *row)
{
	const struct call_counts *sum = &row->sum.sum;
	double now = sum->calls ? row->ns / sum->calls : 0;
	struct predict_range after = { now * (1 - row->saving.value), now * (1 - row->saving.high),
				       now * (1 - row->saving.low) };
	bool times = row->how != HOW_NONE && sum->calls && row->ns > 0;
	bool wait = times && row->how != HOW_NOTHING && row->wait.low <= row->wait.high;

	return json_pack(
		"{s:s, s:s, s:o, s:o, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}",
		"type", "row", "op", op_name(row->sum.op), "dev", json_text(row->sum.dev), "driver",
		json_text(row->sum.driver), "dir", dir_name(row->sum.dir), "coherent",
		(int)row->sum.coherent, "iommu", (int)row->sum.iommu, "calls", json_u64(sum->calls),
		"entries", json_u64(sum->entries), "bytes",
		sum->unsized ? json_null() : json_u64(sum->bytes), "dsb_before",
		row->dsb_known ? json_u64(row->dsb_before) : json_null(), "dsb_after",
		row->dsb_known ? json_u64(row->dsb_after) : json_null(), "ns_per_call",
		real_or_null(sum->calls, now), "ns_per_call_after", range_object(times, &after),
		"saving", range_object(times, &row->saving), "saved_ns",
		real_or_null(times && row->how != HOW_BOUND, row->saving.value * row->ns), "how",
		predict_how_name(row->how), "sure", predict_sure_name(row->how, &row->saving),
		"wait_ns", range_object(wait, &row->wait), "line_ns",
		range_object(wait && row->line.low <= row->line.high, &row->line),
		"page_dsb_saved_max",
		real_or_null(row->page_waits_saved > 0, row->page_waits_saved), "why",
		row->why[0] ? json_text(row->why) : json_null());
}

int predict_print_json(FILE *out, const struct predict *p)
{
	int err = json_print(out, predict_object(p));
	size_t i;

	for (i = 0; !err && !p->refused[0] && i < p->n_rows; i++) {
		if (p->rows[i]->shown)
			err = json_print(out, row_object(p->rows[i]));
	}
	return err;
}
