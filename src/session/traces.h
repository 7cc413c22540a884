/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses of stacks, out of the map that the programs file them in. */
#ifndef TRACES_H
#define TRACES_H

#include <dmasync/shared.h>

/* Traces that were deleted from the map. */
struct kept_traces {
	__u32 n;
	__u64 hash[STACK_TRACES_MAX];
	struct stack_trace trace[STACK_TRACES_MAX];
};

struct traces {
	int map;
	const __u64 *filed; /* traces that were put in the map so far */
	__u64 gone;	    /* of these, the ones known to be deleted */
	struct kept_traces *kept;
};

/* Copies the trace with @hash, of a bank that was filled just now. 0 or -ENOENT. */
int traces_get(const struct traces *t, __u64 hash, struct stack_trace *out);

/* To be called when a bank has been read: empties the map if it is half full. */
void traces_trim(struct traces *t);

void traces_free(struct traces *t);

#endif
