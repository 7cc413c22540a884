/* SPDX-License-Identifier: GPL-2.0 */
/* Loads the BPF programs and attaches each hook at the best rung that really works. */
#ifndef DMASYNC_ATTACH_H
#define DMASYNC_ATTACH_H

#include <stdio.h>
#include "hooks.h"
#include "pidns.h"

/* What the programs are told; see config in bpf/session.bpf.h. */
struct attach_config {
	enum rung rung;	   /* RUNG_NONE: the best that works, for each hook */
	unsigned int cpus; /* see machine_cpu_numbers() */
	unsigned int max_rows;
	pid_t tgid;
	struct pidns pidns;
	const char *comm;
	bool bytes;
	bool procs;
	bool stacks;	     /* take the stack of every call */
	bool user_stacks;    /* ... with its part of user space; implies stack_procs */
	bool stack_procs;    /* ... apart for each process */
	bool storms;	     /* follow runs of calls for single buffers */
	bool to_has_barrier; /* unmap and sync for the CPU wait even if DMA only read */
	bool sync_has_barrier;
	struct hook_facts facts;
	bool verbose; /* log libbpf's messages */
	/* Called with @ctx and what will be ->calibrate_prog before the null target is probed. */
	void (*before_measure)(void *ctx, int prog);
	void *ctx;
};

struct attachment {
	struct session_state *state; /* shared with the programs */
	int state_map;
	int row_values, row_infos, procs; /* map descriptors; procs is -1 without a process table */
	int stack_traces, stack_counts;	  /* -1 without stacks */
	int storm_cpus, storm_tasks, storm_values; /* -1 without storms */
	int samples; /* struct proc_value by stack_key, of the caller's profile; -1: none */
	enum rung calibrated;	       /* rung of the null target's probes; RUNG_NONE: none */
	int calibrate_prog;	       /* a program whose test run calls the null target; or -1 */
	struct attach_object *objects; /* private */
	unsigned int n_objects;
	struct attach_dropped *dropped; /* private */
};

/*
 * Attaches @n @hooks and reports in @states, which has room for @n, how each came out, *@n_states
 * in all: alternatives that were not needed are left out. Hooks that do not attach are reported,
 * not an error; -errno after a message when nothing at all can be loaded. Nothing is recorded until
 * ->state->mode is set. Release with attach_close().
 */
int attach_open(const struct attach_config *cfg, const struct hook *hooks, unsigned int n,
		struct hook_state *states, unsigned int *n_states, struct attachment *at);

/*
 * Detaches from the null target, which is not to be called any more. Does not wait: kernels let one
 * function in a tenth of a second be detached, and the end would be later by that.
 */
void attach_drop_measure(struct attachment *at);

/*
 * Calls of handlers that the kernel skipped so far, over all programs: those of trampolines since
 * 5.12, of kprobes since 6.7.
 */
__u64 attach_recursion_misses(const struct attachment *at);

/* One line for every loaded program: runs, time (needs kernel.bpf_stats_enabled). */
void attach_print_stats(const struct attachment *at, FILE *out);

/* Detaches and frees; @at may be all zero. */
void attach_close(struct attachment *at);

#endif
