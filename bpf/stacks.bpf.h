/* SPDX-License-Identifier: GPL-2.0 */
/* Where calls come from: the stack at a call's end, and what its calls add up to. */
#ifndef STACKS_BPF_H
#define STACKS_BPF_H

#include "rows.bpf.h"

/*
 * Stacks are told apart by a 64-bit hash of their addresses and not by bpf_get_stackid(), which
 * keeps one stack for each of its buckets: of 500 stacks in 16384 buckets about 8 would be lost.
 * User space may delete a trace that it has read: each use of a stack files it again.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STACK_TRACES_MAX);
	__type(key, u64);
	__type(value, struct stack_trace);
} stack_traces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, STACK_ROWS_MAX); /* less with many CPUs, set before load */
	__type(key, struct stack_key);
	__type(value, struct proc_value);
} stack_counts SEC(".maps");

/* Of the call that ends; each program has one a CPU, where it runs once at a time. */
struct stack_work {
	struct stack_trace kernel;
	struct stack_trace user;
	u32 at; /* index of the row's value */
	u32 entries;
	u64 bytes;
	u64 events;
	u64 ns;
	u32 failed;
	u32 failed_entries;
	u32 chained; /* CHAINED or 0 */
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STACK_PROGRAMS);
	__type(key, u32);
	__type(value, struct stack_work);
} stack_works SEC(".maps");

#define lost_stack() __sync_fetch_and_add(&state.lost_stacks, 1)

/* Files @t by its hash, which is returned; 0: it is empty. */
static __always_inline u64 stack_file(struct stack_trace *t)
{
	u64 hash = t->n;

	if (!t->n)
		return 0;
	for (u32 i = 0; i < STACK_DEPTH; i++) {
		if (i >= t->n)
			break;
		hash = (hash ^ t->ip[i]) * 0x9E3779B97F4A7C15ULL;
		hash ^= hash >> 32;
	}
	if (hash <= STACK_LOST)
		hash = STACK_LOST + 1;
	if (bpf_map_lookup_elem(&stack_traces, &hash))
		return hash;
	if (!bpf_map_update_elem(&stack_traces, &hash, t, BPF_NOEXIST)) {
		__sync_fetch_and_add(&state.traces, 1);
		return hash;
	}
	return bpf_map_lookup_elem(&stack_traces, &hash) ? hash : STACK_LOST;
}

static __always_inline void stack_take(void *ctx, struct stack_trace *t, u64 flags)
{
	long bytes = bpf_get_stack(ctx, t->ip, sizeof(t->ip), flags);

	t->n = bytes > 0 ? (u32)bytes / 8 : 0;
}

/*
 * At a function's return its frame is gone, and the caller's is not on the stack of frames before
 * it calls another function: the unwinder goes from the function to the caller's caller. What it
 * misses is @lr.
 */
static __always_inline void stack_take_at_return(void *ctx, struct stack_trace *t, u64 lr)
{
	long bytes = bpf_get_stack(ctx, t->ip + 1, sizeof(t->ip) - 8, 0);

	t->ip[0] = t->ip[1];
	t->ip[1] = lr;
	t->n = bytes > 0 ? (u32)bytes / 8 + 1 : 0;
}

/* The value for @key in @map, new if need be; NULL: no room. */
static __always_inline struct proc_value *stack_value(void *map, const struct stack_key *key)
{
	struct proc_value *v = bpf_map_lookup_elem(map, key), zero = {};

	if (v)
		return v;
	if (key->where.tgid)
		bpf_get_current_comm(zero.comm, sizeof(zero.comm));
	bpf_map_update_elem(map, key, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, key);
}

/*
 * Adds the call in work space @program to its stack. A call whose stack finds no room goes to
 * STACK_LOST, so that the row's calls are all told.
 */
SLOW_PATH int stack_add(u32 program)
{
	struct stack_key key = {};
	struct stack_work *w;
	struct proc_value *v;

	/* Before 6.8 a function is verified whether it is called or not; without it are no maps. */
	if (!(config.flags & CONFIG_STACKS))
		return 0;
	w = bpf_map_lookup_elem(&stack_works, &program);
	if (!w)
		return 0;
	key.where.row = ROW_OF(w->at, config.cpus, config.max_rows);
	key.where.bank = BANK_OF(w->at, config.cpus, config.max_rows);
	key.kernel = stack_file(&w->kernel);
	if (config.flags & CONFIG_STACK_PROCS)
		key.where.tgid = current_tgid();
	if (config.flags & CONFIG_USER_STACKS)
		key.user = stack_file(&w->user);
	v = key.kernel > STACK_LOST ? stack_value(&stack_counts, &key) : NULL;
	if (!v) {
		lost_stack();
		key.kernel = STACK_LOST;
		key.user = 0;
		key.where.tgid = 0;
		v = stack_value(&stack_counts, &key);
	}
	if (!v)
		return 0;
	if (w->failed) {
		counts_add_failed(&v->sum, w->failed_entries, w->events);
		return 0;
	}
	v->sum.calls++;
	v->sum.chained += !!w->chained;
	v->sum.entries += w->entries;
	v->sum.bytes += w->bytes;
	v->sum.ns += w->ns;
	counts_add_rare(&v->sum, w->entries, w->events);
	return 0;
}

/*
 * Takes the stack of a call that has ended, after its time was: what this costs is in no latency
 * but those of calls around it. @lr: return address in a kprobe, else 0. NULL: nothing to be done.
 * The caller fills in the rest.
 */
static __always_inline struct stack_work *stack_work(void *ctx, u64 lr, u32 program)
{
	struct stack_work *w = bpf_map_lookup_elem(&stack_works, &program);

	if (!w)
		return NULL;
	if (lr)
		stack_take_at_return(ctx, &w->kernel, lr);
	else
		stack_take(ctx, &w->kernel, 0);
	if (config.flags & CONFIG_USER_STACKS)
		stack_take(ctx, &w->user, BPF_F_USER_STACK);
	return w;
}

static __always_inline void stack_add_call(void *ctx, u64 lr, u32 program, u32 at,
					   const struct row_call *c, u64 bytes)
{
	struct stack_work *w = stack_work(ctx, lr, program);

	if (!w)
		return;
	w->at = at;
	w->entries = c->entries;
	w->bytes = bytes;
	w->events = c->events;
	w->ns = c->ns;
	w->failed = 0;
	w->chained = c->chained;
	stack_add(program);
}

static __always_inline void stack_add_failed(void *ctx, u64 lr, u32 program, u32 at, u32 entries,
					     u64 events)
{
	struct stack_work *w = stack_work(ctx, lr, program);

	if (!w)
		return;
	w->at = at;
	w->events = events;
	w->failed = 1;
	w->failed_entries = entries;
	stack_add(program);
}

#endif
