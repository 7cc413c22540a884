// SPDX-License-Identifier: GPL-2.0
/* Random numbers that a seed repeats: SplitMix64 and xoshiro256**, from their published steps. */
#include <dmasync/stats.h>

__u64 splitmix64(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

void rng_seed(struct rng *r, __u64 seed)
{
	int i;

	for (i = 0; i < 4; i++)
		r->s[i] = splitmix64(&seed);
}

static __u64 rotate(__u64 v, int by)
{
	return v << by | v >> (64 - by);
}

__u64 rng_next(struct rng *r)
{
	__u64 *s = r->s, out = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return out;
}

/* The high half of a product; what would favour some results is drawn again (D. Lemire, 2019). */
__u32 rng_below(struct rng *r, __u32 n)
{
	__u32 unfair = -n % n;
	__u64 product;

	do {
		product = (rng_next(r) >> 32) * n;
	} while ((__u32)product < unfair);
	return product >> 32;
}

double rng_unit(struct rng *r)
{
	return ((rng_next(r) >> 11) + 0.5) * 0x1p-53;
}
