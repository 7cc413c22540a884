/* SPDX-License-Identifier: GPL-2.0 */
/* Makes calls out of records: begins and ends of one task belong together last in, first out. */
#ifndef CALLS_H
#define CALLS_H

#include "ring.h"

/* A call that has ended. */
struct call_done {
	enum op op;
	enum direction dir;
	unsigned int attrs; /* CALL_* */
	unsigned int variant;
	bool failed;
	__u32 device; /* number of its name */
	__u32 entries;
	__u32 bounces;
	__u64 bytes; /* of a single buffer; 0 for lists */
	__u64 ns;
	__u32 pid; /* of the thread */
	const char *comm;
};

struct calls;

struct calls_user {
	/* Whether a call of @op by thread @pid is of interest; asked when it begins. */
	bool (*wanted)(void *ctx, enum op op, __u32 pid, const char *comm);
	void (*done)(void *ctx, const struct call_done *call);
	void *ctx;
};

/* NULL: out of memory. @page_size is that of IOMMU page tables, bytes. */
struct calls *calls_open(struct calls_user user, size_t page_size);

/*
 * Takes the next record. Calls that begin before @from or at @to and later are left out, but for
 * those of the null target.
 */
void calls_take(struct calls *c, const struct trace_event *ev, __u64 from, __u64 to);

/* Adds what was lost so far to @loss. */
void calls_loss(const struct calls *c, struct loss_counters *loss);

/* Forgets tasks that are in no call: there may be many in a day. */
void calls_trim(struct calls *c);

void calls_close(struct calls *c);

#endif
