// SPDX-License-Identifier: GPL-2.0
/* What predict says of captures whose truth is known: prices, barriers, refusals, phrases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "predict_fake.h"

struct fixture {
	struct predict_options opt;
	struct predict p;
	struct capture_info info;
	struct interval iv;
	struct rng rng;
};

/* In ns; the floor makes the bound of what an entry computes 50. */
static const struct fake_board board = {
	.call = 60, .software = 20, .wait = 200, .line = 1.5, .hidden = 0, .floor = 100
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	predict_options_init(&f->opt);
	predict_init(&f->p, &f->opt);
	interval_init(&f->iv);
	rng_seed(&f->rng, 1);
	fake_info(&f->info, 0);
	f->info.hdr.cost.valid = true;
	f->info.hdr.cost.floor_ns = board.floor;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	predict_free(&f->p);
	interval_free(&f->iv);
	free(f);
	return 0;
}

/* 24 intervals of two calls each of the row; sizes differ if @vary. No noise. */
static void record(struct fixture *f, const struct row *like, bool vary)
{
	struct rng rng;
	double entries, size, ns;
	int i, k;

	rng_seed(&rng, like->op);
	assert_int_equal(predict_run_add(&f->p, "run", &f->info), 0);
	for (i = 0; i < 24; i++) {
		interval_clear(&f->iv);
		f->iv.dur_ns = 1000000000;
		for (k = 0; k < 2; k++) {
			entries = vary ? 2 + rng_below(&rng, 100) : 64;
			size = vary ? 4096 << rng_below(&rng, 4) : 4096;
			ns = fake_time(&board, entries, entries * size) + board.floor;
			fake_alike(&f->iv, like, 10, entries, size, ns);
		}
		assert_int_equal(predict_add(&f->p, &f->iv), 0);
	}
}

static struct predict_row *solved(struct fixture *f, enum op op)
{
	size_t i;

	assert_int_equal(predict_solve(&f->p), 0);
	for (i = 0; i < f->p.n_rows; i++) {
		if (f->p.rows[i]->sum.op == op)
			return f->p.rows[i];
	}
	fail_msg("no row of %s", op_name(op));
	return NULL;
}

static struct row row_of(enum op op)
{
	return (struct row){ .op = op, .dir = DIR_FROM_DEVICE, .dev = "sda", .driver = "ahci" };
}

/* Without noise the interval is what a wait may hold of software, no more. */
static void own_sizes(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG);
	const struct predict_row *row;
	double per_wait;

	record(f, &like, true);
	row = solved(f, OP_MAP_SG);
	assert_int_equal(row->how, HOW_OWN);
	assert_float_equal(row->line.value, board.line, 0.01);
	assert_float_equal(row->wait.high, board.wait + board.software + 12.5, 1);
	assert_float_equal(row->wait.low, board.wait + board.software - 50, 1);
	per_wait = row->waits_saved / row->ns;
	assert_float_equal(row->saving.high, 232.5 * per_wait, 0.001);
	assert_float_equal(row->saving.low, 170 * per_wait, 0.001);
	assert_int_equal(row->dsb_before, row->sum.sum.entries);
	assert_int_equal(row->dsb_after, row->sum.sum.calls);
	assert_string_equal(predict_sure_name(row->how, &row->saving), "sure");
}

/* The probes' floor is no part of a call. */
static void floor_is_left_out(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG);
	const struct predict_row *row;

	record(f, &like, true);
	row = solved(f, OP_MAP_SG);
	assert_float_equal(row->ns, row->sum.sum.ns - 100.0 * row->sum.sum.calls, 1);
}

/* A second walk through the list is this project's, away from the device only. */
static void second_walk(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_UNMAP_SG);
	double low;

	record(f, &like, true);
	low = solved(f, OP_UNMAP_SG)->wait.low;
	assert_float_equal(low, board.wait + board.software - 75, 1);
	f->opt.flavour = FLAVOUR_UPSTREAM_BATCHED;
	low = solved(f, OP_UNMAP_SG)->wait.low;
	assert_float_equal(low, board.wait + board.software - 50, 1);
}

static void all_alike(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG);
	const struct predict_row *row;

	record(f, &like, false);
	row = solved(f, OP_MAP_SG);
	assert_int_equal(row->how, HOW_BOUND);
	assert_non_null(strstr(row->why, "every entry has about 4096 bytes"));
	assert_true(row->saving.low == 0);
	assert_float_equal(row->saving.high, 63.0 / 64, 1e-9);
	assert_int_equal(f->p.n_predicted, 0);
	/* Barriers do not need a fit. */
	assert_int_equal(f->p.dsb_after, 480);
	/* With a price of the line from elsewhere there is one. */
	f->opt.line_ns = board.line;
	row = solved(f, OP_MAP_SG);
	assert_int_equal(row->how, HOW_GIVEN);
	assert_true(row->wait.low < board.wait && board.wait < row->wait.high);
	f->opt.line_ns = -1;
	f->opt.wait_ns = 200;
	row = solved(f, OP_MAP_SG);
	assert_int_equal(row->how, HOW_GIVEN);
	assert_float_equal(row->saving.low * row->ns / row->waits_saved, 200, 1);
}

/* Times of the architecture's function, from a capture of their own. */
static void arch_level(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG), inner = row_of(OP_ARCH_SYNC_FOR_DEVICE);
	const struct predict_row *row;
	double size, ns;
	int i;

	record(f, &like, false);
	f->info.hdr.level = LEVEL_ARCH;
	assert_int_equal(predict_run_add(&f->p, "arch", &f->info), 0);
	for (i = 0; i < 24; i++) {
		interval_clear(&f->iv);
		size = 4096 << i % 3;
		ns = 5 + board.wait + board.line * size / 64 + board.floor;
		fake_alike(&f->iv, &inner, 100, 1, size, ns);
		/* With probes inside: not to be believed. */
		fake_alike(&f->iv, &like, 10, 64, 4096, 1e6);
		assert_int_equal(predict_add(&f->p, &f->iv), 0);
	}
	row = solved(f, OP_MAP_SG);
	assert_int_equal(row->sum.sum.calls, 480);
	assert_true(row->how == HOW_ARCH || row->how == HOW_POOLED);
	assert_true(row->wait.low <= board.wait && board.wait <= row->wait.high);
	assert_true(row->saving.high - row->saving.low < 0.4);
}

/* A capture of the core beside several of the work: the former alone tells prices. */
static void calibrated(void **state)
{
	struct fixture *f = *state;
	struct row work = row_of(OP_MAP_SG), core = row_of(OP_MAP_SG);
	const struct predict_row *row;
	int i;

	for (i = 0; i < 3; i++)
		record(f, &work, false);
	record(f, &work, true);
	row = solved(f, OP_MAP_SG);
	assert_int_equal(row->how, HOW_OWN);
	snprintf(core.dev, sizeof(core.dev), "core");
	record(f, &core, true);
	solved(f, OP_MAP_SG);
	assert_int_equal(f->p.n_predicted, 2);
}

static void single_buffers_tell_lines(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG), page = row_of(OP_MAP_PAGE);
	const struct predict_row *row;

	record(f, &like, false);
	snprintf(page.dev, sizeof(page.dev), "eth0");
	assert_int_equal(predict_run_add(&f->p, "run2", &f->info), 0);
	for (int i = 0; i < 24; i++) {
		interval_clear(&f->iv);
		fake_alike(&f->iv, &page, 10 + i, 1, 64 << i % 7,
			   fake_time(&board, 1, 64 << i % 7) + board.floor);
		assert_int_equal(predict_add(&f->p, &f->iv), 0);
	}
	row = solved(f, OP_MAP_SG);
	assert_int_equal(row->how, HOW_POOLED);
	assert_float_equal(row->line.value, board.line, 0.01);
	assert_true(row->wait.low < board.wait && board.wait < row->wait.high);
	/* Single buffers have nothing to share a wait with. */
	row = solved(f, OP_MAP_PAGE);
	assert_int_equal(row->how, HOW_NOTHING);
	assert_int_equal(row->dsb_after, row->dsb_before);
}

static void refused(struct fixture *f, const struct row *like, const char *why)
{
	const struct predict_row *row;

	record(f, like, true);
	row = solved(f, like->op);
	assert_int_equal(row->how, HOW_NONE);
	if (!strstr(row->why, why))
		fail_msg("'%s', not '%s'", row->why, why);
	assert_int_equal(f->p.n_predicted, 0);
}

static void coherent(void **state)
{
	struct row like = row_of(OP_MAP_SG);

	like.coherent = true;
	refused(*state, &like, "the device is coherent");
}

static void unknown_device(void **state)
{
	struct row like = row_of(OP_MAP_SG);

	like.hw_unknown = true;
	refused(*state, &like, "not known");
}

static void some_bounce(void **state)
{
	struct row like = row_of(OP_MAP_SG);

	like.sum.bounces = like.sum.bounced_calls = 1;
	like.sum.bounced_entries = 3;
	refused(*state, &like, "bounce buffers");
}

/* Barriers of calls that skip maintenance are missing from the row's. */
static void some_skip(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG);
	const struct predict_row *row;

	record(f, &like, true);
	assert_int_equal(f->p.n_rows, 1);
	f->p.rows[0]->sum.dsb_derived -= 7;
	row = solved(f, OP_MAP_SG);
	assert_int_equal(row->how, HOW_NONE);
	assert_non_null(strstr(row->why, "skip"));
	f->p.rows[0]->sum.dsb_derived = 0;
	row = solved(f, OP_MAP_SG);
	assert_int_equal(row->how, HOW_NOTHING);
	assert_int_equal(row->dsb_after, 0);
}

static void batched_already(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG);
	char phrase[80];

	f->info.hdr.flavour = FLAVOUR_UPSTREAM_BATCHED;
	record(f, &like, true);
	assert_int_equal(predict_solve(&f->p), 0);
	assert_non_null(strstr(f->p.refused, "batches already"));
	predict_phrase(&f->p, phrase, sizeof(phrase));
	assert_string_equal(phrase, "");
}

static void counting_probes(void **state)
{
	struct row like = row_of(OP_MAP_SG);
	struct fixture *f = *state;

	f->info.hdr.exact = true;
	refused(f, &like, "probes");
	assert_int_equal(f->p.dsb_after, 480);
}

static void without_floor(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG);
	const struct predict_row *row;

	f->info.hdr.cost.valid = false;
	record(f, &like, true);
	row = solved(f, OP_MAP_SG);
	assert_int_equal(row->how, HOW_BOUND);
	assert_non_null(strstr(row->why, "probes' own time"));
}

/* Linux 7.1 waits where nothing waits now: barriers and, at most, time are added. */
static void upstream_adds(void **state)
{
	struct fixture *f = *state;
	struct row unmap = row_of(OP_UNMAP_SG), like = row_of(OP_UNMAP_SG);
	const struct predict_row *row = NULL;
	size_t i;

	f->opt.flavour = FLAVOUR_UPSTREAM_BATCHED;
	record(f, &like, true);
	unmap.dir = DIR_TO_DEVICE;
	record(f, &unmap, true);
	for (i = 0; i < f->p.n_rows; i++) {
		if (f->p.rows[i]->sum.dir == DIR_TO_DEVICE)
			f->p.rows[i]->sum.dsb_derived = 0;
	}
	solved(f, OP_UNMAP_SG);
	for (i = 0; i < f->p.n_rows; i++) {
		if (f->p.rows[i]->sum.dir == DIR_TO_DEVICE)
			row = f->p.rows[i];
	}
	assert_non_null(row);
	assert_int_equal(row->dsb_before, 0);
	assert_int_equal(row->dsb_after, 480);
	assert_true(row->saving.low < 0 && row->saving.high == 0);
	f->opt.flavour = FLAVOUR_DMASYNC_BATCHED;
	solved(f, OP_UNMAP_SG);
	assert_int_equal(row->dsb_after, 0);
	assert_int_equal(row->how, HOW_NOTHING);
}

/* Lists that maintain nothing tell what an entry computes. */
static void measured_software(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG), loop = row_of(OP_UNMAP_SG);
	int i;

	record(f, &like, true);
	loop.dir = DIR_TO_DEVICE;
	assert_int_equal(predict_run_add(&f->p, "run2", &f->info), 0);
	for (i = 0; i < 24; i++) {
		interval_clear(&f->iv);
		fake_alike(&f->iv, &loop, 10, 16 + i, 4096, 60 + 6 * (16 + i) + board.floor);
		f->iv.rows[0].dsb_derived = 0;
		assert_int_equal(predict_add(&f->p, &f->iv), 0);
	}
	solved(f, OP_MAP_SG);
	assert_true(f->p.software_measured);
	assert_true(f->p.software_ns >= 18 && f->p.software_ns < 30);
}

/* Page tables are in the times of lists behind an IOMMU: another row's wait is taken. */
static void behind_an_iommu(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG), other = row_of(OP_MAP_SG);
	const struct predict_row *row = NULL;
	size_t i;

	like.iommu = true;
	record(f, &like, true);
	row = solved(f, OP_MAP_SG);
	assert_int_equal(row->how, HOW_BOUND);
	assert_non_null(strstr(row->why, "IOMMU"));
	assert_int_equal(f->p.pages, PAGES_UNKNOWN);
	assert_true(f->p.page_waits == row->sum.sum.entries);
	assert_true(row->page_waits_saved == row->sum.sum.entries - row->sum.sum.calls);
	snprintf(other.dev, sizeof(other.dev), "sdb");
	record(f, &other, true);
	solved(f, OP_MAP_SG);
	for (i = 0; i < f->p.n_rows; i++) {
		if (f->p.rows[i]->sum.iommu)
			row = f->p.rows[i];
	}
	assert_int_equal(row->how, HOW_OTHER);
	assert_true(row->wait.low < board.wait && board.wait < row->wait.high);
}

/* Its walker is a device with rows of its own, which are inside those of lists. */
static void page_tables(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG), walker = row_of(OP_SYNC_SINGLE_FOR_DEVICE);
	double high, ns;

	like.iommu = true;
	f->opt.wait_ns = 200;
	snprintf(f->info.iommu_walker, sizeof(f->info.iommu_walker), "coherent");
	record(f, &like, true);
	high = solved(f, OP_MAP_SG)->saving.high;
	assert_int_equal(f->p.pages, PAGES_NONE);
	walker.dir = DIR_TO_DEVICE;
	snprintf(walker.driver, sizeof(walker.driver), "arm-smmu-v3");
	snprintf(walker.dev, sizeof(walker.dev), "smmu");
	ns = f->p.ns;
	interval_clear(&f->iv);
	fake_alike(&f->iv, &walker, 5480, 1, 8, 130 + board.floor);
	assert_int_equal(predict_add(&f->p, &f->iv), 0);
	assert_float_equal(solved(f, OP_MAP_SG)->saving.high, high + 5000 * (130 + 50 + 344) / ns,
			   0.001);
	assert_int_equal(f->p.pages, PAGES_MEASURED);
	assert_true(f->p.page_waits == 5480 && f->p.page_waits_saved == 5000);
	assert_float_equal(f->p.page_ns, 130, 0.1);
	/* They are not counted twice, and Linux 7.1 leaves them as they are. */
	assert_true(f->p.ns == ns);
	f->opt.flavour = FLAVOUR_UPSTREAM_BATCHED;
	assert_float_equal(solved(f, OP_MAP_SG)->saving.high, high, 0.001);
}

/* Long captures are kept in few points, and say the same. */
static void long_capture(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG);
	const struct predict_row *row;
	double calls = 0, entries;
	struct rng rng;
	size_t i;

	rng_seed(&rng, 5);
	assert_int_equal(predict_run_add(&f->p, "run", &f->info), 0);
	for (i = 0; i < 3 * PREDICT_POINTS + 17; i++) {
		interval_clear(&f->iv);
		entries = 2 + rng_below(&rng, 100);
		fake_alike(&f->iv, &like, 3, entries, 4096 << i % 3,
			   fake_time(&board, entries, entries * (4096 << i % 3)) + board.floor);
		assert_int_equal(predict_add(&f->p, &f->iv), 0);
	}
	row = solved(f, OP_MAP_SG);
	assert_true(row->n <= PREDICT_POINTS);
	for (i = 0; i < row->n; i++)
		calls += row->points[i].calls;
	assert_true(calls == row->sum.sum.calls);
	assert_int_equal(row->how, HOW_OWN);
	assert_float_equal(row->wait.high, board.wait + board.software + 12.5, 2);
}

static void phrases(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG);
	char phrase[80];

	record(f, &like, false);
	solved(f, OP_MAP_SG);
	predict_phrase(&f->p, phrase, sizeof(phrase));
	assert_string_equal(
		phrase, "batching would save 1260 of 1280 dsb/s; time: record more sizes, predict");
	f->p.saving = (struct predict_range){ 0.2, 0, 0.37 };
	predict_phrase(&f->p, phrase, sizeof(phrase));
	assert_string_equal(phrase, "batching would save 1260 of 1280 dsb/s, up to 37 % of this");
	f->p.saving = (struct predict_range){ 0.5, 0.2, 0.8 };
	predict_phrase(&f->p, phrase, sizeof(phrase));
	assert_string_equal(phrase, "batching would save 1260 of 1280 dsb/s, 20 to 80 % of this");
	/* The longest still fits a terminal. */
	f->p.saving = (struct predict_range){ 0.5, 0, 1 };
	f->p.dsb_before = 7654321ULL * 24;
	predict_phrase(&f->p, phrase, sizeof(phrase));
	assert_string_equal(phrase, "batching would save 7654301 of 7654321 dsb/s; "
				    "time: record more sizes, predict");
	record(f, &like, true);
	solved(f, OP_MAP_SG);
	predict_phrase(&f->p, phrase, sizeof(phrase));
	assert_non_null(strstr(phrase, "would save about "));
	assert_non_null(strstr(phrase, " % of this ["));
	assert_non_null(strstr(phrase, " dsb/s"));
}

/* Beside a measurement it must cost next to nothing. */
static void live(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG);
	unsigned int i;

	f->opt.points = PREDICT_LIVE_POINTS;
	assert_int_equal(predict_run_add(&f->p, "", &f->info), 0);
	fake_alike(&f->iv, &like, 10, 4, 4096, 1000);
	for (i = 0; i < 3 * PREDICT_LIVE_POINTS; i++)
		assert_true(predict_add_live(&f->p, &f->iv));
	assert_true(f->p.rows[0]->n <= PREDICT_LIVE_POINTS);
	for (i = 0; i <= PREDICT_LIVE_ROWS; i++) {
		snprintf(like.dev, sizeof(like.dev), "sd%u", i);
		fake_alike(&f->iv, &like, 10, 4, 4096, 1000);
	}
	assert_false(predict_add_live(&f->p, &f->iv));
	assert_int_equal(f->p.n_rows, 0);
	assert_false(predict_add_live(&f->p, &f->iv));
}

/* Only what is asked for is added up, but all rows are learned from. */
static void filters(void **state)
{
	struct fixture *f = *state;
	struct row like = row_of(OP_MAP_SG), other = row_of(OP_MAP_SG);

	record(f, &like, true);
	snprintf(other.dev, sizeof(other.dev), "sdb");
	record(f, &other, true);
	f->opt.device = "sdb";
	solved(f, OP_MAP_SG);
	assert_int_equal(f->p.n_predicted, 1);
	assert_int_equal(f->p.dsb_after, 480);
	f->opt.device = NULL;
	f->opt.ops = 1 << OP_UNMAP_SG;
	solved(f, OP_MAP_SG);
	assert_int_equal(f->p.n_predicted, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(own_sizes),
		TEST(floor_is_left_out),
		TEST(second_walk),
		TEST(all_alike),
		TEST(arch_level),
		TEST(calibrated),
		TEST(single_buffers_tell_lines),
		TEST(coherent),
		TEST(unknown_device),
		TEST(some_bounce),
		TEST(some_skip),
		TEST(batched_already),
		TEST(counting_probes),
		TEST(without_floor),
		TEST(upstream_adds),
		TEST(measured_software),
		TEST(behind_an_iommu),
		TEST(page_tables),
		TEST(long_capture),
		TEST(phrases),
		TEST(live),
		TEST(filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
