// SPDX-License-Identifier: GPL-2.0
/* The dmasync_bench module: runs of every kind, one after the other, on devices of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "soak.h"

#define DIR "/sys/kernel/debug/dmasync_bench/"

static const char *any(struct soak_worker *w, const char *const *names, unsigned int n)
{
	return names[soak_random(w, n)];
}

#define ANY(w, ...)                                                                                \
	any(w, (const char *const[]){ __VA_ARGS__ },                                               \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* Sums up the values of "key":N in the result. */
static uint64_t sum_of(const char *text, const char *key)
{
	uint64_t sum = 0;

	while ((text = strstr(text, key))) {
		text += strlen(key);
		sum += strtoull(text, NULL, 10);
	}
	return sum;
}

static bool makes_fail(const char *command)
{
	return strstr(command, "fail=limit");
}

/*
 * A map that is to fail has no small buffers: they would bounce, and no bounce buffer lies below
 * the limit that makes it fail, of which the kernel warns.
 */
static void make_command(struct soak_worker *w, char *command, size_t size)
{
	static const unsigned int counts[] = { 1, 2, 31, 129, 600 };
	const char *op = ANY(w, "sg", "sg", "sgtable", "page", "single", "coherent");
	bool list = op[1] == 'g', coherent = !strcmp(op, "coherent");
	bool fails = !coherent && !soak_random(w, 6);
	const char *layout = list ? ANY(w, "plain", "unaligned", "chained", "mixed", "small")
				  : ANY(w, "plain", "unaligned", "mixed");
	unsigned int entries = counts[soak_random(w, 5)];

	if (fails)
		layout = ANY(w, "plain", "unaligned");
	snprintf(
		command, size,
		"op=%s dir=%s attrs=%s device=%s layout=%s entries=%u size=%u iterations=%u cpu=%u%s",
		op, ANY(w, "to_device", "from_device", "bidirectional"),
		ANY(w, "none", "none", "skip_cpu_sync"), ANY(w, "platform", "pci"), layout,
		coherent && entries > 31 ? 31 : entries, *layout == 's' ? 512 : SOAK_PAGE,
		1 + soak_random(w, 8), soak_random(w, sysconf(_SC_NPROCESSORS_ONLN)),
		fails ? " fail=limit fail_at=0" : "");
}

static int read_result(struct soak_worker *w, char *text, size_t size)
{
	int fd = open(DIR "result", O_RDONLY);
	size_t got = 0;
	ssize_t n = -1;

	while (fd >= 0 && got < size - 1 && (n = read(fd, text + got, size - 1 - got)) > 0)
		got += n;
	text[got] = '\0';
	close(fd);
	return n < 0 ? soak_fail(w, "read the module's result") : 0;
}

/* 0: it runs; 1: there is not enough memory in one piece for it just now; -1 after a message. */
static int run_command(struct soak_worker *w, const char *command)
{
	int fd = open(DIR "run", O_WRONLY), ret = 0;

	if (fd < 0 || write(fd, command, strlen(command)) < 0)
		ret = fd >= 0 && errno == ENOMEM ? 1 : -1;
	if (ret < 0) {
		soak_fail(w, "start the module");
		fprintf(stderr, "soak: %s: the command was '%s'\n", w->name, command);
	}
	close(fd);
	return ret;
}

int soak_module(struct soak_worker *w)
{
	static char text[16384];
	char command[256];
	int err;

	do {
		make_command(w, command, sizeof(command));
		err = run_command(w, command);
		if (err > 0)
			continue;
		if (err || read_result(w, text, sizeof(text)))
			return 1;
		w->calls += sum_of(text, "\"calls\":");
		w->checked += sum_of(text, "\"bytes\":");
		if (!strstr(text, "\"state\":\"done\"") ||
		    !sum_of(text, "\"errors\":") == makes_fail(command)) {
			fprintf(stderr, "soak: %s: '%s': %s", w->name, command, text);
			soak_mismatch(w, "a run did not end as it has to", w->rounds);
		}
	} while (soak_goes_on(w));
	return 0;
}
