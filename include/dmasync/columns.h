/* SPDX-License-Identifier: GPL-2.0 */
/* Columns of a table of any width: which fit, how wide they are, what a cell says. */
#ifndef DMASYNC_COLUMNS_H
#define DMASYNC_COLUMNS_H

#include <stdbool.h>
#include "group.h"

enum column {
	COL_PID,
	COL_COMM,
	COL_DEVICE,
	COL_DRIVER,
	COL_OP,
	COL_DIR,
	COL_HW,
	COL_SAVED,
	COL_SAVED_SHARE,
	COL_SAVED_MOST,
	COL_RUNS,
	COL_RUN_P50,
	COL_RUN_P99,
	COL_RUN_MAX,
	COL_CALLS,
	COL_ENTRIES,
	COL_STEPS,
	COL_BYTES,
	COL_AVG,
	COL_P50,
	COL_P99,
	COL_MAX,
	COL_DSB,
	COL_DSB_PER_CALL,
	COL_TIME,
	COL_COUNT,
};

#define CELL_LEN 80
#define WIDTH_ANY 0 /* as wide as everything needs */

struct layout {
	unsigned int n;
	enum column col[COL_COUNT];
	int width[COL_COUNT];	/* of column col[i]; there is one blank between columns */
	bool totals;		/* sums instead of rates */
	int seen[2][COL_COUNT]; /* widest contents so far, abridged and in full */
};

/*
 * Chooses the columns that fit @width (WIDTH_ANY: all) for @t's grouping and contents, the most
 * telling ones first; what room is left goes to names, then to longer numbers. @l is zeroed before
 * its first use; it remembers the widest names, so that a live table does not jump.
 */
void layout_fit(struct layout *l, const struct table *t, const struct header *hdr, int width,
		bool totals);

/* Title, at most as wide as the narrowest the column gets. */
const char *column_title(enum column col, bool totals);

/* What the cell of @line says, at most @width columns; rates are over @dur_ns. Not padded. */
void column_cell(char buf[CELL_LEN], enum column col, int width, const struct layout *l,
		 const struct table_line *line, __u64 dur_ns);

/* Names are flushed left, numbers right. */
bool column_is_name(enum column col);

/* Key that sorts by this column; SORT_COUNT when there is none. */
enum sort_key column_sort_key(enum column col);

/*
 * Copies what a terminal can show of @src (printable ASCII, '?' for the rest) and shortens it to
 * @width columns with a '~' in its middle: the ends of device names tell them apart.
 */
void fit_name(char buf[CELL_LEN], const char *src, int width);

#endif
