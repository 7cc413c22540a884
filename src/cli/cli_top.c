// SPDX-License-Identifier: GPL-2.0
/* Command line of the live view and batch mode. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/cli.h>
#include <dmasync/cmd.h>

static error_t check(struct argp_state *state, struct options *opt)
{
	error_t err = cli_check_run(state, opt);

	opt->batch |= opt->json || opt->output;
	opt->procs = opt->by == BY_PROCESS;
	return err;
}

static const struct argp_child children[] = {
	{ &cli_run, 0, "When:", 1 },
	{ &cli_filter, 0, "What is measured:", 2 },
	{ &cli_probe, 0, "How it is measured:", 3 },
	{ &cli_table, 0, "Table:", 4 },
	{ &cli_output, 0, "Output:", 5 },
	{},
};

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;
	unsigned int i;

	switch (key) {
	case ARGP_KEY_INIT:
		for (i = 0; children[i].argp; i++)
			state->child_inputs[i] = opt;
		return 0;
	case 'b':
		opt->batch = true;
		return 0;
	case ARGP_KEY_ARG:
		return cli_take_command(state, arg, "neither an option nor a subcommand", opt);
	case ARGP_KEY_END:
		return check(state, opt);
	}
	return ARGP_ERR_UNKNOWN;
}

/* Subcommands come from their table, so that help cannot miss one. */
static char *help_text(int key, const char *text, void *input)
{
	const struct command *c;
	char *help = NULL;
	size_t size;
	FILE *f;

	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&help, &size);
	if (!f)
		return (char *)text;
	fprintf(f, "Subcommands (each has its own --help):\n");
	for (c = commands; c->name; c++)
		fprintf(f, "  %-10s %s\n", c->name, c->help);
	fprintf(f, "\nExit status: 0 ok, 1 failure, 2 wrong usage, 3 not possible or not permitted"
		   " here, 4 events lost beyond --max-loss; with CMD: its own, 126 or 127 when it"
		   " could not be started.");
	return fclose(f) ? (char *)text : help;
}

int options_parse_top(int argc, char **argv, unsigned int flags, struct options *opt)
{
	static const struct argp_option options[] = {
		{ "batch", 'b', 0, 0, "Print text instead of the live view", 0 },
		{},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_top,
		.args_doc = "[-- CMD [ARG...]]",
		.doc = "Shows what DMA mapping and its cache maintenance cost on the running"
		       " kernel: live on a terminal, else as text; with CMD until it ends.\v",
		.children = children,
		.help_filter = help_text,
	};

	options_init(opt);
	argp_err_exit_status = EXIT_USAGE;
	return -argp_parse(&argp, argc, argv, flags, NULL, opt);
}
