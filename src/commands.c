// SPDX-License-Identifier: GPL-2.0
/* Table of the subcommands. */
#include <stddef.h>
#include <dmasync/cmd.h>

const struct command commands[] = {
	{ "doctor", cmd_doctor, "what works on this machine, and why not" },
	{ "record", cmd_record, "keep a measurement in a file" },
	{ "bench", cmd_bench, "time cache maintenance from user space, through udmabuf" },
	{ "report", cmd_report, "what a capture holds, as text, JSON or CSV" },
	{ "compare", cmd_compare, "hold captures before and after a change against each other" },
	{ "predict", cmd_predict, "what batched waits would save, before a kernel is patched" },
	{ "flame", cmd_flame, "draw the stacks of a capture as a flame graph" },
	{ NULL, NULL, NULL },
};
