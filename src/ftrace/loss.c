// SPDX-License-Identifier: GPL-2.0
/* What was lost from one interval to the next. */
#include "loss.h"

void loss_since(struct loss *loss, struct loss *before, const struct loss *now)
{
	__u64 misses = now->recursion_misses, records = now->trace_events;

	/* They do not sink: then they could not be read, or somebody removed events or records. */
	if (misses < before->recursion_misses)
		misses = before->recursion_misses;
	if (records < before->trace_events)
		records = before->trace_events;
	loss->events.calls_full += now->events.calls_full - before->events.calls_full;
	loss->events.procs_full += now->events.procs_full - before->events.procs_full;
	loss->events.depth += now->events.depth - before->events.depth;
	loss->events.stale += now->events.stale - before->events.stale;
	loss->recursion_misses += misses - before->recursion_misses;
	loss->trace_events += records - before->trace_events;
	*before = *now;
	before->recursion_misses = misses;
	before->trace_events = records;
}
