// SPDX-License-Identifier: GPL-2.0
/*
 * Writes a capture of a made-up board for tests of compare: compare_captures FILE [KEY=VALUE...].
 * Numbers: run intervals seed ns entries dsb spread floor lost drift (percent over the run) cut
 * (1: no closing line) page_dsb to_device (1: the other direction) bounces storm (calls a run of
 * single buffers) waits (of them an interval) steps (of a dmabuf_mmap) plain (1: no other rows).
 * Words: governor device rung kernel boot model backend.
 */
#include <stdlib.h>
#include "compare_fake.h"

struct recipe {
	double run, intervals, seed, ns, entries, dsb, spread, floor, lost, drift, cut, page_dsb,
		to_device, bounces, storm, waits, steps, plain;
	const char *governor, *device, *rung, *kernel, *boot, *model, *backend;
};

static int take(struct recipe *r, const char *arg)
{
	const struct {
		const char *name;
		double *to;
	} numbers[] = { { "run", &r->run },
			{ "intervals", &r->intervals },
			{ "seed", &r->seed },
			{ "ns", &r->ns },
			{ "entries", &r->entries },
			{ "dsb", &r->dsb },
			{ "spread", &r->spread },
			{ "floor", &r->floor },
			{ "lost", &r->lost },
			{ "drift", &r->drift },
			{ "cut", &r->cut },
			{ "page_dsb", &r->page_dsb },
			{ "to_device", &r->to_device },
			{ "bounces", &r->bounces },
			{ "storm", &r->storm },
			{ "waits", &r->waits },
			{ "steps", &r->steps },
			{ "plain", &r->plain } };
	const struct {
		const char *name;
		const char **to;
	} words[] = { { "governor", &r->governor }, { "device", &r->device },
		      { "rung", &r->rung },	    { "kernel", &r->kernel },
		      { "boot", &r->boot },	    { "model", &r->model },
		      { "backend", &r->backend } };
	size_t len = strcspn(arg, "="), i;

	for (i = 0; arg[len] && i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (len == strlen(numbers[i].name) && !strncmp(arg, numbers[i].name, len)) {
			*numbers[i].to = atof(arg + len + 1);
			return 0;
		}
	}
	for (i = 0; arg[len] && i < sizeof(words) / sizeof(*words); i++) {
		if (len == strlen(words[i].name) && !strncmp(arg, words[i].name, len)) {
			*words[i].to = arg + len + 1;
			return 0;
		}
	}
	fprintf(stderr, "compare_captures: '%s' is no KEY=VALUE that it knows\n", arg);
	return -1;
}

static void describe(const struct recipe *r, struct capture_info *info)
{
	unsigned int i;

	fake_info(info, r->run);
	info->hdr.cost.floor_ns = r->floor;
	snprintf(info->governor, sizeof(info->governor), "%s", r->governor);
	snprintf(info->hdr.release, sizeof(info->hdr.release), "%s", r->kernel);
	snprintf(info->hdr.model, sizeof(info->hdr.model), "%s", r->model);
	if (r->boot)
		snprintf(info->boot_id, sizeof(info->boot_id), "%s", r->boot);
	info->hdr.chain = r->steps > 0;
	info->stacks = info->hdr.storms = r->storm > 0;
	if (r->dsb == 1)
		info->hdr.flavour = FLAVOUR_UPSTREAM_BATCHED;
	if (!strcmp(r->backend, "ftrace"))
		info->hdr.backend = BACKEND_FTRACE;
	for (i = 0; i < info->hdr.n_hooks; i++) {
		if (info->hdr.hooks[i].rung == RUNG_FENTRY && !strcmp(r->rung, "kprobe"))
			info->hdr.hooks[i].rung = RUNG_KPROBE;
	}
}

/* @calls for single buffers, in runs of @length, and the one place that they come from. */
static void fill_storm(struct interval *iv, struct row *like, __u64 calls, __u64 length,
		       struct stack_table *stacks)
{
	const char *frames[] = {
		"el0t_64_sync",	   "interrupted_0", "el1h_64_irq",
		"handle_softirqs", "net_rx_action", "__napi_poll",
		"a_poll",	   "a_caller",	    "dma_map_page_attrs",
	};
	struct stack_row place = { .comm = "" };
	struct storm_row *s;
	size_t at;

	fake_row(iv, like, calls, 1, 900, 1);
	at = iv->n_rows - 1;
	s = interval_storm(iv, at);
	s->calls = calls;
	s->runs = s->contexts = (calls + length - 1) / length;
	s->longest = length;
	s->hist[fake_bucket(length)] = s->runs;
	iv->rows[at].sum.chained = storm_saved(s);
	/* What was interrupted differs. */
	frames[1] = calls % 2 ? "interrupted_1" : "interrupted_2";
	frames[7] = like->driver;
	place.row = at;
	stack_table_add(stacks, frames, sizeof(frames) / sizeof(*frames), 0, &place.stack);
	interval_stack(iv, &place)->sum = iv->rows[at].sum;
	iv->has_storms = iv->has_stacks = true;
}

/* Of two cards, of which the recipe changes the first. */
static void fill_storms(const struct recipe *r, struct interval *iv, double ns, double again,
			struct stack_table *stacks)
{
	struct row first = { .op = OP_MAP_PAGE,
			     .dir = DIR_FROM_DEVICE,
			     .dev = "0000:02:00.0",
			     .driver = "e1000e",
			     .bus = "pci" };
	struct row second = { .op = OP_UNMAP_PAGE,
			      .dir = DIR_FROM_DEVICE,
			      .dev = "0000:03:00.0",
			      .driver = "igc",
			      .bus = "pci" };

	fill_storm(iv, &first, llround(r->waits * again), r->storm, stacks);
	fill_storm(iv, &second, llround(200 * ns), 8, stacks);
}

/* Mappings of 64 MiB, each step of which takes a microsecond. */
static void fill_chain(const struct recipe *r, struct interval *iv, double scale)
{
	struct row mmap = {
		.op = OP_DMABUF_MMAP, .dir = DIR_NONE, .dev = "-", .driver = "-", .hw_unknown = true
	};

	fake_row(iv, &mmap, 2, 16384, scale * r->steps * 1000, 0);
	iv->rows[iv->n_rows - 1].sum.steps = 2 * r->steps;
}

static void fill(const struct recipe *r, struct interval *iv, double ns, double again)
{
	struct row row = { .op = OP_MAP_SG,
			   .dir = r->to_device ? DIR_TO_DEVICE : DIR_FROM_DEVICE,
			   .driver = "ahci",
			   .bus = "pci" };
	struct row page = { .op = OP_MAP_PAGE,
			    .dir = DIR_TO_DEVICE,
			    .dev = "fe1c0000.ethernet",
			    .driver = "stmmac",
			    .bus = "platform" };

	snprintf(row.dev, sizeof(row.dev), "%s", r->device);
	fake_row(iv, &row, 40, r->entries, ns, r->dsb);
	iv->rows[0].sum.bounces = r->bounces * iv->rows[0].sum.entries;
	row.op = OP_UNMAP_SG;
	fake_row(iv, &row, 40, r->entries, again * r->ns / 2, r->dsb);
	fake_row(iv, &page, 1000, 1, 900 * again, r->page_dsb);
}

int main(int argc, char **argv)
{
	struct recipe r = { .run = 1,
			    .intervals = 12,
			    .seed = 1,
			    .ns = 200000,
			    .entries = 128,
			    .dsb = 128,
			    .spread = 0.01,
			    .floor = 85,
			    .page_dsb = 1,
			    .waits = 1000,
			    .governor = "performance",
			    .device = "0000:00:01.0",
			    .rung = "fentry",
			    .backend = "bpf",
			    .kernel = "6.12.43+deb13-arm64",
			    .model = "Radxa ROCK 5B" };
	struct run_model model = { 1, 0, 0.02, 0.5 }, again = model;
	struct stack_table stacks = {};
	struct interval iv, total;
	struct capture_writer *w;
	struct capture_info info;
	double ns[1000], other[1000];
	struct rng rng;
	int i, err = argc < 2;

	for (i = 2; !err && i < argc; i++)
		err = take(&r, argv[i]);
	if (err || r.intervals > 1000)
		return 2;
	rng_seed(&rng, r.seed * 1000 + r.run);
	model.between = again.between = r.spread;
	random_run(&rng, &model, ns, r.intervals);
	random_run(&rng, &again, other, r.intervals);
	describe(&r, &info);
	interval_init(&iv);
	interval_init(&total);
	err = capture_create(argv[1], true, &info, &stacks, &w);
	for (i = 0; !err && i < r.intervals; i++) {
		interval_clear(&iv);
		iv.t_ns = (i + 1) * 1000000000ULL;
		iv.dur_ns = 1000000000;
		if (!r.plain)
			fill(&r, &iv, r.ns * ns[i] * (1 + r.drift / 100 * i / r.intervals),
			     other[i]);
		if (r.steps)
			fill_chain(&r, &iv, ns[i]);
		if (r.storm)
			fill_storms(&r, &iv, ns[i], other[i], &stacks);
		iv.loss.events.depth = i ? 0 : r.lost;
		err = capture_write(w, &iv) || interval_add(&total, &iv);
	}
	if (!err)
		err = capture_close(w, r.cut ? NULL : &total);
	interval_free(&iv);
	interval_free(&total);
	return err ? 1 : 0;
}
