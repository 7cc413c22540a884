// SPDX-License-Identifier: GPL-2.0
/* Intervals and totals as text tables. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <dmasync/bar.h>
#include <dmasync/columns.h>
#include <dmasync/log.h>
#include <dmasync/storm_view.h>
#include <dmasync/units.h>
#include <dmasync/view.h>
#include "text.h"

#define HIST_LINES 16
#define HIST_WIDTH 80
#define NOTE_WIDTH 44 /* of what stands before a line's name in a note */

static void print_titles(FILE *out, const struct layout *l)
{
	unsigned int i;

	for (i = 0; i < l->n; i++)
		fprintf(out, "%s%*s", i ? " " : "",
			column_is_name(l->col[i]) ? -l->width[i] : l->width[i],
			column_title(l->col[i], l->totals));
	fputc('\n', out);
}

static void print_line(FILE *out, const struct layout *l, const struct table_line *line,
		       __u64 dur_ns)
{
	char cell[CELL_LEN];
	unsigned int i;

	for (i = 0; i < l->n; i++) {
		column_cell(cell, l->col[i], l->width[i], l, line, dur_ns);
		fprintf(out, "%s%*s", i ? " " : "",
			column_is_name(l->col[i]) ? -l->width[i] : l->width[i], cell);
	}
	fputc('\n', out);
}

/* Failures and bounces are rare enough for a line each instead of columns. */
static void print_notes(FILE *out, const struct table *t, int width)
{
	const struct call_counts *sum;
	char who[160];
	size_t i;

	for (i = 0; i < t->n; i++) {
		sum = &t->lines[i].fig.sum;
		line_subject(&t->lines[i], width ? width - NOTE_WIDTH : CELL_LEN * 2, who,
			     sizeof(who));
		if (sum->failed)
			fprintf(out, "! failed %llu call%s (%llu entries mapped before): %s\n",
				sum->failed, sum->failed == 1 ? "" : "s", sum->failed_entries, who);
		if (sum->bounces)
			fprintf(out, "  bounced %llu of %llu entries: %s\n", sum->bounces,
				sum->entries, who);
	}
}

static void print_histograms(FILE *out, const struct table *t, int width)
{
	char who[160], min[FMT_LEN], p50[FMT_LEN], p90[FMT_LEN], p99[FMT_LEN], max[FMT_LEN];
	const struct figures *f;
	size_t i;

	for (i = 0; i < t->n; i++) {
		f = &t->lines[i].fig;
		if (!t->lines[i].row || !f->sum.calls)
			continue;
		line_subject(&t->lines[i], width, who, sizeof(who));
		fprintf(out, "\n%s\n  %llu calls: min %s p50 %s p90 %s p99 %s max %s\n", who,
			f->sum.calls, fmt_ns(min, f->min_ns, 6), fmt_ns(p50, f->p50, 6),
			fmt_ns(p90, f->p90, 6), fmt_ns(p99, f->p99, 6), fmt_ns(max, f->max_ns, 6));
		text_histogram(out, t->lines[i].row->hist, width, HIST_LINES);
	}
}

static void print_loss(FILE *out, const struct loss *loss)
{
	char words[320];

	loss_words(loss, words, sizeof(words));
	if (words[0])
		fprintf(out, "!!! %s\n", words);
}

void text_table(FILE *out, const struct header *hdr, const struct interval *iv,
		const struct options *opt, bool totals)
{
	struct table_spec spec = { .by = opt->by, .sort = opt->sort };
	int width = output_width(out);
	struct layout layout = {};
	struct table t;
	size_t i;

	table_init(&t);
	if (table_build(&t, hdr, iv, &spec)) {
		log_error("table: out of memory: %zu rows are not shown", iv->n_rows);
		return;
	}
	layout_fit(&layout, &t, hdr, width, totals);
	if (t.n)
		print_titles(out, &layout);
	for (i = 0; i < t.n; i++)
		print_line(out, &layout, &t.lines[i], iv->dur_ns);
	print_notes(out, &t, width);
	if (opt->histograms)
		print_histograms(out, &t, width && width < HIST_WIDTH ? width : HIST_WIDTH);
	table_free(&t);
}

/* Wall clock time of @t_ns on CLOCK_MONOTONIC. */
static void print_clock(FILE *out, __u64 t_ns)
{
	struct timespec mono, real;
	char text[32];
	struct tm tm;
	time_t sec;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	sec = real.tv_sec - (mono.tv_sec - (time_t)(t_ns / 1000000000));
	if (!localtime_r(&sec, &tm) || !strftime(text, sizeof(text), "%H:%M:%S", &tm))
		return;
	fprintf(out, "%s ", text);
}

static void print_summary(FILE *out, const struct header *hdr, const struct interval *iv,
			  bool totals)
{
	char words[200], n[FMT_LEN];
	struct figures f;

	interval_figures(hdr, iv, &f);
	if (!f.sum.calls && !f.sum.failed) {
		fprintf(out, "%s: no DMA API calls\n", fmt_ns(n, iv->dur_ns, 6));
		return;
	}
	figures_words(hdr, &f, iv->dur_ns, totals ? WORDS_TOTALS : 0, words, sizeof(words));
	fprintf(out, "%s: %s\n", fmt_ns(n, iv->dur_ns, 6), words);
}

void text_interval(FILE *out, const struct header *hdr, const struct interval *iv,
		   const struct options *opt)
{
	fputc('\n', out);
	print_clock(out, iv->t_ns);
	print_summary(out, hdr, iv, false);
	text_table(out, hdr, iv, opt, false);
	if (iv->has_pmu)
		fprintf(out, "  pmu: %llu dsb executed or speculated, of any kind, on all CPUs\n",
			iv->pmu_dsb);
	print_loss(out, &iv->loss);
}

void text_loss(FILE *out, const struct interval *total)
{
	print_loss(out, &total->loss);
	if (!loss_total(&total->loss))
		fprintf(out, "no events lost in %u interval%s\n", total->merged,
			total->merged == 1 ? "" : "s");
}

void text_end(FILE *out, const struct header *hdr, const struct interval *total,
	      const struct options *opt)
{
	fprintf(out, "\nTOTAL ");
	print_summary(out, hdr, total, true);
	text_table(out, hdr, total, opt, true);
	if (total->has_pmu)
		fprintf(out, "  pmu: %llu dsb executed or speculated, of any kind, on all CPUs\n",
			total->pmu_dsb);
	if (total->has_storms)
		text_storms(out, hdr, total);
	text_loss(out, total);
}
