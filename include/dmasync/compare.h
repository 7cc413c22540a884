/* SPDX-License-Identifier: GPL-2.0 */
/* Runs before and after a change, held against each other row by row. */
#ifndef DMASYNC_COMPARE_H
#define DMASYNC_COMPARE_H

#include <stdio.h>
#include "capture.h"
#include "stats.h"

enum side {
	BEFORE,
	AFTER,
	SIDES,
};

enum verdict {
	VERDICT_NONE,	 /* not judged, see why */
	VERDICT_FASTER,	 /* whole interval below the noise band, p small enough, work alike */
	VERDICT_SLOWER,	 /* whole interval above it, and p small enough */
	VERDICT_SAME,	 /* whole interval inside it */
	VERDICT_UNCLEAR, /* anything else */
};

/* What is told of a row on each side. Times in ns. */
enum figure_kind {
	FIG_CALLS_S,
	FIG_NS_CALL, /* what the verdict is about */
	FIG_NS_ENTRY,
	FIG_NS_KIB,
	FIG_P50,
	FIG_P90,
	FIG_P99,
	FIG_P999,
	FIG_CPU, /* percent of one CPU */
	FIG_DSB_CALL,
	FIG_DSB_ENTRY,
	FIG_STEPS_CALL, /* of the dma-buf chain, which has these in place of barriers */
	FIG_STEPS_ENTRY,
	FIG_COUNT,
};

/* Calls by their number of entries: 1, 2..15, 16..255, 256 and more; see class_of(). */
#define SIZE_CLASSES 4

#define COMPARE_ALPHA 0.05
#define COMPARE_FEW                                                                                \
	0.01 /* rows with less of the time in DMA calls on both sides are not judged               \
	      */
#define COMPARE_DRAWS 2000

struct compare_options {
	double noise;	    /* half width of the noise band: 0.02 is 2 % */
	double fail_above;  /* --fail-on-regression, 0.05 is 5 %; negative: off */
	__u64 seed;	    /* --seed */
	unsigned int draws; /* of the bootstrap */
	bool by_dir;	    /* directions are rows of their own */
	bool json, markdown;
	bool self_check;
	unsigned int ops;	   /* -O: bit mask of 1 << enum op; 0: all */
	const char *device;	   /* -D: comma-separated shell patterns; NULL: all */
	const char **files[SIDES]; /* of the command line; all BEFORE with self_check */
	size_t n_files[SIDES];
};

/* Elements that a row of a run has at most, however long the run was; even. */
#define COMPARE_POINTS 1024

/* One row in one run; arrays have an element for each interval with calls, in long runs for each
 * per_point of them. */
struct run_row {
	double *ns, *calls, *entries;
	size_t n, cap;		   /* n <= COMPARE_POINTS */
	size_t per_point, in_last; /* intervals of an element; of the last so far */
	size_t last;		   /* number of the newest interval in the last element */
	struct row sum;		   /* counts, extremes, histogram, over directions and drivers */
	__u64 dsb;
	enum dsb_source dsb_source;
	__u64 dir_calls[DIR_COUNT];
};

/* What batches of single buffers would save; runs are those of calls, see struct storm_row. */
struct storm_sums {
	__u64 saved, calls, runs;
};

struct compare_run {
	char *path;
	struct capture_info info;
	char cut_off[96]; /* why the file ends early; empty when it does not */
	__u64 dur_ns;
	size_t intervals;
	__u64 api_ns, api_dsb; /* of all API-level rows, shown or not */
	__u64 chain_ns;	       /* of all rows of the dma-buf chain */
	bool dsb_known;
	struct loss loss;
	struct run_row **rows; /* by number of the row; NULL beyond n_rows or without calls */
	size_t n_rows;
	/* By number of the driver, and of the place that calls, in storm_keys; 0 beyond the end. */
	struct storm_sums *drivers;
	size_t n_drivers;
	__u64 *places; /* saved */
	size_t n_places;
};

/*
 * A figure on both sides: the mean over the runs that have the row, for calls_per_s and cpu_percent
 * over all runs of a side that has it; barriers are sums, exact.
 */
struct figure {
	bool known[SIDES];
	double value[SIDES];
	bool has_ratio;	 /* r.ratio is set: known on both sides, before not 0 */
	bool has_limits; /* r.low and r.high are set: two runs a side, all values > 0 */
	struct ratio_interval r;
};

/* Calls of a row that are in one class of sizes. */
struct size_class {
	double share[SIDES]; /* of the row's calls */
	struct figure ns_call;
};

struct row_side {
	struct row sum; /* over the runs */
	__u64 dsb;
	enum dsb_source dsb_source;
	__u64 dir_calls[DIR_COUNT];
	size_t runs;  /* that have calls of it */
	double share; /* of the time in DMA calls; of the chain: in these and its own */
	double drift; /* ns/call in the last third of the runs over the first; 0: not known */
};

struct compare_row {
	size_t at; /* its number, see keys */
	enum op op;
	enum direction dir; /* DIR_COUNT: over all */
	char dev[DEV_NAME_LEN];
	struct row_side side[SIDES];
	struct figure figure[FIG_COUNT];
	struct size_class size_class[SIZE_CLASSES];
	bool mix_moved;	  /* lists of other sizes: the classes are worth showing */
	bool bytes_moved; /* other bytes a call */
	bool dir_moved;	  /* other directions */
	bool tested;	  /* part of the family that Holm's correction is for */
	double p, p_holm;
	enum verdict verdict;
	unsigned int want_runs; /* runs a side that would probably do; 0: unknown or too many */
	char why[128];		/* why there is no verdict, or none that is clear */
	bool regression;	/* beyond --fail-on-regression */
};

/* What batches of single buffers would save of one driver, or of one place that calls for it. */
struct compare_storm {
	const char *driver;
	const struct stack *stack; /* of a place, its innermost frames; NULL: all of the driver */
	enum op op;		   /* of a place; OP_COUNT: all of the driver */
	struct storm_sums sum[SIDES]; /* over the runs; of a place only saved */
	struct figure saved_s;	      /* barriers a second */
	bool minor;		      /* less than COMPARE_FEW of what all would save */
	bool tested;		      /* drivers alone, a family of their own */
	double p, p_holm;
	enum verdict verdict; /* "faster" is fewer and "slower" more: see storm_verdict_name() */
	char why[128];
};

/* All of a side's runs that follow storms. */
struct storm_side {
	size_t runs;
	__u64 saved;
	double saved_s; /* over all of their time */
	double percent; /* of all barriers; negative: these are not known, or none */
};

struct note {
	const char *kind; /* one word, for programs */
	char *text;	  /* a sentence */
};

struct compare {
	const struct compare_options *opt;
	bool rows_apart;	   /* no correction for the number of rows */
	struct interval keys;	   /* its rows number the rows; counts are not used */
	struct compare_run **runs; /* owned */
	size_t n_runs;
	struct {
		struct compare_run **runs; /* borrowed from above, in the order of their start */
		size_t n;
	} side[SIDES];
	struct compare_row *rows; /* by time on both sides, most first; after compare_judge() */
	size_t n_rows;
	struct interval storm_keys;	/* rows number the drivers, stacks the places */
	struct stack_table places;	/* of all runs */
	struct storm_side storm[SIDES]; /* runs 0 on either: the rest is not filled */
	struct compare_storm *storms;	/* drivers, most saved first, then places */
	size_t n_storms, n_storm_drivers;
	size_t n_tested;
	struct note *notes;
	size_t n_notes;
};

/*
 * Parses the command line of compare into @opt (defaults are set first). files[] are allocated;
 * their strings are @argv's. @flags are argp's, 0 in the product: then a wrong command line does
 * not return. 0 or -errno.
 */
int options_parse_compare(int argc, char **argv, unsigned int flags, struct compare_options *opt);

/* Empty, with @opt, which must outlive it. */
void compare_init(struct compare *c, const struct compare_options *opt);
void compare_free(struct compare *c);

/* A new run with what @info says, owned by @c; NULL: out of memory. */
struct compare_run *compare_run_new(struct compare *c, const char *path,
				    const struct capture_info *info);

/* Frees the newest run, which must not be on a side. */
void compare_run_drop(struct compare *c);

/* Adds the next interval of @run. 0 or -ENOMEM. */
int compare_run_add(struct compare *c, struct compare_run *run, const struct interval *iv);

/*
 * What the whole of @run tells of storms, its intervals added up in @total, whose stacks are in
 * @stacks; nothing if it was recorded without. 0 or -ENOMEM.
 */
int compare_run_storms(struct compare *c, struct compare_run *run, const struct interval *total,
		       const struct stack_table *stacks);

/* Reads the capture @path into a new run. 0 or -errno after a message. */
int compare_load(struct compare *c, const char *path, struct compare_run **out);

/* Whether two captures are of one and the same recording, as far as they tell. */
bool compare_same_run(const struct compare_run *a, const struct compare_run *b);

/* Puts @run on a side. 0 or -ENOMEM. */
int compare_side_add(struct compare *c, enum side side, struct compare_run *run);

/*
 * Fills rows and notes from what the sides hold, anew each time. Both sides must have a run.
 * 0 or -ENOMEM.
 */
int compare_judge(struct compare *c);

/* What differs between the sides besides the rows; part of compare_judge(). */
int compare_notes(struct compare *c);
int compare_note(struct compare *c, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* True when some row is a regression beyond --fail-on-regression. */
bool compare_regressed(const struct compare *c);

/* "faster", "ns_per_call"; names as in JSON. */
const char *verdict_name(enum verdict verdict);
const char *storm_verdict_name(enum verdict verdict); /* "fewer", "more" */
const char *figure_name(enum figure_kind kind);

/* Each returns 0 or -errno of the stream. */
int compare_print_text(FILE *out, const struct compare *c);
int compare_print_markdown(FILE *out, const struct compare *c);
int compare_print_json(FILE *out, const struct compare *c);

/* How quiet a setup is: what compare says of runs between which nothing changed. */
struct self_check_row {
	double spread;	   /* standard deviation of the runs' ns/call over their mean */
	double detectable; /* change that side_runs runs a side show 4 times out of 5 */
	size_t claimed;	   /* splits that called it faster or slower */
};

struct self_check {
	size_t splits;	  /* of the runs into halves that were judged */
	size_t claimed;	  /* of these: with at least one row faster or slower */
	bool all;	  /* every split there is, else random ones */
	bool possible;	  /* halves are large enough for a claim */
	bool in_order;	  /* first half against second half: a difference was claimed */
	size_t judged;	  /* rows that compare would judge */
	size_t side_runs; /* a side, for which detectable holds: as many as runs, or the least */
	double widest;	  /* largest detectable change of the judged rows; 0: none was judged */
	struct self_check_row *rows; /* one for each of the rows of struct compare */
};

#define SELF_CHECK_RUNS 4 /* at least */

/*
 * Judges splits of all runs that @c holds (at least SELF_CHECK_RUNS) into halves; leaves @c's sides
 * as the first half against the second. 0 with @out for self_check_free(), or -ENOMEM.
 */
int self_check(struct compare *c, struct self_check *out);
void self_check_free(struct self_check *s);

/* What follows from it, in a sentence. */
void self_check_words(char *buf, size_t size, const struct compare *c, const struct self_check *s);

/* 0 or -errno of the stream. */
int self_check_print_text(FILE *out, const struct compare *c, const struct self_check *s);
int self_check_print_json(FILE *out, const struct compare *c, const struct self_check *s);

#endif
