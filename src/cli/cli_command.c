// SPDX-License-Identifier: GPL-2.0
/* Command lines that measure: the command behind --, and what does not go together. */
#include <errno.h>
#include <dmasync/cli.h>

#define OPS_ARCH ((1u << OP_CALIBRATE) - (1u << OP_API_COUNT))
#define OPS_CHAIN ((1u << OP_COUNT) - (1u << OP_CHAIN))

error_t cli_take_command(struct argp_state *state, char *arg, const char *what, struct options *opt)
{
	if (!state->quoted || state->next - 1 < state->quoted) {
		argp_error(state, "'%s': %s; a command to measure goes behind --", arg, what);
		return EINVAL;
	}
	opt->cmd = &state->argv[state->next - 1];
	state->next = state->argc;
	return 0;
}

error_t cli_check_run(struct argp_state *state, const struct options *opt)
{
	if (state->quoted && !opt->cmd) {
		argp_error(state, "--: no command behind it; give one, or leave -- out");
		return EINVAL;
	}
	if (opt->ops && opt->storms) {
		argp_error(state, "-O: --storms has to see every operation, as another one ends a"
				  " run; leave -O out");
		return EINVAL;
	}
	if (opt->ops & OPS_ARCH && opt->level != LEVEL_ARCH) {
		argp_error(state, "-O: arch-level operations are not timed at level api; add"
				  " --level arch");
		return EINVAL;
	}
	if (opt->ops & OPS_CHAIN && !opt->chain) {
		argp_error(state,
			   "-O: operations of the dma-buf chain are not watched; add --chain");
		return EINVAL;
	}
	return 0;
}
