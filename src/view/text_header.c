// SPDX-License-Identifier: GPL-2.0
/* The first lines of text output: which kernel, what is measured, how, and what that costs. */
#include <dmasync/bar.h>
#include <dmasync/units.h>
#include <dmasync/view.h>
#include "clean.h"
#include "text.h"
#include "wrap.h"

const char *flavour_words(enum flavour flavour)
{
	switch (flavour) {
	case FLAVOUR_NONE:
		return "n/a: no cache maintenance for DMA on this architecture";
	case FLAVOUR_PER_ENTRY:
		return "per-entry: one dsb (wait) for every scatterlist entry";
	case FLAVOUR_UPSTREAM_BATCHED:
		return "upstream-batched: one dsb a call, also where nothing was maintained";
	case FLAVOUR_DMASYNC_BATCHED:
		return "dmasync-batched: one dsb a call, none where nothing was maintained";
	case FLAVOUR_UNKNOWN:
		break;
	}
	return "unknown: the kernel's symbols could not be read, so none are derived; run as root";
}

void hooks_summary(const struct header *hdr, char *buf, size_t size)
{
	unsigned int per_rung[RUNG_COUNT] = {}, i;
	size_t len = 0;
	int rung;

	for (i = 0; i < hdr->n_hooks; i++)
		per_rung[hdr->hooks[i].rung]++;
	buf[0] = '\0';
	for (rung = RUNG_NONE + 1; rung < RUNG_COUNT; rung++) {
		if (per_rung[rung] && len < size)
			len += snprintf(buf + len, size - len, "%s%s x%u", len ? ", " : "",
					rung_name(rung), per_rung[rung]);
	}
	if (!len)
		snprintf(buf, size, "no hook attached");
}

void refused_words(const struct header *hdr, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < hdr->n_hooks && len < size; i++) {
		const struct hook_state *h = &hdr->hooks[i];

		if (h->refused)
			len += snprintf(buf + len, size - len, "%s%s (%s)",
					len ? ", " : "not watched: ", h->name, h->reason);
	}
}

/* "; absent: a, b": a separator sticks to the word before it. */
static void absent_hooks(struct wrap *w, const struct header *hdr)
{
	const char *separator = "; absent:";
	unsigned int i;

	for (i = 0; i < hdr->n_hooks; i++) {
		if (hdr->hooks[i].rung != RUNG_NONE || hdr->hooks[i].refused)
			continue;
		w->col += fprintf(w->out, "%s", separator);
		wrap_words(w, "%s", hdr->hooks[i].name);
		separator = ",";
	}
}

static void print_hooks(FILE *out, const struct header *hdr)
{
	unsigned int i;

	for (i = 0; i < hdr->n_hooks; i++) {
		const struct hook_state *h = &hdr->hooks[i];
		char end[32] = "", name[sizeof(h->name)], reason[sizeof(h->reason)];

		if (h->end != END_NONE)
			snprintf(end, sizeof(end), "end: %s%s", hook_end_name(h->end),
				 h->reason[0] ? ", " : "");
		fprintf(out, "%*s%-32s %-8s %s%s\n", LABEL_WIDTH, "",
			clean_for_terminal(name, sizeof(name), h->name), rung_name(h->rung), end,
			clean_for_terminal(reason, sizeof(reason), h->reason));
	}
}

static void print_refused(struct wrap *w, const struct header *hdr)
{
	char words[512];

	refused_words(hdr, words, sizeof(words));
	if (!words[0])
		return;
	wrap_begin(w, "!!!");
	wrap_words(w, "%s: what they do is missing below", words);
	wrap_end(w);
}

static void print_level(struct wrap *w, const struct header *hdr)
{
	char summary[128];

	hooks_summary(hdr, summary, sizeof(summary));
	wrap_begin(w, "probes");
	if (hdr->backend == BACKEND_FTRACE)
		wrap_words(w, "by ftrace%s%s%s,", hdr->backend_reason[0] ? " (" : "",
			   hdr->backend_reason, hdr->backend_reason[0] ? ")" : "");
	wrap_words(w, "level %s%s%s: %s", level_name(hdr->level), hdr->exact ? ", exact" : "",
		   hdr->bytes ? "" : ", bytes of lists off", summary);
	absent_hooks(w, hdr);
	wrap_end(w);
}

static void print_cost(struct wrap *w, const struct header *hdr)
{
	bool inside = hdr->exact || hdr->level == LEVEL_ARCH;
	const char *end = inside ? ";" : "";
	char floor[FMT_LEN], tax[FMT_LEN];

	wrap_begin(w, "own cost");
	if (!hdr->cost.valid)
		wrap_words(w, "could not be measured%s%s%s", hdr->cost.why[0] ? ": " : "",
			   hdr->cost.why, end);
	else
		wrap_words(w, "%s inside each measured call, %s a call in all%s",
			   fmt_ns(floor, hdr->cost.floor_ns, 6), fmt_ns(tax, hdr->cost.tax_ns, 6),
			   end);
	if (inside)
		wrap_words(w, "%s probes run inside API calls: their latencies contain them",
			   hdr->exact ? "counting" : "arch-level");
	wrap_end(w);
}

void text_header(FILE *out, const struct header *hdr, const struct options *opt)
{
	struct wrap w = { .out = out, .width = output_width(out) };

	wrap_begin(&w, "kernel");
	wrap_words(&w, "%s %s, %u CPU%s%s%s", hdr->release, hdr->machine, hdr->cpus,
		   hdr->cpus == 1 ? "" : "s", hdr->model[0] ? ", " : "", hdr->model);
	wrap_end(&w);
	wrap_begin(&w, "barriers");
	wrap_words(&w, "%s", flavour_words(hdr->flavour));
	if (hdr->flavour != FLAVOUR_NONE)
		wrap_words(&w, "(%s)",
			   hdr->exact			     ? "counted"
			   : hdr->flavour == FLAVOUR_UNKNOWN ? "not counted either"
							     : "derived");
	wrap_end(&w);
	print_level(&w, hdr);
	print_refused(&w, hdr);
	if (opt->verbose)
		print_hooks(out, hdr);
	print_cost(&w, hdr);
	wrap_begin(&w, "legend");
	wrap_words(&w, "HW c coherent, n not, + behind an IOMMU; DIR -> to device, <- from it");
	wrap_end(&w);
}
