// SPDX-License-Identifier: GPL-2.0
/* To which process a thread belongs: records tell threads only. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../interval/index.h"
#include "tasks.h"

struct thread {
	pid_t tid;
	pid_t tgid;	    /* -1: not known */
	unsigned int asked; /* the round in which /proc told it */
};

struct tasks {
	struct thread *threads;
	size_t n, cap;
	struct index index;
	unsigned int round;
};

static __u32 thread_hash(const void *element)
{
	return ((const struct thread *)element)->tid * 2654435761U;
}

static bool thread_same(const void *a, const void *b)
{
	return ((const struct thread *)a)->tid == ((const struct thread *)b)->tid;
}

static const struct index_kind thread_kind = { sizeof(struct thread), thread_hash, thread_same };

static pid_t ask(pid_t tid)
{
	char path[32], text[1024], *line;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, "\nTgid:");
	return line ? atoi(line + strlen("\nTgid:")) : -1;
}

pid_t tasks_process(struct tasks *t, pid_t tid)
{
	struct thread like = { .tid = tid, .tgid = -1 }, *found;
	pid_t now;
	void *items = t->threads;
	bool known;

	if (!tid)
		return 0;
	found = index_find(&t->index, &thread_kind, &items, &t->n, &t->cap, &like, &known);
	t->threads = items;
	if (!found)
		return ask(tid);
	if (known && found->tgid >= 0 && found->asked == t->round)
		return found->tgid;
	now = ask(tid);
	if (now >= 0) {
		found->tgid = now;
		found->asked = t->round;
	}
	/* One that has ended meanwhile is what it was. */
	return found->tgid;
}

void tasks_learn(struct tasks *t, pid_t process)
{
	char path[32];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			tasks_process(t, atoi(entry->d_name));
	if (dir)
		closedir(dir);
}

void tasks_forget(struct tasks *t)
{
	size_t n = 0, kept = 0;
	void *items = t->threads;
	bool known;

	for (size_t i = 0; i < t->n; i++)
		if (t->threads[i].tgid >= 0 && t->threads[i].asked == t->round)
			t->threads[kept++] = t->threads[i];
	t->round++;
	index_clear(&t->index);
	/* Those that stay are where they go. */
	for (size_t i = 0; i < kept; i++) {
		struct thread like = t->threads[i];

		if (!index_find(&t->index, &thread_kind, &items, &n, &t->cap, &like, &known))
			break;
	}
	t->threads = items;
	t->n = n;
}

struct tasks *tasks_open(void)
{
	return calloc(1, sizeof(struct tasks));
}

void tasks_close(struct tasks *t)
{
	if (!t)
		return;
	index_free(&t->index);
	free(t->threads);
	free(t);
}
