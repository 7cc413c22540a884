/* SPDX-License-Identifier: GPL-2.0 */
/* Configuration, state and maps that all programs of a session share. */
#ifndef SESSION_BPF_H
#define SESSION_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "dmasync/shared.h"

/* Set before load; the verifier removes what it switches off. */
const volatile struct session_config config = {};

/* The only variable in .bss: several objects of one session share the map behind it. */
struct session_state state = {};

/*
 * &state in a register that the compiler keeps: it would load the 64-bit address again for every
 * access, four instructions each time on arm64.
 */
static __always_inline struct session_state *the_state(void)
{
	struct session_state *s = &state;

	asm volatile("" : "+r"(s));
	return s;
}

/* Keeps the compiler from using what it knows of a value, or from reckoning it again. */
#define hide(value) asm volatile("" : "+r"(value))

/* @offset from @base, added to the offset itself: C would copy the base first. */
static __always_inline void *at_offset(void *base, u64 offset)
{
	asm volatile("%0 += %1" : "+r"(offset) : "r"(base));
	return (void *)offset;
}

#define S32_MAX 0x7fffffff
#define unlikely(condition) __builtin_expect(!!(condition), 0)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* 2 banks x CPUs x rows, sized before load */
	__type(key, u32);
	__type(value, struct row_value);
} row_values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* rows, sized before load */
	__type(key, u32);
	__type(value, struct row_info);
} row_infos SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, PROC_ROWS_MAX);
	__type(key, struct proc_key);
	__type(value, struct proc_value);
} procs SEC(".maps");

/* Stand for a device in row keys; real ones are never that low. 1 is KEY_BUSY. */
#define CALIBRATE_DEV 2
#define NO_DEV 3

/*
 * Slow paths are functions that the verifier checks once, for any arguments (global ones), instead
 * of again for every way that leads to them. Such functions take and return plain numbers.
 */
#define SLOW_PATH __attribute__((noinline))

/* Number of the running process in the tool's PID namespace; 0: it has none, or is the idle task.
 */
static __always_inline u32 current_tgid(void)
{
	struct bpf_pidns_info info = {};

	if (!config.pidns_ino)
		return bpf_get_current_pid_tgid() >> 32;
	return bpf_get_ns_current_pid_tgid(config.pidns_dev, config.pidns_ino, &info, sizeof(info))
		       ? 0
		       : info.tgid;
}

/* Its name, but for processes outside of that namespace, which have one number. */
static __always_inline void current_comm(char comm[16], u32 tgid)
{
	if (tgid || !config.pidns_ino)
		bpf_get_current_comm(comm, 16);
}

#define lost(reason) __sync_fetch_and_add(&state.loss.reason, 1)

#endif
