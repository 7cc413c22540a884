// SPDX-License-Identifier: GPL-2.0
/* Addresses of stacks, out of the map that the programs file them in. */
#include <errno.h>
#include <stdlib.h>
#include <bpf/bpf.h>
#include "traces.h"

int traces_get(const struct traces *t, __u64 hash, struct stack_trace *out)
{
	const struct kept_traces *k = t->kept;

	if (hash <= STACK_LOST)
		return -ENOENT;
	if (!bpf_map_lookup_elem(t->map, &hash, out))
		return out->n <= STACK_DEPTH ? 0 : -ENOENT;
	for (__u32 i = 0; k && i < k->n; i++) {
		if (k->hash[i] == hash && k->trace[i].n <= STACK_DEPTH) {
			*out = k->trace[i];
			return 0;
		}
	}
	return -ENOENT;
}

/*
 * Whose traces are in the map is not asked: stacks of devices that are not selected, and those that
 * found no room to be counted, are never looked for. A stack that is used again is filed again. The
 * bank that is being filled may have the hashes of what is deleted here: it is kept until that bank
 * has been read, which is the next call.
 */
void traces_trim(struct traces *t)
{
	__u64 filed = __atomic_load_n(t->filed, __ATOMIC_RELAXED);
	__u32 count = STACK_TRACES_MAX, at;

	if (t->kept)
		t->kept->n = 0;
	if (filed - t->gone < STACK_TRACES_MAX / 2)
		return;
	t->kept = t->kept ?: malloc(sizeof(*t->kept));
	if (!t->kept)
		return;
	if (bpf_map_lookup_and_delete_batch(t->map, NULL, &at, t->kept->hash, t->kept->trace,
					    &count, NULL) &&
	    errno != ENOENT)
		return;
	t->kept->n = count;
	t->gone = filed;
}

void traces_free(struct traces *t)
{
	free(t->kept);
	t->kept = NULL;
}
