// SPDX-License-Identifier: GPL-2.0
/* Random numbers, t, Mann-Whitney, Holm and the bootstrap against published or worked values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/stats.h>
#include "random_runs.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* The sequences that the generators' other implementations give for these states. */
static void generators_are_the_published_ones(void **state)
{
	static const __u64 split[] = { 6457827717110365317ULL, 3203168211198807973ULL,
				       9817491932198370423ULL, 4593380528125082431ULL };
	static const __u64 xoshiro[] = { 11520, 0, 1509978240, 1215971899390074240ULL };
	struct rng rng = { { 1, 2, 3, 4 } };
	__u64 seed = 1234567;
	size_t i;

	for (i = 0; i < COUNT(split); i++)
		assert_true(splitmix64(&seed) == split[i]);
	for (i = 0; i < COUNT(xoshiro); i++)
		assert_true(rng_next(&rng) == xoshiro[i]);
}

static void draws_are_even(void **state)
{
	unsigned int seen[7] = {}, i;
	struct rng rng;
	double sum = 0;

	rng_seed(&rng, 1);
	for (i = 0; i < 70000; i++)
		seen[rng_below(&rng, 7)]++;
	/* 5 standard deviations of a binomial of 70000 and 1/7 are 463. */
	for (i = 0; i < 7; i++)
		assert_in_range(seen[i], 10000 - 463, 10000 + 463);
	for (i = 0; i < 70000; i++)
		sum += rng_unit(&rng);
	assert_float_equal(sum / 70000, 0.5, 5 * sqrt(1.0 / 12 / 70000));
}

/* Tables of Student's distribution; 1.5: between those of 1 and 2; one degree has a formula. */
static void t_as_in_tables(void **state)
{
	assert_float_equal(t_quantile(1, 0.975), 12.7062, 5e-5);
	assert_float_equal(t_quantile(2, 0.975), 4.30265, 5e-6);
	assert_float_equal(t_quantile(4, 0.975), 2.77645, 5e-6);
	assert_float_equal(t_quantile(8, 0.975), 2.30600, 5e-6);
	assert_float_equal(t_quantile(8, 0.025), -2.30600, 5e-6);
	assert_float_equal(t_quantile(30, 0.95), 1.69726, 5e-6);
	assert_float_equal(t_quantile(1e7, 0.975), 1.95996, 5e-5);
	assert_float_equal(t_quantile(1, 0.8), tan(0.3 * M_PI), 1e-9);
	assert_true(t_quantile(1.5, 0.975) < 12.7 && t_quantile(1.5, 0.975) > 4.31);
}

/* The two-sided p of the test by its definition: every way to deal the values out. */
static double dealt_out(const double *v, size_t n, size_t na, double far)
{
	unsigned long set, hits = 0, all = 0;
	double u;
	size_t i, k;

	for (set = 0; set < 1UL << n; set++) {
		if ((size_t)__builtin_popcountl(set) != na)
			continue;
		for (u = 0, i = 0; i < n; i++) {
			for (k = 0; k < n; k++) {
				if (set >> i & 1 && !(set >> k & 1))
					u += v[i] > v[k] ? 1 : v[i] == v[k] ? 0.5 : 0;
			}
		}
		all++;
		hits += fabs(u - na * (n - na) / 2.0) >= far - 1e-9;
	}
	return (double)hits / all;
}

static void check_p(const double *v, size_t na, size_t nb)
{
	double u = 0;
	size_t i, k;

	for (i = 0; i < na; i++) {
		for (k = na; k < na + nb; k++)
			u += v[i] > v[k] ? 1 : v[i] == v[k] ? 0.5 : 0;
	}
	assert_float_equal(mann_whitney(v, na, v + na, nb),
			   dealt_out(v, na + nb, na, fabs(u - na * nb / 2.0)), 1e-12);
}

static void mann_whitney_is_enumeration(void **state)
{
	struct rng rng;
	double v[12];
	size_t na, nb, i;
	int round;

	rng_seed(&rng, 5);
	for (round = 0; round < 60; round++) {
		na = 1 + rng_below(&rng, 6);
		nb = 1 + rng_below(&rng, 6);
		/* Half of the rounds have ties, up to all values being the same. */
		for (i = 0; i < na + nb; i++)
			v[i] = round % 2 ? rng_unit(&rng) : rng_below(&rng, 1 + round / 10);
		check_p(v, na, nb);
	}
}

/* Critical values of U, two-sided 5 % (Mann and Whitney 1947 and every textbook since). */
static void mann_whitney_as_in_tables(void **state)
{
	static const int critical[][3] = { { 4, 4, 0 },	 { 5, 5, 2 }, { 6, 6, 5 },    { 7, 7, 8 },
					   { 8, 8, 13 }, { 4, 8, 4 }, { 10, 10, 23 }, { 3, 5, 0 } };
	double a[10], b[10];
	int u, left, i;
	size_t k;

	for (k = 0; k < COUNT(critical); k++) {
		for (u = critical[k][2]; u <= critical[k][2] + 1; u++) {
			/* a's values lie below b's, but for as many steps up as U has. */
			for (i = 0; i < critical[k][1]; i++)
				b[i] = i + 0.5;
			for (left = u, i = critical[k][0] - 1; i >= 0; i--) {
				a[i] = left > critical[k][1] ? critical[k][1] : left;
				left -= a[i];
				a[i] -= 0.01 * (critical[k][0] - i);
			}
			assert_int_equal(mann_whitney(a, critical[k][0], b, critical[k][1]) <= 0.05,
					 u == critical[k][2]);
		}
	}
	assert_float_equal(mann_whitney_min(3, 3), 0.1, 1e-12);
	assert_float_equal(mann_whitney_min(4, 4), 2.0 / 70, 1e-12);
	assert_float_equal(mann_whitney_min(5, 5), 2.0 / 252, 1e-12);
	assert_float_equal(mann_whitney_min(1, 1), 1, 1e-12);
}

/* Where the exact test ends, the approximation must be close to it. */
static void mann_whitney_of_many(void **state)
{
	double a[40], b[40], exact, approximate;
	struct rng rng;
	size_t i;

	rng_seed(&rng, 9);
	for (i = 0; i < 40; i++) {
		a[i] = floor(20 * rng_unit(&rng));
		b[i] = floor(20 * rng_unit(&rng)) + 3;
	}
	exact = mann_whitney(a, 30, b, 30);
	approximate = mann_whitney(a, 31, b, 30);
	assert_true(exact < 0.2 && exact > 1e-6);
	assert_true(fabs(log(exact / approximate)) < 1.2);
	for (i = 0; i < 40; i++)
		a[i] = b[i] = 1;
	assert_float_equal(mann_whitney(a, 40, b, 40), 1, 1e-12);
}

/*
 * Worked by hand: sorted .01 .012 .02 .04 get .05 .048 .06 .08 from 5, 4, 3, 2; the second may
 * not be below the first; .3 stays.
 */
static void holm_by_hand(void **state)
{
	double p[] = { 0.04, 0.01, 0.3, 0.012, 0.02 };
	static const double want[] = { 0.08, 0.05, 0.3, 0.05, 0.06 };
	double ties[] = { 0.03, 0.03 }, large[] = { 0.6, 0.7 };
	size_t i;

	holm(p, p, COUNT(p));
	for (i = 0; i < COUNT(p); i++)
		assert_float_equal(p[i], want[i], 1e-12);
	holm(ties, ties, 2);
	assert_float_equal(ties[0], 0.06, 1e-12);
	assert_float_equal(ties[1], 0.06, 1e-12);
	holm(large, large, 2);
	assert_float_equal(large[0], 1, 1e-12);
}

/* For values of runs the bootstrap has a closed form: Welch's interval, by the delta method. */
static void bootstrap_is_welch_for_normals(void **state)
{
	double v[2][12], mean[2] = {}, var[2] = {}, se, df, half;
	struct ratio_interval r;
	struct rng rng;
	int s, i;

	rng_seed(&rng, 4);
	for (s = 0; s < 2; s++) {
		for (i = 0; i < 12; i++) {
			v[s][i] = 100 * (1 + s) + 2 * random_normal(&rng);
			mean[s] += v[s][i] / 12;
		}
		for (i = 0; i < 12; i++)
			var[s] += (v[s][i] - mean[s]) * (v[s][i] - mean[s]) / 11 / 12;
		var[s] /= mean[s] * mean[s];
	}
	se = sqrt(var[0] + var[1]);
	df = se * se * se * se / ((var[0] * var[0] + var[1] * var[1]) / 11);
	half = t_quantile(df, 0.975) * se;
	bootstrap_values(v[0], 12, v[1], 12, 20000, &rng, &r);
	assert_float_equal(r.ratio, mean[1] / mean[0], 1e-12);
	assert_float_equal(log(r.high / r.ratio), half, 0.04 * half);
	assert_float_equal(log(r.ratio / r.low), half, 0.04 * half);
	assert_float_equal(r.df, df, 0.03 * df);
}

static void bootstrap_repeats(void **state)
{
	static const double before[] = { 10, 11, 12 }, after[] = { 20, 23, 21 };
	struct ratio_interval a, b, c;
	struct rng rng;

	rng_seed(&rng, 1);
	bootstrap_values(before, 3, after, 3, 500, &rng, &a);
	rng_seed(&rng, 1);
	bootstrap_values(before, 3, after, 3, 500, &rng, &b);
	bootstrap_values(before, 3, after, 3, 500, &rng, &c);
	assert_true(a.low == b.low && a.high == b.high);
	assert_true(a.low != c.low);
}

/* Runs that agree by luck: what their intervals say keeps the interval from closing. */
static void blocks_are_a_floor(void **state)
{
	double ns[2][16], calls[16];
	struct run_series runs[2] = { { ns[0], calls, 16 }, { ns[1], calls, 16 } };
	struct ratio_interval r;
	struct rng rng;
	size_t i;

	for (i = 0; i < 16; i++) {
		calls[i] = 10;
		ns[0][i] = ns[1][15 - i] = 1000 + 100 * (i / 4);
	}
	rng_seed(&rng, 1);
	assert_int_equal(bootstrap_ratio(runs, 2, runs, 2, 2000, &rng, &r), 0);
	assert_float_equal(r.ratio, 1, 1e-12);
	assert_true(r.low < 0.98 && r.high > 1.02);
	for (i = 0; i < 16; i++)
		ns[0][i] = ns[1][i] = 1000;
	assert_int_equal(bootstrap_ratio(runs, 2, runs, 2, 2000, &rng, &r), 0);
	assert_true(r.low == 1 && r.high == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generators_are_the_published_ones),
		cmocka_unit_test(draws_are_even),
		cmocka_unit_test(t_as_in_tables),
		cmocka_unit_test(mann_whitney_is_enumeration),
		cmocka_unit_test(mann_whitney_as_in_tables),
		cmocka_unit_test(mann_whitney_of_many),
		cmocka_unit_test(holm_by_hand),
		cmocka_unit_test(bootstrap_is_welch_for_normals),
		cmocka_unit_test(bootstrap_repeats),
		cmocka_unit_test(blocks_are_a_floor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
