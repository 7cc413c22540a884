/* SPDX-License-Identifier: GPL-2.0 */
/* Programs for BPF trampolines: fentry/fexit pairs or, with FSESSION defined, both ends in one. */
#ifndef TRAMPOLINE_BPF_H
#define TRAMPOLINE_BPF_H

#include "hooks.bpf.h"
#include "arch.bpf.h"

/* Reads past a function's last argument are dead code after inlining, so none is left to verify. */
#define CTX_ARGS(ctx) ctx[0], ctx[1], ctx[2], ctx[3], ctx[4], ctx[5], ctx[6]

#ifdef FSESSION
/* Another signature than before 7.0, and one that does not fit stops the whole object's load. */
extern bool bpf_session_is_return(void *ctx) __ksym;

/* libbpf 1.1 does not know the attach type: user space sets it on what is declared as fentry. */
#define TRAMPOLINE_PROGRAMS(base)                                                                  \
	SEC("?fentry") int base##_session(u64 *ctx)                                                \
	{                                                                                          \
		if (bpf_session_is_return(ctx))                                                    \
			return base##_end(ctx, bpf_ktime_get_ns());                                \
		return base##_begin(ctx);                                                          \
	}
#else
#define TRAMPOLINE_PROGRAMS(base)                                                                  \
	SEC("?fentry") int base##_entry(u64 *ctx)                                                  \
	{                                                                                          \
		return base##_begin(ctx);                                                          \
	}                                                                                          \
	SEC("?fexit") int base##_exit(u64 *ctx)                                                    \
	{                                                                                          \
		return base##_end(ctx, bpf_ktime_get_ns());                                        \
	}
#endif

#ifndef CHAIN
/*
 * nret: index of the result behind the arguments. Arguments are named where they are used: they are
 * loaded there, and not kept.
 */
#define API_TRAMPOLINE(base, variant, nret)                                                        \
	static __always_inline int base##_begin(u64 *ctx)                                          \
	{                                                                                          \
		struct call_frame *f = call_enter(base##_op, variant, base##_id(CTX_ARGS(ctx)));   \
                                                                                                   \
		if (!f)                                                                            \
			return 0;                                                                  \
		return frame_start(f, base##_id(CTX_ARGS(ctx)), base##_dev(CTX_ARGS(ctx)), 0);     \
	}                                                                                          \
	static __always_inline int base##_end(u64 *ctx, u64 now)                                   \
	{                                                                                          \
		struct call_program p = { base##_op, variant, &ctx[1] };                           \
		struct call_begun b;                                                               \
		struct row_value *v;                                                               \
		struct call c;                                                                     \
		u32 at;                                                                            \
                                                                                                   \
		if (!frame_take(CALL_KIND(base##_op, variant), base##_id(CTX_ARGS(ctx)), false,    \
				now, &b))                                                          \
			return 0;                                                                  \
		v = row_value(b.state,                                                             \
			      row_find(b.state, b.dev, base##_tag(variant, CTX_ARGS(ctx))), &at);  \
		if (!v)                                                                            \
			return 0;                                                                  \
		base##_args(&c, CTX_ARGS(ctx));                                                    \
		return call_add((struct call_place){ ctx }, p, v, &at, &b, &c,                     \
				base##_failed(ctx[nret]));                                         \
	}                                                                                          \
	TRAMPOLINE_PROGRAMS(base)

API_TRAMPOLINE(map_sg, 0, 5)
API_TRAMPOLINE(map_sgtable, 1, 4)
API_TRAMPOLINE(unmap_sg, 0, 5)
API_TRAMPOLINE(sync_sg_for_device, 0, 4)
API_TRAMPOLINE(sync_sg_for_cpu, 0, 4)
API_TRAMPOLINE(map_page, 0, 6)
API_TRAMPOLINE(map_phys, 1, 5)
API_TRAMPOLINE(unmap_page, 0, 5)
API_TRAMPOLINE(sync_single_for_device, 0, 4)
API_TRAMPOLINE(sync_single_for_cpu, 0, 4)
API_TRAMPOLINE(iova_link, 0, 7)
API_TRAMPOLINE(iova_sync, 0, 4)
API_TRAMPOLINE(iova_unlink, 0, 6)
API_TRAMPOLINE(iova_destroy, 1, 5)

/* nret is a number that the context has. */
API_TRAMPOLINE(calibrate, 0, 1)

#define ARCH_TRAMPOLINE(base, variant, barriers)                                                   \
	static __always_inline int base##_begin(u64 *ctx)                                          \
	{                                                                                          \
		struct call_frame *f = frame_push_inner(CALL_KIND(base##_op, variant));            \
                                                                                                   \
		return f ? frame_start(f, base##_id(CTX_ARGS(ctx)), 0, barriers) : 0;              \
	}                                                                                          \
	static __always_inline int base##_end(u64 *ctx, u64 now)                                   \
	{                                                                                          \
		u32 tag = base##_tag(variant, CTX_ARGS(ctx)) | ARCH_ATTRS(variant);                \
		struct call_program p = { base##_op, variant };                                    \
		struct call_begun b;                                                               \
		struct row_value *v;                                                               \
		struct call c;                                                                     \
		u32 at;                                                                            \
                                                                                                   \
		if (!frame_take(CALL_KIND(base##_op, variant), base##_id(CTX_ARGS(ctx)), true,     \
				now, &b))                                                          \
			return 0;                                                                  \
		v = row_value(b.state, row_find(b.state, arch_end(&b), tag), &at);                 \
		if (!v)                                                                            \
			return 0;                                                                  \
		base##_args(&c, CTX_ARGS(ctx));                                                    \
		return call_add((struct call_place){ ctx }, p, v, &at, &b, &c, false);             \
	}                                                                                          \
	TRAMPOLINE_PROGRAMS(base)

ARCH_TRAMPOLINE(arch_sync_for_device, 0, SYNC_BARRIER)
ARCH_TRAMPOLINE(arch_sync_for_cpu, 0, SYNC_BARRIER && (u32)ctx[2] != DIR_TO_DEVICE)
ARCH_TRAMPOLINE(arch_batch_for_device, 1, 0)
ARCH_TRAMPOLINE(arch_batch_for_cpu, 1, 0)
ARCH_TRAMPOLINE(arch_flush, 0, 1)

/* Counting alone: one program at the entry, nothing at the exit. */
SEC("?fentry") int count_for_device_entry(u64 *ctx)
{
	return count_dsb();
}

SEC("?fentry") int count_for_cpu_entry(u64 *ctx)
{
	return count_dsb_for_cpu(ctx[2]);
}

SEC("?fentry") int count_flush_entry(u64 *ctx)
{
	return count_dsb();
}

#define BOUNCE_TRAMPOLINE(base, ops)                                                               \
	SEC("?fentry") int base##_entry(u64 *ctx)                                                  \
	{                                                                                          \
		return count_bounce(ops);                                                          \
	}

BOUNCE_HOOKS(BOUNCE_TRAMPOLINE)

SEC("?fentry") int devices_entry(u64 *ctx)
{
	return devices_changed();
}

/* Loaded, never attached: a test run of it makes the kernel call its do-nothing functions. */
SEC("?fentry") int call_null_target(u64 *ctx)
{
	return 0;
}
#endif

#endif
