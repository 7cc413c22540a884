/* SPDX-License-Identifier: GPL-2.0 */
/* Programs for kprobes: the rung for kernels without BPF trampolines (arm64 6.1). */
#ifndef KPROBE_BPF_H
#define KPROBE_BPF_H

#include "hooks.bpf.h"
#include "arch.bpf.h"

#if defined(__TARGET_ARCH_arm64)
#define REGS struct user_pt_regs
#define REG_ARGS(r)                                                                                \
	r->regs[0], r->regs[1], r->regs[2], r->regs[3], r->regs[4], r->regs[5], r->regs[6]
#define REG_ARG2(r) r->regs[2]
#define REG_RET(r) r->regs[0]
#define REG_LR(r) r->regs[30]
#define REG_ENTRY_SP(r) r->sp
#define REG_RETURN_SP(r) r->sp /* the return address is in a register: sp is that of the entry */
#elif defined(__TARGET_ARCH_x86)
#define REGS struct pt_regs
/* The seventh argument is on the stack; no hooked function needs it: dma_iova_link's attributes */
#define REG_ARGS(r) r->di, r->si, r->dx, r->cx, r->r8, r->r9, 0
#define REG_ARG2(r) r->dx
#define REG_RET(r) r->ax
#define REG_LR(r) 0 /* on the stack, where unwinders find it */
#define REG_ENTRY_SP(r) r->sp
#define REG_RETURN_SP(r) (r->sp - 8) /* the return has popped the return address */
#else
#error "no register names for this architecture"
#endif

/*
 * The end of a call, at a RET or in a kretprobe, sees no arguments, so they are kept in its frame,
 * and the stack pointer, which no two calls in flight on one task share, is its id. It is the same
 * at both: a BPF trampoline of another tool, which calls the function, could change it, and what
 * is lost then is counted as stale.
 */
static __always_inline int kprobe_enter(const struct call *c, u64 sp, u32 variant)
{
	u32 frame_op = FRAME_OP(ROW_TAG_OP(c->tag), variant);
	struct call_frame *f;

	if (part_of_outer(frame_op, c->id))
		return 0;
	f = frame_push(frame_op, sp);
	if (!f)
		return 0;
	f->dev = c->dev;
	/* Of a single buffer the list is nothing, and its place keeps the id: see part_of_outer().
	 */
	f->list = c->list == LIST_IS_ID || !c->list ? c->id : c->list;
	f->size = c->size;
	f->nents = c->nents;
	f->tag = c->tag;
	frame_start(f);
	return 0;
}

static __always_inline bool kprobe_call(struct call *c, u32 frame_op, u64 sp)
{
	struct task_calls *slot;
	struct call_frame *f;
	u64 index;

	f = frame_find(the_state(), frame_op, sp, &slot, &index);
	if (!f)
		return false;
	c->id = sp;
	c->dev = f->dev;
	c->list = OP_IS_LIST(frame_op & 0xff) ? f->list : 0;
	c->size = f->size;
	c->nents = f->nents;
	c->tag = f->tag;
	return true;
}

#define KPROBE_PLACE(r) ((struct call_place){ r, REG_LR(r) })

#define KPROBE_PROGRAMS(base, frame_op, on_enter, on_exit)                                         \
	SEC("?kprobe") int base##_kprobe(REGS *r)                                                  \
	{                                                                                          \
		struct call c;                                                                     \
                                                                                                   \
		base##_args(&c, REG_ARGS(r));                                                      \
		return on_enter;                                                                   \
	}                                                                                          \
	SEC("?kprobe") int base##_return(REGS *r)                                                  \
	{                                                                                          \
		u64 now = bpf_ktime_get_ns(), sp = REG_RETURN_SP(r);                               \
		struct call c;                                                                     \
                                                                                                   \
		if (!kprobe_call(&c, frame_op, sp))                                                \
			return 0;                                                                  \
		return on_exit;                                                                    \
	}

#define API_KPROBE(base, op, variant)                                                              \
	KPROBE_PROGRAMS(base, FRAME_OP(op, variant), kprobe_enter(&c, REG_ENTRY_SP(r), variant),   \
			call_exit(KPROBE_PLACE(r), now, &c, base##_failed(REG_RET(r)), variant))

API_HOOKS(API_KPROBE)

KPROBE_PROGRAMS(calibrate, OP_CALIBRATE, kprobe_enter(&c, REG_ENTRY_SP(r), 0),
		call_exit(KPROBE_PLACE(r), now, &c, false, 0))

#define ARCH_KPROBE(base, op, barriers)                                                            \
	KPROBE_PROGRAMS(base, op, kprobe_arch_enter(&c, REG_ENTRY_SP(r), barriers),                \
			arch_exit(KPROBE_PLACE(r), now, &c))

static __always_inline int kprobe_arch_enter(const struct call *c, u64 sp, u32 barriers)
{
	struct call_frame *f = frame_push(ROW_TAG_OP(c->tag), sp);

	if (!f)
		return 0;
	f->dev = 0;
	f->list = 0;
	f->size = c->size;
	f->nents = c->nents;
	f->tag = c->tag;
	f->dsb = barriers;
	frame_start(f);
	return 0;
}

ARCH_KPROBE(arch_sync_for_device, OP_ARCH_SYNC_FOR_DEVICE, SYNC_BARRIER)
ARCH_KPROBE(arch_sync_for_cpu, OP_ARCH_SYNC_FOR_CPU,
	    SYNC_BARRIER && (u32)REG_ARG2(r) != DIR_TO_DEVICE)
ARCH_KPROBE(arch_flush, OP_ARCH_FLUSH, 1)

SEC("?kprobe") int count_for_device_kprobe(REGS *r)
{
	return count_dsb();
}

SEC("?kprobe") int count_for_cpu_kprobe(REGS *r)
{
	return count_dsb_for_cpu(REG_ARG2(r));
}

SEC("?kprobe") int count_flush_kprobe(REGS *r)
{
	return count_dsb();
}

/* At a barrier instruction inside a function; attached once for each. */
SEC("?kprobe") int dsb_site_kprobe(REGS *r)
{
	return count_dsb();
}

#define BOUNCE_KPROBE(base, ops)                                                                   \
	SEC("?kprobe") int base##_kprobe(REGS *r)                                                  \
	{                                                                                          \
		return count_bounce(ops);                                                          \
	}

BOUNCE_HOOKS(BOUNCE_KPROBE)

SEC("?kprobe") int devices_kprobe(REGS *r)
{
	return devices_changed();
}

#endif
