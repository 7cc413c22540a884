// SPDX-License-Identifier: GPL-2.0
/* Growing arrays whose elements are found by key. */
#include <stdlib.h>
#include <string.h>
#include "index.h"

#define SIZE_MIN 64
#define CAP_MIN 16

void index_clear(struct index *x)
{
	if (x->slots)
		memset(x->slots, 0, x->size * sizeof(*x->slots));
}

void index_free(struct index *x)
{
	free(x->slots);
	*x = (struct index){};
}

static void *element(void *items, const struct index_kind *kind, size_t i)
{
	return (char *)items + i * kind->size;
}

/* Makes room for one more than @n elements, and numbers those that are there anew. */
static int grow_slots(struct index *x, const struct index_kind *kind, void *items, size_t n)
{
	size_t size = x->size ? x->size * 2 : SIZE_MIN, i, at;
	__u32 *slots;

	if ((n + 1) * 2 <= x->size)
		return 0;
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return -1;
	for (i = 0; i < n; i++) {
		at = kind->hash(element(items, kind, i)) & (size - 1);
		while (slots[at])
			at = (at + 1) & (size - 1);
		slots[at] = i + 1;
	}
	free(x->slots);
	x->slots = slots;
	x->size = size;
	return 0;
}

static int grow_items(const struct index_kind *kind, void **items, size_t n, size_t *cap)
{
	size_t new_cap = *cap ? *cap * 2 : CAP_MIN;
	void *p;

	if (n < *cap)
		return 0;
	p = reallocarray(*items, new_cap, kind->size);
	if (!p)
		return -1;
	*items = p;
	*cap = new_cap;
	return 0;
}

void *index_find(struct index *x, const struct index_kind *kind, void **items, size_t *n,
		 size_t *cap, const void *like, bool *found)
{
	void *at;
	size_t i;

	if (grow_slots(x, kind, *items, *n))
		return NULL;
	*found = true;
	i = kind->hash(like) & (x->size - 1);
	for (; x->slots[i]; i = (i + 1) & (x->size - 1)) {
		at = element(*items, kind, x->slots[i] - 1);
		if (kind->same(at, like))
			return at;
	}
	*found = false;
	if (grow_items(kind, items, *n, cap))
		return NULL;
	at = element(*items, kind, *n);
	memcpy(at, like, kind->size);
	x->slots[i] = ++*n;
	return at;
}
