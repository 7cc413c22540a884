// SPDX-License-Identifier: GPL-2.0
/* Stacks of a capture from JSON. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <dmasync/log.h>
#include "parse.h"

#define MAP_MIN 64

static int grow(struct stack_map *map)
{
	size_t cap = map->cap ? map->cap * 2 : MAP_MIN;
	__u32 *number;

	if (map->n < map->cap)
		return 0;
	number = reallocarray(map->number, cap, sizeof(*number));
	if (!number)
		return -ENOMEM;
	map->number = number;
	map->cap = cap;
	return 0;
}

static unsigned int parse_frames(struct fields *f, const char **frames)
{
	json_t *list = field_list(f, "frames", STACK_FRAMES_MAX, 0);
	size_t i, n = list ? json_array_size(list) : 0;

	for (i = 0; i < n; i++) {
		frames[i] = json_string_value(json_array_get(list, i));
		if (!frames[i]) {
			field_wrong(f, "frames", "has an element that is not a text");
			return 0;
		}
	}
	return n;
}

int parse_stack(struct fields *f, struct stack_table *stacks, struct stack_map *map)
{
	__u64 id = field_u64(f, "id", UINT32_MAX, 0), n_user;
	const char *frames[STACK_FRAMES_MAX];
	unsigned int n = parse_frames(f, frames);
	int err;

	n_user = field_u64(f, "user", n, FIELD_OPTIONAL);
	if (f->err)
		return f->err;
	if (id != map->n)
		return lines_damaged(f->lines, "stack %llu where %zu is due: the file is damaged",
				     id, map->n);
	if (id >= CAPTURE_STACKS_MAX || stack_table_bytes(stacks) > CAPTURE_STACK_BYTES_MAX)
		return lines_damaged(f->lines, "more than %u stacks, or %u MiB of them",
				     CAPTURE_STACKS_MAX, CAPTURE_STACK_BYTES_MAX >> 20);
	err = grow(map) ?: stack_table_add(stacks, frames, n, n_user, &map->number[map->n]);
	if (err) {
		log_error("%s: line %llu: out of memory", lines_path(f->lines),
			  lines_number(f->lines));
		return err;
	}
	map->n++;
	return 0;
}
