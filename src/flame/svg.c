// SPDX-License-Identifier: GPL-2.0
/* Flame graph as one SVG that needs nothing besides itself. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "svg.h"
#include "text.h"

/* Short, and the same in every locale: pixels with two decimals where there are any. */
static void attribute(FILE *f, const char *name, double v)
{
	double r = round(v * 100) / 100;

	if (r == floor(r))
		fprintf(f, " %s=\"%.0f\"", name, r);
	else
		fprintf(f, " %s=\"%.2f\"", name, r);
}

static void write_label(const struct svg *s, __u32 node, double x, double w, double y)
{
	const char *name = flame_name(s->t, node);
	unsigned int room = w > 6 ? (w - 6) / SVG_CHAR : 0, len = flame_length(name);

	if (room < 3)
		return;
	fputs("<text", s->f);
	attribute(s->f, "x", x + 3);
	attribute(s->f, "y", y + SVG_ROW - 5);
	fputc('>', s->f);
	flame_xml(s->f, name, len > room ? room - 1 : len);
	fputs(len > room ? "…</text>" : "</text>", s->f);
}

static void write_frame(const struct svg *s, __u32 node)
{
	const struct flame_box *box = &s->layout[FLAME_AFTER].box[node];
	const struct flame_box *before = s->t->diff ? &s->layout[FLAME_BEFORE].box[node] : NULL;
	double y = -SVG_ROW * (s->t->nodes[node].depth + 1.0);
	double gap;
	bool gone = !box->w;
	char class[8];

	/* One that only the view of BEFORE shows lies where it does there. */
	if (gone)
		box = before;
	if (!box || !box->w)
		return;
	fputs(gone ? "<g style=\"display:none\" data-gone=\"1\"" : "<g", s->f);
	if (before && before->w) {
		fputs(" data-b=\"", s->f);
		fprintf(s->f, "%.2f %.2f\"", before->x, before->w);
	}
	/* Neighbours of one colour stand apart; flame.js adds it again. */
	gap = fmin(0.6, 0.2 * box->w);
	fputs("><title>", s->f);
	svg_tooltip(s, node);
	fprintf(s->f, "</title><rect class=\"%s\"", svg_class(s, node, class));
	attribute(s->f, "x", box->x);
	attribute(s->f, "y", y);
	attribute(s->f, "width", box->w - gap);
	fprintf(s->f, " height=\"%d\"/>", SVG_ROW - 1);
	write_label(s, node, box->x, box->w, y);
	fputs("</g>\n", s->f);
}

/* From the root to the leaves and from left to right: a frame's descendants follow it. */
static void write_frames(const struct svg *s)
{
	const struct flame_node *nodes = s->t->nodes;
	__u32 node = 0;

	for (;;) {
		write_frame(s, node);
		if (nodes[node].child) {
			node = nodes[node].child;
			continue;
		}
		while (node && !nodes[node].next)
			node = nodes[node].parent;
		if (!node)
			return;
		node = nodes[node].next;
	}
}

/* The height is known when the texts are laid out: they go into memory first. */
static int write_texts(struct svg *s, char **text, size_t *size, void (*write)(struct svg *s))
{
	FILE *out = s->f;
	int err;

	s->f = open_memstream(text, size);
	if (!s->f) {
		s->f = out;
		return -ENOMEM;
	}
	write(s);
	err = ferror(s->f) ? -ENOMEM : 0;
	if (fclose(s->f))
		err = -ENOMEM;
	s->f = out;
	return err;
}

static void write_start(const struct svg *s, double height)
{
	fprintf(s->f,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%.0f\""
		" viewBox=\"0 0 %u %.0f\" role=\"group\" aria-labelledby=\"picture-title\""
		" class=\"flame\" data-width=\"%u\" data-row=\"%d\""
		" data-pad=\"%d\" data-char=\"%.1f\" data-word=\"%.1f\" data-line=\"%d\""
		" data-swatch=\"%d\">\n<title id=\"picture-title\">",
		s->p->width, height, s->p->width, height, s->p->width, SVG_ROW, SVG_PAD, SVG_CHAR,
		SVG_WORD, SVG_LINE, SVG_SWATCH);
	flame_xml(s->f, svg_title(s), ~0u);
	fputs("</title>\n<style>\n", s->f);
	fputs(flame_css, s->f);
	svg_colours(s);
	fputs("</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n", s->f);
}

static int write_all(struct svg *s)
{
	char *head = NULL, *foot = NULL;
	size_t size;
	double base;
	int err;

	err = write_texts(s, &head, &size, svg_head);
	/* The view of BEFORE makes room for itself. */
	s->y += SVG_ROW * (s->layout[FLAME_AFTER].depth + 1.0);
	base = s->y;
	s->y += 6;
	err = err ?: write_texts(s, &foot, &size, svg_foot);
	if (!err) {
		write_start(s, s->y + SVG_PAD);
		fprintf(s->f, "<g class=\"head\">\n%s</g>\n", head);
		fprintf(s->f, "<g class=\"frames\" transform=\"translate(0 %.0f)\">\n", base);
		write_frames(s);
		fprintf(s->f, "</g>\n<g class=\"foot\">\n%s</g>\n", foot);
		fprintf(s->f, "<script><![CDATA[\n%s]]></script>\n</svg>\n", flame_js);
	}
	free(head);
	free(foot);
	return err;
}

int flame_write_svg(FILE *f, const struct flame_tree *t, const struct flame_source *src,
		    const struct flame_picture *p)
{
	struct svg s = { .f = f, .t = t, .src = src, .p = p };
	int err;

	if (t->diff)
		s.scale = flame_scale(t, src, p->noise);
	err = flame_layout(t, FLAME_AFTER, p->width, p->min_px, &s.layout[FLAME_AFTER]);
	if (!err && t->diff)
		err = flame_layout(t, FLAME_BEFORE, p->width, p->min_px, &s.layout[FLAME_BEFORE]);
	err = err ?: write_all(&s);
	flame_layout_free(&s.layout[FLAME_AFTER]);
	flame_layout_free(&s.layout[FLAME_BEFORE]);
	return err;
}
