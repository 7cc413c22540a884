// SPDX-License-Identifier: GPL-2.0
/* Looks one kernel symbol up, when user space runs it: nothing is attached. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "dmasync/ksym_question.h"

struct ksym_question question = {};

SEC("syscall") int ask(void *ctx)
{
	question.error =
		bpf_kallsyms_lookup_name(question.name, sizeof(question.name), 0, &question.addr);
	/* "NAME+0x0/0xSIZE", and behind it " [MODULE]" in modules */
	if (!question.error)
		BPF_SNPRINTF(question.text, sizeof(question.text), "%pS", question.addr);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
