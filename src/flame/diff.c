// SPDX-License-Identifier: GPL-2.0
/* Changes of frames between two runs that may differ in length and in the work that was done. */
#include <math.h>
#include <dmasync/flame.h>

#define NS_PER_S 1e9
#define SIGMAS 2 /* counting noise within which a change is none: 95 % */

enum flame_per flame_per(const struct flame_tree *t)
{
	bool entries = t->values[FLAME_AFTER][0].entries && t->values[FLAME_BEFORE][0].entries;

	switch (t->weight) {
	case FLAME_TIME:
	case FLAME_DSB:
	case FLAME_SAVED:
		return entries ? PER_ENTRY_OF_RUN : PER_CALL_OF_RUN;
	default:
		/* Per call, calls are always one, and bytes the size of a request. */
		return PER_SECOND_OF_RUN;
	}
}

/* What @side is divided by, before the rate of samples. */
static double divisor(const struct flame_tree *t, const struct flame_source *src,
		      enum flame_side side)
{
	switch (flame_per(t)) {
	case PER_ENTRY_OF_RUN:
		return t->values[side][0].entries;
	case PER_CALL_OF_RUN:
		return t->values[side][0].calls;
	case PER_SECOND_OF_RUN:
		break;
	}
	return src[side].dur_ns / NS_PER_S;
}

struct flame_scale flame_scale(const struct flame_tree *t, const struct flame_source *src,
			       double noise)
{
	/* Barriers are a count, not an estimate. */
	struct flame_scale s = { .noise = noise,
				 .counting = t->weight != FLAME_DSB && t->weight != FLAME_SAVED };
	double by;
	int side;

	for (side = 0; side < FLAME_SIDES; side++) {
		by = divisor(t, src, side);
		if (t->weight == FLAME_SAMPLES && src[side].info.profile_hz)
			by *= src[side].info.profile_hz;
		s.factor[side] = by ? 1 / by : 0;
	}
	return s;
}

/* Relative change below which @node has not changed, as a difference of logarithms. */
static double noise_of(const struct flame_tree *t, const struct flame_scale *s, __u32 node)
{
	const struct flame_values *a = &t->values[FLAME_AFTER][node];
	const struct flame_values *b = &t->values[FLAME_BEFORE][node];
	double n_a = t->weight == FLAME_SAMPLES ? a->samples : a->calls;
	double n_b = t->weight == FLAME_SAMPLES ? b->samples : b->calls;
	double band = log1p(s->noise), counting;

	if (!s->counting || !n_a || !n_b)
		return band;
	counting = SIGMAS * sqrt(1 / n_a + 1 / n_b);
	return counting > band ? counting : band;
}

struct flame_change flame_change(const struct flame_tree *t, const struct flame_scale *s,
				 __u32 node)
{
	double a = t->values[FLAME_AFTER][node].weight * s->factor[FLAME_AFTER];
	double b = t->values[FLAME_BEFORE][node].weight * s->factor[FLAME_BEFORE];
	/* Ratios, or their inverses, at which the shades change. */
	static const double bounds[FLAME_STEPS - 1] = { 1.15, 1.5, 2, 5 };
	struct flame_change c = { .verdict = FLAME_SAME };
	double size;

	if (!b || !a) {
		c.verdict = a ? FLAME_NEW : b ? FLAME_GONE : FLAME_SAME;
		return c;
	}
	c.ratio = a / b;
	size = fabs(log(c.ratio));
	if (size <= noise_of(t, s, node))
		return c;
	c.verdict = a > b ? FLAME_MORE : FLAME_LESS;
	c.step = 1;
	while (c.step < FLAME_STEPS && size >= log(bounds[c.step - 1]))
		c.step++;
	return c;
}
