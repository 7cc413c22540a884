/* SPDX-License-Identifier: GPL-2.0 */
/* What the command line asked for; options mean the same in every subcommand. */
#ifndef DMASYNC_OPTIONS_H
#define DMASYNC_OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>
#include "header.h"

/* Exit status of every subcommand. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNSUPPORTED = 3, /* not possible or not permitted on this machine */
	EXIT_LOSS = 4,	      /* more events lost than --max-loss allows */
	EXIT_REGRESSION = 5,
};

enum sort_key {
	SORT_TIME, /* ns spent, the default */
	SORT_CALLS,
	SORT_ENTRIES,
	SORT_BYTES,
	SORT_AVG,
	SORT_P50,
	SORT_P99,
	SORT_MAX,
	SORT_DSB,
	SORT_DSB_PER_CALL,
	SORT_SAVED, /* barriers that batches of single buffers would save */
	SORT_DEVICE,
	SORT_DRIVER,
	SORT_OP,
	SORT_COUNT,
};

/* What one line of a table stands for. */
enum group_by {
	BY_ROW, /* device, driver, op, direction */
	BY_DEVICE,
	BY_DRIVER,
	BY_PROCESS,
	BY_STORM, /* the live view's table of runs of calls for single buffers; a row each */
};

struct options {
	__u64 interval_ns;	 /* -i, default 1 s */
	unsigned int count;	 /* -n intervals; 0: no limit */
	__u64 duration_ns;	 /* -d; 0: no limit */
	bool batch;		 /* -b */
	bool json;		 /* --json */
	const char *device;	 /* -D: comma-separated shell patterns on device names; NULL: all */
	pid_t pid;		 /* -p; 0: all */
	const char *comm;	 /* -c: process name, at most 15 characters; NULL: all */
	unsigned int ops;	 /* -O: bit mask of 1 << enum op; 0: all of the level */
	enum sort_key sort;	 /* -s */
	enum group_by by;	 /* --by */
	const char *output;	 /* -o */
	enum level level;	 /* --level */
	bool exact;		 /* --exact */
	bool chain;		 /* --chain */
	bool no_bytes;		 /* --no-bytes */
	bool storms;		 /* --storms: follow runs of calls for single buffers */
	bool histograms;	 /* --hist: histograms in text output */
	enum backend_id backend; /* --backend */
	enum rung attach;	 /* --attach; RUNG_NONE: the best that works */
	unsigned int max_rows;	 /* --max-rows; 0: by the machine's size */
	bool procs;		 /* make a process table possible: --by process, or the live view */
	bool stacks;		 /* tell calls by their kernel stack, too */
	bool user_stacks;	 /* --user-stacks: ... of which user space is a part */
	bool raw_addresses;	 /* --raw-addresses: unknown frames are addresses */
	unsigned int profile_hz; /* --profile: samples a second and CPU; 0: none */
	bool pmu;		 /* --pmu: also count DSB_SPEC */
	__u64 max_loss;		 /* --max-loss: lost events tolerated before exit 4; default 0 */
	bool max_loss_set;
	bool verbose; /* -v */
	char **cmd;   /* after --, NULL-terminated; NULL: none */
};

/* Defaults of every field. */
void options_init(struct options *opt);

/* Words of the command line: "time", "dsb/call"; "row", "device". By name: -1 when unknown. */
const char *sort_name(enum sort_key key);
int sort_by_name(const char *name);
const char *group_name(enum group_by by);
int group_by_name(const char *name);

#endif
