// SPDX-License-Identifier: GPL-2.0
/* Takes finished intervals out of the BPF maps, each one complete and exactly once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "dmasync/bank.h"
#include "dmasync/clock.h"
#include "dmasync/log.h"

#define CHUNK 128 /* rows a system call: 150 KiB */

struct bank_reader {
	const struct attachment *at;
	unsigned int cpus, max_rows; /* numbers that CPUs may have; rows */
	int possible_cpus;	     /* as many values has a key of a per-CPU map */
	int inner, outer;	     /* map in map, for wait_for_programs() */
	struct row_info *infos;
	struct row_value values[CHUNK], zero[CHUNK];
	__u32 keys[CHUNK], clear[CHUNK];
	struct proc_value *proc_values; /* one for each CPU */
	struct storm_value *storm_values;
};

int bank_open(const struct attachment *at, unsigned int cpus, unsigned int max_rows,
	      struct bank_reader **out)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	struct bank_reader *b = calloc(1, sizeof(*b));

	if (!b)
		goto no_memory;
	b->at = at;
	b->inner = b->outer = -1;
	b->cpus = cpus;
	b->possible_cpus = libbpf_num_possible_cpus();
	if (b->possible_cpus < 0) {
		int err = b->possible_cpus;

		log_error("cannot tell how many CPUs there may be: %s", strerror(-err));
		bank_close(b);
		return err;
	}
	b->max_rows = max_rows;
	b->infos = calloc(max_rows, sizeof(*b->infos));
	b->proc_values = calloc(b->possible_cpus, sizeof(*b->proc_values));
	b->storm_values = calloc(b->possible_cpus, sizeof(*b->storm_values));
	if (!b->infos || !b->proc_values || !b->storm_values)
		goto no_memory;
	b->inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "wait_inner", 4, 4, 1, NULL);
	opts.inner_map_fd = b->inner;
	if (b->inner >= 0)
		b->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "wait_outer", 4, 4, 1, &opts);
	if (b->outer < 0) {
		int err = -errno;

		log_error("cannot create the map that waits for running programs: %s",
			  strerror(errno));
		bank_close(b);
		return err;
	}
	*out = b;
	return 0;

no_memory:
	log_error("out of memory for %u rows; try a smaller --max-rows", max_rows);
	bank_close(b);
	return -ENOMEM;
}

void bank_close(struct bank_reader *b)
{
	if (!b)
		return;
	if (b->inner >= 0)
		close(b->inner);
	if (b->outer >= 0)
		close(b->outer);
	free(b->infos);
	free(b->proc_values);
	free(b->storm_values);
	free(b);
}

/*
 * An update of a map in map returns only when no program uses the old map any more: the kernel
 * waits for an RCU grace period (since 4.20, commit 1ae80cf31938), and programs run under RCU.
 */
static int wait_for_programs(struct bank_reader *b)
{
	__u32 key = 0;

	if (!bpf_map_update_elem(b->outer, &key, &b->inner, BPF_ANY))
		return 0;
	log_error("cannot wait for running BPF programs: %s", strerror(errno));
	return -errno;
}

/*
 * Info of @row, which a finished program has used: its describer is done, and it never changes.
 * NULL after a message.
 */
static const struct row_info *row_info(struct bank_reader *b, unsigned int row)
{
	struct row_info *info = &b->infos[row];

	if (row < ROWS_RESERVED) {
		info->tag = ROW_RESERVED_TAG(row);
		info->flags = DEV_FLAGS_UNKNOWN;
	} else if (!info->dev && bpf_map_lookup_elem(b->at->row_infos, &row, info)) {
		log_error("cannot read what row %u is about: %s", row, strerror(errno));
		return NULL;
	}
	return info;
}

/* Reads @n values from index @at on into b->values. */
static int read_values(struct bank_reader *b, __u32 at, __u32 n)
{
	__u32 before = at - 1, next, count = n;

	if (!bpf_map_lookup_batch(b->at->row_values, at ? &before : NULL, &next, b->keys, b->values,
				  &count, NULL) ||
	    (errno == ENOENT && count == n))
		return 0;
	log_error("cannot read the counters: %s", strerror(errno));
	return -errno;
}

static int clear_values(struct bank_reader *b, __u32 n)
{
	if (!n || !bpf_map_update_batch(b->at->row_values, b->clear, b->zero, &n, NULL))
		return 0;
	log_error("cannot clear the counters: %s", strerror(errno));
	return -errno;
}

/* Fills in what BPF leaves to the reader; false: nothing happened in it. */
static bool value_complete(struct row_value *v)
{
	/* A call with no entries is counted as such. */
	if (!v->sum.entries && !v->sum.empty_calls && !v->sum.failed)
		return false;
	for (int i = 0; i < HIST_BUCKETS; i++)
		v->sum.calls += v->hist[i];
	return true;
}

/* Visits and clears the values of the bank that begins at @base: each row has one for each CPU. */
static int take_rows(struct bank_reader *b, __u32 base, unsigned int n_rows,
		     const struct bank_visitor *visit)
{
	unsigned int all = n_rows * b->cpus;
	int err = 0;

	for (unsigned int at = 0; at < all && !err; at += CHUNK) {
		unsigned int n = all - at < CHUNK ? all - at : CHUNK, used = 0;

		err = read_values(b, base + at, n);
		for (unsigned int i = 0; i < n && !err; i++) {
			unsigned int row = (at + i) / b->cpus;
			const struct row_info *info;

			if (!value_complete(&b->values[i]))
				continue;
			b->clear[used++] = base + at + i;
			info = row_info(b, row);
			err = info ? visit->row(visit->ctx, row, info, &b->values[i]) : -EIO;
		}
		err = err ?: clear_values(b, used);
	}
	return err;
}

static void add_value(struct proc_value *into, const struct proc_value *from)
{
	__u64 *a = (__u64 *)&into->sum;
	const __u64 *b = (const __u64 *)&from->sum;

	for (size_t i = 0; i < sizeof(into->sum) / sizeof(*a); i++)
		a[i] += b[i];
	if (!into->comm[0])
		memcpy(into->comm, from->comm, sizeof(into->comm));
}

/* A hash with values for each CPU whose keys end in a struct proc_key. */
struct table {
	int map;
	size_t key_size;
	int (*visit)(struct bank_reader *b, const struct bank_visitor *visit, const void *key,
		     const struct proc_value *v);
};

#define TABLE_KEY_MAX sizeof(struct stack_key)

static const struct proc_key *key_where(const struct table *t, const void *key)
{
	return (const void *)((const char *)key + t->key_size - sizeof(struct proc_key));
}

static int visit_element(struct bank_reader *b, const struct table *t,
			 const struct bank_visitor *visit, const void *key)
{
	struct proc_value sum = { 0 };

	if (bpf_map_lookup_elem(t->map, key, b->proc_values))
		return 0;
	for (int cpu = 0; cpu < b->possible_cpus; cpu++)
		add_value(&sum, &b->proc_values[cpu]);
	return t->visit(b, visit, key, &sum);
}

/* Entries of the bank are read and deleted; those of the other bank are being filled. */
static int take_table(struct bank_reader *b, const struct table *t, __u32 bank,
		      const struct bank_visitor *visit)
{
	_Alignas(8) char key[TABLE_KEY_MAX], next[TABLE_KEY_MAX];
	void *prev = NULL;
	int err = 0;

	while (!err && !bpf_map_get_next_key(t->map, prev, next)) {
		/* Deleting the previous key only now keeps the iteration in its place. */
		if (prev && key_where(t, prev)->bank == bank)
			bpf_map_delete_elem(t->map, prev);
		memcpy(key, next, t->key_size);
		prev = key;
		if (key_where(t, key)->bank == bank && key_where(t, key)->row < b->max_rows)
			err = visit_element(b, t, visit, key);
	}
	if (prev && key_where(t, prev)->bank == bank)
		bpf_map_delete_elem(t->map, prev);
	return err;
}

static int visit_proc(struct bank_reader *b, const struct bank_visitor *visit, const void *key,
		      const struct proc_value *v)
{
	const struct proc_key *k = key;
	const struct row_info *info = row_info(b, k->row);

	return info ? visit->proc(visit->ctx, info, k->tgid, v) : -EIO;
}

static int visit_stack(struct bank_reader *b, const struct bank_visitor *visit, const void *key,
		       const struct proc_value *v)
{
	const struct stack_key *k = key;
	const struct row_info *info = row_info(b, k->where.row);

	return info ? visit->stack(visit->ctx, k->where.row, info, k, v) : -EIO;
}

static int visit_sample(struct bank_reader *b, const struct bank_visitor *visit, const void *key,
			const struct proc_value *v)
{
	return visit->sample(visit->ctx, key, v);
}

static int take_tables(struct bank_reader *b, __u32 bank, const struct bank_visitor *visit)
{
	const struct table tables[] = {
		{ visit->proc ? b->at->procs : -1, sizeof(struct proc_key), visit_proc },
		{ visit->stack ? b->at->stack_counts : -1, sizeof(struct stack_key), visit_stack },
		{ visit->sample ? b->at->samples : -1, sizeof(struct stack_key), visit_sample },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !err; i++)
		if (tables[i].map >= 0)
			err = take_table(b, &tables[i], bank, visit);
	return err;
}

static int visit_storm(struct bank_reader *b, const struct storm_key *key,
		       const struct bank_visitor *visit)
{
	const struct row_info *info = row_info(b, key->row);
	struct storm_value sum = { 0 };

	if (!info)
		return -EIO;
	if (bpf_map_lookup_elem(b->at->storm_values, key, b->storm_values))
		return 0;
	for (int cpu = 0; cpu < b->possible_cpus; cpu++) {
		const struct storm_value *v = &b->storm_values[cpu];

		sum.calls += v->calls;
		sum.runs += v->runs;
		sum.contexts += v->contexts;
		if (v->longest > sum.longest)
			sum.longest = v->longest;
		for (int i = 0; i < STORM_BUCKETS; i++)
			sum.hist[i] += v->hist[i];
	}
	return visit->storm(visit->ctx, key->row, info, &sum);
}

/* As take_table(): of another kind of key and value. */
static int take_storms(struct bank_reader *b, __u32 bank, const struct bank_visitor *visit)
{
	int map = b->at->storm_values, err = 0;
	struct storm_key key, next;
	bool old = false, more;

	if (map < 0 || !visit->storm)
		return 0;
	more = !bpf_map_get_next_key(map, NULL, &next);
	while (more && !err) {
		key = next;
		old = key.bank == bank;
		if (old && key.row < b->max_rows)
			err = visit_storm(b, &key, visit);
		more = !bpf_map_get_next_key(map, &key, &next);
		if (old)
			bpf_map_delete_elem(map, &key);
	}
	return err;
}

int bank_take(struct bank_reader *b, const struct bank_visitor *visit, __u64 *flipped_ns)
{
	struct session_state *state = b->at->state;
	__u32 bank = state->bank & 1;
	unsigned int n_rows;
	int err;

	*flipped_ns = clock_ns();
	state->bank = bank ^ 1;
	__atomic_store_n(&state->intervals, state->intervals + 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&state->base, state->bank * b->cpus * b->max_rows, __ATOMIC_SEQ_CST);
	err = wait_for_programs(b);
	if (err)
		return err;
	n_rows = __atomic_load_n(&state->n_rows, __ATOMIC_ACQUIRE);
	if (n_rows > b->max_rows)
		n_rows = b->max_rows;
	err = take_rows(b, bank * b->cpus * b->max_rows, n_rows, visit);
	err = err ?: take_tables(b, bank, visit);
	return err ?: take_storms(b, bank, visit);
}
