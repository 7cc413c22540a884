// SPDX-License-Identifier: GPL-2.0
/* Where a function of A64 code returns, if it can leave its text in no other way. */
#include "dmasync/a64.h"

#define NOP 0xd503201f
#define RET_LR 0xd65f03c0

/* What an instruction does to the flow of control. */
enum flow {
	FLOW_NEXT,     /* goes on behind it, or comes back there */
	FLOW_BRANCH,   /* may also go to a fixed place */
	FLOW_JUMP,     /* goes to a fixed place */
	FLOW_RETURN,   /* to the caller */
	FLOW_INDIRECT, /* to an address in a register */
	FLOW_KPROBE,   /* hidden by a kprobe */
	FLOW_UNKNOWN,  /* not known here, or data */
};

/* Signed field of @bits bits from @low on, which counts words; in bytes. */
static __s64 word_offset(__u32 insn, unsigned int low, unsigned int bits)
{
	return (__s64)((__s32)(insn << (32 - low - bits)) >> (32 - bits)) * 4;
}

/* Branches to a register, returns among them: bits 31..25 are 1101011. */
static enum flow register_flow(__u32 insn)
{
	/* BLR, and BLRAA .. BLRABZ, which check a signed address first. */
	if ((insn & 0xfffffc1f) == 0xd63f0000 || (insn & 0xfefff800) == 0xd63f0800)
		return FLOW_NEXT;
	if (insn == RET_LR || insn == 0xd65f0bff || insn == 0xd65f0fff)
		return FLOW_RETURN;
	return FLOW_INDIRECT;
}

/* Branches, exceptions and system instructions: bits 28..25 are 101x. */
static enum flow control_flow(__u32 insn, __s64 *to)
{
	if ((insn & 0x7c000000) == 0x14000000) {
		*to = word_offset(insn, 0, 26);
		return insn >> 31 ? FLOW_NEXT : FLOW_JUMP; /* BL, B */
	}
	if ((insn & 0x7e000000) == 0x34000000 || (insn & 0xff000000) == 0x54000000) {
		*to = word_offset(insn, 5, 19); /* CBZ, CBNZ; B.cond, BC.cond */
		return FLOW_BRANCH;
	}
	if ((insn & 0x7e000000) == 0x36000000) {
		*to = word_offset(insn, 5, 14); /* TBZ, TBNZ */
		return FLOW_BRANCH;
	}
	if ((insn & 0xfe000000) == 0xd6000000)
		return register_flow(insn);
	if (a64_is_kprobe(insn))
		return FLOW_KPROBE;
	/* BRK: WARN() goes on behind it. SVC, HVC, SMC come back. */
	if ((insn & 0xffe0001f) == 0xd4200000 || ((insn & 0xffe0001c) == 0xd4000000 && insn & 3))
		return FLOW_NEXT;
	return (insn & 0xff000000) == 0xd5000000 ? FLOW_NEXT : FLOW_UNKNOWN;
}

static enum flow flow_of(__u32 insn, __s64 *to)
{
	switch (insn >> 25 & 15) {
	case 0: /* UDF and reserved */
	case 1: /* not allocated */
	case 2: /* SVE, which the kernel's C code does not use */
	case 3:
		return FLOW_UNKNOWN;
	case 10:
	case 11:
		return control_flow(insn, to);
	default: /* arithmetic, loads and stores, SIMD */
		return FLOW_NEXT;
	}
}

/*
 * Instructions of @text before what fills the gap to the next symbol: NOPs, zeroes between object
 * files, and since Linux 6.3 (DYNAMIC_FTRACE_WITH_CALL_OPS) a pointer to ftrace's data for the
 * function that follows.
 */
static size_t without_gap(const __u32 *text, size_t n)
{
	if (n >= 2 && text[n - 1] >= 0xffff0000)
		n -= 2;
	while (n && (text[n - 1] == NOP || !text[n - 1]))
		n--;
	return n;
}

/* Whether a branch from @at by @to bytes stays; to the very start would be a call of itself. */
static bool stays(size_t at, __s64 to, size_t n)
{
	__s64 target = (__s64)at * 4 + to;

	return target > 0 && target < (__s64)n * 4;
}

/* Whether the flow ends with @insn, or comes back only if what was called there does. */
static bool may_be_last(__u32 insn, enum flow flow)
{
	return flow == FLOW_JUMP || flow == FLOW_RETURN || (insn & 0xfc000000) == 0x94000000 ||
	       (insn & 0xffe0001f) == 0xd4200000;
}

enum a64_exits a64_find_returns(const __u32 *text, size_t n, __u32 *offsets, size_t max,
				size_t *found)
{
	enum flow flow = FLOW_UNKNOWN;

	*found = 0;
	n = without_gap(text, n);
	for (size_t i = 0; i < n; i++) {
		__s64 to = 0;

		flow = flow_of(text[i], &to);
		switch (flow) {
		case FLOW_NEXT:
			break;
		case FLOW_BRANCH:
		case FLOW_JUMP:
			if (!stays(i, to, n))
				return A64_EXITS_BRANCH;
			break;
		case FLOW_RETURN:
			if (*found < max)
				offsets[*found] = i * 4;
			(*found)++;
			break;
		case FLOW_INDIRECT:
			return A64_EXITS_INDIRECT;
		case FLOW_KPROBE:
			/* At the entry it hides BTI, PACIASP or a NOP for ftrace. */
			if (i)
				return A64_EXITS_HIDDEN;
			break;
		default:
			return A64_EXITS_UNKNOWN;
		}
	}
	if (!n || !may_be_last(text[n - 1], flow))
		return A64_EXITS_UNKNOWN;
	return *found ? A64_EXITS_RETURN : A64_EXITS_UNKNOWN;
}

const char *a64_exits_text(enum a64_exits exits)
{
	switch (exits) {
	case A64_EXITS_RETURN:
		return "it returns";
	case A64_EXITS_BRANCH:
		return "it branches to other functions";
	case A64_EXITS_INDIRECT:
		return "it branches to addresses in registers";
	case A64_EXITS_HIDDEN:
		return "another tool's kprobe hides an instruction";
	default:
		return "its text cannot be decoded";
	}
}
