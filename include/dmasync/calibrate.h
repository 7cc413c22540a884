/* SPDX-License-Identifier: GPL-2.0 */
/* Measures what the probes themselves cost, on a function that does nothing. */
#ifndef DMASYNC_CALIBRATE_H
#define DMASYNC_CALIBRATE_H

#include "attach.h"

/* One reading of the null target's row since the last reading. */
struct calibrate_sample {
	__u64 calls;
	__u64 ns; /* sum of the measured intervals: what the probes add inside one */
	__u64 hist[HIST_BUCKETS];
};

/*
 * Mean of @s's intervals in ns without those that something else interrupted, which are several
 * times as long as most. A mean because the clock of many arm64 boards ticks every 16 to 42 ns: the
 * shortest interval is up to a tick too short. 0 without calls.
 */
double calibrate_floor(const struct calibrate_sample *s);

/* A function that does nothing, to be probed. */
struct calibrate_target {
	int (*call)(void *ctx); /* calls it once; nonzero: it cannot be called (errno) */
	void *ctx;
};

/* Time that some calls of @t take before it is probed, for calibrate_target(); 0 on failure. */
__u64 calibrate_unprobed(const struct calibrate_target *t);

/*
 * Calls @t with probes on it, and fills in @cost; ->valid is false, with the reason in @why, where
 * the figures do not repeat. @read_row returns the null target's row and clears it. Silent; takes a
 * few milliseconds.
 */
void calibrate_target(const struct calibrate_target *t, __u64 unprobed_ns,
		      int (*read_row)(void *ctx, struct calibrate_sample *sample), void *ctx,
		      struct probe_cost *cost, char *why, size_t len);

/*
 * Runs the null target by @prog before it is probed; *@bare_ns, a __u64, is the time for
 * calibrate(), or 0 when it cannot be run. Fits attach_config's before_measure.
 */
void calibrate_bare(void *bare_ns, int prog);

/*
 * Runs the null target with @at's probes on it, which stay there, and fills in @cost; ->valid is
 * false, with the reason in @why, where this kernel cannot do it. @read_row returns the null
 * target's row and clears it. Silent; takes a few milliseconds.
 */
void calibrate(const struct attachment *at, __u64 bare_ns,
	       int (*read_row)(void *ctx, struct calibrate_sample *sample), void *ctx,
	       struct probe_cost *cost, char *why, size_t len);

#endif
