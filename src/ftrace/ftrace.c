// SPDX-License-Identifier: GPL-2.0
/* A measurement by ftrace: kprobe events in an instance of our own, added up here. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/utsname.h>
#include <dmasync/backend.h>
#include <dmasync/clock.h>
#include <dmasync/log.h>
#include <dmasync/machine.h>
#include <dmasync/pmu.h>
#include "calls.h"
#include "loss.h"
#include "null.h"
#include "plan.h"
#include "rows.h"
#include "tasks.h"
#include "tracefs.h"

#define ROUND_MS_MAX 50
#define FULL_ENOUGH 20 /* percent of a buffer in one round: the next one comes sooner */
/*
 * Between a record's time and when it can be read: the rest of the handlers that run on its CPU.
 * One that takes longer is told in the next interval.
 */
#define SETTLE_NS 1000000ULL
#define TRIM_NS 1000000000ULL
#define BUFFER_KIB_MAX 2048
#define BUFFER_KIB_MIN 256
#define BUFFERS_KIB (64 << 10) /* all of them together, where many CPUs would make it more */

struct session {
	const struct backend *backend;
	struct options opt;
	struct header hdr;
	struct features features;
	struct utsname uts;
	struct instance instance;
	struct probes probes;
	struct ring *ring;
	struct calls *calls;
	struct rows *rows;
	struct tasks *tasks;
	struct pmu *pmu;
	__u64 unprobed_ns; /* see calibrate_unprobed() */
	__u64 pmu_dsb;	   /* its count up to the running interval */
	pthread_t reader;
	int wake;	      /* eventfd that ends the reader; -1: there is none */
	pthread_mutex_t lock; /* of all below, and of what the reader fills */
	bool procs;
	int read_err;	      /* of the reader */
	__u64 begun_ns;	      /* start of the session's first interval, then of the running one */
	__u64 from_ns, to_ns; /* calls that begin in between are recorded */
	__u64 not_told;	      /* calls of threads of which -p cannot tell whose they were, ... */
	__u64 not_booked;     /* ... and those that are under process 0 for it */
	struct loss loss;     /* up to the running interval */
};

static void describe_machine(struct session *s)
{
	struct header *hdr = &s->hdr;

	uname(&s->uts);
	snprintf(hdr->release, sizeof(hdr->release), "%s", s->uts.release);
	snprintf(hdr->machine, sizeof(hdr->machine), "%s", s->uts.machine);
	hdr->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	machine_model("", hdr->model, sizeof(hdr->model));
	hdr->flavour = s->features.flavour;
	hdr->level = s->opt.level;
}

static int check_symbols(const struct session *s)
{
	if (s->features.flavour != FLAVOUR_UNKNOWN)
		return 0;
	log_error("cannot tell what this kernel has: %s", s->features.why);
	return -EOPNOTSUPP;
}

static __u32 number_device(void *ctx, const char *name)
{
	struct session *s = ctx;

	return rows_device(s->rows, name);
}

static bool call_wanted(void *ctx, enum op op, __u32 pid, const char *comm)
{
	struct session *s = ctx;
	pid_t tgid;

	if (op == OP_CALIBRATE)
		return pid == (__u32)getpid();
	if (s->opt.comm && strcmp(s->opt.comm, comm))
		return false;
	if (!s->opt.pid)
		return true;
	tgid = tasks_process(s->tasks, pid);
	s->not_told += tgid < 0;
	return tgid == s->opt.pid;
}

static void call_done(void *ctx, const struct call_done *call)
{
	struct session *s = ctx;

	pid_t tgid = s->procs ? tasks_process(s->tasks, call->pid) : -1;

	if (s->procs && tgid < 0) {
		s->not_booked++;
		tgid = 0;
	}
	rows_add(s->rows, call, tgid);
}

static void take_event(void *ctx, const struct trace_event *ev)
{
	struct session *s = ctx;

	calls_take(s->calls, ev, s->from_ns, s->to_ns);
}

/* Reads what there is, and takes what is older than @until. Percent of a buffer, or -errno. */
static int round_until(struct session *s, __u64 until)
{
	int full = ring_read(s->ring);

	if (full >= 0)
		ring_take(s->ring, until, take_event, s);
	return full;
}

/* Between rounds, and often: an interval may be a day. */
static void trim(struct session *s)
{
	calls_trim(s->calls);
	tasks_forget(s->tasks);
	if (s->opt.pid)
		tasks_learn(s->tasks, s->opt.pid);
}

static void *read_on(void *arg)
{
	struct session *s = arg;
	struct pollfd wake = { .fd = s->wake, .events = POLLIN };
	int ms = ROUND_MS_MAX, full;
	__u64 trimmed = clock_ns();

	while (!poll(&wake, 1, ms)) {
		pthread_mutex_lock(&s->lock);
		full = round_until(s, clock_ns() - SETTLE_NS);
		if (full < 0)
			s->read_err = full;
		if (clock_ns() > trimmed + TRIM_NS) {
			trim(s);
			trimmed = clock_ns();
		}
		pthread_mutex_unlock(&s->lock);
		if (full > FULL_ENOUGH)
			ms = ms > 2 ? ms / 2 : 1;
		else if (ms < ROUND_MS_MAX)
			ms++;
	}
	return NULL;
}

static int start_reader(struct session *s)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGABRT };
	sigset_t all, old;
	int err;

	s->wake = eventfd(0, EFD_CLOEXEC);
	if (s->wake < 0)
		return -errno;
	/* Signals are for the thread that waits for them, but for those of a crash in this one. */
	sigfillset(&all);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(&all, own[i]);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	err = -pthread_create(&s->reader, NULL, read_on, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		close(s->wake);
		s->wake = -1;
	}
	return err;
}

/* Tests make it so small that records are lost. */
#define BUFFER_ENV "DMASYNCTOP_TRACE_KIB"

static unsigned int buffer_kib(void)
{
	const char *told = getenv(BUFFER_ENV);
	unsigned int kib = told ? strtoul(told, NULL, 10) : 0;

	if (kib)
		return kib;
	kib = BUFFERS_KIB / machine_cpu_numbers("");

	return kib > BUFFER_KIB_MAX ? BUFFER_KIB_MAX : kib < BUFFER_KIB_MIN ? BUFFER_KIB_MIN : kib;
}

static int open_counters(struct session *s)
{
	struct calls_user user = {
		.wanted = call_wanted,
		.done = call_done,
		.ctx = s,
	};

	s->rows = rows_open(s->uts.machine, s->opt.max_rows ?: ROWS_MAX);
	s->tasks = tasks_open();
	s->calls = calls_open(user, sysconf(_SC_PAGESIZE));
	if (s->rows && s->tasks && s->calls) {
		if (s->opt.pid)
			tasks_learn(s->tasks, s->opt.pid);
		return 0;
	}
	log_error("out of memory");
	return -ENOMEM;
}

static int switch_on(struct session *s)
{
	struct calibrate_target null = null_target();
	char name[80];
	int err;

	snprintf(name, sizeof(name), "events/%s/enable", s->instance.name);
	s->unprobed_ns = calibrate_unprobed(&null);
	err = tracefs_write(s->instance.dir, name, "1");
	err = err ?: start_reader(s);
	if (err)
		log_error("cannot switch the events of %s on: %s", s->instance.dir, strerror(-err));
	return err;
}

static void open_pmu(struct session *s)
{
	char why[256];

	if (!pmu_open(&s->pmu, why, sizeof(why)))
		return;
	s->pmu = NULL;
	log_warn("no barriers from the PMU: %s", why);
}

static struct loss lost_so_far(const struct session *s)
{
	struct loss loss = { .recursion_misses = probes_missed(&s->instance),
			     .trace_events = ring_lost(s->ring) };

	calls_loss(s->calls, &loss.events);
	loss.events.calls_full += rows_lost(s->rows) + s->not_told;
	loss.events.procs_full += s->not_booked;
	return loss;
}

static void close_session(struct session *s)
{
	if (s->wake >= 0) {
		eventfd_write(s->wake, 1);
		pthread_join(s->reader, NULL);
		close(s->wake);
	}
	instance_remove(&s->instance);
	ring_close(s->ring);
	probes_close(&s->probes);
	calls_close(s->calls);
	rows_close(s->rows);
	tasks_close(s->tasks);
	pmu_close(s->pmu);
	features_free(&s->features);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int open_all(struct session *s)
{
	struct ring_names names = { number_device, s };
	struct ksym syms[HOOK_SYMBOLS_MAX + 1];
	size_t n_syms = hooks_symbols(&s->opt, syms);
	struct ksym *null = &syms[n_syms];
	struct plan plan = { &s->opt, &s->features, syms, null };
	int err;

	*null = (struct ksym){ .name = null_function() };
	features_read(&s->features, NULL, false, syms, n_syms + !!null->name);
	describe_machine(s);
	err = check_symbols(s) ?: open_counters(s) ?: instance_create(&s->instance);
	err = err ?: plan_probes(&plan, &s->instance, &s->hdr, &s->probes);
	err = err ?: ring_open(&s->instance, buffer_kib(), &s->probes, names, &s->ring);
	return err ?: switch_on(s);
}

/* Everything up to @until that is in the buffers. */
static int read_until(struct session *s, __u64 until)
{
	int full;

	while (clock_ns() < until + SETTLE_NS)
		usleep(SETTLE_NS / 1000);
	full = s->read_err ?: round_until(s, until);
	if (full >= 0)
		return 0;
	log_error("cannot read the trace buffers: %s", strerror(-full));
	return full;
}

static int read_null(void *ctx, struct calibrate_sample *sample)
{
	struct session *s = ctx;
	int err;

	pthread_mutex_lock(&s->lock);
	err = read_until(s, clock_ns());
	if (!err)
		rows_take_null(s->rows, sample);
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* What the probes cost on a system call that does nothing, which stays probed. */
static void measure_probes(struct session *s)
{
	struct calibrate_target null = null_target();
	struct probe_cost *cost = &s->hdr.cost;
	char why[sizeof(cost->why)] = "";
	bool probed = false;

	for (unsigned int i = 0; i < s->hdr.n_hooks; i++)
		probed |= s->hdr.hooks[i].op == OP_CALIBRATE && s->hdr.hooks[i].rung != RUNG_NONE;
	if (probed && s->unprobed_ns)
		calibrate_target(&null, s->unprobed_ns, read_null, s, cost, why, sizeof(why));
	else
		snprintf(why, sizeof(why), "no system call without a function can be probed here");
	if (!cost->valid)
		snprintf(cost->why, sizeof(cost->why), "%s", why);
}

static int open_session(const struct options *opt, struct session **out)
{
	struct session *s;
	int err = plan_check_options(opt);

	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s) {
		log_error("out of memory");
		return -ENOMEM;
	}
	s->backend = &backend_ftrace;
	s->opt = *opt;
	s->opt.procs &= plan_processes_told();
	s->wake = s->instance.lock = -1;
	s->from_ns = s->to_ns = ~0ULL;
	pthread_mutex_init(&s->lock, NULL);
	err = open_all(s);
	if (err) {
		close_session(s);
		return err;
	}
	measure_probes(s);
	if (opt->pmu)
		open_pmu(s);
	pthread_mutex_lock(&s->lock);
	s->loss = lost_so_far(s);
	s->begun_ns = s->from_ns = clock_ns();
	pthread_mutex_unlock(&s->lock);
	*out = s;
	return 0;
}

static struct header *get_header(struct session *s)
{
	return &s->hdr;
}

static const struct stack_table *get_stacks(const struct session *s)
{
	return NULL;
}

/* The rows have told of theirs already. */
static void take_loss(struct session *s, struct loss *loss)
{
	struct loss now = lost_so_far(s);

	loss_since(loss, &s->loss, &now);
}

static int read_interval(struct session *s, struct interval *iv)
{
	struct taking t = { .opt = &s->opt, .flavour = s->hdr.flavour, .iv = iv };
	__u64 now = clock_ns();
	int err;

	interval_clear(iv);
	pthread_mutex_lock(&s->lock);
	err = read_until(s, now);
	if (!err) {
		err = rows_take(s->rows, &t);
		if (err)
			log_error("out of memory for the rows of an interval");
	}
	iv->t_ns = now;
	iv->dur_ns = now - s->begun_ns;
	iv->has_procs = s->procs;
	s->begun_ns = now;
	take_loss(s, &iv->loss);
	pthread_mutex_unlock(&s->lock);
	if (s->pmu) {
		__u64 dsb = pmu_read(s->pmu);

		iv->has_pmu = true;
		iv->pmu_dsb = dsb - s->pmu_dsb;
		s->pmu_dsb = dsb;
	}
	return err;
}

static void stop(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->to_ns == ~0ULL)
		s->to_ns = clock_ns();
	pthread_mutex_unlock(&s->lock);
}

static int set_procs(struct session *s, bool on)
{
	if (!s->opt.procs)
		return on ? -ENOTSUP : 0;
	pthread_mutex_lock(&s->lock);
	s->procs = on;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void print_stats(struct session *s, FILE *out)
{
	probes_print_stats(&s->instance, out);
}

const struct backend backend_ftrace = {
	.possible = plan_possible,
	.open = open_session,
	.header = get_header,
	.stacks = get_stacks,
	.read = read_interval,
	.stop = stop,
	.set_procs = set_procs,
	.print_stats = print_stats,
	.close = close_session,
};
