/* SPDX-License-Identifier: GPL-2.0 */
/* Scatter-gather lists: their bytes, and how far a map that failed had come. */
#ifndef SGLIST_BPF_H
#define SGLIST_BPF_H

#include "session.bpf.h"

#define SG_CHAIN 1UL
#define SG_END 2UL
#define SG_CHUNK 8	   /* entries a read: what fits the BPF stack */
#define SG_CHUNKS_MAX 8192 /* 65536 entries, 256 MiB in pages */
#define SG_ENTRY_MAX 32	   /* largest struct scatterlist */
#define DMA_MAPPING_ERROR (~0ULL)

struct sg_walk {
	u64 sg;	   /* next entry to read */
	u64 bytes; /* sum of the lengths so far */
	u32 left;  /* entries still to come */
	u32 seen;  /* entries passed */
	u32 stop_at_error;
	u32 pad;
};

/* One chunk of the list; 1 ends the walk. */
static long sg_walk_chunk(u32 chunk, struct sg_walk *w)
{
	const u32 size = bpf_core_type_size(struct scatterlist);
	u8 buf[SG_CHUNK * SG_ENTRY_MAX];
	u32 n = SG_CHUNK;

	if (w->left < SG_CHUNK)
		n = w->left;
	/* The chunk may reach past the end of a small list's memory: then one at a time. */
	if (bpf_probe_read_kernel(buf, n * size, (void *)w->sg)) {
		n = 1;
		if (bpf_probe_read_kernel(buf, size, (void *)w->sg))
			return 1;
	}
	for (u32 i = 0; i < SG_CHUNK; i++) {
		const struct scatterlist *sg = (void *)(buf + i * size);
		u64 link;

		if (i >= n)
			break;
		link = *(u64 *)((u8 *)sg + bpf_core_field_offset(sg->page_link));
		if (link & SG_CHAIN) {
			w->sg = link & ~(SG_CHAIN | SG_END);
			return !w->sg;
		}
		if (w->stop_at_error &&
		    *(u64 *)((u8 *)sg + bpf_core_field_offset(sg->dma_address)) ==
			    DMA_MAPPING_ERROR)
			return 1;
		w->bytes += *(u32 *)((u8 *)sg + bpf_core_field_offset(sg->length));
		w->seen++;
		if (!--w->left || link & SG_END)
			return 1;
	}
	w->sg += n * size;
	return 0;
}

static __always_inline void sg_walk(struct sg_walk *w)
{
	if (!w->left || bpf_core_type_size(struct scatterlist) > SG_ENTRY_MAX)
		return;
	if (bpf_loop(SG_CHUNKS_MAX, sg_walk_chunk, w, 0) == SG_CHUNKS_MAX)
		lost(sg_truncated);
}

/* Sum of the lengths of the first @nents entries of @sgl, as the caller built it. */
SLOW_PATH u64 sg_bytes(u64 sgl, u32 nents)
{
	struct sg_walk w = { .sg = sgl, .left = nents };

	sg_walk(&w);
	return w.bytes;
}

/*
 * Entries that dma_direct_map_sg() had mapped when it failed: it stores DMA_MAPPING_ERROR in the
 * entry that it could not map. @nents when none has it.
 */
SLOW_PATH u32 sg_mapped_before_error(u64 sgl, u32 nents)
{
	struct sg_walk w = { .sg = sgl, .left = nents, .stop_at_error = 1 };

	sg_walk(&w);
	return w.seen;
}

#endif
