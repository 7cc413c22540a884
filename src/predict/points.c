// SPDX-License-Identifier: GPL-2.0
/* Captures, row by row, as points that a line can be laid through. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/log.h>
#include "parts.h"

void predict_options_init(struct predict_options *opt)
{
	*opt = (struct predict_options){
		.flavour = FLAVOUR_DMASYNC_BATCHED,
		.wait_ns = -1,
		.line_ns = -1,
		.points = PREDICT_POINTS,
	};
}

void predict_init(struct predict *p, const struct predict_options *opt)
{
	memset(p, 0, sizeof(*p));
	p->opt = opt;
	interval_init(&p->keys);
}

void predict_free(struct predict *p)
{
	size_t i;

	for (i = 0; i < p->n_rows; i++) {
		free(p->rows[i]->points);
		free(p->rows[i]);
	}
	for (i = 0; i < p->n_runs; i++)
		free(p->runs[i].path);
	free(p->rows);
	free(p->by_key);
	free(p->runs);
	interval_free(&p->keys);
	predict_init(p, p->opt);
}

int predict_run_add(struct predict *p, const char *path, const struct capture_info *info)
{
	struct predict_run *run;
	size_t cap, i;

	if (p->n_runs == p->cap_runs) {
		cap = p->cap_runs ? 2 * p->cap_runs : 4;
		run = realloc(p->runs, cap * sizeof(*run));
		if (!run)
			return -ENOMEM;
		p->runs = run;
		p->cap_runs = cap;
	}
	run = &p->runs[p->n_runs];
	memset(run, 0, sizeof(*run));
	run->path = strdup(path);
	if (!run->path)
		return -ENOMEM;
	run->info = *info;
	p->n_runs++;
	for (i = 0; i < p->n_rows; i++) {
		p->rows[i]->run_from = p->rows[i]->n;
		p->rows[i]->per_point = 1;
		p->rows[i]->in_last = 1; /* the newest point is another capture's: complete */
	}
	return 0;
}

/* A row without points for the key of @like. */
static struct predict_row *row_new(struct predict *p, const struct row *like)
{
	struct predict_row **rows, *row;
	size_t cap = p->cap_rows ? 2 * p->cap_rows : 16;

	if (p->n_rows == p->cap_rows) {
		rows = realloc(p->rows, cap * sizeof(*rows));
		if (!rows)
			return NULL;
		p->rows = rows;
		rows = realloc(p->by_key, cap * sizeof(*rows));
		if (!rows)
			return NULL;
		p->by_key = rows;
		p->cap_rows = cap;
	}
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->sum = *like;
	memset(&row->sum.sum, 0, sizeof(row->sum.sum));
	memset(row->sum.hist, 0, sizeof(row->sum.hist));
	row->sum.dsb_derived = 0;
	row->sum.min_ns = row->sum.max_ns = 0;
	row->elsewhere = row->sum;
	row->per_point = 1;
	p->rows[p->n_rows] = p->by_key[p->n_rows] = row;
	p->n_rows++;
	return row;
}

static struct predict_row *row_of(struct predict *p, const struct row *like)
{
	size_t had = p->keys.n_rows;
	struct row *key = interval_row(&p->keys, like);

	if (!key)
		return NULL;
	return p->keys.n_rows == had ? p->by_key[key - p->keys.rows] : row_new(p, like);
}

static void point_add(struct predict_point *to, const struct predict_point *from)
{
	to->calls += from->calls;
	to->entries += from->entries;
	to->lines += from->lines;
	to->ns += from->ns;
}

/* Every two points of the newest capture become one. */
static void halve(struct predict_row *row)
{
	struct predict_point *pt = row->points + row->run_from;
	size_t n = row->n - row->run_from, i;

	for (i = 0; i < n / 2; i++) {
		pt[i] = pt[2 * i];
		point_add(&pt[i], &pt[2 * i + 1]);
	}
	row->n = row->run_from + n / 2;
	row->per_point *= 2;
}

static int row_add_point(struct predict_row *row, const struct predict_point *pt, unsigned int most)
{
	struct predict_point *grown;
	size_t cap;

	if (row->n > row->run_from && row->in_last < row->per_point) {
		point_add(&row->points[row->n - 1], pt);
		row->in_last++;
		return 0;
	}
	if (row->n - row->run_from >= most)
		halve(row);
	if (row->n == row->cap) {
		cap = row->cap ? 2 * row->cap : 32;
		grown = realloc(row->points, cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		row->points = grown;
		row->cap = cap;
	}
	row->points[row->n++] = *pt;
	row->in_last = 1;
	return 0;
}

/*
 * Times of a capture with probes inside the calls are its own affair; its rows of the arch level
 * are what it is for.
 */
static bool tells_times(const struct header *hdr, enum op op)
{
	return op_is_arch(op) || (hdr->level == LEVEL_API && !hdr->exact);
}

static int add_row(struct predict *p, struct predict_run *run, const struct row *from)
{
	const struct header *hdr = &run->info.hdr;
	double floor_ns = hdr->cost.valid ? hdr->cost.floor_ns : 0;
	struct predict_row *row = row_of(p, from);
	struct predict_point pt = { .run = p->n_runs - 1, .at = run->intervals };

	if (!row)
		return -ENOMEM;
	if (!tells_times(hdr, from->op)) {
		row_add(&row->elsewhere, from);
		return 0;
	}
	row_add(&row->sum, from);
	/* Entries that a barrier waits for are in derive_dsb()'s hands, these are of calls. */
	pt.calls = from->sum.calls;
	pt.entries = from->sum.entries;
	pt.lines = from->sum.bytes / PREDICT_LINE;
	pt.ns = from->sum.ns - floor_ns * from->sum.calls;
	row->ns += pt.ns;
	row->no_bytes |= !hdr->bytes && OP_IS_LIST(from->op);
	return pt.calls > 0 ? row_add_point(row, &pt, p->opt->points) : 0;
}

int predict_add(struct predict *p, const struct interval *iv)
{
	struct predict_run *run = &p->runs[p->n_runs - 1];
	int err = 0;
	size_t i;

	for (i = 0; !err && i < iv->n_rows; i++)
		err = add_row(p, run, &iv->rows[i]);
	loss_add(&run->loss, &iv->loss);
	run->dur_ns += iv->dur_ns;
	run->intervals++;
	return err;
}

bool predict_add_live(struct predict *p, const struct interval *iv)
{
	if (p->n_runs && iv->n_rows <= PREDICT_LIVE_ROWS && !predict_add(p, iv) &&
	    p->n_rows <= PREDICT_LIVE_ROWS)
		return true;
	predict_free(p);
	return false;
}

struct load {
	struct predict *p;
	bool begun;
};

static int load_interval(void *ctx, const struct capture *cap, const struct interval *iv)
{
	struct load *load = ctx;
	int err = 0;

	if (!load->begun)
		err = predict_run_add(load->p, capture_path(cap), capture_info(cap));
	load->begun = true;
	err = err ?: predict_add(load->p, iv);
	if (err)
		log_error("%s: out of memory for its rows", capture_path(cap));
	return err;
}

int predict_load(struct predict *p, const char *path)
{
	struct load load = { .p = p };
	struct capture *cap = NULL;
	struct predict_run *run;
	struct interval total;
	int err;

	interval_init(&total);
	err = capture_read(path, &total, load_interval, &load, &cap);
	if (!err && !load.begun) {
		log_error("%s: holds no interval, so there is nothing to predict from; record for "
			  "longer",
			  path);
		err = -ENODATA;
	}
	if (!err && capture_cut_off(cap)) {
		run = &p->runs[p->n_runs - 1];
		snprintf(run->cut_off, sizeof(run->cut_off), "%s", capture_cut_off(cap));
	}
	capture_free(cap);
	interval_free(&total);
	return err;
}
