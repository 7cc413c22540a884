// SPDX-License-Identifier: GPL-2.0
/* Keys of the live view. */
#include <string.h>
#include <strings.h>
#include "text.h"
#include "tui.h"

#define ESC 27
#define MS 1000000ULL

/* Lengths of an interval that + and - step through, ns. */
static const __u64 periods[] = {
	100 * MS,  200 * MS,   500 * MS,   1000 * MS,  2000 * MS,
	5000 * MS, 10000 * MS, 30000 * MS, 60000 * MS,
};

#define N_PERIODS (sizeof(periods) / sizeof(*periods))

static void select_line(struct tui *t, long to)
{
	if (to >= (long)t->table.n)
		to = (long)t->table.n - 1;
	t->selected = to < 0 ? 0 : to;
	/* The first line is whichever is on top: who goes there wants to see the leader. */
	t->follow = t->selected != 0;
	tui_remember_selection(t);
}

static bool move_key(struct tui *t, int key)
{
	long page = tui_table_lines(t), at = t->selected;

	switch (key) {
	case KEY_UP:
	case 'k':
		select_line(t, at - 1);
		return true;
	case KEY_DOWN:
	case 'j':
		select_line(t, at + 1);
		return true;
	case KEY_PPAGE:
		select_line(t, at - page);
		return true;
	case KEY_NPAGE:
		select_line(t, at + page);
		return true;
	case KEY_HOME:
	case 'g':
		select_line(t, 0);
		return true;
	case KEY_END:
	case 'G':
		select_line(t, (long)t->table.n - 1);
		return true;
	}
	return false;
}

static bool line_contains(const struct table_line *line, const char *what)
{
	char who[160];

	line_subject(line, sizeof(who), who, sizeof(who));
	return strcasestr(who, what);
}

/* Moves to the next line that contains what was typed, from @skip lines below the selected one. */
static void search_on(struct tui *t, size_t skip)
{
	size_t i, at;

	for (i = skip; t->search[0] && i < t->table.n + skip; i++) {
		at = (t->selected + i) % t->table.n;
		if (line_contains(&t->table.lines[at], t->search)) {
			select_line(t, at);
			return;
		}
	}
	if (t->search[0])
		tui_message(t, "nothing contains \"%s\"", t->search);
}

static void step_period(struct tui *t, int by)
{
	size_t i = 0;

	if (by > 0) {
		while (i + 1 < N_PERIODS && periods[i] <= t->period_ns)
			i++;
	} else {
		i = N_PERIODS - 1;
		while (i && periods[i] >= t->period_ns)
			i--;
	}
	tui_set_period(t, periods[i]);
}

/* Storms are sorted by what they are about, unless the user wants it otherwise there. */
static void switch_sort(struct tui *t, enum group_by by)
{
	if (by == BY_STORM) {
		t->sort_before = t->spec.sort;
		t->spec.sort = SORT_SAVED;
	} else if (t->spec.by == BY_STORM) {
		t->spec.sort = t->sort_before;
	}
}

static void next_table(struct tui *t)
{
	enum group_by after = t->src->hdr->storms ? BY_STORM : BY_ROW;
	enum group_by by = t->spec.by == BY_PROCESS ? after
			   : t->spec.by == BY_STORM ? BY_ROW
						    : t->spec.by + 1;
	int err = 0;

	if (t->src->set_procs)
		err = t->src->set_procs(t->src->ctx, by == BY_PROCESS);
	if (by == BY_PROCESS && (err || !t->src->set_procs)) {
		tui_message(t, "the process table is not available");
		by = after;
	}
	switch_sort(t, by);
	t->spec.by = by;
	t->layout = (struct layout){};
	t->follow = false;
	t->selected = t->top = 0;
	tui_rebuild(t);
}

static void begin_input(struct tui *t, enum tui_screen mode, const char *text)
{
	memcpy(t->before, text, sizeof(t->before));
	t->mode = mode;
}

static void input_changed(struct tui *t)
{
	if (t->mode == SCREEN_FILTER)
		tui_rebuild(t);
	else
		search_on(t, 0);
}

static void input_key(struct tui *t, int key)
{
	char *text = t->mode == SCREEN_FILTER ? t->filter : t->search;
	size_t len = strlen(text);

	if (key == '\r' || key == '\n' || key == KEY_ENTER) {
		t->mode = SCREEN_TABLE;
	} else if (key == ESC) {
		text[0] = '\0';
		tui_rebuild(t);
		t->mode = SCREEN_TABLE;
	} else if (key == KEY_F(3) && t->mode == SCREEN_SEARCH) {
		search_on(t, 1);
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		if (len)
			text[len - 1] = '\0';
		input_changed(t);
	} else if (key == 'U' - '@') {
		text[0] = '\0';
		input_changed(t);
	} else if (key >= ' ' && key <= '~' && len + 1 < TUI_INPUT_LEN) {
		text[len] = key;
		text[len + 1] = '\0';
		input_changed(t);
	} else if (key == KEY_UP || key == KEY_DOWN) {
		move_key(t, key);
	}
}

static void menu_key(struct tui *t, int key)
{
	switch (key) {
	case KEY_UP:
	case 'k':
		t->menu = t->menu ? t->menu - 1 : SORT_COUNT - 1;
		return;
	case KEY_DOWN:
	case 'j':
		t->menu = (t->menu + 1) % SORT_COUNT;
		return;
	case KEY_HOME:
		t->menu = 0;
		return;
	case KEY_END:
		t->menu = SORT_COUNT - 1;
		return;
	case '\r':
	case '\n':
	case KEY_ENTER:
		t->spec.sort = t->menu;
		t->spec.invert = false;
		tui_rebuild(t);
	}
	t->mode = SCREEN_TABLE;
}

static void page_key(struct tui *t, int key)
{
	if (key == KEY_UP || key == 'k')
		t->scroll -= t->scroll > 0;
	else if (key == KEY_DOWN || key == 'j')
		t->scroll += t->scroll < 40;
	else
		t->mode = SCREEN_TABLE;
}

static void escape_key(struct tui *t)
{
	if (!t->filter[0])
		return;
	t->filter[0] = '\0';
	tui_rebuild(t);
}

/* Keys that open something else. */
static bool mode_key(struct tui *t, int key)
{
	t->scroll = 0;
	switch (key) {
	case KEY_F(1):
	case 'h':
	case '?':
		t->mode = SCREEN_HELP;
		return true;
	case KEY_F(3):
		begin_input(t, SCREEN_SEARCH, t->search);
		t->search[0] = '\0';
		return true;
	case KEY_F(4):
	case '/':
	case '\\':
		begin_input(t, SCREEN_FILTER, t->filter);
		return true;
	case KEY_F(6):
	case 's':
	case '>':
		t->menu = t->spec.sort;
		t->mode = SCREEN_SORT;
		return true;
	case '\r':
	case '\n':
	case KEY_ENTER:
		t->mode = SCREEN_DETAILS;
		return true;
	}
	return false;
}

static void action_key(struct tui *t, int key)
{
	switch (key) {
	case KEY_F(10):
	case 'q':
		t->quit = true;
		break;
	case KEY_F(5):
	case 'p':
		tui_set_paused(t, !t->paused);
		break;
	case '\t':
	case 't':
		next_table(t);
		break;
	case 'I':
		t->spec.invert = !t->spec.invert;
		tui_rebuild(t);
		break;
	case 'c':
		t->cumulative = !t->cumulative;
		tui_rebuild(t);
		break;
	case 'z':
		tui_reset_totals(t);
		break;
	case 'S':
		tui_save(t, t->message, sizeof(t->message));
		break;
	case '+':
	case '=':
		step_period(t, 1);
		break;
	case '-':
		step_period(t, -1);
		break;
	case ESC:
		escape_key(t);
		break;
	}
}

void tui_key(struct tui *t, int key)
{
	t->message[0] = '\0';
	switch (t->mode) {
	case SCREEN_SEARCH:
	case SCREEN_FILTER:
		input_key(t, key);
		break;
	case SCREEN_SORT:
		menu_key(t, key);
		break;
	case SCREEN_HELP:
	case SCREEN_DETAILS:
		page_key(t, key);
		break;
	case SCREEN_TABLE:
		if (!move_key(t, key) && !mode_key(t, key))
			action_key(t, key);
		break;
	}
}
