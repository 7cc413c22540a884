/* SPDX-License-Identifier: GPL-2.0 */
/* Storms: runs of calls for single buffers that wait one by one; what one barrier would save. */
#ifndef STORMS_BPF_H
#define STORMS_BPF_H

#include "session.bpf.h"

/*
 * What is one context and what another:
 *  - an interrupt's handler, one softirq (its vector, not the lot): tracepoints at both ends;
 *  - what a task does from one system call to the next, or in one work item: tracepoints at the
 *    beginning; less if it waits, as what it has mapped must be usable by then, or if it takes a
 *    page fault, as the system call is not the only way into the kernel: the task's own counters;
 *  - one poll of a NAPI instance, whoever does it: a tracepoint at its end.
 * The layout of preempt_count, which tells interrupts, too, differs between kernels.
 */
enum {
	LEVEL_SOFTIRQ,
	LEVEL_IRQ,
	LEVEL_IDLE, /* the idle task: each CPU has one of its own, all with one number */
	LEVELS,
};

struct storm_cpu {
	struct storm_context level[LEVELS];
	/* All zero: programs have no room for one on their stack. */
	struct storm_context no_context;
	struct storm_value no_value;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct storm_cpu);
} storm_cpus SEC(".maps");

/* By thread, as the kernel numbers them; those that called nothing for long make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STORM_TASKS); /* more with many CPUs, set before load */
	__type(key, u32);
	__type(value, struct storm_context);
} storm_tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, STORM_ROWS_MAX);
	__type(key, struct storm_key);
	__type(value, struct storm_value);
} storm_values SEC(".maps");

#define lost_run() __sync_fetch_and_add(&state.lost_runs, 1)

static __always_inline struct storm_cpu *storm_cpu(void)
{
	return bpf_map_lookup_elem(&storm_cpus, &(u32){ 0 });
}

static __always_inline struct storm_context *storm_task(u32 thread)
{
	return bpf_map_lookup_elem(&storm_tasks, &thread);
}

/* The interrupt level that this CPU is at, if that is one; or NULL. */
static __always_inline struct storm_context *storm_interrupt(struct storm_cpu *cpu)
{
	if (cpu->level[LEVEL_IRQ].task)
		return &cpu->level[LEVEL_IRQ];
	/* With PREEMPT_RT another task may run in the middle of a softirq. */
	if (cpu->level[LEVEL_SOFTIRQ].task == bpf_get_current_task())
		return &cpu->level[LEVEL_SOFTIRQ];
	return NULL;
}

/* The place of the running task's context, new if need be; NULL: no room. */
static __always_inline struct storm_context *storm_place(struct storm_cpu *cpu)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct storm_context *c;

	if (!thread)
		return &cpu->level[LEVEL_IDLE];
	c = storm_task(thread);
	if (c)
		return c;
	bpf_map_update_elem(&storm_tasks, &thread, &cpu->no_context, BPF_NOEXIST);
	return storm_task(thread);
}

/* The running task's context; NULL: no room. */
static __always_inline struct storm_context *storm_own(struct storm_cpu *cpu)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct storm_context *c = storm_place(cpu);
	u64 slept;

	if (!c) {
		lost_run();
		return NULL;
	}
	slept = task->nvcsw + task->min_flt + task->maj_flt;
	/* The number may have been another thread's: it waited at its end, if not as often. */
	if (c->slept != slept || c->task != (u64)task) {
		c->slept = slept;
		c->task = (u64)task;
		c->number++;
	}
	return c;
}

/* The row's value in the interval of @key, new if need be; NULL: no room. */
static __always_inline struct storm_value *storm_value(struct storm_cpu *cpu,
						       const struct storm_key *key)
{
	struct storm_value *v = bpf_map_lookup_elem(&storm_values, key);

	if (v)
		return v;
	bpf_map_update_elem(&storm_values, key, &cpu->no_value, BPF_NOEXIST);
	return bpf_map_lookup_elem(&storm_values, key);
}

/* Ends the device's other runs. Which is that of @row; STORM_RUNS: none. */
static __always_inline u32 storm_find(struct storm_context *c, u64 dev, u32 row)
{
	u32 found = STORM_RUNS;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < STORM_RUNS; i++) {
		struct storm_run *r = &c->run[i];

		if (r->dev != dev)
			continue;
		if (r->row == row)
			found = i;
		else
			r->length = 0;
	}
	return found;
}

/* The place for a run that the context has none for. */
static __always_inline u32 storm_replace(struct storm_context *c, u32 interval)
{
	u32 i = c->next++ & (STORM_RUNS - 1);
	const struct storm_run *r = &c->run[i];

	if (r->length && r->context == c->number && r->interval == interval)
		lost_run();
	return i;
}

static __always_inline u32 storm_bucket(u64 length)
{
	u32 b = hist_bucket(length);

	return b < STORM_BUCKETS ? b : STORM_BUCKETS - 1;
}

/* A run has become @length calls long. */
static __always_inline void storm_grow(struct storm_value *v, u64 length)
{
	u32 to = storm_bucket(length);

	v->calls++;
	if (length == 1)
		v->runs++;
	else
		v->hist[storm_bucket(length - 1) & (STORM_BUCKETS - 1)]--;
	v->hist[to & (STORM_BUCKETS - 1)]++;
	if (length > v->longest)
		v->longest = length;
}

/* Calls that may have a batch around them: those that run one barrier of their own. */
static __always_inline bool storm_wanted(u32 tag)
{
	switch (ROW_TAG_OP(tag)) {
	case OP_MAP_PAGE:
	case OP_SYNC_SINGLE_FOR_DEVICE:
		return true;
	case OP_UNMAP_PAGE:
	case OP_SYNC_SINGLE_FOR_CPU:
		return ROW_TAG_DIR(tag) != DIR_TO_DEVICE || config.flags & CONFIG_TO_BARRIER;
	}
	return false;
}

/* Calls that neither are part of a run nor end one: they maintain nothing. */
static __always_inline bool storm_ignores(const struct row_info *info)
{
	return ROW_TAG_OP(info->tag) >= OP_API_COUNT ||
	       ROW_TAG_ATTRS(info->tag) & (CALL_SKIP_CPU_SYNC | CALL_MMIO) ||
	       info->flags & (DEV_COHERENT | DEV_FLAGS_UNKNOWN | DEV_OPS_OTHER);
}

/*
 * Number of the interval whose bank is @bank. The switch goes on in two steps, so it may be the one
 * that has just begun.
 */
static __always_inline u32 storm_interval(u32 bank)
{
	u32 n = *(volatile u32 *)&state.intervals;

	return (n & 1) == bank ? n : n - 1;
}

/*
 * A call of the row of the value at index @at has ended. Returns whether it goes on with a run: a
 * batch would have saved its barrier.
 */
SLOW_PATH int storm_add(u32 at)
{
	u32 row = ROW_OF(at, config.cpus, config.max_rows), i, interval;
	struct storm_key key = { .row = row, .bank = BANK_OF(at, config.cpus, config.max_rows) };
	struct row_info *info = bpf_map_lookup_elem(&row_infos, &row);
	struct storm_context *c;
	struct storm_value *v;
	struct storm_cpu *cpu;
	struct storm_run *r;

	/* Before 6.8 a function is verified whether it is called or not; without it are no maps. */
	if (!(config.flags & CONFIG_STORMS) || !info || row < ROWS_RESERVED || storm_ignores(info))
		return 0;
	cpu = storm_cpu();
	if (!cpu)
		return 0;
	c = storm_interrupt(cpu) ?: storm_own(cpu);
	if (!c)
		return 0;
	i = storm_find(c, info->dev, row);
	if (!storm_wanted(info->tag))
		return 0;
	interval = storm_interval(key.bank);
	if (i >= STORM_RUNS)
		i = storm_replace(c, interval);
	v = storm_value(cpu, &key);
	if (!v) {
		lost_run();
		return 0;
	}
	hide(i);
	r = &c->run[i & (STORM_RUNS - 1)];
	if (r->dev != info->dev || r->row != row || r->context != c->number ||
	    r->interval != interval) {
		v->contexts++;
		r->dev = info->dev;
		r->row = row;
		r->context = c->number;
		r->interval = interval;
		r->length = 0;
	}
	r->length++;
	storm_grow(v, r->length);
	return r->length > 1;
}

/* A context of @level begins on this CPU. */
static __always_inline int storm_begin(u32 level)
{
	struct storm_cpu *cpu = storm_cpu();

	if (cpu) {
		cpu->level[level].number++;
		cpu->level[level].task = bpf_get_current_task();
	}
	return 0;
}

static __always_inline int storm_end(u32 level)
{
	struct storm_cpu *cpu = storm_cpu();

	if (cpu)
		cpu->level[level].task = 0;
	return 0;
}

/* The running task begins something new. */
static __always_inline int storm_next(void)
{
	struct storm_context *c = storm_task(bpf_get_current_pid_tgid());

	if (c)
		c->number++;
	return 0;
}

#endif
