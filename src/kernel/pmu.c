// SPDX-License-Identifier: GPL-2.0
/* Counts barriers with the CPUs' performance monitors. */
#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "dmasync/machine.h"
#include "dmasync/pmu.h"

#define DSB_SPEC 0x7d
#define TEST_BARRIERS 1000
#define CPU_SETS 8 /* a cpu_set_t has 1024 CPUs */

struct pmu_cpu {
	int fd;	       /* -1: offline, or does not count */
	bool unfit;    /* failed the test: never tried again */
	__u64 base;    /* count of events that ended with an earlier offline */
	__u64 count;   /* last count of fd */
	__u64 enabled; /* ns that fd had been enabled for then */
};

struct pmu {
	int n;
	struct pmu_cpu cpu[];
};

/* What read() gives with PERF_FORMAT_TOTAL_TIME_ENABLED. */
struct pmu_value {
	__u64 count;
	__u64 enabled;
};

#ifdef __aarch64__
static const bool have_dsb = true;

static void execute_barriers(void)
{
	int i;

	for (i = 0; i < TEST_BARRIERS; i++)
		asm volatile("dsb sy" ::: "memory");
}
#else
static const bool have_dsb;

static void execute_barriers(void)
{
}
#endif

static int event_open(int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_RAW,
		.size = sizeof(attr),
		.config = DSB_SPEC,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED,
		/* Sharing the counter in time would turn counts into estimates. */
		.pinned = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* An event that could not be pinned reads as end of file. */
static int event_read(int fd, struct pmu_value *v)
{
	ssize_t got = read(fd, v, sizeof(*v));

	if (got < 0)
		return -errno;
	return got == sizeof(*v) ? 0 : -EBUSY;
}

/*
 * Does the event of @cpu, the one behind @fd, count this thread's barriers? Its value after them is
 * stored in @after.
 */
static int event_test(int cpu, int fd, struct pmu_value *after)
{
	cpu_set_t old[CPU_SETS], one[CPU_SETS];
	struct pmu_value before;
	int err;

	CPU_ZERO_S(sizeof(one), one);
	CPU_SET_S(cpu, sizeof(one), one);
	if (sched_getaffinity(0, sizeof(old), old))
		return -errno;
	if (sched_setaffinity(0, sizeof(one), one))
		return -errno;
	err = event_read(fd, &before);
	if (!err) {
		execute_barriers();
		err = event_read(fd, after);
	}
	if (!err && after->count - before.count < TEST_BARRIERS)
		err = -ENODATA;
	sched_setaffinity(0, sizeof(old), old);
	return err;
}

/* 0 when @cpu counts now, or -errno; -ENODEV means that it is offline. */
static int cpu_start(struct pmu_cpu *c, int cpu)
{
	int err, fd = event_open(cpu);
	struct pmu_value after;

	if (fd < 0)
		return fd;
	err = event_test(cpu, fd, &after);
	if (err) {
		close(fd);
		c->unfit = true;
		return err;
	}
	c->fd = fd;
	c->enabled = after.enabled;
	/* The test's own barriers are not part of what is measured. */
	c->base -= after.count;
	c->count = after.count;
	return 0;
}

static void cpu_stop(struct pmu_cpu *c)
{
	c->base += c->count;
	c->count = 0;
	close(c->fd);
	c->fd = -1;
}

static void cpu_update(struct pmu_cpu *c, int cpu)
{
	struct pmu_value v;
	bool alive = false;

	if (c->fd >= 0) {
		alive = !event_read(c->fd, &v) && v.enabled > c->enabled;
		if (alive) {
			c->count = v.count;
			c->enabled = v.enabled;
		} else {
			/* Going offline detaches an event for good, even if the CPU is back. */
			cpu_stop(c);
		}
	}
	if (!alive && !c->unfit)
		cpu_start(c, cpu);
}

static void explain(int err, int cpu, char *why, size_t len)
{
	switch (-err) {
	case EACCES:
	case EPERM:
		snprintf(why, len, "not permitted: run as root, or with CAP_PERFMON");
		break;
	case ENOENT:
	case EOPNOTSUPP:
	case ENXIO:
		snprintf(why, len, "CPU %d has no performance monitor that Linux can use", cpu);
		break;
	case ENODATA:
		snprintf(why, len, "CPU %d does not count event 0x%x (DSB_SPEC)", cpu, DSB_SPEC);
		break;
	case EBUSY:
		snprintf(why, len, "no counter of CPU %d is free: end other users of perf", cpu);
		break;
	default:
		snprintf(why, len, "cannot count event 0x%x on CPU %d: %s", DSB_SPEC, cpu,
			 strerror(-err));
	}
}

int pmu_open(struct pmu **out, char *why, size_t len)
{
	int n = machine_cpu_numbers("");
	struct pmu *pmu;
	int cpu, err = 0, counting = 0;

	if (!have_dsb) {
		snprintf(why, len, "not an arm64 machine: there is no dsb to count");
		return -ENOTSUP;
	}
	pmu = calloc(1, sizeof(*pmu) + n * sizeof(pmu->cpu[0]));
	if (!pmu) {
		snprintf(why, len, "out of memory");
		return -ENOMEM;
	}
	pmu->n = n;
	for (cpu = 0; cpu < n; cpu++)
		pmu->cpu[cpu].fd = -1;
	for (cpu = 0; cpu < n; cpu++) {
		err = cpu_start(&pmu->cpu[cpu], cpu);
		counting += !err;
		if (err && err != -ENODEV)
			break;
	}
	if (cpu < n || !counting) {
		explain(err, cpu, why, len);
		pmu_close(pmu);
		return err;
	}
	*out = pmu;
	return 0;
}

__u64 pmu_read(struct pmu *pmu)
{
	__u64 sum = 0;
	int cpu;

	for (cpu = 0; cpu < pmu->n; cpu++) {
		cpu_update(&pmu->cpu[cpu], cpu);
		sum += pmu->cpu[cpu].base + pmu->cpu[cpu].count;
	}
	return sum;
}

void pmu_close(struct pmu *pmu)
{
	int cpu;

	if (!pmu)
		return;
	for (cpu = 0; cpu < pmu->n; cpu++)
		if (pmu->cpu[cpu].fd >= 0)
			close(pmu->cpu[cpu].fd);
	free(pmu);
}
