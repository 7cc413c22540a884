// SPDX-License-Identifier: GPL-2.0
/* Makes calls out of records: begins and ends of one task belong together last in, first out. */
#include <stdlib.h>
#include <string.h>
#include "../interval/index.h"
#include "calls.h"

#define DMA_ATTR_SKIP_CPU_SYNC (1U << 5)
#define DMA_ATTR_MMIO (1U << 10)
#define TASKS_KEPT 1024
#define CALL_STALE_NS 10000000000ULL /* no DMA API call takes 10 s */

struct frame {
	__u64 start;
	const struct probe *probe;
	__u64 id;
	struct call_done call;
	char comm[16];
	bool silent; /* not to be told: not wanted, or part of the call around it */
};

/* What runs on one task; the idle tasks, which all have number 0, are told apart by CPU. */
struct task {
	__u64 key;
	unsigned int depth;
	struct frame frame[CALL_DEPTH];
};

struct calls {
	struct calls_user user;
	size_t page_size;
	struct task *tasks;
	size_t n, cap;
	struct index index;
	struct task wanted; /* zero but for its key: what is looked for */
	struct loss_counters loss;
};

static __u32 task_hash(const void *element)
{
	const struct task *t = element;

	return (t->key ^ t->key >> 32) * 2654435761U;
}

static bool task_same(const void *a, const void *b)
{
	return ((const struct task *)a)->key == ((const struct task *)b)->key;
}

static const struct index_kind task_kind = {
	.size = sizeof(struct task),
	.hash = task_hash,
	.same = task_same,
};

static struct task *find_task(struct calls *c, const struct trace_event *ev)
{
	void *tasks = c->tasks;
	struct task *t;
	bool found;

	c->wanted.key = ev->pid ? ev->pid : (1ULL << 32) + ev->cpu;
	t = index_find(&c->index, &task_kind, &tasks, &c->n, &c->cap, &c->wanted, &found);
	c->tasks = tasks;
	return t;
}

static unsigned int attrs_of(const struct trace_event *ev)
{
	/* The batched forms of the architecture's functions: see CALL_BATCHED. */
	if (ev->probe->op >= OP_API_COUNT)
		return ev->probe->variant ? CALL_BATCHED : 0;
	return (ev->attrs & DMA_ATTR_SKIP_CPU_SYNC ? CALL_SKIP_CPU_SYNC : 0) |
	       (ev->attrs & DMA_ATTR_MMIO ? CALL_MMIO : 0);
}

/* An unlink goes through its range an IOMMU page at a time; other single buffers are one entry. */
static __u32 entries_of(const struct calls *c, const struct trace_event *ev)
{
	__u64 mask = c->page_size - 1;

	if (OP_IS_LIST(ev->probe->op))
		return ev->entries & 0x7fffffff;
	if (ev->probe->op == OP_IOVA_UNLINK)
		return (((ev->addr + ev->offset) & mask) + ev->size + mask) / c->page_size;
	return ev->probe->op != OP_ARCH_FLUSH;
}

static struct frame *innermost_api(struct task *t)
{
	for (unsigned int i = t->depth; i--;)
		if (t->frame[i].probe->op < OP_API_COUNT)
			return &t->frame[i];
	return NULL;
}

/* dma_iova_destroy() calls dma_iova_unlink() in some builds: one unlink all the same. */
static bool part_of_outer(const struct task *t, const struct trace_event *ev)
{
	const struct frame *outer = t->depth ? &t->frame[t->depth - 1] : NULL;

	return outer && ev->probe->op == OP_IOVA_UNLINK && !ev->probe->variant &&
	       outer->probe->op == OP_IOVA_UNLINK && outer->probe->variant && outer->id == ev->id;
}

static void begin(struct calls *c, struct task *t, const struct trace_event *ev, bool timely)
{
	const struct probe *p = ev->probe;
	const struct frame *outer;
	struct frame *f;

	/* An end that was missed would stay below all further calls of the task. */
	if (t->depth && ev->ns > t->frame[t->depth - 1].start + CALL_STALE_NS) {
		c->loss.stale++;
		t->depth--;
	}
	if (t->depth == CALL_DEPTH) {
		c->loss.depth++;
		return;
	}
	outer = p->op >= OP_API_COUNT ? innermost_api(t) : NULL;
	f = &t->frame[t->depth];
	*f = (struct frame){
		.start = ev->ns,
		.probe = p,
		.id = ev->id,
		.silent = !timely || part_of_outer(t, ev) ||
			  !c->user.wanted(c->user.ctx, p->op, ev->pid, ev->comm),
		.call = {
			.op = p->op,
			.dir = p->field[FIELD_DIR].size ? ev->dir & 3 : DIR_NONE,
			.attrs = attrs_of(ev),
			.variant = p->variant,
			.device = outer ? outer->call.device : ev->device,
			.entries = entries_of(c, ev),
			.bytes = OP_IS_LIST(p->op) ? 0 : ev->size,
			.pid = ev->pid,
		},
	};
	memcpy(f->comm, ev->comm, sizeof(f->comm));
	t->depth++;
}

/* Whether the result of the call that ends with @ev says that it failed: see bpf/hooks.bpf.h. */
static bool failed(const struct trace_event *ev)
{
	__s32 result = ev->result;

	if (!ev->probe->field[FIELD_RESULT].size)
		return false;
	if (ev->probe->op == OP_MAP_PAGE)
		return ev->result == ~0ULL; /* DMA_MAPPING_ERROR */
	return ev->probe->op == OP_MAP_SG && !ev->probe->variant ? result <= 0 : result;
}

static bool same_call(const struct frame *f, const struct trace_event *ev)
{
	return f->probe->op == ev->probe->op && f->probe->variant == ev->probe->variant;
}

static void end(struct calls *c, struct task *t, const struct trace_event *ev)
{
	unsigned int i = t->depth;
	struct frame *f;

	while (i && !same_call(&t->frame[i - 1], ev))
		i--;
	if (!i)
		return; /* it began before us, or too deep */
	/* What is above it has ended, too, and nobody told. */
	c->loss.stale += t->depth - i;
	t->depth = i - 1;
	f = &t->frame[i - 1];
	if (f->silent)
		return;
	f->call.ns = ev->ns > f->start ? ev->ns - f->start : 0;
	f->call.failed = failed(ev);
	f->call.comm = f->comm;
	c->user.done(c->user.ctx, &f->call);
}

/* Records are missing: calls in flight may have ended meanwhile, and others begun. */
static void forget_calls(struct calls *c)
{
	for (size_t i = 0; i < c->n; i++)
		c->tasks[i].depth = 0;
}

void calls_take(struct calls *c, const struct trace_event *ev, __u64 from, __u64 to)
{
	struct frame *f;
	struct task *t;

	if (!ev->probe) {
		forget_calls(c);
		return;
	}
	t = find_task(c, ev);
	if (!t) {
		c->loss.calls_full += ev->probe->kind == PROBE_BEGIN;
		return;
	}
	switch (ev->probe->kind) {
	case PROBE_BEGIN:
		begin(c, t, ev, (ev->ns >= from && ev->ns < to) || ev->probe->op == OP_CALIBRATE);
		break;
	case PROBE_END:
		end(c, t, ev);
		break;
	case PROBE_BOUNCE:
		f = innermost_api(t);
		if (f && ev->probe->inside >> f->probe->op & 1)
			f->call.bounces++;
		break;
	}
}

void calls_loss(const struct calls *c, struct loss_counters *loss)
{
	loss->calls_full += c->loss.calls_full;
	loss->depth += c->loss.depth;
	loss->stale += c->loss.stale;
}

void calls_trim(struct calls *c)
{
	size_t n = 0, used = 0, all = c->n;
	void *tasks = c->tasks;
	bool found;

	if (c->n < TASKS_KEPT)
		return;
	for (size_t i = 0; i < c->n; i++)
		if (c->tasks[i].depth)
			c->tasks[used++] = c->tasks[i];
	index_clear(&c->index);
	/* Those that stay are put where they are already: position i is filled as number i. */
	for (size_t i = 0; i < used; i++) {
		struct task like = c->tasks[i];

		if (!index_find(&c->index, &task_kind, &tasks, &n, &c->cap, &like, &found))
			break;
	}
	c->tasks = tasks;
	c->n = n;
	c->loss.calls_full += n < used && all ? used - n : 0;
}

struct calls *calls_open(struct calls_user user, size_t page_size)
{
	struct calls *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->user = user;
	c->page_size = page_size;
	return c;
}

void calls_close(struct calls *c)
{
	if (!c)
		return;
	index_free(&c->index);
	free(c->tasks);
	free(c);
}
