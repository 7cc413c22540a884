/* SPDX-License-Identifier: GPL-2.0 */
/* Rows: finding the one of a call, creating it the first time, adding a call to it. */
#ifndef ROWS_BPF_H
#define ROWS_BPF_H

#include "session.bpf.h"

#define ROW_PROBES 8
#define KEY_BUSY 1 /* in row_key.dev while a slot is being filled */

static __always_inline u32 row_hash(u64 dev, u32 tag)
{
	return ((u32)(dev >> 5) ^ tag) * 0x9E3779B1U >> 19;
}

_Static_assert(ROW_KEYS == 1 << (32 - 19), "row_hash() gives as many bits as there are slots");

/* DEV_* of @dev: how its DMA is done. */
static __always_inline u32 device_flags(struct device *dev)
{
	u64 map_sg = 0;
	u32 flags = 0;

	if (bpf_core_enum_value_exists(enum struct_device_flags, DEV_FLAG_DMA_COHERENT)) {
		unsigned long bits = BPF_CORE_READ((struct device___flags *)dev, flags[0]);

		if (bits >> bpf_core_enum_value(enum struct_device_flags, DEV_FLAG_DMA_COHERENT) & 1)
			flags |= DEV_COHERENT;
		if (bits >> bpf_core_enum_value(enum struct_device_flags, DEV_FLAG_DMA_IOMMU) & 1)
			flags |= DEV_IOMMU;
	} else {
		struct device___iommu_bit *with_bit = (void *)dev;

		/* Absent where no device can be non-coherent (x86). */
		if (!bpf_core_field_exists(dev->dma_coherent) ||
		    BPF_CORE_READ_BITFIELD_PROBED(dev, dma_coherent))
			flags |= DEV_COHERENT;
		if (bpf_core_field_exists(with_bit->dma_iommu) &&
		    BPF_CORE_READ_BITFIELD_PROBED(with_bit, dma_iommu))
			flags |= DEV_IOMMU;
	}
	if (bpf_core_field_exists(dev->dma_ops))
		map_sg = (u64)BPF_CORE_READ(dev, dma_ops, map_sg);
	if (map_sg && map_sg == config.iommu_map_sg)
		flags |= DEV_IOMMU;
	else if (map_sg && !(flags & DEV_IOMMU))
		flags |= DEV_OPS_OTHER;
	return flags;
}

/* Resolves what is known about @dev, once per row: strings are for user space, never compared. */
static __always_inline void row_describe(u32 row, struct device *dev, u32 tag)
{
	struct row_info *info = bpf_map_lookup_elem(&row_infos, &row);
	const char *bus;

	if (!info)
		return;
	info->dev = (u64)dev;
	info->tag = tag;
	if ((u64)dev <= NO_DEV) {
		info->flags = DEV_FLAGS_UNKNOWN;
		return;
	}
	info->flags = device_flags(dev);
	bpf_probe_read_kernel_str(info->name, sizeof(info->name), BPF_CORE_READ(dev, kobj.name));
	bpf_probe_read_kernel_str(info->driver, sizeof(info->driver),
				  BPF_CORE_READ(dev, driver, name));
	bus = BPF_CORE_READ(dev, bus, name);
	if (!bus)
		bus = BPF_CORE_READ(dev, class, name);
	bpf_probe_read_kernel_str(info->bus, sizeof(info->bus), bus);
	if (bpf_core_field_exists(dev->of_node))
		bpf_probe_read_kernel_str(info->of_name, sizeof(info->of_name),
					  BPF_CORE_READ(dev, of_node, full_name));
}

/* Creates the row of a key not seen before. The reserved row of the operation when there is no room. */
static __noinline u32 row_add(u64 dev, u64 name, u64 driver, u32 tag)
{
	u32 other = ROW_TAG_OP(tag);
	u32 h = row_hash(dev, tag);
	struct row_key *k = NULL;
	u32 row;

	for (int i = 0; i < ROW_PROBES; i++) {
		k = &state.keys[(h + i) & (ROW_KEYS - 1)];
		if (!k->dev && !__sync_val_compare_and_swap(&k->dev, 0, KEY_BUSY))
			break;
		k = NULL;
	}
	row = other;
	if (k && state.n_rows < config.max_rows)
		row = __sync_fetch_and_add(&state.n_rows, 1);
	if (!k || row >= config.max_rows) {
		lost(rows_full);
		row = other;
	}
	if (row != other)
		row_describe(row, (void *)dev, tag);
	if (k) {
		k->name = name;
		k->driver = driver;
		k->tag = tag;
		k->row = row;
		/*
		 * Full barrier: who sees dev sees the rest. Who does not see all of it yet makes a
		 * second row of the same key, and user space adds the two up.
		 */
		__sync_lock_test_and_set(&k->dev, dev);
	}
	return row;
}

/* Row of {@dev, @tag}; @name and @driver as in struct row_key. */
static __always_inline u32 row_find(u64 dev, u64 name, u64 driver, u32 tag)
{
	u32 h = row_hash(dev, tag);

#pragma unroll
	for (int i = 0; i < ROW_PROBES; i++) {
		struct row_key *k = &state.keys[(h + i) & (ROW_KEYS - 1)];

		if (k->dev == dev && k->tag == tag && k->name == name && k->driver == driver)
			return k->row;
		if (!k->dev)
			break;
	}
	return row_add(dev, name, driver, tag);
}

/* What one finished call adds to its row. */
struct call_end {
	u64 ns;
	u64 bytes;
	u32 entries;
	u32 dsb;
	u32 bounces;
	bool failed;
};

static __always_inline void counts_add_call(struct call_counts *sum, const struct call_end *end)
{
	if (end->failed) {
		sum->failed++;
		sum->failed_entries += end->entries;
		if (end->entries)
			sum->failed_partial++;
		sum->dsb += end->dsb;
		return;
	}
	sum->calls++;
	sum->entries += end->entries;
	sum->ns += end->ns;
	sum->bytes += end->bytes;
	if (config.attribute)
		sum->dsb += end->dsb;
	if (!end->entries)
		sum->empty_calls++;
	if (end->bounces) {
		sum->bounces += end->bounces;
		sum->bounced_calls++;
		sum->bounced_entries += end->entries;
	}
}

static __noinline void proc_add(u32 row, u32 bank, const struct call_end *end)
{
	struct proc_key key = { .tgid = bpf_get_current_pid_tgid() >> 32, .row = row, .bank = bank };
	struct proc_value *v = bpf_map_lookup_elem(&procs, &key);

	if (!v) {
		struct proc_value zero = {};

		bpf_get_current_comm(zero.comm, sizeof(zero.comm));
		bpf_map_update_elem(&procs, &key, &zero, BPF_NOEXIST);
		v = bpf_map_lookup_elem(&procs, &key);
	}
	if (v)
		counts_add_call(&v->sum, end);
	else
		lost(procs_full);
}

/*
 * Adds a call to @row. Only one handler at a time can be here for one row on one CPU: a row belongs
 * to one program, and the kernel does not run a program on a CPU that is inside it already.
 */
static __always_inline void row_add_call(u32 row, const struct call_end *end)
{
	u32 bank = state.bank & 1;
	u32 cpu = bpf_get_smp_processor_id();
	u32 at = (bank * config.cpus + cpu) * config.max_rows + row;
	struct row_value *v = bpf_map_lookup_elem(&row_values, &at);

	if (!v)
		return;
	counts_add_call(&v->sum, end);
	if (!end->failed) {
		if (end->ns > v->max_ns)
			v->max_ns = end->ns;
		if (~end->ns > v->min_ns_inv)
			v->min_ns_inv = ~end->ns;
		v->hist[hist_bucket(end->ns) & (HIST_BUCKETS - 1)]++;
	}
	if (config.procs && state.procs_on)
		proc_add(row, bank, end);
}

#endif
