// SPDX-License-Identifier: GPL-2.0
/* Reads and writes files of tracefs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tracefs.h"

const char *tracefs_dir(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	char path[64];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/trace", places[i]);
		if (!access(path, F_OK))
			return places[i];
	}
	return NULL;
}

int tracefs_write(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	/* Not truncated: that would remove everybody's kprobe events. */
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int tracefs_read(const char *dir, const char *name, char **text)
{
	char path[PATH_MAX], buf[4096];
	size_t size, n;
	FILE *in, *out;
	int err;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	in = fopen(path, "re");
	if (!in)
		return -errno;
	*text = NULL;
	out = open_memstream(text, &size);
	if (!out) {
		fclose(in);
		return -ENOMEM;
	}
	errno = 0;
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		fwrite(buf, 1, n, out);
	err = ferror(in) ? -(errno ?: EIO) : 0;
	fclose(in);
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (!err)
		return 0;
	free(*text);
	*text = NULL;
	return err;
}

void tracefs_last_error(char *buf, size_t len)
{
	const char mark[] = "error: ";
	char *text, *at, *last = NULL;

	buf[0] = '\0';
	if (tracefs_read(tracefs_dir(), "error_log", &text))
		return;
	for (at = text; (at = strstr(at, mark)); at += strlen(mark))
		last = at + strlen(mark);
	if (last)
		snprintf(buf, len, "%.*s", (int)strcspn(last, "\n"), last);
	free(text);
}
