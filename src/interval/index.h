/* SPDX-License-Identifier: GPL-2.0 */
/* Growing arrays whose elements are found by key. */
#ifndef DMASYNC_INDEX_H
#define DMASYNC_INDEX_H

#include <stdbool.h>
#include <dmasync/interval.h>

/* What an array holds. */
struct index_kind {
	size_t size; /* of an element, bytes */
	__u32 (*hash)(const void *element);
	bool (*same)(const void *a, const void *b); /* have they one key? */
};

/*
 * Element of the array {@items, @n, @cap} with the key of @like; a copy of @like is appended when
 * there is none, and *@found tells which. @like must not point into the array, which may move.
 * NULL: out of memory; nothing has changed then.
 */
void *index_find(struct index *x, const struct index_kind *kind, void **items, size_t *n,
		 size_t *cap, const void *like, bool *found);

/* Forgets the elements but keeps the memory. */
void index_clear(struct index *x);

void index_free(struct index *x);

#endif
