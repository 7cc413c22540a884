// SPDX-License-Identifier: GPL-2.0
/* Rows, processes and losses as JSON. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/json_rows.h>
#include <dmasync/percentile.h>

json_t *json_u64(__u64 v)
{
	return json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v);
}

/* Length of the UTF-8 sequence at @s by its first byte; 0: none may start so. */
static int sequence_length(unsigned char c)
{
	return c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

json_t *json_text(const char *s)
{
	json_t *text = json_string(s), *one;
	char *copy, *p;
	int len;

	if (text)
		return text;
	copy = strdup(s);
	for (p = copy; p && *p; p += len) {
		len = sequence_length(*p);
		one = len && (int)strnlen(p, len) == len ? json_stringn(p, len) : NULL;
		if (!one) {
			*p = '?';
			len = 1;
		}
		json_decref(one);
	}
	text = copy ? json_string(copy) : NULL;
	free(copy);
	return text;
}

json_t *json_hist(const __u64 hist[HIST_BUCKETS])
{
	json_t *list = json_array();
	unsigned int b;

	for (b = 0; list && b < HIST_BUCKETS; b++) {
		if (hist[b])
			json_array_append_new(
				list, json_pack("[oo]", json_u64(hist_low(b)), json_u64(hist[b])));
	}
	return list;
}

static int put(json_t *obj, const char *key, json_t *value)
{
	return json_object_set_new(obj, key, value);
}

/* Bytes of lists may not have been summed: then they are not known, which is not 0. */
static int put_counts(json_t *obj, const struct call_counts *sum)
{
	return put(obj, "calls", json_u64(sum->calls)) |
	       put(obj, "entries", json_u64(sum->entries)) |
	       put(obj, "bytes", sum->unsized ? json_null() : json_u64(sum->bytes)) |
	       put(obj, "ns", json_u64(sum->ns));
}

static int put_rare_counts(json_t *obj, const struct call_counts *sum)
{
	return put(obj, "failed", json_u64(sum->failed)) |
	       put(obj, "failed_entries", json_u64(sum->failed_entries)) |
	       put(obj, "empty_calls", json_u64(sum->empty_calls)) |
	       put(obj, "failed_partial", json_u64(sum->failed_partial)) |
	       put(obj, "bounces", json_u64(sum->bounces)) |
	       put(obj, "bounced_calls", json_u64(sum->bounced_calls)) |
	       put(obj, "bounced_entries", json_u64(sum->bounced_entries));
}

/* Without calls there is no shortest one and no median: null, which no sum takes for a number. */
static int put_times(json_t *obj, const struct figures *f)
{
	bool known = f->sum.calls;

	return put(obj, "min_ns", known ? json_u64(f->min_ns) : json_null()) |
	       put(obj, "max_ns", known ? json_u64(f->max_ns) : json_null()) |
	       put(obj, "p50_ns", known ? json_u64(f->p50) : json_null()) |
	       put(obj, "p90_ns", known ? json_u64(f->p90) : json_null()) |
	       put(obj, "p99_ns", known ? json_u64(f->p99) : json_null());
}

/* Only the dma-buf chain has steps. */
static int put_steps(json_t *obj, enum op op, const struct call_counts *sum)
{
	return op_is_chain(op) ? put(obj, "steps", json_u64(sum->steps)) : 0;
}

static int put_dsb(json_t *obj, const struct figures *f)
{
	bool known = f->dsb_source == DSB_DERIVED || f->dsb_source == DSB_COUNTED;

	return put(obj, "dsb", known ? json_u64(f->dsb) : json_null()) |
	       put(obj, "dsb_source", json_string(dsb_source_name(f->dsb_source)));
}

/* Both counts of barriers, where there are both: a reader can check one against the other. */
static int put_dsb_sources(json_t *obj, const struct header *hdr, enum op op,
			   const struct call_counts *sum, bool known, __u64 derived)
{
	bool none = hdr->flavour == FLAVOUR_NONE || op_is_chain(op);

	return put(obj, "dsb_derived", known && !none ? json_u64(derived) : json_null()) |
	       put(obj, "dsb_counted", hdr->exact && !none ? json_u64(sum->dsb) : json_null());
}

/* Only where runs were followed: 0 would say that there were none. */
static int put_saved(json_t *obj, const struct header *hdr, const struct call_counts *sum)
{
	return hdr->storms ? put(obj, "saved", json_u64(sum->chained)) : 0;
}

static json_t *unless(bool unknown, bool v)
{
	return unknown ? json_null() : json_boolean(v);
}

static int put_key(json_t *obj, const struct row *row)
{
	int err = put(obj, "op", json_string(op_name(row->op))) |
		  put(obj, "dev", json_text(row->dev)) |
		  put(obj, "driver", json_text(row->driver)) |
		  put(obj, "bus", json_text(row->bus)) |
		  put(obj, "of_node", row->of_name[0] ? json_text(row->of_name) : json_null()) |
		  put(obj, "coherent", unless(row->hw_unknown, row->coherent)) |
		  put(obj, "iommu", unless(row->hw_unknown, row->iommu)) |
		  put(obj, "dir", json_string(dir_name(row->dir)));

	if (row->other)
		err |= put(obj, "other", json_true());
	return err;
}

json_t *json_row(const struct header *hdr, const struct row *row)
{
	json_t *obj = json_object();
	struct figures f;

	if (!obj)
		return NULL;
	row_figures(hdr, row, &f);
	if (put_key(obj, row) | put_counts(obj, &f.sum) | put_times(obj, &f) | put_dsb(obj, &f) |
	    put_dsb_sources(obj, hdr, row->op, &f.sum, row->dsb_derived_known, row->dsb_derived) |
	    put_steps(obj, row->op, &f.sum) | put_rare_counts(obj, &f.sum) |
	    put_saved(obj, hdr, &f.sum) | put(obj, "hist", json_hist(row->hist))) {
		json_decref(obj);
		return NULL;
	}
	return obj;
}

json_t *json_process(const struct header *hdr, const struct proc_row *proc)
{
	bool known = hdr->flavour != FLAVOUR_UNKNOWN;
	json_t *obj = json_object();
	struct figures f;

	if (!obj)
		return NULL;
	proc_figures(hdr, proc, &f);
	if (put(obj, "pid", json_integer(proc->tgid)) | put(obj, "comm", json_text(proc->comm)) |
	    put_counts(obj, &f.sum) | put_dsb(obj, &f) |
	    put_dsb_sources(obj, hdr, OP_COUNT, &f.sum, known, proc->dsb_derived) |
	    put_rare_counts(obj, &f.sum) | put_saved(obj, hdr, &f.sum)) {
		json_decref(obj);
		return NULL;
	}
	return obj;
}

/* There are many, and hardly any has failures or bounces. */
static bool has_rare_counts(const struct call_counts *sum)
{
	return sum->failed | sum->failed_entries | sum->failed_partial | sum->empty_calls |
	       sum->bounces | sum->bounced_calls | sum->bounced_entries;
}

json_t *json_stack_row(const struct header *hdr, const struct interval *iv,
		       const struct stack_row *row)
{
	struct row like = {
		.op = iv->rows[row->row].op,
		.sum = row->sum,
		.dsb_derived = row->dsb_derived,
		.dsb_derived_known = iv->rows[row->row].dsb_derived_known,
	};
	json_t *obj = json_object();
	struct figures f = { .sum = row->sum };

	if (!obj)
		return NULL;
	f.dsb = row_dsb(&like, hdr->exact, hdr->flavour, &f.dsb_source);
	if (put(obj, "row", json_integer(row->row)) | put(obj, "stack", json_integer(row->stack)) |
	    put(obj, "pid", json_integer(row->tgid)) | put(obj, "comm", json_text(row->comm)) |
	    put_counts(obj, &row->sum) | put_dsb(obj, &f) |
	    put_dsb_sources(obj, hdr, like.op, &row->sum, like.dsb_derived_known,
			    row->dsb_derived) |
	    put_steps(obj, like.op, &row->sum) |
	    (has_rare_counts(&row->sum) ? put_rare_counts(obj, &row->sum) : 0) |
	    put_saved(obj, hdr, &row->sum)) {
		json_decref(obj);
		return NULL;
	}
	return obj;
}

json_t *json_sample(const struct sample_row *row)
{
	return json_pack("{s:I, s:I, s:o, s:o}", "stack", (json_int_t)row->stack, "pid",
			 (json_int_t)row->tgid, "comm", json_text(row->comm), "samples",
			 json_u64(row->samples));
}

json_t *json_storm(const struct storm_row *s)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "row",
			 (json_int_t)s->row, "calls", json_u64(s->calls), "runs", json_u64(s->runs),
			 "contexts", json_u64(s->contexts), "longest", json_u64(s->longest),
			 "saved", json_u64(storm_saved(s)), "saved_most", json_u64(storm_most(s)),
			 "p50", json_u64(hist_percentile(s->hist, 0, s->longest, 0.5)), "p99",
			 json_u64(hist_percentile(s->hist, 0, s->longest, 0.99)), "hist",
			 json_hist(s->hist));
}

json_t *json_loss(const struct loss *loss)
{
	const struct loss_counters *e = &loss->events;
	json_t *obj = json_object();

	if (!obj)
		return NULL;
	if (put(obj, "events", json_u64(e->calls_full + e->depth + e->stale)) |
	    put(obj, "recursion_misses", json_u64(loss->recursion_misses)) |
	    put(obj, "stacks", json_u64(loss->stacks)) |
	    (loss->runs ? put(obj, "runs", json_u64(loss->runs)) : 0) |
	    put(obj, "trace_events", json_u64(loss->trace_events)) |
	    put(obj, "calls_full", json_u64(e->calls_full)) |
	    put(obj, "depth", json_u64(e->depth)) | put(obj, "stale", json_u64(e->stale)) |
	    put(obj, "rows_full", json_u64(e->rows_full)) |
	    put(obj, "procs_full", json_u64(e->procs_full)) |
	    put(obj, "orphan_dsb", json_u64(e->orphan_dsb)) |
	    put(obj, "sg_truncated", json_u64(e->sg_truncated))) {
		json_decref(obj);
		return NULL;
	}
	return obj;
}
