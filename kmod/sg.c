// SPDX-License-Identifier: GPL-2.0
/* Scatterlists: map, both syncs, unmap of the whole list. */
#include <linux/device.h>
#include "bench.h"

static int map(struct bench_run *run, struct sg_table *table, unsigned long attrs)
{
	struct bench_call call = { .run = run, .api = API_MAP_SG };
	const struct bench_params *p = &run->p;
	int ret;

	bench_call_begin(&call);
	if (p->op == OP_SGTABLE) {
		ret = dma_map_sgtable(run->dev, table, p->dir, attrs);
	} else {
		ret = dma_map_sg_attrs(run->dev, table->sgl, p->entries, p->dir, attrs);
		table->nents = ret;
		ret = ret ? 0 : -EIO;
	}
	bench_call_end(&call, p->entries, run->bytes, ret);
	return ret;
}

static void sync_for_cpu(struct bench_run *run, struct sg_table *table)
{
	struct bench_call call = { .run = run, .api = API_SYNC_SG_FOR_CPU };

	bench_call_begin(&call);
	dma_sync_sg_for_cpu(run->dev, table->sgl, run->p.entries, run->p.dir);
	bench_call_end(&call, run->p.entries, run->bytes, 0);
}

static void sync_for_device(struct bench_run *run, struct sg_table *table)
{
	struct bench_call call = { .run = run, .api = API_SYNC_SG_FOR_DEVICE };

	bench_call_begin(&call);
	dma_sync_sg_for_device(run->dev, table->sgl, run->p.entries, run->p.dir);
	bench_call_end(&call, run->p.entries, run->bytes, 0);
}

static void unmap(struct bench_run *run, struct sg_table *table, unsigned long attrs)
{
	struct bench_call call = { .run = run, .api = API_UNMAP_SG };

	bench_call_begin(&call);
	if (run->p.op == OP_SGTABLE)
		dma_unmap_sgtable(run->dev, table, run->p.dir, attrs);
	else
		dma_unmap_sg_attrs(run->dev, table->sgl, run->p.entries, run->p.dir, attrs);
	bench_call_end(&call, run->p.entries, run->bytes, 0);
}

/*
 * Where a map failed: dma-direct leaves DMA_MAPPING_ERROR in the entry that it could not map, and
 * those before it have the addresses that they had. dma-iommu forgets them all.
 */
static void note_failure(const struct bench_run *run, struct bench_stat *stat)
{
	struct scatterlist *sg;
	unsigned int i, bounced = 0;

	stat->failed_at = -1;
	if (run->iommu)
		return;
	for_each_sg(run->list, sg, run->p.entries, i) {
		if (sg_dma_address(sg) == DMA_MAPPING_ERROR) {
			stat->failed_at = i;
			stat->bounced += bounced;
			return;
		}
		bounced += bench_bounced(run->dev, sg_dma_address(sg), sg_phys(sg));
	}
}

/* Addresses may be merged: entries lie one behind the other in the mapped segments. */
static unsigned int count_bounced(const struct bench_run *run, const struct sg_table *table)
{
	struct scatterlist *sg, *seg = table->sgl;
	unsigned int i, segments = table->nents, bounced = 0;
	u64 at = 0;

	for_each_sg(run->list, sg, run->p.entries, i) {
		if (at >= sg_dma_len(seg)) {
			if (!--segments)
				break;
			seg = sg_next(seg);
			at = 0;
		}
		bounced += bench_bounced(run->dev, sg_dma_address(seg) + at, sg_phys(sg));
		at += sg->length;
	}
	return bounced;
}

static void forget_addresses(const struct bench_run *run)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(run->list, sg, run->p.entries, i)
		sg_dma_address(sg) = 0;
}

void bench_iterate_sg(struct bench_run *run)
{
	struct sg_table table = {
		.sgl = run->list,
		.nents = run->p.entries,
		.orig_nents = run->p.entries,
	};
	unsigned long attrs = bench_attrs(&run->p);
	int err;

	forget_addresses(run);
	bench_dirty(run);
	err = map(run, &table, attrs);
	if (err && run->recording)
		note_failure(run, &run->stats[API_MAP_SG]);
	/* Of an empty list nothing is mapped, yet the other calls have to cope with it. */
	if (err && run->p.entries)
		return;
	if (!err && run->recording)
		run->stats[API_MAP_SG].bounced += count_bounced(run, &table);
	if (run->p.sync) {
		sync_for_cpu(run, &table);
		bench_dirty(run);
		sync_for_device(run, &table);
	}
	unmap(run, &table, attrs);
}
