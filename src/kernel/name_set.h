/* SPDX-License-Identifier: GPL-2.0 */
/* A set of names that hardly any of very many others is in. */
#ifndef NAME_SET_H
#define NAME_SET_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_SET_SLOTS 2048

struct name_set {
	const char **name; /* the array is owned by the set, the names are not */
	size_t n;
	bool filter[NAME_SET_SLOTS]; /* which first four characters one of them has */
};

/* 0 or -ENOMEM. */
int name_set_add(struct name_set *set, const char *name);

/* To be called between the last name_set_add() and the first name_set_has(). */
void name_set_sort(struct name_set *set);

bool name_set_has(const struct name_set *set, const char *name);

#endif
