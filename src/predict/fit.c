// SPDX-License-Identifier: GPL-2.0
/*
 * The price of an entry, of a line and of a call, from sums over intervals; and how sure it is.
 *
 * Least squares over the intervals of a row, weighted: what an interval's calls took spreads with
 * its size, and with that of its calls. The weights follow from the sizes alone, not from times,
 * which would favour intervals that came out short.
 *
 * What is near in time is correlated, so the noise is not read off the intervals' residuals but
 * from leaving out blocks of neighbours in turn, of all rows at once: the jackknife, which errs on
 * the wide side (B. Efron, C. Stein, "The Jackknife Estimate of Variance", Annals of Statistics 9,
 * 1981) and is the cluster-robust variance CR3 for least squares (J. MacKinnon et al., J.
 * Econometrics 232, 2023). The t distribution's degrees of freedom count the blocks that tell
 * anything: where one phase of a load carries most of it, there are few. Of three captures and
 * more, captures are left out in turn, too, and the wider counts. A resampling of blocks would
 * often lose the sizes that tell the prices apart.
 *
 * Moments are additive: what is left without a block is a difference, the points are read once.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/stats.h>
#include "parts.h"

/* A column that others make up but for this part of its square tells nothing: rounding. */
#define SINGULAR 1e-9

/* Variance of an interval's time over its square: calls by themselves, the machine as a whole. */
#define CALL_SPREAD 1.0
#define MACHINE_SPREAD 0.01

static void moments_add(struct moments *m, const double z[Z_COUNT], double weight)
{
	int i, k;

	for (i = 0; i < Z_COUNT; i++) {
		m->sum[i] += z[i];
		for (k = 0; k < Z_COUNT; k++)
			m->product[i][k] += weight * z[i] * z[k];
	}
}

static void moments_less(struct moments *out, const struct moments *a, const struct moments *b)
{
	int i, k;

	for (i = 0; i < Z_COUNT; i++) {
		out->sum[i] = a->sum[i] - b->sum[i];
		for (k = 0; k < Z_COUNT; k++)
			out->product[i][k] = a->product[i][k] - b->product[i][k];
	}
}

/* Blocks that a capture gets, of @intervals that it has. */
static unsigned int blocks_of_run(const struct predict *p, __u32 intervals)
{
	unsigned int want = p->n_runs <= PREDICT_RUNS_FEW ? PREDICT_BLOCKS : PREDICT_BLOCKS / 2;

	return intervals < want ? intervals : want;
}

static unsigned int block_of(const struct predict *p, const struct predict_point *pt)
{
	unsigned int block = 0, i;

	for (i = 0; i < pt->run; i++)
		block += blocks_of_run(p, p->runs[i].intervals);
	return block + (unsigned long long)pt->at * blocks_of_run(p, p->runs[i].intervals) /
			       p->runs[i].intervals;
}

/* What a point would take if calls, entries and lines were a third of the row's time each. */
static double expected_ns(const double sum[Z_COUNT], const double z[Z_COUNT])
{
	double share = 0;
	int i;

	for (i = 0; i < Z_NS; i++)
		share += sum[i] > 0 ? z[i] / sum[i] : z[Z_CALLS] / sum[Z_CALLS];
	return sum[Z_NS] * share / 3;
}

static void columns_of(const struct predict_point *pt, double z[Z_COUNT])
{
	z[Z_CALLS] = pt->calls;
	z[Z_ENTRIES] = pt->entries;
	z[Z_LINES] = pt->lines;
	z[Z_NS] = pt->ns;
}

static int fit_row_fill(const struct predict *p, struct fit_row *f)
{
	const struct predict_row *row = f->row;
	double sum[Z_COUNT] = {}, z[Z_COUNT], ns, weight;
	size_t i;
	int k;

	f->block = calloc(p->blocks + 1, sizeof(*f->block));
	if (!f->block)
		return -ENOMEM;
	f->blocks = p->blocks;
	for (i = 0; i < row->n; i++) {
		columns_of(&row->points[i], z);
		for (k = 0; k < Z_COUNT; k++)
			sum[k] += z[k];
	}
	for (i = 0; i < row->n && sum[Z_NS] > 0; i++) {
		columns_of(&row->points[i], z);
		ns = expected_ns(sum, z);
		weight = 1 / (ns * ns * (CALL_SPREAD / z[Z_CALLS] + MACHINE_SPREAD));
		moments_add(&f->all, z, weight);
		moments_add(&f->block[block_of(p, &row->points[i])], z, weight);
	}
	return 0;
}

int fit_rows_fill(struct predict *p, struct fit_row *rows, size_t n)
{
	size_t i;
	int err = 0;

	p->blocks = 0;
	for (i = 0; i < p->n_runs; i++)
		p->blocks += blocks_of_run(p, p->runs[i].intervals);
	for (i = 0; !err && i < n; i++)
		err = fit_row_fill(p, &rows[i]);
	return err;
}

/*
 * Least squares of column @y on the @n columns @x, in place of Gram-Schmidt on points: elimination
 * on their products. False where a column is made up of the others.
 */
static bool regress(const struct moments *m, const int *x, int n, int y, double *coef)
{
	double a[3][4], f;
	int i, k, j;

	for (i = 0; i < n; i++) {
		for (k = 0; k < n; k++)
			a[i][k] = m->product[x[i]][x[k]];
		a[i][n] = m->product[x[i]][y];
	}
	for (i = 0; i < n; i++) {
		if (a[i][i] <= SINGULAR * m->product[x[i]][x[i]])
			return false;
		for (k = i + 1; k < n; k++) {
			f = a[k][i] / a[i][i];
			for (j = i; j <= n; j++)
				a[k][j] -= f * a[i][j];
		}
	}
	for (i = n - 1; i >= 0; i--) {
		coef[i] = a[i][n];
		for (k = i + 1; k < n; k++)
			coef[i] -= a[i][k] * coef[k];
		coef[i] /= a[i][i];
	}
	return true;
}

/* Calls and entries, or what of them there is: lists of one length are one column. */
static int base_columns(const struct moments *m, const int **x)
{
	static const int both[] = { Z_CALLS, Z_ENTRIES };
	double coef[2];

	*x = both;
	return regress(m, both, 2, Z_NS, coef) ? 2 : 1;
}

/* Adds what @m tells of the price of a line when calls and entries are allowed for. */
static void line_parts(const struct moments *m, double *xx, double *xy)
{
	double by_lines[2] = {}, by_ns[2] = {}, rest, ns;
	const int *x;
	int n = base_columns(m, &x), i;

	if (m->product[Z_CALLS][Z_CALLS] <= 0 || !regress(m, x, n, Z_LINES, by_lines) ||
	    !regress(m, x, n, Z_NS, by_ns))
		return;
	rest = m->product[Z_LINES][Z_LINES];
	ns = m->product[Z_LINES][Z_NS];
	for (i = 0; i < n; i++) {
		rest -= by_lines[i] * m->product[x[i]][Z_LINES];
		ns -= by_lines[i] * m->product[x[i]][Z_NS];
	}
	if (rest <= SINGULAR * m->product[Z_LINES][Z_LINES])
		return;
	*xx += rest;
	*xy += ns;
}

/* What is left of a row without part of its blocks. */
static void moments_without(const struct fit_row *of, struct part part, struct moments *out)
{
	unsigned int b;

	*out = of->all;
	for (b = part.from; b < part.to && b < of->blocks; b++)
		moments_less(out, out, &of->block[b]);
}

static bool has_points(const struct fit_row *of, struct part part)
{
	unsigned int b;

	for (b = part.from; b < part.to && b < of->blocks; b++) {
		if (of->block[b].sum[Z_CALLS] > 0)
			return true;
	}
	return false;
}

static void pool_line_fill(const struct fit_pool *pool, struct part part, struct pool_line *out)
{
	double xx = 0, xy = 0;
	struct moments m;
	size_t i;

	for (i = 0; i < pool->n; i++) {
		moments_without(pool->rows[i], part, &m);
		line_parts(&m, &xx, &xy);
		out->touched |= has_points(pool->rows[i], part);
	}
	out->known = xx > 0;
	out->line = xx > 0 ? xy / xx : 0;
	out->done = true;
}

/* The same for all rows of the pool, so it is kept. */
static const struct pool_line *line_of_pool(struct fit_pool *pool, struct part part)
{
	unsigned int length = part.to - part.from;
	struct pool_line *line = &pool->all;

	if (length)
		line = &pool->without[3 * part.from + (length > 2 ? 2 : length - 1)];
	if (!line->done)
		pool_line_fill(pool, part, line);
	return line;
}

/* What comes out of a fit. */
struct fitted {
	double share, entry, line;
	double lines_in, calls_in;
};

/* False where the points do not tell. */
static bool fit_without(const struct fit *f, struct part part, struct fitted *out)
{
	static const int columns[] = { Z_ENTRIES, Z_CALLS };
	const double *sum = f->of->all.sum;
	double by_ns[3], by_lines[3], calls, total;
	const struct pool_line *pooled;
	struct moments m;
	int n = f->call_free ? 2 : 1;

	moments_without(f->of, part, &m);
	if (m.sum[Z_NS] <= 0 || m.sum[Z_CALLS] < 1)
		return false;
	if (f->from == LINE_OWN) {
		int own[3] = { Z_LINES };

		memcpy(own + 1, columns, n * sizeof(*own));
		if (!regress(&m, own, n + 1, Z_NS, by_ns))
			return false;
		out->line = by_ns[0];
	} else if (f->from == LINE_GIVEN) {
		out->line = f->line;
	} else {
		pooled = line_of_pool(f->pool, part);
		if (!pooled->known)
			return false;
		out->line = pooled->line;
	}
	if (!regress(&m, columns, n, Z_NS, by_ns) || !regress(&m, columns, n, Z_LINES, by_lines))
		return false;
	out->calls_in = 0;
	if (!f->call_free && regress(&m, columns, 1, Z_CALLS, &calls))
		out->calls_in = calls;
	out->lines_in = by_lines[0];
	out->entry = by_ns[0] - out->line * by_lines[0];
	/* Of what was done in all: that some part did other work is no noise. */
	total = out->entry * sum[Z_ENTRIES] + out->line * sum[Z_LINES];
	if (f->call_free)
		total += (by_ns[1] - out->line * by_lines[1]) * sum[Z_CALLS];
	out->share = total > 0 ? out->entry * sum[Z_ENTRIES] / total : 0;
	return total > 0;
}

/* Half of the interval of what came out as @v with each of @n parts left out. */
static double half_width(const double *v, unsigned int n)
{
	double mean = 0, two = 0, four = 0, d, df;
	unsigned int i;

	for (i = 0; i < n; i++)
		mean += v[i] / n;
	for (i = 0; i < n; i++) {
		d = (v[i] - mean) * (v[i] - mean);
		two += d;
		four += d * d;
	}
	if (two <= 0)
		return 0;
	/* Of normal values the ratio is n / 3. */
	df = 3 * two * two / four - 1;
	df = df < 2 ? 2 : df > n - 1 ? n - 1 : df;
	return t_quantile(df, 0.975) * sqrt(two * (n - 1) / n);
}

/* Blocks that belong to capture @run. */
static struct part part_of_run(const struct predict *p, size_t run)
{
	struct part part = {};
	size_t i;

	for (i = 0; i <= run; i++) {
		part.from = part.to;
		part.to += blocks_of_run(p, p->runs[i].intervals);
	}
	return part;
}

/* Does any row that the fit rests on have points there? */
static bool touches(const struct fit *f, struct part part)
{
	return has_points(f->of, part) ||
	       (f->from == LINE_POOL && line_of_pool(f->pool, part)->touched);
}

/* Estimates with parts left out. */
struct left_out {
	double *share, *entry, *line; /* n of each */
	unsigned int n;
};

static int left_out_init(struct left_out *l, unsigned int n)
{
	*l = (struct left_out){ .share = calloc(3 * n + 1, sizeof(double)) };
	if (!l->share)
		return -ENOMEM;
	l->entry = l->share + n;
	l->line = l->entry + n;
	return 0;
}

static bool leave_out(const struct fit *f, struct part part, struct left_out *l)
{
	struct fitted one;

	if (!touches(f, part))
		return true;
	if (!fit_without(f, part, &one))
		return false;
	l->share[l->n] = one.share;
	l->entry[l->n] = one.entry;
	l->line[l->n++] = one.line;
	return true;
}

static void range_widen(struct predict_range *r, double half)
{
	r->low = fmin(r->low, r->value - half);
	r->high = fmax(r->high, r->value + half);
}

static void limits_widen(struct fit_limits *out, const struct left_out *l)
{
	range_widen(&out->share, half_width(l->share, l->n));
	range_widen(&out->entry, half_width(l->entry, l->n));
	range_widen(&out->line, half_width(l->line, l->n));
}

static bool by_blocks(const struct predict *p, const struct fit *f, struct left_out *l,
		      struct fit_limits *out)
{
	unsigned int length, b;

	/* Twice: what disturbs a machine for longer than a block would look like nothing. */
	for (length = 1; length <= 2; length++) {
		l->n = 0;
		for (b = 0; b < p->blocks; b += length) {
			if (!leave_out(f, (struct part){ b, b + length }, l))
				return false;
		}
		if (l->n < PREDICT_BLOCKS_MIN)
			return length > 1;
		limits_widen(out, l);
	}
	return true;
}

/* Where a capture alone holds what tells the prices, it is not known how captures differ. */
static void by_runs(const struct predict *p, const struct fit *f, struct left_out *l,
		    struct fit_limits *out)
{
	size_t i;

	l->n = 0;
	for (i = 0; i < p->n_runs; i++) {
		if (!leave_out(f, part_of_run(p, i), l))
			return;
	}
	if (l->n >= PREDICT_RUNS_MIN)
		limits_widen(out, l);
}

bool fit_limits(const struct predict *p, const struct fit *f, struct fit_limits *out)
{
	struct left_out l = {};
	struct fitted all;
	bool ok =
		fit_without(f, (struct part){}, &all) && !left_out_init(&l, p->blocks + p->n_runs);

	if (ok) {
		*out = (struct fit_limits){
			.share = { all.share, all.share, all.share },
			.entry = { all.entry, all.entry, all.entry },
			.line = { all.line, all.line, all.line },
			.lines_in = all.lines_in,
			.calls_in = all.calls_in,
		};
		ok = by_blocks(p, f, &l, out);
		if (ok)
			by_runs(p, f, &l, out);
	}
	free(l.share);
	return ok;
}

/* All ns of a row, by what its work took with a part of it left out. */
static double level_without(const struct fit_row *of, struct part part)
{
	static const int columns[] = { Z_ENTRIES, Z_LINES, Z_CALLS };
	double coef[3], ns = 0;
	struct moments m;
	int n, i;

	moments_without(of, part, &m);
	for (n = 3; n && !regress(&m, columns, n, Z_NS, coef); n--)
		;
	for (i = 0; i < n; i++)
		ns += coef[i] * of->all.sum[columns[i]];
	return ns;
}

double fit_level_noise(const struct predict *p, const struct fit_row *of)
{
	double *v = calloc(p->blocks + 1, sizeof(*v)), half = 0;
	unsigned int b, n = 0;

	for (b = 0; v && b < p->blocks; b++) {
		if (of->block[b].sum[Z_CALLS] > 0)
			v[n++] = level_without(of, (struct part){ b, b + 1 });
	}
	if (n >= PREDICT_BLOCKS_MIN)
		half = half_width(v, n) / of->all.sum[Z_NS];
	free(v);
	return half;
}
