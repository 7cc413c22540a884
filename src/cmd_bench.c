// SPDX-License-Identifier: GPL-2.0
/* dmasynctop bench: times cache maintenance from user space, through udmabuf. */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "dmasync/bench.h"
#include "dmasync/bench_chain.h"
#include "dmasync/bench_module.h"
#include "dmasync/cli.h"
#include "dmasync/clock.h"
#include "dmasync/cmd.h"
#include "dmasync/features.h"
#include "dmasync/log.h"
#include "dmasync/session.h"
#include "dmasync/units.h"

#define WARM_UP 2
#define COUNT_CALLS 4
#define CPUS_MAX 8192
#define ITERATIONS 200
#define SIZE_MAX_BENCH (1ULL << 30)

enum {
	OPT_SIZE = 0x100,
	OPT_ENTRY,
	OPT_ITERATIONS,
	OPT_CPU,
	OPT_DIR,
	OPT_JSON,
	OPT_MODULE,
	OPT_API,
	OPT_PCI,
	OPT_MMAP,
	OPT_VMAP,
	OPT_HEAP,
};

static const char doc[] =
	"Times what the CPU waits for when it takes a DMA buffer from a device and hands it back.\v"
	"The buffer is user memory behind /dev/udmabuf, which every arm64 kernel treats as a device "
	"that is not DMA coherent. An iteration is DMA_BUF_IOCTL_SYNC START, which runs "
	"dma_sync_sg_for_cpu() over the whole buffer, a write to each cache line, and END, which runs "
	"dma_sync_sg_for_device(). Each call is timed by itself, pinned to one CPU.\n\n"
	"Not measured: dma_map_sg() and dma_unmap_sg(), which user space cannot trigger alone, and "
	"anything that a device does; an IOMMU is never involved. The times include one system call. "
	"As root a second pass counts the barriers, so that the probes are not part of the times.\n\n"
	"With --module the kernel module dmasync_bench (kmod/ in the source tree) makes the calls and "
	"times them in the kernel, on a device of its own: dma_map_sg(), dma_unmap_sg() and both "
	"syncs over the whole list, or with --api single buffers or IOVA calls.\n\n"
	"--mmap and --vmap time what surrounds the DMA API of a dma-buf: its mapping into a process "
	"and into the kernel, on any architecture. As root a second pass counts the steps: page by "
	"page, or an entry or a run of contiguous pages at a time.\n\n"
	"--dir read is DMA_FROM_DEVICE, write is DMA_TO_DEVICE (START has nothing to do then), rw is "
	"DMA_BIDIRECTIONAL.";

static const struct argp_option options[] = {
	{ "size", OPT_SIZE, "BYTES", 0, "Size of the buffer (default 10M)", 0 },
	{ "entry", OPT_ENTRY, "BYTES", 0, "Size of a scatterlist entry (default: a page)", 0 },
	{ "iterations", OPT_ITERATIONS, "N", 0, "Timed calls of each kind (default 200)", 0 },
	{ "cpu", OPT_CPU, "N", 0, "Run on this CPU (default: the one it starts on)", 0 },
	{ "dir", OPT_DIR, "read|write|rw", 0, "What the CPU does with the buffer (default rw)", 0 },
	{ "module", OPT_MODULE, 0, 0, "Let the kernel module dmasync_bench make the calls", 0 },
	{ "api", OPT_API, "OP[,OP...]", 0,
	  "With --module: calls to time (default map_sg, unmap_sg and their syncs)", 0 },
	{ "pci", OPT_PCI, 0, 0, "With --module: on its PCI device, not its platform device", 0 },
	{ "mmap", OPT_MMAP, "BYTES", 0,
	  "Time mmap() of a buffer of that size of the system's dma-heap instead, 20 times", 0 },
	{ "vmap", OPT_VMAP, "BYTES", 0,
	  "Let the kernel module time vmap() of that much memory instead, in entries of 64K, 20 times",
	  0 },
	{ "heap", OPT_HEAP, 0, 0,
	  "With --vmap: dma_buf_vmap() of a buffer of the system's dma-heap", 0 },
	{ "json", OPT_JSON, 0, 0, "Print one JSON object", 0 },
	{},
};

static error_t parse_bytes(struct argp_state *state, const char *option, const char *arg,
			   size_t *out)
{
	char valid[96], low[FMT_LEN];
	long page = sysconf(_SC_PAGESIZE);
	const char *why = "is not a multiple of the page size";
	__u64 value;

	if (!parse_size(arg, page, SIZE_MAX_BENCH, &value, &why) && value % page == 0) {
		*out = value;
		return 0;
	}
	snprintf(valid, sizeof(valid), "multiples of %s, up to 1G", fmt_bytes(low, page, 6));
	return cli_error(state, option, arg, why, valid);
}

static error_t parse_dir(struct argp_state *state, const char *arg, struct bench_options *opt)
{
	if (!strcmp(arg, "read"))
		opt->access = ACCESS_READ;
	else if (!strcmp(arg, "write"))
		opt->access = ACCESS_WRITE;
	else if (!strcmp(arg, "rw"))
		opt->access = ACCESS_RW;
	else
		return cli_error(state, "--dir", arg, "is not a direction", "read, write, rw");
	return 0;
}

#define CHAIN_ITERATIONS 20
#define VMAP_ENTRY (64 << 10)
#define VMAP_ENTRY_MAX (256 << 10) /* of the module */

static error_t check_chain(struct argp_state *state, struct bench_options *opt)
{
	const char *mine = opt->mmap ? "--mmap" : "--vmap";

	if ((opt->mmap && opt->vmap) || opt->module || opt->apis || opt->pci) {
		argp_error(state, "%s goes with none of %s --module --api --pci", mine,
			   opt->mmap ? "--vmap" : "--mmap");
		return EINVAL;
	}
	if (!opt->iterations)
		opt->iterations = CHAIN_ITERATIONS;
	if ((opt->mmap || opt->heap) && opt->entry) {
		argp_error(state, "%s: the heap chooses its entries; leave --entry out",
			   opt->mmap ? mine : "--heap");
		return EINVAL;
	}
	if (!opt->entry)
		opt->entry = opt->vmap && opt->size % VMAP_ENTRY == 0 ? VMAP_ENTRY
								      : sysconf(_SC_PAGESIZE);
	if (opt->entry <= VMAP_ENTRY_MAX)
		return 0;
	argp_error(state, "--vmap: the module has entries of at most 256K");
	return EINVAL;
}

static error_t check(struct argp_state *state, struct bench_options *opt)
{
	if ((opt->mmap || opt->vmap) && check_chain(state, opt))
		return EINVAL;
	if (opt->heap && !opt->vmap) {
		argp_error(state, "--heap wants --vmap; --mmap is of the heap anyway");
		return EINVAL;
	}
	if (!opt->entry)
		opt->entry = sysconf(_SC_PAGESIZE);
	if (!opt->iterations)
		opt->iterations = ITERATIONS;
	if (!opt->module && (opt->apis || opt->pci)) {
		argp_error(state, "%s wants --module", opt->pci ? "--pci" : "--api");
		return EINVAL;
	}
	if (!opt->apis)
		opt->apis = 1U << OP_MAP_SG | 1U << OP_UNMAP_SG | 1U << OP_SYNC_SG_FOR_CPU |
			    1U << OP_SYNC_SG_FOR_DEVICE;
	if (!(opt->size % opt->entry))
		return 0;
	argp_error(state, "--size %zu is not a multiple of --entry %zu", opt->size, opt->entry);
	return EINVAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bench_options *opt = state->input;
	__u64 n = 0;
	error_t err;

	switch (key) {
	case OPT_SIZE:
		return parse_bytes(state, "--size", arg, &opt->size);
	case OPT_ENTRY:
		return parse_bytes(state, "--entry", arg, &opt->entry);
	case OPT_ITERATIONS:
		err = cli_number(state, "--iterations", arg, 1, 1000000, &n);
		opt->iterations = n;
		return err;
	case OPT_CPU:
		err = cli_number(state, "--cpu", arg, 0, CPUS_MAX - 1, &n);
		opt->cpu = n;
		return err;
	case OPT_DIR:
		return parse_dir(state, arg, opt);
	case OPT_MMAP:
		opt->mmap = true;
		return parse_bytes(state, "--mmap", arg, &opt->size);
	case OPT_VMAP:
		opt->vmap = true;
		return parse_bytes(state, "--vmap", arg, &opt->size);
	case OPT_HEAP:
		opt->heap = true;
		return 0;
	case OPT_JSON:
		opt->json = true;
		return 0;
	case OPT_MODULE:
		opt->module = true;
		return 0;
	case OPT_API:
		return cli_api(state, arg, &opt->apis);
	case OPT_PCI:
		opt->pci = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': takes no arguments", arg);
		return EINVAL;
	case ARGP_KEY_END:
		return check(state, opt);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = { .options = options, .parser = parse, .doc = doc };

int bench_pin(int cpu)
{
	cpu_set_t set[CPUS_MAX / CPU_SETSIZE];
	int err;

	if (cpu < 0)
		cpu = sched_getcpu();
	CPU_ZERO_S(sizeof(set), set);
	CPU_SET_S(cpu, sizeof(set), set);
	if (!sched_setaffinity(0, sizeof(set), set))
		return cpu;
	err = -errno;
	log_error("cannot run on CPU %d: %s; is it online, and allowed to this process?", cpu,
		  strerror(-err));
	return err;
}

static int sync_call(const struct udmabuf *u, bool begin, enum cpu_access access, __u64 *ns)
{
	__u64 before = clock_ns();
	int err = udmabuf_sync(u, begin, access);

	*ns = clock_ns() - before;
	if (err)
		log_error("DMA_BUF_IOCTL_SYNC %s failed: %s", begin ? "START" : "END",
			  strerror(-err));
	return err;
}

static int iterate(const struct udmabuf *u, enum cpu_access access, __u64 *start, __u64 *end)
{
	int err = sync_call(u, true, access, start);

	if (err)
		return err;
	udmabuf_dirty(u);
	return sync_call(u, false, access, end);
}

static int measure(const struct udmabuf *u, const struct bench_options *opt, struct bench_result *r)
{
	__u64 start, end;
	unsigned int i;
	int err = 0;

	/* The first START also maps the buffer. */
	for (i = 0; i < WARM_UP && !err; i++)
		err = iterate(u, opt->access, &start, &end);
	for (i = 0; i < opt->iterations && !err; i++)
		err = iterate(u, opt->access, &r->start.sample[i], &r->end.sample[i]);
	if (err)
		return err;
	bench_summarize(&r->start, opt->iterations);
	bench_summarize(&r->end, opt->iterations);
	return 0;
}

/* Takes barriers and entries of one kind of call from @iv. False when they are not there. */
static bool take_side(const struct interval *iv, enum flavour flavour, bool exact,
		      struct bench_side *side, struct bench_result *r)
{
	__u64 calls = 0, entries = 0, dsb = 0;
	enum dsb_source source = DSB_NONE;
	size_t i;

	for (i = 0; i < iv->n_rows; i++) {
		const struct row *row = &iv->rows[i];

		if (row->op != side->op)
			continue;
		dsb += row_dsb(row, exact, flavour, &source);
		if (source == DSB_NONE)
			return false;
		calls += row->sum.calls;
		entries += row->sum.entries;
	}
	if (calls != COUNT_CALLS)
		return false;
	side->dsb = (double)dsb / calls;
	r->entries = (double)entries / calls;
	r->entries_source = ENTRIES_COUNTED;
	r->dsb_source = source;
	return true;
}

/* Repeats some calls under a session. 0, or -errno with the reason in r->dsb_why. */
static int count_with(const struct udmabuf *u, const struct bench_options *opt, bool exact,
		      struct bench_result *r)
{
	struct session *session;
	struct interval iv;
	struct options so;
	__u64 start, end;
	int i, err;

	options_init(&so);
	so.exact = exact;
	so.device = "udmabuf";
	so.pid = getpid();
	so.ops = 1U << OP_SYNC_SG_FOR_CPU | 1U << OP_SYNC_SG_FOR_DEVICE;
	err = session_open(&so, &session);
	if (err) {
		snprintf(r->dsb_why, sizeof(r->dsb_why), "%s",
			 log_held()[0] ? log_held() : strerror(-err));
		return err;
	}
	interval_init(&iv);
	for (i = 0; i < COUNT_CALLS && !err; i++)
		err = iterate(u, opt->access, &start, &end);
	session_stop(session);
	if (!err)
		err = session_read(session, &iv);
	r->flavour = session_header(session)->flavour;
	if (!err && (!take_side(&iv, r->flavour, exact, &r->start, r) ||
		     !take_side(&iv, r->flavour, exact, &r->end, r))) {
		snprintf(r->dsb_why, sizeof(r->dsb_why), "the session did not see the calls");
		err = -ENODATA;
	}
	r->dsb_known = !err;
	r->counted_calls = COUNT_CALLS;
	interval_free(&iv);
	session_close(session);
	return err;
}

static void count(const struct udmabuf *u, const struct bench_options *opt, struct bench_result *r)
{
	size_t pieces = udmabuf_pieces(u);

	r->entries = pieces ? pieces : opt->size / opt->entry;
	r->entries_source = pieces ? ENTRIES_PAGES : ENTRIES_ASSUMED;
	log_hold(true);
	if (count_with(u, opt, true, r))
		count_with(u, opt, false, r);
	log_drop();
	log_hold(false);
}

static int run(const struct bench_options *opt, struct bench_result *r)
{
	struct features features;
	struct udmabuf u;
	int err;

	err = udmabuf_create(&u, opt->size, opt->entry);
	if (err)
		return err;
	r->cpu = bench_pin(opt->cpu);
	err = r->cpu < 0 ? r->cpu : measure(&u, opt, r);
	if (!err) {
		features_read(&features, NULL, false, NULL, 0);
		r->flavour = features.flavour;
		features_free(&features);
		count(&u, opt, r);
		bench_describe(r);
	}
	udmabuf_destroy(&u);
	return err;
}

static bool machine_fits(void)
{
	struct utsname uts;

	uname(&uts);
	if (!strcmp(uts.machine, "aarch64"))
		return true;
	log_error(
		"nothing to measure on %s: only arm64 treats udmabuf's device as not DMA coherent; run it on an arm64 machine",
		uts.machine);
	return false;
}

static int print(const struct bench_options *opt, const struct bench_result *r)
{
	int err = 0;

	if (opt->json)
		err = bench_print_json(stdout, opt, r);
	else
		bench_print_text(stdout, opt, r);
	return bench_printed(stdout, err);
}

int cmd_bench(int argc, char **argv)
{
	struct bench_options opt = { .size = 10 << 20, .cpu = -1 };
	struct bench_result r = { .start.op = OP_SYNC_SG_FOR_CPU, .end.op = OP_SYNC_SG_FOR_DEVICE };
	int status = EXIT_FAILED, err;

	opt.access = ACCESS_RW;
	argp_err_exit_status = EXIT_USAGE;
	argv[0] = "dmasynctop bench"; /* for argp's messages */
	if (argp_parse(&argp, argc, argv, 0, NULL, &opt))
		return EXIT_USAGE;
	if (opt.mmap)
		return bench_mmap(&opt);
	if (opt.vmap)
		return bench_vmap(&opt);
	if (opt.module)
		return bench_module(&opt);
	if (!machine_fits())
		return EXIT_UNSUPPORTED;
	r.start.sample = calloc(opt.iterations, sizeof(__u64));
	r.end.sample = calloc(opt.iterations, sizeof(__u64));
	if (!r.start.sample || !r.end.sample) {
		log_error("out of memory for %u iterations", opt.iterations);
		goto out;
	}
	err = run(&opt, &r);
	status = err ? bench_failed(err) : print(&opt, &r);
out:
	free(r.start.sample);
	free(r.end.sample);
	return status;
}
