/* SPDX-License-Identifier: GPL-2.0 */
/* UTF-8 of unknown origin: hostile texts come out harmless. */
#ifndef CLEAN_H
#define CLEAN_H

#include <stddef.h>

#define CLEAN_REPLACEMENT 0xfffd

/*
 * Next character of the UTF-8 string *@s, which is moved behind it; 0 at its end. What is not
 * valid, not allowed in XML, or made to change how other text looks (control characters, overrides
 * of the writing direction) comes as CLEAN_REPLACEMENT.
 */
unsigned int clean_next(const char **s);

/* @c as UTF-8 in @buf; returns its length. */
unsigned int clean_encode(char buf[4], unsigned int c);

/* Copies @s into @buf with those characters replaced; cuts it to @size at a whole character. */
void clean_text(char *buf, size_t size, const char *s);

/*
 * The same for terminals: '?' instead of those characters, and of all that are not ASCII where the
 * locale is not UTF-8. Never longer than @s, which may be @buf itself. Returns @buf.
 */
const char *clean_for_terminal(char *buf, size_t size, const char *s);

#endif
