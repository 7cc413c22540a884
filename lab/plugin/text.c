// SPDX-License-Identifier: GPL-2.0
/* The kernel's code as it was built, where a kprobe has put a BRK over it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define BRK_KPROBE 0xd4200080 /* brk #4, KPROBES_BRK_IMM, the same from 4.8 on */

#define STEXT_AT 0x10000 /* in the Image, behind the head: SEGMENT_ALIGN */

static FILE *image;
static uint64_t stext;

int text_argument(const char *arg)
{
	if (!strncmp(arg, "image=", 6)) {
		image = fopen(arg + 6, "r");
		if (!image)
			perror(arg + 6);
		return image ? 0 : -1;
	}
	if (!strncmp(arg, "stext=", 6)) {
		stext = strtoull(arg + 6, NULL, 16);
		return 0;
	}
	return -1;
}

uint32_t text_original(uint32_t word, uint64_t addr)
{
	uint32_t built;

	if (word != BRK_KPROBE || !image || !stext || addr < stext)
		return word;
	if (fseeko(image, (off_t)(addr - stext + STEXT_AT), SEEK_SET) ||
	    fread(&built, sizeof(built), 1, image) != 1)
		return word;
	return built;
}
