// SPDX-License-Identifier: GPL-2.0
/* What is computed of runs of calls for single buffers: their order, shares, sums by driver. */
#include <stdlib.h>
#include <string.h>
#include <dmasync/percentile.h>
#include <dmasync/storm_view.h>

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

static int compare_drivers(const void *pa, const void *pb)
{
	const struct storm_driver *a = pa, *b = pb;

	if (a->saved != b->saved)
		return a->saved < b->saved ? 1 : -1;
	return strcmp(a->name, b->name);
}

struct storm_driver *storm_drivers(const struct interval *iv)
{
	struct storm_driver *drivers = calloc(iv->n_storms + 1, sizeof(*drivers));
	size_t n = 0, k;

	for (size_t i = 0; drivers && i < iv->n_storms; i++) {
		const char *name = iv->rows[iv->storms[i].row].driver;

		for (k = 0; k < n && strcmp(drivers[k].name, name); k++)
			;
		if (k == n)
			drivers[n++].name = name;
		drivers[k].saved += storm_saved(&iv->storms[i]);
	}
	if (n > 1)
		qsort(drivers, n, sizeof(*drivers), compare_drivers);
	return drivers;
}
