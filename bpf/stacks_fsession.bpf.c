// SPDX-License-Identifier: GPL-2.0
/* The programs of fsession.bpf.c with stacks. */
#define STACKS
#include "fsession.bpf.c"
