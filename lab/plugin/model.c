// SPDX-License-Identifier: GPL-2.0
/*
 * TCG plugin: a modelled core. Gives the guest's own clock a deterministic price for cache
 * maintenance, which QEMU does for nothing: latencies repeat to the tick. Not silicon.
 *
 * Model. An instruction takes 1 / (ipc x ghz). A `dc` by address to the point of coherency takes
 * `issue` ns and puts one line into a write-back queue of `queue` places that drains one line every
 * `drain` ns; it waits for a place. `dsb sy` and `dsb osh` wait until the queue is empty, and
 * `round` ns more. Idle time passes as icount has it.
 *
 * Until the first system call an instruction takes BOOT_FS: QEMU stops at each step of a driver's
 * busy wait, and on a quick core there are many of them to the millisecond, three quarters of the
 * time that a guest would take.
 *
 * Wants one vCPU and -icount shift=0,sleep=off. The plugin interface (version 1) cannot set the
 * clock, so the function that the accelerator reads it by is replaced: found by its value in the
 * accelerator's table of operations, no layout is assumed, and nothing is done when it is not
 * there.
 */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

__attribute__((visibility("default"))) int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* Exported by qemu-system-*, though not in its plugin interface. */
const void *cpus_get_accel(void);
int64_t icount_get(void);     /* ns: instructions, and idle time skipped */
int64_t icount_get_raw(void); /* instructions */
int64_t icount_to_ns(int64_t instructions);
void cpu_exit(void *cpu);
extern __thread void *current_cpu;

#define FS_PER_NS 1000000ULL
#define POLL_FS (20000 * FS_PER_NS) /* stalls after which timers are looked at: 20 us */
#define BOOT_FS (10 * FS_PER_NS)
#define TB_MAX 512 /* instructions in a translation block, at most */
#define TIMED_MAX 8
#define NESTING_MAX 16

/* What a core costs; times in ns. */
struct parameters {
	const char *name;
	double ipc, ghz;
	double issue, drain, round;
	unsigned int queue; /* lines */
};

/*
 * No latency of dc or dsb is published for the cores this is about. "near" and "far" have the ratio
 * of round to drain, about 114, at which 2560 entries of 4 KiB gain what the article reports for
 * dma_map_sg(): one number fitted by one parameter, which proves nothing. "free" prices nothing.
 */
static const struct parameters sets[] = {
	{ .name = "free", .ipc = 3, .ghz = 2.6, .queue = 64 },
	{ .name = "near", .ipc = 3, .ghz = 2.6, .drain = 1, .round = 114, .queue = 64 },
	{ .name = "far", .ipc = 1.5, .ghz = 2.0, .drain = 2, .round = 226, .queue = 64 },
};

enum site {
	SITE_DC,
	SITE_DSB,
	SITES,
};

/* How time passes with instructions; begun_fs makes it go on where the pace before it left off. */
struct pace {
	uint64_t insn_fs;
	uint64_t begun_fs;
};

/* What a callback is told: which instruction, and how many of its block are not executed yet. */
struct at {
	enum site site;
	unsigned int behind;
};

/*
 * A guest function whose body is timed by this clock: from its first instruction behind the place
 * that tracers patch, to its ret. What tracers run is outside.
 */
struct timed {
	uint64_t start, end;
	char name[48];
	uint64_t begun_fs[NESTING_MAX];
	unsigned int depth;
	uint64_t calls, sum_fs, min_fs, max_fs;
	struct timed_at {
		struct timed *of;
		unsigned int behind;
	} at[TB_MAX + 1];
};

static struct {
	FILE *out;
	struct parameters par;
	uint64_t issue_fs, drain_fs, round_fs;
	struct pace boot, user;
	const struct pace *pace; /* written by the vCPU's thread, read by others, too */
	uint64_t insns;		 /* begun blocks' instructions */
	uint64_t stalls_fs;	 /* written by the vCPU's thread, read by others, too */
	uint64_t empty_fs;	 /* time of the core at which the queue is empty */
	uint64_t polled_fs;
	uint64_t count[SITES];
	struct at at[SITES][TB_MAX + 1];
	struct timed timed[TIMED_MAX];
	unsigned int n_timed;
	bool hooked;
} core;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("model: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* The guest's clock in ns: takes icount_get()'s place. Any thread. */
static int64_t model_clock(void)
{
	const struct pace *pace;
	int64_t insns, ns;

	/* Idle time is what the two differ by; an instruction between them would add to it. */
	do {
		insns = icount_get_raw();
		ns = icount_get();
	} while (icount_get_raw() != insns);
	pace = __atomic_load_n(&core.pace, __ATOMIC_ACQUIRE);
	return (insns * pace->insn_fs + pace->begun_fs +
		__atomic_load_n(&core.stalls_fs, __ATOMIC_RELAXED)) /
		       FS_PER_NS +
	       (ns - insns);
}

/* Time of the core without its idle time, which is for differences alone. */
static uint64_t core_time(unsigned int behind)
{
	return (core.insns - behind) * core.pace->insn_fs + core.pace->begun_fs + core.stalls_fs;
}

static void stall(uint64_t fs)
{
	__atomic_store_n(&core.stalls_fs, core.stalls_fs + fs, __ATOMIC_RELAXED);
	if (core.stalls_fs - core.polled_fs < POLL_FS)
		return;
	core.polled_fs = core.stalls_fs;
	cpu_exit(current_cpu);
}

static void on_dc(const struct at *at)
{
	uint64_t now, full_fs = core.par.queue * core.drain_fs;

	stall(core.issue_fs);
	now = core_time(at->behind);
	if (core.empty_fs < now)
		core.empty_fs = now;
	core.empty_fs += core.drain_fs;
	if (core.empty_fs - now > full_fs)
		stall(core.empty_fs - now - full_fs);
}

static void on_dsb(const struct at *at)
{
	uint64_t now = core_time(at->behind);

	stall((core.empty_fs > now ? core.empty_fs - now : 0) + core.round_fs);
}

static void on_site(unsigned int vcpu, void *data)
{
	const struct at *at = data;

	(void)vcpu;
	core.count[at->site]++;
	if (at->site == SITE_DC)
		on_dc(at);
	else
		on_dsb(at);
}

/* Ends the boot. Begun blocks have more instructions than icount: by that the clock goes on. */
static void on_system_call(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	if (core.pace == &core.user)
		return;
	core.user.begun_fs = core.insns * (core.boot.insn_fs - core.user.insn_fs);
	__atomic_store_n(&core.pace, &core.user, __ATOMIC_RELEASE);
	cpu_exit(current_cpu);
}

/* What @word costs, or -1: dc cvac, civac, ivac; dsb sy, osh. */
static int site_of(uint32_t word)
{
	switch (word & ~0x1fu) {
	case 0xd50b7a20:
	case 0xd50b7e20:
	case 0xd5087620:
		return SITE_DC;
	}
	return word == 0xd5033f9f || word == 0xd503339f ? SITE_DSB : -1;
}

static void on_begin(unsigned int vcpu, void *data)
{
	struct timed_at *at = data;
	struct timed *t = at->of;

	(void)vcpu;
	t->begun_fs[t->depth++ % NESTING_MAX] = core_time(at->behind);
}

static void on_return(unsigned int vcpu, void *data)
{
	struct timed_at *at = data;
	struct timed *t = at->of;
	uint64_t fs;

	(void)vcpu;
	if (!t->depth)
		return;
	fs = core_time(at->behind) - t->begun_fs[--t->depth % NESTING_MAX];
	t->calls++;
	t->sum_fs += fs;
	if (t->calls == 1 || fs < t->min_fs)
		t->min_fs = fs;
	if (fs > t->max_fs)
		t->max_fs = fs;
}

/*
 * What a function may begin with before its body: bti c, paciasp, and the two places that ftrace
 * turns from nop into mov x9, x30 and bl.
 */
static bool is_prologue(uint32_t word)
{
	return word == 0xd503245f || word == 0xd503233f || word == 0xd503201f ||
	       word == 0xaa1e03e9 || (word & 0x7c000000) == 0x14000000;
}

static void watch_timed(struct qemu_plugin_insn *insn, uint32_t word, uint32_t before,
			unsigned int behind)
{
	uint64_t addr = qemu_plugin_insn_vaddr(insn);
	unsigned int i;

	for (i = 0; i < core.n_timed; i++) {
		struct timed *t = &core.timed[i];
		qemu_plugin_vcpu_udata_cb_t cb = NULL;

		if (addr < t->start || addr >= t->end)
			continue;
		/* The first one behind them is reached from them, or begins a block. */
		if (addr < t->start + 20 && !is_prologue(word) && (!before || is_prologue(before)))
			cb = on_begin;
		else if (word == 0xd65f03c0)
			cb = on_return;
		if (cb)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, cb, QEMU_PLUGIN_CB_NO_REGS,
							       &t->at[behind]);
	}
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	uint32_t word = 0, before;

	(void)id;
	if (n > TB_MAX)
		die("a block of %zu instructions: TB_MAX is too small", n);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &core.insns, n);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		int site;

		before = word;
		memcpy(&word, qemu_plugin_insn_data(insn), sizeof(word));
		site = site_of(word);
		if (site >= 0)
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, on_site, QEMU_PLUGIN_CB_NO_REGS, &core.at[site][n - i]);
		if (word == 0xd4000001 && core.pace == &core.boot)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_system_call,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
		watch_timed(insn, word, before, n - i);
	}
}

static void on_vcpu(qemu_plugin_id_t id, unsigned int vcpu)
{
	int64_t (**slot)(void) = (void *)cpus_get_accel();
	size_t i, n = slot ? malloc_usable_size(slot) / sizeof(*slot) : 0;

	(void)id;
	if (vcpu)
		die("one vCPU only: without -smp, or with -smp 1");
	if (icount_to_ns(1000) != 1000)
		die("wants -icount shift=0,sleep=off");
	for (i = 0; i < n; i++) {
		if (slot[i] != icount_get)
			continue;
		slot[i] = model_clock;
		core.hooked = true;
	}
	if (!core.hooked)
		die("this QEMU does not read its clock by icount_get(): is -icount missing?");
}

static void write_timed(void)
{
	unsigned int i;

	for (i = 0; i < core.n_timed; i++) {
		const struct timed *t = &core.timed[i];

		fprintf(core.out,
			"%s\"%s\":{\"calls\":%llu,\"ns\":%.3f,\"min_ns\":%.3f,\"max_ns\":%.3f}",
			i ? "," : "", t->name, (unsigned long long)t->calls,
			(double)t->sum_fs / FS_PER_NS, (double)t->min_fs / FS_PER_NS,
			(double)t->max_fs / FS_PER_NS);
	}
}

static void on_exit_qemu(qemu_plugin_id_t id, void *data)
{
	const struct parameters *p = &core.par;

	(void)id;
	(void)data;
	fprintf(core.out,
		"{\"model\":\"%s\",\"ipc\":%g,\"ghz\":%g,\"issue_ns\":%g,\"drain_ns\":%g,"
		"\"round_ns\":%g,\"queue\":%u,\"instructions\":%llu,\"dc\":%llu,\"dsb\":%llu,"
		"\"stalled_ns\":%llu,\"clock_ns\":%lld,\"timed\":{",
		p->name, p->ipc, p->ghz, p->issue, p->drain, p->round, p->queue,
		(unsigned long long)core.insns, (unsigned long long)core.count[SITE_DC],
		(unsigned long long)core.count[SITE_DSB],
		(unsigned long long)(core.stalls_fs / FS_PER_NS), (long long)model_clock());
	write_timed();
	fputs("}}\n", core.out);
	fclose(core.out);
}

static void parse_number(const char *arg, const char *value, double *out)
{
	char *end;

	*out = strtod(value, &end);
	if (end == value || *end || !(*out >= 0) || *out > 1e6)
		die("%s: want a number from 0 to 1e6", arg);
}

/* A changed set is no longer what its name says. */
static void parse_parameter(const char *arg)
{
	struct parameters *p = &core.par;
	const struct {
		const char *name;
		double *to;
	} known[] = {
		{ "ipc=", &p->ipc },	 { "ghz=", &p->ghz },	  { "issue=", &p->issue },
		{ "drain=", &p->drain }, { "round=", &p->round },
	};
	double queue;
	size_t i;

	p->name = "custom";
	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strncmp(arg, known[i].name, strlen(known[i].name))) {
			parse_number(arg, arg + strlen(known[i].name), known[i].to);
			return;
		}
	if (strncmp(arg, "queue=", 6))
		die("unknown argument '%s'; valid: out, set, time, ipc, ghz, issue, drain, round, queue",
		    arg);
	parse_number(arg, arg + 6, &queue);
	p->queue = queue;
}

static void parse_set(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		if (!strcmp(sets[i].name, name)) {
			core.par = sets[i];
			return;
		}
	die("no set '%s'; valid: free, near, far", name);
}

/* START-END:NAME, addresses in hexadecimal. */
static void parse_timed(const char *arg)
{
	struct timed *t = &core.timed[core.n_timed];
	unsigned int behind;
	char *rest;

	if (core.n_timed == TIMED_MAX)
		die("at most %d functions can be timed", TIMED_MAX);
	t->start = strtoull(arg, &rest, 16);
	t->end = *rest == '-' ? strtoull(rest + 1, &rest, 16) : 0;
	if (t->end <= t->start || *rest != ':')
		die("time=%s: want START-END:NAME", arg);
	snprintf(t->name, sizeof(t->name), "%s", rest + 1);
	for (behind = 0; behind <= TB_MAX; behind++)
		t->at[behind] = (struct timed_at){ t, behind };
	core.n_timed++;
}

static void parse_argument(const char *arg)
{
	if (!strncmp(arg, "out=", 4)) {
		core.out = fopen(arg + 4, "w");
		if (!core.out)
			die("cannot write to %s: %m", arg + 4);
	} else if (!strncmp(arg, "set=", 4)) {
		parse_set(arg + 4);
	} else if (!strncmp(arg, "time=", 5)) {
		parse_timed(arg + 5);
	} else {
		parse_parameter(arg);
	}
}

/* Checks what was asked for and turns it into femtoseconds. */
static void prepare(void)
{
	const struct parameters *p = &core.par;
	unsigned int site, behind;

	if (!core.out)
		die("want out=FILE");
	if (!p->ipc || !p->ghz || !p->queue)
		die("ipc, ghz and queue cannot be 0");
	core.user.insn_fs = FS_PER_NS / (p->ipc * p->ghz) + 0.5;
	core.boot.insn_fs = core.user.insn_fs > BOOT_FS ? core.user.insn_fs : BOOT_FS;
	core.pace = &core.boot;
	core.issue_fs = p->issue * FS_PER_NS + 0.5;
	core.drain_fs = p->drain * FS_PER_NS + 0.5;
	core.round_fs = p->round * FS_PER_NS + 0.5;
	for (site = 0; site < SITES; site++)
		for (behind = 0; behind <= TB_MAX; behind++)
			core.at[site][behind] = (struct at){ site, behind };
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	int i;

	if (strcmp(info->target_name, "aarch64"))
		die("models arm64 cores only, not %s", info->target_name);
	parse_set("near");
	for (i = 0; i < argc; i++)
		parse_argument(argv[i]);
	prepare();
	qemu_plugin_register_vcpu_init_cb(id, on_vcpu);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, on_exit_qemu, NULL);
	return 0;
}
