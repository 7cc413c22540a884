// SPDX-License-Identifier: GPL-2.0
/* Rows of an interval: found by key in constant time, added up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/interval.h>
#include "index.h"

void interval_init(struct interval *iv)
{
	memset(iv, 0, sizeof(*iv));
}

void interval_free(struct interval *iv)
{
	free(iv->rows);
	free(iv->procs);
	free(iv->stacks);
	free(iv->samples);
	free(iv->storms);
	index_free(&iv->row_index);
	index_free(&iv->proc_index);
	index_free(&iv->stack_index);
	index_free(&iv->sample_index);
	index_free(&iv->storm_index);
	interval_init(iv);
}

void interval_clear(struct interval *iv)
{
	struct interval kept = {
		.rows = iv->rows,
		.cap_rows = iv->cap_rows,
		.row_index = iv->row_index,
		.procs = iv->procs,
		.cap_procs = iv->cap_procs,
		.proc_index = iv->proc_index,
		.stacks = iv->stacks,
		.cap_stacks = iv->cap_stacks,
		.stack_index = iv->stack_index,
		.samples = iv->samples,
		.cap_samples = iv->cap_samples,
		.sample_index = iv->sample_index,
		.storms = iv->storms,
		.cap_storms = iv->cap_storms,
		.storm_index = iv->storm_index,
	};

	index_clear(&kept.row_index);
	index_clear(&kept.proc_index);
	index_clear(&kept.stack_index);
	index_clear(&kept.sample_index);
	index_clear(&kept.storm_index);
	*iv = kept;
}

/* FNV-1a, 32 bits; the terminating zero is hashed too, so that "ab","c" is not "a","bc". */
static __u32 hash_string(__u32 h, const char *s)
{
	do {
		h = (h ^ (unsigned char)*s) * 16777619u;
	} while (*s++);
	return h;
}

static __u32 hash_row(const void *element)
{
	const struct row *r = element;
	__u32 h = (2166136261u ^ r->op) * 16777619u;

	h = (h ^ r->dir) * 16777619u;
	return hash_string(hash_string(h, r->dev), r->driver);
}

static __u32 hash_proc(const void *element)
{
	return ((const struct proc_row *)element)->tgid * 2654435761u >> 7;
}

static __u32 hash_stack(const void *element)
{
	const struct stack_row *r = element;

	return ((r->row * 31 + r->stack) * 2654435761u ^ r->tgid) * 2654435761u >> 7;
}

static __u32 hash_sample(const void *element)
{
	const struct sample_row *r = element;

	return (r->stack * 2654435761u ^ r->tgid) * 2654435761u >> 7;
}

static __u32 hash_storm(const void *element)
{
	return ((const struct storm_row *)element)->row * 2654435761u >> 7;
}

static bool same_row(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	return a->op == b->op && a->dir == b->dir && !strcmp(a->dev, b->dev) &&
	       !strcmp(a->driver, b->driver);
}

static bool same_proc(const void *x, const void *y)
{
	return ((const struct proc_row *)x)->tgid == ((const struct proc_row *)y)->tgid;
}

static bool same_stack(const void *x, const void *y)
{
	const struct stack_row *a = x, *b = y;

	return a->row == b->row && a->stack == b->stack && a->tgid == b->tgid;
}

static bool same_sample(const void *x, const void *y)
{
	const struct sample_row *a = x, *b = y;

	return a->stack == b->stack && a->tgid == b->tgid;
}

static bool same_storm(const void *x, const void *y)
{
	return ((const struct storm_row *)x)->row == ((const struct storm_row *)y)->row;
}

static const struct index_kind row_kind = { sizeof(struct row), hash_row, same_row };
static const struct index_kind proc_kind = { sizeof(struct proc_row), hash_proc, same_proc };
static const struct index_kind stack_kind = { sizeof(struct stack_row), hash_stack, same_stack };
static const struct index_kind sample_kind = { sizeof(struct sample_row), hash_sample,
					       same_sample };
static const struct index_kind storm_kind = { sizeof(struct storm_row), hash_storm, same_storm };

struct row *interval_row(struct interval *iv, const struct row *like)
{
	struct row *row;
	bool found;

	row = index_find(&iv->row_index, &row_kind, (void **)&iv->rows, &iv->n_rows, &iv->cap_rows,
			 like, &found);
	if (!row || found)
		return row;
	memset(&row->sum, 0, sizeof(row->sum));
	memset(row->hist, 0, sizeof(row->hist));
	row->min_ns = row->max_ns = row->dsb_derived = 0;
	return row;
}

struct proc_row *interval_proc(struct interval *iv, __u32 tgid, const char *comm)
{
	struct proc_row like = { .tgid = tgid };
	bool found;

	snprintf(like.comm, sizeof(like.comm), "%s", comm);
	return index_find(&iv->proc_index, &proc_kind, (void **)&iv->procs, &iv->n_procs,
			  &iv->cap_procs, &like, &found);
}

struct stack_row *interval_stack(struct interval *iv, const struct stack_row *like)
{
	struct stack_row *row;
	bool found;

	row = index_find(&iv->stack_index, &stack_kind, (void **)&iv->stacks, &iv->n_stacks,
			 &iv->cap_stacks, like, &found);
	if (!row || found)
		return row;
	memset(&row->sum, 0, sizeof(row->sum));
	row->dsb_derived = 0;
	return row;
}

struct sample_row *interval_sample(struct interval *iv, const struct sample_row *like)
{
	struct sample_row *row;
	bool found;

	row = index_find(&iv->sample_index, &sample_kind, (void **)&iv->samples, &iv->n_samples,
			 &iv->cap_samples, like, &found);
	if (row && !found)
		row->samples = 0;
	return row;
}

struct storm_row *interval_storm(struct interval *iv, __u32 row)
{
	struct storm_row like = { .row = row };
	bool found;

	return index_find(&iv->storm_index, &storm_kind, (void **)&iv->storms, &iv->n_storms,
			  &iv->cap_storms, &like, &found);
}

void storm_add(struct storm_row *into, const struct storm_row *from)
{
	into->calls += from->calls;
	into->runs += from->runs;
	into->contexts += from->contexts;
	if (from->longest > into->longest)
		into->longest = from->longest;
	for (size_t b = 0; b < HIST_BUCKETS; b++)
		into->hist[b] += from->hist[b];
}

void counts_add(struct call_counts *into, const struct call_counts *from)
{
	into->calls += from->calls;
	into->entries += from->entries;
	into->bytes += from->bytes;
	into->ns += from->ns;
	into->dsb += from->dsb;
	into->bounces += from->bounces;
	into->steps += from->steps;
	into->unsized += from->unsized;
	into->bounced_calls += from->bounced_calls;
	into->bounced_entries += from->bounced_entries;
	into->empty_calls += from->empty_calls;
	into->failed += from->failed;
	into->failed_entries += from->failed_entries;
	into->failed_partial += from->failed_partial;
	into->chained += from->chained;
}

void row_add(struct row *into, const struct row *from)
{
	size_t b;

	if (from->sum.calls) {
		if (!into->sum.calls || from->min_ns < into->min_ns)
			into->min_ns = from->min_ns;
		if (from->max_ns > into->max_ns)
			into->max_ns = from->max_ns;
	}
	counts_add(&into->sum, &from->sum);
	into->dsb_derived += from->dsb_derived;
	into->dsb_derived_known &= from->dsb_derived_known;
	for (b = 0; b < HIST_BUCKETS; b++)
		into->hist[b] += from->hist[b];
}

void loss_add(struct loss *into, const struct loss *from)
{
	into->events.calls_full += from->events.calls_full;
	into->events.depth += from->events.depth;
	into->events.stale += from->events.stale;
	into->events.rows_full += from->events.rows_full;
	into->events.procs_full += from->events.procs_full;
	into->events.orphan_dsb += from->events.orphan_dsb;
	into->events.sg_truncated += from->events.sg_truncated;
	into->recursion_misses += from->recursion_misses;
	into->stacks += from->stacks;
	into->runs += from->runs;
	into->trace_events += from->trace_events;
}

static int add_procs(struct interval *into, const struct interval *from)
{
	struct proc_row *proc;
	size_t i;

	for (i = 0; i < from->n_procs; i++) {
		proc = interval_proc(into, from->procs[i].tgid, from->procs[i].comm);
		if (!proc)
			return -ENOMEM;
		counts_add(&proc->sum, &from->procs[i].sum);
		proc->dsb_derived += from->procs[i].dsb_derived;
	}
	return 0;
}

static int add_stacks(struct interval *into, const struct interval *from)
{
	size_t i;

	for (i = 0; i < from->n_stacks; i++) {
		struct stack_row like = from->stacks[i], *row;
		struct row *of = interval_row(into, &from->rows[like.row]);

		if (!of)
			return -ENOMEM;
		like.row = of - into->rows;
		row = interval_stack(into, &like);
		if (!row)
			return -ENOMEM;
		counts_add(&row->sum, &from->stacks[i].sum);
		row->dsb_derived += from->stacks[i].dsb_derived;
	}
	return 0;
}

static int add_samples(struct interval *into, const struct interval *from)
{
	struct sample_row *row;
	size_t i;

	for (i = 0; i < from->n_samples; i++) {
		row = interval_sample(into, &from->samples[i]);
		if (!row)
			return -ENOMEM;
		row->samples += from->samples[i].samples;
	}
	return 0;
}

static int add_storms(struct interval *into, const struct interval *from)
{
	struct storm_row *storm;
	struct row *of;

	for (size_t i = 0; i < from->n_storms; i++) {
		of = interval_row(into, &from->rows[from->storms[i].row]);
		storm = of ? interval_storm(into, of - into->rows) : NULL;
		if (!storm)
			return -ENOMEM;
		storm_add(storm, &from->storms[i]);
	}
	return 0;
}

int interval_add(struct interval *into, const struct interval *from)
{
	struct row *row;
	size_t i;

	for (i = 0; i < from->n_rows; i++) {
		row = interval_row(into, &from->rows[i]);
		if (!row)
			return -ENOMEM;
		row_add(row, &from->rows[i]);
	}
	if (from->t_ns > into->t_ns)
		into->t_ns = from->t_ns;
	into->dur_ns += from->dur_ns;
	into->merged += from->merged ? from->merged : 1;
	into->has_procs |= from->has_procs;
	into->has_stacks |= from->has_stacks;
	into->has_samples |= from->has_samples;
	into->has_storms |= from->has_storms;
	into->has_pmu |= from->has_pmu;
	into->pmu_dsb += from->pmu_dsb;
	loss_add(&into->loss, &from->loss);
	if (add_procs(into, from) || add_stacks(into, from) || add_storms(into, from))
		return -ENOMEM;
	return add_samples(into, from);
}

__u64 loss_total(const struct loss *loss)
{
	return loss->events.calls_full + loss->events.depth + loss->events.stale +
	       loss->recursion_misses + loss->stacks + loss->trace_events;
}

__u64 loss_inexact(const struct loss *loss)
{
	return loss->events.rows_full + loss->events.procs_full + loss->events.orphan_dsb +
	       loss->events.sg_truncated + loss->runs;
}

__u64 row_dsb(const struct row *row, bool counting, enum flavour flavour, enum dsb_source *src)
{
	if (flavour == FLAVOUR_NONE || op_is_chain(row->op)) {
		*src = DSB_NONE;
		return 0;
	}
	if (counting) {
		*src = DSB_COUNTED;
		return row->sum.dsb;
	}
	if (flavour == FLAVOUR_UNKNOWN || !row->dsb_derived_known) {
		*src = DSB_UNKNOWN;
		return 0;
	}
	*src = DSB_DERIVED;
	return row->dsb_derived;
}
