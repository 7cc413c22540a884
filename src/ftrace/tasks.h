/* SPDX-License-Identifier: GPL-2.0 */
/* To which process a thread belongs: records tell threads only. */
#ifndef TASKS_H
#define TASKS_H

#include <sys/types.h>

struct tasks;

struct tasks *tasks_open(void); /* NULL: out of memory */

/* Process of thread @tid, from /proc when it is first asked for; -1: it had ended by then. */
pid_t tasks_process(struct tasks *t, pid_t tid);

/* Asks for all threads that @process has now. */
void tasks_learn(struct tasks *t, pid_t process);

/*
 * Asks for all again, and forgets those that nobody has asked for since the last time: numbers are
 * used again.
 */
void tasks_forget(struct tasks *t);

void tasks_close(struct tasks *t);

#endif
