// SPDX-License-Identifier: GPL-2.0
/* The attach ladder: each hook gets the best way to attach that really works. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <bpf/libbpf.h>
#include "object.h"
#include "returns.h"
#include "dmasync/log.h"

/* Kernel-internal "operation is not supported", leaks from attaching. */
#define ENOTSUPP_KERNEL 524

/* One loaded copy of the BPF object and where it is attached. */
struct attach_object {
	struct bpf_object *obj;
	struct bpf_link *links[(1 + RETURNS_MAX) * HEADER_HOOKS_MAX];
	unsigned int n_links;
	/* Those of HOOK_MEASURE: the first, and how many; 0: none, or they are gone. */
	unsigned int measure, n_measure;
};

/* Links that a thread of its own detaches, which takes a tenth of a second. */
struct attach_dropped {
	pthread_t thread;
	unsigned int n;
	struct bpf_link *links[1 + RETURNS_MAX];
};

/* Working state of attach_open(). */
struct ladder {
	const struct attach_config *cfg;
	const struct hook *hooks;
	unsigned int n;
	struct hook_state *states;
	struct attachment *at;
	struct returns_reader returns;
	struct kernel_types types;
	int last_err;
};

#define NO_MAPS                                                                                    \
	((struct attachment){ .procs = -1,                                                         \
			      .stack_traces = -1,                                                  \
			      .stack_counts = -1,                                                  \
			      .storm_cpus = -1,                                                    \
			      .storm_tasks = -1,                                                   \
			      .storm_values = -1,                                                  \
			      .samples = -1,                                                       \
			      .calibrate_prog = -1 })

#define DOCTOR "`dmasynctop doctor` tells what is missing"

static int keep_link(struct attach_object *obj, struct bpf_link *link)
{
	if (!link)
		return -errno;
	obj->links[obj->n_links++] = link;
	return 0;
}

/* Detaches what was attached since there were @n links. */
static void drop_links(struct attach_object *obj, unsigned int n)
{
	while (obj->n_links > n)
		bpf_link__destroy(obj->links[--obj->n_links]);
}

static struct bpf_link *attach_kprobe(struct bpf_program *prog, const char *function, __u32 offset,
				      bool retprobe)
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .retprobe = retprobe, .offset = offset);

	return bpf_program__attach_kprobe_opts(prog, function, &opts);
}

/*
 * Attaches @prog where @h's function returns. On arm64 the handler of a kretprobe runs with
 * interrupts on, and the kernel skips the probes of a call that an interrupt makes meanwhile; 6.1
 * does not even count them. A kprobe's handler runs in an exception, with interrupts off.
 */
static int attach_kprobe_end(struct ladder *l, struct attach_object *obj, const struct hook *h,
			     struct bpf_program *prog, struct hook_state *state)
{
	unsigned int first = obj->n_links, n;
	__u32 at[RETURNS_MAX];
	int err = 0;

	n = returns_find(&l->returns, h, at, state->reason, sizeof(state->reason));
	for (unsigned int i = 0; i < n && !err; i++) {
		err = keep_link(obj, attach_kprobe(prog, h->function, at[i], false));
		if (err)
			snprintf(state->reason, sizeof(state->reason), "its RET at +0x%x: %s",
				 at[i], strerror(-err));
	}
	if (n && !err) {
		state->end = END_RET;
		return 0;
	}
	drop_links(obj, first);
	err = keep_link(obj, attach_kprobe(prog, h->function, 0, true));
	state->end = err ? END_NONE : END_KRETPROBE;
	return err;
}

/* Attaches one hook of the loaded @obj. 0 or -errno. */
static int attach_hook(struct ladder *l, struct attach_object *obj, enum rung rung, unsigned int i)
{
	struct hook_state *state = &l->states[i];
	const struct hook *h = &l->hooks[i];
	struct bpf_program *entry, *exit;
	unsigned int first = obj->n_links;
	int err;

	object_programs(obj->obj, h, rung, &entry, &exit);
	state->reason[0] = '\0';
	if (rung == RUNG_KPROBE)
		err = keep_link(obj, attach_kprobe(entry, h->function, h->offset, false));
	else
		err = keep_link(obj, bpf_program__attach_trace(entry));
	if (!err && exit) {
		if (rung == RUNG_KPROBE)
			err = attach_kprobe_end(l, obj, h, exit, state);
		else
			err = keep_link(obj, bpf_program__attach_trace(exit));
	}
	if (err)
		drop_links(obj, first);
	return err;
}

/* Each rung that is tried has its own reason: the best one's tells most, and the last one's why not
 * even that.
 */
static void fail_hook(struct hook_state *state, enum rung rung, int err, const char *doing)
{
	size_t len = strlen(state->reason);
	const char *text =
		err == -ENOTSUPP_KERNEL ? "not supported by this kernel" : strerror(-err);

	snprintf(state->reason + len, sizeof(state->reason) - len, "%s%s %s: %s", len ? ", " : "",
		 doing, rung_name(rung), text);
	state->refused = true;
}

static void drop_object(struct attach_object *obj)
{
	drop_links(obj, 0);
	bpf_object__close(obj->obj);
}

/* The same, with what belongs to it, and notes how it came out. */
static int try_hook(struct ladder *l, struct attach_object *obj, enum rung rung, unsigned int i)
{
	const struct hook *h = &l->hooks[i];
	struct hook_state before = l->states[i];
	unsigned int first = obj->n_links;
	int caller = -1, err;

	if (h->kind == HOOK_MEASURE) {
		caller = bpf_program__fd(object_caller(obj->obj));
		if (l->cfg->before_measure)
			l->cfg->before_measure(l->cfg->ctx, caller);
	}
	err = attach_hook(l, obj, rung, i);
	if (err) {
		l->states[i] = before;
		fail_hook(&l->states[i], rung, err, "attach by");
		l->last_err = err;
		return err;
	}
	l->states[i].rung = rung;
	l->states[i].refused = false;
	if (h->kind == HOOK_MEASURE) {
		obj->measure = first;
		obj->n_measure = obj->n_links - first;
		l->at->calibrated = rung;
		l->at->calibrate_prog = caller;
	}
	return 0;
}

/* Attaches what it can of @set at @rung. */
static void try_set(struct ladder *l, enum rung rung, const unsigned int *set, unsigned int n)
{
	struct attachment *at = l->at;
	const struct bpf_object *first = at->n_objects ? at->objects[0].obj : NULL;
	struct attach_object *obj, *more;
	int err;

	more = realloc(at->objects, (at->n_objects + 1) * sizeof(*more));
	if (!more) {
		l->last_err = -ENOMEM;
		return;
	}
	at->objects = more;
	obj = &more[at->n_objects];
	*obj = (struct attach_object){ 0 };
	err = object_load(l->cfg, rung, l->hooks, set, n, first, &l->types, &obj->obj);
	if (err) {
		l->last_err = err;
		/* One program that this kernel refuses must not take the others along. */
		if (n > 1 && err != -EPERM) {
			try_set(l, rung, set, n / 2);
			try_set(l, rung, set + n / 2, n - n / 2);
			return;
		}
		for (unsigned int i = 0; i < n; i++)
			fail_hook(&l->states[set[i]], rung, err, "load for");
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		if (l->types.funcs[set[i]].other) {
			snprintf(l->states[set[i]].reason, sizeof(l->states[set[i]].reason),
				 "not in this kernel with %s as its second argument",
				 l->types.funcs[set[i]].second);
			continue;
		}
		err = try_hook(l, obj, rung, set[i]);
		if (err != -ENOTSUPP_KERNEL || obj->n_links)
			continue;
		/* No trampolines at all: spare the kernel the other attempts. */
		while (++i < n)
			fail_hook(&l->states[set[i]], rung, err, "attach by");
	}
	if (obj->n_links)
		at->n_objects++;
	else
		drop_object(obj);
}

static bool rung_allowed(const struct ladder *l, enum rung rung, const struct hook *h)
{
	/*
	 * An instruction inside a function can only be probed by a kprobe, and so can a function
	 * that returns a structure.
	 */
	if (h->kind == HOOK_SITE || !strcmp(h->programs, "tlb_flush_page"))
		return rung == RUNG_KPROBE;
	/* The chain has no programs for fsession: fentry and fexit are next to it. */
	if (hook_is_chain(h) && rung == RUNG_FSESSION)
		return false;
	if (hook_is_chain(h) && l->cfg->rung == RUNG_FSESSION)
		return rung == RUNG_FENTRY;
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

/* True when the kernel has a better hook of @h's group, which is tried first. */
static bool has_better(const struct ladder *l, const struct hook *h)
{
	for (unsigned int i = 0; i < l->n; i++)
		if (l->hooks[i].group == h->group && l->hooks[i].rank < h->rank &&
		    l->hooks[i].exists)
			return true;
	return false;
}

/*
 * Goes up with the best hook of each group or, when they have been tried, their stand-ins: those of
 * the DMA API or those of the @chain, which are in other objects.
 */
static void climb(struct ladder *l, bool stand_ins, bool chain)
{
	unsigned int set[HEADER_HOOKS_MAX], n;

	for (enum rung rung = RUNG_FSESSION; rung < RUNG_COUNT; rung++) {
		n = 0;
		for (unsigned int i = 0; i < l->n; i++) {
			const struct hook *h = &l->hooks[i];

			if (h->exists && hook_is_chain(h) == chain &&
			    l->states[i].rung == RUNG_NONE && has_better(l, h) == stand_ins &&
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

	at->state_map = object_map_fd(obj, ".bss");
	at->row_values = object_map_fd(obj, "row_values");
	at->row_infos = object_map_fd(obj, "row_infos");
	if (cfg->procs)
		at->procs = object_map_fd(obj, "procs");
	if (cfg->stacks) {
		at->stack_traces = object_map_fd(obj, "stack_traces");
		at->stack_counts = object_map_fd(obj, "stack_counts");
	}
	if (cfg->storms) {
		at->storm_cpus = object_map_fd(obj, "storm_cpus");
		at->storm_tasks = object_map_fd(obj, "storm_tasks");
		at->storm_values = object_map_fd(obj, "storm_values");
	}
	state = mmap(NULL, sizeof(*at->state), PROT_READ | PROT_WRITE, MAP_SHARED, at->state_map,
		     0);
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

/* Why the first of the hooks could not be attached: by each rung, or by the one that was forced. */
static const char *first_reason(const struct ladder *l, unsigned int n_states)
{
	for (unsigned int i = 0; i < n_states && l->cfg->rung == RUNG_NONE; i++)
		if (l->states[i].refused)
			return l->states[i].reason;
	return l->last_err == -ENOTSUPP_KERNEL ? "not supported by this kernel"
					       : strerror(-l->last_err);
}

/* Says why nothing could be attached. */
static void report_none(const struct ladder *l, unsigned int n_states)
{
	bool forced = l->cfg->rung != RUNG_NONE;

	if (!l->last_err) {
		log_error("this kernel has no %s probes; %s",
			  forced ? rung_name(l->cfg->rung) : "such",
			  forced ? "leave --attach out to take what it has" : DOCTOR);
		return;
	}
	log_error("cannot attach any probe%s%s: %s (libbpf: %s); %s", forced ? " as " : "",
		  forced ? rung_name(l->cfg->rung) : "", first_reason(l, n_states),
		  object_last_warning()[0] ? object_last_warning() : "no message", DOCTOR);
}

static void forget_types(struct ladder *l)
{
	if (l->types.fd >= 0)
		close(l->types.fd);
	l->types.fd = -1;
}

int attach_open(const struct attach_config *cfg, const struct hook *hooks, unsigned int n,
		struct hook_state *states, unsigned int *n_states, struct attachment *at)
{
	struct ladder l = {
		.cfg = cfg, .hooks = hooks, .n = n, .states = states, .at = at, .types.fd = -1
	};

	*at = NO_MAPS;
	object_messages(cfg->verbose);
	l.types.n_funcs = n;
	for (unsigned int i = 0; i < n; i++) {
		init_state(&states[i], &hooks[i], cfg);
		l.types.funcs[i].name = hooks[i].function;
		l.types.funcs[i].second = hooks[i].second;
	}
	climb(&l, false, false);
	climb(&l, true, false);
	forget_types(&l); /* the programs of the chain read others */
	climb(&l, false, true);
	returns_close(&l.returns);
	forget_types(&l);
	*n_states = compact_states(&l);
	if (!at->n_objects) {
		attach_close(at);
		report_none(&l, *n_states);
		return l.last_err == -ENOMEM || l.last_err == -EPERM ? l.last_err : -EOPNOTSUPP;
	}
	return take_maps(at, cfg);
}

static void *drop_thread(void *arg)
{
	struct attach_dropped *d = arg;

	for (unsigned int i = 0; i < d->n; i++)
		bpf_link__destroy(d->links[i]);
	return NULL;
}

/* Takes the links of the null target out of @obj. */
static void take_measure(struct attach_object *obj, struct attach_dropped *d)
{
	unsigned int rest = obj->measure + obj->n_measure;

	d->n = obj->n_measure;
	memcpy(d->links, &obj->links[obj->measure], d->n * sizeof(*d->links));
	memmove(&obj->links[obj->measure], &obj->links[rest],
		(obj->n_links - rest) * sizeof(*d->links));
	obj->n_links -= d->n;
	obj->n_measure = 0;
}

void attach_drop_measure(struct attachment *at)
{
	struct attach_dropped *d = calloc(1, sizeof(*d));
	sigset_t all, old;

	for (unsigned int i = 0; i < at->n_objects && d && !d->n; i++)
		take_measure(&at->objects[i], d);
	if (!d || !d->n) {
		free(d);
		return;
	}
	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	if (pthread_create(&d->thread, NULL, drop_thread, d)) {
		drop_thread(d);
		free(d);
	} else {
		at->dropped = d;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void attach_close(struct attachment *at)
{
	if (at->dropped)
		pthread_join(at->dropped->thread, NULL);
	free(at->dropped);
	for (unsigned int i = 0; i < at->n_objects; i++)
		drop_object(&at->objects[i]);
	free(at->objects);
	if (at->state)
		munmap(at->state, sizeof(*at->state));
	*at = NO_MAPS;
}

__u64 attach_recursion_misses(const struct attachment *at)
{
	__u64 misses = 0;

	for (unsigned int i = 0; i < at->n_objects; i++) {
		const struct attach_object *obj = &at->objects[i];

		misses += object_recursion_misses(obj->obj);
		for (unsigned int j = 0; j < obj->n_links; j++)
			misses += object_kprobe_misses(obj->links[j]);
	}
	return misses;
}

void attach_print_stats(const struct attachment *at, FILE *out)
{
	for (unsigned int i = 0; i < at->n_objects; i++)
		object_print_stats(at->objects[i].obj, out);
}
