/* SPDX-License-Identifier: GPL-2.0 */
/* Names and texts of a picture: nothing in a capture is trusted to be fit for XML. */
#ifndef DMASYNC_FLAME_TEXT_H
#define DMASYNC_FLAME_TEXT_H

#include <stdio.h>
#include <dmasync/stack.h>

/* Each byte of a name can turn into a replacement character of three. */
#define FLAME_NAME_MAX (3 * FRAME_NAME_LEN + 1)

/*
 * Next character of the UTF-8 string *@s, which is moved behind it; 0 at its end. What is not
 * valid, not allowed in XML, or made to change how other text looks (control characters, overrides
 * of the writing direction) comes as U+FFFD.
 */
unsigned int flame_char(const char **s);

/* Copies @s into @buf with those characters replaced; cuts it to @size at a whole character. */
void flame_clean(char *buf, size_t size, const char *s);

/* Characters of @s, as flame_char() sees them. */
unsigned int flame_length(const char *s);

/* Removes what compilers append to the names of clones: ".isra.0", ".constprop.0", ".cold" ... */
void flame_strip_suffix(char *name);

/* Writes @s, at most @n characters of it, fit for XML text and attributes. */
void flame_xml(FILE *f, const char *s, unsigned int n);

/* Decimal number in groups of three: "13,136,768". @buf has FLAME_NUM_LEN bytes; returns it. */
#define FLAME_NUM_LEN 32
char *flame_num(char *buf, unsigned long long v);

#endif
