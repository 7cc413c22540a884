// SPDX-License-Identifier: GPL-2.0
/*
 * The programs of dmasync.bpf.c with what few sessions ask for, stacks and storms: an object of its
 * own, so that others do not pay an instruction for it, nor the verifier's time.
 */
#define EXTRAS
#include "dmasync.bpf.c"
