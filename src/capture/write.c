// SPDX-License-Identifier: GPL-2.0
/* Writes captures: JSON lines through gzip, flushed with every interval. */
#include <errno.h>
#include <fcntl.h>
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

static int open_output(const char *path, bool overwrite)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL), 0600);
	struct stat st;
	int err;

	if (fd < 0) {
		err = -errno;
		if (err == -EEXIST)
			log_error("%s exists already; --force overwrites it", path);
		else
			log_error("cannot create %s: %s", path, strerror(-err));
		return err;
	}
	/* A file that was there before may be open to others. */
	if (overwrite && !fstat(fd, &st) && S_ISREG(st.st_mode) && fchmod(fd, 0600))
		log_warn("%s: cannot make it private: %s", path, strerror(errno));
	return fd;
}

int capture_create(const char *path, bool overwrite, const struct capture_info *info,
		   const struct stack_table *stacks, struct capture_writer **out)
{
	struct capture_writer *w = calloc(1, sizeof(*w));
	int fd, err;

	if (w)
		w->path = strdup(path);
	if (!w || !w->path) {
		log_error("%s: out of memory", path);
		free(w);
		return -ENOMEM;
	}
	w->hdr = info->hdr;
	w->stacks = stacks;
	fd = open_output(path, overwrite);
	if (fd < 0) {
		err = fd;
		goto fail;
	}
	w->gz = gzdopen(fd, "wb1");
	if (!w->gz) {
		close(fd);
		log_error("%s: out of memory", path);
		err = -ENOMEM;
		goto fail;
	}
	err = put_line(w, capture_json_header(info)) ?: flush(w);
	if (err)
		goto fail;
	*out = w;
	return 0;
fail:
	if (w->gz)
		gzclose(w->gz);
	/* Without a header it is of no use, unless something else was to be found there. */
	if (w->gz && !overwrite)
		unlink(path);
	free(w->path);
	free(w);
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
	if (!err && total)
		err = put_line(w, json_end(&w->hdr, total));
	errno = 0;
	code = gzclose(w->gz);
	if (code != Z_OK && !err) {
		err = errno ? -errno : -EIO;
		log_error("cannot write to %s: %s; what was written before stays readable", w->path,
			  strerror(-err));
	}
	free(w->path);
	free(w);
	return err;
}
