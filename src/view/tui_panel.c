// SPDX-License-Identifier: GPL-2.0
/* Draws what is not the table: histogram, details of a line, help, sort menu. */
#include <stdarg.h>
#include <string.h>
#include <dmasync/bar.h>
#include <dmasync/percentile.h>
#include <dmasync/storm_view.h>
#include <dmasync/units.h>
#include "text.h"
#include "tui.h"

#define MAX_HIST_LINES 64
#define HIST_LABEL 27
#define FIGURES_WIDTH 46 /* of what follows the name of a line */

/* What is drawn as bars: times of calls in ns, or calls of runs. */
struct bars {
	const __u64 *hist;
	__u64 p50, p90, p99;
	bool runs;
};

static void draw_hist_line(const struct tui *t, int y, const struct hist_line *line, __u64 most,
			   const struct bars *bars, const char *mark)
{
	char low[FMT_LEN], high[FMT_LEN], count[FMT_LEN], bar[BAR_LEN], label[64];
	int width = COLS - HIST_LABEL - 5;

	if (bars->runs)
		snprintf(label, sizeof(label), " %6s..%-6s %9s ", fmt_count(low, line->low, 6),
			 fmt_count(high, line->high, 6), fmt_count(count, line->count, 9));
	else
		snprintf(label, sizeof(label), " %6s..%-6s %9s ", fmt_ns(low, line->low, 6),
			 fmt_ns(high, line->high, 6), fmt_count(count, line->count, 9));
	put_text(y, 0, HIST_LABEL, A_NORMAL, label);
	if (width < 1)
		return;
	bar_draw(bar, line->count, most, width, t->look.utf8);
	attrset(t->look.bar);
	mvaddstr(y, HIST_LABEL, bar);
	attrset(A_NORMAL);
	put_text(y, COLS - 4, 4, A_BOLD, mark);
}

/* Percentile that falls into @line, the highest if there are several. */
static const char *mark_of(const struct bars *b, const struct hist_line *line)
{
	if (b->p99 >= line->low && b->p99 < line->high)
		return "p99";
	if (b->p90 >= line->low && b->p90 < line->high)
		return "p90";
	return b->p50 >= line->low && b->p50 < line->high ? "p50" : "";
}

static void draw_bars(const struct tui *t, const struct bars *bars, int y, int lines)
{
	struct hist_line h[MAX_HIST_LINES];
	unsigned int n, i;
	__u64 most = 0;

	if (lines < 1)
		return;
	n = hist_fold(bars->hist, h, lines < MAX_HIST_LINES ? lines : MAX_HIST_LINES);
	for (i = 0; i < n; i++) {
		if (h[i].count > most)
			most = h[i].count;
	}
	for (i = 0; i < n; i++)
		draw_hist_line(t, y + i, &h[i], most, bars, mark_of(bars, &h[i]));
}

static void bars_of_times(struct bars *b, const struct table_line *line)
{
	*b = (struct bars){ .hist = line->row->hist,
			    .p50 = line->fig.p50,
			    .p90 = line->fig.p90,
			    .p99 = line->fig.p99 };
}

static void bars_of_runs(struct bars *b, const struct storm_row *s)
{
	*b = (struct bars){ .hist = s->hist,
			    .p50 = storm_runs_at(s, 0.5),
			    .p90 = storm_runs_at(s, 0.9),
			    .p99 = storm_runs_at(s, 0.99),
			    .runs = true };
}

static void times_words(char *buf, size_t size, const char *who, const struct figures *f)
{
	char p50[FMT_LEN], p99[FMT_LEN], min[FMT_LEN], max[FMT_LEN];

	snprintf(buf, size, "%s  min %s p50 %s p99 %s max %s", who, fmt_ns(min, f->min_ns, 6),
		 fmt_ns(p50, f->p50, 6), fmt_ns(p99, f->p99, 6), fmt_ns(max, f->max_ns, 6));
}

static void runs_words(char *buf, size_t size, const char *who, const struct storm_row *s)
{
	char runs[FMT_LEN], p50[FMT_LEN], p99[FMT_LEN], max[FMT_LEN];

	snprintf(buf, size, "%s  %s runs of calls: p50 %s p99 %s max %s", who,
		 fmt_count(runs, s->runs, 8), fmt_count(p50, storm_runs_at(s, 0.5), 6),
		 fmt_count(p99, storm_runs_at(s, 0.99), 6), fmt_count(max, s->longest, 6));
}

void draw_histogram(const struct tui *t, int y, int lines)
{
	const struct table_line *line = tui_line(t);
	char who[160], text[320];
	struct bars bars;

	if (!line || !line->row || !line->fig.sum.calls) {
		put_text(y, 0, COLS, t->look.heading, line ? "no calls that succeeded" : "");
		return;
	}
	line_subject(line, COLS - FIGURES_WIDTH, who, sizeof(who));
	if (t->spec.by == BY_STORM) {
		runs_words(text, sizeof(text), who, line->storm);
		bars_of_runs(&bars, line->storm);
	} else {
		times_words(text, sizeof(text), who, &line->fig);
		bars_of_times(&bars, line);
	}
	put_text(y, 0, COLS, t->look.heading, text);
	draw_bars(t, &bars, y + 1, lines - 1);
}

/* A page that scrolls by @t->scroll; keeps the last screen's line free. */
struct page {
	struct tui *t;
	int y;
};

static void __attribute__((format(printf, 2, 3))) page_line(struct page *p, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (p->y >= 0 && p->y < LINES - 1)
		put_text(p->y, 0, COLS, A_NORMAL, text);
	p->y++;
}

static void page_title(struct page *p, const char *text)
{
	if (p->y >= 0 && p->y < LINES - 1)
		put_text(p->y, 0, COLS, p->t->look.heading, text);
	p->y++;
}

void draw_help(struct tui *t)
{
	static const char *const text[] = {
		"Arrows PgUp PgDn Home End   select a line (also j, k)",
		"Enter                       all about the selected line",
		"Tab t                       rows, devices, drivers, processes; storms (--storms)",
		"F3                          search; again: next match",
		"F4 / \\                      filter: only lines with this text; Esc: all",
		"F5 p                        pause and go on; nothing is lost meanwhile",
		"F6 s                        choose what to sort by",
		"I                           turn the order round",
		"c                           totals since the start, or the last interval",
		"z                           begin new totals",
		"+ -                         longer or shorter intervals",
		"S                           save interval and totals as JSON to a new file",
		"F1 h ?                      this help",
		"F10 q                       quit",
		"",
		"HW     c coherent device, n not, + behind an IOMMU, * several kinds, ? unknown",
		"DIR    -> to the device, <- from it, <> both",
		"ENT/s  scatterlist entries (a single buffer is one); STEP/s of a chain",
		"DSB/s  barriers that waited for cache maintenance, DSB/C per call",
		"%CPU   time inside these calls; 100 is one CPU",
		"Storms: SAVED/s barriers that one for each run of calls would save, %DSB their",
		"       share; MOST/s if calls were put into another order; P50 P99 MAX of a run",
	};
	struct page p = { t, -t->scroll };
	size_t i;

	page_title(&p, "Help - arrows scroll, any other key goes back");
	for (i = 0; i < sizeof(text) / sizeof(*text); i++)
		page_line(&p, "%s", text[i]);
}

static void details_of_storm(struct page *p, const struct storm_row *s)
{
	char a[FMT_LEN], b[FMT_LEN], c[FMT_LEN], d[FMT_LEN];

	page_line(p, "           %s calls in %s runs, %s contexts; at most %s would be saved",
		  fmt_count(a, s->calls, 9), fmt_count(b, s->runs, 9), fmt_count(c, s->contexts, 9),
		  fmt_count(d, storm_most(s), 9));
	page_line(p, "           calls of a run: p50 %s p99 %s max %s",
		  fmt_count(a, storm_runs_at(s, 0.5), 6), fmt_count(b, storm_runs_at(s, 0.99), 6),
		  fmt_count(c, s->longest, 6));
}

/* What a step is depends on the operation. */
static void details_of_steps(struct page *p, const struct table_line *line)
{
	const struct call_counts *sum = &line->fig.sum;
	char a[FMT_LEN], b[FMT_LEN], c[FMT_LEN];

	if (line->op == OP_TLB_FLUSH)
		page_line(p, "steps      %s flushes for %s put off: %s dsb ish saved",
			  fmt_count(a, sum->steps, 12), fmt_count(b, sum->entries, 12),
			  fmt_count(c, sum->entries - sum->steps, 12));
	else
		page_line(p, "steps      %s, %s a call: %s", fmt_count(a, sum->steps, 12),
			  fmt_count(b, sum->calls ? (double)sum->steps / sum->calls : 0, 6),
			  line->op == OP_DMABUF_MMAP ? "walks of the page table"
						     : "runs of pages mapped at once");
}

static void details_of_row(struct page *p, const struct header *hdr, const struct table_line *line)
{
	const struct row *row = line->row;
	const struct figures *f = &line->fig;
	char a[FMT_LEN], b[FMT_LEN], c[FMT_LEN], d[FMT_LEN], e[FMT_LEN], name[CELL_LEN];

	fit_name(name, row->of_name[0] ? row->of_name : "-", 60);
	if (line->device[0])
		page_line(p, "bus        %s, device-tree node %s", row->bus[0] ? row->bus : "-",
			  name);
	page_line(p, "hardware   %s%s",
		  (line->flags & LINE_COHERENT) && (line->flags & LINE_NONCOHERENT)
			  ? "coherent and non-coherent devices"
		  : line->flags & LINE_COHERENT	   ? "coherent: no cache maintenance"
		  : line->flags & LINE_NONCOHERENT ? "not coherent: caches are maintained"
						   : "unknown: of several devices, or of none",
		  line->flags & LINE_IOMMU ? ", behind an IOMMU" : "");
	page_line(p, "latency    min %s p50 %s p90 %s p99 %s max %s", fmt_ns(a, f->min_ns, 6),
		  fmt_ns(b, f->p50, 6), fmt_ns(c, f->p90, 6), fmt_ns(d, f->p99, 6),
		  fmt_ns(e, f->max_ns, 6));
	if (op_is_chain(line->op))
		return;
	if (hdr->flavour != FLAVOUR_NONE)
		page_line(p, "barriers   derived %s, counted %s",
			  row->dsb_derived_known ? fmt_count(a, row->dsb_derived, 12) : "unknown",
			  hdr->exact ? fmt_count(b, row->sum.dsb, 12) : "off (--exact)");
	if (hdr->storms)
		page_line(p, "storms     batches of single buffers would save %s of them",
			  fmt_count(a, row->sum.chained, 12));
	if (line->storm)
		details_of_storm(p, line->storm);
}

void draw_details(struct tui *t)
{
	const struct interval *iv = tui_interval(t);
	const struct table_line *line = tui_line(t);
	struct page p = { t, -t->scroll };
	const struct figures *f;
	struct bars bars;
	char who[160], words[200], title[240], a[FMT_LEN], b[FMT_LEN];

	if (!line) {
		page_title(&p, "no line is selected - Esc goes back");
		return;
	}
	f = &line->fig;
	line_subject(line, COLS, who, sizeof(who));
	snprintf(title, sizeof(title), "%s - Esc goes back", who);
	page_title(&p, title);
	figures_words(t->src->hdr, f, iv->dur_ns, t->cumulative ? WORDS_TOTALS : 0, words,
		      sizeof(words));
	page_line(&p, "%-10s %s", t->cumulative ? "totals" : "interval", words);
	page_line(&p, "calls      %llu, %llu of them empty, %llu more failed", f->sum.calls,
		  f->sum.empty_calls, f->sum.failed);
	page_line(&p, "entries    %llu, %s a call; %llu bounced, in %llu calls", f->sum.entries,
		  fmt_count(a, f->sum.calls ? (double)f->sum.entries / f->sum.calls : 0, 6),
		  f->sum.bounces, f->sum.bounced_calls);
	if (f->sum.unsized)
		page_line(&p, "bytes      - (those of lists are not summed)");
	else
		page_line(&p, "bytes      %s, %s a call", fmt_bytes(a, f->sum.bytes, 6),
			  fmt_bytes(b, f->sum.calls ? (double)f->sum.bytes / f->sum.calls : 0, 6));
	if (op_is_chain(line->op))
		details_of_steps(&p, line);
	if (!line->row)
		return;
	details_of_row(&p, t->src->hdr, line);
	page_line(&p, "%s", "");
	bars_of_times(&bars, line);
	if (p.y >= 0 && f->sum.calls)
		draw_bars(t, &bars, p.y, LINES - 1 - p.y);
}

void draw_sort_menu(const struct tui *t)
{
	int top = LINES >= 14 ? 3 : 0, lines = LINES - top - 1, first = 0, i;
	char text[32];

	put_text(top, 0, 16, t->look.heading, " Sort by");
	if (t->menu >= lines - 1)
		first = t->menu - lines + 2;
	for (i = first; i < SORT_COUNT && i - first < lines - 1; i++) {
		snprintf(text, sizeof(text), " %s", sort_name(i));
		put_text(top + 1 + i - first, 0, 16, i == t->menu ? t->look.selected : A_NORMAL,
			 text);
	}
}
