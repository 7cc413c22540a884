// SPDX-License-Identifier: GPL-2.0
/* Command line of `flame`. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/cli.h>
#include <dmasync/flame.h>

#define WIDTH_MIN 300
#define WIDTH_MAX 100000

enum {
	OPT_WEIGHT = 0x200,
	OPT_DIFF,
	OPT_BY,
	OPT_NOISE,
	OPT_FOLDED,
	OPT_SPEEDSCOPE,
	OPT_TITLE,
	OPT_WIDTH,
	OPT_MIN_WIDTH,
};

static const char *const weights[FLAME_WEIGHTS] = {
	[FLAME_TIME] = "time", [FLAME_CALLS] = "calls",	    [FLAME_BYTES] = "bytes",
	[FLAME_DSB] = "dsb",   [FLAME_SAMPLES] = "samples", [FLAME_SAVED] = "saved",
};

const char *flame_weight_name(enum flame_weight weight)
{
	return (unsigned int)weight < FLAME_WEIGHTS ? weights[weight] : "?";
}

static error_t take_weight(struct argp_state *state, const char *arg, struct flame_options *opt)
{
	unsigned int i;

	for (i = 0; i < FLAME_WEIGHTS; i++) {
		if (strcmp(arg, weights[i]))
			continue;
		opt->weight = i;
		return 0;
	}
	return cli_error(state, "--weight", arg, "is not a weight",
			 "time, calls, bytes, dsb, samples, saved");
}

static error_t take_by(struct argp_state *state, const char *arg, struct flame_options *opt)
{
	int by = group_by_name(arg);

	if (by <= BY_ROW)
		return cli_error(state, "--by", arg, "is not a kind of bottom frame",
				 "device, driver, process");
	opt->picture.by = by;
	return 0;
}

/* A number with a fraction, @min to @max. */
static error_t take_real(struct argp_state *state, const char *option, const char *arg, double min,
			 double max, double *out)
{
	char valid[64], *end;

	*out = strtod(arg, &end);
	if (*arg && !*end && *out >= min && *out <= max)
		return 0;
	snprintf(valid, sizeof(valid), "%g to %g", min, max);
	return cli_error(state, option, arg, *arg && !*end ? "is out of range" : "is not a number",
			 valid);
}

static error_t take_format(struct argp_state *state, struct flame_options *opt,
			   enum flame_format format)
{
	if (opt->format != FLAME_SVG && opt->format != format) {
		argp_error(state, "--folded and --speedscope: one output at a time");
		return EINVAL;
	}
	opt->format = format;
	return 0;
}

static error_t take_file(struct argp_state *state, char *arg, struct flame_options *opt)
{
	if (opt->file) {
		argp_error(state,
			   "'%s': one capture at a time; the one to compare with goes"
			   " behind --diff",
			   arg);
		return EINVAL;
	}
	opt->file = arg;
	return 0;
}

static error_t check(struct argp_state *state, struct flame_options *opt)
{
	if (!opt->file) {
		argp_error(state, "no capture given; `dmasynctop record` makes one");
		return EINVAL;
	}
	if (opt->weight == FLAME_SAMPLES &&
	    (opt->picture.by == BY_DEVICE || opt->picture.by == BY_DRIVER)) {
		argp_error(state, "--by %s: samples belong to no %s; valid: process",
			   group_name(opt->picture.by), group_name(opt->picture.by));
		return EINVAL;
	}
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct flame_options *opt = state->input;
	error_t err;
	__u64 n;

	switch (key) {
	case 'o':
		if (!*arg)
			return cli_error(state, "-o", arg, "is empty", "a file name");
		opt->output = arg;
		return 0;
	case OPT_WEIGHT:
		return take_weight(state, arg, opt);
	case OPT_DIFF:
		opt->before = arg;
		return 0;
	case OPT_BY:
		return take_by(state, arg, opt);
	case OPT_NOISE:
		err = take_real(state, "--noise", arg, 0, 100, &opt->picture.noise);
		opt->picture.noise /= 100;
		return err;
	case OPT_FOLDED:
		return take_format(state, opt, FLAME_FOLDED);
	case OPT_SPEEDSCOPE:
		return take_format(state, opt, FLAME_SPEEDSCOPE);
	case OPT_TITLE:
		opt->picture.title = arg;
		return 0;
	case OPT_WIDTH:
		err = cli_number(state, "--width", arg, WIDTH_MIN, WIDTH_MAX, &n);
		if (!err)
			opt->picture.width = n;
		return err;
	case OPT_MIN_WIDTH:
		return take_real(state, "--min-width", arg, 0, 100, &opt->picture.min_px);
	case ARGP_KEY_ARG:
		return take_file(state, arg, opt);
	case ARGP_KEY_END:
		return check(state, opt);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "weight", OPT_WEIGHT, "WHAT", 0,
	  "What the width of a frame is: time (default), calls, bytes, dsb, samples, saved (with"
	  " record --storms)",
	  0 },
	{ "diff", OPT_DIFF, "FILE", 0, "Colour by the change since capture FILE", 0 },
	{ "noise", OPT_NOISE, "PCT", 0, "With --diff: changes up to PCT % are none (default 2)",
	  0 },
	{ "by", OPT_BY, "WHAT", 0, "Put a frame for each device, driver or process at the bottom",
	  0 },
	{ "output", 'o', "FILE", 0, "Write to FILE instead of stdout", 0 },
	{ "folded", OPT_FOLDED, 0, 0, "Print \"frame;frame;frame value\" lines for other tools",
	  0 },
	{ "speedscope", OPT_SPEEDSCOPE, 0, 0, "Print JSON for speedscope", 0 },
	{ "title", OPT_TITLE, "TEXT", 0, "Title of the picture", 0 },
	{ "width", OPT_WIDTH, "PX", 0, "Width of the picture in pixels (default 1200)", 0 },
	{ "min-width", OPT_MIN_WIDTH, "PX", 0,
	  "Do not draw frames narrower than PX pixels (default 0.1)", 0 },
	{},
};

int options_parse_flame(int argc, char **argv, struct flame_options *opt)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "CAPTURE",
		.doc = "Draws the stacks of a capture as a flame graph: one SVG that a browser"
		       " shows, with zoom and search.\v"
		       "Exit status: 0 ok, 1 the capture cannot be read or has nothing to draw, or"
		       " the output cannot be written, 2 wrong usage.",
	};

	*opt = (struct flame_options){
		.picture = { .width = 1200, .min_px = 0.1, .noise = 0.02, .by = BY_ROW },
	};
	argp_err_exit_status = EXIT_USAGE;
	argv[0] = "dmasynctop flame"; /* for argp's messages */
	return -argp_parse(&argp, argc, argv, 0, NULL, opt);
}
