/* SPDX-License-Identifier: GPL-2.0 */
/* A system call that does nothing: what the probes themselves cost is measured on it. */
#ifndef FTRACE_NULL_H
#define FTRACE_NULL_H

#include <dmasync/calibrate.h>

/* The kernel function that serves it; NULL: not known for this architecture. */
const char *null_function(void);

struct calibrate_target null_target(void);

#endif
