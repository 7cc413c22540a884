// SPDX-License-Identifier: GPL-2.0
/* Allocates the values of one JSON text one behind the other, and forgets them all at once. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include "json_arena.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEPARATE
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SEPARATE
#endif

#ifdef SEPARATE

/* AddressSanitizer sees what lies beyond a value only if each is an allocation of its own. */
static json_t *last;

json_t *arena_json(const char *text, size_t len, size_t flags, size_t max, json_error_t *error)
{
	arena_release();
	last = json_loadb(text, len, flags, error);
	return last;
}

void arena_release(void)
{
	json_decref(last);
	last = NULL;
}

#else

#define CHUNK (1u << 20)
#define ALIGN _Alignof(max_align_t)

struct chunk {
	struct chunk *next;
	size_t size, used;
	_Alignas(max_align_t) char data[];
};

/* One for the process, as jansson's hooks are: they get no context. */
static struct {
	struct chunk *first, *at; /* behind @at nothing is used */
	size_t total, max;	  /* bytes handed out, and how many may be */
	bool hooked, active;
} arena;

static struct chunk *next_chunk(size_t size)
{
	struct chunk **link = arena.at ? &arena.at->next : &arena.first, *c = *link;

	if (c && c->size >= size) {
		c->used = 0;
		return c;
	}
	c = malloc(sizeof(*c) + (size > CHUNK ? size : CHUNK));
	if (!c)
		return NULL;
	c->size = size > CHUNK ? size : CHUNK;
	c->used = 0;
	c->next = *link;
	*link = c;
	return c;
}

static void *take(size_t size)
{
	void *p;

	if (!arena.active)
		return malloc(size);
	if (size > arena.max)
		return NULL;
	size = (size + ALIGN - 1) & ~(ALIGN - 1);
	if (size > arena.max - arena.total)
		return NULL;
	if (!arena.at || size > arena.at->size - arena.at->used) {
		struct chunk *c = next_chunk(size);

		if (!c)
			return NULL;
		arena.at = c;
	}
	p = arena.at->data + arena.at->used;
	arena.at->used += size;
	arena.total += size;
	return p;
}

/* While a text is parsed nothing older is freed. */
static void drop(void *p)
{
	if (!arena.active)
		free(p);
}

json_t *arena_json(const char *text, size_t len, size_t flags, size_t max, json_error_t *error)
{
	json_t *value;

	if (!arena.hooked)
		json_set_alloc_funcs(take, drop);
	arena.hooked = true;
	arena.at = NULL;
	arena.total = 0;
	arena.max = max > SIZE_MAX - ALIGN ? SIZE_MAX - ALIGN : max;
	arena.active = true;
	value = json_loadb(text, len, flags, error);
	arena.active = false;
	return value;
}

void arena_release(void)
{
	while (arena.first) {
		struct chunk *next = arena.first->next;

		free(arena.first);
		arena.first = next;
	}
	arena.at = NULL;
}

#endif
