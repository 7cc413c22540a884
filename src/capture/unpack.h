/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes of a file that gzip packed, or that are plain. */
#ifndef UNPACK_H
#define UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

#define UNPACK_CHUNK (64u << 10)

struct unpack {
	int fd;
	bool begun, packed, inflating;
	bool eof; /* of the packed bytes */
	z_stream z;
	unsigned char in[UNPACK_CHUNK];
};

/* How the data ended. */
enum unpack_end {
	UNPACK_WHOLE,
	UNPACK_MORE,	/* ... but something follows it */
	UNPACK_EARLY,	/* the packed data stops before its end mark */
	UNPACK_DAMAGED, /* it cannot be unpacked or its checksum is wrong */
	UNPACK_ZEROS,	/* ... as the last blocks of the file are zeros */
	UNPACK_ERROR,	/* errno tells */
};

/* Reads from @fd, which @u owns from here on. */
void unpack_open(struct unpack *u, int fd);

/*
 * Up to @size (> 0) bytes into @buf. Number of bytes; 0 at the end with *@end. Everything that can
 * be unpacked before a damaged place is returned before the damage is told.
 */
size_t unpack_read(struct unpack *u, void *buf, size_t size, enum unpack_end *end);

void unpack_close(struct unpack *u);

#endif
