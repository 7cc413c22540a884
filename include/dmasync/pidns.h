/* SPDX-License-Identifier: GPL-2.0 */
/* The PID namespace that this process is in: in a container processes have other numbers. */
#ifndef DMASYNC_PIDNS_H
#define DMASYNC_PIDNS_H

#include <stdbool.h>
#include <stddef.h>

/* Device, as the kernel numbers it, and inode of the namespace's file; both 0: the first one. */
struct pidns {
	unsigned long long dev;
	unsigned long long ino;
};

/* Namespace of this process; the first one if it cannot be told. */
struct pidns pidns_own(void);

/*
 * Whether /proc numbers processes as this process sees them: not when it was mounted in another
 * namespace, as after unshare(1) without --mount-proc.
 */
bool pidns_proc_is_own(void);

#endif
