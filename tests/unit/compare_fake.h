/* SPDX-License-Identifier: GPL-2.0 */
/* Runs in memory for tests of compare: rows as a test wants them. */
#ifndef COMPARE_FAKE_H
#define COMPARE_FAKE_H

#include <dmasync/compare.h>
#include "fake.h"
#include "random_runs.h"

static inline void fake_info(struct capture_info *info, unsigned int number)
{
	memset(info, 0, sizeof(*info));
	fake_header(&info->hdr);
	snprintf(info->tool_version, sizeof(info->tool_version), "0.1.0");
	snprintf(info->build_id, sizeof(info->build_id),
		 "00112233445566778899aabbccddeeff00112233");
	snprintf(info->boot_id, sizeof(info->boot_id), "boot-%u", number);
	snprintf(info->cpu_model, sizeof(info->cpu_model), "Cortex-A72 x4");
	snprintf(info->governor, sizeof(info->governor), "performance");
	snprintf(info->command, sizeof(info->command), "dmasynctop record");
	snprintf(info->hdr.model, sizeof(info->hdr.model), "Board");
	info->interval_ns = 1000000000;
	info->start_ns = 1000000000000ULL * (number + 1);
}

/*
 * Adds to @iv @calls calls of @entries entries of 4 KiB, each of @ns; all in the bucket of the
 * mean.
 * @dsb: barriers a call. The key is that of @like.
 */
static inline void fake_row(struct interval *iv, const struct row *like, __u64 calls, __u64 entries,
			    double ns, __u64 dsb)
{
	struct row one = *like, *row;

	memset(&one.sum, 0, sizeof(one.sum));
	memset(one.hist, 0, sizeof(one.hist));
	one.sum.calls = calls;
	one.sum.entries = calls * entries;
	one.sum.bytes = calls * entries * 4096;
	one.sum.ns = calls * (__u64)llround(ns);
	one.min_ns = one.max_ns = ns;
	one.hist[fake_bucket(ns)] = calls;
	one.dsb_derived = calls * dsb;
	one.dsb_derived_known = true;
	row = interval_row(iv, &one);
	if (row)
		row_add(row, &one);
}

/* What every run of a test is like. */
struct fake_runs {
	struct run_model model;
	unsigned int intervals;
	unsigned int rows; /* devices with one row each; at least 1 */
	__u64 entries, dsb;
};

/* Adds a run to @side whose time per call is scaled by @scale. */
static inline struct compare_run *fake_run(struct compare *c, enum side side, struct rng *rng,
					   const struct fake_runs *like, double scale,
					   unsigned int number)
{
	struct row row = { .op = OP_MAP_SG, .dir = DIR_FROM_DEVICE, .driver = "ahci" };
	double *ns = calloc(like->intervals * like->rows, sizeof(*ns));
	struct compare_run *run;
	struct capture_info info;
	struct interval iv;
	unsigned int i, k;

	fake_info(&info, number);
	run = compare_run_new(c, "run", &info);
	interval_init(&iv);
	for (k = 0; k < like->rows; k++)
		random_run(rng, &like->model, ns + k * like->intervals, like->intervals);
	for (i = 0; i < like->intervals; i++) {
		interval_clear(&iv);
		iv.dur_ns = 1000000000;
		for (k = 0; k < like->rows; k++) {
			snprintf(row.dev, sizeof(row.dev), "0000:00:%02u.0", k);
			fake_row(&iv, &row, 80 + rng_below(rng, 40), like->entries,
				 scale * ns[k * like->intervals + i], like->dsb);
		}
		compare_run_add(c, run, &iv);
	}
	compare_side_add(c, side, run);
	interval_free(&iv);
	free(ns);
	return run;
}

#endif
