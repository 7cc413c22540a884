// SPDX-License-Identifier: GPL-2.0
/*
 * How often compare is wrong, on runs made up so that the truth is known: false alarms when nothing
 * changed, coverage of the interval, power for a true -10 %. Prints what it found. Seeds are fixed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "compare_fake.h"

#define INTERVALS 30
#define FALSE_ALARMS 0.08 /* most that 5 runs a side may show; nominal 0.05 */

static const struct {
	const char *name;
	struct run_model model;
} models[] = {
	{ "like a quiet board", { 20000, 0.02, 0.05, 0.5 } },
	{ "runs differ most", { 20000, 0.10, 0.03, 0.3 } },
	{ "long waves", { 20000, 0.03, 0.10, 0.9 } },
	{ "intervals differ most", { 20000, 0.005, 0.20, 0.6 } },
};

struct outcome {
	double claims; /* of the trials: some row was called faster or slower */
	double right;  /* faster, of the first row */
	double pooled; /* a test over all intervals as if they were independent claimed something */
	double covers; /* the first row's interval has the true ratio in it */
	double wide;   /* its mean width, of the ratio */
};

/* What not to do: Welch's z over intervals. */
static bool pooled_claims(const struct compare *c)
{
	double mean[SIDES] = {}, var[SIDES] = {}, v;
	const struct run_row *row;
	size_t i, k, n;
	int s, pass;

	for (s = 0; s < SIDES; s++) {
		for (pass = 0; pass < 2; pass++) {
			for (n = 0, i = 0; i < c->side[s].n; i++) {
				row = c->side[s].runs[i]->rows[0];
				for (k = 0; k < row->n; k++, n++) {
					v = row->ns[k] / row->calls[k];
					if (pass)
						var[s] += (v - mean[s]) * (v - mean[s]);
					else
						mean[s] += v;
				}
			}
			if (!pass)
				mean[s] /= n;
		}
		var[s] /= (n - 1.0) * n;
	}
	return fabs(mean[AFTER] - mean[BEFORE]) > 1.96 * sqrt(var[BEFORE] + var[AFTER]);
}

static bool some_claim(const struct compare *c)
{
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		if (c->rows[i].verdict == VERDICT_FASTER || c->rows[i].verdict == VERDICT_SLOWER)
			return true;
	}
	return false;
}

/* @trials comparisons of @n runs a side, of which after's take @scale times as long. */
static struct outcome simulate(const struct run_model *model, unsigned int n, unsigned int rows,
			       double scale, double noise, unsigned int trials)
{
	struct compare_options opt = { .noise = noise, .fail_above = -1, .seed = 1, .draws = 300 };
	struct fake_runs like = {
		.model = *model, .intervals = INTERVALS, .rows = rows, .entries = 1, .dsb = 1
	};
	const struct ratio_interval *r;
	struct outcome out = {};
	struct compare c;
	struct rng rng;
	unsigned int t, i;

	rng_seed(&rng, 77 + n);
	for (t = 0; t < trials; t++) {
		compare_init(&c, &opt);
		for (i = 0; i < n; i++) {
			fake_run(&c, BEFORE, &rng, &like, 1, i);
			fake_run(&c, AFTER, &rng, &like, scale, n + i);
		}
		assert_int_equal(compare_judge(&c), 0);
		r = &c.rows[0].figure[FIG_NS_CALL].r;
		out.claims += some_claim(&c);
		out.right += c.rows[0].verdict == VERDICT_FASTER;
		out.pooled += pooled_claims(&c);
		out.covers += r->low <= scale && scale <= r->high;
		out.wide += r->high - r->low;
		compare_free(&c);
	}
	return (struct outcome){ out.claims / trials, out.right / trials, out.pooled / trials,
				 out.covers / trials, out.wide / trials };
}

/* Noise band 0: every claim is a false one, and no band hides it. */
static void false_alarms(void **state)
{
	struct outcome o;
	size_t i;

	for (i = 0; i < sizeof(models) / sizeof(*models); i++) {
		o = simulate(&models[i].model, 5, 1, 1, 0, 800);
		printf("5 v 5, no change, %s: false alarms %.1f %%, interval covers %.1f %%, "
		       "mean width %.1f %%; pooled over intervals: %.1f %% false alarms\n",
		       models[i].name, o.claims * 100, o.covers * 100, o.wide * 100,
		       o.pooled * 100);
		assert_true(o.claims <= FALSE_ALARMS);
		assert_true(o.covers >= 0.93);
		/* The same check has to fail for the method that this one replaces. */
		assert_true(o.pooled > FALSE_ALARMS);
		assert_true(o.pooled >= 0.25 && o.pooled <= 0.80);
	}
}

static void false_alarms_of_other_numbers(void **state)
{
	static const unsigned int runs[] = { 2, 3, 4, 8 };
	struct outcome o;
	size_t i;

	for (i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		o = simulate(&models[0].model, runs[i], 1, 1, 0, 400);
		printf("%u v %u, no change: false alarms %.1f %%, interval covers %.1f %%, mean "
		       "width %.1f %%\n",
		       runs[i], runs[i], o.claims * 100, o.covers * 100, o.wide * 100);
		assert_true(runs[i] < 4 ? o.claims == 0 : o.claims <= FALSE_ALARMS);
		assert_true(o.covers >= 0.93);
	}
}

/* Holm keeps the rate over all rows, not for each. */
static void false_alarms_of_many_rows(void **state)
{
	struct outcome o = simulate(&models[0].model, 6, 6, 1, 0, 400);

	printf("6 v 6, 6 rows, no change: some false alarm in %.1f %%\n", o.claims * 100);
	assert_true(o.claims <= FALSE_ALARMS);
}

static void power(void **state)
{
	struct outcome o;
	size_t i;

	for (i = 0; i < sizeof(models) / sizeof(*models); i++) {
		o = simulate(&models[i].model, 5, 1, 0.9, 0.02, 300);
		printf("5 v 5, true -10 %%, noise band 2 %%, %s: called faster %.1f %%, interval "
		       "covers %.1f %%\n",
		       models[i].name, o.right * 100, o.covers * 100);
		assert_true(o.covers >= 0.92);
		if (!i)
			assert_true(o.right >= 0.8);
	}
	o = simulate(&models[0].model, 3, 1, 0.5, 0.02, 100);
	assert_true(o.claims == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(false_alarms),
		cmocka_unit_test(false_alarms_of_other_numbers),
		cmocka_unit_test(false_alarms_of_many_rows),
		cmocka_unit_test(power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
