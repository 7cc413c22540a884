// SPDX-License-Identifier: GPL-2.0
/* How many barriers calls executed, by rule instead of by counting. */
#include <stddef.h>
#include "dmasync/derive.h"

/* Barriers for one of each; what is not named adds none. */
struct factors {
	signed char calls;
	signed char entries;
	signed char bounces;
	signed char bounced_calls;
	signed char bounced_entries;
	signed char empty_calls;
	signed char failed;
	signed char failed_entries;
	signed char failed_partial;
	bool no_bounces; /* the rule does not hold where something bounced */
	bool none;	 /* no rule: the kernel does not have the operation */
};

struct rule {
	enum op op;
	unsigned int backends; /* bits of 1 << enum dma_backend */
	unsigned int attrs;
	unsigned int dirs; /* bits of 1 << enum direction */
	struct factors per_entry, upstream, dmasync;
};

#define DIRECT (1U << BACKEND_DIRECT)
#define IOMMU (1U << BACKEND_IOMMU)
#define KNOWN (DIRECT | IOMMU)

/* With DMA_ATTR_SKIP_CPU_SYNC or DMA_ATTR_MMIO, and without. */
#define PLAIN 1U
#define SKIPPED 2U
#define EITHER (PLAIN | SKIPPED)

#define TO (1U << DIR_TO_DEVICE)
#define IN (1U << DIR_FROM_DEVICE | 1U << DIR_BIDIRECTIONAL)
#define ALL (TO | IN | 1U << DIR_NONE)

/* A table is to be read in columns. */
/* clang-format off */

#define NOTHING { 0 }
#define PER_CALL { .calls = 1 }
#define PER_ENTRY { .entries = 1 }
#define PER_CALL_FAILED { .calls = 1, .failed_entries = 1 }

/* One at the end of every call that had something to maintain. */
#define AT_END { .calls = 1, .empty_calls = -1 }

/* With one before each copy out of a bounce buffer: the CPU must not read it earlier. */
#define AT_END_AND_COPY { .calls = 1, .empty_calls = -1, .bounces = 1 }
#define PER_CALL_AND_COPY { .calls = 1, .bounces = 1 }
#define PER_ENTRY_AND_COPY { .entries = 1, .bounces = 1 }

/* dma-iommu sends a list through the single-buffer functions if one of its entries must bounce. */
#define PER_LIST { .calls = 1, .bounced_calls = -1, .bounced_entries = 1 }
#define PER_LIST_AND_COPY { .calls = 1, .bounced_calls = -1, .bounced_entries = 1, .bounces = 1 }

/*
 * The first rule that fits a case holds. Columns: up to Linux 7.0 (a barrier in each maintained
 * entry), Linux 7.1's batching (an unconditional flush at the end of most calls), our own series
 * (one where something was maintained, before all copies out of bounce buffers).
 */
static const struct rule rules[] = {
	/* ---- lists, direct ---- */
	/* An entry that cannot be mapped: 7.1 flushes in the unwinding dma_direct_unmap_sg(). */
	{ OP_MAP_SG, DIRECT, PLAIN, ALL,
	  { .entries = 1, .failed_entries = 1 },
	  { .calls = 1, .bounces = 1, .failed_partial = 1 },
	  { .calls = 1, .empty_calls = -1, .failed_partial = 1 } },
	{ OP_MAP_SG, DIRECT, SKIPPED, ALL,
	  NOTHING, { .calls = 1, .failed_partial = 1 }, NOTHING },
	/* 7.3 does not get to the flush of a list without entries. */
	{ OP_UNMAP_SG, DIRECT, PLAIN, TO, NOTHING, AT_END, NOTHING },
	{ OP_UNMAP_SG, DIRECT, PLAIN, IN, PER_ENTRY, AT_END_AND_COPY, AT_END },
	{ OP_UNMAP_SG, DIRECT, SKIPPED, ALL, NOTHING, AT_END, NOTHING },
	{ OP_SYNC_SG_FOR_DEVICE, DIRECT, EITHER, ALL, PER_ENTRY, PER_CALL, AT_END },
	{ OP_SYNC_SG_FOR_CPU, DIRECT, EITHER, TO, NOTHING, PER_CALL, NOTHING },
	{ OP_SYNC_SG_FOR_CPU, DIRECT, EITHER, IN, PER_ENTRY, PER_CALL_AND_COPY, AT_END },

	/* ---- lists, IOMMU ---- */
	/* Maintenance comes first, then there may be no room for an address. */
	{ OP_MAP_SG, IOMMU, PLAIN, ALL,
	  { .entries = 1, .failed_entries = 1 },
	  { .calls = 1, .bounced_calls = -1, .bounced_entries = 1, .failed_partial = 1 },
	  { .calls = 1, .empty_calls = -1, .failed_partial = 1 } },
	{ OP_UNMAP_SG, IOMMU, PLAIN, TO, NOTHING, PER_LIST, NOTHING },
	{ OP_UNMAP_SG, IOMMU, PLAIN, IN, PER_ENTRY, PER_LIST_AND_COPY, AT_END },
	{ OP_SYNC_SG_FOR_DEVICE, IOMMU, EITHER, ALL, PER_ENTRY, PER_LIST, AT_END },
	{ OP_SYNC_SG_FOR_CPU, IOMMU, EITHER, TO, NOTHING, PER_LIST, NOTHING },
	{ OP_SYNC_SG_FOR_CPU, IOMMU, EITHER, IN, PER_ENTRY, PER_LIST_AND_COPY, AT_END },

	/* It looks at SKIP before it flushes. */
	{ OP_MAP_SG, IOMMU, SKIPPED, ALL, NOTHING, NOTHING, NOTHING },
	{ OP_UNMAP_SG, IOMMU, SKIPPED, ALL, NOTHING, NOTHING, NOTHING },

	/* ---- single buffers, all alike ---- */
	{ OP_MAP_PAGE, IOMMU, PLAIN, ALL, PER_CALL_FAILED, PER_CALL_FAILED, PER_CALL_FAILED },
	{ OP_MAP_PAGE, KNOWN, PLAIN, ALL, PER_CALL, PER_CALL, PER_CALL },
	{ OP_MAP_PAGE, KNOWN, SKIPPED, ALL, NOTHING, NOTHING, NOTHING },
	{ OP_UNMAP_PAGE, KNOWN, PLAIN, TO, NOTHING, PER_CALL, NOTHING },
	{ OP_UNMAP_PAGE, KNOWN, PLAIN, IN, PER_CALL, PER_CALL_AND_COPY, PER_CALL },
	{ OP_UNMAP_PAGE, KNOWN, SKIPPED, ALL, NOTHING, NOTHING, NOTHING },
	{ OP_SYNC_SINGLE_FOR_DEVICE, KNOWN, EITHER, ALL, PER_CALL, PER_CALL, PER_CALL },
	{ OP_SYNC_SINGLE_FOR_CPU, KNOWN, EITHER, TO, NOTHING, PER_CALL, NOTHING },
	{ OP_SYNC_SINGLE_FOR_CPU, KNOWN, EITHER, IN, PER_CALL, PER_CALL_AND_COPY, PER_CALL },

	/* ---- IOVA, since 6.16; an unaligned buffer is cut into up to three pieces ---- */
	{ OP_IOVA_LINK, IOMMU, PLAIN, ALL, { .calls = 1, .no_bounces = true }, NOTHING, NOTHING },
	{ OP_IOVA_LINK, IOMMU, SKIPPED, ALL, NOTHING, NOTHING, NOTHING },
	{ OP_IOVA_SYNC, IOMMU, EITHER, ALL, NOTHING, PER_CALL, PER_CALL },
	{ OP_IOVA_UNLINK, IOMMU, PLAIN, TO, NOTHING, PER_CALL, NOTHING },
	{ OP_IOVA_UNLINK, IOMMU, PLAIN, IN, PER_ENTRY, PER_CALL_AND_COPY, AT_END },
	{ OP_IOVA_UNLINK, IOMMU, SKIPPED, ALL, NOTHING, NOTHING, NOTHING },
};

/* The architecture's functions do not know devices: who calls them wants maintenance. */
static const struct rule arch_rules[] = {
	{ OP_ARCH_SYNC_FOR_DEVICE, ~0U, PLAIN, ALL, PER_CALL, NOTHING, PER_CALL },
	{ OP_ARCH_SYNC_FOR_CPU, ~0U, PLAIN, TO, NOTHING, NOTHING, NOTHING },
	{ OP_ARCH_SYNC_FOR_CPU, ~0U, PLAIN, IN, PER_CALL, NOTHING, PER_CALL },
	/* CALL_BATCHED */
	{ OP_ARCH_SYNC_FOR_DEVICE, ~0U, SKIPPED, ALL, { .none = true }, { .none = true }, NOTHING },
	{ OP_ARCH_SYNC_FOR_CPU, ~0U, SKIPPED, ALL, { .none = true }, { .none = true }, NOTHING },
	{ OP_ARCH_FLUSH, ~0U, EITHER, ALL, { .none = true }, PER_CALL, PER_CALL },
};
/* clang-format on */

static const struct rule *find_rule(const struct derive_case *of)
{
	bool arch = of->op >= OP_API_COUNT;
	const struct rule *rule = arch ? arch_rules : rules;
	size_t n = arch ? sizeof(arch_rules) / sizeof(*rule) : sizeof(rules) / sizeof(*rule);
	unsigned int attrs = of->attrs & (CALL_SKIP_CPU_SYNC | CALL_MMIO) ? SKIPPED : PLAIN;

	for (; n; n--, rule++)
		if (rule->op == of->op && rule->backends & 1U << of->backend &&
		    rule->attrs & attrs && rule->dirs & 1U << of->dir)
			return rule;
	return NULL;
}

static const struct factors *find_factors(const struct derive_case *of)
{
	const struct rule *rule = find_rule(of);

	if (!rule)
		return NULL;
	switch (of->flavour) {
	case FLAVOUR_PER_ENTRY:
		return &rule->per_entry;
	case FLAVOUR_UPSTREAM_BATCHED:
		return &rule->upstream;
	case FLAVOUR_DMASYNC_BATCHED:
		return &rule->dmasync;
	default:
		return NULL;
	}
}

bool derive_dsb(const struct derive_case *of, const struct call_counts *sum, __u64 *dsb)
{
	const struct factors *f;

	*dsb = 0;
	if (of->flavour == FLAVOUR_NONE || (of->coherent && of->op < OP_API_COUNT))
		return true;
	f = find_factors(of);
	if (!f || f->none || (f->no_bounces && sum->bounces))
		return false;
	/* Modulo 2^64, so that the negative factors come out right. */
	*dsb = f->calls * sum->calls + f->entries * sum->entries + f->bounces * sum->bounces +
	       f->bounced_calls * sum->bounced_calls + f->bounced_entries * sum->bounced_entries +
	       f->empty_calls * sum->empty_calls + f->failed * sum->failed +
	       f->failed_entries * sum->failed_entries + f->failed_partial * sum->failed_partial;
	return true;
}
