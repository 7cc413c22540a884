/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of the SVG writer. */
#ifndef DMASYNC_FLAME_SVG_H
#define DMASYNC_FLAME_SVG_H

#include <dmasync/flame.h>

/* Pixels. The widths of characters are upper limits of common fonts: texts fit or are cut. */
#define SVG_ROW 17    /* from frame to frame */
#define SVG_PAD 10    /* left and right of texts */
#define SVG_CHAR 7.3  /* 12 px monospaced: frames */
#define SVG_WORD 6.7  /* 12 px proportional: paragraphs */
#define SVG_TITLE 9.6 /* 17 px bold */
#define SVG_LINE 17   /* from line to line of a paragraph */
#define SVG_SWATCH 18 /* colour of a legend's item and the gap to its text */

#define SVG_TONES 8 /* shades of a layer, chosen by name */

/* The files flame.js and flame.css, as they are in the tree. */
extern const char flame_js[], flame_css[];

struct svg {
	FILE *f;
	const struct flame_tree *t;
	const struct flame_source *src; /* one a side */
	const struct flame_picture *p;
	struct flame_scale scale;		 /* with two sides */
	struct flame_layout layout[FLAME_SIDES]; /* the second with two sides only */
	double y;				 /* where the next line goes */
};

/* Rules of the colours' classes. */
void svg_colours(const struct svg *s);

/* Class of @node's colour. @buf has at least 8 bytes; returns it. */
char *svg_class(const struct svg *s, __u32 node, char *buf);

/* "17.3us", "1,234" or "32.0M": @v of the tree's weight. @buf has FLAME_NUM_LEN bytes. */
char *svg_amount(const struct svg *s, double v, char *buf);

/* "-64.6 %", "+3.2 %" or, from doubled on, "x2.5". @buf has FLAME_NUM_LEN bytes. */
char *svg_percent(double ratio, char *buf);

/* "entry", "call" or "second": what totals are divided by when two sides are compared. */
const char *svg_per(const struct svg *s);

/* What the picture is called, and the paragraphs and legend above the frames. */
void svg_head(struct svg *s);

/* What is to be known about what is not drawn, below them. */
void svg_foot(struct svg *s);

/* Title of the picture as given, or by its weight. */
const char *svg_title(const struct svg *s);

/* Tooltip of @node: its name, and lines of figures. */
void svg_tooltip(const struct svg *s, __u32 node);

#endif
