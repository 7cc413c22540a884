// SPDX-License-Identifier: GPL-2.0
/* Runs of calls for single buffers as text: what one barrier for each of them would save. */
#include <stdlib.h>
#include <string.h>
#include <dmasync/bar.h>
#include <dmasync/columns.h>
#include <dmasync/log.h>
#include <dmasync/percentile.h>
#include <dmasync/storm_view.h>
#include <dmasync/units.h>
#include "text.h"

#define SUBJECT_COLUMN 53 /* where a line's subject begins */
#define DRIVERS_SHOWN 8

static int compare_saved(const void *pa, const void *pb)
{
	const struct storm_row *a = *(const struct storm_row *const *)pa,
			       *b = *(const struct storm_row *const *)pb;
	__u64 x = storm_saved(a), y = storm_saved(b);

	if (x == y) {
		x = storm_most(a);
		y = storm_most(b);
	}
	if (x != y)
		return x < y ? 1 : -1;
	return (a->row > b->row) - (a->row < b->row);
}

const struct storm_row **storms_sorted(const struct interval *iv)
{
	const struct storm_row **list = calloc(iv->n_storms + 1, sizeof(*list));

	for (size_t i = 0; list && i < iv->n_storms; i++)
		list[i] = &iv->storms[i];
	if (list && iv->n_storms > 1)
		qsort(list, iv->n_storms, sizeof(*list), compare_saved);
	return list;
}

double storm_share(__u64 saved, const struct figures *all)
{
	bool known = all->dsb_source == DSB_DERIVED || all->dsb_source == DSB_COUNTED;

	return known && all->dsb ? 100.0 * saved / all->dsb : -1;
}

__u64 storm_runs_at(const struct storm_row *s, double q)
{
	return hist_percentile(s->hist, 0, s->longest, q);
}

static void print_row(FILE *out, const struct storm_row *s, const struct interval *iv,
		      const struct figures *all, int width)
{
	const struct row *row = &iv->rows[s->row];
	struct table_line subject = { .device = row->dev,
				      .driver = row->driver,
				      .comm = "",
				      .op = row->op,
				      .dir = row->dir };
	char saved[FMT_LEN], rate[FMT_LEN], share[FMT_LEN], most[FMT_LEN], runs[FMT_LEN];
	char p50[FMT_LEN], p99[FMT_LEN], longest[FMT_LEN], who[160];
	double secs = iv->dur_ns ? iv->dur_ns / 1e9 : 1;

	line_subject(&subject, width == WIDTH_ANY ? (int)sizeof(who) : width - SUBJECT_COLUMN, who,
		     sizeof(who));
	fprintf(out, "%7s %6s %5s %6s %6s %5s %5s %5s %s\n", fmt_count(saved, storm_saved(s), 7),
		fmt_count(rate, storm_saved(s) / secs, 6),
		fmt_count(share, storm_share(storm_saved(s), all), 5),
		fmt_count(most, storm_most(s), 6), fmt_count(runs, s->runs, 6),
		fmt_count(p50, storm_runs_at(s, 0.5), 5), fmt_count(p99, storm_runs_at(s, 0.99), 5),
		fmt_count(longest, s->longest, 5), who);
}

/* Sums of one driver. */
struct driver {
	const char *name;
	__u64 saved;
};

static int compare_drivers(const void *pa, const void *pb)
{
	const struct driver *a = pa, *b = pb;

	if (a->saved != b->saved)
		return a->saved < b->saved ? 1 : -1;
	return strcmp(a->name, b->name);
}

static size_t sum_drivers(const struct interval *iv, struct driver *drivers)
{
	size_t n = 0, k;

	for (size_t i = 0; i < iv->n_storms; i++) {
		const char *name = iv->rows[iv->storms[i].row].driver;

		for (k = 0; k < n && strcmp(drivers[k].name, name); k++)
			;
		if (k == n)
			drivers[n++] = (struct driver){ .name = name };
		drivers[k].saved += storm_saved(&iv->storms[i]);
	}
	if (n > 1)
		qsort(drivers, n, sizeof(*drivers), compare_drivers);
	return n;
}

/* "by driver: nvme 3968 (99.2%), e1000e 120 (3.0%)" */
static int print_drivers(FILE *out, const struct interval *iv, const struct figures *all)
{
	struct driver *drivers = calloc(iv->n_storms + 1, sizeof(*drivers));
	char name[CELL_LEN], share[FMT_LEN];
	size_t n, i;

	if (!drivers)
		return -1;
	n = sum_drivers(iv, drivers);
	fprintf(out, "by driver:");
	for (i = 0; i < n && i < DRIVERS_SHOWN; i++) {
		fit_name(name, drivers[i].name, DRV_NAME_LEN);
		fprintf(out, "%s %s %llu", i ? "," : "", name, drivers[i].saved);
		if (storm_share(drivers[i].saved, all) >= 0)
			fprintf(out, " (%s%%)",
				fmt_count(share, storm_share(drivers[i].saved, all), 5));
	}
	fprintf(out, "%s\n", i < n ? ", ..." : "");
	free(drivers);
	return 0;
}

static void print_sum(FILE *out, const struct interval *iv, const struct figures *all)
{
	__u64 saved = 0, most = 0, calls = 0;
	char share[FMT_LEN], rate[FMT_LEN];

	for (size_t i = 0; i < iv->n_storms; i++) {
		saved += storm_saved(&iv->storms[i]);
		most += storm_most(&iv->storms[i]);
		calls += iv->storms[i].calls;
	}
	fprintf(out, "storms: %llu calls for single buffers waited; batches would save %llu", calls,
		saved);
	if (storm_share(saved, all) >= 0)
		fprintf(out, " dsb\n        (%s/s, %s%% of all %llu), at most %llu",
			fmt_count(rate, saved / (iv->dur_ns ? iv->dur_ns / 1e9 : 1), 6),
			fmt_count(share, storm_share(saved, all), 5), all->dsb, most);
	fputc('\n', out);
}

void text_storms(FILE *out, const struct header *hdr, const struct interval *iv)
{
	const struct storm_row **list;
	int width = output_width(out);
	struct figures all;

	if (!iv->n_storms) {
		fprintf(out, "storms: no call for a single buffer waited\n");
		return;
	}
	interval_figures(hdr, iv, &all);
	list = storms_sorted(iv);
	if (list)
		print_sum(out, iv, &all);
	if (!list || print_drivers(out, iv, &all)) {
		log_error("storms: out of memory: %zu rows are not shown", iv->n_storms);
		free(list);
		return;
	}
	fprintf(out, "%7s %6s %5s %6s %6s %5s %5s %5s %s\n", "SAVED", "/S", "%DSB", "MOST", "RUNS",
		"P50", "P99", "MAX", "WHERE");
	for (size_t i = 0; i < iv->n_storms; i++)
		print_row(out, list[i], iv, &all, width);
	free(list);
}
