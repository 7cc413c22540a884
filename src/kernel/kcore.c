// SPDX-License-Identifier: GPL-2.0
/* Reads the text of the running kernel from the ELF image in /proc/kcore. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dmasync/kcore.h"

struct kcore {
	int fd;
	size_t n;
	Elf64_Phdr *segments;
};

/* What stops a process from opening /proc/kcore, by errno. */
static const char *open_hint(int err)
{
	switch (err) {
	case -ENOENT:
		return "kernel without CONFIG_PROC_KCORE";
	case -EACCES:
		return "needs root";
	case -EPERM:
		/* LOCKDOWN_KCORE (Linux 5.4) is refused at "confidentiality" only. */
		return "needs CAP_SYS_RAWIO, and lockdown below \"confidentiality\"";
	default:
		return NULL;
	}
}

static int read_exactly(int fd, void *buf, size_t size, __u64 offset)
{
	char *at = buf;
	ssize_t got;

	while (size) {
		got = pread(fd, at, size, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -ENODATA;
		at += got;
		offset += got;
		size -= got;
	}
	return 0;
}

static int read_segments(struct kcore *kc)
{
	Elf64_Ehdr eh;
	int err;

	err = read_exactly(kc->fd, &eh, sizeof(eh), 0);
	if (err)
		return err;
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_phentsize != sizeof(Elf64_Phdr) || !eh.e_phnum)
		return -ENOEXEC;
	kc->segments = calloc(eh.e_phnum, sizeof(*kc->segments));
	if (!kc->segments)
		return -ENOMEM;
	kc->n = eh.e_phnum;
	return read_exactly(kc->fd, kc->segments, kc->n * sizeof(*kc->segments), eh.e_phoff);
}

int kcore_open(const char *path, struct kcore **out, char *why, size_t len)
{
	const char *hint;
	struct kcore *kc;
	int err;

	kc = calloc(1, sizeof(*kc));
	if (!kc) {
		snprintf(why, len, "out of memory");
		return -ENOMEM;
	}
	kc->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (kc->fd < 0) {
		err = -errno;
		hint = open_hint(err);
		snprintf(why, len, "cannot open %s: %s%s%s", path, strerror(-err), hint ? ": " : "",
			 hint ? hint : "");
		free(kc);
		return err;
	}
	err = read_segments(kc);
	if (err) {
		snprintf(why, len, "cannot read %s: %s", path,
			 err == -ENOEXEC ? "not a 64-bit ELF core" : strerror(-err));
		kcore_close(kc);
		return err;
	}
	*out = kc;
	return 0;
}

int kcore_read(const struct kcore *kc, __u64 addr, void *buf, size_t size)
{
	const Elf64_Phdr *p;

	for (p = kc->segments; p < kc->segments + kc->n; p++) {
		if (p->p_type != PT_LOAD || addr < p->p_vaddr || size > p->p_memsz ||
		    addr - p->p_vaddr > p->p_memsz - size)
			continue;
		return read_exactly(kc->fd, buf, size, p->p_offset + (addr - p->p_vaddr));
	}
	return -ENOENT;
}

void kcore_close(struct kcore *kc)
{
	if (!kc)
		return;
	close(kc->fd);
	free(kc->segments);
	free(kc);
}
