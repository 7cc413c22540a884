// SPDX-License-Identifier: GPL-2.0
/* Paragraphs of text output. */
#include <stdarg.h>
#include <string.h>
#include "clean.h"
#include "wrap.h"

void wrap_begin(struct wrap *w, const char *label)
{
	w->col = fprintf(w->out, "%-*s", LABEL_WIDTH, label);
}

void wrap_words(struct wrap *w, const char *fmt, ...)
{
	char text[1024], *word, *save;
	va_list ap;
	int len;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean_for_terminal(text, sizeof(text), text);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		len = strlen(word);
		if (w->width && w->col > LABEL_WIDTH && w->col + 1 + len > w->width) {
			fprintf(w->out, "\n%*s", LABEL_WIDTH, "");
			w->col = LABEL_WIDTH;
		}
		w->col += fprintf(w->out, "%s%s", w->col > LABEL_WIDTH ? " " : "", word);
	}
}

void wrap_end(struct wrap *w)
{
	fputc('\n', w->out);
}

void wrap_paragraph(FILE *out, int width, const char *label, const char *fmt, ...)
{
	struct wrap w = { .out = out, .width = width };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	wrap_begin(&w, label);
	wrap_words(&w, "%s", text);
	wrap_end(&w);
}
