// SPDX-License-Identifier: GPL-2.0
/* Programs for the fentry/fexit and kprobe rungs of the attach ladder. */
#include "session.bpf.h"
#include "trampoline.bpf.h"
#include "kprobe.bpf.h"

char LICENSE[] SEC("license") = "GPL";
