// SPDX-License-Identifier: GPL-2.0
/* What -o FILE must not be. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dmasync/cmd.h>
#include <dmasync/log.h>

/* Only files lose what they hold: terminals and /dev/null may well be both. */
static bool same_file(const char *output, const char *capture)
{
	struct stat x, y;

	if (stat(output, &x) || !S_ISREG(x.st_mode))
		return false;
	if (strcmp(capture, "-") ? stat(capture, &y) : fstat(STDIN_FILENO, &y))
		return false;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int output_check(const char *output, const char *capture)
{
	if (!output || !capture || !same_file(output, capture))
		return 0;
	log_error("-o %s: that is the capture itself; name another file", output);
	return -EEXIST;
}
