// SPDX-License-Identifier: GPL-2.0
/* Tables as comma-separated values (RFC 4180): a line of names, then one a table line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/group.h>
#include <dmasync/percentile.h>
#include <dmasync/report.h>
#include <dmasync/storm_view.h>
#include "../view/clean.h"

/* A line that is being written. */
struct record {
	FILE *out;
	bool begun;
};

static void separate(struct record *rec)
{
	if (rec->begun)
		fputc(',', rec->out);
	rec->begun = true;
}

/* Quoted where it has to be. Control characters are nobody's data, but a terminal's commands. */
static void put_text_part(struct record *rec, const char *s)
{
	unsigned int c;
	char utf8[4];

	while ((c = clean_next(&s))) {
		if (c == '"')
			fputc('"', rec->out);
		fwrite(utf8, 1, clean_encode(utf8, c == CLEAN_REPLACEMENT ? '?' : c), rec->out);
	}
}

static void put_text(struct record *rec, const char *s)
{
	bool quoted = s[strcspn(s, ",\"")];

	separate(rec);
	if (quoted)
		fputc('"', rec->out);
	put_text_part(rec, s);
	if (quoted)
		fputc('"', rec->out);
}

static void put_u64(struct record *rec, __u64 v)
{
	separate(rec);
	fprintf(rec->out, "%llu", v);
}

static void put_real(struct record *rec, bool known, double v)
{
	separate(rec);
	if (known)
		fprintf(rec->out, "%.3f", v);
}

static void put_known(struct record *rec, bool known, __u64 v)
{
	separate(rec);
	if (known)
		fprintf(rec->out, "%llu", v);
}

/* "a,b,c": a name each. */
static void put_names(struct record *rec, const char *names)
{
	separate(rec);
	fputs(names, rec->out);
}

static void end_record(struct record *rec)
{
	fputs("\r\n", rec->out);
	rec->begun = false;
}

#define COUNT_NAMES                                                                                \
	"calls,entries,bytes,ns,avg_ns,dsb,dsb_source,failed,failed_entries,failed_partial,"       \
	"empty_calls,bounces,bounced_calls,bounced_entries,steps"

static void put_counts(struct record *rec, const struct figures *f)
{
	const struct call_counts *sum = &f->sum;
	bool known = f->dsb_source == DSB_DERIVED || f->dsb_source == DSB_COUNTED;

	put_u64(rec, sum->calls);
	put_u64(rec, sum->entries);
	put_known(rec, !sum->unsized, sum->bytes);
	put_u64(rec, sum->ns);
	put_real(rec, sum->calls, f->avg_ns);
	put_known(rec, known, f->dsb);
	put_text(rec, dsb_source_name(f->dsb_source));
	put_u64(rec, sum->failed);
	put_u64(rec, sum->failed_entries);
	put_u64(rec, sum->failed_partial);
	put_u64(rec, sum->empty_calls);
	put_u64(rec, sum->bounces);
	put_u64(rec, sum->bounced_calls);
	put_u64(rec, sum->bounced_entries);
	put_u64(rec, sum->steps);
}

#define TIME_NAMES "min_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns"

static void put_times(struct record *rec, const struct table_line *line)
{
	const struct figures *f = &line->fig;
	bool known = f->sum.calls;

	put_known(rec, known, f->min_ns);
	put_known(rec, known, f->p50);
	put_known(rec, known, f->p90);
	put_known(rec, known, f->p99);
	put_known(rec, known, hist_percentile(line->row->hist, f->min_ns, f->max_ns, 0.999));
	put_known(rec, known, f->max_ns);
}

static const char *either(unsigned int flags, unsigned int yes, unsigned int no)
{
	return (flags & (yes | no)) == (yes | no) ? "mixed" : flags & yes ? "true" : "false";
}

static void put_key(struct record *rec, const struct table_line *line, enum group_by by)
{
	if (by == BY_PROCESS) {
		put_u64(rec, line->tgid);
		put_text(rec, line->comm);
		return;
	}
	if (by != BY_DRIVER) {
		put_text(rec, line->device);
		put_text(rec, line->row->bus);
		put_text(rec, line->row->of_name);
	}
	put_text(rec, line->driver);
	put_text(rec, either(line->flags, LINE_COHERENT, LINE_NONCOHERENT));
	put_text(rec, either(line->flags, LINE_IOMMU, LINE_DIRECT));
	if (by == BY_ROW) {
		put_text(rec, op_name(line->op));
		put_text(rec, dir_name(line->dir));
	}
}

static const char *const key_names[] = {
	[BY_ROW] = "device,bus,of_node,driver,coherent,iommu,op,dir",
	[BY_DEVICE] = "device,bus,of_node,driver,coherent,iommu",
	[BY_DRIVER] = "driver,coherent,iommu",
	[BY_PROCESS] = "pid,comm",
};

static int table_csv(FILE *out, const struct report *r)
{
	const struct options *opt = &r->opt->opt;
	struct table_spec spec = { .by = opt->by, .sort = opt->sort };
	struct record rec = { .out = out };
	struct table t;
	size_t i;
	int err;

	table_init(&t);
	err = table_build(&t, &capture_info(r->capture)->hdr, &r->total, &spec);
	if (err)
		return err;
	put_names(&rec, key_names[opt->by]);
	put_names(&rec, COUNT_NAMES);
	if (opt->by != BY_PROCESS)
		put_names(&rec, TIME_NAMES);
	end_record(&rec);
	for (i = 0; i < t.n; i++) {
		put_key(&rec, &t.lines[i], opt->by);
		put_counts(&rec, &t.lines[i].fig);
		if (opt->by != BY_PROCESS)
			put_times(&rec, &t.lines[i]);
		end_record(&rec);
	}
	table_free(&t);
	return 0;
}

static void stack_figures(const struct header *hdr, const struct stack_line *line,
			  struct figures *f)
{
	struct row row = {
		.sum = line->counts->sum,
		.dsb_derived = line->counts->dsb_derived,
		.dsb_derived_known = line->row->dsb_derived_known,
	};

	row_figures(hdr, &row, f);
}

/* Folded, as flame graphs are: outermost first, with ';' between. */
static void put_frames(struct record *rec, const struct stack *stack)
{
	unsigned int i;

	separate(rec);
	fputc('"', rec->out);
	for (i = 0; i < stack->n; i++) {
		if (i)
			fputc(';', rec->out);
		put_text_part(rec, stack->frames[i]);
	}
	fputc('"', rec->out);
}

static int stacks_csv(FILE *out, const struct report *r)
{
	const struct header *hdr = &capture_info(r->capture)->hdr;
	struct record rec = { .out = out };
	struct stack_lines lines;
	struct figures f;
	size_t i;
	int err = stack_lines_build(&lines, r);

	if (err)
		return err;
	put_names(&rec, "device,driver,op,dir," COUNT_NAMES ",user_frames,stack");
	end_record(&rec);
	for (i = 0; i < lines.n; i++) {
		put_text(&rec, lines.lines[i].row->dev);
		put_text(&rec, lines.lines[i].row->driver);
		put_text(&rec, op_name(lines.lines[i].row->op));
		put_text(&rec, dir_name(lines.lines[i].row->dir));
		stack_figures(hdr, &lines.lines[i], &f);
		put_counts(&rec, &f);
		put_u64(&rec, lines.lines[i].stack->n_user);
		put_frames(&rec, lines.lines[i].stack);
		end_record(&rec);
	}
	stack_lines_free(&lines);
	return 0;
}

static int storms_csv(FILE *out, const struct report *r)
{
	const struct storm_row **list = storms_sorted(&r->total);
	double secs = r->total.dur_ns ? r->total.dur_ns / 1e9 : 1;
	struct record rec = { .out = out };
	struct figures all;

	if (!list)
		return -ENOMEM;
	interval_figures(&capture_info(r->capture)->hdr, &r->total, &all);
	put_names(&rec,
		  "device,driver,op,dir,saved,saved_per_s,saved_percent,saved_most,calls,runs,"
		  "contexts,p50,p99,longest");
	end_record(&rec);
	for (size_t i = 0; i < r->total.n_storms; i++) {
		const struct storm_row *s = list[i];
		const struct row *row = &r->total.rows[s->row];
		double share = storm_share(storm_saved(s), &all);

		put_text(&rec, row->dev);
		put_text(&rec, row->driver);
		put_text(&rec, op_name(row->op));
		put_text(&rec, dir_name(row->dir));
		put_u64(&rec, storm_saved(s));
		put_real(&rec, true, storm_saved(s) / secs);
		put_real(&rec, share >= 0, share);
		put_u64(&rec, storm_most(s));
		put_u64(&rec, s->calls);
		put_u64(&rec, s->runs);
		put_u64(&rec, s->contexts);
		put_u64(&rec, storm_runs_at(s, 0.5));
		put_u64(&rec, storm_runs_at(s, 0.99));
		put_u64(&rec, s->longest);
		end_record(&rec);
	}
	free(list);
	return 0;
}

int report_csv(FILE *out, const struct report *r)
{
	if (r->opt->storms)
		return storms_csv(out, r);
	return r->opt->by_stack ? stacks_csv(out, r) : table_csv(out, r);
}
