// SPDX-License-Identifier: GPL-2.0
/* The attach ladder: each hook gets the best way to attach that really works. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "dmasync/attach.h"
#include "dmasync/log.h"
#include "dmasync.skel.h"
#include "fsession.skel.h"

/* Since 7.0; Debian 12's headers and libbpf do not have it. */
#define TRACE_FSESSION 58

#define ENOTSUPP_KERNEL                                                                            \
	524 /* kernel-internal "operation is not supported", leaks from attaching                  \
	     */

/* One loaded copy of the BPF object; all copies of a session share maps and state. */
struct attach_object {
	struct bpf_object *obj;
	struct bpf_link *links[2 * HEADER_HOOKS_MAX];
	unsigned int n_links;
	unsigned int measure, n_measure; /* the null target's links among them */
};

/* Working state of attach_open(). */
struct ladder {
	const struct attach_config *cfg;
	const struct hook *hooks;
	unsigned int n;
	struct hook_state *states;
	struct attachment *at;
	int last_err;
};

#define DOCTOR "`dmasynctop doctor` tells what is missing"

/* libbpf's print callback has no argument to pass a context: its last warning is kept here. */
static char last_warning[160];
static bool pass_messages;

static int keep_warning(enum libbpf_print_level level, const char *fmt, va_list args)
{
	va_list copy;

	if (level == LIBBPF_WARN) {
		va_copy(copy, args);
		vsnprintf(last_warning, sizeof(last_warning), fmt, copy);
		va_end(copy);
		last_warning[strcspn(last_warning, "\n")] = '\0';
	}
	return pass_messages && level != LIBBPF_DEBUG ? vfprintf(stderr, fmt, args) : 0;
}

static struct bpf_program *program(const struct bpf_object *obj, const struct hook *h,
				   const char *end)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", h->programs, end);
	return bpf_object__find_program_by_name(obj, name);
}

/* Programs of @h at @rung: *@entry always, *@exit only for hooks of both ends. */
static void programs(const struct bpf_object *obj, const struct hook *h, enum rung rung,
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
		*exit = program(obj, h, "kretprobe");
	}
}

static int want_program(struct bpf_program *prog, const struct hook *h, enum rung rung)
{
	int err;

	if (!prog)
		return 0;
	bpf_program__set_autoload(prog, true);
	if (rung == RUNG_KPROBE)
		return 0;
	err = bpf_program__set_attach_target(prog, 0, h->function);
	if (!err && strstr(bpf_program__name(prog), "_session"))
		err = bpf_program__set_expected_attach_type(prog, TRACE_FSESSION);
	return err;
}

static int set_config(const struct bpf_object *obj, const struct attach_config *cfg)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, ".rodata");
	struct session_config *c;
	size_t size = 0;

	c = map ? (void *)bpf_map__initial_value(map, &size) : NULL;
	if (!c || size != sizeof(*c))
		return -EINVAL;
	c->tgid = cfg->tgid;
	if (cfg->comm)
		strncpy((char *)c->comm, cfg->comm, sizeof(c->comm) - 1);
	c->cpus = cfg->cpus;
	c->page_shift = __builtin_ctzl(sysconf(_SC_PAGESIZE));
	c->max_rows = cfg->max_rows;
	c->flags = (cfg->comm ? CONFIG_COMM : 0) | (cfg->procs ? CONFIG_PROCS : 0) |
		   (cfg->sync_has_barrier ? CONFIG_SYNC_BARRIER : 0);
	c->iommu_map_sg = cfg->facts.iommu_map_sg;
	return 0;
}

/* Maps that all objects of a session share. */
static const char *const shared_maps[] = { "row_values", "row_infos", "procs", ".bss" };

#define N_SHARED (sizeof(shared_maps) / sizeof(shared_maps[0]))

static int map_fd(const struct bpf_object *obj, const char *name)
{
	return bpf_object__find_map_fd_by_name(obj, name);
}

/* Sizes the maps, or takes those of the first object. */
static int set_maps(const struct bpf_object *obj, const struct attach_config *cfg,
		    const struct attachment *at)
{
	struct bpf_map *map[N_SHARED];
	struct session_state *state;
	int err = 0;

	for (size_t i = 0; i < N_SHARED; i++) {
		map[i] = bpf_object__find_map_by_name(obj, shared_maps[i]);
		if (!map[i])
			return -EINVAL;
	}
	if (!cfg->procs)
		bpf_map__set_autocreate(map[2], false);
	for (size_t i = 0; i < N_SHARED && at->n_objects && !err; i++)
		if (i != 2 || cfg->procs)
			err = bpf_map__reuse_fd(map[i], map_fd(at->objects[0].obj, shared_maps[i]));
	if (at->n_objects)
		return err;
	state = (void *)bpf_map__initial_value(map[3], &(size_t){ 0 });
	state->n_rows = ROWS_RESERVED;
	state->stride = cfg->max_rows;
	state->extras = cfg->bytes ? EXTRA_BYTES : 0;
	hist_fill_log2(state->log2);
	err = bpf_map__set_max_entries(map[0], 2 * cfg->cpus * cfg->max_rows);
	return err ?: bpf_map__set_max_entries(map[1], cfg->max_rows);
}

static struct bpf_link *attach_program(struct bpf_program *prog, const struct hook *h,
				       enum rung rung, bool at_return)
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .retprobe = at_return, .offset = h->offset);

	if (rung == RUNG_KPROBE)
		return bpf_program__attach_kprobe_opts(prog, h->function, &opts);
	return bpf_program__attach_trace(prog);
}

static int attach_hook(struct attach_object *obj, const struct hook *h, enum rung rung)
{
	struct bpf_program *entry, *exit;
	struct bpf_link *first, *second;

	programs(obj->obj, h, rung, &entry, &exit);
	first = attach_program(entry, h, rung, false);
	if (!first)
		return -errno;
	if (exit) {
		second = attach_program(exit, h, rung, true);
		if (!second) {
			int err = -errno;

			bpf_link__destroy(first);
			return err;
		}
		obj->links[obj->n_links++] = second;
	}
	obj->links[obj->n_links++] = first;
	return 0;
}

static void fail_hook(struct hook_state *state, int err, const char *doing)
{
	const char *text =
		err == -ENOTSUPP_KERNEL ? "not supported by this kernel" : strerror(-err);

	/* The best rung that was tried says the most; keep later rungs' reasons only if it had
	 * none. */
	snprintf(state->reason, sizeof(state->reason), "%s: %s", doing, text);
}

static struct bpf_object *open_object(enum rung rung)
{
	const void *elf;
	size_t size;

	if (rung == RUNG_FSESSION)
		elf = fsession_bpf__elf_bytes(&size);
	else
		elf = dmasync_bpf__elf_bytes(&size);
	return bpf_object__open_mem(elf, size, NULL);
}

/* A test run of this program, which is never attached, makes the kernel call the null target. */
static int want_caller(const struct bpf_object *obj, const struct hook *h)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(obj, "call_null_target");

	return want_program(prog, h, RUNG_FENTRY);
}

/* Makes a loaded object of @set's programs. NULL with l->last_err set. */
static struct bpf_object *load_set(struct ladder *l, enum rung rung, const unsigned int *set,
				   unsigned int n)
{
	struct bpf_object *obj = open_object(rung);
	int err;

	if (!obj) {
		l->last_err = -errno;
		return NULL;
	}
	err = set_config(obj, l->cfg);
	err = err ?: set_maps(obj, l->cfg, l->at);
	for (unsigned int i = 0; i < n && !err; i++) {
		const struct hook *h = &l->hooks[set[i]];
		struct bpf_program *entry, *exit;

		programs(obj, h, rung, &entry, &exit);
		err = entry ? want_program(entry, h, rung) : -ENOENT;
		err = err ?: want_program(exit, h, rung);
		if (!err && h->kind == HOOK_MEASURE)
			err = want_caller(obj, h);
	}
	err = err ?: bpf_object__load(obj);
	if (err) {
		l->last_err = err;
		bpf_object__close(obj);
		return NULL;
	}
	return obj;
}

static void drop_object(struct attach_object *obj)
{
	for (unsigned int i = 0; i < obj->n_links; i++)
		bpf_link__destroy(obj->links[i]);
	obj->n_links = 0;
	bpf_object__close(obj->obj);
}

static void note_measure(struct ladder *l, struct attach_object *obj, enum rung rung)
{
	l->at->calibrated = rung;
	l->at->calibrate_prog =
		bpf_program__fd(bpf_object__find_program_by_name(obj->obj, "call_null_target"));
	obj->n_measure = rung == RUNG_FSESSION ? 1 : 2;
	obj->measure = obj->n_links - obj->n_measure;
}

/* Attaches what it can of @set at @rung. */
static void try_set(struct ladder *l, enum rung rung, const unsigned int *set, unsigned int n)
{
	struct attachment *at = l->at;
	struct attach_object *obj, *more;

	more = realloc(at->objects, (at->n_objects + 1) * sizeof(*more));
	if (!more) {
		l->last_err = -ENOMEM;
		return;
	}
	at->objects = more;
	obj = &more[at->n_objects];
	*obj = (struct attach_object){ .obj = load_set(l, rung, set, n) };
	if (!obj->obj) {
		for (unsigned int i = 0; i < n; i++)
			fail_hook(&l->states[set[i]], l->last_err, "load");
		/* One program that this kernel refuses must not take the others along. */
		if (n > 1 && l->last_err != -EPERM)
			for (unsigned int i = 0; i < n; i++)
				try_set(l, rung, &set[i], 1);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		int err = attach_hook(obj, &l->hooks[set[i]], rung);

		if (err) {
			fail_hook(&l->states[set[i]], err, "attach");
			l->last_err = err;
			/* No trampolines at all: spare the kernel the other attempts. */
			if (err == -ENOTSUPP_KERNEL && !obj->n_links)
				break;
			continue;
		}
		l->states[set[i]].rung = rung;
		l->states[set[i]].reason[0] = '\0';
		if (l->hooks[set[i]].kind == HOOK_MEASURE)
			note_measure(l, obj, rung);
	}
	if (obj->n_links)
		at->n_objects++;
	else
		drop_object(obj);
}

static bool rung_allowed(const struct ladder *l, enum rung rung, const struct hook *h)
{
	/* An instruction inside a function can only be probed by a kprobe. */
	if (h->kind == HOOK_SITE)
		return rung == RUNG_KPROBE;
	if (rung == RUNG_FSESSION && !l->cfg->facts.fsession)
		return false;
	return l->cfg->rung == RUNG_NONE || l->cfg->rung == rung;
}

/* True when a lower rank of @h's group is attached in full. */
static bool group_served(const struct ladder *l, const struct hook *h)
{
	bool served = false;

	for (unsigned int i = 0; i < l->n; i++) {
		if (l->hooks[i].group != h->group || l->hooks[i].rank >= h->rank)
			continue;
		if (l->states[i].rung == RUNG_NONE)
			return false;
		served = true;
	}
	return served;
}

static void climb(struct ladder *l, int rank)
{
	unsigned int set[HEADER_HOOKS_MAX], n;

	for (enum rung rung = RUNG_FSESSION; rung < RUNG_COUNT; rung++) {
		n = 0;
		for (unsigned int i = 0; i < l->n; i++) {
			const struct hook *h = &l->hooks[i];

			if (h->rank == rank && h->exists && l->states[i].rung == RUNG_NONE &&
			    rung_allowed(l, rung, h) && !group_served(l, h))
				set[n++] = i;
		}
		if (n)
			try_set(l, rung, set, n);
	}
}

static void init_state(struct hook_state *s, const struct hook *h, const struct attach_config *cfg)
{
	*s = (struct hook_state){
		.op = h->op,
		.barrier = h->kind == HOOK_COUNT || h->kind == HOOK_SITE ||
			   (h->kind == HOOK_ARCH && cfg->sync_has_barrier),
	};
	if (h->offset)
		snprintf(s->name, sizeof(s->name), "%s+0x%x", h->function, h->offset);
	else
		snprintf(s->name, sizeof(s->name), "%s", h->function);
	if (!h->exists)
		snprintf(s->reason, sizeof(s->reason), "not in this kernel");
}

static int take_maps(struct attachment *at, const struct attach_config *cfg)
{
	const struct bpf_object *obj = at->objects[0].obj;
	void *state;

	at->row_values = map_fd(obj, "row_values");
	at->row_infos = map_fd(obj, "row_infos");
	if (cfg->procs)
		at->procs = map_fd(obj, "procs");
	state = mmap(NULL, sizeof(*at->state), PROT_READ | PROT_WRITE, MAP_SHARED,
		     map_fd(obj, ".bss"), 0);
	if (state == MAP_FAILED) {
		int err = -errno;

		log_error("cannot map the probes' state: %s", strerror(errno));
		attach_close(at);
		return err;
	}
	at->state = state;
	return 0;
}

/* Whether hook @i has anything to tell: not when another of its group does the job, or would. */
static bool worth_reporting(const struct ladder *l, unsigned int i)
{
	const struct hook *h = &l->hooks[i];
	bool told = false;

	if (l->states[i].rung != RUNG_NONE)
		return true;
	for (unsigned int j = 0; j < l->n; j++) {
		if (l->hooks[j].group != h->group || j == i)
			continue;
		if (l->states[j].rung != RUNG_NONE)
			return false;
		/* Of several that are missing one stands for all: the first that exists, or the
		 * first. */
		if (l->hooks[j].exists > h->exists || (l->hooks[j].exists == h->exists && j < i))
			told = true;
	}
	return !told;
}

/* Leaves only the states worth reporting; returns their number. */
static unsigned int compact_states(const struct ladder *l)
{
	bool keep[HEADER_HOOKS_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < l->n; i++)
		keep[i] = worth_reporting(l, i);
	for (unsigned int i = 0; i < l->n; i++)
		if (keep[i])
			l->states[n++] = l->states[i];
	return n;
}

/* Says why nothing could be attached. */
static void report_none(const struct ladder *l)
{
	bool forced = l->cfg->rung != RUNG_NONE;

	if (!l->last_err) {
		log_error("this kernel has no %s probes; %s",
			  forced ? rung_name(l->cfg->rung) : "such",
			  forced ? "leave --attach out to take what it has" : DOCTOR);
		return;
	}
	log_error("cannot attach any probe%s%s: %s (libbpf: %s); %s", forced ? " as " : "",
		  forced ? rung_name(l->cfg->rung) : "",
		  l->last_err == -ENOTSUPP_KERNEL ? "not supported by this kernel"
						  : strerror(-l->last_err),
		  last_warning[0] ? last_warning : "no message", DOCTOR);
}

int attach_open(const struct attach_config *cfg, const struct hook *hooks, unsigned int n,
		struct hook_state *states, unsigned int *n_states, struct attachment *at)
{
	struct ladder l = { .cfg = cfg, .hooks = hooks, .n = n, .states = states, .at = at };

	*at = (struct attachment){ .procs = -1, .calibrate_prog = -1 };
	pass_messages = cfg->verbose;
	last_warning[0] = '\0';
	libbpf_set_print(keep_warning);
	for (unsigned int i = 0; i < n; i++)
		init_state(&states[i], &hooks[i], cfg);
	for (int rank = 0; rank < 2; rank++)
		climb(&l, rank);
	*n_states = compact_states(&l);
	if (!at->n_objects) {
		attach_close(at);
		report_none(&l);
		return l.last_err == -ENOMEM || l.last_err == -EPERM ? l.last_err : -EOPNOTSUPP;
	}
	return take_maps(at, cfg);
}

void attach_stop_calibrating(struct attachment *at)
{
	for (unsigned int i = 0; i < at->n_objects; i++) {
		struct attach_object *obj = &at->objects[i];

		for (unsigned int j = obj->measure; j < obj->measure + obj->n_measure; j++) {
			bpf_link__destroy(obj->links[j]);
			obj->links[j] = NULL;
		}
	}
}

void attach_close(struct attachment *at)
{
	for (unsigned int i = 0; i < at->n_objects; i++)
		drop_object(&at->objects[i]);
	free(at->objects);
	if (at->state)
		munmap(at->state, sizeof(*at->state));
	*at = (struct attachment){ .procs = -1, .calibrate_prog = -1 };
}

__u64 attach_recursion_misses(const struct attachment *at)
{
	struct bpf_program *prog;
	__u64 misses = 0;

	for (unsigned int i = 0; i < at->n_objects; i++) {
		bpf_object__for_each_program (prog, at->objects[i].obj) {
			struct bpf_prog_info info = {};
			__u32 len = sizeof(info);

			if (bpf_program__fd(prog) >= 0 &&
			    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
				misses += info.recursion_misses;
		}
	}
	return misses;
}

void attach_print_stats(const struct attachment *at, FILE *out)
{
	struct bpf_program *prog;

	for (unsigned int i = 0; i < at->n_objects; i++) {
		bpf_object__for_each_program (prog, at->objects[i].obj) {
			struct bpf_prog_info info = {};
			__u32 len = sizeof(info);

			if (bpf_program__fd(prog) < 0 ||
			    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len) ||
			    !info.run_cnt)
				continue;
			fprintf(out, "  %-32s %10llu runs %8.1f ns/run\n", bpf_program__name(prog),
				(unsigned long long)info.run_cnt,
				(double)info.run_time_ns / info.run_cnt);
		}
	}
}
