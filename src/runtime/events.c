// SPDX-License-Identifier: GPL-2.0
/* Timer, signals and input in one poll(); nothing happens in signal handlers. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <dmasync/clock.h>
#include <dmasync/events.h>
#include <dmasync/log.h>

int events_open(struct events *ev, bool full_screen)
{
	sigset_t mask;
	int err;

	memset(ev, 0, sizeof(*ev));
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	if (full_screen) {
		sigaddset(&mask, SIGQUIT);
		sigaddset(&mask, SIGWINCH);
		sigaddset(&mask, SIGTSTP);
	}
	sigprocmask(SIG_BLOCK, &mask, &ev->old_mask);
	ev->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	ev->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (ev->signal_fd >= 0 && ev->timer_fd >= 0)
		return 0;
	err = -errno;
	log_error("cannot wait for signals and time: %s", strerror(errno));
	events_close(ev);
	return err;
}

static int arm(struct events *ev)
{
	__u64 at = ev->end && ev->end < ev->next ? ev->end : ev->next;
	struct itimerspec spec = {
		.it_value = { .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 },
	};

	if (!timerfd_settime(ev->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL))
		return 0;
	log_error("cannot set the interval's timer: %s", strerror(errno));
	return -errno;
}

int events_start(struct events *ev, __u64 period_ns, __u64 duration_ns)
{
	__u64 now = clock_ns();

	ev->period = period_ns;
	ev->next = now + period_ns;
	ev->end = duration_ns ? now + duration_ns : 0;
	return arm(ev);
}

static int take_signals(struct events *ev)
{
	struct signalfd_siginfo si;
	int mask = 0;

	while (read(ev->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGCHLD:
			mask |= EVENT_CHILD;
			break;
		case SIGWINCH:
			mask |= EVENT_RESIZE;
			break;
		case SIGTSTP:
			mask |= EVENT_SUSPEND;
			break;
		default:
			mask |= EVENT_STOP;
			ev->stop_signal = si.ssi_signo;
			ev->stop_sent = si.ssi_code != SI_KERNEL;
		}
	}
	return mask;
}

static int take_timer(struct events *ev)
{
	__u64 expirations, now = clock_ns();
	int err;

	if (read(ev->timer_fd, &expirations, sizeof(expirations)) != sizeof(expirations))
		return 0;
	if (ev->end && now >= ev->end)
		return EVENT_END;
	if (now >= ev->next)
		ev->next += ((now - ev->next) / ev->period + 1) * ev->period;
	err = arm(ev);
	return err ? err : EVENT_TICK;
}

int events_wait(struct events *ev, int input_fd)
{
	struct pollfd fds[] = {
		{ .fd = ev->signal_fd, .events = POLLIN },
		{ .fd = ev->timer_fd, .events = POLLIN },
		{ .fd = input_fd, .events = POLLIN },
	};
	int mask = 0, timer;

	while (poll(fds, 3, -1) < 0) {
		if (errno == EINTR)
			continue;
		log_error("cannot wait for the end of the interval: %s", strerror(errno));
		return -errno;
	}
	if (fds[0].revents)
		mask |= take_signals(ev);
	if (fds[1].revents) {
		timer = take_timer(ev);
		if (timer < 0)
			return timer;
		mask |= timer;
	}
	if (fds[2].revents)
		mask |= EVENT_INPUT;
	return mask;
}

void events_restore_signals(const struct events *ev)
{
	sigprocmask(SIG_SETMASK, &ev->old_mask, NULL);
}

void events_close(struct events *ev)
{
	if (ev->timer_fd >= 0)
		close(ev->timer_fd);
	if (ev->signal_fd >= 0)
		close(ev->signal_fd);
	events_restore_signals(ev);
}
