// SPDX-License-Identifier: GPL-2.0
/* Figures of "bench", and how they are printed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "dmasync/bench.h"
#include "dmasync/json_rows.h"
#include "dmasync/log.h"
#include "dmasync/machine.h"
#include "dmasync/options.h"
#include "dmasync/units.h"
#include "dmasync/view.h"

static const char *const access_names[] = {
	[ACCESS_READ] = "read",
	[ACCESS_WRITE] = "write",
	[ACCESS_RW] = "rw",
};

static const char *const source_names[] = {
	[ENTRIES_COUNTED] = "counted",
	[ENTRIES_PAGES] = "pages",
	[ENTRIES_ASSUMED] = "assumed",
};

static int by_value(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

void bench_summarize(struct bench_side *side, unsigned int n)
{
	double sum = 0;
	unsigned int i;

	qsort(side->sample, n, sizeof(*side->sample), by_value);
	for (i = 0; i < n; i++)
		sum += side->sample[i];
	side->mean = sum / n;
	side->min = side->sample[0];
	side->max = side->sample[n - 1];
	/* Nearest rank: a value that was measured, of which that share is not larger. */
	side->median = side->sample[(n + 1ULL) / 2 - 1];
	side->p99 = side->sample[(99ULL * n + 99) / 100 - 1];
}

static void print_side(FILE *out, const char *name, const struct bench_side *side,
		       const struct bench_result *r)
{
	char min[FMT_LEN], median[FMT_LEN], p99[FMT_LEN], max[FMT_LEN], each[FMT_LEN],
		dsb[FMT_LEN] = "-";

	if (r->dsb_known)
		fmt_count(dsb, side->dsb, 8);
	fprintf(out, "%-5s %-20s %8s %8s %8s %8s %9s %9s\n", name, op_name(side->op),
		fmt_ns(min, side->min, 6), fmt_ns(median, side->median, 6),
		fmt_ns(p99, side->p99, 6), fmt_ns(max, side->max, 6),
		fmt_count(each, side->median / r->entries, 6), dsb);
}

const char *bench_access_name(enum cpu_access access)
{
	return access_names[access];
}

void bench_describe(struct bench_result *r)
{
	struct utsname uts;
	char path[128], text[128];

	uname(&uts);
	snprintf(r->release, sizeof(r->release), "%s", uts.release);
	machine_model("", r->model, sizeof(r->model));
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor",
		 r->cpu);
	machine_line("", path, r->governor, sizeof(r->governor));
	machine_line("", "/sys/class/dmi/id/sys_vendor", text, sizeof(text));
	r->emulator = !strcmp(r->model, "linux,dummy-virt") || !strcmp(text, "QEMU");
}

void bench_print_machine(FILE *out, const struct bench_result *r)
{
	fprintf(out, "kernel %s, %s%s%s\n\n", r->release, flavour_name(r->flavour),
		r->model[0] ? ", " : "", r->model);
	fprintf(out, "%-26s %8s %8s %8s %8s %9s %9s\n", "", "min", "median", "p99", "max",
		"ns/entry", "dsb/call");
}

void bench_print_notes(FILE *out, const struct bench_result *r)
{
	if (r->dsb_known)
		fprintf(out, "dsb: %s in a separate pass, %u calls each\n",
			dsb_source_name(r->dsb_source), r->counted_calls);
	else
		fprintf(out, "dsb: not known: %s\n", r->dsb_why);
	if (r->governor[0])
		fprintf(out, "cpu clock: governor \"%s\"\n", r->governor);
	if (r->emulator)
		fprintf(out,
			"note: this machine is QEMU's; where QEMU emulates the CPU, so are the times\n");
}

void bench_print_text(FILE *out, const struct bench_options *opt, const struct bench_result *r)
{
	char size[FMT_LEN], entry[FMT_LEN];

	fprintf(out, "udmabuf: %s in %.0f entries of %s, --dir %s, %u iterations on CPU %d\n",
		fmt_bytes(size, opt->size, 6), r->entries,
		fmt_bytes(entry, opt->size / r->entries, 6), access_names[opt->access],
		opt->iterations, r->cpu);
	bench_print_machine(out, r);
	print_side(out, "START", &r->start, r);
	print_side(out, "END", &r->end, r);
	fputc('\n', out);
	if (r->entries_source == ENTRIES_ASSUMED)
		fprintf(out,
			"entries: assumed from --size and --entry; run as root to count them\n");
	else if (r->entries != (double)(opt->size / opt->entry))
		fprintf(out, "entries: asked for %zu; memory or kernel made it %.0f\n",
			opt->size / opt->entry, r->entries);
	bench_print_notes(out, r);
}

static json_t *side_object(const struct bench_side *side, const struct bench_result *r)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:f, s:f, s:o}", "op", op_name(side->op),
			 "min_ns", json_u64(side->min), "median_ns", json_u64(side->median),
			 "p99_ns", json_u64(side->p99), "max_ns", json_u64(side->max), "mean_ns",
			 side->mean, "median_ns_per_entry", side->median / r->entries,
			 "dsb_per_call", r->dsb_known ? json_real(side->dsb) : json_null());
}

void bench_add_machine(json_t *obj, const struct bench_options *opt, const struct bench_result *r)
{
	json_object_set_new(obj, "version", json_string(DMASYNC_VERSION));
	json_object_set_new(obj, "kernel", json_string(r->release));
	json_object_set_new(obj, "model", json_text(r->model));
	json_object_set_new(obj, "flavour", json_string(flavour_name(r->flavour)));
	json_object_set_new(obj, "dir", json_string(access_names[opt->access]));
	json_object_set_new(obj, "cpu", json_integer(r->cpu));
	json_object_set_new(obj, "iterations", json_integer(opt->iterations));
	json_object_set_new(obj, "qemu", json_boolean(r->emulator));
	json_object_set_new(obj, "governor", r->governor[0] ? json_text(r->governor) : json_null());
	json_object_set_new(obj, "dsb_source",
			    r->dsb_known ? json_string(dsb_source_name(r->dsb_source))
					 : json_null());
	json_object_set_new(obj, "dsb_why", r->dsb_known ? json_null() : json_text(r->dsb_why));
}

int bench_print_json(FILE *out, const struct bench_options *opt, const struct bench_result *r)
{
	json_t *obj =
		json_pack("{s:s, s:s, s:o, s:o, s:f, s:s, s:o, s:o}", "type", "bench", "source",
			  "udmabuf", "size", json_u64(opt->size), "entry", json_u64(opt->entry),
			  "entries", r->entries, "entries_source", source_names[r->entries_source],
			  "start", side_object(&r->start, r), "end", side_object(&r->end, r));

	if (obj)
		bench_add_machine(obj, opt, r);
	return json_print(out, obj);
}

int bench_printed(FILE *out, int err)
{
	if (!err && fflush(out))
		err = -errno;
	if (!err || err == -EPIPE)
		return EXIT_OK;
	log_error("cannot write the result: %s", strerror(-err));
	return EXIT_FAILED;
}

int bench_failed(int err)
{
	return err == -ENOENT || err == -EACCES || err == -EPERM || err == -ENODEV
		       ? EXIT_UNSUPPORTED
		       : EXIT_FAILED;
}
