/* SPDX-License-Identifier: GPL-2.0 */
/* Looks kernel symbols up: all that is known of them from the table, or the quick way. */
#ifndef DMASYNC_KSYMS_H
#define DMASYNC_KSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define KSYMS_PATH "/proc/kallsyms"

/* One symbol that is looked for. */
struct ksym {
	const char *name;  /* in: exact name, owned by the caller */
	__u64 addr;	   /* 0: not there, or hidden */
	__u64 size;	   /* bytes up to the next symbol (padding included); 0: unknown */
	unsigned int seen; /* how many symbols of the core kernel have this name; 0: not there */
	bool clones;	   /* NAME.constprop.0, .isra.0, .part.0 or .cold exists beside it */
};

/* How much of the table this process may see. */
enum ksyms_view {
	KSYMS_FULL,
	KSYMS_HIDDEN, /* names are there, addresses read as 0 (kptr_restrict) */
};

/*
 * Looks up @n symbols of the core kernel (modules are left out) in one pass over @path, a file in
 * the form of /proc/kallsyms, sorted by address. Returns an enum ksyms_view, or -errno with the
 * reason and the cure in @why (of @len bytes, may be 0). @why is also filled for KSYMS_HIDDEN. With
 * @n 0 it reads no further than to the first address.
 */
int ksyms_find(const char *path, struct ksym *syms, size_t n, char *why, size_t len);

/* The same of an open file, called @path in @why; or of none, where @fd is -errno. */
int ksyms_find_fd(int fd, const char *path, struct ksym *syms, size_t n, char *why, size_t len);

/* Sets @filter to what lets @n symbols, their clones and few others pass. */
struct ksym_filter;
void ksyms_filter(const struct ksym *syms, size_t n, struct ksym_filter *filter);

/*
 * Looks up @n symbols of the running kernel's core by asking for each: a thousandth of the work of
 * ksyms_find(), but not whether a name exists more than once (->seen is 0 or 1) or has clones
 * (->clones stays false). 0, or -errno, silently, where the kernel has no such way or hides its
 * addresses; it is ksyms_find()'s turn then, and @syms holds nothing of worth.
 */
int ksyms_ask(struct ksym *syms, size_t n);

/*
 * What ksyms_find() tells of the running kernel, for a third of the work: the kernel does not print
 * the symbols that are not wanted. 0, or -errno, silently, where it cannot (before 6.0, without
 * BTF or the permission); it is ksyms_find()'s turn then, and @syms holds nothing of worth.
 */
int ksyms_sift(struct ksym *syms, size_t n);

/*
 * Sets @found[i] where ftrace lists @names[i] as traceable (tracefs' available_filter_functions).
 * @root is put before the two places where tracefs can be mounted; "" on a live system. 0, or
 * -errno with the reason in @why; @found is all false then.
 */
int ksyms_traceable(const char *root, const char *const *names, bool *found, size_t n, char *why,
		    size_t len);

#endif
