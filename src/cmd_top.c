// SPDX-License-Identifier: GPL-2.0
/* dmasynctop without a subcommand: live view, or text and JSON batch, with or without a command. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <dmasync/cli.h>
#include <dmasync/cmd.h>
#include <dmasync/log.h>
#include <dmasync/measure.h>
#include <dmasync/predict.h>
#include <dmasync/view.h>

struct run {
	struct options opt;
	struct measure m;
	FILE *out;
	struct predict_options predict_opt;
	struct predict predict; /* text of per-entry kernels; no captures: not wanted */
	FILE *capture;		/* output of the command while the live view has the terminal */
};

/* 0 or -errno of what was written to @out so far. */
static int check_output(FILE *out)
{
	errno = 0;
	if (!fflush(out) && !ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}

static int print_header(struct run *r)
{
	if (r->opt.json)
		return json_print(r->out, json_header(r->m.hdr));
	text_header(r->out, r->m.hdr, &r->opt);
	return check_output(r->out);
}

/* @only: there is no other; the histograms of the totals are the same. */
static int print_interval(struct run *r, bool only)
{
	struct options opt = r->opt;

	if (r->opt.json)
		return json_print(r->out, json_interval(r->m.hdr, &r->m.iv));
	opt.histograms &= !only;
	text_interval(r->out, r->m.hdr, &r->m.iv, &opt);
	return check_output(r->out);
}

/* A hint at most: without memory for it there is none. */
static void print_prediction(struct run *r)
{
	char text[80];

	if (!r->predict.n_runs || predict_solve(&r->predict))
		return;
	predict_phrase(&r->predict, text, sizeof(text));
	if (text[0])
		fprintf(r->out, "%s\n", text);
}

static void begin_prediction(struct run *r)
{
	struct capture_info info = { .hdr = *r->m.hdr };

	if (!r->opt.json && info.hdr.flavour == FLAVOUR_PER_ENTRY)
		predict_run_add(&r->predict, "", &info);
}

static int print_end(struct run *r)
{
	if (r->opt.json)
		return json_print(r->out, json_end(r->m.hdr, &r->m.total));
	text_end(r->out, r->m.hdr, &r->m.total, &r->opt);
	print_prediction(r);
	return check_output(r->out);
}

/* Errors of session_read() have had their message; those of the output have not. */
static int output_failed(const struct run *r, int err)
{
	if (err && err != -EPIPE)
		log_error("cannot write to %s: %s; the measurement ends here",
			  r->opt.output ? r->opt.output : "stdout", strerror(-err));
	return err;
}

static int begin(void *ctx)
{
	struct run *r = ctx;

	begin_prediction(r);
	return output_failed(r, print_header(r));
}

static int emit(void *ctx, const struct interval *iv, bool only)
{
	struct run *r = ctx;

	predict_add_live(&r->predict, iv);
	return output_failed(r, print_interval(r, only));
}

static int run_batch(struct run *r)
{
	int err = measure_run(&r->m);

	return err ?: output_failed(r, print_end(r));
}

static int read_live(void *ctx, struct interval *iv)
{
	struct run *r = ctx;

	return session_read(r->m.session, iv);
}

static int set_procs_live(void *ctx, bool on)
{
	struct run *r = ctx;

	return session_set_procs(r->m.session, on);
}

static bool done_live(void *ctx)
{
	struct run *r = ctx;

	if (!r->m.child.pid || !child_ended(&r->m.child))
		return false;
	session_stop(r->m.session);
	return true;
}

/* Shows what the command printed while the live view had the terminal. */
static void replay_output(FILE *capture)
{
	char buf[4096];
	size_t n;

	if (!capture)
		return;
	rewind(capture);
	while ((n = fread(buf, 1, sizeof(buf), capture)) > 0) {
		if (fwrite(buf, 1, n, stdout) != n)
			break;
	}
	fclose(capture);
}

static int run_live(struct run *r)
{
	struct view_source src = {
		.hdr = r->m.hdr,
		.read = read_live,
		.set_procs = set_procs_live,
		.done = r->opt.cmd ? done_live : NULL,
		.ctx = r,
	};
	int err;

	if (r->opt.cmd) {
		r->capture = tmpfile();
		if (!r->capture) {
			log_error("cannot keep the command's output in %s: %s; use -b", P_tmpdir,
				  strerror(errno));
			return -errno;
		}
		err = child_start(&r->m.child, r->opt.cmd, &r->m.ev, r->capture);
		if (err)
			return err;
	}
	err = tui_run(&src, &r->opt, &r->m.total);
	measure_finish_command(&r->m, true);
	replay_output(r->capture);
	if (err || !r->opt.cmd)
		return err;
	return output_failed(r, print_end(r));
}

static int open_output(struct run *r)
{
	r->out = stdout;
	if (!r->opt.output)
		return 0;
	r->out = fopen(r->opt.output, "we");
	if (r->out)
		return 0;
	log_error("cannot write to %s: %s", r->opt.output, strerror(errno));
	return -errno;
}

static int close_output(struct run *r, int err)
{
	if (r->out && r->out != stdout && fclose(r->out) && !err)
		return output_failed(r, -errno);
	return err;
}

static bool choose_live(struct run *r)
{
	const char *why;

	if (r->opt.batch)
		return false;
	if (tui_possible(&why))
		return true;
	if (why)
		log_warn("no live view: %s; printing text, as with -b", why);
	return false;
}

int cmd_top(int argc, char **argv)
{
	struct run r = {};
	bool live;
	int status, err;

	if (options_parse_top(argc, argv, 0, &r.opt))
		return EXIT_USAGE;
	predict_options_init(&r.predict_opt);
	r.predict_opt.points = PREDICT_LIVE_POINTS;
	predict_init(&r.predict, &r.predict_opt);
	live = choose_live(&r);
	r.opt.procs |= live;
	if (open_output(&r))
		return EXIT_FAILED;
	status = measure_open(&r.m, &r.opt);
	if (status)
		return status;
	r.m.begin = begin;
	r.m.emit = emit;
	r.m.ctx = &r;
	if (r.opt.by == BY_PROCESS)
		session_set_procs(r.m.session, true);
	err = events_open(&r.m.ev, live);
	if (!err) {
		err = live ? run_live(&r) : run_batch(&r);
		session_stop(r.m.session);
		measure_finish_command(&r.m, err != -EPIPE);
		events_close(&r.m.ev);
	}
	err = close_output(&r, err);
	status = measure_status(&r.m, err);
	if (r.opt.verbose)
		session_print_stats(r.m.session, stderr);
	measure_close(&r.m);
	predict_free(&r.predict);
	return status;
}
