// SPDX-License-Identifier: GPL-2.0
/* Turns the addresses of stacks into names while what they belong to is still there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "dmasync/ksyms.h"
#include "dmasync/log.h"
#include "dmasync/stacknames.h"
#include "dmasync/symtab.h"
#include "dmasync/usersyms.h"
#include "traces.h"

#define UNKNOWN "[unknown]"
#define KNOWN_MAX 65536 /* stacks that are known by their addresses; then all are forgotten */
#define LEADING_MAX 12	/* frames that probes can have below the function that they are on */

/* A stack that has a number. */
struct known_stack {
	bool used;
	__u64 kernel, user;
	__u32 tgid;
	__u32 version; /* of the process's maps */
	__u32 number;
	const char *function;
};

struct stack_names {
	struct stack_names_config cfg;
	struct symtab *symbols;
	struct usersyms *users;
	struct stack_table table;
	struct traces traces;
	struct known_stack *stacks; /* by open addressing; the size is a power of two */
	size_t n_stacks, stacks_size;
	__u64 lost; /* calls and samples */
};

int stack_names_open(const struct stack_names_config *cfg, struct stack_names **out)
{
	struct stack_names *s = calloc(1, sizeof(*s));
	char why[160];
	int err;

	if (s && cfg->user)
		s->users = usersyms_new();
	if (!s || (cfg->user && !s->users)) {
		free(s);
		log_error("out of memory for the names of stacks");
		return -ENOMEM;
	}
	s->cfg = *cfg;
	s->traces = (struct traces){ .map = cfg->traces, .filed = cfg->filed };
	err = symtab_load(KSYMS_PATH, "/proc/modules", &s->symbols, why, sizeof(why));
	if (err) {
		log_error("cannot name what is on stacks: %s; --no-stacks does without", why);
		stack_names_close(s);
		return err == -ENODATA ? -EPERM : err;
	}
	*out = s;
	return 0;
}

static size_t grown(size_t size)
{
	return size ? size * 2 : 512;
}

static bool is_probe(const char *name)
{
	static const char *const probes[] = { "bpf_prog_", "bpf_trampoline_",
					      "__kretprobe_trampoline", "arch_rethook_trampoline",
					      "kretprobe_trampoline" };

	for (size_t i = 0; name && i < sizeof(probes) / sizeof(probes[0]); i++)
		if (!strncmp(name, probes[i], strlen(probes[i])))
			return true;
	return false;
}

/* Index of the first frame that is not a probe's; *@found: it is that of @function. */
static unsigned int skip_probes(const char *const *names, unsigned int n, const char *function,
				bool *found)
{
	unsigned int i, first = 0;

	*found = false;
	for (i = 0; i < n && i < LEADING_MAX; i++) {
		if (names[i] && !strcmp(names[i], function)) {
			*found = true;
			return i;
		}
		/* Programs may have no names (net.core.bpf_jit_kallsyms). */
		if (names[i] && !is_probe(names[i]))
			break;
	}
	while (first < n && is_probe(names[first]))
		first++;
	return first;
}

static bool is_program(const char *name)
{
	return !strncmp(name, "bpf_prog_", 9);
}

static bool same_name(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

unsigned int stack_names_clean(const char *const *names, unsigned int n, const char *function,
			       unsigned int *out)
{
	bool found = true, split = false;
	const char *last = NULL;
	unsigned int i = 0, used = 0;

	if (function)
		i = skip_probes(names, n, function, &found);
	/* At a kretprobe the function has returned already. */
	if (!found)
		out[used++] = FRAME_CALLED;
	for (; i < n; i++) {
		/* Between its halves lies a trampoline, which may have no name. */
		bool nameless = !names[i] && i + 1 < n && same_name(last, names[i + 1]);

		/* Samples tell what the programs cost. */
		if (nameless || (is_probe(names[i]) && (function || !is_program(names[i])))) {
			split = true;
			continue;
		}
		if (!(split && same_name(last, names[i])))
			out[used++] = i;
		split = false;
		last = names[i];
	}
	return used;
}

/* Text of the names of a stack's frames. */
struct frame_names {
	char text[2 * STACK_DEPTH][FRAME_NAME_LEN];
};

/* Name of a frame at @addr that is called @name, or NULL, in @buf's place if it needs one. */
static const char *frame_name(const struct stack_names *s, const char *name, __u64 addr, char *buf)
{
	if (name)
		return name;
	if (!s->cfg.raw_addresses)
		return UNKNOWN;
	snprintf(buf, FRAME_NAME_LEN, "0x%llx", (unsigned long long)addr);
	return buf;
}

/* Frames of the kernel's part, outermost first, to @out; returns their number. */
static unsigned int kernel_frames(const struct stack_names *s, const struct stack_trace *t,
				  const char *function, char (*text)[FRAME_NAME_LEN],
				  const char **out)
{
	unsigned int keep[STACK_DEPTH + 1], n, at;
	const char *names[STACK_DEPTH];

	for (unsigned int i = 0; i < t->n; i++) {
		/* A return address is behind the call; where a sample hit is none. */
		__u64 addr = t->ip[i] - (function || i);

		names[i] = symtab_name(s->symbols, addr, text[i], FRAME_NAME_LEN);
	}
	n = stack_names_clean(names, t->n, function, keep);
	for (unsigned int i = 0; i < n; i++) {
		at = keep[n - 1 - i];
		out[i] = at == FRAME_CALLED ? function
					    : frame_name(s, names[at], t->ip[at], text[at]);
	}
	return n;
}

/* Frames of the part of user space, outermost first, at most @max; returns their number. */
static unsigned int user_frames(const struct stack_names *s, const struct stack_trace *t,
				const struct stack_key *key, const char *comm, unsigned int max,
				char (*text)[FRAME_NAME_LEN], const char **out)
{
	unsigned int n = t->n < max ? t->n : max;
	__u32 tgid = key->where.tgid;

	if (!usersyms_process(s->users, tgid)) {
		snprintf(text[0], FRAME_NAME_LEN, "[%s]", comm[0] ? comm : "outside");
		out[0] = text[0];
		return 1;
	}
	for (unsigned int i = 0; i < n; i++) {
		const char *name =
			usersyms_name(s->users, tgid, t->ip[i] - !!i, text[i], FRAME_NAME_LEN);

		out[n - 1 - i] = frame_name(s, name, t->ip[i], text[i]);
	}
	return n;
}

/* Number of a stack; -ENOSPC: it is new, and the table has no room for more. */
static int table_number(struct stack_names *s, const char *const *frames, unsigned int n,
			unsigned int n_user, __u32 *number)
{
	bool full =
		s->table.n >= STACKS_NAMED_MAX || stack_table_bytes(&s->table) >= STACKS_BYTES_MAX;

	if (full)
		return stack_table_find(&s->table, frames, n, n_user, number) ? -ENOSPC : 0;
	return stack_table_add(&s->table, frames, n, n_user, number);
}

static int name_stack(struct stack_names *s, const struct stack_key *key, const char *comm,
		      const char *function, __u32 *number)
{
	const char *kernel[STACK_DEPTH + 1], *frames[STACK_FRAMES_MAX];
	unsigned int n_kernel = 0, n_user = 0;
	struct frame_names text;
	struct stack_trace t;
	bool found = !traces_get(&s->traces, key->kernel, &t);

	if (found)
		n_kernel = kernel_frames(s, &t, function, text.text, kernel);
	else if (key->kernel || function)
		kernel[n_kernel++] = UNKNOWN;
	if (!found && function)
		kernel[n_kernel++] = function;
	if (s->users && !traces_get(&s->traces, key->user, &t))
		n_user = user_frames(s, &t, key, comm, STACK_FRAMES_MAX - n_kernel,
				     text.text + STACK_DEPTH, frames);
	/* A sample that hit user space, of which nothing is to be told. */
	if (!n_kernel && !n_user)
		frames[n_user++] = "[user space]";
	memcpy(frames + n_user, kernel, n_kernel * sizeof(*kernel));
	return table_number(s, frames, n_kernel + n_user, n_user, number);
}

static struct known_stack *stack_slot(const struct stack_names *s, const struct known_stack *like)
{
	__u64 h = (like->kernel ^ like->user * 31 ^ like->tgid) * 0x9E3779B97F4A7C15ULL;
	size_t i = h >> 32 & (s->stacks_size - 1);

	for (; s->stacks[i].used; i = (i + 1) & (s->stacks_size - 1)) {
		const struct known_stack *k = &s->stacks[i];

		if (k->kernel == like->kernel && k->user == like->user && k->tgid == like->tgid &&
		    k->function == like->function)
			break;
	}
	return &s->stacks[i];
}

static int grow_stacks(struct stack_names *s)
{
	struct known_stack *old = s->stacks;
	size_t old_size = s->stacks_size;

	if ((s->n_stacks + 1) * 2 <= old_size)
		return 0;
	s->stacks = calloc(grown(old_size), sizeof(*old));
	if (!s->stacks) {
		s->stacks = old;
		return -ENOMEM;
	}
	s->stacks_size = grown(old_size);
	for (size_t i = 0; i < old_size; i++)
		if (old[i].used)
			*stack_slot(s, &old[i]) = old[i];
	free(old);
	return 0;
}

/* There are few of them, so they have room even if the table is full. */
static int unknown_number(struct stack_names *s, const char *function, __u32 *number)
{
	const char *frames[] = { UNKNOWN, function };

	return stack_table_add(&s->table, frames, function ? 2 : 1, 0, number);
}

int stack_names_number(struct stack_names *s, const struct stack_key *key, const char *comm,
		       const char *function, __u64 calls, __u32 *number)
{
	struct known_stack like = {
		.used = true,
		.kernel = key->kernel,
		.user = key->user,
		.tgid = key->user ? key->where.tgid : 0,
		.function = function,
	}, *k;
	int err;

	if (grow_stacks(s))
		return -ENOMEM;
	if (like.user && s->users)
		like.version = usersyms_process(s->users, like.tgid);
	k = stack_slot(s, &like);
	if (!k->used || k->version != like.version) {
		err = name_stack(s, key, comm, function, &like.number);
		if (err == -ENOSPC) {
			s->lost += calls;
			return unknown_number(s, function, number);
		}
		if (err)
			return err;
		s->n_stacks += !k->used;
		*k = like;
	}
	*number = k->number;
	return 0;
}

void stack_names_refresh(struct stack_names *s)
{
	/* Other code may lie at the addresses of a module that is gone. */
	bool modules = symtab_refresh(s->symbols);

	if (s->stacks && (modules || s->n_stacks >= KNOWN_MAX)) {
		memset(s->stacks, 0, s->stacks_size * sizeof(*s->stacks));
		s->n_stacks = 0;
	}
	if (s->users)
		usersyms_refresh(s->users);
}

void stack_names_trim(struct stack_names *s)
{
	traces_trim(&s->traces);
}

__u64 stack_names_lost(const struct stack_names *s)
{
	return s->lost;
}

const struct stack_table *stack_names_table(const struct stack_names *s)
{
	return &s->table;
}

void stack_names_close(struct stack_names *s)
{
	if (!s)
		return;
	traces_free(&s->traces);
	free(s->stacks);
	stack_table_free(&s->table);
	symtab_free(s->symbols);
	usersyms_free(s->users);
	free(s);
}
