// SPDX-License-Identifier: GPL-2.0
/* The command line: what it sets, and that every wrong value is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/cli.h>

#define MAX_ARGS 32

/* Splits @line at blanks and parses it; messages are kept quiet. */
static int parse(const char *line, struct options *opt)
{
	static char copy[256];
	char *argv[MAX_ARGS] = { "dmasynctop" }, *save, *word;
	int argc = 1;

	strncpy(copy, line, sizeof(copy) - 1);
	for (word = strtok_r(copy, " ", &save); word && argc < MAX_ARGS - 1;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	return options_parse_top(argc, argv, ARGP_NO_ERRS | ARGP_NO_EXIT, opt);
}

static void defaults(void **state)
{
	struct options opt;

	assert_int_equal(parse("", &opt), 0);
	assert_int_equal(opt.interval_ns, 1000000000);
	assert_int_equal(opt.count, 0);
	assert_int_equal(opt.duration_ns, 0);
	assert_false(opt.batch || opt.json || opt.exact || opt.no_bytes || opt.procs);
	assert_int_equal(opt.sort, SORT_TIME);
	assert_int_equal(opt.by, BY_ROW);
	assert_int_equal(opt.level, LEVEL_API);
	assert_int_equal(opt.attach, RUNG_NONE);
	assert_null(opt.cmd);
	assert_null(opt.device);
	assert_false(opt.max_loss_set);
}

static void every_option(void **state)
{
	struct options opt;

	assert_int_equal(
		parse("-b -i 250ms -n 3 -d 2m -D mmc* -p 42 -c dd -O map_sg,unmap_sg -s p99", &opt),
		0);
	assert_true(opt.batch);
	assert_int_equal(opt.interval_ns, 250000000);
	assert_int_equal(opt.count, 3);
	assert_int_equal(opt.duration_ns, 120000000000);
	assert_string_equal(opt.device, "mmc*");
	assert_int_equal(opt.pid, 42);
	assert_string_equal(opt.comm, "dd");
	assert_int_equal(opt.ops, 1 << OP_MAP_SG | 1 << OP_UNMAP_SG);
	assert_int_equal(opt.sort, SORT_P99);
	assert_int_equal(parse("--level=arch --exact --no-bytes --attach kprobe --max-rows 100"
			       " --max-loss 1k --pmu -v --by process",
			       &opt),
			 0);
	assert_int_equal(opt.level, LEVEL_ARCH);
	assert_true(opt.exact && opt.no_bytes && opt.pmu && opt.verbose && opt.procs);
	assert_int_equal(opt.attach, RUNG_KPROBE);
	assert_int_equal(opt.max_rows, 100);
	assert_true(opt.max_loss_set);
	assert_int_equal(opt.max_loss, 1000);
	assert_int_equal(opt.by, BY_PROCESS);
	assert_int_equal(parse("--json -o out.json --attach auto", &opt), 0);
	assert_true(opt.json && opt.batch);
	assert_string_equal(opt.output, "out.json");
	assert_int_equal(parse("--level arch -O arch_flush --max-loss 0", &opt), 0);
	assert_int_equal(opt.ops, 1 << OP_ARCH_FLUSH);
	assert_true(opt.max_loss_set && !opt.max_loss);
}

static void command(void **state)
{
	struct options opt;

	assert_int_equal(parse("-b -- dd -i bs=4k --json", &opt), 0);
	assert_non_null(opt.cmd);
	assert_string_equal(opt.cmd[0], "dd");
	assert_string_equal(opt.cmd[1], "-i");
	assert_string_equal(opt.cmd[3], "--json");
	assert_null(opt.cmd[4]);
	assert_false(opt.json);
	assert_int_equal(opt.interval_ns, 1000000000);
}

static void wrong_values(void **state)
{
	static const char *const lines[] = {
		"-i 0",
		"-i -1",
		"-i x",
		"-i 1x",
		"-i 1ms",
		"-i 999999999h",
		"-i 1e9",
		"-n 0",
		"-n -5",
		"-n 1.5",
		"-n 4294967296",
		"-n x",
		"-d 0",
		"-d 1y",
		"-p 0",
		"-p -1",
		"-p 4194305",
		"-p self",
		"-c 0123456789abcdef",
		"-O map",
		"-O map_sg,",
		"-O ,map_sg",
		"-O map_sg,,unmap_sg",
		"-O calibrate",
		"-O arch_flush",
		"-s size",
		"--by cpu",
		"--level all",
		"--attach tracing",
		"--max-rows 0",
		"--max-rows 5000",
		"--max-loss -1",
		"--max-loss many",
		"--no-such",
		"-Z",
		"dd",
		"-b dd",
		"--",
		"-b --",
		"-i",
	};
	struct options opt;
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (!parse(lines[i], &opt))
			fail_msg("\"%s\" was accepted", lines[i]);
	}
	assert_int_equal(argp_err_exit_status, EXIT_USAGE);
}

static void words(void **state)
{
	int i;

	for (i = 0; i < SORT_COUNT; i++)
		assert_int_equal(sort_by_name(sort_name(i)), i);
	for (i = BY_ROW; i <= BY_PROCESS; i++)
		assert_int_equal(group_by_name(group_name(i)), i);
	assert_int_equal(sort_by_name(""), -1);
	assert_int_equal(group_by_name("rows"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults), cmocka_unit_test(every_option),
		cmocka_unit_test(command),  cmocka_unit_test(wrong_values),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
