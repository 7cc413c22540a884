/* SPDX-License-Identifier: GPL-2.0 */
/* Rows of an interval grouped, filtered and sorted: what every table shows, text and live. */
#ifndef DMASYNC_GROUP_H
#define DMASYNC_GROUP_H

#include "header.h"
#include "interval.h"
#include "options.h"

enum {
	LINE_COHERENT = 1 << 0,
	LINE_NONCOHERENT = 1 << 1,
	LINE_IOMMU = 1 << 2,
	LINE_DIRECT = 1 << 3,
};

/* Sums with what is computed from them. Times in ns. */
struct figures {
	struct call_counts sum;
	__u64 min_ns, max_ns; /* 0 without calls */
	__u64 p50, p90, p99;  /* 0 without calls, and for processes */
	double avg_ns;	      /* 0 without calls */
	__u64 dsb;
	enum dsb_source dsb_source;
	double dsb_per_call; /* 0 without calls */
};

/* One line of a table. Strings and histogram belong to the table or the interval it was built from.
 */
struct table_line {
	const char *device; /* "" when the line is not about one device */
	const char *driver; /* "" when the line is not about one driver */
	const char *comm;   /* BY_PROCESS only, else "" */
	__u32 tgid;
	enum op op;	    /* OP_COUNT when the line sums over several */
	enum direction dir; /* DIR_COUNT when the line sums over several */
	unsigned int flags; /* LINE_*, of all that was summed */
	struct figures fig;
	const struct row *row;	       /* bus, device-tree name, histogram; NULL for processes */
	const struct storm_row *storm; /* of a single row that has any; else NULL */
	double saved_percent; /* BY_STORM: of all barriers; negative: these are not known, or none
			       */
};

struct table_spec {
	enum group_by by;
	enum sort_key sort;
	bool invert;
	const char *filter; /* case-insensitive part of a shown name or pid; NULL or "": all */
};

struct table {
	struct table_line *lines;
	size_t n, cap;
	enum group_by by;
	struct interval merged; /* sums of BY_DEVICE and BY_DRIVER */
};

/* Call once before table_build(). */
void table_init(struct table *t);
void table_free(struct table *t);

/*
 * Builds @t from @iv, which must stay unchanged as long as @t is used. Sums never add arch-level
 * operations to API-level ones, whose time contains theirs: the former count only in a group that
 * has no API-level rows. Order is total: equal lines are ordered by time, then by name.
 * 0 or -ENOMEM (@t is empty then).
 */
int table_build(struct table *t, const struct header *hdr, const struct interval *iv,
		const struct table_spec *spec);

/* All rows of @iv as one (API-level, or arch-level when there is nothing else); it has no key. */
void interval_sum(const struct interval *iv, struct row *sum);

/* The same as figures. */
void interval_figures(const struct header *hdr, const struct interval *iv, struct figures *out);

/* What is computed from the counts of @row, percentiles included. */
void row_figures(const struct header *hdr, const struct row *row, struct figures *out);

/* The same for a process; there are no percentiles, minimum and maximum. */
void proc_figures(const struct header *hdr, const struct proc_row *proc, struct figures *out);

#endif
