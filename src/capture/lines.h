/* SPDX-License-Identifier: GPL-2.0 */
/* Lines of a file that nobody vouches for, packed by gzip or plain. */
#ifndef LINES_H
#define LINES_H

#include <stddef.h>
#include <linux/types.h>

struct lines;

/* Opens @path ("-": stdin). 0 with *@out for lines_close(), or -errno after a message. */
int lines_open(const char *path, struct lines **out);

/*
 * Next whole line into *@text (without its end, but with a '\0' behind it; valid until the next
 * call) and *@len. 1; 0 at the end of what is whole, see lines_cut_off(); -errno after a message
 * when the data is damaged or a line is longer than CAPTURE_LINE_MAX.
 */
int lines_next(struct lines *l, const char **text, size_t *len);

/* Number of the line that was read last, from 1; 0 before the first. */
__u64 lines_number(const struct lines *l);

/* After the end: a static text why there may have been more, or NULL. */
const char *lines_cut_off(const struct lines *l);

const char *lines_path(const struct lines *l);

/*
 * Prints "PATH: line N: WHAT", with what a terminal might take for commands replaced by '?'.
 * Returns -EBADMSG.
 */
int lines_damaged(const struct lines *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void lines_close(struct lines *l);

#endif
