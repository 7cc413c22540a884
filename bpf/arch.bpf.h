/* SPDX-License-Identifier: GPL-2.0 */
/* Events inside API calls: arch-level calls, barriers, bounce buffers. */
#ifndef ARCH_BPF_H
#define ARCH_BPF_H

#include "api.bpf.h"

#define SYNC_BARRIER !!(config.flags & CONFIG_SYNC_BARRIER)

/* Those of variant 1 leave their barrier to the flush. */
#define ARCH_ATTRS(variant) ROW_TAG(0, 0, (variant) ? CALL_BATCHED : 0)

/* The innermost API call runs a barrier. */
static __always_inline int count_dsb(void)
{
	u64 task = bpf_get_current_task();
	struct task_calls *c = calls_slot(the_state(), task, 0);
	struct call_frame *f;

	if (!unlikely(c->owner - task >= CALL_KINDS)) {
		c->frame[0].dsb++;
		return 0;
	}
	f = frame_at(calls_top(task), &c);
	if (f)
		f->dsb++;
	else if (state.mode)
		lost(orphan_dsb);
	return 0;
}

/*
 * arch_sync_dma_for_cpu() returns at once for DMA_TO_DEVICE: the device only read, so there is
 * nothing to invalidate (arm64, all versions).
 */
static __always_inline int count_dsb_for_cpu(u32 dir)
{
	return dir == DIR_TO_DEVICE ? 0 : count_dsb();
}

#define OPS_MAP (1 << OP_MAP_SG | 1 << OP_MAP_PAGE | 1 << OP_IOVA_LINK)
#define OPS_UNMAP (1 << OP_UNMAP_SG | 1 << OP_UNMAP_PAGE | 1 << OP_IOVA_UNLINK)
#define OPS_SYNC                                                                                   \
	(1 << OP_SYNC_SG_FOR_DEVICE | 1 << OP_SYNC_SG_FOR_CPU | 1 << OP_SYNC_SINGLE_FOR_DEVICE |   \
	 1 << OP_SYNC_SINGLE_FOR_CPU)

/*
 * The innermost API call sends an entry through a bounce buffer. @ops: calls in which the hooked
 * function stands for one: an unmap first syncs the bounce buffer, then gives it back.
 */
static __always_inline int count_bounce(u32 ops)
{
	u32 kind;
	struct call_frame *f = frame_top(&kind);

	if (f && ops >> CALL_KIND_OP(kind) & 1)
		f->bounces++;
	return 0;
}

/*
 * The device of an arch-level call that just ended is the one of the API call around it, if there
 * is one; its barriers are that one's too.
 */
static __always_inline u64 arch_end(const struct call_begun *b)
{
	u32 dsb = b->events, kind;
	struct call_frame *outer = frame_top(&kind);

	if (outer) {
		outer->dsb += dsb;
		return outer->dev;
	}
	if (dsb)
		__sync_fetch_and_add(&state.loss.orphan_dsb, dsb);
	return NO_DEV;
}

#endif
