// SPDX-License-Identifier: GPL-2.0
/* dmasynctop without a subcommand: live view, or text and JSON batch, with or without a command. */
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <dmasync/child.h>
#include <dmasync/cli.h>
#include <dmasync/cmd.h>
#include <dmasync/events.h>
#include <dmasync/log.h>
#include <dmasync/session.h>
#include <dmasync/view.h>
#include "view/text.h"

struct run {
	struct options opt;
	struct session *session;
	const struct header *hdr;
	FILE *out;
	struct events ev;
	struct child child;
	FILE *capture;	       /* output of the command while the live view has the terminal */
	struct interval iv;    /* newest */
	struct interval total; /* all */
	unsigned int count;
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
		return json_print(r->out, json_header(r->hdr));
	text_header(r->out, r->hdr, &r->opt);
	return check_output(r->out);
}

/* @only: there is no other; the histograms of the totals are the same. */
static int print_interval(struct run *r, bool only)
{
	struct options opt = r->opt;

	if (r->opt.json)
		return json_print(r->out, json_interval(r->hdr, &r->iv));
	opt.histograms &= !only;
	text_interval(r->out, r->hdr, &r->iv, &opt);
	return check_output(r->out);
}

static int print_end(struct run *r)
{
	if (r->opt.json)
		return json_print(r->out, json_end(r->hdr, &r->total));
	text_end(r->out, r->hdr, &r->total, &r->opt);
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

static int take_interval(struct run *r, bool last)
{
	int err = session_read(r->session, &r->iv);

	if (err)
		return err;
	if (interval_add(&r->total, &r->iv)) {
		log_error("out of memory for the totals");
		return -ENOMEM;
	}
	return output_failed(r, print_interval(r, last && !r->count));
}

/*
 * A typed interrupt reaches the command by itself; one that was sent to us alone is passed on. The
 * measurement goes on until the command has ended of it; asked twice, we stop waiting.
 */
static bool stops(struct run *r, unsigned int *stop_signals)
{
	if (!r->child.running)
		return true;
	if (++*stop_signals > 1) {
		child_signal(&r->child, SIGKILL);
		return true;
	}
	if (r->ev.stop_sent)
		child_signal(&r->child, r->ev.stop_signal);
	return false;
}

static int batch_loop(struct run *r)
{
	unsigned int stop_signals = 0;
	bool last = false;
	int mask, err = 0;

	while (!last && !err) {
		mask = events_wait(&r->ev, -1);
		if (mask < 0)
			return mask;
		if (mask & EVENT_STOP)
			last |= stops(r, &stop_signals);
		if (mask & EVENT_CHILD && r->child.running)
			last |= child_ended(&r->child);
		last |= !!(mask & EVENT_END);
		if (!last && !(mask & EVENT_TICK))
			continue;
		/* What begins from here on belongs to no interval. */
		if (last)
			session_stop(r->session);
		last |= r->count + 1 == r->opt.count;
		err = take_interval(r, last);
		r->count++;
	}
	return err;
}

/*
 * The command may outlive a limit of the measurement: @stop ends it, as the user wanted that. When
 * only the reader of our output went away, it may go on in peace.
 */
static void finish_command(struct run *r, bool stop)
{
	int mask;

	if (stop)
		child_stop(&r->child);
	while (!child_ended(&r->child)) {
		mask = events_wait(&r->ev, -1);
		if (mask < 0)
			return;
		if (mask & EVENT_STOP)
			child_signal(&r->child, SIGKILL);
	}
}

static int run_batch(struct run *r)
{
	int err;

	/* The session counts already: starting the command takes time of the first interval. */
	err = events_start(&r->ev, r->opt.interval_ns, r->opt.duration_ns);
	if (!err)
		err = output_failed(r, print_header(r));
	if (!err && r->opt.cmd)
		err = child_start(&r->child, r->opt.cmd, &r->ev, NULL);
	if (!err)
		err = batch_loop(r);
	return err ? err : output_failed(r, print_end(r));
}

static int read_live(void *ctx, struct interval *iv)
{
	struct run *r = ctx;

	return session_read(r->session, iv);
}

static int set_procs_live(void *ctx, bool on)
{
	struct run *r = ctx;

	return session_set_procs(r->session, on);
}

static bool done_live(void *ctx)
{
	struct run *r = ctx;

	if (!r->child.pid || !child_ended(&r->child))
		return false;
	session_stop(r->session);
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
		.hdr = r->hdr,
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
		err = child_start(&r->child, r->opt.cmd, &r->ev, r->capture);
		if (err)
			return err;
	}
	err = tui_run(&src, &r->opt, &r->total);
	finish_command(r, true);
	replay_output(r->capture);
	if (err || !r->opt.cmd)
		return err;
	return output_failed(r, print_end(r));
}

static bool lost_too_much(const struct run *r)
{
	const struct loss *loss = &r->total.loss;
	char words[320];

	loss_words(loss, words, sizeof(words));
	if (!words[0])
		return false;
	if (r->opt.max_loss_set && loss_total(loss) > r->opt.max_loss) {
		log_error("%s; --max-loss allows %llu", words, r->opt.max_loss);
		return true;
	}
	log_warn("%s%s", words,
		 loss->events.rows_full ? "; a larger --max-rows has room for them" : "");
	return false;
}

/*
 * A reader that went away (| head) has what it wanted: the end is quiet and successful. The
 * command's own status comes before ours: who runs a command through us wants to know how it went.
 */
static int exit_status(struct run *r, int err)
{
	bool lost;

	if (r->opt.cmd && !r->child.pid)
		return r->child.status ? r->child.status : EXIT_FAILED;
	if (err && err != -EPIPE)
		return EXIT_FAILED;
	lost = lost_too_much(r);
	if (r->opt.cmd && r->child.status)
		return r->child.status;
	return lost ? EXIT_LOSS : EXIT_OK;
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

/* A mistyped name would show nothing, for ever; but the device may also be one that comes later. */
static void check_devices(const char *patterns)
{
	char pattern[256], path[320];
	size_t len;

	for (; *patterns; patterns += len + (patterns[len] == ',')) {
		glob_t found = {};

		len = strcspn(patterns, ",");
		snprintf(pattern, sizeof(pattern), "%.*s", (int)len, patterns);
		/* Classes, too: some devices are on no bus, such as udmabuf. */
		snprintf(path, sizeof(path), "/sys/bus/*/devices/%s", pattern);
		glob(path, GLOB_NOSORT, NULL, &found);
		snprintf(path, sizeof(path), "/sys/class/*/%s", pattern);
		glob(path, GLOB_NOSORT | GLOB_APPEND, NULL, &found);
		if (!found.gl_pathc)
			log_warn("-D '%s': no such device now; `ls /sys/bus/*/devices "
				 "/sys/class/*` lists them",
				 pattern);
		globfree(&found);
	}
}

static int check_process(pid_t pid)
{
	if (!kill(pid, 0) || errno != ESRCH)
		return 0;
	log_error("-p %d: there is no such process", pid);
	return -ESRCH;
}

static int open_session(struct run *r)
{
	int err = 0;

	if (r->opt.pid)
		err = check_process(r->opt.pid);
	if (r->opt.device)
		check_devices(r->opt.device);
	err = err ?: session_open(&r->opt, &r->session);
	if (err == -EPERM || err == -EOPNOTSUPP || err == -ENOSYS)
		return EXIT_UNSUPPORTED;
	if (err)
		return EXIT_FAILED;
	r->hdr = session_header(r->session);
	if (r->opt.by == BY_PROCESS)
		session_set_procs(r->session, true);
	return EXIT_OK;
}

/* Not an error: the process may be in another PID namespace, where we cannot see it. */
static void check_pid(pid_t pid)
{
	if (pid && kill(pid, 0) && errno == ESRCH)
		log_warn("-p %d: no such process in sight; nothing may be measured", pid);
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
	check_pid(r.opt.pid);
	live = choose_live(&r);
	r.opt.procs |= live;
	if (open_output(&r))
		return EXIT_FAILED;
	status = open_session(&r);
	if (status)
		return status;
	interval_init(&r.iv);
	interval_init(&r.total);
	err = events_open(&r.ev, live);
	if (!err) {
		err = live ? run_live(&r) : run_batch(&r);
		session_stop(r.session);
		finish_command(&r, err != -EPIPE);
		events_close(&r.ev);
	}
	err = close_output(&r, err);
	status = exit_status(&r, err);
	if (r.opt.verbose)
		session_print_stats(r.session, stderr);
	session_close(r.session);
	interval_free(&r.iv);
	interval_free(&r.total);
	return status;
}
