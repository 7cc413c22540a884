// SPDX-License-Identifier: GPL-2.0
/* dma_buf_vmap() of a buffer that whoever writes the command has open: times it, reads and writes
 * through it.
 */
#include <linux/dma-buf.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include "bench.h"

/* The namespace became a string in 6.13 (cdd30ebb1b9f). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
MODULE_IMPORT_NS("DMA_BUF");
#else
MODULE_IMPORT_NS(DMA_BUF);
#endif

/* The lock of a buffer became the importers' affair in 6.2 (19d6634d8789). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define dma_buf_vmap_unlocked dma_buf_vmap
#define dma_buf_vunmap_unlocked dma_buf_vunmap
#endif

int bench_dmabuf_get(struct bench_run *run)
{
	struct dma_buf *buf = dma_buf_get(run->p.fd);

	if (IS_ERR(buf))
		return bench_refuse(PTR_ERR(buf), "fd=%d: the writer has no dma-buf of that number",
				    run->p.fd);
	run->dmabuf = buf;
	run->bytes = buf->size;
	run->p.entries = buf->size >> PAGE_SHIFT;
	run->p.size = PAGE_SIZE;
	if (run->p.entries && buf->size <= BYTES_MAX)
		return 0;
	return bench_refuse(-EINVAL, "fd=%d: a buffer of %zu bytes; want a page to %llu bytes",
			    run->p.fd, buf->size, BYTES_MAX);
}

void bench_dmabuf_put(struct bench_run *run)
{
	if (run->dmabuf)
		dma_buf_put(run->dmabuf);
	run->dmabuf = NULL;
}

/* The pages that a mapping in page tables has, which others may write to by another one. */
static unsigned int runs_of(const void *va, unsigned int n)
{
	struct page **pages = kvmalloc_array(n, sizeof(*pages), GFP_KERNEL);
	unsigned int i, runs = 0;

	for (i = 0; pages && i < n; i++)
		pages[i] = vmalloc_to_page(va + (size_t)i * PAGE_SIZE);
	if (pages)
		runs = bench_count_runs(va, pages, n);
	kvfree(pages);
	return runs;
}

static u64 word_of(size_t at)
{
	return ((u64)at + 1) * 0x9e3779b97f4a7c15ull;
}

/* First words of pages are the writer's, who wrote them by a mapping of his own; last ones ours. */
static unsigned int count_wrong(u64 *va, unsigned int n)
{
	const size_t words = PAGE_SIZE / sizeof(u64);
	unsigned int i, wrong = 0;

	for (i = 0; i < n; i++) {
		size_t first = i * words, last = first + words - 1;

		wrong += READ_ONCE(va[first]) != word_of(first);
		WRITE_ONCE(va[last], word_of(last));
		if (!(i % 1024))
			cond_resched();
	}
	return wrong;
}

void bench_iterate_dmabuf(struct bench_run *run)
{
	struct bench_call map = { .run = run, .api = API_DMABUF_VMAP };
	struct bench_call unmap = { .run = run, .api = API_DMABUF_VUNMAP };
	struct bench_stat *stat = &run->stats[API_DMABUF_VMAP];
	unsigned int n = run->p.entries;
	struct iosys_map at;
	int err;

	bench_call_begin(&map);
	err = dma_buf_vmap_unlocked(run->dmabuf, &at);
	bench_call_end(&map, n, run->bytes, err);
	if (err)
		return;
	if (run->recording && !at.is_iomem && is_vmalloc_addr(at.vaddr)) {
		unsigned int runs = runs_of(at.vaddr, n);

		stat->runs += runs;
		stat->wrong += runs ? 0 : n; /* no memory to look at them */
	}
	if (run->p.dirty && !at.is_iomem)
		stat->wrong += count_wrong(at.vaddr, n);
	bench_call_begin(&unmap);
	dma_buf_vunmap_unlocked(run->dmabuf, &at);
	bench_call_end(&unmap, n, run->bytes, 0);
}
