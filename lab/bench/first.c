// SPDX-License-Identifier: GPL-2.0
/* How long a command takes to print a given text, on a terminal of its own, and its memory. */
#include <errno.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../mark.h"

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Reads until @text came: 0, or -1 when the command ended without it. */
static int wait_for(int fd, const char *text, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1) {
		n = read(fd, buf + len, size - 1 - len);
		if (n <= 0)
			return -1;
		len += n;
		buf[len] = '\0';
		if (strstr(buf, text))
			return 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	static char buf[1 << 20];
	struct winsize size = { .ws_row = 50, .ws_col = 200 };
	unsigned long long start, first, end;
	struct rusage usage;
	int fd, err, status;
	pid_t pid;

	if (argc < 4) {
		fputs("usage: first LABEL TEXT COMMAND...\n", stderr);
		return 2;
	}
	lab_mark_label(argv[1]);
	LAB_MARK(LAB_MARK_BEGIN);
	start = now_ns();
	pid = forkpty(&fd, NULL, NULL, &size);
	if (!pid) {
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	err = pid < 0 ? -1 : wait_for(fd, argv[2], buf, sizeof(buf));
	LAB_MARK(LAB_MARK_END);
	first = now_ns();
	if (err) {
		fprintf(stderr, "first: %s never printed '%s':\n%s\n", argv[3], argv[2], buf);
		return 1;
	}
	kill(pid, SIGINT);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	if (wait4(pid, &status, 0, &usage) != pid)
		return 1;
	end = now_ns();
	printf("{\"label\":\"%s\",\"first_ns\":%llu,\"end_ns\":%llu,\"rss_kib\":%ld}\n", argv[1],
	       first - start, end - start, usage.ru_maxrss);
	return 0;
}
