// SPDX-License-Identifier: GPL-2.0
/* The on-CPU profile: samples of what runs, with stacks, beside the calls that a session traces. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "dmasync/log.h"
#include "dmasync/profile.h"
#include "object.h"
#include "profile.skel.h"

struct profile_cpu {
	int fd;	       /* -1: offline */
	__u64 enabled; /* ns that it had been enabled for when it was looked at last */
};

struct profile {
	struct bpf_object *obj;
	int prog;
	__u64 period_ns;
	int n;
	struct profile_cpu cpu[];
};

static int cpu_start(const struct profile *p, struct profile_cpu *c, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = p->period_ns,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, p->prog) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)) {
		err = -errno;
		close(fd);
		return err;
	}
	*c = (struct profile_cpu){ .fd = fd };
	return 0;
}

/* Maps that the profile shares with the session's programs, or has no use for. */
static int set_maps(struct bpf_object *obj, const struct attachment *at,
		    const struct attach_config *cfg)
{
	static const char *const unused[] = { "row_values",   "row_infos",  "procs",
					      "stack_counts", "storm_cpus", "storm_tasks",
					      "storm_values" };
	struct bpf_map *map;
	int err = 0;

	for (size_t i = 0; i < sizeof(unused) / sizeof(unused[0]); i++) {
		map = bpf_object__find_map_by_name(obj, unused[i]);
		if (map)
			bpf_map__set_autocreate(map, false);
	}
	err = bpf_map__reuse_fd(bpf_object__find_map_by_name(obj, ".bss"), at->state_map);
	map = bpf_object__find_map_by_name(obj, "stack_traces");
	if (!err && at->stack_traces >= 0)
		err = bpf_map__reuse_fd(map, at->stack_traces);
	map = bpf_object__find_map_by_name(obj, "samples");
	return err ?: bpf_map__set_max_entries(map, object_stack_rows(cfg->cpus));
}

static int load(struct profile *p, struct attachment *at, const struct attach_config *cfg)
{
	const void *elf;
	size_t size;
	int err;

	elf = profile_bpf__elf_bytes(&size);
	p->obj = bpf_object__open_mem(elf, size, NULL);
	if (!p->obj)
		return -errno;
	err = object_set_config(p->obj, cfg);
	err = err ?: set_maps(p->obj, at, cfg);
	err = err ?: bpf_object__load(p->obj);
	if (err)
		return err;
	p->prog = bpf_program__fd(bpf_object__find_program_by_name(p->obj, "sample"));
	at->samples = object_map_fd(p->obj, "samples");
	if (at->stack_traces < 0)
		at->stack_traces = object_map_fd(p->obj, "stack_traces");
	return 0;
}

int profile_open(struct attachment *at, const struct attach_config *cfg, unsigned int hz,
		 struct profile **out)
{
	unsigned int n = cfg->cpus;
	struct profile *p = calloc(1, sizeof(*p) + n * sizeof(p->cpu[0]));
	int err, running = 0;

	if (!p) {
		log_error("out of memory for the profile");
		return -ENOMEM;
	}
	p->n = n;
	p->period_ns = 1000000000 / hz;
	for (unsigned int cpu = 0; cpu < n; cpu++)
		p->cpu[cpu].fd = -1;
	err = load(p, at, cfg);
	for (unsigned int cpu = 0; cpu < n && !err; cpu++) {
		err = cpu_start(p, &p->cpu[cpu], cpu);
		running += !err;
		if (err == -ENODEV) /* offline */
			err = 0;
	}
	if (!err && running) {
		*out = p;
		return 0;
	}
	err = err ?: -ENODEV;
	log_error("cannot sample the CPUs for --profile: %s%s; leave --profile out", strerror(-err),
		  err == -ENOENT ? " (no CONFIG_PERF_EVENTS)" : "");
	profile_close(p);
	return err;
}

void profile_update(struct profile *p)
{
	struct {
		__u64 count, enabled;
	} v;

	for (int cpu = 0; cpu < p->n; cpu++) {
		struct profile_cpu *c = &p->cpu[cpu];

		if (c->fd >= 0) {
			if (read(c->fd, &v, sizeof(v)) == sizeof(v) && v.enabled > c->enabled) {
				c->enabled = v.enabled;
				continue;
			}
			/* Going offline detaches an event for good, even if the CPU is back. */
			close(c->fd);
			c->fd = -1;
		}
		cpu_start(p, c, cpu);
	}
}

void profile_close(struct profile *p)
{
	if (!p)
		return;
	for (int cpu = 0; cpu < p->n; cpu++)
		if (p->cpu[cpu].fd >= 0)
			close(p->cpu[cpu].fd);
	bpf_object__close(p->obj);
	free(p);
}
