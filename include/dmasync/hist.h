/* SPDX-License-Identifier: GPL-2.0 */
/* Log-linear latency buckets: 8 sub-buckets a power of two, shared by BPF and user space. */
#ifndef DMASYNC_HIST_H
#define DMASYNC_HIST_H

/*
 * Values are nanoseconds. 0..15 ns have a bucket each; above, [2^e, 2^(e+1)) is cut into 8 equal
 * parts, so a bucket is at most 1/8 of its lower bound wide. The last bucket also takes everything
 * above 2^32 ns (4.3 s).
 */
#define HIST_SUB_BITS 3
#define HIST_SUBS (1 << HIST_SUB_BITS)
#define HIST_MAX_EXP 31 /* exponent of the last power of two that has buckets of its own */
#define HIST_BUCKETS ((HIST_MAX_EXP - HIST_SUB_BITS + 2) * HIST_SUBS) /* 240 */
#define HIST_SLOTS 256 /* places in memory: a power of two that bounds the index by a mask */

/* Bucket of @ns: 0 .. HIST_BUCKETS - 1, for any 64-bit value. BPF has no count-leading-zeros. */
static inline unsigned int hist_bucket(unsigned long long ns)
{
	unsigned int v = ns, e = 0;

	if (ns >> (HIST_MAX_EXP + 1))
		return HIST_BUCKETS - 1;
	if (v < HIST_SUBS)
		return v;
	for (unsigned int step = 16; step; step /= 2)
		if (v >> e >> step)
			e += step;
	/* The leading bit of the shifted value is worth HIST_SUBS: one row of buckets is saved. */
	e -= HIST_SUB_BITS;
	return e * HIST_SUBS + (v >> (e & 31));
}

/*
 * The buckets of HIST_NEAR_MIN .. HIST_NEAR_MAX ns, where nearly every call is, come from a table:
 * each is at least 1 << HIST_NEAR_SHIFT wide, and begins at a multiple of that.
 */
#define HIST_NEAR_SHIFT 3
#define HIST_NEAR_MIN (HIST_SUBS << HIST_NEAR_SHIFT)
#define HIST_NEAR 4096
#define HIST_NEAR_MAX (HIST_NEAR_MIN + (HIST_NEAR << HIST_NEAR_SHIFT) - 1)

/* Place of @ns in the table; HIST_NEAR or more: none. */
static inline __attribute__((always_inline)) unsigned long long hist_near(unsigned long long ns)
{
	return (ns - HIST_NEAR_MIN) >> HIST_NEAR_SHIFT;
}

static inline void hist_fill_near(unsigned char table[HIST_NEAR])
{
	for (unsigned int i = 0; i < HIST_NEAR; i++)
		table[i] = hist_bucket(HIST_NEAR_MIN + (i << HIST_NEAR_SHIFT));
}

/* Smallest value of bucket @b (0 .. HIST_BUCKETS; HIST_BUCKETS gives 2^32), in ns. */
static inline unsigned long long hist_low(unsigned int b)
{
	unsigned int row = b / HIST_SUBS;

	if (row <= 1)
		return b;
	return (unsigned long long)(HIST_SUBS + b % HIST_SUBS) << (row - 1);
}

#endif
