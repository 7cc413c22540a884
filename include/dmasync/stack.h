/* SPDX-License-Identifier: GPL-2.0 */
/* Distinct call stacks as names: numbered as they are first seen, kept as long as their table. */
#ifndef DMASYNC_STACK_H
#define DMASYNC_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* 127 frames of the kernel (PERF_MAX_STACK_DEPTH), the rest for user space. */
#define STACK_FRAMES_MAX 160
#define FRAME_NAME_LEN 128 /* longer names are cut */

/*
 * Names of functions, outermost first: "el0t_64_sync", ..., "dma_map_sgtable". A function of a
 * module is "name [module]". The first @n_user frames are of user space. The innermost frame of a
 * DMA API call's stack is the API function itself, never a caller of it or a probe. A frame whose
 * name is unknown is "[unknown]", or its address in hexadecimal if the user asked for addresses.
 */
struct stack {
	const char *const *frames;
	__u16 n;
	__u16 n_user;
};

/* Owns its stacks and their names; each distinct one is in it once. All zero is an empty table. */
struct stack_table {
	struct stack *stacks;
	size_t n, cap;
	size_t frames;	   /* of all stacks together */
	__u32 *index;	   /* open addressing on the frames: position in stacks + 1, 0: free */
	size_t index_size; /* power of two */
	struct name_table *names; /* private: frame names, each once */
};

/*
 * Number of the stack of @n @frames (0 .. STACK_FRAMES_MAX), which is copied into @t if it is new.
 * Numbers count up from 0. -ENOMEM, or -E2BIG for too many frames.
 */
int stack_table_add(struct stack_table *t, const char *const *frames, unsigned int n,
		    unsigned int n_user, __u32 *number);

/* Number of a stack that is in @t already, or -ENOENT. */
int stack_table_find(const struct stack_table *t, const char *const *frames, unsigned int n,
		     unsigned int n_user, __u32 *number);

/* Memory that @t owns, bytes. */
size_t stack_table_bytes(const struct stack_table *t);

/* Makes @t empty and frees what it owns. */
void stack_table_free(struct stack_table *t);

#endif
