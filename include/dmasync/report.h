/* SPDX-License-Identifier: GPL-2.0 */
/* What `dmasynctop report` shows of a capture. */
#ifndef DMASYNC_REPORT_H
#define DMASYNC_REPORT_H

#include <stdio.h>
#include "capture.h"
#include "options.h"

struct report_options {
	struct options opt; /* -D -p -c -O -s --by --hist --json -o -v */
	const char *file;   /* NULL only with --schema */
	bool by_stack;	    /* --by stack */
	bool storms;	    /* --storms */
	bool csv;
	bool schema;
	__u64 from_ns, to_ns; /* intervals that begin in here, after the capture's start */
};

/* 0 or -EINVAL; @flags as for options_parse_top(). */
int options_parse_report(int argc, char **argv, unsigned int flags, struct report_options *opt);

/*
 * The run as a time line: at most TIMELINE_POINTS points of one interval each, of two, of four ...
 */
#define TIMELINE_POINTS 512

struct timeline {
	struct timeline_point *points;
	size_t n;
	unsigned int per_point; /* intervals in each but the last */
	unsigned int in_last;
};

/* All zero is an empty one. 0 or -ENOMEM. */
int timeline_add(struct timeline *tl, const struct interval *iv);
void timeline_free(struct timeline *tl);

/* Calls, latency and barriers over time, at most @width columns (WIDTH_ANY: 100); or nothing. */
void timeline_print(FILE *out, const struct timeline *tl, const struct header *hdr, int width);

/*
 * Draws @n values as characters of eight heights (UTF-8 blocks or ASCII) between 0 and the largest;
 * negative ones are blanks. @buf has room for 3 bytes each and one more.
 */
void sparkline(char *buf, const double *values, unsigned int n, bool utf8);

/* What has been read and selected. */
struct report {
	const struct report_options *opt;
	const struct capture *capture;
	struct interval total; /* ... of it */
	struct timeline timeline;
};

/* Lines of one stack each; @counts is a part of @sums. */
struct stack_line {
	const struct row *row;
	const struct stack *stack;
	const struct stack_row *counts;
};

struct stack_lines {
	struct interval sums; /* stack rows of all processes as one */
	struct stack_line *lines;
	size_t n;
};

/* Sorted as @r->opt asks. 0 with @out to be given to stack_lines_free(), or -ENOMEM. */
int stack_lines_build(struct stack_lines *out, const struct report *r);
void stack_lines_free(struct stack_lines *lines);

/* The whole report as text, or as CSV: 0 or -errno, silently. */
int report_text(FILE *out, const struct report *r);
int report_csv(FILE *out, const struct report *r);

/* JSON schema (draft 2020-12) of the lines of a capture. */
extern const char report_schema[];

#endif
