/* SPDX-License-Identifier: GPL-2.0 */
/* What happened during one interval: the records that views, captures and reports consume. */
#ifndef DMASYNC_INTERVAL_H
#define DMASYNC_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "shared.h"

/* Where a barrier count comes from. */
enum dsb_source {
	DSB_NONE,    /* not applicable: no cache maintenance on this architecture */
	DSB_DERIVED, /* from entries, direction, attributes, coherence, bounces and flavour */
	DSB_COUNTED, /* every barrier was seen by a probe */
	DSB_UNKNOWN, /* no rule covers the case and nothing was counted */
};

/* How a kernel completes cache maintenance; decided by its symbols, see features.h. */
enum flavour {
	FLAVOUR_NONE,		  /* no cache maintenance for DMA on this architecture */
	FLAVOUR_PER_ENTRY,	  /* a dsb for every entry */
	FLAVOUR_UPSTREAM_BATCHED, /* Linux 7.1's batching */
	FLAVOUR_DMASYNC_BATCHED,  /* this project's kernel series */
	FLAVOUR_UNKNOWN,	  /* symbols could not be read: no barriers are derived */
};

/*
 * One {operation, device, driver, direction}. Strings are never NULL once a row is in an interval.
 * Times in ns, sizes in bytes. Rows of an interval have distinct keys.
 */
struct row {
	enum op op;
	enum direction dir;
	char dev[DEV_NAME_LEN];	   /* "-" when no device is known, "other" for the overflow rows */
	char driver[DRV_NAME_LEN]; /* "-" when unbound or unknown */
	char bus[BUS_NAME_LEN];
	char of_name[OF_NAME_LEN]; /* empty without a device-tree node */
	bool coherent;
	bool iommu;
	bool hw_unknown; /* neither of the two is known: several devices, or none */
	bool other;	 /* collects what found no row of its own */
	struct call_counts sum;
	__u64 min_ns; /* 0 when there was no call */
	__u64 max_ns;
	__u64 dsb_derived;
	bool dsb_derived_known; /* false where no rule covers the case (xen, unknown flavour) */
	__u64 hist[HIST_BUCKETS];
};

struct proc_row {
	__u32 tgid; /* 0: idle task */
	char comm[16];
	struct call_counts sum;
	__u64 dsb_derived;
};

/*
 * Calls of one row from one place: part of the row's sums. What a call's nested calls took is in
 * it, too: times and barriers of a stack contain those of stacks that go on below it.
 */
struct stack_row {
	__u32 row;   /* position in the interval's rows */
	__u32 stack; /* number in the stack table of the session or capture */
	__u32 tgid;  /* 0: not told, or the idle task */
	char comm[16];
	struct call_counts sum;
	__u64 dsb_derived; /* known as far as the row's is */
};

/*
 * Runs of one row: calls for single buffers that one context made one after another, each with a
 * barrier; see struct storm_run. One barrier for each run would do.
 */
struct storm_row {
	__u32 row;   /* position in the interval's rows */
	__u64 calls; /* that ran a barrier; in a row they are as many as its barriers, or more */
	__u64 runs;
	__u64 contexts; /* that had such calls; calls of one kind may be parted by others */
	__u64 longest;
	__u64 hist[HIST_BUCKETS]; /* runs by the calls that they had */
};

/* Samples of the on-CPU profile. */
struct sample_row {
	__u32 stack;
	__u32 tgid; /* 0: not told, or the idle task */
	char comm[16];
	__u64 samples;
};

/* Events that did not make it into the rows, by reason; all zero in a good interval. */
struct loss {
	struct loss_counters events;
	__u64 recursion_misses; /* handlers that the kernel skipped (re-entered on the same CPU) */
	__u64 stacks;		/* calls and samples that found no room for their stack */
	__u64 runs;		/* cut short, or not told: there was no room to follow them */
	__u64 trace_events;	/* events of ftrace that were overwritten before they were read */
};

/* Finds elements of an array by key: open addressing, position + 1, 0: free. */
struct index {
	__u32 *slots;
	size_t size; /* power of two, at least twice the elements; 0: nothing yet */
};

struct interval {
	__u64 t_ns;	     /* CLOCK_MONOTONIC at its end */
	__u64 dur_ns;	     /* 0 only in an empty total */
	unsigned int merged; /* intervals added to this one; 0: it is one itself */
	struct row
		*rows; /* in order of appearance; not to be reordered: the index points at them */
	size_t n_rows, cap_rows;
	struct index row_index;
	struct proc_row *procs;
	size_t n_procs, cap_procs;
	struct index proc_index;
	struct stack_row *stacks;
	size_t n_stacks, cap_stacks;
	struct index stack_index;
	struct sample_row *samples;
	size_t n_samples, cap_samples;
	struct index sample_index;
	struct storm_row *storms;
	size_t n_storms, cap_storms;
	struct index storm_index;
	struct loss loss;
	bool has_procs;
	bool has_stacks;
	bool has_storms;
	bool has_samples;
	bool has_pmu;
	__u64 pmu_dsb; /* DSB_SPEC of all CPUs; valid when has_pmu */
};

/* Makes @iv empty; call once before any other use. */
void interval_init(struct interval *iv);

/* Frees what @iv owns and makes it empty again. */
void interval_free(struct interval *iv);

/* Forgets rows and loss but keeps the memory for the next round. */
void interval_clear(struct interval *iv);

/*
 * Row of @iv with the key of @like (op, dir, dev, driver), appended with zeroed counts if there is
 * none; a new row takes the rest of what describes @like (bus, coherent, dsb_derived_known ...).
 * @like must not point into @iv. Valid until the next call. NULL: out of memory.
 */
struct row *interval_row(struct interval *iv, const struct row *like);

/* Process row of @iv for @tgid, appended when there is none. NULL: out of memory. */
struct proc_row *interval_proc(struct interval *iv, __u32 tgid, const char *comm);

/*
 * Stack row of @iv with the key of @like (row, stack, tgid), appended with zeroed counts when there
 * is none. @like must not point into @iv. NULL: out of memory.
 */
struct stack_row *interval_stack(struct interval *iv, const struct stack_row *like);

/* Sample row of @iv with the key of @like (stack, tgid), appended when there is none; or NULL. */
struct sample_row *interval_sample(struct interval *iv, const struct sample_row *like);

/* Runs of row @row of @iv, appended with zeroed counts when there are none; NULL: out of memory. */
struct storm_row *interval_storm(struct interval *iv, __u32 row);

/* Adds what is counted in @from to @into. */
void storm_add(struct storm_row *into, const struct storm_row *from);

/* Barriers that a batch around each run would save. */
static inline __u64 storm_saved(const struct storm_row *s)
{
	return s->calls > s->runs ? s->calls - s->runs : 0;
}

/* ... and around all calls of a kind that a context makes, whatever it does between them. */
static inline __u64 storm_most(const struct storm_row *s)
{
	return s->calls > s->contexts ? s->calls - s->contexts : 0;
}

/*
 * Adds @from to @into row by row (counts, histograms, loss; min and max are merged). A total keeps
 * the end of its newest interval and the sum of their lengths. 0 or -ENOMEM; after -ENOMEM @into
 * may hold part of @from.
 */
int interval_add(struct interval *into, const struct interval *from);

/* Adds the counts of @from to @into. */
void counts_add(struct call_counts *into, const struct call_counts *from);

/*
 * Adds @from's counts, histogram, barriers, min and max to @into; keys are left alone. Derived
 * barriers stay known only if they are known in both.
 */
void row_add(struct row *into, const struct row *from);

/*
 * Calls that are missing from every row, and handlers and stacks that were skipped. What was only
 * booked elsewhere (other rows, process 0) or is a lower bound (bytes of endless lists) is not in
 * it: see loss_inexact().
 */
__u64 loss_total(const struct loss *loss);

/* Events that were recorded, but under "other", process 0, outside any call, or with bytes cut. */
__u64 loss_inexact(const struct loss *loss);

/* Adds @from to @into. */
void loss_add(struct loss *into, const struct loss *from);

/* Barriers of @row as the session reports them, with their source in *@src. */
__u64 row_dsb(const struct row *row, bool counting, enum flavour flavour, enum dsb_source *src);

/* Names as in JSON: "map_sg", "from_device", "per-entry", "derived". */
const char *op_name(enum op op);
const char *dir_name(enum direction dir);
const char *flavour_name(enum flavour flavour);

/* Whether arch_sync_dma_for_{device,cpu}() return only when their maintenance is complete. */
static inline bool flavour_sync_waits(enum flavour flavour)
{
	return flavour == FLAVOUR_PER_ENTRY || flavour == FLAVOUR_DMASYNC_BATCHED;
}
const char *dsb_source_name(enum dsb_source src);

/* Names for narrow columns: "sync_sg_dev", "<-"; at most 11 and 2 characters. */
const char *op_short_name(enum op op);
const char *dir_arrow(enum direction dir);

/* True for operations below the API: their time is part of an API call's. */
static inline bool op_is_arch(enum op op)
{
	return op >= OP_API_COUNT && op < OP_CALIBRATE;
}

/*
 * True for the operations of the dma-buf chain. They are not of the DMA API, have no device and no
 * cache maintenance, and are in none of its sums.
 */
static inline bool op_is_chain(enum op op)
{
	return op >= OP_CHAIN && op < OP_COUNT;
}

/* Operation with JSON name @name, or -1. */
int op_by_name(const char *name);

#endif
