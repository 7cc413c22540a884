/* SPDX-License-Identifier: GPL-2.0 */
/* Flame graphs: calls by stack as a tree, laid out, written as SVG or for other tools. */
#ifndef DMASYNC_FLAME_H
#define DMASYNC_FLAME_H

#include <stdbool.h>
#include <stdio.h>
#include "capture.h"
#include "options.h"

/* What the width of a frame is. */
enum flame_weight {
	FLAME_TIME,    /* ns in calls */
	FLAME_CALLS,   /* calls; a nested one counts besides the one around it */
	FLAME_BYTES,   /* bytes passed to calls */
	FLAME_DSB,     /* barriers */
	FLAME_SAMPLES, /* samples of the on-CPU profile */
	FLAME_SAVED,   /* barriers that a batch around single buffers would save */
	FLAME_WEIGHTS,
};

/* Where a function belongs, which decides its colour. */
enum flame_layer {
	LAYER_KERNEL, /* none of those below */
	LAYER_DRIVER,
	LAYER_USER, /* user space, processes, devices */
	LAYER_ENTRY,
	LAYER_IO, /* file systems, block layer, network */
	LAYER_DMA,
	LAYER_ARCH,
	LAYER_COUNT,
};

/* A stack, and what stands below it: the root does not count. */
#define FLAME_DEPTH_MAX (STACK_FRAMES_MAX + 1)

/* A tree has one side, or two that are compared. */
enum flame_side {
	FLAME_AFTER,
	FLAME_BEFORE,
	FLAME_SIDES,
};

/* Of the calls at a stack, or of all beneath a frame. Times in ns. */
struct flame_values {
	__u64 calls; /* outermost ones beneath the frame: nested calls are parts of them */
	__u64 entries, bytes, ns, dsb, samples, saved;
	__u64 weight;  /* what the width shows; for calls: nested ones too */
	__u64 self;    /* weight that is not beneath any other frame */
	bool recorded; /* calls end here */
};

struct flame_node {
	__u32 name;		   /* in the tree's names */
	__u32 parent, child, next; /* 0: none; the root is node 0 */
	__u16 depth;
	__u8 layer;
	bool user;
};

struct flame_name {
	char *s; /* as shown: valid UTF-8 without control characters */
	__u32 hash;
	__u32 rank;	/* by alphabet; known after flame_tree_finish() */
	__u8 layer;	/* as flame_layer() tells it */
	bool interrupt; /* as flame_is_interrupt() tells it */
};

/* Every stack once, merged from their outermost frames. */
struct flame_tree {
	enum flame_weight weight;
	bool plain_names;	  /* without compilers' suffixes, so that two kernels' names meet */
	struct flame_node *nodes; /* parents come before children */
	size_t n, cap;
	struct flame_values *values[FLAME_SIDES]; /* one a node */
	size_t values_cap[FLAME_SIDES];
	struct flame_name *names;
	size_t n_names, cap_names;
	struct index node_index, name_index;
	__u64 clamped[FLAME_SIDES]; /* weight that nested calls had beyond the calls around them */
	unsigned int depth;	    /* of the deepest node; the root has 0 */
	bool diff;
};

/* Makes an empty tree, with the root only. @diff: it gets both sides. 0 or -ENOMEM. */
int flame_tree_init(struct flame_tree *t, enum flame_weight weight, bool diff);
void flame_tree_free(struct flame_tree *t);

/*
 * Adds @v (calls, entries, bytes, ns, dsb, samples, saved) of calls from stack @s to @side, below a
 * frame named @base unless that is NULL. Frames that an interrupt stopped are left out. 0 or
 * -ENOMEM.
 */
int flame_tree_add(struct flame_tree *t, enum flame_side side, const char *base,
		   const struct stack *s, const struct flame_values *v);

/*
 * Turns what was added into totals of every frame: a recorded call's values contain those of the
 * calls recorded below it. Links children by name. Nothing may be added afterwards. 0 or -ENOMEM.
 */
int flame_tree_finish(struct flame_tree *t);

const char *flame_name(const struct flame_tree *t, __u32 node);

/* Layer of the function @name, by its name and module; LAYER_KERNEL: cannot be told. */
enum flame_layer flame_layer(const char *name);

/* Is @name the function that an interrupt enters the kernel by? */
bool flame_is_interrupt(const char *name);

/* ---- where the values come from ---- */

/* What a picture says of one of its captures. */
struct flame_source {
	char path[256];
	char cut_off[160]; /* why the capture ends early; empty: it does not */
	struct capture_info info;
	__u64 dur_ns;
	__u64 lost_stacks;
	__u64 dsb_unknown; /* calls whose barriers are not known, left out with --weight dsb */
	enum dsb_source dsb;
};

/*
 * Adds the stacks, or samples, of @iv to @side of @t. @stacks is the table they refer to, @by what
 * the bottom frame is (BY_ROW: none). *@src gets the interval's length, losses and source of
 * barriers; its info must have been set. 0 or -ENOMEM.
 */
int flame_add_interval(struct flame_tree *t, enum flame_side side, const struct interval *iv,
		       const struct stack_table *stacks, enum group_by by,
		       struct flame_source *src);

/*
 * Reads capture @path into @side of @t. 0 or -errno after a message, also when there is nothing to
 * draw in it.
 */
int flame_add_capture(struct flame_tree *t, enum flame_side side, const char *path,
		      enum group_by by, struct flame_source *src);

/* ---- layout ---- */
struct flame_box {
	double x, w; /* pixels; w 0: not drawn */
};

struct flame_layout {
	struct flame_box *box; /* one a node */
	__u64 folded;	       /* frames with a weight that are too narrow to be drawn */
	double folded_share;   /* their share of the width, 0 .. 1, each place counted once */
	unsigned int depth;    /* of the deepest frame that is drawn */
};

/* Lays out @side of a finished @t over @width pixels. 0 or -ENOMEM. */
int flame_layout(const struct flame_tree *t, enum flame_side side, double width, double min_px,
		 struct flame_layout *out);
void flame_layout_free(struct flame_layout *l);

/* ---- comparing ---- */

/* What the totals are divided by so that two runs can be compared. */
enum flame_per {
	PER_ENTRY_OF_RUN,  /* all entries of the run: kernels merge them into unlike calls */
	PER_CALL_OF_RUN,   /* all outermost calls of the run, where a capture has no entries */
	PER_SECOND_OF_RUN, /* its length, and for samples their rate */
};

/* Of @t, which is finished and has two sides: both are divided by the same. */
enum flame_per flame_per(const struct flame_tree *t);

enum flame_verdict {
	FLAME_SAME, /* within the noise */
	FLAME_LESS,
	FLAME_MORE,
	FLAME_NEW,  /* only in AFTER */
	FLAME_GONE, /* only in BEFORE */
};

#define FLAME_STEPS 5 /* shades of less and more: from 15 and 50 % on, twofold, fivefold */

struct flame_scale {
	double factor[FLAME_SIDES]; /* makes weights comparable */
	double noise;		    /* 0.02: a change of 2 % is none */
	bool counting;		    /* widen it by the counting noise of the calls or samples */
};

struct flame_change {
	enum flame_verdict verdict;
	double ratio;	   /* after / before; 0 when new or gone */
	unsigned int step; /* 1 .. FLAME_STEPS for less and more */
};

/* How to compare @t's sides, which are about @src. Both roots have calls, or samples. */
struct flame_scale flame_scale(const struct flame_tree *t, const struct flame_source *src,
			       double noise);

/* Change of the total of @node. */
struct flame_change flame_change(const struct flame_tree *t, const struct flame_scale *s,
				 __u32 node);

/* ---- output; each returns 0 or -errno; errors of writing to @f are left to ferror() ---- */
struct flame_picture {
	const char *title;  /* NULL: says what the width is */
	unsigned int width; /* pixels */
	double min_px;
	double noise;
	enum group_by by;
};

/* One SVG with everything in it. @src has a place for each side. */
int flame_write_svg(FILE *f, const struct flame_tree *t, const struct flame_source *src,
		    const struct flame_picture *p);

/* "frame;frame;frame self" a line; with two sides "frame;frame before after". */
int flame_write_folded(FILE *f, const struct flame_tree *t);

/* speedscope's own JSON; with two sides two profiles. */
int flame_write_speedscope(FILE *f, const struct flame_tree *t, const struct flame_source *src,
			   const char *title);

/* ---- command line ---- */
enum flame_format {
	FLAME_SVG,
	FLAME_FOLDED,
	FLAME_SPEEDSCOPE,
};

struct flame_options {
	const char *file, *before; /* captures; before may be NULL */
	const char *output;	   /* NULL: stdout */
	enum flame_weight weight;
	enum flame_format format;
	struct flame_picture picture;
};

/* Parses the arguments of `flame`; a wrong one ends in a message and status 2. 0 or -EINVAL. */
int options_parse_flame(int argc, char **argv, struct flame_options *opt);

/* "time", "calls", ... */
const char *flame_weight_name(enum flame_weight weight);

#endif
