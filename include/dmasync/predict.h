/* SPDX-License-Identifier: GPL-2.0 */
/* What batched waits would save, from captures of a kernel that waits for every entry. */
#ifndef DMASYNC_PREDICT_H
#define DMASYNC_PREDICT_H

#include <stdio.h>
#include "capture.h"
#include "derive.h"

/*
 * The model. A call that maintains n entries of b lines in all takes
 *
 *	a + (s + w) n + l b
 *
 * on a kernel that waits for each entry: s is what the kernel computes for an entry, w the wait, l
 * the work on a line. Batched, it waits once, and computes while lines drain: what one wait less
 * saves lies between w (the CPU is what takes the time) and s + w (draining is). Calls tell s + w
 * together; s is bounded by what the probes themselves take, see PREDICT_SOFTWARE. So each
 * interval has two parts, noise and this. src/predict/fit.c has the statistics.
 */

/* How the price of a wait was found. */
enum predict_how {
	HOW_NONE,    /* not at all: see why */
	HOW_NOTHING, /* no barrier would be saved: nothing to find */
	HOW_OWN,     /* from the sizes of the row's own lists */
	HOW_POOLED,  /* the same, with the price of a line from all rows of this maintenance */
	HOW_ARCH,    /* from arch-level times of the maintenance itself */
	HOW_OTHER,   /* that of another row of this maintenance: behind an IOMMU */
	HOW_GIVEN,   /* by --wait, or with --line */
	HOW_BOUND,   /* nothing tells waits from lines: from nothing to all of it */
	HOW_COUNT,
};

#define PREDICT_LINE 64.0 /* bytes of a cache line */

/*
 * Most that the kernel computes for an entry, and for a call, in units of the time that the probes
 * add to a call (the capture's probe_floor_ns): code of the same machine, that does more.
 * tests/lab/70-predict.t holds what it is on the modelled core against this.
 */
#define PREDICT_SOFTWARE 0.5
#define PREDICT_CALL 3.0

/* A number with its interval of 95 %. */
struct predict_range {
	double value, low, high;
};

/* Sums of one interval, or of several that lie side by side. */
struct predict_point {
	double calls, entries, lines, ns; /* the probes' floor is not in ns */
	__u32 run, at;			  /* capture, and number of the interval in it */
};

#define PREDICT_POINTS 512 /* that a row keeps of a capture */
#define PREDICT_LIVE_POINTS 64

struct predict_run {
	char *path;
	struct capture_info info;
	char cut_off[96];
	__u64 dur_ns;
	__u32 intervals;
	struct loss loss;
};

struct predict_row {
	struct row sum;	      /* of all captures that tell its times; key, counts */
	struct row elsewhere; /* of those that do not: with probes inside the calls */
	bool shown;	      /* selected by -O and -D */
	struct predict_point *points;
	size_t n, cap;
	size_t run_from; /* first point of the newest capture */
	__u32 per_point; /* intervals in each of its points */
	__u32 in_last;	 /* ... in the newest so far */
	__u32 last_at;	 /* number of the newest interval */
	bool no_bytes;	 /* some of it recorded without bytes */
	__u64 dsb_before, dsb_after;
	bool dsb_known;
	double waits_saved; /* of calls that succeeded, negative: added */
	enum predict_how how;
	double ns;		     /* all calls, without the probes' floor */
	struct predict_range wait;   /* ns that one wait less saves */
	struct predict_range line;   /* ns of 64 bytes; low > high: not known */
	struct predict_range saving; /* of ns, 0.6 is 60 % */
	double page_waits_saved;     /* of IOMMU page tables, at most: its part of the walkers' */
	const char *with;	     /* HOW_OTHER: operation of the row that it is from */
	char why[160];		     /* HOW_NONE, HOW_NOTHING, HOW_BOUND */
};

struct predict_options {
	const char **files;
	size_t n_files;
	enum flavour flavour; /* --flavour: that the kernel would be of */
	double wait_ns;	      /* --wait; negative: not given */
	double line_ns;	      /* --line */
	unsigned int ops;     /* -O */
	const char *device;   /* -D */
	unsigned int points;  /* that a row keeps of a capture at most; even */
	bool json, markdown;
};

/* What is known of the waits for the page tables of IOMMUs. */
enum predict_pages {
	PAGES_NONE,	/* no list goes through an IOMMU, or its walker is coherent */
	PAGES_MEASURED, /* a walker that is not coherent is a device that has rows of its own */
	PAGES_BOUND,	/* it is not coherent, but its rows were not recorded */
	PAGES_UNKNOWN,	/* the same, if it is not coherent */
};

struct predict {
	const struct predict_options *opt;
	struct predict_run *runs;
	size_t n_runs, cap_runs;
	struct predict_row **rows; /* owned; after predict_solve() by time saved, most first */
	size_t n_rows, cap_rows;
	struct interval keys; /* its rows number the rows; counts are not used */
	struct predict_row **by_key;
	double dur_ns;		     /* of the captures that tell times */
	double ns;		     /* in calls of the API, without the probes' floor */
	struct predict_range saving; /* of that */
	double saved_known_ns;	     /* part of ns that rows with a prediction are */
	__u64 dsb_before, dsb_after; /* of rows where both are known */
	size_t n_predicted;	     /* rows with a saving that is more than a bound */
	enum predict_pages pages;
	double page_waits;	 /* PAGES_MEASURED: exact; else at most */
	double page_waits_saved; /* at most */
	double page_ns;		 /* PAGES_MEASURED: of one */
	unsigned int blocks;	 /* that were left out in turn */
	double software_ns;	 /* bound of s; 0: not known */
	bool software_measured;	 /* ... by rows that maintain nothing */
	char refused[200];	 /* why nothing at all can be predicted; empty: it can */
};

/* Defaults: this project's series, nothing given. */
void predict_options_init(struct predict_options *opt);

/* Parses the command line; files[] is allocated. 0 or -errno; as options_parse_compare(). */
int options_parse_predict(int argc, char **argv, unsigned int flags, struct predict_options *opt);

/* Empty, with @opt, which must outlive it. */
void predict_init(struct predict *p, const struct predict_options *opt);
void predict_free(struct predict *p);

/* A new capture, to which the intervals that follow belong. 0 or -ENOMEM. */
int predict_run_add(struct predict *p, const char *path, const struct capture_info *info);

/* Adds its next interval. 0 or -ENOMEM. */
int predict_add(struct predict *p, const struct interval *iv);

/* Reads all of the capture @path. 0 or -errno after a message. */
int predict_load(struct predict *p, const char *path);

/*
 * The same for a hint beside a measurement: with more rows than PREDICT_LIVE_ROWS, or without
 * memory, everything is given up, and there is none. False then.
 */
bool predict_add_live(struct predict *p, const struct interval *iv);

/* Fills in everything that follows from the points, anew each time. 0 or -ENOMEM. */
int predict_solve(struct predict *p);

/* Each returns 0 or -errno of the stream. */
int predict_print_text(FILE *out, const struct predict *p);
int predict_print_json(FILE *out, const struct predict *p);
int predict_print_markdown(FILE *out, const struct predict *p);

/* "own", "bound"; and "sure", "fair", "poor", "none": how wide the interval of a saving is. */
const char *predict_how_name(enum predict_how how);
const char *predict_sure_name(enum predict_how how, const struct predict_range *saving);

/* With more, solving takes too long for a live view, and too much memory. */
#define PREDICT_LIVE_ROWS 128

/*
 * One phrase for the live view: "batching would save about 61 % of this [57, 64], 7680 dsb/s";
 * where the time is not told as well as that, the barriers, which are exact, with what bounds it,
 * "... 7680 of 7744 dsb/s, up to 37 % of this", or with how to find out; empty on kernels, and for
 * times, that batching does not touch. At most 80 bytes.
 */
void predict_phrase(const struct predict *p, char *buf, size_t size);

#endif
