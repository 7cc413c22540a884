// SPDX-License-Identifier: GPL-2.0
/* Runs and their rows, interval by interval. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parts.h"

void compare_init(struct compare *c, const struct compare_options *opt)
{
	memset(c, 0, sizeof(*c));
	c->opt = opt;
	interval_init(&c->keys);
	interval_init(&c->storm_keys);
}

static void run_row_free(struct run_row *row)
{
	if (!row)
		return;
	free(row->ns);
	free(row->calls);
	free(row->entries);
	free(row);
}

static void run_free(struct compare_run *run)
{
	size_t i;

	for (i = 0; i < run->n_rows; i++)
		run_row_free(run->rows[i]);
	free(run->rows);
	free(run->drivers);
	free(run->places);
	free(run->path);
	free(run);
}

void compare_free(struct compare *c)
{
	size_t i;

	for (i = 0; i < c->n_runs; i++)
		run_free(c->runs[i]);
	for (i = 0; i < c->n_notes; i++)
		free(c->notes[i].text);
	free(c->runs);
	free(c->side[BEFORE].runs);
	free(c->side[AFTER].runs);
	free(c->rows);
	free(c->notes);
	free(c->storms);
	stack_table_free(&c->places);
	interval_free(&c->storm_keys);
	interval_free(&c->keys);
	compare_init(c, c->opt);
}

struct compare_run *compare_run_new(struct compare *c, const char *path,
				    const struct capture_info *info)
{
	struct compare_run **runs, *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	runs = realloc(c->runs, (c->n_runs + 1) * sizeof(*runs));
	if (runs)
		c->runs = runs;
	run->path = strdup(path);
	if (!runs || !run->path) {
		run_free(run);
		return NULL;
	}
	run->info = *info;
	run->dsb_known = true;
	c->runs[c->n_runs++] = run;
	return run;
}

void compare_run_drop(struct compare *c)
{
	run_free(c->runs[--c->n_runs]);
}

bool compare_same_run(const struct compare_run *a, const struct compare_run *b)
{
	return a->info.boot_id[0] && !strcmp(a->info.boot_id, b->info.boot_id) &&
	       a->info.start_ns == b->info.start_ns;
}

int compare_side_add(struct compare *c, enum side side, struct compare_run *run)
{
	size_t n = c->side[side].n;
	struct compare_run **runs = realloc(c->side[side].runs, (n + 1) * sizeof(*runs));

	if (!runs)
		return -ENOMEM;
	c->side[side].runs = runs;
	c->side[side].n = n + 1;
	/* Runs in the order of time: what drifts shows. */
	for (; n > 0 && runs[n - 1]->info.start_ns > run->info.start_ns; n--)
		runs[n] = runs[n - 1];
	runs[n] = run;
	return 0;
}

static bool device_matches(const char *patterns, const char *dev)
{
	char one[DEV_NAME_LEN * 2];
	size_t len;

	for (;; patterns += len + 1) {
		len = strcspn(patterns, ",");
		snprintf(one, sizeof(one), "%.*s", (int)len, patterns);
		if (!fnmatch(one, dev, 0))
			return true;
		if (!patterns[len])
			return false;
	}
}

bool row_wanted(const struct compare_options *opt, const struct row *row)
{
	return (!opt->ops || opt->ops & 1u << row->op) &&
	       (!opt->device || device_matches(opt->device, row->dev));
}

/* The run's row for @row, made when it is the first; NULL: out of memory. */
static struct run_row *find_row(struct compare *c, struct compare_run *run, const struct row *row)
{
	struct row like = { .op = row->op, .dir = c->opt->by_dir ? row->dir : DIR_COUNT };
	struct run_row **rows;
	struct row *key;
	size_t at;

	memcpy(like.dev, row->dev, sizeof(like.dev));
	key = interval_row(&c->keys, &like);
	if (!key)
		return NULL;
	at = key - c->keys.rows;
	if (at >= run->n_rows) {
		rows = realloc(run->rows, (at + 1) * sizeof(*rows));
		if (!rows)
			return NULL;
		memset(rows + run->n_rows, 0, (at + 1 - run->n_rows) * sizeof(*rows));
		run->rows = rows;
		run->n_rows = at + 1;
	}
	if (!run->rows[at])
		run->rows[at] = calloc(1, sizeof(**run->rows));
	return run->rows[at];
}

static int grow(double **v, size_t cap)
{
	double *more = realloc(*v, cap * sizeof(*more));

	if (!more)
		return -ENOMEM;
	*v = more;
	return 0;
}

/* Two by two become one: twice the intervals have room then. */
static void halve(struct run_row *to)
{
	size_t i;

	for (i = 0; i < to->n / 2; i++) {
		to->ns[i] = to->ns[2 * i] + to->ns[2 * i + 1];
		to->calls[i] = to->calls[2 * i] + to->calls[2 * i + 1];
		to->entries[i] = to->entries[2 * i] + to->entries[2 * i + 1];
	}
	to->n /= 2;
	to->per_point *= 2;
}

static int new_point(struct run_row *to)
{
	size_t cap = to->cap ? to->cap * 2 : 32;

	if (to->n == COMPARE_POINTS)
		halve(to);
	if (to->n == to->cap) {
		if (grow(&to->ns, cap) || grow(&to->calls, cap) || grow(&to->entries, cap))
			return -ENOMEM;
		to->cap = cap;
	}
	to->ns[to->n] = to->calls[to->n] = to->entries[to->n] = 0;
	to->n++;
	to->in_last = 0;
	return 0;
}

/* Directions and drivers of one row are of one point; so are intervals, in a long run. */
static int add_point(struct run_row *to, const struct call_counts *sum, bool same_interval)
{
	if (!to->per_point)
		to->per_point = 1;
	if (!same_interval) {
		if ((!to->n || to->in_last == to->per_point) && new_point(to))
			return -ENOMEM;
		to->in_last++;
	}
	to->ns[to->n - 1] += sum->ns;
	to->calls[to->n - 1] += sum->calls;
	to->entries[to->n - 1] += sum->entries;
	return 0;
}

/* The row's descriptions are those of the first; barriers are known only if they always are. */
static void add_sums(struct run_row *to, const struct row *row, __u64 dsb, enum dsb_source source)
{
	/* Not by the driver's name: a device may have none. */
	if (!to->sum.sum.calls) {
		memcpy(to->sum.driver, row->driver, sizeof(to->sum.driver));
		to->sum.coherent = row->coherent;
		to->sum.iommu = row->iommu;
		to->dsb_source = source;
	}
	if (to->dsb_source != source)
		to->dsb_source = DSB_UNKNOWN;
	row_add(&to->sum, row);
	to->dsb += dsb;
	to->dir_calls[row->dir] += row->sum.calls;
}

static int add_row(struct compare *c, struct compare_run *run, const struct row *row)
{
	const struct header *hdr = &run->info.hdr;
	enum dsb_source source;
	__u64 dsb = row_dsb(row, hdr->exact, hdr->flavour, &source);
	struct run_row *to;

	if (!op_is_arch(row->op) && !op_is_chain(row->op)) {
		run->api_ns += row->sum.ns;
		run->api_dsb += dsb;
		run->dsb_known &= source == DSB_DERIVED || source == DSB_COUNTED;
	}
	if (op_is_chain(row->op))
		run->chain_ns += row->sum.ns;
	if (!row->sum.calls || row->op == OP_CALIBRATE || !row_wanted(c->opt, row))
		return 0;
	to = find_row(c, run, row);
	if (!to)
		return -ENOMEM;
	add_sums(to, row, dsb, source);
	if (add_point(to, &row->sum, to->n && to->last == run->intervals))
		return -ENOMEM;
	to->last = run->intervals;
	return 0;
}

int compare_run_add(struct compare *c, struct compare_run *run, const struct interval *iv)
{
	int err = 0;
	size_t i;

	run->intervals++;
	run->dur_ns += iv->dur_ns;
	loss_add(&run->loss, &iv->loss);
	for (i = 0; !err && i < iv->n_rows; i++)
		err = add_row(c, run, &iv->rows[i]);
	return err;
}
