// SPDX-License-Identifier: GPL-2.0
/* Captures: what was written is read back exactly, whole or cut off, and damage is told. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <dmasync/capture.h>
#include <dmasync/log.h>
#include "fake.h"

#define INTERVALS 3

/* A field that is new has to be written, read, compared here, and put into schema and document. */
_Static_assert(sizeof(struct hook_state) == 276 && sizeof(struct probe_cost) == 160, "new field?");
_Static_assert(sizeof(struct capture_info) == 27760, "new field?");
_Static_assert(sizeof(struct row) == 2264 && sizeof(struct proc_row) == 152, "new field?");
_Static_assert(sizeof(struct stack_row) == 160 && sizeof(struct sample_row) == 32, "new field?");
_Static_assert(sizeof(struct loss) == 88 && sizeof(struct interval) == 328, "new field?");
_Static_assert(sizeof(struct storm_row) == 1960, "new field?");

static char path[64];
static bool counting; /* barriers, in the runs that follow */

static int make_path(void **state)
{
	snprintf(path, sizeof(path), "/tmp/dmasync-test-capture.%d", (int)getpid());
	unlink(path);
	return 0;
}

static int remove_path(void **state)
{
	return unlink(path) && errno != ENOENT;
}

static void fill_info(struct capture_info *info)
{
	memset(info, 0, sizeof(*info));
	fake_header(&info->hdr);
	info->hdr.hooks[2].barrier = true;
	info->hdr.hooks[3].refused = true;
	info->hdr.hooks[1].end = END_RET;
	info->hdr.hooks[2].end = END_KRETPROBE;
	info->hdr.backend = BACKEND_FTRACE;
	strcpy(info->hdr.backend_reason, "no BPF in this kernel");
	info->hdr.cost.floor_ns = 85.1234567890123;
	strcpy(info->tool_version, "0.0.1");
	strcpy(info->build_id, "00ff");
	strcpy(info->boot_id, "f0a1c2d3-0000-4000-8000-000000000001");
	strcpy(info->cpu_model, "Cortex-A76 x4");
	strcpy(info->governor, "performance,schedutil");
	strcpy(info->iommu_walker, "not-coherent");
	strcpy(info->command, "dmasynctop record -o \"\303\244 b\" -- sh -c 'x\ty'");
	info->hdr.chain = true;
	info->start_ns = 1760000000123456789ULL;
	info->interval_ns = 1000000000;
	info->stacks = info->user_stacks = info->procs = true;
	info->profile_hz = 99;
	info->hdr.storms = true;
}

/* Every counter differs from every other, so that no two can be mixed up. */
static void fill_counts(struct call_counts *sum, __u64 from)
{
	__u64 *p = (__u64 *)sum;
	size_t i;

	for (i = 0; i < sizeof(*sum) / sizeof(*p); i++)
		p[i] = from + i;
	if (!counting)
		sum->dsb = 0;
	sum->steps = 0; /* only the chain has any */
	sum->unsized = 0;
}

static void add_stacks(struct interval *iv, struct stack_table *stacks, unsigned int round)
{
	const char *const user[] = { "main", "read\"\\\n", "\342\202\254uro" };
	const char *frames[] = { "el0t_64_sync", "ahci_qc_prep [libahci]", "", "dma_map_sg_attrs" };
	struct stack_row like = { .row = 1, .tgid = 812, .comm = "d\001d" };
	struct sample_row sample = { .tgid = UINT32_MAX, .comm = "\303\274ber" };
	char name[32];
	__u32 number;

	snprintf(name, sizeof(name), "round_%u", round);
	frames[2] = name;
	assert_int_equal(stack_table_add(stacks, user, 3, 3, &number), 0);
	sample.stack = number;
	interval_sample(iv, &sample)->samples = 7 + round;
	assert_int_equal(stack_table_add(stacks, frames, 4, round ? 1 : 0, &number), 0);
	like.stack = number;
	fill_counts(&interval_stack(iv, &like)->sum, 1000 * round + 5);
	like.tgid = 0;
	interval_stack(iv, &like)->sum.calls = 3;
	interval_stack(iv, &like)->sum.unsized = 3;
	interval_stack(iv, &like)->dsb_derived = 17;
	iv->has_stacks = iv->has_samples = true;
}

static void add_chain(struct interval *iv, __u32 stack)
{
	struct row like = { .op = OP_VMAP, .dir = DIR_NONE, .dev = "-", .driver = "-" };
	struct stack_row part = { .stack = stack };
	struct row *row;

	like.hw_unknown = like.dsb_derived_known = true;
	row = interval_row(iv, &like);
	fill_counts(&row->sum, 300);
	row->sum.dsb = 0;
	row->sum.steps = 77;
	part.row = row - iv->rows;
	interval_stack(iv, &part)->sum = row->sum;
}

static void add_special_rows(struct interval *iv)
{
	struct row like = { .op = OP_IOVA_SYNC, .dir = DIR_NONE, .bus = "b", .driver = "-" };
	struct row *row;

	memset(like.dev, 'd', sizeof(like.dev) - 1);
	row = interval_row(iv, &like);
	row->sum.failed = INT64_MAX;
	like = (struct row){ .op = OP_ARCH_FLUSH, .dev = "\"\\\033]0;x\a\n\342\202\254" };
	like.other = like.hw_unknown = like.dsb_derived_known = true;
	row = interval_row(iv, &like);
	fill_counts(&row->sum, INT64_MAX - 13);
	row->dsb_derived = INT64_MAX;
	row->min_ns = 1;
	row->max_ns = INT64_MAX;
	row->hist[0] = row->hist[HIST_BUCKETS - 1] = row->hist[17] = INT64_MAX;
	like = (struct row){ .op = OP_MAP_SG, .dev = "unsized", .driver = "-" };
	row = interval_row(iv, &like);
	row->sum.calls = row->sum.unsized = row->hist[1] = 4;
}

static void add_storms(struct interval *iv, unsigned int round)
{
	struct storm_row *s = interval_storm(iv, 3);

	s->calls = 500 + round;
	s->runs = 40;
	s->contexts = 30;
	s->longest = 100;
	s->hist[1] = 39;
	s->hist[hist_bucket(100)] = 1;
	s = interval_storm(iv, 0);
	s->calls = s->runs = s->contexts = s->longest = INT64_MAX;
	iv->has_storms = true;
}

static void fill_interval(struct fake *f, struct interval *iv, struct stack_table *stacks,
			  unsigned int round)
{
	fake_interval(f, iv, 1000000000 + round);
	add_stacks(iv, stacks, round);
	add_special_rows(iv);
	add_chain(iv, iv->stacks[0].stack);
	if (round) {
		fake_procs(iv);
		fill_counts(&iv->procs[1].sum, 900);
		iv->has_pmu = true;
		iv->pmu_dsb = 12345;
	}
	add_storms(iv, round);
	iv->loss = (struct loss){ { 1, 2, 3, 4, 5, 6, round }, 8, 9, round, 10 };
}

static void same_counts(const struct call_counts *a, const struct call_counts *b)
{
	assert_memory_equal(a, b, sizeof(*a));
}

static void same_rows(const struct interval *a, const struct interval *b)
{
	size_t i;

	assert_int_equal(a->n_rows, b->n_rows);
	for (i = 0; i < a->n_rows; i++) {
		const struct row *x = &a->rows[i], *y = &b->rows[i];

		assert_int_equal(x->op, y->op);
		assert_int_equal(x->dir, y->dir);
		assert_string_equal(x->dev, y->dev);
		assert_string_equal(x->driver, y->driver);
		assert_string_equal(x->bus, y->bus);
		assert_string_equal(x->of_name, y->of_name);
		assert_int_equal(x->coherent, y->coherent);
		assert_int_equal(x->iommu, y->iommu);
		assert_int_equal(x->other, y->other);
		assert_int_equal(x->hw_unknown, y->hw_unknown);
		same_counts(&x->sum, &y->sum);
		assert_true(x->min_ns == y->min_ns && x->max_ns == y->max_ns);
		assert_true(x->dsb_derived == y->dsb_derived);
		assert_int_equal(x->dsb_derived_known, y->dsb_derived_known);
		assert_memory_equal(x->hist, y->hist, sizeof(x->hist));
	}
}

static void same_parts(const struct interval *a, const struct interval *b)
{
	size_t i;

	assert_int_equal(a->n_procs, b->n_procs);
	for (i = 0; i < a->n_procs; i++) {
		assert_int_equal(a->procs[i].tgid, b->procs[i].tgid);
		assert_string_equal(a->procs[i].comm, b->procs[i].comm);
		same_counts(&a->procs[i].sum, &b->procs[i].sum);
		assert_true(a->procs[i].dsb_derived == b->procs[i].dsb_derived);
	}
	assert_int_equal(a->n_stacks, b->n_stacks);
	for (i = 0; i < a->n_stacks; i++) {
		assert_int_equal(a->stacks[i].row, b->stacks[i].row);
		assert_int_equal(a->stacks[i].stack, b->stacks[i].stack);
		assert_int_equal(a->stacks[i].tgid, b->stacks[i].tgid);
		assert_string_equal(a->stacks[i].comm, b->stacks[i].comm);
		same_counts(&a->stacks[i].sum, &b->stacks[i].sum);
		assert_true(a->stacks[i].dsb_derived == b->stacks[i].dsb_derived);
	}
	assert_int_equal(a->n_storms, b->n_storms);
	for (i = 0; i < a->n_storms; i++) {
		const struct storm_row *x = &a->storms[i], *y = &b->storms[i];

		assert_true(x->row == y->row && x->calls == y->calls && x->runs == y->runs);
		assert_true(x->contexts == y->contexts && x->longest == y->longest);
		assert_memory_equal(x->hist, y->hist, sizeof(x->hist));
	}
	assert_int_equal(a->n_samples, b->n_samples);
	for (i = 0; i < a->n_samples; i++) {
		assert_int_equal(a->samples[i].stack, b->samples[i].stack);
		assert_int_equal(a->samples[i].tgid, b->samples[i].tgid);
		assert_string_equal(a->samples[i].comm, b->samples[i].comm);
		assert_true(a->samples[i].samples == b->samples[i].samples);
	}
}

static void same_interval(const struct interval *a, const struct interval *b)
{
	assert_true(a->t_ns == b->t_ns && a->dur_ns == b->dur_ns);
	assert_int_equal(a->merged, b->merged);
	assert_memory_equal(&a->loss, &b->loss, sizeof(a->loss));
	assert_int_equal(a->has_procs, b->has_procs);
	assert_int_equal(a->has_stacks, b->has_stacks);
	assert_int_equal(a->has_samples, b->has_samples);
	assert_int_equal(a->has_storms, b->has_storms);
	assert_int_equal(a->has_pmu, b->has_pmu);
	assert_true(a->pmu_dsb == b->pmu_dsb);
	same_rows(a, b);
	same_parts(a, b);
}

static void same_stacks(const struct stack_table *a, const struct stack_table *b)
{
	size_t i, j;

	assert_int_equal(a->n, b->n);
	for (i = 0; i < a->n; i++) {
		assert_int_equal(a->stacks[i].n, b->stacks[i].n);
		assert_int_equal(a->stacks[i].n_user, b->stacks[i].n_user);
		for (j = 0; j < a->stacks[i].n; j++)
			assert_string_equal(a->stacks[i].frames[j], b->stacks[i].frames[j]);
	}
}

static void same_info(const struct capture_info *a, const struct capture_info *b)
{
	const struct header *x = &a->hdr, *y = &b->hdr;
	unsigned int i;

	assert_string_equal(a->tool_version, b->tool_version);
	assert_string_equal(a->build_id, b->build_id);
	assert_string_equal(a->boot_id, b->boot_id);
	assert_string_equal(a->cpu_model, b->cpu_model);
	assert_string_equal(a->governor, b->governor);
	assert_string_equal(a->iommu_walker, b->iommu_walker);
	assert_string_equal(a->command, b->command);
	assert_true(a->start_ns == b->start_ns && a->interval_ns == b->interval_ns);
	assert_true(a->stacks == b->stacks && a->user_stacks == b->user_stacks);
	assert_true(a->procs == b->procs && a->profile_hz == b->profile_hz);
	assert_string_equal(x->release, y->release);
	assert_string_equal(x->machine, y->machine);
	assert_string_equal(x->model, y->model);
	assert_int_equal(x->cpus, y->cpus);
	assert_int_equal(x->flavour, y->flavour);
	assert_int_equal(x->level, y->level);
	assert_true(x->exact == y->exact && x->bytes == y->bytes && x->chain == y->chain);
	assert_int_equal(x->cost.valid, y->cost.valid);
	assert_true(x->cost.floor_ns == y->cost.floor_ns && x->cost.tax_ns == y->cost.tax_ns);
	assert_true(x->cost.linearity == y->cost.linearity);
	assert_string_equal(x->cost.why, y->cost.why);
	assert_int_equal(x->n_hooks, y->n_hooks);
	for (i = 0; i < x->n_hooks; i++) {
		assert_string_equal(x->hooks[i].name, y->hooks[i].name);
		assert_int_equal(x->hooks[i].op, y->hooks[i].op);
		assert_int_equal(x->hooks[i].barrier, y->hooks[i].barrier);
		assert_int_equal(x->hooks[i].rung, y->hooks[i].rung);
		assert_int_equal(x->hooks[i].end, y->hooks[i].end);
		assert_int_equal(x->hooks[i].refused, y->hooks[i].refused);
		assert_string_equal(x->hooks[i].reason, y->hooks[i].reason);
	}
}

struct run {
	struct capture_info info;
	struct stack_table stacks;
	struct interval iv[INTERVALS], total;
};

static void write_run(struct run *r, bool with_total)
{
	struct fake f = { .seed = 3, .devices = 9 };
	struct capture_writer *w;
	unsigned int i;

	interval_init(&r->total);
	assert_int_equal(capture_create(path, false, &r->info, &r->stacks, &w), 0);
	for (i = 0; i < INTERVALS; i++) {
		interval_init(&r->iv[i]);
		fill_interval(&f, &r->iv[i], &r->stacks, i);
		assert_int_equal(capture_write(w, &r->iv[i]), 0);
		assert_int_equal(interval_add(&r->total, &r->iv[i]), 0);
	}
	assert_int_equal(capture_close(w, with_total ? &r->total : NULL), 0);
}

static void free_run(struct run *r)
{
	unsigned int i;

	for (i = 0; i < INTERVALS; i++)
		interval_free(&r->iv[i]);
	interval_free(&r->total);
	stack_table_free(&r->stacks);
}

static void check_round_trip(struct run *r)
{
	struct interval iv;
	struct capture *c;
	unsigned int i;

	write_run(r, true);
	assert_int_equal(capture_open(path, &c), 0);
	assert_string_equal(capture_path(c), path);
	same_info(&r->info, capture_info(c));
	assert_int_equal(capture_stacks(c)->n, 0);
	interval_init(&iv);
	for (i = 0; i < INTERVALS; i++) {
		assert_int_equal(capture_next(c, &iv), 1);
		same_interval(&r->iv[i], &iv);
		assert_int_equal(capture_stacks(c)->n, i + 2);
	}
	assert_int_equal(capture_next(c, &iv), 0);
	assert_int_equal(capture_next(c, &iv), 0);
	assert_null(capture_cut_off(c));
	same_stacks(&r->stacks, capture_stacks(c));
	interval_free(&iv);
	capture_free(c);
}

static void round_trip(void **state)
{
	static struct run derived, counted;
	struct stat st;

	fill_info(&derived.info);
	check_round_trip(&derived);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	free_run(&derived);
	unlink(path);
	fill_info(&counted.info);
	counting = counted.info.hdr.exact = true;
	counted.info.hdr.level = LEVEL_ARCH;
	counted.info.hdr.cost = (struct probe_cost){ .why = "too \"noisy\"" };
	check_round_trip(&counted);
	free_run(&counted);
	counting = false;
}

/* What cannot be exact is as near as JSON can say it. */
static void bounds(void **state)
{
	struct row like = { .op = OP_MAP_SG, .dev = "x\377y", .driver = "-" };
	struct stack_table stacks = {};
	struct capture_info info;
	struct capture_writer *w;
	struct interval iv, back;
	struct capture *c;

	fill_info(&info);
	interval_init(&iv);
	interval_init(&back);
	interval_row(&iv, &like)->sum.bytes = UINT64_MAX;
	strcpy(like.dev, "x\376y");
	interval_row(&iv, &like)->sum.bytes = 1ULL << 63;
	assert_int_equal(capture_create(path, false, &info, &stacks, &w), 0);
	assert_int_equal(capture_write(w, &iv), 0);
	assert_int_equal(capture_close(w, &iv), 0);
	assert_int_equal(capture_open(path, &c), 0);
	assert_int_equal(capture_next(c, &back), 1);
	/* Both names are "x?y" now, which makes them one row. */
	assert_int_equal(back.n_rows, 1);
	assert_string_equal(back.rows[0].dev, "x?y");
	assert_true(back.rows[0].sum.bytes == 2 * (__u64)INT64_MAX);
	capture_free(c);
	interval_free(&iv);
	interval_free(&back);
}

static void read_total(void **state)
{
	struct interval total;
	static struct run r;
	struct capture *c;

	fill_info(&r.info);
	write_run(&r, true);
	interval_init(&total);
	assert_int_equal(capture_read(path, &total, NULL, NULL, &c), 0);
	same_interval(&r.total, &total);
	capture_free(c);
	interval_free(&total);
	free_run(&r);
}

static int stop_at_second(void *ctx, const struct capture *c, const struct interval *iv)
{
	return ++*(int *)ctx == 2 ? 42 : 0;
}

static void stopped_by_reader(void **state)
{
	struct interval total;
	static struct run r;
	struct capture *c;
	int calls = 0;

	fill_info(&r.info);
	write_run(&r, true);
	interval_init(&total);
	assert_int_equal(capture_read(path, &total, stop_at_second, &calls, &c), 42);
	assert_int_equal(calls, 2);
	interval_free(&total);
	free_run(&r);
}

static void not_closed(void **state)
{
	struct interval total;
	static struct run r;
	struct capture *c;

	fill_info(&r.info);
	write_run(&r, false);
	interval_init(&total);
	log_hold(true);
	assert_int_equal(capture_read(path, &total, NULL, NULL, &c), 0);
	assert_non_null(strstr(log_held(), "cut off"));
	log_drop();
	log_hold(false);
	same_interval(&r.total, &total);
	assert_non_null(capture_cut_off(c));
	capture_free(c);
	interval_free(&total);
	free_run(&r);
}

/* Cut anywhere: what is read is a beginning of what was written, and it is said. */
static void cut_anywhere(void **state)
{
	unsigned int whole = 0, i, most = 0;
	struct interval iv;
	static struct run r;
	struct capture *c;
	struct stat st;
	off_t size;
	int n;

	fill_info(&r.info);
	write_run(&r, true);
	assert_int_equal(stat(path, &st), 0);
	interval_init(&iv);
	log_hold(true);
	for (size = st.st_size - 1; size >= 0; size -= size > 64 ? 37 : 1) {
		assert_int_equal(truncate(path, size), 0);
		n = capture_open(path, &c);
		if (n) {
			assert_int_equal(n, -EBADMSG);
			continue;
		}
		whole++;
		for (i = 0; (n = capture_next(c, &iv)) > 0; i++)
			same_interval(&r.iv[i], &iv);
		assert_int_equal(n, 0);
		assert_non_null(capture_cut_off(c));
		most = i > most ? i : most;
		capture_free(c);
	}
	log_drop();
	log_hold(false);
	assert_true(whole > 50);
	assert_int_equal(most, INTERVALS);
	interval_free(&iv);
	free_run(&r);
}

/* Every interval is whole on disk as soon as it is written. */
static void readable_while_written(void **state)
{
	struct fake f = { .seed = 3 };
	struct stack_table stacks = {};
	struct interval iv, back;
	struct capture_writer *w;
	struct capture_info info;
	struct capture *c;
	int i;

	fill_info(&info);
	interval_init(&iv);
	interval_init(&back);
	assert_int_equal(capture_create(path, false, &info, &stacks, &w), 0);
	for (i = 1; i <= INTERVALS; i++) {
		fake_interval(&f, &iv, 10);
		assert_int_equal(capture_write(w, &iv), 0);
		assert_int_equal(capture_open(path, &c), 0);
		for (int j = 0; j < i; j++)
			assert_int_equal(capture_next(c, &back), 1);
		same_interval(&iv, &back);
		assert_int_equal(capture_next(c, &back), 0);
		capture_free(c);
	}
	assert_int_equal(capture_close(w, NULL), 0);
	interval_free(&iv);
	interval_free(&back);
}

static void existing_file(void **state)
{
	struct stack_table stacks = {};
	struct capture_writer *w;
	struct capture_info info;
	struct stat st;

	fill_info(&info);
	close(open(path, O_CREAT | O_WRONLY, 0644));
	log_hold(true);
	assert_int_equal(capture_create(path, false, &info, &stacks, &w), -EEXIST);
	assert_non_null(strstr(log_held(), path));
	log_drop();
	log_hold(false);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(capture_create(path, true, &info, &stacks, &w), 0);
	assert_int_equal(capture_close(w, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void full_disk(void **state)
{
	struct stack_table stacks = {};
	struct capture_writer *w;
	struct capture_info info;

	if (access("/dev/full", W_OK))
		skip();
	fill_info(&info);
	log_hold(true);
	assert_int_equal(capture_create("/dev/full", true, &info, &stacks, &w), -ENOSPC);
	assert_string_equal(log_held(), "cannot write to /dev/full: No space left on device; what"
					" was written before stays readable");
	log_drop();
	log_hold(false);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make_path, remove_path)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(round_trip),
		T(bounds),
		T(read_total),
		T(stopped_by_reader),
		T(not_closed),
		T(cut_anywhere),
		T(readable_while_written),
		T(existing_file),
		T(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
