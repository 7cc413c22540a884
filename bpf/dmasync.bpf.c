// SPDX-License-Identifier: GPL-2.0
/* All programs of a session: for each hooked function one per rung of the attach ladder. */
#include "session.bpf.h"
#include <bpf/bpf_tracing.h>
#include "hooks.bpf.h"
#include "arch.bpf.h"
#include "trampoline.bpf.h"
#include "kprobe.bpf.h"

char LICENSE[] SEC("license") = "GPL";
