// SPDX-License-Identifier: GPL-2.0
/* Names of enumerators: the words of JSON, of the command line and of narrow columns. */
#include <string.h>
#include <dmasync/header.h>
#include <dmasync/interval.h>

static const struct {
	const char *name;
	const char *brief;
} ops[OP_COUNT] = {
	[OP_MAP_SG] = { "map_sg", "map_sg" },
	[OP_UNMAP_SG] = { "unmap_sg", "unmap_sg" },
	[OP_SYNC_SG_FOR_DEVICE] = { "sync_sg_for_device", "sync_sg_dev" },
	[OP_SYNC_SG_FOR_CPU] = { "sync_sg_for_cpu", "sync_sg_cpu" },
	[OP_MAP_PAGE] = { "map_page", "map_page" },
	[OP_UNMAP_PAGE] = { "unmap_page", "unmap_page" },
	[OP_SYNC_SINGLE_FOR_DEVICE] = { "sync_single_for_device", "sync_1_dev" },
	[OP_SYNC_SINGLE_FOR_CPU] = { "sync_single_for_cpu", "sync_1_cpu" },
	[OP_IOVA_LINK] = { "iova_link", "iova_link" },
	[OP_IOVA_SYNC] = { "iova_sync", "iova_sync" },
	[OP_IOVA_UNLINK] = { "iova_unlink", "iova_unlink" },
	[OP_ARCH_SYNC_FOR_DEVICE] = { "arch_sync_for_device", "arch_dev" },
	[OP_ARCH_SYNC_FOR_CPU] = { "arch_sync_for_cpu", "arch_cpu" },
	[OP_ARCH_FLUSH] = { "arch_flush", "arch_flush" },
	[OP_CALIBRATE] = { "calibrate", "calibrate" },
	[OP_DMABUF_MMAP] = { "dmabuf_mmap", "dmabuf_mmap" },
	[OP_DMABUF_VMAP] = { "dmabuf_vmap", "dmabuf_vmap" },
	[OP_VMAP] = { "vmap", "vmap" },
	[OP_TLB_FLUSH] = { "tlb_flush", "tlb_flush" },
};

static const struct {
	const char *name;
	const char *arrow;
} dirs[DIR_COUNT] = {
	[DIR_BIDIRECTIONAL] = { "bidirectional", "<>" },
	[DIR_TO_DEVICE] = { "to_device", "->" },
	[DIR_FROM_DEVICE] = { "from_device", "<-" },
	[DIR_NONE] = { "none", "--" },
};

const char *op_name(enum op op)
{
	return (unsigned int)op < OP_COUNT ? ops[op].name : "?";
}

const char *op_short_name(enum op op)
{
	return (unsigned int)op < OP_COUNT ? ops[op].brief : "?";
}

int op_by_name(const char *name)
{
	int op;

	for (op = 0; op < OP_COUNT; op++) {
		if (op != OP_CALIBRATE && !strcmp(ops[op].name, name))
			return op;
	}
	return -1;
}

const char *dir_name(enum direction dir)
{
	return (unsigned int)dir < DIR_COUNT ? dirs[dir].name : "?";
}

const char *dir_arrow(enum direction dir)
{
	return (unsigned int)dir < DIR_COUNT ? dirs[dir].arrow : "??";
}

const char *flavour_name(enum flavour flavour)
{
	switch (flavour) {
	case FLAVOUR_NONE:
		return "none";
	case FLAVOUR_PER_ENTRY:
		return "per-entry";
	case FLAVOUR_UPSTREAM_BATCHED:
		return "upstream-batched";
	case FLAVOUR_DMASYNC_BATCHED:
		return "dmasync-batched";
	case FLAVOUR_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *dsb_source_name(enum dsb_source src)
{
	switch (src) {
	case DSB_NONE:
		return "none";
	case DSB_DERIVED:
		return "derived";
	case DSB_COUNTED:
		return "counted";
	case DSB_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *hook_end_name(enum hook_end end)
{
	switch (end) {
	case END_NONE:
		return "none";
	case END_RET:
		return "ret";
	case END_KRETPROBE:
		return "kretprobe";
	case END_COUNT:
		break;
	}
	return "?";
}

const char *backend_name(enum backend_id backend)
{
	switch (backend) {
	case BACKEND_BPF:
		return "bpf";
	case BACKEND_FTRACE:
		return "ftrace";
	case BACKEND_AUTO:
	case BACKEND_COUNT:
		break;
	}
	return "auto";
}

const char *rung_name(enum rung rung)
{
	switch (rung) {
	case RUNG_NONE:
		return "none";
	case RUNG_FSESSION:
		return "fsession";
	case RUNG_FENTRY:
		return "fentry";
	case RUNG_KPROBE:
		return "kprobe";
	case RUNG_COUNT:
		break;
	}
	return "?";
}

const char *level_name(enum level level)
{
	return level == LEVEL_ARCH ? "arch" : "api";
}
