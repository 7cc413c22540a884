/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel types that the BPF programs read: CO-RE fills in the real offsets when they are
 * loaded, so only the members that are used stand here, the same for every architecture. A name
 * with ___ is the same type in another kernel generation.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
typedef u64 dma_addr_t;
typedef u64 phys_addr_t;
typedef unsigned long size_t;

enum { false = 0, true = 1 };

#define NULL ((void *)0)

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
};

enum {
	BPF_NOEXIST = 1,
	BPF_F_USER_STACK = 1 << 8,
};

struct bpf_pidns_info { /* what bpf_get_ns_current_pid_tgid() fills in */
	u32 pid;
	u32 tgid;
};

/* Registers at a probe, as BPF programs see them: fixed layouts, not relocated. */
struct pt_regs { /* x86 */
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};

struct user_pt_regs { /* arm64 */
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kobject {
	const char *name;
};

struct device_driver {
	const char *name;
};

struct bus_type {
	const char *name;
};

struct class {
	const char *name;
};

struct device_node {
	const char *full_name;
};

struct dma_map_ops {
	void *map_sg;
};

struct device {
	struct kobject kobj;
	const struct bus_type *bus;
	struct device_driver *driver;
	const struct class *class;
	const struct dma_map_ops *dma_ops;
	struct device_node *of_node;
	bool dma_coherent : 1; /* until 7.1 */
};

struct device___iommu_bit { /* 6.12 to 7.1 */
	bool dma_iommu : 1;
};

struct device___flags { /* since 7.2 */
	unsigned long flags[1];
};

enum struct_device_flags { /* values since 7.2; relocated */
	DEV_FLAG_DMA_IOMMU = 2,
	DEV_FLAG_DMA_COHERENT = 6,
};

struct scatterlist {
	unsigned long page_link;
	unsigned int offset;
	unsigned int length;
	dma_addr_t dma_address;
};

struct sg_table {
	struct scatterlist *sgl;
	unsigned int nents;
	unsigned int orig_nents;
};

struct dma_iova_state { /* since 6.16 */
	dma_addr_t addr;
};

struct tlbflush_unmap_batch { /* its members only where the architecture puts flushes off */
	bool flush_required;
	bool writable;
};

struct task_struct {
	int tgid;
	char comm[16];
	unsigned long nvcsw;
	unsigned long min_flt;
	unsigned long maj_flt;
	struct tlbflush_unmap_batch tlb_ubc;
};

typedef struct atomic { /* has no name in the kernel; members of such are not looked for */
	int counter;
} atomic_t;

struct mm_struct {
	atomic_t tlb_flush_batched; /* where flushes are put off; since 5.15 */
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
};

struct dma_buf {
	size_t size;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct kallsym_iter {
	unsigned long value;
	char name[512];
	char module_name[56];
	int show_value;
};

struct bpf_iter__ksym { /* since 6.0 */
	struct bpf_iter_meta *meta;
	struct kallsym_iter *ksym;
};

#pragma clang attribute pop

struct page;

#endif
