/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the text of the running kernel. */
#ifndef DMASYNC_KCORE_H
#define DMASYNC_KCORE_H

#include <stddef.h>
#include <linux/types.h>

#define KCORE_PATH "/proc/kcore"

struct kcore;

/*
 * Opens @path, an ELF core in the form of /proc/kcore. 0 with *@out for kcore_close(), or -errno
 * with the reason and the cure in @why (@len bytes).
 */
int kcore_open(const char *path, struct kcore **out, char *why, size_t len);

/*
 * Reads @size bytes at kernel address @addr into @buf. 0, -ENOENT if no segment holds the whole
 * range, or -errno of the read; silent.
 */
int kcore_read(const struct kcore *kc, __u64 addr, void *buf, size_t size);

/* @kc may be NULL. */
void kcore_close(struct kcore *kc);

#endif
