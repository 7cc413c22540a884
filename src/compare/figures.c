// SPDX-License-Identifier: GPL-2.0
/* What is told of a row on each side, and the ratios. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/percentile.h>
#include "parts.h"

static const double quantile[FIG_COUNT] = {
	[FIG_P50] = 0.5, [FIG_P90] = 0.9, [FIG_P99] = 0.99, [FIG_P999] = 0.999
};

const char *figure_name(enum figure_kind kind)
{
	static const char *const names[FIG_COUNT] = { [FIG_CALLS_S] = "calls_per_s",
						      [FIG_NS_CALL] = "ns_per_call",
						      [FIG_NS_ENTRY] = "ns_per_entry",
						      [FIG_NS_KIB] = "ns_per_kib",
						      [FIG_P50] = "p50_ns",
						      [FIG_P90] = "p90_ns",
						      [FIG_P99] = "p99_ns",
						      [FIG_P999] = "p999_ns",
						      [FIG_CPU] = "cpu_percent",
						      [FIG_DSB_CALL] = "dsb_per_call",
						      [FIG_DSB_ENTRY] = "dsb_per_entry",
						      [FIG_STEPS_CALL] = "steps_per_call",
						      [FIG_STEPS_ENTRY] = "steps_per_entry" };

	return names[kind];
}

void row_rng(const struct compare *c, const struct compare_row *row, struct rng *rng)
{
	__u64 hash = c->opt->seed;
	const char *p;

	hash = splitmix64(&hash) + row->op * SIZE_CLASSES * DIR_COUNT + row->dir;
	for (p = row->dev; *p; p++)
		hash = splitmix64(&hash) + (unsigned char)*p;
	rng_seed(rng, hash);
}

double run_ns_call(const struct run_row *row)
{
	return (double)row->sum.sum.ns / row->sum.sum.calls;
}

/* Value of one kind in one run that took @dur_ns; negative: not known. */
static double run_figure(const struct run_row *row, __u64 dur_ns, enum figure_kind kind)
{
	const struct call_counts *sum = &row->sum.sum;
	double secs = dur_ns / 1e9;

	switch (kind) {
	case FIG_CALLS_S:
		return dur_ns ? sum->calls / secs : -1;
	case FIG_NS_CALL:
		return run_ns_call(row);
	case FIG_NS_ENTRY:
		return sum->entries ? (double)sum->ns / sum->entries : -1;
	case FIG_NS_KIB:
		return sum->bytes && !sum->unsized ? sum->ns / (sum->bytes / 1024.0) : -1;
	case FIG_CPU:
		return dur_ns ? sum->ns / secs / 1e7 : -1;
	default:
		return hist_percentile(row->sum.hist, row->sum.min_ns, row->sum.max_ns,
				       quantile[kind]);
	}
}

static double mean_of(const double *v, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (v[i] < 0)
			return -1;
		sum += v[i];
	}
	return n ? sum / n : -1;
}

/* An interval of the logarithm needs it: a clock may be too coarse for a run's median. */
static bool all_positive(const double *v, size_t n)
{
	size_t i;

	for (i = 0; i < n && v[i] > 0; i++)
		;
	return i == n;
}

void figure_of_runs(const struct compare *c, struct rng *rng, const double *before, size_t n_before,
		    const double *after, size_t n_after, struct figure *out)
{
	double mean[SIDES] = { mean_of(before, n_before), mean_of(after, n_after) };
	int s;

	for (s = 0; s < SIDES; s++) {
		out->known[s] = mean[s] >= 0;
		out->value[s] = out->known[s] ? mean[s] : 0;
	}
	out->has_ratio = mean[BEFORE] > 0 && mean[AFTER] > 0;
	if (!out->has_ratio)
		return;
	out->r.ratio = out->r.low = out->r.high = mean[AFTER] / mean[BEFORE];
	out->has_limits = rng && n_before > 1 && n_after > 1 && all_positive(before, n_before) &&
			  all_positive(after, n_after);
	if (out->has_limits)
		bootstrap_values(before, n_before, after, n_after, c->opt->draws, rng, &out->r);
}

static void add_side(struct row_side *to, const struct run_row *row)
{
	int dir;

	if (!to->runs) {
		to->dsb_source = row->dsb_source;
		to->sum.coherent = row->sum.coherent;
		to->sum.iommu = row->sum.iommu;
	} else if (to->dsb_source != row->dsb_source)
		to->dsb_source = DSB_UNKNOWN;
	if (!to->sum.driver[0])
		memcpy(to->sum.driver, row->sum.driver, sizeof(to->sum.driver));
	row_add(&to->sum, &row->sum);
	to->dsb += row->dsb;
	for (dir = 0; dir < DIR_COUNT; dir++)
		to->dir_calls[dir] += row->dir_calls[dir];
	to->runs++;
}

static void side_sums(const struct compare *c, struct compare_row *row)
{
	const struct run_row *one;
	struct row_side *side;
	__u64 all_ns;
	size_t i;
	int s;

	for (s = 0; s < SIDES; s++) {
		side = &row->side[s];
		for (all_ns = 0, i = 0; i < c->side[s].n; i++) {
			all_ns += c->side[s].runs[i]->api_ns;
			if (op_is_chain(row->op))
				all_ns += c->side[s].runs[i]->chain_ns;
			one = run_row(c->side[s].runs[i], row->at);
			if (one)
				add_side(side, one);
		}
		side->share = all_ns ? fmin(1, (double)side->sum.sum.ns / all_ns) : 0;
	}
}

bool dsb_known(const struct compare_row *row, enum side side)
{
	const struct row_side *s = &row->side[side];

	return s->runs && (s->dsb_source == DSB_DERIVED || s->dsb_source == DSB_COUNTED);
}

/* Barriers, and steps, are counts: their ratio has no interval. */
static void exact_figure(const struct compare_row *row, enum figure_kind kind, struct figure *out)
{
	bool per_entry = kind == FIG_DSB_ENTRY || kind == FIG_STEPS_ENTRY;
	bool steps = kind == FIG_STEPS_CALL || kind == FIG_STEPS_ENTRY;
	const struct call_counts *sum;
	int s;

	for (s = 0; s < SIDES; s++) {
		sum = &row->side[s].sum.sum;
		out->known[s] = figure_applies(row, kind) && (!per_entry || sum->entries) &&
				(steps ? sum->calls > 0 : dsb_known(row, s));
		if (out->known[s])
			out->value[s] = (double)(steps ? sum->steps : row->side[s].dsb) /
					(per_entry ? sum->entries : sum->calls);
	}
	out->has_ratio = out->known[BEFORE] && out->known[AFTER] && out->value[BEFORE] > 0;
	if (out->has_ratio)
		out->r.ratio = out->value[AFTER] / out->value[BEFORE];
}

/* ns/call again with what the intervals tell. */
static int ns_call_limits(const struct compare *c, const struct compare_row *row, struct rng *rng,
			  struct figure *f)
{
	struct run_series *run = calloc(c->side[BEFORE].n + c->side[AFTER].n, sizeof(*run));
	const struct run_row *one;
	size_t n = 0, i;
	int s, err;

	if (!run)
		return -ENOMEM;
	for (s = 0; s < SIDES; s++) {
		for (i = 0; i < c->side[s].n; i++) {
			one = run_row(c->side[s].runs[i], row->at);
			if (one)
				run[n++] = (struct run_series){ one->ns, one->calls, one->n };
		}
	}
	err = bootstrap_ratio(run, row->side[BEFORE].runs, run + row->side[BEFORE].runs,
			      row->side[AFTER].runs, c->opt->draws, rng, &f->r);
	free(run);
	return err;
}

/* A run without such calls had none a second, and none of the CPU's time. */
static bool counts_absent(enum figure_kind kind)
{
	return kind == FIG_CALLS_S || kind == FIG_CPU;
}

/* Values of one kind of the runs of a side that has the row; returns their number. */
static size_t side_values(const struct compare *c, const struct compare_row *row, enum side side,
			  enum figure_kind kind, double *v)
{
	const struct compare_run *run;
	const struct run_row *one;
	size_t n = 0, i;

	for (i = 0; row->side[side].runs && i < c->side[side].n; i++) {
		run = c->side[side].runs[i];
		one = run_row(run, row->at);
		if (one)
			v[n++] = run_figure(one, run->dur_ns, kind);
		else if (counts_absent(kind))
			v[n++] = run->dur_ns ? 0 : -1;
	}
	return n;
}

int row_figures_fill(const struct compare *c, struct compare_row *row)
{
	double *v = calloc(c->side[BEFORE].n + c->side[AFTER].n, sizeof(*v));
	struct figure *ns_call = &row->figure[FIG_NS_CALL];
	size_t n, n_after;
	int kind, err = 0;
	struct rng rng;

	if (!v)
		return -ENOMEM;
	side_sums(c, row);
	row_rng(c, row, &rng);
	for (kind = 0; kind < FIG_DSB_CALL; kind++) {
		n = side_values(c, row, BEFORE, kind, v);
		n_after = side_values(c, row, AFTER, kind, v + n);
		figure_of_runs(c, row_is_minor(row) ? NULL : &rng, v, n, v + n, n_after,
			       &row->figure[kind]);
	}
	for (; kind < FIG_COUNT; kind++)
		exact_figure(row, kind, &row->figure[kind]);
	if (ns_call->has_limits)
		err = ns_call_limits(c, row, &rng, ns_call);
	if (!err && row->side[BEFORE].runs && row->side[AFTER].runs) {
		n = side_values(c, row, BEFORE, FIG_NS_CALL, v);
		n_after = side_values(c, row, AFTER, FIG_NS_CALL, v + n);
		row->p = mann_whitney(v, n, v + n, n_after);
		err = row->p < 0 ? -ENOMEM : 0;
	}
	free(v);
	return err;
}
