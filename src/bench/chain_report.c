// SPDX-License-Identifier: GPL-2.0
/* What "bench --mmap" and "--vmap" measured, as a table and as JSON. */
#include "dmasync/bench_chain.h"
#include "dmasync/json_rows.h"
#include "dmasync/log.h"
#include "dmasync/options.h"
#include "dmasync/units.h"
#include "dmasync/view.h"

#define N_TIMES(r) ((r)->names[1] ? 2 : 1)

static void print_times(FILE *out, const char *name, const struct chain_times *t, __u64 pages)
{
	char min[FMT_LEN], median[FMT_LEN], p99[FMT_LEN], max[FMT_LEN], each[FMT_LEN];

	fprintf(out, "%-12s %8s %8s %8s %8s %9s\n", name, fmt_ns(min, t->min, 6),
		fmt_ns(median, t->median, 6), fmt_ns(p99, t->p99, 6), fmt_ns(max, t->max, 6),
		fmt_count(each, (double)t->median / pages, 6));
}

static void print_text(FILE *out, const struct bench_options *opt, const struct chain_result *r)
{
	char size[FMT_LEN];
	int i;

	fprintf(out, "%s: %s of %llu pages, %u iterations on CPU %d\nkernel %s%s%s\n\n", r->source,
		fmt_bytes(size, opt->size, 6), r->pages, opt->iterations, r->about.cpu,
		r->about.release, r->about.model[0] ? ", " : "", r->about.model);
	fprintf(out, "%-12s %8s %8s %8s %8s %9s\n", "", "min", "median", "p99", "max", "ns/page");
	for (i = 0; i < N_TIMES(r); i++)
		print_times(out, r->names[i], &r->times[i], r->pages);
	if (r->steps_known)
		fprintf(out, "\nsteps: %.0f a call, of %.1f pages; seen in a separate pass\n",
			r->steps, r->steps ? r->pages / r->steps : 0);
	else
		fprintf(out, "\nsteps: not known: %s\n", r->steps_why);
	fprintf(out, "data: %s\n",
		r->wrong ? "WRONG" : "what was written was read through another mapping");
	if (r->about.governor[0])
		fprintf(out, "cpu clock: governor \"%s\"\n", r->about.governor);
	if (r->about.emulator)
		fprintf(out,
			"note: this machine is QEMU's; where QEMU emulates the CPU, so are the times\n");
}

static json_t *times_object(const struct chain_times *t, __u64 pages)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:f, s:f}", "calls", json_u64(t->calls),
			 "min_ns", json_u64(t->min), "median_ns", json_u64(t->median), "p99_ns",
			 json_u64(t->p99), "max_ns", json_u64(t->max), "mean_ns", t->mean,
			 "median_ns_per_page", (double)t->median / pages);
}

static int print_json(FILE *out, const struct bench_options *opt, const struct chain_result *r)
{
	const struct bench_result *about = &r->about;
	json_t *obj = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:b, s:o}",
				"type", "bench", "source", r->source, "version", DMASYNC_VERSION,
				"kernel", about->release, "model", json_text(about->model), "size",
				json_u64(opt->size), "pages", json_u64(r->pages), "steps_per_call",
				r->steps_known ? json_real(r->steps) : json_null(), "steps_why",
				r->steps_known ? json_null() : json_text(r->steps_why),
				"iterations", (int)opt->iterations, "cpu", about->cpu, "qemu",
				(int)about->emulator, "wrong_pages", json_u64(r->wrong));
	int i;

	for (i = 0; obj && i < N_TIMES(r); i++)
		json_object_set_new(obj, r->names[i], times_object(&r->times[i], r->pages));
	return json_print(out, obj);
}

int chain_print(FILE *out, const struct bench_options *opt, const struct chain_result *r)
{
	int err = 0, status;

	if (opt->json)
		err = print_json(out, opt, r);
	else
		print_text(out, opt, r);
	status = bench_printed(out, err);
	if (status || !r->wrong)
		return status;
	log_error("%llu pages did not hold what had been written to them: this kernel maps wrong",
		  r->wrong);
	return EXIT_FAILED;
}
