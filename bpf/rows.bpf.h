/* SPDX-License-Identifier: GPL-2.0 */
/* Rows: finding the one of a call, creating it the first time, adding a call to it. */
#ifndef ROWS_BPF_H
#define ROWS_BPF_H

#include "session.bpf.h"
#include "sglist.bpf.h"
#include "storms.bpf.h"

#define ROW_PROBES 8
#define KEY_BUSY 1 /* in row_key.dev while a slot is being filled */

#define KEYS_SIZE (ROW_KEYS * sizeof(struct row_key))

/*
 * Where the key of {@dev, @tag} is looked for first, in bytes: allocated devices differ from bit 10
 * of the address on, as nothing that holds one is smaller, and tags in the bits above them.
 */
static __always_inline u64 row_offset(u64 dev, u32 tag)
{
	u64 offset = dev >> 4 ^ tag;

	hide(offset); /* masked last: 6.1's verifier does not know the bounds of an OR */
	return offset & (KEYS_SIZE - sizeof(struct row_key));
}

_Static_assert(ROW_TAG(15, 3, 3) < KEYS_SIZE, "the place of a key depends on the whole tag");

/* DEV_* of the device at @at: how its DMA is done. */
SLOW_PATH u32 device_flags(u64 at)
{
	struct device *dev = (void *)at;
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
	info->flags = device_flags((u64)dev);
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
		return ROW_RESERVED(tag);
	row_describe(row, (void *)dev, tag);
	return row;
}

/*
 * Fills in key @n, whose dev the caller has set to KEY_BUSY. Who sees dev sees the rest: full
 * barrier. Two CPUs may make two rows of one key; user space adds them up.
 */
SLOW_PATH u32 key_fill(u32 n, u64 dev, u64 driver, u32 tag, u64 generation)
{
	u32 first = row_new(dev, tag) * config.cpus;
	struct row_key *k = &state.keys[n & (ROW_KEYS - 1)];

	k->driver = driver;
	k->proof = generation + PROOF_OF_TAG(tag) + first;
	__sync_lock_test_and_set(&k->dev, dev);
	return first;
}

/*
 * True when the row of index @first is about what is at @dev now: the memory of a device that went
 * may be another's, the string of its name too, and a device may come back behind an IOMMU.
 */
SLOW_PATH int row_is_of(u32 first, u64 dev)
{
	u32 row = ROW_OF(first, config.cpus, config.max_rows);
	struct row_info *info = bpf_map_lookup_elem(&row_infos, &row);
	u64 name[DEV_NAME_LEN / sizeof(u64)] = {};

	if (row < ROWS_RESERVED || dev <= NO_DEV)
		return true;
	if (!info)
		return false;
	if (info->flags != device_flags(dev))
		return false;
	bpf_probe_read_kernel_str(name, sizeof(name),
				  BPF_CORE_READ((struct device *)dev, kobj.name));
	for (u32 i = 0; i < DEV_NAME_LEN / sizeof(u64); i++)
		if (((const u64 *)info->name)[i] != name[i])
			return false;
	return true;
}

/*
 * Key @k, which was @proof when it was found right, is so in this @generation. Index of its row's
 * first value: unless another CPU has made it a new one meanwhile, that of @proof.
 */
static __always_inline u32 key_prove(struct row_key *k, u64 proof, u64 generation)
{
	u32 index = proof;
	u64 was = __sync_val_compare_and_swap(&k->proof, proof, generation + index);

	return was;
}

#define NO_INDEX (~0U)

/* Index of the first value of {@dev, @tag}'s row if key @n is its, or could be taken; NO_INDEX. */
SLOW_PATH u32 key_try(u32 n, u64 dev, u64 driver, u32 tag, u64 generation)
{
	struct row_key *k = &state.keys[n & (ROW_KEYS - 1)];
	u64 proof = k->proof, was = k->dev;
	u32 first = proof - PROOF_OF_TAG(tag);

	if (was == dev && first < PROOF_ROWS && k->driver == driver && row_is_of(first, dev))
		return key_prove(k, proof, generation) - PROOF_OF_TAG(tag);
	/* Another device at this address, or another driver: a row of its own. */
	if (was && (was != dev || first >= PROOF_ROWS))
		return NO_INDEX;
	if (__sync_val_compare_and_swap(&k->dev, was, KEY_BUSY) != was)
		return NO_INDEX;
	return key_fill(n, dev, driver, tag, generation);
}

/* As row_find(), when the first place for the key has none, or not a proven one. */
SLOW_PATH u32 row_find_next(u64 dev, u32 tag)
{
	u64 generation = *(volatile u64 *)&state.generation; /* before what may change with it */
	u64 driver = dev > NO_DEV ? (u64)BPF_CORE_READ((struct device *)dev, driver) : 0;
	u32 h = row_offset(dev, tag) / sizeof(struct row_key), first;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < ROW_PROBES; i++) {
		first = key_try(h + i, dev, driver, tag, generation);
		if (first != NO_INDEX)
			return first;
	}
	return ROW_RESERVED(tag) * config.cpus;
}

/* Index of the first value of {@dev, @tag}'s row. */
static __always_inline u32 row_find(struct session_state *s, u64 dev, u32 tag)
{
	struct row_key *k =
		at_offset(s, row_offset(dev, tag)) + offsetof(struct session_state, keys);
	u64 first;

	hide(k); /* the address is reckoned once */
	/* One word: a row is never taken for that of a device which came later. */
	first = k->proof - (s->generation + PROOF_OF_TAG(tag));
	if (unlikely(k->dev != dev || first >= PROOF_ROWS))
		return row_find_next(dev, tag);
	return first;
}

/* A device came, went, or changed its driver: every key has to prove itself again. */
static __always_inline int devices_changed(void)
{
	__sync_fetch_and_add(&state.generation, GENERATION);
	return 0;
}

/* This CPU's value of a row, in the bank that is being filled, and its index. */
static __always_inline struct row_value *row_value(struct session_state *s, u32 first, u32 *at)
{
	*at = s->base + first + bpf_get_smp_processor_id();
	return bpf_map_lookup_elem(&row_values, at);
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

/*
 * Entries of a failed map that found a bounce buffer; the last one that asked for one did not. What
 * fails for another reason after a bounce counts one too few.
 */
static __always_inline u32 failed_bounces(u64 events)
{
	u32 asked = events >> 32;

	return asked ? asked - 1 : 0;
}

/* A map that failed. @entries: how far it had come. @events as in struct call_frame. */
static __always_inline void counts_add_failed(struct call_counts *sum, u32 entries, u64 events)
{
	sum->failed++;
	sum->failed_entries += entries;
	if (entries)
		sum->failed_partial++;
	if (failed_bounces(events)) {
		sum->bounces += failed_bounces(events);
		sum->bounced_calls++;
		sum->bounced_entries += entries;
	}
	sum->dsb += (u32)events;
}

#define CHAINED (1U << 31) /* beside a number of entries: see struct call_counts */

/*
 * @at: index of the row's value, which tells row and bank. @entries: with CHAINED or without. Not
 * part of its caller, whose stack the walk through a list needs.
 */
SLOW_PATH int proc_add(u32 at, u32 entries, u64 bytes, u64 events, u64 ns)
{
	struct proc_key key = { .tgid = current_tgid(),
				.row = ROW_OF(at, config.cpus, config.max_rows),
				.bank = BANK_OF(at, config.cpus, config.max_rows) };
	struct proc_value *v;

	/* Before 6.8 a function is verified whether it is called or not; without it is no map. */
	if (!(config.flags & CONFIG_PROCS))
		return 0;
	v = bpf_map_lookup_elem(&procs, &key);
	if (!v) {
		struct proc_value zero = {};

		current_comm(zero.comm, key.tgid);
		bpf_map_update_elem(&procs, &key, &zero, BPF_NOEXIST);
		v = bpf_map_lookup_elem(&procs, &key);
	}
	if (!v) {
		lost(procs_full);
		return 0;
	}
	v->sum.calls++;
	v->sum.chained += !!(entries & CHAINED);
	entries &= ~CHAINED;
	v->sum.entries += entries;
	v->sum.bytes += bytes;
	v->sum.ns += ns;
	counts_add_rare(&v->sum, entries, events);
	return 0;
}

/* Minimum and maximum, when @ns lies outside of them. No time at all is told by its bucket. */
static __always_inline void row_widen(struct row_value *v, u64 ns)
{
	u64 min = v->min_ns;

	if (!ns)
		return;
	if (ns >= min) {
		if (min)
			v->span_ns = ns - min;
		else
			v->min_ns = ns;
		return;
	}
	v->span_ns += min - ns;
	v->min_ns = ns;
}

/* The call's part of the histogram, when the table of buckets does not have its time. */
SLOW_PATH int row_add_far(u32 at, u64 ns)
{
	struct row_value *v = bpf_map_lookup_elem(&row_values, &at);

	if (v)
		v->hist[hist_bucket(ns) & (HIST_SLOTS - 1)]++;
	return 0;
}

/* What a call adds to its row. */
struct row_call {
	const u64 *list; /* where a list's struct scatterlist * is found */
	u64 size;	 /* bytes of a single buffer; 0 for lists */
	u64 events;
	u64 ns;
	u64 entries;
	bool of_list;
	bool typed;  /* what @list points to is a pointer that programs may read through */
	u32 chained; /* CHAINED or 0: known after row_add_rest() */
};

/*
 * The call's list as a number. In trampolines it is a typed pointer, which may be stored, but not
 * reckoned with or handed on.
 */
static __always_inline u64 row_list(struct row_value *v, const struct row_call *c)
{
	volatile u64 *list = &v->list;

	*list = *c->list;
	return *list;
}

/* What few sessions ask for. */
static __always_inline void row_add_asked(struct row_value *v, u32 at, struct row_call *c,
					  u64 bytes, u32 extras)
{
#ifdef EXTRAS
	if (extras & EXTRA_STORMS && storm_add(at)) {
		c->chained = CHAINED;
		v->sum.chained++;
	}
#endif
	if (extras & EXTRA_PROCS)
		proc_add(at, c->entries | c->chained, bytes, c->events, c->ns);
}

/* What few calls have. @extras: the EXTRA_* that are asked of this one. Returns its bytes. */
static __always_inline u64 row_add_rest(struct row_value *v, volatile u32 *at, struct row_call *c,
					u32 extras)
{
	u64 bytes = c->size;

	if (c->of_list && extras & EXTRA_BYTES) {
		/* Most lists have one entry. */
		bytes = c->typed && c->entries == 1 ? ((struct scatterlist *)*c->list)->length
						    : sg_bytes(row_list(v, c), c->entries);
		v->sum.bytes += bytes;
	}
	if (!c->entries || c->events)
		counts_add_rare(&v->sum, c->entries, c->events);
	if (config.flags & (CONFIG_PROCS | CONFIG_STORMS))
		row_add_asked(v, *at, c, bytes, extras);
	return bytes;
}

/*
 * Adds a call to its row's value @v, at index @at (volatile: not to be kept in a register, as few
 * calls need it), all but what row_add_rest() does. Only one handler at a time can be here for one
 * row on one CPU: a row belongs to one program, and the kernel does not run a program on a CPU that
 * is inside it already.
 */
static __always_inline void row_add_call(struct session_state *s, struct row_value *v,
					 volatile u32 *at, const struct row_call *c)
{
	u64 near;

	v->sum.entries += c->entries;
	v->sum.ns += c->ns;
	if (!c->of_list)
		v->sum.bytes += c->size;
	if (unlikely(c->ns - v->min_ns > v->span_ns))
		row_widen(v, c->ns);
	near = hist_near(c->ns);
	hide(near);
	if (unlikely(near >= HIST_NEAR))
		row_add_far(*at, c->ns);
	else
		v->hist[*(u8 *)(at_offset(s, near) + offsetof(struct session_state, bucket))]++;
}

#endif
