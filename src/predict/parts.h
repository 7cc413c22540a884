/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of predict share among themselves. */
#ifndef PREDICT_PARTS_H
#define PREDICT_PARTS_H

#include <dmasync/predict.h>

/* ---- fit.c ---- */

#define PREDICT_BLOCKS 16  /* of intervals of a capture, as far as it has as many; even */
#define PREDICT_RUNS_FEW 8 /* of more captures each has half as many */
#define PREDICT_BLOCKS_MIN 6
#define PREDICT_RUNS_MIN 3

enum {
	Z_CALLS,
	Z_ENTRIES,
	Z_LINES,
	Z_NS,
	Z_COUNT,
};

/* Weighted products of what points hold, and plain sums. */
struct moments {
	double product[Z_COUNT][Z_COUNT];
	double sum[Z_COUNT];
};

/* A row's moments: of all its points, and of those of each block. */
struct fit_row {
	struct predict_row *row;
	bool clean;  /* maintenance towards the device, else away from it */
	bool loop;   /* all that an entry takes is maintenance and a loop: no page tables */
	bool copies; /* through bounce buffers */
	struct moments all;
	struct moments *block;
	unsigned int blocks;
};

/* Blocks from .. to - 1, which are left out. */
struct part {
	unsigned int from, to;
};

/* Price of a line by a pool with a part left out. */
struct pool_line {
	bool done; /* the rest is filled in */
	bool known;
	bool touched; /* some row has points in the part */
	double line;
};

/* Rows whose lines are of one price: the same maintenance in the same direction. */
struct fit_pool {
	const struct fit_row **rows;
	size_t n;
	struct pool_line all;
	struct pool_line *without; /* three for each block: of one, of two, of more from there on */
	double spread; /* how far rows that tell the price alone are off, beyond their noise; ns */
};

/* How the price of a line is taken. */
enum line_from {
	LINE_OWN,
	LINE_POOL,
	LINE_GIVEN,
};

struct fit {
	const struct fit_row *of;
	struct fit_pool *pool; /* LINE_POOL */
	enum line_from from;
	double line;	/* LINE_GIVEN */
	bool call_free; /* what a call takes is part of the fit; else it is left out */
};

/* What came out, with its noise. */
struct fit_limits {
	struct predict_range share;	  /* entry's part of all ns */
	struct predict_range entry, line; /* ns */
	double lines_in;		  /* by how much entry falls when a line takes 1 ns more */
	double calls_in;		  /* ... when a call does; 0 with call_free */
};

/* Fills moments, and numbers of blocks. 0 or -ENOMEM. */
int fit_rows_fill(struct predict *p, struct fit_row *rows, size_t n);

/* False where points do not tell, or those of one block alone do. */
bool fit_limits(const struct predict *p, const struct fit *f, struct fit_limits *out);

/* Half of the interval of a row's ns for what it did, as a part of them; 0: not known. */
double fit_level_noise(const struct predict *p, const struct fit_row *of);

/* ---- prices.c ---- */

/* What a call of the architecture's function takes besides lines; no op: not known. */
struct arch_price {
	struct predict_range entry;
	const char *op;
};

/* What a solution is made of. */
struct solving {
	struct predict *p;
	struct fit_row *rows;
	size_t n;
	double software;		    /* ns an entry at most; negative: not known */
	double call;			    /* ns a call at most */
	struct fit_pool pool[2][DIR_COUNT]; /* by maintenance and direction */
	struct arch_price arch[2][DIR_COUNT];
};

static const struct predict_range range_unknown = { 0, 1, 0 };

/* Part of a row's time, when one wait less saves @ns. */
static inline double share_of_wait(const struct predict_row *row, double ns)
{
	return row->waits_saved * ns / row->ns;
}

/* What the kernel computes for an entry and for a call, at most. */
void bounds_find(struct solving *s);

/* Deals the rows out to the pools, after fit_rows_fill(). 0 or -ENOMEM. */
int pools_fill(struct solving *s);
void pools_free(struct solving *s);

/* Do rows of a pool that tell the price of a line by themselves agree on it? */
void pools_compare(struct solving *s);

/* Finds the price of the architecture's functions that is known best. */
void arch_find(struct solving *s);

/*
 * Each gives the row a price of its waits by one way, if that tells more than what it has: by its
 * own lists, times of the architecture's functions, the other rows that have one, --wait.
 */
void price_by_lists(struct solving *s, const struct fit_row *of);
void price_by_arch(struct solving *s, const struct fit_row *of);
void price_by_others(struct solving *s, const struct fit_row *of);
void price_by_given(struct solving *s, const struct fit_row *of);

/* ---- barriers.c ---- */

/* Barriers before and after, and waits saved of calls that succeeded; else HOW_NONE and why. */
void predict_barriers(const struct predict *p, struct predict_row *row);

/* Fills in what is known of waits for page tables; their own rows are not shown. */
void predict_pages(struct predict *p);

/* Cleans, for the device. */
bool op_cleans(enum op op);

/* ---- words, for text and Markdown ---- */
#define WORDS_LEN 320

void predict_saving_words(char *buf, size_t size, const struct predict_row *row);
void predict_method_words(char *buf, size_t size, const struct predict *p);
/* What a wait less saves, and what 64 bytes take: "113ns [104ns, 121ns]", "1.02ns [1.00, 1.04]". */
void predict_price_words(char wait[48], char line[48], const struct predict_row *row);
void predict_page_words(char *buf, size_t size, const struct predict *p);

#endif
