// SPDX-License-Identifier: GPL-2.0
/* Intervals of a capture from JSON. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/log.h>
#include "parse.h"

#define COUNT_MAX INT64_MAX /* JSON integers are signed */
#define OPTIONAL FIELD_OPTIONAL
#define UNKNOWN (FIELD_OPTIONAL | FIELD_NULL)

static int no_memory(const struct fields *f)
{
	log_error("%s: line %llu: out of memory", lines_path(f->lines), lines_number(f->lines));
	return -ENOMEM;
}

static void parse_counts(struct fields *f, struct call_counts *sum)
{
	sum->calls = field_u64(f, "calls", COUNT_MAX, 0);
	sum->entries = field_u64(f, "entries", COUNT_MAX, 0);
	sum->bytes = field_u64(f, "bytes", COUNT_MAX, FIELD_NULL);
	sum->unsized = field_known(f, "bytes") ? 0 : sum->calls;
	sum->ns = field_u64(f, "ns", COUNT_MAX, 0);
	sum->dsb = field_u64(f, "dsb_counted", COUNT_MAX, UNKNOWN);
	sum->bounces = field_u64(f, "bounces", COUNT_MAX, OPTIONAL);
	sum->bounced_calls = field_u64(f, "bounced_calls", COUNT_MAX, OPTIONAL);
	sum->bounced_entries = field_u64(f, "bounced_entries", COUNT_MAX, OPTIONAL);
	sum->empty_calls = field_u64(f, "empty_calls", COUNT_MAX, OPTIONAL);
	sum->failed = field_u64(f, "failed", COUNT_MAX, OPTIONAL);
	sum->failed_entries = field_u64(f, "failed_entries", COUNT_MAX, OPTIONAL);
	sum->failed_partial = field_u64(f, "failed_partial", COUNT_MAX, OPTIONAL);
	sum->chained = field_u64(f, "saved", COUNT_MAX, OPTIONAL);
	sum->steps = field_u64(f, "steps", COUNT_MAX, OPTIONAL);
}

static int direction(const char *name)
{
	int dir;

	for (dir = 0; dir < DIR_COUNT; dir++) {
		if (!strcmp(dir_name(dir), name))
			return dir;
	}
	return -1;
}

static void parse_key(struct fields *f, struct row *row)
{
	int op = op_by_name(field_string(f, "op", 0));
	int dir = direction(field_string(f, "dir", 0));

	if (op < 0)
		field_wrong(f, "op", "is no operation that this version knows");
	if (dir < 0)
		field_wrong(f, "dir", "is no direction that this version knows");
	row->op = op < 0 ? 0 : op;
	row->dir = dir < 0 ? 0 : dir;
	field_text(f, "dev", row->dev, sizeof(row->dev), 0);
	field_text(f, "driver", row->driver, sizeof(row->driver), 0);
	field_text(f, "bus", row->bus, sizeof(row->bus), OPTIONAL);
	field_text(f, "of_node", row->of_name, sizeof(row->of_name), UNKNOWN);
	row->coherent = field_bool(f, "coherent", FIELD_NULL);
	row->iommu = field_bool(f, "iommu", FIELD_NULL);
	row->hw_unknown = !field_known(f, "coherent");
	row->other = field_bool(f, "other", OPTIONAL);
}

/* Bucket whose lowest value is @low, or -1. */
static int bucket(json_int_t low)
{
	unsigned int b;

	if (low < 0)
		return -1;
	b = hist_bucket(low);
	return hist_low(b) == (__u64)low ? (int)b : -1;
}

static void parse_hist(struct fields *f, __u64 hist[HIST_BUCKETS])
{
	json_t *list = field_list(f, "hist", HIST_BUCKETS, OPTIONAL), *pair, *low, *count;
	size_t i;
	int b;

	for (i = 0; list && i < json_array_size(list); i++) {
		pair = json_array_get(list, i);
		low = json_array_get(pair, 0);
		count = json_array_get(pair, 1);
		b = json_is_integer(low) ? bucket(json_integer_value(low)) : -1;
		if (b < 0 || !json_is_integer(count) || json_integer_value(count) < 0) {
			field_wrong(f, "hist", "has a pair that is no bucket and its count");
			return;
		}
		hist[b] += json_integer_value(count);
	}
}

static void parse_row(struct fields *f, const struct capture_info *info, struct row *row)
{
	parse_key(f, row);
	parse_counts(f, &row->sum);
	row->min_ns = field_u64(f, "min_ns", COUNT_MAX, UNKNOWN);
	row->max_ns = field_u64(f, "max_ns", COUNT_MAX, UNKNOWN);
	if (row->min_ns > row->max_ns)
		field_wrong(f, "min_ns", "is above max_ns");
	row->dsb_derived = field_u64(f, "dsb_derived", COUNT_MAX, UNKNOWN);
	/* Where there is nothing to derive it is known to be nothing. */
	row->dsb_derived_known = field_known(f, "dsb_derived") ||
				 info->hdr.flavour == FLAVOUR_NONE || op_is_chain(row->op);
	parse_hist(f, row->hist);
}

/* @place[i] becomes the position in @iv of the file's row i: rows with one key become one. */
static int parse_rows(struct fields *f, const struct capture_info *info, struct interval *iv,
		      __u32 *place)
{
	json_t *list = json_object_get(f->obj, "rows");
	struct row one, *row;
	struct fields of;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		memset(&one, 0, sizeof(one));
		of = field_object(f, "rows", list, i);
		parse_row(&of, info, &one);
		if (of.err)
			return of.err;
		row = interval_row(iv, &one);
		if (!row)
			return no_memory(f);
		row_add(row, &one);
		place[i] = row - iv->rows;
	}
	return 0;
}

static int parse_procs(struct fields *f, struct interval *iv)
{
	json_t *list = field_list(f, "processes", CAPTURE_ROWS_MAX, OPTIONAL);
	struct call_counts sum;
	struct proc_row *proc;
	struct fields of;
	char comm[16];
	__u32 tgid;
	size_t i;

	iv->has_procs = !!list;
	for (i = 0; list && i < json_array_size(list); i++) {
		of = field_object(f, "processes", list, i);
		tgid = field_u64(&of, "pid", UINT32_MAX, 0);
		field_text(&of, "comm", comm, sizeof(comm), 0);
		parse_counts(&of, &sum);
		proc = of.err ? NULL : interval_proc(iv, tgid, comm);
		if (!proc)
			return of.err ?: no_memory(f);
		counts_add(&proc->sum, &sum);
		proc->dsb_derived += field_u64(&of, "dsb_derived", COUNT_MAX, UNKNOWN);
		if (of.err)
			return of.err;
	}
	return f->err;
}

static __u32 parse_stack_number(struct fields *f, const struct stack_map *map)
{
	__u64 id = field_u64(f, "stack", UINT32_MAX, 0);

	if (id < map->n)
		return map->number[id];
	field_wrong(f, "stack", "is a stack that no line before told");
	return 0;
}

static int parse_stacks(struct fields *f, const struct stack_map *map, struct interval *iv,
			const __u32 *place, size_t n_places)
{
	json_t *list = field_list(f, "stacks", CAPTURE_ROWS_MAX, OPTIONAL);
	struct stack_row one, *row;
	struct fields of;
	size_t i, at;

	iv->has_stacks = !!list;
	for (i = 0; list && i < json_array_size(list); i++) {
		memset(&one, 0, sizeof(one));
		of = field_object(f, "stacks", list, i);
		at = field_u64(&of, "row", UINT32_MAX, 0);
		if (at >= n_places)
			field_wrong(&of, "row", "is no position in rows");
		one.stack = parse_stack_number(&of, map);
		one.tgid = field_u64(&of, "pid", UINT32_MAX, 0);
		field_text(&of, "comm", one.comm, sizeof(one.comm), 0);
		parse_counts(&of, &one.sum);
		one.dsb_derived = field_u64(&of, "dsb_derived", COUNT_MAX, UNKNOWN);
		if (of.err)
			return of.err;
		one.row = place[at];
		row = interval_stack(iv, &one);
		if (!row)
			return no_memory(f);
		counts_add(&row->sum, &one.sum);
		row->dsb_derived += one.dsb_derived;
	}
	return f->err;
}

static int parse_storms(struct fields *f, struct interval *iv, const __u32 *place, size_t n_places)
{
	json_t *list = field_list(f, "storms", CAPTURE_ROWS_MAX, OPTIONAL);
	struct storm_row one, *storm;
	struct fields of;
	size_t i, at;

	iv->has_storms = !!list;
	for (i = 0; list && i < json_array_size(list); i++) {
		memset(&one, 0, sizeof(one));
		of = field_object(f, "storms", list, i);
		at = field_u64(&of, "row", UINT32_MAX, 0);
		if (at >= n_places)
			field_wrong(&of, "row", "is no position in rows");
		one.calls = field_u64(&of, "calls", COUNT_MAX, 0);
		one.runs = field_u64(&of, "runs", one.calls, 0);
		one.contexts = field_u64(&of, "contexts", one.runs, 0);
		one.longest = field_u64(&of, "longest", one.calls, 0);
		parse_hist(&of, one.hist);
		if (of.err)
			return of.err;
		storm = interval_storm(iv, place[at]);
		if (!storm)
			return no_memory(f);
		storm_add(storm, &one);
	}
	return f->err;
}

static int parse_samples(struct fields *f, const struct stack_map *map, struct interval *iv)
{
	json_t *list = field_list(f, "samples", CAPTURE_ROWS_MAX, OPTIONAL);
	struct sample_row one, *row;
	struct fields of;
	size_t i;

	iv->has_samples = !!list;
	for (i = 0; list && i < json_array_size(list); i++) {
		memset(&one, 0, sizeof(one));
		of = field_object(f, "samples", list, i);
		one.stack = parse_stack_number(&of, map);
		one.tgid = field_u64(&of, "pid", UINT32_MAX, 0);
		field_text(&of, "comm", one.comm, sizeof(one.comm), 0);
		one.samples = field_u64(&of, "samples", COUNT_MAX, 0);
		if (of.err)
			return of.err;
		row = interval_sample(iv, &one);
		if (!row)
			return no_memory(f);
		row->samples += one.samples;
	}
	return f->err;
}

static void parse_loss(struct fields *f, struct loss *loss)
{
	struct fields of = { .lines = f->lines, .list = "", .err = f->err };

	of.obj = json_object_get(f->obj, "loss");
	if (!json_is_object(of.obj)) {
		field_wrong(f, "loss", of.obj ? "is not an object" : "is missing");
		return;
	}
	loss->events.calls_full = field_u64(&of, "calls_full", COUNT_MAX, OPTIONAL);
	loss->events.depth = field_u64(&of, "depth", COUNT_MAX, OPTIONAL);
	loss->events.stale = field_u64(&of, "stale", COUNT_MAX, OPTIONAL);
	loss->events.rows_full = field_u64(&of, "rows_full", COUNT_MAX, OPTIONAL);
	loss->events.procs_full = field_u64(&of, "procs_full", COUNT_MAX, OPTIONAL);
	loss->events.orphan_dsb = field_u64(&of, "orphan_dsb", COUNT_MAX, OPTIONAL);
	loss->events.sg_truncated = field_u64(&of, "sg_truncated", COUNT_MAX, OPTIONAL);
	loss->recursion_misses = field_u64(&of, "recursion_misses", COUNT_MAX, OPTIONAL);
	loss->stacks = field_u64(&of, "stacks", COUNT_MAX, OPTIONAL);
	loss->runs = field_u64(&of, "runs", COUNT_MAX, OPTIONAL);
	loss->trace_events = field_u64(&of, "trace_events", COUNT_MAX, OPTIONAL);
	f->err = of.err;
}

static void parse_pmu(struct fields *f, struct interval *iv)
{
	struct fields of = { .lines = f->lines, .list = "" };

	of.obj = json_object_get(f->obj, "pmu");
	iv->has_pmu = !!of.obj;
	if (!of.obj || f->err)
		return;
	if (!json_is_object(of.obj))
		field_wrong(f, "pmu", "is not an object");
	else
		iv->pmu_dsb = field_u64(&of, "dsb_spec", COUNT_MAX, 0);
	f->err = f->err ?: of.err;
}

int parse_interval(struct fields *f, const struct capture_info *info, const struct stack_map *map,
		   struct interval *iv)
{
	json_t *rows = field_list(f, "rows", CAPTURE_ROWS_MAX, 0);
	size_t n = rows ? json_array_size(rows) : 0;
	__u32 *place;
	int err;

	iv->t_ns = field_u64(f, "t_ns", COUNT_MAX, 0);
	iv->dur_ns = field_u64(f, "dur_ns", COUNT_MAX, 0);
	parse_loss(f, &iv->loss);
	parse_pmu(f, iv);
	if (f->err)
		return f->err;
	place = calloc(n + 1, sizeof(*place));
	if (!place)
		return no_memory(f);
	err = parse_rows(f, info, iv, place) ?: parse_procs(f, iv);
	err = err ?: parse_stacks(f, map, iv, place, n);
	err = err ?: parse_storms(f, iv, place, n);
	err = err ?: parse_samples(f, map, iv);
	free(place);
	return err;
}
