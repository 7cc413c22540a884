/* SPDX-License-Identifier: GPL-2.0 */
/* Why this process, or this kernel, lets nobody probe it. */
#ifndef DMASYNC_PERMIT_H
#define DMASYNC_PERMIT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Asks, before anything is attached, for what the kernel would refuse later in less words: rights,
 * lockdown, BPF, type information. Cheap: reads the beginning of four small files. 0, -EPERM or
 * -EOPNOTSUPP, with what is wrong and what to do about it in @why.
 */
int permit_check(char *why, size_t len);

/* The part of it that does not depend on BPF: rights, lockdown. */
int permit_tracing(char *why, size_t len);

/* Whether root here is root of a user namespace only (false when that cannot be told). */
bool permit_in_user_namespace(const char *root);

/* Whether the kernel's lockdown forbids BPF to read its memory: level "confidentiality". */
bool permit_locked_down(const char *root);

/*
 * Whether @root/sys/kernel/btf/vmlinux is type information: 0, -errno of reading it, or -EBADMSG
 * when it is something else.
 */
int permit_btf(const char *root);

#endif
