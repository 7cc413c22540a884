/* SPDX-License-Identifier: GPL-2.0 */
/* Watches where contexts begin and end, so that runs of calls for single buffers can be told. */
#ifndef DMASYNC_STORMS_H
#define DMASYNC_STORMS_H

#include "attach.h"

struct storms;

/*
 * Attaches to the kernel's tracepoints of interrupts, softirqs, system calls and, where it has
 * them, work items and polls of network devices. @at was opened with the same @cfg, storms on.
 * 0 with *@out to be given to storms_close(), or -errno after a message.
 */
int storms_open(const struct attachment *at, const struct attach_config *cfg, struct storms **out);

/* Events that the kernel kept from the programs so far. */
__u64 storms_misses(const struct storms *s);

void storms_print_stats(const struct storms *s, FILE *out);

/* @s may be NULL. */
void storms_close(struct storms *s);

#endif
