/* SPDX-License-Identifier: GPL-2.0 */
/* Log-linear latency buckets: 8 sub-buckets a power of two, shared by BPF and user space. */
#ifndef DMASYNC_HIST_H
#define DMASYNC_HIST_H

/*
 * Values are nanoseconds. 0..15 ns have a bucket each; above, [2^e, 2^(e+1)) is cut into 8 equal
 * parts, so a bucket is at most 1/8 of its lower bound wide. The last bucket also takes everything
 * above 2^34 ns (17 s).
 */
#define HIST_SUB_BITS 3
#define HIST_SUBS (1 << HIST_SUB_BITS)
#define HIST_MAX_EXP 33 /* exponent of the last power of two that has buckets of its own */
#define HIST_BUCKETS ((HIST_MAX_EXP - HIST_SUB_BITS + 2) * HIST_SUBS) /* 256 */

/* Exponent of the highest set bit of @v; @v must be in [1, 2^34). */
static inline __attribute__((always_inline)) unsigned int hist_log2(unsigned long long v)
{
	unsigned int r = 0;

	/* BPF has no count-leading-zeros, so both sides use the binary search. */
	if (v >= 1ULL << 16) {
		v >>= 16;
		r = 16;
		if (v >= 1ULL << 16) {
			v >>= 16;
			r = 32;
		}
	}
	if (v >= 1 << 8) {
		v >>= 8;
		r += 8;
	}
	if (v >= 1 << 4) {
		v >>= 4;
		r += 4;
	}
	if (v >= 1 << 2) {
		v >>= 2;
		r += 2;
	}
	return r + (v >> 1);
}

/* Bucket of @ns: 0 .. HIST_BUCKETS - 1, for any 64-bit value. */
static inline __attribute__((always_inline)) unsigned int hist_bucket(unsigned long long ns)
{
	unsigned int e;

	if (ns < HIST_SUBS)
		return ns;
	if (ns >> (HIST_MAX_EXP + 1))
		return HIST_BUCKETS - 1;
	e = hist_log2(ns);
	/* The leading bit of the shifted value is worth HIST_SUBS: one sub-bucket row is saved. */
	return (e - HIST_SUB_BITS) * HIST_SUBS + (unsigned int)(ns >> (e - HIST_SUB_BITS));
}

/* Smallest value of bucket @b (0 .. HIST_BUCKETS; HIST_BUCKETS gives 2^34), in ns. */
static inline unsigned long long hist_low(unsigned int b)
{
	unsigned int row = b / HIST_SUBS;

	if (row <= 1)
		return b;
	return (unsigned long long)(HIST_SUBS + b % HIST_SUBS) << (row - 1);
}

#endif
