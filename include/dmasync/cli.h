/* SPDX-License-Identifier: GPL-2.0 */
/* Command line: option definitions that subcommands share, and the parser of the live view. */
#ifndef DMASYNC_CLI_H
#define DMASYNC_CLI_H

#include <argp.h>
#include "options.h"

/*
 * argp children. A parser that lists some of them sets state->child_inputs[] to its struct options
 * at ARGP_KEY_INIT (see options_parse_top()). Wrong values end in a message and exit status 2.
 */
extern const struct argp cli_run;    /* -i -n -d */
extern const struct argp cli_filter; /* -D -p -c -O */
extern const struct argp
	cli_probe; /* --level --exact --no-bytes --storms --attach --max-rows --max-loss --pmu */
extern const struct argp cli_sort;   /* -s --hist */
extern const struct argp cli_table;  /* the same, and --by */
extern const struct argp cli_output; /* --json -o -v */

/*
 * "dmasynctop: OPTION 'VALUE': WHY; valid: VALID", then argp's hint at --help and exit status 2.
 * Returns EINVAL for argp, in case the parser was told not to exit.
 */
error_t cli_error(struct argp_state *state, const char *option, const char *value, const char *why,
		  const char *valid);

/* Parses the whole number @arg of @option, @min to @max, into *@out. 0, or cli_error()'s. */
error_t cli_number(struct argp_state *state, const char *option, const char *arg, __u64 min,
		   __u64 max, __u64 *out);

/* -O: a comma-separated list of operations as bits 1 << enum op. 0, or cli_error()'s. */
error_t cli_ops(struct argp_state *state, const char *arg, unsigned int *ops);

/* --api: the same of the DMA API's own operations. */
error_t cli_api(struct argp_state *state, const char *arg, unsigned int *ops);

/* -D: patterns of device names, which @arg holds as long as it lives. 0, or cli_error()'s. */
error_t cli_devices(struct argp_state *state, const char *arg, const char **patterns);

/*
 * For ARGP_KEY_ARG: takes the rest of the line as the command behind --. Without -- it is an error:
 * @what is wrong with the word. 0 or EINVAL after a message.
 */
error_t cli_take_command(struct argp_state *state, char *arg, const char *what,
			 struct options *opt);

/* For ARGP_KEY_END: what every command line that measures is checked for. 0 or EINVAL. */
error_t cli_check_run(struct argp_state *state, const struct options *opt);

struct record_options {
	struct options opt; /* ->output is set */
	bool force;	    /* overwrite what is there */
};

/* Parses the command line of record into @r; as options_parse_top(). */
int options_parse_record(int argc, char **argv, unsigned int flags, struct record_options *r);

/*
 * Parses the command line of the live view and batch mode into @opt (defaults are set first).
 * @flags are argp's, 0 in the product: then a wrong command line does not return. 0 or -EINVAL.
 */
int options_parse_top(int argc, char **argv, unsigned int flags, struct options *opt);

#endif
