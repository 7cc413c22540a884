// SPDX-License-Identifier: GPL-2.0
/* Tells a guest's tests what busybox cannot: BPF objects left behind, what a terminal was left as.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/types.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#include "../../include/dmasync/shared.h"

static const char usage[] =
	"usage: witness bpf                        numbers of BPF programs, links and maps\n"
	"       witness tty MS KEYS|-SIGNAL CMD... CMD on a terminal of its own; MS milliseconds\n"
	"                                          after its full screen came up it gets KEYS or\n"
	"                                          a signal; then what the terminal was left as\n"
	"       witness strand [full]              leaves a call of dmasynctop's in its table, as if\n"
	"                                          its end had been missed long ago, or just now,\n"
	"                                          and as often as the table has room\n"
	"       witness without CAP CMD...         CMD without a capability\n"
	"       witness as UID CMD...              CMD as another user\n"
	"       witness noprog CMD...              CMD, whose BPF programs the kernel refuses to load\n";

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

/* Descriptor of the map whose name ends in @end, or -1. */
static int map_open(const char *end)
{
	struct bpf_map_info info;
	union bpf_attr attr, get;
	int fd;

	memset(&attr, 0, sizeof(attr));
	while (!syscall(SYS_bpf, BPF_MAP_GET_NEXT_ID, &attr, sizeof(attr))) {
		attr.start_id = attr.next_id;
		memset(&get, 0, sizeof(get));
		get.map_id = attr.next_id;
		fd = syscall(SYS_bpf, BPF_MAP_GET_FD_BY_ID, &get, sizeof(get));
		memset(&get, 0, sizeof(get));
		get.info.bpf_fd = fd;
		get.info.info_len = sizeof(info);
		get.info.info = (uintptr_t)&info;
		if (fd >= 0 && !syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &get, sizeof(get)) &&
		    strlen(info.name) > strlen(end) &&
		    !strcmp(info.name + strlen(info.name) - strlen(end), end))
			return fd;
		close(fd);
	}
	return -1;
}

/* Waits for a call, and when it has ended puts it back: long ago, or until the slot is full. */
static void strand(struct session_state *s, bool full)
{
	const uint64_t long_ago = 11000000000ULL; /* more than CALL_STALE_NS */
	struct task_calls *c = s->calls;
	uint64_t owner, put, start;
	unsigned int i;

	for (;; c = c == &s->calls[CALL_SLOTS - 1] ? s->calls : c + 1) {
		owner = __atomic_load_n(&c->owner, __ATOMIC_ACQUIRE);
		if (owner % TASK_ALIGN && owner % TASK_ALIGN < CALL_KINDS)
			break;
	}
	start = c->frame[0].start;
	put = full ? owner / TASK_ALIGN * TASK_ALIGN + CALLS_NESTED + CALL_DEPTH : owner;
	do {
		for (i = 1; full && i < CALL_DEPTH; i++) {
			c->frame[i] = c->frame[0];
			c->frame[i].kind = owner % TASK_ALIGN;
		}
	} while (__sync_val_compare_and_swap(&c->owner, 0, put));
	if (full)
		return;
	c->frame[0].start = c->suspect = start - long_ago;
	c->suspect_since = start - long_ago;
}

static int strand_run(bool full)
{
	void *s = MAP_FAILED;
	int fd = map_open(".bss");

	if (fd >= 0)
		s = mmap(NULL, sizeof(struct session_state), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 0);
	if (s == MAP_FAILED)
		return perror("witness: cannot map the state of dmasynctop"), 1;
	strand(s, full);
	puts("stranded");
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

/* What the leader of the terminal's session tells when the command has ended. */
struct verdict {
	int status;
	int restored; /* the terminal's settings are those of before */
};

/* Leads the session: with its end the kernel would reset the terminal, so it looks before that. */
static void lead(int slave, int report, char **argv)
{
	struct termios before, after;
	struct verdict v = { 0 };
	int status;
	pid_t pid;

	login_tty(slave);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	tcgetattr(0, &before);
	pid = fork();
	if (!pid) {
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		setenv("TERM", "xterm", 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (write(report, &pid, sizeof(pid)) < 0)
		_exit(1);
	while (waitpid(pid, &status, 0) != pid)
		;
	tcgetattr(0, &after);
	v.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	v.restored = before.c_iflag == after.c_iflag && before.c_oflag == after.c_oflag &&
		     before.c_cflag == after.c_cflag && before.c_lflag == after.c_lflag &&
		     !memcmp(before.c_cc, after.c_cc, sizeof(before.c_cc));
	_exit(write(report, &v, sizeof(v)) < 0);
}

static int tty_run(int after, const char *what, char **argv)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct screen screen = { .cursor = 1 };
	int master, slave, report[2], acted = 0;
	struct verdict v = { 0 };
	char buf[4096];
	ssize_t n;
	int64_t due;
	pid_t pid;

	if (openpty(&master, &slave, NULL, NULL, &size) || pipe(report))
		return perror("witness: openpty"), 1;
	if (!fork())
		lead(slave, report[1], argv);
	close(slave);
	close(report[1]);
	if (read(report[0], &pid, sizeof(pid)) != sizeof(pid))
		return fputs("witness: cannot start it\n", stderr), 1;
	for (due = 0;;) {
		struct pollfd fds[] = { { .fd = master, .events = POLLIN },
					{ .fd = report[0], .events = POLLIN } };

		poll(fds, 2, 50);
		if (fds[0].revents & POLLIN && (n = read(master, buf, sizeof(buf))) > 0)
			screen_feed(&screen, buf, n);
		else if (fds[1].revents)
			break;
		if (!due && screen.used)
			due = now_ms() + after;
		if (!acted && due && now_ms() > due) {
			act(master, pid, what);
			acted = 1;
		}
	}
	if (read(report[0], &v, sizeof(v)) != sizeof(v))
		return fputs("witness: the terminal's leader died\n", stderr), 1;
	printf("status %d settings %s screen %s alternate %s cursor %s\n", v.status,
	       v.restored ? "same" : "changed", screen.used ? "used" : "unused",
	       screen.alternate ? "on" : "off", screen.cursor ? "on" : "off");
	return 0;
}

/* Runs a command as root of a container would be: without capability @cap. */
static int without_run(int cap, char **argv)
{
	if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
		return perror("witness: PR_CAPBSET_DROP"), 1;
	execvp(argv[0], argv);
	perror(argv[0]);
	return 127;
}

/* Runs a command as another user. */
static int as_run(unsigned int uid, char **argv)
{
	if (setgid(uid) || setuid(uid))
		return perror("witness: setuid"), 1;
	execvp(argv[0], argv);
	perror(argv[0]);
	return 127;
}

/* As where BPF is there and yet no program can be had: bpf(BPF_PROG_LOAD) ends in EPERM. */
static int noprog_run(char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 3),
		/* Little endian: the low half of the first argument, the command. */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BPF_PROG_LOAD, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		return perror("witness: seccomp"), 1;
	execvp(argv[0], argv);
	perror(argv[0]);
	return 127;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "bpf"))
		return bpf_run();
	if (argc <= 3 && argc > 1 && !strcmp(argv[1], "strand"))
		return strand_run(argc == 3 && !strcmp(argv[2], "full"));
	if (argc > 4 && !strcmp(argv[1], "tty"))
		return tty_run(atoi(argv[2]), argv[3], argv + 4);
	if (argc > 3 && !strcmp(argv[1], "without"))
		return without_run(atoi(argv[2]), argv + 3);
	if (argc > 3 && !strcmp(argv[1], "as"))
		return as_run(atoi(argv[2]), argv + 3);
	if (argc > 2 && !strcmp(argv[1], "noprog"))
		return noprog_run(argv + 2);
	fputs(usage, stderr);
	return 2;
}
