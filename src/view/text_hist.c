// SPDX-License-Identifier: GPL-2.0
/* Histograms as text. */
#include <string.h>
#include <dmasync/bar.h>
#include <dmasync/percentile.h>
#include <dmasync/units.h>
#include <dmasync/view.h>

#define MAX_LINES 64
#define LABEL_COLUMNS 32 /* " 1.00us ..  1.12us    12345 |" and the closing bar with its mark */

/* Marks the line in which a percentile falls. */
static const char *line_mark(const __u64 hist[HIST_BUCKETS], const struct hist_line *line)
{
	static const struct {
		double q;
		const char *mark;
	} marks[] = { { 0.5, " p50" }, { 0.9, " p90" }, { 0.99, " p99" } };
	const char *mark = "";
	unsigned int i;
	__u64 v;

	for (i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		v = hist_percentile(hist, 0, ~0ULL, marks[i].q);
		if (v >= line->low && v < line->high)
			mark = marks[i].mark;
	}
	return mark;
}

void text_histogram(FILE *out, const __u64 hist[HIST_BUCKETS], unsigned int width,
		    unsigned int lines)
{
	struct hist_line line[MAX_LINES];
	char low[FMT_LEN], high[FMT_LEN], count[FMT_LEN], bar[BAR_LEN];
	int columns = width > LABEL_COLUMNS + 8 ? width - LABEL_COLUMNS - 4 : 4;
	bool utf8 = locale_is_utf8();
	unsigned int n, i;
	__u64 most = 0;

	n = hist_fold(hist, line, lines < MAX_LINES ? lines : MAX_LINES);
	for (i = 0; i < n; i++) {
		if (line[i].count > most)
			most = line[i].count;
	}
	for (i = 0; i < n; i++) {
		bar_draw(bar, line[i].count, most, columns, utf8);
		fprintf(out, " %6s .. %6s %9s |%s|%s\n", fmt_ns(low, line[i].low, 6),
			fmt_ns(high, line[i].high, 6), fmt_count(count, line[i].count, 9), bar,
			line_mark(hist, &line[i]));
	}
}
