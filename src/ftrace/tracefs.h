/* SPDX-License-Identifier: GPL-2.0 */
/* Reads and writes files of tracefs. */
#ifndef TRACEFS_H
#define TRACEFS_H

#include <stddef.h>

/* Directory of tracefs on this machine, such as "/sys/kernel/tracing"; NULL: it is not mounted. */
const char *tracefs_dir(void);

/* Writes @text to the file @name below @dir in one go. 0 or -errno; silent. */
int tracefs_write(const char *dir, const char *name, const char *text);

/* Whole file @name below @dir as a string in *@text, for free(); 0 or -errno; silent. */
int tracefs_read(const char *dir, const char *name, char **text);

/* What the kernel has to say about the newest command that it refused; empty if nothing. */
void tracefs_last_error(char *buf, size_t len);

#endif
