/* SPDX-License-Identifier: GPL-2.0 */
/* Paragraphs of text output. */
#ifndef WRAP_H
#define WRAP_H

#include <stdio.h>

#define LABEL_WIDTH 10

/* A paragraph whose words are wrapped at @width (0: never), a label in front and blanks below it.
 */
struct wrap {
	FILE *out;
	int width, col;
};

/* Starts a paragraph; the first word stands at column LABEL_WIDTH. */
void wrap_begin(struct wrap *w, const char *label);

/* Appends words, fit for a terminal; what is longer than a few lines is cut. */
void wrap_words(struct wrap *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void wrap_end(struct wrap *w);

/* All of it at once. */
void wrap_paragraph(FILE *out, int width, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
