/* SPDX-License-Identifier: GPL-2.0 */
/* Which kernel functions a session hooks, and with which BPF programs. */
#ifndef DMASYNC_HOOKS_H
#define DMASYNC_HOOKS_H

#include <stdbool.h>
#include "features.h"
#include "header.h"
#include "options.h"

/* What a hook's programs are for, which decides when it is attached. */
enum hook_kind {
	HOOK_CALL,    /* both ends of an API call */
	HOOK_ARCH,    /* both ends of an arch-level call */
	HOOK_COUNT,   /* entry of a function that runs a barrier */
	HOOK_SITE,    /* a barrier instruction inside a function */
	HOOK_BOUNCE,  /* entry of a function that uses a bounce buffer */
	HOOK_DEVICES, /* entry of the function that announces changes of devices */
	HOOK_MEASURE, /* both ends of the null target */
	HOOK_CHAIN,   /* both ends of a call of the dma-buf chain */
	HOOK_STEP,    /* a function that is or tells a step of such a call */
};

/* One function to hook. */
struct hook {
	enum hook_kind kind;
	enum op op;	      /* OP_COUNT for helpers */
	const char *programs; /* program names are this and _entry, _exit, _session, _kprobe ... */
	const char *function; /* static string */
	__u32 offset;	      /* HOOK_SITE: bytes from its start */
	const char *second;   /* type of its second argument, if that differs between kernels */
	/*
	 * Hooks of one operation that can stand in for each other share a group; the lowest rank
	 * whose hooks attach wins, the others are left alone.
	 */
	int group, rank;
	bool exists; /* the kernel has the symbol */
	/*
	 * Where its text lies, and bytes up to the next symbol; 0: unknown, or known to be one of
	 * several of that name or to have parts elsewhere, which ksyms_ask() cannot tell.
	 */
	__u64 text;
	size_t text_size;
};

/* What else the symbols tell. */
struct hook_facts {
	__u64 iommu_map_sg;   /* address of iommu_dma_map_sg(); 0: unknown */
	bool fsession;	      /* the kernel knows BPF_TRACE_FSESSION (since 7.0) */
	bool vmap_steps_only; /* a vmap() has no row: it tells the steps of what is around it */
};

#define HOOK_SYMBOLS_MAX 96

/*
 * Writes the symbols that hooks_plan() wants looked up for @opt into @syms; returns their number.
 */
size_t hooks_symbols(const struct options *opt, struct ksym syms[HOOK_SYMBOLS_MAX]);

/*
 * Hooks that @opt asks for on a kernel with @f: all alternatives. @syms are those of
 * hooks_symbols(), looked up. Returns the number of @hooks, which has HEADER_HOOKS_MAX places.
 */
int hooks_plan(const struct options *opt, const struct features *f, const struct ksym *syms,
	       struct hook *hooks, struct hook_facts *facts);

/* Whether the hook's programs are in the objects of the dma-buf chain. */
static inline bool hook_is_chain(const struct hook *h)
{
	return h->kind == HOOK_CHAIN || h->kind == HOOK_STEP;
}

/*
 * Which of the programs that serve @h's operation are its, less than VARIANTS_MAX: the variant in
 * bpf/hooks.bpf.h and bpf/chain.bpf.h.
 */
unsigned int hook_variant(const struct hook *h);

#endif
