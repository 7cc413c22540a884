// SPDX-License-Identifier: GPL-2.0
/* Texts around the frames: what the widths and colours mean, where the figures come from. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/units.h>
#include "svg.h"
#include "text.h"

static const struct {
	const char *title, *width;
} weights[FLAME_WEIGHTS] = {
	[FLAME_TIME] = { "Time in DMA API calls", "time in DMA API calls" },
	[FLAME_CALLS] = { "DMA API calls", "number of DMA API calls" },
	[FLAME_BYTES] = { "Bytes through the DMA API", "bytes passed to DMA API calls" },
	[FLAME_DSB] = { "Barriers in DMA API calls", "dsb barriers executed in DMA API calls" },
	[FLAME_SAVED] = { "Barriers that batches of single buffers would save",
			  "dsb barriers that one for each run of calls for single buffers would save" },
	[FLAME_SAMPLES] = { "CPU time", "samples of what the CPUs ran" },
};

const char *svg_title(const struct svg *s)
{
	return s->p->title ?: weights[s->t->weight].title;
}

/* Words of @text in lines of at most @room characters; the script wraps them anew by @class. */
static void wrap(struct svg *s, const char *class, const char *text, double char_px, double line)
{
	unsigned int room = (s->p->width - 2 * SVG_PAD) / char_px, used = 0, len;
	char word[FLAME_NAME_MAX];
	size_t n;

	fprintf(s->f, "<text class=\"%s\" y=\"%.0f\"><tspan x=\"%d\">", class, s->y + line - 4,
		SVG_PAD);
	for (; *text; text += n + strspn(text + n, " ")) {
		n = strcspn(text, " ");
		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		len = flame_length(word);
		if (used && used + 1 + len > room) {
			fprintf(s->f, " </tspan><tspan x=\"%d\" dy=\"%.0f\">", SVG_PAD, line);
			s->y += line;
			used = 0;
		} else if (used) {
			fputc(' ', s->f);
			used++;
		}
		flame_xml(s->f, word, ~0u);
		used += len;
	}
	fputs("</tspan></text>\n", s->f);
	s->y += line;
}

static void paragraph(struct svg *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void paragraph(struct svg *s, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	wrap(s, "p", text, SVG_WORD, SVG_LINE);
}

static const char *barriers(const struct flame_source *src)
{
	return src->dsb == DSB_COUNTED ? ", exact (counted by probes)"
				       : ", exact (derived from entries, directions and flavour)";
}

/* "13.1ms in 128 calls, 102us a call, during 1.50s"; compared, what colours are about. */
static void amounts(const struct svg *s, enum flame_side side, char *buf, size_t size)
{
	const struct flame_values *v = &s->t->values[side][0];
	bool by_entry = s->t->diff && flame_per(s->t) == PER_ENTRY_OF_RUN;
	char all[FLAME_NUM_LEN], n[FLAME_NUM_LEN], each[FLAME_NUM_LEN], time[FMT_LEN];
	char entries[FLAME_NUM_LEN];
	const char *unit = s->t->weight == FLAME_DSB || s->t->weight == FLAME_SAVED ? " dsb" : "";

	svg_amount(s, v->weight, all);
	flame_num(n, v->calls);
	fmt_ns(time, s->src[side].dur_ns, 6);
	if (s->t->weight == FLAME_SAMPLES)
		snprintf(buf, size, "%s samples in %s, %u a second of each CPU", all, time,
			 s->src[side].info.profile_hz);
	else if (s->t->weight == FLAME_CALLS)
		snprintf(buf, size, "%s during %s", all, time);
	else if (by_entry)
		snprintf(buf, size, "%s%s in %s calls with %s entries, %s%s an entry, during %s",
			 all, unit, n, flame_num(entries, v->entries),
			 svg_amount(s, (double)v->weight / v->entries, each), unit, time);
	else
		snprintf(buf, size, "%s%s in %s calls, %s%s a call, during %s", all, unit, n,
			 svg_amount(s, (double)v->weight / (v->calls ?: 1), each), unit, time);
}

static void tell_width(struct svg *s)
{
	char all[160], was[160] = "";

	amounts(s, FLAME_AFTER, all, sizeof(all));
	if (s->t->diff)
		amounts(s, FLAME_BEFORE, was, sizeof(was));
	paragraph(s, "Width: %s%s%s. %s: %s.%s%s%s%s%s", weights[s->t->weight].width,
		  s->t->weight == FLAME_DSB ? barriers(s->src) : "", s->t->diff ? " in AFTER" : "",
		  s->t->diff ? "After" : "All", all, s->t->diff ? " Before: " : "", was,
		  s->t->diff ? "." : "", s->p->by == BY_ROW ? "" : " Bottom frames: by ",
		  s->p->by == BY_ROW ? "" : group_name(s->p->by));
}

static void tell_colour(struct svg *s)
{
	struct flame_change all = flame_change(s->t, &s->scale, 0);
	char ratio[FLAME_NUM_LEN];

	paragraph(s,
		  "Colour: change of a frame's total per %s of its run%s, so that runs of different"
		  " %s compare; of all: %s. Grey: within %.4g %%%s.",
		  svg_per(s), s->t->weight == FLAME_SAMPLES ? " and sampling rate" : "",
		  flame_per(s->t) == PER_SECOND_OF_RUN ? "length" : "work",
		  all.ratio ? svg_percent(all.ratio, ratio) : "new", 100 * s->scale.noise,
		  !s->scale.counting		  ? ""
		  : s->t->weight == FLAME_SAMPLES ? " or the counting noise (2 sigma)"
						    " of its samples"
						  : " or the counting noise (2 sigma) of"
						    " its calls");
}

static void tell_source(struct svg *s, const char *side, const struct flame_source *src)
{
	const struct header *h = &src->info.hdr;

	paragraph(s, "%s%s%s%s %s; flavour %s%s%s", side, h->model,
		  *h->model ? "; Linux " : "Linux ", h->release, h->machine,
		  flavour_name(h->flavour), *src->info.command ? "; recorded by: " : "",
		  src->info.command);
}

/* One item of the legend, on the next line if it does not fit into this one. */
static void item(struct svg *s, double *x, const char *class, const char *text)
{
	double w = SVG_SWATCH + flame_length(text) * SVG_WORD + 16;

	if (*x > SVG_PAD && *x + w > s->p->width) {
		*x = SVG_PAD;
		s->y += SVG_LINE;
	}
	fprintf(s->f, "<g class=\"key\" transform=\"translate(%.0f %.0f)\">", *x, s->y);
	fprintf(s->f, "<rect class=\"%s\" y=\"2\" width=\"12\" height=\"12\"/>", class);
	fprintf(s->f, "<text class=\"k\" x=\"%d\" y=\"13\">%s</text></g>\n", SVG_SWATCH, text);
	*x += w;
}

static void layer_items(struct svg *s, double *x)
{
	static const struct {
		enum flame_layer layer;
		const char *text;
	} items[] = {
		{ LAYER_USER, "user space" },
		{ LAYER_ENTRY, "system call, interrupt, thread" },
		{ LAYER_IO, "file system, block, network" },
		{ LAYER_DRIVER, "driver" },
		{ LAYER_DMA, "DMA API, IOMMU" },
		{ LAYER_ARCH, "architecture" },
		{ LAYER_KERNEL, "other kernel" },
	};
	bool there[LAYER_COUNT] = {};
	char class[8];
	size_t i;

	for (i = 1; i < s->t->n; i++)
		there[s->t->nodes[i].layer] = true;
	for (i = 0; i < sizeof(items) / sizeof(*items); i++) {
		if (!there[items[i].layer])
			continue;
		snprintf(class, sizeof(class), "%c3", 'a' + items[i].layer);
		item(s, x, class,
		     items[i].layer == LAYER_USER && s->p->by != BY_ROW ? group_name(s->p->by)
									: items[i].text);
	}
}

static void change_items(struct svg *s, double *x)
{
	item(s, x, "l5", "a fifth or less");
	item(s, x, "l4", "half or less");
	item(s, x, "l2", "less");
	item(s, x, "same", "within the noise");
	item(s, x, "m2", "more");
	item(s, x, "m4", "double or more");
	item(s, x, "m5", "fivefold or more");
	item(s, x, "new", "new");
	item(s, x, "gone", "gone (in the view of BEFORE)");
}

void svg_head(struct svg *s)
{
	double x = SVG_PAD;

	s->y = 8;
	wrap(s, "h", svg_title(s), SVG_TITLE, 24);
	tell_width(s);
	if (s->t->diff) {
		tell_colour(s);
		tell_source(s, "After: ", &s->src[FLAME_AFTER]);
		tell_source(s, "Before: ", &s->src[FLAME_BEFORE]);
	} else {
		tell_source(s, "", s->src);
	}
	s->y += 3;
	if (s->t->diff)
		change_items(s, &x);
	else
		layer_items(s, &x);
	s->y += SVG_LINE + 6;
}

static void tell_folded(struct svg *s)
{
	const struct flame_layout *l = &s->layout[FLAME_AFTER];
	char n[FLAME_NUM_LEN];

	if (!l->folded)
		return;
	paragraph(s, "Frames narrower than %g px: %s, %.2g %% of the width, are not drawn.",
		  s->p->min_px, flame_num(n, l->folded), 100 * l->folded_share);
}

static void tell_limits(struct svg *s, const char *side, const struct flame_source *src,
			__u64 clamped)
{
	const struct header *h = &src->info.hdr;
	char n[FLAME_NUM_LEN], ns[FMT_LEN];

	if (*src->cut_off)
		paragraph(s, "%sThe capture ends early: %s.", side, src->cut_off);
	if (src->lost_stacks)
		paragraph(s,
			  "%s%s calls and samples found no room for their stack and are missing.",
			  side, flame_num(n, src->lost_stacks));
	if (s->t->weight == FLAME_DSB && src->dsb_unknown)
		paragraph(s, "%sThe barriers of %s calls are not known; they have no width here.",
			  side, flame_num(n, src->dsb_unknown));
	if (clamped)
		paragraph(s,
			  "%sNested calls exceed the calls around them by %s in all, which were"
			  " widened to hold them.",
			  side, svg_amount(s, clamped, n));
	if (s->t->weight != FLAME_TIME)
		return;
	if (h->cost.valid)
		paragraph(s, "%sEach call's time contains %s of the probes.", side,
			  fmt_ns(ns, h->cost.floor_ns, 6));
	else
		paragraph(s,
			  "%sEach call's time contains that of the probes, which was not measured.",
			  side);
	if (h->exact || h->level == LEVEL_ARCH)
		paragraph(s, "%sTimes of API calls contain the probes inside them (%s).", side,
			  h->exact ? "--exact" : "--level arch");
}

void svg_foot(struct svg *s)
{
	tell_folded(s);
	if (s->t->weight == FLAME_SAMPLES)
		paragraph(s, "A timer's interrupt takes the samples: what runs with interrupts off"
			     " counts where they are turned on again.");
	tell_limits(s, s->t->diff ? "After: " : "", &s->src[FLAME_AFTER],
		    s->t->clamped[FLAME_AFTER]);
	if (s->t->diff)
		tell_limits(s, "Before: ", &s->src[FLAME_BEFORE], s->t->clamped[FLAME_BEFORE]);
}
