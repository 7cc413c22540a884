// SPDX-License-Identifier: GPL-2.0
/* Tables: grouping, sorting, filtering, and what fits into a width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/columns.h>
#include <dmasync/group.h>
#include "fake.h"

struct fixture {
	struct header hdr;
	struct fake fake;
	struct interval iv;
	struct table t;
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	fake_header(&f.hdr);
	f.fake.seed = 3;
	interval_init(&f.iv);
	table_init(&f.t);
	fake_interval(&f.fake, &f.iv, 1000000000);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	interval_free(&f->iv);
	table_free(&f->t);
	return 0;
}

static void build(struct fixture *f, enum group_by by, enum sort_key sort, const char *filter)
{
	struct table_spec spec = { .by = by, .sort = sort, .filter = filter };

	assert_int_equal(table_build(&f->t, &f->hdr, &f->iv, &spec), 0);
}

/* Whatever the grouping, calls, time and barriers add up to the same. */
static void groups_keep_sums(void **state)
{
	static const enum group_by all[] = { BY_ROW, BY_DEVICE, BY_DRIVER };
	static const size_t lines[] = { 5, 3, 3 };
	struct fixture *f = *state;
	struct figures sum;
	__u64 calls, ns, dsb;
	size_t k, i;

	interval_figures(&f->hdr, &f->iv, &sum);
	for (k = 0; k < 3; k++) {
		build(f, all[k], SORT_TIME, NULL);
		assert_int_equal(f->t.n, lines[k]);
		for (calls = ns = dsb = i = 0; i < f->t.n; i++) {
			calls += f->t.lines[i].fig.sum.calls;
			ns += f->t.lines[i].fig.sum.ns;
			dsb += f->t.lines[i].fig.dsb;
		}
		assert_int_equal(calls, sum.sum.calls);
		assert_int_equal(ns, sum.sum.ns);
		assert_int_equal(dsb, sum.dsb);
	}
	assert_int_equal(sum.sum.calls, 64 + 64 + 900 + 2000 + 1500);
	assert_int_equal(sum.dsb, 2 * 7744 + 3600);
	assert_int_equal(sum.dsb_source, DSB_DERIVED);
}

/* A line for each row with runs, by what they would save; other tables tell of them, too. */
static void storms(void **state)
{
	struct fixture *f = *state;
	size_t i, told = 0;

	build(f, BY_STORM, SORT_SAVED, NULL);
	assert_int_equal(f->t.n, 0);
	fake_storms(&f->fake, &f->iv);
	build(f, BY_STORM, SORT_SAVED, NULL);
	assert_int_equal(f->t.n, 2);
	assert_int_equal(storm_saved(f->t.lines[0].storm), 555);
	assert_int_equal(f->t.lines[0].op, OP_MAP_PAGE);
	assert_ptr_equal(&f->iv.rows[f->t.lines[0].storm->row], f->t.lines[0].row);
	assert_float_equal(f->t.lines[0].saved_percent, 55500.0 / (2 * 7744 + 3600 + 576 + 320),
			   1e-9);
	assert_int_equal(storm_saved(f->t.lines[1].storm), 300);
	assert_int_equal(f->t.lines[1].op, OP_UNMAP_PAGE);
	build(f, BY_STORM, SORT_SAVED, "unmap");
	assert_int_equal(f->t.n, 1);
	build(f, BY_ROW, SORT_SAVED, NULL);
	assert_int_equal(f->t.n, 7);
	for (i = 0; i < f->t.n; i++)
		told += !!f->t.lines[i].storm;
	assert_int_equal(told, 2);
	assert_non_null(f->t.lines[0].storm);
	build(f, BY_DEVICE, SORT_SAVED, NULL);
	assert_string_equal(f->t.lines[0].device, "0000:02:00.0");
	assert_null(f->t.lines[0].storm);
	f->hdr.flavour = FLAVOUR_UNKNOWN;
	build(f, BY_STORM, SORT_SAVED, NULL);
	assert_true(f->t.lines[0].saved_percent < 0);
}

/* The time of an arch-level call is inside an API call: it must not be added again. */
static void arch_rows_are_not_added(void **state)
{
	struct fixture *f = *state;
	struct row arch = { .op = OP_ARCH_SYNC_FOR_DEVICE,
			    .dir = DIR_TO_DEVICE,
			    .dev = "0000:00:01.0",
			    .driver = "ahci" };
	struct row lone = {
		.op = OP_ARCH_SYNC_FOR_CPU, .dir = DIR_TO_DEVICE, .dev = "-", .driver = "-"
	};
	struct figures before, after;
	size_t i;

	interval_figures(&f->hdr, &f->iv, &before);
	fake_calls(&f->fake, &f->iv, &arch, 1000, 1, 5000);
	fake_calls(&f->fake, &f->iv, &lone, 10, 1, 5000);
	interval_figures(&f->hdr, &f->iv, &after);
	assert_int_equal(after.sum.ns, before.sum.ns);
	build(f, BY_DEVICE, SORT_DEVICE, NULL);
	assert_int_equal(f->t.n, 4);
	for (i = 0; i < f->t.n; i++) {
		if (!strcmp(f->t.lines[i].device, "0000:00:01.0"))
			assert_int_equal(f->t.lines[i].fig.sum.calls, 128);
		if (!strcmp(f->t.lines[i].device, "-"))
			assert_int_equal(f->t.lines[i].fig.sum.calls, 10);
	}
	build(f, BY_ROW, SORT_TIME, NULL);
	assert_int_equal(f->t.n, 7);
}

static double value(const struct table_line *line, enum sort_key key)
{
	const struct figures *f = &line->fig;

	switch (key) {
	case SORT_CALLS:
		return f->sum.calls;
	case SORT_ENTRIES:
		return f->sum.entries;
	case SORT_BYTES:
		return f->sum.bytes;
	case SORT_AVG:
		return (double)f->sum.ns / f->sum.calls;
	case SORT_P50:
		return f->p50;
	case SORT_P99:
		return f->p99;
	case SORT_MAX:
		return f->max_ns;
	case SORT_DSB:
		return f->dsb;
	case SORT_DSB_PER_CALL:
		return (double)f->dsb / f->sum.calls;
	case SORT_SAVED:
		return line->fig.sum.chained;
	default:
		return f->sum.ns;
	}
}

static void sorted_by_every_key(void **state)
{
	struct fixture *f = *state;
	struct table_spec spec = {};
	enum sort_key key;
	size_t i;

	f->fake.devices = 50;
	fake_interval(&f->fake, &f->iv, 1000000000);
	fake_storms(&f->fake, &f->iv);
	for (key = 0; key < SORT_DEVICE; key++) {
		spec.sort = key;
		spec.invert = false;
		assert_int_equal(table_build(&f->t, &f->hdr, &f->iv, &spec), 0);
		for (i = 1; i < f->t.n; i++)
			assert_true(value(&f->t.lines[i - 1], key) >= value(&f->t.lines[i], key));
		spec.invert = true;
		assert_int_equal(table_build(&f->t, &f->hdr, &f->iv, &spec), 0);
		for (i = 1; i < f->t.n; i++)
			assert_true(value(&f->t.lines[i - 1], key) <= value(&f->t.lines[i], key));
	}
	build(f, BY_ROW, SORT_DRIVER, NULL);
	for (i = 1; i < f->t.n; i++)
		assert_true(strcmp(f->t.lines[i - 1].driver, f->t.lines[i].driver) <= 0);
	build(f, BY_ROW, SORT_OP, NULL);
	for (i = 1; i < f->t.n; i++)
		assert_true(f->t.lines[i - 1].op <= f->t.lines[i].op);
}

static void filters(void **state)
{
	struct fixture *f = *state;

	build(f, BY_ROW, SORT_TIME, "AHCI");
	assert_int_equal(f->t.n, 2);
	build(f, BY_ROW, SORT_TIME, "unmap");
	assert_int_equal(f->t.n, 2);
	build(f, BY_ROW, SORT_TIME, "to_dev");
	assert_int_equal(f->t.n, 1);
	build(f, BY_ROW, SORT_TIME, "no such");
	assert_int_equal(f->t.n, 0);
	fake_procs(&f->iv);
	build(f, BY_PROCESS, SORT_TIME, "812");
	assert_int_equal(f->t.n, 1);
	assert_string_equal(f->t.lines[0].comm, "dd");
}

static void flags_are_collected(void **state)
{
	struct fixture *f = *state;
	struct row other = {
		.op = OP_MAP_SG, .dev = "0000:09:00.0", .driver = "igc", .iommu = true
	};

	fake_calls(&f->fake, &f->iv, &other, 1, 1, 100);
	build(f, BY_DRIVER, SORT_DRIVER, "igc");
	assert_int_equal(f->t.n, 1);
	assert_int_equal(f->t.lines[0].flags,
			 LINE_COHERENT | LINE_NONCOHERENT | LINE_IOMMU | LINE_DIRECT);
}

static void flags_unknown(void **state)
{
	struct row other = { .op = OP_MAP_SG, .dev = "other", .driver = "-", .hw_unknown = true };
	struct fixture *f = *state;
	struct layout l = { 0 };
	char cell[CELL_LEN];

	fake_calls(&f->fake, &f->iv, &other, 1, 1, 100);
	build(f, BY_ROW, SORT_TIME, "other");
	assert_int_equal(f->t.n, 1);
	assert_int_equal(f->t.lines[0].flags, 0);
	column_cell(cell, COL_HW, 2, &l, &f->t.lines[0], f->iv.dur_ns);
	assert_string_equal(cell, "?");
	column_cell(cell, COL_HW, 9, &l, &f->t.lines[0], f->iv.dur_ns);
	assert_string_equal(cell, "unknown");
}

/* No width is exceeded, and no cell is wider than its column, from one column to 250. */
static void layouts_fit(void **state)
{
	static const enum group_by all[] = { BY_ROW, BY_DEVICE, BY_DRIVER, BY_PROCESS };
	struct fixture *f = *state;
	struct layout l;
	char cell[CELL_LEN];
	int width, used;
	size_t i, k, g;

	snprintf(f->iv.rows[0].dev, sizeof(f->iv.rows[0].dev), "%s",
		 "a-very-long:platform-device@fe2b0000.ethernet-switch.and-more");
	fake_procs(&f->iv);
	for (g = 0; g < 8; g++) {
		build(f, all[g % 4], SORT_TIME, NULL);
		for (width = 1; width <= 250; width++) {
			memset(&l, 0, sizeof(l));
			layout_fit(&l, &f->t, &f->hdr, width, g >= 4);
			for (used = -1, i = 0; i < l.n; i++) {
				used += l.width[i] + 1;
				for (k = 0; k < f->t.n; k++) {
					column_cell(cell, l.col[i], l.width[i], &l, &f->t.lines[k],
						    f->iv.dur_ns);
					if ((int)strlen(cell) > l.width[i])
						fail_msg("column %d is %d wide: '%s'", l.col[i],
							 l.width[i], cell);
				}
			}
			assert_true(used <= width);
			assert_true(width < 30 || l.n >= 2);
		}
	}
}

static void columns_at_80(void **state)
{
	static const enum column want[] = { COL_DEVICE, COL_OP,	     COL_DIR,	       COL_HW,
					    COL_CALLS,	COL_ENTRIES, COL_BYTES,	       COL_AVG,
					    COL_P99,	COL_DSB,     COL_DSB_PER_CALL, COL_TIME };
	struct fixture *f = *state;
	struct layout l = {};
	unsigned int i;

	build(f, BY_ROW, SORT_TIME, NULL);
	layout_fit(&l, &f->t, &f->hdr, 80, false);
	assert_int_equal(l.n, sizeof(want) / sizeof(*want));
	for (i = 0; i < l.n; i++)
		assert_int_equal(l.col[i], want[i]);
	f->hdr.flavour = FLAVOUR_NONE;
	memset(&l, 0, sizeof(l));
	layout_fit(&l, &f->t, &f->hdr, WIDTH_ANY, false);
	for (i = 0; i < l.n; i++)
		assert_true(l.col[i] != COL_DSB && l.col[i] != COL_DSB_PER_CALL);
}

static void names_are_cut_in_the_middle(void **state)
{
	char buf[CELL_LEN];

	fit_name(buf, "0123456789", 10);
	assert_string_equal(buf, "0123456789");
	fit_name(buf, "0123456789", 7);
	assert_string_equal(buf, "012~789");
	fit_name(buf, "0123456789", 2);
	assert_string_equal(buf, "0~");
	fit_name(buf, "0123456789", 1);
	assert_string_equal(buf, "0");
	fit_name(buf, "a\033[2J\tb", 20);
	assert_string_equal(buf, "a?[2J?b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(groups_keep_sums, setup, teardown),
		cmocka_unit_test_setup_teardown(storms, setup, teardown),
		cmocka_unit_test_setup_teardown(arch_rows_are_not_added, setup, teardown),
		cmocka_unit_test_setup_teardown(sorted_by_every_key, setup, teardown),
		cmocka_unit_test_setup_teardown(filters, setup, teardown),
		cmocka_unit_test_setup_teardown(flags_are_collected, setup, teardown),
		cmocka_unit_test_setup_teardown(flags_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(layouts_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(columns_at_80, setup, teardown),
		cmocka_unit_test(names_are_cut_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
