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

static __always_inline struct task_calls *calls_slot(struct session_state *s, u64 task, u32 i)
{
	u32 h = (u32)((u32)(task >> 6) * 0x9E3779B1U) >> 16;

	return &s->calls[(h + i) & (CALL_SLOTS - 1)];
}

/* Index of @task's slot when it is not the first that its hash names; CALL_SLOTS: it has none. */
SLOW_PATH u32 calls_find_next(u64 task)
{
	for (u32 i = 1; i < CALL_PROBES; i++) {
		struct task_calls *c = calls_slot(&state, task, i);

		if (c->task == task)
			return c - state.calls;
	}
	return CALL_SLOTS;
}

static __always_inline struct task_calls *calls_at(struct session_state *s, u32 index)
{
	if (index >= CALL_SLOTS)
		return NULL;
	/* Hides the range from the compiler, which would drop the mask that the verifier needs. */
	asm volatile("" : "+r"(index));
	return &s->calls[index & (CALL_SLOTS - 1)];
}

/*
 * Slot of @task, or NULL. A task may hold two, when its first choice was taken at the outer call
 * and is free at the inner one: the innermost call is then in the one that is found first.
 */
static __always_inline struct task_calls *calls_find(struct session_state *s, u64 task)
{
	struct task_calls *c = calls_slot(s, task, 0);

	return c->task == task ? c : calls_at(s, calls_find_next(task));
}

/*
 * Index of a slot newly claimed for @task when its first choice is taken: a free one, or one whose
 * owner's call cannot be running any more. CALL_SLOTS: none, counted.
 */
SLOW_PATH u32 calls_claim_next(u64 task)
{
	u64 now = bpf_ktime_get_ns();

	for (u32 i = 0; i < CALL_PROBES; i++) {
		struct task_calls *c = calls_slot(&state, task, i);
		u64 owner = c->task;

		if (owner && now - c->frame[0].start < CALL_STALE_NS)
			continue;
		if (__sync_val_compare_and_swap(&c->task, owner, task) != owner)
			continue;
		if (owner) {
			__sync_fetch_and_add(&state.loss.stale, c->depth);
			c->depth = 0;
		}
		return c - state.calls;
	}
	lost(calls_full);
	return CALL_SLOTS;
}

/* Empties slot @index if its oldest call cannot be running any more; 0: a real overflow, counted.
 */
SLOW_PATH int calls_reset_stale(u32 index)
{
	struct task_calls *c = &state.calls[index & (CALL_SLOTS - 1)];

	if (bpf_ktime_get_ns() - c->frame[0].start <= CALL_STALE_NS) {
		lost(depth);
		return 0;
	}
	__sync_fetch_and_add(&state.loss.stale, c->depth);
	c->depth = 0;
	return 1;
}

/*
 * Slot for @task, its own or a new one; NULL: none to be had, counted. *@claimed is set when this
 * call took the slot and has to release it. An interrupt between the claim and the first frame
 * finds a slot of its task with no frame in it: it must not release what the call below it goes on
 * using.
 */
static __always_inline struct task_calls *calls_get(struct session_state *s, u64 task, u32 *claimed)
{
	struct task_calls *c = calls_slot(s, task, 0);
	u64 owner = c->task;

	*claimed = 0;
	if (owner == task)
		return c;
	if (!owner) {
		owner = __sync_val_compare_and_swap(&c->task, 0, task);
		/* Keeps the compiler from merging this test with the one above, by way of a flag.
		 */
		asm volatile("" : "+r"(owner));
		if (!owner) {
			*claimed = 1;
			return c;
		}
	}
	c = calls_at(s, calls_find_next(task));
	if (c)
		return c;
	*claimed = 1;
	return calls_at(s, calls_claim_next(task));
}

SLOW_PATH int filter_passes(void)
{
	u64 comm[2] = {};

	if (config.tgid && bpf_get_current_pid_tgid() >> 32 != config.tgid)
		return false;
	if (!(config.flags & CONFIG_COMM))
		return true;
	bpf_get_current_comm(comm, sizeof(comm));
	return comm[0] == config.comm[0] && comm[1] == config.comm[1];
}

/*
 * Pushes a frame for a call of @op with @id, which the end of the same call will name again. NULL:
 * not wanted, or lost (counted). The caller fills in what else it knows, frame_start() last.
 */
static __always_inline struct call_frame *frame_push(u32 op, u64 id)
{
	struct session_state *s = the_state();
	struct call_frame *f;
	struct task_calls *c;
	u32 claimed;
	u64 depth;

	if (op != OP_CALIBRATE && s->mode != MODE_LIVE) {
		if (s->mode != MODE_FILTER || !filter_passes())
			return NULL;
	}
	c = calls_get(s, bpf_get_current_task(), &claimed);
	if (!c)
		return NULL;
	depth = c->depth;
	if (depth >= CALL_DEPTH) {
		if (!calls_reset_stale(c - s->calls))
			return NULL;
		depth = 0;
	}
	c->depth = depth + 1;
	barrier();
	f = &c->frame[depth];
	f->id = id;
	f->op = op;
	f->owner = claimed;
	f->events = 0;
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
 * Finds the frame that the call of @op with @id pushed. NULL: it pushed none (filtered, begun
 * before the session, or counted as lost then). *@slot and *@index are for frame_pop().
 */
static __always_inline struct call_frame *frame_find(struct session_state *s, u32 op, u64 id,
						     struct task_calls **slot, u64 *index)
{
	struct task_calls *c = calls_find(s, bpf_get_current_task());
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

/* Removes frame @index and what lies above; everything in it must have been read before. */
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
	struct task_calls *c = calls_find(the_state(), bpf_get_current_task());
	u64 i;

	if (!c)
		return NULL;
	i = c->depth - 1;
	return i < CALL_DEPTH ? &c->frame[i] : NULL;
}

#endif
