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

/* What a command printed so far. */
struct output {
	int fd;
	size_t len;
	char text[4 << 20];
};

/* Reads until @text came: 0, or -1 when the command ended without it. NULL: until it ends. */
static int output_wait(struct output *out, const char *text)
{
	ssize_t n;

	while (out->len < sizeof(out->text) - 1) {
		n = read(out->fd, out->text + out->len, sizeof(out->text) - 1 - out->len);
		if (n <= 0)
			return -1;
		out->len += n;
		out->text[out->len] = '\0';
		if (text && strstr(out->text, text))
			return 0;
	}
	return -1;
}

/* Keeps what was read, for whoever wants to know more. */
static void output_save(const struct output *out, const char *label)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/out/%s.tty", label);
	file = fopen(path, "w");
	if (!file)
		return;
	fputs(out->text, file);
	fclose(file);
}

int main(int argc, char **argv)
{
	static struct output out;
	struct winsize size = { .ws_row = 50, .ws_col = 200 };
	unsigned long long start, first, end;
	struct rusage usage;
	int err, status;
	pid_t pid;

	if (argc < 4) {
		fputs("usage: first LABEL TEXT COMMAND...\n", stderr);
		return 2;
	}
	lab_mark_label(argv[1]);
	LAB_MARK(LAB_MARK_BEGIN);
	start = now_ns();
	pid = forkpty(&out.fd, NULL, NULL, &size);
	if (!pid) {
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	err = pid < 0 ? -1 : output_wait(&out, argv[2]);
	LAB_MARK(LAB_MARK_END);
	first = now_ns();
	if (err) {
		fprintf(stderr, "first: %s never printed '%s':\n%s\n", argv[3], argv[2], out.text);
		return 1;
	}
	kill(pid, SIGINT);
	output_wait(&out, NULL);
	output_save(&out, argv[1]);
	if (wait4(pid, &status, 0, &usage) != pid)
		return 1;
	end = now_ns();
	printf("{\"label\":\"%s\",\"first_ns\":%llu,\"end_ns\":%llu,\"rss_kib\":%ld}\n", argv[1],
	       first - start, end - start, usage.ru_maxrss);
	return 0;
}
