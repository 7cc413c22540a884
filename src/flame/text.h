/* SPDX-License-Identifier: GPL-2.0 */
/* Names and texts of a picture: nothing in a capture is trusted to be fit for XML. */
#ifndef DMASYNC_FLAME_TEXT_H
#define DMASYNC_FLAME_TEXT_H

#include <stdio.h>
#include <dmasync/stack.h>

/* Each byte of a name can turn into a replacement character of three. */
#define FLAME_NAME_MAX (3 * FRAME_NAME_LEN + 1)

/* Characters of @s, as clean_next() sees them. */
unsigned int flame_length(const char *s);

/* Removes what compilers append to the names of clones: ".isra.0", ".constprop.0", ".cold" ... */
void flame_strip_suffix(char *name);

/* Writes @s, at most @n characters of it, fit for XML text and attributes. */
void flame_xml(FILE *f, const char *s, unsigned int n);

/* Decimal number in groups of three: "13,136,768". @buf has FLAME_NUM_LEN bytes; returns it. */
#define FLAME_NUM_LEN 32
char *flame_num(char *buf, unsigned long long v);

#endif
