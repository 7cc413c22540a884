// SPDX-License-Identifier: GPL-2.0
/* Tells a guest's tests what busybox cannot: BPF objects left behind, what a terminal was left as.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

static const char usage[] =
	"usage: witness bpf                       numbers of BPF programs, links and maps\n"
	"       witness tty MS KEYS|-SIGNAL CMD...  CMD on a terminal of its own: after MS\n"
	"                                         milliseconds it gets KEYS, or a signal\n";

static unsigned int count(int next_id)
{
	union bpf_attr attr;
	unsigned int n = 0;

	memset(&attr, 0, sizeof(attr));
	while (!syscall(SYS_bpf, next_id, &attr, sizeof(attr))) {
		attr.start_id = attr.next_id;
		n++;
	}
	return errno == ENOENT ? n : -1U;
}

static int bpf_run(void)
{
	printf("programs %u links %u maps %u\n", count(BPF_PROG_GET_NEXT_ID),
	       count(BPF_LINK_GET_NEXT_ID), count(BPF_MAP_GET_NEXT_ID));
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* What a terminal's user sees afterwards: the last switch of each of two modes decides. */
struct screen {
	char tail[16]; /* end of the chunk before: a sequence may be cut */
	int alternate, cursor, used;
};

static void screen_feed(struct screen *s, const char *data, size_t n)
{
	char buf[sizeof(s->tail) + 4096 + 1];
	size_t len = strlen(s->tail);
	const char *p;

	memcpy(buf, s->tail, len);
	memcpy(buf + len, data, n);
	buf[len += n] = '\0';
	for (p = buf; (p = memchr(p, '\033', buf + len - p)); p++) {
		if (!strncmp(p, "\033[?1049", 7))
			s->alternate = p[7] == 'h';
		if (!strncmp(p, "\033[?25", 5))
			s->cursor = p[5] == 'h';
		s->used |= s->alternate;
	}
	n = len < sizeof(s->tail) - 1 ? len : sizeof(s->tail) - 1;
	memcpy(s->tail, buf + len - n, n);
	s->tail[n] = '\0';
}

static void act(int master, pid_t pid, const char *what)
{
	if (*what == '-')
		kill(pid, atoi(what + 1));
	else if (write(master, what, strlen(what)) < 0)
		perror("witness: write");
}

static int tty_run(int after, const char *what, char **argv)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct screen screen = { .cursor = 1 };
	struct termios before, later;
	int64_t start = now_ms();
	int master, slave, status = 0, acted = 0;
	char buf[4096];
	ssize_t n;
	pid_t pid;

	if (openpty(&master, &slave, NULL, NULL, &size) || tcgetattr(slave, &before))
		return perror("witness: openpty"), 1;
	pid = fork();
	if (!pid) {
		login_tty(slave);
		setenv("TERM", "xterm", 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	for (;;) {
		struct pollfd fd = { .fd = master, .events = POLLIN };
		int left = poll(&fd, 1, 50);

		if (left > 0 && (n = read(master, buf, sizeof(buf))) > 0)
			screen_feed(&screen, buf, n);
		else if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		if (!acted && now_ms() - start > after) {
			act(master, pid, what);
			acted = 1;
		}
	}
	tcgetattr(slave, &later);
	printf("status %d settings %s alternate %s %s cursor %s\n",
	       WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
	       memcmp(&before, &later, sizeof(later)) ? "changed" : "same",
	       screen.used ? "used" : "unused", screen.alternate ? "on" : "off",
	       screen.cursor ? "on" : "off");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "bpf"))
		return bpf_run();
	if (argc > 4 && !strcmp(argv[1], "tty"))
		return tty_run(atoi(argv[2]), argv[3], argv + 4);
	fputs(usage, stderr);
	return 2;
}
