// SPDX-License-Identifier: GPL-2.0
/* Memory of a run, laid out as asked, some of it where the device cannot reach. */
#include <linux/cache.h>
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>
#include "bench.h"

#define CHAIN_ENTRIES 7 /* of a block of a chained list, then comes the link */
#define UNALIGNED 20	/* bytes into a cache line */
#define SMALL_SIZE 32	/* of the small buffers in a mixed list: less than a cache line */

/* More than one bounce buffer can have: IO_TLB_SEGSIZE slots. */
#define TOO_LARGE ((size_t)IO_TLB_SEGSIZE << (IO_TLB_SHIFT + 1))
#define HIGH_TRIES 32

phys_addr_t bench_phys(const struct bench_buf *buf)
{
	return page_to_phys(buf->page) + buf->offset;
}

bool bench_behind_iommu(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type != IOMMU_DOMAIN_IDENTITY;
}

/* Does the device see other memory at @addr than @phys? */
bool bench_bounced(struct device *dev, dma_addr_t addr, phys_addr_t phys)
{
	if (bench_behind_iommu(dev))
		return iommu_iova_to_phys(iommu_get_domain_for_dev(dev), addr) != phys;
	return dma_to_phys(dev, addr) != phys;
}

static int alloc_pages_buf(struct bench_buf *buf, size_t size)
{
	buf->order = get_order(size);
	buf->page = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_NORETRY, buf->order);
	if (!buf->page)
		return -ENOMEM;
	buf->offset = 0;
	buf->len = size;
	return 0;
}

static int alloc_slab_buf(struct bench_buf *buf, size_t size)
{
	buf->object = kzalloc(size, GFP_KERNEL);
	if (!buf->object)
		return -ENOMEM;
	buf->page = virt_to_page(buf->object);
	buf->offset = offset_in_page(buf->object);
	buf->len = size;
	return 0;
}

static void free_buf(struct bench_buf *buf)
{
	kfree(buf->object);
	if (buf->page && !buf->object)
		__free_pages(buf->page, buf->order);
	buf->object = NULL;
	buf->page = NULL;
}

static bool is_small(const struct bench_params *p, unsigned int i)
{
	return p->layout == LAYOUT_SMALL || (p->layout == LAYOUT_MIXED && i % 2);
}

static int alloc_buf(const struct bench_run *run, unsigned int i)
{
	const struct bench_params *p = &run->p;
	struct bench_buf *buf = &run->bufs[i];
	int err;

	if (is_small(p, i))
		return alloc_slab_buf(buf, p->layout == LAYOUT_SMALL
						   ? p->size
						   : min(p->size, (unsigned int)SMALL_SIZE));
	err = alloc_pages_buf(buf, p->layout == LAYOUT_APART ? 2 * p->size : p->size);
	buf->len = p->size;
	if (err || p->layout != LAYOUT_UNALIGNED)
		return err;
	if (i == 0) {
		buf->offset = UNALIGNED;
		buf->len -= UNALIGNED;
	}
	if (i == p->entries - 1)
		buf->len -= UNALIGNED + 1;
	return 0;
}

static phys_addr_t last_byte(const struct bench_buf *buf)
{
	return page_to_phys(buf->page) + (PAGE_SIZE << buf->order) - 1;
}

/*
 * Entry fail_at becomes so large that no bounce buffer can hold it, and its last byte lies above
 * all other entries: a bus limit just below that byte makes this one unreachable and no other.
 */
static int alloc_unreachable(struct bench_buf *best)
{
	struct bench_buf bufs[HIGH_TRIES] = {};
	unsigned int i, at = 0;

	for (i = 0; i < HIGH_TRIES; i++) {
		if (alloc_pages_buf(&bufs[i], TOO_LARGE))
			break;
		if (page_to_pfn(bufs[i].page) > page_to_pfn(bufs[at].page))
			at = i;
	}
	*best = bufs[at];
	while (i--)
		if (i != at)
			free_buf(&bufs[i]);
	return best->page ? 0 : -ENOMEM;
}

/* Allocates again where memory lies above the unreachable entry, and keeps that until the end. */
static int alloc_below(struct bench_run *run, unsigned int i, struct list_head *above)
{
	struct bench_buf *buf = &run->bufs[i];
	phys_addr_t limit = last_byte(&run->bufs[run->p.fail_at]);
	int err;

	while (!(err = alloc_buf(run, i)) && !buf->object && last_byte(buf) >= limit) {
		set_page_private(buf->page, buf->order);
		list_add(&buf->page->lru, above);
		buf->page = NULL;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return err;
}

static void free_above(struct list_head *above)
{
	struct page *page;

	while ((page = list_first_entry_or_null(above, struct page, lru))) {
		unsigned int order = page_private(page);

		list_del(&page->lru);
		set_page_private(page, 0);
		__free_pages(page, order);
	}
}

static int alloc_bufs(struct bench_run *run)
{
	const struct bench_params *p = &run->p;
	bool limit = p->fail == FAIL_LIMIT;
	LIST_HEAD(above);
	unsigned int i;
	int err = 0;

	if (limit)
		err = alloc_unreachable(&run->bufs[p->fail_at]);
	for (i = 0; i < p->entries && !err; i++) {
		if (!limit)
			err = alloc_buf(run, i);
		else if (i != p->fail_at)
			err = alloc_below(run, i, &above);
		cond_resched();
	}
	free_above(&above);
	for (i = 0; i < p->entries; i++)
		run->bytes += run->bufs[i].len;
	return err;
}

/* A flat array that is one list, or is chained after every few entries. */
static int alloc_list(struct bench_run *run)
{
	unsigned int n = run->p.entries, blocks, i;
	bool chained = run->p.layout == LAYOUT_CHAINED;
	struct scatterlist *sg;

	blocks = chained && n ? DIV_ROUND_UP(n, CHAIN_ENTRIES) : 1;
	run->sgs = kvcalloc(max(n, 1U) + blocks, sizeof(*run->sgs), GFP_KERNEL);
	if (!run->sgs)
		return -ENOMEM;
	run->list = run->sgs;
	if (!chained) {
		sg_init_table(run->sgs, max(n, 1U));
	} else {
		unsigned int left = n;

		sg = run->sgs;
		for (i = 0; i < blocks; i++, sg += CHAIN_ENTRIES + 1) {
			bool last = i == blocks - 1;

			sg_init_table(sg, last ? max(left, 1U) : CHAIN_ENTRIES + 1);
			if (i)
				sg_chain(sg - CHAIN_ENTRIES - 1, CHAIN_ENTRIES + 1, sg);
			left -= last ? left : CHAIN_ENTRIES;
		}
	}
	for_each_sg(run->list, sg, n, i)
		sg_set_page(sg, run->bufs[i].page, run->bufs[i].len, run->bufs[i].offset);
	return 0;
}

int bench_buffers_alloc(struct bench_run *run)
{
	int err;

	run->bufs = kvcalloc(max(run->p.entries, 1U), sizeof(*run->bufs), GFP_KERNEL);
	if (!run->bufs)
		return -ENOMEM;
	err = alloc_bufs(run);
	return err ?: alloc_list(run);
}

void bench_buffers_free(struct bench_run *run)
{
	unsigned int i;

	for (i = 0; run->bufs && i < run->p.entries; i++)
		free_buf(&run->bufs[i]);
	kvfree(run->bufs);
	kvfree(run->sgs);
	run->bufs = NULL;
	run->sgs = NULL;
	run->list = NULL;
}

/* Every cache line of every entry is written to, so that there is something to clean. */
void bench_dirty(const struct bench_run *run)
{
	unsigned int i, at;

	if (!run->p.dirty)
		return;
	for (i = 0; i < run->p.entries; i++) {
		const struct bench_buf *buf = &run->bufs[i];
		char *mem = (char *)page_address(buf->page) + buf->offset;

		for (at = 0; at < buf->len; at += cache_line_size())
			WRITE_ONCE(mem[at], mem[at] + 1);
	}
}
