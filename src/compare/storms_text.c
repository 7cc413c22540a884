// SPDX-License-Identifier: GPL-2.0
/* Storms before and after, as text of at most 80 columns and as Markdown. */
#include <string.h>
#include <dmasync/columns.h>
#include <dmasync/units.h>
#include "../view/wrap.h"
#include "parts.h"

#define WIDTH 80
#define DRIVER_WIDTH 16
#define PLACES_SHOWN 10

static void side_words(char *buf, size_t size, const struct storm_side *side, const char *when)
{
	char rate[FMT_LEN], share[FMT_LEN];
	int n = snprintf(buf, size, "%s a second %s", fmt_count(rate, side->saved_s, 8), when);

	if (side->percent >= 0)
		snprintf(buf + n, size - n, " (%s %% of all)", fmt_count(share, side->percent, 5));
}

static void sum_words(char buf[WORDS_LEN], const struct compare *c)
{
	char before[80], after[80];

	side_words(before, sizeof(before), &c->storm[BEFORE], "before");
	side_words(after, sizeof(after), &c->storm[AFTER], "after");
	snprintf(buf, WORDS_LEN, "batches of single buffers would save barriers: %s, %s", before,
		 after);
}

static const char *rate_words(char buf[FMT_LEN], const struct compare_storm *s, enum side side)
{
	return s->saved_s.known[side] ? fmt_count(buf, s->saved_s.value[side], 8) : "-";
}

/* "-97.8 %"; all of it where nothing is left, which has no logarithm. */
static const char *storm_change(char *buf, size_t size, const struct compare_storm *s)
{
	const struct figure *f = &s->saved_s;

	if (!f->has_ratio && f->known[AFTER] && f->value[BEFORE] > 0 && f->value[AFTER] <= 0) {
		snprintf(buf, size, "-100 %%");
		return buf;
	}
	return change_words(buf, size, f);
}

static void length_words(char *buf, size_t size, const struct compare_storm *s)
{
	char before[FMT_LEN], after[FMT_LEN];

	snprintf(buf, size, "%s > %s",
		 s->sum[BEFORE].runs ? fmt_count(before, storm_length(s, BEFORE), 5) : "-",
		 s->sum[AFTER].runs ? fmt_count(after, storm_length(s, AFTER), 5) : "-");
}

static const char *verdict_words(const struct compare_storm *s)
{
	if (s->verdict != VERDICT_NONE)
		return storm_verdict_name(s->verdict);
	return !s->sum[BEFORE].calls ? "new" : !s->sum[AFTER].calls ? "gone" : "-";
}

static void print_driver(FILE *out, const struct compare_storm *s)
{
	char name[CELL_LEN], b[FMT_LEN], a[FMT_LEN], change[48], limits[80], length[64];

	fit_name(name, s->driver, DRIVER_WIDTH);
	length_words(length, sizeof(length), s);
	fprintf(out, "%-*s %8s %8s %8s %-15s %12s %s\n", DRIVER_WIDTH, name,
		rate_words(b, s, BEFORE), rate_words(a, s, AFTER),
		storm_change(change, sizeof(change), s),
		limits_words(limits, sizeof(limits), &s->saved_s), length, verdict_words(s));
}

static void print_frames(FILE *out, const struct stack *stack)
{
	struct wrap w = { .out = out, .width = WIDTH - 1 };
	unsigned int i;

	wrap_begin(&w, "");
	for (i = stack->n; i-- > 0;)
		wrap_words(&w, "%s%s", i + 1 < (unsigned int)stack->n ? "< " : "",
			   stack->frames[i]);
	wrap_end(&w);
}

static void print_place(FILE *out, const struct compare_storm *s)
{
	char name[CELL_LEN], b[FMT_LEN], a[FMT_LEN], change[48], limits[80];

	fit_name(name, s->driver, DRIVER_WIDTH);
	fprintf(out, "%8s %8s %8s %-15s %s %s\n", rate_words(b, s, BEFORE), rate_words(a, s, AFTER),
		storm_change(change, sizeof(change), s),
		limits_words(limits, sizeof(limits), &s->saved_s), name, op_name(s->op));
	print_frames(out, s->stack);
}

/* The functions that would have to batch, or do so since. */
static void print_places(FILE *out, const struct compare *c)
{
	size_t i, shown = 0, rest = 0;

	for (i = c->n_storm_drivers; i < c->n_storms; i++) {
		if (c->storms[i].minor || shown == PLACES_SHOWN) {
			rest++;
			continue;
		}
		if (!shown++)
			fprintf(out, "\n%8s %8s %8s %-15s %s\n", "BEFORE/S", "AFTER/S", "SAVED/S",
				"95 % INTERVAL", "WHERE");
		print_place(out, &c->storms[i]);
	}
	if (rest)
		fprintf(out, "%zu more place%s: --json\n", rest, rest == 1 ? "" : "s");
}

void storms_print_text(FILE *out, const struct compare *c)
{
	char text[WORDS_LEN], name[CELL_LEN];
	size_t i;

	if (!storms_told(c))
		return;
	fputc('\n', out);
	sum_words(text, c);
	wrap_paragraph(out, WIDTH, "storms", "%s", text);
	fprintf(out, "%-*s %8s %8s %8s %-15s %12s %s\n", DRIVER_WIDTH, "DRIVER", "BEFORE/S",
		"AFTER/S", "SAVED/S", "95 % INTERVAL", "CALLS A RUN", "VERDICT");
	for (i = 0; i < c->n_storm_drivers; i++)
		print_driver(out, &c->storms[i]);
	for (i = 0; i < c->n_storm_drivers; i++) {
		fit_name(name, c->storms[i].driver, DRIVER_WIDTH);
		if (c->storms[i].why[0])
			wrap_paragraph(out, WIDTH, "", "%s: %s", name, c->storms[i].why);
	}
	print_places(out, c);
}

static void print_driver_markdown(FILE *out, const struct compare_storm *s)
{
	char name[CELL_LEN], b[FMT_LEN], a[FMT_LEN], change[48], limits[80], length[64], p[32] = "";

	if (s->tested)
		snprintf(p, sizeof(p), "%.2g", s->p_holm);
	length_words(length, sizeof(length), s);
	fprintf(out, "| `%s` | %s | %s | %s %s | %s | %s | %s |\n", markdown_name(name, s->driver),
		rate_words(b, s, BEFORE), rate_words(a, s, AFTER),
		storm_change(change, sizeof(change), s),
		limits_words(limits, sizeof(limits), &s->saved_s), p, length, verdict_words(s));
}

void storms_print_markdown(FILE *out, const struct compare *c)
{
	char text[WORDS_LEN];
	size_t i;

	if (!storms_told(c))
		return;
	sum_words(text, c);
	fprintf(out,
		"\nStorms: %s.\n\n| driver | dsb/s saved before | after | change [95 %%] | p |"
		" calls a run | verdict |\n|---|--:|--:|--:|--:|--:|---|\n",
		text);
	for (i = 0; i < c->n_storm_drivers; i++)
		print_driver_markdown(out, &c->storms[i]);
}
