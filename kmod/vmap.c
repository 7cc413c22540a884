// SPDX-License-Identifier: GPL-2.0
/* vmap() of a run's memory: times it, counts the runs of pages in it, reads and writes through it.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include "bench.h"

static unsigned int pages_of(const struct bench_run *run)
{
	return run->p.entries * (run->p.size >> PAGE_SHIFT);
}

/* The pages of all entries; from the last to the first there is no run of more than one. */
static struct page **page_array(const struct bench_run *run)
{
	unsigned int per = run->p.size >> PAGE_SHIFT, n = pages_of(run), i;
	struct page **pages = kvmalloc_array(n, sizeof(*pages), GFP_KERNEL);

	for (i = 0; pages && i < n; i++) {
		unsigned int at = run->p.layout == LAYOUT_REVERSE ? n - 1 - i : i;

		pages[i] = run->bufs[at / per].page + at % per;
	}
	return pages;
}

unsigned int bench_count_runs(const void *va, struct page **pages, unsigned int n)
{
	unsigned long addr = (unsigned long)va;
	unsigned int i, runs = 0;

	for (i = 0; i < n; i++, addr += PAGE_SIZE)
		if (!i || !(addr & ~PMD_MASK) ||
		    page_to_pfn(pages[i]) != page_to_pfn(pages[i - 1]) + 1)
			runs++;
	return runs;
}

static u64 word_of(unsigned int page, unsigned int at)
{
	return ((u64)page << 12 | at) * 0x9e3779b97f4a7c15ull + 1;
}

/* What is written to the pages is read through the mapping, and the other way round. */
static unsigned int count_wrong(u64 *va, struct page **pages, unsigned int n)
{
	const unsigned int words = PAGE_SIZE / sizeof(u64), last = words - 1;
	unsigned int i, wrong = 0;

	for (i = 0; i < n; i++) {
		u64 *page = page_address(pages[i]);

		WRITE_ONCE(page[0], word_of(i, 0));
		WRITE_ONCE(va[(size_t)i * words + last], word_of(i, last));
	}
	for (i = 0; i < n; i++) {
		const u64 *page = page_address(pages[i]);

		wrong += READ_ONCE(va[(size_t)i * words]) != word_of(i, 0) ||
			 READ_ONCE(page[last]) != word_of(i, last) ||
			 vmalloc_to_page(va + (size_t)i * words) != pages[i];
		if (!(i % 1024))
			cond_resched();
	}
	return wrong;
}

void bench_iterate_vmap(struct bench_run *run)
{
	struct bench_call map = { .run = run, .api = API_VMAP };
	struct bench_call unmap = { .run = run, .api = API_VUNMAP };
	struct page **pages = page_array(run);
	unsigned int n = pages_of(run);
	void *va;

	if (!pages)
		return;
	bench_call_begin(&map);
	va = vmap(pages, n, VM_MAP, PAGE_KERNEL);
	bench_call_end(&map, n, run->bytes, va ? 0 : -ENOMEM);
	if (va) {
		if (run->recording)
			run->stats[API_VMAP].runs += bench_count_runs(va, pages, n);
		if (run->p.dirty)
			run->stats[API_VMAP].wrong += count_wrong(va, pages, n);
		bench_call_begin(&unmap);
		vunmap(va);
		bench_call_end(&unmap, n, run->bytes, 0);
	}
	kvfree(pages);
}
