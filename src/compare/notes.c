// SPDX-License-Identifier: GPL-2.0
/* Notes on what differs between the sides, and inside one, besides what was measured. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parts.h"

#define FEW_CALLS 10000 /* below, 99.9 % leaves less than ten of them */

static const char *const side_words[SIDES] = { "before", "after" };

int compare_note(struct compare *c, const char *kind, const char *fmt, ...)
{
	struct note *notes = realloc(c->notes, (c->n_notes + 1) * sizeof(*notes));
	char *text, *p;
	va_list ap;
	int n;

	if (!notes)
		return -ENOMEM;
	c->notes = notes;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	/* Names in it come out of files, and go to terminals. */
	for (p = text; *p; p++)
		*p = isprint((unsigned char)*p) ? *p : '?';
	c->notes[c->n_notes++] = (struct note){ kind, text };
	return 0;
}

static int note_losses(struct compare *c)
{
	__u64 lost[SIDES] = {}, inexact[SIDES] = {};
	size_t i;
	int s, err = 0;

	for (s = 0; s < SIDES; s++) {
		for (i = 0; i < c->side[s].n; i++) {
			lost[s] += loss_total(&c->side[s].runs[i]->loss);
			inexact[s] += loss_inexact(&c->side[s].runs[i]->loss);
		}
	}
	if (lost[BEFORE] || lost[AFTER])
		err = compare_note(c, "loss",
				   "events were lost: %llu before, %llu after: counts and barriers "
				   "are lower bounds",
				   lost[BEFORE], lost[AFTER]);
	if (!err && (inexact[BEFORE] || inexact[AFTER]))
		err = compare_note(c, "loss",
				   "events were recorded inexactly: %llu before, %llu after (see "
				   "dmasynctop report)",
				   inexact[BEFORE], inexact[AFTER]);
	return err;
}

static int note_runs(struct compare *c)
{
	const struct compare_run *a;
	bool one_boot;
	size_t i;
	int s, err = 0;

	for (s = 0; !err && s < SIDES; s++) {
		one_boot = c->side[s].n > 1;
		for (i = 0; !err && i < c->side[s].n; i++) {
			a = c->side[s].runs[i];
			if (a->cut_off[0])
				err = compare_note(c, "cut_off", "%s: %s", a->path, a->cut_off);
			if (i && (!a->info.boot_id[0] ||
				  strcmp(a->info.boot_id, c->side[s].runs[0]->info.boot_id)))
				one_boot = false;
		}
		if (!err && one_boot)
			err = compare_note(
				c, "boot",
				"the runs %s are all of one boot: what is settled at "
				"boot, such as where memory lies, is not in their spread",
				side_words[s]);
	}
	return err;
}

static int note_copies(struct compare *c)
{
	const struct compare_run *a, *b;
	size_t i, k;
	int err = 0;

	for (i = 0; !err && i < c->side[BEFORE].n; i++) {
		for (k = 0; !err && k < c->side[AFTER].n; k++) {
			a = c->side[BEFORE].runs[i];
			b = c->side[AFTER].runs[k];
			if (compare_same_run(a, b))
				err = compare_note(c, "same_run",
						   "%s before and %s after are the same recording",
						   a->path, b->path);
		}
	}
	return err;
}

static bool has_device(const struct compare *c, enum side side, const char *dev)
{
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		if (c->rows[i].side[side].runs && !strcmp(c->rows[i].dev, dev))
			return true;
	}
	return false;
}

static int note_one_sided(struct compare *c, const struct compare_row *row, enum side side)
{
	const char *word = side_words[side];
	size_t i;

	if (has_device(c, !side, row->dev))
		return compare_note(c, "rows", "%s %s: calls only %s", op_name(row->op), row->dev,
				    word);
	/* A device is named once. */
	for (i = 0; &c->rows[i] < row; i++) {
		if (!strcmp(c->rows[i].dev, row->dev))
			return 0;
	}
	return compare_note(c, "devices", "device %s (%s): calls only %s", row->dev,
			    row->side[side].sum.driver, word);
}

static int note_devices(struct compare *c)
{
	const struct compare_row *row;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < c->n_rows; i++) {
		row = &c->rows[i];
		if (!row->side[AFTER].runs)
			err = note_one_sided(c, row, BEFORE);
		else if (!row->side[BEFORE].runs)
			err = note_one_sided(c, row, AFTER);
		else if (strcmp(row->side[BEFORE].sum.driver, row->side[AFTER].sum.driver))
			err = compare_note(c, "devices", "%s: driver %s before, %s after", row->dev,
					   row->side[BEFORE].sum.driver,
					   row->side[AFTER].sum.driver);
		else if (row->side[BEFORE].sum.coherent != row->side[AFTER].sum.coherent ||
			 row->side[BEFORE].sum.iommu != row->side[AFTER].sum.iommu)
			err = compare_note(c, "devices",
					   "%s: coherence or IOMMU differ before and after",
					   row->dev);
	}
	return err;
}

static bool few_calls(const struct row_side *side)
{
	return side->sum.sum.calls < FEW_CALLS * side->runs;
}

static int note_tails(struct compare *c)
{
	const struct compare_row *row;
	size_t few = 0, i;

	for (i = 0; i < c->n_rows; i++) {
		row = &c->rows[i];
		few += row->tested &&
		       (few_calls(&row->side[BEFORE]) || few_calls(&row->side[AFTER]));
	}
	if (!few)
		return 0;
	return compare_note(c, "tails",
			    "p99.9 rests on less than ten calls a run in %zu of the rows with a "
			    "verdict",
			    few);
}

int compare_notes(struct compare *c)
{
	static int (*const all[])(struct compare *) = { setup_notes, note_losses,  note_runs,
							note_copies, note_devices, row_notes,
							note_tails };
	size_t i;
	int err = 0;

	for (i = 0; i < c->n_notes; i++)
		free(c->notes[i].text);
	c->n_notes = 0;
	for (i = 0; !err && i < sizeof(all) / sizeof(*all); i++)
		err = all[i](c);
	return err;
}
