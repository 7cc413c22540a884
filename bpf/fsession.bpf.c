// SPDX-License-Identifier: GPL-2.0
/*
 * Programs for the fsession rung (since 7.0): an object of its own, as it needs a kernel function
 * that older kernels have in another form.
 */
#define FSESSION
#include "session.bpf.h"
#include "trampoline.bpf.h"

char LICENSE[] SEC("license") = "GPL";
