/* SPDX-License-Identifier: GPL-2.0 */
/* What "bench" is asked to do and what it measured. */
#ifndef DMASYNC_BENCH_H
#define DMASYNC_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <jansson.h>
#include "interval.h"
#include "udmabuf.h"

struct bench_options {
	size_t size;  /* bytes of the buffer */
	size_t entry; /* bytes an entry */
	unsigned int iterations;
	int cpu; /* -1: where it happens to run */
	enum cpu_access access;
	bool json;
	bool module;	   /* the kernel module makes the calls */
	bool pci;	   /* on its PCI device */
	bool mmap;	   /* of a buffer of the system heap */
	bool vmap;	   /* of memory of the kernel module, or */
	bool heap;	   /* ... of a buffer of the system's dma-heap */
	unsigned int apis; /* kinds of calls that are wanted: bits of 1 << enum op */
};

/* How the number of entries is known. */
enum entries_source {
	ENTRIES_COUNTED, /* seen by a probe on the sync call */
	ENTRIES_PAGES,	 /* physically contiguous pieces of the buffer */
	ENTRIES_ASSUMED, /* size / entry; nothing better without root */
};

/* One of the two sync calls; times in ns. */
struct bench_side {
	enum op op;
	__u64 *sample; /* iterations values, sorted by bench_summarize() */
	__u64 min, median, p99, max;
	double mean;
	double dsb; /* barriers a call; valid with bench_result.dsb_known */
};

struct bench_result {
	struct bench_side start, end;
	double entries;
	enum entries_source entries_source;
	bool dsb_known;
	enum dsb_source dsb_source;
	enum flavour flavour;
	int cpu;
	unsigned int counted_calls; /* calls of each kind in the pass that counted barriers */
	char dsb_why[256];	    /* why barriers are not known */
	char model[128];
	char governor[32]; /* of the CPU's clock; empty when unknown */
	bool emulator;	   /* the machine is one of QEMU's: times may be emulated */
	char release[65];
};

/* Sorts the @n samples of @side (n > 0) and fills in the figures. Percentiles are samples. */
void bench_summarize(struct bench_side *side, unsigned int n);

void bench_print_text(FILE *out, const struct bench_options *opt, const struct bench_result *r);
int bench_print_json(FILE *out, const struct bench_options *opt,
		     const struct bench_result *r); /* 0 or -errno */

/* Status for a result that was printed with @err (0 or -errno), after a message; flushes @out. */
int bench_printed(FILE *out, int err);

/* Status for a measurement that failed with @err: whether it is not possible here. */
int bench_failed(int err);

/* Pins this thread to @cpu, or to where it runs if that is negative. The CPU or -errno. */
int bench_pin(int cpu);

/* Fills in what the machine is: kernel, model, governor. r->cpu must be set. */
void bench_describe(struct bench_result *r);

/* Parts of the two outputs that do not depend on what was called. */
const char *bench_access_name(enum cpu_access access);
void bench_print_machine(FILE *out, const struct bench_result *r); /* and the table's head */
void bench_print_notes(FILE *out, const struct bench_result *r);
void bench_add_machine(json_t *obj, const struct bench_options *opt, const struct bench_result *r);

#endif
