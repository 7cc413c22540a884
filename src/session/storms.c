// SPDX-License-Identifier: GPL-2.0
/* Watches where contexts begin and end, so that runs of calls for single buffers can be told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "dmasync/log.h"
#include "dmasync/storms.h"
#include "object.h"
#include "storms.skel.h"

/* Tracepoints of one object, and which a kernel may lack: no workqueues, no network. */
static const struct {
	const char *program, *tracepoint;
	bool optional;
} points[] = {
	{ "irq_begin", "irq_handler_entry", false },
	{ "irq_end", "irq_handler_exit", false },
	{ "softirq_begin", "softirq_entry", false },
	{ "softirq_end", "softirq_exit", false },
	{ "syscall_begin", "sys_enter", false },
	{ "work_begin", "workqueue_execute_start", true },
	{ "napi_end", "napi_poll", true },
};

#define N_POINTS (sizeof(points) / sizeof(points[0]))

struct storms {
	struct bpf_object *obj;
	struct bpf_link *links[N_POINTS];
};

/* Maps that are shared with the session's programs, or of no use here. */
static int set_maps(const struct bpf_object *obj, const struct attachment *at)
{
	const struct {
		const char *name;
		int fd; /* -1: not needed */
	} maps[] = {
		{ ".bss", at->state_map },
		{ "storm_cpus", at->storm_cpus },
		{ "storm_tasks", at->storm_tasks },
		{ "storm_values", -1 },
		{ "row_values", -1 },
		{ "row_infos", -1 },
		{ "procs", -1 },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]) && !err; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(obj, maps[i].name);

		if (map && maps[i].fd >= 0)
			err = bpf_map__reuse_fd(map, maps[i].fd);
		else if (map)
			err = bpf_map__set_autocreate(map, false);
	}
	return err;
}

static int load(struct storms *s, const struct attachment *at, const struct attach_config *cfg)
{
	const void *elf;
	size_t size;
	int err;

	elf = storms_bpf__elf_bytes(&size);
	s->obj = bpf_object__open_mem(elf, size, NULL);
	if (!s->obj)
		return -errno;
	err = object_set_config(s->obj, cfg);
	err = err ?: set_maps(s->obj, at);
	err = err ?: bpf_object__load(s->obj);
	if (err)
		log_error(
			"cannot load the programs of --storms: %s (libbpf: %s); leave --storms out",
			strerror(-err),
			object_last_warning()[0] ? object_last_warning() : "no message");
	/* Whatever the verifier says: this kernel does not take them. */
	return !err || err == -ENOMEM || err == -EPERM ? err : -EOPNOTSUPP;
}

static int attach(struct storms *s)
{
	for (size_t i = 0; i < N_POINTS; i++) {
		struct bpf_program *prog =
			bpf_object__find_program_by_name(s->obj, points[i].program);
		int err;

		s->links[i] = prog ? bpf_program__attach_raw_tracepoint(prog, points[i].tracepoint)
				   : NULL;
		err = s->links[i] ? 0 : -errno;
		if (!err || (points[i].optional && err == -ENOENT))
			continue;
		log_error("cannot attach to tracepoint %s for --storms: %s%s; leave --storms out",
			  points[i].tracepoint, strerror(-err),
			  err == -ENOENT ? " (this kernel does not have it)" : "");
		return err == -ENOENT ? -EOPNOTSUPP : err;
	}
	return 0;
}

int storms_open(const struct attachment *at, const struct attach_config *cfg, struct storms **out)
{
	struct storms *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		log_error("out of memory for --storms");
		return -ENOMEM;
	}
	err = load(s, at, cfg) ?: attach(s);
	if (err) {
		storms_close(s);
		return err;
	}
	*out = s;
	return 0;
}

__u64 storms_misses(const struct storms *s)
{
	return object_recursion_misses(s->obj);
}

void storms_print_stats(const struct storms *s, FILE *out)
{
	object_print_stats(s->obj, out);
}

void storms_close(struct storms *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < N_POINTS; i++)
		bpf_link__destroy(s->links[i]);
	bpf_object__close(s->obj);
	free(s);
}
