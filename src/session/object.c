// SPDX-License-Identifier: GPL-2.0
/* Copies of the BPF object: opened, told what to do, given the maps they share, loaded. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "object.h"
#include "target.h"
#include "dmasync/log.h"
#include "chain.skel.h"
#include "chain_extras.skel.h"
#include "dmasync.skel.h"
#include "extras.skel.h"
#include "extras_fsession.skel.h"
#include "fsession.skel.h"

/* Since 7.0; Debian 12's headers and libbpf do not have it. */
#define TRACE_FSESSION 58

/* libbpf's print callback has no argument to pass a context: its last warning is kept here. */
static char last_warning[160];
static bool pass_messages;

static int keep_warning(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char *text, *rest, *line;

	if (level == LIBBPF_DEBUG || (level != LIBBPF_WARN && !pass_messages) ||
	    vasprintf(&text, fmt, args) < 0)
		return 0;
	line = strncmp(text, "libbpf: ", 8) ? text : text + 8;
	if (level == LIBBPF_WARN)
		snprintf(last_warning, sizeof(last_warning), "%.*s", (int)strcspn(line, "\n"),
			 line);
	/* Not to stderr itself, which a live view may own; some are the verifier's long story. */
	for (rest = text; pass_messages && (line = strsep(&rest, "\n"));)
		if (*line)
			log_info("%s", line);
	free(text);
	return 0;
}

void object_messages(bool pass)
{
	pass_messages = pass;
	last_warning[0] = '\0';
	libbpf_set_print(keep_warning);
}

const char *object_last_warning(void)
{
	return last_warning;
}

static struct bpf_program *program(const struct bpf_object *obj, const struct hook *h,
				   const char *end)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", h->programs, end);
	return bpf_object__find_program_by_name(obj, name);
}

void object_programs(const struct bpf_object *obj, const struct hook *h, enum rung rung,
		     struct bpf_program **entry, struct bpf_program **exit)
{
	*exit = NULL;
	switch (rung) {
	case RUNG_FSESSION:
		*entry = program(obj, h, "session");
		/* Hooks of one end are the same program on both trampoline rungs. */
		if (!*entry)
			*entry = program(obj, h, "entry");
		break;
	case RUNG_FENTRY:
		*entry = program(obj, h, "entry");
		*exit = program(obj, h, "exit");
		break;
	default:
		*entry = program(obj, h, "kprobe");
		*exit = program(obj, h, "return");
	}
}

/* @id: BTF id of the function to attach to. */
static int want_program(struct bpf_program *prog, enum rung rung, __u32 id)
{
	int err;

	if (!prog)
		return 0;
	bpf_program__set_autoload(prog, true);
	if (rung == RUNG_KPROBE)
		return 0;
	err = id ? target_set(prog, id) : -ESRCH;
	if (!err && strstr(bpf_program__name(prog), "_session"))
		err = bpf_program__set_expected_attach_type(prog, TRACE_FSESSION);
	return err;
}

int object_set_config(const struct bpf_object *obj, const struct attach_config *cfg)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, ".rodata");
	struct session_config *c;
	size_t size = 0;

	c = map ? (void *)bpf_map__initial_value(map, &size) : NULL;
	if (!c || size != sizeof(*c))
		return -EINVAL;
	c->tgid = cfg->tgid;
	c->pidns_dev = cfg->pidns.dev;
	c->pidns_ino = cfg->pidns.ino;
	if (cfg->comm)
		strncpy((char *)c->comm, cfg->comm, sizeof(c->comm) - 1);
	c->cpus = cfg->cpus;
	c->page_shift = __builtin_ctzl(sysconf(_SC_PAGESIZE));
	c->max_rows = cfg->max_rows;
	c->flags = (cfg->comm ? CONFIG_COMM : 0) | (cfg->procs ? CONFIG_PROCS : 0) |
		   (cfg->sync_has_barrier ? CONFIG_SYNC_BARRIER : 0) |
		   (cfg->stacks ? CONFIG_STACKS : 0) | (cfg->user_stacks ? CONFIG_USER_STACKS : 0) |
		   (cfg->stack_procs ? CONFIG_STACK_PROCS : 0) | (cfg->storms ? CONFIG_STORMS : 0) |
		   (cfg->to_has_barrier ? CONFIG_TO_BARRIER : 0) |
		   (cfg->facts.vmap_steps_only ? CONFIG_VMAP_STEPS : 0);
	c->iommu_map_sg = cfg->facts.iommu_map_sg;
	return 0;
}

/* Maps that all objects of a session share. */
enum {
	MAP_ROW_VALUES,
	MAP_ROW_INFOS,
	MAP_STATE,
	MAP_PROCS,
	MAP_STACK_TRACES,
	MAP_STACK_COUNTS,
	MAP_STORM_CPUS,
	MAP_STORM_TASKS,
	MAP_STORM_VALUES,
	N_SHARED,
};

static const char *const shared_maps[N_SHARED] = {
	"row_values",	"row_infos",  ".bss",	     "procs",	     "stack_traces",
	"stack_counts", "storm_cpus", "storm_tasks", "storm_values",
};

static bool map_wanted(const struct attach_config *cfg, unsigned int map)
{
	switch (map) {
	case MAP_PROCS:
		return cfg->procs;
	case MAP_STACK_TRACES:
	case MAP_STACK_COUNTS:
		return cfg->stacks;
	case MAP_STORM_CPUS:
	case MAP_STORM_TASKS:
	case MAP_STORM_VALUES:
		return cfg->storms;
	}
	return true;
}

#define STACK_ROWS_MIN 1024
#define STACK_BUDGET (16 << 20) /* kernel memory for the counts of stacks, bytes */

unsigned int object_stack_rows(unsigned int cpus)
{
	size_t rows = STACK_BUDGET / (cpus * sizeof(struct proc_value));

	if (rows > STACK_ROWS_MAX)
		return STACK_ROWS_MAX;
	return rows < STACK_ROWS_MIN ? STACK_ROWS_MIN : rows;
}

int object_map_fd(const struct bpf_object *obj, const char *name)
{
	return bpf_object__find_map_fd_by_name(obj, name);
}

static int size_maps(struct bpf_map *const map[N_SHARED], const struct attach_config *cfg)
{
	struct session_state *state =
		(void *)bpf_map__initial_value(map[MAP_STATE], &(size_t){ 0 });
	int err;

	state->n_rows = ROWS_RESERVED;
	state->single_extras = (cfg->stacks ? EXTRA_STACKS : 0) | (cfg->storms ? EXTRA_STORMS : 0);
	state->list_extras = state->single_extras | (cfg->bytes ? EXTRA_BYTES : 0);
	hist_fill_near(state->bucket);
	/* Not 0: a key that is seen before its contents proves nothing. */
	state->generation = GENERATION;
	err = bpf_map__set_max_entries(map[MAP_ROW_VALUES], 2 * cfg->cpus * cfg->max_rows);
	err = err ?: bpf_map__set_max_entries(map[MAP_ROW_INFOS], cfg->max_rows);
	if (cfg->stacks && !err)
		err = bpf_map__set_max_entries(map[MAP_STACK_COUNTS], object_stack_rows(cfg->cpus));
	/* The kernel sets 128 places aside for each CPU. */
	if (cfg->storms && !err)
		err = bpf_map__set_max_entries(map[MAP_STORM_TASKS], STORM_TASKS + 128 * cfg->cpus);
	return err;
}

/* Sizes the maps, or takes those of @first. */
static int set_maps(const struct bpf_object *obj, const struct attach_config *cfg,
		    const struct bpf_object *first)
{
	struct bpf_map *map[N_SHARED], *works;
	int err = 0;

	for (unsigned int i = 0; i < N_SHARED && !err; i++) {
		map[i] = bpf_object__find_map_by_name(obj, shared_maps[i]);
		if (!map[i] && map_wanted(cfg, i))
			return -EINVAL;
		if (map[i] && !map_wanted(cfg, i))
			err = bpf_map__set_autocreate(map[i], false);
		else if (map[i] && first)
			err = bpf_map__reuse_fd(map[i], object_map_fd(first, shared_maps[i]));
	}
	/* Each object has its own. */
	works = bpf_object__find_map_by_name(obj, "stack_works");
	if (works && !cfg->stacks && !err)
		err = bpf_map__set_autocreate(works, false);
	return err || first ? err : size_maps(map, cfg);
}

static struct bpf_object *open_object(enum rung rung, bool chain, bool extras,
				      const struct kernel_types *types)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	char path[64];
	const void *elf;
	size_t size;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", types->fd);
	opts.btf_custom_path = path;
	if (chain && extras)
		elf = chain_extras_bpf__elf_bytes(&size);
	else if (chain)
		elf = chain_bpf__elf_bytes(&size);
	else if (rung == RUNG_FSESSION && extras)
		elf = extras_fsession_bpf__elf_bytes(&size);
	else if (rung == RUNG_FSESSION)
		elf = fsession_bpf__elf_bytes(&size);
	else if (extras)
		elf = extras_bpf__elf_bytes(&size);
	else
		elf = dmasync_bpf__elf_bytes(&size);
	return bpf_object__open_mem(elf, size, &opts);
}

/* Opens the object for @rung and, if it is the first, reads what its programs need of the kernel.
 */
static int open_with_types(enum rung rung, bool chain, bool extras, struct kernel_types *types,
			   struct bpf_object **out)
{
	bool read = types->fd >= 0;
	int err = target_take_over();

	if (err)
		return err;
	if (!read)
		types->fd = memfd_create("kernel-types", MFD_CLOEXEC);
	if (types->fd < 0)
		return -errno;
	*out = open_object(rung, chain, extras, types);
	if (!*out)
		return -errno;
	if (read)
		return 0;
	err = kbtf_read(KBTF_PATH, bpf_object__btf(*out), types->funcs, types->n_funcs, types->fd);
	if (err)
		log_error("cannot use the kernel's types in %s: %s", KBTF_PATH, strerror(-err));
	return err;
}

struct bpf_program *object_caller(const struct bpf_object *obj)
{
	return bpf_object__find_program_by_name(obj, "call_null_target");
}

static int want_hook(const struct bpf_object *obj, const struct hook *h, enum rung rung, __u32 id)
{
	struct bpf_program *entry, *exit;
	int err;

	object_programs(obj, h, rung, &entry, &exit);
	err = entry ? want_program(entry, rung, id) : -ENOENT;
	err = err ?: want_program(exit, rung, id);
	if (!err && h->kind == HOOK_MEASURE)
		err = want_program(object_caller(obj), RUNG_FENTRY, id);
	return err;
}

int object_load(const struct attach_config *cfg, enum rung rung, const struct hook *hooks,
		const unsigned int *set, unsigned int n, const struct bpf_object *first,
		struct kernel_types *types, struct bpf_object **out)
{
	struct bpf_object *obj = NULL;
	int err = open_with_types(rung, n && hook_is_chain(&hooks[set[0]]),
				  cfg->stacks || cfg->storms, types, &obj);

	err = err ?: object_set_config(obj, cfg);
	err = err ?: set_maps(obj, cfg, first);
	for (unsigned int i = 0; i < n && !err; i++)
		if (!types->funcs[set[i]].other)
			err = want_hook(obj, &hooks[set[i]], rung, types->funcs[set[i]].id);
	err = err ?: bpf_object__load(obj);
	target_forget();
	if (err) {
		bpf_object__close(obj);
		return err;
	}
	*out = obj;
	return 0;
}

__u64 object_recursion_misses(const struct bpf_object *obj)
{
	struct bpf_program *prog;
	__u64 misses = 0;

	bpf_object__for_each_program (prog, obj) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			misses += info.recursion_misses;
	}
	return misses;
}

/* Start of struct bpf_link_info for a kprobe since 6.7; Debian 12's headers do not have it. */
struct kprobe_link_info {
	__u32 type, id, prog_id, pad;
	struct {
		__u32 type, pad;
		__u64 func_name;
		__u32 name_len, offset;
		__u64 addr;
		__u64 missed;
	} perf_event;
};

#define LINK_PERF_EVENT 7
#define PERF_EVENT_KPROBE 3
#define PERF_EVENT_KRETPROBE 4

__u64 object_kprobe_misses(const struct bpf_link *link)
{
	struct kprobe_link_info info = {};
	__u32 len = sizeof(info);

	if (!link || bpf_obj_get_info_by_fd(bpf_link__fd(link), (void *)&info, &len) ||
	    info.type != LINK_PERF_EVENT)
		return 0;
	if (info.perf_event.type != PERF_EVENT_KPROBE &&
	    info.perf_event.type != PERF_EVENT_KRETPROBE)
		return 0;
	return info.perf_event.missed;
}

void object_print_stats(const struct bpf_object *obj, FILE *out)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, obj) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (bpf_program__fd(prog) < 0 ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len) || !info.run_cnt)
			continue;
		fprintf(out, "  %-32s %10llu runs %8.1f ns/run\n", bpf_program__name(prog),
			(unsigned long long)info.run_cnt, (double)info.run_time_ns / info.run_cnt);
	}
}
