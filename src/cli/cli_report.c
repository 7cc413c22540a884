// SPDX-License-Identifier: GPL-2.0
/* Command line of "report". */
#include <errno.h>
#include <string.h>
#include <dmasync/cli.h>
#include <dmasync/report.h>
#include <dmasync/units.h>

#define NS_PER_S 1000000000ULL
#define NS_MAX (100ULL * 365 * 86400 * NS_PER_S)

enum {
	OPT_BY = 0x200,
	OPT_JSON,
	OPT_CSV,
	OPT_SCHEMA,
	OPT_FROM,
	OPT_TO,
	OPT_STORMS,
};

static const struct argp_option options[] = {
	{ "from", OPT_FROM, "TIME", 0, "Only intervals that begin TIME or later in the run", 1 },
	{ "to", OPT_TO, "TIME", 0, "Only intervals that begin before TIME in the run", 1 },
	{ "by", OPT_BY, "WHAT", 0,
	  "What a line stands for: row (the default), device, driver, process or stack", 2 },
	{ "storms", OPT_STORMS, 0, 0,
	  "Only runs of calls for single buffers: barriers that a batch would save, by row and"
	  " stack",
	  2 },
	{ "output", 'o', "FILE", 0, "Write to FILE instead of stdout", 3 },
	{ "json", OPT_JSON, 0, 0, "Print one JSON object a line, as in the capture", 3 },
	{ "csv", OPT_CSV, 0, 0, "Print the table as comma-separated values, numbers in full", 3 },
	{ "schema", OPT_SCHEMA, 0, 0, "Print the JSON schema of captures; needs no FILE", 3 },
	{ "verbose", 'v', 0, 0, "Tell about every hook; print all stacks", 3 },
	{},
};

static const struct argp_child children[] = {
	{ &cli_filter, 0, "What is shown:", 4 },
	{ &cli_sort, 0, "Table:", 5 },
	{},
};

static error_t parse_by(struct argp_state *state, const char *arg, struct report_options *opt)
{
	int by = group_by_name(arg);

	opt->by_stack = !strcmp(arg, "stack");
	if (by < 0 && !opt->by_stack)
		return cli_error(state, "--by", arg, "is not a grouping",
				 "row, device, driver, process, stack");
	opt->opt.by = by < 0 ? BY_ROW : by;
	return 0;
}

static error_t parse_time(struct argp_state *state, const char *option, const char *arg, __u64 *ns)
{
	const char *why;

	/* "0" is a time here, and the only one that needs no unit. */
	if (!strcmp(arg, "0"))
		return *ns = 0;
	if (!parse_duration(arg, NS_PER_S, 1, NS_MAX, ns, &why))
		return 0;
	return cli_error(state, option, arg, why, "times such as 500ms, 10s or 2m");
}

static error_t check(struct argp_state *state, struct report_options *opt)
{
	const struct options *o = &opt->opt;
	bool processes = opt->by_stack || o->by == BY_PROCESS;

	if (opt->schema ? !!opt->file : !opt->file) {
		argp_error(state, opt->schema ? "--schema: needs no FILE" : "which FILE?");
		return EINVAL;
	}
	if (opt->storms && (opt->by_stack || o->by != BY_ROW)) {
		argp_error(state, "--storms and --by: runs are told by row and by stack only");
		return EINVAL;
	}
	if (opt->storms && (o->pid || o->comm)) {
		argp_error(state, "-p and -c: runs are not told by process");
		return EINVAL;
	}
	if (o->json && opt->csv) {
		argp_error(state, "--json and --csv: only one of them can be printed");
		return EINVAL;
	}
	if (o->json && (o->pid || o->comm)) {
		argp_error(state, "-p and -c: JSON has all processes, as rows are not told by"
				  " process");
		return EINVAL;
	}
	if ((o->pid || o->comm) && !processes) {
		argp_error(state, "-p and -c: rows are not told by process; add --by process or"
				  " --by stack");
		return EINVAL;
	}
	if ((o->device || o->ops) && o->by == BY_PROCESS) {
		argp_error(state, "-D and -O: processes are not told by device or operation; use"
				  " --by stack");
		return EINVAL;
	}
	if (opt->by_stack && (o->sort == SORT_P50 || o->sort == SORT_P99 || o->sort == SORT_MAX)) {
		argp_error(state, "-s %s: stacks have sums, but no percentiles and no maximum",
			   sort_name(o->sort));
		return EINVAL;
	}
	if (opt->to_ns <= opt->from_ns) {
		argp_error(state, "--from and --to: nothing lies between them");
		return EINVAL;
	}
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report_options *opt = state->input;
	unsigned int i;

	switch (key) {
	case ARGP_KEY_INIT:
		for (i = 0; children[i].argp; i++)
			state->child_inputs[i] = &opt->opt;
		return 0;
	case OPT_BY:
		return parse_by(state, arg, opt);
	case 'o':
		if (!*arg)
			return cli_error(state, "-o", arg, "is empty", "a file name");
		opt->opt.output = arg;
		return 0;
	case 'v':
		opt->opt.verbose = true;
		return 0;
	case OPT_STORMS:
		opt->storms = true;
		return 0;
	case OPT_JSON:
		opt->opt.json = true;
		return 0;
	case OPT_CSV:
		opt->csv = true;
		return 0;
	case OPT_SCHEMA:
		opt->schema = true;
		return 0;
	case OPT_FROM:
		return parse_time(state, "--from", arg, &opt->from_ns);
	case OPT_TO:
		return parse_time(state, "--to", arg, &opt->to_ns);
	case ARGP_KEY_ARG:
		if (opt->file) {
			argp_error(state, "'%s': one FILE at a time", arg);
			return EINVAL;
		}
		opt->file = arg;
		return 0;
	case ARGP_KEY_END:
		return check(state, opt);
	}
	return ARGP_ERR_UNKNOWN;
}

int options_parse_report(int argc, char **argv, unsigned int flags, struct report_options *opt)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "FILE",
		.doc = "Shows what a capture holds: its run, a time line and tables. Works without"
		       " root, on any machine. FILE is what `dmasynctop record` wrote; - is"
		       " stdin.\v"
		       "Exit status: 0 ok, also when the capture was cut off (which is said), 1"
		       " failure, 2 wrong usage.",
		.children = children,
	};

	memset(opt, 0, sizeof(*opt));
	options_init(&opt->opt);
	opt->to_ns = ~0ULL;
	argp_err_exit_status = EXIT_USAGE;
	return -argp_parse(&argp, argc, argv, flags, NULL, opt);
}
