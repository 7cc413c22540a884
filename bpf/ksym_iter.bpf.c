// SPDX-License-Identifier: GPL-2.0
/* Lists the core kernel's symbols that may be wanted, and the one behind each, which is its end. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "dmasync/ksym_filter.h"

struct ksym_filter filter = {};

static u64 open; /* address of a symbol that was printed; 0: its end, too */

static bool may_be_wanted(const struct kallsym_iter *sym)
{
	unsigned int hash = 0;

#pragma unroll
	for (int i = 0; i < KSYM_PREFIX_LEN; i++) {
		char c = sym->name[i];

		if (!c || c == '.')
			break;
		hash = ksym_prefix_add(hash, c);
	}
	return filter.wanted[hash % KSYM_PREFIX_SLOTS];
}

SEC("ksym_iter") int list(struct bpf_iter__ksym *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct kallsym_iter *sym = ctx->ksym;
	bool wanted;
	u64 addr;

	if (!sym || sym->module_name[0])
		return 0;
	addr = sym->show_value ? sym->value : 0; /* as kernel.kptr_restrict wants it */
	wanted = may_be_wanted(sym);
	if (!wanted && (!open || addr == open))
		return 0;
	open = wanted ? addr : 0;
	BPF_SEQ_PRINTF(seq, "%llx T %s\n", addr, sym->name);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
