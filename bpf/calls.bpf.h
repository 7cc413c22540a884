/* SPDX-License-Identifier: GPL-2.0 */
/* The API calls in flight on each task: where a call's start time and nested events are kept. */
#ifndef CALLS_BPF_H
#define CALLS_BPF_H

#include "session.bpf.h"

/*
 * Calls nest strictly last in, first out on one task, interrupts on top of it included, so a stack
 * per task is right under preemption, migration and RT. It lives in an open-addressed table keyed
 * by the task pointer and not in task storage, whose two look-ups alone cost more instructions
 * than everything else a handler does. A task holds a slot only while it is inside the API.
 *
 * One word of a slot says whose it is and what is in it, so that a call with no other around it,
 * which is nearly every one, begins with one compare-and-swap and ends with one store.
 *
 * An interrupt may run the same code on the same task between any two instructions here. It leaves
 * that word as it found it, so it is enough to raise it before filling a frame and to read a frame
 * before lowering it.
 */

#define CALL_PROBES 4
#define CALL_STALE_NS 10000000000ULL /* no DMA API call takes 10 s: its end was missed */

#define barrier() asm volatile("" ::: "memory")

/* A frame's number: the cache line in the table of slots; 0, a slot's first word, is no frame's. */
#define SLOT_LINES (sizeof(struct task_calls) / sizeof(struct call_frame))
#define NO_FRAME 0

/*
 * Slot that @task tries as number @i. Tasks are larger than a page nearly everywhere: those of one
 * slab have page numbers of their own, and so slots.
 */
static __always_inline struct task_calls *calls_slot(struct session_state *s, u64 task, u32 i)
{
	u64 at = ((task >> 12) + i & (CALL_SLOTS - 1)) * sizeof(struct task_calls);

	return at_offset(s, at) + offsetof(struct session_state, calls);
}

static __always_inline u32 frame_number(const struct task_calls *c, u64 index)
{
	return (c - state.calls) * SLOT_LINES + 1 + index;
}

/* Frame of a number, or NULL; and the slot that it is in. */
static __always_inline struct call_frame *frame_at(u32 number, struct task_calls **slot)
{
	u32 line = number, first = number;

	if (number == NO_FRAME)
		return NULL;
	/* The verifier needs masks that the compiler would drop, had it seen both. */
	hide(first);
	*slot = &state.calls[first / SLOT_LINES & (CALL_SLOTS - 1)];
	hide(line);
	return (void *)state.calls +
	       (line & (CALL_SLOTS * SLOT_LINES - 1)) * sizeof(struct call_frame);
}

/* How many calls a slot holds whose owner is @what above the task; 0 also when it is another's. */
static __always_inline u64 calls_depth(u64 what)
{
	if (what - 1 >= TASK_ALIGN - 1)
		return 0;
	return what < CALL_KINDS ? 1 : what - CALLS_NESTED;
}

/*
 * True when call @f in slot @c has been the same for so long that its end was missed. One look does
 * not tell: a call that just began still has the start of the one before it.
 */
static __always_inline bool calls_stale(struct task_calls *c, const struct call_frame *f)
{
	u64 now = bpf_ktime_get_ns(), start = f->start;

	if (c->suspect == start && c->suspect_since)
		return now - c->suspect_since > CALL_STALE_NS && now - start > CALL_STALE_NS;
	c->suspect = start;
	c->suspect_since = now;
	return false;
}

/* Which of the slots that @task tries it holds, the first one; CALL_PROBES: none. */
SLOW_PATH u32 calls_own(u64 task)
{
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < CALL_PROBES; i++)
		if (calls_depth(calls_slot(&state, task, i)->owner - task))
			return i;
	return CALL_PROBES;
}

/* True when the innermost of @depth calls in slot @c was missed to end. */
static __always_inline bool top_stale(struct task_calls *c, u64 depth)
{
	u64 at = depth - 1;

	hide(at); /* as in frame_at() */
	if (!calls_stale(c, &c->frame[at & (SLOT_LINES - 1)]))
		return false;
	c->suspect_since = 0;
	lost(stale);
	return true;
}

/*
 * Begins a call of @kind on top of those in slot @i of @task, or in place of the innermost, where
 * that would stay below all further calls of the task. Nothing nests so deep that it fills a slot:
 * that is full of calls that were missed to end, so all are given up.
 */
static __always_inline u32 calls_nest(u64 task, u32 kind, u32 i)
{
	struct task_calls *c = calls_slot(&state, task, i);
	u64 what = c->owner - task, depth = calls_depth(what);

	if (depth && top_stale(c, depth))
		depth--;
	if (depth >= CALL_DEPTH) {
		__sync_fetch_and_add(&state.loss.stale, depth);
		depth = 0;
	}
	/* If there were more, the first one's is there. */
	if (depth == 1 && what < CALL_KINDS)
		c->frame[0].kind = what;
	c->owner = task + (depth ? CALLS_NESTED + depth + 1 : kind);
	barrier();
	c->frame[depth].kind = kind;
	return frame_number(c, depth);
}

SLOW_PATH int filter_passes(void)
{
	u64 comm[2] = {};

	if (config.tgid && current_tgid() != config.tgid)
		return false;
	if (!(config.flags & CONFIG_COMM))
		return true;
	bpf_get_current_comm(comm, sizeof(comm));
	return comm[0] == config.comm[0] && comm[1] == config.comm[1];
}

/* Known before load: without a filter its function goes. */
#define FILTERED (config.tgid || config.flags & CONFIG_COMM)

static __always_inline bool kind_wanted(u32 kind)
{
	return CALL_KIND_OP(kind) == OP_CALIBRATE || state.mode == MODE_LIVE ||
	       (state.mode == MODE_FILTER && FILTERED && filter_passes());
}

/*
 * Takes slot @i for a call of @kind of @task if it is free, or its owner's call cannot be running
 * any more; the number of its first frame or NO_FRAME.
 */
static __always_inline u32 calls_claim(u64 task, u32 kind, u32 i)
{
	struct task_calls *c = calls_slot(&state, task, i);
	u64 owner = c->owner;

	if (owner && !calls_stale(c, &c->frame[0]))
		return NO_FRAME;
	if (__sync_val_compare_and_swap(&c->owner, owner, task + kind) != owner)
		return NO_FRAME;
	if (owner) {
		c->suspect_since = 0;
		__sync_fetch_and_add(&state.loss.stale, calls_depth(owner % TASK_ALIGN));
	}
	return frame_number(c, 0);
}

/*
 * Begins a call of @kind if it is wanted at all, inside another of the task's calls or in a slot
 * that can be had. Returns its frame's number; NO_FRAME: not wanted, or lost, and counted.
 */
SLOW_PATH u32 calls_push(u64 task, u32 kind)
{
	u32 number, own;

	if (!kind_wanted(kind))
		return NO_FRAME;
	own = calls_own(task);
	if (own < CALL_PROBES)
		return calls_nest(task, kind, own);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < CALL_PROBES; i++) {
		number = calls_claim(task, kind, i);
		if (number != NO_FRAME)
			return number;
	}
	lost(calls_full);
	return NO_FRAME;
}

/*
 * Gives a slot back. A suspicion ends with what it was of: the next call begins with none. An
 * exchange, as arm64 may let a plain store overtake what this call read and wrote in its frame,
 * which is another CPU's from then on; BPF has no cheaper release before 6.15.
 */
static __always_inline void calls_release(struct task_calls *c)
{
	c->suspect_since = 0;
	__sync_lock_test_and_set(&c->owner, 0);
}

/* Ends the call of frame @number and those inside it; all of it must have been read before. */
static __always_inline void calls_pop(u32 number)
{
	u64 task, inside, depth = (number - 1) % SLOT_LINES;
	struct task_calls *c;

	if (!frame_at(number, &c))
		return;
	task = c->owner & -TASK_ALIGN;
	inside = calls_depth(c->owner - task) - 1 - depth;
	if (inside && inside < CALL_DEPTH)
		__sync_fetch_and_add(&state.loss.stale, inside);
	if (!depth)
		calls_release(c);
	else
		c->owner = task + (depth == 1 ? c->frame[0].kind : CALLS_NESTED + depth);
}

/* Number of the innermost frame of @task, or NO_FRAME. */
SLOW_PATH u32 calls_top(u64 task)
{
	struct task_calls *c = calls_slot(&state, task, calls_own(task));
	u64 depth = calls_depth(c->owner - task);

	return depth ? frame_number(c, depth - 1) : NO_FRAME;
}

/*
 * Begins a call of @kind. NULL: not wanted, or lost (counted). The caller fills the frame,
 * frame_start() last.
 */
static __always_inline struct call_frame *frame_push(u32 kind)
{
	u64 task = bpf_get_current_task(), owner;
	struct session_state *s = the_state();
	struct task_calls *c;

	if (CALL_KIND_OP(kind) == OP_CALIBRATE || !unlikely(s->mode != MODE_LIVE)) {
		c = calls_slot(s, task, 0);
		hide(c);
		owner = __sync_val_compare_and_swap(&c->owner, 0, task + kind);
		hide(owner); /* the compiler would make it a flag first */
		if (!unlikely(owner))
			return &c->frame[0];
	}
	return frame_at(calls_push(task, kind), &c);
}

/* The same for calls that are made inside one other. */
static __always_inline struct call_frame *frame_push_inner(u32 kind)
{
	u64 what, task = bpf_get_current_task();
	struct session_state *s = the_state();
	struct task_calls *c = calls_slot(s, task, 0);

	what = c->owner - task;
	if (unlikely(s->mode != MODE_LIVE || what >= CALL_KINDS))
		return frame_at(calls_push(task, kind), &c);
	c->frame[0].kind = what;
	c->owner = task + CALLS_NESTED + 2;
	barrier();
	c->frame[1].kind = kind;
	return &c->frame[1];
}

/* @id: what the end of the same call will name again. */
static __always_inline int frame_start(struct call_frame *f, u64 id, u64 dev, u64 events)
{
	f->id = id;
	f->dev = dev;
	f->events = events;
	f->start = bpf_ktime_get_ns();
	return 0;
}

/* Number of @task's frame of @kind and @id, the innermost; NO_FRAME: none. */
static __noinline u32 frame_search(u64 task, u32 kind, u64 id)
{
	struct task_calls *c = calls_slot(&state, task, calls_own(task));
	u64 what = c->owner - task, depth = calls_depth(what);

	if (depth == 1)
		c->frame[0].kind = what;
#pragma clang loop unroll(disable)
	for (u64 above = 0; above < CALL_DEPTH; above++) {
		u64 at = depth - 1 - above;
		struct call_frame *f;

		if (at >= CALL_DEPTH)
			break;
		hide(at); /* as in frame_at() */
		f = &c->frame[at & (SLOT_LINES - 1)];
		if (f->id != id || f->kind != kind)
			continue;
		return frame_number(c, at);
	}
	return NO_FRAME;
}

/* @task's frame of @kind and @id if it is where a call's frame nearly always is; or NULL. */
static __always_inline struct call_frame *frame_expected(struct task_calls *c, u64 task, u32 kind,
							 u64 id, bool inner)
{
	struct call_frame *f = &c->frame[inner];

	if (c->owner != task + (inner ? CALLS_NESTED + 2 : kind) || f->id != id)
		return NULL;
	return inner && f->kind != kind ? NULL : f;
}

/* The frame that frame_take() would take. */
static __always_inline struct call_frame *frame_find(u32 kind, u64 id, bool inner)
{
	u64 task = bpf_get_current_task();
	struct task_calls *c = calls_slot(the_state(), task, 0);
	struct call_frame *f = frame_expected(c, task, kind, id, inner);

	return f ?: frame_at(frame_search(task, kind, id), &c);
}

/* What the end of a call needs of its frame. */
struct call_begun {
	struct session_state *state; /* kept: the address takes several instructions */
	u64 ns;			     /* how long ago it began */
	u64 dev;
	u64 events;
};

static __always_inline void frame_read(const struct call_frame *f, u64 now, struct call_begun *b)
{
	u64 ns = now - f->start;

	hide(ns);
	b->ns = ns;
	b->dev = f->dev;
	b->events = f->events;
	barrier();
}

/*
 * Takes out the frame that the call of @kind with @id, which ends at @now, pushed. False: it pushed
 * none (filtered, begun before the session, or counted as lost then). @inner: frame_push_inner()
 * did.
 */
static __always_inline bool frame_take(u32 kind, u64 id, bool inner, u64 now, struct call_begun *b)
{
	struct session_state *s = the_state();
	u64 task = bpf_get_current_task();
	struct task_calls *c = calls_slot(s, task, 0);
	struct call_frame *f = frame_expected(c, task, kind, id, inner);
	u32 number;

	b->state = s;
	if (!unlikely(!f)) {
		frame_read(f, now, b);
		if (inner)
			c->owner = task + c->frame[0].kind;
		else
			calls_release(c);
		return true;
	}
	number = frame_search(task, kind, id);
	f = frame_at(number, &c);
	if (!f)
		return false;
	frame_read(f, now, b);
	calls_pop(number);
	return true;
}

/* Innermost API call that runs on this task, and its @kind; NULL: none. */
static __always_inline struct call_frame *frame_top(u32 *kind)
{
	u64 task = bpf_get_current_task();
	struct task_calls *c = calls_slot(the_state(), task, 0);
	u64 what = c->owner - task;
	struct call_frame *f;

	*kind = what;
	if (!unlikely(what >= CALL_KINDS))
		return &c->frame[0];
	f = frame_at(calls_top(task), &c);
	if (!f)
		return NULL;
	what = c->owner & TASK_ALIGN - 1;
	*kind = what < CALL_KINDS ? what : f->kind;
	return f;
}

#endif
