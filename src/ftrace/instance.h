/* SPDX-License-Identifier: GPL-2.0 */
/* A trace instance of our own, with kprobe events of our own, removed whatever happens. */
#ifndef INSTANCE_H
#define INSTANCE_H

#include <stddef.h>

#define INSTANCE_NAME_LEN 48
#define INSTANCE_EVENTS_MAX 512

struct instance {
	char name[INSTANCE_NAME_LEN]; /* also the group of its kprobe events: dmasynctop_PID */
	char dir[128];
	int lock; /* its directory, locked: nobody takes us for dead */
};

/*
 * Makes an instance, after removing those that dead processes of this program have left: what is
 * left is told by a lock on the instance's directory, which ends with its process, so that no
 * process in a PID namespace of its own is taken for dead. 0 or -errno after a message.
 *
 * From here on it is removed when the process exits or dies of a signal (other than SIGKILL).
 * One at a time in a process.
 */
int instance_create(struct instance *in);

/*
 * Adds the kprobe event GROUP/GROUP_@event (kprobe_profile does not tell groups apart) of @type "p"
 * or "r" at @what: a place and arguments, as kprobe_events takes them. 0 or -errno; silent.
 */
int instance_add_event(struct instance *in, const char *type, const char *event, const char *what);

/* Removes the event that was added last, which is not enabled. */
void instance_drop_event(struct instance *in);

/*
 * Takes over the descriptor @fd of a file in the instance, which cannot go while one is open.
 * 0 or -EMFILE.
 */
int instance_take_fd(int fd);

/* Removes it with its events; what is not there any more does not matter. */
void instance_remove(struct instance *in);

#endif
