/* SPDX-License-Identifier: GPL-2.0 */
/* JSON whose values lie together: a line has tens of thousands, which come and go as one. */
#ifndef JSON_ARENA_H
#define JSON_ARENA_H

#include <stddef.h>
#include <jansson.h>

/*
 * json_loadb(), but the value is only valid until the next call or arena_release(), and must not be
 * given to json_decref(). NULL with *@error; also when it would take more than @max bytes.
 */
json_t *arena_json(const char *text, size_t len, size_t flags, size_t max, json_error_t *error);

/* Gives the memory back; no value may be in use. */
void arena_release(void);

#endif
