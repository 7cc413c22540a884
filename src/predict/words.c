// SPDX-License-Identifier: GPL-2.0
/* Phrases of a prediction. */
#include <math.h>
#include <string.h>
#include <dmasync/columns.h>
#include <dmasync/units.h>
#include "parts.h"

const char *predict_how_name(enum predict_how how)
{
	static const char *const names[HOW_COUNT] = {
		[HOW_NONE] = "none",	 [HOW_NOTHING] = "nothing", [HOW_OWN] = "own",
		[HOW_POOLED] = "pooled", [HOW_ARCH] = "arch",	    [HOW_OTHER] = "other",
		[HOW_GIVEN] = "given",	 [HOW_BOUND] = "bound",
	};

	return (unsigned int)how < HOW_COUNT ? names[how] : "?";
}

const char *predict_sure_name(enum predict_how how, const struct predict_range *saving)
{
	double half = (saving->high - saving->low) / 2;

	if (how == HOW_NONE || how == HOW_BOUND)
		return "none";
	return half <= 0.05 ? "sure" : half <= 0.12 ? "fair" : "poor";
}

/* Whole percents, outwards: an interval must not look narrower than it is. */
static int percent_down(double v)
{
	return (int)floor(v * 100 + 1e-9);
}

static int percent_up(double v)
{
	return (int)ceil(v * 100 - 1e-9);
}

void predict_saving_words(char *buf, size_t size, const struct predict_row *row)
{
	const struct predict_range *s = &row->saving;

	if (row->how == HOW_NONE)
		snprintf(buf, size, "?");
	else if (row->how == HOW_NOTHING)
		snprintf(buf, size, "0 %%");
	else if (row->how == HOW_BOUND && row->waits_saved > 0)
		snprintf(buf, size, s->low > 0 ? "%2$d to %1$d %%" : "up to %d %%",
			 percent_up(s->high), percent_down(s->low));
	else
		snprintf(buf, size, "%.0f %% [%d, %d]", s->value * 100, percent_down(s->low),
			 percent_up(s->high));
}

/* What --flavour asks for. */
static const char *after_words(const struct predict *p)
{
	return p->opt->flavour == FLAVOUR_DMASYNC_BATCHED
		       ? "this project's series (patches/), which waits once a list, and not where "
			 "nothing was maintained"
		       : "Linux 7.1, which waits once a call, also where nothing was maintained";
}

void predict_method_words(char *buf, size_t size, const struct predict *p)
{
	char ns[FMT_LEN];
	int n;

	n = snprintf(buf, size, "after: %s. ", after_words(p));
	n += snprintf(buf + n, size - n, "95 %% intervals by leaving out %u blocks in turn%s",
		      p->blocks, p->n_runs >= PREDICT_RUNS_MIN ? ", and captures" : "");
	if (p->software_ns > 0)
		snprintf(buf + n, size - n,
			 "; of a wait up to %s may be what the kernel computes (%s)",
			 fmt_ns(ns, p->software_ns, 6),
			 p->software_measured ? "from lists that maintain nothing"
					      : "from the probes' own time");
}

static int range_words(char *buf, size_t size, const struct predict_range *r)
{
	char value[FMT_LEN], low[FMT_LEN], high[FMT_LEN];

	return snprintf(buf, size, "%s [%s, %s]", fmt_ns(value, (r->low + r->high) / 2, 6),
			fmt_ns(low, r->low, 6), fmt_ns(high, r->high, 6));
}

void predict_price_words(char wait[48], char line[48], const struct predict_row *row)
{
	range_words(wait, 48, &row->wait);
	if (row->line.low <= row->line.high)
		snprintf(line, 48, "%.2fns [%.2f, %.2f]", row->line.value, fmax(row->line.low, 0),
			 row->line.high);
	else
		snprintf(line, 48, "-");
}

void predict_page_words(char *buf, size_t size, const struct predict *p)
{
	bool ours = p->opt->flavour == FLAVOUR_DMASYNC_BATCHED;
	char ns[FMT_LEN];
	int n = 0;

	buf[0] = '\0';
	if (p->pages == PAGES_NONE)
		return;
	if (p->pages == PAGES_MEASURED)
		n = snprintf(
			buf, size,
			"page tables of a walker that is not coherent take %.0f barriers more, "
			"of %s each, inside the calls below",
			p->page_waits, fmt_ns(ns, p->page_ns, 6));
	else
		n = snprintf(buf, size, "%s, page tables take up to %.0f barriers more",
			     p->pages == PAGES_BOUND ? "as the walker is not coherent"
						     : "if the walker is not coherent",
			     p->page_waits);
	if (ours)
		snprintf(buf + n, size - n, "; patch 7 saves up to %.0f of them%s",
			 p->page_waits_saved,
			 p->pages == PAGES_MEASURED ? "" : ", which is not in the times below");
	else
		snprintf(buf + n, size - n, "; they stay");
}

/* "1049990 of 1050400 dsb/s", of all of the time so far. */
static int barrier_words(char *buf, size_t size, const struct predict *p, bool all)
{
	char saved[FMT_LEN], before[FMT_LEN];
	double secs = 0;
	size_t i;

	for (i = 0; i < p->n_runs; i++)
		secs += p->runs[i].dur_ns / 1e9;
	fmt_count(saved, (p->dsb_before - p->dsb_after) / (secs > 0 ? secs : 1), 7);
	fmt_count(before, p->dsb_before / (secs > 0 ? secs : 1), 7);
	return snprintf(buf, size, "%s%s%s dsb%s", saved, all ? " of " : "", all ? before : "",
			secs > 0 ? "/s" : "");
}

/* What an interval still tells that is too wide for a number; else where to find it. */
static void wide_words(char *buf, size_t size, const struct predict_range *saving)
{
	if (saving->low >= 0.05)
		snprintf(buf, size, ", %d to %d %% of this", percent_down(saving->low),
			 percent_up(saving->high));
	else if (saving->high <= 0.5)
		snprintf(buf, size, ", up to %d %% of this", percent_up(saving->high));
	else
		snprintf(buf, size, "; time: record more sizes, predict");
}

void predict_phrase(const struct predict *p, char *buf, size_t size)
{
	char barriers[64], wide[64];

	buf[0] = '\0';
	if (p->refused[0] || p->dsb_after >= p->dsb_before || p->saving.high < 0.005)
		return;
	/* One number for all only if it is about nearly all. */
	if (p->n_predicted && p->saving.high - p->saving.low <= 0.3) {
		barrier_words(barriers, sizeof(barriers), p, false);
		snprintf(buf, size, "batching would save about %.0f %% of this [%d, %d], %s",
			 p->saving.value * 100, percent_down(p->saving.low),
			 percent_up(p->saving.high), barriers);
	} else {
		barrier_words(barriers, sizeof(barriers), p, true);
		wide_words(wide, sizeof(wide), &p->saving);
		snprintf(buf, size, "batching would save %s%s", barriers, wide);
	}
}
