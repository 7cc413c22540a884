// SPDX-License-Identifier: GPL-2.0
/* Parallel DMA with checksums, moved about between CPUs, for as long as it is told: for `make
 * soak`. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "soak.h"

#define STUCK_SECONDS 240 /* for one round: emulated CPUs, all checks of the kernel */
#define MOVE_NS 20000000L
#define OWN_MOVE 8 /* rounds between moves by itself */

static const char usage[] =
	"usage: soak -t SECONDS [-B] [-d NAME=DEVICE]... [-m] [-p]\n"
	"Reads and writes each DEVICE from two processes, syncs udmabufs, with -p buffers of the\n"
	"system dma-heap that vgem maps, and with -m drives the dmasync_bench module; all at once,\n"
	"and checks the data. -B: everything bounces (swiotlb=force). A JSON line for each process\n"
	"tells what it did.\n";

static struct soak_shared *shared;
static long cpus;

uint32_t soak_random(struct soak_worker *w, uint32_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (w->random >> 16) % below;
}

int soak_fail(const struct soak_worker *w, const char *what)
{
	fprintf(stderr, "soak: %s: cannot %s: %s\n", w->name, what, strerror(errno));
	return 1;
}

void soak_mismatch(struct soak_worker *w, const char *what, uint64_t at)
{
	if (!w->mismatches++)
		fprintf(stderr, "soak: %s: %s at %llu, round %llu\n", w->name, what,
			(unsigned long long)at, (unsigned long long)w->rounds);
}

void soak_fill(void *page, uint64_t key)
{
	uint64_t *words = page, i;

	for (i = 0; i < SOAK_PAGE / 8; i++)
		words[i] = (key + i * 2 + 1) * 0x9e3779b97f4a7c15ull ^ key >> 29;
}

uint64_t soak_sum(const void *page)
{
	const uint64_t *words = page;
	uint64_t sum = 0xcbf29ce484222325ull;
	unsigned int i;

	for (i = 0; i < SOAK_PAGE / 8; i++)
		sum = ((sum << 5 | sum >> 59) ^ words[i]) * 0x100000001b3ull;
	return sum;
}

static void move_to(struct soak_worker *w, pid_t pid, unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (!sched_setaffinity(pid, sizeof(set), &set))
		__atomic_fetch_add(&w->moves, 1, __ATOMIC_RELAXED);
}

bool soak_goes_on(struct soak_worker *w)
{
	w->rounds++;
	if (w->rounds % OWN_MOVE == 0)
		move_to(w, 0, (sched_getcpu() + 1) % cpus);
	return !shared->stop;
}

static struct soak_worker *add(const char *name, int (*run)(struct soak_worker *w))
{
	struct soak_worker *w;
	unsigned int n = 0;

	while (n < SOAK_WORKERS && shared->workers[n].run)
		n++;
	if (n == SOAK_WORKERS) {
		fputs("soak: too many devices\n", stderr);
		exit(2);
	}
	w = &shared->workers[n];
	snprintf(w->name, sizeof(w->name), "%s", name);
	w->run = run;
	w->random = 88172645463325252ull + n * 7919;
	return w;
}

/* Two processes a disk, each with a part of its own. */
static void add_disk(char *text)
{
	char name[40], *path = strchr(text, '=');
	struct soak_worker *w;
	unsigned int i;

	if (!path || !path[1]) {
		fprintf(stderr, "soak: -d %s: want NAME=DEVICE\n", text);
		exit(2);
	}
	*path++ = '\0';
	for (i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%.20s.%u", text, i);
		w = add(name, soak_disk);
		w->path = path;
		w->size = 4 << 20;
		w->base = i * w->size;
	}
}

static int start(struct soak_worker *w)
{
	pid_t pid = fork();

	if (pid < 0)
		return soak_fail(w, "start");
	/* The memory is shared: only the parent knows a worker by its id. */
	if (!pid)
		exit(w->run(w));
	w->pid = pid;
	return 0;
}

/* Whether all still work: none has ended, and each got on lately. */
static int watch(void)
{
	static uint64_t rounds[SOAK_WORKERS];
	static time_t since[SOAK_WORKERS];
	time_t now = time(NULL);
	unsigned int n;

	for (n = 0; n < SOAK_WORKERS && shared->workers[n].run; n++) {
		struct soak_worker *w = &shared->workers[n];

		if (w->pid && waitpid(w->pid, NULL, WNOHANG) == w->pid) {
			fprintf(stderr, "soak: %s ended before its time\n", w->name);
			w->pid = 0;
			return 1;
		}
		if (rounds[n] != w->rounds || !since[n]) {
			rounds[n] = w->rounds;
			since[n] = now;
		} else if (now - since[n] > STUCK_SECONDS) {
			fprintf(stderr, "soak: %s: no progress for %d s, round %llu\n", w->name,
				STUCK_SECONDS, (unsigned long long)w->rounds);
			return 1;
		}
	}
	return 0;
}

/* Somebody else decides where a process runs, also in the middle of a call. */
static void move_somebody(struct soak_worker *self, unsigned int n)
{
	struct soak_worker *w = &shared->workers[soak_random(self, n)];

	if (w->pid)
		move_to(w, w->pid, soak_random(self, cpus));
}

static int supervise(unsigned int n, time_t seconds)
{
	const struct timespec pause = { .tv_nsec = MOVE_NS };
	struct soak_worker self = { .random = 0x2545f4914f6cdd1dull };
	time_t end = time(NULL) + seconds, next = 0;

	/* Soon enough to interrupt calls; a real-time task could starve those that hold up RCU. */
	if (nice(-10) == -1)
		perror("soak: cannot come before the others");
	while (time(NULL) < end) {
		nanosleep(&pause, NULL);
		move_somebody(&self, n);
		if (time(NULL) == next)
			continue;
		next = time(NULL);
		if (watch())
			return 1;
	}
	return 0;
}

/* Lets them end their rounds; who does not is stuck. */
static int finish(unsigned int n)
{
	unsigned int i, tries, left = n;
	int status, failed = 0;

	shared->stop = 1;
	for (tries = 0; left && tries < STUCK_SECONDS * 10; tries++) {
		for (i = left = 0; i < n; i++) {
			struct soak_worker *w = &shared->workers[i];

			if (w->pid && waitpid(w->pid, &status, WNOHANG) == w->pid) {
				failed |= status != 0;
				w->pid = 0;
			}
			left += w->pid != 0;
		}
		usleep(100000);
	}
	for (i = 0; i < n; i++) {
		if (!shared->workers[i].pid)
			continue;
		fprintf(stderr, "soak: %s does not end\n", shared->workers[i].name);
		kill(shared->workers[i].pid, SIGKILL);
		failed = 1;
	}
	return failed;
}

static int report(unsigned int n, long seconds)
{
	unsigned int i;
	int failed = 0;

	for (i = 0; i < n; i++) {
		const struct soak_worker *w = &shared->workers[i];

		printf("{\"type\":\"soak\",\"name\":\"%s\",\"seconds\":%ld,\"rounds\":%llu,"
		       "\"calls\":%llu,\"written\":%llu,\"read\":%llu,\"checked\":%llu,"
		       "\"mismatches\":%llu,\"moves\":%llu}\n",
		       w->name, seconds, (unsigned long long)w->rounds,
		       (unsigned long long)w->calls, (unsigned long long)w->written,
		       (unsigned long long)w->read, (unsigned long long)w->checked,
		       (unsigned long long)w->mismatches, (unsigned long long)w->moves);
		failed |= w->mismatches || !w->rounds;
	}
	return failed;
}

int main(int argc, char **argv)
{
	unsigned int n;
	bool bounces = false;
	long seconds = 0;
	int c, failed = 0;

	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	while ((c = getopt(argc, argv, "t:Bd:mp")) != -1) {
		if (c == 't')
			seconds = atol(optarg);
		else if (c == 'B')
			bounces = true;
		else if (c == 'd')
			add_disk(optarg);
		else if (c == 'm')
			add("module", soak_module);
		else if (c == 'p')
			add("heap", soak_heap);
		else
			seconds = 0, optind = argc + 1;
	}
	if (seconds < 1 || optind != argc)
		return fputs(usage, stderr), 2;
	add("udmabuf", soak_udmabuf);
	for (n = 0; n < SOAK_WORKERS && shared->workers[n].run; n++) {
		shared->workers[n].bounces = bounces;
		failed |= start(&shared->workers[n]);
	}
	failed |= failed || supervise(n, seconds);
	failed |= finish(n);
	return report(n, seconds) | failed;
}
