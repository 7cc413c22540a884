// SPDX-License-Identifier: GPL-2.0
/* Rows by key, sums of intervals, losses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/group.h>
#include <dmasync/interval.h>
#include "fake.h"

static struct row make(enum op op, const char *dev, const char *driver)
{
	struct row r = { .op = op, .dir = DIR_TO_DEVICE, .dsb_derived_known = true };

	snprintf(r.dev, sizeof(r.dev), "%s", dev);
	snprintf(r.driver, sizeof(r.driver), "%s", driver);
	return r;
}

static void keys_are_distinct(void **state)
{
	struct row a = make(OP_MAP_SG, "ab", "c"), b = make(OP_MAP_SG, "a", "bc"),
		   c = make(OP_UNMAP_SG, "ab", "c"), d = a;
	struct interval iv;

	d.dir = DIR_FROM_DEVICE;
	interval_init(&iv);
	interval_row(&iv, &a)->sum.calls = 1;
	interval_row(&iv, &b)->sum.calls = 2;
	interval_row(&iv, &c)->sum.calls = 3;
	interval_row(&iv, &d)->sum.calls = 4;
	assert_int_equal(iv.n_rows, 4);
	assert_int_equal(interval_row(&iv, &a)->sum.calls, 1);
	assert_int_equal(interval_row(&iv, &d)->sum.calls, 4);
	assert_int_equal(iv.n_rows, 4);
	interval_clear(&iv);
	assert_int_equal(iv.n_rows, 0);
	assert_int_equal(interval_row(&iv, &a)->sum.calls, 0);
	interval_free(&iv);
}

static void new_rows_are_empty(void **state)
{
	struct row a = make(OP_MAP_SG, "x", "y");
	struct interval iv;
	struct row *r;

	a.sum.calls = 5;
	a.hist[3] = 5;
	a.max_ns = 9;
	a.coherent = true;
	interval_init(&iv);
	r = interval_row(&iv, &a);
	assert_int_equal(r->sum.calls, 0);
	assert_int_equal(r->hist[3], 0);
	assert_int_equal(r->max_ns, 0);
	assert_true(r->coherent && r->dsb_derived_known);
	interval_free(&iv);
}

/* Far more rows than the first index has room for. */
static void many_rows(void **state)
{
	struct row like = make(OP_MAP_PAGE, "", "d");
	struct interval iv;
	unsigned int i, round;

	interval_init(&iv);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < ROWS_MAX; i++) {
			snprintf(like.dev, sizeof(like.dev), "dev%u", i / 8);
			like.op = i % 8 / 4;
			like.dir = i % 4;
			interval_row(&iv, &like)->sum.calls += i;
		}
	}
	assert_int_equal(iv.n_rows, ROWS_MAX);
	for (i = 0; i < ROWS_MAX; i++)
		assert_int_equal(iv.rows[i].sum.calls, 3 * i);
	interval_free(&iv);
}

static void min_and_max(void **state)
{
	struct row a = make(OP_MAP_SG, "x", "y"), b = a, empty = a;

	a.sum.calls = b.sum.calls = 1;
	a.min_ns = a.max_ns = 0; /* a call may take no time at all */
	b.min_ns = 7;
	b.max_ns = 9;
	row_add(&empty, &b);
	assert_int_equal(empty.min_ns, 7);
	row_add(&empty, &a);
	assert_int_equal(empty.min_ns, 0);
	assert_int_equal(empty.max_ns, 9);
	row_add(&empty, &b);
	assert_int_equal(empty.min_ns, 0);
	memset(&a, 0, sizeof(a));
	row_add(&b, &a); /* nothing was called: no minimum of 0 */
	assert_int_equal(b.min_ns, 7);
	assert_false(b.dsb_derived_known);
}

/* The sum of intervals is the sum of their parts, whatever order they come in. */
static void totals(void **state)
{
	struct fake f = { .seed = 7, .devices = 20 };
	struct interval iv, total;
	__u64 calls = 0, ns = 0, dur = 0, hist = 0, sum_calls = 0, sum_ns = 0, sum_hist = 0;
	size_t i, k, b;

	interval_init(&iv);
	interval_init(&total);
	for (i = 0; i < 5; i++) {
		f.devices = 20 - i; /* devices come and go */
		fake_interval(&f, &iv, 1000 + i);
		iv.loss.events.depth = i;
		iv.loss.events.rows_full = 10;
		fake_procs(&iv);
		for (k = 0; k < iv.n_rows; k++) {
			calls += iv.rows[k].sum.calls;
			ns += iv.rows[k].sum.ns;
			for (b = 0; b < HIST_BUCKETS; b++)
				hist += iv.rows[k].hist[b];
		}
		dur += iv.dur_ns;
		assert_int_equal(interval_add(&total, &iv), 0);
	}
	for (k = 0; k < total.n_rows; k++) {
		sum_calls += total.rows[k].sum.calls;
		sum_ns += total.rows[k].sum.ns;
		for (b = 0; b < HIST_BUCKETS; b++)
			sum_hist += total.rows[k].hist[b];
	}
	assert_int_equal(sum_calls, calls);
	assert_int_equal(sum_ns, ns);
	assert_int_equal(sum_hist, hist);
	assert_int_equal(hist, calls);
	assert_int_equal(total.dur_ns, dur);
	assert_int_equal(total.merged, 5);
	assert_int_equal(total.t_ns, iv.t_ns);
	assert_int_equal(loss_total(&total.loss), 10);
	assert_int_equal(loss_inexact(&total.loss), 50);
	assert_true(total.has_procs);
	assert_int_equal(interval_proc(&total, 812, "dd")->sum.calls, 5 * 128);
	assert_int_equal(total.n_procs, 3);
	interval_free(&iv);
	interval_free(&total);
}

static void barrier_sources(void **state)
{
	struct row r = make(OP_MAP_SG, "x", "y");
	enum dsb_source src;

	r.dsb_derived = 5;
	r.sum.dsb = 6;
	assert_int_equal(row_dsb(&r, false, FLAVOUR_PER_ENTRY, &src), 5);
	assert_int_equal(src, DSB_DERIVED);
	assert_int_equal(row_dsb(&r, true, FLAVOUR_PER_ENTRY, &src), 6);
	assert_int_equal(src, DSB_COUNTED);
	assert_int_equal(row_dsb(&r, true, FLAVOUR_NONE, &src), 0);
	assert_int_equal(src, DSB_NONE);
	assert_int_equal(row_dsb(&r, false, FLAVOUR_UNKNOWN, &src), 0);
	assert_int_equal(src, DSB_UNKNOWN);
	assert_int_equal(row_dsb(&r, true, FLAVOUR_UNKNOWN, &src), 6);
	assert_int_equal(src, DSB_COUNTED);
	r.dsb_derived_known = false;
	assert_int_equal(row_dsb(&r, false, FLAVOUR_PER_ENTRY, &src), 0);
	assert_int_equal(src, DSB_UNKNOWN);
	r.op = OP_TLB_FLUSH;
	assert_int_equal(row_dsb(&r, true, FLAVOUR_PER_ENTRY, &src), 0);
	assert_int_equal(src, DSB_NONE);
}

/* What the DMA API's sums say must not change because a buffer is mapped, too. */
static void chain_is_apart(void **state)
{
	struct row like = { .op = OP_MAP_SG, .dev = "d", .driver = "-" }, sum;
	struct interval iv;

	interval_init(&iv);
	like.sum.calls = 3;
	row_add(interval_row(&iv, &like), &like);
	like.op = OP_VMAP;
	like.sum.calls = 5;
	like.sum.steps = 7;
	row_add(interval_row(&iv, &like), &like);
	assert_int_equal(iv.rows[1].sum.steps, 7);
	interval_sum(&iv, &sum);
	assert_int_equal(sum.sum.calls, 3);
	assert_int_equal(sum.sum.steps, 0);
	interval_clear(&iv);
	row_add(interval_row(&iv, &like), &like);
	interval_sum(&iv, &sum);
	assert_int_equal(sum.sum.calls, 5);
	assert_int_equal(sum.sum.steps, 7);
	interval_free(&iv);
}

static void names(void **state)
{
	int op;

	for (op = 0; op < OP_COUNT; op++) {
		if (op == OP_CALIBRATE)
			continue;
		assert_int_equal(op_is_chain(op), op > OP_CALIBRATE);
		assert_int_equal(op_by_name(op_name(op)), op);
		assert_in_range(strlen(op_short_name(op)), 1, 11);
	}
	assert_int_equal(op_by_name("calibrate"), -1);
	assert_int_equal(op_by_name(""), -1);
	assert_string_equal(op_name(99), "?");
	assert_string_equal(dir_name(DIR_FROM_DEVICE), "from_device");
	assert_string_equal(flavour_name(FLAVOUR_UPSTREAM_BATCHED), "upstream-batched");
	assert_string_equal(dsb_source_name(DSB_DERIVED), "derived");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_distinct),
		cmocka_unit_test(new_rows_are_empty),
		cmocka_unit_test(many_rows),
		cmocka_unit_test(min_and_max),
		cmocka_unit_test(totals),
		cmocka_unit_test(barrier_sources),
		cmocka_unit_test(chain_is_apart),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
