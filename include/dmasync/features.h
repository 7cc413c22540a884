/* SPDX-License-Identifier: GPL-2.0 */
/* What the running kernel's symbols and text tell about its cache maintenance for DMA. */
#ifndef DMASYNC_FEATURES_H
#define DMASYNC_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include "a64.h"
#include "interval.h"
#include "ksyms.h"

enum answer {
	ANSWER_UNKNOWN, /* text or symbols could not be read */
	ANSWER_NO,
	ANSWER_YES,
};

/* A barrier that the compiler put inline into a function of the DMA core. */
struct barrier_site {
	const char *function; /* static string */
	__u32 offset;	      /* bytes from its start */
	enum a64_dsb_option option;
};

struct features {
	enum flavour flavour;
	bool flush_symbol; /* our own series: its flush is a symbol, no inlined barriers to find */
	enum answer map_sg;
	enum answer map_phys;
	enum answer unmap_phys;
	/*
	 * Sites of a kernel of FLAVOUR_UPSTREAM_BATCHED, others have none, by function and offset;
	 * owned, freed by features_free().
	 */
	struct barrier_site *sites;
	size_t n_sites;
	bool sites_complete;	  /* every function of the list that exists could be decoded */
	unsigned int n_functions; /* functions decoded */
	char why[160]; /* what could not be read and what to do; empty when all is known */
	/* Why the kernel's whole list of symbols had to be read, which takes time; or empty. */
	char whole[96];
};

/* Where to look; for tests. */
struct feature_source {
	const char *kallsyms;
	const char *kcore;
	const char *machine; /* as uname -m */
};

/*
 * Looks at the running kernel, or at @src if it is not NULL. Never fails: what could not be read
 * is UNKNOWN, with the reason in ->why. Silent. Barrier sites are looked for with @sites only: on a
 * batched kernel that takes a pass over the whole symbol table, which is longer than all the rest.
 * The symbols of @also, which may be NULL, are looked up on the way; they are left as they are when
 * the symbols cannot be read.
 *
 * The flavour comes from symbols, never from the version: Android's 6.12 carries a backport of
 * the batching that Linux 7.1 has.
 */
void features_read(struct features *f, const struct feature_source *src, bool sites,
		   struct ksym *also, size_t n_also);

void features_free(struct features *f);

/*
 * Whether a hook on the inner function alone sees every call of the outer ones. They lie in one
 * source file, so the compiler may have inlined the inner one into some of its callers: the
 * callers' text must contain a call to it. NO also when one of the functions does not exist.
 *
 * __dma_map_sg_attrs in dma_map_sg_attrs and dma_map_sgtable.
 */
enum answer feature_map_sg_inner_complete(const struct features *f);

/* dma_map_phys in dma_map_page_attrs, dma_unmap_phys in dma_unmap_page_attrs (since 6.18). */
enum answer feature_map_phys_inner_complete(const struct features *f);
enum answer feature_unmap_phys_inner_complete(const struct features *f);

/* The flavour in a sentence, for people. */
const char *feature_flavour_text(enum flavour flavour);

#endif
