/* SPDX-License-Identifier: GPL-2.0 */
/* Runs of calls for single buffers, as every output shows them. */
#ifndef DMASYNC_STORM_VIEW_H
#define DMASYNC_STORM_VIEW_H

#include <stdio.h>
#include "group.h"

/* What would be saved, by driver and by row, most first. */
void text_storms(FILE *out, const struct header *hdr, const struct interval *iv);

/* The storms of @iv, most saved first, to be freed; NULL: out of memory. */
const struct storm_row **storms_sorted(const struct interval *iv);

/* @saved in percent of the barriers in @all; negative: these are not known, or none. */
double storm_share(__u64 saved, const struct figures *all);

/* Calls of the run at rank @q (0 to 1), as hist_percentile() tells it. */
__u64 storm_runs_at(const struct storm_row *s, double q);

/* Sums of one driver; the name is the interval's. */
struct storm_driver {
	const char *name; /* NULL: the end of the list */
	__u64 saved;
};

/* Drivers of the storms of @iv, most saved first, to be freed; NULL: out of memory. */
struct storm_driver *storm_drivers(const struct interval *iv);

/* "nvme 3968 (99.2%)", or "nvme 496/s (99.2%)" with @secs; returns its length. */
size_t storm_driver_words(char *buf, size_t size, const struct storm_driver *driver,
			  const struct figures *all, double secs);

#endif
