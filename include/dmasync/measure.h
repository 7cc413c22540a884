/* SPDX-License-Identifier: GPL-2.0 */
/* A measurement from its first interval to its exit status, for all that print or keep intervals.
 */
#ifndef DMASYNC_MEASURE_H
#define DMASYNC_MEASURE_H

#include "child.h"
#include "events.h"
#include "session.h"

struct measure {
	const struct options *opt;
	struct session *session;
	const struct header *hdr;
	struct events ev;
	struct child child;    /* the command that is measured, if there is one */
	struct interval iv;    /* newest */
	struct interval total; /* all */
	unsigned int count;
	/*
	 * What is done before the command starts and with each interval (@only: there is no other):
	 * 0 or -errno after a message (none for -EPIPE).
	 */
	int (*begin)(void *ctx);
	int (*started)(void *ctx); /* once the command, if there is one, runs; or NULL */
	int (*emit)(void *ctx, const struct interval *iv, bool only);
	void *ctx;
};

/*
 * Opens a session for @opt, after a look whether what it names is there. EXIT_OK, with @m to be
 * given to measure_close(), or the exit status after a message.
 */
int measure_open(struct measure *m, const struct options *opt);

/*
 * Starts the command, if there is one, and takes intervals until a limit is reached, the command
 * has ended or a signal asks to end. 0 or -errno; m->ev must be open.
 */
int measure_run(struct measure *m);

/*
 * Waits for a command that outlives a limit of the measurement: @stop ends it, as the user wanted
 * that. When only the reader of our output went away, it may go on in peace.
 */
void measure_finish_command(struct measure *m, bool stop);

/*
 * Exit status of a measurement that ended with @err, and messages about what it lost. A reader that
 * went away (| head) has what it wanted: the end is quiet and successful. The command's own status
 * comes before ours: who runs a command through us wants to know how it went.
 */
int measure_status(struct measure *m, int err);

void measure_close(struct measure *m);

#endif
