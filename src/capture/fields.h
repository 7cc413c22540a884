/* SPDX-License-Identifier: GPL-2.0 */
/* Fields of a JSON object that nobody vouches for. */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>
#include <linux/types.h>
#include "lines.h"

/*
 * An object whose fields are being read, and where it is: "rows[3]", or "" for the line itself.
 * The first wrong field ends in a message and sets @err; later calls do nothing then.
 */
struct fields {
	const struct lines *lines;
	json_t *obj;
	const char *list;
	size_t i;
	int err; /* 0 or -EBADMSG */
};

enum {
	FIELD_OPTIONAL = 1 << 0, /* may be missing: 0, empty, false */
	FIELD_NULL = 1 << 1,	 /* may be null: the same */
};

/* Prints what is wrong with field @name ("" for the object) and sets @f->err. */
void field_wrong(struct fields *f, const char *name, const char *what);

/* True when the field is there and not null. */
bool field_known(const struct fields *f, const char *name);

/* A whole number, 0 .. @max. */
__u64 field_u64(struct fields *f, const char *name, __u64 max, unsigned int how);

bool field_bool(struct fields *f, const char *name, unsigned int how);

/* A finite number >= 0. */
double field_real(struct fields *f, const char *name, unsigned int how);

/* A text of less than @size bytes into @buf. */
void field_text(struct fields *f, const char *name, char *buf, size_t size, unsigned int how);

/* The text itself, valid as long as the object; "" when it is not there or wrong. */
const char *field_string(struct fields *f, const char *name, unsigned int how);

/* An array of at most @max elements; NULL when it is not there or wrong. */
json_t *field_list(struct fields *f, const char *name, size_t max, unsigned int how);

/* Element @i of @array, named @list, which must be an object. */
struct fields field_object(struct fields *f, const char *list, json_t *array, size_t i);

/*
 * Parses @text into an object, which is valid until the next one is parsed or arena_release();
 * NULL after a message. What takes more memory than CAPTURE_JSON_MAX is refused.
 */
json_t *fields_parse(const struct lines *lines, const char *text, size_t len);

#endif
