// SPDX-License-Identifier: GPL-2.0
/* Command line of compare: captures before and after "--", options anywhere. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/cli.h>
#include <dmasync/compare.h>

enum {
	OPT_JSON = 0x100,
	OPT_MARKDOWN,
	OPT_FAIL,
	OPT_NOISE,
	OPT_SEED,
	OPT_SELF_CHECK,
	OPT_BY_DIR,
};

static const char doc[] =
	"Holds captures of runs before and after a change against each other: for each operation and "
	"device how calls, times and barriers changed, and whether it is faster, slower, the same or "
	"unclear. Several runs a side, at least 4, are what a verdict takes.\v"
	"Exit status: 0 ok, 1 a capture cannot be read or nothing is on both sides, 2 wrong usage, "
	"5 a regression beyond --fail-on-regression.";

static const struct argp_option options[] = {
	{ "json", OPT_JSON, 0, 0, "Print one JSON object a line", 1 },
	{ "markdown", OPT_MARKDOWN, 0, 0, "Print Markdown, for cover letters", 1 },
	{ "device", 'D', "PATTERN[,..]", 0, "Only devices whose name matches", 2 },
	{ "op", 'O', "OP[,..]", 0, "Only these operations: map_sg, unmap_sg, ...", 2 },
	{ "by-dir", OPT_BY_DIR, 0, 0, "Keep the directions of an operation apart", 2 },
	{ "noise", OPT_NOISE, "PCT", 0, "Changes up to PCT percent are \"same\" (default 2)", 3 },
	{ "seed", OPT_SEED, "N", 0, "Seed of the bootstrap (default 1)", 3 },
	{ "fail-on-regression", OPT_FAIL, "PCT", 0,
	  "Exit with status 5 when time per call rose by more than PCT percent for certain, or "
	  "barriers did",
	  4 },
	{ "self-check", OPT_SELF_CHECK, 0, 0, "All captures are of one setup: tell how quiet it is",
	  4 },
	{},
};

/* What one half of the command line is parsed with. */
struct half {
	struct compare_options *opt;
	enum side side;
	bool last;
};

static error_t parse_percent(struct argp_state *state, const char *option, const char *arg,
			     double max, double *out)
{
	char *end, valid[32];
	double v = strtod(arg, &end);

	snprintf(valid, sizeof(valid), "0 to %g", max);
	if (end == arg || (*end && strcmp(end, "%")) || !isfinite(v))
		return cli_error(state, option, arg, "is not a percentage", valid);
	if (v < 0 || v > max)
		return cli_error(state, option, arg, "is out of range", valid);
	*out = v / 100;
	return 0;
}

static error_t take_file(struct compare_options *opt, enum side side, const char *path)
{
	size_t n = opt->n_files[side];
	const char **files = realloc(opt->files[side], (n + 1) * sizeof(*files));

	if (!files)
		return ENOMEM;
	files[n] = path;
	opt->files[side] = files;
	opt->n_files[side] = n + 1;
	return 0;
}

static error_t check(struct argp_state *state, const struct half *half)
{
	const struct compare_options *opt = half->opt;

	if (half->side == AFTER && state->quoted)
		argp_error(state, "--: given twice; it stands once, between before and after");
	else if (!half->last)
		return 0;
	else if (opt->json && opt->markdown)
		argp_error(state, "--json and --markdown: choose one");
	else if (opt->self_check && half->side == AFTER)
		argp_error(state, "--self-check takes runs of one side: leave -- out");
	else if (opt->self_check && opt->fail_above >= 0)
		argp_error(state, "--fail-on-regression has no meaning with --self-check");
	else if (opt->self_check && opt->markdown)
		argp_error(state, "--self-check prints text or --json");
	else if (opt->self_check && opt->n_files[BEFORE] < SELF_CHECK_RUNS)
		argp_error(state, "--self-check needs at least %d captures of one setup, better 8",
			   SELF_CHECK_RUNS);
	else if (!opt->self_check && half->side == BEFORE)
		argp_error(state, "no --: give captures as BEFORE... -- AFTER...");
	else if (!opt->self_check && (!opt->n_files[BEFORE] || !opt->n_files[AFTER]))
		argp_error(state, "no capture %s --: give them as BEFORE... -- AFTER...",
			   opt->n_files[BEFORE] ? "behind" : "in front of");
	else
		return 0;
	return EINVAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct half *half = state->input;
	struct compare_options *opt = half->opt;

	switch (key) {
	case OPT_JSON:
		opt->json = true;
		return 0;
	case OPT_MARKDOWN:
		opt->markdown = true;
		return 0;
	case OPT_SELF_CHECK:
		opt->self_check = true;
		return 0;
	case OPT_BY_DIR:
		opt->by_dir = true;
		return 0;
	case OPT_FAIL:
		return parse_percent(state, "--fail-on-regression", arg, 1000, &opt->fail_above);
	case OPT_NOISE:
		return parse_percent(state, "--noise", arg, 50, &opt->noise);
	case OPT_SEED:
		return cli_number(state, "--seed", arg, 0, ~0ULL, &opt->seed);
	case 'D':
		return cli_devices(state, arg, &opt->device);
	case 'O':
		return cli_ops(state, arg, &opt->ops);
	case ARGP_KEY_ARG:
		return take_file(opt, half->side, arg);
	case ARGP_KEY_END:
		return check(state, half);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "BEFORE... -- AFTER...\n--self-check RUNS...",
	.doc = doc,
};

int options_parse_compare(int argc, char **argv, unsigned int flags, struct compare_options *opt)
{
	struct half half = { .opt = opt };
	char *name = argv[0];
	int split, err;

	memset(opt, 0, sizeof(*opt));
	opt->noise = 0.02;
	opt->fail_above = -1;
	opt->seed = 1;
	opt->draws = COMPARE_DRAWS;
	argp_err_exit_status = EXIT_USAGE;
	for (split = 1; split < argc && strcmp(argv[split], "--"); split++)
		;
	half.last = split == argc;
	err = argp_parse(&argp, split, argv, flags, NULL, &half);
	if (err || half.last)
		return -err;
	/* What argp takes for the end of all options is the border between the sides here. */
	argv[split] = name;
	half.side = AFTER;
	half.last = true;
	return -argp_parse(&argp, argc - split, argv + split, flags, NULL, &half);
}
