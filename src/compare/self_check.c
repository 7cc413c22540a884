// SPDX-License-Identifier: GPL-2.0
/*
 * A/A: how often would compare have claimed a difference between runs of one and the same setup?
 *
 * Over all splits the test holds its rate whatever the noise is; so the first half is also held
 * against the second, which shows drift, and what the noise costs is told as the smallest change
 * that would show. Rows are judged each by itself: halves are too small for a correction.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/columns.h>
#include <dmasync/json_rows.h>
#include <dmasync/units.h>
#include <dmasync/view.h>
#include "../view/wrap.h"
#include "parts.h"

#define SPLITS_MAX 252 /* all of ten runs */
#define POWER 0.8
#define NOISY 0.10 /* changes that a quiet setup should be able to show */

static int sides_from(struct compare *c, struct compare_run **order, const bool *first)
{
	size_t i;
	int err = 0;

	c->side[BEFORE].n = c->side[AFTER].n = 0;
	for (i = 0; !err && i < c->n_runs; i++)
		err = compare_side_add(c, first[i] ? BEFORE : AFTER, order[i]);
	return err ? err : compare_judge(c);
}

static bool claims(const struct compare_row *row)
{
	return row->verdict == VERDICT_FASTER || row->verdict == VERDICT_SLOWER;
}

/* Rows come out in another order each time: @claimed is by their numbers. */
static bool count_claims(const struct compare *c, size_t *claimed)
{
	bool any = false;
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		if (!claims(&c->rows[i]))
			continue;
		claimed[c->rows[i].at]++;
		any = true;
	}
	return any;
}

/* The next way to have as many trues, in lexicographic order; false after the last. */
static bool next_split(bool *first, size_t n)
{
	size_t i = n - 1, ones = 0;

	/* The last true that has room to its right moves on; those behind it follow it closely. */
	while (i > 0 && !(first[i - 1] && !first[i])) {
		ones += first[i];
		i--;
	}
	if (!i)
		return false;
	ones += first[i];
	first[i - 1] = false;
	first[i] = true;
	memset(first + i + 1, 0, n - i - 1);
	memset(first + i + 1, true, ones);
	return true;
}

static void random_split(struct rng *rng, bool *first, size_t n)
{
	size_t i, k;
	bool keep;

	for (i = n - 1; i > 0; i--) {
		k = rng_below(rng, i + 1);
		keep = first[i];
		first[i] = first[k];
		first[k] = keep;
	}
}

static int judge_splits(struct compare *c, struct compare_run **order, bool *first,
			struct self_check *out, size_t *claimed)
{
	size_t n = c->n_runs;
	struct rng rng;
	int err;

	rng_seed(&rng, c->opt->seed);
	out->all = 2 / mann_whitney_min(n / 2, n - n / 2) <= SPLITS_MAX + 0.5;
	do {
		if (!out->all)
			random_split(&rng, first, n);
		err = sides_from(c, order, first);
		if (err)
			return err;
		out->splits++;
		out->claimed += count_claims(c, claimed);
	} while (out->all ? next_split(first, n) : out->splits < SPLITS_MAX);
	return 0;
}

/* What shows is told for @side_runs runs a side. */
static void row_spread(const struct compare *c, const struct compare_row *row, size_t side_runs,
		       struct self_check_row *out)
{
	double sum = 0, squares = 0, v, df = 2.0 * side_runs - 2;
	const struct run_row *one;
	size_t n = 0, i;

	for (i = 0; i < c->n_runs; i++) {
		one = run_row(c->runs[i], row->at);
		if (!one)
			continue;
		v = run_ns_call(one);
		sum += v;
		squares += v * v;
		n++;
	}
	if (n < 2 || sum <= 0)
		return;
	out->spread = sqrt(fmax(0, (squares - sum * sum / n) / (n - 1))) / (sum / n);
	out->detectable = c->opt->noise + (t_quantile(df, 0.975) + t_quantile(df, POWER)) *
						  out->spread * sqrt(2.0 / side_runs);
}

static int describe(struct compare *c, struct self_check *out, const size_t *claimed)
{
	size_t i, least;

	out->rows = calloc(c->n_rows + 1, sizeof(*out->rows));
	if (!out->rows)
		return -ENOMEM;
	for (i = 0; i < c->n_rows; i++)
		out->judged += c->rows[i].tested;
	/* With fewer, compare would claim nothing, however large the change. */
	least = least_runs(out->judged);
	out->side_runs = c->n_runs > least ? c->n_runs : least;
	for (i = 0; i < c->n_rows; i++) {
		row_spread(c, &c->rows[i], out->side_runs, &out->rows[i]);
		out->rows[i].claimed = claimed[c->rows[i].at];
		out->in_order |= claims(&c->rows[i]);
		if (c->rows[i].tested)
			out->widest = fmax(out->widest, out->rows[i].detectable);
	}
	return 0;
}

static int by_start(const void *x, const void *y)
{
	__u64 a = (*(struct compare_run *const *)x)->info.start_ns;
	__u64 b = (*(struct compare_run *const *)y)->info.start_ns;

	return (a > b) - (a < b);
}

int self_check(struct compare *c, struct self_check *out)
{
	struct compare_run **order = calloc(c->n_runs, sizeof(*order));
	bool *first = calloc(c->n_runs, sizeof(*first));
	size_t *claimed = calloc(c->keys.n_rows + 1, sizeof(*claimed)), half = c->n_runs / 2, i;
	int err = order && first && claimed ? 0 : -ENOMEM;

	memset(out, 0, sizeof(*out));
	out->possible = mann_whitney_min(half, c->n_runs - half) <= COMPARE_ALPHA;
	c->rows_apart = true;
	for (i = 0; !err && i < c->n_runs; i++) {
		order[i] = c->runs[i];
		first[i] = i < half;
	}
	if (!err) {
		qsort(order, c->n_runs, sizeof(*order), by_start);
		err = judge_splits(c, order, first, out, claimed);
	}
	for (i = 0; !err && i < c->n_runs; i++)
		first[i] = i < half;
	if (!err)
		err = sides_from(c, order, first);
	if (!err)
		err = describe(c, out, claimed);
	free(order);
	free(first);
	free(claimed);
	return err;
}

void self_check_free(struct self_check *s)
{
	free(s->rows);
	memset(s, 0, sizeof(*s));
}

/* Why changes are told for more runs a side than there are runs. */
static const char *least_words(char *buf, size_t size, const struct compare *c,
			       const struct self_check *s)
{
	buf[0] = '\0';
	if (s->side_runs > c->n_runs)
		snprintf(buf, size, " (the least for %zu rows at once)", s->judged);
	return buf;
}

void self_check_words(char *buf, size_t size, const struct compare *c, const struct self_check *s)
{
	char least[64];

	if (s->widest <= 0)
		snprintf(buf, size, "no row could be judged");
	else if (s->in_order)
		snprintf(
			buf, size,
			"not quiet: the second half of the runs differs from the first, so something "
			"drifts (temperature, clock, memory); take runs of both kernels in turn");
	else
		snprintf(buf, size,
			 "%s: with %zu runs a side%s changes %s %.1f %% would show in every row",
			 s->widest > NOISY ? "noisy"
			 : s->possible	   ? "quiet enough"
					   : "too few runs to see a drift, at least 8 do; by their "
					     "spread",
			 s->side_runs, least_words(least, sizeof(least), c, s),
			 s->widest > NOISY ? "only above" : "of", s->widest * 100);
}

static void print_row(FILE *out, const struct compare *c, const struct self_check *s, size_t i)
{
	const struct compare_row *row = &c->rows[i];
	char dev[CELL_LEN], op[32], share[32];

	if (!row->tested)
		return;
	snprintf(op, sizeof(op), "%s%s%s", op_short_name(row->op), row->dir < DIR_COUNT ? " " : "",
		 row->dir < DIR_COUNT ? dir_arrow(row->dir) : "");
	snprintf(share, sizeof(share), "%zu of %zu", s->rows[i].claimed, s->splits);
	fprintf(out, "%-14s %-20s %8.1f %% %10.1f %%  %s\n", op, (fit_name(dev, row->dev, 20), dev),
		s->rows[i].spread * 100, s->rows[i].detectable * 100, share);
}

int self_check_print_text(FILE *out, const struct compare *c, const struct self_check *s)
{
	struct wrap w = { .out = out, .width = 80 };
	char text[WORDS_LEN];
	size_t i, half = c->n_runs / 2;

	errno = 0;
	wrap_begin(&w, "claimed");
	wrap_words(&w, "in %zu of %zu %ssplits of %zu runs into %zu and %zu%s", s->claimed,
		   s->splits, s->all ? "" : "random ", c->n_runs, half, c->n_runs - half,
		   s->possible ? " (by chance: up to 5 % for each row)"
			       : ": too few for any claim; give at least 8 runs");
	wrap_end(&w);
	wrap_begin(&w, "in order");
	wrap_words(&w, "first half against second: %s",
		   s->in_order	 ? "a difference is claimed"
		   : s->possible ? "no difference claimed"
				 : "too few runs to tell");
	wrap_end(&w);
	self_check_words(text, sizeof(text), c, s);
	wrap_begin(&w, "verdict");
	wrap_words(&w, "%s", text);
	wrap_end(&w);
	fprintf(out, "\n%-14s %-20s %10s %12s  %s\n", "OP", "DEVICE", "SPREAD", "WOULD SHOW",
		"CLAIMED");
	for (i = 0; i < c->n_rows; i++)
		print_row(out, c, s, i);
	return fflush(out) || ferror(out) ? (errno ? -errno : -EIO) : 0;
}

int self_check_print_json(FILE *out, const struct compare *c, const struct self_check *s)
{
	json_t *rows = json_array();
	char text[WORDS_LEN];
	size_t i;

	self_check_words(text, sizeof(text), c, s);
	for (i = 0; rows && i < c->n_rows; i++) {
		if (c->rows[i].tested)
			json_array_append_new(
				rows, json_pack("{s:s, s:o, s:o, s:f, s:f, s:i}", "op",
						op_name(c->rows[i].op), "dev",
						json_text(c->rows[i].dev), "dir",
						c->rows[i].dir < DIR_COUNT
							? json_string(dir_name(c->rows[i].dir))
							: json_null(),
						"spread", s->rows[i].spread, "would_show",
						s->rows[i].detectable, "claimed",
						(int)s->rows[i].claimed));
	}
	return json_print(out,
			  json_pack("{s:s, s:i, s:i, s:i, s:i, s:b, s:b, s:b, s:s, s:o, s:o}",
				    "type", "self_check", "runs", (int)c->n_runs, "side_runs",
				    (int)s->side_runs, "splits", (int)s->splits, "claimed",
				    (int)s->claimed, "all_splits", (int)s->all, "possible",
				    (int)s->possible, "in_order_claimed", (int)s->in_order,
				    "verdict", text, "seed", json_u64(c->opt->seed), "rows", rows));
}
