// SPDX-License-Identifier: GPL-2.0
/* Programs that do nothing: what any tool pays for being called at a function's entry and exit. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("fentry") int empty_entry(void *ctx)
{
	return 0;
}

SEC("fexit") int empty_exit(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
