// SPDX-License-Identifier: GPL-2.0
/* Phrases about losses, lines and sums. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <dmasync/columns.h>
#include <dmasync/units.h>
#include "text.h"

/* A bounded buffer that phrases are appended to. */
struct phrase {
	char *buf;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3))) append(struct phrase *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (p->len >= p->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(p->buf + p->len, p->size - p->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		p->len += n;
}

static void reason(struct phrase *p, const char **sep, __u64 n, const char *what)
{
	if (!n)
		return;
	append(p, "%s%llu %s", *sep, n, what);
	*sep = ", ";
}

void loss_words(const struct loss *loss, char *buf, size_t size)
{
	const struct loss_counters *e = &loss->events;
	struct phrase p = { buf, size, 0 };
	const char *sep = ": ";

	buf[0] = '\0';
	if (loss_total(loss)) {
		append(&p, "%llu events lost", loss_total(loss));
		reason(&p, &sep, e->calls_full, "calls without a slot");
		reason(&p, &sep, e->depth, "nested too deep");
		reason(&p, &sep, e->stale, "that never returned");
		reason(&p, &sep, loss->recursion_misses, "probes skipped by the kernel");
		reason(&p, &sep, loss->stacks, "stacks");
		reason(&p, &sep, loss->trace_events, "overwritten in the trace buffer");
	}
	if (!loss_inexact(loss))
		return;
	sep = p.len ? "; inexact: " : "inexact: ";
	reason(&p, &sep, e->rows_full, "calls booked as \"other\"");
	reason(&p, &sep, e->procs_full, "calls booked to pid 0");
	reason(&p, &sep, e->orphan_dsb, "barriers outside any call");
	reason(&p, &sep, e->sg_truncated, "lists too long to sum all bytes");
	reason(&p, &sep, loss->runs, "runs cut short");
}

static void full_subject(const struct table_line *line, struct phrase *p)
{
	char name[CELL_LEN];

	if (line->device[0]) {
		fit_name(name, line->device, DEV_NAME_LEN);
		append(p, "%s%s", name, line->driver[0] ? " " : "");
	}
	if (line->driver[0]) {
		fit_name(name, line->driver, DRV_NAME_LEN);
		append(p, "%s", name);
	}
	if (line->op < OP_COUNT)
		append(p, " %s", op_name(line->op));
	if (line->dir < DIR_NONE)
		append(p, " %s", dir_name(line->dir));
}

void line_subject(const struct table_line *line, int width, char *buf, size_t size)
{
	struct phrase p = { buf, size, 0 };
	char name[CELL_LEN];

	buf[0] = '\0';
	if (line->comm[0]) {
		fit_name(name, line->comm, 16);
		append(&p, "%s (%u)", name, line->tgid);
		return;
	}
	full_subject(line, &p);
	if ((int)p.len <= width || line->op >= OP_COUNT)
		return;
	p.len = 0;
	fit_name(name, line->device, width > 40 ? width - 16 : 24);
	append(&p, "%s %s %s", name, op_short_name(line->op), dir_arrow(line->dir));
}

void figures_words(const struct header *hdr, const struct figures *f, __u64 dur_ns,
		   unsigned int how, char *buf, size_t size)
{
	bool totals = how & WORDS_TOTALS;
	double secs = dur_ns ? dur_ns / 1e9 : 1, per = totals ? 1 : secs;
	struct phrase p = { buf, size, 0 };
	const char *rate = totals ? "" : "/s";
	double cpu = f->sum.ns / secs / 1e7;
	char n[FMT_LEN];

	buf[0] = '\0';
	append(&p, "%s calls%s, ", fmt_count(n, f->sum.calls / per, 8), rate);
	append(&p, "%s%% of a CPU", fmt_count(n, cpu, 4));
	if (hdr->cpus > 1 && !(how & WORDS_BRIEF))
		append(&p, " (%s%% of %u)", fmt_count(n, cpu / hdr->cpus, 4), hdr->cpus);
	if (f->dsb_source == DSB_NONE)
		append(&p, ", dsb n/a");
	else if (f->dsb_source == DSB_UNKNOWN)
		append(&p, ", dsb unknown");
	else
		append(&p, ", dsb %s%s %s", fmt_count(n, f->dsb / per, 9), rate,
		       dsb_source_name(f->dsb_source));
}
