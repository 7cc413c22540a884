/* SPDX-License-Identifier: GPL-2.0 */
/* Names of a binary's functions, copied from a file that nobody has reason to trust. */
#ifndef DMASYNC_ELFSYMS_H
#define DMASYNC_ELFSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define ELFSYMS_FILE_MAX (4ULL << 30)	/* bytes of a file; larger ones have no names */
#define ELFSYMS_TABLE_MAX (64ULL << 20) /* bytes of a table of symbols or of their names */
#define ELFSYMS_KEPT_MAX (64ULL << 20)	/* bytes that are kept of a file; the rest is left out */

struct elfsyms;

/* What a file is known by; one that was written over has another. */
struct elfsyms_id {
	__u64 dev, inode, size;
	__s64 mtime_ns, ctime_ns;
};

/*
 * Pins the file at @path, without opening it as such: neither does a FIFO wait nor a device notice.
 * Returns a descriptor for elfsyms_load() that the caller closes, with *@id. -ENOEXEC: no regular
 * file; or -errno.
 */
int elfsyms_pin(const char *path, struct elfsyms_id *id);

/*
 * Names of the functions of the file that @pinned is, at most @room bytes of them. They are copies:
 * the file may shrink, meanwhile or later. NULL: it is no ELF file, exceeds a limit, cannot be
 * read, or there is no memory.
 */
struct elfsyms *elfsyms_load(int pinned, size_t room);

/* Name of the function at @offset bytes in the file, which lives as long as @e; NULL: unknown. */
const char *elfsyms_name(const struct elfsyms *e, __u64 offset);

/* Memory that @e takes. */
size_t elfsyms_bytes(const struct elfsyms *e);

void elfsyms_free(struct elfsyms *e);

#endif
