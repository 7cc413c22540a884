// SPDX-License-Identifier: GPL-2.0
/* compare where runs are few, long, partly without a row, or without a time; what it says then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>
#include "compare_fixture.h"

/* Halves of 4 to 7 runs are too small for any claim, and 4 runs a side for three rows. */
static void self_check_of_few_runs(void **state)
{
	static const unsigned int more[] = { 4, 1, 2 };
	struct fixture *f = *state;
	struct self_check s;
	char text[320];
	size_t i;

	f->like.rows = 3;
	for (i = 0; i < 3; i++) {
		runs(f, BEFORE, more[i], 1);
		assert_int_equal(self_check(&f->c, &s), 0);
		assert_false(s.possible || s.claimed);
		assert_int_equal(s.judged, 3);
		assert_int_equal(s.side_runs, i < 2 ? 5 : 7);
		self_check_words(text, sizeof(text), &f->c, &s);
		assert_null(strstr(text, "quiet enough"));
		assert_non_null(strstr(text, i < 2 ? "with 5 runs a side" : "with 7 runs a side"));
		assert_int_equal(!!strstr(text, "the least for 3 rows"), !i);
		self_check_free(&s);
	}
}

/* Adds @calls calls of @ns to each run of a side from its @from'th on. */
static void more_calls(struct fixture *f, enum side side, size_t from, const char *dev, __u64 calls,
		       double ns)
{
	struct row like = { .op = OP_MAP_PAGE, .driver = "nic" };
	struct interval iv;

	snprintf(like.dev, sizeof(like.dev), "%s", dev);
	interval_init(&iv);
	for (; from < f->c.side[side].n; from++) {
		interval_clear(&iv);
		fake_row(&iv, &like, calls, 1, ns, 1);
		compare_run_add(&f->c, f->c.side[side].runs[from], &iv);
	}
	interval_free(&iv);
}

static const struct compare_row *row_of(const struct fixture *f, const char *dev)
{
	size_t i;

	for (i = 0; i < f->c.n_rows; i++) {
		if (!strcmp(f->c.rows[i].dev, dev))
			return &f->c.rows[i];
	}
	fail_msg("no row of %s", dev);
	return NULL;
}

/* On a coarse clock the median of a run may be 0: its logarithm has no interval. */
static void zero_has_no_interval(void **state)
{
	struct fixture *f = *state;
	const struct compare_row *row;
	int kind;

	runs(f, BEFORE, 5, 1);
	runs(f, AFTER, 5, 1);
	more_calls(f, BEFORE, 0, "nic", 100, 90000);
	more_calls(f, BEFORE, 4, "nic", 300, 0);
	more_calls(f, AFTER, 0, "nic", 100, 90000);
	judged(f, 2);
	row = row_of(f, "nic");
	assert_true(row->figure[FIG_P50].has_ratio && !row->figure[FIG_P50].has_limits);
	assert_true(row->figure[FIG_NS_CALL].has_limits && row->figure[FIG_P99].has_limits);
	for (kind = 0; kind < FIG_DSB_CALL; kind++) {
		if (row->figure[kind].has_limits)
			assert_true(isfinite(row->figure[kind].r.low) &&
				    isfinite(row->figure[kind].r.high));
	}
}

/* What is told of a change is the change of the two values beside it. */
static void ratios_are_of_the_values(void **state)
{
	struct fixture *f = *state;
	const struct figure *fig;
	int kind;

	f->like.model.between = 0.3;
	runs(f, BEFORE, 5, 1);
	runs(f, AFTER, 4, 2);
	more_calls(f, AFTER, 3, "0000:00:00.0", 1, 1);
	judged(f, 2);
	for (kind = 0; kind < FIG_COUNT; kind++) {
		fig = &f->c.rows[0].figure[kind];
		assert_int_equal(fig->has_ratio, kind < FIG_STEPS_CALL);
		if (!fig->has_ratio)
			continue;
		assert_float_equal(fig->r.ratio, fig->value[AFTER] / fig->value[BEFORE], 1e-9);
	}
}

static void absent_runs_count_as_none(void **state)
{
	struct fixture *f = *state;
	const struct compare_row *row;
	char *text;

	runs(f, BEFORE, 5, 1);
	runs(f, AFTER, 5, 1);
	more_calls(f, BEFORE, 0, "nic", 1200, 90000);
	more_calls(f, AFTER, 4, "nic", 1200, 90000);
	judged(f, 2);
	row = row_of(f, "nic");
	/* In runs of 12 s. */
	assert_float_equal(row->figure[FIG_CALLS_S].value[BEFORE], 100, 1e-9);
	assert_float_equal(row->figure[FIG_CALLS_S].value[AFTER], 20, 1e-9);
	assert_float_equal(row->figure[FIG_CPU].r.ratio, 0.2, 1e-9);
	assert_float_equal(row->figure[FIG_NS_CALL].r.ratio, 1, 1e-9);
	assert_non_null(strstr(note(f, "some_runs"), "5 of 5 runs before and 1 of 5 after"));
	assert_string_equal(row->why, "only 1 of 5 runs after has it");
	text = printed(&f->c, compare_print_text);
	assert_non_null(
		strstr(text, "dma_map_page 0.0 % (only 1 of 5 runs after has it: no verdict)"));
	assert_null(strstr(text, "one run"));
	free(text);
}

static void one_run_before_only(void **state)
{
	struct fixture *f = *state;

	runs(f, BEFORE, 1, 1);
	runs(f, AFTER, 5, 1);
	assert_non_null(strstr(judged(f, 1)->why, "one run before: "));
}

static void method(struct fixture *f, const char *want, const char *never)
{
	char *text;

	assert_int_equal(compare_judge(&f->c), 0);
	text = printed(&f->c, compare_print_markdown);
	if (!strstr(text, want) || strstr(text, never))
		fail_msg("%s", text);
	free(text);
}

/* The exact test up to 60 runs, and the reason when there is no verdict at all. */
static void method_is_the_one_used(void **state)
{
	struct fixture *f = *state;

	f->like.intervals = 2;
	f->opt.draws = 20;
	runs(f, BEFORE, 1, 1);
	runs(f, AFTER, 1, 1);
	method(f, "differences only: a verdict takes at least 4 runs a side", "judged");
	runs(f, BEFORE, 29, 1);
	runs(f, AFTER, 29, 1);
	method(f, "p by exact Mann-Whitney over runs, Holm over 1 row;", "normal");
	runs(f, AFTER, 1, 1);
	method(f, "p by Mann-Whitney over runs (normal approximation above 60), Holm", "exact");
}

static void method_of_what_cannot_be_judged(void **state)
{
	struct fixture *f = *state;

	runs(f, BEFORE, 5, 1);
	runs(f, AFTER, 5, 0);
	method(f, "no row could be judged (map_sg 0000:00:00.0: calls too short to have a time)",
	       "at least 4 runs");
}

/* Two rows of an interval are one of compare; a device may have no driver. */
static void partly_unknown_barriers_are_unknown(void **state)
{
	struct fixture *f = *state;
	struct row like = { .op = OP_MAP_PAGE, .dev = "bare" };
	struct compare_run *run;
	int s;

	for (s = 0; s < SIDES; s++) {
		struct interval iv;

		runs(f, s, 1, 1);
		run = f->c.side[s].runs[0];
		interval_init(&iv);
		fake_row(&iv, &like, 10, 1, 90000, 1);
		iv.rows[0].dsb_derived_known = false;
		compare_run_add(&f->c, run, &iv);
		iv.rows[0].dsb_derived_known = true;
		compare_run_add(&f->c, run, &iv);
		interval_free(&iv);
	}
	judged(f, 2);
	assert_false(row_of(f, "bare")->figure[FIG_DSB_CALL].known[BEFORE]);
	assert_false(row_of(f, "bare")->figure[FIG_DSB_CALL].known[AFTER]);
}

static void coherence_is_noted(void **state)
{
	struct fixture *f = *state;

	runs(f, BEFORE, 2, 1);
	runs(f, AFTER, 2, 1);
	f->c.side[AFTER].runs[0]->rows[0]->sum.coherent = true;
	judged(f, 1);
	assert_non_null(strstr(note(f, "devices"), "coherence or IOMMU differ"));
}

/* Memory of a run does not grow with its length, and nothing is lost. */
static void long_runs_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct row like = { .op = OP_MAP_SG, .dev = "d", .driver = "ahci" };
	const struct run_row *row;
	struct compare_run *run;
	struct capture_info info;
	struct interval iv;
	double ns = 0, calls = 0;
	size_t used = 0, i;

	fake_info(&info, 0);
	run = compare_run_new(&f->c, "run", &info);
	interval_init(&iv);
	for (i = 0; i < 100001; i++) {
		interval_clear(&iv);
		iv.dur_ns = 1000000;
		fake_row(&iv, &like, 1 + i % 3, 2, 1000, 2);
		assert_int_equal(compare_run_add(&f->c, run, &iv), 0);
		if (i == 5000)
			used = mallinfo2().uordblks;
	}
	interval_free(&iv);
	assert_true(mallinfo2().uordblks <= used);
	row = run->rows[0];
	assert_in_range(row->n, COMPARE_POINTS / 2, COMPARE_POINTS);
	assert_true(row->cap <= COMPARE_POINTS);
	for (i = 0; i < row->n; i++) {
		ns += row->ns[i];
		calls += row->calls[i];
	}
	assert_true(ns == row->sum.sum.ns && calls == row->sum.sum.calls);
	/* In order: all points but the last stand for as many intervals. */
	assert_int_equal((row->n - 1) * row->per_point + row->in_last, 100001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(self_check_of_few_runs),
		TEST(zero_has_no_interval),
		TEST(ratios_are_of_the_values),
		TEST(absent_runs_count_as_none),
		TEST(one_run_before_only),
		TEST(method_is_the_one_used),
		TEST(method_of_what_cannot_be_judged),
		TEST(partly_unknown_barriers_are_unknown),
		TEST(coherence_is_noted),
		TEST(long_runs_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
