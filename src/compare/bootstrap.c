// SPDX-License-Identifier: GPL-2.0
/*
 * Ratio of two sides' means with an interval, from resampling runs and blocks of intervals.
 *
 * Runs are what is independent; what happens inside one is correlated. Two sources of noise are
 * resampled, each by itself:
 *   runs	n of n runs with replacement;
 *   blocks	inside each run, blocks of consecutive intervals with replacement, circular so that
 *		each interval is as likely (Politis and Romano 1992), which keeps the correlation.
 * The spread of the runs' values already contains the noise of their intervals, so drawing blocks
 * inside drawn runs would count that twice (Davison and Hinkley, "Bootstrap Methods and their
 * Application", 1997, section 3.8). The larger variance of the two counts: usually that of the
 * runs; the other is a floor for when few runs agree by luck.
 *
 * Percentiles of the draws would be too narrow for a handful of runs: the variance of a resample
 * is (n - 1) / n of what it should be, and its tails are a normal's (T. Hesterberg, "What Teachers
 * Should Know About the Bootstrap", The American Statistician 69, 2015). Both are corrected: the
 * variance by n / (n - 1), the tails by Student's t, on the logarithm of the ratio.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <dmasync/stats.h>

/* Mean and variance of numbers as they come (Welford 1962). */
struct moments {
	double n, mean, sum2;
};

static void moments_add(struct moments *m, double v)
{
	double delta = v - m->mean;

	m->n++;
	m->mean += delta / m->n;
	m->sum2 += delta * (v - m->mean);
}

static double moments_variance(const struct moments *m)
{
	return m->n > 1 ? m->sum2 / (m->n - 1) : 0;
}

static double mean(const double *v, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += v[i];
	return sum / n;
}

/* Variance of the logarithm of the mean when runs are drawn. */
static double runs_variance(const double *value, size_t n, unsigned int draws, struct rng *rng)
{
	struct moments m = {};
	unsigned int d;
	double sum;
	size_t i;

	for (d = 0; d < draws; d++) {
		for (sum = 0, i = 0; i < n; i++)
			sum += value[rng_below(rng, n)];
		moments_add(&m, log(sum / n));
	}
	return moments_variance(&m) * n / (n - 1);
}

/* A run's sums from its start to each interval, going round twice: a block is one difference. */
struct blocks {
	double *num, *den; /* 2n + 1 sums each */
	size_t n, length;
};

static void blocks_free(struct blocks *b, size_t n)
{
	size_t i;

	for (i = 0; b && i < n; i++) {
		free(b[i].num);
		free(b[i].den);
	}
	free(b);
}

static int blocks_fill(struct blocks *b, const struct run_series *run)
{
	size_t i;

	b->n = run->n;
	/* Short correlations want n^(1/3) (Kuensch 1989); what disturbs a machine lasts longer. */
	b->length = ceil(sqrt(run->n));
	b->num = calloc(2 * run->n + 1, sizeof(*b->num));
	b->den = calloc(2 * run->n + 1, sizeof(*b->den));
	if (!b->num || !b->den)
		return -ENOMEM;
	for (i = 0; i < 2 * run->n; i++) {
		b->num[i + 1] = b->num[i] + run->num[i % run->n];
		b->den[i + 1] = b->den[i] + run->den[i % run->n];
	}
	return 0;
}

static double blocks_draw(const struct blocks *b, struct rng *rng)
{
	size_t left = b->n, length = b->length, at;
	double num = 0, den = 0;

	while (left) {
		if (length > left)
			length = left;
		at = rng_below(rng, b->n);
		num += b->num[at + length] - b->num[at];
		den += b->den[at + length] - b->den[at];
		left -= length;
	}
	return den > 0 ? num / den : 0;
}

/* Variance of the logarithm of the mean when only blocks inside the runs are drawn. */
static int blocks_variance(const struct run_series *run, size_t n, unsigned int draws,
			   struct rng *rng, double *out)
{
	struct blocks *b = calloc(n, sizeof(*b));
	struct moments m = {};
	unsigned int d;
	double sum;
	int err = b ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; !err && i < n; i++)
		err = blocks_fill(&b[i], &run[i]);
	for (d = 0; !err && d < draws; d++) {
		for (sum = 0, i = 0; i < n; i++)
			sum += blocks_draw(&b[i], rng);
		if (sum > 0)
			moments_add(&m, log(sum / n));
	}
	*out = moments_variance(&m);
	blocks_free(b, n);
	return err;
}

void ratio_limits(struct ratio_interval *r, size_t n_before, size_t n_after)
{
	double a = r->var[0], b = r->var[1], half;

	r->low = r->high = r->ratio;
	r->df = 0;
	if (a + b <= 0)
		return;
	r->df = (a + b) * (a + b) / (a * a / (n_before - 1) + b * b / (n_after - 1));
	half = t_quantile(r->df, 0.975) * sqrt(a + b);
	r->low = r->ratio * exp(-half);
	r->high = r->ratio * exp(half);
}

void bootstrap_values(const double *before, size_t n_before, const double *after, size_t n_after,
		      unsigned int draws, struct rng *rng, struct ratio_interval *out)
{
	out->ratio = mean(after, n_after) / mean(before, n_before);
	out->var[0] = runs_variance(before, n_before, draws, rng);
	out->var[1] = runs_variance(after, n_after, draws, rng);
	ratio_limits(out, n_before, n_after);
}

static void run_values(const struct run_series *run, size_t n, double *value)
{
	double num, den;
	size_t i, k;

	for (i = 0; i < n; i++) {
		for (num = den = 0, k = 0; k < run[i].n; k++) {
			num += run[i].num[k];
			den += run[i].den[k];
		}
		value[i] = num / den;
	}
}

int bootstrap_ratio(const struct run_series *before, size_t n_before,
		    const struct run_series *after, size_t n_after, unsigned int draws,
		    struct rng *rng, struct ratio_interval *out)
{
	double *value = calloc(n_before + n_after, sizeof(*value)), inside[2] = {};
	int err;

	if (!value)
		return -ENOMEM;
	run_values(before, n_before, value);
	run_values(after, n_after, value + n_before);
	bootstrap_values(value, n_before, value + n_before, n_after, draws, rng, out);
	err = blocks_variance(before, n_before, draws, rng, &inside[0]);
	if (!err)
		err = blocks_variance(after, n_after, draws, rng, &inside[1]);
	if (!err) {
		out->var[0] = fmax(out->var[0], inside[0]);
		out->var[1] = fmax(out->var[1], inside[1]);
		ratio_limits(out, n_before, n_after);
	}
	free(value);
	return err;
}
