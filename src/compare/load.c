// SPDX-License-Identifier: GPL-2.0
/* Runs from captures. */
#include <errno.h>
#include <stdio.h>
#include <dmasync/compare.h>
#include <dmasync/log.h>

struct load {
	struct compare *c;
	struct compare_run *run;
};

static int load_interval(void *ctx, const struct capture *cap, const struct interval *iv)
{
	struct load *load = ctx;
	int err;

	if (!load->run)
		load->run = compare_run_new(load->c, capture_path(cap), capture_info(cap));
	err = load->run ? compare_run_add(load->c, load->run, iv) : -ENOMEM;
	if (err)
		log_error("%s: out of memory for its rows", capture_path(cap));
	return err;
}

int compare_load(struct compare *c, const char *path, struct compare_run **out)
{
	struct load load = { .c = c };
	struct capture *cap = NULL;
	struct interval total;
	int err;

	interval_init(&total);
	err = capture_read(path, &total, load_interval, &load, &cap);
	if (!err && !load.run) {
		log_error(
			"%s: holds no interval, so there is nothing to compare; record for longer",
			path);
		err = -ENODATA;
	}
	if (!err) {
		err = compare_run_storms(c, load.run, &total, capture_stacks(cap));
		if (err)
			log_error("%s: out of memory for its storms", path);
	}
	if (!err && capture_cut_off(cap))
		snprintf(load.run->cut_off, sizeof(load.run->cut_off), "%s", capture_cut_off(cap));
	if (!err)
		*out = load.run;
	if (cap)
		capture_free(cap);
	interval_free(&total);
	return err;
}
