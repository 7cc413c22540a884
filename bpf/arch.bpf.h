/* SPDX-License-Identifier: GPL-2.0 */
/* Events inside API calls: arch-level calls, barriers, bounce buffers. */
#ifndef ARCH_BPF_H
#define ARCH_BPF_H

#include "api.bpf.h"

#define SYNC_BARRIER !!(config.flags & CONFIG_SYNC_BARRIER)

/* The innermost API call runs a barrier. */
static __always_inline int count_dsb(void)
{
	struct call_frame *f = frame_top();

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
	struct call_frame *f = frame_top();

	if (f && ops >> (f->op & 31) & 1)
		f->bounces++;
	return 0;
}

/* Begins an arch-level call that runs @barriers barriers itself. */
static __always_inline int arch_enter(const struct call *c, u32 barriers)
{
	struct call_frame *f = frame_push(ROW_TAG_OP(c->tag), c->id);

	if (!f)
		return 0;
	f->dev = 0;
	f->dsb = barriers;
	frame_start(f);
	return 0;
}

/* Ends an arch-level call; its device is the one of the API call around it, if there is one. */
static __always_inline int arch_exit(struct call_place place, u64 now, const struct call *c)
{
	struct session_state *s = the_state();
	struct task_calls *slot;
	struct call_frame *f;
	u64 index, ns, events, dev = NO_DEV;
	u32 row, at;

	f = frame_find(s, ROW_TAG_OP(c->tag), c->id, &slot, &index);
	if (!f)
		return 0;
	ns = now - f->start;
	events = f->events;
	if (index && index - 1 < CALL_DEPTH) {
		struct call_frame *outer = &slot->frame[index - 1];

		dev = outer->dev;
		outer->dsb += f->dsb;
	} else if (f->dsb) {
		__sync_fetch_and_add(&state.loss.orphan_dsb, f->dsb);
	}
	frame_pop(slot, index, f->owner);
	row = row_find(s, dev, c->tag);
	at = row_add_call(s, row, c->nents, c->size, ns);
	row_add_rest(at, c->nents, c->size, events, ns);
	call_stack(place, STACK_PROGRAM(ROW_TAG_OP(c->tag), 0), at, c->nents, c->size, events, ns);
	return 0;
}

#endif
