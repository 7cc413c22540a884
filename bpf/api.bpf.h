/* SPDX-License-Identifier: GPL-2.0 */
/* Begin and end of a DMA API call, whatever way the probe was attached. */
#ifndef API_BPF_H
#define API_BPF_H

#include "calls.bpf.h"
#include "rows.bpf.h"
#ifdef EXTRAS
#include "stacks.bpf.h"
#endif

#define DMA_ATTR_SKIP_CPU_SYNC (1UL << 5)
#define DMA_ATTR_MMIO (1UL << 10)

/* What the arguments tell of a call besides device, id, direction and attributes. */
struct call {
	u64 list; /* struct scatterlist *; 0: none, or the id is it */
	u64 size; /* bytes of a single buffer; 0 for lists */
	u32 nents;
	bool list_is_id; /* known when the program is built, as a pointer can only be read typed */
};

static __always_inline u32 call_attrs(unsigned long attrs)
{
	return (attrs & DMA_ATTR_SKIP_CPU_SYNC ? CALL_SKIP_CPU_SYNC : 0) |
	       (attrs & DMA_ATTR_MMIO ? CALL_MMIO : 0);
}

static __always_inline u32 call_tag(u32 op, u32 dir, unsigned long attrs)
{
	return ROW_TAG(op, dir & 3, call_attrs(attrs));
}

/* dma_iova_destroy() calls dma_iova_unlink() in some builds: one unlink all the same. */
#define KIND_IOVA_UNLINK CALL_KIND(OP_IOVA_UNLINK, 0)
#define KIND_IOVA_DESTROY CALL_KIND(OP_IOVA_UNLINK, 1)

static __always_inline bool part_of_outer(u32 kind, u64 id)
{
	struct call_frame *f;
	u32 outer;

	if (kind != KIND_IOVA_UNLINK)
		return false;
	f = frame_top(&outer);
	return f && outer == KIND_IOVA_DESTROY && (f->id == id || f->list == id);
}

/* Frame of an API call that begins, to be filled and started; NULL: none to be recorded. */
static __always_inline struct call_frame *call_enter(u32 op, u32 variant, u64 id)
{
	u32 kind = CALL_KIND(op, variant);

	return part_of_outer(kind, id) ? NULL : frame_push(kind);
}

/* How far a failed map came: what it synchronised before it gave up. */
SLOW_PATH u32 failed_entries(u32 at, u64 sgl, u32 nents, u64 events)
{
	u32 row = ROW_OF(at, config.cpus, config.max_rows);
	struct row_info *info = bpf_map_lookup_elem(&row_infos, &row);

	/*
	 * dma-iommu synchronises the whole list before it maps anything, unless it goes entry by
	 * entry for the sake of those that bounce: then those are known.
	 */
	if (info && info->flags & DEV_IOMMU)
		return events >> 32 ? failed_bounces(events) : nents;
	return sgl ? sg_mapped_before_error(sgl, nents) : 0;
}

/* Where the stack of a call begins: the program's context and, in a kprobe, the return address. */
struct call_place {
	void *ctx;
	u64 lr;
};

/* What the end of a call leaves to be done: see stacks.bpf.h. */
static __always_inline void call_stack(struct call_place place, u32 program, u32 at, u32 extras,
				       u64 bytes, const struct row_call *c)
{
#ifdef EXTRAS
	if (config.flags & CONFIG_STACKS && extras & EXTRA_STACKS)
		stack_add_call(place.ctx, place.lr, program, at, c, bytes);
#endif
}

static __always_inline void failed_stack(struct call_place place, u32 program, u32 at, u32 entries,
					 u64 events)
{
#ifdef EXTRAS
	if (config.flags & CONFIG_STACKS && state.single_extras & EXTRA_STACKS)
		stack_add_failed(place.ctx, place.lr, program, at, entries, events);
#endif
}

/* What a program is: @variant keeps apart those that serve the same operation. */
struct call_program {
	u32 op;
	u32 variant;
	const u64 *list; /* where a list's typed pointer is when its call does not tell, or NULL */
};

static __always_inline void call_add_failed(struct call_place place, struct call_program p,
					    struct row_value *v, u32 at, const struct row_call *c)
{
	u32 entries = failed_entries(at, c->of_list ? row_list(v, c) : 0, c->entries, c->events);

	counts_add_failed(&v->sum, entries, c->events);
	failed_stack(place, STACK_PROGRAM(p.op, p.variant), at, entries, c->events);
}

/* Adds call @c, which began as @b, and whose row has its value @v at index @at. */
static __always_inline int call_add(struct call_place place, struct call_program p,
				    struct row_value *v, u32 *at, const struct call_begun *b,
				    const struct call *c, bool failed)
{
	const bool typed = p.list && c->list_is_id;
	struct session_state *s = b->state;
	u32 extras = OP_IS_LIST(p.op) ? s->list_extras : s->single_extras;
	struct row_call add = {
		.list = typed ? p.list : &c->list,
		.size = c->size,
		.events = b->events,
		.ns = b->ns,
		.entries = c->nents & S32_MAX,
		.of_list = OP_IS_LIST(p.op),
		.typed = typed,
	};

	/* Known when the program is built. Processes are not told of the chain: see take_proc(). */
	if (p.op >= OP_CHAIN)
		extras &= ~(EXTRA_PROCS | EXTRA_STORMS);
	if (unlikely(failed)) {
		call_add_failed(place, p, v, *at, &add);
		return 0;
	}
	row_add_call(s, v, at, &add);
	if (unlikely(extras | add.events || !add.entries)) {
		u64 bytes = row_add_rest(v, at, &add, extras);

		call_stack(place, STACK_PROGRAM(p.op, p.variant), *at, extras, bytes, &add);
	}
	return 0;
}

#endif
