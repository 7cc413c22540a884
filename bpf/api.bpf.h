/* SPDX-License-Identifier: GPL-2.0 */
/* Begin and end of a DMA API call, whatever way the probe was attached. */
#ifndef API_BPF_H
#define API_BPF_H

#include "calls.bpf.h"
#include "rows.bpf.h"
#ifdef STACKS
#include "stacks.bpf.h"
#endif

#define DMA_ATTR_SKIP_CPU_SYNC (1UL << 5)
#define DMA_ATTR_MMIO (1UL << 10)

/*
 * A call as its arguments tell it. In trampolines the pointers among them are typed: they may be
 * stored and compared, but only what is read back from the frame may be reckoned with.
 */
struct call {
	u64 id;	  /* tells calls of one operation in flight on one task apart */
	u64 dev;  /* struct device * */
	u64 list; /* struct scatterlist *, LIST_IS_ID, or 0 */
	u64 size; /* bytes of a single buffer; 0 for lists */
	u32 nents;
	u32 tag;
};

#define LIST_IS_ID 1

static __always_inline u32 call_attrs(unsigned long attrs)
{
	return (attrs & DMA_ATTR_SKIP_CPU_SYNC ? CALL_SKIP_CPU_SYNC : 0) |
	       (attrs & DMA_ATTR_MMIO ? CALL_MMIO : 0);
}

static __always_inline u32 call_tag(u32 op, u32 dir, unsigned long attrs)
{
	return ROW_TAG(op, dir & 3, call_attrs(attrs));
}

/*
 * What a frame says it is of: the operation and, above it, which of the functions that serve it.
 */
#define FRAME_OP(op, variant) ((op) | (variant) << 8)

/* dma_iova_destroy() calls dma_iova_unlink() in some builds: one unlink all the same. */
#define FRAME_IOVA_DESTROY FRAME_OP(OP_IOVA_UNLINK, 1)

static __always_inline bool part_of_outer(u32 frame_op, u64 id)
{
	struct call_frame *f;

	if (frame_op != FRAME_OP(OP_IOVA_UNLINK, 0))
		return false;
	f = frame_top();
	return f && f->op == FRAME_IOVA_DESTROY && (f->id == id || f->list == id);
}

static __always_inline int call_enter(const struct call *c, u32 variant)
{
	u32 frame_op = FRAME_OP(ROW_TAG_OP(c->tag), variant);
	struct call_frame *f;

	if (part_of_outer(frame_op, c->id))
		return 0;
	f = frame_push(frame_op, c->id);
	if (!f)
		return 0;
	f->dev = c->dev;
	frame_start(f);
	return 0;
}

/* How far a failed map came: what it synchronised before it gave up. */
SLOW_PATH u32 failed_entries(u32 row, u64 sgl, u32 nents)
{
	struct row_info *info = bpf_map_lookup_elem(&row_infos, &row);

	/* dma-iommu synchronises the whole list before it maps anything. */
	if (info && info->flags & DEV_IOMMU)
		return nents;
	return sgl ? sg_mapped_before_error(sgl, nents) : 0;
}

/* Where the stack of a call begins: the program's context and, in a kprobe, the return address. */
struct call_place {
	void *ctx;
	u64 lr;
};

/* What the end of a call leaves to be done: see stacks.bpf.h. */
static __always_inline void call_stack(struct call_place at, u32 program, u32 value, u32 entries,
				       u64 bytes, u64 events, u64 ns)
{
#ifdef STACKS
	if (state.extras & EXTRA_STACKS)
		stack_add_call(at.ctx, at.lr, program, value, entries, bytes, events, ns);
#endif
}

static __always_inline void failed_stack(struct call_place at, u32 program, u32 value, u32 entries,
					 u32 dsb)
{
#ifdef STACKS
	if (state.extras & EXTRA_STACKS)
		stack_add_failed(at.ctx, at.lr, program, value, entries, dsb);
#endif
}

/*
 * Ends call @c at time @now. @variant keeps programs apart that serve the same operation: see
 * row_add_call().
 */
static __always_inline int call_exit(struct call_place place, u64 now, const struct call *c,
				     bool failed, u32 variant)
{
	u32 op = ROW_TAG_OP(c->tag);
	struct session_state *s = the_state();
	u64 index, dev, list, events, ns, bytes;
	struct task_calls *slot;
	struct call_frame *f;
	u32 row, at, entries;

	f = frame_find(s, FRAME_OP(op, variant), c->id, &slot, &index);
	if (!f)
		return 0;
	ns = now - f->start;
	/* From the frame: the verifier lets no arithmetic be done on a pointer argument. */
	dev = f->dev;
	/* Volatile: the compiler knows that it equals the pointer argument, and would take that. */
	list = c->list == LIST_IS_ID ? *(volatile u64 *)&f->id : c->list;
	events = f->events;
	frame_pop(slot, index, f->owner);

	row = row_find(s, dev, c->tag | variant << 24);
	if (failed) {
		entries = failed_entries(row, list, c->nents);
		at = row_add_failed(row, entries, events);
		failed_stack(place, STACK_PROGRAM(op, variant), at, entries, events);
		return 0;
	}
	at = row_add_call(s, row, c->nents, c->size, ns);
	if (events | s->extras || !c->nents) {
		bytes = row_add_rest(at, c->list ? c->nents | ENTRIES_OF_LIST : c->nents,
				     c->list ? list : c->size, events, ns);
		call_stack(place, STACK_PROGRAM(op, variant), at, c->nents, bytes, events, ns);
	}
	return 0;
}

#endif
