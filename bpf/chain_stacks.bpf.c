// SPDX-License-Identifier: GPL-2.0
/* The programs of chain.bpf.c with stacks. */
#define STACKS
#include "chain.bpf.c"
