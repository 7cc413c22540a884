/* SPDX-License-Identifier: GPL-2.0 */
/* Horizontal bars in eighths of a column where the locale has the characters, else in '#'. */
#ifndef DMASYNC_BAR_H
#define DMASYNC_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define BAR_LEN 1024 /* room for any bar of at most 256 columns */

/* True when the locale's characters are UTF-8; setlocale() has to be called before. */
bool locale_is_utf8(void);

/*
 * Writes a bar for @part of @whole, at most @width (0 .. 256) columns, into @buf (BAR_LEN bytes),
 * padded with blanks to @width. A part above zero always shows.
 */
void bar_draw(char *buf, double part, double whole, int width, bool utf8);

/*
 * Columns of the terminal @out writes to; else $COLUMNS; else those of the terminal that stderr is
 * on, since a pipe to a pager ends up there. 80 for a terminal that does not know its size (a
 * serial line). WIDTH_ANY (0) when there is no terminal at all: files and scripts get all columns.
 */
int output_width(FILE *out);

#endif
