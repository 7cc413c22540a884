// SPDX-License-Identifier: GPL-2.0
/* A comparison as text of at most 80 columns. */
#include <errno.h>
#include <string.h>
#include <dmasync/columns.h>
#include <dmasync/units.h>
#include "../view/wrap.h"
#include "parts.h"

#define WIDTH 80
#define DEVICE_WIDTH 14

static void paragraph(FILE *out, const char *label, const char *text)
{
	struct wrap w = { .out = out, .width = WIDTH };

	wrap_begin(&w, label);
	wrap_words(&w, "%s", text);
	wrap_end(&w);
}

static void print_sides(FILE *out, const struct compare *c)
{
	char text[WORDS_LEN];

	side_summary(text, c, BEFORE);
	paragraph(out, "before", text);
	side_summary(text, c, AFTER);
	paragraph(out, "after", text);
	method_words(text, c);
	paragraph(out, "method", text);
}

/* Share of a CPU that all API calls take, and their barriers; not only of the rows shown. */
static void print_total(FILE *out, const struct compare *c)
{
	double cpu[SIDES], dsb[SIDES], ns, barriers, dur;
	char text[WORDS_LEN], b[FMT_LEN], a[FMT_LEN];
	bool known = true;
	size_t i;
	int s, n;

	for (s = 0; s < SIDES; s++) {
		for (ns = barriers = dur = 0, i = 0; i < c->side[s].n; i++) {
			ns += c->side[s].runs[i]->api_ns;
			barriers += c->side[s].runs[i]->api_dsb;
			dur += c->side[s].runs[i]->dur_ns;
			known &= c->side[s].runs[i]->dsb_known;
		}
		cpu[s] = dur > 0 ? ns / dur * 100 : 0;
		dsb[s] = dur > 0 ? barriers / dur * 1e9 : 0;
	}
	n = snprintf(text, sizeof(text), "DMA calls took %.3g %% of a CPU before, %.3g %% after",
		     cpu[BEFORE], cpu[AFTER]);
	if (known)
		snprintf(text + n, sizeof(text) - n, "; %s barriers/s before, %s after",
			 fmt_count(b, dsb[BEFORE], 8), fmt_count(a, dsb[AFTER], 8));
	paragraph(out, "total", text);
}

static void print_headlines(FILE *out, const struct compare *c)
{
	char text[WORDS_LEN];
	size_t i;

	fputc('\n', out);
	for (i = 0; i < c->n_rows; i++) {
		if (headline_words(text, c, &c->rows[i]))
			fprintf(out, "%s\n", text);
	}
}

static void op_words(char *buf, size_t size, const struct compare_row *row)
{
	snprintf(buf, size, "%s%s%s", op_short_name(row->op), row->dir < DIR_COUNT ? " " : "",
		 row->dir < DIR_COUNT ? dir_arrow(row->dir) : "");
}

static const char *verdict_words(const struct compare_row *row)
{
	if (row->verdict != VERDICT_NONE)
		return verdict_name(row->verdict);
	if (!row->side[BEFORE].runs)
		return "new";
	return row->side[AFTER].runs ? "-" : "gone";
}

static void print_row(FILE *out, const struct compare *c, const struct compare_row *row)
{
	char op[32], dev[CELL_LEN], b[32], a[32], change[48], limits[80];
	const struct figure *f = &row->figure[FIG_NS_CALL];

	op_words(op, sizeof(op), row);
	fit_name(dev, row->dev, DEVICE_WIDTH);
	fprintf(out, "%-*s %-*s %7s %7s %8s %-15s %s\n", c->opt->by_dir ? 14 : 11, op, DEVICE_WIDTH,
		dev, value_words(b, sizeof(b), row, FIG_NS_CALL, BEFORE),
		value_words(a, sizeof(a), row, FIG_NS_CALL, AFTER),
		change_words(change, sizeof(change), f), limits_words(limits, sizeof(limits), f),
		verdict_words(row));
}

static void print_table(FILE *out, const struct compare *c)
{
	char text[WORDS_LEN];
	size_t i;

	fprintf(out, "\n%-*s %-*s %7s %7s %8s %-15s %s\n", c->opt->by_dir ? 14 : 11, "OP",
		DEVICE_WIDTH, "DEVICE", "BEFORE", "AFTER", "NS/CALL", "95 % INTERVAL", "VERDICT");
	for (i = 0; i < c->n_rows; i++) {
		if (!row_is_minor(&c->rows[i]))
			print_row(out, c, &c->rows[i]);
	}
	if (minor_words(text, c))
		fprintf(out, "%s\n", text);
}

static void print_figure(FILE *out, const struct compare_row *row, enum figure_kind kind,
			 const char *title)
{
	const struct figure *f = &row->figure[kind];
	char b[32], a[32], change[48], limits[80];

	limits_words(limits, sizeof(limits), f);
	if (kind >= FIG_DSB_CALL && f->has_ratio)
		snprintf(limits, sizeof(limits), "exact");
	fprintf(out, "  %-22s %9s %9s %9s%s%s\n", title,
		value_words(b, sizeof(b), row, kind, BEFORE),
		value_words(a, sizeof(a), row, kind, AFTER),
		change_words(change, sizeof(change), f), limits[0] ? "  " : "", limits);
}

static void print_classes(FILE *out, const struct compare_row *row)
{
	char title[32], b[FMT_LEN], a[FMT_LEN], change[48], limits[80];
	const struct size_class *class;
	const struct figure *f;
	unsigned int k;

	fprintf(out, "  ns/call by the mean entries a call of an interval (share of the calls):\n");
	for (k = 0; k < SIZE_CLASSES; k++) {
		class = &row->size_class[k];
		f = &class->ns_call;
		if (class->share[BEFORE] <= 0 && class->share[AFTER] <= 0)
			continue;
		snprintf(title, sizeof(title), "%s (%.0f %%, %.0f %%)", class_name(k),
			 class->share[BEFORE] * 100, class->share[AFTER] * 100);
		fprintf(out, "    %-20s %9s %9s %9s%s%s\n", title,
			f->known[BEFORE] ? fmt_ns(b, f->value[BEFORE], 7) : "-",
			f->known[AFTER] ? fmt_ns(a, f->value[AFTER], 7) : "-",
			change_words(change, sizeof(change), f), f->has_limits ? "  " : "",
			limits_words(limits, sizeof(limits), f));
	}
}

static void print_judgement(FILE *out, const struct compare_row *row)
{
	char text[WORDS_LEN];
	int n;

	n = snprintf(text, sizeof(text), "%s",
		     row->tested ? verdict_name(row->verdict) : "no verdict");
	if (row->tested)
		n += snprintf(text + n, sizeof(text) - n, ", p %.2g (%.2g before Holm)",
			      row->p_holm, row->p);
	if (row->why[0])
		snprintf(text + n, sizeof(text) - n, "; %s", row->why);
	paragraph(out, "  verdict", text);
}

/* Everything about one row. */
static void print_details(FILE *out, const struct compare_row *row)
{
	static const char *const titles[FIG_COUNT] = {
		[FIG_CALLS_S] = "calls/s",
		[FIG_NS_CALL] = "ns/call",
		[FIG_NS_ENTRY] = "ns/entry",
		[FIG_NS_KIB] = "ns/KiB",
		[FIG_P50] = "p50",
		[FIG_P90] = "p90",
		[FIG_P99] = "p99",
		[FIG_P999] = "p99.9",
		[FIG_CPU] = "% of a CPU",
		[FIG_DSB_CALL] = "dsb/call",
		[FIG_DSB_ENTRY] = "dsb/entry",
		[FIG_STEPS_CALL] = "steps/call",
		[FIG_STEPS_ENTRY] = "steps/entry",
	};
	char dev[CELL_LEN], driver[CELL_LEN], b[FMT_LEN], a[FMT_LEN];
	int kind;

	fit_name(dev, row->dev, 30);
	fit_name(driver, row->side[AFTER].sum.driver, 20);
	fprintf(out, "\n%s%s%s %s (%s)\n", op_name(row->op), row->dir < DIR_COUNT ? " " : "",
		row->dir < DIR_COUNT ? dir_name(row->dir) : "", dev, driver);
	fprintf(out, "  %-22s %9s %9s %9s  %s\n", "", "before", "after", "change", "95 % interval");
	fprintf(out, "  %-22s %9s %9s\n", "calls", fmt_count(b, row->side[BEFORE].sum.sum.calls, 9),
		fmt_count(a, row->side[AFTER].sum.sum.calls, 9));
	for (kind = 0; kind < FIG_COUNT; kind++)
		if (figure_applies(row, kind))
			print_figure(out, row, kind, titles[kind]);
	if (row->mix_moved)
		print_classes(out, row);
	print_judgement(out, row);
}

static void print_notes(FILE *out, const struct compare *c)
{
	size_t i;

	if (c->n_notes)
		fputc('\n', out);
	for (i = 0; i < c->n_notes; i++)
		paragraph(out, i ? "" : "notes", c->notes[i].text);
}

int compare_print_text(FILE *out, const struct compare *c)
{
	size_t i;

	errno = 0;
	print_sides(out, c);
	print_total(out, c);
	print_headlines(out, c);
	print_table(out, c);
	for (i = 0; i < c->n_rows; i++) {
		if (row_matters(&c->rows[i]))
			print_details(out, &c->rows[i]);
	}
	storms_print_text(out, c);
	print_notes(out, c);
	return fflush(out) || ferror(out) ? (errno ? -errno : -EIO) : 0;
}
