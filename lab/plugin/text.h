/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's code as it was built, where a kprobe has put a BRK over it. */
#ifndef LAB_TEXT_H
#define LAB_TEXT_H

#include <stdint.h>

/*
 * Arguments: `image=FILE`, an uncompressed arm64 Image, and `stext=ADDRESS`, its symbol _stext.
 * 0, or -1 when the argument is neither or the file cannot be read.
 */
int text_argument(const char *arg);

/*
 * The instruction that @word at @addr stands for: that of the image if it is the BRK of a kprobe,
 * else itself. What the kernel has patched otherwise stays as it is.
 */
uint32_t text_original(uint32_t word, uint64_t addr);

#endif /* LAB_TEXT_H */
