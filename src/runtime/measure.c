// SPDX-License-Identifier: GPL-2.0
/* A measurement from its first interval to its exit status, for all that print or keep intervals.
 */
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <string.h>
#include <dmasync/log.h>
#include <dmasync/measure.h>
#include "../view/text.h"

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

int measure_open(struct measure *m, const struct options *opt)
{
	int err = 0;

	*m = (struct measure){ .opt = opt };
	interval_init(&m->iv);
	interval_init(&m->total);
	if (opt->pid)
		err = check_process(opt->pid);
	if (opt->device)
		check_devices(opt->device);
	err = err ?: session_open(opt, &m->session);
	if (err == -EPERM || err == -EOPNOTSUPP || err == -ENOSYS)
		return EXIT_UNSUPPORTED;
	if (err)
		return EXIT_FAILED;
	m->hdr = session_header(m->session);
	return EXIT_OK;
}

static int take_interval(struct measure *m, bool last)
{
	int err = session_read(m->session, &m->iv);

	if (err)
		return err;
	if (interval_add(&m->total, &m->iv)) {
		log_error("out of memory for the totals");
		return -ENOMEM;
	}
	return m->emit(m->ctx, &m->iv, last && !m->count);
}

/*
 * A typed interrupt reaches the command by itself; one that was sent to us alone is passed on. The
 * measurement goes on until the command has ended of it; asked twice, we stop waiting.
 */
static bool stops(struct measure *m, unsigned int *stop_signals)
{
	if (!m->child.running)
		return true;
	if (++*stop_signals > 1) {
		child_signal(&m->child, SIGKILL);
		return true;
	}
	if (m->ev.stop_sent)
		child_signal(&m->child, m->ev.stop_signal);
	return false;
}

static int take_intervals(struct measure *m)
{
	unsigned int stop_signals = 0;
	bool last = false;
	int mask, err = 0;

	while (!last && !err) {
		mask = events_wait(&m->ev, -1);
		if (mask < 0)
			return mask;
		if (mask & EVENT_STOP)
			last |= stops(m, &stop_signals);
		if (mask & EVENT_CHILD && m->child.running)
			last |= child_ended(&m->child);
		last |= !!(mask & EVENT_END);
		if (!last && !(mask & EVENT_TICK))
			continue;
		/* What begins from here on belongs to no interval. */
		if (last)
			session_stop(m->session);
		last |= m->count + 1 == m->opt->count;
		err = take_interval(m, last);
		m->count++;
	}
	return err;
}

int measure_run(struct measure *m)
{
	/* The session counts already: starting the command takes time of the first interval. */
	int err = events_start(&m->ev, m->opt->interval_ns, m->opt->duration_ns);

	err = err ?: m->begin(m->ctx);
	if (!err && m->opt->cmd)
		err = child_start(&m->child, m->opt->cmd, &m->ev, NULL);
	if (!err && m->started)
		err = m->started(m->ctx);
	return err ?: take_intervals(m);
}

void measure_finish_command(struct measure *m, bool stop)
{
	int mask;

	if (stop)
		child_stop(&m->child);
	while (!child_ended(&m->child)) {
		mask = events_wait(&m->ev, -1);
		if (mask < 0)
			return;
		if (mask & EVENT_STOP)
			child_signal(&m->child, SIGKILL);
	}
}

static bool lost_too_much(const struct measure *m)
{
	const struct loss *loss = &m->total.loss;
	char words[320];

	loss_words(loss, words, sizeof(words));
	if (!words[0])
		return false;
	if (m->opt->max_loss_set && loss_total(loss) > m->opt->max_loss) {
		log_error("%s; --max-loss allows %llu", words, m->opt->max_loss);
		return true;
	}
	log_warn("%s%s", words,
		 loss->events.rows_full ? "; a larger --max-rows has room for them" : "");
	return false;
}

int measure_status(struct measure *m, int err)
{
	bool lost;

	if (m->opt->cmd && !m->child.pid)
		return m->child.status ? m->child.status : EXIT_FAILED;
	if (err && err != -EPIPE)
		return EXIT_FAILED;
	lost = lost_too_much(m);
	if (m->opt->cmd && m->child.status)
		return m->child.status;
	return lost ? EXIT_LOSS : EXIT_OK;
}

void measure_close(struct measure *m)
{
	session_close(m->session);
	interval_free(&m->iv);
	interval_free(&m->total);
	m->session = NULL;
}
