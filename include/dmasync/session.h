/* SPDX-License-Identifier: GPL-2.0 */
/* A live measurement: attach, read an interval at a time, detach. */
#ifndef DMASYNC_SESSION_H
#define DMASYNC_SESSION_H

#include <stdio.h>
#include "header.h"
#include "interval.h"
#include "options.h"
#include "stack.h"

struct session;

/*
 * Attaches to the running kernel as @opt asks. Returns 0 with *@out to be given to session_close(),
 * or -errno after one message on stderr: -EPERM, -EOPNOTSUPP and -ENOSYS mean that this machine or
 * user cannot (EXIT_UNSUPPORTED), others are failures. Counting begins when it returns.
 */
int session_open(const struct options *opt, struct session **out);

/* What the session found; valid until session_close(). */
const struct header *session_header(const struct session *s);

/* Stacks that intervals refer to by number; grows with session_read(). NULL: none are taken. */
const struct stack_table *session_stacks(const struct session *s);

/*
 * Ends the current interval, begins the next and stores the finished one in @iv (cleared first,
 * options' device filter applied). Waits until handlers that were running have finished, so the
 * numbers of one interval belong together. 0 or -errno after a message.
 */
int session_read(struct session *s, struct interval *iv);

/*
 * Records no call that begins from now on: the next session_read() returns the last interval. The
 * hooks stay attached until session_close(), as detaching takes a second or more, which would lie
 * in that interval.
 */
void session_stop(struct session *s);

/* Turns the process table on or off; off costs nothing. 0, or -ENOTSUP if opened without it. */
int session_set_procs(struct session *s, bool on);

/* Prints runs and time of every BPF program to @out (kernel statistics, enabled by -v). */
void session_print_stats(struct session *s, FILE *out);

void session_close(struct session *s);

#endif
