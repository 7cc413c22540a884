// SPDX-License-Identifier: GPL-2.0
/*
 * What batches of single buffers would save, before and after, by driver and by place. It is a rate
 * of exact counts: its spread is that of the runs, as of calls a second. Only drivers are judged;
 * places are their parts, and too many.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "parts.h"

const char *storm_verdict_name(enum verdict verdict)
{
	return verdict == VERDICT_FASTER   ? "fewer"
	       : verdict == VERDICT_SLOWER ? "more"
					   : verdict_name(verdict);
}

/* ---- what a run tells ---- */

/* Number of the driver's row of this operation; OP_COUNT: of all. Negative: out of memory. */
static long key_row(struct compare *c, const char *driver, enum op op)
{
	struct row like = { .op = op, .dir = DIR_COUNT }, *key;

	snprintf(like.driver, sizeof(like.driver), "%s", driver);
	key = interval_row(&c->storm_keys, &like);
	return key ? key - c->storm_keys.rows : -ENOMEM;
}

/* Makes room for element @at of @size, and for some more; what is new is zero. */
static int room(void **list, size_t *n, size_t at, size_t size)
{
	size_t want = *n ? *n : 16;
	void *more;

	if (at < *n)
		return 0;
	while (want <= at)
		want *= 2;
	more = reallocarray(*list, want, size);
	if (!more)
		return -ENOMEM;
	memset((char *)more + *n * size, 0, (want - *n) * size);
	*list = more;
	*n = want;
	return 0;
}

static int add_driver(struct compare *c, struct compare_run *run, const char *name,
		      const struct storm_row *s)
{
	long at = key_row(c, name, OP_COUNT);
	struct storm_sums *to;

	if (at < 0 || room((void **)&run->drivers, &run->n_drivers, at, sizeof(*run->drivers)))
		return -ENOMEM;
	to = &run->drivers[at];
	to->saved += storm_saved(s);
	to->calls += s->calls;
	to->runs += s->runs;
	return 0;
}

#define PLACE_FRAMES 6

/*
 * A place is the innermost frames of a stack: enough to find the driver's function and who called
 * it, and no more, as what an interrupt interrupted differs from run to run.
 */
static int add_place(struct compare *c, struct compare_run *run, const struct row *row,
		     const struct stack *stack, __u64 saved)
{
	unsigned int n = stack->n - stack->n_user, skip = n > PLACE_FRAMES ? n - PLACE_FRAMES : 0;
	const char *const *frames = stack->frames + stack->n_user + skip;
	struct stack_row like = {}, *place;
	long at = key_row(c, row->driver, row->op);

	if (at < 0)
		return -ENOMEM;
	like.row = at;
	if (stack_table_add(&c->places, frames, n - skip, 0, &like.stack))
		return -ENOMEM;
	place = interval_stack(&c->storm_keys, &like);
	if (!place)
		return -ENOMEM;
	at = place - c->storm_keys.stacks;
	if (room((void **)&run->places, &run->n_places, at, sizeof(*run->places)))
		return -ENOMEM;
	run->places[at] += saved;
	return 0;
}

int compare_run_storms(struct compare *c, struct compare_run *run, const struct interval *total,
		       const struct stack_table *stacks)
{
	const struct stack_row *from;
	const struct row *row;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < total->n_storms; i++) {
		row = &total->rows[total->storms[i].row];
		if (row_wanted(c->opt, row))
			err = add_driver(c, run, row->driver, &total->storms[i]);
	}
	for (i = 0; !err && i < total->n_stacks; i++) {
		from = &total->stacks[i];
		row = &total->rows[from->row];
		if (from->sum.chained && row_wanted(c->opt, row))
			err = add_place(c, run, row, &stacks->stacks[from->stack],
					from->sum.chained);
	}
	return err;
}

/* ---- both sides ---- */

static bool follows_storms(const struct compare_run *run)
{
	return run->info.hdr.storms && run->dur_ns;
}

static void sum_side(struct compare *c, enum side side)
{
	struct storm_side *to = &c->storm[side];
	const struct compare_run *run;
	double dsb = 0, dur = 0;
	bool known = true;
	size_t i, k;

	*to = (struct storm_side){};
	for (i = 0; i < c->side[side].n; i++) {
		run = c->side[side].runs[i];
		if (!follows_storms(run))
			continue;
		to->runs++;
		for (k = 0; k < run->n_drivers; k++)
			to->saved += run->drivers[k].saved;
		dsb += run->api_dsb;
		dur += run->dur_ns;
		known &= run->dsb_known;
	}
	to->saved_s = to->runs ? to->saved / dur * 1e9 : 0;
	to->percent = known && dsb > 0 ? 100 * to->saved / dsb : -1;
}

/* What one run tells of a driver, or of a place. */
static struct storm_sums sums_of(const struct compare_run *run, bool place, size_t at)
{
	if (place)
		return (struct storm_sums){ .saved = at < run->n_places ? run->places[at] : 0 };
	return at < run->n_drivers ? run->drivers[at] : (struct storm_sums){};
}

/* Rates of a side's runs, and their sums; returns how many there are. */
static size_t side_rates(const struct compare *c, enum side side, bool place, size_t at, double *v,
			 struct storm_sums *sum)
{
	const struct compare_run *run;
	struct storm_sums one;
	size_t n = 0, i;

	for (i = 0; i < c->side[side].n; i++) {
		run = c->side[side].runs[i];
		if (!follows_storms(run))
			continue;
		one = sums_of(run, place, at);
		sum->saved += one.saved;
		sum->calls += one.calls;
		sum->runs += one.runs;
		v[n++] = one.saved / (run->dur_ns / 1e9);
	}
	return n;
}

/* A stream of the storm's own, whatever else is compared. */
static void storm_rng(const struct compare *c, const struct compare_storm *s, struct rng *rng)
{
	__u64 hash = c->opt->seed;
	const char *p;
	unsigned int i;

	hash = splitmix64(&hash) + s->op;
	for (p = s->driver; *p; p++)
		hash = splitmix64(&hash) + (unsigned char)*p;
	for (i = 0; s->stack && i < s->stack->n; i++) {
		for (p = s->stack->frames[i]; *p; p++)
			hash = splitmix64(&hash) + (unsigned char)*p;
	}
	rng_seed(rng, hash);
}

static bool is_minor(const struct compare *c, const struct compare_storm *s)
{
	return s->sum[BEFORE].saved <= COMPARE_FEW * c->storm[BEFORE].saved &&
	       s->sum[AFTER].saved <= COMPARE_FEW * c->storm[AFTER].saved;
}

static int fill_one(const struct compare *c, struct compare_storm *s, size_t at, double *v)
{
	size_t n = side_rates(c, BEFORE, s->stack, at, v, &s->sum[BEFORE]);
	size_t n_after = side_rates(c, AFTER, s->stack, at, v + n, &s->sum[AFTER]);
	struct rng rng;

	s->minor = is_minor(c, s);
	storm_rng(c, s, &rng);
	figure_of_runs(c, s->minor ? NULL : &rng, v, n, v + n, n_after, &s->saved_s);
	if (s->stack)
		return 0;
	s->p = mann_whitney(v, n, v + n, n_after);
	return s->p < 0 ? -ENOMEM : 0;
}

static int by_saved(const void *x, const void *y)
{
	const struct compare_storm *a = x, *b = y;
	double va = a->saved_s.value[BEFORE] + a->saved_s.value[AFTER];
	double vb = b->saved_s.value[BEFORE] + b->saved_s.value[AFTER];
	int order = (va < vb) - (va > vb);

	if (!order)
		order = strcmp(a->driver, b->driver);
	if (!order)
		order = (int)a->op - (int)b->op;
	/* Numbered as they were seen. */
	return order ? order : (a->stack > b->stack) - (a->stack < b->stack);
}

/* Those of runs that are on neither side have nothing. */
static bool is_empty(const struct compare_storm *s)
{
	return !s->sum[BEFORE].calls && !s->sum[AFTER].calls && !s->sum[BEFORE].saved &&
	       !s->sum[AFTER].saved;
}

static int fill_drivers(struct compare *c, double *v)
{
	const struct interval *keys = &c->storm_keys;
	struct compare_storm *s;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < keys->n_rows; i++) {
		if (keys->rows[i].op != OP_COUNT)
			continue;
		s = &c->storms[c->n_storms];
		*s = (struct compare_storm){ .driver = keys->rows[i].driver, .op = OP_COUNT };
		err = fill_one(c, s, i, v);
		c->n_storms += !is_empty(s);
	}
	c->n_storm_drivers = c->n_storms;
	return err;
}

static int fill_places(struct compare *c, double *v)
{
	const struct interval *keys = &c->storm_keys;
	struct compare_storm *s;
	const struct row *row;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < keys->n_stacks; i++) {
		row = &keys->rows[keys->stacks[i].row];
		s = &c->storms[c->n_storms];
		*s = (struct compare_storm){ .driver = row->driver,
					     .op = row->op,
					     .stack = &c->places.stacks[keys->stacks[i].stack] };
		err = fill_one(c, s, i, v);
		c->n_storms += !is_empty(s);
	}
	return err;
}

/* ---- verdicts ---- */

static void __attribute__((format(printf, 2, 3)))
because(struct compare_storm *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
}

static bool in_family(const struct compare *c, struct compare_storm *s)
{
	const struct figure *f = &s->saved_s;

	if (!s->sum[BEFORE].calls || !s->sum[AFTER].calls)
		because(s, "waited for single buffers only %s",
			s->sum[BEFORE].calls ? "before" : "after");
	else if (c->storm[BEFORE].runs < 2 || c->storm[AFTER].runs < 2)
		because(s, "a side has one run: how much runs differ is not known");
	else if (s->minor)
		because(s, "less than %g %% of what batches would save", COMPARE_FEW * 100);
	else if (!f->has_limits && f->value[BEFORE] > 0 && f->value[AFTER] > 0)
		because(s, "not in every run");
	else
		return true;
	return false;
}

static void unclear(const struct compare *c, struct compare_storm *s, size_t tested)
{
	size_t nb = c->storm[BEFORE].runs, na = c->storm[AFTER].runs;
	size_t rows = mann_whitney_min(nb, na) > COMPARE_ALPHA ? 1 : tested;

	s->verdict = VERDICT_UNCLEAR;
	if (mann_whitney_min(nb, na) * rows > COMPARE_ALPHA)
		because(s, "%zu and %zu runs cannot tell it from chance: needs at least %u a side",
			nb, na, least_runs(rows));
	else
		because(s, "runs differ too much by themselves, or the change is too small");
}

/* Runs as long as before: the driver does what it did, more often or less often. */
static bool same_length(const struct compare *c, const struct compare_storm *s)
{
	double ratio = storm_length(s, AFTER) / storm_length(s, BEFORE);

	return fabs(ratio - 1) <= c->opt->noise;
}

static void judge(const struct compare *c, struct compare_storm *s, size_t tested)
{
	double low = 1 - c->opt->noise, high = 1 + c->opt->noise;
	bool significant = s->p_holm <= COMPARE_ALPHA;
	const struct figure *f = &s->saved_s;

	if (mann_whitney_min(c->storm[BEFORE].runs, c->storm[AFTER].runs) > COMPARE_ALPHA)
		unclear(c, s, tested);
	else if (f->has_limits && f->r.low >= low && f->r.high <= high)
		s->verdict = VERDICT_SAME;
	else if (significant && (f->has_limits ? f->r.high < low : f->value[AFTER] <= 0))
		s->verdict = VERDICT_FASTER;
	else if (significant && (f->has_limits ? f->r.low > high : f->value[BEFORE] <= 0))
		s->verdict = VERDICT_SLOWER;
	else
		unclear(c, s, tested);
	if ((s->verdict == VERDICT_FASTER || s->verdict == VERDICT_SLOWER) && same_length(c, s)) {
		s->verdict = VERDICT_UNCLEAR;
		because(s, "runs are as long as before, only their number changed: other work");
	}
}

static int judge_drivers(struct compare *c)
{
	double *p = calloc(c->n_storm_drivers + 1, sizeof(*p));
	size_t i, n = 0, tested;

	if (!p)
		return -ENOMEM;
	for (i = 0; i < c->n_storm_drivers; i++) {
		c->storms[i].tested = in_family(c, &c->storms[i]);
		if (c->storms[i].tested)
			p[n++] = c->storms[i].p;
	}
	tested = n;
	holm(p, p, n);
	for (i = 0, n = 0; i < c->n_storm_drivers; i++) {
		if (!c->storms[i].tested)
			continue;
		c->storms[i].p_holm = p[n++];
		judge(c, &c->storms[i], tested);
	}
	free(p);
	return 0;
}

int storms_fill(struct compare *c)
{
	size_t n = c->storm_keys.n_rows + c->storm_keys.n_stacks;
	double *v;
	int err;

	free(c->storms);
	c->storms = NULL;
	c->n_storms = c->n_storm_drivers = 0;
	sum_side(c, BEFORE);
	sum_side(c, AFTER);
	if (c->opt->self_check || !c->storm[BEFORE].runs || !c->storm[AFTER].runs)
		return 0;
	c->storms = calloc(n + 1, sizeof(*c->storms));
	v = calloc(c->side[BEFORE].n + c->side[AFTER].n, sizeof(*v));
	err = c->storms && v ? fill_drivers(c, v) : -ENOMEM;
	if (!err)
		err = fill_places(c, v);
	free(v);
	if (err)
		return err;
	n = c->n_storm_drivers;
	if (n > 1)
		qsort(c->storms, n, sizeof(*c->storms), by_saved);
	if (c->n_storms - n > 1)
		qsort(c->storms + n, c->n_storms - n, sizeof(*c->storms), by_saved);
	return judge_drivers(c);
}
