// SPDX-License-Identifier: GPL-2.0
/* Runs of calls for single buffers: added up, filtered, sorted, and what they would save. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/filter.h>
#include <dmasync/json_rows.h>
#include <dmasync/storm_view.h>
#include <dmasync/view.h>
#include "fake.h"

static void fill(struct interval *iv, const char *dev, __u64 calls, __u64 runs, __u64 longest)
{
	struct row like = { .op = OP_MAP_PAGE, .driver = "d" };
	struct storm_row *s;
	struct row *row;

	snprintf(like.dev, sizeof(like.dev), "%s", dev);
	like.dsb_derived_known = true;
	row = interval_row(iv, &like);
	assert_non_null(row);
	row->sum.calls = row->dsb_derived = calls;
	row->sum.chained = calls - runs;
	s = interval_storm(iv, row - iv->rows);
	assert_non_null(s);
	s->calls = calls;
	s->runs = runs;
	s->contexts = runs / 2;
	s->longest = longest;
	s->hist[hist_bucket(longest)] = 1;
	s->hist[1] += runs - 1;
	iv->has_storms = true;
}

static void test_saved(void **state)
{
	struct storm_row s = { .calls = 100, .runs = 40, .contexts = 10 };

	assert_int_equal(storm_saved(&s), 60);
	assert_int_equal(storm_most(&s), 90);
	s.runs = 101; /* from a damaged file */
	s.contexts = 101;
	assert_int_equal(storm_saved(&s), 0);
	assert_int_equal(storm_most(&s), 0);
}

/* Rows of intervals come in different orders: storms are of the same rows all the same. */
static void test_add(void **state)
{
	struct interval a, b, total;

	interval_init(&a);
	interval_init(&b);
	interval_init(&total);
	fill(&a, "first", 10, 4, 7);
	fill(&a, "second", 300, 6, 200);
	fill(&b, "second", 50, 2, 49);
	fill(&b, "first", 1, 1, 1);
	assert_int_equal(interval_add(&total, &a), 0);
	assert_int_equal(interval_add(&total, &b), 0);
	assert_true(total.has_storms);
	assert_int_equal(total.n_storms, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct storm_row *s = &total.storms[i];
		bool first = !strcmp(total.rows[s->row].dev, "first");

		assert_int_equal(s->calls, first ? 11 : 350);
		assert_int_equal(s->runs, first ? 5 : 8);
		assert_int_equal(s->contexts, first ? 2 : 4);
		assert_int_equal(s->longest, first ? 7 : 200);
		assert_int_equal(s->hist[1], first ? 4 : 6);
		assert_int_equal(s->hist[hist_bucket(200)], !first);
		assert_int_equal(total.rows[s->row].sum.chained, storm_saved(s));
	}
	interval_clear(&total);
	assert_false(total.has_storms);
	assert_int_equal(total.n_storms, 0);
	interval_free(&a);
	interval_free(&b);
	interval_free(&total);
}

static void test_filter(void **state)
{
	struct options opt = { .device = "sec*" };
	struct interval a, part;

	interval_init(&a);
	interval_init(&part);
	fill(&a, "first", 10, 4, 7);
	fill(&a, "second", 300, 6, 200);
	assert_int_equal(interval_filter(&part, &a, &opt), 0);
	assert_true(part.has_storms);
	assert_int_equal(part.n_storms, 1);
	assert_string_equal(part.rows[part.storms[0].row].dev, "second");
	assert_int_equal(storm_saved(&part.storms[0]), 294);
	/* Whose they were is not known. */
	opt = (struct options){ .pid = 1 };
	assert_int_equal(interval_filter(&part, &a, &opt), 0);
	assert_false(part.has_storms);
	assert_int_equal(part.n_storms, 0);
	interval_free(&a);
	interval_free(&part);
}

static void test_sorted(void **state)
{
	const struct storm_row **list;
	struct interval iv;

	interval_init(&iv);
	fill(&iv, "little", 10, 4, 7);
	fill(&iv, "none", 5, 5, 1);
	fill(&iv, "much", 300, 6, 200);
	list = storms_sorted(&iv);
	assert_non_null(list);
	assert_string_equal(iv.rows[list[0]->row].dev, "much");
	assert_string_equal(iv.rows[list[1]->row].dev, "little");
	assert_string_equal(iv.rows[list[2]->row].dev, "none");
	free(list);
	interval_clear(&iv);
	list = storms_sorted(&iv);
	assert_non_null(list);
	free(list);
	interval_free(&iv);
}

static void test_lengths(void **state)
{
	struct storm_row s = { .calls = 4 + 3 * 129, .runs = 7, .longest = 129 };

	s.hist[1] = 4;
	s.hist[hist_bucket(129)] = 3;
	assert_int_equal(storm_runs_at(&s, 0.5), 1);
	assert_int_equal(storm_runs_at(&s, 0.99), 129);
}

static void test_share(void **state)
{
	struct figures f = { .dsb = 400, .dsb_source = DSB_DERIVED };

	assert_true(storm_share(100, &f) == 25);
	f.dsb_source = DSB_COUNTED;
	assert_true(storm_share(100, &f) == 25);
	f.dsb = 0;
	assert_true(storm_share(0, &f) < 0);
	f = (struct figures){ .dsb = 400, .dsb_source = DSB_UNKNOWN };
	assert_true(storm_share(100, &f) < 0);
}

static void test_text(void **state)
{
	struct header hdr = { .flavour = FLAVOUR_PER_ENTRY, .storms = true };
	struct interval iv;
	char *text = NULL;
	size_t size;
	FILE *f;

	interval_init(&iv);
	iv.dur_ns = 2000000000;
	fill(&iv, "0000:00:01.0", 1000, 10, 100);
	f = open_memstream(&text, &size);
	text_storms(f, &hdr, &iv);
	fclose(f);
	assert_non_null(strstr(text,
			       "storms: 1000 calls for single buffers waited; batches would "
			       "save 990 dsb\n        (495/s, 99% of all 1000), at most 995\n"));
	assert_non_null(strstr(text, "by driver: d 990 (99%)\n"));
	free(text);
	interval_clear(&iv);
	f = open_memstream(&text, &size);
	text_storms(f, &hdr, &iv);
	fclose(f);
	assert_string_equal(text, "storms: no call for a single buffer waited\n");
	free(text);
	interval_free(&iv);
}

static void test_json(void **state)
{
	struct storm_row s = { .row = 2, .calls = 20, .runs = 5, .contexts = 3, .longest = 16 };
	char *text;
	json_t *obj;

	s.hist[1] = 4;
	s.hist[hist_bucket(16)] = 1;
	obj = json_storm(&s);
	text = json_dumps(obj, JSON_COMPACT);
	assert_string_equal(
		text,
		"{\"row\":2,\"calls\":20,\"runs\":5,\"contexts\":3,\"longest\":16,\"saved\":15,"
		"\"saved_most\":17,\"p50\":1,\"p99\":16,\"hist\":[[1,4],[16,1]]}");
	free(text);
	json_decref(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saved),	cmocka_unit_test(test_add),
		cmocka_unit_test(test_filter),	cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_lengths), cmocka_unit_test(test_share),
		cmocka_unit_test(test_text),	cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
