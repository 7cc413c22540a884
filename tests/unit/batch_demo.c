// SPDX-License-Identifier: GPL-2.0
/*
 * dmasynctop on a made-up session, for tests that have neither root nor a kernel to probe. The
 * environment adds DEMO_LOSS=N (lost events an interval), DEMO_OPEN=ERRNO (session_open fails),
 * DEMO_READ=N (the N-th read fails), DEMO_REFUSED=1 (a hook that the kernel refused) and
 * DEMO_CLOSED=FILE (created by session_close).
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <dmasync/clock.h>
#include <dmasync/cmd.h>
#include <dmasync/log.h>
#include <dmasync/session.h>
#include "fake.h"

struct session {
	struct header hdr;
	struct fake fake;
	__u64 begun_ns;
	int reads;
	bool procs, stacks, detached;
	struct stack_table table;
};

static int number(const char *name)
{
	return getenv(name) ? atoi(getenv(name)) : 0;
}

int session_open(const struct options *opt, struct session **out)
{
	struct session *s;

	if (number("DEMO_OPEN")) {
		log_error("made-up failure");
		return -number("DEMO_OPEN");
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	fake_header(&s->hdr);
	s->fake.seed = 1;
	s->begun_ns = clock_ns();
	s->stacks = opt->stacks;
	*out = s;
	return 0;
}

const struct header *session_header(const struct session *s)
{
	return &s->hdr;
}

/* All calls of a row come from one place. */
static int fake_stacks(struct session *s, struct interval *iv)
{
	for (size_t i = 0; i < iv->n_rows; i++) {
		const char *frames[] = { "el0t_64_sync", "driver_io [driver]",
					 op_name(iv->rows[i].op) };
		struct stack_row like = { .row = i, .sum = iv->rows[i].sum }, *row;

		if (stack_table_add(&s->table, frames, 3, 0, &like.stack))
			return -ENOMEM;
		row = interval_stack(iv, &like);
		if (!row)
			return -ENOMEM;
		row->sum = iv->rows[i].sum;
		row->dsb_derived = iv->rows[i].dsb_derived;
	}
	iv->has_stacks = true;
	return 0;
}

const struct stack_table *session_stacks(const struct session *s)
{
	return &s->table;
}

int session_read(struct session *s, struct interval *iv)
{
	__u64 now = clock_ns();

	if (++s->reads == number("DEMO_READ")) {
		log_error("made-up read failure");
		return -EIO;
	}
	fake_interval(&s->fake, iv, now - s->begun_ns);
	iv->t_ns = now;
	s->begun_ns = now;
	iv->loss.recursion_misses = number("DEMO_LOSS");
	if (s->procs)
		fake_procs(iv);
	return s->stacks ? fake_stacks(s, iv) : 0;
}

void session_stop(struct session *s)
{
	s->detached = true;
}

int session_set_procs(struct session *s, bool on)
{
	s->procs = on;
	return 0;
}

void session_print_stats(struct session *s, FILE *out)
{
	fprintf(out, "%d reads\n", s->reads);
}

void session_close(struct session *s)
{
	FILE *f = getenv("DEMO_CLOSED") ? fopen(getenv("DEMO_CLOSED"), "w") : NULL;

	if (f)
		fclose(f);
	stack_table_free(&s->table);
	free(s);
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN); /* as main() does */
	if (argc > 1 && !strcmp(argv[1], "record"))
		return cmd_record(argc - 1, argv + 1);
	return cmd_top(argc, argv);
}
