// SPDX-License-Identifier: GPL-2.0
/* Names in XML. */
#include <string.h>
#include "../view/clean.h"
#include "text.h"

unsigned int flame_length(const char *s)
{
	unsigned int n = 0;

	while (clean_next(&s))
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

	for (; n && (c = clean_next(&s)); n--) {
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
			fwrite(utf8, 1, clean_encode(utf8, c), f);
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
