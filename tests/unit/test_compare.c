// SPDX-License-Identifier: GPL-2.0
/* What compare says of runs whose truth is known: verdicts, barriers, notes, gates, outputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dmasync/json_rows.h>
#include "compare_fixture.h"

static void verdict_for(struct fixture *f, unsigned int n, double scale, enum verdict want)
{
	runs(f, BEFORE, n, 1);
	runs(f, AFTER, n, scale);
	assert_int_equal(judged(f, 1)->verdict, want);
}

static void faster(void **state)
{
	struct fixture *f = *state;
	const struct ratio_interval *r;

	verdict_for(f, 5, 0.8, VERDICT_FASTER);
	r = &f->c.rows[0].figure[FIG_NS_CALL].r;
	assert_float_equal(r->ratio, 0.8, 0.01);
	assert_true(r->low < 0.8 && r->high > 0.8 && r->high - r->low < 0.04);
	assert_float_equal(f->c.rows[0].p, 2.0 / 252, 1e-12);
}

static void slower(void **state)
{
	verdict_for(*state, 5, 1.2, VERDICT_SLOWER);
}

static void same(void **state)
{
	verdict_for(*state, 5, 1, VERDICT_SAME);
}

/* A change as large as the noise band is neither inside nor outside of it. */
static void unclear_at_the_edge(void **state)
{
	struct fixture *f = *state;

	verdict_for(f, 5, 1.02, VERDICT_UNCLEAR);
	assert_true(f->c.rows[0].want_runs == 0 || f->c.rows[0].want_runs > 5);
	assert_non_null(strstr(f->c.rows[0].why, "runs a side"));
}

/* Half the time, three times seen: the test cannot tell it from chance, so nothing is claimed. */
static void three_runs_claim_nothing(void **state)
{
	struct fixture *f = *state;

	verdict_for(f, 3, 0.5, VERDICT_UNCLEAR);
	assert_non_null(strstr(f->c.rows[0].why, "at least 4 runs a side"));
	assert_int_equal(f->c.rows[0].want_runs, 4);
}

static void one_run_has_no_verdict(void **state)
{
	struct fixture *f = *state;
	const struct figure *fig;

	verdict_for(f, 1, 0.5, VERDICT_NONE);
	assert_non_null(strstr(f->c.rows[0].why, "one run a side"));
	fig = &f->c.rows[0].figure[FIG_NS_CALL];
	assert_true(fig->has_ratio && !fig->has_limits);
	assert_int_equal(f->c.n_tested, 0);
}

/* Runs that are equal to the ns, as a modelled core makes them. */
static void runs_without_noise(void **state)
{
	struct fixture *f = *state;
	const struct compare_row *row;

	f->like.model = (struct run_model){ 20000, 0, 0, 0 };
	runs(f, BEFORE, 4, 1);
	runs(f, AFTER, 4, 0.75);
	row = judged(f, 1);
	assert_int_equal(row->verdict, VERDICT_FASTER);
	assert_float_equal(row->figure[FIG_NS_CALL].r.low, 0.75, 1e-9);
	assert_float_equal(row->figure[FIG_NS_CALL].r.high, 0.75, 1e-9);
}

/* 4 v 4 of five rows: 2/70 times 5 is above 0.05, whatever was seen. */
static void many_rows_need_more_runs(void **state)
{
	struct fixture *f = *state;
	size_t i;

	f->like.rows = 5;
	runs(f, BEFORE, 4, 1);
	runs(f, AFTER, 4, 0.5);
	judged(f, 5);
	for (i = 0; i < 5; i++) {
		assert_int_equal(f->c.rows[i].verdict, VERDICT_UNCLEAR);
		assert_non_null(strstr(f->c.rows[i].why, "5 rows at once need at least 5 runs"));
	}
}

/* A hundredth of the time: no verdict, no interval, but its barriers still count. */
static void minor_rows_are_not_judged(void **state)
{
	struct fixture *f = *state;
	struct row like = { .op = OP_MAP_PAGE, .dev = "minor", .driver = "nic" };
	struct interval iv;
	unsigned int i;

	f->opt.fail_above = 0.1;
	runs(f, BEFORE, 5, 1);
	runs(f, AFTER, 5, 1);
	interval_init(&iv);
	for (i = 0; i < 10; i++) {
		interval_clear(&iv);
		fake_row(&iv, &like, 10, 1, i < 5 ? 100 : 1000, i < 5 ? 1 : 2);
		compare_run_add(&f->c, f->c.runs[i], &iv);
	}
	interval_free(&iv);
	judged(f, 2);
	assert_string_equal(f->c.rows[1].dev, "minor");
	assert_int_equal(f->c.rows[1].verdict, VERDICT_NONE);
	assert_false(f->c.rows[1].figure[FIG_NS_CALL].has_limits);
	assert_float_equal(f->c.rows[1].figure[FIG_NS_CALL].r.ratio, 10, 1e-9);
	assert_int_equal(f->c.n_tested, 1);
	assert_true(f->c.rows[1].regression && !f->c.rows[0].regression);
}

static void barriers_are_exact(void **state)
{
	struct fixture *f = *state;
	const struct compare_row *row;

	runs(f, BEFORE, 1, 1);
	f->like.dsb = 1;
	runs(f, AFTER, 1, 1);
	row = judged(f, 1);
	assert_true(row->figure[FIG_DSB_CALL].value[BEFORE] == 64);
	assert_true(row->figure[FIG_DSB_CALL].value[AFTER] == 1);
	assert_true(row->figure[FIG_DSB_CALL].r.ratio == 1.0 / 64);
	assert_true(row->figure[FIG_DSB_ENTRY].value[BEFORE] == 1);
	assert_false(row->figure[FIG_DSB_CALL].has_limits);
}

static void unknown_barriers_are_not_zero(void **state)
{
	struct fixture *f = *state;

	runs(f, BEFORE, 1, 1);
	f->c.runs[0]->rows[0]->dsb_source = DSB_UNKNOWN;
	runs(f, AFTER, 1, 1);
	assert_false(judged(f, 1)->figure[FIG_DSB_CALL].known[BEFORE]);
	assert_false(f->c.rows[0].figure[FIG_DSB_CALL].has_ratio);
}

static void gate_on_time(void **state)
{
	struct fixture *f = *state;

	f->opt.fail_above = 0.10;
	runs(f, BEFORE, 5, 1);
	runs(f, AFTER, 5, 1.2);
	judged(f, 1);
	assert_true(compare_regressed(&f->c));
	/* The interval of +20 % reaches below 19.9 %. */
	f->opt.fail_above = 0.199;
	judged(f, 1);
	assert_int_equal(f->c.rows[0].verdict, VERDICT_SLOWER);
	assert_false(compare_regressed(&f->c));
}

static void gate_on_barriers(void **state)
{
	struct fixture *f = *state;

	f->opt.fail_above = 0;
	f->like.dsb = 1;
	runs(f, BEFORE, 1, 1);
	f->like.dsb = 2;
	runs(f, AFTER, 1, 1);
	judged(f, 1);
	assert_true(compare_regressed(&f->c));
}

/* Longer lists have more barriers a call where each entry has one: the kernel did not change. */
static void longer_lists_are_no_regression(void **state)
{
	struct fixture *f = *state;

	f->opt.fail_above = 0;
	runs(f, BEFORE, 1, 1);
	f->like.entries = f->like.dsb = 512;
	runs(f, AFTER, 1, 1);
	judged(f, 1);
	assert_false(compare_regressed(&f->c));
	assert_true(f->c.rows[0].mix_moved);
	assert_float_equal(f->c.rows[0].size_class[2].share[BEFORE], 1, 1e-12);
	assert_float_equal(f->c.rows[0].size_class[3].share[AFTER], 1, 1e-12);
	assert_non_null(strstr(note(f, "mix_size"), "64 entries a call before and 512 after"));
}

/* Twice the time for twice the entries: nothing that ns/call could tell of the kernel. */
static void longer_lists_are_not_slower(void **state)
{
	struct fixture *f = *state;

	runs(f, BEFORE, 5, 1);
	f->like.entries = f->like.dsb = 128;
	runs(f, AFTER, 5, 2);
	assert_int_equal(judged(f, 1)->verdict, VERDICT_UNCLEAR);
	assert_non_null(strstr(f->c.rows[0].why, "ns/entry does not say the same"));
}

/* A third less for twice the entries: faster, however one looks at it. */
static void longer_lists_may_be_faster(void **state)
{
	struct fixture *f = *state;

	runs(f, BEFORE, 5, 1);
	f->like.entries = f->like.dsb = 128;
	runs(f, AFTER, 5, 0.67);
	assert_int_equal(judged(f, 1)->verdict, VERDICT_FASTER);
}

/* Another mix of two sizes, each as fast as before: only class by class nothing changed. */
static void classes_see_through_the_mix(void **state)
{
	struct fixture *f = *state;
	const struct compare_row *row;
	struct row like = { .op = OP_MAP_SG, .dir = DIR_FROM_DEVICE, .dev = "d", .driver = "ahci" };
	struct compare_run *run;
	struct capture_info info;
	struct interval iv;
	int s, i, k;

	interval_init(&iv);
	for (s = 0; s < SIDES; s++) {
		for (i = 0; i < 2; i++) {
			fake_info(&info, f->number++);
			run = compare_run_new(&f->c, "run", &info);
			for (k = 0; k < 12; k++) {
				interval_clear(&iv);
				iv.dur_ns = 1000000000;
				if (k < (s == BEFORE ? 9 : 3))
					fake_row(&iv, &like, 100, 4, 1000, 4);
				else
					fake_row(&iv, &like, 100, 400, 50000, 400);
				compare_run_add(&f->c, run, &iv);
			}
			compare_side_add(&f->c, s, run);
		}
	}
	interval_free(&iv);
	row = judged(f, 1);
	assert_true(row->mix_moved);
	assert_true(row->figure[FIG_NS_CALL].r.ratio > 2);
	assert_float_equal(row->size_class[1].ns_call.r.ratio, 1, 1e-12);
	assert_float_equal(row->size_class[3].ns_call.r.ratio, 1, 1e-12);
	assert_float_equal(row->size_class[1].share[BEFORE], 0.75, 1e-12);
	assert_float_equal(row->size_class[1].share[AFTER], 0.25, 1e-12);
}

static void size_classes(void **state)
{
	struct fixture *f = *state;

	f->like.entries = 1;
	runs(f, BEFORE, 1, 1);
	f->like.entries = 15;
	runs(f, AFTER, 1, 1);
	judged(f, 1);
	assert_float_equal(f->c.rows[0].size_class[0].share[BEFORE], 1, 1e-12);
	assert_float_equal(f->c.rows[0].size_class[1].share[AFTER], 1, 1e-12);
}

static void quiet_sides_have_no_notes(void **state)
{
	struct fixture *f = *state;
	size_t i;

	runs(f, BEFORE, 5, 1);
	runs(f, AFTER, 5, 0.9);
	judged(f, 1);
	for (i = 0; i < f->c.n_notes; i++)
		assert_string_equal(f->c.notes[i].kind, "tails");
}

static void notes_on_the_setup(void **state)
{
	struct fixture *f = *state;
	struct capture_info *info;
	unsigned int i;

	runs(f, BEFORE, 2, 1);
	runs(f, AFTER, 2, 1);
	info = &f->c.side[AFTER].runs[0]->info;
	snprintf(info->governor, sizeof(info->governor), "schedutil");
	snprintf(info->cpu_model, sizeof(info->cpu_model), "Cortex-A55 x4");
	snprintf(info->hdr.model, sizeof(info->hdr.model), "Other\033[2J board");
	snprintf(info->hdr.release, sizeof(info->hdr.release), "6.13");
	info->hdr.exact = info->stacks = true;
	info->hdr.cost.floor_ns = 300;
	for (i = 0; i < info->hdr.n_hooks; i++) {
		if (info->hdr.hooks[i].op == OP_MAP_SG)
			info->hdr.hooks[i].rung = RUNG_KPROBE;
	}
	f->c.side[BEFORE].runs[1]->loss.events.depth = 7;
	snprintf(f->c.side[BEFORE].runs[0]->cut_off, 32, "cut off: made up");
	judged(f, 1);
	assert_non_null(strstr(note(f, "governor"), "performance; after schedutil; performance"));
	assert_non_null(strstr(note(f, "cpu"), "Cortex-A55"));
	assert_non_null(strstr(note(f, "machine"), "Other?[2J board"));
	assert_non_null(strstr(note(f, "kernel"), "more than one kernel"));
	assert_non_null(strstr(note(f, "options"), "level api, exact, stacks"));
	assert_non_null(strstr(note(f, "floor"), "85ns before, 192ns after"));
	assert_non_null(
		strstr(note(f, "attach"), "map_sg is attached by fentry before and fentry"));
	assert_non_null(strstr(note(f, "loss"), "7 before, 0 after"));
	assert_non_null(strstr(note(f, "cut_off"), "run: cut off"));
	assert_null(note(f, "boot"));
	assert_null(note(f, "same_run"));
}

static void notes_on_the_runs(void **state)
{
	struct fixture *f = *state;

	runs(f, BEFORE, 2, 1);
	runs(f, AFTER, 2, 1);
	f->c.runs[1]->info = f->c.runs[0]->info;
	f->c.runs[2]->info = f->c.runs[0]->info;
	judged(f, 1);
	assert_non_null(strstr(note(f, "boot"), "runs before are all of one boot"));
	assert_non_null(note(f, "same_run"));
}

/* Raises the last half of the intervals. */
static void notes_on_drift(void **state)
{
	struct fixture *f = *state;
	struct run_row *row;
	size_t i;

	runs(f, BEFORE, 2, 1);
	runs(f, AFTER, 2, 1);
	row = f->c.side[AFTER].runs[0]->rows[0];
	for (i = row->n / 2; i < row->n; i++)
		row->ns[i] *= 1.3;
	judged(f, 1);
	assert_non_null(strstr(note(f, "drift"), "third of the runs after"));
}

static void one_sided_rows_are_named(void **state)
{
	struct fixture *f = *state;

	f->like.rows = 2;
	runs(f, BEFORE, 2, 1);
	f->like.rows = 1;
	runs(f, AFTER, 2, 1);
	judged(f, 2);
	assert_int_equal(f->c.rows[1].verdict, VERDICT_NONE);
	assert_string_equal(f->c.rows[1].why, "only before");
	assert_non_null(strstr(note(f, "devices"), "0000:00:01.0 (ahci): calls only before"));
}

static void two_directions(struct fixture *f, enum side side, __u64 to, __u64 from)
{
	struct row like = { .op = OP_UNMAP_SG, .dev = "d", .driver = "ahci" };
	struct compare_run *run;
	struct capture_info info;
	struct interval iv;

	interval_init(&iv);
	iv.dur_ns = 1000000000;
	like.dir = DIR_TO_DEVICE;
	fake_row(&iv, &like, to, 4, 1000, 0);
	like.dir = DIR_FROM_DEVICE;
	fake_row(&iv, &like, from, 4, 1000, 4);
	fake_info(&info, f->number++);
	run = compare_run_new(&f->c, "run", &info);
	compare_run_add(&f->c, run, &iv);
	compare_side_add(&f->c, side, run);
	assert_int_equal(run->rows[0]->n, 1);
	interval_free(&iv);
}

static void directions_are_one_row(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 5; i++) {
		two_directions(f, BEFORE, 90, 10);
		two_directions(f, AFTER, 10, 90);
	}
	judged(f, 1);
	assert_int_equal(f->c.rows[0].verdict, VERDICT_UNCLEAR);
	assert_int_equal(f->c.rows[0].dir, DIR_COUNT);
	assert_int_equal(f->c.rows[0].side[BEFORE].sum.sum.calls, 500);
	assert_non_null(
		strstr(note(f, "mix_direction"), "90 % of the calls were to_device before"));
}

static void directions_apart(void **state)
{
	struct fixture *f = *state;

	f->opt.by_dir = true;
	two_directions(f, BEFORE, 90, 10);
	two_directions(f, AFTER, 10, 90);
	judged(f, 2);
	assert_int_equal(f->c.rows[0].side[BEFORE].sum.sum.calls +
				 f->c.rows[1].side[BEFORE].sum.sum.calls,
			 100);
	assert_int_not_equal(f->c.rows[0].dir, f->c.rows[1].dir);
	assert_null(note(f, "mix_direction"));
}

static void filters(void **state)
{
	struct fixture *f = *state;

	f->opt.device = "nothing,0000:00:0[12].0";
	f->like.rows = 4;
	runs(f, BEFORE, 1, 1);
	runs(f, AFTER, 1, 1);
	judged(f, 2);
	/* Shares are still of everything. */
	assert_float_equal(f->c.rows[0].side[BEFORE].share, 0.25, 0.05);
	f->opt.ops = 1u << OP_UNMAP_SG;
	runs(f, AFTER, 1, 1);
	judged(f, 2);
	assert_int_equal(f->c.rows[0].side[AFTER].runs, 1);
}

/* The same seed gives the same numbers, with and without a filter. */
static void seeds_repeat(void **state)
{
	struct fixture *f = *state;
	struct ratio_interval a, b;

	f->like.rows = 2;
	runs(f, BEFORE, 4, 1);
	runs(f, AFTER, 4, 1);
	judged(f, 2);
	a = f->c.rows[1].figure[FIG_NS_CALL].r;
	judged(f, 2);
	b = f->c.rows[1].figure[FIG_NS_CALL].r;
	assert_true(a.low == b.low && a.high == b.high);
	f->opt.seed = 2;
	judged(f, 2);
	assert_true(a.low != f->c.rows[1].figure[FIG_NS_CALL].r.low);
}

static void self_check_of_quiet_runs(void **state)
{
	struct fixture *f = *state;
	struct self_check s;
	char text[320];

	runs(f, BEFORE, 8, 1);
	assert_int_equal(self_check(&f->c, &s), 0);
	assert_int_equal(s.splits, 70);
	assert_true(s.all && s.possible && !s.in_order);
	assert_true(s.claimed <= 4);
	self_check_words(text, sizeof(text), &f->c, &s);
	assert_non_null(strstr(text, "quiet enough"));
	self_check_free(&s);
}

/* Nothing changed but the time: later runs are slower. */
static void self_check_sees_drift(void **state)
{
	struct fixture *f = *state;
	struct self_check s;
	char text[320];
	int i;

	for (i = 0; i < 12; i++)
		runs(f, BEFORE, 1, 1 + 0.03 * i);
	assert_int_equal(self_check(&f->c, &s), 0);
	assert_int_equal(s.splits, 252);
	assert_true(!s.all && s.in_order);
	self_check_words(text, sizeof(text), &f->c, &s);
	assert_non_null(strstr(text, "drifts"));
	self_check_free(&s);
}

/* Names as long as they get, control characters, a row for every state: nothing passes 80 columns.
 */
static void text_fits(void **state)
{
	struct fixture *f = *state;
	char *text, *line, *save;
	size_t i;

	f->like.rows = 3;
	runs(f, BEFORE, 5, 1);
	f->like.entries = 300;
	runs(f, AFTER, 5, 40);
	for (i = 0; i < f->c.keys.n_rows; i++)
		memset(f->c.keys.rows[i].dev, i ? 'x' : '\033', DEV_NAME_LEN - 1);
	judged(f, 3);
	text = printed(&f->c, compare_print_text);
	assert_null(strchr(text, '\033'));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		assert_in_range(strlen(line), 1, 80);
	free(text);
}

static void json_is_whole(void **state)
{
	struct fixture *f = *state;
	unsigned int rows = 0, sides = 0;
	char *text, *line, *save;
	json_t *obj;

	runs(f, BEFORE, 5, 1);
	runs(f, AFTER, 5, 0.5);
	judged(f, 1);
	text = printed(&f->c, compare_print_json);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		obj = json_loads(line, 0, NULL);
		assert_non_null(obj);
		rows += !strcmp(json_string_value(json_object_get(obj, "type")), "row");
		sides += !strcmp(json_string_value(json_object_get(obj, "type")), "side");
		json_decref(obj);
	}
	assert_int_equal(rows, 1);
	assert_int_equal(sides, 2);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(faster),
		TEST(slower),
		TEST(same),
		TEST(unclear_at_the_edge),
		TEST(three_runs_claim_nothing),
		TEST(one_run_has_no_verdict),
		TEST(runs_without_noise),
		TEST(many_rows_need_more_runs),
		TEST(minor_rows_are_not_judged),
		TEST(barriers_are_exact),
		TEST(unknown_barriers_are_not_zero),
		TEST(gate_on_time),
		TEST(gate_on_barriers),
		TEST(longer_lists_are_no_regression),
		TEST(longer_lists_are_not_slower),
		TEST(longer_lists_may_be_faster),
		TEST(classes_see_through_the_mix),
		TEST(size_classes),
		TEST(quiet_sides_have_no_notes),
		TEST(notes_on_the_setup),
		TEST(notes_on_the_runs),
		TEST(notes_on_drift),
		TEST(one_sided_rows_are_named),
		TEST(directions_are_one_row),
		TEST(directions_apart),
		TEST(filters),
		TEST(seeds_repeat),
		TEST(self_check_of_quiet_runs),
		TEST(self_check_sees_drift),
		TEST(text_fits),
		TEST(json_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
