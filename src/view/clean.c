// SPDX-License-Identifier: GPL-2.0
/* UTF-8 of unknown origin: hostile texts come out harmless. */
#include <stdbool.h>
#include <string.h>
#include <dmasync/bar.h>
#include "clean.h"

/* Bytes behind the first one of a character, and the first one's share of it; -1: not a first. */
static int first_byte(unsigned char c, unsigned int *bits)
{
	if (c < 0x80) {
		*bits = c;
		return 0;
	}
	if (c >= 0xc2 && c <= 0xdf) {
		*bits = c & 0x1f;
		return 1;
	}
	if ((c & 0xf0) == 0xe0) {
		*bits = c & 0x0f;
		return 2;
	}
	*bits = c & 0x07;
	return c >= 0xf0 && c <= 0xf4 ? 3 : -1;
}

static bool is_fit(unsigned int c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c & 0xfffe) == 0xfffe)
		return false;
	/* Marks and overrides of direction, invisible characters, noncharacters. */
	return !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2060 && c <= 0x206f) && !(c >= 0xfdd0 && c <= 0xfdef) && c != 0xfeff &&
	       c != 0x61c;
}

unsigned int clean_next(const char **s)
{
	static const unsigned int least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)*s;
	unsigned int c;
	int more, i;

	if (!*p)
		return 0;
	more = first_byte(*p++, &c);
	for (i = 0; i < more && (*p & 0xc0) == 0x80; i++)
		c = c << 6 | (*p++ & 0x3f);
	*s = (const char *)p;
	if (i < more || more < 0 || c < least[more] || c > 0x10ffff || (c & ~0x7ffu) == 0xd800)
		return CLEAN_REPLACEMENT;
	return is_fit(c) ? c : CLEAN_REPLACEMENT;
}

unsigned int clean_encode(char buf[4], unsigned int c)
{
	if (c < 0x80) {
		buf[0] = c;
		return 1;
	}
	if (c < 0x800) {
		buf[0] = 0xc0 | c >> 6;
		buf[1] = 0x80 | (c & 0x3f);
		return 2;
	}
	if (c < 0x10000) {
		buf[0] = 0xe0 | c >> 12;
		buf[1] = 0x80 | (c >> 6 & 0x3f);
		buf[2] = 0x80 | (c & 0x3f);
		return 3;
	}
	buf[0] = 0xf0 | c >> 18;
	buf[1] = 0x80 | (c >> 12 & 0x3f);
	buf[2] = 0x80 | (c >> 6 & 0x3f);
	buf[3] = 0x80 | (c & 0x3f);
	return 4;
}

/* @instead: the character for what must not stay; @most: the largest that may. */
static void clean(char *buf, size_t size, const char *s, unsigned int instead, unsigned int most)
{
	size_t len = 0, n;
	unsigned int c;
	char utf8[4];

	while ((c = clean_next(&s))) {
		n = clean_encode(utf8, c == CLEAN_REPLACEMENT || c > most ? instead : c);
		if (len + n >= size)
			break;
		memcpy(buf + len, utf8, n);
		len += n;
	}
	buf[len] = '\0';
}

void clean_text(char *buf, size_t size, const char *s)
{
	clean(buf, size, s, CLEAN_REPLACEMENT, ~0u);
}

const char *clean_for_terminal(char *buf, size_t size, const char *s)
{
	/* Terminals of other locales take bytes of UTF-8 for control characters, too. */
	clean(buf, size, s, '?', locale_is_utf8() ? ~0u : '~');
	return buf;
}
