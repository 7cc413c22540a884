/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel module dmasync_bench: makes calls of the DMA API and times them in the kernel. */
#ifndef DMASYNC_BENCH_MODULE_H
#define DMASYNC_BENCH_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "bench.h"

#define MODULE_DIR "/sys/kernel/debug/dmasync_bench"
#define MODULE_APIS 4 /* kinds of calls that one run makes, at most */

/* One kind of call; times in ns. */
struct module_api {
	enum op op;
	__u64 calls, errors;
	__u64 entries, bytes; /* of all calls that did not fail */
	__u64 min, median, p99, max;
	double mean;
	double dsb; /* barriers a call; valid with module_result.dsb_known */
};

/* What one run of the module did. */
struct module_run {
	char dev[64];
	char state[16]; /* "done", "stopped" ... */
	bool coherent, iommu;
	unsigned int n_apis;
	struct module_api apis[MODULE_APIS];
	__u64 wrong; /* pages that vmap() mapped wrong */
};

/*
 * Parses the text of the module's file "result" into *@run. 0, or -EINVAL with *@why set to a
 * static text that says what is wrong with it. Kinds of calls that have no enum op are left out.
 */
int module_parse(const char *text, struct module_run *run, const char **why);

/*
 * Has the module in @dir (MODULE_DIR) run @command and waits for its end. 0, or -errno after a
 * message. Interrupted by a signal (-EINTR), the run is stopped.
 */
int module_run(const char *dir, const char *command, struct module_run *run);

/* What "bench --module" measured: runs of the families of calls that were asked for. */
struct module_result {
	struct bench_result about; /* kernel, machine, CPU, barriers; its two sides are not used */
	char dev[64];
	bool coherent, iommu;
	unsigned int n_apis;
	struct module_api apis[3 * MODULE_APIS];
};

/* The whole subcommand, after its options are parsed. An exit code. */
int bench_module(const struct bench_options *opt);

void module_print_text(FILE *out, const struct bench_options *opt, const struct module_result *r);
int module_print_json(FILE *out, const struct bench_options *opt,
		      const struct module_result *r); /* 0 or -errno */

#endif
