// SPDX-License-Identifier: GPL-2.0
/* Entry point: finds the subcommand and runs it. */
#include <argp.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <dmasync/cmd.h>

const char *argp_program_version = "dmasynctop " DMASYNC_VERSION;

int main(int argc, char **argv)
{
	const struct command *c;

	/* Characters only: numbers keep their decimal point wherever this runs. */
	setlocale(LC_CTYPE, "");
	/* A reader that went away (| head) has what it wanted: writes fail with EPIPE instead. */
	signal(SIGPIPE, SIG_IGN);
	for (c = commands; argc > 1 && c->name; c++) {
		if (!strcmp(argv[1], c->name))
			return c->run(argc - 1, argv + 1);
	}
	return cmd_top(argc, argv);
}
