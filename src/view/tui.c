// SPDX-License-Identifier: GPL-2.0
/* Runs the live view: takes intervals, keeps the selection, waits for what comes next. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <dmasync/clock.h>
#include <dmasync/log.h>
#include <dmasync/units.h>
#include "tui.h"

#define HANGUP_READS 3 /* reads without a key, though there is something to read */

void tui_message(struct tui *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->message, sizeof(t->message), fmt, ap);
	va_end(ap);
}

void tui_remember_selection(struct tui *t)
{
	const struct table_line *line = tui_line(t);

	if (!line)
		return;
	t->chosen = (struct tui_identity){ .tgid = line->tgid, .op = line->op, .dir = line->dir };
	snprintf(t->chosen.device, sizeof(t->chosen.device), "%s", line->device);
	snprintf(t->chosen.driver, sizeof(t->chosen.driver), "%s", line->driver);
}

static bool is_chosen(const struct tui *t, const struct table_line *line)
{
	return line->tgid == t->chosen.tgid && line->op == t->chosen.op &&
	       line->dir == t->chosen.dir && !strcmp(line->device, t->chosen.device) &&
	       !strcmp(line->driver, t->chosen.driver);
}

void tui_rebuild(struct tui *t)
{
	size_t i;

	if (table_build(&t->table, t->src->hdr, tui_interval(t), &t->spec))
		tui_message(t, "out of memory for the table");
	for (i = 0; t->follow && i < t->table.n; i++) {
		if (is_chosen(t, &t->table.lines[i])) {
			t->selected = i;
			return;
		}
	}
	if (t->selected >= t->table.n)
		t->selected = t->table.n ? t->table.n - 1 : 0;
}

static int add_to_totals(struct tui *t, const struct interval *iv)
{
	int err = interval_add(t->total, iv);

	if (!err && t->was_reset)
		err = interval_add(&t->since, iv);
	return err;
}

void tui_reset_totals(struct tui *t)
{
	interval_clear(&t->since);
	t->was_reset = true;
	tui_message(t, "new totals from here on");
	tui_rebuild(t);
}

static int merge_pending(struct tui *t)
{
	int err = t->pending.merged ? add_to_totals(t, &t->pending) : 0;

	interval_clear(&t->pending);
	return err;
}

void tui_set_paused(struct tui *t, bool paused)
{
	t->paused = paused;
	if (paused)
		return;
	if (merge_pending(t))
		tui_message(t, "out of memory for the totals");
	tui_rebuild(t);
}

void tui_set_period(struct tui *t, __u64 period_ns)
{
	__u64 now = clock_ns(), rest = 0;
	char text[FMT_LEN];

	if (t->ev.end)
		rest = t->ev.end > now ? t->ev.end - now : 1;
	t->period_ns = period_ns;
	if (!events_start(&t->ev, period_ns, rest))
		tui_message(t, "an interval is %s", fmt_ns(text, period_ns, 6));
}

static void take_prediction(struct tui *t, const struct interval *iv)
{
	if (predict_add_live(&t->predict, iv) && !predict_solve(&t->predict))
		predict_phrase(&t->predict, t->batching, sizeof(t->batching));
	else
		t->batching[0] = '\0';
}

/* What comes while the screen stands still is kept apart: the table points into the totals. */
static int take_interval(struct tui *t)
{
	struct interval *iv = t->paused ? &t->scratch : &t->shown;
	int err = t->src->read(t->src->ctx, iv);

	if (err)
		return err;
	t->count++;
	take_prediction(t, iv);
	if (t->paused)
		return interval_add(&t->pending, iv);
	err = add_to_totals(t, iv);
	tui_rebuild(t);
	return err;
}

/* 0, or 1 when the terminal is gone. */
static int take_keys(struct tui *t, unsigned int *empty_reads)
{
	int key = getch();

	if (key == ERR)
		return ++*empty_reads >= HANGUP_READS;
	*empty_reads = 0;
	for (; key != ERR && !t->quit; key = getch()) {
		if (key != KEY_RESIZE)
			tui_key(t, key);
	}
	return 0;
}

static int loop(struct tui *t)
{
	unsigned int empty_reads = 0;
	int mask, err = 0;

	while (!err && !t->quit) {
		tui_draw(t);
		mask = events_wait(&t->ev, STDIN_FILENO);
		if (mask < 0)
			return mask;
		if (mask & EVENT_STOP)
			t->quit = true;
		if (mask & EVENT_SUSPEND)
			term_suspend();
		if (mask & EVENT_RESIZE)
			term_resize();
		if (mask & EVENT_INPUT && take_keys(t, &empty_reads))
			t->quit = true;
		if (mask & (EVENT_CHILD | EVENT_TICK) && t->src->done)
			t->quit |= t->src->done(t->src->ctx);
		t->quit |= !!(mask & EVENT_END);
		if (t->quit || mask & EVENT_TICK)
			err = take_interval(t);
		t->quit |= t->opt->count && t->count >= t->opt->count;
	}
	return err;
}

static void init(struct tui *t, const struct view_source *src, const struct options *opt,
		 struct interval *total)
{
	struct capture_info info = {};

	memset(t, 0, sizeof(*t));
	t->src = src;
	t->opt = opt;
	t->total = total;
	t->period_ns = opt->interval_ns;
	t->spec.by = opt->by;
	t->spec.sort = opt->sort;
	t->spec.filter = t->filter;
	interval_init(&t->shown);
	interval_init(&t->scratch);
	interval_init(&t->pending);
	interval_init(&t->since);
	table_init(&t->table);
	predict_options_init(&t->predict_opt);
	t->predict_opt.points = PREDICT_LIVE_POINTS;
	predict_init(&t->predict, &t->predict_opt);
	info.hdr = *src->hdr;
	if (info.hdr.flavour == FLAVOUR_PER_ENTRY)
		predict_run_add(&t->predict, "", &info);
}

static void release(struct tui *t)
{
	table_free(&t->table);
	predict_free(&t->predict);
	interval_free(&t->shown);
	interval_free(&t->scratch);
	interval_free(&t->pending);
	interval_free(&t->since);
}

int tui_run(const struct view_source *src, const struct options *opt, struct interval *total)
{
	struct tui *t = malloc(sizeof(*t));
	int err = -ENOMEM, merged;

	if (!t) {
		log_error("out of memory for the live view");
		return err;
	}
	init(t, src, opt, total);
	err = events_open(&t->ev, true);
	if (err)
		goto out_release;
	err = term_begin(&t->look);
	if (err)
		goto out_events;
	log_hold(true);
	err = events_start(&t->ev, opt->interval_ns, opt->duration_ns);
	if (!err)
		err = loop(t);
	merged = merge_pending(t);
	if (!err)
		err = merged;
	term_end();
	log_hold(false);
	if (err == -ENOMEM)
		log_error("out of memory for the totals");
out_events:
	events_close(&t->ev);
out_release:
	release(t);
	free(t);
	return err;
}
