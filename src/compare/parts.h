/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of compare share among themselves. */
#ifndef COMPARE_PARTS_H
#define COMPARE_PARTS_H

#include <dmasync/compare.h>

/* The run's row with number @at, or NULL when it had no such calls. */
static inline const struct run_row *run_row(const struct compare_run *run, size_t at)
{
	return at < run->n_rows ? run->rows[at] : NULL;
}

/* Fills sums and figures of @row, of which the key is set. 0 or -ENOMEM. */
int row_figures_fill(const struct compare *c, struct compare_row *row);

/* Fills shares and figures of the size classes, and whether the mix moved. 0 or -ENOMEM. */
int row_mix_fill(const struct compare *c, struct compare_row *row);

/*
 * Why ns/call does not tell what @verdict, faster, slower or same, says of the kernel: the sides
 * did different work. NULL when they did not, or when the figure that allows for it says the same.
 */
const char *mix_doubt(const struct compare *c, const struct compare_row *row, enum verdict verdict);

/* ns/call of @row in one run. */
double run_ns_call(const struct run_row *row);

/* Runs a side with which the test can pass the correction for @rows rows. */
unsigned int least_runs(size_t rows);

/* Whether -O and -D let the row through. */
bool row_wanted(const struct compare_options *opt, const struct row *row);

/* Fills the storms of both sides. 0 or -ENOMEM. */
int storms_fill(struct compare *c);

/* Whether both sides tell of storms, and some driver has any. */
static inline bool storms_told(const struct compare *c)
{
	return c->storm[BEFORE].runs && c->storm[AFTER].runs && c->n_storms;
}

/* Calls of a run on average; 0: none. */
static inline double storm_length(const struct compare_storm *s, enum side side)
{
	return s->sum[side].runs ? (double)s->sum[side].calls / s->sum[side].runs : 0;
}

void storms_print_text(FILE *out, const struct compare *c);
void storms_print_markdown(FILE *out, const struct compare *c);

/* Notes on machines, kernels and options. 0 or -ENOMEM. */
int setup_notes(struct compare *c);

/* Notes on what rows did: mix, drift, failures. 0 or -ENOMEM. */
int row_notes(struct compare *c);

/* A stream of random numbers of the row's own, so that filters leave its result alone. */
void row_rng(const struct compare *c, const struct compare_row *row, struct rng *rng);

/* Ratio and, with @rng and at least two runs a side, interval of the runs' values. */
void figure_of_runs(const struct compare *c, struct rng *rng, const double *before, size_t n_before,
		    const double *after, size_t n_after, struct figure *out);

/* Class of a call with @entries entries, which may be a mean; its name: "2-15". */
unsigned int class_of(double entries);
const char *class_name(unsigned int size_class);

/* Barriers of @side are known. */
bool dsb_known(const struct compare_row *row, enum side side);

/* Barriers are of the DMA API, steps of the dma-buf chain; all other figures are of both. */
static inline bool figure_applies(const struct compare_row *row, enum figure_kind kind)
{
	return kind < FIG_DSB_CALL || op_is_chain(row->op) == (kind >= FIG_STEPS_CALL);
}

/* Barriers, or steps of the dma-buf chain, a call and an entry both rose by more than @fraction:
 * see judge.c. */
bool dsb_rose(const struct compare_row *row, double fraction);

/* ---- words, for text and Markdown ---- */
#define WORDS_LEN 320

/* "-64.6 %"; "-" without a ratio. "[-66.0, -63.1]"; empty without limits. */
const char *change_words(char *buf, size_t size, const struct figure *f);
const char *limits_words(char *buf, size_t size, const struct figure *f);

/* Value of @kind on @side: "306us", "2560", "n/a", "unknown", "-". */
const char *value_words(char *buf, size_t size, const struct compare_row *row,
			enum figure_kind kind, enum side side);

/*
 * Names come out of files: what is markup in a table is replaced. @buf has CELL_LEN bytes, which
 * are what is returned.
 */
const char *markdown_name(char buf[], const char *name);

/* A line for a cover letter; false when there is nothing to say of @row. */
bool headline_words(char buf[WORDS_LEN], const struct compare *c, const struct compare_row *row);

/* "5 runs, 30.0s each: 6.12.43-arm64, per-entry" */
void side_summary(char buf[WORDS_LEN], const struct compare *c, enum side side);

/* How it was computed, with the seed. */
void method_words(char buf[WORDS_LEN], const struct compare *c);

/* Less than COMPARE_FEW of the time on both sides: not judged, and only counted in text. */
bool row_is_minor(const struct compare_row *row);

/* Worth a block of its own: both sides have it, and it takes time. */
bool row_matters(const struct compare_row *row);

/* "7 more rows took less than 1 % ..."; false when there are none. */
bool minor_words(char buf[WORDS_LEN], const struct compare *c);

#endif
