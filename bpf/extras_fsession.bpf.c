// SPDX-License-Identifier: GPL-2.0
/* The programs of fsession.bpf.c with stacks and storms. */
#define EXTRAS
#include "fsession.bpf.c"
