// SPDX-License-Identifier: GPL-2.0
/* Student's t, the Mann-Whitney test, Holm's correction. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/stats.h>

/*
 * Continued fraction of the regularised incomplete beta function (NIST DLMF 8.17.22), evaluated
 * from its front by the method of Lentz.
 */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), f, term;
	int m;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	f = d;
	for (m = 1; m < 1000; m++) {
		term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		d = 1 + term * d;
		c = 1 + term / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		f *= c * d;
		term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		d = 1 + term * d;
		c = 1 + term / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		f *= c * d;
		if (fabs(c * d - 1) < 1e-14)
			break;
	}
	return f;
}

/* I_x(a, b) */
static double incomplete_beta(double a, double b, double x)
{
	double front;

	if (x <= 0 || x >= 1)
		return x > 0;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* P(T > @t) for @t >= 0 (NIST DLMF 8.17, Abramowitz and Stegun 26.7.1) */
static double t_tail(double df, double t)
{
	return incomplete_beta(df / 2, 0.5, df / (df + t * t)) / 2;
}

double t_quantile(double df, double p)
{
	double low = 0, high = 1, mid, tail = p < 0.5 ? p : 1 - p;
	int i;

	while (t_tail(df, high) > tail && high < 1e300)
		high *= 2;
	for (i = 0; i < 200 && high - low > 1e-13 * high; i++) {
		mid = (low + high) / 2;
		if (t_tail(df, mid) > tail)
			low = mid;
		else
			high = mid;
	}
	return p < 0.5 ? -high : high;
}

struct ranked {
	double value;
	unsigned int rank2; /* twice its rank: whole for mean ranks, too */
	bool first;	    /* of the first group */
};

static int by_value(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

/* Gives each of @n sorted values its rank; ties share the mean. Returns the sum of t^3 - t. */
static double give_ranks(struct ranked *v, size_t n)
{
	double ties = 0, t;
	size_t i, k, j;

	for (i = 0; i < n; i = k) {
		for (k = i; k < n && v[k].value == v[i].value; k++)
			;
		for (j = i; j < k; j++)
			v[j].rank2 = i + 1 + k;
		t = k - i;
		ties += t * t * t - t;
	}
	return ties;
}

/*
 * ways[k * (sum + 1) + s]: subsets of k of the values so far whose doubled ranks add up to s; as
 * doubles, whose 53 bits hold C(60, 30) = 1.2e17 to within 1e-16 of its value.
 */
static double exact_p(const struct ranked *v, size_t n, size_t na, unsigned int distance)
{
	unsigned int sum = n * (n + 1), mean = na * (n + 1), s;
	size_t width = sum + 1, i, k;
	double *ways = calloc((na + 1) * width, sizeof(*ways)), far = 0, all = 0;

	if (!ways)
		return -1;
	ways[0] = 1;
	for (i = 0; i < n; i++) {
		for (k = i < na ? i + 1 : na; k > 0; k--) {
			for (s = v[i].rank2; s <= sum; s++)
				ways[k * width + s] += ways[(k - 1) * width + s - v[i].rank2];
		}
	}
	for (s = 0; s <= sum; s++) {
		all += ways[na * width + s];
		if ((s > mean ? s - mean : mean - s) >= distance)
			far += ways[na * width + s];
	}
	free(ways);
	return far / all;
}

/* @distance and mean are of doubled ranks, hence the 4 and the continuity correction of 1. */
static double normal_p(size_t na, size_t nb, unsigned int distance, double ties)
{
	double n = na + nb, var;

	var = 4.0 * na * nb / 12 * (n + 1 - ties / (n * (n - 1)));
	if (var <= 0 || !distance)
		return 1;
	return fmin(1, erfc((distance - 1.0) / sqrt(2 * var)));
}

double mann_whitney(const double *a, size_t na, const double *b, size_t nb)
{
	size_t n = na + nb, i;
	struct ranked *v = calloc(n, sizeof(*v));
	unsigned int sum = 0, mean = na * (n + 1), distance;
	double ties, p;

	if (!v)
		return -1;
	for (i = 0; i < n; i++) {
		v[i].value = i < na ? a[i] : b[i - na];
		v[i].first = i < na;
	}
	qsort(v, n, sizeof(*v), by_value);
	ties = give_ranks(v, n);
	for (i = 0; i < n; i++)
		sum += v[i].first ? v[i].rank2 : 0;
	distance = sum > mean ? sum - mean : mean - sum;
	if (n <= MANN_WHITNEY_EXACT)
		p = exact_p(v, n, na, distance);
	else
		p = normal_p(na, nb, distance, ties);
	free(v);
	return p;
}

double mann_whitney_min(size_t na, size_t nb)
{
	double ways = 1;
	size_t i;

	for (i = 1; i <= na; i++)
		ways = ways * (nb + i) / i;
	return fmin(1, 2 / ways);
}

/* Step i of the smallest p's: p times the number not yet stepped over, never below its step. */
void holm(const double *p, double *adjusted, size_t n)
{
	double *sorted = calloc(n, sizeof(*sorted)), step;
	size_t i, k, below, same;

	for (i = 0; sorted && i < n; i++)
		sorted[i] = p[i];
	for (i = 0; i < n; i++) {
		step = 0;
		/* The largest of the steps up to p[i]: quadratic twice over rows is nothing. */
		for (k = 0; sorted && k < n; k++) {
			if (sorted[k] > sorted[i])
				continue;
			for (below = same = 0; same < n; same++)
				below += sorted[same] < sorted[k];
			step = fmax(step, sorted[k] * (n - below));
		}
		adjusted[i] = sorted ? fmin(1, step) : 1;
	}
	free(sorted);
}
