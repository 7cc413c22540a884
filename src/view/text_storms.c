// SPDX-License-Identifier: GPL-2.0
/* Runs of calls for single buffers as text: what one barrier for each of them would save. */
#include <stdlib.h>
#include <dmasync/bar.h>
#include <dmasync/columns.h>
#include <dmasync/log.h>
#include <dmasync/storm_view.h>
#include <dmasync/units.h>
#include "text.h"

#define SUBJECT_COLUMN 53 /* where a line's subject begins */

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

#define DRIVERS_SHOWN 8

size_t storm_driver_words(char *buf, size_t size, const struct storm_driver *driver,
			  const struct figures *all, double secs)
{
	char name[CELL_LEN], value[FMT_LEN], share[FMT_LEN];
	int n;

	fit_name(name, driver->name, DRV_NAME_LEN);
	if (secs > 0)
		n = snprintf(buf, size, "%s %s/s", name, fmt_count(value, driver->saved / secs, 6));
	else
		n = snprintf(buf, size, "%s %llu", name, driver->saved);
	if (n >= 0 && (size_t)n < size && storm_share(driver->saved, all) >= 0)
		n += snprintf(buf + n, size - n, " (%s%%)",
			      fmt_count(share, storm_share(driver->saved, all), 5));
	return (size_t)n < size ? (size_t)n : size - 1;
}

/* "by driver: nvme 3968 (99.2%), e1000e 120 (3.0%)" */
static int print_drivers(FILE *out, const struct interval *iv, const struct figures *all)
{
	struct storm_driver *drivers = storm_drivers(iv);
	char words[CELL_LEN * 2];
	size_t i;

	if (!drivers)
		return -1;
	fprintf(out, "by driver:");
	for (i = 0; drivers[i].name && i < DRIVERS_SHOWN; i++) {
		storm_driver_words(words, sizeof(words), &drivers[i], all, 0);
		fprintf(out, "%s %s", i ? "," : "", words);
	}
	fprintf(out, "%s\n", drivers[i].name ? ", ..." : "");
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
