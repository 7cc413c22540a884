// SPDX-License-Identifier: GPL-2.0
/* Where contexts begin and end (storms.bpf.h). An object of its own, loaded if it is asked for. */
#include "storms.bpf.h"

SEC("raw_tp/irq_handler_entry") int irq_begin(void *ctx)
{
	return storm_begin(LEVEL_IRQ);
}

SEC("raw_tp/irq_handler_exit") int irq_end(void *ctx)
{
	return storm_end(LEVEL_IRQ);
}

SEC("raw_tp/softirq_entry") int softirq_begin(void *ctx)
{
	return storm_begin(LEVEL_SOFTIRQ);
}

SEC("raw_tp/softirq_exit") int softirq_end(void *ctx)
{
	return storm_end(LEVEL_SOFTIRQ);
}

SEC("raw_tp/sys_enter") int syscall_begin(void *ctx)
{
	return storm_next();
}

SEC("raw_tp/workqueue_execute_start") int work_begin(void *ctx)
{
	return storm_next();
}

/* At the end of a poll: what follows is another. */
SEC("raw_tp/napi_poll") int napi_end(void *ctx)
{
	struct storm_cpu *cpu = storm_cpu();
	struct storm_context *c = cpu ? storm_interrupt(cpu) : NULL;

	if (!c)
		return storm_next();
	c->number++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
