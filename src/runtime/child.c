// SPDX-License-Identifier: GPL-2.0
/* Starts, signals and reaps the command that is being measured. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include <dmasync/child.h>
#include <dmasync/log.h>

static void capture_output(FILE *capture)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(fileno(capture), STDOUT_FILENO);
	dup2(fileno(capture), STDERR_FILENO);
}

static void __attribute__((noreturn))
run(char *const argv[], const struct events *ev, FILE *capture, int report)
{
	int err;

	if (capture)
		capture_output(capture);
	events_restore_signals(ev);
	signal(SIGPIPE, SIG_DFL); /* which is ignored here: see main() */
	execvp(argv[0], argv);
	err = errno;
	if (write(report, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(127);
}

int child_start(struct child *c, char *const argv[], const struct events *ev, FILE *capture)
{
	int report[2], err = 0;
	ssize_t n;

	*c = (struct child){ .status = 126 };
	if (pipe2(report, O_CLOEXEC)) {
		log_error("cannot start '%s': pipe: %s", argv[0], strerror(errno));
		return -errno;
	}
	c->pid = fork();
	if (!c->pid)
		run(argv, ev, capture, report[1]);
	err = c->pid < 0 ? errno : 0;
	close(report[1]);
	/* The pipe closes unwritten when exec succeeds. */
	while (!err && (n = read(report[0], &err, sizeof(err))) < 0 && errno == EINTR)
		;
	close(report[0]);
	if (!err) {
		c->running = true;
		return 0;
	}
	if (c->pid > 0)
		waitpid(c->pid, NULL, 0);
	c->pid = 0;
	c->status = err == ENOENT ? 127 : 126;
	log_error("cannot start '%s': %s", argv[0], strerror(err));
	return -err;
}

static void ended(struct child *c, int wstatus)
{
	c->running = false;
	c->status = WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus) : WEXITSTATUS(wstatus);
	if (c->stopped_by_us && c->status == 128 + SIGTERM)
		c->status = 0;
}

bool child_ended(struct child *c)
{
	int wstatus;
	pid_t pid;

	if (!c->running)
		return true;
	pid = waitpid(c->pid, &wstatus, WNOHANG);
	if (pid == c->pid)
		ended(c, wstatus);
	return !c->running;
}

void child_signal(struct child *c, int sig)
{
	if (c->running)
		kill(c->pid, sig);
}

void child_stop(struct child *c)
{
	if (!c->running)
		return;
	c->stopped_by_us = true;
	/* A stopped child would not see it. */
	kill(c->pid, SIGTERM);
	kill(c->pid, SIGCONT);
}
