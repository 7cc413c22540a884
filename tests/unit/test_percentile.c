// SPDX-License-Identifier: GPL-2.0
/* Percentiles from histograms against exact ones from sorted values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/percentile.h>
#include "fake.h"

#define N_MAX 5000

struct sample {
	__u64 v[N_MAX];
	unsigned int n;
	__u64 hist[HIST_BUCKETS];
};

static __u64 seed = 1;

static double uniform(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 11) / 0x1p53;
}

static int compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return (x > y) - (x < y);
}

static void fill(struct sample *s, unsigned int n, double low_exp, double high_exp)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	s->n = n;
	for (i = 0; i < n; i++) {
		s->v[i] = exp2(low_exp + (high_exp - low_exp) * uniform());
		s->hist[fake_bucket(s->v[i])]++;
	}
	qsort(s->v, n, sizeof(*s->v), compare);
}

static __u64 exact(const struct sample *s, double q)
{
	double rank = ceil(q * s->n);

	return s->v[rank < 1 ? 0 : (unsigned int)rank - 1];
}

static void check_bound(const struct sample *s, double q)
{
	__u64 want = exact(s, q), got;

	got = hist_percentile(s->hist, s->v[0], s->v[s->n - 1], q);
	if (want < 16)
		assert_int_equal(got, want);
	else
		assert_true(fabs((double)got - want) < want / 8.0);
}

static void within_the_bound(void **state)
{
	static const double qs[] = { 0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1 };
	static struct sample s;
	unsigned int round, i;

	for (round = 0; round < 300; round++) {
		fill(&s, 1 + uniform() * (N_MAX - 1), uniform() * 10,
		     10 + uniform() * (HIST_MAX_EXP - 9));
		for (i = 0; i < sizeof(qs) / sizeof(*qs); i++)
			check_bound(&s, qs[i]);
	}
}

/* Typical data: the mean error is far below the bound. */
static void mean_error(void **state)
{
	static struct sample s;
	double sum = 0, worst = 0, err;
	unsigned int round, n = 0;
	double q;

	for (round = 0; round < 50; round++) {
		fill(&s, N_MAX, 10, 13);
		for (q = 0.05; q < 1; q += 0.05, n++) {
			err = fabs((double)hist_percentile(s.hist, s.v[0], s.v[s.n - 1], q) /
					   exact(&s, q) -
				   1);
			sum += err;
			worst = err > worst ? err : worst;
		}
	}
	assert_true(sum / n < 0.01);
	assert_true(worst < 0.05);
}

static void edges(void **state)
{
	__u64 hist[HIST_BUCKETS] = {};

	assert_int_equal(hist_percentile(hist, 0, ~0ULL, 0.5), 0);
	hist[fake_bucket(1000)] = 1;
	assert_int_equal(hist_percentile(hist, 1000, 1000, 0.5), 1000);
	assert_in_range(hist_percentile(hist, 0, ~0ULL, 0.5), 960, 1023);
	hist[HIST_BUCKETS - 1] = 1000; /* open to the top: never more than the maximum */
	assert_int_equal(hist_percentile(hist, 1000, 1ULL << 40, 1), 1ULL << 40);
	assert_true(hist_percentile(hist, 1000, 1ULL << 40, 0.5) <= 1ULL << 40);
	assert_true(hist_percentile(hist, 1000, 1ULL << 40, 0.5) >= hist_low(HIST_BUCKETS - 1));
}

static void buckets_are_narrow(void **state)
{
	unsigned int b;

	assert_int_equal(hist_low(0), 0);
	for (b = 0; b < HIST_BUCKETS; b++) {
		assert_true(hist_low(b + 1) > hist_low(b));
		assert_true(b < 16 ? hist_low(b) == b
				   : hist_low(b + 1) - hist_low(b) <= hist_low(b) / 8);
	}
}

/* hist_bucket() against the definition, at both ends of every bucket. */
static void buckets_are_found(void **state)
{
	unsigned int b;

	for (b = 0; b < HIST_BUCKETS; b++) {
		assert_int_equal(hist_bucket(hist_low(b)), b);
		assert_int_equal(hist_bucket(hist_low(b + 1) - 1), b);
	}
	assert_int_equal(hist_bucket(hist_low(HIST_BUCKETS)), HIST_BUCKETS - 1);
	assert_int_equal(hist_bucket(~0ULL), HIST_BUCKETS - 1);
}

/* The programs' table gives the same bucket for every value in its range, and none elsewhere. */
static void near_buckets_are_found(void **state)
{
	static unsigned char table[HIST_NEAR];
	__u64 ns;

	hist_fill_near(table);
	for (ns = 0; ns < HIST_NEAR_MIN; ns++)
		assert_true(hist_near(ns) >= HIST_NEAR);
	for (; ns <= HIST_NEAR_MAX; ns++) {
		assert_true(hist_near(ns) < HIST_NEAR);
		assert_int_equal(table[hist_near(ns)], hist_bucket(ns));
	}
	assert_true(hist_near(ns) >= HIST_NEAR);
	assert_true(hist_near(~0ULL) >= HIST_NEAR);
}

static void folding_keeps_counts(void **state)
{
	static struct sample s;
	struct hist_line lines[HIST_BUCKETS];
	unsigned int max, n, i, round;
	__u64 sum;

	for (round = 0; round < 100; round++) {
		fill(&s, 500, uniform() * 10, 10 + uniform() * (HIST_MAX_EXP - 9));
		max = 1 + uniform() * 40;
		n = hist_fold(s.hist, lines, max);
		assert_in_range(n, 1, max);
		for (sum = 0, i = 0; i < n; i++) {
			sum += lines[i].count;
			assert_true(lines[i].low < lines[i].high);
			assert_true(!i || lines[i].low == lines[i - 1].high);
		}
		assert_int_equal(sum, 500);
		assert_true(lines[0].count && lines[n - 1].count);
		assert_true(s.v[0] >= lines[0].low && s.v[499] < lines[n - 1].high);
	}
	memset(&s, 0, sizeof(s));
	assert_int_equal(hist_fold(s.hist, lines, 10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(within_the_bound),
		cmocka_unit_test(mean_error),
		cmocka_unit_test(edges),
		cmocka_unit_test(buckets_are_narrow),
		cmocka_unit_test(buckets_are_found),
		cmocka_unit_test(near_buckets_are_found),
		cmocka_unit_test(folding_keeps_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
