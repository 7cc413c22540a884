// SPDX-License-Identifier: GPL-2.0
/* dmasynctop record: keeps what a session measures in a file. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <dmasync/capture.h>
#include <dmasync/cli.h>
#include <dmasync/cmd.h>
#include <dmasync/devices.h>
#include <dmasync/log.h>
#include <dmasync/machine.h>
#include <dmasync/measure.h>
#include <dmasync/units.h>
#include "view/text.h"

struct recording {
	struct record_options r;
	struct measure m;
	struct capture_info info;
	struct capture_writer *writer;
};

/* The command line, of which @argv is from the subcommand on, as far as it fits. */
static void join_words(int argc, char **argv, char *buf, size_t len)
{
	size_t at = snprintf(buf, len, "dmasynctop");

	for (int i = 0; i < argc && at < len; i++)
		at += snprintf(buf + at, len - at, " %s", argv[i]);
}

static void describe(struct capture_info *info, const struct options *opt)
{
	struct timespec now;

	snprintf(info->tool_version, sizeof(info->tool_version), "%s", DMASYNC_VERSION);
	machine_build_id("", info->build_id, sizeof(info->build_id));
	machine_boot_id("", info->boot_id, sizeof(info->boot_id));
	machine_cpu_model("", info->cpu_model, sizeof(info->cpu_model));
	machine_governors("", info->governor, sizeof(info->governor));
	devices_walkers("", info->iommu_walker, sizeof(info->iommu_walker));
	clock_gettime(CLOCK_REALTIME, &now);
	info->start_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	info->interval_ns = opt->interval_ns;
	info->stacks = opt->stacks;
	info->user_stacks = opt->user_stacks;
	info->procs = opt->procs;
	info->profile_hz = opt->profile_hz;
}

static int emit(void *ctx, const struct interval *iv, bool only)
{
	struct recording *rec = ctx;

	return capture_write(rec->writer, iv);
}

/* The header is written first, so that a run that is killed at once leaves a capture, too. */
static int begin(void *ctx)
{
	static const struct stack_table none;
	struct recording *rec = ctx;
	const struct stack_table *stacks = session_stacks(rec->m.session);
	const struct options *opt = &rec->r.opt;

	rec->info.hdr = *rec->m.hdr;
	describe(&rec->info, opt);
	rec->info.stacks &= !!stacks; /* not every back end can */
	return capture_create(opt->output, rec->r.force, &rec->info, stacks ? stacks : &none,
			      &rec->writer);
}

static int started(void *ctx)
{
	struct recording *rec = ctx;

	return capture_keep(rec->writer);
}

static int run(struct recording *rec)
{
	int err = measure_run(&rec->m);

	/* A command that could not be started leaves nothing worth keeping. */
	if (rec->r.opt.cmd && !rec->m.child.pid) {
		capture_discard(rec->writer);
		rec->writer = NULL;
	}
	return err;
}

static __u64 total_calls(const struct interval *total)
{
	__u64 calls = 0;

	for (size_t i = 0; i < total->n_rows; i++)
		calls += op_is_arch(total->rows[i].op) || op_is_chain(total->rows[i].op)
				 ? 0
				 : total->rows[i].sum.calls;
	return calls;
}

static void print_summary(const struct recording *rec)
{
	const struct interval *total = &rec->m.total;
	const struct stack_table *stacks = session_stacks(rec->m.session);
	char time[FMT_LEN], size[FMT_LEN], lost[320], with[64] = "";
	struct stat st = { 0 };

	stat(rec->r.opt.output, &st);
	loss_words(&total->loss, lost, sizeof(lost));
	if (stacks)
		snprintf(with, sizeof(with), " from %zu stacks", stacks->n);
	log_info("%s: %u interval%s in %s, %llu call%s%s, %s; %s bytes", rec->r.opt.output,
		 rec->m.count, rec->m.count == 1 ? "" : "s", fmt_ns(time, total->dur_ns, 6),
		 total_calls(total), total_calls(total) == 1 ? "" : "s", with,
		 lost[0] ? lost : "no events lost", fmt_bytes(size, st.st_size, 6));
}

static int check_file(const struct record_options *r)
{
	if (r->force || access(r->opt.output, F_OK))
		return 0;
	log_error("%s exists already; record into another file, or --force to overwrite it",
		  r->opt.output);
	return -EEXIST;
}

int cmd_record(int argc, char **argv)
{
	struct recording rec = {};
	int status, err, closed;

	join_words(argc, argv, rec.info.command, sizeof(rec.info.command));
	argv[0] = "dmasynctop record"; /* for argp's messages */
	if (options_parse_record(argc, argv, 0, &rec.r))
		return EXIT_USAGE;
	if (check_file(&rec.r))
		return EXIT_FAILED;
	status = measure_open(&rec.m, &rec.r.opt);
	if (status)
		return status;
	rec.m.begin = begin;
	rec.m.started = started;
	rec.m.emit = emit;
	rec.m.ctx = &rec;
	session_set_procs(rec.m.session, rec.r.opt.procs);
	err = events_open(&rec.m.ev, false);
	if (!err) {
		err = run(&rec);
		session_stop(rec.m.session);
		measure_finish_command(&rec.m, true);
		events_close(&rec.m.ev);
	}
	closed = capture_close(rec.writer, err ? NULL : &rec.m.total);
	err = err ?: closed;
	if (!err)
		print_summary(&rec);
	status = measure_status(&rec.m, err);
	if (rec.r.opt.verbose)
		session_print_stats(rec.m.session, stderr);
	measure_close(&rec.m);
	return status;
}
