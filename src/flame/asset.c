// SPDX-License-Identifier: GPL-2.0
/* The picture's script and style sheet, taken in from the files that hold them. */
#include "svg.h"

/* Paths count from the top of the tree, where make runs. */
#define ASSET(symbol, path)                                                                        \
	__asm__(".pushsection .rodata\n"                                                           \
		".global " #symbol "\n"                                                            \
		".type " #symbol ", %object\n" #symbol ":\n"                                       \
		".incbin \"" path "\"\n"                                                           \
		".byte 0\n"                                                                        \
		".size " #symbol ", . - " #symbol "\n"                                             \
		".popsection\n")

ASSET(flame_js, "src/flame/flame.js");
ASSET(flame_css, "src/flame/flame.css");
