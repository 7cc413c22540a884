// SPDX-License-Identifier: GPL-2.0
/* Measures what the probes themselves cost, on a function that does nothing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include "dmasync/calibrate.h"
#include "dmasync/clock.h"
#include "dmasync/percentile.h"

#define RUNS 200 /* calls of the null target in the shorter of the two runs */
#define WARM_UP 50
#define ROUNDS 5 /* the quickest of them counts: an interrupt only ever adds time */
#define TRIES 3
#define TOLERANCE 0.05

/* A test run of a program, which calls bpf_fentry_test1() once. */
static int test_run(void *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(*(int *)prog, &opts);
}

/* Time of @n calls; 0 on failure (errno). */
static __u64 run(const struct calibrate_target *t, unsigned int n)
{
	__u64 start = clock_ns();

	for (unsigned int i = 0; i < n; i++)
		if (t->call(t->ctx))
			return 0;
	return clock_ns() - start;
}

/* Quickest of ROUNDS runs of @n calls. */
static __u64 quickest(const struct calibrate_target *t, unsigned int n)
{
	__u64 best = ~0ULL;

	for (int i = 0; i < ROUNDS; i++) {
		__u64 ns = run(t, n);

		if (!ns)
			return 0;
		if (ns < best)
			best = ns;
	}
	return best;
}

static bool linear(double ratio)
{
	return ratio > 2 * (1 - TOLERANCE) && ratio < 2 * (1 + TOLERANCE);
}

double calibrate_floor(const struct calibrate_sample *s)
{
	__u64 limit = 4 * hist_percentile(s->hist, 0, ~0ULL, 0.5) + 1, ns = s->ns, calls = s->calls;

	for (unsigned int b = 0; b < HIST_BUCKETS; b++) {
		__u64 out = s->hist[b] * ((hist_low(b) + hist_low(b + 1)) / 2);

		if (!s->hist[b] || hist_low(b) < limit)
			continue;
		ns -= out < ns ? out : ns;
		calls -= s->hist[b];
	}
	return calls ? (double)ns / calls : 0;
}

__u64 calibrate_unprobed(const struct calibrate_target *t)
{
	run(t, WARM_UP);
	return quickest(t, RUNS);
}

void calibrate_bare(void *bare_ns, int prog)
{
	struct calibrate_target t = { test_run, &prog };

	*(__u64 *)bare_ns = calibrate_unprobed(&t);
}

void calibrate(const struct attachment *at, __u64 bare_ns,
	       int (*read_row)(void *ctx, struct calibrate_sample *sample), void *ctx,
	       struct probe_cost *cost, char *why, size_t len)
{
	int prog = at->calibrate_prog;
	struct calibrate_target t = { test_run, &prog };

	*cost = (struct probe_cost){ 0 };
	if (at->calibrated == RUNG_NONE || prog < 0 || !bare_ns)
		snprintf(why, len, "the null target bpf_fentry_test1 cannot be probed here");
	else
		calibrate_target(&t, bare_ns, read_row, ctx, cost, why, len);
}

void calibrate_target(const struct calibrate_target *t, __u64 unprobed_ns,
		      int (*read_row)(void *ctx, struct calibrate_sample *sample), void *ctx,
		      struct probe_cost *cost, char *why, size_t len)
{
	__u64 with, twice;
	struct calibrate_sample s = { 0 };
	unsigned int calls;

	*cost = (struct probe_cost){ 0 };
	run(t, WARM_UP); /* caches, the row itself */
	calls = WARM_UP;
	/* A busy machine may disturb one try; numbers that do not repeat are never shown. */
	for (int i = 0; i < TRIES; i++) {
		with = quickest(t, RUNS);
		twice = quickest(t, 2 * RUNS);
		if (!with || !twice) {
			snprintf(why, len, "cannot run the null target: %s", strerror(errno));
			return;
		}
		calls += 3 * ROUNDS * RUNS;
		if (linear((double)twice / with))
			break;
	}
	if (read_row(ctx, &s) || s.calls != calls) {
		snprintf(why, len, "%llu of %u calls of the null target were recorded", s.calls,
			 calls);
		return;
	}
	cost->floor_ns = calibrate_floor(&s);
	cost->tax_ns = with > unprobed_ns ? (double)(with - unprobed_ns) / RUNS : 0;
	cost->linearity = (double)twice / with;
	/* The whole cannot be less than its part: then the machine was too busy to tell. */
	cost->valid = linear(cost->linearity) && cost->tax_ns >= cost->floor_ns;
	if (!linear(cost->linearity))
		snprintf(why, len, "not reproducible: twice the calls took %.2f times as long",
			 cost->linearity);
	else if (!cost->valid)
		snprintf(why, len, "not reproducible: less in all than inside a call");
}
