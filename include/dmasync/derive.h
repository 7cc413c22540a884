/* SPDX-License-Identifier: GPL-2.0 */
/* How many barriers calls executed, by rule instead of by counting. */
#ifndef DMASYNC_DERIVE_H
#define DMASYNC_DERIVE_H

#include <stdbool.h>
#include "interval.h"

/* Who implements the DMA API for a device. */
enum dma_backend {
	BACKEND_DIRECT,
	BACKEND_IOMMU, /* dma-iommu */
	/*
	 * No rule: other dma_map_ops. With Xen's each entry has a barrier, but pages that belong to
	 * another domain have theirs in the hypervisor, and no argument of a call tells them apart.
	 */
	BACKEND_OTHER,
};

/* What decides about a call's barriers besides its counts. */
struct derive_case {
	enum flavour flavour;
	enum op op;
	enum direction dir;
	unsigned int attrs; /* CALL_* */
	bool coherent;
	enum dma_backend backend;
};

/*
 * Number of `dsb sy` that calls of kind @of with the sums @sum executed, in *@dsb. False (and 0)
 * where no rule covers the case. The rules are linear in the counts: applied to the sum of two
 * intervals they give the sum of what they give for each.
 *
 * Counted are the barriers that complete the maintenance of data, not those of IOMMU page tables
 * (their walker may be non-coherent too), nor those of dma_alloc_coherent.
 *
 * Expected of the counts: `entries` are scatterlist entries as passed in (not merged ones), leaving
 * out peer-to-peer ones; 1 for a single buffer; IOMMU granules for OP_IOVA_UNLINK.
 * Known only for the cases that kernels 6.1 to 7.3 have been checked for; see derive.c.
 */
bool derive_dsb(const struct derive_case *of, const struct call_counts *sum, __u64 *dsb);

#endif
