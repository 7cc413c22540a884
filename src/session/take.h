/* SPDX-License-Identifier: GPL-2.0 */
/* What was found in a bank becomes the rows of an interval. */
#ifndef TAKE_H
#define TAKE_H

#include <dmasync/bank.h>
#include <dmasync/options.h>
#include <dmasync/stacknames.h>

/* Interval being filled, and for whom. */
struct taking {
	const struct options *opt;
	enum flavour flavour;
	bool bytes;		   /* those of lists were summed */
	struct stack_names *names; /* NULL: no stacks are taken */
	/* Function that calls of an operation and variant were seen at; NULL: none. */
	const char *const (*functions)[OP_COUNT];
	struct interval *iv;
};

/* Callbacks of a struct bank_visitor whose ctx is a struct taking; 0 or -ENOMEM. */
int take_row(void *ctx, unsigned int row, const struct row_info *info, const struct row_value *v);
int take_proc(void *ctx, const struct row_info *info, __u32 tgid, const struct proc_value *v);
int take_stack(void *ctx, unsigned int row, const struct row_info *info,
	       const struct stack_key *key, const struct proc_value *v);
int take_storm(void *ctx, unsigned int row, const struct row_info *info,
	       const struct storm_value *v);
int take_sample(void *ctx, const struct stack_key *key, const struct proc_value *v);

#endif
