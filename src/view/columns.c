// SPDX-License-Identifier: GPL-2.0
/* Fits the columns of a table into a width and writes its cells. */
#include <stdio.h>
#include <string.h>
#include <dmasync/columns.h>
#include <dmasync/storm_view.h>
#include <dmasync/units.h>

struct column_def {
	const char *title;
	const char *total_title;
	enum sort_key sort;
	bool name;
	int min, max; /* width; names get no wider than their contents */
};

static const struct column_def defs[COL_COUNT] = {
	[COL_PID] = { "PID", "PID", SORT_COUNT, false, 7, 7 },
	[COL_COMM] = { "COMMAND", "COMMAND", SORT_DEVICE, true, 7, 15 },
	[COL_DEVICE] = { "DEVICE", "DEVICE", SORT_DEVICE, true, 6, 32 },
	[COL_DRIVER] = { "DRIVER", "DRIVER", SORT_DRIVER, true, 6, 24 },
	[COL_OP] = { "OP", "OP", SORT_OP, true, 6, 22 },
	[COL_DIR] = { "DIR", "DIR", SORT_COUNT, true, 3, 13 },
	[COL_HW] = { "HW", "HW", SORT_COUNT, true, 2, 9 },
	[COL_SAVED] = { "SAVED/s", "SAVED", SORT_SAVED, false, 7, 9 },
	[COL_SAVED_SHARE] = { "%DSB", "%DSB", SORT_COUNT, false, 5, 5 },
	[COL_SAVED_MOST] = { "MOST/s", "MOST", SORT_COUNT, false, 6, 9 },
	[COL_RUNS] = { "RUN/s", "RUNS", SORT_COUNT, false, 5, 9 },
	[COL_RUN_P50] = { "P50", "P50", SORT_COUNT, false, 4, 6 },
	[COL_RUN_P99] = { "P99", "P99", SORT_COUNT, false, 4, 6 },
	[COL_RUN_MAX] = { "MAX", "MAX", SORT_COUNT, false, 4, 6 },
	[COL_CALLS] = { "CALL/s", "CALLS", SORT_CALLS, false, 6, 9 },
	[COL_ENTRIES] = { "ENT/s", "ENTRS", SORT_ENTRIES, false, 5, 9 },
	[COL_STEPS] = { "STEP/s", "STEPS", SORT_COUNT, false, 6, 9 },
	[COL_BYTES] = { "MB/s", "MB", SORT_BYTES, false, 4, 7 },
	[COL_AVG] = { "AVG", "AVG", SORT_AVG, false, 6, 6 },
	[COL_P50] = { "P50", "P50", SORT_P50, false, 6, 6 },
	[COL_P99] = { "P99", "P99", SORT_P99, false, 6, 6 },
	[COL_MAX] = { "MAX", "MAX", SORT_MAX, false, 6, 6 },
	[COL_DSB] = { "DSB/s", "DSB", SORT_DSB, false, 5, 9 },
	[COL_DSB_PER_CALL] = { "DSB/C", "DSB/C", SORT_DSB_PER_CALL, false, 5, 7 },
	[COL_TIME] = { "%CPU", "%CPU", SORT_TIME, false, 4, 5 },
};

/* The order in which columns claim room, for each grouping. */
static const enum column row_claims[] = {
	COL_DEVICE, COL_OP,	COL_DIR, COL_CALLS, COL_AVG,	 COL_DSB_PER_CALL,
	COL_TIME,   COL_STEPS,	COL_P99, COL_DSB,   COL_ENTRIES, COL_HW,
	COL_BYTES,  COL_DRIVER, COL_MAX, COL_P50,
};

static const enum column device_claims[] = {
	COL_DEVICE, COL_CALLS, COL_AVG,	    COL_TIME, COL_DSB,	  COL_DSB_PER_CALL, COL_P99,
	COL_HW,	    COL_BYTES, COL_ENTRIES, COL_MAX,  COL_DRIVER, COL_P50,
};

static const enum column driver_claims[] = {
	COL_DRIVER, COL_CALLS, COL_AVG,	    COL_TIME, COL_DSB, COL_DSB_PER_CALL,
	COL_P99,    COL_BYTES, COL_ENTRIES, COL_MAX,  COL_HW,  COL_P50,
};

static const enum column process_claims[] = {
	COL_PID, COL_COMM,	   COL_CALLS, COL_TIME,	   COL_AVG,
	COL_DSB, COL_DSB_PER_CALL, COL_BYTES, COL_ENTRIES,
};

static const enum column storm_claims[] = {
	COL_DEVICE,	 COL_DRIVER,  COL_SAVED, COL_OP,	 COL_DIR,
	COL_SAVED_SHARE, COL_RUN_P50, COL_RUNS,	 COL_SAVED_MOST, COL_RUN_MAX,
	COL_RUN_P99,	 COL_CALLS,   COL_HW,
};

static const enum column *claims(enum group_by by, size_t *n)
{
	switch (by) {
	case BY_DEVICE:
		*n = sizeof(device_claims) / sizeof(*device_claims);
		return device_claims;
	case BY_DRIVER:
		*n = sizeof(driver_claims) / sizeof(*driver_claims);
		return driver_claims;
	case BY_PROCESS:
		*n = sizeof(process_claims) / sizeof(*process_claims);
		return process_claims;
	case BY_STORM:
		*n = sizeof(storm_claims) / sizeof(*storm_claims);
		return storm_claims;
	case BY_ROW:
		break;
	}
	*n = sizeof(row_claims) / sizeof(*row_claims);
	return row_claims;
}

bool column_is_name(enum column col)
{
	return defs[col].name;
}

enum sort_key column_sort_key(enum column col)
{
	return defs[col].sort;
}

const char *column_title(enum column col, bool totals)
{
	return totals ? defs[col].total_title : defs[col].title;
}

void fit_name(char buf[CELL_LEN], const char *src, int width)
{
	int len = strlen(src), tail, i;

	if (width >= CELL_LEN)
		width = CELL_LEN - 1;
	if (len <= width) {
		memcpy(buf, src, len + 1);
	} else {
		tail = (width - 1) / 2;
		memcpy(buf, src, width - tail);
		if (width > 1)
			buf[width - tail - 1] = '~';
		memcpy(buf + width - tail, src + len - tail, tail);
		buf[width] = '\0';
	}
	for (i = 0; buf[i]; i++) {
		if (buf[i] < ' ' || buf[i] > '~')
			buf[i] = '?';
	}
}

/* Coherence and path, in 2 columns or in words; "?" where neither is known. */
static void hw_cell(char *buf, unsigned int flags, int width)
{
	const char *iommu = flags & LINE_IOMMU ? (flags & LINE_DIRECT ? "*" : "+") : "";
	unsigned int mixed = LINE_COHERENT | LINE_NONCOHERENT;

	if (!(flags & mixed)) {
		snprintf(buf, CELL_LEN, "%s", width < 9 ? "?" : "unknown");
		return;
	}
	if (width < 9) {
		snprintf(buf, CELL_LEN, "%c%s",
			 (flags & mixed) == mixed ? '*'
			 : flags & LINE_COHERENT  ? 'c'
						  : 'n',
			 iommu);
		return;
	}
	if ((flags & mixed) == mixed)
		snprintf(buf, CELL_LEN, "mixed");
	else if (*iommu)
		snprintf(buf, CELL_LEN, "%s%siommu", flags & LINE_COHERENT ? "coh" : "nc", iommu);
	else
		snprintf(buf, CELL_LEN, "%s", flags & LINE_COHERENT ? "coherent" : "noncoh");
}

static void name_cell(char *buf, enum column col, int width, const struct table_line *line)
{
	const char *op = line->op < OP_COUNT ? op_name(line->op) : "*";

	switch (col) {
	case COL_COMM:
		fit_name(buf, line->comm, width);
		break;
	case COL_DEVICE:
		fit_name(buf, line->device, width);
		break;
	case COL_DRIVER:
		fit_name(buf, line->driver, width);
		break;
	case COL_OP:
		if (line->op < OP_COUNT && (int)strlen(op) > width)
			op = op_short_name(line->op);
		fit_name(buf, op, width);
		break;
	case COL_DIR:
		snprintf(buf, CELL_LEN, "%s",
			 line->dir >= DIR_COUNT ? "*"
			 : width >= 13		? dir_name(line->dir)
						: dir_arrow(line->dir));
		break;
	default:
		hw_cell(buf, line->flags, width);
		break;
	}
}

static void dsb_cell(char *buf, enum column col, int width, const struct figures *f, double per)
{
	if (f->dsb_source == DSB_NONE)
		snprintf(buf, CELL_LEN, "n/a");
	else if (f->dsb_source == DSB_UNKNOWN)
		snprintf(buf, CELL_LEN, "?");
	else if (col == COL_DSB_PER_CALL && !f->sum.calls)
		snprintf(buf, CELL_LEN, "-");
	else
		fmt_count(buf, col == COL_DSB ? f->dsb / per : f->dsb_per_call, width);
}

/* Lines of other tables have no storm, and these columns not either. */
static void storm_cell(char *buf, enum column col, int width, const struct table_line *line,
		       double per)
{
	const struct storm_row *s = line->storm;
	double value = 0;

	switch (col) {
	case COL_SAVED:
		value = storm_saved(s) / per;
		break;
	case COL_SAVED_SHARE:
		value = line->saved_percent;
		break;
	case COL_SAVED_MOST:
		value = storm_most(s) / per;
		break;
	case COL_RUNS:
		value = s->runs / per;
		break;
	case COL_RUN_P50:
		value = storm_runs_at(s, 0.5);
		break;
	case COL_RUN_P99:
		value = storm_runs_at(s, 0.99);
		break;
	default:
		value = s->longest;
		break;
	}
	if (value < 0)
		snprintf(buf, CELL_LEN, "?");
	else
		fmt_count(buf, value, width);
}

static void time_cell(char *buf, enum column col, int width, const struct table_line *line)
{
	const struct figures *f = &line->fig;

	if (!f->sum.calls) {
		snprintf(buf, CELL_LEN, "-");
		return;
	}
	fmt_ns(buf,
	       col == COL_AVG	? f->avg_ns
	       : col == COL_P50 ? (double)f->p50
	       : col == COL_P99 ? (double)f->p99
				: (double)f->max_ns,
	       width);
}

void column_cell(char buf[CELL_LEN], enum column col, int width, const struct layout *l,
		 const struct table_line *line, __u64 dur_ns)
{
	const struct figures *f = &line->fig;
	double secs = dur_ns ? dur_ns / 1e9 : 1, per = l->totals ? 1 : secs;

	switch (col) {
	case COL_PID:
		snprintf(buf, CELL_LEN, "%u", line->tgid);
		break;
	case COL_CALLS:
		fmt_count(buf, f->sum.calls / per, width);
		break;
	case COL_ENTRIES:
		fmt_count(buf, f->sum.entries / per, width);
		break;
	case COL_STEPS:
		if (op_is_chain(line->op))
			fmt_count(buf, f->sum.steps / per, width);
		else
			snprintf(buf, CELL_LEN, "-");
		break;
	case COL_SAVED:
	case COL_SAVED_SHARE:
	case COL_SAVED_MOST:
	case COL_RUNS:
	case COL_RUN_P50:
	case COL_RUN_P99:
	case COL_RUN_MAX:
		storm_cell(buf, col, width, line, per);
		break;
	case COL_BYTES:
		if (f->sum.unsized)
			snprintf(buf, CELL_LEN, "-");
		else
			fmt_count(buf, f->sum.bytes / 1e6 / per, width);
		break;
	case COL_AVG:
	case COL_P50:
	case COL_P99:
	case COL_MAX:
		time_cell(buf, col, width, line);
		break;
	case COL_DSB:
	case COL_DSB_PER_CALL:
		dsb_cell(buf, col, width, f, per);
		break;
	case COL_TIME:
		fmt_count(buf, f->sum.ns / secs / 1e7, width);
		break;
	default:
		name_cell(buf, col, width, line);
		break;
	}
}

/* Length of a name as a narrow column shows it, or in full. */
static int name_length(enum column col, const struct table_line *line, bool full)
{
	char buf[CELL_LEN];

	if (col == COL_OP && !full)
		return line->op < OP_COUNT ? strlen(op_short_name(line->op)) : 1;
	name_cell(buf, col, full ? defs[col].max : CELL_LEN - 1, line);
	return strlen(buf);
}

static void see_names(struct layout *l, const struct table *t)
{
	static const enum column names[] = { COL_COMM, COL_DEVICE, COL_DRIVER, COL_OP };
	size_t i, k;
	int full, len;

	for (k = 0; k < sizeof(names) / sizeof(*names); k++) {
		for (full = 0; full <= 1; full++) {
			for (i = 0; i < t->n; i++) {
				len = name_length(names[k], &t->lines[i], full);
				if (len > l->seen[full][names[k]])
					l->seen[full][names[k]] = len;
			}
		}
	}
}

/* What a column wants: long names may not push everything else away at first. */
static int first_width(const struct layout *l, enum column col)
{
	int width = l->seen[0][col], most = col == COL_DRIVER && l->seen[0][COL_DEVICE] ? 8 : 12;

	if (width > most)
		width = most;
	return width > defs[col].min ? width : defs[col].min;
}

static int full_width(const struct layout *l, enum column col)
{
	int width = defs[col].max;

	if (l->seen[1][col] && l->seen[1][col] < width)
		width = l->seen[1][col];
	return width;
}

/* Columns are shown in the order of the enumeration, whatever order they were claimed in. */
static void insert_column(struct layout *l, enum column col, int width)
{
	unsigned int i = l->n++;

	for (; i && l->col[i - 1] > col; i--) {
		l->col[i] = l->col[i - 1];
		l->width[i] = l->width[i - 1];
	}
	l->col[i] = col;
	l->width[i] = width;
}

/* Widens what is shown as far as @room allows; a longer form of a name is taken whole or not. */
static void widen(struct layout *l, int room)
{
	static const enum column order[] = {
		COL_DEVICE, COL_DRIVER,	      COL_COMM,	 COL_OP,  COL_DIR,
		COL_HW,	    COL_ENTRIES,      COL_STEPS, COL_DSB, COL_CALLS,
		COL_BYTES,  COL_DSB_PER_CALL, COL_TIME,
	};
	unsigned int i, k;
	int want;

	for (k = 0; k < sizeof(order) / sizeof(*order); k++) {
		for (i = 0; i < l->n && l->col[i] != order[k]; i++)
			;
		if (i == l->n)
			continue;
		want = full_width(l, order[k]) - l->width[i];
		if (want <= 0 || (want > room && order[k] != COL_DEVICE))
			continue;
		if (want > room)
			want = room;
		l->width[i] += want;
		room -= want;
	}
}

/* Where those of lists are not summed, single buffers may still have some. */
static bool any_bytes(const struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->lines[i].fig.sum.bytes && !t->lines[i].fig.sum.unsized)
			return true;
	return false;
}

void layout_fit(struct layout *l, const struct table *t, const struct header *hdr, int width,
		bool totals)
{
	int room = width == WIDTH_ANY ? 1000 : width + 1, w;
	const enum column *claim;
	size_t n, i;

	l->n = 0;
	l->totals = totals;
	see_names(l, t);
	claim = claims(t->by, &n);
	for (i = 0; i < n; i++) {
		if (hdr->flavour == FLAVOUR_NONE &&
		    (claim[i] == COL_DSB || claim[i] == COL_DSB_PER_CALL))
			continue;
		if (claim[i] == COL_BYTES && !hdr->bytes && !any_bytes(t))
			continue;
		if (claim[i] == COL_STEPS && !hdr->chain)
			continue;
		w = first_width(l, claim[i]);
		/* The name of a line is cut rather than left out, and so is its operation. */
		if (defs[claim[i]].name && (!i || claim[i] == COL_OP) && w + 1 > room)
			w = room - 1;
		if (w < 1 || w + 1 > room)
			continue;
		insert_column(l, claim[i], w);
		room -= w + 1;
	}
	widen(l, room);
}
