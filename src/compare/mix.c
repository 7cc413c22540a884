// SPDX-License-Identifier: GPL-2.0
/*
 * Whether the sides did the same work: sizes of lists, directions, bounces, drift.
 *
 * A capture has sums a row and interval, not sizes of single calls. So the size of a call is taken
 * to be the mean of its interval: exact where all calls of an interval are alike, blurred where a
 * workload mixes sizes faster than intervals end.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "parts.h"

#define MIX_POINTS 0.10	   /* of a row's calls, that may be in another class or direction */
#define MIX_SIZE 0.10	   /* change of the mean entries or bytes a call */
#define BOUNCE_POINTS 0.01 /* of a row's entries */
#define DRIFT_LEAST 0.05
#define DRIFT_POINTS 6 /* intervals that a third must be made of at least two */

unsigned int class_of(double entries)
{
	return entries < 2 ? 0 : entries < 16 ? 1 : entries < 256 ? 2 : 3;
}

const char *class_name(unsigned int size_class)
{
	static const char *const names[SIZE_CLASSES] = { "1", "2-15", "16-255", "256+" };

	return names[size_class];
}

/* ns/call of @row in each class, -1 without calls; adds its calls to @calls. */
static void run_classes(const struct run_row *row, double value[SIZE_CLASSES],
			double calls[SIZE_CLASSES])
{
	double ns[SIZE_CLASSES] = {}, n[SIZE_CLASSES] = {};
	unsigned int k;
	size_t i;

	for (i = 0; i < row->n; i++) {
		k = class_of(row->entries[i] / row->calls[i]);
		ns[k] += row->ns[i];
		n[k] += row->calls[i];
	}
	for (k = 0; k < SIZE_CLASSES; k++) {
		value[k] = n[k] > 0 ? ns[k] / n[k] : -1;
		calls[k] += n[k];
	}
}

static int fill_classes(const struct compare *c, struct compare_row *row)
{
	size_t runs = c->side[BEFORE].n + c->side[AFTER].n, n[SIZE_CLASSES][SIDES] = {}, i;
	double *v = calloc(SIZE_CLASSES * runs, sizeof(*v)), one[SIZE_CLASSES];
	double calls[SIDES][SIZE_CLASSES] = {};
	const struct run_row *from;
	struct size_class *class;
	struct rng rng;
	unsigned int k;
	int s;

	if (!v)
		return -ENOMEM;
	for (s = 0; s < SIDES; s++) {
		for (i = 0; i < c->side[s].n; i++) {
			from = run_row(c->side[s].runs[i], row->at);
			if (!from)
				continue;
			run_classes(from, one, calls[s]);
			for (k = 0; k < SIZE_CLASSES; k++) {
				if (one[k] >= 0)
					v[k * runs + n[k][BEFORE] + n[k][AFTER]] = one[k];
				n[k][s] += one[k] >= 0;
			}
		}
	}
	row_rng(c, row, &rng);
	for (k = 0; k < SIZE_CLASSES; k++) {
		class = &row->size_class[k];
		for (s = 0; s < SIDES; s++) {
			if (row->side[s].sum.sum.calls)
				class->share[s] = calls[s][k] / row->side[s].sum.sum.calls;
		}
		figure_of_runs(c, &rng, &v[k * runs], n[k][BEFORE], &v[k * runs + n[k][BEFORE]],
			       n[k][AFTER], &class->ns_call);
	}
	free(v);
	return 0;
}

static double ns_call(const struct run_row *row, size_t from, size_t to)
{
	double ns = 0, calls = 0;

	for (; from < to; from++) {
		ns += row->ns[from];
		calls += row->calls[from];
	}
	return ns / calls;
}

/* Geometric mean over the runs of the last third's ns/call over the first third's. */
static void fill_drift(const struct compare *c, struct compare_row *row, enum side side)
{
	const struct run_row *one;
	double sum = 0, from, to;
	size_t n = 0, i;

	for (i = 0; i < c->side[side].n; i++) {
		one = run_row(c->side[side].runs[i], row->at);
		if (!one || one->n < DRIFT_POINTS)
			continue;
		from = ns_call(one, 0, one->n / 3);
		to = ns_call(one, one->n - one->n / 3, one->n);
		if (from <= 0 || to <= 0)
			continue;
		sum += log(to / from);
		n++;
	}
	row->side[side].drift = n ? exp(sum / n) : 0;
}

static double per_call(const struct row_side *side, bool bytes)
{
	const struct call_counts *sum = &side->sum.sum;

	return (double)(bytes ? sum->bytes : sum->entries) / sum->calls;
}

static bool differs(double before, double after, double fraction)
{
	return fabs(after - before) > fraction * fmax(before, after);
}

static bool sizes_differ(const struct compare_row *row, bool bytes)
{
	if (bytes && (row->side[BEFORE].sum.sum.unsized || row->side[AFTER].sum.sum.unsized))
		return false;
	return differs(per_call(&row->side[BEFORE], bytes), per_call(&row->side[AFTER], bytes),
		       MIX_SIZE);
}

static double dir_share(const struct row_side *side, int dir)
{
	return (double)side->dir_calls[dir] / side->sum.sum.calls;
}

/* The direction whose share of the calls moved, or DIR_COUNT. */
static int moved_direction(const struct compare_row *row)
{
	int dir;

	for (dir = 0; dir < DIR_COUNT; dir++) {
		if (fabs(dir_share(&row->side[AFTER], dir) - dir_share(&row->side[BEFORE], dir)) >
		    MIX_POINTS)
			break;
	}
	return dir;
}

int row_mix_fill(const struct compare *c, struct compare_row *row)
{
	unsigned int k;
	int err;

	if (!row->side[BEFORE].runs || !row->side[AFTER].runs)
		return 0;
	fill_drift(c, row, BEFORE);
	fill_drift(c, row, AFTER);
	row->dir_moved = moved_direction(row) < DIR_COUNT;
	row->bytes_moved = sizes_differ(row, true);
	if (!OP_IS_LIST(row->op) || row_is_minor(row))
		return 0;
	err = fill_classes(c, row);
	row->mix_moved = !err && sizes_differ(row, false);
	for (k = 0; k < SIZE_CLASSES; k++) {
		if (fabs(row->size_class[k].share[AFTER] - row->size_class[k].share[BEFORE]) >
		    MIX_POINTS)
			row->mix_moved = true;
	}
	return err;
}

/* Whether the interval of @f says @verdict, too. */
static bool agrees(const struct compare *c, const struct figure *f, enum verdict verdict)
{
	double low = 1 - c->opt->noise, high = 1 + c->opt->noise;

	if (!f->has_limits)
		return false;
	return verdict == VERDICT_FASTER   ? f->r.high < low
	       : verdict == VERDICT_SLOWER ? f->r.low > high
					   : f->r.low >= low && f->r.high <= high;
}

const char *mix_doubt(const struct compare *c, const struct compare_row *row, enum verdict verdict)
{
	if (row->dir_moved)
		return "the directions are mixed otherwise: try --by-dir";
	if (row->mix_moved && !agrees(c, &row->figure[FIG_NS_ENTRY], verdict))
		return "lists are of other sizes, and ns/entry does not say the same";
	if (row->bytes_moved && !agrees(c, &row->figure[FIG_NS_KIB], verdict))
		return "calls are of other sizes, and ns/KiB does not say the same";
	return NULL;
}

static int note_sizes(struct compare *c, const struct compare_row *row)
{
	const struct row_side *b = &row->side[BEFORE], *a = &row->side[AFTER];
	const char *op = op_name(row->op);

	if (row->mix_moved)
		return compare_note(c, "mix_size",
				    "%s %s: lists of other sizes, %.4g entries a call before and "
				    "%.4g after; compare ns/entry, or class by class",
				    op, row->dev, per_call(b, false), per_call(a, false));
	if (row->bytes_moved)
		return compare_note(c, "mix_size",
				    "%s %s: other sizes, %.4g bytes a call before and %.4g after; "
				    "compare ns/KiB",
				    op, row->dev, per_call(b, true), per_call(a, true));
	return 0;
}

static int note_directions(struct compare *c, const struct compare_row *row)
{
	int dir = moved_direction(row);

	if (dir == DIR_COUNT)
		return 0;
	return compare_note(
		c, "mix_direction",
		"%s %s: %.0f %% of the calls were %s before and %.0f %% after; --by-dir "
		"keeps directions apart",
		op_name(row->op), row->dev, dir_share(&row->side[BEFORE], dir) * 100, dir_name(dir),
		dir_share(&row->side[AFTER], dir) * 100);
}

static int note_bounces(struct compare *c, const struct compare_row *row)
{
	double share[SIDES] = {};
	const struct call_counts *sum;
	int s;

	for (s = 0; s < SIDES; s++) {
		sum = &row->side[s].sum.sum;
		if (sum->entries)
			share[s] = (double)sum->bounces / sum->entries;
	}
	if (fabs(share[AFTER] - share[BEFORE]) <= BOUNCE_POINTS)
		return 0;
	return compare_note(c, "bounces",
			    "%s %s: %.0f %% of the entries were bounced before and %.0f %% after; "
			    "their copies are part of the time",
			    op_name(row->op), row->dev, share[BEFORE] * 100, share[AFTER] * 100);
}

static int note_drift(struct compare *c, const struct compare_row *row)
{
	double least = fmax(DRIFT_LEAST, c->opt->noise), drift;
	int s, err = 0;

	for (s = 0; !err && s < SIDES; s++) {
		drift = row->side[s].drift;
		if (drift > 0 && fabs(drift - 1) > least)
			err = compare_note(
				c, "drift",
				"%s %s: ns/call went %+.1f %% from the first to the last "
				"third of the runs %s; had they settled?",
				op_name(row->op), row->dev, (drift - 1) * 100,
				s == BEFORE ? "before" : "after");
	}
	return err;
}

static int note_failures(struct compare *c, const struct compare_row *row)
{
	__u64 before = row->side[BEFORE].sum.sum.failed, after = row->side[AFTER].sum.sum.failed;

	if (!before && !after)
		return 0;
	return compare_note(c, "failed",
			    "%s %s: %llu calls failed before and %llu after; none of them is in "
			    "the figures",
			    op_name(row->op), row->dev, before, after);
}

static int note_some_runs(struct compare *c, const struct compare_row *row)
{
	const struct row_side *b = &row->side[BEFORE], *a = &row->side[AFTER];

	if (b->runs == c->side[BEFORE].n && a->runs == c->side[AFTER].n)
		return 0;
	return compare_note(c, "some_runs",
			    "%s %s: only %zu of %zu runs before and %zu of %zu after have such "
			    "calls; calls/s and %% of a CPU count the others as 0",
			    op_name(row->op), row->dev, b->runs, c->side[BEFORE].n, a->runs,
			    c->side[AFTER].n);
}

int row_notes(struct compare *c)
{
	const struct compare_row *row;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < c->n_rows; i++) {
		row = &c->rows[i];
		if (!row_matters(row))
			continue;
		err = note_some_runs(c, row);
		if (!err)
			err = note_sizes(c, row);
		if (!err)
			err = note_directions(c, row);
		if (!err)
			err = note_bounces(c, row);
		if (!err)
			err = note_drift(c, row);
		if (!err)
			err = note_failures(c, row);
	}
	return err;
}
