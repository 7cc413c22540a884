// SPDX-License-Identifier: GPL-2.0
/* A prediction as text of at most 80 columns, and as Markdown. */
#include <errno.h>
#include <string.h>
#include <dmasync/columns.h>
#include <dmasync/units.h>
#include "../view/clean.h"
#include "../view/wrap.h"
#include "parts.h"

#define WIDTH 80
#define DEVICE_WIDTH 13
#define FEW 0.01 /* rows with less of the time, and no prediction, are left to --json */

static int check_output(FILE *out)
{
	return fflush(out) || ferror(out) ? (errno ? -errno : -EIO) : 0;
}

/* All that the captures hold, or what of it. */
static void summary_words(char *buf, size_t size, const struct predict *p)
{
	const struct capture_info *info = &p->runs[0].info;
	char dur[FMT_LEN], release[CELL_LEN];
	__u32 intervals = 0;
	__u64 dur_ns = 0;
	size_t i;

	for (i = 0; i < p->n_runs; i++) {
		intervals += p->runs[i].intervals;
		dur_ns += p->runs[i].dur_ns;
	}
	fit_name(release, info->hdr.release, CELL_LEN - 1);
	snprintf(buf, size, "%s%s%.12s, %s; %zu capture%s of %u intervals, %s in all", release,
		 info->build_id[0] ? " build " : "", info->build_id,
		 flavour_name(info->hdr.flavour), p->n_runs, p->n_runs == 1 ? "" : "s", intervals,
		 fmt_ns(dur, dur_ns, 6));
}

/* The one sentence that matters. */
static void total_words(char *buf, size_t size, const struct predict *p)
{
	double cpu = p->dur_ns > 0 ? p->ns / p->dur_ns * 100 : 0;
	const char *of =
		p->opt->device || p->opt->ops ? "the time in these calls" : "the time in DMA calls";
	int n;

	if (p->ns <= 0)
		n = snprintf(buf, size, "cannot tell: no capture has times of these calls");
	else if (p->n_predicted && p->saving.high - p->saving.low <= 0.5)
		n = snprintf(buf, size,
			     "%.0f %% [%.0f, %.0f] of %s, which take %.3g %% of a CPU: frees %.3g "
			     "%% [%.3g, %.3g] of it",
			     p->saving.value * 100, p->saving.low * 100, p->saving.high * 100, of,
			     cpu, p->saving.value * cpu, p->saving.low * cpu, p->saving.high * cpu);
	else
		n = snprintf(buf, size,
			     "cannot tell: %.0f to %.0f %% of %s, which take %.3g %% of "
			     "a CPU",
			     p->saving.low * 100, p->saving.high * 100, of, cpu);
	snprintf(buf + n, size - n, "; barriers %llu -> %llu, exact", p->dsb_before, p->dsb_after);
}

static void dsb_words(char *buf, size_t size, const struct predict_row *row)
{
	double calls = row->sum.sum.calls ?: row->elsewhere.sum.calls;
	char before[FMT_LEN], after[FMT_LEN];

	if (!row->dsb_known || calls <= 0)
		snprintf(buf, size, "?");
	else
		snprintf(buf, size, "%s > %s", fmt_count(before, row->dsb_before / calls, 5),
			 fmt_count(after, row->dsb_after / calls, 4));
}

static double ns_call(const struct predict_row *row)
{
	return row->sum.sum.calls ? row->ns / row->sum.sum.calls : -1;
}

/* Negative (printed as "-"): not known. */
static double ns_call_after(const struct predict_row *row)
{
	if (row->how == HOW_NONE || (row->how == HOW_BOUND && row->waits_saved > 0))
		return -1;
	return ns_call(row) * (1 - row->saving.value);
}

static bool row_matters(const struct predict *p, const struct predict_row *row)
{
	return row->shown && (row->ns >= FEW * p->ns || row->how == HOW_OWN);
}

static void print_row(FILE *out, const struct predict_row *row)
{
	char dev[CELL_LEN], now[FMT_LEN], then[FMT_LEN], saving[64], dsb[64];

	fit_name(dev, row->sum.dev, DEVICE_WIDTH);
	predict_saving_words(saving, sizeof(saving), row);
	dsb_words(dsb, sizeof(dsb), row);
	fprintf(out, "%-11s %-*s %-3s %7s %7s %-16s %-12s %s\n", op_short_name(row->sum.op),
		DEVICE_WIDTH, dev, dir_arrow(row->sum.dir), fmt_ns(now, ns_call(row), 7),
		fmt_ns(then, ns_call_after(row), 7), saving, dsb,
		predict_sure_name(row->how, &row->saving));
}

static bool has_price(const struct predict_row *row)
{
	return row->how >= HOW_OWN && row->how < HOW_BOUND;
}

/* Prices that the savings above follow from. */
static void print_prices(FILE *out, const struct predict *p)
{
	char dev[CELL_LEN], wait[48], line[48];
	const struct predict_row *row;
	size_t i;

	if (!p->n_predicted)
		return;
	fprintf(out, "\n%-11s %-*s %-3s %-22s %-19s %s\n", "OP", DEVICE_WIDTH, "DEVICE", "DIR",
		"A WAIT LESS SAVES", "64 BYTES TAKE", "BY");
	for (i = 0; i < p->n_rows; i++) {
		row = p->rows[i];
		if (!row_matters(p, row) || !has_price(row))
			continue;
		fit_name(dev, row->sum.dev, DEVICE_WIDTH);
		predict_price_words(wait, line, row);
		fprintf(out, "%-11s %-*s %-3s %-22s %-19s %s\n", op_short_name(row->sum.op),
			DEVICE_WIDTH, dev, dir_arrow(row->sum.dir), wait, line,
			predict_how_name(row->how));
	}
}

/* "map_sg 0000:00:01.0 from_device: every entry has ...": why there is no prediction. */
static void print_reasons(FILE *out, const struct predict *p)
{
	struct wrap w = { .out = out, .width = WIDTH };
	const struct predict_row *row;
	char name[CELL_LEN];
	bool first = true;
	size_t i;

	for (i = 0; i < p->n_rows; i++) {
		row = p->rows[i];
		if (!row_matters(p, row) || has_price(row) || row->how == HOW_NOTHING)
			continue;
		if (first)
			fputc('\n', out);
		fit_name(name, row->sum.dev, 40);
		wrap_begin(&w, first ? "unknown" : "");
		wrap_words(&w, "%s %s %s: %s", op_name(row->sum.op), name, dir_name(row->sum.dir),
			   row->why);
		wrap_end(&w);
		first = false;
	}
}

static void paragraph(FILE *out, const char *label, const char *text)
{
	if (text[0])
		wrap_paragraph(out, WIDTH, label, "%s", text);
}

static size_t minor_rows(const struct predict *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->n_rows; i++)
		n += p->rows[i]->shown && !row_matters(p, p->rows[i]);
	return n;
}

static void print_losses(FILE *out, const struct predict *p)
{
	__u64 lost = 0;
	size_t i;

	for (i = 0; i < p->n_runs; i++)
		lost += loss_total(&p->runs[i].loss);
	if (lost)
		wrap_paragraph(out, WIDTH, "!!!",
			       "%llu events were lost: barriers and times of calls that were seen",
			       lost);
}

int predict_print_text(FILE *out, const struct predict *p)
{
	char text[2 * WORDS_LEN];
	size_t i;

	errno = 0;
	summary_words(text, sizeof(text), p);
	paragraph(out, "kernel", text);
	if (p->refused[0])
		return check_output(out);
	total_words(text, sizeof(text), p);
	paragraph(out, "saves", text);
	predict_page_words(text, sizeof(text), p);
	paragraph(out, "iommu", text);
	predict_method_words(text, sizeof(text), p);
	paragraph(out, "method", text);
	print_losses(out, p);
	fprintf(out, "\n%-11s %-*s %-3s %7s %7s %-16s %-12s %s\n", "OP", DEVICE_WIDTH, "DEVICE",
		"DIR", "CALL", "AFTER", "SAVES [95 %]", "DSB/CALL", "SURE");
	for (i = 0; i < p->n_rows; i++) {
		if (row_matters(p, p->rows[i]))
			print_row(out, p->rows[i]);
	}
	if (minor_rows(p))
		fprintf(out, "%zu more with less than 1 %% of the time: --json\n", minor_rows(p));
	print_prices(out, p);
	print_reasons(out, p);
	return check_output(out);
}

/* Names come out of files: what is markup in a table is replaced. */
static const char *plain(char buf[CELL_LEN], const char *name)
{
	char *c;

	fit_name(buf, name, CELL_LEN - 1);
	for (c = buf; *c; c++) {
		if (strchr("|`*<>[]\\", *c))
			*c = '?';
	}
	return buf;
}

int predict_print_markdown(FILE *out, const struct predict *p)
{
	char text[2 * WORDS_LEN], dev[CELL_LEN], now[FMT_LEN], then[FMT_LEN], dsb[64];
	const struct predict_row *row;
	size_t i;

	errno = 0;
	summary_words(text, sizeof(text), p);
	fprintf(out, "Predicted from: %s.", clean_for_terminal(text, sizeof(text), text));
	if (p->refused[0]) {
		fputc('\n', out);
		return check_output(out);
	}
	total_words(text, sizeof(text), p);
	fprintf(out, "\\\nSaves: %s.\\\n", text);
	predict_method_words(text, sizeof(text), p);
	fprintf(out, "Method: %s (dmasynctop %s).\n\n", text, DMASYNC_VERSION);
	fprintf(out, "| op | device | direction | time/call | after | saves [95 %%] | dsb/call | "
		     "sure |\n|---|---|---|--:|--:|--:|--:|---|\n");
	for (i = 0; i < p->n_rows; i++) {
		row = p->rows[i];
		if (!row_matters(p, row))
			continue;
		predict_saving_words(text, sizeof(text), row);
		dsb_words(dsb, sizeof(dsb), row);
		fprintf(out, "| `%s` | `%s` | %s | %s | %s | %s | %s | %s |\n",
			op_name(row->sum.op), plain(dev, row->sum.dev), dir_name(row->sum.dir),
			fmt_ns(now, ns_call(row), 7), fmt_ns(then, ns_call_after(row), 7), text,
			dsb, predict_sure_name(row->how, &row->saving));
	}
	return check_output(out);
}
