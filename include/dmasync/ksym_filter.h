/* SPDX-License-Identifier: GPL-2.0 */
/* By which names a program sifts the kernel's symbols: shared by it and who reads what is left. */
#ifndef DMASYNC_KSYM_FILTER_H
#define DMASYNC_KSYM_FILTER_H

/* A name can only be one of those wanted, or a clone of one, if its first characters are. */
#define KSYM_PREFIX_LEN 6 /* fewer where the name or its part before a '.' ends */
#define KSYM_PREFIX_SLOTS 4096

struct ksym_filter {
	_Bool wanted[KSYM_PREFIX_SLOTS]; /* by ksym_prefix_add() over those characters */
};

static inline unsigned int ksym_prefix_add(unsigned int hash, char c)
{
	return (hash * 33 + (unsigned char)c) % KSYM_PREFIX_SLOTS;
}

#endif
