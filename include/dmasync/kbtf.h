/* SPDX-License-Identifier: GPL-2.0 */
/* Takes out of the kernel's type information (BTF) the little that loading the programs needs. */
#ifndef DMASYNC_KBTF_H
#define DMASYNC_KBTF_H

#include <stdbool.h>
#include <stddef.h>
#include <bpf/btf.h>

#define KBTF_PATH "/sys/kernel/btf/vmlinux"

/* One function that is looked for. */
struct kbtf_func {
	const char *name; /* in: owned by the caller */
	/* In: name of the type that its second argument has to have; NULL: any. */
	const char *second;
	__u32 id;   /* BTF id of the first function of that name; 0: there is none */
	bool other; /* its second argument is of another type */
};

/*
 * Goes once through @path, raw BTF, and looks up @n @funcs. Those of its structures and enums whose
 * name @local has, too, are written as BTF of their own to the empty file @fd: structures with only
 * the members that @local names, pointers to nothing in particular. That is all that relocating
 * @local's programs looks at; libbpf, given the whole, goes through a hundred thousand types by
 * name for each. 0 or -errno.
 */
int kbtf_read(const char *path, const struct btf *local, struct kbtf_func *funcs, size_t n, int fd);

#endif
