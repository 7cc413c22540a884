// SPDX-License-Identifier: GPL-2.0
/* A64 decoding, against a table of instruction words and, where there is one, a real assembler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "dmasync/a64.h"

enum kind { OTHER, DSB, DC, CALL, RET };

static const struct {
	const char *source;
	__u32 insn;
	enum kind kind;
	int option; /* of a DSB, or which DC */
} insns[] = {
	{ "dsb sy", 0xd5033f9f, DSB, A64_DSB_SY },
	{ "dsb st", 0xd5033e9f, DSB, A64_DSB_ST },
	{ "dsb ld", 0xd5033d9f, DSB, A64_DSB_LD },
	{ "dsb ish", 0xd5033b9f, DSB, A64_DSB_ISH },
	{ "dsb ishst", 0xd5033a9f, DSB, A64_DSB_ISHST },
	{ "dsb ishld", 0xd503399f, DSB, A64_DSB_ISHLD },
	{ "dsb nsh", 0xd503379f, DSB, A64_DSB_NSH },
	{ "dsb nshst", 0xd503369f, DSB, A64_DSB_NSHST },
	{ "dsb nshld", 0xd503359f, DSB, A64_DSB_NSHLD },
	{ "dsb osh", 0xd503339f, DSB, A64_DSB_OSH },
	{ "dsb oshst", 0xd503329f, DSB, A64_DSB_OSHST },
	{ "dsb oshld", 0xd503319f, DSB, A64_DSB_OSHLD },
	{ "ssbb", 0xd503309f, DSB, A64_DSB_SSBB },
	{ "pssbb", 0xd503349f, DSB, A64_DSB_PSSBB },
	{ "dsb #8", 0xd503389f, DSB, 8 },
	{ "dsb #12", 0xd5033c9f, DSB, 12 },
	{ "dc ivac, x1", 0xd5087621, DC, A64_DC_IVAC },
	{ "dc cvac, x0", 0xd50b7a20, DC, A64_DC_CVAC },
	{ "dc cvac, xzr", 0xd50b7a3f, DC, A64_DC_CVAC },
	{ "dc civac, x30", 0xd50b7e3e, DC, A64_DC_CIVAC },
	{ "dc cvau, x4", 0xd50b7b24, DC, A64_DC_CVAU },
	{ "dc cvap, x4", 0xd50b7c24, DC, A64_DC_CVAP },
	{ "dc cvadp, x4", 0xd50b7d24, DC, A64_DC_CVADP },
	{ "dc zva, x2", 0xd50b7422, DC, A64_DC_ZVA },
	{ "ret", 0xd65f03c0, RET, 0 },
	{ "ret x5", 0xd65f00a0, RET, 0 },
	{ "retaa", 0xd65f0bff, RET, 0 },
	{ "retab", 0xd65f0fff, RET, 0 },
	{ "bl . + 8", 0x94000002, CALL, 8 },
	{ "bl . - 4", 0x97ffffff, CALL, -4 },
	{ "b . + 128", 0x14000020, CALL, 128 },
	{ "b .", 0x14000000, CALL, 0 },
	/* Near misses. */
	{ "dmb sy", 0xd5033fbf, OTHER, 0 },
	{ "dmb osh", 0xd50333bf, OTHER, 0 },
	{ "isb", 0xd5033fdf, OTHER, 0 },
	{ "sb", 0xd50330ff, OTHER, 0 },
	{ "clrex", 0xd5033f5f, OTHER, 0 },
	{ "dsb synxs", 0xd5033e3f, OTHER, 0 },
	{ "dsb oshnxs", 0xd503323f, OTHER, 0 },
	{ "tlbi vmalle1is", 0xd508831f, OTHER, 0 },
	{ "tlbi vae1is, x3", 0xd5088323, OTHER, 0 },
	{ "ic ivau, x1", 0xd50b7521, OTHER, 0 },
	{ "ic iallu", 0xd508751f, OTHER, 0 },
	{ "dc isw, x1", 0xd5087641, OTHER, 0 },
	{ "dc cisw, x1", 0xd5087e41, OTHER, 0 },
	{ "dc csw, x1", 0xd5087a41, OTHER, 0 },
	{ "at s1e1r, x1", 0xd5087801, OTHER, 0 },
	{ "nop", 0xd503201f, OTHER, 0 },
	{ "wfi", 0xd503207f, OTHER, 0 },
	{ "tsb csync", 0xd503225f, OTHER, 0 },
	{ "br x30", 0xd61f03c0, OTHER, 0 },
	{ "blr x8", 0xd63f0100, OTHER, 0 },
	{ "b.eq . + 8", 0x54000040, OTHER, 0 },
	{ "cbz x0, . + 8", 0xb4000040, OTHER, 0 },
	{ "tbz x0, #0, . + 8", 0x36000040, OTHER, 0 },
	{ "mrs x0, ctr_el0", 0xd53b0020, OTHER, 0 },
	{ "brk #4", 0xd4200080, OTHER, 0 },
	{ "eret", 0xd69f03e0, OTHER, 0 },
};

#define N_INSNS (sizeof(insns) / sizeof(insns[0]))

static void check_one(__u32 insn, enum kind kind, int option)
{
	const __u64 pc = 0xffff800080010000;
	__u64 target = 0;

	assert_int_equal(a64_is_dsb(insn), kind == DSB);
	if (kind == DSB)
		assert_int_equal(a64_dsb_option(insn), option);
	assert_int_equal(a64_dc(insn), kind == DC ? option : A64_DC_NONE);
	assert_int_equal(a64_is_call(insn, pc, &target), kind == CALL);
	if (kind == CALL)
		assert_true(target == pc + (__s64)option);
	assert_int_equal(a64_is_ret(insn), kind == RET);
}

static void table(void **state)
{
	size_t i;

	for (i = 0; i < N_INSNS; i++)
		check_one(insns[i].insn, insns[i].kind, insns[i].option);
}

static void names(void **state)
{
	char want[16];
	size_t i;

	for (i = 0; i < N_INSNS; i++) {
		if (insns[i].kind == DC) {
			snprintf(want, sizeof(want), "dc %s,", a64_dc_name(insns[i].option));
			assert_memory_equal(insns[i].source, want, strlen(want));
		} else if (insns[i].kind == DSB) {
			assert_non_null(strstr(insns[i].source, a64_dsb_name(insns[i].option)));
		}
	}
	assert_string_equal(a64_dc_name(A64_DC_NONE), "-");
}

static void reach(void **state)
{
	assert_true(a64_dsb_reaches_devices(A64_DSB_SY));
	assert_true(a64_dsb_reaches_devices(A64_DSB_ST));
	assert_true(a64_dsb_reaches_devices(A64_DSB_LD));
	assert_true(a64_dsb_reaches_devices(A64_DSB_OSH));
	assert_true(a64_dsb_reaches_devices(A64_DSB_OSHST));
	assert_true(a64_dsb_reaches_devices(12));
	assert_false(a64_dsb_reaches_devices(A64_DSB_ISH));
	assert_false(a64_dsb_reaches_devices(A64_DSB_ISHST));
	assert_false(a64_dsb_reaches_devices(A64_DSB_NSH));
	assert_false(a64_dsb_reaches_devices(A64_DSB_SSBB));
	assert_false(a64_dsb_reaches_devices(A64_DSB_PSSBB));
}

static void find(void **state)
{
	static const __u32 text[] = {
		0xd503233f, /* paciasp */
		0xd5033b9f, /* dsb ish */
		0xd5033f9f, /* dsb sy */
		0xd50b7a20, /* dc cvac, x0 */
		0xd5033fbf, /* dmb sy */
		0xd5033e9f, /* dsb st */
		0xd65f03c0, /* ret */
		0xd503339f, /* dsb osh */
	};
	struct a64_site sites[4] = { 0 };

	assert_int_equal(a64_find_dsb(text, 8, NULL, 0), 3);
	assert_int_equal(a64_find_dsb(text, 8, sites, 2), 3);
	assert_int_equal(sites[0].offset, 8);
	assert_int_equal(sites[0].option, A64_DSB_SY);
	assert_int_equal(sites[1].offset, 20);
	assert_int_equal(sites[1].option, A64_DSB_ST);
	assert_int_equal(sites[2].offset, 0);
	assert_int_equal(a64_find_dsb(text, 2, sites, 4), 0);
	assert_int_equal(a64_find_dsb(text, 0, sites, 4), 0);
}

static void calls(void **state)
{
	static const __u32 text[] = { 0xd503201f, 0x94000002, 0xd65f03c0, 0x17fffffc };

	assert_true(a64_calls(text, 4, 0x1000, 0x100c));
	assert_true(a64_calls(text, 4, 0x1000, 0xffc)); /* a tail call is a B */
	assert_false(a64_calls(text, 4, 0x1000, 0x1008));
	assert_false(a64_calls(text, 3, 0x1000, 0xffc));
	assert_true(a64_is_kprobe(0xd4200080));
	assert_false(a64_is_kprobe(0xd4200000));
}

/* Assembles @source into @text, which has @max places; returns how many instructions it is. */
static size_t assemble(const char *source, __u32 *text, size_t max)
{
	char dir[] = "/tmp/test_a64.XXXXXX", cmd[256];
	size_t n;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(cmd, sizeof(cmd),
		 "cd %s && aarch64-linux-gnu-as -march=armv8.8-a -o a.o - && "
		 "aarch64-linux-gnu-objcopy -O binary -j .text a.o a.bin",
		 dir);
	f = popen(cmd, "w");
	assert_non_null(f);
	fputs(source, f);
	assert_int_equal(pclose(f), 0);
	snprintf(cmd, sizeof(cmd), "%s/a.bin", dir);
	f = fopen(cmd, "r");
	assert_non_null(f);
	n = fread(text, sizeof(*text), max, f);
	assert_true(feof(f) || fgetc(f) == EOF);
	fclose(f);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
	return n;
}

static bool no_assembler(void)
{
	return system("command -v aarch64-linux-gnu-as aarch64-linux-gnu-objcopy >/dev/null");
}

static void assembler(void **state)
{
	char source[N_INSNS * 32] = "";
	__u32 text[N_INSNS];

	if (no_assembler())
		skip();
	for (size_t i = 0; i < N_INSNS; i++) {
		strcat(source, insns[i].source);
		strcat(source, "\n");
	}
	assert_int_equal(assemble(source, text, N_INSNS), N_INSNS);
	for (size_t i = 0; i < N_INSNS; i++) {
		if (text[i] != insns[i].insn)
			print_error("%s: %08x\n", insns[i].source, text[i]);
		assert_int_equal(text[i], insns[i].insn);
	}
}

#define PROLOGUE "paciasp; stp x29, x30, [sp, #-32]!; mov x29, sp;"
#define EPILOGUE "ldp x29, x30, [sp], #32; autiasp;"
#define NOPS "nop; nop; nop;"
#define FTRACE_POINTER ".word 0x80f98130, 0xffff8000;"

/* Functions up to the next symbol, and the offsets of their returns, in instructions. */
static const struct {
	const char *source;
	enum a64_exits exits;
	size_t n;
	__u32 at[3];
} functions[] = {
	{ "ret", A64_EXITS_RETURN, 1, { 0 } },
	{ PROLOGUE "bl away;" EPILOGUE "ret", A64_EXITS_RETURN, 1, { 6 } },
	{ "pacibsp; retab", A64_EXITS_RETURN, 1, { 1 } },
	{ "nop; nop; cbz x0, 1f; retaa; 1: retaa;" NOPS, A64_EXITS_RETURN, 2, { 3, 4 } },
	/* Every branch inside, both ways, out of line parts behind the last return. */
	{ "nop; 1: b.eq 2f; tbz w0, #3, 1b; cbnz x1, 2f; b 3f; 2: ret; 3: blr x2; tbnz x0, #63, 1b;"
	  "b 2b",
	  A64_EXITS_RETURN,
	  1,
	  { 5 } },
	{ "nop; 1: bc.ne 1b; ret", A64_EXITS_RETURN, 1, { 2 } },
	{ "nop; blraa x1, x2; blrabz x3; ret", A64_EXITS_RETURN, 1, { 3 } },
	{ "nop; svc #0; hvc #1; smc #0; mrs x0, daif; dsb sy; dc civac, x0; wfi; ret",
	  A64_EXITS_RETURN,
	  1,
	  { 8 } },
	{ "nop; ldr q0, [x0]; fadd d0, d0, d0; madd x0, x1, x2, x3; casal x0, x1, [x2]; ret",
	  A64_EXITS_RETURN,
	  1,
	  { 5 } },
	/* What does not come back is last. */
	{ "nop; cbz x0, 1f; ret; 1: bl away;" NOPS, A64_EXITS_RETURN, 1, { 2 } },
	{ "nop; cbz x0, 1f; ret; 1: brk #0x800;" NOPS, A64_EXITS_RETURN, 1, { 2 } },
	{ "nop; cbz x0, 1f; ret; 1: bl away;" FTRACE_POINTER, A64_EXITS_RETURN, 1, { 2 } },
	{ "nop; ret;" NOPS FTRACE_POINTER, A64_EXITS_RETURN, 1, { 1 } },
	/* A kprobe at the entry hides nothing that leaves. */
	{ "brk #4; nop; ret", A64_EXITS_RETURN, 1, { 2 } },

	{ "nop; b away", A64_EXITS_BRANCH, 0, { 0 } },
	{ "nop; cbz x0, 1f; ret; 1: b away", A64_EXITS_BRANCH, 1, { 2 } },
	{ "nop; b.eq away; ret", A64_EXITS_BRANCH, 0, { 0 } },
	{ "nop; cbz x0, away; ret", A64_EXITS_BRANCH, 0, { 0 } },
	{ "nop; tbnz x0, #0, away; ret", A64_EXITS_BRANCH, 0, { 0 } },
	{ "nop; b . + 4; ret", A64_EXITS_RETURN, 1, { 2 } },
	{ "nop; b . + 8; ret", A64_EXITS_BRANCH, 0, { 0 } },
	{ "nop; b . - 8; ret", A64_EXITS_BRANCH, 0, { 0 } },
	{ "nop; b . - 4; ret", A64_EXITS_BRANCH, 0, { 0 } }, /* calls itself */
	{ "nop; br x16; ret", A64_EXITS_INDIRECT, 0, { 0 } },
	{ "nop; braa x16, x17; ret", A64_EXITS_INDIRECT, 0, { 0 } },
	{ "nop; brabz x16; ret", A64_EXITS_INDIRECT, 0, { 0 } },
	{ "nop; ret x5", A64_EXITS_INDIRECT, 0, { 0 } },
	{ "nop; eret", A64_EXITS_INDIRECT, 0, { 0 } },
	{ "nop; brk #4; ret", A64_EXITS_HIDDEN, 0, { 0 } },
	{ "nop; hlt #1; ret", A64_EXITS_UNKNOWN, 0, { 0 } },
	{ "nop; ret; udf #1", A64_EXITS_UNKNOWN, 1, { 1 } },
	{ "nop; ret; .word 0x80f98130, 0xffff8000; nop", A64_EXITS_UNKNOWN, 1, { 1 } },
	{ "nop; ret; add x0, x0, x1", A64_EXITS_UNKNOWN, 1, { 1 } }, /* falls out of it */
	{ "nop; 1: b 1b", A64_EXITS_UNKNOWN, 0, { 0 } },
	{ "nop; nop", A64_EXITS_UNKNOWN, 0, { 0 } },
	/* The last function of an object file. */
	{ "nop; ret; .word 0; .word 0; nop", A64_EXITS_RETURN, 1, { 1 } },
	{ "nop; .word 0; ret", A64_EXITS_UNKNOWN, 0, { 0 } },
};

static void returns(void **state)
{
	__u32 text[64], at[3];
	size_t n;

	if (no_assembler())
		skip();
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		char source[512];
		enum a64_exits exits;
		size_t words;

		/* Branches to away are resolved by the assembler; what lies there is cut off. */
		snprintf(source, sizeof(source), "%s\n.fill 4, 4, 0\naway: nop\n",
			 functions[i].source);
		words = assemble(source, text, 64) - 5;
		exits = a64_find_returns(text, words, at, 3, &n);
		if (exits != functions[i].exits || n != functions[i].n)
			print_error("%s: %s, %zu\n", functions[i].source, a64_exits_text(exits), n);
		assert_int_equal(exits, functions[i].exits);
		assert_int_equal(n, functions[i].n);
		for (size_t j = 0; j < n; j++)
			assert_int_equal(at[j], 4 * functions[i].at[j]);
	}
	assert_int_equal(a64_find_returns(text, 0, at, 3, &n), A64_EXITS_UNKNOWN);
}

/* More returns than there is room for are still counted. */
static void many_returns(void **state)
{
	static const __u32 text[] = { 0xb4000040, 0xd65f03c0, 0xb4000040, 0xd65f03c0, 0xd65f03c0 };
	__u32 at[2] = { 0 };
	size_t n;

	assert_int_equal(a64_find_returns(text, 5, at, 1, &n), A64_EXITS_RETURN);
	assert_int_equal(n, 3);
	assert_int_equal(at[0], 4);
	assert_int_equal(at[1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),   cmocka_unit_test(names),	   cmocka_unit_test(reach),
		cmocka_unit_test(find),	   cmocka_unit_test(assembler),	   cmocka_unit_test(calls),
		cmocka_unit_test(returns), cmocka_unit_test(many_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
