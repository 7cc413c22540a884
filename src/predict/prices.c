// SPDX-License-Identifier: GPL-2.0
/* What a wait takes: every way to tell it that a row allows, of which the one that tells most
 * counts. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "parts.h"

/* A candidate for a row: what its waits may take of its time. */
struct candidate {
	enum predict_how how;
	struct predict_range wait, line, saving;
	const char *with;
};

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
#define REFERENCE_MARGIN 3.0

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

void bounds_find(struct solving *s)
{
	bounds_by_floor(s);
	bounds_by_reference(s);
	s->p->software_ns = fmax(s->software, 0);
}

/* A second walk through the list, for the copies, is this project's way. */
static double lost_on_entry(const struct solving *s, const struct predict_row *row)
{
	bool twice = s->p->opt->flavour == FLAVOUR_DMASYNC_BATCHED && !op_cleans(row->sum.op);

	return twice ? 1.5 * s->software : s->software;
}

/* ---- candidates ---- */

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

/* Lines that are no longer waited for one by one also overlap with each other, a little. */
#define OVERLAP 0.25

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
	down = fabs(got.lines_in) * line_off;
	up = down + OVERLAP * s->software;
	down += lost_on_entry(s, row) + got.calls_in * s->call;
	c.wait = (struct predict_range){ got.entry.value, got.entry.low - down,
					 got.entry.high + up };
	c.line = got.line;
	c.saving.low = scale * got.share.low - share_of_wait(row, down);
	c.saving.high = scale * got.share.high + share_of_wait(row, up);
	offer(s, row, &c);
}

/* Fits of a list's own times. */
void price_by_lists(struct solving *s, const struct fit_row *of)
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
	struct candidate c = { .how = how, .wait = *wait, .line = range_unknown, .with = with };
	struct predict_row *row = of->row;

	c.saving.low = share_of_wait(row, wait->low) * (1 - noise);
	c.saving.high = share_of_wait(row, wait->high) * (1 + noise);
	offer(s, row, &c);
}

/* Times of the architecture's function: what it takes besides lines. */
void price_by_arch(struct solving *s, const struct fit_row *of)
{
	const struct arch_price *arch = &s->arch[of->clean][of->row->sum.dir];
	struct predict_range wait = arch->entry;

	if (!arch->op || s->software < 0)
		return;
	wait.low -= lost_on_entry(s, of->row);
	wait.high += s->software;
	offer_wait(s, of, HOW_ARCH, &wait, arch->op);
}

void arch_find(struct solving *s)
{
	struct fit fit = { .from = LINE_OWN };
	struct arch_price *best;
	const struct row *sum;
	struct fit_limits got;
	size_t i;

	for (i = 0; i < s->n; i++) {
		fit.of = &s->rows[i];
		sum = &fit.of->row->sum;
		if (!op_is_arch(sum->op) || !sum->dsb_derived || !fit_limits(s->p, &fit, &got))
			continue;
		best = &s->arch[fit.of->clean][sum->dir];
		if (best->op &&
		    best->entry.high - best->entry.low <= got.entry.high - got.entry.low)
			continue;
		best->entry = got.entry;
		best->op = op_name(sum->op);
	}
}

/* Rows whose own times are full of other things: page tables. */
void price_by_others(struct solving *s, const struct fit_row *of)
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

void price_by_given(struct solving *s, const struct fit_row *of)
{
	double ns = s->p->opt->wait_ns, software = fmax(s->software, 0);
	const struct predict_range wait = { ns,
					    ns - fmax(lost_on_entry(s, of->row) - s->software, 0),
					    ns + software };

	if (ns >= 0)
		offer_wait(s, of, HOW_GIVEN, &wait, NULL);
}

/* ---- pools ---- */

static bool in_pool(const struct fit_row *f)
{
	return f->row->how != HOW_NONE && f->loop && !f->copies && f->row->n &&
	       f->row->sum.dsb_derived && !f->row->no_bytes;
}

int pools_fill(struct solving *s)
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

void pools_free(struct solving *s)
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

void pools_compare(struct solving *s)
{
	int k;

	for (k = 0; k < 2 * DIR_COUNT; k++)
		pool_spread(s, &s->pool[k / DIR_COUNT][k % DIR_COUNT]);
}
