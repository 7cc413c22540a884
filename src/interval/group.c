// SPDX-License-Identifier: GPL-2.0
/* Groups rows into the lines of a table. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/group.h>
#include <dmasync/percentile.h>
#include <dmasync/storm_view.h>

void table_init(struct table *t)
{
	memset(t, 0, sizeof(*t));
	interval_init(&t->merged);
}

void table_free(struct table *t)
{
	free(t->lines);
	interval_free(&t->merged);
	table_init(t);
}

static void averages(struct figures *f)
{
	if (!f->sum.calls)
		return;
	f->avg_ns = (double)f->sum.ns / f->sum.calls;
	f->dsb_per_call = (double)f->dsb / f->sum.calls;
}

void row_figures(const struct header *hdr, const struct row *row, struct figures *out)
{
	memset(out, 0, sizeof(*out));
	out->sum = row->sum;
	out->dsb = row_dsb(row, hdr->exact, hdr->flavour, &out->dsb_source);
	averages(out);
	if (!row->sum.calls)
		return;
	out->min_ns = row->min_ns;
	out->max_ns = row->max_ns;
	out->p50 = hist_percentile(row->hist, row->min_ns, row->max_ns, 0.5);
	out->p90 = hist_percentile(row->hist, row->min_ns, row->max_ns, 0.9);
	out->p99 = hist_percentile(row->hist, row->min_ns, row->max_ns, 0.99);
}

void proc_figures(const struct header *hdr, const struct proc_row *proc, struct figures *out)
{
	struct row row = {
		.sum = proc->sum,
		.dsb_derived = proc->dsb_derived,
		.dsb_derived_known = true,
	};

	memset(out, 0, sizeof(*out));
	out->sum = proc->sum;
	out->dsb = row_dsb(&row, hdr->exact, hdr->flavour, &out->dsb_source);
	averages(out);
}

/* What rows a, b, c ... are summed under; @like's counts are not used. */
static void group_key(struct row *like, const struct row *row, enum group_by by)
{
	memset(like, 0, sizeof(*like));
	like->op = OP_COUNT;
	like->dir = DIR_COUNT;
	like->dsb_derived_known = true;
	if (by == BY_DEVICE) {
		memcpy(like->dev, row->dev, sizeof(like->dev));
		memcpy(like->bus, row->bus, sizeof(like->bus));
		memcpy(like->of_name, row->of_name, sizeof(like->of_name));
	}
	if (by == BY_DEVICE || by == BY_DRIVER)
		memcpy(like->driver, row->driver, sizeof(like->driver));
}

#define LEVEL_OF_CHAIN 2

/* Rows of one level are summed only where there are none of a lower one. */
static int sum_level(enum op op)
{
	return op_is_chain(op) ? LEVEL_OF_CHAIN : op_is_arch(op);
}

/*
 * Sums rows into @merged. Arch-level rows join only groups without API-level rows: their time is
 * inside an API call that is counted already, unless something below the API made the call. Those
 * of the dma-buf chain are no DMA API at all.
 */
static int merge_rows(struct interval *merged, const struct interval *iv, enum group_by by)
{
	struct row like, *into;
	size_t i, n_above = 0;
	int level;

	for (level = 0; level <= LEVEL_OF_CHAIN; level++) {
		for (i = 0; i < iv->n_rows; i++) {
			if (sum_level(iv->rows[i].op) != level)
				continue;
			group_key(&like, &iv->rows[i], by);
			into = interval_row(merged, &like);
			if (!into)
				return -ENOMEM;
			if (!level || (size_t)(into - merged->rows) >= n_above)
				row_add(into, &iv->rows[i]);
		}
		n_above = merged->n_rows;
	}
	return 0;
}

static unsigned int row_flags(const struct row *row)
{
	if (row->hw_unknown)
		return 0;
	return (row->coherent ? LINE_COHERENT : LINE_NONCOHERENT) |
	       (row->iommu ? LINE_IOMMU : LINE_DIRECT);
}

static int reserve_lines(struct table *t, size_t n)
{
	struct table_line *lines;

	if (n <= t->cap)
		return 0;
	lines = reallocarray(t->lines, n, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	t->lines = lines;
	t->cap = n;
	return 0;
}

static void lines_of_rows(struct table *t, const struct header *hdr, const struct interval *iv,
			  enum group_by by)
{
	struct table_line *line;
	const struct row *row;
	size_t i;

	for (i = 0; i < iv->n_rows; i++) {
		row = &iv->rows[i];
		line = &t->lines[t->n++];
		*line = (struct table_line){
			.device = by == BY_DRIVER ? "" : row->dev,
			.driver = row->driver,
			.comm = "",
			.op = row->op,
			.dir = row->dir,
			.flags = by == BY_ROW || by == BY_STORM ? row_flags(row) : 0,
			.row = row,
		};
		row_figures(hdr, row, &line->fig);
	}
}

/* Line @i is still that of row @i. */
static void tell_storms(struct table *t, const struct interval *iv)
{
	size_t i;

	for (i = 0; i < iv->n_storms; i++)
		t->lines[iv->storms[i].row].storm = &iv->storms[i];
}

/* Only rows with storms are left. */
static void lines_of_storms(struct table *t, const struct header *hdr, const struct interval *iv)
{
	struct figures all;
	size_t i, n = 0;

	interval_figures(hdr, iv, &all);
	for (i = 0; i < t->n; i++) {
		if (!t->lines[i].storm)
			continue;
		t->lines[n] = t->lines[i];
		t->lines[n].saved_percent = storm_share(storm_saved(t->lines[n].storm), &all);
		n++;
	}
	t->n = n;
}

static void lines_of_procs(struct table *t, const struct header *hdr, const struct interval *iv)
{
	struct table_line *line;
	size_t i;

	for (i = 0; i < iv->n_procs; i++) {
		line = &t->lines[t->n++];
		*line = (struct table_line){
			.device = "",
			.driver = "",
			.comm = iv->procs[i].comm,
			.tgid = iv->procs[i].tgid,
			.op = OP_COUNT,
			.dir = DIR_COUNT,
		};
		proc_figures(hdr, &iv->procs[i], &line->fig);
	}
}

/* Lines of merged rows take the flags of every row behind them. */
static void collect_flags(struct table *t, const struct interval *iv, enum group_by by)
{
	struct row like, *into;
	size_t i;

	for (i = 0; i < iv->n_rows; i++) {
		group_key(&like, &iv->rows[i], by);
		into = interval_row(&t->merged, &like);
		if (into)
			t->lines[into - t->merged.rows].flags |= row_flags(&iv->rows[i]);
	}
}

static bool line_matches(const struct table_line *line, const char *filter)
{
	char pid[16] = "";

	if (line->comm[0])
		snprintf(pid, sizeof(pid), "%u", line->tgid);
	return strcasestr(line->device, filter) || strcasestr(line->driver, filter) ||
	       strcasestr(line->comm, filter) || (pid[0] && strstr(pid, filter)) ||
	       (line->op < OP_COUNT && strcasestr(op_name(line->op), filter)) ||
	       (line->dir < DIR_COUNT && strcasestr(dir_name(line->dir), filter));
}

static void filter_lines(struct table *t, const char *filter)
{
	size_t i, n = 0;

	if (!filter || !*filter)
		return;
	for (i = 0; i < t->n; i++) {
		if (line_matches(&t->lines[i], filter))
			t->lines[n++] = t->lines[i];
	}
	t->n = n;
}

static double sort_value(const struct table_line *line, enum sort_key key)
{
	switch (key) {
	case SORT_CALLS:
		return line->fig.sum.calls;
	case SORT_ENTRIES:
		return line->fig.sum.entries;
	case SORT_BYTES:
		return line->fig.sum.bytes;
	case SORT_AVG:
		return line->fig.avg_ns;
	case SORT_P50:
		return line->fig.p50;
	case SORT_P99:
		return line->fig.p99;
	case SORT_MAX:
		return line->fig.max_ns;
	case SORT_DSB:
		return line->fig.dsb;
	case SORT_DSB_PER_CALL:
		return line->fig.dsb_per_call;
	case SORT_SAVED:
		return line->fig.sum.chained;
	default:
		return line->fig.sum.ns;
	}
}

static int compare_names(const struct table_line *a, const struct table_line *b,
			 enum sort_key first)
{
	int c = 0;

	if (first == SORT_DRIVER)
		c = strcmp(a->driver, b->driver);
	else if (first == SORT_OP)
		c = (int)a->op - (int)b->op;
	if (!c)
		c = strcmp(a->device, b->device);
	if (!c)
		c = strcmp(a->comm, b->comm);
	if (!c)
		c = (int)a->op - (int)b->op;
	if (!c)
		c = (int)a->dir - (int)b->dir;
	if (!c)
		c = strcmp(a->driver, b->driver);
	return c ? c : (a->tgid > b->tgid) - (a->tgid < b->tgid);
}

static int compare_lines(const void *pa, const void *pb, void *ctx)
{
	const struct table_line *a = pa, *b = pb;
	const struct table_spec *spec = ctx;
	int sign = spec->invert ? -1 : 1;
	double va, vb;

	if (spec->sort == SORT_DEVICE || spec->sort == SORT_DRIVER || spec->sort == SORT_OP)
		return sign * compare_names(a, b, spec->sort);
	va = sort_value(a, spec->sort);
	vb = sort_value(b, spec->sort);
	if (va != vb)
		return va > vb ? -sign : sign;
	va = a->fig.sum.ns;
	vb = b->fig.sum.ns;
	if (va != vb)
		return va > vb ? -1 : 1;
	return compare_names(a, b, SORT_DEVICE);
}

int table_build(struct table *t, const struct header *hdr, const struct interval *iv,
		const struct table_spec *spec)
{
	bool merge = spec->by == BY_DEVICE || spec->by == BY_DRIVER;
	size_t n = iv->n_rows;

	t->n = 0;
	t->by = spec->by;
	interval_clear(&t->merged);
	if (merge) {
		if (merge_rows(&t->merged, iv, spec->by))
			return -ENOMEM;
		n = t->merged.n_rows;
	} else if (spec->by == BY_PROCESS) {
		n = iv->n_procs;
	}
	if (reserve_lines(t, n))
		return -ENOMEM;
	if (spec->by == BY_PROCESS)
		lines_of_procs(t, hdr, iv);
	else
		lines_of_rows(t, hdr, merge ? &t->merged : iv, spec->by);
	if (merge)
		collect_flags(t, iv, spec->by);
	else if (spec->by != BY_PROCESS)
		tell_storms(t, iv);
	if (spec->by == BY_STORM)
		lines_of_storms(t, hdr, iv);
	filter_lines(t, spec->filter);
	if (t->n > 1)
		qsort_r(t->lines, t->n, sizeof(*t->lines), compare_lines, (void *)spec);
	return 0;
}

void interval_sum(const struct interval *iv, struct row *sum)
{
	int level = LEVEL_OF_CHAIN;
	size_t i;

	memset(sum, 0, sizeof(*sum));
	sum->dsb_derived_known = true;
	for (i = 0; i < iv->n_rows; i++) {
		if (sum_level(iv->rows[i].op) < level)
			level = sum_level(iv->rows[i].op);
	}
	for (i = 0; i < iv->n_rows; i++) {
		if (sum_level(iv->rows[i].op) == level)
			row_add(sum, &iv->rows[i]);
	}
}

void interval_figures(const struct header *hdr, const struct interval *iv, struct figures *out)
{
	struct row sum;

	interval_sum(iv, &sum);
	row_figures(hdr, &sum, out);
}
