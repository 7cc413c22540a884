// SPDX-License-Identifier: GPL-2.0
/*
 * The live view on made-up intervals, for tests in a terminal. Takes the product's options; the
 * environment adds DEMO_DEVICES=N (more rows), DEMO_LOSS=1, DEMO_REFUSED=1 (a hook that the kernel
 * refused), DEMO_STORMS=1 (runs of calls for single buffers), DEMO_CHAIN=1 (the dma-buf chain) and
 * DEMO_CRASH=N (abort at interval N).
 */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <dmasync/cli.h>
#include <dmasync/log.h>
#include <dmasync/view.h>
#include "fake.h"

struct demo {
	struct fake fake;
	const struct options *opt;
	bool procs;
	unsigned int n, crash;
	bool loss, storms, chain;
};

static int demo_read(void *ctx, struct interval *iv)
{
	struct demo *d = ctx;

	fake_interval(&d->fake, iv, d->opt->interval_ns);
	if (d->storms)
		fake_storms(&d->fake, iv);
	if (d->chain)
		fake_chain(&d->fake, iv);
	if (d->procs)
		fake_procs(iv);
	if (d->loss)
		iv->loss.recursion_misses = 17;
	if (++d->n == d->crash)
		raise(SIGSEGV);
	return 0;
}

static int demo_procs(void *ctx, bool on)
{
	((struct demo *)ctx)->procs = on;
	return 0;
}

static int number(const char *name)
{
	return getenv(name) ? atoi(getenv(name)) : 0;
}

int main(int argc, char **argv)
{
	struct interval iv, total;
	struct options opt;
	struct header hdr;
	struct demo demo = {
		.fake = { .devices = number("DEMO_DEVICES"), .seed = 1 },
		.opt = &opt,
		.crash = number("DEMO_CRASH"),
		.loss = number("DEMO_LOSS"),
		.storms = number("DEMO_STORMS"),
		.chain = number("DEMO_CHAIN"),
	};
	struct view_source src = { &hdr, demo_read, demo_procs, NULL, &demo };
	const char *why;
	int err;

	setlocale(LC_CTYPE, "");
	options_parse_top(argc, argv, 0, &opt);
	fake_header(&hdr);
	hdr.storms = demo.storms;
	hdr.chain = demo.chain;
	interval_init(&total);
	interval_init(&iv);
	if (opt.batch || !tui_possible(&why)) {
		demo.procs = opt.by == BY_PROCESS;
		demo_read(&demo, &iv);
		interval_add(&total, &iv);
		text_header(stdout, &hdr, &opt);
		text_interval(stdout, &hdr, &iv, &opt);
		text_end(stdout, &hdr, &total, &opt);
		interval_free(&iv);
		interval_free(&total);
		return 0;
	}
	err = tui_run(&src, &opt, &total);
	printf("view ended: %d, %u intervals, %zu rows\n", err, total.merged, total.n_rows);
	interval_free(&total);
	return !!err;
}
