// SPDX-License-Identifier: GPL-2.0
/* A live measurement: opens it, and turns what the programs gathered into intervals. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/utsname.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "dmasync/attach.h"
#include "dmasync/backend.h"
#include "dmasync/bank.h"
#include "dmasync/calibrate.h"
#include "dmasync/clock.h"
#include "dmasync/features.h"
#include "dmasync/ksyms.h"
#include "dmasync/log.h"
#include "dmasync/machine.h"
#include "dmasync/permit.h"
#include "dmasync/pmu.h"
#include "dmasync/profile.h"
#include "dmasync/session.h"
#include "dmasync/storms.h"
#include "take.h"

#define ROWS_DEFAULT_MAX 2048
#define ROWS_DEFAULT_MIN 256
#define VALUES_BUDGET (64 << 20) /* kernel memory for rows that the default stays under, bytes */

struct session {
	const struct backend *backend;
	struct options opt;
	struct features features;
	struct header hdr;
	struct attachment at;
	struct bank_reader *reader;
	struct stack_names *names; /* NULL: neither stacks nor samples are taken */
	const char *functions[VARIANTS_MAX][OP_COUNT]; /* see struct taking */
	struct profile *profile;
	struct storms *storms;
	struct pmu *pmu;
	__u64 pmu_dsb; /* its count up to the running interval */
	unsigned int max_rows;
	__u64 begun_ns; /* start of the running interval */
	__u64 misses;	/* recursion misses up to then */
	__u64 bare_ns;	/* see calibrate_bare() */
	struct loss_counters loss;
	__u64 lost_stacks;
	__u64 lost_runs;
	int stats_fd;
};

static int take_calibration(void *ctx, unsigned int row, const struct row_info *info,
			    const struct row_value *v)
{
	struct calibrate_sample *sample = ctx;

	if (ROW_TAG_OP(info->tag) != OP_CALIBRATE)
		return 0;
	sample->calls += v->sum.calls;
	sample->ns += v->sum.ns;
	for (int i = 0; i < HIST_BUCKETS; i++)
		sample->hist[i] += v->hist[i];
	return 0;
}

static int read_calibration(void *ctx, struct calibrate_sample *sample)
{
	struct session *s = ctx;
	struct bank_visitor visit = { .row = take_calibration, .ctx = sample };
	__u64 when;

	*sample = (struct calibrate_sample){ 0 };
	return bank_take(s->reader, &visit, &when);
}

static void describe_machine(struct header *hdr)
{
	struct utsname u;

	uname(&u);
	snprintf(hdr->release, sizeof(hdr->release), "%s", u.release);
	snprintf(hdr->machine, sizeof(hdr->machine), "%s", u.machine);
	hdr->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	machine_model("", hdr->model, sizeof(hdr->model));
}

static unsigned int default_rows(unsigned int cpus)
{
	size_t rows = VALUES_BUDGET / (2 * cpus * sizeof(struct row_value));

	if (rows > ROWS_DEFAULT_MAX)
		return ROWS_DEFAULT_MAX;
	return rows < ROWS_DEFAULT_MIN ? ROWS_DEFAULT_MIN : rows;
}

static int check_symbols(const struct session *s)
{
	if (s->features.flavour != FLAVOUR_UNKNOWN)
		return 0;
	log_error("cannot tell what this kernel has: %s", s->features.why);
	return -EOPNOTSUPP;
}

static struct attach_config attach_config(struct session *s, unsigned int cpus)
{
	return (struct attach_config){
		.rung = s->opt.attach,
		.cpus = cpus,
		.max_rows = s->max_rows,
		.tgid = s->opt.pid,
		.pidns = pidns_own(),
		.comm = s->opt.comm,
		.bytes = !s->opt.no_bytes,
		.procs = s->opt.procs,
		.stacks = s->opt.stacks,
		.user_stacks = s->opt.user_stacks,
		.stack_procs = s->opt.user_stacks || s->opt.procs,
		.storms = s->hdr.storms,
		.to_has_barrier = s->hdr.flavour == FLAVOUR_UPSTREAM_BATCHED,
		.sync_has_barrier = flavour_sync_waits(s->hdr.flavour),
		.verbose = s->opt.verbose,
		.before_measure = calibrate_bare,
		.ctx = &s->bare_ns,
	};
}

/* Notes where calls of each operation are seen: that is the innermost frame of their stacks. */
static void note_functions(struct session *s, const struct hook *hooks, int n)
{
	for (int i = 0; i < n; i++) {
		const struct hook *h = &hooks[i];

		if (h->kind != HOOK_CALL && h->kind != HOOK_ARCH && h->kind != HOOK_CHAIN)
			continue;
		for (unsigned int j = 0; j < s->hdr.n_hooks; j++)
			if (s->hdr.hooks[j].rung != RUNG_NONE &&
			    !strcmp(s->hdr.hooks[j].name, h->function))
				s->functions[hook_variant(h)][h->op] = h->function;
	}
}

static int attach_hooks(struct session *s, struct attach_config *cfg, const struct ksym *syms)
{
	struct hook hooks[HEADER_HOOKS_MAX];
	int n = hooks_plan(&s->opt, &s->features, syms, hooks, &cfg->facts), err;

	err = attach_open(cfg, hooks, n, s->hdr.hooks, &s->hdr.n_hooks, &s->at);
	if (!err)
		note_functions(s, hooks, n);
	return err;
}

/* Names of processes come from /proc, which must mean the same ones by their numbers. */
static int check_user_stacks(const struct session *s, const struct attach_config *cfg)
{
	if (!s->opt.user_stacks || !cfg->pidns.ino || pidns_proc_is_own())
		return 0;
	log_error(
		"no --user-stacks: /proc is of another PID namespace; mount one of this namespace");
	return -EOPNOTSUPP;
}

/* After the hooks, so that the symbols of their programs are there to be known. */
static int open_stacks(struct session *s, const struct attach_config *cfg)
{
	struct stack_names_config names = {
		.raw_addresses = s->opt.raw_addresses,
		.user = s->opt.user_stacks,
	};
	int err = 0;

	if (s->opt.profile_hz)
		err = profile_open(&s->at, cfg, s->opt.profile_hz, &s->profile);
	if (err || (!s->opt.stacks && !s->opt.profile_hz))
		return err;
	names.traces = s->at.stack_traces;
	names.filed = &s->at.state->traces;
	return stack_names_open(&names, &s->names);
}

/* What one barrier would save cannot be told where no call runs one, or nobody knows which do. */
static void check_storms(struct session *s)
{
	if (!s->hdr.storms || (s->hdr.flavour != FLAVOUR_NONE && s->hdr.flavour != FLAVOUR_UNKNOWN))
		return;
	log_warn("no --storms here: %s", feature_flavour_text(s->hdr.flavour));
	s->hdr.storms = false;
}

/* True when a hook of the DMA API itself is attached, not only one of the helpers. */
static bool anything_measured(const struct header *hdr)
{
	for (unsigned int i = 0; i < hdr->n_hooks; i++)
		if (hdr->hooks[i].op != OP_COUNT && hdr->hooks[i].rung != RUNG_NONE)
			return true;
	return false;
}

static int check_measured(const struct session *s)
{
	const char *why = "";

	if (anything_measured(&s->hdr))
		return 0;
	for (unsigned int i = 0; i < s->hdr.n_hooks && !why[0]; i++)
		if (s->hdr.hooks[i].op != OP_COUNT)
			why = s->hdr.hooks[i].reason;
	log_error("no hook of the DMA API can be attached%s%s: %s; `dmasynctop doctor` tells more",
		  s->opt.attach == RUNG_NONE ? "" : " as ",
		  s->opt.attach == RUNG_NONE ? "" : rung_name(s->opt.attach),
		  why[0] ? why : "none of its functions is in this kernel");
	return -EOPNOTSUPP;
}

/* Whether probes see every barrier; if not, why not in @why. */
static bool exact_possible(const struct session *s, char *why, size_t len)
{
	if (s->hdr.flavour == FLAVOUR_NONE || s->hdr.flavour == FLAVOUR_UNKNOWN) {
		snprintf(why, len, "%s", feature_flavour_text(s->hdr.flavour));
		return false;
	}
	if (s->hdr.flavour == FLAVOUR_UPSTREAM_BATCHED && !s->features.sites_complete) {
		snprintf(why, len, "the kernel's text cannot be decoded: %s", s->features.why);
		return false;
	}
	for (unsigned int i = 0; i < s->hdr.n_hooks; i++) {
		const struct hook_state *h = &s->hdr.hooks[i];

		if (h->barrier && h->rung == RUNG_NONE) {
			snprintf(why, len, "%s: %s", h->name, h->reason);
			return false;
		}
	}
	return true;
}

/* Falls back to derived barriers, loudly, where counting would miss some. */
static void check_exact(struct session *s)
{
	char why[256];

	if (!s->hdr.exact || exact_possible(s, why, sizeof(why)))
		return;
	log_warn("barriers cannot be counted here (%s); they are derived instead", why);
	s->hdr.exact = false;
}

static void open_pmu(struct session *s)
{
	char why[256];

	if (!pmu_open(&s->pmu, why, sizeof(why)))
		return;
	s->pmu = NULL;
	log_warn("no barriers from the PMU: %s", why);
}

static void measure_probes(struct session *s)
{
	char why[128] = "";

	calibrate(&s->at, s->bare_ns, read_calibration, s, &s->hdr.cost, why, sizeof(why));
	if (!s->hdr.cost.valid)
		snprintf(s->hdr.cost.why, sizeof(s->hdr.cost.why), "%s", why);
}

static __u64 recursion_misses(const struct session *s)
{
	return attach_recursion_misses(&s->at) + (s->storms ? storms_misses(s->storms) : 0);
}

static __u64 lost_stacks(const struct session *s)
{
	return s->at.state->lost_stacks + (s->names ? stack_names_lost(s->names) : 0);
}

static void close_session(struct session *s);

static int open_session(const struct options *opt, struct session **out)
{
	unsigned int cpus = machine_cpu_numbers("");
	struct ksym syms[HOOK_SYMBOLS_MAX];
	struct attach_config cfg;
	struct session *s;
	size_t n_syms;
	int err;

	s = calloc(1, sizeof(*s));
	if (!s) {
		log_error("out of memory");
		return -ENOMEM;
	}
	s->backend = &backend_bpf;
	s->opt = *opt;
	s->stats_fd = -1;
	s->max_rows = opt->max_rows ?: default_rows(cpus);
	describe_machine(&s->hdr);
	n_syms = hooks_symbols(opt, syms);
	features_read(&s->features, NULL, opt->exact || opt->level == LEVEL_ARCH, syms, n_syms);
	if (opt->verbose && s->features.whole[0])
		log_info("all kernel symbols are read: %s", s->features.whole);
	s->hdr.flavour = s->features.flavour;
	s->hdr.level = opt->level;
	s->hdr.exact = opt->exact;
	s->hdr.bytes = !opt->no_bytes;
	s->hdr.storms = opt->storms;
	check_storms(s);
	s->hdr.chain = opt->chain;
	cfg = attach_config(s, cpus);
	err = check_symbols(s) ?: check_user_stacks(s, &cfg);
	if (!err)
		err = attach_hooks(s, &cfg, syms);
	if (!err)
		err = check_measured(s);
	if (!err)
		err = open_stacks(s, &cfg);
	if (!err && cfg.storms)
		err = storms_open(&s->at, &cfg, &s->storms);
	if (!err)
		err = bank_open(&s->at, cpus, s->max_rows, &s->reader);
	if (err) {
		close_session(s);
		return err;
	}
	check_exact(s);
	measure_probes(s);
	attach_drop_measure(&s->at);
	if (opt->pmu)
		open_pmu(s);
	if (opt->verbose)
		s->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	s->misses = recursion_misses(s);
	s->lost_runs = s->at.state->lost_runs;
	s->loss = s->at.state->loss;
	s->lost_stacks = lost_stacks(s);
	s->begun_ns = clock_ns();
	__atomic_store_n(&s->at.state->mode, opt->pid || opt->comm ? MODE_FILTER : MODE_LIVE,
			 __ATOMIC_RELEASE);
	*out = s;
	return 0;
}

static struct header *get_header(struct session *s)
{
	return &s->hdr;
}

static void take_loss(struct session *s, struct loss *loss)
{
	struct loss_counters now = s->at.state->loss;
	__u64 misses = recursion_misses(s), lost = lost_stacks(s), runs = s->at.state->lost_runs;
	const __u64 *a = (const __u64 *)&now, *b = (const __u64 *)&s->loss;
	__u64 *d = (__u64 *)&loss->events;

	for (size_t i = 0; i < sizeof(now) / sizeof(*a); i++)
		d[i] += a[i] - b[i];
	loss->recursion_misses = misses - s->misses;
	loss->stacks = lost - s->lost_stacks;
	loss->runs = runs - s->lost_runs;
	s->lost_stacks = lost;
	s->lost_runs = runs;
	s->loss = now;
	s->misses = misses;
}

static int read_interval(struct session *s, struct interval *iv)
{
	struct taking t = {
		.opt = &s->opt,
		.flavour = s->hdr.flavour,
		.bytes = s->hdr.bytes,
		.names = s->names,
		.functions = (const char *const(*)[OP_COUNT])s->functions,
		.iv = iv,
	};
	struct bank_visitor visit = {
		.row = take_row,
		.proc = take_proc,
		.stack = take_stack,
		.sample = take_sample,
		.storm = take_storm,
		.ctx = &t,
	};
	int err;

	interval_clear(iv);
	if (s->names)
		stack_names_refresh(s->names);
	err = bank_take(s->reader, &visit, &iv->t_ns);
	if (err == -ENOMEM)
		log_error("out of memory for the rows of an interval");
	if (err)
		return err;
	iv->dur_ns = iv->t_ns - s->begun_ns;
	iv->has_procs = s->at.procs >= 0 && s->at.state->single_extras & EXTRA_PROCS;
	iv->has_stacks = s->opt.stacks;
	iv->has_samples = s->profile;
	iv->has_storms = s->storms;
	if (s->names)
		stack_names_trim(s->names);
	if (s->profile)
		profile_update(s->profile);
	s->begun_ns = iv->t_ns;
	if (s->pmu) {
		__u64 dsb = pmu_read(s->pmu);

		iv->has_pmu = true;
		iv->pmu_dsb = dsb - s->pmu_dsb;
		s->pmu_dsb = dsb;
	}
	take_loss(s, &iv->loss);
	return 0;
}

static const struct stack_table *get_stacks(const struct session *s)
{
	return s->names ? stack_names_table(s->names) : NULL;
}

static void stop(struct session *s)
{
	__atomic_store_n(&s->at.state->mode, 0, __ATOMIC_RELEASE);
}

static int set_procs(struct session *s, bool on)
{
	struct session_state *state = s->at.state;

	if (s->at.procs < 0)
		return -ENOTSUP;
	if (on) {
		state->list_extras |= EXTRA_PROCS;
		state->single_extras |= EXTRA_PROCS;
	} else {
		state->list_extras &= ~EXTRA_PROCS;
		state->single_extras &= ~EXTRA_PROCS;
	}
	return 0;
}

static void print_stats(struct session *s, FILE *out)
{
	attach_print_stats(&s->at, out);
	if (s->storms)
		storms_print_stats(s->storms, out);
}

static void close_session(struct session *s)
{
	if (s->stats_fd >= 0)
		close(s->stats_fd);
	pmu_close(s->pmu);
	stack_names_close(s->names);
	bank_close(s->reader);
	profile_close(s->profile);
	storms_close(s->storms);
	attach_close(&s->at);
	features_free(&s->features);
	free(s);
}

const struct backend backend_bpf = {
	.possible = permit_check,
	.open = open_session,
	.header = get_header,
	.stacks = get_stacks,
	.read = read_interval,
	.stop = stop,
	.set_procs = set_procs,
	.print_stats = print_stats,
	.close = close_session,
};
