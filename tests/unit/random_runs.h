/* SPDX-License-Identifier: GPL-2.0 */
/* Made-up runs for tests: log-normal between runs, correlated from interval to interval. */
#ifndef RANDOM_RUNS_H
#define RANDOM_RUNS_H

#include <math.h>
#include <stdlib.h>
#include <dmasync/stats.h>

/* Standard normal (Box and Muller 1958). */
static inline double random_normal(struct rng *rng)
{
	return sqrt(-2 * log(rng_unit(rng))) * cos(2 * M_PI * rng_unit(rng));
}

/* What runs are like; spreads are standard deviations of the logarithm. */
struct run_model {
	double mean_ns;
	double between; /* of runs */
	double within;	/* of the intervals of a run */
	double rho;	/* correlation of an interval with the next: AR(1) */
};

/* Time per call in each of @n intervals of one run. */
static inline void random_run(struct rng *rng, const struct run_model *m, double *ns, size_t n)
{
	double level = log(m->mean_ns) + m->between * random_normal(rng);
	double x = random_normal(rng);
	size_t i;

	for (i = 0; i < n; i++) {
		ns[i] = exp(level + m->within * x);
		x = m->rho * x + sqrt(1 - m->rho * m->rho) * random_normal(rng);
	}
}

#endif
