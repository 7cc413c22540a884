/* SPDX-License-Identifier: GPL-2.0 */
/* The clock of all times: the one that bpf_ktime_get_ns() reads. */
#ifndef DMASYNC_CLOCK_H
#define DMASYNC_CLOCK_H

#include <time.h>
#include <linux/types.h>

/* CLOCK_MONOTONIC, ns. */
static inline __u64 clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

#endif
