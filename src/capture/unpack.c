// SPDX-License-Identifier: GPL-2.0
/* Unpacks by steps: unlike with gzread(), what lies before a damaged place is not lost. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "unpack.h"

#define TAIL 512	    /* bytes at the end of a file that are looked at for zeros */
#define GZIP_ONLY (15 + 16) /* inflateInit2(): largest window, gzip header and checksum */

void unpack_open(struct unpack *u, int fd)
{
	memset(u, 0, sizeof(*u));
	u->fd = fd;
}

void unpack_close(struct unpack *u)
{
	if (u->inflating)
		inflateEnd(&u->z);
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}

/* Reads behind the bytes that are still there. False: errno tells. */
static bool refill(struct unpack *u)
{
	ssize_t n;

	memmove(u->in, u->z.next_in, u->z.avail_in);
	u->z.next_in = u->in;
	do {
		n = read(u->fd, u->in + u->z.avail_in, sizeof(u->in) - u->z.avail_in);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	u->eof = !n;
	u->z.avail_in += n;
	return true;
}

/* Packed or plain? A pipe may give the two bytes that tell one by one. */
static bool begin(struct unpack *u)
{
	u->z.next_in = u->in;
	while (u->z.avail_in < 2 && !u->eof) {
		if (!refill(u))
			return false;
	}
	u->begun = true;
	u->packed = u->z.avail_in >= 2 && u->in[0] == 0x1f && u->in[1] == 0x8b;
	if (!u->packed)
		return true;
	errno = ENOMEM;
	u->inflating = inflateInit2(&u->z, GZIP_ONLY) == Z_OK;
	return u->inflating;
}

/* A file system that lost power may have kept a file's length but not its last blocks. */
static bool ends_in_zeros(int fd)
{
	char tail[TAIL], zero[TAIL] = {};
	off_t size = lseek(fd, 0, SEEK_END);

	return size >= TAIL && pread(fd, tail, TAIL, size - TAIL) == TAIL &&
	       !memcmp(tail, zero, TAIL);
}

static size_t copy_plain(struct unpack *u, void *buf, size_t size, enum unpack_end *end)
{
	size_t n;

	if (!u->z.avail_in && !u->eof && !refill(u)) {
		*end = UNPACK_ERROR;
		return 0;
	}
	n = u->z.avail_in < size ? u->z.avail_in : size;
	memcpy(buf, u->z.next_in, n);
	u->z.next_in += n;
	u->z.avail_in -= n;
	if (!n)
		*end = UNPACK_WHOLE;
	return n;
}

/* The packed data is whole. Returns 0. */
static size_t at_end(struct unpack *u, enum unpack_end *end)
{
	if (u->z.avail_in || refill(u))
		*end = u->z.avail_in ? UNPACK_MORE : UNPACK_WHOLE;
	return 0;
}

size_t unpack_read(struct unpack *u, void *buf, size_t size, enum unpack_end *end)
{
	int code;

	*end = UNPACK_ERROR;
	if (!u->begun && !begin(u))
		return 0;
	if (!u->packed)
		return copy_plain(u, buf, size, end);
	u->z.next_out = buf;
	u->z.avail_out = size;
	for (;;) {
		code = inflate(&u->z, Z_NO_FLUSH);
		if (u->z.avail_out < size)
			return size - u->z.avail_out;
		if (code == Z_STREAM_END)
			return at_end(u, end);
		if (code == Z_MEM_ERROR) {
			errno = ENOMEM;
			return 0;
		}
		if (code != Z_OK && code != Z_BUF_ERROR) {
			*end = ends_in_zeros(u->fd) ? UNPACK_ZEROS : UNPACK_DAMAGED;
			return 0;
		}
		if (u->z.avail_in)
			continue;
		if (u->eof) {
			*end = ends_in_zeros(u->fd) ? UNPACK_ZEROS : UNPACK_EARLY;
			return 0;
		}
		if (!refill(u))
			return 0;
	}
}
