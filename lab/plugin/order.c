// SPDX-License-Identifier: GPL-2.0
/* Whether cache maintenance is complete where it must be: the order oracle of the plugin. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"

#define MAX_VCPUS 64
#define MAX_CALLS 32
#define MAX_APIS 64
#define MAX_FOUND 64
#define MAX_VECTORS 4

enum rule { RULE_RETURN, RULE_COPY, RULE_STORE, RULES };

static const char *const rule_names[RULES] = { "return", "copy", "store" };

struct api {
	uint64_t start;
	uint64_t end;
	char name[48];
	bool to_cpu;
};

/* Tables of exception vectors: entries are 0x80 apart, whichever of the tables is in use. */
struct span {
	uint64_t start;
	uint64_t end;
};

/* A function of the DMA API that has been entered, and what was pending then. */
struct call {
	const struct api *api;
	uint64_t pending;
	int depth; /* of exceptions */
};

struct vcpu {
	uint64_t pending;
	int depth;
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
	struct span vectors[MAX_VECTORS];
	unsigned int nr_vectors;
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

/* The innermost call that this very context made, not one that it interrupted; or NULL. */
static struct call *call_here(struct vcpu *cpu)
{
	struct call *call = cpu->nr_calls ? &cpu->calls[cpu->nr_calls - 1] : NULL;

	return call && call->depth >= cpu->depth ? call : NULL;
}

/* What was pending before anything in this context began, and is somebody else's to complete. */
static uint64_t pending_below(const struct vcpu *cpu)
{
	unsigned int i;

	for (i = 0; i < cpu->nr_calls; i++)
		if (cpu->calls[i].depth < cpu->depth)
			return cpu->pending;
	return 0;
}

static void on_dc(unsigned int index, void *data)
{
	(void)data;
	vcpu_of(index)->pending++;
}

static void on_dsb(unsigned int index, void *data)
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
	for (i = 0; i < cpu->nr_calls; i++)
		cpu->calls[i].pending = 0;
}

static void on_vector(unsigned int index, void *data)
{
	(void)data;
	vcpu_of(index)->depth++;
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

	if (cpu->nr_calls == MAX_CALLS)
		memmove(cpu->calls, cpu->calls + 1, --cpu->nr_calls * sizeof(*cpu->calls));
	cpu->calls[cpu->nr_calls++] =
		(struct call){ .api = data, .pending = cpu->pending, .depth = cpu->depth };
}

/* A tail call has no return of its own: that of its caller's caller ends it, too. */
static void on_return(unsigned int index, void *data)
{
	struct vcpu *cpu = vcpu_of(index);
	unsigned int i = cpu->nr_calls;

	while (i && cpu->calls[i - 1].api != data)
		i--;
	if (!i)
		return;
	cpu->nr_calls = i - 1;
	state.looked[RULE_RETURN]++;
	if (cpu->pending > cpu->calls[i - 1].pending)
		broken(RULE_RETURN, data, cpu->calls[i - 1].api->start,
		       cpu->pending - cpu->calls[i - 1].pending);
}

static void on_bounce(unsigned int index, void *data)
{
	struct vcpu *cpu = vcpu_of(index);
	struct call *call = call_here(cpu);

	(void)data;
	if (!call || !call->api->to_cpu)
		return;
	state.looked[RULE_COPY]++;
	if (cpu->pending > call->pending)
		broken(RULE_COPY, call->api, state.bounce, cpu->pending - call->pending);
}

static void on_store(unsigned int index, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data)
{
	struct vcpu *cpu = vcpu_of(index);
	struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, vaddr);
	struct call *call;
	uint64_t below;

	if (!where || !qemu_plugin_hwaddr_is_io(where))
		return;
	state.looked[RULE_STORE]++;
	cpu->waited = false;
	if (!cpu->pending)
		return;
	call = call_here(cpu);
	below = call ? call->pending : pending_below(cpu);
	if (cpu->pending > below)
		broken(RULE_STORE, call ? call->api : NULL, (uintptr_t)data, cpu->pending - below);
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

static bool is_vector(uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < state.nr_vectors; i++)
		if (addr >= state.vectors[i].start && addr < state.vectors[i].end)
			return !(addr & 0x7f);
	return false;
}

static void at(struct qemu_plugin_insn *insn, qemu_plugin_vcpu_udata_cb_t cb, void *data)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, cb, QEMU_PLUGIN_CB_NO_REGS, data);
}

void order_translate(struct qemu_plugin_insn *insn, uint32_t word, uint64_t addr)
{
	bool ret = (word & 0xfffffc1f) == 0xd65f0000 || word == 0xd65f0bff || word == 0xd65f0fff;
	unsigned int i;

	if (!state.nr_apis)
		return;
	if (is_dc(word))
		at(insn, on_dc, NULL);
	else if (word == 0xd5033f9f)
		at(insn, on_dsb, NULL);
	else if (word == 0xd69f03e0)
		at(insn, on_eret, NULL);
	if (is_vector(addr))
		at(insn, on_vector, NULL);
	if (addr == state.bounce)
		at(insn, on_bounce, NULL);
	for (i = 0; i < state.nr_apis; i++) {
		struct api *api = &state.apis[i];

		if (addr == api->start)
			at(insn, on_enter, api);
		if (ret && addr >= api->start && addr < api->end)
			at(insn, on_return, api);
	}
	qemu_plugin_register_vcpu_mem_cb(insn, on_store, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_W,
					 (void *)(uintptr_t)addr);
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
	api->to_cpu = strstr(api->name, "unmap") || strstr(api->name, "for_cpu");
	state.nr_apis++;
	return 0;
}

static int vectors_argument(const char *text)
{
	struct span *table = &state.vectors[state.nr_vectors];
	char *rest;

	if (state.nr_vectors == MAX_VECTORS)
		return -1;
	table->start = strtoull(text, &rest, 16);
	if (*rest != '-')
		return -1;
	table->end = strtoull(rest + 1, &rest, 16);
	state.nr_vectors++;
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
	if (!strncmp(arg, "vectors=", 8))
		return vectors_argument(arg + 8);
	return -1;
}
