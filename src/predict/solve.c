// SPDX-License-Identifier: GPL-2.0
/* Which fit tells most of a row, what the rows add up to, and what cannot be told. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/filter.h>
#include "parts.h"

/* ---- rows ---- */

static bool has_own_times(const struct fit_row *f)
{
	return f->loop && OP_IS_LIST(f->row->sum.op) && !f->row->no_bytes;
}

/*
 * Waits that come instead of going, as Linux 7.1 has them, have nothing to wait for: what that
 * takes lies between nothing and a wait that has.
 */
static void solve_added(const struct solving *s, const struct fit_row *f)
{
	struct predict_row *row = f->row;
	double most = 0;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->rows[i].row->how >= HOW_OWN && s->rows[i].row->how < HOW_BOUND &&
		    s->rows[i].clean == f->clean)
			most = fmax(most, s->rows[i].row->wait.high);
	}
	row->saving = (struct predict_range){ 0, row->ns > 0 ? share_of_wait(row, most) : 0, 0 };
	row->saving.value = row->saving.low / 2;
	snprintf(row->why, sizeof(row->why), "%.0f barriers more, which wait for nothing",
		 -row->waits_saved);
}

static double spread(const struct predict_row *row)
{
	double least = 1e300, most = 0, size;
	size_t i;

	for (i = 0; i < row->n; i++) {
		if (row->points[i].entries <= 0)
			continue;
		size = row->points[i].lines / row->points[i].entries;
		least = fmin(least, size);
		most = fmax(most, size);
	}
	return least > 0 ? most / least : 1;
}

static unsigned int parts_with_calls(const struct fit_row *f)
{
	unsigned int b, n = 0;

	for (b = 0; b < f->blocks; b++)
		n += f->block[b].sum[Z_CALLS] > 0;
	return n;
}

/* Why there is a bound and no more. */
static void explain(const struct solving *s, const struct fit_row *f)
{
	struct predict_row *row = f->row;
	double size = PREDICT_LINE * f->all.sum[Z_LINES] / f->all.sum[Z_ENTRIES];

	if (row->no_bytes)
		snprintf(row->why, sizeof(row->why), "bytes were not recorded (--no-bytes)");
	else if (!f->loop)
		snprintf(row->why, sizeof(row->why),
			 "behind an IOMMU: no row tells waits from page tables");
	else if (spread(row) < 1.05)
		snprintf(row->why, sizeof(row->why),
			 "every entry has about %.0f bytes: waits and lines look alike", size);
	else if (parts_with_calls(f) < PREDICT_BLOCKS_MIN)
		snprintf(row->why, sizeof(row->why),
			 "%zu intervals with calls are too few: a shorter -i, or more of them",
			 row->n);
	else if (s->software < 0)
		snprintf(row->why, sizeof(row->why), "the probes' own time is not known");
	else
		snprintf(row->why, sizeof(row->why), "too noisy, or sizes too much alike");
}

/* A prediction must say more than half of what anybody can say. */
#define TELLS 0.5

static void solve_row(struct solving *s, const struct fit_row *f)
{
	struct predict_row *row = f->row;
	double most;

	if (row->how == HOW_NONE || op_is_arch(row->sum.op))
		return;
	row->line = row->wait = range_unknown;
	if (row->waits_saved == 0) {
		row->how = HOW_NOTHING;
		row->saving = (struct predict_range){};
		return;
	}
	most = row->waits_saved > 0 && row->ns > 0
		       ? row->waits_saved / fmax(row->sum.sum.entries, 1)
		       : 0;
	row->saving = (struct predict_range){ 0, 0, most };
	row->how = HOW_BOUND;
	if (row->ns <= 0 || row->waits_saved < 0)
		return;
	if (has_own_times(f))
		price_by_lists(s, f);
	price_by_arch(s, f);
	price_by_given(s, f);
}

/* In the times of map_sg are those of the page tables, of their functions, and the probes' on
 * these. */
static void add_pages(const struct predict *p, struct predict_row *row)
{
	const struct probe_cost *cost = &p->runs[0].info.hdr.cost;
	double each = p->page_ns + p->software_ns + (cost->valid ? cost->tax_ns : 0);

	if (p->pages != PAGES_MEASURED || row->ns <= 0)
		return;
	row->saving.high += row->page_waits_saved * each / row->ns;
	row->saving.high = fmin(row->saving.high, 1);
}

static void finish_row(struct solving *s, const struct fit_row *f)
{
	struct predict_row *row = f->row;
	double most = row->sum.sum.entries ? row->waits_saved / row->sum.sum.entries : 0;

	if (row->how == HOW_NONE || row->how == HOW_NOTHING)
		return;
	if (row->waits_saved < 0) {
		solve_added(s, f);
		return;
	}
	add_pages(s->p, row);
	row->saving.value = (row->saving.low + row->saving.high) / 2;
	row->wait.value = (row->wait.low + row->wait.high) / 2;
	if (row->how != HOW_BOUND && row->saving.high - row->saving.low > TELLS * most)
		row->how = HOW_BOUND;
	if (row->how == HOW_BOUND)
		explain(s, f);
}

/* ---- all ---- */

static void fit_rows_begin(struct predict *p, struct solving *s)
{
	struct fit_row *f;
	size_t i;

	for (i = 0; i < p->n_rows; i++) {
		const struct row *sum = &p->rows[i]->sum;

		f = &s->rows[s->n++];
		f->row = p->rows[i];
		f->row->shown = !op_is_arch(sum->op) &&
				(!p->opt->ops || p->opt->ops & 1U << sum->op) &&
				(!p->opt->device || device_matches(p->opt->device, sum->dev));
		f->clean = op_cleans(sum->op);
		f->copies = sum->sum.bounces;
		f->loop = !sum->iommu || op_is_arch(sum->op) || sum->op == OP_SYNC_SG_FOR_CPU ||
			  sum->op == OP_SYNC_SG_FOR_DEVICE;
		predict_barriers(p, f->row);
	}
	predict_pages(p);
}

static void add_up(struct predict *p)
{
	const struct predict_row *row;
	double low = 0, high = 0, value = 0;
	size_t i;

	p->ns = p->saved_known_ns = 0;
	p->dsb_before = p->dsb_after = p->n_predicted = 0;
	for (i = 0; i < p->n_rows; i++) {
		row = p->rows[i];
		if (!row->shown)
			continue;
		p->ns += row->ns;
		if (row->dsb_known) {
			p->dsb_before += row->dsb_before;
			p->dsb_after += row->dsb_after;
		}
		if (row->how == HOW_NONE || row->how == HOW_NOTHING)
			continue;
		low += row->saving.low * row->ns;
		high += row->saving.high * row->ns;
		value += row->saving.value * row->ns;
		if (row->how != HOW_BOUND) {
			p->n_predicted++;
			p->saved_known_ns += row->ns;
		}
	}
	p->saving = p->ns > 0 ? (struct predict_range){ value / p->ns, low / p->ns, high / p->ns }
			      : (struct predict_range){};
}

static int by_saved_time(const void *a, const void *b)
{
	const struct predict_row *x = *(const struct predict_row *const *)a;
	const struct predict_row *y = *(const struct predict_row *const *)b;
	double dx = x->saving.high * x->ns, dy = y->saving.high * y->ns;

	if (dx != dy)
		return dx < dy ? 1 : -1;
	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return (int)x->sum.op - (int)y->sum.op;
}

/* What makes every row of a capture useless. */
static void refuse_all(struct predict *p)
{
	size_t i;

	p->refused[0] = '\0';
	for (i = 0; i < p->n_runs; i++) {
		const struct predict_run *run = &p->runs[i];
		enum flavour flavour = run->info.hdr.flavour;

		if (flavour == FLAVOUR_PER_ENTRY)
			continue;
		snprintf(p->refused, sizeof(p->refused), "%s: %s", run->path,
			 flavour == FLAVOUR_NONE      ? "DMA is coherent on this architecture"
			 : flavour == FLAVOUR_UNKNOWN ? "how its kernel waits is not known"
						      : "its kernel batches already");
		return;
	}
}

static int solve(struct solving *s)
{
	size_t i;
	int err;

	err = fit_rows_fill(s->p, s->rows, s->n);
	err = err ?: pools_fill(s);
	if (err)
		return err;
	pools_compare(s);
	arch_find(s);
	bounds_find(s);
	for (i = 0; i < s->n; i++)
		solve_row(s, &s->rows[i]);
	for (i = 0; i < s->n; i++) {
		if (s->rows[i].row->waits_saved > 0 && s->rows[i].row->ns > 0 &&
		    s->rows[i].row->how != HOW_NONE && !has_own_times(&s->rows[i]))
			price_by_others(s, &s->rows[i]);
	}
	for (i = 0; i < s->n; i++)
		finish_row(s, &s->rows[i]);
	return 0;
}

int predict_solve(struct predict *p)
{
	struct solving s = { .p = p, .software = -1 };
	size_t i;
	int err;

	p->software_measured = false;
	p->dur_ns = 0;
	for (i = 0; i < p->n_runs; i++) {
		if (p->runs[i].info.hdr.level == LEVEL_API && !p->runs[i].info.hdr.exact)
			p->dur_ns += p->runs[i].dur_ns;
	}
	refuse_all(p);
	s.rows = calloc(p->n_rows + 1, sizeof(*s.rows));
	if (!s.rows)
		return -ENOMEM;
	fit_rows_begin(p, &s);
	err = p->refused[0] ? 0 : solve(&s);
	add_up(p);
	/* by_key keeps the order of the keys. */
	if (p->n_rows)
		qsort(p->rows, p->n_rows, sizeof(*p->rows), by_saved_time);
	for (i = 0; i < s.n; i++)
		free(s.rows[i].block);
	free(s.rows);
	pools_free(&s);
	return err;
}
