// SPDX-License-Identifier: GPL-2.0
/* Chooses how to measure, and hands on what a session is asked. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "dmasync/backend.h"
#include "dmasync/log.h"
#include "dmasync/session.h"

static const struct backend *of(const struct session *s)
{
	return *(const struct backend *const *)s;
}

/* On stderr, too: of JSON output people may never see the header. */
static void warn_refused(const struct header *hdr)
{
	for (unsigned int i = 0; i < hdr->n_hooks; i++)
		if (hdr->hooks[i].refused)
			log_warn("%s is not watched: %s; what it does is missing",
				 hdr->hooks[i].name, hdr->hooks[i].reason);
}

/* Says so where a kretprobe is the end of a call though kprobes could have been. */
static void warn_returns(const struct header *hdr)
{
	const struct hook_state *first = NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; i < hdr->n_hooks; i++) {
		const struct hook_state *h = &hdr->hooks[i];

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

static int open_as(enum backend_id id, const char *reason, const struct options *opt,
		   struct session **out)
{
	const struct backend *backend = id == BACKEND_FTRACE ? &backend_ftrace : &backend_bpf;
	struct header *hdr;
	char why[256];
	int err = backend->possible(why, sizeof(why));

	if (err) {
		log_error("%s", why);
		return err;
	}
	err = backend->open(opt, out);
	if (err)
		return err;
	hdr = backend->header(*out);
	hdr->backend = id;
	snprintf(hdr->backend_reason, sizeof(hdr->backend_reason), "%s", reason);
	warn_refused(hdr);
	warn_returns(hdr);
	return 0;
}

/* What to do about it is for those who want BPF, or what only BPF can do. */
static void without_advice(char *to, size_t len, const char *why)
{
	snprintf(to, len, "%.*s", (int)strcspn(why, ";"), why);
}

/*
 * BPF that is there may still refuse every program, or attach none (a kernel without
 * CONFIG_BPF_EVENTS, seccomp). Its message is kept back until it is known whether ftrace can do
 * what was asked for: if not, it is BPF's that counts.
 */
static int open_bpf_or_ftrace(const struct options *opt, struct session **out)
{
	char why[LOG_LINE_SIZE], reason[LOG_LINE_SIZE], not_either[LOG_LINE_SIZE];
	/* With -v there may be too much to keep, and all of it is wanted. */
	bool held = log_hold(!opt->verbose);
	int err;

	if (!held)
		log_drop();
	err = open_as(BACKEND_BPF, "", opt, out);
	if (!err || err == -ENOMEM || backend_ftrace.possible(not_either, sizeof(not_either))) {
		log_hold(held);
		return err;
	}
	snprintf(why, sizeof(why), "%s", log_held()[0] ? log_held() : strerror(-err));
	log_drop();
	without_advice(reason, sizeof(reason), why);
	if (open_as(BACKEND_FTRACE, reason, opt, out)) {
		log_drop();
		log_error("%s", why);
	} else {
		log_warn("BPF does not work here, ftrace measures instead: %s", reason);
		err = 0;
	}
	log_hold(held);
	return err;
}

/*
 * BPF, or ftrace where the kernel lacks something that BPF takes. Where both are impossible BPF's
 * reason counts: it is what the user would want mended.
 */
static int open_best(const struct options *opt, struct session **out)
{
	char why[256], reason[256], not_either[256];
	int err = backend_bpf.possible(why, sizeof(why));

	if (!err)
		return open_bpf_or_ftrace(opt, out);
	if (err != -EOPNOTSUPP || backend_ftrace.possible(not_either, sizeof(not_either))) {
		log_error("%s", why);
		return err;
	}
	without_advice(reason, sizeof(reason), why);
	err = open_as(BACKEND_FTRACE, reason, opt, out);
	if (err == -EOPNOTSUPP)
		log_error("ftrace was taken for want of BPF: %s", why);
	return err;
}

int session_open(const struct options *opt, struct session **out)
{
	if (opt->backend == BACKEND_AUTO)
		return open_best(opt, out);
	return open_as(opt->backend, "", opt, out);
}

const struct header *session_header(const struct session *s)
{
	return of(s)->header((struct session *)s);
}

const struct stack_table *session_stacks(const struct session *s)
{
	return of(s)->stacks(s);
}

int session_read(struct session *s, struct interval *iv)
{
	return of(s)->read(s, iv);
}

void session_stop(struct session *s)
{
	of(s)->stop(s);
}

int session_set_procs(struct session *s, bool on)
{
	return of(s)->set_procs(s, on);
}

void session_print_stats(struct session *s, FILE *out)
{
	of(s)->print_stats(s, out);
}

void session_close(struct session *s)
{
	if (s)
		of(s)->close(s);
}
