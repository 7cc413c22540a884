// SPDX-License-Identifier: GPL-2.0
/* The ftrace back end on made-up records: formats, fields, calls, rows. */
#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "../../src/ftrace/calls.h"
#include "../../src/ftrace/loss.h"
#include "../../src/ftrace/ring.h"
#include "../../src/ftrace/rows.h"
#include "../../src/ftrace/tasks.h"

/* As arm64 6.12 has it for the begin of dma_map_sg_attrs(). */
static const char map_format[] =
	"name: dmasynctop_186_e0\nID: 1422\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:__data_loc char[] name;\toffset:16;\tsize:4;\tsigned:1;\n"
	"\tfield:u32 entries;\toffset:20;\tsize:4;\tsigned:0;\n"
	"\tfield:u8 dir;\toffset:24;\tsize:1;\tsigned:0;\n"
	"\tfield:u16 attrs;\toffset:25;\tsize:2;\tsigned:0;\n\n"
	"print fmt: \"(%lx) name=\\\"%s\\\" entries=%u\", REC->__probe_ip, __get_str(name)\n";

static void format(void **state)
{
	struct probe p = { 0 };

	assert_int_equal(probes_parse_format(map_format, &p), 0);
	assert_int_equal(p.id, 1422);
	assert_int_equal(p.field[FIELD_PID].offset, 4);
	assert_int_equal(p.field[FIELD_NAME].offset, 16);
	assert_int_equal(p.field[FIELD_ENTRIES].offset, 20);
	assert_int_equal(p.field[FIELD_DIR].size, 1);
	assert_int_equal(p.field[FIELD_ATTRS].offset, 25);
	assert_int_equal(p.field[FIELD_RESULT].size, 0);
	assert_int_equal(p.field[FIELD_SIZE].size, 0);
	p = (struct probe){ 0 };
	assert_int_not_equal(probes_parse_format("name: x\nformat:\n", &p), 0);
	assert_int_not_equal(probes_parse_format("ID: 7\nformat:\n\tfield:int x", &p), 0);
}

/* Every function that a session may probe has arguments for both architectures. */
static void arguments(void **state)
{
	struct ksym syms[HOOK_SYMBOLS_MAX];
	struct hook hooks[HEADER_HOOKS_MAX];
	struct options opt = { .level = LEVEL_ARCH };
	struct features f = { .flush_symbol = true };
	struct hook_facts facts;
	const char *result;
	char text[256];
	int n, seen = 0;

	hooks_symbols(&opt, syms);
	n = hooks_plan(&opt, &f, syms, hooks, &facts);
	for (int i = 0; i < n; i++) {
		if (hooks[i].kind != HOOK_CALL && hooks[i].kind != HOOK_ARCH &&
		    hooks[i].kind != HOOK_BOUNCE)
			continue;
		seen++;
		assert_true(probes_arguments("aarch64", hooks[i].programs, text, sizeof(text),
					     &result));
		assert_null(strchr(text, '{'));
		assert_true(
			probes_arguments("x86_64", hooks[i].programs, text, sizeof(text), &result));
		assert_null(strstr(text, "%x"));
	}
	assert_true(seen > 25);
	assert_true(probes_arguments("aarch64", "null", text, sizeof(text), &result));
	assert_true(probes_arguments("x86_64", "iova_link", text, sizeof(text), &result));
	assert_string_equal(text, "name=+0(+0(%di)):string size=%r8:u64 dir=%r9:u8 "
				  "attrs=+8(%sp):u16");
	assert_string_equal(result, "s32");
	assert_false(probes_arguments("riscv64", "map_sg", text, sizeof(text), &result));
	assert_false(probes_arguments("aarch64", "nothing", text, sizeof(text), &result));
}

static char named[EVENT_NAME_LEN];

static __u32 number_name(void *ctx, const char *name)
{
	snprintf(named, sizeof(named), "%s", name);
	return 5;
}

static const struct ring_names names = { number_name, NULL };

/* A record of map_format, with @text as its name. Its length. */
static size_t make_record(unsigned char *data, const char *text)
{
	const __u32 pid = 42, entries = 128, loc = 27 | (__u32)(strlen(text) + 1) << 16;
	const __u16 attrs = 1 << 5;

	memset(data, 0, 27);
	memcpy(data + 4, &pid, 4);
	memcpy(data + 16, &loc, 4);
	memcpy(data + 20, &entries, 4);
	data[24] = 2;
	memcpy(data + 25, &attrs, 2);
	strcpy((char *)data + 27, text);
	return 27 + strlen(text) + 1;
}

static void decode(void **state)
{
	struct probe p = { 0 };
	struct trace_event ev = { 0 };
	unsigned char data[256];
	size_t size = make_record(data, "0000:00:01.0");
	const __u32 wild[] = { 0xffff0000, 0x0010ffff, 27 | 200u << 16, 256 | 1u << 16, 0 };

	probes_parse_format(map_format, &p);
	assert_true(ring_decode(&p, data, size, names, &ev));
	assert_string_equal(named, "0000:00:01.0");
	assert_int_equal(ev.device, 5);
	assert_int_equal(ev.pid, 42);
	assert_int_equal(ev.entries, 128);
	assert_int_equal(ev.dir, DIR_FROM_DEVICE);
	assert_int_equal(ev.attrs, 32);
	size = make_record(data, "(fault)");
	assert_true(ring_decode(&p, data, size, names, &ev));
	assert_string_equal(named, "");
	assert_false(ring_decode(&p, data, 26, names, &ev));
	/* Strings that would lie outside the record are none. */
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		memcpy(data + 16, &wild[i], 4);
		assert_true(ring_decode(&p, data, 40, names, &ev));
		assert_string_equal(named, "");
	}
}

/* ---- the buffers: files in place of tracefs ---- */

static struct instance fake = { .lock = -1 };

static void put(const char *name, const void *data, size_t size)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", fake.dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static void expect_text(const char *name, const char *text)
{
	char path[256], got[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", fake.dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(got, sizeof(got), f));
	fclose(f);
	assert_string_equal(got, text);
}

#define FAKE_RAW "per_cpu/cpu0/trace_pipe_raw"

static int make_fake(void **state)
{
	static const char *const dirs[] = { "", "options", "per_cpu", "per_cpu/cpu0" };
	char path[256];

	strcpy(fake.dir, "/tmp/test_ftrace.XXXXXX");
	if (!mkdtemp(fake.dir))
		return -1;
	for (size_t i = 1; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", fake.dir, dirs[i]);
		if (mkdir(path, 0700))
			return -1;
	}
	put("buffer_size_kb", "", 0);
	put("trace_clock", "", 0);
	put("options/overwrite", "", 0);
	put(FAKE_RAW, "", 0);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static int remove_fake(void **state)
{
	return nftw(fake.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* What an instance inherits from the top one, and what it must not; stacks are not everywhere. */
static void options(void **state)
{
	struct probes probes = { 0 };
	struct ring *r;

	assert_int_equal(ring_open(&fake, 64, &probes, names, &r), 0);
	expect_text("options/overwrite", "1");
	expect_text("trace_clock", "mono");
	expect_text("buffer_size_kb", "64");
	assert_int_equal(ring_read(r), 0);
	ring_close(r);
	put("options/stacktrace", "", 0);
	assert_int_equal(ring_open(&fake, 64, &probes, names, &r), 0);
	expect_text("options/stacktrace", "0");
	ring_close(r);
}

/* What a read of a buffer brings: 0 or more, or -errno. */
static int read_fake(void)
{
	struct probes probes = { 0 };
	struct ring *r;
	int got;

	assert_int_equal(ring_open(&fake, 64, &probes, names, &r), 0);
	got = ring_read(r);
	ring_close(r);
	return got;
}

/* Errors are not taken for empty buffers, nor what is no page for one. */
static void bad_pages(void **state)
{
	size_t size = sysconf(_SC_PAGESIZE);
	__u64 *page = calloc(1, size);
	char path[256];

	page[1] = size - 16; /* what it holds; the head has 16 bytes */
	page[2] = 29;	     /* padding to its end */
	put(FAKE_RAW, page, size);
	assert_in_range(read_fake(), 1, 100);
	put(FAKE_RAW, page, size - 1);
	assert_int_equal(read_fake(), -EBADMSG);
	page[1] = size - 15;
	put(FAKE_RAW, page, size);
	assert_int_equal(read_fake(), -EBADMSG);
	free(page);
	snprintf(path, sizeof(path), "%s/%s", fake.dir, FAKE_RAW);
	assert_int_equal(remove(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(read_fake(), -EISDIR);
}

/* A page of @n records, 10 ns apart from @ns on; @lost: some before them are missing. */
static void make_page(char *page, __u64 ns, unsigned int n, bool lost)
{
	__u64 commit = n * 44 | (lost ? 1U << 31 : 0);
	__u16 id = 1422;

	memcpy(page, &ns, 8);
	memcpy(page + 8, &commit, 8);
	for (unsigned int i = 0; i < n; i++) {
		unsigned char *at = (unsigned char *)page + 16 + 44 * i;
		/* Words of data, and nanoseconds since the one before. */
		__u32 head = 10 | (i ? 10 : 0) << 5;

		memcpy(at, &head, 4);
		assert_int_equal(make_record(at + 4, "0000:00:01.0"), 40);
		memcpy(at + 4, &id, 2);
	}
}

static struct trace_event taken[16];
static unsigned int n_taken;

static void take_one(void *ctx, const struct trace_event *ev)
{
	assert_true(n_taken < 16);
	taken[n_taken++] = *ev;
}

#define STATS(n) "entries: 5\noverrun: " #n "\ncommit overrun: 3\nbytes: 9\n"

/* Calls in flight are forgotten from the last record before a gap on, and once more at its end. */
static void gap(void **state)
{
	static const __u64 times[] = { 1000, 1010, 1010, 5000, 5000 };
	size_t size = sysconf(_SC_PAGESIZE);
	char *pages = calloc(2, size);
	struct probe p = { 0 };
	struct probes probes = { .probe = &p, .n = 1 };
	struct ring *r;

	probes_parse_format(map_format, &p);
	make_page(pages, 1000, 2, false);
	make_page(pages + size, 5000, 1, true);
	put(FAKE_RAW, pages, 2 * size);
	free(pages);
	assert_int_equal(ring_open(&fake, 64, &probes, names, &r), 0);
	assert_true(ring_read(r) > 0);
	assert_int_equal(ring_lost(r), 1);
	/* A full page cannot tell how many; the kernel's statistics do. */
	put("per_cpu/cpu0/stats", STATS(0), strlen(STATS(0)));
	assert_int_equal(ring_lost(r), 1);
	put("per_cpu/cpu0/stats", STATS(47), strlen(STATS(47)));
	assert_int_equal(ring_lost(r), 47);
	n_taken = 0;
	ring_take(r, 1010, take_one, NULL);
	assert_int_equal(n_taken, 3);
	ring_take(r, ~0ULL, take_one, NULL);
	assert_int_equal(n_taken, 5);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(taken[i].ns, times[i]);
		assert_ptr_equal(taken[i].probe, i == 2 || i == 3 ? NULL : &p);
	}
	ring_close(r);
}

/* ---- tasks ---- */

static int until[2];
static pthread_mutex_t may_end = PTHREAD_MUTEX_INITIALIZER;

static void *wait_for_end(void *tid)
{
	*(pid_t *)tid = gettid();
	if (write(until[1], "", 1) != 1)
		return NULL;
	pthread_mutex_lock(&may_end);
	pthread_mutex_unlock(&may_end);
	return NULL;
}

/* A thread that has ended is what it was, if anybody asked in time, and for a while. */
static void ended(void **state)
{
	struct tasks *before = tasks_open(), *late = tasks_open();
	pthread_t thread;
	char path[32], c;
	pid_t tid = 0;

	assert_int_equal(pipe(until), 0);
	pthread_mutex_lock(&may_end);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_end, &tid), 0);
	assert_int_equal(read(until[0], &c, 1), 1);
	tasks_learn(before, getpid());
	pthread_mutex_unlock(&may_end);
	pthread_join(thread, NULL);
	snprintf(path, sizeof(path), "/proc/%d", tid);
	while (!access(path, F_OK))
		usleep(1000);
	assert_int_equal(tasks_process(before, tid), getpid());
	assert_int_equal(tasks_process(late, tid), -1);
	assert_int_equal(tasks_process(late, getpid()), getpid());
	tasks_forget(before);
	assert_int_equal(tasks_process(before, tid), getpid());
	tasks_forget(before);
	assert_int_equal(tasks_process(before, tid), -1);
	tasks_close(before);
	tasks_close(late);
	close(until[0]);
	close(until[1]);
}

/* ---- calls ---- */

static struct call_done done[64];
static unsigned int n_done;
static __u32 unwanted;

static bool wanted(void *ctx, enum op op, __u32 pid, const char *comm)
{
	return pid != unwanted;
}

static void note(void *ctx, const struct call_done *call)
{
	assert_true(n_done < 64);
	done[n_done++] = *call;
}

static struct probe probe_of(enum probe_kind kind, enum op op, unsigned int variant)
{
	struct probe p = { .kind = kind, .op = op, .variant = variant };

	p.field[FIELD_DIR].size = 1;
	p.field[FIELD_RESULT].size = kind == PROBE_END ? 8 : 0;
	p.inside = kind == PROBE_BOUNCE ? 1U << op : 0;
	return p;
}

#define FROM 1000ULL
#define TO 1000000000000ULL

static struct calls *fresh(void)
{
	struct calls_user user = { .wanted = wanted, .done = note };

	n_done = 0;
	unwanted = 0xffffffff;
	return calls_open(user, 4096);
}

/* Feeds a record at @ns of thread @pid on @cpu. */
static void feed(struct calls *c, const struct probe *p, __u64 ns, __u32 pid, __u32 cpu,
		 struct trace_event rest)
{
	rest.ns = ns;
	rest.probe = p;
	rest.pid = pid;
	rest.cpu = cpu;
	calls_take(c, &rest, FROM, TO);
}

#define AT(...) ((struct trace_event){ __VA_ARGS__ })

/* An interrupt's unmap on top of a task's map, which then migrates; idle tasks by their CPU. */
static void nested(void **state)
{
	const struct probe map = probe_of(PROBE_BEGIN, OP_MAP_SG, 0);
	const struct probe map_end = probe_of(PROBE_END, OP_MAP_SG, 0);
	const struct probe unmap = probe_of(PROBE_BEGIN, OP_UNMAP_PAGE, 0);
	const struct probe unmap_end = probe_of(PROBE_END, OP_UNMAP_PAGE, 0);
	struct loss_counters loss = { 0 };
	struct calls *c = fresh();

	feed(c, &map, 2000, 7, 0, AT(.entries = 9, .device = 3, .dir = 1));
	feed(c, &unmap, 2100, 7, 0, AT(.size = 64, .device = 4, .dir = 2, .attrs = 1 << 5));
	feed(c, &unmap, 2150, 0, 1, AT(.device = 5));
	feed(c, &unmap, 2160, 0, 2, AT(.device = 6));
	feed(c, &unmap_end, 2200, 7, 0, AT(0));
	feed(c, &map_end, 3000, 7, 3, AT(.result = 9));
	feed(c, &unmap_end, 3100, 0, 1, AT(0));
	feed(c, &unmap_end, 3200, 0, 2, AT(0));
	assert_int_equal(n_done, 4);
	assert_int_equal(done[0].op, OP_UNMAP_PAGE);
	assert_int_equal(done[0].ns, 100);
	assert_int_equal(done[0].bytes, 64);
	assert_int_equal(done[0].entries, 1);
	assert_int_equal(done[0].attrs, CALL_SKIP_CPU_SYNC);
	assert_int_equal(done[1].op, OP_MAP_SG);
	assert_int_equal(done[1].ns, 1000);
	assert_int_equal(done[1].entries, 9);
	assert_int_equal(done[1].device, 3);
	assert_false(done[1].failed);
	assert_int_equal(done[2].device, 5);
	assert_int_equal(done[2].ns, 950);
	assert_int_equal(done[3].device, 6);
	calls_loss(c, &loss);
	assert_int_equal(loss.stale + loss.depth + loss.calls_full, 0);
	calls_close(c);
}

/* What began too early or too late, is not wanted, or whose begin or end nobody saw. */
static void outside(void **state)
{
	const struct probe map = probe_of(PROBE_BEGIN, OP_MAP_PAGE, 0);
	const struct probe map_end = probe_of(PROBE_END, OP_MAP_PAGE, 0);
	const struct probe sync = probe_of(PROBE_BEGIN, OP_SYNC_SG_FOR_CPU, 0);
	struct loss_counters loss = { 0 };
	struct calls *c = fresh();

	feed(c, &map_end, 1500, 7, 0, AT(0));
	feed(c, &map, FROM - 1, 7, 0, AT(0));
	feed(c, &map_end, 1600, 7, 0, AT(0));
	feed(c, &map, TO, 7, 0, AT(0));
	feed(c, &map_end, TO + 1, 7, 0, AT(0));
	unwanted = 8;
	feed(c, &map, 1700, 8, 0, AT(0));
	feed(c, &map_end, 1800, 8, 0, AT(0));
	assert_int_equal(n_done, 0);
	/* The sync's end was missed: it goes with the call around it. */
	feed(c, &map, 2000, 7, 0, AT(0));
	feed(c, &sync, 2100, 7, 0, AT(0));
	feed(c, &map_end, 2200, 7, 0, AT(0));
	assert_int_equal(n_done, 1);
	assert_int_equal(done[0].ns, 200);
	calls_loss(c, &loss);
	assert_int_equal(loss.stale, 1);
	/* Records are missing: nothing that was in flight is believed. */
	feed(c, &map, 3000, 7, 0, AT(0));
	feed(c, NULL, 3100, 0, 1, AT(0));
	feed(c, &map_end, 9000, 7, 0, AT(0));
	assert_int_equal(n_done, 1);
	calls_close(c);
}

static void deep(void **state)
{
	const struct probe map = probe_of(PROBE_BEGIN, OP_MAP_PAGE, 0);
	const struct probe map_end = probe_of(PROBE_END, OP_MAP_PAGE, 0);
	struct loss_counters loss = { 0 };
	struct calls *c = fresh();

	for (int i = 0; i <= CALL_DEPTH; i++)
		feed(c, &map, 2000 + i, 7, 0, AT(0));
	calls_loss(c, &loss);
	assert_int_equal(loss.depth, 1);
	/* Ten seconds later the top one cannot be running any more. */
	feed(c, &map, 20000000000ULL, 7, 0, AT(0));
	feed(c, &map_end, 20000000005ULL, 7, 0, AT(0));
	loss = (struct loss_counters){ 0 };
	calls_loss(c, &loss);
	assert_int_equal(loss.stale, 1);
	assert_int_equal(n_done, 1);
	assert_int_equal(done[0].ns, 5);
	/* Many tasks, of which one is in a call: it survives. */
	for (__u32 pid = 100; pid < 3000; pid++) {
		feed(c, &map, 30000000000ULL + pid, pid, 0, AT(.device = pid));
		if (pid != 1234)
			feed(c, &map_end, 30000000001ULL + pid, pid, 0, AT(0));
		n_done = 0;
	}
	calls_trim(c);
	feed(c, &map_end, 30000009999ULL, 1234, 0, AT(0));
	assert_int_equal(n_done, 1);
	assert_int_equal(done[0].device, 1234);
	calls_close(c);
}

static void results(void **state)
{
	static const struct {
		enum op op;
		unsigned int variant;
		__u64 result;
		bool failed;
	} cases[] = {
		{ OP_MAP_SG, 0, 4, false },
		{ OP_MAP_SG, 0, 0, true },
		{ OP_MAP_SG, 0, 0xffffffea, true },
		{ OP_MAP_SG, 1, 0, false },
		{ OP_MAP_SG, 1, 0xfffffff4, true },
		{ OP_MAP_PAGE, 0, 0x80001000, false },
		{ OP_MAP_PAGE, 1, ~0ULL, true },
		{ OP_IOVA_LINK, 0, 0, false },
		{ OP_IOVA_LINK, 0, 0xfffffff4, true },
	};
	struct calls *c = fresh();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct probe begin = probe_of(PROBE_BEGIN, cases[i].op, cases[i].variant);
		const struct probe end = probe_of(PROBE_END, cases[i].op, cases[i].variant);

		feed(c, &begin, 2000, 7, 0, AT(.entries = 4));
		feed(c, &end, 2001, 7, 0, AT(.result = cases[i].result));
		assert_int_equal(n_done, i + 1);
		assert_int_equal(done[i].failed, cases[i].failed);
	}
	calls_close(c);
}

/* An unlink inside a destroy is a part of it; entries are IOMMU pages; bounces; arch calls. */
static void parts(void **state)
{
	const struct probe destroy = probe_of(PROBE_BEGIN, OP_IOVA_UNLINK, 1);
	const struct probe destroy_end = probe_of(PROBE_END, OP_IOVA_UNLINK, 1);
	const struct probe unlink = probe_of(PROBE_BEGIN, OP_IOVA_UNLINK, 0);
	const struct probe unlink_end = probe_of(PROBE_END, OP_IOVA_UNLINK, 0);
	const struct probe arch = probe_of(PROBE_BEGIN, OP_ARCH_SYNC_FOR_CPU, 1);
	const struct probe arch_end = probe_of(PROBE_END, OP_ARCH_SYNC_FOR_CPU, 1);
	const struct probe bounce = probe_of(PROBE_BOUNCE, OP_IOVA_UNLINK, 0);
	const struct probe other = probe_of(PROBE_BOUNCE, OP_MAP_SG, 0);
	struct calls *c = fresh();

	feed(c, &destroy, 2000, 7, 0, AT(.id = 99, .addr = 0xfff, .size = 8193, .device = 3));
	feed(c, &unlink, 2010, 7, 0, AT(.id = 99, .addr = 0, .size = 1));
	feed(c, &arch, 2020, 7, 0, AT(.size = 64));
	feed(c, &bounce, 2025, 7, 0, AT(0));
	feed(c, &arch_end, 2030, 7, 0, AT(0));
	feed(c, &unlink_end, 2040, 7, 0, AT(0));
	feed(c, &bounce, 2045, 7, 0, AT(0));
	feed(c, &other, 2046, 7, 0, AT(0));
	/* Another one, of an interrupt. */
	feed(c, &unlink, 2050, 7, 0, AT(.id = 98, .addr = 4096, .offset = 4095, .size = 2));
	feed(c, &unlink_end, 2060, 7, 0, AT(0));
	feed(c, &destroy_end, 2100, 7, 0, AT(0));
	assert_int_equal(n_done, 3);
	assert_int_equal(done[0].op, OP_ARCH_SYNC_FOR_CPU);
	assert_int_equal(done[0].device, 0); /* of the part, which nobody asked for */
	assert_int_equal(done[0].attrs, CALL_BATCHED);
	assert_int_equal(done[1].entries, 2);
	assert_int_equal(done[2].entries, 3);
	assert_int_equal(done[2].ns, 100);
	assert_int_equal(done[2].bounces, 1);
	calls_close(c);
}

/* ---- rows ---- */

static void take(struct rows *r, struct interval *iv)
{
	struct options opt = { 0 };
	struct taking t = { .opt = &opt, .flavour = FLAVOUR_PER_ENTRY, .iv = iv };

	interval_clear(iv);
	assert_int_equal(rows_take(r, &t), 0);
}

static void add_up(void **state)
{
	struct rows *r = rows_open("aarch64", ROWS_RESERVED + 2);
	__u32 dev = rows_device(r, "no such device"), more = rows_device(r, "nor this");
	struct call_done call = {
		.op = OP_MAP_SG, .dir = 1, .device = dev, .entries = 8, .ns = 50
	};
	struct interval iv;

	interval_init(&iv);
	assert_int_equal(rows_device(r, "no such device"), dev);
	assert_int_not_equal(dev, more);
	call.comm = "dd";
	rows_add(r, &call, 77);
	call.ns = 30;
	call.bounces = 2;
	rows_add(r, &call, 77);
	call.ns = 900;
	call.bounces = 0;
	call.entries = 0;
	rows_add(r, &call, 78);
	call.device = more;
	rows_add(r, &call, -1);
	/* No room is left for these. */
	call.op = OP_UNMAP_SG;
	rows_add(r, &call, -1);
	take(r, &iv);
	assert_int_equal(iv.n_rows, 3);
	for (size_t i = 0; i < iv.n_rows; i++) {
		const struct row *row = &iv.rows[i];

		assert_true(row->hw_unknown);
		assert_false(row->dsb_derived_known);
		if (row->other) {
			assert_int_equal(row->op, OP_UNMAP_SG);
			assert_int_equal(row->sum.calls, 1);
		} else if (!strcmp(row->dev, "no such device")) {
			assert_int_equal(row->sum.calls, 3);
			assert_int_equal(row->sum.unsized, 3);
			assert_int_equal(row->sum.entries, 16);
			assert_int_equal(row->sum.ns, 980);
			assert_int_equal(row->min_ns, 30);
			assert_int_equal(row->max_ns, 900);
			assert_int_equal(row->sum.empty_calls, 1);
			assert_int_equal(row->sum.bounces, 2);
			assert_int_equal(row->sum.bounced_calls, 1);
			assert_int_equal(row->sum.bounced_entries, 8);
			assert_int_equal(row->hist[hist_bucket(50)], 1);
		}
	}
	assert_int_equal(iv.loss.events.rows_full, 1);
	assert_int_equal(iv.n_procs, 2);
	assert_int_equal(iv.procs[0].sum.calls, 2);
	assert_int_equal(iv.procs[0].sum.unsized, 2);
	assert_string_equal(iv.procs[0].comm, "dd");
	/* The next interval begins empty. */
	take(r, &iv);
	assert_int_equal(iv.n_rows + iv.n_procs, 0);
	interval_free(&iv);
	rows_close(r);
}

/* The size of a single buffer is an argument: its bytes are known, those of a list are not. */
static void sizes(void **state)
{
	struct rows *r = rows_open("aarch64", 100);
	struct call_done call = { .op = OP_MAP_PAGE, .entries = 1, .bytes = 512, .comm = "" };
	struct interval iv;

	interval_init(&iv);
	call.device = rows_device(r, "no such device");
	rows_add(r, &call, -1);
	rows_add(r, &call, -1);
	take(r, &iv);
	assert_int_equal(iv.n_rows, 1);
	assert_int_equal(iv.rows[0].sum.bytes, 1024);
	assert_int_equal(iv.rows[0].sum.unsized, 0);
	interval_free(&iv);
	rows_close(r);
}

static void failures(void **state)
{
	struct rows *r = rows_open("aarch64", 100);
	struct call_done call = { .op = OP_MAP_SG, .entries = 8, .failed = true, .comm = "" };
	struct interval iv;

	interval_init(&iv);
	call.device = rows_device(r, "gone");
	rows_add(r, &call, -1);
	take(r, &iv);
	assert_int_equal(iv.n_rows, 1);
	assert_int_equal(iv.rows[0].sum.failed, 1);
	assert_int_equal(iv.rows[0].sum.calls, 0);
	assert_false(iv.rows[0].dsb_derived_known);
	interval_free(&iv);
	rows_close(r);
}

/*
 * kprobe_profile or stats that could not be read tell 0: that is no negative loss, and no new one
 * later.
 */
static void losses_never_sink(void **state)
{
	struct loss before = {}, now = { .recursion_misses = 7, .trace_events = 3 }, told = {};

	now.events.stale = 2;
	loss_since(&told, &before, &now);
	assert_int_equal(told.recursion_misses, 7);
	assert_int_equal(told.trace_events, 3);
	assert_int_equal(told.events.stale, 2);
	told = (struct loss){};
	now.recursion_misses = now.trace_events = 0;
	loss_since(&told, &before, &now);
	assert_int_equal(told.recursion_misses, 0);
	assert_int_equal(told.trace_events, 0);
	assert_int_equal(loss_total(&told), 0);
	now.recursion_misses = 9;
	now.trace_events = 4;
	loss_since(&told, &before, &now);
	assert_int_equal(told.recursion_misses, 2);
	assert_int_equal(told.trace_events, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format),
		cmocka_unit_test(arguments),
		cmocka_unit_test(decode),
		cmocka_unit_test(nested),
		cmocka_unit_test(outside),
		cmocka_unit_test(deep),
		cmocka_unit_test(results),
		cmocka_unit_test(parts),
		cmocka_unit_test(add_up),
		cmocka_unit_test(sizes),
		cmocka_unit_test(failures),
		cmocka_unit_test(losses_never_sink),
		cmocka_unit_test(ended),
		cmocka_unit_test_setup_teardown(gap, make_fake, remove_fake),
		cmocka_unit_test_setup_teardown(bad_pages, make_fake, remove_fake),
		cmocka_unit_test_setup_teardown(options, make_fake, remove_fake),
	};

	return cmocka_run_group_tests_name("ftrace", tests, NULL, NULL);
}
