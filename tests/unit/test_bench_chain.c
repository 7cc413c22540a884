// SPDX-License-Identifier: GPL-2.0
/* What bench --mmap and --vmap print, and that wrong data is a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include "dmasync/bench_chain.h"
#include "dmasync/log.h"
#include "dmasync/options.h"

static const struct chain_result mapped = {
	.about = { .cpu = 2, .release = "6.12", .model = "a board" },
	.source = "dma_heap",
	.names = { "mmap", "munmap" },
	.times = { { 20, 1000, 2560, 3000, 4000, 2500 }, { 20, 10, 20, 30, 40, 25 } },
	.pages = 256,
	.steps_known = true,
	.steps = 16,
};

static char *printed(bool json, const struct chain_result *r, int status)
{
	const struct bench_options opt = { .size = 1 << 20, .iterations = 20, .json = json };
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	log_hold(true);
	assert_int_equal(chain_print(f, &opt, r), status);
	log_drop();
	log_hold(false);
	fclose(f);
	return out;
}

static void text(void **state)
{
	struct chain_result r = mapped;
	char *out = printed(false, &r, EXIT_OK);

	assert_non_null(strstr(out, "dma_heap: 1.00M of 256 pages, 20 iterations on CPU 2"));
	assert_non_null(strstr(out, "steps: 16 a call, of 16.0 pages"));
	assert_non_null(strstr(out, "munmap"));
	free(out);
	r.steps_known = false;
	strcpy(r.steps_why, "run as root");
	r.names[1] = NULL;
	r.wrong = 3;
	out = printed(false, &r, EXIT_FAILED);
	assert_non_null(strstr(out, "steps: not known: run as root"));
	assert_non_null(strstr(out, "data: WRONG"));
	assert_null(strstr(out, "munmap"));
	free(out);
}

static void json(void **state)
{
	struct chain_result r = mapped;
	char *out = printed(true, &r, EXIT_OK);
	json_t *obj = json_loads(out, 0, NULL), *times = json_object_get(obj, "mmap");

	assert_non_null(obj);
	assert_string_equal(json_string_value(json_object_get(obj, "source")), "dma_heap");
	assert_true(json_number_value(json_object_get(obj, "steps_per_call")) == 16);
	assert_int_equal(json_integer_value(json_object_get(obj, "pages")), 256);
	assert_true(json_number_value(json_object_get(times, "median_ns_per_page")) == 10);
	assert_int_equal(json_integer_value(json_object_get(times, "calls")), 20);
	assert_non_null(json_object_get(obj, "munmap"));
	json_decref(obj);
	free(out);
	r.steps_known = false;
	out = printed(true, &r, EXIT_OK);
	obj = json_loads(out, 0, NULL);
	assert_true(json_is_null(json_object_get(obj, "steps_per_call")));
	json_decref(obj);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(text), cmocka_unit_test(json) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
