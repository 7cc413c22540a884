/* SPDX-License-Identifier: GPL-2.0 */
/* Subcommands: argv[0] is the name the user typed; the return value is the exit status. */
#ifndef DMASYNC_CMD_H
#define DMASYNC_CMD_H

int cmd_top(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_flame(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_predict(int argc, char **argv);
int cmd_record(int argc, char **argv);

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help; /* one line */
};

/* Every subcommand; ends with a NULL name. Without one, cmd_top() runs. */
extern const struct command commands[];

/*
 * Captures cannot be made again: a slip of the keyboard must not cost one. -EEXIST after a message
 * when writing to @output would destroy @capture ("-": stdin); 0 when not, or one of them is NULL.
 */
int output_check(const char *output, const char *capture);

#endif
