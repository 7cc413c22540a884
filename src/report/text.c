// SPDX-License-Identifier: GPL-2.0
/* A capture as text: the run, a time line, a table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <dmasync/bar.h>
#include <dmasync/columns.h>
#include <dmasync/filter.h>
#include <dmasync/report.h>
#include <dmasync/storm_view.h>
#include <dmasync/units.h>
#include <dmasync/view.h>
#include "../view/clean.h"
#include "../view/text.h"
#include "../view/wrap.h"

#define STACKS_SHOWN 20 /* without -v */
#define STACK_INDENT 8
#define WHERE_COLUMN 34 /* where the subject of a stack begins */
#define STORM_COLUMN 28 /* ... with --storms */

static void print_when(FILE *out, int width, const struct capture_info *info)
{
	time_t sec = info->start_ns / 1000000000;
	char text[64] = "at an unknown time";
	struct tm tm;

	if (info->start_ns && gmtime_r(&sec, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	wrap_paragraph(out, width, "recorded", "%s by dmasynctop %s%s%s", text,
		       info->tool_version[0] ? info->tool_version : "of unknown version",
		       info->command[0] ? ": " : "", info->command);
}

static void print_run(FILE *out, int width, const struct report *r)
{
	const struct capture_info *info = capture_info(r->capture);
	char dur[FMT_LEN], each[FMT_LEN] = "?";

	if (info->interval_ns)
		fmt_ns(each, info->interval_ns, 6);
	wrap_paragraph(out, width, "capture", "%s: %u interval%s of %s, %s in all",
		       capture_path(r->capture), r->total.merged, r->total.merged == 1 ? "" : "s",
		       each, fmt_ns(dur, r->total.dur_ns, 6));
	if (capture_cut_off(r->capture))
		wrap_paragraph(out, width, "!!!", "%s", capture_cut_off(r->capture));
	print_when(out, width, info);
	if (info->cpu_model[0] || info->governor[0])
		wrap_paragraph(out, width, "machine", "%s, governor %s",
			       info->cpu_model[0] ? info->cpu_model : "CPU unknown",
			       info->governor[0] ? info->governor : "unknown");
}

static void print_selection(FILE *out, int width, const struct report *r)
{
	const struct options *opt = &r->opt->opt;
	char from[FMT_LEN], to[FMT_LEN];

	if (r->opt->to_ns != ~0ULL || r->opt->from_ns)
		wrap_paragraph(out, width, "selected", "intervals from %s to %s of the run",
			       fmt_ns(from, r->opt->from_ns, 6),
			       r->opt->to_ns == ~0ULL ? "the end" : fmt_ns(to, r->opt->to_ns, 6));
	if (filter_active(opt))
		wrap_paragraph(out, width, "selected", "%s%s%s%s%s%s",
			       opt->device ? "devices " : "", opt->device ? opt->device : "",
			       opt->ops ? " operations of -O" : "", opt->pid ? " one process" : "",
			       opt->comm ? " processes named " : "", opt->comm ? opt->comm : "");
}

/* Innermost first: "__dma_map_sg_attrs < ahci_qc_prep < ...; user: read < main". */
static void print_frames(FILE *out, const struct stack *stack, int width)
{
	const int end = width == WIDTH_ANY ? 100 : width;
	int col = fprintf(out, "%*s", STACK_INDENT, ""), len, i;
	char name[FRAME_NAME_LEN];
	const char *sep;

	for (i = stack->n - 1; i >= 0; i--) {
		clean_for_terminal(name, sizeof(name), stack->frames[i]);
		sep = i == stack->n - 1 ? "" : i == stack->n_user - 1 ? " < user: " : " < ";
		len = strlen(sep) + strlen(name);
		if (col > STACK_INDENT && col + len > end) {
			fprintf(out, "\n%*s", STACK_INDENT - 2, "");
			col = STACK_INDENT - 2;
		}
		fprintf(out, "%s%s", sep, name);
		col += len;
	}
	fputc('\n', out);
}

static void print_stack(FILE *out, const struct stack_line *line, const struct header *hdr,
			__u64 dur_ns, int width)
{
	struct row like = { .sum = line->counts->sum,
			    .dsb_derived = line->counts->dsb_derived,
			    .dsb_derived_known = line->row->dsb_derived_known };
	struct table_line subject = {
		.device = line->row->dev,
		.driver = line->row->driver,
		.comm = "",
		.op = line->row->op,
		.dir = line->row->dir,
	};
	char calls[FMT_LEN], avg[FMT_LEN], dsb[FMT_LEN] = "?", cpu[FMT_LEN], who[160];
	double secs = dur_ns ? dur_ns / 1e9 : 1;
	struct figures *f = &subject.fig;

	row_figures(hdr, &like, f);
	if (f->dsb_source == DSB_NONE)
		strcpy(dsb, "n/a");
	else if (f->dsb_source != DSB_UNKNOWN)
		fmt_count(dsb, f->dsb_per_call, 7);
	line_subject(&subject, width == WIDTH_ANY ? (int)sizeof(who) : width - WHERE_COLUMN, who,
		     sizeof(who));
	fprintf(out, "%9s %7s %7s %6s  %s\n", fmt_count(calls, f->sum.calls, 9),
		fmt_ns(avg, f->avg_ns, 7), dsb, fmt_count(cpu, f->sum.ns / secs / 1e7, 6), who);
	print_frames(out, line->stack, width);
}

static int print_stacks(FILE *out, const struct report *r, int width)
{
	const struct header *hdr = &capture_info(r->capture)->hdr;
	struct stack_lines lines;
	size_t i, n;
	int err;

	if (!r->total.has_stacks) {
		fprintf(out, "the capture does not tell calls by stack\n");
		return 0;
	}
	err = stack_lines_build(&lines, r);
	if (err)
		return err;
	n = lines.n <= STACKS_SHOWN || r->opt->opt.verbose ? lines.n : STACKS_SHOWN;
	fprintf(out, "%9s %7s %7s %6s  %s\n", "CALLS", "AVG", "DSB/C", "%CPU", "WHERE");
	for (i = 0; i < n; i++)
		print_stack(out, &lines.lines[i], hdr, r->total.dur_ns, width);
	if (n < lines.n)
		fprintf(out, "%zu more stacks: -v prints them all\n", lines.n - n);
	stack_lines_free(&lines);
	return 0;
}

static void print_storm_stack(FILE *out, const struct stack_line *line, const struct figures *all,
			      int width)
{
	struct table_line subject = {
		.device = line->row->dev,
		.driver = line->row->driver,
		.comm = "",
		.op = line->row->op,
		.dir = line->row->dir,
	};
	__u64 saved = line->counts->sum.chained;
	char n[FMT_LEN], share[FMT_LEN], calls[FMT_LEN], who[160];

	line_subject(&subject, width == WIDTH_ANY ? (int)sizeof(who) : width - STORM_COLUMN, who,
		     sizeof(who));
	fprintf(out, "%9s %6s %9s  %s\n", fmt_count(n, saved, 9),
		fmt_count(share, storm_share(saved, all), 6),
		fmt_count(calls, line->counts->sum.calls, 9), who);
	print_frames(out, line->stack, width);
}

/* Where the calls of runs come from: the functions that would have to batch them. */
static int print_storm_stacks(FILE *out, const struct report *r, int width)
{
	struct stack_lines lines;
	struct figures all;
	size_t i, n;
	int err;

	if (!r->total.has_stacks)
		return 0;
	err = stack_lines_build(&lines, r);
	if (err)
		return err;
	interval_figures(&capture_info(r->capture)->hdr, &r->total, &all);
	n = lines.n <= STACKS_SHOWN || r->opt->opt.verbose ? lines.n : STACKS_SHOWN;
	if (n)
		fprintf(out, "\n%9s %6s %9s  %s\n", "SAVED", "%DSB", "CALLS", "WHERE");
	for (i = 0; i < n; i++)
		print_storm_stack(out, &lines.lines[i], &all, width);
	if (n < lines.n)
		fprintf(out, "%zu more stacks: -v prints them all\n", lines.n - n);
	stack_lines_free(&lines);
	return 0;
}

static int print_storms(FILE *out, const struct report *r, int width)
{
	int err;

	text_storms(out, &capture_info(r->capture)->hdr, &r->total);
	err = print_storm_stacks(out, r, width);
	text_loss(out, &r->total);
	return err;
}

int report_text(FILE *out, const struct report *r)
{
	const struct header *hdr = &capture_info(r->capture)->hdr;
	const struct options *opt = &r->opt->opt;
	bool by_process = opt->pid || opt->comm;
	int width = output_width(out), err = 0;

	print_run(out, width, r);
	text_header(out, hdr, opt);
	print_selection(out, width, r);
	if (!r->total.merged) {
		fprintf(out, "\nno interval%s\n", r->opt->from_ns ? " in the selected time" : "");
		return 0;
	}
	fputc('\n', out);
	if (r->opt->storms)
		return print_storms(out, r, width);
	/* Rows are not told by process. */
	if (!by_process)
		timeline_print(out, &r->timeline, hdr, width);
	if (!r->opt->by_stack && !by_process) {
		text_end(out, hdr, &r->total, opt);
		return 0;
	}
	if (!by_process)
		fputc('\n', out);
	if (r->opt->by_stack)
		err = print_stacks(out, r, width);
	else
		text_table(out, hdr, &r->total, opt, true);
	text_loss(out, &r->total);
	return err;
}
