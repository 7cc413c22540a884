/* SPDX-License-Identifier: GPL-2.0 */
/* bench --mmap and --vmap: what mapping a dma-buf costs beside the DMA API. */
#ifndef DMASYNC_BENCH_CHAIN_H
#define DMASYNC_BENCH_CHAIN_H

#include "bench.h"

#define HEAP_DEVICE "/dev/dma_heap/system"

/* One kind of call; times in ns. */
struct chain_times {
	__u64 calls, min, median, p99, max;
	double mean;
};

struct chain_result {
	struct bench_result about; /* kernel, machine, CPU; its two sides are not used */
	const char *source;	   /* "dma_heap" or "module" */
	const char *names[2];	   /* of the calls: "mmap", "munmap" */
	struct chain_times times[2];
	__u64 pages; /* of one call */
	__u64 wrong; /* pages that did not hold what had been written to them, over all calls */
	bool steps_known;
	double steps;	     /* of one call */
	char steps_why[256]; /* why they are not known */
};

/* A buffer of the system heap. */
struct heap {
	int fd;
	size_t size; /* bytes */
};

/* Takes @size bytes from the heap. 0 or -errno after a message. Release with heap_free(). */
int heap_alloc(struct heap *heap, size_t size);
void heap_free(struct heap *heap);

/*
 * Maps the buffer; @ns are those of mmap() and munmap(). With @seed the first and the last word of
 * each page are written through this mapping and read through another. The number of pages that
 * read wrong, or -errno after a message.
 */
long heap_map(const struct heap *heap, __u64 seed, __u64 ns[2]);

/*
 * Around a run of the kernel module with dirty=yes, which reads the first word of each page and
 * writes the last one: fills the first ones, 0 or -errno after a message; checks the last ones, the
 * number of pages that read wrong or -errno after a message.
 */
int heap_fill(const struct heap *heap);
long heap_check(const struct heap *heap);

/* The whole subcommand, after its options are parsed. An exit code. */
int bench_mmap(const struct bench_options *opt);
int bench_vmap(const struct bench_options *opt);

/* Prints to @out as @opt asks. An exit code: pages that read wrong are a failure. */
int chain_print(FILE *out, const struct bench_options *opt, const struct chain_result *r);

#endif
