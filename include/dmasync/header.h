/* SPDX-License-Identifier: GPL-2.0 */
/* What a session knows before its first interval: the "header" object of every output. */
#ifndef DMASYNC_HEADER_H
#define DMASYNC_HEADER_H

#include <stdbool.h>
#include "interval.h"

/* Rungs of the attach ladder, best first. */
enum rung {
	RUNG_NONE, /* not attached */
	RUNG_FSESSION,
	RUNG_FENTRY,
	RUNG_KPROBE,
	RUNG_COUNT,
};

/* What a session measures with. */
enum backend_id {
	BACKEND_AUTO, /* in options only: BPF where it is possible, else ftrace */
	BACKEND_BPF,
	BACKEND_FTRACE,
	BACKEND_COUNT,
};

enum level {
	LEVEL_API,
	LEVEL_ARCH,
};

#define HEADER_HOOKS_MAX 96
#define HOOK_NAME_LEN 64

/* What sees the end of a call on RUNG_KPROBE. */
enum hook_end {
	END_NONE,      /* on other rungs, or a hook of the entry only */
	END_RET,       /* a kprobe at each of the function's RETs */
	END_KRETPROBE, /* whose handler runs with interrupts on: their calls may be missed */
	END_COUNT,
};

/* How one hook came out. */
struct hook_state {
	char name[HOOK_NAME_LEN]; /* kernel function, with +0xoff for a barrier inside it */
	enum op op;		  /* operation it serves; OP_COUNT for helpers (bounce, barrier) */
	bool barrier;		  /* its probe counts barriers */
	enum rung rung;		  /* RUNG_NONE: see reason */
	enum hook_end end;
	char reason[192]; /* why not attached, rung by rung, or why a kretprobe; else empty */
	bool refused;	  /* the kernel has the function but let it be probed in no way: a loss */
};

/* Cost of the probes themselves, measured on a null target at start (see calibrate.h). */
struct probe_cost {
	bool valid;
	double floor_ns;  /* time the probes add inside a measured interval */
	double tax_ns;	  /* time a traced call takes longer, all told */
	double linearity; /* time of 2N calls over time of N: 2 when the figures can be trusted */
	char why[128];	  /* why not valid */
};

struct header {
	char release[65]; /* uname -r */
	char machine[65]; /* uname -m */
	char model[128];  /* device-tree model or DMI product; may be empty */
	unsigned int cpus;
	enum backend_id backend;
	char backend_reason[192]; /* why not the better one; empty: it is, or it was asked for */
	enum flavour flavour;
	enum level level;
	bool exact;  /* barriers are counted: API latencies contain the counting probes */
	bool bytes;  /* bytes of lists are summed */
	bool storms; /* runs of calls for single buffers are told */
	bool chain;  /* the dma-buf chain is watched, too */
	struct hook_state hooks[HEADER_HOOKS_MAX];
	unsigned int n_hooks;
	struct probe_cost cost;
};

const char *backend_name(enum backend_id backend);
const char *rung_name(enum rung rung);
const char *hook_end_name(enum hook_end end);
const char *level_name(enum level level);

#endif
