/* SPDX-License-Identifier: GPL-2.0 */
/* Names for addresses of user space: from the maps of processes and the symbols of binaries. */
#ifndef DMASYNC_USERSYMS_H
#define DMASYNC_USERSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct usersyms;

/* NULL: out of memory. */
struct usersyms *usersyms_new(void);

/*
 * Looks up the process @tgid: its maps are read once, and again when it has not had a look since
 * usersyms_refresh(). Returns a number that changes whenever what is mapped does; 0: the process
 * has ended and was never seen. Up to 1024 executable mappings of a process are known (65536 of
 * all together), and 256 MiB of names of all binaries together.
 */
__u32 usersyms_process(struct usersyms *u, __u32 tgid);

/*
 * Writes the name of the function at @addr in process @tgid to @buf: "function", or "libc.so.6+?"
 * when the binary has no symbol for it. Bytes that are not printable ASCII become "?". NULL:
 * nothing is known of the address.
 */
const char *usersyms_name(struct usersyms *u, __u32 tgid, __u64 addr, char *buf, size_t len);

/*
 * What is mapped may have changed: the next usersyms_process() looks again. Processes that were
 * not looked up since the last 64 calls are forgotten.
 */
void usersyms_refresh(struct usersyms *u);

void usersyms_free(struct usersyms *u);

#endif
