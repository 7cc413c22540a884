// SPDX-License-Identifier: GPL-2.0
/* Option definitions that subcommands share. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/cli.h>
#include <dmasync/units.h>

#define NS_PER_S 1000000000ULL
#define NS_PER_DAY (86400 * NS_PER_S)
#define INTERVAL_MIN (10 * 1000000ULL) /* reading 4096 rows of many CPUs takes milliseconds */
#define PID_LIMIT 4194304	       /* PID_MAX_LIMIT of 64-bit kernels */
#define COMM_MAX 15

enum {
	OPT_LEVEL = 0x100,
	OPT_EXACT,
	OPT_CHAIN,
	OPT_NO_BYTES,
	OPT_ATTACH,
	OPT_MAX_ROWS,
	OPT_MAX_LOSS,
	OPT_PMU,
	OPT_BY,
	OPT_HIST,
	OPT_JSON,
	OPT_STORMS,
	OPT_BACKEND,
};

error_t cli_error(struct argp_state *state, const char *option, const char *value, const char *why,
		  const char *valid)
{
	argp_error(state, "%s '%s': %s; valid: %s", option, value, why, valid);
	return EINVAL;
}

/* Appends @word to the list in @buf. */
static void list_word(char *buf, size_t size, const char *word)
{
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s%s", len ? ", " : "", word);
}

static error_t parse_time(struct argp_state *state, const char *option, const char *arg, __u64 min,
			  __u64 max, __u64 *out)
{
	char valid[96], low[FMT_LEN], high[FMT_LEN];
	const char *why;

	if (!parse_duration(arg, NS_PER_S, min, max, out, &why))
		return 0;
	snprintf(valid, sizeof(valid), "%s to %s, such as 500ms, 2s or 1m; without unit: seconds",
		 fmt_ns(low, min, 6), fmt_ns(high, max, 6));
	return cli_error(state, option, arg, why, valid);
}

error_t cli_number(struct argp_state *state, const char *option, const char *arg, __u64 min,
		   __u64 max, __u64 *out)
{
	const char *why;
	char valid[64];

	if (!parse_count(arg, min, max, out, &why))
		return 0;
	snprintf(valid, sizeof(valid), "%llu to %llu", min, max);
	return cli_error(state, option, arg, why, valid);
}

static error_t parse_run(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;
	error_t err;
	__u64 n;

	switch (key) {
	case 'i':
		return parse_time(state, "-i", arg, INTERVAL_MIN, NS_PER_DAY, &opt->interval_ns);
	case 'd':
		return parse_time(state, "-d", arg, INTERVAL_MIN, 365 * NS_PER_DAY,
				  &opt->duration_ns);
	case 'n':
		err = cli_number(state, "-n", arg, 1, UINT_MAX, &n);
		if (!err)
			opt->count = n;
		return err;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_comm(struct argp_state *state, const char *arg, struct options *opt)
{
	char valid[64];

	if (!*arg)
		return cli_error(state, "-c", arg, "is empty", "a process name");
	if (strlen(arg) > COMM_MAX) {
		snprintf(valid, sizeof(valid), "'%.*s'", COMM_MAX, arg);
		return cli_error(state, "-c", arg, "the kernel keeps only 15 characters of a name",
				 valid);
	}
	opt->comm = arg;
	return 0;
}

static error_t parse_ops(struct argp_state *state, const char *option, const char *arg, int n,
			 unsigned int *ops)
{
	char valid[512] = "", name[64];
	const char *p = arg;
	size_t len;
	int op;

	*ops = 0;
	for (;;) {
		len = strcspn(p, ",");
		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		op = op_by_name(name);
		if (op < 0 || op >= n || op == OP_CALIBRATE)
			break;
		*ops |= 1u << op;
		p += len;
		if (!*p++)
			return 0;
	}
	for (op = 0; op < n; op++)
		if (op != OP_CALIBRATE)
			list_word(valid, sizeof(valid), op_name(op));
	return cli_error(state, option, name, "is not an operation", valid);
}

error_t cli_ops(struct argp_state *state, const char *arg, unsigned int *ops)
{
	return parse_ops(state, "-O", arg, OP_COUNT, ops);
}

error_t cli_api(struct argp_state *state, const char *arg, unsigned int *ops)
{
	return parse_ops(state, "--api", arg, OP_API_COUNT, ops);
}

error_t cli_devices(struct argp_state *state, const char *arg, const char **patterns)
{
	if (!*arg)
		return cli_error(state, "-D", arg, "is empty",
				 "device names or patterns, such as '0000:01:*,udmabuf'");
	*patterns = arg;
	return 0;
}

static error_t parse_filter(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;
	error_t err;
	__u64 n;

	switch (key) {
	case 'D':
		return cli_devices(state, arg, &opt->device);
	case 'p':
		err = cli_number(state, "-p", arg, 1, PID_LIMIT, &n);
		if (!err)
			opt->pid = n;
		return err;
	case 'c':
		return parse_comm(state, arg, opt);
	case 'O':
		return cli_ops(state, arg, &opt->ops);
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_attach(struct argp_state *state, const char *arg, struct options *opt)
{
	char valid[128] = "auto";
	int rung;

	opt->attach = RUNG_NONE;
	if (!strcmp(arg, "auto"))
		return 0;
	for (rung = RUNG_NONE + 1; rung < RUNG_COUNT; rung++) {
		if (!strcmp(arg, rung_name(rung))) {
			opt->attach = rung;
			return 0;
		}
		list_word(valid, sizeof(valid), rung_name(rung));
	}
	return cli_error(state, "--attach", arg, "is not a way to attach", valid);
}

static error_t parse_backend(struct argp_state *state, const char *arg, struct options *opt)
{
	for (int i = BACKEND_AUTO; i < BACKEND_COUNT; i++) {
		if (!strcmp(arg, backend_name(i))) {
			opt->backend = i;
			return 0;
		}
	}
	return cli_error(state, "--backend", arg, "is not a way to measure", "auto, bpf, ftrace");
}

static error_t parse_probe(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;
	error_t err;
	__u64 n;

	switch (key) {
	case OPT_LEVEL:
		if (strcmp(arg, "api") && strcmp(arg, "arch"))
			return cli_error(state, "--level", arg, "is not a level", "api, arch");
		opt->level = strcmp(arg, "api") ? LEVEL_ARCH : LEVEL_API;
		return 0;
	case OPT_EXACT:
		opt->exact = true;
		return 0;
	case OPT_CHAIN:
		opt->chain = true;
		return 0;
	case OPT_NO_BYTES:
		opt->no_bytes = true;
		return 0;
	case OPT_STORMS:
		opt->storms = true;
		return 0;
	case OPT_ATTACH:
		return parse_attach(state, arg, opt);
	case OPT_BACKEND:
		return parse_backend(state, arg, opt);
	case OPT_MAX_ROWS:
		err = cli_number(state, "--max-rows", arg, ROWS_RESERVED + 1, ROWS_MAX, &n);
		if (!err)
			opt->max_rows = n;
		return err;
	case OPT_MAX_LOSS:
		opt->max_loss_set = true;
		return cli_number(state, "--max-loss", arg, 0, ULLONG_MAX, &opt->max_loss);
	case OPT_PMU:
		opt->pmu = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_sort(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;
	char valid[160] = "";
	int i;

	switch (key) {
	case 's':
		i = sort_by_name(arg);
		if (i >= 0) {
			opt->sort = i;
			return 0;
		}
		for (i = 0; i < SORT_COUNT; i++)
			list_word(valid, sizeof(valid), sort_name(i));
		return cli_error(state, "-s", arg, "is not a sort key", valid);
	case OPT_HIST:
		opt->histograms = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_table(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;
	int i;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = opt;
		return 0;
	case OPT_BY:
		i = group_by_name(arg);
		if (i < 0)
			return cli_error(state, "--by", arg, "is not a grouping",
					 "row, device, driver, process");
		opt->by = i;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_output(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case 'o':
		if (!*arg)
			return cli_error(state, "-o", arg, "is empty", "a file name");
		opt->output = arg;
		return 0;
	case OPT_JSON:
		opt->json = true;
		return 0;
	case 'v':
		opt->verbose = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option run_options[] = {
	{ "interval", 'i', "TIME", 0, "Length of an interval, 10ms to 1d (default 1s)", 0 },
	{ "count", 'n', "N", 0, "End after N intervals", 0 },
	{ "duration", 'd', "TIME", 0, "End after TIME", 0 },
	{},
};

static const struct argp_option filter_options[] = {
	{ "device", 'D', "PATTERN[,..]", 0, "Only devices whose name matches: 'mmc*,0000:01:00.0'",
	  0 },
	{ "pid", 'p', "PID", 0, "Only calls made by this process", 0 },
	{ "comm", 'c', "NAME", 0, "Only calls made by processes of this name", 0 },
	{ "op", 'O', "OP[,..]", 0,
	  "Only these operations: map_sg, unmap_sg, ... (any wrong name"
	  " lists them all)",
	  0 },
	{},
};

static const struct argp_option probe_options[] = {
	{ "level", OPT_LEVEL, "api|arch", 0,
	  "Time API calls (default), or also each arch_sync_dma_* call inside them", 0 },
	{ "exact", OPT_EXACT, 0, 0, "Count barriers by probes instead of deriving them", 0 },
	{ "chain", OPT_CHAIN, 0, 0,
	  "Also watch what surrounds the DMA API of a dma-buf: mmap, vmap, TLB flushes put off",
	  0 },
	{ "no-bytes", OPT_NO_BYTES, 0, 0, "Do not sum the bytes of scatterlists", 0 },
	{ "storms", OPT_STORMS, 0, 0,
	  "Also follow runs of calls for single buffers: barriers that a batch would save", 0 },
	{ "attach", OPT_ATTACH, "HOW", 0,
	  "Attach by auto (default), fsession, fentry or kprobe only", 0 },
	{ "backend", OPT_BACKEND, "WHAT", 0,
	  "Measure with auto (default: bpf where it is possible), bpf or ftrace", 0 },
	{ "max-rows", OPT_MAX_ROWS, "N", 0,
	  "Room for N rows; calls that find none go to \"other\" (default: by machine size)", 0 },
	{ "max-loss", OPT_MAX_LOSS, "N", 0, "Exit with status 4 when more than N events are lost",
	  0 },
	{ "pmu", OPT_PMU, 0, 0, "Also count barriers by the PMU event DSB_SPEC", 0 },
	{},
};

static const struct argp_option sort_options[] = {
	{ "sort", 's', "KEY", 0,
	  "time (default), calls, entries, bytes, avg, p50, p99, max, dsb, dsb/call, saved,"
	  " device, driver, op",
	  0 },
	{ "hist", OPT_HIST, 0, 0, "Print a histogram of each line", 0 },
	{},
};

static const struct argp_option table_options[] = {
	{ "by", OPT_BY, "WHAT", 0,
	  "What a line stands for: row (the default), device, driver or process", 0 },
	{},
};

static const struct argp_option output_options[] = {
	{ "output", 'o', "FILE", 0, "Write to FILE instead of stdout", 0 },
	{ "json", OPT_JSON, 0, 0, "Print one JSON object a line", 0 },
	{ "verbose", 'v', 0, 0,
	  "Tell about every hook; runs and time of each BPF program at the end", 0 },
	{},
};

const struct argp cli_run = { .options = run_options, .parser = parse_run };
const struct argp cli_filter = { .options = filter_options, .parser = parse_filter };
const struct argp cli_probe = { .options = probe_options, .parser = parse_probe };
const struct argp cli_sort = { .options = sort_options, .parser = parse_sort };

static const struct argp_child table_children[] = { { &cli_sort, 0, 0, 0 }, {} };

const struct argp cli_table = { .options = table_options,
				.parser = parse_table,
				.children = table_children };
const struct argp cli_output = { .options = output_options, .parser = parse_output };
