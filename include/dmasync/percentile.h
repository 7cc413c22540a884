/* SPDX-License-Identifier: GPL-2.0 */
/* What a log-linear histogram tells: percentiles, and lines for a picture of it. */
#ifndef DMASYNC_PERCENTILE_H
#define DMASYNC_PERCENTILE_H

#include <linux/types.h>
#include "hist.h"

/* Values in @hist. */
__u64 hist_total(const __u64 hist[HIST_BUCKETS]);

/*
 * Value at rank ceil(@q * n) of the n values in @hist, in ns; @q in [0, 1]. @min and @max are the
 * exact extremes (0 and ~0 when not known): ranks 1 and n give them, and no result lies outside.
 * Inside a bucket that holds c values the k-th is taken to be at (k - 1/2) / c of its width.
 *
 * Error: the true value is in the same bucket, so the result is off by less than the bucket's
 * width: nothing below 16 ns, less than 1/8 of the value above; with one value in the bucket at
 * most 1/16. The last bucket (see hist.h) has no upper end: there the bound is @max.
 * Returns 0 for an empty histogram.
 */
__u64 hist_percentile(const __u64 hist[HIST_BUCKETS], __u64 min, __u64 max, double q);

/* One line of a picture: @count values in [low, high) ns. */
struct hist_line {
	__u64 low, high;
	__u64 count;
};

/*
 * Folds @hist into at most @max_lines lines that cover its values: as many neighbouring buckets a
 * line as needed, a power of two, the same for all. Returns the number of lines; 0 when empty or
 * @max_lines is 0.
 */
unsigned int hist_fold(const __u64 hist[HIST_BUCKETS], struct hist_line *lines,
		       unsigned int max_lines);

#endif
