// SPDX-License-Identifier: GPL-2.0
/* Figures of the benchmark from given samples, and its two outputs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include "dmasync/bench.h"
#include "dmasync/options.h"

static void figures(void **state)
{
	__u64 sample[200], one[] = { 7 }, two[] = { 9, 3 };
	struct bench_side side = { .sample = sample };
	int i;

	/* 1 .. 200, shuffled */
	for (i = 0; i < 200; i++)
		sample[i] = i * 77 % 200 + 1;
	bench_summarize(&side, 200);
	assert_int_equal(side.min, 1);
	assert_int_equal(side.median, 100);
	assert_int_equal(side.p99, 198);
	assert_int_equal(side.max, 200);
	assert_true(side.mean == 100.5);
	side.sample = one;
	bench_summarize(&side, 1);
	assert_true(side.min == 7 && side.median == 7 && side.p99 == 7 && side.max == 7);
	side.sample = two;
	bench_summarize(&side, 2);
	assert_true(side.min == 3 && side.median == 3 && side.p99 == 9 && side.max == 9);
}

static const struct bench_options opt = {
	.size = 10 << 20, .entry = 4096, .iterations = 200, .access = ACCESS_READ
};

static const struct bench_result counted = {
	.start = { .op = OP_SYNC_SG_FOR_CPU, .median = 2560000, .dsb = 2560 },
	.end = { .op = OP_SYNC_SG_FOR_DEVICE, .median = 5120000, .dsb = 2560 },
	.entries = 2560,
	.entries_source = ENTRIES_COUNTED,
	.dsb_known = true,
	.dsb_source = DSB_COUNTED,
	.flavour = FLAVOUR_PER_ENTRY,
	.release = "6.12.0",
};

/* Prints @r as JSON (or as text into *@text) and parses it. */
static json_t *print_json(const struct bench_result *r)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	json_t *obj;

	assert_int_equal(bench_print_json(f, &opt, r), 0);
	fclose(f);
	obj = json_loads(text, 0, NULL);
	assert_non_null(obj);
	free(text);
	return obj;
}

static void json(void **state)
{
	struct bench_result r = counted;
	json_t *obj = print_json(&r), *side = json_object_get(obj, "start");

	assert_string_equal(json_string_value(json_object_get(obj, "type")), "bench");
	assert_string_equal(json_string_value(json_object_get(obj, "dsb_source")), "counted");
	assert_string_equal(json_string_value(json_object_get(obj, "dir")), "read");
	assert_true(json_number_value(json_object_get(side, "median_ns_per_entry")) == 1000);
	assert_true(json_number_value(json_object_get(side, "dsb_per_call")) == 2560);
	json_decref(obj);

	/* What was not measured is not printed. */
	r.dsb_known = false;
	snprintf(r.dsb_why, sizeof(r.dsb_why), "not root");
	obj = print_json(&r);
	assert_true(json_is_null(json_object_get(obj, "dsb_source")));
	assert_string_equal(json_string_value(json_object_get(obj, "dsb_why")), "not root");
	side = json_object_get(obj, "end");
	assert_true(json_is_null(json_object_get(side, "dsb_per_call")));
	json_decref(obj);
}

static void text(void **state)
{
	struct bench_result r = counted;
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	bench_print_text(f, &opt, &r);
	fclose(f);
	assert_non_null(strstr(out, "2560 entries of 4.00K"));
	assert_non_null(strstr(out, "dsb: counted"));
	assert_null(strstr(out, "QEMU"));
	assert_null(strstr(out, "assumed"));
	free(out);

	r.emulator = true;
	r.dsb_known = false;
	r.entries_source = ENTRIES_ASSUMED;
	f = open_memstream(&out, &len);
	bench_print_text(f, &opt, &r);
	fclose(f);
	assert_non_null(strstr(out, "QEMU"));
	assert_non_null(strstr(out, "assumed"));
	assert_non_null(strstr(out, "dsb: not known"));
	free(out);
}

/* A reader that goes away is no failure, a full disk is; what is not possible here is told apart.
 */
static void statuses(void **state)
{
	FILE *full = fopen("/dev/full", "w"), *null = fopen("/dev/null", "w");

	assert_non_null(full);
	assert_non_null(null);
	assert_int_equal(bench_printed(null, 0), EXIT_OK);
	assert_int_equal(bench_printed(null, -EPIPE), EXIT_OK);
	assert_int_equal(bench_printed(null, -ENOSPC), EXIT_FAILED);
	fputs("a result", full);
	assert_int_equal(bench_printed(full, 0), EXIT_FAILED);
	fclose(full);
	fclose(null);
	assert_int_equal(bench_failed(-ENODEV), EXIT_UNSUPPORTED);
	assert_int_equal(bench_failed(-EACCES), EXIT_UNSUPPORTED);
	assert_int_equal(bench_failed(-EIO), EXIT_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures),
		cmocka_unit_test(json),
		cmocka_unit_test(text),
		cmocka_unit_test(statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
