/* SPDX-License-Identifier: GPL-2.0 */
/* Marker instructions by which a guest program talks to the lab's TCG plugin. */
#ifndef LAB_MARK_H
#define LAB_MARK_H

/*
 * arm64: hint #96 + n, unallocated hints, which execute as NOP on every core.
 * x86-64: a long NOP whose displacement is LAB_MARK_X86 + n.
 *
 * n = LAB_MARK_BEGIN, _END and _CHECKPOINT act; LAB_MARK_DIGIT + d (d = 0..7) sends three bits of
 * the label that the next of them gets, most significant first, three digits a character.
 */
#define LAB_MARK_HINT 96
#define LAB_MARK_X86 0x4c414200

#define LAB_MARK_BEGIN 0      /* opens a window at zero, after writing out one that is open */
#define LAB_MARK_END 1	      /* closes it and writes it out */
#define LAB_MARK_CHECKPOINT 2 /* writes it out as it is and goes on */
#define LAB_MARK_DIGIT 8

#ifdef __aarch64__
#define LAB_MARK(n) __asm__ volatile("hint %0" : : "i"(LAB_MARK_HINT + (n)) : "memory")
#elif defined(__x86_64__)
#define LAB_MARK(n)                                                                                \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80; .long %c0" : : "i"(LAB_MARK_X86 + (n)) : "memory")
#endif

#ifdef LAB_MARK
static inline void lab_mark_digit(unsigned int digit)
{
	switch (digit & 7) {
	case 0:
		LAB_MARK(LAB_MARK_DIGIT + 0);
		break;
	case 1:
		LAB_MARK(LAB_MARK_DIGIT + 1);
		break;
	case 2:
		LAB_MARK(LAB_MARK_DIGIT + 2);
		break;
	case 3:
		LAB_MARK(LAB_MARK_DIGIT + 3);
		break;
	case 4:
		LAB_MARK(LAB_MARK_DIGIT + 4);
		break;
	case 5:
		LAB_MARK(LAB_MARK_DIGIT + 5);
		break;
	case 6:
		LAB_MARK(LAB_MARK_DIGIT + 6);
		break;
	case 7:
		LAB_MARK(LAB_MARK_DIGIT + 7);
		break;
	}
}

static inline void lab_mark_label(const char *label)
{
	for (; *label; label++) {
		lab_mark_digit((unsigned char)*label >> 6);
		lab_mark_digit((unsigned char)*label >> 3);
		lab_mark_digit((unsigned char)*label);
	}
}
#endif

#endif /* LAB_MARK_H */
