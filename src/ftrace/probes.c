// SPDX-License-Identifier: GPL-2.0
/* The kprobe events of a session: where they are, and where their fields are in a record. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "../session/returns.h"
#include "probes.h"
#include "tracefs.h"

#define ARGS_LEN 256

/* How many calls may be between their begin and end at once, where kretprobes see the end. */
#define KRETPROBE "r64"

/* Working state of probes_open(). */
struct opening {
	struct instance *in;
	bool comm;
	const char *machine;
	const struct hook *hooks;
	unsigned int n;
	struct hook_state *states;
	struct probes *probes;
	struct returns_reader returns;
	unsigned int n_events;
};

static const char *const field_names[FIELD_COUNT] = {
	[FIELD_NAME] = "name",	    [FIELD_ENTRIES] = "entries", [FIELD_DIR] = "dir",
	[FIELD_ATTRS] = "attrs",    [FIELD_SIZE] = "size",	 [FIELD_ID] = "id",
	[FIELD_ADDR] = "addr",	    [FIELD_OFFSET] = "offset",	 [FIELD_RESULT] = "result",
	[FIELD_PID] = "common_pid", [FIELD_COMM] = "comm",
};

#define OPS2(a, b) (1U << (a) | 1U << (b))
#define OPS3(a, b, c) (OPS2(a, b) | 1U << (c))

/* Calls in which a bounce function stands for one bounce: an unmap syncs before it gives back. */
static unsigned int bounced_ops(const char *programs)
{
	if (!strcmp(programs, "bounce_map"))
		return OPS3(OP_MAP_SG, OP_MAP_PAGE, OP_IOVA_LINK);
	if (!strcmp(programs, "bounce_unmap"))
		return OPS3(OP_UNMAP_SG, OP_UNMAP_PAGE, OP_IOVA_UNLINK);
	return OPS2(OP_SYNC_SG_FOR_DEVICE, OP_SYNC_SG_FOR_CPU) |
	       OPS2(OP_SYNC_SINGLE_FOR_DEVICE, OP_SYNC_SINGLE_FOR_CPU);
}

/* "field:__data_loc char[] name; offset:24; size:4; signed:1;": the name is the last word. */
static void parse_field(const char *line, struct probe *p)
{
	unsigned int offset, size;
	const char *end = strchr(line, ';'), *name = end;

	if (!end || sscanf(end, "; offset:%u; size:%u;", &offset, &size) != 2)
		return;
	while (name > line && name[-1] != ' ')
		name--;
	for (int i = 0; i < FIELD_COUNT; i++)
		if (strlen(field_names[i]) == (size_t)(end - name) &&
		    !strncmp(name, field_names[i], end - name))
			p->field[i] = (struct probe_field){ offset, size };
}

int probes_parse_format(const char *text, struct probe *p)
{
	const char *at = strstr(text, "ID: ");

	if (!at || sscanf(at, "ID: %u", &p->id) != 1)
		return -EBADMSG;
	while ((at = strstr(at, "field:"))) {
		at += strlen("field:");
		parse_field(at, p);
	}
	return p->field[FIELD_PID].size ? 0 : -EBADMSG;
}

/* Reads from the event's format where the fields of @p are. 0 or -errno. */
static int read_format(struct opening *o, const char *event, struct probe *p)
{
	char name[160], *text;
	int err;

	snprintf(name, sizeof(name), "events/%s/%s_%s/format", o->in->name, o->in->name, event);
	err = tracefs_read(o->in->dir, name, &text);
	if (err)
		return err;
	err = probes_parse_format(text, p);
	free(text);
	return err;
}

/* Makes one event of @type at @what, of which @p tells the rest. 0 or -errno. */
static int add_probe(struct opening *o, const char *type, const char *what, struct probe p)
{
	struct probes *probes = o->probes;
	char event[16];
	int err;

	if (probes->n == probes->cap) {
		unsigned int cap = probes->cap ? 2 * probes->cap : 64;
		struct probe *more = realloc(probes->probe, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		probes->probe = more;
		probes->cap = cap;
	}
	snprintf(event, sizeof(event), "e%u", o->n_events);
	err = instance_add_event(o->in, type, event, what);
	if (err)
		return err;
	o->n_events++;
	err = read_format(o, event, &p);
	if (err) {
		instance_drop_event(o->in);
		return err;
	}
	probes->probe[probes->n++] = p;
	return 0;
}

static void drop_probes(struct opening *o, unsigned int n)
{
	while (o->probes->n > n) {
		instance_drop_event(o->in);
		o->probes->n--;
	}
}

/* Where @h's function ends: at each of its RETs, or else by a kretprobe; see attach.c on why. */
static int add_end(struct opening *o, const struct hook *h, struct probe p, const char *result,
		   struct hook_state *state)
{
	unsigned int first = o->probes->n, n;
	char what[ARGS_LEN];
	__u32 at[RETURNS_MAX];
	int err = 0;

	p.kind = PROBE_END;
	n = returns_find(&o->returns, h, at, state->reason, sizeof(state->reason));
	for (unsigned int i = 0; i < n && !err; i++) {
		snprintf(what, sizeof(what), "%s+0x%x%s%s", h->function, at[i],
			 result ? " result=%x0:" : "", result ?: "");
		err = add_probe(o, "p", what, p);
		if (err)
			snprintf(state->reason, sizeof(state->reason), "its RET at +0x%x: %s",
				 at[i], strerror(-err));
	}
	if (n && !err) {
		state->end = END_RET;
		return 0;
	}
	drop_probes(o, first);
	snprintf(what, sizeof(what), "%s%s%s", h->function, result ? " result=$retval:" : "",
		 result ?: "");
	err = add_probe(o, KRETPROBE, what, p);
	state->end = err ? END_NONE : END_KRETPROBE;
	return err;
}

/* Makes the events of hook @i. 0 or -errno. */
static int add_hook(struct opening *o, unsigned int i)
{
	const struct hook *h = &o->hooks[i];
	struct hook_state *state = &o->states[i];
	bool call = h->kind == HOOK_CALL || h->kind == HOOK_ARCH;
	char args[ARGS_LEN], what[2 * ARGS_LEN];
	unsigned int first = o->probes->n;
	struct probe p = {
		.kind = call ? PROBE_BEGIN : PROBE_BOUNCE,
		.op = h->op,
		.variant = hook_variant(h),
		.inside = call ? 0 : bounced_ops(h->programs),
		.programs = h->programs,
	};
	const char *result;
	int err;

	if (!probes_arguments(o->machine, h->programs, args, sizeof(args), &result))
		return -EOPNOTSUPP;
	snprintf(what, sizeof(what), "%s %s%s", h->function, args,
		 o->comm && call ? " comm=$comm" : "");
	err = add_probe(o, "p", what, p);
	if (!err && call)
		err = add_end(o, h, p, result, state);
	if (err)
		drop_probes(o, first);
	return err;
}

static void try_hook(struct opening *o, unsigned int i)
{
	struct hook_state *state = &o->states[i];
	char told[96];
	int err = add_hook(o, i);

	state->rung = err ? RUNG_NONE : RUNG_KPROBE;
	state->refused = err;
	if (!err)
		return;
	tracefs_last_error(told, sizeof(told));
	snprintf(state->reason, sizeof(state->reason), "kprobe event: %s%s%s", strerror(-err),
		 told[0] ? ": " : "", told);
}

/* True when a hook of a lower rank does the job of @h. */
static bool served(const struct opening *o, const struct hook *h)
{
	for (unsigned int i = 0; i < o->n; i++)
		if (o->hooks[i].group == h->group && o->hooks[i].rank < h->rank &&
		    o->states[i].rung != RUNG_NONE)
			return true;
	return false;
}

static void init_state(struct hook_state *s, const struct hook *h)
{
	*s = (struct hook_state){ .op = h->op };
	snprintf(s->name, sizeof(s->name), "%s", h->function);
	if (!h->exists)
		snprintf(s->reason, sizeof(s->reason), "not in this kernel");
}

/* Whether hook @i has anything to tell: not when another of its group does the job, or would. */
static bool worth_reporting(const struct opening *o, unsigned int i)
{
	const struct hook *h = &o->hooks[i];

	if (o->states[i].rung != RUNG_NONE)
		return true;
	for (unsigned int j = 0; j < o->n; j++) {
		const struct hook *other = &o->hooks[j];

		if (other->group != h->group || j == i)
			continue;
		if (o->states[j].rung != RUNG_NONE || other->exists > h->exists ||
		    (other->exists == h->exists && j < i))
			return false;
	}
	return true;
}

static unsigned int compact_states(const struct opening *o)
{
	bool keep[HEADER_HOOKS_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < o->n; i++)
		keep[i] = worth_reporting(o, i);
	for (unsigned int i = 0; i < o->n; i++)
		if (keep[i])
			o->states[n++] = o->states[i];
	return n;
}

static int by_id(const void *a, const void *b)
{
	const struct probe *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

void probes_open(struct instance *in, bool comm, const struct hook *hooks, unsigned int n,
		 struct hook_state *states, unsigned int *n_states, struct probes *probes)
{
	struct opening o = {
		.in = in, .comm = comm, .hooks = hooks, .n = n, .states = states, .probes = probes
	};
	struct utsname u;

	*probes = (struct probes){ 0 };
	uname(&u);
	o.machine = u.machine;
	for (unsigned int i = 0; i < n; i++)
		init_state(&states[i], &hooks[i]);
	/* Best first: it is seldom that a stand-in is needed for what the kernel has. */
	for (int rank = 0; rank < 2; rank++)
		for (unsigned int i = 0; i < n; i++)
			if (hooks[i].exists && hooks[i].rank == rank && !served(&o, &hooks[i]))
				try_hook(&o, i);
	returns_close(&o.returns);
	*n_states = compact_states(&o);
	if (probes->n)
		qsort(probes->probe, probes->n, sizeof(*probes->probe), by_id);
}

const struct probe *probes_find(const struct probes *probes, unsigned int id)
{
	struct probe like = { .id = id };

	if (!probes->n)
		return NULL;
	return bsearch(&like, probes->probe, probes->n, sizeof(like), by_id);
}

/* Hits and misses of the events of @in, each given to @tell; the sum of the misses. */
static __u64 read_profile(const struct instance *in,
			  void (*tell)(FILE *out, const char *name, __u64 hits, __u64 misses),
			  FILE *out)
{
	unsigned long long hits, misses;
	char *text, *line, *save, name[128], prefix[INSTANCE_NAME_LEN + 2];
	__u64 sum = 0;

	if (tracefs_read(tracefs_dir(), "kprobe_profile", &text))
		return 0;
	snprintf(prefix, sizeof(prefix), "%s_e", in->name);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%127s %llu %llu", name, &hits, &misses) != 3 ||
		    strncmp(name, prefix, strlen(prefix)))
			continue;
		sum += misses;
		if (tell)
			tell(out, name, hits, misses);
	}
	free(text);
	return sum;
}

__u64 probes_missed(const struct instance *in)
{
	return read_profile(in, NULL, NULL);
}

static void print_line(FILE *out, const char *name, __u64 hits, __u64 misses)
{
	fprintf(out, "%-28s %12llu hits %8llu missed\n", name, hits, misses);
}

void probes_print_stats(const struct instance *in, FILE *out)
{
	read_profile(in, print_line, out);
}

void probes_close(struct probes *probes)
{
	free(probes->probe);
	*probes = (struct probes){ 0 };
}
