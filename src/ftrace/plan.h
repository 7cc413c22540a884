/* SPDX-License-Identifier: GPL-2.0 */
/* What of a measurement ftrace can do here, and which functions it probes for it. */
#ifndef PLAN_H
#define PLAN_H

#include "probes.h"

/* As in struct backend. */
int plan_possible(char *why, size_t len);

/* Refuses what only BPF programs can do. 0 or -EOPNOTSUPP after a message. */
int plan_check_options(const struct options *opt);

/* Whether threads can be told by /proc: records have the first PID namespace's numbers. */
bool plan_processes_told(void);

/* What decides about the probes. */
struct plan {
	const struct options *opt;
	const struct features *features;
	const struct ksym *syms; /* of hooks_symbols() */
	const struct ksym *null; /* of null_function() */
};

/* Makes the events in @in, noting in @hdr how each hook came out. 0 or -errno after a message. */
int plan_probes(const struct plan *p, struct instance *in, struct header *hdr,
		struct probes *probes);

#endif
