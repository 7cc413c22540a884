/* SPDX-License-Identifier: GPL-2.0 */
/* Rows: finding the one of a call, creating it the first time, adding a call to it. */
#ifndef ROWS_BPF_H
#define ROWS_BPF_H

#include "session.bpf.h"
#include "sglist.bpf.h"

#define ROW_PROBES 8
#define KEY_BUSY 1 /* in row_key.dev while a slot is being filled */

static __always_inline u32 row_hash(u64 dev, u32 tag)
{
	return ((u32)(dev >> 5) ^ tag) * 0x9E3779B1U >> 20;
}

_Static_assert(ROW_KEYS == 1 << (32 - 20), "row_hash() gives as many bits as there are slots");

/* DEV_* of @dev: how its DMA is done. */
static __always_inline u32 device_flags(struct device *dev)
{
	u64 map_sg = 0;
	u32 flags = 0;

	if (bpf_core_enum_value_exists(enum struct_device_flags, DEV_FLAG_DMA_COHERENT)) {
		unsigned long bits = BPF_CORE_READ((struct device___flags *)dev, flags[0]);

		if (bits >> bpf_core_enum_value(enum struct_device_flags, DEV_FLAG_DMA_COHERENT) &
		    1)
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

/* A free row for {@dev, @tag}; the reserved row of the operation when there is none left. */
static __always_inline u32 row_new(u64 dev, u32 tag)
{
	u32 row = config.max_rows;

	if (state.n_rows < config.max_rows)
		row = __sync_fetch_and_add(&state.n_rows, 1);
	if (row >= config.max_rows)
		return ROW_TAG_OP(tag);
	row_describe(row, (void *)dev, tag);
	return row;
}

/*
 * Fills in @k, whose dev the caller has set to KEY_BUSY. Who sees dev sees the rest: full barrier.
 * Two CPUs may make two rows of one key; user space adds them up.
 */
static __always_inline u32 key_fill(struct row_key *k, u64 dev, u64 name, u64 driver, u32 tag,
				    u32 generation)
{
	k->name = name;
	k->driver = driver;
	k->tag = tag;
	k->generation = generation;
	k->row = row_new(dev, tag);
	__sync_lock_test_and_set(&k->dev, dev);
	return k->row;
}

/* Row of {@dev, @tag} when the first place that its hash names has no up-to-date key of it. */
SLOW_PATH u32 row_find_next(u64 dev, u32 tag)
{
	u64 name = dev > NO_DEV ? (u64)BPF_CORE_READ((struct device *)dev, kobj.name) : 0;
	u64 driver = dev > NO_DEV ? (u64)BPF_CORE_READ((struct device *)dev, driver) : 0;
	u32 generation = state.generation;
	u32 h = row_hash(dev, tag);

	for (u32 i = 0; i < ROW_PROBES; i++) {
		struct row_key *k = &state.keys[(h + i) & (ROW_KEYS - 1)];

		if (k->dev == dev && k->tag == tag) {
			if (k->name == name && k->driver == driver) {
				k->generation = generation;
				return k->row;
			}
			/* Another device at this address, or another driver: a row of its own. */
			if (__sync_val_compare_and_swap(&k->dev, dev, KEY_BUSY) == dev)
				return key_fill(k, dev, name, driver, tag, generation);
		}
		if (!k->dev && !__sync_val_compare_and_swap(&k->dev, 0, KEY_BUSY))
			return key_fill(k, dev, name, driver, tag, generation);
	}
	return ROW_TAG_OP(tag);
}

/* Row of {@dev, @tag}. */
static __always_inline u32 row_find(struct session_state *s, u64 dev, u32 tag)
{
	struct row_key *k = &s->keys[row_hash(dev, tag) & (ROW_KEYS - 1)];

	asm volatile("" : "+r"(k)); /* the address is reckoned once */
	if (k->dev == dev && k->tag == tag && k->generation == s->generation)
		return k->row;
	return row_find_next(dev, tag);
}

/* A device came, went, or changed its driver: every key has to prove itself again. */
static __always_inline int devices_changed(void)
{
	__sync_fetch_and_add(&state.generation, 1);
	return 0;
}

/* Index of @row's value on this CPU, in the bank that is being filled. */
static __always_inline u32 row_index(struct session_state *s, u32 row)
{
	return s->base + bpf_get_smp_processor_id() * s->stride + row;
}

/* Few calls have these. @events as in struct call_frame. */
static __always_inline void counts_add_rare(struct call_counts *sum, u32 entries, u64 events)
{
	u32 bounces = events >> 32;

	sum->dsb += (u32)events;
	if (!entries)
		sum->empty_calls++;
	if (bounces) {
		sum->bounces += bounces;
		sum->bounced_calls++;
		sum->bounced_entries += entries;
	}
}

/* A map that failed. @entries: how far it had come. */
static __always_inline void counts_add_failed(struct call_counts *sum, u32 entries, u32 dsb)
{
	sum->failed++;
	sum->failed_entries += entries;
	if (entries)
		sum->failed_partial++;
	sum->dsb += dsb;
}

/*
 * @at: index of the row's value, which tells row and bank. Not part of its caller, whose stack the
 * walk through a list needs.
 */
SLOW_PATH int proc_add(u32 at, u32 entries, u64 bytes, u64 events, u64 ns)
{
	struct proc_key key = { .tgid = bpf_get_current_pid_tgid() >> 32,
				.row = at % config.max_rows,
				.bank = at >= config.cpus * config.max_rows };
	struct proc_value *v;

	/* Before 6.8 a function is verified whether it is called or not; without it is no map. */
	if (!(config.flags & CONFIG_PROCS))
		return 0;
	v = bpf_map_lookup_elem(&procs, &key);
	if (!v) {
		struct proc_value zero = {};

		bpf_get_current_comm(zero.comm, sizeof(zero.comm));
		bpf_map_update_elem(&procs, &key, &zero, BPF_NOEXIST);
		v = bpf_map_lookup_elem(&procs, &key);
	}
	if (!v) {
		lost(procs_full);
		return 0;
	}
	v->sum.calls++;
	v->sum.entries += entries;
	v->sum.bytes += bytes;
	v->sum.ns += ns;
	counts_add_rare(&v->sum, entries, events);
	return 0;
}

#define ENTRIES_OF_LIST (1U << 31)

/*
 * What the hot path leaves out for a call: a list's bytes when they are wanted, counted events, the
 * process table. @at is what row_add_call() returned: the bank may have been switched since, and a
 * call belongs to one interval. @data: the list if @entries has ENTRIES_OF_LIST set, else the
 * bytes. Returns the bytes.
 */
SLOW_PATH u64 row_add_rest(u32 at, u32 entries, u64 data, u64 events, u64 ns)
{
	struct row_value *v = bpf_map_lookup_elem(&row_values, &at);
	u32 n = entries & ~ENTRIES_OF_LIST;
	u64 bytes = data;

	if (!v)
		return 0;
	if (entries & ENTRIES_OF_LIST) {
		bytes = state.extras & EXTRA_BYTES ? sg_bytes(data, n) : 0;
		v->sum.bytes += bytes;
	}
	counts_add_rare(&v->sum, n, events);
	if (config.flags & CONFIG_PROCS && state.extras & EXTRA_PROCS)
		proc_add(at, n, bytes, events, ns);
	return bytes;
}

/* Adds a map that failed, @entries on its way; returns the index of the row's value. */
SLOW_PATH u32 row_add_failed(u32 row, u32 entries, u32 dsb)
{
	u32 at = row_index(&state, row);
	struct row_value *v = bpf_map_lookup_elem(&row_values, &at);

	if (v)
		counts_add_failed(&v->sum, entries, dsb);
	return at;
}

/*
 * Adds a call of @ns to @row and returns the index of its value. Only one handler at a time can be
 * here for one row on one CPU: a row belongs to one program, and the kernel does not run a program
 * on a CPU that is inside it already.
 */
static __always_inline u32 row_add_call(struct session_state *s, u32 row, u32 entries, u64 size,
					u64 ns)
{
	u32 at = row_index(s, row);
	struct row_value *v = bpf_map_lookup_elem(&row_values, &at);

	if (!v)
		return at;
	v->sum.calls++;
	v->sum.entries += entries;
	v->sum.ns += ns;
	v->sum.bytes += size;
	if (ns > v->max_ns)
		v->max_ns = ns;
	if (-ns > v->min_ns_neg)
		v->min_ns_neg = -ns;
	v->hist[hist_bucket(ns, s->log2) & (HIST_SLOTS - 1)]++;
	return at;
}

#endif
