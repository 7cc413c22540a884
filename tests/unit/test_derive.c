// SPDX-License-Identifier: GPL-2.0
/* The barrier rules, against a table that was written down from measurements, not from the rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "dmasync/derive.h"

#define N 2560 /* entries of a list */
#define B 3    /* of them bounced */

#define SKIP CALL_SKIP_CPU_SYNC
#define MMIO CALL_MMIO

/* Directions of a row; each is tried. */
#define TO (1 << DIR_TO_DEVICE)
#define IN (1 << DIR_FROM_DEVICE | 1 << DIR_BIDIRECTIONAL)
#define ANY (TO | IN)
#define NODIR (1 << DIR_NONE)

#define NO_RULE (-1)

/* clang-format off */
/* One call each; what it is expected to cost per entry (<= 7.0), batched upstream, batched by us. */
static const struct expectation {
	enum dma_backend backend;
	enum op op;
	unsigned int attrs;
	int dirs;
	struct call_counts sum;
	long per_entry, upstream, dmasync;
} table[] = {
#define LIST { .calls = 1, .entries = N }
#define BOUNCED { .calls = 1, .entries = N, .bounces = B, .bounced_calls = 1, .bounced_entries = N }
#define EMPTY { .calls = 1, .empty_calls = 1 }
/* Entries must not matter for single buffers, so here they are not 1. */
#define ONE { .calls = 1, .entries = 4 }
#define ONE_BOUNCED { .calls = 1, .entries = 4, .bounces = 1, .bounced_calls = 1, .bounced_entries = 4 }
#define FAILED { .failed = 1, .failed_entries = N, .failed_partial = 1 }
/* Seven found a bounce buffer, the eighth did not. */
#define FAILED_BOUNCED { .failed = 1, .failed_entries = 7, .failed_partial = 1, .bounces = 7, \
			 .bounced_calls = 1, .bounced_entries = 7 }
	/* dma_map_sg, direct */
	{ BACKEND_DIRECT, OP_MAP_SG, 0, ANY, LIST, N, 1, 1 },
	{ BACKEND_DIRECT, OP_MAP_SG, 0, ANY, BOUNCED, N, 1 + B, 1 },
	{ BACKEND_DIRECT, OP_MAP_SG, 0, ANY, EMPTY, 0, 1, 0 },
	{ BACKEND_DIRECT, OP_MAP_SG, SKIP, ANY, LIST, 0, 1, 0 },
	/* failing at entry 7, and at the first one */
	{ BACKEND_DIRECT, OP_MAP_SG, 0, ANY, { .failed = 1, .failed_entries = 7, .failed_partial = 1 },
	  7, 1, 1 },
	{ BACKEND_DIRECT, OP_MAP_SG, 0, ANY, { .failed = 1 }, 0, 0, 0 },
	{ BACKEND_DIRECT, OP_MAP_SG, SKIP, ANY,
	  { .failed = 1, .failed_entries = 7, .failed_partial = 1 }, 0, 1, 0 },
	{ BACKEND_DIRECT, OP_MAP_SG, 0, ANY, FAILED_BOUNCED, 7, 7 + 1, 1 },
	{ BACKEND_DIRECT, OP_MAP_PAGE, 0, ANY, { .failed = 1 }, 0, 0, 0 },
	/* no room for an address, and no bounce buffer */
	{ BACKEND_IOMMU, OP_MAP_SG, 0, ANY, FAILED, N, 1, 1 },
	{ BACKEND_IOMMU, OP_MAP_SG, SKIP, ANY, FAILED, 0, 0, 0 },
	{ BACKEND_IOMMU, OP_MAP_SG, 0, ANY, FAILED_BOUNCED, 7, 7, 1 },
	{ BACKEND_IOMMU, OP_MAP_PAGE, 0, ANY,
	  { .failed = 1, .failed_entries = 1, .failed_partial = 1 }, 1, 1, 1 },
	{ BACKEND_IOMMU, OP_MAP_PAGE, 0, ANY, { .failed = 1 }, 0, 0, 0 },
	/* dma_unmap_sg, direct */
	{ BACKEND_DIRECT, OP_UNMAP_SG, 0, TO, LIST, 0, 1, 0 },
	{ BACKEND_DIRECT, OP_UNMAP_SG, 0, TO, BOUNCED, 0, 1, 0 },
	{ BACKEND_DIRECT, OP_UNMAP_SG, 0, IN, LIST, N, 1, 1 },
	{ BACKEND_DIRECT, OP_UNMAP_SG, 0, IN, BOUNCED, N, 1 + B, 1 },
	{ BACKEND_DIRECT, OP_UNMAP_SG, SKIP, ANY, LIST, 0, 1, 0 },
	{ BACKEND_DIRECT, OP_UNMAP_SG, 0, TO, EMPTY, 0, 0, 0 },
	{ BACKEND_DIRECT, OP_UNMAP_SG, 0, IN, EMPTY, 0, 0, 0 },
	{ BACKEND_DIRECT, OP_UNMAP_SG, SKIP, ANY, EMPTY, 0, 0, 0 },
	/* dma_sync_sg */
	{ BACKEND_DIRECT, OP_SYNC_SG_FOR_DEVICE, 0, ANY, LIST, N, 1, 1 },
	{ BACKEND_DIRECT, OP_SYNC_SG_FOR_DEVICE, 0, ANY, BOUNCED, N, 1, 1 },
	{ BACKEND_DIRECT, OP_SYNC_SG_FOR_DEVICE, 0, ANY, EMPTY, 0, 1, 0 },
	{ BACKEND_DIRECT, OP_SYNC_SG_FOR_CPU, 0, TO, LIST, 0, 1, 0 },
	{ BACKEND_DIRECT, OP_SYNC_SG_FOR_CPU, 0, IN, LIST, N, 1, 1 },
	{ BACKEND_DIRECT, OP_SYNC_SG_FOR_CPU, 0, IN, BOUNCED, N, 1 + B, 1 },
	{ BACKEND_IOMMU, OP_SYNC_SG_FOR_DEVICE, 0, ANY, LIST, N, 1, 1 },
	{ BACKEND_IOMMU, OP_SYNC_SG_FOR_DEVICE, 0, ANY, BOUNCED, N, N, 1 },
	{ BACKEND_IOMMU, OP_SYNC_SG_FOR_DEVICE, 0, ANY, EMPTY, 0, 1, 0 },
	{ BACKEND_IOMMU, OP_SYNC_SG_FOR_CPU, 0, TO, LIST, 0, 1, 0 },
	{ BACKEND_IOMMU, OP_SYNC_SG_FOR_CPU, 0, IN, LIST, N, 1, 1 },
	{ BACKEND_IOMMU, OP_SYNC_SG_FOR_CPU, 0, TO, BOUNCED, 0, N, 0 },
	{ BACKEND_IOMMU, OP_SYNC_SG_FOR_CPU, 0, IN, BOUNCED, N, N + B, 1 },
	/* single buffers */
	{ BACKEND_DIRECT, OP_MAP_PAGE, 0, ANY, ONE, 1, 1, 1 },
	{ BACKEND_DIRECT, OP_MAP_PAGE, 0, ANY, ONE_BOUNCED, 1, 1, 1 },
	{ BACKEND_DIRECT, OP_MAP_PAGE, SKIP, ANY, ONE, 0, 0, 0 },
	{ BACKEND_DIRECT, OP_MAP_PAGE, MMIO, ANY, ONE, 0, 0, 0 },
	{ BACKEND_DIRECT, OP_UNMAP_PAGE, 0, TO, ONE, 0, 1, 0 },
	{ BACKEND_DIRECT, OP_UNMAP_PAGE, 0, IN, ONE, 1, 1, 1 },
	{ BACKEND_DIRECT, OP_UNMAP_PAGE, 0, IN, ONE_BOUNCED, 1, 2, 1 },
	{ BACKEND_DIRECT, OP_UNMAP_PAGE, SKIP, ANY, ONE, 0, 0, 0 },
	{ BACKEND_DIRECT, OP_SYNC_SINGLE_FOR_DEVICE, 0, ANY, ONE, 1, 1, 1 },
	{ BACKEND_DIRECT, OP_SYNC_SINGLE_FOR_CPU, 0, TO, ONE, 0, 1, 0 },
	{ BACKEND_DIRECT, OP_SYNC_SINGLE_FOR_CPU, 0, IN, ONE, 1, 1, 1 },
	{ BACKEND_DIRECT, OP_SYNC_SINGLE_FOR_CPU, 0, IN, ONE_BOUNCED, 1, 2, 1 },
	/* IOMMU */
	{ BACKEND_IOMMU, OP_MAP_SG, 0, ANY, LIST, N, 1, 1 },
	{ BACKEND_IOMMU, OP_MAP_SG, 0, ANY, EMPTY, 0, 1, 0 },
	{ BACKEND_IOMMU, OP_MAP_SG, SKIP, ANY, LIST, 0, 0, 0 },
	{ BACKEND_IOMMU, OP_UNMAP_SG, 0, TO, LIST, 0, 1, 0 },
	{ BACKEND_IOMMU, OP_UNMAP_SG, 0, IN, LIST, N, 1, 1 },
	{ BACKEND_IOMMU, OP_UNMAP_SG, SKIP, ANY, LIST, 0, 0, 0 },
	{ BACKEND_IOMMU, OP_MAP_SG, 0, ANY, BOUNCED, N, N, 1 },
	{ BACKEND_IOMMU, OP_UNMAP_SG, 0, TO, BOUNCED, 0, N, 0 },
	{ BACKEND_IOMMU, OP_UNMAP_SG, 0, IN, BOUNCED, N, N + B, 1 },
	{ BACKEND_IOMMU, OP_MAP_PAGE, 0, ANY, ONE, 1, 1, 1 },
	{ BACKEND_IOMMU, OP_UNMAP_PAGE, 0, TO, ONE, 0, 1, 0 },
	{ BACKEND_IOMMU, OP_UNMAP_PAGE, 0, IN, ONE, 1, 1, 1 },
	{ BACKEND_IOMMU, OP_UNMAP_PAGE, 0, IN, ONE_BOUNCED, 1, 2, 1 },
	{ BACKEND_IOMMU, OP_IOVA_LINK, 0, ANY, { .calls = 16, .entries = 16 }, 16, 0, 0 },
	{ BACKEND_IOMMU, OP_IOVA_LINK, MMIO, ANY, { .calls = 16, .entries = 16 }, 0, 0, 0 },
	{ BACKEND_IOMMU, OP_IOVA_LINK, 0, ANY, ONE_BOUNCED, NO_RULE, 0, 0 },
	{ BACKEND_IOMMU, OP_IOVA_SYNC, 0, NODIR, ONE, 0, 1, 1 },
	{ BACKEND_IOMMU, OP_IOVA_UNLINK, 0, TO, LIST, 0, 1, 0 },
	{ BACKEND_IOMMU, OP_IOVA_UNLINK, 0, IN, LIST, N, 1, 1 },
	{ BACKEND_IOMMU, OP_IOVA_UNLINK, 0, IN, BOUNCED, N, 1 + B, 1 },
	{ BACKEND_IOMMU, OP_IOVA_UNLINK, SKIP, ANY, LIST, 0, 0, 0 },
	/* no rule */
	{ BACKEND_OTHER, OP_MAP_SG, 0, ANY, LIST, NO_RULE, NO_RULE, NO_RULE },
	{ BACKEND_DIRECT, OP_UNMAP_SG, 0, NODIR, LIST, NO_RULE, NO_RULE, NO_RULE },
	{ BACKEND_DIRECT, OP_IOVA_LINK, 0, ANY, LIST, NO_RULE, NO_RULE, NO_RULE },
	/* the architecture's functions, whoever calls them */
	{ BACKEND_OTHER, OP_ARCH_SYNC_FOR_DEVICE, 0, ANY, ONE, 1, 0, 1 },
	{ BACKEND_DIRECT, OP_ARCH_SYNC_FOR_CPU, 0, TO, ONE, 0, 0, 0 },
	{ BACKEND_DIRECT, OP_ARCH_SYNC_FOR_CPU, 0, IN, ONE, 1, 0, 1 },
	{ BACKEND_DIRECT, OP_ARCH_SYNC_FOR_DEVICE, CALL_BATCHED, ANY, ONE, NO_RULE, NO_RULE, 0 },
	{ BACKEND_DIRECT, OP_ARCH_SYNC_FOR_CPU, CALL_BATCHED, IN, ONE, NO_RULE, NO_RULE, 0 },
	{ BACKEND_DIRECT, OP_ARCH_FLUSH, 0, NODIR, ONE, NO_RULE, 1, 1 },
};
/* clang-format on */

#define ROWS (sizeof(table) / sizeof(table[0]))

static struct derive_case case_of(const struct expectation *e, enum flavour flavour, int dir)
{
	return (struct derive_case){ .flavour = flavour,
				     .op = e->op,
				     .dir = dir,
				     .attrs = e->attrs,
				     .backend = e->backend };
}

static long expected(const struct expectation *e, enum flavour flavour)
{
	switch (flavour) {
	case FLAVOUR_PER_ENTRY:
		return e->per_entry;
	case FLAVOUR_UPSTREAM_BATCHED:
		return e->upstream;
	default:
		return e->dmasync;
	}
}

static void check(size_t row, enum flavour flavour, int dir)
{
	const struct expectation *e = &table[row];
	struct derive_case of = case_of(e, flavour, dir);
	long want = expected(e, flavour);
	__u64 dsb = 77;
	bool known = derive_dsb(&of, &e->sum, &dsb);

	if (known != (want != NO_RULE) || (known && dsb != (__u64)want))
		fail_msg("row %zu, flavour %d, direction %d: %lld, want %ld", row, flavour, dir,
			 known ? (long long)dsb : NO_RULE, want);
	if (!known)
		assert_int_equal(dsb, 0);
}

static void every_row(void **state)
{
	enum flavour flavour;
	size_t row;
	int dir;

	for (row = 0; row < ROWS; row++)
		for (flavour = FLAVOUR_PER_ENTRY; flavour <= FLAVOUR_DMASYNC_BATCHED; flavour++)
			for (dir = 0; dir < DIR_COUNT; dir++)
				if (table[row].dirs & 1 << dir)
					check(row, flavour, dir);
}

/* Sums of different calls of one kind give the sum of what each gives. */
static void linear(void **state)
{
	struct derive_case of = { .flavour = FLAVOUR_UPSTREAM_BATCHED,
				  .op = OP_UNMAP_SG,
				  .dir = DIR_FROM_DEVICE,
				  .backend = BACKEND_IOMMU };
	const struct call_counts list = LIST, bounced = BOUNCED;
	struct call_counts sum = { 0 };
	__u64 a, b, both;
	int i;

	for (i = 0; i < 5; i++) {
		sum.calls += list.calls + bounced.calls;
		sum.entries += list.entries + bounced.entries;
		sum.bounces += bounced.bounces;
		sum.bounced_calls += bounced.bounced_calls;
		sum.bounced_entries += bounced.bounced_entries;
	}
	assert_true(derive_dsb(&of, &list, &a));
	assert_true(derive_dsb(&of, &bounced, &b));
	assert_true(derive_dsb(&of, &sum, &both));
	assert_true(both == 5 * (a + b));
	assert_true(both == 5 * (1 + N + B));
}

static void without_barriers(void **state)
{
	struct derive_case of = { .flavour = FLAVOUR_PER_ENTRY,
				  .op = OP_MAP_SG,
				  .dir = DIR_TO_DEVICE,
				  .coherent = true };
	const struct call_counts list = LIST;
	__u64 dsb;

	assert_true(derive_dsb(&of, &list, &dsb));
	assert_true(dsb == 0);
	of.flavour = FLAVOUR_UNKNOWN;
	assert_true(derive_dsb(&of, &list, &dsb));
	of.coherent = false;
	assert_false(derive_dsb(&of, &list, &dsb));
	of.flavour = FLAVOUR_NONE;
	assert_true(derive_dsb(&of, &list, &dsb));
	assert_true(dsb == 0);
}

/* Every operation has a rule on a direct or an IOMMU device. */
static void all_operations(void **state)
{
	const struct call_counts list = LIST;
	struct derive_case of = { .flavour = FLAVOUR_UPSTREAM_BATCHED, .dir = DIR_BIDIRECTIONAL };
	__u64 dsb;

	for (of.op = 0; of.op < OP_CALIBRATE; of.op++) {
		of.backend = BACKEND_IOMMU;
		assert_true(derive_dsb(&of, &list, &dsb));
		of.backend = BACKEND_DIRECT;
		if (of.op < OP_IOVA_LINK || of.op > OP_IOVA_UNLINK)
			assert_true(derive_dsb(&of, &list, &dsb));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(linear),
		cmocka_unit_test(without_barriers),
		cmocka_unit_test(all_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
