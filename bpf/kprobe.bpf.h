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
#define REG_ARG1(r) r->regs[1]
#define REG_ARG2(r) r->regs[2]
#define REG_ARG3(r) r->regs[3]
#define REG_RET(r) r->regs[0]
#define REG_LR(r) r->regs[30]
#define REG_ENTRY_SP(r) r->sp
#define REG_RETURN_SP(r) r->sp /* the return address is in a register: sp is that of the entry */
#elif defined(__TARGET_ARCH_x86)
#define REGS struct pt_regs
/* The seventh argument is on the stack; no hooked function needs it: dma_iova_link's attributes */
#define REG_ARGS(r) r->di, r->si, r->dx, r->cx, r->r8, r->r9, 0
#define REG_ARG1(r) r->si
#define REG_ARG2(r) r->dx
#define REG_ARG3(r) r->cx
#define REG_RET(r) r->ax
#define REG_LR(r) 0 /* on the stack, where unwinders find it */
#define REG_ENTRY_SP(r) r->sp
#define REG_RETURN_SP(r) (r->sp - 8) /* the return has popped the return address */
#else
#error "no register names for this architecture"
#endif

#ifndef CHAIN
/*
 * The end of a call, at a RET or in a kretprobe, sees no arguments, so they are kept in its frame,
 * and the stack pointer, which no two calls in flight on one task share, is its id. It is the same
 * at both: a BPF trampoline of another tool, which calls the function, could change it, and what
 * is lost then is counted as stale.
 */
static __always_inline void kprobe_keep(struct call_frame *f, const struct call *c, u64 id, u32 tag)
{
	/* Of a single buffer the list is nothing, and its place keeps the id: see part_of_outer().
	 */
	f->list = c->list ?: id;
	f->size = c->size;
	f->nents = c->nents;
	f->tag = tag;
}

#define KPROBE_TAG 1 /* no bit of a tag: tells one from none */

/* Tag of the call that ends, and the rest of it in @c; 0: none was begun. */
static __always_inline u32 kprobe_call(struct call *c, u32 kind, u64 sp, bool inner)
{
	struct call_frame *f = frame_find(kind, sp, inner);

	if (!f)
		return 0;
	c->list = OP_IS_LIST(CALL_KIND_OP(kind)) ? f->list : 0;
	c->size = f->size;
	c->nents = f->nents;
	return f->tag | KPROBE_TAG;
}

#define KPROBE_PROGRAMS(base, variant, enter, barriers, inner, device, attrs)                      \
	SEC("?kprobe") int base##_kprobe(REGS *r)                                                  \
	{                                                                                          \
		u64 id = base##_id(REG_ARGS(r));                                                   \
		struct call_frame *f = enter;                                                      \
		struct call c;                                                                     \
                                                                                                   \
		if (!f)                                                                            \
			return 0;                                                                  \
		base##_args(&c, REG_ARGS(r));                                                      \
		kprobe_keep(f, &c, id, base##_tag(variant, REG_ARGS(r)) | (attrs));                \
		return frame_start(f, REG_ENTRY_SP(r), base##_dev(REG_ARGS(r)), barriers);         \
	}                                                                                          \
	SEC("?kprobe") int base##_return(REGS *r)                                                  \
	{                                                                                          \
		u64 now = bpf_ktime_get_ns(), sp = REG_RETURN_SP(r);                               \
		struct call_program p = { base##_op, variant };                                    \
		u32 kind = CALL_KIND(base##_op, variant), tag, at;                                 \
		struct call_begun b;                                                               \
		struct row_value *v;                                                               \
		struct call c;                                                                     \
                                                                                                   \
		tag = kprobe_call(&c, kind, sp, inner);                                            \
		if (!tag || !frame_take(kind, sp, inner, now, &b))                                 \
			return 0;                                                                  \
		v = row_value(b.state, row_find(b.state, device, tag & ~KPROBE_TAG), &at);         \
		if (!v)                                                                            \
			return 0;                                                                  \
		return call_add((struct call_place){ r, REG_LR(r) }, p, v, &at, &b, &c,            \
				base##_failed(REG_RET(r)));                                        \
	}

#define API_KPROBE(base, variant)                                                                  \
	KPROBE_PROGRAMS(base, variant, call_enter(base##_op, variant, id), 0, false, b.dev, 0)

API_HOOKS(API_KPROBE)
API_KPROBE(calibrate, 0)

#define ARCH_KPROBE(base, variant, barriers)                                                       \
	KPROBE_PROGRAMS(base, variant, frame_push_inner(CALL_KIND(base##_op, variant)), barriers,  \
			true, arch_end(&b), ARCH_ATTRS(variant))

ARCH_KPROBE(arch_sync_for_device, 0, SYNC_BARRIER)
ARCH_KPROBE(arch_sync_for_cpu, 0, SYNC_BARRIER && (u32)REG_ARG2(r) != DIR_TO_DEVICE)
ARCH_KPROBE(arch_batch_for_device, 1, 0)
ARCH_KPROBE(arch_batch_for_cpu, 1, 0)
ARCH_KPROBE(arch_flush, 0, 1)

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

#endif
