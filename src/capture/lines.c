// SPDX-License-Identifier: GPL-2.0
/* Reads lines through zlib, with bounded memory, and tells a file's end from damage. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dmasync/capture.h>
#include <dmasync/log.h>
#include "lines.h"
#include "unpack.h"

#define CHUNK UNPACK_CHUNK

struct lines {
	struct unpack in;
	char *path;
	char *buf;
	size_t cap, start, end; /* buf[start .. end) is not yet handed out */
	size_t searched;	/* ... of which this much has no '\n' */
	__u64 number;
	bool at_eof;
	const char *cut_off;
};

__u64 lines_number(const struct lines *l)
{
	return l->number;
}

const char *lines_cut_off(const struct lines *l)
{
	return l->cut_off;
}

const char *lines_path(const struct lines *l)
{
	return l->path;
}

int lines_damaged(const struct lines *l, const char *fmt, ...)
{
	char what[256], *p;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	for (p = what; *p; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
	log_error("%s: line %llu: %s", l->path, l->number, what);
	return -EBADMSG;
}

static int open_input(const char *path)
{
	struct stat st;
	int fd, err;

	if (!strcmp(path, "-"))
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && !fstat(fd, &st) && S_ISDIR(st.st_mode)) {
		close(fd);
		errno = EISDIR;
		return -1;
	}
	err = errno;
	if (fd >= 0)
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	errno = err;
	return fd;
}

int lines_open(const char *path, struct lines **out)
{
	struct lines *l = calloc(1, sizeof(*l));
	int fd, err;

	if (l)
		l->path = strdup(strcmp(path, "-") ? path : "stdin");
	if (!l || !l->path) {
		log_error("%s: out of memory", path);
		free(l);
		return -ENOMEM;
	}
	fd = open_input(path);
	if (fd < 0) {
		err = -errno;
		log_error("cannot read %s: %s", path, strerror(-err));
		free(l->path);
		free(l);
		return err;
	}
	unpack_open(&l->in, fd);
	*out = l;
	return 0;
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	unpack_close(&l->in);
	free(l->path);
	free(l->buf);
	free(l);
}

/* Room for another chunk behind what is there, which moves to the front first. */
static int make_room(struct lines *l)
{
	size_t cap = l->cap ? l->cap * 2 : 2 * CHUNK;
	char *buf;

	if (l->start) {
		memmove(l->buf, l->buf + l->start, l->end - l->start);
		l->end -= l->start;
		l->start = 0;
	}
	if (l->end + CHUNK + 1 <= l->cap)
		return 0;
	buf = realloc(l->buf, cap);
	if (!buf) {
		log_error("%s: out of memory at line %llu", l->path, l->number + 1);
		return -ENOMEM;
	}
	l->buf = buf;
	l->cap = cap;
	return 0;
}

/* Nothing more can be read: why? */
static int ended(struct lines *l, enum unpack_end end)
{
	int err = errno;

	l->at_eof = true;
	switch (end) {
	case UNPACK_WHOLE:
		return 0;
	case UNPACK_MORE:
		l->number++;
		return lines_damaged(l, "something follows the end of the capture; captures cannot"
					" be joined by cat");
	case UNPACK_EARLY:
		l->cut_off = "cut off: the packed data ends early";
		return 0;
	case UNPACK_ZEROS:
		l->cut_off = "cut off: the file ends in zeros, as files do after a power cut";
		return 0;
	case UNPACK_DAMAGED:
		l->number++;
		return lines_damaged(l, "cannot be unpacked, or its checksum is wrong: the file is"
					" damaged");
	case UNPACK_ERROR:
		break;
	}
	log_error("%s: cannot read on behind line %llu: %s", l->path, l->number, strerror(err));
	return -err;
}

/* Reads on. 0 or -errno; the end shows in at_eof. */
static int fill(struct lines *l)
{
	enum unpack_end end;
	int err = make_room(l);
	size_t n;

	if (err)
		return err;
	n = unpack_read(&l->in, l->buf + l->end, CHUNK, &end);
	if (!n)
		return ended(l, end);
	l->end += n;
	return 0;
}

/* The first byte tells what is no line of ours before much of it is read. */
static int check_start(struct lines *l)
{
	const char c = l->buf[l->start];

	if (l->searched || c == '{')
		return 0;
	l->number++;
	if (l->number == 1)
		return lines_damaged(l, "not a capture of dmasynctop: neither JSON nor JSON"
					" packed by gzip");
	return lines_damaged(l, "begins with byte 0x%02x instead of '{': the file is damaged",
			     (unsigned char)c);
}

int lines_next(struct lines *l, const char **text, size_t *len)
{
	char *nl;
	int err;

	l->searched = 0;
	for (;;) {
		if (l->start < l->end) {
			err = check_start(l);
			if (err)
				return err;
			nl = memchr(l->buf + l->start + l->searched, '\n',
				    l->end - l->start - l->searched);
			if (nl)
				break;
			l->searched = l->end - l->start;
		}
		if (l->at_eof) {
			if (l->searched && !l->cut_off)
				l->cut_off = "cut off: the last line is not whole";
			return 0;
		}
		if (l->searched > CAPTURE_LINE_MAX) {
			l->number++;
			return lines_damaged(l, "longer than %u MiB: the file is damaged",
					     CAPTURE_LINE_MAX >> 20);
		}
		err = fill(l);
		if (err)
			return err;
	}
	*nl = '\0';
	*text = l->buf + l->start;
	*len = nl - *text;
	l->start = nl + 1 - l->buf;
	l->number++;
	return 1;
}
