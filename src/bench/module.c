// SPDX-License-Identifier: GPL-2.0
/* Talks to the kernel module dmasync_bench through its files in debugfs. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "dmasync/bench_module.h"
#include "dmasync/log.h"

#define RESULT_MAX 65536

static bool get_u64(const json_t *obj, const char *name, __u64 *out)
{
	const json_t *v = json_object_get(obj, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*out = json_integer_value(v);
	return true;
}

static bool get_text(const json_t *obj, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(obj, name));

	if (!text || strlen(text) >= size)
		return false;
	strcpy(out, text);
	return true;
}

static bool take_run(const json_t *obj, struct module_run *run)
{
	const json_t *coherent = json_object_get(obj, "coherent");
	const json_t *iommu = json_object_get(obj, "iommu");

	if (!get_text(obj, "state", run->state, sizeof(run->state)) ||
	    !get_text(obj, "dev", run->dev, sizeof(run->dev)) || !json_is_boolean(coherent) ||
	    !json_is_boolean(iommu))
		return false;
	run->coherent = json_is_true(coherent);
	run->iommu = json_is_true(iommu);
	return true;
}

static bool take_api(const json_t *obj, struct module_run *run)
{
	struct module_api *api = &run->apis[run->n_apis];
	__u64 mean, wrong;
	char name[32];
	int op;

	if (!get_text(obj, "op", name, sizeof(name)))
		return false;
	op = op_by_name(name);
	if (op < 0)
		return true;
	if (run->n_apis == MODULE_APIS)
		return false;
	if (!get_u64(obj, "calls", &api->calls) || !get_u64(obj, "errors", &api->errors) ||
	    !get_u64(obj, "entries", &api->entries) || !get_u64(obj, "bytes", &api->bytes) ||
	    !get_u64(obj, "min_ns", &api->min) || !get_u64(obj, "median_ns", &api->median) ||
	    !get_u64(obj, "p99_ns", &api->p99) || !get_u64(obj, "max_ns", &api->max) ||
	    !get_u64(obj, "mean_ns", &mean))
		return false;
	if (get_u64(obj, "wrong", &wrong))
		run->wrong += wrong;
	api->op = op;
	api->mean = mean;
	run->n_apis++;
	return true;
}

int module_parse(const char *text, struct module_run *run, const char **why)
{
	bool ok = true, seen = false;
	json_error_t error;
	char type[16];
	json_t *obj;

	memset(run, 0, sizeof(*run));
	while (*text && ok) {
		size_t len = strcspn(text, "\n");

		obj = json_loadb(text, len, 0, &error);
		ok = get_text(obj, "type", type, sizeof(type));
		if (ok && !strcmp(type, "run"))
			seen = ok = take_run(obj, run);
		else if (ok && !strcmp(type, "api"))
			ok = take_api(obj, run);
		json_decref(obj);
		text += len + (text[len] == '\n');
	}
	*why = !ok ? "a line is not as it should be" : "there is no line of type \"run\"";
	return ok && seen ? 0 : -EINVAL;
}

/* The whole of a small file into @buf, or what fits. 0 or -errno. */
static int read_file(const char *dir, const char *name, char *buf, size_t size)
{
	char path[256];
	size_t len = 0;
	ssize_t n;
	int fd;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (len + 1 < size && (n = read(fd, buf + len, size - 1 - len)) != 0) {
		if (n < 0) {
			close(fd);
			return -errno;
		}
		len += n;
	}
	buf[len] = '\0';
	close(fd);
	return 0;
}

static int write_command(const char *dir, const char *command)
{
	char path[256];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/run", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, command, strlen(command)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static bool debugfs_mounted(void)
{
	struct statfs fs;

	return !statfs("/sys/kernel/debug", &fs) && fs.f_type == DEBUGFS_MAGIC;
}

static void say_unavailable(const char *dir, int err)
{
	if (err == -EACCES || err == -EPERM)
		log_error("not permitted to use %s: run as root", dir);
	else if (err != -ENOENT)
		log_error("cannot use %s: %s", dir, strerror(-err));
	else if (debugfs_mounted())
		log_error(
			"the kernel module dmasync_bench is not loaded: build kmod/ for this kernel and insmod it");
	else
		log_error(
			"debugfs is not mounted: run 'mount -t debugfs debugfs /sys/kernel/debug' as root, and load the kernel module dmasync_bench");
}

static int start(const char *dir, const char *command)
{
	int err = write_command(dir, command);
	char reason[256];

	if (!err)
		return 0;
	if (err == -ENOENT || err == -EACCES || err == -EPERM ||
	    read_file(dir, "error", reason, sizeof(reason)) || !reason[0]) {
		say_unavailable(dir, err);
		return err;
	}
	reason[strcspn(reason, "\n")] = '\0';
	log_error("the kernel module refuses to run (%s): %s", strerror(-err), reason);
	return err;
}

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
	signalled = number;
}

/* Waits with a signal's end in mind: a run in the kernel does not end with this process. */
static int wait_result(const char *dir, char *text, size_t size)
{
	struct sigaction handler = { .sa_handler = on_signal }, old_int, old_term;
	int err;

	signalled = 0;
	sigaction(SIGINT, &handler, &old_int);
	sigaction(SIGTERM, &handler, &old_term);
	err = read_file(dir, "result", text, size);
	if (signalled) {
		write_command(dir, "stop");
		err = -EINTR;
	}
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGTERM, &old_term, NULL);
	if (signalled)
		raise(signalled);
	return err;
}

int module_run(const char *dir, const char *command, struct module_run *run)
{
	const char *why;
	char *text;
	int err;

	err = start(dir, command);
	if (err)
		return err;
	text = malloc(RESULT_MAX);
	if (!text) {
		log_error("out of memory");
		return -ENOMEM;
	}
	err = wait_result(dir, text, RESULT_MAX);
	if (err)
		log_error("cannot read %s/result: %s", dir, strerror(-err));
	else if ((err = module_parse(text, run, &why)))
		log_error(
			"%s/result cannot be understood: %s; are module and dmasynctop of one version?",
			dir, why);
	else if (strcmp(run->state, "done")) {
		log_error("the module's run was %s", run->state);
		err = -EINTR;
	}
	free(text);
	return err;
}
