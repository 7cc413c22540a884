// SPDX-License-Identifier: GPL-2.0
/* The table of functions that can be hooked, and which of them a session needs. */
#include <string.h>
#include "dmasync/hooks.h"
#include "dmasync/ksyms.h"

/*
 * A line is one function. Functions with the same operation and group do the same job in different
 * kernels; rank says which is preferred. Two lines of one rank belong together.
 */
struct hook_def {
	enum hook_kind kind;
	enum op op;
	const char *programs;
	const char *function;
	int group, rank;
};

enum {
	GROUP_MAP_SG,
	GROUP_UNMAP_SG,
	GROUP_SYNC_SG_DEVICE,
	GROUP_SYNC_SG_CPU,
	GROUP_MAP_PAGE,
	GROUP_UNMAP_PAGE,
	GROUP_SYNC_DEVICE,
	GROUP_SYNC_CPU,
	GROUP_IOVA_LINK,
	GROUP_IOVA_SYNC,
	GROUP_IOVA_UNLINK,
	GROUP_IOVA_DESTROY,
	GROUP_ARCH_DEVICE,
	GROUP_ARCH_CPU,
	GROUP_BATCH_DEVICE,
	GROUP_BATCH_CPU,
	GROUP_FLUSH,
	GROUP_BOUNCE_MAP,
	GROUP_BOUNCE_UNMAP,
	GROUP_BOUNCE_DEVICE,
	GROUP_BOUNCE_CPU,
	GROUP_DEVICES,
	GROUP_MEASURE,
	GROUP_DMABUF_MMAP,
	GROUP_DMABUF_MMAP_KERNEL,
	GROUP_DMABUF_VMAP,
	GROUP_VMAP,
	GROUP_REMAP_STEP,
	GROUP_VMAP_STEP,
	GROUP_TLB_DEFER,
	GROUP_TLB_FLUSH,
	GROUP_TLB_FLUSH_DIRTY,
	GROUP_TLB_FLUSH_MM,
	GROUP_TLB_FLUSH_PAGE,
	GROUP_SITES, /* each site is a group of its own from here on */
};

static const struct hook_def defs[] = {
	/* dma_map_sg() is a macro; both of its forms end in the static inner function. */
	{ HOOK_CALL, OP_MAP_SG, "map_sg", "__dma_map_sg_attrs", GROUP_MAP_SG, 0 },
	{ HOOK_CALL, OP_MAP_SG, "map_sg", "dma_map_sg_attrs", GROUP_MAP_SG, 1 },
	{ HOOK_CALL, OP_MAP_SG, "map_sgtable", "dma_map_sgtable", GROUP_MAP_SG, 1 },
	{ HOOK_CALL, OP_UNMAP_SG, "unmap_sg", "dma_unmap_sg_attrs", GROUP_UNMAP_SG, 0 },
	/* Underscores since 6.10, when the plain names became inline wrappers. */
	{ HOOK_CALL, OP_SYNC_SG_FOR_DEVICE, "sync_sg_for_device", "__dma_sync_sg_for_device",
	  GROUP_SYNC_SG_DEVICE, 0 },
	{ HOOK_CALL, OP_SYNC_SG_FOR_DEVICE, "sync_sg_for_device", "dma_sync_sg_for_device",
	  GROUP_SYNC_SG_DEVICE, 1 },
	{ HOOK_CALL, OP_SYNC_SG_FOR_CPU, "sync_sg_for_cpu", "__dma_sync_sg_for_cpu",
	  GROUP_SYNC_SG_CPU, 0 },
	{ HOOK_CALL, OP_SYNC_SG_FOR_CPU, "sync_sg_for_cpu", "dma_sync_sg_for_cpu",
	  GROUP_SYNC_SG_CPU, 1 },
	/* Since 6.18 the page form calls the phys form. */
	{ HOOK_CALL, OP_MAP_PAGE, "map_phys", "dma_map_phys", GROUP_MAP_PAGE, 0 },
	{ HOOK_CALL, OP_MAP_PAGE, "map_page", "dma_map_page_attrs", GROUP_MAP_PAGE, 1 },
	{ HOOK_CALL, OP_UNMAP_PAGE, "unmap_page", "dma_unmap_phys", GROUP_UNMAP_PAGE, 0 },
	{ HOOK_CALL, OP_UNMAP_PAGE, "unmap_page", "dma_unmap_page_attrs", GROUP_UNMAP_PAGE, 1 },
	{ HOOK_CALL, OP_SYNC_SINGLE_FOR_DEVICE, "sync_single_for_device",
	  "__dma_sync_single_for_device", GROUP_SYNC_DEVICE, 0 },
	{ HOOK_CALL, OP_SYNC_SINGLE_FOR_DEVICE, "sync_single_for_device",
	  "dma_sync_single_for_device", GROUP_SYNC_DEVICE, 1 },
	{ HOOK_CALL, OP_SYNC_SINGLE_FOR_CPU, "sync_single_for_cpu", "__dma_sync_single_for_cpu",
	  GROUP_SYNC_CPU, 0 },
	{ HOOK_CALL, OP_SYNC_SINGLE_FOR_CPU, "sync_single_for_cpu", "dma_sync_single_for_cpu",
	  GROUP_SYNC_CPU, 1 },
	{ HOOK_CALL, OP_IOVA_LINK, "iova_link", "dma_iova_link", GROUP_IOVA_LINK, 0 },
	{ HOOK_CALL, OP_IOVA_SYNC, "iova_sync", "dma_iova_sync", GROUP_IOVA_SYNC, 0 },
	{ HOOK_CALL, OP_IOVA_UNLINK, "iova_unlink", "dma_iova_unlink", GROUP_IOVA_UNLINK, 0 },
	{ HOOK_CALL, OP_IOVA_UNLINK, "iova_destroy", "dma_iova_destroy", GROUP_IOVA_DESTROY, 0 },
	{ HOOK_ARCH, OP_ARCH_SYNC_FOR_DEVICE, "arch_sync_for_device", "arch_sync_dma_for_device",
	  GROUP_ARCH_DEVICE, 0 },
	{ HOOK_ARCH, OP_ARCH_SYNC_FOR_CPU, "arch_sync_for_cpu", "arch_sync_dma_for_cpu",
	  GROUP_ARCH_CPU, 0 },
	{ HOOK_ARCH, OP_ARCH_SYNC_FOR_DEVICE, "arch_batch_for_device",
	  "arch_sync_dma_for_device_batch_add", GROUP_BATCH_DEVICE, 0 },
	{ HOOK_ARCH, OP_ARCH_SYNC_FOR_CPU, "arch_batch_for_cpu", "arch_sync_dma_for_cpu_batch_add",
	  GROUP_BATCH_CPU, 0 },
	{ HOOK_ARCH, OP_ARCH_FLUSH, "arch_flush", "arch_sync_dma_batch_flush", GROUP_FLUSH, 0 },
	{ HOOK_COUNT, OP_COUNT, "count_for_device", "arch_sync_dma_for_device", GROUP_ARCH_DEVICE,
	  0 },
	{ HOOK_COUNT, OP_COUNT, "count_for_cpu", "arch_sync_dma_for_cpu", GROUP_ARCH_CPU, 0 },
	{ HOOK_COUNT, OP_COUNT, "count_flush", "arch_sync_dma_batch_flush", GROUP_FLUSH, 0 },
	/* Underscores since 6.12, when the plain names became inline look-ups of the pool. */
	{ HOOK_BOUNCE, OP_COUNT, "bounce_map", "swiotlb_tbl_map_single", GROUP_BOUNCE_MAP, 0 },
	{ HOOK_BOUNCE, OP_COUNT, "bounce_unmap", "__swiotlb_tbl_unmap_single", GROUP_BOUNCE_UNMAP,
	  0 },
	{ HOOK_BOUNCE, OP_COUNT, "bounce_unmap", "swiotlb_tbl_unmap_single", GROUP_BOUNCE_UNMAP,
	  1 },
	{ HOOK_BOUNCE, OP_COUNT, "bounce_sync_device", "__swiotlb_sync_single_for_device",
	  GROUP_BOUNCE_DEVICE, 0 },
	{ HOOK_BOUNCE, OP_COUNT, "bounce_sync_device", "swiotlb_sync_single_for_device",
	  GROUP_BOUNCE_DEVICE, 1 },
	{ HOOK_BOUNCE, OP_COUNT, "bounce_sync_cpu", "__swiotlb_sync_single_for_cpu",
	  GROUP_BOUNCE_CPU, 0 },
	{ HOOK_BOUNCE, OP_COUNT, "bounce_sync_cpu", "swiotlb_sync_single_for_cpu", GROUP_BOUNCE_CPU,
	  1 },
	/*
	 * Called when a device is added, removed, bound or unbound: of its own since 6.4, before
	 * that the notifier chain behind it, which has other uses, too.
	 */
	{ HOOK_DEVICES, OP_COUNT, "devices", "bus_notify", GROUP_DEVICES, 0 },
	{ HOOK_DEVICES, OP_COUNT, "devices", "blocking_notifier_call_chain", GROUP_DEVICES, 1 },
	{ HOOK_MEASURE, OP_COUNT, "calibrate", "bpf_fentry_test1", GROUP_MEASURE, 0 },
	/* From here on: with --chain only. */
	{ HOOK_CHAIN, OP_DMABUF_MMAP, "dmabuf_mmap", "dma_buf_mmap_internal", GROUP_DMABUF_MMAP,
	  0 },
	{ HOOK_CHAIN, OP_DMABUF_MMAP, "dmabuf_mmap_kernel", "dma_buf_mmap",
	  GROUP_DMABUF_MMAP_KERNEL, 0 },
	{ HOOK_STEP, OP_COUNT, "remap_step", "remap_pfn_range", GROUP_REMAP_STEP, 0 },
	{ HOOK_CHAIN, OP_DMABUF_VMAP, "dmabuf_vmap", "dma_buf_vmap", GROUP_DMABUF_VMAP, 0 },
	{ HOOK_CHAIN, OP_VMAP, "vmap", "vmap", GROUP_VMAP, 0 },
	/* Of this project's patches; without them each page is a step. */
	{ HOOK_STEP, OP_COUNT, "vmap_run", "vmap_pages_run", GROUP_VMAP_STEP, 0 },
	/* Not in arm64 6.1: flushes of pages that are taken away are put off and done as one. */
	{ HOOK_STEP, OP_COUNT, "tlb_defer", "set_tlb_ubc_flush_pending", GROUP_TLB_DEFER, 0 },
	{ HOOK_CHAIN, OP_TLB_FLUSH, "tlb_flush", "try_to_unmap_flush", GROUP_TLB_FLUSH, 0 },
	{ HOOK_CHAIN, OP_TLB_FLUSH, "tlb_flush_dirty", "try_to_unmap_flush_dirty",
	  GROUP_TLB_FLUSH_DIRTY, 0 },
	{ HOOK_CHAIN, OP_TLB_FLUSH, "tlb_flush_mm", "flush_tlb_batched_pending", GROUP_TLB_FLUSH_MM,
	  0 },
	{ HOOK_CHAIN, OP_TLB_FLUSH, "tlb_flush_page", "ptep_clear_flush", GROUP_TLB_FLUSH_PAGE, 0 },
};

#define N_DEFS (sizeof(defs) / sizeof(defs[0]))

_Static_assert(N_DEFS < HEADER_HOOKS_MAX, "the header has room for every hook");

/* Those that are looked at for @opt. */
static size_t n_defs(const struct options *opt)
{
	size_t n = N_DEFS;

	while (!opt->chain && (defs[n - 1].kind == HOOK_CHAIN || defs[n - 1].kind == HOOK_STEP))
		n--;
	return n;
}
_Static_assert(N_DEFS + 2 <= HOOK_SYMBOLS_MAX, "the caller has room for every symbol");

static bool op_wanted(const struct options *opt, enum op op)
{
	return !opt->ops || opt->ops & 1U << op;
}

#define OPS2(a, b) (1U << (a) | 1U << (b))
#define OPS3(a, b, c) (OPS2(a, b) | 1U << (c))

/* Calls in which the function of @group uses the bounce buffer. */
static unsigned int bounced_ops(int group)
{
	switch (group) {
	case GROUP_BOUNCE_MAP:
		return OPS3(OP_MAP_SG, OP_MAP_PAGE, OP_IOVA_LINK);
	case GROUP_BOUNCE_UNMAP:
		return OPS3(OP_UNMAP_SG, OP_UNMAP_PAGE, OP_IOVA_UNLINK);
	case GROUP_BOUNCE_DEVICE:
		return OPS2(OP_SYNC_SG_FOR_DEVICE, OP_SYNC_SINGLE_FOR_DEVICE);
	default:
		return OPS2(OP_SYNC_SG_FOR_CPU, OP_SYNC_SINGLE_FOR_CPU);
	}
}

/* Calls of which the function of @group is a step. */
static unsigned int steps_ops(int group)
{
	switch (group) {
	case GROUP_REMAP_STEP:
		return 1U << OP_DMABUF_MMAP;
	case GROUP_VMAP_STEP:
		return OPS2(OP_DMABUF_VMAP, OP_VMAP);
	default:
		return 1U << OP_TLB_FLUSH;
	}
}

/* The steps of a dma_buf_vmap() are told by the vmap() inside it, watched for that alone. */
static bool steps_only(const struct options *opt, const struct hook_def *d)
{
	return d->op == OP_VMAP && !op_wanted(opt, OP_VMAP);
}

static bool wanted(const struct options *opt, const struct features *f, const struct hook_def *d)
{
	bool batch = d->group == GROUP_FLUSH || d->group == GROUP_BATCH_DEVICE ||
		     d->group == GROUP_BATCH_CPU;

	switch (d->kind) {
	case HOOK_CALL:
		return op_wanted(opt, d->op);
	case HOOK_ARCH:
		if (batch && !f->flush_symbol)
			return false;
		return opt->level == LEVEL_ARCH && op_wanted(opt, d->op);
	case HOOK_COUNT:
		/* At arch level the latency programs count, too. */
		if (!opt->exact || opt->level == LEVEL_ARCH)
			return false;
		return batch ? f->flush_symbol : flavour_sync_waits(f->flavour);
	case HOOK_SITE:
		return false;
	case HOOK_BOUNCE:
		return !opt->ops || opt->ops & bounced_ops(d->group);
	case HOOK_CHAIN:
		return op_wanted(opt, steps_only(opt, d) ? OP_DMABUF_VMAP : d->op);
	case HOOK_STEP:
		return !opt->ops || opt->ops & steps_ops(d->group);
	case HOOK_DEVICES:
	case HOOK_MEASURE:
		return true;
	}
	return false;
}

/* A rank-0 hook that misses calls, because the compiler inlined the function, must not be used. */
static bool complete(const struct features *f, const struct hook_def *d)
{
	if (d->rank)
		return true;
	switch (d->group) {
	case GROUP_MAP_SG:
		return feature_map_sg_inner_complete(f) != ANSWER_NO;
	case GROUP_MAP_PAGE:
		return feature_map_phys_inner_complete(f) != ANSWER_NO;
	case GROUP_UNMAP_PAGE:
		return feature_unmap_phys_inner_complete(f) != ANSWER_NO;
	default:
		return true;
	}
}

static void take(struct hook *h, const struct hook_def *d, const struct ksym *sym)
{
	bool one_piece = sym->seen == 1 && !sym->clones && sym->addr && sym->size;

	*h = (struct hook){
		.kind = d->kind,
		.op = d->op,
		.programs = d->programs,
		.function = d->function,
		.group = d->group,
		.rank = d->rank,
		.exists = sym->seen,
		.text = one_piece ? sym->addr : 0,
		.text_size = one_piece ? sym->size : 0,
		/* In 6.1 `bool writable`, which does not tell what was mapped. */
		.second = d->group == GROUP_TLB_DEFER ? "pte_t" : NULL,
	};
}

size_t hooks_symbols(const struct options *opt, struct ksym syms[HOOK_SYMBOLS_MAX])
{
	size_t n = n_defs(opt);

	for (size_t i = 0; i < n; i++)
		syms[i] = (struct ksym){ .name = defs[i].function };
	syms[n] = (struct ksym){ .name = "iommu_dma_map_sg" };
	syms[n + 1] = (struct ksym){ .name = "bpf_jit_supports_fsession" };
	return n + 2;
}

/*
 * Kernels that put flushes off also flush single pages at once, as when memory is copied on write:
 * there it has nothing to do with what could have been put off.
 */
static bool puts_flushes_off(const struct ksym *syms, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (defs[i].group == GROUP_TLB_FLUSH)
			return syms[i].seen;
	return false;
}

int hooks_plan(const struct options *opt, const struct features *f, const struct ksym *syms,
	       struct hook *hooks, struct hook_facts *facts)
{
	size_t defined = n_defs(opt);
	int n = 0;

	*facts = (struct hook_facts){ 0 };
	for (size_t i = 0; i < defined; i++) {
		if (!wanted(opt, f, &defs[i]) || !complete(f, &defs[i]))
			continue;
		if (defs[i].group == GROUP_TLB_FLUSH_PAGE && puts_flushes_off(syms, defined))
			continue;
		take(&hooks[n], &defs[i], &syms[i]);
		if (steps_only(opt, &defs[i])) {
			hooks[n].kind = HOOK_STEP;
			hooks[n].op = OP_COUNT;
			facts->vmap_steps_only = true;
		}
		n++;
	}
	facts->iommu_map_sg = syms[defined].addr;
	facts->fsession = syms[defined + 1].seen;
	for (size_t i = 0; i < f->n_sites && n < HEADER_HOOKS_MAX; i++) {
		if (!opt->exact && opt->level != LEVEL_ARCH)
			break;
		hooks[n++] = (struct hook){
			.kind = HOOK_SITE,
			.op = OP_COUNT,
			.programs = "dsb_site",
			.function = f->sites[i].function,
			.offset = f->sites[i].offset,
			.group = GROUP_SITES + (int)i,
			.exists = true,
		};
	}
	return n;
}

unsigned int hook_variant(const struct hook *h)
{
	static const struct {
		const char *programs;
		unsigned int variant;
	} others[] = {
		{ "map_sgtable", 1 },	     { "map_phys", 1 },
		{ "iova_destroy", 1 },	     { "arch_batch_for_device", 1 },
		{ "arch_batch_for_cpu", 1 }, { "dmabuf_mmap_kernel", 1 },
		{ "tlb_flush_dirty", 1 },    { "tlb_flush_mm", 2 },
		{ "tlb_flush_page", 3 },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(h->programs, others[i].programs))
			return others[i].variant;
	return 0;
}
