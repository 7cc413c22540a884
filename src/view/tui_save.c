// SPDX-License-Identifier: GPL-2.0
/* Saves what the live view shows to a new file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tui.h"

#define MAX_PER_SECOND 100

/* Opens a file that did not exist. */
static FILE *open_new(char *name, size_t size)
{
	char stamp[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	int fd = -1, i;

	if (localtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	for (i = 0; fd < 0 && i < MAX_PER_SECOND; i++) {
		if (i)
			snprintf(name, size, "dmasynctop-%s-%d.json", stamp, i);
		else
			snprintf(name, size, "dmasynctop-%s.json", stamp);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0 && errno != EEXIST)
			return NULL;
	}
	return fd < 0 ? NULL : fdopen(fd, "w");
}

void tui_save(const struct tui *t, char *said, size_t size)
{
	const struct header *hdr = t->src->hdr;
	char name[64];
	FILE *f = open_new(name, sizeof(name));
	int err;

	if (!f) {
		snprintf(said, size, "cannot create %s: %s", name, strerror(errno));
		return;
	}
	err = json_print(f, json_header(hdr));
	if (!err)
		err = json_print(f, json_interval(hdr, &t->shown));
	if (!err)
		err = json_print(f, json_end(hdr, t->total));
	if (fclose(f) && !err)
		err = -errno;
	if (err)
		snprintf(said, size, "cannot write %s: %s", name, strerror(-err));
	else
		snprintf(said, size, "saved to %s", name);
}
