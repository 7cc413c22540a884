// SPDX-License-Identifier: GPL-2.0
/* What the running kernel's symbols and text tell about its cache maintenance for DMA. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "dmasync/features.h"
#include "dmasync/kcore.h"
#include "dmasync/ksyms.h"

/* Symbols that decide. */
enum {
	SYM_ARCH_SYNC, /* the architecture does cache maintenance for DMA */
	SYM_NOSYNC,    /* maintenance that does not wait: the kernel batches */
	SYM_OUR_FLUSH, /* this project's series */
	SYM_MAP_SG_INNER,
	SYM_MAP_SG_ATTRS,
	SYM_MAP_SGTABLE,
	SYM_MAP_PHYS,
	SYM_MAP_PAGE,
	SYM_UNMAP_PHYS,
	SYM_UNMAP_PAGE,
	SYM_COUNT,
};

static const char *const symbols[SYM_COUNT] = {
	[SYM_ARCH_SYNC] = "arch_sync_dma_for_device",
	[SYM_NOSYNC] = "dcache_clean_poc_nosync",
	[SYM_OUR_FLUSH] = "arch_sync_dma_batch_flush",
	[SYM_MAP_SG_INNER] = "__dma_map_sg_attrs",
	[SYM_MAP_SG_ATTRS] = "dma_map_sg_attrs",
	[SYM_MAP_SGTABLE] = "dma_map_sgtable",
	[SYM_MAP_PHYS] = "dma_map_phys",
	[SYM_MAP_PAGE] = "dma_map_page_attrs",
	[SYM_UNMAP_PHYS] = "dma_unmap_phys",
	[SYM_UNMAP_PAGE] = "dma_unmap_page_attrs",
};

/*
 * Functions of the DMA core into which a batched kernel may inline its flush, in all kernels from
 * 6.1 to 7.3. One that a kernel lacks is skipped.
 */
static const char *const flush_callers[] = {
	/* kernel/dma/mapping.c; direct mapping of single buffers is inlined into these */
	"dma_map_page_attrs",
	"dma_unmap_page_attrs",
	"dma_map_phys",
	"dma_unmap_phys",
	"dma_map_resource",
	"dma_unmap_resource",
	"__dma_map_sg_attrs",
	"dma_map_sg_attrs",
	"dma_map_sgtable",
	"dma_unmap_sg_attrs",
	"__dma_sync_single_for_cpu",
	"__dma_sync_single_for_device",
	"__dma_sync_sg_for_cpu",
	"__dma_sync_sg_for_device",
	"dma_sync_single_for_cpu",
	"dma_sync_single_for_device",
	"dma_sync_sg_for_cpu",
	"dma_sync_sg_for_device",
	/* kernel/dma/direct.c */
	"dma_direct_map_sg",
	"dma_direct_unmap_sg",
	"dma_direct_map_phys",
	"dma_direct_unmap_phys",
	"dma_direct_map_page",
	"dma_direct_unmap_page",
	"dma_direct_sync_sg_for_cpu",
	"dma_direct_sync_sg_for_device",
	"dma_direct_sync_single_for_cpu",
	"dma_direct_sync_single_for_device",
	/* kernel/dma/swiotlb.c */
	"swiotlb_map",
	"swiotlb_tbl_map_single",
	"swiotlb_tbl_unmap_single",
	"swiotlb_bounce",
	"__swiotlb_tbl_unmap_single",
	"__swiotlb_sync_single_for_cpu",
	"__swiotlb_sync_single_for_device",
	"swiotlb_sync_single_for_cpu",
	"swiotlb_sync_single_for_device",
	/* drivers/iommu/dma-iommu.c */
	"iommu_dma_map_page",
	"iommu_dma_unmap_page",
	"iommu_dma_map_phys",
	"iommu_dma_unmap_phys",
	"iommu_dma_map_sg",
	"iommu_dma_unmap_sg",
	"iommu_dma_sync_single_for_cpu",
	"iommu_dma_sync_single_for_device",
	"iommu_dma_sync_sg_for_cpu",
	"iommu_dma_sync_sg_for_device",
	"iommu_dma_map_sg_swiotlb",
	"iommu_dma_unmap_sg_swiotlb",
	"iommu_dma_map_swiotlb",
	"__iommu_dma_map",
	"__iommu_dma_unmap",
	"dma_iova_link",
	"dma_iova_sync",
	"dma_iova_unlink",
	"dma_iova_destroy",
	"__dma_iova_link",
	"iommu_dma_iova_bounce_and_link",
	"iommu_dma_iova_link_swiotlb",
	"iommu_dma_iova_unlink_range_slow",
	"__iommu_dma_iova_unlink",
	/* drivers/xen/swiotlb-xen.c */
	"xen_swiotlb_map_page",
	"xen_swiotlb_unmap_page",
	"xen_swiotlb_map_phys",
	"xen_swiotlb_unmap_phys",
	"xen_swiotlb_map_sg",
	"xen_swiotlb_unmap_sg",
	"xen_swiotlb_sync_single_for_cpu",
	"xen_swiotlb_sync_single_for_device",
	"xen_swiotlb_sync_sg_for_cpu",
	"xen_swiotlb_sync_sg_for_device",
};

#define N_CALLERS (sizeof(flush_callers) / sizeof(flush_callers[0]))
#define TEXT_MAX (64 << 10) /* bytes; the largest of them has 3 KiB */
#define SITES_PER_FUNCTION 32

/* A kprobe at a function's entry may sit behind BTI and ftrace's instructions; none waits there. */
#define ENTRY_INSNS 4

#define N_SYMS (SYM_COUNT + N_CALLERS)

static enum flavour flavour_of(const struct ksym *syms, const char *machine)
{
	/* Other architectures complete their maintenance without a dsb (riscv's Zicbom loop). */
	if (strcmp(machine, "aarch64") || !syms[SYM_ARCH_SYNC].seen)
		return FLAVOUR_NONE;
	if (!syms[SYM_NOSYNC].seen)
		return FLAVOUR_PER_ENTRY;
	return syms[SYM_OUR_FLUSH].seen ? FLAVOUR_DMASYNC_BATCHED : FLAVOUR_UPSTREAM_BATCHED;
}

/* Reads the text of @sym into a buffer for free(); *@size is rounded down to instructions. */
static void *read_text(const struct kcore *kc, const struct ksym *sym, size_t *size)
{
	void *text;

	if (!sym->addr || !sym->size || sym->size > TEXT_MAX)
		return NULL;
	*size = sym->size & ~3UL;
	text = malloc(*size + 8);
	if (text && kcore_read(kc, sym->addr, text, *size)) {
		free(text);
		return NULL;
	}
	return text;
}

/* True if some five bytes of @text are a call or jmp rel32 to @target. */
static bool x86_calls(const unsigned char *text, size_t size, __u64 pc, __u64 target)
{
	__s32 rel;
	size_t i;

	/* Not decoded: five bytes that hit the target by chance are one in 2^32. */
	for (i = 0; i + 5 <= size; i++) {
		if (text[i] != 0xe8 && text[i] != 0xe9)
			continue;
		memcpy(&rel, text + i + 1, sizeof(rel));
		if (pc + i + 5 + (__s64)rel == target)
			return true;
	}
	return false;
}

static enum answer answer_calls(const struct kcore *kc, const char *machine,
				const struct ksym *caller, const struct ksym *callee)
{
	size_t size = 0;
	void *text;
	bool yes;

	if (!caller->seen || !callee->seen)
		return ANSWER_NO;
	/* Two functions of one name: which of them is meant cannot be told. */
	if (caller->seen > 1 || callee->seen > 1 || !callee->addr)
		return ANSWER_UNKNOWN;
	text = read_text(kc, caller, &size);
	if (!text)
		return ANSWER_UNKNOWN;
	if (!strcmp(machine, "aarch64"))
		yes = a64_calls(text, size / 4, caller->addr, callee->addr);
	else if (!strcmp(machine, "x86_64"))
		yes = x86_calls(text, size, caller->addr, callee->addr);
	else
		yes = false;
	free(text);
	return yes ? ANSWER_YES : ANSWER_NO;
}

static enum answer answer_and(enum answer a, enum answer b)
{
	if (a == ANSWER_NO || b == ANSWER_NO)
		return ANSWER_NO;
	return a == ANSWER_YES && b == ANSWER_YES ? ANSWER_YES : ANSWER_UNKNOWN;
}

static bool hidden_by_kprobe(const __u32 *text, size_t n)
{
	size_t i;

	for (i = ENTRY_INSNS; i < n; i++)
		if (a64_is_kprobe(text[i]))
			return true;
	return false;
}

/* Adds the sites of @sym. 0, or -errno with ->why set when they are not known for sure. */
static int add_sites(struct features *f, const struct kcore *kc, const struct ksym *sym)
{
	struct a64_site found[SITES_PER_FUNCTION];
	struct barrier_site *grown;
	size_t size = 0, n, i;
	int err = 0;
	__u32 *text;

	/* dma_sync_* are inline since 6.10: their clones are drivers' copies without a barrier. */
	if (!sym->seen && (!sym->clones || !strncmp(sym->name, "dma_sync_", 9)))
		return 0;
	if (sym->seen > 1 || sym->clones) {
		snprintf(f->why, sizeof(f->why), "%s exists more than once or in parts", sym->name);
		return -ENOTUNIQ;
	}
	text = read_text(kc, sym, &size);
	if (!text) {
		snprintf(f->why, sizeof(f->why), "cannot read the text of %s from /proc/kcore",
			 sym->name);
		return -EIO;
	}
	if (hidden_by_kprobe(text, size / 4)) {
		snprintf(f->why, sizeof(f->why),
			 "another tool's kprobe hides an instruction of %s: end that tool",
			 sym->name);
		err = -EBUSY;
	}
	n = a64_find_dsb(text, size / 4, found, SITES_PER_FUNCTION);
	free(text);
	if (n > SITES_PER_FUNCTION)
		return -E2BIG;
	f->n_functions++;
	if (!n)
		return err;
	grown = realloc(f->sites, (f->n_sites + n) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	f->sites = grown;
	for (i = 0; i < n; i++)
		f->sites[f->n_sites++] = (struct barrier_site){ .function = sym->name,
								.offset = found[i].offset,
								.option = found[i].option };
	return err;
}

static void read_answers(struct features *f, const struct kcore *kc, const char *machine,
			 const struct ksym *syms)
{
	f->map_sg = answer_and(
		answer_calls(kc, machine, &syms[SYM_MAP_SG_ATTRS], &syms[SYM_MAP_SG_INNER]),
		answer_calls(kc, machine, &syms[SYM_MAP_SGTABLE], &syms[SYM_MAP_SG_INNER]));
	f->map_phys = answer_calls(kc, machine, &syms[SYM_MAP_PAGE], &syms[SYM_MAP_PHYS]);
	f->unmap_phys = answer_calls(kc, machine, &syms[SYM_UNMAP_PAGE], &syms[SYM_UNMAP_PHYS]);
}

/* Everything to find: what decides, then @also, then the callers of the flush. NULL: no memory. */
static struct ksym *wanted_symbols(const struct ksym *also, size_t n_also)
{
	struct ksym *syms = calloc(N_SYMS + n_also, sizeof(*syms));
	size_t i;

	for (i = 0; syms && i < SYM_COUNT; i++)
		syms[i].name = symbols[i];
	for (i = 0; syms && i < n_also; i++)
		syms[SYM_COUNT + i] = also[i];
	for (i = 0; syms && i < N_CALLERS; i++)
		syms[SYM_COUNT + n_also + i].name = flush_callers[i];
	return syms;
}

/* Looks up @syms, those that decide and @n_also more at least. 0, or KSYMS_HIDDEN, or -errno. */
static int look_up(struct features *f, const struct feature_source *src, bool live, bool sites,
		   struct ksym *syms, size_t n_also)
{
	int err;

	/* Where barriers are inlined, clones and second functions of a name matter. */
	if (live && !ksyms_ask(syms, SYM_COUNT + n_also) &&
	    !(sites && flavour_of(syms, src->machine) == FLAVOUR_UPSTREAM_BATCHED))
		return 0;
	if (live) {
		err = ksyms_sift(syms, N_SYMS + n_also);
		if (!err)
			return 0;
		snprintf(f->whole, sizeof(f->whole), "a program cannot sift them: %s",
			 strerror(-err));
	}
	return ksyms_find(src->kallsyms, syms, N_SYMS + n_also, f->why, sizeof(f->why));
}

static void read_sites(struct features *f, const struct kcore *kc, const struct ksym *callers)
{
	f->sites_complete = true;
	if (f->flavour != FLAVOUR_UPSTREAM_BATCHED)
		return;
	for (size_t i = 0; i < N_CALLERS; i++)
		if (add_sites(f, kc, &callers[i]))
			f->sites_complete = false;
}

void features_read(struct features *f, const struct feature_source *src, bool sites,
		   struct ksym *also, size_t n_also)
{
	struct feature_source here = { KSYMS_PATH, KCORE_PATH, "" };
	struct ksym *syms = wanted_symbols(also, n_also);
	struct kcore *kc = NULL;
	struct utsname uts;
	bool live = !src;
	size_t i;

	memset(f, 0, sizeof(*f));
	f->flavour = FLAVOUR_UNKNOWN;
	if (live) {
		uname(&uts);
		here.machine = uts.machine;
		src = &here;
	}
	if (!syms) {
		snprintf(f->why, sizeof(f->why), "out of memory");
		return;
	}
	if (look_up(f, src, live, sites, syms, n_also) < 0)
		goto out;
	for (i = 0; i < n_also; i++)
		also[i] = syms[SYM_COUNT + i];
	f->flavour = flavour_of(syms, src->machine);
	f->flush_symbol = syms[SYM_OUR_FLUSH].seen;
	/* Hidden addresses leave f->why with the reason; the names were enough for the flavour. */
	if (f->why[0] || kcore_open(src->kcore, &kc, f->why, sizeof(f->why)))
		goto out;
	read_answers(f, kc, src->machine, syms);
	if (sites)
		read_sites(f, kc, syms + SYM_COUNT + n_also);
	kcore_close(kc);
out:
	free(syms);
}

void features_free(struct features *f)
{
	free(f->sites);
	f->sites = NULL;
	f->n_sites = 0;
}

enum answer feature_map_sg_inner_complete(const struct features *f)
{
	return f->map_sg;
}

enum answer feature_map_phys_inner_complete(const struct features *f)
{
	return f->map_phys;
}

enum answer feature_unmap_phys_inner_complete(const struct features *f)
{
	return f->unmap_phys;
}

const char *feature_flavour_text(enum flavour flavour)
{
	switch (flavour) {
	case FLAVOUR_NONE:
		return "no cache maintenance that waits in a dsb: barriers are not applicable";
	case FLAVOUR_PER_ENTRY:
		return "waits for every entry of a list (one dsb each)";
	case FLAVOUR_UPSTREAM_BATCHED:
		return "batched as in Linux 7.1: one dsb a call, also where nothing was maintained";
	case FLAVOUR_DMASYNC_BATCHED:
		return "batched by dmasync's series: one dsb a call that maintained something";
	default:
		return "unknown: kernel symbols could not be read";
	}
}
