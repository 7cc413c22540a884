// SPDX-License-Identifier: GPL-2.0
/* Takes fields out of JSON and tells what is wrong with them, and where. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <dmasync/capture.h>
#include "fields.h"
#include "json_arena.h"

/* What jansson takes for a value at least, with what malloc() adds; measured on 64 bits. */
#define COST_OBJECT 320
#define COST_ARRAY 160
#define COST_VALUE 128 /* a field: its key, its place in the table and a number */

static bool allowed(const struct fields *f, const json_t *v, unsigned int how)
{
	return v ? json_is_null(v) && how & FIELD_NULL : how & FIELD_OPTIONAL;
}

void field_wrong(struct fields *f, const char *name, const char *what)
{
	char at[64] = "";

	if (f->err)
		return;
	if (f->list[0])
		snprintf(at, sizeof(at), "%s[%zu]%s", f->list, f->i, name[0] ? "." : "");
	f->err = lines_damaged(f->lines, "%s%s%s%s: the file is damaged", at, name,
			       at[0] || name[0] ? " " : "", what);
}

/* The field if it has to be looked at; NULL when it may be missing, or is wrong. */
static json_t *get(struct fields *f, const char *name, unsigned int how)
{
	json_t *v = f->err ? NULL : json_object_get(f->obj, name);

	if (f->err || allowed(f, v, how))
		return NULL;
	if (!v)
		field_wrong(f, name, "is missing");
	return v;
}

bool field_known(const struct fields *f, const char *name)
{
	json_t *v = json_object_get(f->obj, name);

	return v && !json_is_null(v);
}

__u64 field_u64(struct fields *f, const char *name, __u64 max, unsigned int how)
{
	json_t *v = get(f, name, how);

	if (!v)
		return 0;
	if (!json_is_integer(v)) {
		field_wrong(f, name, "is not a whole number");
		return 0;
	}
	if (json_integer_value(v) < 0) {
		field_wrong(f, name, "is negative");
		return 0;
	}
	if ((__u64)json_integer_value(v) > max) {
		field_wrong(f, name, "is too large");
		return 0;
	}
	return json_integer_value(v);
}

bool field_bool(struct fields *f, const char *name, unsigned int how)
{
	json_t *v = get(f, name, how);

	if (v && !json_is_boolean(v))
		field_wrong(f, name, "is neither true nor false");
	return json_is_true(v);
}

double field_real(struct fields *f, const char *name, unsigned int how)
{
	json_t *v = get(f, name, how);
	double x;

	if (!v)
		return 0;
	if (!json_is_number(v)) {
		field_wrong(f, name, "is not a number");
		return 0;
	}
	x = json_number_value(v);
	if (isfinite(x) && x >= 0)
		return x;
	field_wrong(f, name, "is negative");
	return 0;
}

const char *field_string(struct fields *f, const char *name, unsigned int how)
{
	json_t *v = get(f, name, how);

	if (!v)
		return "";
	if (json_is_string(v))
		return json_string_value(v);
	field_wrong(f, name, "is not a text");
	return "";
}

void field_text(struct fields *f, const char *name, char *buf, size_t size, unsigned int how)
{
	const char *text = field_string(f, name, how);
	size_t len = strlen(text);

	if (len >= size) {
		field_wrong(f, name, "is too long");
		len = 0;
	}
	memcpy(buf, text, len);
	memset(buf + len, 0, size - len);
}

json_t *field_list(struct fields *f, const char *name, size_t max, unsigned int how)
{
	json_t *v = get(f, name, how);
	char what[64];

	if (!v)
		return NULL;
	if (!json_is_array(v)) {
		field_wrong(f, name, "is not a list");
		return NULL;
	}
	if (json_array_size(v) <= max)
		return v;
	snprintf(what, sizeof(what), "has %zu elements; %zu are allowed", json_array_size(v), max);
	field_wrong(f, name, what);
	return NULL;
}

struct fields field_object(struct fields *f, const char *list, json_t *array, size_t i)
{
	struct fields of = {
		.lines = f->lines,
		.obj = json_array_get(array, i),
		.list = list,
		.i = i,
		.err = f->err,
	};

	if (!json_is_object(of.obj))
		field_wrong(&of, "", "is not an object");
	return of;
}

/* Memory that the parsed @text takes, roughly and rather too much. */
static size_t cost(const char *text, size_t len)
{
	bool quoted = false;
	size_t bytes = len, i;

	for (i = 0; i < len; i++) {
		if (quoted && text[i] == '\\') {
			i++;
		} else if (text[i] == '"') {
			quoted = !quoted;
		} else if (!quoted) {
			bytes += text[i] == '{'	  ? COST_OBJECT
				 : text[i] == '[' ? COST_ARRAY
				 : text[i] == ',' ? COST_VALUE
						  : 0;
		}
	}
	return bytes;
}

json_t *fields_parse(const struct lines *lines, const char *text, size_t len)
{
	json_error_t error;
	json_t *obj;

	if (cost(text, len) > CAPTURE_JSON_MAX) {
		lines_damaged(lines, "would take more than %u MiB of memory: the file is damaged",
			      CAPTURE_JSON_MAX >> 20);
		return NULL;
	}
	obj = arena_json(text, len, JSON_REJECT_DUPLICATES, CAPTURE_JSON_MAX, &error);
	if (!obj)
		lines_damaged(lines, "column %d: %s: the file is damaged", error.column,
			      error.text);
	return obj;
}
