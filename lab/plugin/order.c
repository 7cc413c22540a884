// SPDX-License-Identifier: GPL-2.0
/* Whether cache maintenance is complete where it must be: the order oracle of the plugin. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"
#include "text.h"

#define LINEAR_END 0xffff800000000000 /* memory as such, of kernels of 48 bits, and user space */

#define MAX_VCPUS 64
#define MAX_CALLS 32
#define MAX_DEPTH 16
#define MAX_APIS 64
#define MAX_FOUND 64
#define MAX_VECTORS 4
#define MAX_TABLES 8
#define STACK_SIZE 0x4000 /* of a kernel thread, and its alignment */

enum rule { RULE_RETURN, RULE_COPY, RULE_STORE, RULE_FILL, RULE_BACK, RULE_WALK, RULES };

static const char *const rule_names[RULES] = { "return", "copy", "store", "fill", "back", "walk" };

struct api {
	uint64_t start;
	uint64_t end;
	char name[48];
	bool to_cpu;
	bool walked; /* maps for an IOMMU */
};

/* Tables of exception vectors: entries are 0x80 apart, whichever of the tables is in use. */
struct span {
	uint64_t start;
	uint64_t end;
};

/* A function of the DMA API that has been entered, and how its context was then. */
struct call {
	const struct api *api;
	uint64_t pending;
	uint64_t issued;
	int depth; /* of exceptions */
};

/*
 * What the code of one depth of exceptions has done. An interrupt's dsb completes what it came
 * upon, too; but that is luck, and would hide that a wait is missing there.
 */
struct context {
	uint64_t pending;
	uint64_t issued; /* dc so far */
	uint64_t stack;	 /* that the IOMMU's tables are written from */
	bool filled;	 /* a bounce buffer, with no dc since */
	bool written;	 /* entries of a table, not visible to the walker yet */
};

struct vcpu {
	uint64_t pending; /* since any dsb */
	int depth;
	struct context contexts[MAX_DEPTH];
	struct call calls[MAX_CALLS];
	unsigned int nr_calls;
	bool waited; /* in a call, and no device register was written since */
};

/* One way in which a rule was broken. */
struct found {
	enum rule rule;
	const struct api *api;
	uint64_t addr;
	uint64_t pending; /* the most */
	uint64_t count;
};

static struct {
	struct api apis[MAX_APIS];
	unsigned int nr_apis;
	uint64_t bounce;
	uint64_t back;
	struct span vectors[MAX_VECTORS];
	unsigned int nr_vectors;
	struct span tables[MAX_TABLES];
	unsigned int nr_tables;
	bool walker_apart; /* the IOMMU's walker is not coherent: it needs a dc */
	struct vcpu vcpus[MAX_VCPUS];
	uint64_t looked[RULES];
	uint64_t exceptions;
	uint64_t longest;
	uint64_t waits;	 /* in calls, for what was pending */
	uint64_t groups; /* of them, with a write to a device between any two */
	struct found found[MAX_FOUND];
	unsigned int nr_found;
	uint64_t more; /* that found no room there */
} state;

static struct vcpu *vcpu_of(unsigned int index)
{
	return &state.vcpus[index % MAX_VCPUS];
}

static void broken(enum rule rule, const struct api *api, uint64_t addr, uint64_t pending)
{
	struct found *f = state.found, *end = f + state.nr_found;

	while (f < end && (f->rule != rule || f->api != api || f->addr != addr))
		f++;
	if (f == end) {
		if (state.nr_found == MAX_FOUND) {
			state.more++;
			return;
		}
		state.nr_found++;
		*f = (struct found){ .rule = rule, .api = api, .addr = addr };
	}
	f->count++;
	if (pending > f->pending)
		f->pending = pending;
}

static struct context *context_at(struct vcpu *cpu, int depth)
{
	return &cpu->contexts[depth < MAX_DEPTH ? depth : MAX_DEPTH - 1];
}

static struct context *context_here(struct vcpu *cpu)
{
	return context_at(cpu, cpu->depth);
}

/* The innermost call that this very context made, not one that it interrupted; or NULL. */
static struct call *call_here(struct vcpu *cpu)
{
	struct call *call = cpu->nr_calls ? &cpu->calls[cpu->nr_calls - 1] : NULL;

	return call && call->depth >= cpu->depth ? call : NULL;
}

/* What this context has issued since it entered the API: since the outermost of its calls. */
static uint64_t pending_here(struct vcpu *cpu)
{
	uint64_t pending = context_here(cpu)->pending;
	unsigned int i;

	for (i = 0; i < cpu->nr_calls; i++)
		if (cpu->calls[i].depth >= cpu->depth)
			return pending - cpu->calls[i].pending;
	return pending;
}

static void on_dc(unsigned int index, void *data)
{
	struct vcpu *cpu = vcpu_of(index);
	struct context *here = context_here(cpu);

	(void)data;
	cpu->pending++;
	here->pending++;
	here->issued++;
	here->filled = false;
	if (state.walker_apart)
		here->written = false;
}

/* Completes the maintenance of this context and of those that this one was interrupted by. */
static void on_dsb_sy(unsigned int index, void *data)
{
	struct vcpu *cpu = vcpu_of(index);
	unsigned int i;

	(void)data;
	if (cpu->pending > state.longest)
		state.longest = cpu->pending;
	if (cpu->pending && call_here(cpu)) {
		state.waits++;
		state.groups += !cpu->waited;
		cpu->waited = true;
	}
	cpu->pending = 0;
	context_here(cpu)->pending = 0;
	for (i = 0; i < cpu->nr_calls; i++)
		if (cpu->calls[i].depth >= cpu->depth)
			cpu->calls[i].pending = 0;
}

/* dsb st or more: a coherent walker sees what was written. */
static void on_dsb_st(unsigned int index, void *data)
{
	(void)data;
	if (!state.walker_apart)
		context_here(vcpu_of(index))->written = false;
}

static void on_vector(unsigned int index, void *data)
{
	struct vcpu *cpu = vcpu_of(index);

	(void)data;
	cpu->depth++;
	*context_here(cpu) = (struct context){ 0 };
	state.exceptions++;
}

/* What was called in an exception has ended with it, were it left by a tail call or a panic. */
static void on_eret(unsigned int index, void *data)
{
	struct vcpu *cpu = vcpu_of(index);

	(void)data;
	if (cpu->depth)
		cpu->depth--;
	while (cpu->nr_calls && cpu->calls[cpu->nr_calls - 1].depth > cpu->depth)
		cpu->nr_calls--;
}

static void on_enter(unsigned int index, void *data)
{
	struct vcpu *cpu = vcpu_of(index);
	struct context *here = context_here(cpu);

	if (!call_here(cpu)) {
		here->filled = false;
		here->written = false;
	}
	if (cpu->nr_calls == MAX_CALLS)
		memmove(cpu->calls, cpu->calls + 1, --cpu->nr_calls * sizeof(*cpu->calls));
	cpu->calls[cpu->nr_calls++] = (struct call){
		.api = data, .pending = here->pending, .issued = here->issued, .depth = cpu->depth
	};
}

/* The other rules that hold when a call returns; what broke one is the innermost call's alone. */
static void check_filled(const struct call *call, struct context *its)
{
	/* With DMA_ATTR_SKIP_CPU_SYNC nothing is cleaned: then nothing is in the wrong order. */
	if (call->api->to_cpu || !its->filled || its->issued == call->issued)
		return;
	broken(RULE_FILL, call->api, state.bounce, 1);
	its->filled = false;
}

static void check_written(const struct call *call, struct context *its)
{
	if (!call->api->walked)
		return;
	state.looked[RULE_WALK]++;
	if (its->written)
		broken(RULE_WALK, call->api, call->api->start, 1);
	its->written = false;
}

/* A tail call has no return of its own: that of its caller's caller ends it, too. */
static void on_return(unsigned int index, void *data)
{
	struct vcpu *cpu = vcpu_of(index);
	unsigned int i = cpu->nr_calls;
	struct context *its;
	struct call *call;

	while (i && cpu->calls[i - 1].api != data)
		i--;
	if (!i)
		return;
	cpu->nr_calls = i - 1;
	call = &cpu->calls[i - 1];
	its = context_at(cpu, call->depth);
	state.looked[RULE_RETURN]++;
	if (its->pending > call->pending)
		broken(RULE_RETURN, data, call->api->start, its->pending - call->pending);
	check_filled(call, its);
	check_written(call, its);
}

static void on_bounce(unsigned int index, void *data)
{
	struct vcpu *cpu = vcpu_of(index);
	struct call *call = call_here(cpu);
	uint64_t pending = pending_here(cpu);

	(void)data;
	if (!call)
		return;
	if (!call->api->to_cpu) {
		state.looked[RULE_FILL]++;
		context_here(cpu)->filled = true;
		return;
	}
	state.looked[RULE_COPY]++;
	if (pending)
		broken(RULE_COPY, call->api, state.bounce, pending);
}

/* An entry that cannot be mapped gives its own bounce buffer back, which has no maintenance yet. */
static void on_back(unsigned int index, void *data)
{
	struct vcpu *cpu = vcpu_of(index);
	struct call *call = call_here(cpu);
	uint64_t pending = pending_here(cpu);

	(void)data;
	context_here(cpu)->filled = false;
	if (!call || !call->api->to_cpu)
		return;
	state.looked[RULE_BACK]++;
	if (pending)
		broken(RULE_BACK, call->api, state.back, pending);
}

static void on_store(unsigned int index, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data)
{
	struct vcpu *cpu = vcpu_of(index);
	struct qemu_plugin_hwaddr *where;
	struct call *call;
	uint64_t below;

	/* Registers are mapped above that. An atomic instruction also loads. */
	if (vaddr < LINEAR_END || !qemu_plugin_mem_is_store(info))
		return;
	where = qemu_plugin_get_hwaddr(info, vaddr);
	if (!where || !qemu_plugin_hwaddr_is_io(where))
		return;
	state.looked[RULE_STORE]++;
	cpu->waited = false;
	call = call_here(cpu);
	below = call ? call->pending : 0;
	if (context_here(cpu)->pending > below)
		broken(RULE_STORE, call ? call->api : NULL, (uintptr_t)data,
		       context_here(cpu)->pending - below);
}

/* Entries are what such code stores elsewhere than on its stack, on which it begins. */
static void on_table_store(unsigned int index, qemu_plugin_meminfo_t info, uint64_t vaddr,
			   void *data)
{
	struct context *here = context_here(vcpu_of(index));
	uint64_t block = vaddr & ~(uint64_t)(STACK_SIZE - 1);

	(void)data;
	if (!qemu_plugin_mem_is_store(info))
		return;
	if (!here->stack)
		here->stack = block;
	else if (block != here->stack)
		here->written = true;
}

static void on_table_enter(unsigned int index, void *data)
{
	(void)data;
	context_here(vcpu_of(index))->stack = 0;
}

/* dc ivac, cvac, civac by address, and cvap, cvadp: to the point of coherency or beyond. */
static bool is_dc(uint32_t word)
{
	switch (word & ~0x1fu) {
	case 0xd5087620:
	case 0xd50b7a20:
	case 0xd50b7e20:
	case 0xd50b7c20:
	case 0xd50b7d20:
		return true;
	}
	return false;
}

static bool is_ret(uint32_t word)
{
	return (word & 0xfffffc1f) == 0xd65f0000 || word == 0xd65f0bff || word == 0xd65f0fff;
}

/* Which of the spans has the address; or NULL. */
static const struct span *span_of(const struct span *spans, unsigned int n, uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (addr >= spans[i].start && addr < spans[i].end)
			return &spans[i];
	return NULL;
}

/* Whether a load or store is certainly a load: none of the exclusives, atomics and structures. */
static bool is_load(uint32_t word)
{
	unsigned int opc = (word >> 22) & 3;
	bool vector = word & 0x04000000;

	if ((word & 0x3b000000) == 0x18000000) /* of a literal */
		return true;
	if ((word & 0x3a000000) == 0x28000000) /* of a pair */
		return opc & 1;
	if ((word & 0x3b000000) == 0x39000000 || (word & 0x3b200000) == 0x38000000 ||
	    (word & 0x3b200c00) == 0x38200800)
		return opc && !(vector && opc == 2); /* opc 2 stores 128 bits of a vector */
	return false;
}

/*
 * Stores of the kernel, but for those relative to its stack, reach a device's registers. QEMU 7.2
 * also calls back for loads where stores were asked for, at a cost.
 */
static bool may_reach_device(uint32_t word, uint64_t addr)
{
	return addr >> 63 && (word & 0x0a000000) == 0x08000000 && ((word >> 5) & 31) != 31 &&
	       !is_load(word);
}

static void at(struct qemu_plugin_insn *insn, qemu_plugin_vcpu_udata_cb_t cb, void *data)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, cb, QEMU_PLUGIN_CB_NO_REGS, data);
}

/* Functions of the API: where they begin, and where they return, even from under a kprobe. */
static void translate_api(struct qemu_plugin_insn *insn, uint32_t word, uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < state.nr_apis; i++) {
		struct api *api = &state.apis[i];

		if (addr < api->start || addr >= api->end)
			continue;
		if (addr == api->start)
			at(insn, on_enter, api);
		if (is_ret(text_original(word, addr)))
			at(insn, on_return, api);
	}
}

static void translate_tables(struct qemu_plugin_insn *insn, uint64_t addr)
{
	const struct span *table = span_of(state.tables, state.nr_tables, addr);

	if (!table)
		return;
	/* The first of them is the one that the IOMMU's driver calls, and it the others. */
	if (addr == state.tables[0].start)
		at(insn, on_table_enter, NULL);
	qemu_plugin_register_vcpu_mem_cb(insn, on_table_store, QEMU_PLUGIN_CB_NO_REGS,
					 QEMU_PLUGIN_MEM_W, NULL);
}

void order_translate(struct qemu_plugin_insn *insn, uint32_t word, uint64_t addr)
{
	if (!state.nr_apis)
		return;
	if (is_dc(word))
		at(insn, on_dc, NULL);
	else if (word == 0xd5033f9f)
		at(insn, on_dsb_sy, NULL);
	else if (word == 0xd69f03e0)
		at(insn, on_eret, NULL);
	if (word == 0xd5033f9f || word == 0xd5033e9f)
		at(insn, on_dsb_st, NULL);
	if (!(addr & 0x7f) && span_of(state.vectors, state.nr_vectors, addr))
		at(insn, on_vector, NULL);
	if (addr == state.bounce)
		at(insn, on_bounce, NULL);
	if (addr == state.back)
		at(insn, on_back, NULL);
	translate_api(insn, word, addr);
	translate_tables(insn, addr);
	if (may_reach_device(word, addr))
		qemu_plugin_register_vcpu_mem_cb(insn, on_store, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_W, (void *)(uintptr_t)addr);
}

void order_open(void)
{
	memset(state.looked, 0, sizeof(state.looked));
	state.exceptions = 0;
	state.longest = 0;
	state.waits = 0;
	state.groups = 0;
	for (unsigned int i = 0; i < MAX_VCPUS; i++)
		state.vcpus[i].waited = false;
	state.nr_found = 0;
	state.more = 0;
}

void order_write(FILE *out)
{
	unsigned int i;

	if (!state.nr_apis)
		return;
	fputs(",\"order\":{\"looked\":{", out);
	for (i = 0; i < RULES; i++)
		fprintf(out, "%s\"%s\":%llu", i ? "," : "", rule_names[i],
			(unsigned long long)state.looked[i]);
	fprintf(out,
		"},\"exceptions\":%llu,\"longest\":%llu,\"waits\":%llu,"
		"\"groups\":%llu,\"more\":%llu,\"broken\":[",
		(unsigned long long)state.exceptions, (unsigned long long)state.longest,
		(unsigned long long)state.waits, (unsigned long long)state.groups,
		(unsigned long long)state.more);
	for (i = 0; i < state.nr_found; i++) {
		const struct found *f = &state.found[i];

		fprintf(out,
			"%s{\"rule\":\"%s\",\"in\":\"%s\",\"addr\":\"0x%llx\",\"pending\":%llu,"
			"\"count\":%llu}",
			i ? "," : "", rule_names[f->rule], f->api ? f->api->name : "",
			(unsigned long long)f->addr, (unsigned long long)f->pending,
			(unsigned long long)f->count);
	}
	fputs("]}", out);
}

static int api_argument(const char *text)
{
	struct api *api = &state.apis[state.nr_apis];
	char *rest;

	if (state.nr_apis == MAX_APIS)
		return -1;
	api->start = strtoull(text, &rest, 16);
	if (*rest != '-')
		return -1;
	api->end = strtoull(rest + 1, &rest, 16);
	if (*rest != ':' || api->end <= api->start)
		return -1;
	snprintf(api->name, sizeof(api->name), "%s", rest + 1);
	api->to_cpu = strstr(api->name, "unmap") || strstr(api->name, "for_cpu") ||
		      strstr(api->name, "iova_unlink") || strstr(api->name, "iova_destroy");
	api->walked = strstr(api->name, "iommu_map");
	state.nr_apis++;
	return 0;
}

static int span_argument(struct span *spans, unsigned int *n, unsigned int max, const char *text)
{
	char *rest;

	if (*n == max)
		return -1;
	spans[*n].start = strtoull(text, &rest, 16);
	if (*rest != '-')
		return -1;
	spans[*n].end = strtoull(rest + 1, &rest, 16);
	++*n;
	return 0;
}

int order_argument(const char *arg)
{
	if (!strncmp(arg, "api=", 4))
		return api_argument(arg + 4);
	if (!strncmp(arg, "bounce=", 7)) {
		state.bounce = strtoull(arg + 7, NULL, 16);
		return 0;
	}
	if (!strncmp(arg, "back=", 5)) {
		state.back = strtoull(arg + 5, NULL, 16);
		return 0;
	}
	if (!strncmp(arg, "vectors=", 8))
		return span_argument(state.vectors, &state.nr_vectors, MAX_VECTORS, arg + 8);
	if (!strncmp(arg, "table=", 6))
		return span_argument(state.tables, &state.nr_tables, MAX_TABLES, arg + 6);
	if (!strcmp(arg, "walker=apart")) {
		state.walker_apart = true;
		return 0;
	}
	return text_argument(arg);
}
