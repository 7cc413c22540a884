// SPDX-License-Identifier: GPL-2.0
/* The NDJSON contract: names, kinds and exact values, read back from what was printed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/json_rows.h>
#include <dmasync/view.h>
#include "fake.h"

/* Prints @obj and parses the line again. */
static json_t *round_trip(json_t *obj)
{
	char *line = NULL;
	size_t size = 0;
	json_error_t err;
	FILE *f = open_memstream(&line, &size);
	json_t *back;

	assert_non_null(obj);
	assert_int_equal(json_print(f, obj), 0);
	fclose(f);
	assert_true(size > 1 && line[size - 1] == '\n');
	assert_ptr_equal(strchr(line, '\n'), line + size - 1);
	back = json_loads(line, 0, &err);
	assert_non_null(back);
	free(line);
	return back;
}

static __u64 integer(json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	assert_true(json_is_integer(v));
	return json_integer_value(v);
}

static const char *string(json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	assert_true(json_is_string(v));
	return json_string_value(v);
}

static void header_object(void **state)
{
	struct header hdr;
	json_t *obj, *hook;

	fake_header(&hdr);
	obj = round_trip(json_header(&hdr));
	assert_string_equal(string(obj, "type"), "header");
	assert_string_equal(string(obj, "kernel"), "6.12.43+deb12-arm64");
	assert_string_equal(string(obj, "flavour"), "per-entry");
	assert_string_equal(string(obj, "machine"), "aarch64");
	assert_string_equal(string(obj, "level"), "api");
	assert_true(json_real_value(json_object_get(obj, "probe_floor_ns")) == 85);
	assert_int_equal(json_array_size(json_object_get(obj, "hooks")), 5);
	hook = json_array_get(json_object_get(obj, "hooks"), 0);
	assert_string_equal(string(hook, "name"), "__dma_map_sg_attrs");
	assert_string_equal(string(hook, "op"), "map_sg");
	assert_string_equal(string(hook, "rung"), "fentry");
	assert_true(json_is_null(json_object_get(hook, "end")));
	hook = json_array_get(json_object_get(obj, "hooks"), 3);
	assert_true(json_is_null(json_object_get(hook, "rung")));
	assert_string_equal(string(hook, "reason"), "not in this kernel");
	json_decref(obj);
	hdr.hooks[1].end = END_RET;
	hdr.hooks[2].end = END_KRETPROBE;
	obj = round_trip(json_header(&hdr));
	assert_string_equal(string(json_array_get(json_object_get(obj, "hooks"), 1), "end"), "ret");
	assert_string_equal(string(json_array_get(json_object_get(obj, "hooks"), 2), "end"),
			    "kretprobe");
	json_decref(obj);
	hdr.cost.valid = false;
	obj = round_trip(json_header(&hdr));
	assert_true(json_is_null(json_object_get(obj, "probe_floor_ns")));
	json_decref(obj);
}

static void check_row(json_t *obj, const struct row *row)
{
	json_t *pair;
	__u64 hist = 0;
	size_t i;

	assert_string_equal(string(obj, "op"), op_name(row->op));
	assert_string_equal(string(obj, "dev"), row->dev);
	assert_string_equal(string(obj, "driver"), row->driver);
	assert_string_equal(string(obj, "dir"), dir_name(row->dir));
	assert_int_equal(json_is_true(json_object_get(obj, "coherent")), row->coherent);
	assert_int_equal(json_is_true(json_object_get(obj, "iommu")), row->iommu);
	assert_int_equal(json_is_null(json_object_get(obj, "coherent")), row->hw_unknown);
	assert_int_equal(json_is_null(json_object_get(obj, "iommu")), row->hw_unknown);
	assert_int_equal(integer(obj, "calls"), row->sum.calls);
	assert_int_equal(integer(obj, "entries"), row->sum.entries);
	assert_int_equal(integer(obj, "bytes"), row->sum.bytes);
	assert_int_equal(integer(obj, "ns"), row->sum.ns);
	assert_int_equal(integer(obj, "min_ns"), row->min_ns);
	assert_int_equal(integer(obj, "max_ns"), row->max_ns);
	assert_in_range(integer(obj, "p50_ns"), row->min_ns, row->max_ns);
	assert_true(integer(obj, "p50_ns") <= integer(obj, "p90_ns"));
	assert_true(integer(obj, "p90_ns") <= integer(obj, "p99_ns"));
	assert_int_equal(integer(obj, "dsb"), row->dsb_derived);
	assert_string_equal(string(obj, "dsb_source"), "derived");
	assert_int_equal(integer(obj, "dsb_derived"), row->dsb_derived);
	assert_true(json_is_null(json_object_get(obj, "dsb_counted")));
	assert_int_equal(integer(obj, "failed"), row->sum.failed);
	assert_int_equal(integer(obj, "bounces"), row->sum.bounces);
	json_array_foreach (json_object_get(obj, "hist"), i, pair)
		hist += json_integer_value(json_array_get(pair, 1));
	assert_int_equal(hist, row->sum.calls);
}

static void interval_object(void **state)
{
	struct fake f = { .seed = 5, .devices = 40 };
	struct interval iv;
	struct header hdr;
	json_t *obj, *row, *loss, *proc;
	size_t i;

	fake_header(&hdr);
	interval_init(&iv);
	fake_interval(&f, &iv, 1000000000);
	fake_procs(&iv);
	iv.rows[1].coherent = iv.rows[1].iommu = false;
	iv.rows[1].hw_unknown = true;
	iv.loss.events.depth = 3;
	iv.loss.events.rows_full = 100;
	iv.loss.recursion_misses = 4;
	obj = round_trip(json_interval(&hdr, &iv));
	assert_string_equal(string(obj, "type"), "interval");
	assert_int_equal(integer(obj, "t_ns"), iv.t_ns);
	assert_int_equal(integer(obj, "dur_ns"), iv.dur_ns);
	assert_int_equal(json_array_size(json_object_get(obj, "rows")), iv.n_rows);
	json_array_foreach (json_object_get(obj, "rows"), i, row)
		check_row(row, &iv.rows[i]);
	loss = json_object_get(obj, "loss");
	assert_int_equal(integer(loss, "events"), 3);
	assert_int_equal(integer(loss, "recursion_misses"), 4);
	assert_int_equal(integer(loss, "stacks"), 0);
	assert_int_equal(integer(loss, "rows_full"), 100);
	proc = json_array_get(json_object_get(obj, "processes"), 0);
	assert_int_equal(integer(proc, "pid"), 812);
	assert_string_equal(string(proc, "comm"), "dd");
	json_decref(obj);
	interval_free(&iv);
}

static void end_object(void **state)
{
	struct fake f = { .seed = 5 };
	struct interval iv, total;
	struct header hdr;
	json_t *obj;

	fake_header(&hdr);
	interval_init(&iv);
	interval_init(&total);
	fake_interval(&f, &iv, 5);
	interval_add(&total, &iv);
	interval_add(&total, &iv);
	obj = round_trip(json_end(&hdr, &total));
	assert_string_equal(string(obj, "type"), "end");
	assert_int_equal(integer(obj, "intervals"), 2);
	assert_int_equal(json_array_size(json_object_get(obj, "rows")), 5);
	check_row(json_array_get(json_object_get(obj, "rows"), 0), &total.rows[0]);
	assert_null(json_object_get(obj, "processes"));
	json_decref(obj);
	interval_free(&iv);
	interval_free(&total);
}

static void special_values(void **state)
{
	struct row row = { .op = OP_MAP_SG, .dev = "x\377y", .driver = "\342\202z" };
	struct header hdr;
	json_t *obj;

	fake_header(&hdr);
	row.sum.failed = 1;
	row.sum.bytes = (1ULL << 63) - 1;
	obj = round_trip(json_row(&hdr, &row));
	assert_string_equal(string(obj, "dev"), "x?y");
	assert_string_equal(string(obj, "driver"), "??z");
	assert_true(integer(obj, "bytes") == (1ULL << 63) - 1);
	assert_true(json_is_null(json_object_get(obj, "p50_ns")));
	assert_true(json_is_null(json_object_get(obj, "min_ns")));
	assert_true(json_is_null(json_object_get(obj, "dsb")));
	assert_string_equal(string(obj, "dsb_source"), "unknown");
	json_decref(obj);
	hdr.exact = true;
	row.sum.dsb = (1ULL << 53) + 1; /* a double would round it */
	obj = round_trip(json_row(&hdr, &row));
	assert_string_equal(string(obj, "dsb_source"), "counted");
	assert_true(integer(obj, "dsb") == (1ULL << 53) + 1);
	assert_true(integer(obj, "dsb_counted") == (1ULL << 53) + 1);
	json_decref(obj);
	row.sum.unsized = 1;
	obj = round_trip(json_row(&hdr, &row));
	assert_true(json_is_null(json_object_get(obj, "bytes")));
	json_decref(obj);
}

static void full_disk(void **state)
{
	FILE *f = fopen("/dev/full", "w");

	if (!f)
		skip();
	assert_int_equal(json_print(f, json_pack("{s:i}", "a", 1)), -ENOSPC);
	assert_int_equal(json_print(f, NULL), -ENOMEM);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_object), cmocka_unit_test(interval_object),
		cmocka_unit_test(end_object),	 cmocka_unit_test(special_values),
		cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
