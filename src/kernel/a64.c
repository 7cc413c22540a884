// SPDX-License-Identifier: GPL-2.0
/* Decoding of the few A64 instructions that cache maintenance consists of. */
#include "dmasync/a64.h"

#define DSB_MASK 0xfffff0ff
#define DSB_BITS 0xd503309f
#define RT_MASK 0x1f /* register operand of a SYS instruction */

static const __u32 dc_bits[A64_DC_COUNT] = {
	[A64_DC_IVAC] = 0xd5087620, [A64_DC_CVAC] = 0xd50b7a20,	 [A64_DC_CVAU] = 0xd50b7b20,
	[A64_DC_CVAP] = 0xd50b7c20, [A64_DC_CVADP] = 0xd50b7d20, [A64_DC_CIVAC] = 0xd50b7e20,
	[A64_DC_ZVA] = 0xd50b7420,
};

static const char *const dc_names[A64_DC_COUNT] = {
	[A64_DC_NONE] = "-",	  [A64_DC_IVAC] = "ivac", [A64_DC_CVAC] = "cvac",
	[A64_DC_CVAU] = "cvau",	  [A64_DC_CVAP] = "cvap", [A64_DC_CVADP] = "cvadp",
	[A64_DC_CIVAC] = "civac", [A64_DC_ZVA] = "zva",
};

static const char *const dsb_names[16] = {
	"ssbb", "oshld", "oshst", "osh", "pssbb", "nshld", "nshst", "nsh",
	"#8",	"ishld", "ishst", "ish", "#12",	  "ld",	   "st",    "sy",
};

bool a64_is_dsb(__u32 insn)
{
	return (insn & DSB_MASK) == DSB_BITS;
}

enum a64_dsb_option a64_dsb_option(__u32 insn)
{
	return (insn & ~DSB_MASK) >> 8;
}

bool a64_dsb_reaches_devices(enum a64_dsb_option option)
{
	switch (option) {
	case A64_DSB_SSBB:
	case A64_DSB_PSSBB:
	case A64_DSB_NSHLD:
	case A64_DSB_NSHST:
	case A64_DSB_NSH:
	case A64_DSB_ISHLD:
	case A64_DSB_ISHST:
	case A64_DSB_ISH:
		return false;
	default:
		/* Reserved options (8, 12) execute as a full-system barrier. */
		return true;
	}
}

const char *a64_dsb_name(enum a64_dsb_option option)
{
	return dsb_names[option & 15];
}

enum a64_dc a64_dc(__u32 insn)
{
	enum a64_dc op;

	for (op = A64_DC_NONE + 1; op < A64_DC_COUNT; op++)
		if ((insn & ~RT_MASK) == dc_bits[op])
			return op;
	return A64_DC_NONE;
}

const char *a64_dc_name(enum a64_dc op)
{
	return dc_names[op < A64_DC_COUNT ? op : A64_DC_NONE];
}

bool a64_is_call(__u32 insn, __u64 pc, __u64 *target)
{
	__s32 words;

	/* B is 000101, BL is 100101, followed by a signed 26-bit count of words. */
	if ((insn & 0x7c000000) != 0x14000000)
		return false;
	words = (__s32)(insn << 6) >> 6;
	*target = pc + (__s64)words * 4;
	return true;
}

bool a64_is_ret(__u32 insn)
{
	return (insn & 0xfffffc1f) == 0xd65f0000 || (insn & 0xfffffbff) == 0xd65f0bff;
}

bool a64_is_kprobe(__u32 insn)
{
	return insn == (0xd4200000 | 4 << 5);
}

size_t a64_find_dsb(const __u32 *text, size_t n, struct a64_site *sites, size_t max)
{
	size_t found = 0, i;

	for (i = 0; i < n; i++) {
		if (!a64_is_dsb(text[i]) || !a64_dsb_reaches_devices(a64_dsb_option(text[i])))
			continue;
		if (found < max) {
			sites[found].offset = i * sizeof(*text);
			sites[found].option = a64_dsb_option(text[i]);
		}
		found++;
	}
	return found;
}

bool a64_calls(const __u32 *text, size_t n, __u64 pc, __u64 target)
{
	__u64 to;
	size_t i;

	for (i = 0; i < n; i++)
		if (a64_is_call(text[i], pc + i * sizeof(*text), &to) && to == target)
			return true;
	return false;
}
