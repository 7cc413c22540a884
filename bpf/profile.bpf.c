// SPDX-License-Identifier: GPL-2.0
/* The on-CPU profile: where a clock of each CPU finds it. Idle time is left out. */
#include "calls.bpf.h"
#include "stacks.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, STACK_ROWS_MAX); /* less with many CPUs, set before load */
	__type(key, struct stack_key);
	__type(value, struct proc_value);
} samples SEC(".maps");

SEC("perf_event") int sample(void *ctx)
{
	struct stack_key key = { .where.bank = state.bank & 1 };
	u32 idle = !(u32)bpf_get_current_pid_tgid();
	struct stack_work *w;
	struct proc_value *v;

	if (!state.mode || idle || (state.mode == MODE_FILTER && !filter_passes()))
		return 0;
	w = stack_work(ctx, 0, 0);
	if (!w)
		return 0;
	/* Empty where the clock found user space. */
	key.kernel = stack_file(&w->kernel);
	if (config.flags & CONFIG_USER_STACKS)
		key.user = stack_file(&w->user);
	if (config.flags & CONFIG_STACK_PROCS)
		key.where.tgid = current_tgid();
	v = stack_value(&samples, &key);
	if (!v || key.kernel == STACK_LOST)
		lost_stack();
	if (v)
		v->sum.calls++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
