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

/* nret: index of the result behind the arguments. */
#define API_TRAMPOLINE(base, variant, nret)                                                        \
	static __always_inline int base##_begin(u64 *ctx)                                          \
	{                                                                                          \
		struct call c;                                                                     \
                                                                                                   \
		base##_args(&c, CTX_ARGS(ctx));                                                    \
		return call_enter(&c, variant);                                                    \
	}                                                                                          \
	static __always_inline int base##_end(u64 *ctx, u64 now)                                   \
	{                                                                                          \
		struct call c;                                                                     \
                                                                                                   \
		base##_args(&c, CTX_ARGS(ctx));                                                    \
		return call_exit((struct call_place){ ctx }, now, &c, base##_failed(ctx[nret]),    \
				 variant);                                                         \
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

static __always_inline int calibrate_begin(u64 *ctx)
{
	struct call c;

	calibrate_args(&c, 0, 0, 0, 0, 0, 0, 0);
	return call_enter(&c, 0);
}

static __always_inline int calibrate_end(u64 *ctx, u64 now)
{
	struct call c;

	calibrate_args(&c, 0, 0, 0, 0, 0, 0, 0);
	return call_exit((struct call_place){ ctx }, now, &c, false, 0);
}

TRAMPOLINE_PROGRAMS(calibrate)

#define ARCH_TRAMPOLINE(base, barriers)                                                            \
	static __always_inline int base##_begin(u64 *ctx)                                          \
	{                                                                                          \
		struct call c;                                                                     \
                                                                                                   \
		base##_args(&c, CTX_ARGS(ctx));                                                    \
		return arch_enter(&c, barriers);                                                   \
	}                                                                                          \
	static __always_inline int base##_end(u64 *ctx, u64 now)                                   \
	{                                                                                          \
		struct call c;                                                                     \
                                                                                                   \
		base##_args(&c, CTX_ARGS(ctx));                                                    \
		return arch_exit((struct call_place){ ctx }, now, &c);                             \
	}                                                                                          \
	TRAMPOLINE_PROGRAMS(base)

ARCH_TRAMPOLINE(arch_sync_for_device, SYNC_BARRIER)
ARCH_TRAMPOLINE(arch_sync_for_cpu, SYNC_BARRIER && (u32)ctx[2] != DIR_TO_DEVICE)
ARCH_TRAMPOLINE(arch_flush, 1)

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
