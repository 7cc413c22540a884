// SPDX-License-Identifier: GPL-2.0
/* What the arguments and results of each probed function mean, in the words of kprobe events. */
#include <stdio.h>
#include <string.h>
#include "null.h"
#include "probes.h"

#define REGISTERS 7

/* Where the arguments of a function are at its begin. */
static const struct {
	const char *machine;
	const char *reg[REGISTERS];
} machines[] = {
	{ "aarch64", { "%x0", "%x1", "%x2", "%x3", "%x4", "%x5", "%x6" } },
	{ "x86_64", { "%di", "%si", "%dx", "%cx", "%r8", "%r9", "+8(%sp)" } },
};

/*
 * A number in braces stands for that argument. They are the same as in bpf/hooks.bpf.h. Without
 * type information only those members can be read that lie where they have always been: struct
 * sg_table is { sgl; nents; orig_nents } (since 2.6.24), struct dma_iova_state begins with its
 * address (since 6.16), struct device with struct kobject and that with its name (since 2.6.36).
 */
#define DEVICE "name=+0(+0({0})):string "

static const struct {
	const char *programs;
	const char *args;
	const char *result;
} functions[] = {
	{ "map_sg", DEVICE "entries={2}:u32 dir={3}:u8 attrs={4}:u16", "s32" },
	{ "map_sgtable", DEVICE "entries=+12({1}):u32 dir={2}:u8 attrs={3}:u16", "s32" },
	{ "unmap_sg", DEVICE "entries={2}:u32 dir={3}:u8 attrs={4}:u16", NULL },
	{ "sync_sg_for_device", DEVICE "entries={2}:u32 dir={3}:u8", NULL },
	{ "sync_sg_for_cpu", DEVICE "entries={2}:u32 dir={3}:u8", NULL },
	{ "map_page", DEVICE "size={3}:u64 dir={4}:u8 attrs={5}:u16", "u64" },
	{ "map_phys", DEVICE "size={2}:u64 dir={3}:u8 attrs={4}:u16", "u64" },
	{ "unmap_page", DEVICE "size={2}:u64 dir={3}:u8 attrs={4}:u16", NULL },
	{ "sync_single_for_device", DEVICE "size={2}:u64 dir={3}:u8", NULL },
	{ "sync_single_for_cpu", DEVICE "size={2}:u64 dir={3}:u8", NULL },
	{ "iova_link", DEVICE "size={4}:u64 dir={5}:u8 attrs={6}:u16", "s32" },
	{ "iova_sync", DEVICE "size={3}:u64", "s32" },
	{ "iova_unlink",
	  DEVICE "id={1}:u64 addr=+0({1}):u64 offset={2}:u64 size={3}:u64 dir={4}:u8 attrs={5}:u16",
	  NULL },
	{ "iova_destroy",
	  DEVICE "id={1}:u64 addr=+0({1}):u64 size={2}:u64 dir={3}:u8 attrs={4}:u16", NULL },
	{ "arch_sync_for_device", "size={1}:u64 dir={2}:u8", NULL },
	{ "arch_sync_for_cpu", "size={1}:u64 dir={2}:u8", NULL },
	{ "arch_batch_for_device", "size={1}:u64 dir={2}:u8", NULL },
	{ "arch_batch_for_cpu", "size={1}:u64 dir={2}:u8", NULL },
	{ "arch_flush", "", NULL },
	{ "bounce_map", "", NULL },
	{ "bounce_unmap", "", NULL },
	{ "bounce_sync_device", "", NULL },
	{ "bounce_sync_cpu", "", NULL },
	/* Like an unmap of the device that null.c makes up. */
	{ "null", NULL_NAME " entries={2}:u32 dir={3}:u8 attrs={4}:u16", NULL },
};

static const char *const *registers_of(const char *machine)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (!strcmp(machines[i].machine, machine))
			return machines[i].reg;
	return NULL;
}

static void expand(const char *text, const char *const *reg, char *buf, size_t len)
{
	size_t at = 0;

	for (; *text && at + 1 < len; text++) {
		if (*text != '{') {
			buf[at++] = *text;
			continue;
		}
		at += snprintf(buf + at, len - at, "%s", reg[text[1] - '0']);
		text += 2;
	}
	buf[at < len ? at : len - 1] = '\0';
}

bool probes_arguments(const char *machine, const char *programs, char *buf, size_t len,
		      const char **result)
{
	const char *const *reg = registers_of(machine);

	for (size_t i = 0; reg && i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (strcmp(functions[i].programs, programs))
			continue;
		expand(functions[i].args, reg, buf, len);
		*result = functions[i].result;
		return true;
	}
	return false;
}
