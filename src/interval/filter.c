// SPDX-License-Identifier: GPL-2.0
/* Selects parts of intervals. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/filter.h>

#define NOT_SELECTED ~0U

bool device_matches(const char *patterns, const char *name)
{
	char pattern[256];

	while (*patterns) {
		size_t len = strcspn(patterns, ",");

		snprintf(pattern, sizeof(pattern), "%.*s", (int)len, patterns);
		if (!fnmatch(pattern, name, 0))
			return true;
		patterns += len + (patterns[len] == ',');
	}
	return false;
}

static bool by_row(const struct options *opt)
{
	return opt->device || opt->ops;
}

static bool by_process(const struct options *opt)
{
	return opt->pid || opt->comm;
}

bool filter_active(const struct options *opt)
{
	return by_row(opt) || by_process(opt);
}

static bool row_selected(const struct row *row, const struct options *opt)
{
	return (!opt->ops || opt->ops & 1u << row->op) &&
	       (!opt->device || device_matches(opt->device, row->dev));
}

static bool process_selected(__u32 tgid, const char *comm, const struct options *opt)
{
	return (!opt->pid || tgid == (__u32)opt->pid) && (!opt->comm || !strcmp(comm, opt->comm));
}

/* @place[i]: where row i of @iv is in @out. */
static int filter_rows(struct interval *out, const struct interval *iv, const struct options *opt,
		       __u32 *place)
{
	struct row *row;
	size_t i;

	for (i = 0; i < iv->n_rows; i++) {
		place[i] = NOT_SELECTED;
		if (!row_selected(&iv->rows[i], opt))
			continue;
		row = interval_row(out, &iv->rows[i]);
		if (!row)
			return -ENOMEM;
		place[i] = row - out->rows;
		if (!by_process(opt))
			row_add(row, &iv->rows[i]);
	}
	return 0;
}

static int filter_stacks(struct interval *out, const struct interval *iv, const struct options *opt,
			 const __u32 *place)
{
	struct stack_row like, *row;
	size_t i;

	for (i = 0; i < iv->n_stacks; i++) {
		like = iv->stacks[i];
		like.row = place[like.row];
		if (like.row == NOT_SELECTED || !process_selected(like.tgid, like.comm, opt))
			continue;
		row = interval_stack(out, &like);
		if (!row)
			return -ENOMEM;
		counts_add(&row->sum, &iv->stacks[i].sum);
		row->dsb_derived += iv->stacks[i].dsb_derived;
	}
	return 0;
}

static int filter_storms(struct interval *out, const struct interval *iv, const __u32 *place)
{
	struct storm_row *storm;

	for (size_t i = 0; i < iv->n_storms; i++) {
		__u32 row = place[iv->storms[i].row];

		if (row == NOT_SELECTED)
			continue;
		storm = interval_storm(out, row);
		if (!storm)
			return -ENOMEM;
		storm_add(storm, &iv->storms[i]);
	}
	return 0;
}

static int filter_procs(struct interval *out, const struct interval *iv, const struct options *opt)
{
	struct proc_row *proc;
	size_t i;

	for (i = 0; i < iv->n_procs; i++) {
		const struct proc_row *from = &iv->procs[i];

		if (!process_selected(from->tgid, from->comm, opt))
			continue;
		proc = interval_proc(out, from->tgid, from->comm);
		if (!proc)
			return -ENOMEM;
		counts_add(&proc->sum, &from->sum);
		proc->dsb_derived += from->dsb_derived;
	}
	return 0;
}

static int filter_samples(struct interval *out, const struct interval *iv,
			  const struct options *opt)
{
	struct sample_row *row;
	size_t i;

	for (i = 0; i < iv->n_samples; i++) {
		const struct sample_row *from = &iv->samples[i];

		if (!process_selected(from->tgid, from->comm, opt))
			continue;
		row = interval_sample(out, from);
		if (!row)
			return -ENOMEM;
		row->samples += from->samples;
	}
	return 0;
}

int interval_filter(struct interval *out, const struct interval *iv, const struct options *opt)
{
	__u32 *place = calloc(iv->n_rows + 1, sizeof(*place));
	int err = -ENOMEM;

	interval_clear(out);
	if (!place)
		return err;
	out->t_ns = iv->t_ns;
	out->dur_ns = iv->dur_ns;
	out->merged = iv->merged;
	out->loss = iv->loss;
	out->has_pmu = iv->has_pmu;
	out->pmu_dsb = iv->pmu_dsb;
	out->has_stacks = iv->has_stacks;
	out->has_procs = iv->has_procs && !by_row(opt);
	out->has_samples = iv->has_samples && !by_row(opt);
	out->has_storms = iv->has_storms && !by_process(opt);
	if (filter_rows(out, iv, opt, place) || filter_stacks(out, iv, opt, place))
		goto out;
	/* Runs are not told by process. */
	if (out->has_storms && filter_storms(out, iv, place))
		goto out;
	if ((out->has_procs && filter_procs(out, iv, opt)) ||
	    (out->has_samples && filter_samples(out, iv, opt)))
		goto out;
	err = 0;
out:
	free(place);
	return err;
}
