// SPDX-License-Identifier: GPL-2.0
/* TCG plugin: counts the dsb and dc instructions that a guest executes between two markers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../mark.h"
#include "order.h"
#include "qemu_plugin.h"

__attribute__((visibility("default"))) int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define BUCKETS 4096
#define MAX_VCPUS 64
#define MAX_NESTING 16
#define MAX_LEAVES 64
#define MAX_RANGES 16

/* Executions of a site on behalf of one caller. */
struct tally {
	struct tally *next;
	uint64_t caller;
	uint64_t count;
};

/* One barrier or cache maintenance instruction at one guest address, or calls of one leaf. */
struct site {
	struct site *next;
	uint64_t addr;
	uint32_t insn;
	const char *kind;
	struct tally *tallies;
};

/*
 * An assembly routine that does maintenance for whoever calls it. Callers are kept as a stack per
 * vCPU, pushed by the branch into the routine and popped by its ret: an interrupt in the middle of
 * one may run another.
 */
struct leaf {
	uint64_t start;
	uint64_t end;
};

struct branch {
	struct branch *next;
	uint64_t addr;
	struct site *calls; /* of the leaf that it goes to */
};

struct range {
	uint64_t start;
	uint64_t end;
	char name[48];
	uint64_t count;
	uint64_t base;
};

struct vcpu {
	uint64_t callers[MAX_NESTING];
	unsigned int depth;
};

static struct {
	FILE *out;
	bool aarch64;
	bool armed;
	bool exact;
	uint64_t insns; /* executed since boot */
	uint64_t base;	/* the same when the window opened */
	unsigned int window;
	char label[64];
	char next_label[64];
	unsigned int digits; /* octal digits received for the next label */
	struct site *sites[BUCKETS];
	struct branch *branches;
	struct leaf leaves[MAX_LEAVES];
	unsigned int nr_leaves;
	struct range ranges[MAX_RANGES];
	unsigned int nr_ranges;
	struct vcpu vcpus[MAX_VCPUS];
} state;

static void *must_alloc(size_t size)
{
	void *mem = calloc(1, size);

	if (!mem) {
		fputs("count: out of memory\n", stderr);
		abort();
	}
	return mem;
}

static const char *dsb_kind(uint32_t insn)
{
	static const char *const kinds[16] = {
		[1] = "dsb oshld", [2] = "dsb oshst", [3] = "dsb osh",	 [5] = "dsb nshld",
		[6] = "dsb nshst", [7] = "dsb nsh",   [9] = "dsb ishld", [10] = "dsb ishst",
		[11] = "dsb ish",  [13] = "dsb ld",   [14] = "dsb st",	 [15] = "dsb sy",
	};
	const char *kind = kinds[(insn >> 8) & 15];

	/* CRm 0 and 4 are SSBB and PSSBB, which order nothing outside the core. */
	return kind ? kind : "ssbb";
}

static const char *dc_kind(uint32_t insn)
{
	switch (insn & ~0x1fu) {
	case 0xd5087620:
		return "dc ivac";
	case 0xd5087640:
		return "dc isw";
	case 0xd5087a40:
		return "dc csw";
	case 0xd5087e40:
		return "dc cisw";
	case 0xd50b7420:
		return "dc zva";
	case 0xd50b7a20:
		return "dc cvac";
	case 0xd50b7b20:
		return "dc cvau";
	case 0xd50b7c20:
		return "dc cvap";
	case 0xd50b7d20:
		return "dc cvadp";
	case 0xd50b7e20:
		return "dc civac";
	}
	return NULL;
}

static const char *a64_kind(uint32_t insn)
{
	if ((insn & 0xfffff0ff) == 0xd503309f)
		return dsb_kind(insn);
	return dc_kind(insn);
}

static struct site *site_find(uint64_t addr, uint32_t insn, const char *kind)
{
	struct site **head = &state.sites[(addr >> 2) % BUCKETS], *site;

	for (site = *head; site; site = site->next)
		if (site->addr == addr && site->insn == insn)
			return site;
	site = must_alloc(sizeof(*site));
	site->addr = addr;
	site->insn = insn;
	site->kind = kind;
	site->next = *head;
	*head = site;
	return site;
}

static const struct leaf *leaf_of(uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < state.nr_leaves; i++)
		if (addr >= state.leaves[i].start && addr < state.leaves[i].end)
			return &state.leaves[i];
	return NULL;
}

static struct branch *branch_find(uint64_t addr, const struct leaf *to)
{
	struct branch *branch;

	for (branch = state.branches; branch; branch = branch->next)
		if (branch->addr == addr)
			return branch;
	branch = must_alloc(sizeof(*branch));
	branch->addr = addr;
	branch->calls = site_find(to->start, 0, "call");
	branch->next = state.branches;
	state.branches = branch;
	return branch;
}

/* Each of these runs on a vCPU; the lab runs all vCPUs in one thread, so nothing is locked. */

static void tally_add(struct site *site, uint64_t caller)
{
	struct tally *tally;

	for (tally = site->tallies; tally; tally = tally->next)
		if (tally->caller == caller)
			break;
	if (!tally) {
		tally = must_alloc(sizeof(*tally));
		tally->caller = caller;
		tally->next = site->tallies;
		site->tallies = tally;
	}
	tally->count++;
}

static void on_site(unsigned int vcpu, void *data)
{
	struct vcpu *cpu = &state.vcpus[vcpu % MAX_VCPUS];
	struct site *site = data;
	uint64_t caller = 0;

	if (!state.armed)
		return;
	if (cpu->depth && leaf_of(site->addr))
		caller = cpu->callers[(cpu->depth - 1) % MAX_NESTING];
	tally_add(site, caller);
}

static void on_leaf_branch(unsigned int vcpu, void *data)
{
	struct vcpu *cpu = &state.vcpus[vcpu % MAX_VCPUS];
	struct branch *branch = data;

	cpu->callers[cpu->depth++ % MAX_NESTING] = branch->addr;
	if (state.armed)
		tally_add(branch->calls, branch->addr);
}

static void on_leaf_return(unsigned int vcpu, void *data)
{
	struct vcpu *cpu = &state.vcpus[vcpu % MAX_VCPUS];

	(void)data;
	if (cpu->depth)
		cpu->depth--;
}

static void window_open(void)
{
	struct tally *tally;
	struct site *site;
	unsigned int i;

	for (i = 0; i < BUCKETS; i++)
		for (site = state.sites[i]; site; site = site->next)
			for (tally = site->tallies; tally; tally = tally->next)
				tally->count = 0;
	for (i = 0; i < state.nr_ranges; i++)
		state.ranges[i].base = state.ranges[i].count;
	state.base = state.insns;
	order_open();
	state.armed = true;
}

static void window_write_sites(void)
{
	const char *comma = "";
	struct tally *tally;
	struct site *site;
	unsigned int i;

	for (i = 0; i < BUCKETS; i++)
		for (site = state.sites[i]; site; site = site->next)
			for (tally = site->tallies; tally; tally = tally->next) {
				if (!tally->count)
					continue;
				fprintf(state.out,
					"%s{\"addr\":\"0x%llx\",\"insn\":\"%08x\","
					"\"kind\":\"%s\",\"caller\":",
					comma, (unsigned long long)site->addr, site->insn,
					site->kind);
				if (tally->caller)
					fprintf(state.out, "\"0x%llx\"",
						(unsigned long long)tally->caller);
				else
					fputs("null", state.out);
				fprintf(state.out, ",\"count\":%llu}",
					(unsigned long long)tally->count);
				comma = ",";
			}
}

static void window_write(const char *end)
{
	unsigned int i;

	fprintf(state.out, "{\"window\":%u,\"label\":\"%s\",\"end\":\"%s\",\"instructions\":%llu,",
		state.window++, state.label, end, (unsigned long long)(state.insns - state.base));
	fputs("\"ranges\":{", state.out);
	for (i = 0; i < state.nr_ranges; i++)
		fprintf(state.out, "%s\"%s\":%llu", i ? "," : "", state.ranges[i].name,
			(unsigned long long)(state.ranges[i].count - state.ranges[i].base));
	fputs("},\"sites\":[", state.out);
	window_write_sites();
	fputs("]", state.out);
	order_write(state.out);
	fputs("}\n", state.out);
	fflush(state.out);
}

/* Labels come as octal digits, three a character; what JSON would have to escape becomes '?'. */
static void label_digit(unsigned int digit)
{
	unsigned int pos = state.digits / 3;
	unsigned char *text = (unsigned char *)state.next_label;

	if (pos >= sizeof(state.next_label) - 1)
		return;
	if (state.digits % 3 == 0)
		text[pos] = 0;
	text[pos] = text[pos] << 3 | digit;
	text[pos + 1] = 0;
	if (++state.digits % 3 == 0 &&
	    (text[pos] < 0x20 || text[pos] > 0x7e || text[pos] == '"' || text[pos] == '\\'))
		text[pos] = '?';
}

static void on_mark(unsigned int vcpu, void *data)
{
	uintptr_t n = (uintptr_t)data;

	(void)vcpu;
	if (n >= LAB_MARK_DIGIT) {
		label_digit(n - LAB_MARK_DIGIT);
		return;
	}
	if (n == LAB_MARK_BEGIN && state.armed)
		window_write("next");
	if (state.digits)
		memcpy(state.label, state.next_label, sizeof(state.label));
	else if (n == LAB_MARK_BEGIN)
		state.label[0] = 0;
	if (n == LAB_MARK_BEGIN) {
		window_open();
	} else if (n == LAB_MARK_CHECKPOINT && state.armed) {
		window_write("checkpoint");
	} else if (n == LAB_MARK_END && state.armed) {
		window_write("end");
		state.armed = false;
	}
	state.digits = 0;
}

/* Returns a marker's number, or -1. */
static int mark_number(const uint8_t *bytes, size_t size)
{
	uint32_t word;

	if (state.aarch64) {
		memcpy(&word, bytes, 4);
		if ((word & 0xfffff01f) != 0xd503201f)
			return -1;
		word = ((word >> 5) & 127) - LAB_MARK_HINT;
	} else {
		if (size != 7 || memcmp(bytes, "\x0f\x1f\x80", 3))
			return -1;
		memcpy(&word, bytes + 3, 4);
		word -= LAB_MARK_X86;
	}
	return word < 16 ? (int)word : -1;
}

static void watch_leaf(struct qemu_plugin_insn *insn, uint32_t word, uint64_t addr)
{
	const struct leaf *here = leaf_of(addr), *there;
	int64_t offset;

	if (here && (word & 0xfffffc1f) == 0xd65f0000)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_leaf_return, QEMU_PLUGIN_CB_NO_REGS,
						       NULL);
	if ((word & 0x7c000000) != 0x14000000)
		return;
	offset = (int64_t)(int32_t)(word << 6) >> 4;
	there = leaf_of(addr + offset);
	/* A tail call from one leaf into another keeps the caller it has. */
	if (there && !here)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_leaf_branch, QEMU_PLUGIN_CB_NO_REGS,
						       branch_find(addr, there));
}

static void translate_insn(struct qemu_plugin_insn *insn)
{
	const uint8_t *bytes = qemu_plugin_insn_data(insn);
	size_t size = qemu_plugin_insn_size(insn);
	uint64_t addr = qemu_plugin_insn_vaddr(insn);
	int n = mark_number(bytes, size);
	const char *kind;
	unsigned int i;
	uint32_t word;

	if (state.exact)
		qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
							   &state.insns, 1);
	for (i = 0; i < state.nr_ranges; i++)
		if (addr >= state.ranges[i].start && addr < state.ranges[i].end)
			qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
								   &state.ranges[i].count, 1);
	if (n >= 0)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS,
						       (void *)(uintptr_t)n);
	if (!state.aarch64)
		return;
	memcpy(&word, bytes, sizeof(word));
	kind = a64_kind(word);
	if (kind)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_site, QEMU_PLUGIN_CB_NO_REGS,
						       site_find(addr, word, kind));
	watch_leaf(insn, word, addr);
	order_translate(insn, word, addr);
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	if (!state.exact)
		qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
							 &state.insns, n);
	for (i = 0; i < n; i++)
		translate_insn(qemu_plugin_tb_get_insn(tb, i));
}

static void on_exit_qemu(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	if (state.armed)
		window_write("exit");
	fclose(state.out);
}

static void watch(qemu_plugin_id_t id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, on_exit_qemu, NULL);
}

/*
 * Until the guest comes to a marker it runs without instrumentation, its boot above all. The reset
 * takes place before the block that has just been translated is run, and drops it with all others.
 */
static void on_translate_asleep(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (mark_number(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn)) < 0)
			continue;
		qemu_plugin_reset(id, watch);
		return;
	}
}

/* START-END, with whatever follows the second number left in *rest. */
static int parse_span(const char *text, uint64_t *start, uint64_t *end, char **rest)
{
	*start = strtoull(text, rest, 16);
	if (**rest != '-')
		return -1;
	*end = strtoull(*rest + 1, rest, 16);
	return *end > *start ? 0 : -1;
}

static int parse_argument(const char *arg)
{
	struct leaf *leaf = &state.leaves[state.nr_leaves];
	struct range *range = &state.ranges[state.nr_ranges];
	char *rest;

	if (!strncmp(arg, "out=", 4)) {
		state.out = fopen(arg + 4, "w");
		return state.out ? 0 : -errno;
	}
	if (!strcmp(arg, "boot=on")) {
		strcpy(state.label, "boot");
		state.armed = true;
		return 0;
	}
	if (!strcmp(arg, "exact=on")) {
		state.exact = true;
		return 0;
	}
	if (!strncmp(arg, "leaf=", 5) && state.nr_leaves < MAX_LEAVES &&
	    !parse_span(arg + 5, &leaf->start, &leaf->end, &rest) && !*rest) {
		state.nr_leaves++;
		return 0;
	}
	if (!strncmp(arg, "range=", 6) && state.nr_ranges < MAX_RANGES &&
	    !parse_span(arg + 6, &range->start, &range->end, &rest) && *rest == ':') {
		snprintf(range->name, sizeof(range->name), "%s", rest + 1);
		state.nr_ranges++;
		return 0;
	}
	return order_argument(arg) ? -EINVAL : 0;
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	int i, err;

	for (i = 0; i < argc; i++) {
		err = parse_argument(argv[i]);
		if (err) {
			fprintf(stderr, "count: cannot use argument '%s': %s\n", argv[i],
				strerror(-err));
			return -1;
		}
	}
	if (!state.out) {
		fputs("count: want out=FILE\n", stderr);
		return -1;
	}
	if (info->system.max_vcpus > MAX_VCPUS) {
		fprintf(stderr, "count: at most %d vCPUs\n", MAX_VCPUS);
		return -1;
	}
	state.aarch64 = !strcmp(info->target_name, "aarch64");
	if (state.armed)
		watch(id);
	else
		qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate_asleep);
	return 0;
}
