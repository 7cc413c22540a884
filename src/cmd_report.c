// SPDX-License-Identifier: GPL-2.0
/* dmasynctop report: what a capture holds, as text, JSON or CSV. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/capture_json.h>
#include <dmasync/cmd.h>
#include <dmasync/filter.h>
#include <dmasync/log.h>
#include <dmasync/report.h>
#include <dmasync/view.h>

struct reading {
	struct report r;
	FILE *out;
	struct capture *capture;
	size_t stacks;	/* printed so far */
	__u64 begun_ns; /* CLOCK_MONOTONIC at the start of the first interval */
	bool begun;
};

/* 0 or -errno of what was written since errno was set to 0: it may have failed long ago. */
static int check_output(FILE *out)
{
	if (!fflush(out) && !ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}

/* Does @iv begin in the time that was asked for? */
static bool in_time(struct reading *rd, const struct interval *iv)
{
	__u64 from = iv->t_ns > iv->dur_ns ? iv->t_ns - iv->dur_ns : 0;

	if (!rd->begun)
		rd->begun_ns = from;
	rd->begun = true;
	from = from > rd->begun_ns ? from - rd->begun_ns : 0;
	return from >= rd->r.opt->from_ns && from < rd->r.opt->to_ns;
}

static int json_stacks(struct reading *rd)
{
	const struct stack_table *t = capture_stacks(rd->capture);
	int err = 0;

	while (!err && rd->stacks < t->n)
		err = json_print(rd->out, capture_json_stack(t, rd->stacks++));
	return err;
}

static int output_failed(const struct reading *rd, int err)
{
	if (err && err != -EPIPE)
		log_error("cannot write to %s: %s",
			  rd->r.opt->opt.output ? rd->r.opt->opt.output : "stdout", strerror(-err));
	return err;
}

static int take(struct reading *rd, const struct interval *iv)
{
	const struct capture_info *info = capture_info(rd->capture);
	int err = capture_add(rd->capture, &rd->r.total, iv);

	if (!err && timeline_add(&rd->r.timeline, iv)) {
		log_error("out of memory for the time line");
		err = -ENOMEM;
	}
	if (err || !rd->r.opt->opt.json)
		return err;
	err = json_stacks(rd) ?: json_print(rd->out, json_interval(&info->hdr, iv));
	return output_failed(rd, err);
}

static int read_intervals(struct reading *rd)
{
	bool filter = filter_active(&rd->r.opt->opt);
	struct interval iv, part;
	int n;

	interval_init(&iv);
	interval_init(&part);
	while ((n = capture_next(rd->capture, &iv)) > 0) {
		if (!in_time(rd, &iv))
			continue;
		n = filter ? interval_filter(&part, &iv, &rd->r.opt->opt) : 0;
		if (n)
			log_error("out of memory for an interval");
		n = n ?: take(rd, filter ? &part : &iv);
		if (n)
			break;
	}
	interval_free(&iv);
	interval_free(&part);
	return n;
}

static int json_close(struct reading *rd)
{
	const char *cut_off = capture_cut_off(rd->capture);
	json_t *end = json_end(&capture_info(rd->capture)->hdr, &rd->r.total);

	if (end && cut_off)
		json_object_set_new(end, "cut_off", json_string(cut_off));
	return json_print(rd->out, end);
}

/* What was asked for but is not in the capture. */
static int check_told(const struct reading *rd)
{
	const struct interval *total = &rd->r.total;
	const char *what = NULL, *option = NULL;

	if (!total->merged)
		return 0;
	if (rd->r.opt->storms && !total->has_storms) {
		log_error("%s: does not tell runs; record with --storms",
			  capture_path(rd->capture));
		return -ENODATA;
	}
	if (rd->r.opt->by_stack && !total->has_stacks) {
		what = "stack";
		option = "--no-stacks";
	} else if (rd->r.opt->opt.by == BY_PROCESS && !total->has_procs) {
		what = "process";
		option = "--no-processes";
	}
	if (!what)
		return 0;
	log_error("%s: does not tell calls by %s; record without %s", capture_path(rd->capture),
		  what, option);
	return -ENODATA;
}

static int print(struct reading *rd)
{
	int err;

	if (rd->r.opt->opt.json)
		return output_failed(rd, json_close(rd));
	err = check_told(rd);
	if (err)
		return err;
	errno = 0;
	err = rd->r.opt->csv ? report_csv(rd->out, &rd->r) : report_text(rd->out, &rd->r);
	if (err)
		log_error("out of memory for the table");
	return err ?: output_failed(rd, check_output(rd->out));
}

/* Only once there is something to write: what was there before may be an older report. */
static int open_output(struct reading *rd)
{
	const char *path = rd->r.opt->opt.output;

	if (output_check(path, rd->r.opt->file))
		return -EEXIST;
	rd->out = path ? fopen(path, "we") : stdout;
	if (rd->out)
		return 0;
	log_error("cannot write to %s: %s", path, strerror(errno));
	return -errno;
}

static int run(struct reading *rd)
{
	int err = capture_open(rd->r.opt->file, &rd->capture);

	if (err)
		return err;
	rd->r.capture = rd->capture;
	err = open_output(rd);
	if (!err && rd->r.opt->opt.json)
		err = output_failed(
			rd, json_print(rd->out, capture_json_header(capture_info(rd->capture))));
	err = err ?: read_intervals(rd);
	if (!err)
		capture_warn(rd->capture);
	return err ?: print(rd);
}

static int print_schema(struct reading *rd)
{
	int err = open_output(rd);

	if (err)
		return err;
	errno = 0;
	fputs(report_schema, rd->out);
	return output_failed(rd, check_output(rd->out));
}

int cmd_report(int argc, char **argv)
{
	struct report_options opt;
	struct reading rd = { .r.opt = &opt };
	int err;

	argv[0] = "dmasynctop report"; /* for argp's messages */
	if (options_parse_report(argc, argv, 0, &opt))
		return EXIT_USAGE;
	interval_init(&rd.r.total);
	err = opt.schema ? print_schema(&rd) : run(&rd);
	if (rd.out && rd.out != stdout && fclose(rd.out) && !err)
		err = output_failed(&rd, -errno);
	capture_free(rd.capture);
	interval_free(&rd.r.total);
	timeline_free(&rd.r.timeline);
	return err && err != -EPIPE ? EXIT_FAILED : EXIT_OK;
}
