/* SPDX-License-Identifier: GPL-2.0 */
/* The API calls in flight on each task: where a call's start time and nested events are kept. */
#ifndef CALLS_BPF_H
#define CALLS_BPF_H

#include "session.bpf.h"

/*
 * Calls nest strictly last in, first out on one task, interrupts on top of it included, so a stack
 * per task is right under preemption, migration and RT. It lives in an open-addressed table keyed
 * by the task pointer and not in task storage, whose two look-ups alone cost more instructions
 * than everything else a handler does (measured on 6.12: 826 against 591 for a pair of probes with
 * start times). A task holds a slot only while it is inside the API.
 *
 * An interrupt may run the same code on the same task between any two instructions here. It leaves
 * depth as it found it, and it never releases a slot that it did not claim, so it is enough to
 * raise depth before filling a frame and to read a frame before lowering depth.
 */

#define CALL_PROBES 4
#define CALL_STALE_NS 10000000000ULL /* no DMA API call takes 10 s: its end was missed */

#define barrier() asm volatile("" ::: "memory")

static __always_inline u32 calls_hash(u64 task)
{
	return (u32)((u32)(task >> 6) * 0x9E3779B1U) >> 16;
}

/* Slot of @task, or NULL. */
static __always_inline struct task_calls *calls_find(u64 task)
{
	u32 h = calls_hash(task);

#pragma unroll
	for (int i = 0; i < CALL_PROBES; i++) {
		struct task_calls *c = &state.calls[(h + i) & (CALL_SLOTS - 1)];

		if (c->task == task)
			return c;
	}
	return NULL;
}

/* Takes over a slot whose owner's call cannot be running any more. */
static __noinline struct task_calls *calls_evict(u64 task, u64 now)
{
	u32 h = calls_hash(task);

	for (int i = 0; i < CALL_PROBES; i++) {
		struct task_calls *c = &state.calls[(h + i) & (CALL_SLOTS - 1)];
		u64 owner = c->task;

		if (now - c->frame[0].start > CALL_STALE_NS &&
		    __sync_val_compare_and_swap(&c->task, owner, task) == owner) {
			__sync_fetch_and_add(&state.loss.stale, c->depth);
			c->depth = 0;
			return c;
		}
	}
	lost(calls_full);
	return NULL;
}

/* Empties @c if its oldest call cannot be running any more; false: a real overflow, counted. */
static __noinline bool calls_reset_stale(struct task_calls *c, u64 now)
{
	if (now - c->frame[0].start <= CALL_STALE_NS) {
		lost(depth);
		return false;
	}
	__sync_fetch_and_add(&state.loss.stale, c->depth);
	c->depth = 0;
	return true;
}

/* Slot for @task; *@claimed when this call took it and has to release it. */
static __always_inline struct task_calls *calls_get(u64 task, bool *claimed)
{
	struct task_calls *c = calls_find(task);
	u32 h = calls_hash(task);

	*claimed = false;
	if (c)
		return c;
	*claimed = true;
#pragma unroll
	for (int i = 0; i < CALL_PROBES; i++) {
		c = &state.calls[(h + i) & (CALL_SLOTS - 1)];
		if (!c->task && !__sync_val_compare_and_swap(&c->task, 0, task))
			return c;
	}
	return calls_evict(task, bpf_ktime_get_ns());
}

static __always_inline bool wanted(void)
{
	if (!state.live)
		return false;
	if (config.tgid && bpf_get_current_pid_tgid() >> 32 != config.tgid)
		return false;
	if (config.comm_set) {
		u64 comm[2] = {};

		bpf_get_current_comm(comm, sizeof(comm));
		return comm[0] == config.comm[0] && comm[1] == config.comm[1];
	}
	return true;
}

/*
 * Pushes a frame for a call of @op with @id, which the end of the same call will name again. NULL:
 * not wanted, or lost (counted). The caller fills in what else it knows, frame_start() last.
 */
static __always_inline struct call_frame *frame_push(u32 op, u64 id)
{
	struct call_frame *f;
	struct task_calls *c;
	bool claimed;
	u64 depth;

	if (op != OP_CALIBRATE && !wanted())
		return NULL;
	c = calls_get(bpf_get_current_task(), &claimed);
	if (!c)
		return NULL;
	depth = c->depth;
	if (depth >= CALL_DEPTH) {
		if (!calls_reset_stale(c, bpf_ktime_get_ns()))
			return NULL;
		depth = 0;
	}
	c->depth = depth + 1;
	barrier();
	f = &c->frame[depth];
	f->id = id;
	f->op = op;
	f->owner = claimed;
	f->dsb = 0;
	f->bounces = 0;
	return f;
}

static __always_inline void frame_start(struct call_frame *f)
{
	f->start = bpf_ktime_get_ns();
}

/* Index of the frame of @op and @id below the top, dropping those above it; CALL_DEPTH: none. */
static __noinline u64 frame_search(struct task_calls *c, u32 op, u64 id)
{
	u64 depth = c->depth;

	for (u64 i = 1; i < CALL_DEPTH; i++) {
		u64 at = depth - 1 - i;

		if (at >= CALL_DEPTH)
			break;
		if (c->frame[at].id == id && c->frame[at].op == op) {
			__sync_fetch_and_add(&state.loss.stale, i);
			return at;
		}
	}
	return CALL_DEPTH;
}

/*
 * Finds the frame that the call of @op with @id pushed. NULL: it pushed none (filtered, begun before the
 * session, or counted as lost then). *@slot and *@index are for frame_pop().
 */
static __always_inline struct call_frame *frame_find(u32 op, u64 id, struct task_calls **slot,
						     u64 *index)
{
	struct task_calls *c = calls_find(bpf_get_current_task());
	u64 i;

	if (!c)
		return NULL;
	i = c->depth - 1;
	if (i >= CALL_DEPTH)
		return NULL;
	if (c->frame[i].id != id || c->frame[i].op != op) {
		i = frame_search(c, op, id);
		if (i >= CALL_DEPTH)
			return NULL;
	}
	*slot = c;
	*index = i;
	return &c->frame[i];
}

/* Removes frame @index; everything in it must have been read before. */
static __always_inline void frame_pop(struct task_calls *c, u64 index, bool owner)
{
	barrier();
	c->depth = index;
	barrier();
	if (owner)
		c->task = 0;
}

/* Frame of the innermost API call that runs on this task, or NULL. */
static __always_inline struct call_frame *frame_top(void)
{
	struct task_calls *c = calls_find(bpf_get_current_task());
	u64 i;

	if (!c)
		return NULL;
	i = c->depth - 1;
	return i < CALL_DEPTH ? &c->frame[i] : NULL;
}

#endif
