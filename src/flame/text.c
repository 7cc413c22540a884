// SPDX-License-Identifier: GPL-2.0
/* UTF-8 and XML: hostile names come out harmless. */
#include <stdbool.h>
#include <string.h>
#include "text.h"

#define REPLACEMENT 0xfffd

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
	       !(c >= 0x2060 && c <= 0x206f) && !(c >= 0xfdd0 && c <= 0xfdef) && c != 0xfeff;
}

unsigned int flame_char(const char **s)
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
		return REPLACEMENT;
	return is_fit(c) ? c : REPLACEMENT;
}

/* @c as UTF-8 in @buf; returns its length. */
static unsigned int encode(char buf[4], unsigned int c)
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

void flame_clean(char *buf, size_t size, const char *s)
{
	size_t len = 0, n;
	unsigned int c;
	char utf8[4];

	while ((c = flame_char(&s))) {
		n = encode(utf8, c);
		if (len + n >= size)
			break;
		memcpy(buf + len, utf8, n);
		len += n;
	}
	buf[len] = '\0';
}

unsigned int flame_length(const char *s)
{
	unsigned int n = 0;

	while (flame_char(&s))
		n++;
	return n;
}

void flame_strip_suffix(char *name)
{
	static const char *const words[] = { ".isra.", ".constprop.", ".part.", ".cold",
					     ".llvm.", ".lto_priv.",  ".clone." };
	char *cut = NULL, *at, *end;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		at = strstr(name + (*name == '.'), words[i]);
		if (at && at > name && (!cut || at < cut))
			cut = at;
	}
	if (!cut)
		return;
	/* The module's name stays. */
	end = strchr(cut, ' ');
	if (end)
		memmove(cut, end, strlen(end) + 1);
	else
		*cut = '\0';
}

void flame_xml(FILE *f, const char *s, unsigned int n)
{
	unsigned int c;
	char utf8[4];

	for (; n && (c = flame_char(&s)); n--) {
		switch (c) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		case '\'':
			fputs("&#39;", f);
			break;
		default:
			fwrite(utf8, 1, encode(utf8, c), f);
		}
	}
}

char *flame_num(char *buf, unsigned long long v)
{
	char digits[FLAME_NUM_LEN];
	int n = snprintf(digits, sizeof(digits), "%llu", v), i;
	char *p = buf;

	for (i = 0; i < n; i++) {
		if (i && !((n - i) % 3))
			*p++ = ',';
		*p++ = digits[i];
	}
	*p = '\0';
	return buf;
}
