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
 * usersyms_refresh(). False if it has ended and was never seen.
 */
bool usersyms_process(struct usersyms *u, __u32 tgid);

/*
 * Writes the name of the function at @addr in process @tgid to @buf: "function", or "libc.so.6+?"
 * when the binary has no symbol for it. NULL: nothing is known of the address.
 */
const char *usersyms_name(struct usersyms *u, __u32 tgid, __u64 addr, char *buf, size_t len);

/* What is mapped may have changed: the next usersyms_process() looks again. */
void usersyms_refresh(struct usersyms *u);

void usersyms_free(struct usersyms *u);

#endif
