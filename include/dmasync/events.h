/* SPDX-License-Identifier: GPL-2.0 */
/* What a running view waits for: the end of an interval, signals, the measured command, keys. */
#ifndef DMASYNC_EVENTS_H
#define DMASYNC_EVENTS_H

#include <signal.h>
#include <stdbool.h>
#include <linux/types.h>

enum {
	EVENT_TICK = 1 << 0,	/* an interval is over */
	EVENT_END = 1 << 1,	/* the duration is over (and with it the interval) */
	EVENT_STOP = 1 << 2,	/* SIGINT, SIGTERM, SIGHUP or, full screen, SIGQUIT */
	EVENT_CHILD = 1 << 3,	/* some child changed state */
	EVENT_INPUT = 1 << 4,	/* the input descriptor is readable, or closed */
	EVENT_RESIZE = 1 << 5,	/* full screen: SIGWINCH */
	EVENT_SUSPEND = 1 << 6, /* full screen: SIGTSTP */
};

struct events {
	int signal_fd, timer_fd;
	sigset_t old_mask;
	__u64 next, period, end; /* CLOCK_MONOTONIC, ns; end 0: none */
	int stop_signal;	 /* of the newest EVENT_STOP */
	bool stop_sent;		 /* it was sent by a process, not typed on the terminal */
};

/*
 * Blocks the signals above and opens the descriptors; with @full_screen the terminal's signals are
 * taken, too. Signals from now on are not lost. 0 or -errno after a message.
 */
int events_open(struct events *ev, bool full_screen);

/* Begins intervals of @period_ns, ending after @duration_ns (0: never). */
int events_start(struct events *ev, __u64 period_ns, __u64 duration_ns);

/*
 * Waits for the next events: a mask of EVENT_*, or -errno after a message. @input_fd is also
 * watched unless it is negative. Ticks keep their phase: those that were missed are dropped, none
 * is late because one before was.
 */
int events_wait(struct events *ev, int input_fd);

/* Gives the signals back and closes the descriptors. */
void events_close(struct events *ev);

/* For a child about to exec: signals as they were before events_open(). */
void events_restore_signals(const struct events *ev);

#endif
