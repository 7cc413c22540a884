// SPDX-License-Identifier: GPL-2.0
/* Programs for the dma-buf chain: an object of its own, so that sessions without it are as before.
 */
#define CHAIN
#include "session.bpf.h"
#include "trampoline.bpf.h"
#include "kprobe.bpf.h"
#include "chain.bpf.h"

char LICENSE[] SEC("license") = "GPL";
