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
#include "dmasync/bank.h"
#include "dmasync/calibrate.h"
#include "dmasync/clock.h"
#include "dmasync/derive.h"
#include "dmasync/features.h"
#include "dmasync/filter.h"
#include "dmasync/ksyms.h"
#include "dmasync/log.h"
#include "dmasync/permit.h"
#include "dmasync/pmu.h"
#include "dmasync/session.h"

#define ROWS_DEFAULT_MAX 2048
#define ROWS_DEFAULT_MIN 256
#define VALUES_BUDGET (64 << 20) /* kernel memory for rows that the default stays under, bytes */

struct session {
	struct options opt;
	struct features features;
	struct header hdr;
	struct attachment at;
	struct bank_reader *reader;
	struct pmu *pmu;
	__u64 pmu_dsb; /* its count up to the running interval */
	unsigned int max_rows;
	__u64 begun_ns; /* start of the running interval */
	__u64 misses;	/* recursion misses up to then */
	__u64 bare_ns;	/* see calibrate_bare() */
	struct loss_counters loss;
	int stats_fd;
};

/* Interval being filled, and for whom. */
struct taking {
	struct session *s;
	struct interval *iv;
};

static enum dma_backend backend(const struct row_info *info)
{
	if (info->flags & DEV_IOMMU)
		return BACKEND_IOMMU;
	return info->flags & DEV_OPS_OTHER ? BACKEND_OTHER : BACKEND_DIRECT;
}

static bool derive(const struct session *s, const struct row_info *info,
		   const struct call_counts *sum, __u64 *dsb)
{
	struct derive_case c = {
		.flavour = s->hdr.flavour,
		.op = ROW_TAG_OP(info->tag),
		.dir = ROW_TAG_DIR(info->tag),
		.attrs = ROW_TAG_ATTRS(info->tag),
		.coherent = info->flags & DEV_COHERENT,
		.backend = backend(info),
	};

	/* Arch-level calls are made for non-coherent devices only. */
	if (info->flags & DEV_FLAGS_UNKNOWN && c.op < OP_API_COUNT)
		return *dsb = 0, false;
	return derive_dsb(&c, sum, dsb);
}

static void row_identify(struct row *r, unsigned int row, const struct row_info *info)
{
	r->op = ROW_TAG_OP(info->tag);
	r->dir = ROW_TAG_DIR(info->tag);
	r->coherent = info->flags & DEV_COHERENT;
	r->iommu = info->flags & DEV_IOMMU;
	r->hw_unknown = info->flags & DEV_FLAGS_UNKNOWN;
	r->other = row < ROWS_RESERVED;
	snprintf(r->dev, sizeof(r->dev), "%s",
		 r->other	 ? "other"
		 : info->name[0] ? info->name
				 : "-");
	snprintf(r->driver, sizeof(r->driver), "%s", info->driver[0] ? info->driver : "-");
	snprintf(r->bus, sizeof(r->bus), "%s", info->bus);
	snprintf(r->of_name, sizeof(r->of_name), "%s", info->of_name);
}

static int take_row(void *ctx, unsigned int row, const struct row_info *info,
		    const struct row_value *v)
{
	struct taking *t = ctx;
	struct row like = { 0 }, *r;
	__u64 dsb;

	row_identify(&like, row, info);
	/* Whatever -D wants: these calls may have been of that device. */
	if (like.other && like.op != OP_CALIBRATE)
		t->iv->loss.events.rows_full += v->sum.calls + v->sum.failed;
	if (like.op == OP_CALIBRATE ||
	    (t->s->opt.device && !device_matches(t->s->opt.device, like.dev)))
		return 0;
	like.dsb_derived_known = derive(t->s, info, &v->sum, &dsb);
	like.dsb_derived = dsb;
	like.sum = v->sum;
	like.max_ns = v->max_ns;
	like.min_ns = v->min_ns_neg ? -v->min_ns_neg : 0;
	for (int i = 0; i < HIST_BUCKETS; i++)
		like.hist[i] = v->hist[i];
	r = interval_row(t->iv, &like);
	if (!r)
		return -ENOMEM;
	row_add(r, &like);
	return 0;
}

static int take_proc(void *ctx, const struct row_info *info, __u32 tgid, const struct proc_value *v)
{
	struct taking *t = ctx;
	struct proc_row *p;
	__u64 dsb;

	if (ROW_TAG_OP(info->tag) == OP_CALIBRATE ||
	    (t->s->opt.device && !device_matches(t->s->opt.device, info->name)))
		return 0;
	p = interval_proc(t->iv, tgid, v->comm);
	if (!p)
		return -ENOMEM;
	derive(t->s, info, &v->sum, &dsb);
	counts_add(&p->sum, &v->sum);
	p->dsb_derived += dsb;
	return 0;
}

static int take_calibration(void *ctx, unsigned int row, const struct row_info *info,
			    const struct row_value *v)
{
	struct calibrate_sample *sample = ctx;

	if (ROW_TAG_OP(info->tag) != OP_CALIBRATE)
		return 0;
	sample->calls += v->sum.calls;
	sample->ns += v->sum.ns;
	if (!sample->min_ns || -v->min_ns_neg < sample->min_ns)
		sample->min_ns = -v->min_ns_neg;
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

static void read_model(char *model, size_t len)
{
	static const char *const paths[] = { "/sys/firmware/devicetree/base/model",
					     "/sys/class/dmi/id/product_name" };

	for (size_t i = 0; i < 2; i++) {
		FILE *f = fopen(paths[i], "r");
		size_t n = f ? fread(model, 1, len - 1, f) : 0;

		if (f)
			fclose(f);
		model[n] = '\0';
		model[strcspn(model, "\n")] = '\0';
		if (n)
			return;
	}
}

static void describe_machine(struct header *hdr)
{
	struct utsname u;

	uname(&u);
	snprintf(hdr->release, sizeof(hdr->release), "%s", u.release);
	snprintf(hdr->machine, sizeof(hdr->machine), "%s", u.machine);
	hdr->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	read_model(hdr->model, sizeof(hdr->model));
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

static int attach_hooks(struct session *s, unsigned int cpus, const struct ksym *syms)
{
	struct hook hooks[HEADER_HOOKS_MAX];
	struct attach_config cfg = {
		.rung = s->opt.attach,
		.cpus = cpus,
		.max_rows = s->max_rows,
		.tgid = s->opt.pid,
		.comm = s->opt.comm,
		.bytes = !s->opt.no_bytes,
		.procs = s->opt.procs,
		.sync_has_barrier = s->hdr.flavour == FLAVOUR_PER_ENTRY,
		.verbose = s->opt.verbose,
		.before_measure = calibrate_bare,
		.ctx = &s->bare_ns,
	};
	int n = hooks_plan(&s->opt, &s->features, syms, hooks, &cfg.facts);

	return attach_open(&cfg, hooks, n, s->hdr.hooks, &s->hdr.n_hooks, &s->at);
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

/* On stderr, too: of JSON output people may never see the header. */
static void warn_refused(const struct header *hdr)
{
	for (unsigned int i = 0; i < hdr->n_hooks; i++)
		if (hdr->hooks[i].refused)
			log_warn("%s is not watched: %s; what it does is missing",
				 hdr->hooks[i].name, hdr->hooks[i].reason);
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

/* Says so where a kretprobe is the end of a call though kprobes could have been. */
static void check_returns(const struct session *s)
{
	const struct hook_state *first = NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->hdr.n_hooks; i++) {
		const struct hook_state *h = &s->hdr.hooks[i];

		if (h->end != END_KRETPROBE || !h->reason[0])
			continue;
		first = first ?: h;
		n++;
	}
	if (!n)
		return;
	log_warn("the end of %s%s is seen by a kretprobe (%s): calls that interrupts make may be "
		 "missed; `-v` lists the hooks",
		 first->name, n > 1 ? " and of others" : "", first->reason);
}

int session_open(const struct options *opt, struct session **out)
{
	int cpus = libbpf_num_possible_cpus(), err;
	struct ksym syms[HOOK_SYMBOLS_MAX];
	struct session *s;
	size_t n_syms;
	char why[256];

	err = permit_check(why, sizeof(why));
	if (err) {
		log_error("%s", why);
		return err;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		log_error("out of memory");
		return -ENOMEM;
	}
	s->opt = *opt;
	s->stats_fd = -1;
	s->max_rows = opt->max_rows ?: default_rows(cpus);
	describe_machine(&s->hdr);
	n_syms = hooks_symbols(syms);
	features_read(&s->features, NULL, opt->exact || opt->level == LEVEL_ARCH, syms, n_syms);
	s->hdr.flavour = s->features.flavour;
	s->hdr.level = opt->level;
	s->hdr.exact = opt->exact;
	s->hdr.bytes = !opt->no_bytes;
	err = check_symbols(s);
	if (!err)
		err = attach_hooks(s, cpus, syms);
	if (!err)
		err = check_measured(s);
	if (!err)
		err = bank_open(&s->at, cpus, s->max_rows, &s->reader);
	if (err) {
		session_close(s);
		return err;
	}
	warn_refused(&s->hdr);
	check_exact(s);
	check_returns(s);
	measure_probes(s);
	if (opt->pmu)
		open_pmu(s);
	if (opt->verbose)
		s->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	s->misses = attach_recursion_misses(&s->at);
	s->loss = s->at.state->loss;
	s->begun_ns = clock_ns();
	__atomic_store_n(&s->at.state->mode, opt->pid || opt->comm ? MODE_FILTER : MODE_LIVE,
			 __ATOMIC_RELEASE);
	*out = s;
	return 0;
}

const struct header *session_header(const struct session *s)
{
	return &s->hdr;
}

static void take_loss(struct session *s, struct loss *loss)
{
	struct loss_counters now = s->at.state->loss;
	__u64 misses = attach_recursion_misses(&s->at);
	const __u64 *a = (const __u64 *)&now, *b = (const __u64 *)&s->loss;
	__u64 *d = (__u64 *)&loss->events;

	for (size_t i = 0; i < sizeof(now) / sizeof(*a); i++)
		d[i] += a[i] - b[i];
	loss->recursion_misses = misses - s->misses;
	s->loss = now;
	s->misses = misses;
}

int session_read(struct session *s, struct interval *iv)
{
	struct taking t = { .s = s, .iv = iv };
	struct bank_visitor visit = { .row = take_row, .proc = take_proc, .ctx = &t };
	int err;

	interval_clear(iv);
	err = bank_take(s->reader, &visit, &iv->t_ns);
	if (err == -ENOMEM)
		log_error("out of memory for the rows of an interval");
	if (err)
		return err;
	iv->dur_ns = iv->t_ns - s->begun_ns;
	iv->has_procs = s->at.procs >= 0 && s->at.state->extras & EXTRA_PROCS;
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

void session_stop(struct session *s)
{
	__atomic_store_n(&s->at.state->mode, 0, __ATOMIC_RELEASE);
}

int session_set_procs(struct session *s, bool on)
{
	if (s->at.procs < 0)
		return -ENOTSUP;
	if (on)
		s->at.state->extras |= EXTRA_PROCS;
	else
		s->at.state->extras &= ~EXTRA_PROCS;
	return 0;
}

void session_print_stats(struct session *s, FILE *out)
{
	attach_print_stats(&s->at, out);
}

void session_close(struct session *s)
{
	if (!s)
		return;
	if (s->stats_fd >= 0)
		close(s->stats_fd);
	pmu_close(s->pmu);
	bank_close(s->reader);
	attach_close(&s->at);
	features_free(&s->features);
	free(s);
}
