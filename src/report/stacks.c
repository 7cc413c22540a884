// SPDX-License-Identifier: GPL-2.0
/* Calls by the stack that they came from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/group.h>
#include <dmasync/report.h>

static int sum_stacks(struct interval *sums, const struct interval *iv)
{
	struct stack_row like, *row;
	size_t i;

	/* In the same order, so that positions stay what they are. */
	for (i = 0; i < iv->n_rows; i++) {
		if (!interval_row(sums, &iv->rows[i]))
			return -ENOMEM;
	}
	for (i = 0; i < iv->n_stacks; i++) {
		like = iv->stacks[i];
		like.tgid = 0;
		row = interval_stack(sums, &like);
		if (!row)
			return -ENOMEM;
		counts_add(&row->sum, &iv->stacks[i].sum);
		row->dsb_derived += iv->stacks[i].dsb_derived;
	}
	return 0;
}

static double key_of(const struct stack_line *line, enum sort_key key, bool exact)
{
	const struct call_counts *sum = &line->counts->sum;
	double calls = sum->calls ? sum->calls : 1;
	double dsb = exact ? sum->dsb : line->counts->dsb_derived;

	switch (key) {
	case SORT_CALLS:
		return sum->calls;
	case SORT_ENTRIES:
		return sum->entries;
	case SORT_BYTES:
		return sum->bytes;
	case SORT_AVG:
		return sum->ns / calls;
	case SORT_DSB:
		return dsb;
	case SORT_DSB_PER_CALL:
		return dsb / calls;
	case SORT_SAVED:
		return sum->chained;
	default:
		return sum->ns;
	}
}

static int by_names(const struct row *a, const struct row *b, enum sort_key first)
{
	int c = 0;

	if (first == SORT_DRIVER)
		c = strcmp(a->driver, b->driver);
	else if (first == SORT_OP)
		c = (int)a->op - (int)b->op;
	return c ?: strcmp(a->dev, b->dev);
}

struct order {
	enum sort_key key;
	bool exact;
	bool saved; /* by what batches would save, whatever the key */
};

static int compare(const void *pa, const void *pb, void *ctx)
{
	const struct stack_line *a = pa, *b = pb;
	const struct order *order = ctx;
	double va = key_of(a, order->key, order->exact), vb = key_of(b, order->key, order->exact);
	int c = 0;

	if (order->saved) {
		va = a->counts->sum.chained;
		vb = b->counts->sum.chained;
	} else if (order->key == SORT_DEVICE || order->key == SORT_DRIVER || order->key == SORT_OP)
		c = by_names(a->row, b->row, order->key);
	if (c)
		return c;
	if (va != vb)
		return va > vb ? -1 : 1;
	/* The order in which they were seen. */
	return (a->counts > b->counts) - (a->counts < b->counts);
}

int stack_lines_build(struct stack_lines *out, const struct report *r)
{
	const struct stack_table *table = capture_stacks(r->capture);
	struct order order = {
		.key = r->opt->opt.sort,
		.exact = capture_info(r->capture)->hdr.exact,
		.saved = r->opt->storms,
	};
	struct interval *sums = &out->sums;
	size_t i;

	interval_init(sums);
	out->n = 0;
	out->lines = NULL;
	if (sum_stacks(sums, &r->total))
		goto fail;
	out->lines = calloc(sums->n_stacks + 1, sizeof(*out->lines));
	if (!out->lines)
		goto fail;
	for (i = 0; i < sums->n_stacks; i++) {
		if (order.saved && !sums->stacks[i].sum.chained)
			continue;
		out->lines[out->n++] = (struct stack_line){
			.row = &sums->rows[sums->stacks[i].row],
			.stack = &table->stacks[sums->stacks[i].stack],
			.counts = &sums->stacks[i],
		};
	}
	if (out->n > 1)
		qsort_r(out->lines, out->n, sizeof(*out->lines), compare, &order);
	return 0;
fail:
	stack_lines_free(out);
	return -ENOMEM;
}

void stack_lines_free(struct stack_lines *lines)
{
	interval_free(&lines->sums);
	free(lines->lines);
	lines->lines = NULL;
}
