// SPDX-License-Identifier: GPL-2.0
/* Writes captures: JSON lines through gzip, flushed with every interval. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <dmasync/capture_json.h>
#include <dmasync/log.h>
#include <dmasync/view.h>

struct capture_writer {
	gzFile gz;
	char *path;
	char *target;  /* file that it takes the place of, or NULL */
	char *written; /* ... the file until then; else @path if there was none before, or NULL */
	struct header hdr;
	const struct stack_table *stacks;
	size_t n_stacks; /* of them in the file */
	int err;	 /* of the first failure: nothing is written after it */
};

/* zlib keeps errno for what the system refused. */
static int write_failed(struct capture_writer *w)
{
	int code, err = errno;

	gzerror(w->gz, &code);
	w->err = code == Z_ERRNO && err ? -err : code == Z_MEM_ERROR ? -ENOMEM : -EIO;
	log_error("cannot write to %s: %s; what was written before stays readable", w->path,
		  strerror(-w->err));
	return w->err;
}

static int put(const char *text, size_t size, void *ctx)
{
	struct capture_writer *w = ctx;

	return gzwrite(w->gz, text, size) == (int)size ? 0 : -1;
}

/* Writes @obj as a line and drops the reference. */
static int put_line(struct capture_writer *w, json_t *obj)
{
	int err;

	if (!obj) {
		w->err = -ENOMEM;
		log_error("%s: out of memory; what was written before stays readable", w->path);
		return w->err;
	}
	errno = 0;
	err = json_dump_callback(obj, put, w, JSON_COMPACT | JSON_ENSURE_ASCII) ||
	      gzputc(w->gz, '\n') < 0;
	json_decref(obj);
	return err ? write_failed(w) : 0;
}

/* What is flushed so can be unpacked even if nothing follows. */
static int flush(struct capture_writer *w)
{
	errno = 0;
	return gzflush(w->gz, Z_SYNC_FLUSH) == Z_OK ? 0 : write_failed(w);
}

static int create_failed(const char *path, int err)
{
	if (err == -EEXIST)
		log_error("%s exists already; --force overwrites it", path);
	else
		log_error("cannot create %s: %s", path, strerror(-err));
	return err;
}

/* A file beside the one that is there, which may be the only one of its run. */
static int open_beside(struct capture_writer *w)
{
	int fd;

	w->target = realpath(w->path, NULL);
	if (!w->target || asprintf(&w->written, "%s.XXXXXX", w->target) < 0) {
		w->written = NULL;
		return -errno;
	}
	fd = mkostemp(w->written, O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fd = -errno;
	free(w->written);
	w->written = NULL;
	return fd;
}

static int open_output(struct capture_writer *w, bool overwrite)
{
	bool is_there;
	struct stat st;
	int fd;

	is_there = overwrite && !stat(w->path, &st);
	if (is_there && S_ISREG(st.st_mode))
		return open_beside(w);
	fd = open(w->path, O_WRONLY | O_CREAT | O_CLOEXEC | (overwrite ? 0 : O_EXCL), 0600);
	if (fd < 0)
		return -errno;
	if (is_there)
		return fd;
	w->written = strdup(w->path);
	if (w->written)
		return fd;
	close(fd);
	unlink(w->path);
	return -ENOMEM;
}

static void free_writer(struct capture_writer *w)
{
	free(w->path);
	free(w->target);
	free(w->written);
	free(w);
}

void capture_discard(struct capture_writer *w)
{
	if (!w)
		return;
	if (w->gz)
		gzclose(w->gz);
	if (w->written)
		unlink(w->written);
	free_writer(w);
}

int capture_keep(struct capture_writer *w)
{
	if (!w->target)
		return 0;
	if (rename(w->written, w->target)) {
		w->err = -errno;
		log_error("cannot overwrite %s: %s; the new capture is %s", w->path,
			  strerror(-w->err), w->written);
		return w->err;
	}
	free(w->target);
	w->target = NULL;
	return 0;
}

int capture_create(const char *path, bool overwrite, const struct capture_info *info,
		   const struct stack_table *stacks, struct capture_writer **out)
{
	struct capture_writer *w = calloc(1, sizeof(*w));
	int fd, err = -ENOMEM;

	if (w)
		w->path = strdup(path);
	if (!w || !w->path) {
		log_error("%s: out of memory", path);
		free(w);
		return err;
	}
	w->hdr = info->hdr;
	w->stacks = stacks;
	fd = open_output(w, overwrite);
	if (fd < 0) {
		err = create_failed(path, fd);
		goto fail;
	}
	w->gz = gzdopen(fd, "wb1");
	if (!w->gz) {
		close(fd);
		log_error("%s: out of memory", path);
		goto fail;
	}
	err = put_line(w, capture_json_header(info)) ?: flush(w);
	if (err)
		goto fail;
	*out = w;
	return 0;
fail:
	/* Without a header it is of no use. */
	capture_discard(w);
	return err;
}

int capture_write(struct capture_writer *w, const struct interval *iv)
{
	int err = w->err;

	if (err)
		return err;
	while (!err && w->n_stacks < w->stacks->n)
		err = put_line(w, capture_json_stack(w->stacks, w->n_stacks++));
	err = err ?: put_line(w, json_interval(&w->hdr, iv));
	return err ?: flush(w);
}

int capture_close(struct capture_writer *w, const struct interval *total)
{
	int err, code;

	if (!w)
		return 0;
	err = w->err;
	if (!err)
		err = capture_keep(w);
	if (!err && total)
		err = put_line(w, json_end(&w->hdr, total));
	errno = 0;
	code = gzclose(w->gz);
	if (code != Z_OK && !err) {
		err = errno ? -errno : -EIO;
		log_error("cannot write to %s: %s; what was written before stays readable", w->path,
			  strerror(-err));
	}
	free_writer(w);
	return err;
}
