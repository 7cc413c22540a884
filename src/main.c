// SPDX-License-Identifier: GPL-2.0
/* Entry point: finds the subcommand and runs it. */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <dmasync/cmd.h>
#include <dmasync/log.h>
#include <dmasync/options.h>

const char *argp_program_version = "dmasynctop " DMASYNC_VERSION;

/* What argp prints, such as --help, is written only when the process exits. */
static void close_output(int status, void *arg)
{
	if (!fclose(stdout) || errno == EPIPE || status)
		return;
	log_error("cannot write to stdout: %s", strerror(errno));
	_exit(EXIT_FAILED);
}

int main(int argc, char **argv)
{
	const struct command *c;

	/* Characters only: numbers keep their decimal point wherever this runs. */
	setlocale(LC_CTYPE, "");
	/* A reader that went away (| head) has what it wanted: writes fail with EPIPE instead. */
	signal(SIGPIPE, SIG_IGN);
	on_exit(close_output, NULL);
	for (c = commands; argc > 1 && c->name; c++) {
		if (!strcmp(argv[1], c->name))
			return c->run(argc - 1, argv + 1);
	}
	return cmd_top(argc, argv);
}
