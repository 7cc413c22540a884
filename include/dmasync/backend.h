/* SPDX-License-Identifier: GPL-2.0 */
/* Ways to measure: BPF programs, or events of ftrace where a kernel has no BPF. */
#ifndef DMASYNC_BACKEND_H
#define DMASYNC_BACKEND_H

#include <stdio.h>
#include "header.h"
#include "interval.h"
#include "options.h"
#include "stack.h"

struct session;

/*
 * What session.h declares, done in one way. Each back end has a struct session of its own, whose
 * first member is a pointer to its struct backend.
 */
struct backend {
	/*
	 * Whether this kernel and user let it work, as far as that can be told without attaching
	 * anything: 0, -EPERM or -EOPNOTSUPP with the reason in @why.
	 */
	int (*possible)(char *why, size_t len);
	int (*open)(const struct options *opt, struct session **out);
	struct header *(*header)(struct session *s);
	const struct stack_table *(*stacks)(const struct session *s);
	int (*read)(struct session *s, struct interval *iv);
	void (*stop)(struct session *s);
	int (*set_procs)(struct session *s, bool on);
	void (*print_stats)(struct session *s, FILE *out);
	void (*close)(struct session *s);
};

extern const struct backend backend_bpf;
extern const struct backend backend_ftrace;

#endif
