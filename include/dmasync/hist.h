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

/* Fills @log2[i], i in 0..255, with the exponent of the highest set bit of i (0 for 0). */
static inline void hist_fill_log2(unsigned char log2[256])
{
	log2[0] = log2[1] = 0;
	for (int i = 2; i < 256; i++)
		log2[i] = log2[i / 2] + 1;
}

/*
 * Bucket of @ns: 0 .. HIST_BUCKETS - 1, for any 64-bit value. BPF has no count-leading-zeros; a
 * look-up in @log2 (see above) takes a third of the instructions of a binary search.
 */
static inline __attribute__((always_inline)) unsigned int hist_bucket(unsigned long long ns,
								      const unsigned char *log2)
{
	unsigned int v = ns, e;

	if (ns >= 1U << 16) {
		if (ns >> (HIST_MAX_EXP + 1))
			return HIST_BUCKETS - 1;
		e = v >= 1U << 24 ? 24 + log2[v >> 24] : 16 + log2[v >> 16 & 0xff];
	} else if (v >= 1U << 8) {
		e = 8 + log2[v >> 8];
	} else {
		if (v < HIST_SUBS)
			return v;
		e = log2[v];
	}
	/* The leading bit of the shifted value is worth HIST_SUBS: one row of buckets is saved. */
	e -= HIST_SUB_BITS;
	return e * HIST_SUBS + (v >> (e & 31));
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
