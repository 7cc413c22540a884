/* SPDX-License-Identifier: GPL-2.0 */
/* The command that is being measured. */
#ifndef DMASYNC_CHILD_H
#define DMASYNC_CHILD_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include "events.h"

struct child {
	pid_t pid; /* 0: none was started */
	bool running;
	bool stopped_by_us; /* child_stop() asked it to end */
	int status; /* exit status to pass on: its own, or 128 + signal; valid after its end */
};

/*
 * Starts @argv with the signals that @ev had found. Its output goes to @capture (and its input is
 * empty) unless that is NULL. 0, or -errno after a message; @c->status is then what env(1) would
 * exit with: 127 not found, 126 not executable.
 */
int child_start(struct child *c, char *const argv[], const struct events *ev, FILE *capture);

/* Looks whether the child has ended; true from then on, and when there is none. */
bool child_ended(struct child *c);

/* Passes @sig on to a child that runs. */
void child_signal(struct child *c, int sig);

/* Asks a child that runs to end: its end by that signal is no failure of its own. */
void child_stop(struct child *c);

#endif
