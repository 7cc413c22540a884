/* SPDX-License-Identifier: GPL-2.0 */
/* The dma-buf chain around the DMA API: mappings of buffers, and TLB flushes that are put off. */
#ifndef CHAIN_BPF_H
#define CHAIN_BPF_H

#include "hooks.bpf.h"

/*
 * What such a call is of is read at its begin and kept in its frame on every rung: it is about one
 * operation for user space to wait for, not about a hot path.
 */
#define CHAIN_KIND CALL_KIND(OP_CHAIN, 0)

static __always_inline u64 vma_pages(u64 at)
{
	struct vm_area_struct *vma = (void *)at;

	return (BPF_CORE_READ(vma, vm_end) - BPF_CORE_READ(vma, vm_start)) >> config.page_shift;
}

static __always_inline u64 dmabuf_pages(u64 at)
{
	return BPF_CORE_READ((struct dma_buf *)at, size) >> config.page_shift;
}

/* The kernel calls its flush functions whether there is anything to flush or not. */
static __always_inline bool flush_due(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, tlb_ubc.flush_required);
}

static __always_inline bool flush_dirty_due(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, tlb_ubc.writable) && flush_due();
}

/* mm/rmap.c: batches put off in the low half, those flushed since in the high one. */
static __always_inline bool flush_mm_due(u64 mm)
{
	u32 batch = BPF_CORE_READ((struct mm_struct *)mm, tlb_flush_batched.counter);

	return (batch & 0x7fff) != batch >> 16;
}

/* The innermost call of the task is one of @op of the chain: its frame, else NULL. */
static __always_inline struct call_frame *chain_top(u32 op)
{
	u32 kind;
	struct call_frame *f = frame_top(&kind);

	return f && kind == CHAIN_KIND && ROW_TAG_CHAIN_OP(f->tag) == op ? f : NULL;
}

/* A step of an mmap(): its frame counts them where others count bounces. */
static __always_inline int remap_step(void)
{
	struct call_frame *f = chain_top(OP_DMABUF_MMAP);

	if (f)
		f->bounces++;
	return 0;
}

/*
 * @pages of a vmap() are mapped as one run. Of the pages that are not in one each is a step, and so
 * are all on kernels that know no runs: what is counted is the steps that runs save.
 */
static __always_inline int vmap_run(u64 pages)
{
	struct call_frame *f = chain_top(OP_VMAP);

	if (f)
		f->bounces += (u32)pages - 1;
	return 0;
}

static __always_inline u32 *tlb_deferred(void)
{
	return &state.tlb_deferred[bpf_get_current_task() >> 12 & (TLB_SLOTS - 1)];
}

/* A page's flush is put off. @pte: what was mapped; what was not valid needs none. */
static __always_inline int tlb_defer(u64 pte)
{
	if (pte & 1 && kind_wanted(CHAIN_KIND))
		__sync_fetch_and_add(tlb_deferred(), 1);
	return 0;
}

static __always_inline int chain_begin(u32 op, u32 variant, u64 id, u64 pages)
{
	struct call_frame *f;

	/* One of these functions calls another. */
	if (op == OP_TLB_FLUSH && chain_top(op))
		return 0;
	f = frame_push(CHAIN_KIND);
	if (!f)
		return 0;
	f->tag = ROW_TAG_CHAIN(op, variant);
	f->nents = pages;
	f->size = op == OP_TLB_FLUSH ? 0 : pages << config.page_shift;
	return frame_start(f, id, NO_DEV, 0);
}

/* What is known of a call only when it ends. */
static __always_inline void chain_complete(u32 op, u32 variant, struct call *c,
					   struct call_begun *b)
{
	struct call_frame *outer;
	u32 steps;

	if (op == OP_TLB_FLUSH && variant < 2)
		c->nents = __sync_lock_test_and_set(tlb_deferred(), 0);
	if (op != OP_VMAP)
		return;
	steps = c->nents - (u32)(b->events >> 32);
	b->events = (u64)steps << 32;
	outer = chain_top(OP_DMABUF_VMAP);
	if (outer)
		outer->bounces += steps;
}

static __always_inline int chain_end(struct call_place place, u32 op, u32 variant, u64 id, u64 now,
				     bool failed)
{
	struct call_frame *f = frame_find(CHAIN_KIND, id, false);
	struct call_program p = { op, variant };
	struct call_begun b;
	struct row_value *v;
	struct call c;
	u32 at;

	if (!f)
		return 0;
	call_single(&c, f->size);
	c.nents = f->nents;
	if (!frame_take(CHAIN_KIND, id, false, now, &b))
		return 0;
	b.events &= ~0ULL << 32;
	chain_complete(op, variant, &c, &b);
	if (op == OP_VMAP && config.flags & CONFIG_VMAP_STEPS)
		return 0;
	v = row_value(b.state, row_find(b.state, b.dev, ROW_TAG_CHAIN(op, variant)), &at);
	if (!v)
		return 0;
	return call_add(place, p, v, &at, &b, &c, failed);
}

/*
 * A hook: its operation and which of the functions that serve it; what tells its calls in flight
 * apart, their pages, whether this call is one at all, and whether it failed.
 */
#define CHAIN_ARGS(base, op, variant, id, pages, due, failed)                                      \
	enum { base##_op = op, base##_variant = variant };                                         \
	static __always_inline u64 base##_id(ARGS)                                                 \
	{                                                                                          \
		return id;                                                                         \
	}                                                                                          \
	static __always_inline bool base##_due(ARGS)                                               \
	{                                                                                          \
		return due;                                                                        \
	}                                                                                          \
	static __always_inline u64 base##_pages(ARGS)                                              \
	{                                                                                          \
		return pages;                                                                      \
	}                                                                                          \
	static __always_inline bool base##_failed(u64 ret)                                         \
	{                                                                                          \
		return failed;                                                                     \
	}

/* dma_buf_mmap_internal(file, vma): mmap(2) of a buffer */
CHAIN_ARGS(dmabuf_mmap, OP_DMABUF_MMAP, 0, a1, vma_pages(a1), true, (int)ret)
/* dma_buf_mmap(dmabuf, vma, pgoff): by a driver, into what it was asked to map */
CHAIN_ARGS(dmabuf_mmap_kernel, OP_DMABUF_MMAP, 1, a1, vma_pages(a1), true, (int)ret)
/* dma_buf_vmap(dmabuf, map) */
CHAIN_ARGS(dmabuf_vmap, OP_DMABUF_VMAP, 0, a0, dmabuf_pages(a0), true, (int)ret)
/* vmap(pages, count, flags, prot); programs may not read the pointer to pointers */
CHAIN_ARGS(vmap, OP_VMAP, 0, 3, (u32)a1, true, !ret)
/* try_to_unmap_flush(void), try_to_unmap_flush_dirty(void): all that this task has put off */
CHAIN_ARGS(tlb_flush, OP_TLB_FLUSH, 0, 1, 0, flush_due(), false)
CHAIN_ARGS(tlb_flush_dirty, OP_TLB_FLUSH, 1, 2, 0, flush_dirty_due(), false)
/* flush_tlb_batched_pending(mm): what any task has put off of an address space */
CHAIN_ARGS(tlb_flush_mm, OP_TLB_FLUSH, 2, a0, 0, flush_mm_due(a0), false)
/* ptep_clear_flush(vma, address, ptep): a page at once */
CHAIN_ARGS(tlb_flush_page, OP_TLB_FLUSH, 3, a1, 1, true, false)

/*
 * X(base, nret): nret is the number of arguments. ptep_clear_flush() returns a structure, of which
 * BPF trampolines are not made.
 */
#define CHAIN_HOOKS(X)                                                                             \
	X(dmabuf_mmap, 2)                                                                          \
	X(dmabuf_mmap_kernel, 3)                                                                   \
	X(dmabuf_vmap, 2)                                                                          \
	X(vmap, 4)                                                                                 \
	X(tlb_flush, 0)                                                                            \
	X(tlb_flush_dirty, 0)                                                                      \
	X(tlb_flush_mm, 1)

#define CHAIN_TRAMPOLINE(base, nret)                                                               \
	static __always_inline int base##_begin(u64 *ctx)                                          \
	{                                                                                          \
		if (!base##_due(CTX_ARGS(ctx)))                                                    \
			return 0;                                                                  \
		return chain_begin(base##_op, base##_variant, base##_id(CTX_ARGS(ctx)),            \
				   base##_pages(CTX_ARGS(ctx)));                                   \
	}                                                                                          \
	static __always_inline int base##_end(u64 *ctx, u64 now)                                   \
	{                                                                                          \
		return chain_end((struct call_place){ ctx }, base##_op, base##_variant,            \
				 base##_id(CTX_ARGS(ctx)), now, base##_failed(ctx[nret]));         \
	}                                                                                          \
	TRAMPOLINE_PROGRAMS(base)

CHAIN_HOOKS(CHAIN_TRAMPOLINE)

SEC("?fentry") int remap_step_entry(u64 *ctx)
{
	return remap_step();
}

/* vmap_pages_run(addr, pte, page, nr, prot), of this project's kernel patches */
SEC("?fentry") int vmap_run_entry(u64 *ctx)
{
	return vmap_run(ctx[3]);
}

/* set_tlb_ubc_flush_pending(mm, pteval, ...) */
SEC("?fentry") int tlb_defer_entry(u64 *ctx)
{
	return tlb_defer(ctx[1]);
}

#ifdef REGS
#define CHAIN_KPROBE(base, nret)                                                                   \
	SEC("?kprobe") int base##_kprobe(REGS *r)                                                  \
	{                                                                                          \
		if (!base##_due(REG_ARGS(r)))                                                      \
			return 0;                                                                  \
		return chain_begin(base##_op, base##_variant, REG_ENTRY_SP(r),                     \
				   base##_pages(REG_ARGS(r)));                                     \
	}                                                                                          \
	SEC("?kprobe") int base##_return(REGS *r)                                                  \
	{                                                                                          \
		u64 now = bpf_ktime_get_ns();                                                      \
                                                                                                   \
		return chain_end((struct call_place){ r, REG_LR(r) }, base##_op, base##_variant,   \
				 REG_RETURN_SP(r), now, base##_failed(REG_RET(r)));                \
	}

CHAIN_HOOKS(CHAIN_KPROBE)
CHAIN_KPROBE(tlb_flush_page, 3)

SEC("?kprobe") int remap_step_kprobe(REGS *r)
{
	return remap_step();
}

SEC("?kprobe") int vmap_run_kprobe(REGS *r)
{
	return vmap_run(REG_ARG3(r));
}

SEC("?kprobe") int tlb_defer_kprobe(REGS *r)
{
	return tlb_defer(REG_ARG1(r));
}
#endif

#endif
