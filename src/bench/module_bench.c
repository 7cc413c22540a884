// SPDX-License-Identifier: GPL-2.0
/* bench --module: the article's protocol for calls that only the kernel can make. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include "dmasync/bench_module.h"
#include "dmasync/features.h"
#include "dmasync/log.h"
#include "dmasync/session.h"

#define WARM_UP 2
#define COUNT_CALLS 4

/* What one command of the module makes calls of. */
static const struct family {
	const char *op;
	unsigned int ops;
} families[] = {
	{ "sg", 1U << OP_MAP_SG | 1U << OP_UNMAP_SG | 1U << OP_SYNC_SG_FOR_CPU |
			1U << OP_SYNC_SG_FOR_DEVICE },
	{ "page", 1U << OP_MAP_PAGE | 1U << OP_UNMAP_PAGE | 1U << OP_SYNC_SINGLE_FOR_CPU |
			  1U << OP_SYNC_SINGLE_FOR_DEVICE },
	{ "iova", 1U << OP_IOVA_LINK | 1U << OP_IOVA_SYNC | 1U << OP_IOVA_UNLINK },
};

#define FAMILIES (sizeof(families) / sizeof(*families))

static void command_of(const struct bench_options *opt, const struct family *family, int cpu,
		       unsigned int iterations, unsigned int warmup, char *buf, size_t size)
{
	static const char *const dirs[] = {
		[ACCESS_READ] = "from_device",
		[ACCESS_WRITE] = "to_device",
		[ACCESS_RW] = "bidirectional",
	};

	snprintf(buf, size,
		 "op=%s device=%s dir=%s entries=%zu size=%zu iterations=%u warmup=%u cpu=%d",
		 family->op, opt->pci ? "pci" : "platform", dirs[opt->access],
		 opt->size / opt->entry, opt->entry, iterations, warmup, cpu);
}

static int measure(const struct bench_options *opt, const struct family *family, int cpu,
		   struct module_result *r)
{
	struct module_run run;
	char command[256];
	unsigned int i;
	int err;

	command_of(opt, family, cpu, opt->iterations, WARM_UP, command, sizeof(command));
	err = module_run(MODULE_DIR, command, &run);
	if (err)
		return err;
	memcpy(r->dev, run.dev, sizeof(r->dev));
	r->coherent = run.coherent;
	r->iommu = run.iommu;
	for (i = 0; i < run.n_apis; i++)
		if (opt->apis & 1U << run.apis[i].op)
			r->apis[r->n_apis++] = run.apis[i];
	return 0;
}

/* Barriers of the kinds of calls in @r from @iv; @want calls each. False when not all are there. */
static bool take(const struct interval *iv, bool exact, const struct module_run *run,
		 struct module_result *r)
{
	enum dsb_source source = DSB_NONE;
	unsigned int i, j;
	size_t k;

	for (i = 0; i < run->n_apis; i++) {
		__u64 calls = 0, dsb = 0;

		for (k = 0; k < iv->n_rows; k++) {
			const struct row *row = &iv->rows[k];

			if (row->op != run->apis[i].op)
				continue;
			dsb += row_dsb(row, exact, r->about.flavour, &source);
			if (source == DSB_NONE)
				return false;
			calls += row->sum.calls;
		}
		for (j = 0; j < r->n_apis; j++) {
			if (r->apis[j].op != run->apis[i].op)
				continue;
			if (!calls || calls != run->apis[i].calls)
				return false;
			r->apis[j].dsb = (double)dsb / calls;
			r->about.dsb_source = source;
		}
	}
	return true;
}

static int count_family(const struct bench_options *opt, const struct family *family, bool exact,
			struct module_result *r)
{
	struct session *session;
	struct module_run run;
	struct interval iv;
	struct options so;
	char command[256];
	int err;

	options_init(&so);
	so.exact = exact;
	so.device = r->dev;
	so.ops = family->ops & opt->apis;
	err = session_open(&so, &session);
	if (err)
		return err;
	interval_init(&iv);
	command_of(opt, family, r->about.cpu, COUNT_CALLS, 0, command, sizeof(command));
	err = module_run(MODULE_DIR, command, &run);
	session_stop(session);
	if (!err)
		err = session_read(session, &iv);
	r->about.flavour = session_header(session)->flavour;
	if (!err && !take(&iv, exact, &run, r)) {
		snprintf(r->about.dsb_why, sizeof(r->about.dsb_why),
			 "the session did not see the calls");
		err = -ENODATA;
	}
	interval_free(&iv);
	session_close(session);
	return err;
}

/* A second pass with probes, so that the times are without them. */
static void count(const struct bench_options *opt, struct module_result *r)
{
	int exact, err = -ENODATA;
	unsigned int i;

	log_hold(true);
	for (exact = 1; exact >= 0 && err; exact--) {
		r->about.dsb_why[0] = '\0';
		err = 0;
		for (i = 0; i < FAMILIES && !err; i++)
			if (families[i].ops & opt->apis)
				err = count_family(opt, &families[i], exact, r);
		if (err && !r->about.dsb_why[0])
			snprintf(r->about.dsb_why, sizeof(r->about.dsb_why), "%s",
				 log_held()[0] ? log_held() : strerror(-err));
	}
	r->about.dsb_known = !err;
	r->about.counted_calls = COUNT_CALLS;
	log_drop();
	log_hold(false);
}

static int print(const struct bench_options *opt, const struct module_result *r)
{
	int err = 0;

	if (opt->json)
		err = module_print_json(stdout, opt, r);
	else
		module_print_text(stdout, opt, r);
	return bench_printed(stdout, err);
}

int bench_module(const struct bench_options *opt)
{
	struct module_result r = { .about.cpu = opt->cpu };
	struct features features;
	unsigned int i;
	int err = 0;

	if (r.about.cpu < 0)
		r.about.cpu = sched_getcpu();
	for (i = 0; i < FAMILIES && !err; i++)
		if (families[i].ops & opt->apis)
			err = measure(opt, &families[i], r.about.cpu, &r);
	if (err)
		return bench_failed(err);
	features_read(&features, NULL, false, NULL, 0);
	r.about.flavour = features.flavour;
	features_free(&features);
	count(opt, &r);
	bench_describe(&r.about);
	return print(opt, &r);
}
