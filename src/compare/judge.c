// SPDX-License-Identifier: GPL-2.0
/*
 * Verdicts. A difference is claimed only when two things agree: the interval lies wholly outside
 * the noise band, and the Mann-Whitney test on the runs' values, corrected for the number of rows,
 * is at most COMPARE_ALPHA. Each has a weakness that the other lacks: the interval trusts that the
 * logarithm of a run's value is about normal; the test trusts nothing, but does not tell how large
 * a difference is. With 3 runs a side its p cannot be below 0.1, so nothing is claimed at all.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "parts.h"

#define RUNS_MAX 100 /* more runs a side than this nobody makes */

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = { [VERDICT_NONE] = "none",
					     [VERDICT_FASTER] = "faster",
					     [VERDICT_SLOWER] = "slower",
					     [VERDICT_SAME] = "same",
					     [VERDICT_UNCLEAR] = "unclear" };

	return names[verdict];
}

static void __attribute__((format(printf, 2, 3)))
because(struct compare_row *row, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(row->why, sizeof(row->why), fmt, ap);
	va_end(ap);
}

unsigned int least_runs(size_t rows)
{
	unsigned int n = 2;

	while (n < RUNS_MAX && mann_whitney_min(n, n) * rows > COMPARE_ALPHA)
		n++;
	return n;
}

/* Runs a side with which an interval around this ratio would stay on its side of the band's edge.
 */
static unsigned int want_runs(const struct compare *c, const struct compare_row *row)
{
	const struct ratio_interval *r = &row->figure[FIG_NS_CALL].r;
	double theta = log(r->ratio), noise = c->opt->noise;
	double low = log(1 - noise), high = log(1 + noise);
	/* Variance of one run of each side. */
	double var = r->var[0] * row->side[BEFORE].runs + r->var[1] * row->side[AFTER].runs;
	bool inside = theta > low && theta < high;
	double room = inside ? fmin(theta - low, high - theta) : fmax(low - theta, theta - high);
	unsigned int least = least_runs(inside ? 1 : c->n_tested), n;

	/* As many as now were not enough. */
	n = row->side[BEFORE].runs > row->side[AFTER].runs ? row->side[BEFORE].runs
							   : row->side[AFTER].runs;
	for (n = n + 1 > least ? n + 1 : least; n <= RUNS_MAX; n++) {
		if (t_quantile(2 * n - 2, 0.975) * sqrt(var / n) < room)
			return n;
	}
	return 0;
}

static void unclear(const struct compare *c, struct compare_row *row)
{
	size_t nb = row->side[BEFORE].runs, na = row->side[AFTER].runs;
	unsigned int least;

	row->verdict = VERDICT_UNCLEAR;
	row->want_runs = want_runs(c, row);
	least = least_runs(c->n_tested);
	if (mann_whitney_min(nb, na) > COMPARE_ALPHA)
		because(row, "needs at least 4 runs a side: %zu and %zu cannot tell it from chance",
			nb, na);
	else if (mann_whitney_min(nb, na) * c->n_tested > COMPARE_ALPHA)
		because(row,
			"%zu rows at once need at least %u runs a side, or fewer rows (-O, -D)",
			c->n_tested, least);
	else if (row->want_runs)
		because(row, "about %u runs a side would tell", row->want_runs);
	else
		because(row,
			"more than %u runs a side would be needed: too near the noise band's edge",
			RUNS_MAX);
}

static void judge(const struct compare *c, struct compare_row *row)
{
	const struct ratio_interval *r = &row->figure[FIG_NS_CALL].r;
	size_t nb = row->side[BEFORE].runs, na = row->side[AFTER].runs;
	double low = 1 - c->opt->noise, high = 1 + c->opt->noise;
	bool significant = row->p_holm <= COMPARE_ALPHA;
	const char *doubt;

	if (mann_whitney_min(nb, na) > COMPARE_ALPHA)
		unclear(c, row);
	else if (r->low >= low && r->high <= high)
		row->verdict = VERDICT_SAME;
	else if (r->high < low && significant)
		row->verdict = VERDICT_FASTER;
	else if (r->low > high && significant)
		row->verdict = VERDICT_SLOWER;
	else
		unclear(c, row);
	if (row->verdict == VERDICT_UNCLEAR)
		return;
	doubt = mix_doubt(c, row, row->verdict);
	if (doubt) {
		row->verdict = VERDICT_UNCLEAR;
		because(row, "%s", doubt);
	}
}

static void too_few_runs(const struct compare *c, struct compare_row *row)
{
	static const char spread[] = "nothing tells how much runs differ by themselves";
	enum side side = row->side[BEFORE].runs < 2 ? BEFORE : AFTER;
	const char *word = side == BEFORE ? "before" : "after";

	if (c->side[side].n > 1)
		because(row, "only 1 of %zu runs %s has it", c->side[side].n, word);
	else if (c->side[!side].n > 1)
		because(row, "one run %s: %s", word, spread);
	else
		because(row, "one run a side: %s", spread);
}

/* Whether @row is judged; if not, says why. */
static bool in_family(const struct compare *c, struct compare_row *row)
{
	const struct row_side *b = &row->side[BEFORE], *a = &row->side[AFTER];

	if (!b->runs || !a->runs)
		because(row, "only %s", b->runs ? "before" : "after");
	else if (b->runs < 2 || a->runs < 2)
		too_few_runs(c, row);
	else if (row_is_minor(row))
		because(row, "less than %g %% of the time in DMA calls", COMPARE_FEW * 100);
	else if (!row->figure[FIG_NS_CALL].has_limits)
		because(row, "calls too short to have a time");
	else
		return true;
	return false;
}

static int judge_rows(struct compare *c)
{
	double *p = calloc(c->n_rows + 1, sizeof(*p));
	size_t i, n = 0;

	if (!p)
		return -ENOMEM;
	for (i = 0; i < c->n_rows; i++) {
		c->rows[i].tested = in_family(c, &c->rows[i]);
		if (c->rows[i].tested)
			p[n++] = c->rows[i].p;
	}
	c->n_tested = n;
	if (c->rows_apart)
		c->n_tested = n > 0;
	else
		holm(p, p, n);
	for (i = 0, n = 0; i < c->n_rows; i++) {
		if (!c->rows[i].tested)
			continue;
		c->rows[i].p_holm = p[n++];
		judge(c, &c->rows[i]);
	}
	free(p);
	return 0;
}

/*
 * Lists that got longer have more barriers a call on one kernel, and shorter ones more an entry on
 * another: only both together are the kernel's.
 */
static bool rose(const struct figure *f, double fraction)
{
	return f->known[BEFORE] && f->known[AFTER] &&
	       f->value[AFTER] > f->value[BEFORE] * (1 + fraction);
}

bool dsb_rose(const struct compare_row *row, double fraction)
{
	if (op_is_chain(row->op))
		return rose(&row->figure[FIG_STEPS_CALL], fraction) &&
		       rose(&row->figure[FIG_STEPS_ENTRY], fraction);
	return rose(&row->figure[FIG_DSB_CALL], fraction) &&
	       rose(&row->figure[FIG_DSB_ENTRY], fraction);
}

static void find_regressions(struct compare *c)
{
	struct compare_row *row;
	size_t i;

	if (c->opt->fail_above < 0)
		return;
	for (i = 0; i < c->n_rows; i++) {
		row = &c->rows[i];
		row->regression = dsb_rose(row, c->opt->fail_above) ||
				  (row->verdict == VERDICT_SLOWER &&
				   row->figure[FIG_NS_CALL].r.low > 1 + c->opt->fail_above);
	}
}

bool compare_regressed(const struct compare *c)
{
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		if (c->rows[i].regression)
			return true;
	}
	return false;
}

static double weight(const struct compare_row *row)
{
	return row->side[BEFORE].share + row->side[AFTER].share;
}

/* What takes most time comes first; then names, so that the order is total. */
static int by_time(const void *x, const void *y)
{
	const struct compare_row *a = x, *b = y;
	int order = (weight(a) < weight(b)) - (weight(a) > weight(b));

	if (!order)
		order = strcmp(a->dev, b->dev);
	if (!order)
		order = (int)a->op - (int)b->op;
	return order ? order : (int)a->dir - (int)b->dir;
}

static int fill_rows(struct compare *c)
{
	const struct row *key;
	struct compare_row *row;
	size_t i;
	int err = 0;

	free(c->rows);
	c->n_rows = 0;
	c->rows = calloc(c->keys.n_rows + 1, sizeof(*c->rows));
	if (!c->rows)
		return -ENOMEM;
	for (i = 0; !err && i < c->keys.n_rows; i++) {
		key = &c->keys.rows[i];
		row = &c->rows[c->n_rows];
		row->at = i;
		row->op = key->op;
		row->dir = key->dir;
		memcpy(row->dev, key->dev, sizeof(row->dev));
		err = row_figures_fill(c, row);
		if (!err)
			err = row_mix_fill(c, row);
		/* Rows of runs that are on neither side. */
		if (row->side[BEFORE].runs || row->side[AFTER].runs)
			c->n_rows++;
		else
			memset(row, 0, sizeof(*row));
	}
	qsort(c->rows, c->n_rows, sizeof(*c->rows), by_time);
	return err;
}

int compare_judge(struct compare *c)
{
	int err = fill_rows(c);

	if (!err)
		err = judge_rows(c);
	if (err)
		return err;
	find_regressions(c);
	err = storms_fill(c);
	if (err)
		return err;
	return compare_notes(c);
}
