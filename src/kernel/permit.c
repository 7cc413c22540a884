// SPDX-License-Identifier: GPL-2.0
/* Why this process, or this kernel, lets nobody probe it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/btf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpf.h>
#include "dmasync/permit.h"

#define HAS(caps, cap) ((caps) >> (cap)&1)

/* First @len - 1 bytes of @root@path as a string. Their number, or -errno. */
static int read_start(const char *root, const char *path, char *buf, size_t len)
{
	char full[PATH_MAX];
	int n, err;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	f = fopen(full, "re");
	if (!f)
		return -errno;
	errno = 0;
	n = fread(buf, 1, len - 1, f);
	err = ferror(f) ? -(errno ?: EIO) : 0;
	fclose(f);
	buf[n] = '\0';
	return err ?: n;
}

bool permit_in_user_namespace(const char *root)
{
	unsigned long inside, outside, count;
	char map[64];

	if (read_start(root, "/proc/self/uid_map", map, sizeof(map)) <= 0 ||
	    sscanf(map, "%lu %lu %lu", &inside, &outside, &count) != 3)
		return false;
	return inside || outside || count != UINT_MAX;
}

int permit_btf(const char *root)
{
	const __u16 magic = BTF_MAGIC;
	char start[sizeof(magic) + 1];
	int n = read_start(root, "/sys/kernel/btf/vmlinux", start, sizeof(start));

	if (n < 0)
		return n;
	return n == sizeof(magic) && !memcmp(start, &magic, n) ? 0 : -EBADMSG;
}

static unsigned long long capabilities(void)
{
	char status[4096], *line;

	if (read_start("", "/proc/self/status", status, sizeof(status)) <= 0)
		return ~0ULL;
	line = strstr(status, "CapEff:");
	return line ? strtoull(line + 7, NULL, 16) : ~0ULL;
}

static int check_rights(char *why, size_t len)
{
	unsigned long long caps = capabilities();
	const char *missing = NULL;

	if (geteuid()) {
		snprintf(why, len, "not permitted: probing the kernel needs root; try sudo");
		return -EPERM;
	}
	if (!HAS(caps, CAP_SYS_ADMIN))
		missing = "CAP_SYS_ADMIN";
	else if (permit_in_user_namespace(""))
		missing = "the rights of the initial user namespace";
	if (!missing)
		return 0;
	snprintf(why, len,
		 "not permitted: root lacks %s here, as in a container; run it outside, or give "
		 "the container these rights (--privileged)",
		 missing);
	return -EPERM;
}

bool permit_locked_down(const char *root)
{
	char modes[128], path[PATH_MAX];
	int n = read_start(root, "/sys/kernel/security/lockdown", modes, sizeof(modes)), fd;

	if (n != -ENOENT)
		return n > 0 && strstr(modes, "[confidentiality]");
	if (!HAS(capabilities(), CAP_SYS_RAWIO))
		return false;
	/* securityfs is not mounted, but this is refused to root at that level only (since 5.4). */
	snprintf(path, sizeof(path), "%s/proc/kcore", root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == EPERM;
	close(fd);
	return false;
}

static int check_lockdown(char *why, size_t len)
{
	if (!permit_locked_down(""))
		return 0;
	snprintf(why, len,
		 "not permitted: the kernel is locked down (confidentiality), nobody must read its "
		 "memory; boot it with lockdown=integrity or without lockdown=");
	return -EPERM;
}

static int check_bpf(char *why, size_t len)
{
	union bpf_attr attr = { 0 };

	/* No program has an id below the first: what it says otherwise does not matter. */
	if (!syscall(__NR_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr)) || errno != ENOSYS)
		return 0;
	snprintf(why, len, "no BPF in this kernel; use one built with CONFIG_BPF_SYSCALL=y");
	return -EOPNOTSUPP;
}

static int check_btf(char *why, size_t len)
{
	int err = permit_btf("");

	if (!err)
		return 0;
	snprintf(why, len,
		 "no type information of the kernel: /sys/kernel/btf/vmlinux: %s; use a kernel "
		 "built with CONFIG_DEBUG_INFO_BTF=y",
		 err == -EBADMSG ? "is not BTF" : strerror(-err));
	return -EOPNOTSUPP;
}

int permit_tracing(char *why, size_t len)
{
	return check_rights(why, len) ?: check_lockdown(why, len);
}

int permit_check(char *why, size_t len)
{
	return permit_tracing(why, len) ?: check_bpf(why, len) ?: check_btf(why, len);
}
