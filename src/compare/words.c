// SPDX-License-Identifier: GPL-2.0
/* Phrases of a comparison. */
#include <math.h>
#include <string.h>
#include <dmasync/columns.h>
#include <dmasync/units.h>
#include "parts.h"

/* A ratio as a change in percent, without its sign: three digits, and no minus before a zero. */
static void percent(char *buf, size_t size, double ratio)
{
	double v = (ratio - 1) * 100;

	if (fabs(v) < 0.05)
		snprintf(buf, size, "0.0");
	else
		snprintf(buf, size, fabs(v) < 100 ? "%+.1f" : "%+.0f", v);
}

const char *change_words(char *buf, size_t size, const struct figure *f)
{
	snprintf(buf, size, "-");
	if (f->has_ratio) {
		percent(buf, size - 2, f->r.ratio);
		strcat(buf, " %");
	}
	return buf;
}

const char *limits_words(char *buf, size_t size, const struct figure *f)
{
	char low[32], high[32];

	buf[0] = '\0';
	if (f->has_ratio && f->has_limits) {
		percent(low, sizeof(low), f->r.low);
		percent(high, sizeof(high), f->r.high);
		snprintf(buf, size, "[%s, %s]", low, high);
	}
	return buf;
}

static void count_words(char *buf, size_t size, double v)
{
	if (v >= 1e9)
		snprintf(buf, size, "%.3g", v);
	else if (fabs(v - round(v)) < 1e-9)
		snprintf(buf, size, "%.0f", v);
	else
		snprintf(buf, size, v >= 100 ? "%.1f" : "%.3g", v);
}

static const char *no_dsb(const struct compare_row *row, enum side side)
{
	const struct row_side *s = &row->side[side];

	return !s->runs ? "-" : s->dsb_source == DSB_NONE ? "n/a" : "unknown";
}

const char *value_words(char *buf, size_t size, const struct compare_row *row,
			enum figure_kind kind, enum side side)
{
	const struct figure *f = &row->figure[kind];
	char text[FMT_LEN];

	if (!f->known[side])
		snprintf(buf, size, "%s", kind >= FIG_DSB_CALL ? no_dsb(row, side) : "-");
	else if (kind >= FIG_DSB_CALL)
		count_words(buf, size, f->value[side]);
	else if (kind == FIG_CPU)
		snprintf(buf, size, "%.3g", f->value[side]);
	else if (kind == FIG_CALLS_S)
		snprintf(buf, size, "%s", fmt_count(text, f->value[side], 8));
	else
		snprintf(buf, size, "%s", fmt_ns(text, f->value[side], 7));
	return buf;
}

bool row_is_minor(const struct compare_row *row)
{
	return row->side[BEFORE].share < COMPARE_FEW && row->side[AFTER].share < COMPARE_FEW;
}

bool row_matters(const struct compare_row *row)
{
	return row->side[BEFORE].runs && row->side[AFTER].runs && !row_is_minor(row);
}

bool minor_words(char buf[WORDS_LEN], const struct compare *c)
{
	size_t n = 0, i;

	for (i = 0; i < c->n_rows; i++)
		n += row_is_minor(&c->rows[i]);
	snprintf(buf, WORDS_LEN,
		 "%zu more row%s with less than %g %% of the time in DMA calls: --json", n,
		 n == 1 ? "" : "s", COMPARE_FEW * 100);
	return n;
}

/* The kernel's function, as a patch's reader knows it; names are not those of one version. */
static void function_words(char *buf, size_t size, enum op op)
{
	if (op == OP_ARCH_SYNC_FOR_DEVICE || op == OP_ARCH_SYNC_FOR_CPU)
		snprintf(buf, size, "arch_sync_dma_%s", op_name(op) + strlen("arch_sync_"));
	else if (op_is_arch(op) || op_is_chain(op))
		snprintf(buf, size, "%s", op_name(op));
	else
		snprintf(buf, size, "dma_%s", op_name(op));
}

/* Whether the operation alone does not tell which row is meant. */
static bool needs_device(const struct compare *c, const struct compare_row *row)
{
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		if (&c->rows[i] != row && c->rows[i].op == row->op && row_matters(&c->rows[i]) &&
		    strcmp(c->rows[i].dev, row->dev))
			return true;
	}
	return false;
}

static size_t time_words(char *buf, size_t size, const struct compare *c,
			 const struct compare_row *row)
{
	const struct figure *f = &row->figure[FIG_NS_CALL];
	char change[48], limits[80];

	change_words(change, sizeof(change), f);
	limits_words(limits, sizeof(limits), f);
	switch (row->verdict) {
	case VERDICT_FASTER:
	case VERDICT_SLOWER:
		return snprintf(buf, size, " %s %s", change, limits);
	case VERDICT_SAME:
		return snprintf(buf, size, " same within %g %% %s", c->opt->noise * 100, limits);
	case VERDICT_UNCLEAR:
		return snprintf(buf, size, " unclear: %s %s", change, limits);
	case VERDICT_NONE:
		break;
	}
	/* Its first words; the rest is with the row. */
	return snprintf(buf, size, " %s (%.*s: no verdict)", change, (int)strcspn(row->why, ":"),
			row->why);
}

bool headline_words(char buf[WORDS_LEN], const struct compare *c, const struct compare_row *row)
{
	enum figure_kind exact = op_is_chain(row->op) ? FIG_STEPS_CALL : FIG_DSB_CALL;
	const struct figure *dsb = &row->figure[exact];
	char before[32], after[32], name[CELL_LEN];
	size_t len;

	if (!row_matters(row))
		return false;
	function_words(buf, WORDS_LEN, row->op);
	len = strlen(buf);
	if (row->dir < DIR_COUNT)
		len += snprintf(buf + len, WORDS_LEN - len, " %s", dir_name(row->dir));
	if (needs_device(c, row)) {
		fit_name(name, row->dev, 40);
		len += snprintf(buf + len, WORDS_LEN - len, " %s", name);
	}
	len += time_words(buf + len, WORDS_LEN - len, c, row);
	if (dsb->known[BEFORE] && dsb->known[AFTER] && dsb->value[BEFORE] != dsb->value[AFTER])
		snprintf(buf + len, WORDS_LEN - len, ", %s per call %s -> %s",
			 exact == FIG_STEPS_CALL ? "steps" : "dsb",
			 value_words(before, sizeof(before), row, exact, BEFORE),
			 value_words(after, sizeof(after), row, exact, AFTER));
	return true;
}

void side_summary(char buf[WORDS_LEN], const struct compare *c, enum side side)
{
	size_t n = c->side[side].n, i, intervals = 0;
	const struct compare_run *first = c->side[side].runs[0];
	char each[FMT_LEN], name[CELL_LEN];
	__u64 dur_ns = 0;

	for (i = 0; i < n; i++) {
		dur_ns += c->side[side].runs[i]->dur_ns;
		intervals += c->side[side].runs[i]->intervals;
	}
	fit_name(name, first->info.hdr.release, CELL_LEN - 1);
	snprintf(buf, WORDS_LEN, "%zu run%s of %s, %zu intervals in all: %s%s%.12s, %s", n,
		 n == 1 ? "" : "s", fmt_ns(each, (double)dur_ns / n, 6), intervals, name,
		 first->info.build_id[0] ? " build " : "", first->info.build_id,
		 flavour_name(first->info.hdr.flavour));
}

/* Why no row is judged, by the first that is on both sides: the one with most time. */
static void differences_words(char buf[WORDS_LEN], const struct compare *c)
{
	const struct compare_row *row;
	char name[CELL_LEN];
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		row = &c->rows[i];
		if (row->side[BEFORE].runs && row->side[AFTER].runs)
			break;
	}
	if (i == c->n_rows)
		snprintf(buf, WORDS_LEN, "no operation of a device has calls on both sides");
	else if (c->side[BEFORE].n < 2 || c->side[AFTER].n < 2)
		snprintf(buf, WORDS_LEN,
			 "differences only: a verdict takes at least 4 runs a side");
	else
		snprintf(buf, WORDS_LEN, "differences only: no row could be judged (%s %s: %s)",
			 op_name(row->op), (fit_name(name, row->dev, 40), name), row->why);
}

/* Whether some judged row has more runs than the exact test takes. */
static bool beyond_exact(const struct compare *c)
{
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		if (c->rows[i].tested &&
		    c->rows[i].side[BEFORE].runs + c->rows[i].side[AFTER].runs > MANN_WHITNEY_EXACT)
			return true;
	}
	return false;
}

void method_words(char buf[WORDS_LEN], const struct compare *c)
{
	bool beyond = beyond_exact(c);

	if (!c->n_tested) {
		differences_words(buf, c);
		return;
	}
	snprintf(buf, WORDS_LEN,
		 "95 %% intervals by bootstrap of runs and of blocks of intervals (%u draws, seed "
		 "%llu); p by %sMann-Whitney over runs%s, Holm over %zu row%s; noise band %g %%",
		 c->opt->draws, c->opt->seed, beyond ? "" : "exact ",
		 beyond ? " (normal approximation above 60)" : "", c->n_tested,
		 c->n_tested == 1 ? "" : "s", c->opt->noise * 100);
}
