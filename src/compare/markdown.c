// SPDX-License-Identifier: GPL-2.0
/* A comparison as Markdown, for cover letters. */
#include <errno.h>
#include <string.h>
#include <dmasync/columns.h>
#include "../view/clean.h"
#include "parts.h"

const char *markdown_name(char buf[], const char *name)
{
	char *p;

	fit_name(buf, name, DEV_NAME_LEN);
	for (p = buf; *p; p++) {
		if (strchr("|`*_<>[]\\", *p) && *p != '_')
			*p = '?';
	}
	return buf;
}

static void print_row(FILE *out, const struct compare *c, const struct compare_row *row)
{
	char dev[CELL_LEN], b[32], a[32], db[32], da[32], change[48], limits[80], p[32] = "";
	enum figure_kind exact = op_is_chain(row->op) ? FIG_STEPS_CALL : FIG_DSB_CALL;
	const struct figure *f = &row->figure[FIG_NS_CALL];

	if (row->tested)
		snprintf(p, sizeof(p), "%.2g", row->p_holm);
	fprintf(out, "| `%s`%s%s | `%s` | %s | %s | %s %s | %s | %s -> %s%s | %s |\n",
		op_name(row->op), row->dir < DIR_COUNT ? " " : "",
		row->dir < DIR_COUNT ? dir_name(row->dir) : "", markdown_name(dev, row->dev),
		value_words(b, sizeof(b), row, FIG_NS_CALL, BEFORE),
		value_words(a, sizeof(a), row, FIG_NS_CALL, AFTER),
		change_words(change, sizeof(change), f), limits_words(limits, sizeof(limits), f), p,
		value_words(db, sizeof(db), row, exact, BEFORE),
		value_words(da, sizeof(da), row, exact, AFTER),
		exact == FIG_STEPS_CALL ? " steps" : "",
		row->verdict == VERDICT_NONE ? "-" : verdict_name(row->verdict));
}

static const char *clean(char text[WORDS_LEN])
{
	return clean_for_terminal(text, WORDS_LEN, text);
}

int compare_print_markdown(FILE *out, const struct compare *c)
{
	char text[WORDS_LEN], note[1024];
	size_t i;

	errno = 0;
	for (i = 0; i < c->n_rows; i++) {
		if (headline_words(text, c, &c->rows[i]))
			fprintf(out, "- **%s**\n", text);
	}
	fprintf(out, "\n| op | device | ns/call before | after | change [95 %%] | p | dsb/call |"
		     " verdict |\n|---|---|--:|--:|--:|--:|--:|---|\n");
	for (i = 0; i < c->n_rows; i++) {
		if (!row_is_minor(&c->rows[i]))
			print_row(out, c, &c->rows[i]);
	}
	if (minor_words(text, c))
		fprintf(out, "\n%s.\n", text);
	storms_print_markdown(out, c);
	side_summary(text, c, BEFORE);
	fprintf(out, "\nBefore: %s.\\\n", clean(text));
	side_summary(text, c, AFTER);
	fprintf(out, "After: %s.\\\n", clean(text));
	method_words(text, c);
	fprintf(out, "Method: %s (dmasynctop %s).\n", text, DMASYNC_VERSION);
	if (c->n_notes)
		fputc('\n', out);
	for (i = 0; i < c->n_notes; i++)
		fprintf(out, "- %s\n", clean_for_terminal(note, sizeof(note), c->notes[i].text));
	return fflush(out) || ferror(out) ? (errno ? -errno : -EIO) : 0;
}
