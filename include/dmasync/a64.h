/* SPDX-License-Identifier: GPL-2.0 */
/* Decoding of the few A64 instructions that cache maintenance consists of. */
#ifndef DMASYNC_A64_H
#define DMASYNC_A64_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/*
 * Encodings: Arm Architecture Reference Manual (DDI 0487), C6.2 "DSB", C5.3 "A64 system
 * instructions for cache maintenance", C6.2 "B", "BL", "RET"; C4.1 for what else can branch.
 * Instruction words are in CPU order; A64 code is little-endian on every kernel we run on.
 */

/* Options of a DSB: its CRm field. The two highest bits are the domain, the lowest the accesses. */
enum a64_dsb_option {
	A64_DSB_SSBB = 0, /* not a DSB that waits for maintenance: a speculation barrier */
	A64_DSB_OSHLD = 1,
	A64_DSB_OSHST = 2,
	A64_DSB_OSH = 3,
	A64_DSB_PSSBB = 4, /* likewise */
	A64_DSB_NSHLD = 5,
	A64_DSB_NSHST = 6,
	A64_DSB_NSH = 7,
	A64_DSB_ISHLD = 9,
	A64_DSB_ISHST = 10,
	A64_DSB_ISH = 11,
	A64_DSB_LD = 13,
	A64_DSB_ST = 14,
	A64_DSB_SY = 15,
};

/* DC operations by virtual address. */
enum a64_dc {
	A64_DC_NONE, /* not one of them */
	A64_DC_IVAC,
	A64_DC_CVAC,
	A64_DC_CVAU,
	A64_DC_CVAP,
	A64_DC_CVADP,
	A64_DC_CIVAC,
	A64_DC_ZVA,
	A64_DC_COUNT,
};

/* One DSB in a piece of text. */
struct a64_site {
	__u32 offset;		    /* bytes from the start of the text */
	enum a64_dsb_option option; /* which one */
};

/* True for any DSB, whatever its option; the nXS variants of FEAT_XS are not matched. */
bool a64_is_dsb(__u32 insn);

/* Option of @insn, for which a64_is_dsb() must hold; 0 .. 15. */
enum a64_dsb_option a64_dsb_option(__u32 insn);

/* True if a DSB with @option completes accesses of observers outside the inner shareable domain. */
bool a64_dsb_reaches_devices(enum a64_dsb_option option);

/* Assembler name of @option: "sy", "ish"; reserved ones give "#8" and "#12". Never NULL. */
const char *a64_dsb_name(enum a64_dsb_option option);

/* Which DC by VA operation @insn is. */
enum a64_dc a64_dc(__u32 insn);

/* Assembler name: "cvac"; A64_DC_NONE gives "-". Never NULL. */
const char *a64_dc_name(enum a64_dc op);

/* True if @insn, at address @pc, is B or BL; *@target is where it goes. */
bool a64_is_call(__u32 insn, __u64 pc, __u64 *target);

/* True for RET and the RETAA/RETAB of pointer authentication. */
bool a64_is_ret(__u32 insn);

/* True for the BRK that stands where a kprobe has been placed (arm64 KPROBES_BRK_IMM, 4). */
bool a64_is_kprobe(__u32 insn);

/*
 * Finds every DSB that reaches devices in @text, @n instructions. Stores at most @max of them in
 * @sites (which may be NULL when @max is 0) and returns how many there are.
 */
size_t a64_find_dsb(const __u32 *text, size_t n, struct a64_site *sites, size_t max);

/* True if one of the @n instructions of @text, which lies at @pc, calls or jumps to @target. */
bool a64_calls(const __u32 *text, size_t n, __u64 pc, __u64 target);

/* How a function is left. */
enum a64_exits {
	A64_EXITS_RETURN, /* only by its RETs */
	A64_EXITS_BRANCH, /* a branch leads out of it: a tail call, or a part that lies elsewhere */
	A64_EXITS_INDIRECT, /* it branches to an address in a register: wherever that leads */
	A64_EXITS_HIDDEN,   /* a kprobe hides an instruction */
	A64_EXITS_UNKNOWN,  /* an instruction or an end that is not known here */
};

/*
 * Finds the RET, RETAA and RETAB of the function whose text up to the next symbol is @text, @n
 * instructions. Stores at most @max offsets, bytes from the start, and in *@found how many there
 * are: all ways out of the function if A64_EXITS_RETURN is returned. RET of another register than
 * x30 counts as indirect. Calls are expected to come back, or not at all.
 */
enum a64_exits a64_find_returns(const __u32 *text, size_t n, __u32 *offsets, size_t max,
				size_t *found);

/* In a few words, for people: "it branches to other functions". Never NULL. */
const char *a64_exits_text(enum a64_exits exits);

#endif
