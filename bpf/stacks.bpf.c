// SPDX-License-Identifier: GPL-2.0
/*
 * The programs of dmasync.bpf.c with stacks: an object of its own, so that sessions without stacks
 * do not pay an instruction for them.
 */
#define STACKS
#include "dmasync.bpf.c"
