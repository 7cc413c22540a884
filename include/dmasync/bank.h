/* SPDX-License-Identifier: GPL-2.0 */
/* Takes finished intervals out of the BPF maps, each one complete and exactly once. */
#ifndef DMASYNC_BANK_H
#define DMASYNC_BANK_H

#include "attach.h"

struct bank_reader;

struct bank_visitor {
	/* One row's numbers of one CPU. @info stays valid until bank_close(). */
	int (*row)(void *ctx, unsigned int row, const struct row_info *info,
		   const struct row_value *v);
	/* One process's part of one row, all CPUs added up; may be NULL. */
	int (*proc)(void *ctx, const struct row_info *info, __u32 tgid, const struct proc_value *v);
	/* One stack's part of one row, all CPUs added up; may be NULL. */
	int (*stack)(void *ctx, unsigned int row, const struct row_info *info,
		     const struct stack_key *key, const struct proc_value *v);
	/* Runs of one row, all CPUs added up; may be NULL. */
	int (*storm)(void *ctx, unsigned int row, const struct row_info *info,
		     const struct storm_value *v);
	/* Samples of one stack: ->sum.calls; may be NULL. */
	int (*sample)(void *ctx, const struct stack_key *key, const struct proc_value *v);
	void *ctx;
};

/* @at must outlive the reader; @cpus and @max_rows are those of its configuration. 0 or -errno
 * after a message. */
int bank_open(const struct attachment *at, unsigned int cpus, unsigned int max_rows,
	      struct bank_reader **out);

/*
 * Makes the programs fill the other bank and waits until no program still writes to this one, then
 * visits everything in it and clears it. @flipped_ns gets the time of the switch. 0, the visitor's
 * error, or -errno after a message.
 */
int bank_take(struct bank_reader *b, const struct bank_visitor *visit, __u64 *flipped_ns);

void bank_close(struct bank_reader *b);

/* Shortest time of the calls in @v, in ns: the first bucket is that of calls that took none. */
static inline __u64 bank_min_ns(const struct row_value *v)
{
	return v->hist[0] ? 0 : v->min_ns;
}

#endif
