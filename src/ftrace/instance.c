// SPDX-License-Identifier: GPL-2.0
/* A trace instance of our own, with kprobe events of our own, removed whatever happens. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <dmasync/log.h>
#include "instance.h"
#include "tracefs.h"

#define PREFIX "dmasynctop_"
#define LOCK_TRIES 500	 /* of 10 ms: another one that starts or ends now */
#define REMOVE_TRIES 100 /* of 10 ms: a reader may be just inside */
#define COMMAND_LEN (2 * INSTANCE_NAME_LEN + 32)
#define KEPT_MAX 4096 /* one for each CPU */

enum { UNDO_NOTHING, UNDO_ARMED, UNDO_RUNS };

/*
 * What a signal handler needs to undo everything, made beforehand of plain strings. It is the only
 * state of its kind: a handler has no argument of ours.
 */
static struct {
	int state;   /* UNDO_* */
	pid_t owner; /* a child that has not called exec() yet has our handlers, too */
	char enable[192], enable_top[128], dir[128], probes[64];
	char remove[INSTANCE_EVENTS_MAX][COMMAND_LEN];
	unsigned int n_remove;
	int kept[KEPT_MAX];
	unsigned int n_kept;
} undo;

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP,	SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE,
			      SIGILL, SIGSYS,  SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ };

/* Only calls that are allowed in a signal handler. */
static int write_string(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static void nap(void)
{
	const struct timespec ten_ms = { .tv_nsec = 10000000 };

	nanosleep(&ten_ms, NULL);
}

/* All signals are to be blocked: one that came here again would wait for itself in die(). */
static void undo_all(void)
{
	int armed = UNDO_ARMED;

	if (undo.owner != getpid() ||
	    !__atomic_compare_exchange_n(&undo.state, &armed, UNDO_RUNS, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return;
	write_string(undo.enable, "0");
	/* Whoever enabled all events at the top keeps ours from going. */
	write_string(undo.enable_top, "0");
	for (unsigned int i = 0; i < undo.n_kept; i++)
		close(undo.kept[i]);
	for (unsigned int i = undo.n_remove; i--;)
		write_string(undo.probes, undo.remove[i]);
	for (int i = 0; i < REMOVE_TRIES && rmdir(undo.dir) && errno == EBUSY; i++)
		nap();
	__atomic_store_n(&undo.state, UNDO_NOTHING, __ATOMIC_SEQ_CST);
}

static void undo_at_exit(void)
{
	sigset_t every;

	/* Another signal meanwhile would leave half of it. */
	sigfillset(&every);
	sigprocmask(SIG_BLOCK, &every, NULL);
	undo_all();
}

static void die(int sig)
{
	undo_all();
	/* Another thread may be at it, with a signal of its own. */
	while (undo.owner == getpid() &&
	       __atomic_load_n(&undo.state, __ATOMIC_SEQ_CST) == UNDO_RUNS)
		nap();
	raise(sig); /* SA_RESETHAND: with the default action, when this returns */
}

static void arm(const struct instance *in)
{
	struct sigaction action = {
		.sa_handler = die,
		.sa_flags = SA_RESETHAND,
	}, old;
	static bool registered;

	undo.owner = getpid();
	undo.n_remove = 0;
	undo.n_kept = 0;
	snprintf(undo.dir, sizeof(undo.dir), "%s", in->dir);
	snprintf(undo.enable, sizeof(undo.enable), "%s/events/%s/enable", in->dir, in->name);
	snprintf(undo.enable_top, sizeof(undo.enable_top), "%s/events/%s/enable", tracefs_dir(),
		 in->name);
	snprintf(undo.probes, sizeof(undo.probes), "%s/kprobe_events", tracefs_dir());
	undo.state = UNDO_ARMED;
	if (registered)
		return;
	registered = true;
	atexit(undo_at_exit);
	/* A second signal waits until the first one has undone everything. */
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		if (!sigaction(deadly[i], NULL, &old) && old.sa_handler == SIG_DFL)
			sigaction(deadly[i], &action, NULL);
}

/* The next kprobe event in *@at, the text of kprobe_events, which it cuts up; false: no more. */
static bool next_event(char **at, char **group, char **event)
{
	char *line, *end;

	while (*(line = *at)) {
		*at = line + strcspn(line, "\n");
		if (**at)
			*(*at)++ = '\0';
		end = strchr(line, ' ');
		if (end)
			*end = '\0';
		*group = strchr(line, ':');
		*event = *group ? strchr(*group, '/') : NULL;
		if (!*event)
			continue;
		(*group)++;
		*(*event)++ = '\0';
		return true;
	}
	return false;
}

/* Switches the events of our group @name off in every instance: others may have enabled them. */
static void disable_events(const char *name)
{
	char path[96], enable[NAME_MAX + 96];
	struct dirent *entry;
	DIR *dir;

	snprintf(enable, sizeof(enable), "events/%s/enable", name);
	tracefs_write(tracefs_dir(), enable, "0");
	snprintf(path, sizeof(path), "%s/instances", tracefs_dir());
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(enable, sizeof(enable), "%s/events/%s/enable", entry->d_name, name);
		tracefs_write(path, enable, "0");
	}
	if (dir)
		closedir(dir);
}

/* Removes the kprobe events of our group @name. 0, or -errno of the last one that stays. */
static int remove_events(const char *name)
{
	char *text, *at, *group, *event, command[160];
	bool off = false;
	int err, kept = 0;

	err = tracefs_read(tracefs_dir(), "kprobe_events", &text);
	if (err)
		return err;
	for (at = text; next_event(&at, &group, &event);) {
		if (strcmp(group, name))
			continue;
		if (!off)
			disable_events(name);
		off = true;
		snprintf(command, sizeof(command), "-:%s/%s", group, event);
		err = tracefs_write(tracefs_dir(), "kprobe_events", command);
		if (err && err != -ENOENT)
			kept = err;
	}
	free(text);
	return kept;
}

static void warn_kept(const char *name, int err)
{
	if (err)
		log_warn("cannot remove the kprobe events %s/: %s; whoever uses them must stop, "
			 "then the next start removes them",
			 name, strerror(-err));
}

/* The directory of instances with the lock that starting and cleaning up is done under, or -errno.
 */
static int lock_instances(void)
{
	char path[96];
	int fd, i;

	snprintf(path, sizeof(path), "%s/instances", tracefs_dir());
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (i = 0; flock(fd, LOCK_EX | LOCK_NB); i++) {
		if (errno != EWOULDBLOCK || i == LOCK_TRIES) {
			close(fd);
			return -EBUSY;
		}
		nap();
	}
	return fd;
}

/* Directory @path with its owner's lock; -EWOULDBLOCK: the owner lives; or -errno. */
static int lock_instance(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0 || !flock(fd, LOCK_EX | LOCK_NB))
		return fd < 0 ? -errno : fd;
	err = -errno;
	close(fd);
	return err;
}

static int remove_directory(const char *path)
{
	int i;

	for (i = 0; rmdir(path); i++) {
		if (errno != EBUSY || i == REMOVE_TRIES)
			return -errno;
		nap();
	}
	return 0;
}

/* Takes away what the dead process left that made the instance @name. */
static void clean_dead(const char *name)
{
	char dir[128];
	int lock, err;

	snprintf(dir, sizeof(dir), "%s/instances/%s", tracefs_dir(), name);
	lock = lock_instance(dir);
	if (lock < 0)
		return;
	warn_kept(name, remove_events(name));
	err = remove_directory(dir);
	if (err)
		log_warn("cannot remove %s, which a dead dmasynctop left: %s", dir, strerror(-err));
	close(lock);
}

/* Events whose instance went without them, as somebody had enabled them. */
static void clean_orphans(void)
{
	char *text, *at, *group, *event, dir[128], last[INSTANCE_NAME_LEN] = "";

	if (tracefs_read(tracefs_dir(), "kprobe_events", &text))
		return;
	for (at = text; next_event(&at, &group, &event);) {
		if (strncmp(group, PREFIX, strlen(PREFIX)) || strlen(group) >= sizeof(last) ||
		    !strcmp(group, last))
			continue;
		snprintf(last, sizeof(last), "%s", group);
		snprintf(dir, sizeof(dir), "%s/instances/%s", tracefs_dir(), group);
		if (access(dir, F_OK) && errno == ENOENT)
			warn_kept(group, remove_events(group));
	}
	free(text);
}

/* A live one has its directory before its first event, under the lock that is held here. */
static void clean_all_dead(void)
{
	char path[96];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/instances", tracefs_dir());
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, PREFIX, strlen(PREFIX)) &&
		    strlen(entry->d_name) < INSTANCE_NAME_LEN)
			clean_dead(entry->d_name);
	if (dir)
		closedir(dir);
	clean_orphans();
}

/* Another process in a PID namespace of its own may have our number. */
static int make_directory(struct instance *in)
{
	for (int i = 1; i <= 100; i++) {
		if (i == 1)
			snprintf(in->name, sizeof(in->name), PREFIX "%d", getpid());
		else
			snprintf(in->name, sizeof(in->name), PREFIX "%d_%d", getpid(), i);
		snprintf(in->dir, sizeof(in->dir), "%s/instances/%s", tracefs_dir(), in->name);
		if (!mkdir(in->dir, 0750))
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

int instance_create(struct instance *in)
{
	int all = lock_instances(), err = 0;
	sigset_t every, old;

	in->lock = -1;
	if (all < 0) {
		log_error("cannot use %s/instances: %s; is another dmasynctop stuck in its start?",
			  tracefs_dir(), strerror(-all));
		return all;
	}
	clean_all_dead();
	/* Between the directory and its place in the list of what to undo nothing may end us. */
	sigfillset(&every);
	sigprocmask(SIG_BLOCK, &every, &old);
	err = make_directory(in);
	if (!err) {
		arm(in);
		in->lock = lock_instance(in->dir);
		if (in->lock < 0)
			err = in->lock;
	}
	if (err)
		undo_all();
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(all);
	if (err)
		log_error("cannot make the trace instance %s: %s", in->dir, strerror(-err));
	return err;
}

int instance_add_event(struct instance *in, const char *type, const char *event, const char *what)
{
	char name[COMMAND_LEN - 2], command[512];
	int n, err;

	snprintf(name, sizeof(name), "%s/%s_%s", in->name, in->name, event);
	n = snprintf(command, sizeof(command), "%s:%s %s", type, name, what);
	if (n >= (int)sizeof(command) || undo.n_remove == INSTANCE_EVENTS_MAX)
		return -E2BIG;
	/* Noted first: removing what is not there does no harm. */
	snprintf(undo.remove[undo.n_remove], sizeof(undo.remove[0]), "-:%s", name);
	undo.n_remove++;
	err = tracefs_write(tracefs_dir(), "kprobe_events", command);
	if (err)
		undo.n_remove--;
	return err;
}

void instance_drop_event(struct instance *in)
{
	write_string(undo.probes, undo.remove[--undo.n_remove]);
}

int instance_take_fd(int fd)
{
	if (undo.n_kept == KEPT_MAX)
		return -EMFILE;
	undo.kept[undo.n_kept++] = fd;
	return 0;
}

void instance_remove(struct instance *in)
{
	sigset_t every, old;
	int err = 0, kept;

	if (in->lock < 0)
		return;
	sigfillset(&every);
	sigprocmask(SIG_BLOCK, &every, &old);
	undo_all();
	kept = remove_events(in->name);
	if (!access(in->dir, F_OK))
		err = remove_directory(in->dir);
	close(in->lock);
	in->lock = -1;
	sigprocmask(SIG_SETMASK, &old, NULL);
	warn_kept(in->name, kept);
	if (err)
		log_warn("cannot remove %s: %s; the next start tries it again", in->dir,
			 strerror(-err));
}
