// SPDX-License-Identifier: GPL-2.0
/* Command line of predict: captures, options anywhere. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/cli.h>
#include <dmasync/predict.h>
#include <dmasync/units.h>

enum {
	OPT_JSON = 0x100,
	OPT_MARKDOWN,
	OPT_FLAVOUR,
	OPT_WAIT,
	OPT_LINE,
};

static const char doc[] =
	"Tells from captures of a kernel that waits for every entry of a list what it would save to "
	"wait once a list, before any kernel is patched: barriers exactly, time with an interval of "
	"95 %. All captures must be of one machine and kernel.\v"
	"Exit status: 0 ok, 1 a capture cannot be read, 2 wrong usage, 3 the captures do not tell.";

static const struct argp_option options[] = {
	{ "json", OPT_JSON, 0, 0, "Print one JSON object a line", 1 },
	{ "markdown", OPT_MARKDOWN, 0, 0, "Print Markdown", 1 },
	{ "device", 'D', "PATTERN[,..]", 0, "Only devices whose name matches", 2 },
	{ "op", 'O', "OP[,..]", 0, "Only these operations: map_sg, unmap_sg, ...", 2 },
	{ "flavour", OPT_FLAVOUR, "dmasync|upstream", 0,
	  "Whose batching: this project's series (default) or Linux 7.1's", 3 },
	{ "wait", OPT_WAIT, "TIME", 0, "What one barrier takes, if it is known: 120ns", 3 },
	{ "line", OPT_LINE, "TIME", 0, "What 64 bytes take, if it is known: 1.5 (ns)", 3 },
	{},
};

/* Nanoseconds with a fraction: a line takes about one. */
static error_t parse_ns(struct argp_state *state, const char *option, const char *arg, double *out)
{
	char *end;
	double v = strtod(arg, &end);

	if (end == arg || (*end && strcmp(end, "ns")) || !isfinite(v))
		return cli_error(state, option, arg, "is not a number of ns", "0 to 1e6");
	if (v < 0 || v > 1e6)
		return cli_error(state, option, arg, "is out of range", "0 to 1e6");
	*out = v;
	return 0;
}

static error_t parse_flavour(struct argp_state *state, const char *arg, enum flavour *out)
{
	if (!strcmp(arg, "dmasync"))
		*out = FLAVOUR_DMASYNC_BATCHED;
	else if (!strcmp(arg, "upstream"))
		*out = FLAVOUR_UPSTREAM_BATCHED;
	else
		return cli_error(state, "--flavour", arg, "is unknown", "dmasync, upstream");
	return 0;
}

static error_t take_file(struct predict_options *opt, const char *path)
{
	const char **files = realloc(opt->files, (opt->n_files + 1) * sizeof(*files));

	if (!files)
		return ENOMEM;
	files[opt->n_files++] = path;
	opt->files = files;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct predict_options *opt = state->input;

	switch (key) {
	case OPT_JSON:
		opt->json = true;
		return 0;
	case OPT_MARKDOWN:
		opt->markdown = true;
		return 0;
	case OPT_FLAVOUR:
		return parse_flavour(state, arg, &opt->flavour);
	case OPT_WAIT:
		return parse_ns(state, "--wait", arg, &opt->wait_ns);
	case OPT_LINE:
		return parse_ns(state, "--line", arg, &opt->line_ns);
	case 'D':
		return cli_devices(state, arg, &opt->device);
	case 'O':
		return cli_ops(state, arg, &opt->ops);
	case ARGP_KEY_ARG:
		return take_file(opt, arg);
	case ARGP_KEY_END:
		if (opt->json && opt->markdown)
			argp_error(state, "--json and --markdown: choose one");
		else if (!opt->n_files)
			argp_error(state, "no capture: give the FILE that 'record' wrote");
		else
			return 0;
		return EINVAL;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE...",
	.doc = doc,
};

int options_parse_predict(int argc, char **argv, unsigned int flags, struct predict_options *opt)
{
	predict_options_init(opt);
	argp_err_exit_status = EXIT_USAGE;
	return -argp_parse(&argp, argc, argv, flags, NULL, opt);
}
