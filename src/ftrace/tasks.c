// SPDX-License-Identifier: GPL-2.0
/* To which process a thread belongs: records tell threads only. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../interval/index.h"
#include "tasks.h"

struct thread {
	pid_t tid;
	pid_t tgid;
};

struct tasks {
	struct thread *threads;
	size_t n, cap;
	struct index index;
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
	return line ? atoi(line + strlen("\nTgid:")) : tid;
}

pid_t tasks_process(struct tasks *t, pid_t tid)
{
	struct thread like = { .tid = tid }, *found;
	void *items = t->threads;
	bool known;

	if (!tid)
		return 0;
	found = index_find(&t->index, &thread_kind, &items, &t->n, &t->cap, &like, &known);
	t->threads = items;
	if (!found)
		return ask(tid);
	if (!known)
		found->tgid = ask(tid);
	return found->tgid;
}

void tasks_forget(struct tasks *t)
{
	index_clear(&t->index);
	t->n = 0;
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
