// SPDX-License-Identifier: GPL-2.0
/* IOVA link, sync and unlink: mapping without a scatterlist, since Linux 6.16. */
#include <linux/device.h>
#include "bench.h"

#ifdef DMA_IOVA_USE_SWIOTLB /* comes with it */

static int link_one(struct bench_run *run, struct dma_iova_state *state, unsigned int i, size_t at)
{
	struct bench_call call = { .run = run, .api = API_IOVA_LINK };
	const struct bench_buf *buf = &run->bufs[i];
	int err;

	bench_call_begin(&call);
	err = dma_iova_link(run->dev, state, bench_phys(buf), at, buf->len, run->p.dir,
			    bench_attrs(&run->p));
	bench_call_end(&call, 1, buf->len, err);
	if (err && run->recording)
		run->stats[API_IOVA_LINK].failed_at = i;
	return err;
}

static int sync(struct bench_run *run, struct dma_iova_state *state)
{
	struct bench_call call = { .run = run, .api = API_IOVA_SYNC };
	int err;

	bench_call_begin(&call);
	err = dma_iova_sync(run->dev, state, 0, run->bytes);
	bench_call_end(&call, run->p.entries, run->bytes, err);
	return err;
}

static void unlink(struct bench_run *run, struct dma_iova_state *state, size_t linked)
{
	struct bench_call call = { .run = run, .api = API_IOVA_UNLINK };

	bench_call_begin(&call);
	if (run->p.op == OP_IOVA_DESTROY)
		dma_iova_destroy(run->dev, state, linked, run->p.dir, bench_attrs(&run->p));
	else
		dma_iova_unlink(run->dev, state, 0, linked, run->p.dir, bench_attrs(&run->p));
	bench_call_end(&call, run->p.entries, linked, 0);
	if (run->p.op != OP_IOVA_DESTROY)
		dma_iova_free(run->dev, state);
}

void bench_iterate_iova(struct bench_run *run)
{
	struct dma_iova_state state = {};
	size_t at = 0;
	unsigned int i;
	int err = 0;

	bench_dirty(run);
	if (!dma_iova_try_alloc(run->dev, &state, bench_phys(&run->bufs[0]), run->bytes)) {
		run->stats[API_IOVA_LINK].errors++;
		run->stats[API_IOVA_LINK].status = -ENOSPC;
		return;
	}
	for (i = 0; i < run->p.entries && !err; i++) {
		err = link_one(run, &state, i, at);
		if (!err)
			at += run->bufs[i].len;
	}
	if (!err)
		err = sync(run, &state);
	if (at)
		unlink(run, &state, at);
	else
		dma_iova_free(run->dev, &state);
}

int bench_iova_check(struct bench_run *run)
{
	const struct bench_params *p = &run->p;

	if (!run->iommu)
		return bench_refuse(-EINVAL, "op=iova: %s is not behind an IOMMU",
				    run->device_name);
	if (!p->entries)
		return bench_refuse(-EINVAL, "op=iova: entries must not be 0");
	/* What lies between the first and the last entry has to fill whole pages of the IOMMU. */
	if (p->size % PAGE_SIZE || p->layout == LAYOUT_SMALL || p->layout == LAYOUT_MIXED)
		return bench_refuse(-EINVAL, "op=iova: want whole pages of %lu bytes", PAGE_SIZE);
	return 0;
}

#else

void bench_iterate_iova(struct bench_run *run)
{
}

int bench_iova_check(struct bench_run *run)
{
	return bench_refuse(-EINVAL, "op=iova: this kernel has no dma_iova_link()");
}

#endif
