// SPDX-License-Identifier: GPL-2.0
/* Which fit tells most of a row, what the rows add up to, and what cannot be told. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/filter.h>
#include "parts.h"

/* What a solution is made of. */
struct solving {
	struct predict *p;
	struct fit_row *rows;
	size_t n;
	double software;		    /* ns an entry at most; negative: not known */
	double call;			    /* ns a call at most */
	struct fit_pool pool[2][DIR_COUNT]; /* by maintenance and direction */
};

/* A candidate for a row: what its waits may take of its time. */
struct candidate {
	enum predict_how how;
	struct predict_range wait, line, saving;
	const char *with;
};

static const struct predict_range unknown = { 0, 1, 0 };

/* ---- bounds ---- */

/* Probes' time is a measure of how fast this machine's kernel computes. */
static void bounds_by_floor(struct solving *s)
{
	double floor_ns = 0;
	size_t i;

	for (i = 0; i < s->p->n_runs; i++) {
		const struct probe_cost *cost = &s->p->runs[i].info.hdr.cost;

		if (!cost->valid)
			return;
		floor_ns = fmax(floor_ns, cost->floor_ns);
	}
	s->software = floor_ns * PREDICT_SOFTWARE;
	s->call = floor_ns * PREDICT_CALL;
}

/* Lists that maintain nothing, of a device that others of which are maintained: the loop alone. */
static bool is_reference(const struct fit_row *f)
{
	const struct row *sum = &f->row->sum;

	return OP_IS_LIST(sum->op) && f->loop && !sum->other && !sum->hw_unknown &&
	       sum->dsb_derived_known && !sum->dsb_derived && !sum->sum.bounces &&
	       !sum->sum.failed && sum->sum.entries >= 4 * sum->sum.calls;
}

/*
 * Only the loop around the calls of the architecture is in such a row's time: the functions that
 * maintain compute a little themselves, and map is longer than unmap.
 */
#define REFERENCE_MARGIN 2.0

static void bounds_by_reference(struct solving *s)
{
	struct fit fit = { .from = LINE_GIVEN };
	struct fit_limits got;
	double most = -1;
	size_t i;

	for (i = 0; i < s->n; i++) {
		fit.of = &s->rows[i];
		if (!is_reference(fit.of) || !fit_limits(s->p, &fit, &got))
			continue;
		most = fmax(most, REFERENCE_MARGIN * got.entry.high);
	}
	if (most <= 0 || (s->software >= 0 && s->software < most))
		return;
	s->software = most;
	s->p->software_measured = true;
}

/* A second walk through the list, for the copies, is this project's way. */
static double lost_on_entry(const struct solving *s, const struct predict_row *row)
{
	bool twice = s->p->opt->flavour == FLAVOUR_DMASYNC_BATCHED && !op_cleans(row->sum.op);

	return twice ? 1.5 * s->software : s->software;
}

/* ---- candidates ---- */

static double share_of_wait(const struct predict_row *row, double ns)
{
	return row->waits_saved * ns / row->ns;
}

/*
 * Nothing gains more than all of the waits' part. Where waits are free, batching costs what it
 * computes: the answers of an entry, and the second walk.
 */
static void clamp(const struct solving *s, const struct predict_row *row, struct predict_range *r)
{
	double most = row->sum.sum.entries ? row->waits_saved / row->sum.sum.entries : 0;
	double least = -share_of_wait(row, lost_on_entry(s, row) / 2);

	least = s->software > 0 ? least : 0;
	r->low = fmin(fmax(r->low, least), most);
	r->high = fmin(fmax(r->high, 0), most);
}

/* Takes @c if it tells more. */
static void offer(const struct solving *s, struct predict_row *row, struct candidate *c)
{
	clamp(s, row, &c->saving);
	c->wait.low = fmax(c->wait.low, 0);
	c->wait.high = fmax(c->wait.high, 0);
	if (c->saving.high - c->saving.low >= row->saving.high - row->saving.low)
		return;
	row->how = c->how;
	row->saving = c->saving;
	row->wait = c->wait;
	row->line = c->line;
	row->with = c->with;
}

/* The noise of an estimate, then what the kernel computes for an entry, and for a call. */
static void offer_fit(struct solving *s, struct predict_row *row, const struct fit *fit,
		      enum predict_how how, double line_off)
{
	double scale, down, up;
	struct candidate c = { .how = how };
	struct fit_limits got;

	if (s->software < 0 || !fit_limits(s->p, fit, &got))
		return;
	scale = row->waits_saved / row->sum.sum.entries;
	up = fabs(got.lines_in) * line_off;
	down = up + lost_on_entry(s, row) + got.calls_in * s->call;
	c.wait = (struct predict_range){ got.entry.value, got.entry.low - down,
					 got.entry.high + up };
	c.line = got.line;
	c.saving.low = scale * got.share.low - share_of_wait(row, down);
	c.saving.high = scale * got.share.high + share_of_wait(row, up);
	offer(s, row, &c);
}

/* Fits of a list's own times. */
static void try_lists(struct solving *s, const struct fit_row *of)
{
	struct fit_pool *pool = &s->pool[of->clean][of->row->sum.dir];
	const struct predict_options *opt = s->p->opt;
	struct fit fit = { .of = of, .pool = pool };
	int free_calls;

	for (free_calls = 0; free_calls < 2; free_calls++) {
		fit.call_free = free_calls;
		fit.from = LINE_GIVEN;
		fit.line = opt->line_ns;
		if (opt->line_ns >= 0) {
			offer_fit(s, of->row, &fit, HOW_GIVEN, 0);
			continue;
		}
		fit.from = LINE_OWN;
		offer_fit(s, of->row, &fit, HOW_OWN, 0);
		fit.from = LINE_POOL;
		if (pool->n > 1 || (pool->n && pool->rows[0] != of))
			offer_fit(s, of->row, &fit, HOW_POOLED, pool->spread);
	}
}

/* What a wait takes according to others, by which this row's waits are priced. */
static void offer_wait(struct solving *s, const struct fit_row *of, enum predict_how how,
		       const struct predict_range *wait, const char *with)
{
	double noise = fit_level_noise(s->p, of);
	struct candidate c = { .how = how, .wait = *wait, .line = unknown, .with = with };
	struct predict_row *row = of->row;

	c.saving.low = share_of_wait(row, wait->low) * (1 - noise);
	c.saving.high = share_of_wait(row, wait->high) * (1 + noise);
	offer(s, row, &c);
}

/* Times of the architecture's function: what it takes besides lines. */
static void try_arch(struct solving *s, const struct fit_row *of)
{
	struct fit fit = { .from = LINE_OWN };
	struct predict_range wait;
	struct fit_limits got;
	size_t i;

	for (i = 0; s->software >= 0 && i < s->n; i++) {
		fit.of = &s->rows[i];
		if (!op_is_arch(fit.of->row->sum.op) || !fit.of->row->sum.dsb_derived ||
		    fit.of->clean != of->clean || fit.of->row->sum.dir != of->row->sum.dir ||
		    !fit_limits(s->p, &fit, &got))
			continue;
		wait = got.entry;
		wait.low -= lost_on_entry(s, of->row);
		wait.high += s->software;
		offer_wait(s, of, HOW_ARCH, &wait, op_name(fit.of->row->sum.op));
	}
}

/* Rows whose own times are full of other things: page tables. */
static void try_others(struct solving *s, const struct fit_row *of)
{
	const struct fit_row *f;
	size_t i;

	for (i = 0; i < s->n; i++) {
		f = &s->rows[i];
		if (f == of || !f->loop || f->clean != of->clean || f->row->how < HOW_OWN ||
		    f->row->how > HOW_ARCH || f->row->wait.high < f->row->wait.low)
			continue;
		offer_wait(s, of, HOW_OTHER, &f->row->wait, op_name(f->row->sum.op));
	}
}

static void try_given(struct solving *s, const struct fit_row *of)
{
	double ns = s->p->opt->wait_ns;
	const struct predict_range wait = { ns, ns, ns + fmax(s->software, 0) };

	if (ns >= 0)
		offer_wait(s, of, HOW_GIVEN, &wait, NULL);
}

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
	else if (parts_with_calls(f) < PREDICT_BLOCKS_MIN)
		snprintf(row->why, sizeof(row->why),
			 "%zu intervals with calls are too few: a shorter -i, or more of them",
			 row->n);
	else if (spread(row) < 1.05)
		snprintf(row->why, sizeof(row->why),
			 "every entry has about %.0f bytes: waits and lines look alike", size);
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
	row->line = row->wait = unknown;
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
		try_lists(s, f);
	try_arch(s, f);
	try_given(s, f);
}

/* In the times of map_sg are those of the page tables, and of the probes on them. */
static void add_pages(const struct predict *p, struct predict_row *row)
{
	const struct probe_cost *cost = &p->runs[0].info.hdr.cost;

	if (p->pages != PAGES_MEASURED || row->ns <= 0)
		return;
	row->saving.high +=
		row->page_waits_saved * (p->page_ns + (cost->valid ? cost->tax_ns : 0)) / row->ns;
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

/* ---- pools ---- */

static bool in_pool(const struct fit_row *f)
{
	return f->loop && !f->copies && f->row->n && f->row->sum.dsb_derived && !f->row->no_bytes;
}

static int pools_fill(struct solving *s)
{
	struct fit_pool *pool;
	size_t i;
	int k;

	for (k = 0; k < 2 * DIR_COUNT; k++) {
		pool = &s->pool[k / DIR_COUNT][k % DIR_COUNT];
		pool->rows = calloc(s->n + 1, sizeof(*pool->rows));
		pool->without = calloc(3 * (s->p->blocks + 1), sizeof(*pool->without));
		if (!pool->rows || !pool->without)
			return -ENOMEM;
	}
	for (i = 0; i < s->n; i++) {
		pool = &s->pool[s->rows[i].clean][s->rows[i].row->sum.dir];
		if (in_pool(&s->rows[i]))
			pool->rows[pool->n++] = &s->rows[i];
	}
	return 0;
}

static void pools_free(struct solving *s)
{
	int k;

	for (k = 0; k < 2 * DIR_COUNT; k++) {
		free(s->pool[k / DIR_COUNT][k % DIR_COUNT].rows);
		free(s->pool[k / DIR_COUNT][k % DIR_COUNT].without);
	}
}

/* Rows that tell the price of a line by themselves need not agree. */
static void pool_spread(const struct solving *s, struct fit_pool *pool)
{
	struct fit own = { .from = LINE_OWN }, all = { .from = LINE_POOL, .pool = pool };
	struct fit_limits got;
	double line;
	size_t i;

	if (pool->n < 2)
		return;
	all.of = pool->rows[0];
	if (!fit_limits(s->p, &all, &got))
		return;
	line = got.line.value;
	for (i = 0; i < pool->n; i++) {
		own.of = pool->rows[i];
		own.call_free = OP_IS_LIST(own.of->row->sum.op);
		if (fit_limits(s->p, &own, &got))
			pool->spread =
				fmax(pool->spread, fmax(got.line.low - line, line - got.line.high));
	}
}

static int solve(struct solving *s)
{
	size_t i;
	int err, k;

	err = fit_rows_fill(s->p, s->rows, s->n);
	err = err ?: pools_fill(s);
	if (err)
		return err;
	for (k = 0; k < 2 * DIR_COUNT; k++)
		pool_spread(s, &s->pool[k / DIR_COUNT][k % DIR_COUNT]);
	bounds_by_floor(s);
	bounds_by_reference(s);
	s->p->software_ns = fmax(s->software, 0);
	for (i = 0; i < s->n; i++)
		solve_row(s, &s->rows[i]);
	for (i = 0; i < s->n; i++) {
		if (s->rows[i].row->waits_saved > 0 && s->rows[i].row->ns > 0 &&
		    s->rows[i].row->how != HOW_NONE && !has_own_times(&s->rows[i]))
			try_others(s, &s->rows[i]);
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
