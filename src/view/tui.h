/* SPDX-License-Identifier: GPL-2.0 */
/* State of the live view and what its parts offer each other. */
#ifndef TUI_H
#define TUI_H

#include <curses.h>
#include <dmasync/columns.h>
#include <dmasync/events.h>
#include <dmasync/group.h>
#include <dmasync/predict.h>
#include <dmasync/view.h>

#define TUI_INPUT_LEN 48

enum tui_screen {
	SCREEN_TABLE,
	SCREEN_SEARCH, /* typing what to move to */
	SCREEN_FILTER, /* typing what to show */
	SCREEN_SORT,   /* choosing a sort key */
	SCREEN_HELP,
	SCREEN_DETAILS, /* all about the selected line */
};

/* Attributes of the parts of the screen; resolved once, so that drawing knows of no colours. */
struct tui_look {
	attr_t title, heading, sorted, selected, key, bar, alarm, faint;
	bool utf8;
};

/* Which line is selected, so that it stays so when the table is sorted anew. */
struct tui_identity {
	char device[DEV_NAME_LEN];
	char driver[DRV_NAME_LEN];
	__u32 tgid;
	enum op op;
	enum direction dir;
};

struct tui {
	const struct view_source *src;
	const struct options *opt;
	struct events ev;
	struct tui_look look;
	enum tui_screen mode;

	struct interval shown;	 /* newest that is on the screen */
	struct interval scratch; /* read into while the screen is paused */
	struct interval pending; /* what came while paused, not yet in the totals */
	struct interval since;	 /* totals since they were reset */
	struct interval *total;	 /* of the whole run; caller's */
	bool was_reset;		 /* since is in use */
	bool cumulative;	 /* the table shows totals */
	bool paused;
	unsigned int count;
	__u64 period_ns;

	struct table_spec spec;
	enum sort_key sort_before; /* that tables had before the one of storms */
	struct table table;
	struct layout layout;
	size_t selected, top; /* lines of the table */
	bool follow;	      /* the user chose the line: it is followed, wherever it goes */
	struct tui_identity chosen;
	char filter[TUI_INPUT_LEN], search[TUI_INPUT_LEN], before[TUI_INPUT_LEN];
	int menu;   /* line of the sort menu */
	int scroll; /* first line of help and details */

	struct predict_options predict_opt;
	struct predict predict; /* all intervals so far */
	char batching[80];	/* what it would save; empty: nothing to say */

	char message[160]; /* shown instead of the keys until the next key */
	bool quit;
};

/* Sums of what the table shows. */
static inline const struct interval *tui_interval(const struct tui *t)
{
	return !t->cumulative ? &t->shown : t->was_reset ? &t->since : t->total;
}

static inline struct table_line *tui_line(const struct tui *t)
{
	return t->selected < t->table.n ? &t->table.lines[t->selected] : NULL;
}

/* tui.c: builds the table anew, and keeps the selection where it was. */
void tui_rebuild(struct tui *t);
void tui_remember_selection(struct tui *t);
void tui_message(struct tui *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tui_reset_totals(struct tui *t);
void tui_set_paused(struct tui *t, bool paused);
void tui_set_period(struct tui *t, __u64 period_ns);

/* tui_term.c: takes the terminal (0 or -errno after a message) and gives it back. */
int term_begin(struct tui_look *look);
void term_end(void);
void term_resize(void);
void term_suspend(void);

/* tui_draw.c: the whole screen, in one update. */
void tui_draw(struct tui *t);
int tui_table_lines(const struct tui *t);
void put_text(int y, int x, int width, attr_t attr, const char *text);

/* tui_panel.c: what covers or follows the table. */
void draw_histogram(const struct tui *t, int y, int lines);
void draw_help(struct tui *t);
void draw_details(struct tui *t);
void draw_sort_menu(const struct tui *t);

/* tui_keys.c */
void tui_key(struct tui *t, int key);

/* tui_save.c: writes header, interval and totals to a new file; its name or the error in @said. */
void tui_save(const struct tui *t, char *said, size_t size);

#endif
