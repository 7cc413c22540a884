/* SPDX-License-Identifier: GPL-2.0 */
/* Counts barriers with the CPUs' performance monitors. */
#ifndef DMASYNC_PMU_H
#define DMASYNC_PMU_H

#include <stddef.h>
#include <linux/types.h>

struct pmu;

/*
 * Starts counting event 0x7d, DSB_SPEC, on every CPU that is online. The event is implementation
 * defined (Arm's A57, A72 to A78, X1, X2, A710 and Neoverse have it, A53, A55 and A510 do not list
 * it), and a core that lacks it counts nothing without an error. So each CPU first has to count
 * 1000 barriers that this function executes on it. The event counts every kind of DSB, the kernel's
 * own and user space's, and speculated ones: an upper bound of what DMA costs.
 *
 * 0 with *@out for pmu_close(), or -errno with cause and cure in @why (@len bytes). Moves the
 * calling thread over all CPUs and restores its affinity.
 */
int pmu_open(struct pmu **out, char *why, size_t len);

/*
 * Barriers since pmu_open(), all CPUs. A CPU that goes offline keeps its last count; one that comes
 * (back) online is counted from this call on, if it passes the same test.
 */
__u64 pmu_read(struct pmu *pmu);

/* @pmu may be NULL. */
void pmu_close(struct pmu *pmu);

#endif
