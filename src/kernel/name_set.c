// SPDX-License-Identifier: GPL-2.0
/* A set of names that hardly any of very many others is in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>
#include "name_set.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static unsigned int slot(const char *name)
{
	__u32 start = 0;

	for (int i = 0; i < 4 && name[i]; i++)
		start = start << 8 | (unsigned char)name[i];
	return (start * 0x9E3779B1U >> 16) % NAME_SET_SLOTS;
}

int name_set_add(struct name_set *set, const char *name)
{
	const char **more = realloc(set->name, (set->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	set->name = more;
	more[set->n++] = name;
	set->filter[slot(name)] = true;
	return 0;
}

void name_set_sort(struct name_set *set)
{
	if (set->n)
		qsort(set->name, set->n, sizeof(*set->name), by_text);
}

bool name_set_has(const struct name_set *set, const char *name)
{
	return set->filter[slot(name)] &&
	       bsearch(&name, set->name, set->n, sizeof(*set->name), by_text);
}
