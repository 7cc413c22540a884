// SPDX-License-Identifier: GPL-2.0
/* Notes on what differs between the machines, kernels and recordings of the sides. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <dmasync/units.h>
#include "parts.h"

#define TEXT_LEN 256

/* Writes what a run says of one thing into @buf (TEXT_LEN); empty: not known. */
typedef void (*describe_fn)(const struct compare_run *run, char *buf);

static void describe_model(const struct compare_run *run, char *buf)
{
	const struct header *h = &run->info.hdr;

	snprintf(buf, TEXT_LEN, "%s %s%s%u CPU%s", h->machine, h->model, h->model[0] ? ", " : "",
		 h->cpus, h->cpus == 1 ? "" : "s");
}

static void describe_cpu(const struct compare_run *run, char *buf)
{
	snprintf(buf, TEXT_LEN, "%s", run->info.cpu_model);
}

static void describe_governor(const struct compare_run *run, char *buf)
{
	snprintf(buf, TEXT_LEN, "%s", run->info.governor);
}

static void describe_kernel(const struct compare_run *run, char *buf)
{
	snprintf(buf, TEXT_LEN, "%s%s%.12s", run->info.hdr.release,
		 run->info.build_id[0] ? " build " : "", run->info.build_id);
}

static void describe_tool(const struct compare_run *run, char *buf)
{
	snprintf(buf, TEXT_LEN, "%s", run->info.tool_version);
}

static void describe_backend(const struct compare_run *run, char *buf)
{
	snprintf(buf, TEXT_LEN, "%s", backend_name(run->info.hdr.backend));
}

/* Everything on the command line of a recording that runs inside or around what is timed. */
static void describe_options(const struct compare_run *run, char *buf)
{
	const struct capture_info *info = &run->info;
	char length[FMT_LEN];
	int n;

	n = snprintf(buf, TEXT_LEN, "level %s%s%s%s%s%s, intervals of %s",
		     level_name(info->hdr.level), info->hdr.exact ? ", exact" : "",
		     info->hdr.bytes ? "" : ", no bytes", info->hdr.storms ? ", storms" : "",
		     info->stacks ? ", stacks" : "", info->procs ? ", processes" : "",
		     fmt_ns(length, info->interval_ns, 6));
	if (info->profile_hz)
		snprintf(buf + n, TEXT_LEN - n, ", profile at %u Hz", info->profile_hz);
}

/* What the runs of a side say, each thing once: "performance; ondemand". Its number of things. */
static unsigned int side_words_of(const struct compare *c, enum side side, describe_fn describe,
				  char *buf)
{
	char one[TEXT_LEN], *seen;
	unsigned int things = 0;
	size_t len = 0, i, k;

	buf[0] = '\0';
	for (i = 0; i < c->side[side].n; i++) {
		char before[TEXT_LEN];

		describe(c->side[side].runs[i], one);
		for (k = 0, seen = NULL; k < i && !seen; k++) {
			describe(c->side[side].runs[k], before);
			seen = strcmp(one, before) ? NULL : before;
		}
		if (seen)
			continue;
		if (len < TEXT_LEN)
			len += snprintf(buf + len, TEXT_LEN - len, "%s%s", things ? "; " : "",
					one[0] ? one : "unknown");
		things++;
	}
	return things;
}

/* Notes what the sides, or the runs of one of them, say differently. */
static int note_differ(struct compare *c, const char *kind, const char *what, const char *matters,
		       describe_fn describe)
{
	char text[SIDES][TEXT_LEN];
	unsigned int things = 0;
	int s;

	for (s = 0; s < SIDES; s++)
		things |= side_words_of(c, s, describe, text[s]);
	if (things == 1 && !strcmp(text[BEFORE], text[AFTER]))
		return 0;
	return compare_note(c, kind, "%s: before %s; after %s%s%s", what, text[BEFORE], text[AFTER],
			    matters[0] ? ": " : "", matters);
}

/* The kernels are expected to differ, but not inside a side. */
static int note_kernels(struct compare *c)
{
	char text[TEXT_LEN];
	int s, err = 0;

	for (s = 0; !err && s < SIDES; s++) {
		if (side_words_of(c, s, describe_kernel, text) > 1)
			err = compare_note(c, "kernel",
					   "the runs %s are of more than one kernel: %s: their "
					   "spread is not chance",
					   s == BEFORE ? "before" : "after", text);
	}
	return err;
}

/* Rungs, as bits, that the hooks of @op got in the runs of @side. */
static unsigned int rungs_of(const struct compare *c, enum side side, enum op op)
{
	const struct header *h;
	unsigned int rungs = 0, k;
	size_t i;

	for (i = 0; i < c->side[side].n; i++) {
		h = &c->side[side].runs[i]->info.hdr;
		for (k = 0; k < h->n_hooks; k++) {
			if (h->hooks[k].op == op && !h->hooks[k].barrier)
				rungs |= 1u << h->hooks[k].rung;
		}
	}
	return rungs & ~(1u << RUNG_NONE);
}

static void rung_words(unsigned int rungs, char *buf, size_t size)
{
	size_t len = 0;
	int rung;

	snprintf(buf, size, "unknown");
	for (rung = RUNG_NONE + 1; rung < RUNG_COUNT; rung++) {
		if (rungs & 1u << rung)
			len += snprintf(buf + len, size - len, "%s%s", len ? " and " : "",
					rung_name(rung));
	}
}

/* Only operations that both sides have: hooks come and go with the kernel's version. */
static int note_attach(struct compare *c)
{
	unsigned int before, after, others = 0, seen = 0;
	enum op first = OP_COUNT;
	char b[64], a[64];
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		if (!c->rows[i].side[BEFORE].runs || !c->rows[i].side[AFTER].runs ||
		    seen & 1u << c->rows[i].op)
			continue;
		seen |= 1u << c->rows[i].op;
		before = rungs_of(c, BEFORE, c->rows[i].op);
		after = rungs_of(c, AFTER, c->rows[i].op);
		if (before == after)
			continue;
		if (first == OP_COUNT)
			first = c->rows[i].op;
		else
			others++;
	}
	if (first == OP_COUNT)
		return 0;
	rung_words(rungs_of(c, BEFORE, first), b, sizeof(b));
	rung_words(rungs_of(c, AFTER, first), a, sizeof(a));
	return compare_note(c, "attach",
			    "%s is attached by %s before and %s after%s: the probes' own time "
			    "differs",
			    op_name(first), b, a, others ? ", others differ too" : "");
}

/* Mean of the floors of a side's runs; negative if one is not known. */
static double side_floor(const struct compare *c, enum side side)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < c->side[side].n; i++) {
		if (!c->side[side].runs[i]->info.hdr.cost.valid)
			return -1;
		sum += c->side[side].runs[i]->info.hdr.cost.floor_ns;
	}
	return sum / c->side[side].n;
}

/*
 * The floor is not subtracted: it was measured on a function that does nothing, with everything in
 * the caches. What it can do to a ratio is told instead.
 */
static int note_floor(struct compare *c)
{
	double before = side_floor(c, BEFORE), after = side_floor(c, AFTER), most = 0, part;
	char b[FMT_LEN], a[FMT_LEN];
	const char *op = "any", *dev = "row";
	const struct figure *f;
	size_t i;
	int s;

	if (before < 0 || after < 0)
		return compare_note(c, "floor",
				    "ns/call contains the probes' own time, which is not known for "
				    "all runs");
	for (i = 0; i < c->n_rows; i++) {
		f = &c->rows[i].figure[FIG_NS_CALL];
		for (s = 0; s < SIDES; s++) {
			part = f->value[s] > 0 ? (s == BEFORE ? before : after) / f->value[s] : 0;
			if (part > most && (c->rows[i].tested || !c->n_tested)) {
				most = part;
				op = op_name(c->rows[i].op);
				dev = c->rows[i].dev;
			}
		}
	}
	fmt_ns(b, before, 6);
	fmt_ns(a, after, 6);
	if (fabs(before - after) > 0.1 * fmax(before, after))
		return compare_note(
			c, "floor",
			"the probes' own time in each call differs and is part of ns/call: "
			"%s before, %s after, at most %.1f %% of it (%s %s)",
			b, a, fmin(most, 1) * 100, op, dev);
	if (most > 0.05)
		return compare_note(
			c, "floor",
			"the probes' own time, %s in each call, is %.0f %% of ns/call of "
			"%s %s: its true change is larger than shown",
			a, fmin(most, 1) * 100, op, dev);
	return 0;
}

static int note_virtual(struct compare *c)
{
	const char *model;
	int s;

	for (s = 0; s < SIDES; s++) {
		model = c->side[s].runs[0]->info.hdr.model;
		if (!strcmp(model, "linux,dummy-virt") || strstr(model, "QEMU") ||
		    strstr(model, "KVM"))
			return compare_note(c, "virtual",
					    "a virtual machine (%s): under emulation its times are "
					    "not a CPU's; counts and barriers are exact",
					    model);
	}
	return 0;
}

int setup_notes(struct compare *c)
{
	int err = note_differ(c, "machine", "machines differ", "", describe_model);

	if (!err)
		err = note_differ(c, "cpu", "CPUs differ", "", describe_cpu);
	if (!err)
		err = note_differ(c, "governor", "CPU frequency governors differ",
				  "times are not of the same clock", describe_governor);
	if (!err)
		err = note_differ(c, "backend", "measured by other means",
				  "the probes' own time differs", describe_backend);
	if (!err)
		err = note_attach(c);
	if (!err)
		err = note_differ(c, "options", "recorded with other options",
				  "what runs inside the calls may differ", describe_options);
	if (!err)
		err = note_differ(c, "tool", "recorded by other versions", "", describe_tool);
	if (!err)
		err = note_kernels(c);
	if (!err)
		err = note_floor(c);
	return err ? err : note_virtual(c);
}
