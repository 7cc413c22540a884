/* SPDX-License-Identifier: GPL-2.0 */
/* Turns the addresses of stacks into names while what they belong to is still there. */
#ifndef DMASYNC_STACKNAMES_H
#define DMASYNC_STACKNAMES_H

#include <stdbool.h>
#include <linux/types.h>
#include "shared.h"
#include "stack.h"

#define STACKS_NAMED_MAX 65536	     /* stacks in the table */
#define STACKS_BYTES_MAX (64u << 20) /* and the memory it takes */

struct stack_names;

struct stack_names_config {
	int traces;	    /* map of struct stack_trace by hash; read, and emptied when it fills */
	const __u64 *filed; /* number of traces that were put in it so far */
	bool raw_addresses; /* frames without a name are addresses */
	bool user;	    /* stacks have a part of user space */
};

/* 0 with *@out to be given to stack_names_close(), or -errno after a message. */
int stack_names_open(const struct stack_names_config *cfg, struct stack_names **out);

/*
 * Number, in stack_names_table(), of the stack @key (whose tgid tells whose user space it is, and
 * @comm what to call that if it has ended). @function is the one that was called: it becomes the
 * innermost frame, what the probes put below it is left out. NULL: the stack is as it was found,
 * from an interrupt on. Of new stacks, those beyond STACKS_NAMED_MAX or STACKS_BYTES_MAX have the
 * number of "[unknown]", and their @calls are lost. 0 or -errno.
 */
int stack_names_number(struct stack_names *s, const struct stack_key *key, const char *comm,
		       const char *function, __u64 calls, __u32 *number);

/* Calls and samples so far whose stack found no room in the table. */
__u64 stack_names_lost(const struct stack_names *s);

/* To be called before an interval's stacks are named: looks whether modules changed. */
void stack_names_refresh(struct stack_names *s);

/* To be called after it: makes room in the map for new stacks. */
void stack_names_trim(struct stack_names *s);

const struct stack_table *stack_names_table(const struct stack_names *s);

void stack_names_close(struct stack_names *s);

#define FRAME_CALLED (~0u) /* in place of a position: the function that was called */

/*
 * Of a kernel stack whose functions are called @names (NULL: unknown), @n of them and innermost
 * first, as seen by a probe on @function (NULL: no probe): writes the positions of the frames to
 * keep to @out, which has room for @n + 1, without those of probes and with the two halves joined
 * that a trampoline splits a function in. Returns their number.
 */
unsigned int stack_names_clean(const char *const *names, unsigned int n, const char *function,
			       unsigned int *out);

#endif
