/* SPDX-License-Identifier: GPL-2.0 */
/* The ways to show intervals: text tables, NDJSON, and the live view. */
#ifndef DMASYNC_VIEW_H
#define DMASYNC_VIEW_H

#include <stdio.h>
#include <jansson.h>
#include "header.h"
#include "interval.h"
#include "options.h"

/* Text, for -b. @opt gives sort, grouping, histograms and verbosity. */
void text_header(FILE *out, const struct header *hdr, const struct options *opt);
void text_interval(FILE *out, const struct header *hdr, const struct interval *iv,
		   const struct options *opt);
void text_end(FILE *out, const struct header *hdr, const struct interval *total,
	      const struct options *opt);

/* The table of @iv alone; sums instead of rates when @totals. */
void text_table(FILE *out, const struct header *hdr, const struct interval *iv,
		const struct options *opt, bool totals);

/* What was lost, or that nothing was. */
void text_loss(FILE *out, const struct interval *total);

/* One histogram: bars of at most @width columns; merges buckets so that it fits @lines lines. */
void text_histogram(FILE *out, const __u64 hist[HIST_BUCKETS], unsigned int width,
		    unsigned int lines);

/* JSON objects of the NDJSON contract; the caller owns the reference. NULL: out of memory. */
json_t *json_header(const struct header *hdr);
json_t *json_interval(const struct header *hdr, const struct interval *iv);
json_t *json_end(const struct header *hdr, const struct interval *total);

/* Writes @obj as one line and drops the reference. 0, or -EPIPE, -ENOSPC ... from the stream. */
int json_print(FILE *out, json_t *obj);

/* Where a live view gets its intervals from: a session, or a fake one in tests. */
struct view_source {
	const struct header *hdr;
	/* Ends the running interval and stores it in @iv. 0 or -errno after a message. */
	int (*read)(void *ctx, struct interval *iv);
	/* Process table on or off; may be NULL. */
	int (*set_procs)(void *ctx, bool on);
	/* True when the measured command has ended; may be NULL. */
	bool (*done)(void *ctx);
	void *ctx;
};

/*
 * True when stdin and stdout are a terminal that can place its cursor; else false with a static
 * reason in *@why, or NULL there when stdout is no terminal at all and nobody expects a view.
 */
bool tui_possible(const char **why);

/*
 * Live view on the terminal until the user quits, a signal asks to end, the source is done or
 * @opt's limits are reached. Adds every interval to @total. Restores the terminal in any case.
 * 0 or -errno.
 */
int tui_run(const struct view_source *src, const struct options *opt, struct interval *total);

#endif
