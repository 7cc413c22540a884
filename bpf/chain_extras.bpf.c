// SPDX-License-Identifier: GPL-2.0
/* The programs of chain.bpf.c with stacks. */
#define EXTRAS
#include "chain.bpf.c"
