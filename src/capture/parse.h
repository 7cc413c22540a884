/* SPDX-License-Identifier: GPL-2.0 */
/* The lines of a capture, from JSON. */
#ifndef PARSE_H
#define PARSE_H

#include <dmasync/capture.h>
#include "fields.h"

/* Which stack of the table a number in the file is; grows with the lines that tell stacks. */
struct stack_map {
	__u32 *number;
	size_t n, cap;
};

/* Each returns 0 or -errno after a message. */
int parse_header(struct fields *f, struct capture_info *info);
int parse_stack(struct fields *f, struct stack_table *stacks, struct stack_map *map);
int parse_interval(struct fields *f, const struct capture_info *info, const struct stack_map *map,
		   struct interval *iv);

#endif
