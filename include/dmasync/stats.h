/* SPDX-License-Identifier: GPL-2.0 */
/* Statistics for comparing runs: random numbers, rank test, correction, bootstrap. */
#ifndef DMASYNC_STATS_H
#define DMASYNC_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/*
 * xoshiro256** (D. Blackman, S. Vigna: "Scrambled Linear Pseudorandom Number Generators", ACM TOMS
 * 47, 2021): the same numbers on every machine, so that a printed seed repeats a result.
 */
struct rng {
	__u64 s[4];
};

/* Fills the state from @seed by SplitMix64 (G. Steele et al., OOPSLA 2014); any seed will do. */
void rng_seed(struct rng *r, __u64 seed);
__u64 rng_next(struct rng *r);
__u32 rng_below(struct rng *r, __u32 n); /* 0 .. @n - 1, all equally likely; @n > 0 */
double rng_unit(struct rng *r);		 /* in (0, 1), never an end */

/* The step of SplitMix64: advances *@state and returns the next number. */
__u64 splitmix64(__u64 *state);

/* t so that P(T <= t) = @p for Student's distribution; @df > 0 may be fractional, @p in (0, 1). */
double t_quantile(double df, double p);

/*
 * Two-sided p of the Mann-Whitney test that @a (@na values) and @b (@nb) come from one
 * distribution: the share of all ways to deal the observed values out to the two groups in which
 * the rank sum lies at least as far from its mean as here. Exact, with ties too (they share the
 * mean of their ranks), up to MANN_WHITNEY_EXACT values in all; above by the normal approximation
 * with corrections for ties and continuity. @na, @nb >= 1. -1: out of memory.
 */
double mann_whitney(const double *a, size_t na, const double *b, size_t nb);
#define MANN_WHITNEY_EXACT 60

/* The smallest p that mann_whitney() can give for groups of these sizes: 2 / C(na + nb, na). */
double mann_whitney_min(size_t na, size_t nb);

/*
 * Holm's step-down correction (S. Holm, Scand. J. Statist. 6, 1979): @adjusted[i] <= alpha keeps
 * the chance of one or more false claims among all @n at alpha. Order is kept. May be in place.
 */
void holm(const double *p, double *adjusted, size_t n);

/* What one run measured of one thing, interval by interval: its value is sum(num) / sum(den). */
struct run_series {
	const double *num, *den; /* n of each; sum(den) > 0, sum(num) >= 0 */
	size_t n;		 /* >= 1 */
};

/* Ratio of the means of two sides with its interval of 95 %. */
struct ratio_interval {
	double ratio;	  /* mean of the runs' values after / before */
	double low, high; /* equal to ratio when the runs do not differ at all */
	double var[2];	  /* variance of the logarithm of each side's mean */
	double df;	  /* degrees of freedom of the t distribution; 0 without any variance */
};

/*
 * Two-level bootstrap of the ratio of means: of runs, and of blocks of intervals inside the runs;
 * see bootstrap.c for how the levels are put together and why. @n_before, @n_after >= 2; all runs'
 * values > 0. 0 or -ENOMEM.
 */
int bootstrap_ratio(const struct run_series *before, size_t n_before,
		    const struct run_series *after, size_t n_after, unsigned int draws,
		    struct rng *rng, struct ratio_interval *out);

/*
 * The same for values that exist only once a run, such as percentiles: runs are the only level.
 * All values > 0.
 */
void bootstrap_values(const double *before, size_t n_before, const double *after, size_t n_after,
		      unsigned int draws, struct rng *rng, struct ratio_interval *out);

/*
 * Fills low, high and df of @r from its ratio and variances and the numbers of runs: a t interval
 * on the logarithm, with the degrees of freedom of Welch and Satterthwaite.
 */
void ratio_limits(struct ratio_interval *r, size_t n_before, size_t n_after);

#endif
