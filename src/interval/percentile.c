// SPDX-License-Identifier: GPL-2.0
/* Percentiles and pictures from log-linear histograms. */
#include <math.h>
#include <string.h>
#include <dmasync/percentile.h>

__u64 hist_total(const __u64 hist[HIST_BUCKETS])
{
	__u64 n = 0;
	unsigned int b;

	for (b = 0; b < HIST_BUCKETS; b++)
		n += hist[b];
	return n;
}

static __u64 clamp_to(__u64 v, __u64 min, __u64 max)
{
	return v < min ? min : v > max ? max : v;
}

__u64 hist_percentile(const __u64 hist[HIST_BUCKETS], __u64 min, __u64 max, double q)
{
	__u64 n = hist_total(hist), rank, below = 0, low, high;
	unsigned int b;

	if (!n)
		return 0;
	rank = q <= 0 ? 1 : ceil(q * n);
	/* The product may round above n. */
	rank = clamp_to(rank, 1, n);
	if (rank == 1 && min)
		return min;
	if (rank == n && max != ~0ULL)
		return max;
	for (b = 0; below + hist[b] < rank; b++)
		below += hist[b];
	low = hist_low(b);
	high = b == HIST_BUCKETS - 1 ? low : hist_low(b + 1);
	low += (high - low) * ((double)(rank - below) - 0.5) / hist[b];
	return clamp_to(low, min, max);
}

unsigned int hist_fold(const __u64 hist[HIST_BUCKETS], struct hist_line *lines,
		       unsigned int max_lines)
{
	unsigned int first = HIST_BUCKETS, last = 0, b, n, shift = 0;

	for (b = 0; b < HIST_BUCKETS; b++) {
		if (!hist[b])
			continue;
		if (first == HIST_BUCKETS)
			first = b;
		last = b;
	}
	if (first == HIST_BUCKETS || !max_lines)
		return 0;
	while ((last >> shift) - (first >> shift) + 1 > max_lines)
		shift++;
	n = (last >> shift) - (first >> shift) + 1;
	memset(lines, 0, n * sizeof(*lines));
	for (b = 0; b < n; b++) {
		lines[b].low = hist_low(((first >> shift) + b) << shift);
		lines[b].high = hist_low(((first >> shift) + b + 1) << shift);
	}
	for (b = first; b <= last; b++)
		lines[(b >> shift) - (first >> shift)].count += hist[b];
	return n;
}
