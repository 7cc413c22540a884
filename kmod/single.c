// SPDX-License-Identifier: GPL-2.0
/* Single buffers: every entry is mapped, synced and unmapped by itself, all mapped at a time. */
#include <linux/device.h>
#include "bench.h"

static int map_one(struct bench_run *run, struct bench_buf *buf, unsigned long attrs)
{
	struct bench_call call = { .run = run, .api = API_MAP_PAGE };
	const struct bench_params *p = &run->p;
	int err;

	bench_call_begin(&call);
	if (p->op == OP_SINGLE)
		buf->dma = dma_map_single_attrs(run->dev, page_address(buf->page) + buf->offset,
						buf->len, p->dir, attrs);
	else
		buf->dma = dma_map_page_attrs(run->dev, buf->page, buf->offset, buf->len, p->dir,
					      attrs);
	err = buf->dma == DMA_MAPPING_ERROR ? -ENOMEM : 0;
	bench_call_end(&call, 1, buf->len, err);
	/* With CONFIG_DMA_API_DEBUG every mapping wants this test. */
	return dma_mapping_error(run->dev, buf->dma) ? err ?: -ENOMEM : 0;
}

static void sync_one(struct bench_run *run, struct bench_buf *buf, enum bench_api api)
{
	struct bench_call call = { .run = run, .api = api };

	bench_call_begin(&call);
	if (api == API_SYNC_SINGLE_FOR_CPU)
		dma_sync_single_for_cpu(run->dev, buf->dma, buf->len, run->p.dir);
	else
		dma_sync_single_for_device(run->dev, buf->dma, buf->len, run->p.dir);
	bench_call_end(&call, 1, buf->len, 0);
}

static void unmap_one(struct bench_run *run, struct bench_buf *buf, unsigned long attrs)
{
	struct bench_call call = { .run = run, .api = API_UNMAP_PAGE };

	bench_call_begin(&call);
	if (run->p.op == OP_SINGLE)
		dma_unmap_single_attrs(run->dev, buf->dma, buf->len, run->p.dir, attrs);
	else
		dma_unmap_page_attrs(run->dev, buf->dma, buf->len, run->p.dir, attrs);
	bench_call_end(&call, 1, buf->len, 0);
}

static void sync_all(struct bench_run *run, enum bench_api api)
{
	unsigned int i;

	for (i = 0; i < run->p.entries; i++)
		if (run->bufs[i].dma != DMA_MAPPING_ERROR)
			sync_one(run, &run->bufs[i], api);
}

void bench_iterate_page(struct bench_run *run)
{
	unsigned long attrs = bench_attrs(&run->p);
	struct bench_stat *stat = &run->stats[API_MAP_PAGE];
	unsigned int i;

	bench_dirty(run);
	for (i = 0; i < run->p.entries; i++) {
		struct bench_buf *buf = &run->bufs[i];

		if (map_one(run, buf, attrs)) {
			if (run->recording)
				stat->failed_at = i;
		} else if (run->recording) {
			stat->bounced += bench_bounced(run->dev, buf->dma, bench_phys(buf));
		}
	}
	if (run->p.sync) {
		sync_all(run, API_SYNC_SINGLE_FOR_CPU);
		bench_dirty(run);
		sync_all(run, API_SYNC_SINGLE_FOR_DEVICE);
	}
	for (i = 0; i < run->p.entries; i++)
		if (run->bufs[i].dma != DMA_MAPPING_ERROR)
			unmap_one(run, &run->bufs[i], attrs);
}

/* The device's own registers stand for those of a peer: no memory, so nothing to maintain. */
void bench_iterate_resource(struct bench_run *run)
{
	struct bench_call map = { .run = run, .api = API_MAP_RESOURCE };
	struct bench_call unmap = { .run = run, .api = API_UNMAP_RESOURCE };
	size_t size = PAGE_SIZE;
	unsigned int i;
	dma_addr_t dma;

	for (i = 0; i < run->p.entries; i++) {
		bench_call_begin(&map);
		dma = dma_map_resource(run->dev, run->mmio, size, run->p.dir, bench_attrs(&run->p));
		bench_call_end(&map, 1, size, dma == DMA_MAPPING_ERROR ? -ENOMEM : 0);
		if (dma_mapping_error(run->dev, dma))
			continue;
		bench_call_begin(&unmap);
		dma_unmap_resource(run->dev, dma, size, run->p.dir, bench_attrs(&run->p));
		bench_call_end(&unmap, 1, size, 0);
	}
}

void bench_iterate_coherent(struct bench_run *run)
{
	struct bench_call alloc = { .run = run, .api = API_ALLOC_COHERENT };
	struct bench_call free = { .run = run, .api = API_FREE_COHERENT };
	size_t size = run->p.size;
	unsigned int i;
	dma_addr_t dma;
	void *mem;

	for (i = 0; i < run->p.entries; i++) {
		bench_call_begin(&alloc);
		mem = dma_alloc_coherent(run->dev, size, &dma, GFP_KERNEL | __GFP_NOWARN);
		bench_call_end(&alloc, 1, size, mem ? 0 : -ENOMEM);
		if (!mem)
			continue;
		bench_call_begin(&free);
		dma_free_coherent(run->dev, size, mem, dma);
		bench_call_end(&free, 1, size, 0);
	}
}
