// SPDX-License-Identifier: GPL-2.0
/* Attaches the empty programs to the functions it is given, until a signal ends it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "empty.skel.h"

#define TRACE_FSESSION 58 /* since 7.0; Debian 12's headers do not have it */

enum what { PAIR, ENTRY, SESSION };

static int attach(const char *function, enum what what)
{
	struct empty_bpf *skel = empty_bpf__open();
	int err;

	if (!skel)
		return -errno;
	err = bpf_program__set_attach_target(skel->progs.empty_entry, 0, function);
	if (!err && what == SESSION)
		err = bpf_program__set_expected_attach_type(skel->progs.empty_entry,
							    TRACE_FSESSION);
	if (!err && what == PAIR)
		err = bpf_program__set_attach_target(skel->progs.empty_exit, 0, function);
	bpf_program__set_autoload(skel->progs.empty_exit, what == PAIR);
	err = err ?: empty_bpf__load(skel);
	if (err)
		return err;
	if (!bpf_program__attach(skel->progs.empty_entry))
		return -errno;
	return what == PAIR && !bpf_program__attach(skel->progs.empty_exit) ? -errno : 0;
}

int main(int argc, char **argv)
{
	enum what what = PAIR;
	int c, err;

	while ((c = getopt(argc, argv, "es")) != -1) {
		if (c == '?') {
			fputs("usage: empty [-e (entries alone) | -s (sessions)] FUNCTION...\n",
			      stderr);
			return 2;
		}
		what = c == 'e' ? ENTRY : SESSION;
	}
	for (; optind < argc; optind++) {
		err = attach(argv[optind], what);
		if (err) {
			fprintf(stderr, "empty: cannot attach to %s: %s\n", argv[optind],
				strerror(-err));
			return 1;
		}
	}
	/* A shell's background command is born deaf to it. */
	signal(SIGINT, SIG_DFL);
	return pause();
}
