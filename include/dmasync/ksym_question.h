/* SPDX-License-Identifier: GPL-2.0 */
/* A question to the kernel about one of its symbols: shared by the program and who runs it. */
#ifndef DMASYNC_KSYM_QUESTION_H
#define DMASYNC_KSYM_QUESTION_H

struct ksym_question {
	char name[128]; /* in; zeroes up to its end */
	char text[192]; /* what the kernel calls the address, with the symbol's size */
	unsigned long long addr;
	long long error; /* 0, -ENOENT, or -EPERM where addresses are hidden (kptr_restrict) */
};

#endif
