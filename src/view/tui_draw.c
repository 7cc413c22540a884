// SPDX-License-Identifier: GPL-2.0
/* Draws the live view: header, table, keys. */
#include <stdlib.h>
#include <string.h>
#include <dmasync/bar.h>
#include <dmasync/log.h>
#include <dmasync/storm_view.h>
#include <dmasync/units.h>
#include "text.h"
#include "tui.h"

#define METER_WIDTH 22

/* How the lines of the screen are shared out; small screens give up what matters least. */
struct parts {
	int header, table, histogram, footer;
};

static struct parts share_lines(const struct tui *t)
{
	struct parts p = { .footer = LINES >= 4 };
	int rest;

	p.header = LINES >= 14 ? 3 : LINES >= 8 ? 2 : LINES >= 4 ? 1 : 0;
	p.header += LINES >= 20 && (t->spec.by == BY_STORM || t->batching[0]);
	if (t->spec.by != BY_PROCESS)
		p.histogram = LINES >= 40 ? 14 : LINES >= 20 ? LINES / 3 : LINES >= 16 ? 5 : 0;
	rest = LINES - p.header - p.histogram - p.footer - 1;
	p.table = rest > 0 ? rest : 0;
	return p;
}

int tui_table_lines(const struct tui *t)
{
	return share_lines(t).table;
}

void put_text(int y, int x, int width, attr_t attr, const char *text)
{
	int len = strlen(text), i;

	if (y < 0 || y >= LINES || x >= COLS)
		return;
	if (width > COLS - x)
		width = COLS - x;
	attrset(attr);
	mvaddnstr(y, x, text, len < width ? len : width);
	for (i = len; i < width; i++)
		addch(' ');
	attrset(A_NORMAL);
}

static void draw_title(const struct tui *t, int y)
{
	const struct header *hdr = t->src->hdr;
	const char *state = t->paused ? " PAUSED " : t->cumulative ? " TOTALS " : "";
	char hooks[96], text[320];
	int room = COLS - (int)strlen(state);

	hooks_summary(hdr, hooks, sizeof(hooks));
	snprintf(text, sizeof(text), "dmasynctop  %s %s  %s  %s%s: %s%s", hdr->release,
		 hdr->machine,
		 hdr->flavour == FLAVOUR_NONE ? "no barriers" : flavour_name(hdr->flavour),
		 level_name(hdr->level), hdr->exact ? " exact" : "",
		 hdr->backend == BACKEND_FTRACE ? "ftrace " : "", hooks);
	put_text(y, 0, COLS, t->look.title, text);
	if (*state)
		put_text(y, room > 0 ? room : 0, COLS, t->look.alarm, state);
}

static void draw_meter(const struct tui *t, int y)
{
	const struct interval *iv = tui_interval(t);
	double secs = iv->dur_ns ? iv->dur_ns / 1e9 : 1, cpu;
	unsigned int how = t->cumulative ? WORDS_TOTALS : 0;
	char bar[BAR_LEN], words[200];
	struct figures f;
	int x = 0;

	interval_figures(t->src->hdr, iv, &f);
	if (COLS < 100)
		how |= WORDS_BRIEF;
	figures_words(t->src->hdr, &f, iv->dur_ns, how, words, sizeof(words));
	if (COLS >= 60) {
		cpu = f.sum.ns / secs / 1e9;
		bar_draw(bar, cpu < 1 ? cpu : 1, 1, METER_WIDTH - 6, t->look.utf8);
		put_text(y, 0, 5, A_NORMAL, "DMA [");
		attrset(t->look.bar);
		mvaddstr(y, 5, bar);
		attrset(A_NORMAL);
		mvaddstr(y, METER_WIDTH - 1, "]");
		x = METER_WIDTH + 1;
	}
	put_text(y, x, COLS - x, A_NORMAL, words);
}

/* What the tool itself costs, and whether all was seen. */
static void draw_cost(const struct tui *t, int y)
{
	const struct interval *iv = tui_interval(t);
	const struct probe_cost *cost = &t->src->hdr->cost;
	double secs = iv->dur_ns ? iv->dur_ns / 1e9 : 1;
	char floor[FMT_LEN], tax[FMT_LEN], share[FMT_LEN], period[FMT_LEN], text[400], lost[320];
	struct figures f;

	loss_words(&iv->loss, lost, sizeof(lost));
	if (!lost[0])
		refused_words(t->src->hdr, lost, sizeof(lost));
	if (lost[0]) {
		snprintf(text, sizeof(text), "!!! %s", lost);
		put_text(y, 0, COLS, t->look.alarm, text);
		return;
	}
	interval_figures(t->src->hdr, iv, &f);
	if (cost->valid)
		snprintf(text, sizeof(text),
			 "own cost %s/call (%s measured), %s%% of a CPU; lost 0; every %s",
			 fmt_ns(tax, cost->tax_ns, 6), fmt_ns(floor, cost->floor_ns, 6),
			 fmt_count(share, f.sum.calls * cost->tax_ns / secs / 1e7, 4),
			 fmt_ns(period, t->period_ns, 6));
	else
		snprintf(text, sizeof(text), "own cost unknown; lost 0; every %s",
			 fmt_ns(period, t->period_ns, 6));
	put_text(y, 0, COLS, A_NORMAL, text);
}

/* Which drivers a batch of their own would help, most first, as many as fit. */
static void draw_drivers(const struct tui *t, int y)
{
	const struct interval *iv = tui_interval(t);
	double secs = t->cumulative ? 0 : iv->dur_ns ? iv->dur_ns / 1e9 : 1;
	struct storm_driver *drivers = storm_drivers(iv);
	char text[400] = "batches of single buffers would save", words[CELL_LEN * 2];
	size_t len = strlen(text), i, n;
	struct figures all;

	interval_figures(t->src->hdr, iv, &all);
	for (i = 0; drivers && drivers[i].name; i++) {
		n = storm_driver_words(words, sizeof(words), &drivers[i], &all, secs);
		if (len + n + 2 >= sizeof(text) || (i && len + n + 2 > (size_t)COLS))
			break;
		len += snprintf(text + len, sizeof(text) - len, "%s %s", i ? "," : ":", words);
	}
	put_text(y, 0, COLS, A_NORMAL, i ? text : "batches of single buffers would save nothing");
	free(drivers);
}

static void draw_headings(const struct tui *t, int y)
{
	const struct layout *l = &t->layout;
	char cell[CELL_LEN];
	unsigned int i;
	attr_t attr;
	int x = 0;

	put_text(y, 0, COLS, t->look.heading, "");
	for (i = 0; i < l->n; i++) {
		snprintf(cell, sizeof(cell), "%*s",
			 column_is_name(l->col[i]) ? -l->width[i] : l->width[i],
			 column_title(l->col[i], l->totals));
		attr = column_sort_key(l->col[i]) == t->spec.sort ? t->look.sorted
								  : t->look.heading;
		put_text(y, x, l->width[i], attr, cell);
		x += l->width[i] + 1;
	}
}

static void draw_line(const struct tui *t, int y, const struct table_line *line, bool selected)
{
	const struct layout *l = &t->layout;
	char cell[CELL_LEN], text[512] = "";
	size_t len = 0;
	unsigned int i;
	attr_t attr = A_NORMAL;

	for (i = 0; i < l->n && len < sizeof(text); i++) {
		column_cell(cell, l->col[i], l->width[i], l, line, tui_interval(t)->dur_ns);
		len += snprintf(text + len, sizeof(text) - len, "%s%*s", i ? " " : "",
				column_is_name(l->col[i]) ? -l->width[i] : l->width[i], cell);
	}
	if (line->fig.sum.failed)
		attr = A_BOLD;
	else if (line->flags && !(line->flags & LINE_NONCOHERENT))
		attr = t->look.faint;
	put_text(y, 0, COLS, selected ? t->look.selected : attr, text);
}

static void draw_empty(const struct tui *t, int y)
{
	const char *text = "no DMA API calls in this interval";

	if (!t->count)
		text = "measuring the first interval ...";
	else if (t->filter[0])
		text = "nothing matches the filter";
	else if (t->spec.by == BY_PROCESS && !tui_interval(t)->has_procs)
		text = "processes are shown from the next interval on";
	else if (t->spec.by == BY_STORM)
		text = "no call for a single buffer waited in this interval";
	put_text(y, 1, COLS - 1, t->look.faint, text);
}

static void draw_table(struct tui *t, int y, int lines)
{
	size_t i;

	layout_fit(&t->layout, &t->table, t->src->hdr, COLS, t->cumulative);
	draw_headings(t, y++);
	if (!t->table.n && lines)
		draw_empty(t, y);
	if (t->selected < t->top)
		t->top = t->selected;
	if (lines && t->selected >= t->top + lines)
		t->top = t->selected - lines + 1;
	if (t->top + lines > t->table.n)
		t->top = t->table.n > (size_t)lines ? t->table.n - lines : 0;
	for (i = t->top; i < t->table.n && i < t->top + lines; i++)
		draw_line(t, y + (i - t->top), &t->table.lines[i], i == t->selected);
}

static void draw_prompt(const struct tui *t, int y)
{
	bool filter = t->mode == SCREEN_FILTER;
	char text[160];

	snprintf(text, sizeof(text), "%s: %s_   Enter keeps it, Esc %s",
		 filter ? "Filter" : "Search", filter ? t->filter : t->search,
		 filter ? "clears it" : "ends it");
	put_text(y, 0, COLS, t->look.key, text);
}

static void draw_keys(const struct tui *t, int y)
{
	static const char *const keys[] = {
		"F1",  "Help ",	 "F3", "Search ", "F4", "Filter ", "F5", "Pause ", "F6",  "Sort ",
		"Tab", "Table ", "c",  "Totals ", "S",	"Save ",   "+-", "Time ",  "F10", "Quit",
	};
	int x = 0;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i += 2) {
		if (x + (int)(strlen(keys[i]) + strlen(keys[i + 1])) > COLS)
			return;
		put_text(y, x, strlen(keys[i]), A_NORMAL, keys[i]);
		x += strlen(keys[i]);
		put_text(y, x, strlen(keys[i + 1]), t->look.key, keys[i + 1]);
		x += strlen(keys[i + 1]);
	}
}

static void draw_footer(const struct tui *t, int y)
{
	char text[200];

	if (t->mode == SCREEN_FILTER || t->mode == SCREEN_SEARCH) {
		draw_prompt(t, y);
	} else if (t->message[0]) {
		put_text(y, 0, COLS, t->look.alarm, t->message);
	} else if (log_held()[0]) {
		put_text(y, 0, COLS, t->look.alarm, log_held());
	} else if (t->filter[0]) {
		snprintf(text, sizeof(text),
			 "filter \"%s\": %zu lines; F4 changes it, Esc clears it", t->filter,
			 t->table.n);
		put_text(y, 0, COLS, t->look.key, text);
	} else {
		draw_keys(t, y);
	}
}

static void draw_hint(const struct tui *t, int y)
{
	if (t->spec.by == BY_STORM)
		draw_drivers(t, y);
	else
		put_text(y, 0, COLS, A_NORMAL, t->batching);
}

static void draw_main(struct tui *t)
{
	struct parts p = share_lines(t);
	int y = 0;

	if (p.header > 0)
		draw_title(t, y++);
	if (p.header > 1)
		draw_meter(t, y++);
	if (p.header > 2)
		draw_cost(t, y++);
	if (p.header > 3)
		draw_hint(t, y++);
	draw_table(t, y, p.table);
	y += 1 + p.table;
	if (p.histogram)
		draw_histogram(t, y, p.histogram);
}

void tui_draw(struct tui *t)
{
	erase();
	if (t->mode == SCREEN_HELP)
		draw_help(t);
	else if (t->mode == SCREEN_DETAILS)
		draw_details(t);
	else
		draw_main(t);
	if (t->mode == SCREEN_SORT)
		draw_sort_menu(t);
	if (LINES >= 4)
		draw_footer(t, LINES - 1);
	refresh();
}
