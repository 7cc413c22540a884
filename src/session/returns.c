// SPDX-License-Identifier: GPL-2.0
/* Finds where hooked functions return by decoding the running kernel's text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "returns.h"
#include "dmasync/a64.h"

#ifdef __aarch64__
#define TEXT_IS_A64 true
#else
#define TEXT_IS_A64 false
#endif

#define TEXT_MAX (64 << 10) /* bytes; the largest of the functions has 3 KiB */

/* 0 or -errno with the reason in ->why; tried once. */
static int open_text(struct returns_reader *reader)
{
	if (!reader->kcore && !reader->err)
		reader->err =
			kcore_open(KCORE_PATH, &reader->kcore, reader->why, sizeof(reader->why));
	return reader->err;
}

/* Text of @h's function for free(), or NULL with the reason in @why. */
static __u32 *read_text(struct returns_reader *reader, const struct hook *h, char *why, size_t len)
{
	__u32 *text;
	int err;

	if (!h->text || h->text_size > TEXT_MAX) {
		snprintf(why, len, "where its text lies is not known for sure");
		return NULL;
	}
	if (open_text(reader)) {
		snprintf(why, len, "%s", reader->why);
		return NULL;
	}
	text = malloc(h->text_size + sizeof(*text));
	err = text ? kcore_read(reader->kcore, h->text, text, h->text_size) : -ENOMEM;
	if (err) {
		snprintf(why, len, "its text cannot be read");
		free(text);
		return NULL;
	}
	return text;
}

static unsigned int decode(const struct hook *h, const __u32 *text, __u32 at[RETURNS_MAX],
			   char *why, size_t len)
{
	enum a64_exits exits;
	size_t n;

	exits = a64_find_returns(text, h->text_size / sizeof(*text), at, RETURNS_MAX, &n);
	if (exits != A64_EXITS_RETURN) {
		snprintf(why, len, "%s", a64_exits_text(exits));
		return 0;
	}
	if (n > RETURNS_MAX) {
		snprintf(why, len, "it returns in %zu places", n);
		return 0;
	}
	return n;
}

unsigned int returns_find(struct returns_reader *reader, const struct hook *h,
			  __u32 at[RETURNS_MAX], char *why, size_t len)
{
	unsigned int n = 0;
	__u32 *text;

	why[0] = '\0';
	text = TEXT_IS_A64 ? read_text(reader, h, why, len) : NULL;
	if (text)
		n = decode(h, text, at, why, len);
	free(text);
	return n;
}

void returns_close(struct returns_reader *reader)
{
	kcore_close(reader->kcore);
	*reader = (struct returns_reader){ 0 };
}
