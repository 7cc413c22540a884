/* SPDX-License-Identifier: GPL-2.0 */
/* What the arguments and results of each hooked function mean. */
#ifndef HOOKS_BPF_H
#define HOOKS_BPF_H

#include "api.bpf.h"

/* Seven arguments, as many as any hooked function has; unused ones cost nothing once inlined. */
#define ARGS u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6
/*
 * What a hook is of; which arguments are the device, tell its calls in flight apart (1 when none
 * has to), and say how data goes; and a function that fills in a struct call from the others.
 */
#define HOOK_ARGS(base, op, dev, id, dir, attrs)                                                   \
	enum { base##_op = op };                                                                   \
	static __always_inline u64 base##_dev(ARGS)                                                \
	{                                                                                          \
		return dev;                                                                        \
	}                                                                                          \
	static __always_inline u64 base##_id(ARGS)                                                 \
	{                                                                                          \
		return id;                                                                         \
	}                                                                                          \
	static __always_inline u32 base##_tag(u32 variant, ARGS)                                   \
	{                                                                                          \
		return call_tag(op, dir, attrs) | ROW_TAG_OF_VARIANT(variant);                     \
	}                                                                                          \
	static __always_inline void base##_args(struct call *c, ARGS)
#define HOOK_FAILED(base, ret, condition)                                                          \
	static __always_inline bool base##_failed(u64 ret)                                         \
	{                                                                                          \
		return condition;                                                                  \
	}

static __always_inline void call_list(struct call *c, u32 nents)
{
	c->list = 0;
	c->size = 0;
	c->nents = nents;
	c->list_is_id = true;
}

static __always_inline void call_single(struct call *c, u64 size)
{
	c->list = 0;
	c->size = size;
	c->nents = 1;
	c->list_is_id = false;
}

/* __dma_map_sg_attrs(dev, sg, nents, dir, attrs) and its wrapper dma_map_sg_attrs() */
HOOK_ARGS(map_sg, OP_MAP_SG, a0, a1, a3, a4)
{
	call_list(c, a2);
}
HOOK_FAILED(map_sg, ret, (int)ret <= 0)

/* dma_map_sgtable(dev, sgt, dir, attrs) */
HOOK_ARGS(map_sgtable, OP_MAP_SG, a0, a1, a2, a3)
{
	struct sg_table *sgt = (void *)a1;

	call_list(c, BPF_CORE_READ(sgt, orig_nents));
	c->list = (u64)BPF_CORE_READ(sgt, sgl);
	c->list_is_id = false;
}
HOOK_FAILED(map_sgtable, ret, (int)ret)

/* dma_unmap_sg_attrs(dev, sg, nents, dir, attrs) */
HOOK_ARGS(unmap_sg, OP_UNMAP_SG, a0, a1, a3, a4)
{
	call_list(c, a2);
}
HOOK_FAILED(unmap_sg, ret, false)

/* [__]dma_sync_sg_for_{device,cpu}(dev, sg, nelems, dir) */
HOOK_ARGS(sync_sg_for_device, OP_SYNC_SG_FOR_DEVICE, a0, a1, a3, 0)
{
	call_list(c, a2);
}
HOOK_FAILED(sync_sg_for_device, ret, false)

HOOK_ARGS(sync_sg_for_cpu, OP_SYNC_SG_FOR_CPU, a0, a1, a3, 0)
{
	call_list(c, a2);
}
HOOK_FAILED(sync_sg_for_cpu, ret, false)

/* dma_map_page_attrs(dev, page, offset, size, dir, attrs) */
HOOK_ARGS(map_page, OP_MAP_PAGE, a0, a1, a4, a5)
{
	call_single(c, a3);
}
HOOK_FAILED(map_page, ret, ret == DMA_MAPPING_ERROR)

/* dma_map_phys(dev, phys, size, dir, attrs) */
HOOK_ARGS(map_phys, OP_MAP_PAGE, a0, a1, a3, a4)
{
	call_single(c, a2);
}
HOOK_FAILED(map_phys, ret, ret == DMA_MAPPING_ERROR)

/* dma_unmap_{page_attrs,phys}(dev, addr, size, dir, attrs) */
HOOK_ARGS(unmap_page, OP_UNMAP_PAGE, a0, a1, a3, a4)
{
	call_single(c, a2);
}
HOOK_FAILED(unmap_page, ret, false)

/* [__]dma_sync_single_for_{device,cpu}(dev, addr, size, dir) */
HOOK_ARGS(sync_single_for_device, OP_SYNC_SINGLE_FOR_DEVICE, a0, a1, a3, 0)
{
	call_single(c, a2);
}
HOOK_FAILED(sync_single_for_device, ret, false)

HOOK_ARGS(sync_single_for_cpu, OP_SYNC_SINGLE_FOR_CPU, a0, a1, a3, 0)
{
	call_single(c, a2);
}
HOOK_FAILED(sync_single_for_cpu, ret, false)

/* dma_iova_link(dev, state, phys, offset, size, dir, attrs) */
HOOK_ARGS(iova_link, OP_IOVA_LINK, a0, a2, a5, a6)
{
	call_single(c, a4);
}
HOOK_FAILED(iova_link, ret, (int)ret)

/* dma_iova_sync(dev, state, offset, size) */
HOOK_ARGS(iova_sync, OP_IOVA_SYNC, a0, a1, DIR_NONE, 0)
{
	call_single(c, a3);
}
HOOK_FAILED(iova_sync, ret, (int)ret)

/*
 * An unlink goes through its range an IOMMU page at a time, each a maintenance of its own: these
 * are its entries. dma-iommu's pages are as large as the CPU's.
 */
static __always_inline u32 iova_pages(u64 state, u64 offset, u64 size)
{
	u64 start = BPF_CORE_READ((struct dma_iova_state *)state, addr) + offset;
	u64 mask = (1ULL << config.page_shift) - 1;

	return ((start & mask) + size + mask) >> config.page_shift;
}

/* dma_iova_unlink(dev, state, offset, size, dir, attrs) */
HOOK_ARGS(iova_unlink, OP_IOVA_UNLINK, a0, a1, a4, a5)
{
	call_single(c, a3);
	c->nents = iova_pages(a1, a2, a3);
}
HOOK_FAILED(iova_unlink, ret, false)

/* dma_iova_destroy(dev, state, mapped_len, dir, attrs) */
HOOK_ARGS(iova_destroy, OP_IOVA_UNLINK, a0, a1, a3, a4)
{
	call_single(c, a2);
	c->nents = iova_pages(a1, 0, a2);
}
HOOK_FAILED(iova_destroy, ret, false)

/* bpf_fentry_test1(): the kernel's own do-nothing function, run on request: measures the probes */
HOOK_ARGS(calibrate, OP_CALIBRATE, CALIBRATE_DEV, 1, DIR_NONE, 0)
{
	call_single(c, 0);
}
HOOK_FAILED(calibrate, ret, false)

/* arch_sync_dma_for_{device,cpu}(paddr, size, dir): no device; the API call around it has one */
HOOK_ARGS(arch_sync_for_device, OP_ARCH_SYNC_FOR_DEVICE, 0, a0, a2, 0)
{
	call_single(c, a1);
}
HOOK_FAILED(arch_sync_for_device, ret, false)

HOOK_ARGS(arch_sync_for_cpu, OP_ARCH_SYNC_FOR_CPU, 0, a0, a2, 0)
{
	call_single(c, a1);
}
HOOK_FAILED(arch_sync_for_cpu, ret, false)

/*
 * arch_sync_dma_for_{device,cpu}_batch_add(paddr, size, dir): the same without its barrier, in this
 * project's kernel series
 */
HOOK_ARGS(arch_batch_for_device, OP_ARCH_SYNC_FOR_DEVICE, 0, a0, a2, 0)
{
	call_single(c, a1);
}
HOOK_FAILED(arch_batch_for_device, ret, false)

HOOK_ARGS(arch_batch_for_cpu, OP_ARCH_SYNC_FOR_CPU, 0, a0, a2, 0)
{
	call_single(c, a1);
}
HOOK_FAILED(arch_batch_for_cpu, ret, false)

/* arch_sync_dma_batch_flush(void): the batch's one barrier, in this project's kernel series */
HOOK_ARGS(arch_flush, OP_ARCH_FLUSH, 0, 1, DIR_NONE, 0)
{
	call_single(c, 0);
	c->nents = 0;
}
HOOK_FAILED(arch_flush, ret, false)

/* X(base, variant): API functions; their first argument is the device. */
#define API_HOOKS(X)                                                                               \
	X(map_sg, 0)                                                                               \
	X(map_sgtable, 1)                                                                          \
	X(unmap_sg, 0)                                                                             \
	X(sync_sg_for_device, 0)                                                                   \
	X(sync_sg_for_cpu, 0)                                                                      \
	X(map_page, 0)                                                                             \
	X(map_phys, 1)                                                                             \
	X(unmap_page, 0)                                                                           \
	X(sync_single_for_device, 0)                                                               \
	X(sync_single_for_cpu, 0)                                                                  \
	X(iova_link, 0)                                                                            \
	X(iova_sync, 0)                                                                            \
	X(iova_unlink, 0)                                                                          \
	X(iova_destroy, 1)

/* X(base, operations): functions that copy through a bounce buffer; one program each, as each has
 * one target.
 */
#define BOUNCE_HOOKS(X)                                                                            \
	X(bounce_map, OPS_MAP)                                                                     \
	X(bounce_unmap, OPS_UNMAP)                                                                 \
	X(bounce_sync_device, OPS_SYNC)                                                            \
	X(bounce_sync_cpu, OPS_SYNC)

#endif
