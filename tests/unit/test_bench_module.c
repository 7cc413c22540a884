// SPDX-License-Identifier: GPL-2.0
/* What dmasync_bench prints, as bench --module reads it, and the two outputs made of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>
#include <jansson.h>
#include "dmasync/bench_module.h"
#include "dmasync/log.h"

#define RUN                                                                                        \
	"{\"type\":\"run\",\"kernel\":\"6.12\",\"state\":\"done\",\"label\":\"run\","              \
	"\"dev\":\"dmasync_bench\",\"coherent\":false,\"iommu\":true,\"bytes\":4096}\n"
#define API(op)                                                                                    \
	"{\"type\":\"api\",\"op\":\"" op "\",\"calls\":5,\"entries\":320,\"bytes\":1310720,"       \
	"\"bounced\":0,\"errors\":0,\"status\":0,\"failed_at\":null,\"ns\":50,\"min_ns\":8,"       \
	"\"median_ns\":10,\"p99_ns\":12,\"max_ns\":13,\"mean_ns\":11}\n"

static void parse(void **state)
{
	struct module_run run;
	const char *why;

	assert_int_equal(module_parse(RUN API("map_sg") API("unmap_sg"), &run, &why), 0);
	assert_string_equal(run.dev, "dmasync_bench");
	assert_string_equal(run.state, "done");
	assert_true(run.iommu && !run.coherent);
	assert_int_equal(run.n_apis, 2);
	assert_int_equal(run.apis[1].op, OP_UNMAP_SG);
	assert_int_equal(run.apis[1].calls, 5);
	assert_int_equal(run.apis[1].entries, 320);
	assert_int_equal(run.apis[1].median, 10);
	assert_true(run.apis[1].mean == 11);
	assert_int_equal(run.wrong, 0);
	assert_int_equal(
		module_parse(RUN
			     "{\"type\":\"api\",\"op\":\"vmap\",\"calls\":2,\"entries\":512,"
			     "\"bytes\":2097152,\"errors\":0,\"runs\":34,\"wrong\":3,\"min_ns\":8,"
			     "\"median_ns\":10,\"p99_ns\":12,\"max_ns\":13,\"mean_ns\":11}\n",
			     &run, &why),
		0);
	assert_int_equal(run.apis[0].op, OP_VMAP);
	assert_int_equal(run.wrong, 3);
	/* Lines and calls of a later module do not disturb. */
	assert_int_equal(
		module_parse(RUN "{\"type\":\"more\"}\n" API("alloc_coherent"), &run, &why), 0);
	assert_int_equal(run.n_apis, 0);
}

static void parse_wrong(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"none\n",
		API("map_sg"),
		"{\"type\":\"run\",\"state\":\"none\"}\n",
		RUN "{\"type\":\"api\",\"op\":\"map_sg\",\"calls\":-1}\n",
		RUN "{\"type\":\"api\"}\n",
		RUN "{\"type\":\"api\",\"op\":\"map_sg\"\n",
		RUN API("map_sg") API("map_sg") API("map_sg") API("map_sg") API("map_sg"),
	};
	struct module_run run;
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		why = NULL;
		assert_int_equal(module_parse(texts[i], &run, &why), -EINVAL);
		assert_non_null(why);
	}
}

static void spew(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A directory that looks like the module's. */
static void run(void **state)
{
	char dir[] = "/tmp/test_bench_module.XXXXXX", path[256], got[64] = "";
	struct module_run run;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	log_hold(true);
	assert_int_equal(module_run(dir, "op=sg", &run), -ENOENT);
	spew(dir, "run", "");
	spew(dir, "result", RUN API("map_sg"));
	assert_int_equal(module_run(dir, "op=sg", &run), 0);
	assert_int_equal(run.n_apis, 1);
	snprintf(path, sizeof(path), "%s/run", dir);
	f = fopen(path, "r");
	assert_non_null(fgets(got, sizeof(got), f));
	fclose(f);
	assert_string_equal(got, "op=sg");
	spew(dir, "result", "{}\n");
	assert_int_equal(module_run(dir, "op=sg", &run), -EINVAL);
	assert_non_null(strstr(log_held(), "cannot be understood"));
	log_drop();
	log_hold(false);
	unlink(path);
	snprintf(path, sizeof(path), "%s/result", dir);
	unlink(path);
	rmdir(dir);
}

static const struct bench_options opt = {
	.size = 256 << 10, .entry = 4096, .iterations = 5, .access = ACCESS_WRITE
};

static const struct module_result result = {
	.about = { .dsb_known = true,
		   .dsb_source = DSB_COUNTED,
		   .release = "6.12.0",
		   .flavour = FLAVOUR_PER_ENTRY },
	.dev = "dmasync_bench",
	.n_apis = 2,
	.apis = { { .op = OP_MAP_SG, .calls = 5, .entries = 320, .median = 6400, .dsb = 64 },
		  { .op = OP_UNMAP_SG, .calls = 5, .errors = 5, .median = 10 } },
};

static void json(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	json_t *obj, *api;

	assert_int_equal(module_print_json(f, &opt, &result), 0);
	fclose(f);
	obj = json_loads(text, 0, NULL);
	assert_non_null(obj);
	free(text);
	assert_string_equal(json_string_value(json_object_get(obj, "source")), "module");
	assert_string_equal(json_string_value(json_object_get(obj, "dir")), "write");
	assert_string_equal(json_string_value(json_object_get(obj, "dsb_source")), "counted");
	api = json_array_get(json_object_get(obj, "apis"), 0);
	assert_string_equal(json_string_value(json_object_get(api, "op")), "map_sg");
	assert_true(json_number_value(json_object_get(api, "median_ns_per_entry")) == 100);
	assert_true(json_number_value(json_object_get(api, "dsb_per_call")) == 64);
	/* Nothing was mapped: nothing to divide by. */
	api = json_array_get(json_object_get(obj, "apis"), 1);
	assert_true(json_is_null(json_object_get(api, "median_ns_per_entry")));
	json_decref(obj);
}

static void text(void **state)
{
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	module_print_text(f, &opt, &result);
	fclose(f);
	assert_non_null(strstr(out, "dmasync_bench (not coherent): 256K in 64 entries of 4.00K"));
	assert_non_null(strstr(out, "unmap_sg: 5 of 5 calls failed"));
	assert_non_null(strstr(out, "dsb: counted"));
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse), cmocka_unit_test(parse_wrong), cmocka_unit_test(run),
		cmocka_unit_test(json),	 cmocka_unit_test(text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
