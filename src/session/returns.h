/* SPDX-License-Identifier: GPL-2.0 */
/* Where hooked functions return, for kprobes at the end of a call. */
#ifndef RETURNS_H
#define RETURNS_H

#include <dmasync/hooks.h>
#include <dmasync/kcore.h>

#define RETURNS_MAX 8 /* the functions hooked have three at most (Debian's arm64, 6.1 to 7.3) */

/* Reads the kernel's text when first asked. Start with all zero, end with returns_close(). */
struct returns_reader {
	struct kcore *kcore;
	int err; /* of opening it */
	char why[96];
};

/*
 * Offsets in bytes of the instructions at which @h's function returns, stored in @at; their number
 * is returned. 0: it cannot be probed there, with the reason in @why, which is empty where that is
 * never done: on x86_64.
 */
unsigned int returns_find(struct returns_reader *reader, const struct hook *h,
			  __u32 at[RETURNS_MAX], char *why, size_t len);

void returns_close(struct returns_reader *reader);

#endif
