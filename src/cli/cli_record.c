// SPDX-License-Identifier: GPL-2.0
/* Command line of record. */
#include <errno.h>
#include <dmasync/cli.h>

#define PROFILE_HZ_MAX 1000

enum {
	OPT_FORCE = 0x200,
	OPT_NO_STACKS,
	OPT_USER_STACKS,
	OPT_NO_PROCESSES,
	OPT_PROFILE,
	OPT_RAW_ADDRESSES,
};

static const char doc[] =
	"Records what DMA mapping and its cache maintenance cost into a file: every interval with "
	"exact counts and histograms, the kernel stacks that calls came from, the processes. `report`, "
	"`compare` and `flame` read it, without root and on any machine.\v"
	"It ends after TIME, N intervals, when CMD ends, or of an interrupt; what is in FILE by then "
	"can always be read. Stacks are given names while recording; what has none is \"[unknown]\".\n\n"
	"Exit status: 0 ok, 1 failure (disk full ...), 2 wrong usage, 3 not possible or not permitted "
	"here, 4 events lost beyond --max-loss; with CMD: its own, 126 or 127 when it could not be "
	"started.";

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Record into FILE, which must not be there yet (required)", 0 },
	{ "force", OPT_FORCE, 0, 0, "Overwrite FILE", 0 },
	{ "no-stacks", OPT_NO_STACKS, 0, 0, "Do not tell where calls come from", 0 },
	{ "user-stacks", OPT_USER_STACKS, 0, 0, "Follow stacks into user space", 0 },
	{ "no-processes", OPT_NO_PROCESSES, 0, 0, "Do not tell processes apart", 0 },
	{ "profile", OPT_PROFILE, "HZ", 0,
	  "Also sample what every CPU does, 1 to 1000 times a second (99 is a good choice); the idle "
	  "task is left out",
	  0 },
	{ "raw-addresses", OPT_RAW_ADDRESSES, 0, 0,
	  "Frames without a name are told by their address (which gives away where the kernel lies)",
	  0 },
	{ "verbose", 'v', 0, 0, "Runs and time of each BPF program at the end", 0 },
	{},
};

static const struct argp_child children[] = {
	{ &cli_run, 0, "When:", 1 },
	{ &cli_filter, 0, "What is measured:", 2 },
	{ &cli_probe, 0, "How it is measured:", 3 },
	{},
};

static error_t parse_profile(struct argp_state *state, const char *arg, struct options *opt)
{
	__u64 n = 0;
	error_t err = cli_number(state, "--profile", arg, 1, PROFILE_HZ_MAX, &n);

	opt->profile_hz = n;
	return err;
}

static error_t check(struct argp_state *state, const struct record_options *r)
{
	const struct options *opt = &r->opt;

	if (!opt->output) {
		argp_error(state, "-o FILE is missing: where to record to");
		return EINVAL;
	}
	if (opt->user_stacks && !opt->stacks && !opt->profile_hz) {
		argp_error(state, "--user-stacks and --no-stacks exclude each other");
		return EINVAL;
	}
	return cli_check_run(state, opt);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct record_options *r = state->input;
	struct options *opt = &r->opt;

	switch (key) {
	case ARGP_KEY_INIT:
		for (unsigned int i = 0; children[i].argp; i++)
			state->child_inputs[i] = opt;
		return 0;
	case 'o':
		if (!*arg)
			return cli_error(state, "-o", arg, "is empty", "a file name");
		opt->output = arg;
		return 0;
	case 'v':
		opt->verbose = true;
		return 0;
	case OPT_FORCE:
		r->force = true;
		return 0;
	case OPT_NO_STACKS:
		opt->stacks = false;
		return 0;
	case OPT_USER_STACKS:
		opt->user_stacks = true;
		return 0;
	case OPT_NO_PROCESSES:
		opt->procs = false;
		return 0;
	case OPT_PROFILE:
		return parse_profile(state, arg, opt);
	case OPT_RAW_ADDRESSES:
		opt->raw_addresses = true;
		return 0;
	case ARGP_KEY_ARG:
		return cli_take_command(state, arg, "is no option", opt);
	case ARGP_KEY_END:
		return check(state, r);
	}
	return ARGP_ERR_UNKNOWN;
}

int options_parse_record(int argc, char **argv, unsigned int flags, struct record_options *r)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "-o FILE [-- CMD [ARG...]]",
		.doc = doc,
		.children = children,
	};

	options_init(&r->opt);
	r->force = false;
	r->opt.stacks = r->opt.procs = true;
	argp_err_exit_status = EXIT_USAGE;
	return -argp_parse(&argp, argc, argv, flags, NULL, r);
}
