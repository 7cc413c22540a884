// SPDX-License-Identifier: GPL-2.0
/* bench --mmap and --vmap: times the mapping of a buffer, and counts its steps in a second pass. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dmasync/bench_chain.h"
#include "dmasync/bench_module.h"
#include "dmasync/features.h"
#include "dmasync/log.h"
#include "dmasync/options.h"
#include "dmasync/session.h"

#define WARM_UP 1
#define COUNT_CALLS 2

/* Makes @calls calls of what is measured. 0 or -errno. */
typedef int make_calls(const struct bench_options *opt, void *ctx, unsigned int calls);

/* Steps of one call from the rows of @op, of which there must be COUNT_CALLS. */
static bool take_steps(const struct interval *iv, enum op op, struct chain_result *r)
{
	__u64 calls = 0, steps = 0;
	size_t i;

	for (i = 0; i < iv->n_rows; i++) {
		if (iv->rows[i].op != op)
			continue;
		calls += iv->rows[i].sum.calls;
		steps += iv->rows[i].sum.steps;
	}
	if (calls != COUNT_CALLS)
		return false;
	r->steps = (double)steps / calls;
	return true;
}

static int count_steps(const struct bench_options *opt, enum op op, make_calls *make, void *ctx,
		       struct chain_result *r)
{
	struct session *session;
	struct interval iv;
	struct options so;
	int err;

	options_init(&so);
	so.chain = true;
	so.ops = 1U << op;
	/* The module's calls are made by a thread of the kernel. */
	so.pid = op == OP_DMABUF_MMAP ? getpid() : 0;
	err = session_open(&so, &session);
	if (err)
		return err;
	interval_init(&iv);
	err = make(opt, ctx, COUNT_CALLS);
	session_stop(session);
	if (!err)
		err = session_read(session, &iv);
	if (!err && !take_steps(&iv, op, r)) {
		snprintf(r->steps_why, sizeof(r->steps_why), "the session did not see the calls");
		err = -ENODATA;
	}
	interval_free(&iv);
	session_close(session);
	return err;
}

/* A second pass with probes, so that the times are without them. */
static void count(const struct bench_options *opt, enum op op, make_calls *make, void *ctx,
		  struct chain_result *r)
{
	int err;

	log_hold(true);
	err = count_steps(opt, op, make, ctx, r);
	if (err && !r->steps_why[0])
		snprintf(r->steps_why, sizeof(r->steps_why), "%s",
			 log_held()[0] ? log_held() : strerror(-err));
	r->steps_known = !err;
	log_drop();
	log_hold(false);
}

static void describe(struct chain_result *r)
{
	struct features features;

	features_read(&features, NULL, false, NULL, 0);
	r->about.flavour = features.flavour;
	features_free(&features);
	bench_describe(&r->about);
}

static void take_times(struct chain_times *to, __u64 *sample, unsigned int n)
{
	struct bench_side side = { .sample = sample };

	bench_summarize(&side, n);
	*to = (struct chain_times){ n, side.min, side.median, side.p99, side.max, side.mean };
}

static int map_times(const struct bench_options *opt, void *ctx, unsigned int calls)
{
	const struct heap *heap = ctx;
	long err = 0;
	__u64 ns[2];

	(void)opt;
	while (calls-- && err >= 0)
		err = heap_map(heap, 0, ns);
	return err < 0 ? (int)err : 0;
}

static int measure_mmap(const struct bench_options *opt, struct heap *heap, struct chain_result *r)
{
	__u64 *sample = calloc(2ULL * opt->iterations, sizeof(*sample)), ns[2];
	unsigned int n = opt->iterations, i;
	long wrong;
	int err;

	if (!sample) {
		log_error("out of memory for %u iterations", n);
		return -ENOMEM;
	}
	err = map_times(opt, heap, WARM_UP);
	for (i = 0; i < n && !err; i++) {
		/* Nothing is touched while it is timed: at the end all of it is. */
		wrong = heap_map(heap, 0, ns);
		err = wrong < 0 ? (int)wrong : 0;
		sample[i] = ns[0];
		sample[n + i] = ns[1];
	}
	wrong = err ? 0 : heap_map(heap, 1, ns);
	err = err ?: wrong < 0 ? (int)wrong : 0;
	if (!err) {
		r->wrong = wrong;
		take_times(&r->times[0], sample, n);
		take_times(&r->times[1], sample + n, n);
	}
	free(sample);
	return err;
}

int bench_mmap(const struct bench_options *opt)
{
	struct chain_result r = {
		.source = "dma_heap",
		.names = { "mmap", "munmap" },
		.pages = opt->size / sysconf(_SC_PAGESIZE),
	};
	struct heap heap;
	int err;

	r.about.cpu = bench_pin(opt->cpu);
	if (r.about.cpu < 0)
		return EXIT_FAILED;
	err = heap_alloc(&heap, opt->size);
	if (err)
		return bench_failed(err);
	err = measure_mmap(opt, &heap, &r);
	if (!err) {
		count(opt, OP_DMABUF_MMAP, map_times, &heap, &r);
		describe(&r);
	}
	heap_free(&heap);
	return err ? bench_failed(err) : chain_print(stdout, opt, &r);
}

/* What the module maps: memory of its own, or a buffer of the heap. */
struct vmap_source {
	const struct heap *heap; /* NULL: its own */
	int cpu;
};

static int run_module(const struct bench_options *opt, const struct vmap_source *source,
		      unsigned int calls, unsigned int warmup, bool check, struct module_run *run)
{
	char command[256], memory[64];

	if (source->heap)
		snprintf(memory, sizeof(memory), "op=dmabuf_vmap fd=%d", source->heap->fd);
	else
		snprintf(memory, sizeof(memory), "op=vmap entries=%zu size=%zu",
			 opt->size / opt->entry, opt->entry);
	snprintf(command, sizeof(command), "%s iterations=%u warmup=%u cpu=%d dirty=%s", memory,
		 calls, warmup, source->cpu, check ? "yes" : "no");
	return module_run(MODULE_DIR, command, run);
}

static int vmap_calls(const struct bench_options *opt, void *ctx, unsigned int calls)
{
	struct module_run run;

	return run_module(opt, ctx, calls, 0, false, &run);
}

static void take_module(const struct module_run *run, enum op op, struct chain_result *r)
{
	unsigned int i;

	for (i = 0; i < run->n_apis; i++) {
		const struct module_api *api = &run->apis[i];

		if (api->op == op)
			r->times[0] = (struct chain_times){ api->calls, api->min, api->median,
							    api->p99,	api->max, api->mean };
	}
}

/* Pages that read wrong on either side of one call, or -errno. */
static long check_vmap(const struct bench_options *opt, const struct vmap_source *source)
{
	struct module_run run;
	long wrong = 0;
	int err;

	err = source->heap ? heap_fill(source->heap) : 0;
	err = err ?: run_module(opt, source, 1, 0, true, &run);
	if (!err && source->heap)
		wrong = heap_check(source->heap);
	if (err || wrong < 0)
		return err ?: wrong;
	return run.wrong + wrong;
}

static int measure_vmap(const struct bench_options *opt, const struct vmap_source *source,
			struct chain_result *r)
{
	enum op op = source->heap ? OP_DMABUF_VMAP : OP_VMAP;
	struct module_run run;
	long wrong;
	int err;

	err = run_module(opt, source, opt->iterations, WARM_UP, false, &run);
	if (err)
		return bench_failed(err);
	wrong = check_vmap(opt, source);
	if (wrong < 0)
		return bench_failed(wrong);
	take_module(&run, op, r);
	r->wrong = wrong;
	if (!r->times[0].calls) {
		log_error("the kernel module made no %s(): it is older than dmasynctop",
			  r->names[0]);
		return EXIT_FAILED;
	}
	count(opt, op, vmap_calls, (void *)source, r);
	describe(r);
	return chain_print(stdout, opt, r);
}

int bench_vmap(const struct bench_options *opt)
{
	struct chain_result r = {
		.source = opt->heap ? "dma_heap" : "module",
		.names = { opt->heap ? "dma_buf_vmap" : "vmap" },
		.pages = opt->size / sysconf(_SC_PAGESIZE),
		.about.cpu = opt->cpu < 0 ? sched_getcpu() : opt->cpu,
	};
	struct vmap_source source = { .cpu = r.about.cpu };
	struct heap heap;
	int err, status;

	if (!opt->heap)
		return measure_vmap(opt, &source, &r);
	err = heap_alloc(&heap, opt->size);
	if (err)
		return bench_failed(err);
	source.heap = &heap;
	status = measure_vmap(opt, &source, &r);
	heap_free(&heap);
	return status;
}
