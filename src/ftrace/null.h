/* SPDX-License-Identifier: GPL-2.0 */
/* A system call that does nothing: what the probes themselves cost is measured on it. */
#ifndef FTRACE_NULL_H
#define FTRACE_NULL_H

#include <dmasync/calibrate.h>

/*
 * Where its kernel function, whose argument is struct pt_regs, finds a text as long as the name of
 * a PCI device: in the registers that the call was made with.
 */
#if defined(__x86_64__)
#define NULL_NAME "name=+112({0}):string"
#else
#define NULL_NAME "name=+0({0}):string"
#endif

/* The kernel function that serves it; NULL: not known for this architecture. */
const char *null_function(void);

struct calibrate_target null_target(void);

#endif
