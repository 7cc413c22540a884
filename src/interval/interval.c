// SPDX-License-Identifier: GPL-2.0
/* Rows of an interval: found by key in constant time, added up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/interval.h>

#define INDEX_MIN 64

void interval_init(struct interval *iv)
{
	memset(iv, 0, sizeof(*iv));
}

void interval_free(struct interval *iv)
{
	free(iv->rows);
	free(iv->row_index);
	free(iv->procs);
	free(iv->proc_index);
	interval_init(iv);
}

void interval_clear(struct interval *iv)
{
	struct interval kept = {
		.rows = iv->rows,
		.cap_rows = iv->cap_rows,
		.row_index = iv->row_index,
		.index_size = iv->index_size,
		.procs = iv->procs,
		.cap_procs = iv->cap_procs,
		.proc_index = iv->proc_index,
		.proc_index_size = iv->proc_index_size,
	};

	if (kept.row_index)
		memset(kept.row_index, 0, kept.index_size * sizeof(*kept.row_index));
	if (kept.proc_index)
		memset(kept.proc_index, 0, kept.proc_index_size * sizeof(*kept.proc_index));
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

static __u32 hash_row(const struct row *r)
{
	__u32 h = (2166136261u ^ r->op) * 16777619u;

	h = (h ^ r->dir) * 16777619u;
	return hash_string(hash_string(h, r->dev), r->driver);
}

static __u32 hash_tgid(__u32 tgid)
{
	return tgid * 2654435761u >> 7;
}

static bool same_key(const struct row *a, const struct row *b)
{
	return a->op == b->op && a->dir == b->dir && !strcmp(a->dev, b->dev) &&
	       !strcmp(a->driver, b->driver);
}

/* Makes room for one more element of @size bytes behind @n; new memory is not cleared. */
static int reserve(void **array, size_t *cap, size_t n, size_t size)
{
	size_t new_cap = *cap ? *cap * 2 : 16;
	void *p;

	if (n < *cap)
		return 0;
	p = reallocarray(*array, new_cap, size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*cap = new_cap;
	return 0;
}

static void index_put(__u32 *index, size_t size, __u32 hash, size_t pos)
{
	size_t i = hash & (size - 1);

	while (index[i])
		i = (i + 1) & (size - 1);
	index[i] = pos + 1;
}

static int grow_row_index(struct interval *iv)
{
	size_t size = iv->index_size ? iv->index_size * 2 : INDEX_MIN, i;
	__u32 *index;

	if ((iv->n_rows + 1) * 2 <= iv->index_size)
		return 0;
	index = calloc(size, sizeof(*index));
	if (!index)
		return -ENOMEM;
	for (i = 0; i < iv->n_rows; i++)
		index_put(index, size, hash_row(&iv->rows[i]), i);
	free(iv->row_index);
	iv->row_index = index;
	iv->index_size = size;
	return 0;
}

static int grow_proc_index(struct interval *iv)
{
	size_t size = iv->proc_index_size ? iv->proc_index_size * 2 : INDEX_MIN, i;
	__u32 *index;

	if ((iv->n_procs + 1) * 2 <= iv->proc_index_size)
		return 0;
	index = calloc(size, sizeof(*index));
	if (!index)
		return -ENOMEM;
	for (i = 0; i < iv->n_procs; i++)
		index_put(index, size, hash_tgid(iv->procs[i].tgid), i);
	free(iv->proc_index);
	iv->proc_index = index;
	iv->proc_index_size = size;
	return 0;
}

struct row *interval_row(struct interval *iv, const struct row *like)
{
	__u32 hash = hash_row(like);
	struct row *row;
	size_t i;

	if (grow_row_index(iv))
		return NULL;
	i = hash & (iv->index_size - 1);
	for (; iv->row_index[i]; i = (i + 1) & (iv->index_size - 1)) {
		row = &iv->rows[iv->row_index[i] - 1];
		if (same_key(row, like))
			return row;
	}
	if (reserve((void **)&iv->rows, &iv->cap_rows, iv->n_rows, sizeof(*iv->rows)))
		return NULL;
	row = &iv->rows[iv->n_rows];
	*row = *like;
	memset(&row->sum, 0, sizeof(row->sum));
	memset(row->hist, 0, sizeof(row->hist));
	row->min_ns = row->max_ns = row->dsb_derived = 0;
	iv->row_index[i] = ++iv->n_rows;
	return row;
}

struct proc_row *interval_proc(struct interval *iv, __u32 tgid, const char *comm)
{
	struct proc_row *proc;
	size_t i;

	if (grow_proc_index(iv))
		return NULL;
	i = hash_tgid(tgid) & (iv->proc_index_size - 1);
	for (; iv->proc_index[i]; i = (i + 1) & (iv->proc_index_size - 1)) {
		proc = &iv->procs[iv->proc_index[i] - 1];
		if (proc->tgid == tgid)
			return proc;
	}
	if (reserve((void **)&iv->procs, &iv->cap_procs, iv->n_procs, sizeof(*iv->procs)))
		return NULL;
	proc = &iv->procs[iv->n_procs];
	memset(proc, 0, sizeof(*proc));
	proc->tgid = tgid;
	strncpy(proc->comm, comm, sizeof(proc->comm) - 1);
	iv->proc_index[i] = ++iv->n_procs;
	return proc;
}

void counts_add(struct call_counts *into, const struct call_counts *from)
{
	into->calls += from->calls;
	into->entries += from->entries;
	into->bytes += from->bytes;
	into->ns += from->ns;
	into->dsb += from->dsb;
	into->bounces += from->bounces;
	into->bounced_calls += from->bounced_calls;
	into->bounced_entries += from->bounced_entries;
	into->empty_calls += from->empty_calls;
	into->failed += from->failed;
	into->failed_entries += from->failed_entries;
	into->failed_partial += from->failed_partial;
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
	into->has_pmu |= from->has_pmu;
	into->pmu_dsb += from->pmu_dsb;
	loss_add(&into->loss, &from->loss);
	return add_procs(into, from);
}

__u64 loss_total(const struct loss *loss)
{
	return loss->events.calls_full + loss->events.depth + loss->events.stale +
	       loss->recursion_misses + loss->stacks;
}

__u64 loss_inexact(const struct loss *loss)
{
	return loss->events.rows_full + loss->events.procs_full + loss->events.orphan_dsb +
	       loss->events.sg_truncated;
}

__u64 row_dsb(const struct row *row, bool counting, enum flavour flavour, enum dsb_source *src)
{
	if (flavour == FLAVOUR_NONE) {
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
