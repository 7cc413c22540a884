// SPDX-License-Identifier: GPL-2.0
/* Checks of "doctor" about buffers: bounce buffers, udmabuf, dma-heaps. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dmasync/doctor.h"

#define SLOT_SIZE 2048 /* bytes of a swiotlb slot: 1 << IO_TLB_SHIFT */

/* A number in a file below the root. 0 or -errno. */
static int read_number(const struct doctor *d, const char *path, unsigned long long *out)
{
	char full[PATH_MAX];
	int n, err = 0;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", d->root, path);
	f = fopen(full, "re");
	if (!f)
		return -errno;
	n = fscanf(f, "%llu", out);
	if (n != 1)
		err = -EINVAL;
	fclose(f);
	return err;
}

static bool forced_by_command_line(const struct doctor *d)
{
	char path[PATH_MAX], line[4096] = "", *at;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/cmdline", d->root);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	at = strstr(line, "swiotlb=");
	return at && strstr(at, "force") && !strstr(at, "noforce");
}

static void check_swiotlb(struct doctor *d)
{
	const char *forced = forced_by_command_line(d) ? ", forced for every device" : "";
	unsigned long long slabs, used;
	struct check *c;
	int err = read_number(d, "/sys/kernel/debug/swiotlb/io_tlb_nslabs", &slabs);

	if (err || read_number(d, "/sys/kernel/debug/swiotlb/io_tlb_used", &used)) {
		doctor_add(d, "swiotlb", forced[0] ? CHECK_WARN : CHECK_NOTE,
			   "bounce buffers: state unknown (debugfs: %s)%s", strerror(-err), forced);
		return;
	}
	if (!slabs) {
		doctor_add(d, "swiotlb", CHECK_OK, "no bounce buffers");
		return;
	}
	c = doctor_add(d, "swiotlb", forced[0] ? CHECK_WARN : CHECK_OK,
		       "bounce buffers of %llu MiB, %llu KiB in use%s", slabs * SLOT_SIZE >> 20,
		       used * SLOT_SIZE >> 10, forced);
	if (forced[0])
		doctor_cure(c, "boot without swiotlb=force: every mapping is copied");
}

static void check_udmabuf(struct doctor *d)
{
	unsigned long long limit = 0, megabytes = 0;
	char path[PATH_MAX];
	struct check *c;

	snprintf(path, sizeof(path), "%s/dev/udmabuf", d->root);
	if (access(path, F_OK)) {
		c = doctor_add(d, "udmabuf", CHECK_WARN, "no /dev/udmabuf: \"bench\" cannot run");
		doctor_cure(c, "modprobe udmabuf, or a kernel built with CONFIG_UDMABUF=y");
		return;
	}
	if (access(path, R_OK | W_OK)) {
		c = doctor_add(d, "udmabuf", CHECK_WARN, "no access to /dev/udmabuf: %s",
			       strerror(errno));
		doctor_cure(c, "run \"bench\" as root");
		return;
	}
	read_number(d, "/sys/module/udmabuf/parameters/list_limit", &limit);
	read_number(d, "/sys/module/udmabuf/parameters/size_limit_mb", &megabytes);
	doctor_add(d, "udmabuf", CHECK_OK, "lists of %llu items, %llu MiB", limit, megabytes);
}

static void check_heaps(struct doctor *d)
{
	char path[PATH_MAX], names[160] = "";
	struct dirent *entry;
	size_t len = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/dev/dma_heap", d->root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || len >= sizeof(names) - 1)
			continue;
		snprintf(names + len, sizeof(names) - len, "%s%.*s", len ? ", " : "",
			 (int)(sizeof(names) - len - 3), entry->d_name);
		len = strlen(names);
	}
	if (dir)
		closedir(dir);
	if (names[0])
		doctor_add(d, "dma-heap", CHECK_OK, "%s", names);
	else
		doctor_add(d, "dma-heap", CHECK_NOTE, "none in this kernel");
}

void doctor_check_memory(struct doctor *d)
{
	check_swiotlb(d);
	check_udmabuf(d);
	check_heaps(d);
}
