// SPDX-License-Identifier: GPL-2.0
/* The run as a time line of bounded size, however long it was. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/bar.h>
#include <dmasync/columns.h>
#include <dmasync/report.h>
#include <dmasync/units.h>

#define LABEL_WIDTH 10
#define RANGE_WIDTH 20 /* "  12345 .. 12345" */
#define DEFAULT_WIDTH 100

struct timeline_point {
	__u64 dur_ns;
	struct row sum; /* of the API, or of what is below it */
};

static void point_add(struct timeline_point *into, const struct timeline_point *from)
{
	into->dur_ns += from->dur_ns;
	row_add(&into->sum, &from->sum);
}

/* Two by two become one: twice the time has room then. */
static void halve(struct timeline *tl)
{
	size_t i;

	for (i = 0; i < tl->n / 2; i++) {
		if (i)
			tl->points[i] = tl->points[2 * i];
		point_add(&tl->points[i], &tl->points[2 * i + 1]);
	}
	tl->n /= 2;
	tl->per_point *= 2;
	tl->in_last = tl->per_point;
}

int timeline_add(struct timeline *tl, const struct interval *iv)
{
	struct timeline_point one = { .dur_ns = iv->dur_ns };

	if (!tl->points) {
		tl->points = calloc(TIMELINE_POINTS, sizeof(*tl->points));
		if (!tl->points)
			return -ENOMEM;
		tl->per_point = tl->in_last = 1;
	}
	interval_sum(iv, &one.sum);
	if (tl->in_last < tl->per_point) {
		point_add(&tl->points[tl->n - 1], &one);
		tl->in_last++;
		return 0;
	}
	if (tl->n == TIMELINE_POINTS)
		halve(tl);
	tl->points[tl->n++] = one;
	tl->in_last = 1;
	return 0;
}

void timeline_free(struct timeline *tl)
{
	free(tl->points);
	*tl = (struct timeline){};
}

void sparkline(char *buf, const double *values, unsigned int n, bool utf8)
{
	static const char ascii[] = "_.:-=+*#";
	double most = 0;
	unsigned int i;
	int level;

	for (i = 0; i < n; i++) {
		if (values[i] > most)
			most = values[i];
	}
	for (i = 0; i < n; i++) {
		if (values[i] < 0) {
			*buf++ = ' ';
			continue;
		}
		level = most > 0 ? values[i] / most * 8 : 0;
		level = level > 7 ? 7 : level;
		if (!utf8) {
			*buf++ = ascii[level];
			continue;
		}
		/* U+2581 .. U+2588: blocks of one to eight eighths. */
		*buf++ = '\342';
		*buf++ = '\226';
		*buf++ = '\201' + level;
	}
	*buf = '\0';
}

enum measure {
	CALLS,
	AVG,
	P99,
	BARRIERS,
};

static const struct {
	const char *label;
	char *(*format)(char *buf, double v, int width);
} measures[] = {
	[CALLS] = { "calls/s", fmt_count },
	[AVG] = { "avg", fmt_ns },
	[P99] = { "p99", fmt_ns },
	[BARRIERS] = { "dsb/s", fmt_count },
};

/* Negative: there is nothing to tell. */
static double value(const struct timeline_point *p, const struct header *hdr, enum measure what)
{
	double secs = p->dur_ns ? p->dur_ns / 1e9 : 1;
	struct figures f;

	row_figures(hdr, &p->sum, &f);
	switch (what) {
	case CALLS:
		return f.sum.calls / secs;
	case AVG:
		return f.sum.calls ? f.avg_ns : -1;
	case P99:
		return f.sum.calls ? (double)f.p99 : -1;
	case BARRIERS:
		break;
	}
	return f.dsb_source == DSB_DERIVED || f.dsb_source == DSB_COUNTED ? f.dsb / secs : -1;
}

static void print_measure(FILE *out, const struct timeline_point *points, unsigned int n,
			  const struct header *hdr, enum measure what)
{
	char line[3 * TIMELINE_POINTS + 1], low[FMT_LEN], high[FMT_LEN];
	double values[TIMELINE_POINTS], least = -1, most = -1;
	unsigned int i;

	for (i = 0; i < n; i++) {
		values[i] = value(&points[i], hdr, what);
		if (values[i] >= 0 && (least < 0 || values[i] < least))
			least = values[i];
		if (values[i] > most)
			most = values[i];
	}
	if (most < 0)
		return;
	sparkline(line, values, n, locale_is_utf8());
	fprintf(out, "%-*s%s  %s", LABEL_WIDTH, measures[what].label, line,
		measures[what].format(low, least, 6));
	if (n > 1)
		fprintf(out, " .. %s", measures[what].format(high, most, 6));
	fputc('\n', out);
}

/* Folds the points of @tl into at most @columns; returns how many intervals one stands for. */
static unsigned int fold(const struct timeline *tl, unsigned int columns,
			 struct timeline_point *into, unsigned int *n)
{
	unsigned int each = (tl->n + columns - 1) / columns;
	size_t i;

	for (i = 0; i < tl->n; i++) {
		if (i % each)
			point_add(&into[i / each], &tl->points[i]);
		else
			into[i / each] = tl->points[i];
	}
	*n = (tl->n + each - 1) / each;
	return each * tl->per_point;
}

/* "1.00s", or "200ms to 290ms" where they differ; the last column may be a short one. */
static void print_durations(FILE *out, const struct timeline_point *points, unsigned int n)
{
	__u64 least = points[0].dur_ns, most = least, last = points[n - 1].dur_ns;
	char a[FMT_LEN], b[FMT_LEN], c[FMT_LEN];
	unsigned int i;

	for (i = 1; i + 1 < n; i++) {
		least = points[i].dur_ns < least ? points[i].dur_ns : least;
		most = points[i].dur_ns > most ? points[i].dur_ns : most;
	}
	fmt_ns(a, least, 6);
	fmt_ns(b, most, 6);
	fmt_ns(c, last, 6);
	fprintf(out, strcmp(a, b) ? "%s to %s" : "%s", a, b);
	if ((last < least || last > most) && strcmp(c, a) && strcmp(c, b))
		fprintf(out, ", the last %s", c);
	fputc('\n', out);
}

void timeline_print(FILE *out, const struct timeline *tl, const struct header *hdr, int width)
{
	int columns = (width == WIDTH_ANY ? DEFAULT_WIDTH : width) - LABEL_WIDTH - RANGE_WIDTH;
	struct timeline_point *points;
	unsigned int n, each;
	enum measure what;

	columns = columns < 8 ? 8 : columns > TIMELINE_POINTS ? TIMELINE_POINTS : columns;
	points = tl->n ? calloc(tl->n, sizeof(*points)) : NULL;
	if (!points)
		return;
	each = fold(tl, columns, points, &n);
	fprintf(out, "%-*s%u column%s, each ", LABEL_WIDTH, "time line", n, n == 1 ? "" : "s");
	if (each > 1)
		fprintf(out, "%u intervals, ", each);
	print_durations(out, points, n);
	for (what = CALLS; what <= BARRIERS; what++)
		print_measure(out, points, n, hdr, what);
	free(points);
}
