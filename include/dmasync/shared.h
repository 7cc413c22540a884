/* SPDX-License-Identifier: GPL-2.0 */
/* Records that the BPF programs write and user space reads. */
#ifndef DMASYNC_SHARED_H
#define DMASYNC_SHARED_H

/* Includer provides __u8 .. __u64: vmlinux.h in BPF, linux/types.h in user space. */
#include "hist.h"

/* Operations, in the order of the "op" names in design and JSON. */
enum op {
	OP_MAP_SG,
	OP_UNMAP_SG,
	OP_SYNC_SG_FOR_DEVICE,
	OP_SYNC_SG_FOR_CPU,
	OP_MAP_PAGE,
	OP_UNMAP_PAGE,
	OP_SYNC_SINGLE_FOR_DEVICE,
	OP_SYNC_SINGLE_FOR_CPU,
	OP_IOVA_LINK,
	OP_IOVA_SYNC,
	OP_IOVA_UNLINK,
	OP_ARCH_SYNC_FOR_DEVICE,
	OP_ARCH_SYNC_FOR_CPU,
	OP_ARCH_FLUSH,
	OP_CALIBRATE, /* null target used to measure the probes themselves; never shown as a row */
	/* The dma-buf chain, watched with --chain. */
	OP_DMABUF_MMAP,
	OP_DMABUF_VMAP,
	OP_VMAP,
	OP_TLB_FLUSH,
	OP_COUNT,
};

/*
 * In kinds and tags, where bits are scarce, the chain is one operation; in tags the place of the
 * direction, which it has none of, tells which.
 */
#define OP_CHAIN OP_DMABUF_MMAP

#define OP_IS_LIST(op) ((op) <= OP_SYNC_SG_FOR_CPU) /* takes a scatterlist */
#define OP_API_COUNT OP_ARCH_SYNC_FOR_DEVICE	    /* operations below it are API level */

/* enum dma_data_direction, plus "not told by this call" (dma_iova_sync has no direction).
 */
enum direction {
	DIR_BIDIRECTIONAL,
	DIR_TO_DEVICE,
	DIR_FROM_DEVICE,
	DIR_NONE,
	DIR_COUNT,
};

/* Attributes of a call that decide whether it does cache maintenance at all. */
enum {
	CALL_SKIP_CPU_SYNC = 1 << 0, /* DMA_ATTR_SKIP_CPU_SYNC */
	CALL_MMIO = 1 << 1,	     /* DMA_ATTR_MMIO: not memory (since 6.18) */
	CALL_BATCHED = CALL_MMIO,    /* at arch level: leaves its barrier to the flush */
};

/*
 * A row is one {device, driver, operation, direction, attributes}. Its key holds kernel pointers so
 * that the hot path compares words; the names are resolved once, into struct row_info.
 */
struct row_key {
	__u64 dev; /* struct device *, published last; 0: free */
	/* The devices' generation when the key was last found right, tag, index of the row's first
	 * value: one word, so that they belong together. */
	__u64 proof;
	__u64 driver; /* dev->driver: another one is another row */
	__u64 pad[5];
};

_Static_assert(sizeof(struct row_key) == 64, "one key a cache line");

/* Its bits are where row_offset() wants them: at the top of a place in the table of keys. */
#define ROW_TAG(op, dir, attrs) ((op) << 14 | (dir) << 12 | (attrs) << 10)
#define ROW_TAG_OP(tag) ((tag) >> 14 & 15)
#define ROW_TAG_DIR(tag) ((tag) >> 12 & 3)
#define ROW_TAG_ATTRS(tag) ((tag) >> 10 & 3)
#define ROW_TAG_IS_CHAIN(tag) (ROW_TAG_OP(tag) == OP_CHAIN)
#define ROW_TAG_CHAIN_OP(tag) (OP_CHAIN + ROW_TAG_DIR(tag))
#define ROW_TAG_VARIANT(tag) ((tag) >> 9 & 1)
#define ROW_TAG_OF_VARIANT(variant) ((variant) << 9) /* which of the functions that serve it */
/* The chain has up to four, and no attributes. */
#define ROW_TAG_CHAIN(op, variant)                                                                 \
	(ROW_TAG(OP_CHAIN, (op)-OP_CHAIN, (variant) >> 1) | ROW_TAG_OF_VARIANT((variant)&1))
#define ROW_TAG_CHAIN_VARIANT(tag) (ROW_TAG_ATTRS(tag) << 1 | ROW_TAG_VARIANT(tag))
#define VARIANTS_MAX 4

#define PROOF_OF_TAG(tag) ((__u32)(tag) << 14) /* below the generation, above the index */
#define PROOF_ROWS (1 << 23)		       /* ROWS_MAX rows on 4096 CPUs */

#define ROW_KEYS 4096 /* slots of the key table: power of two, twice the rows it may hold */

/* Row and bank of a value's index: banks hold rows, and rows a value for each CPU. */
#define ROW_OF(at, cpus, max_rows) ((at) / (cpus) % (max_rows))
#define BANK_OF(at, cpus, max_rows) ((at) >= (cpus) * (max_rows))
#define ROWS_MAX 2048	       /* most rows a session can be given */
#define ROWS_RESERVED OP_COUNT /* rows that collect, by operation, what found none: "other" */
#define ROW_RESERVED(tag) (ROW_TAG_IS_CHAIN(tag) ? ROW_TAG_CHAIN_OP(tag) : ROW_TAG_OP(tag))
#define ROW_RESERVED_TAG(row) ((row) < OP_CHAIN ? ROW_TAG(row, DIR_NONE, 0) : ROW_TAG_CHAIN(row, 0))

#define DEV_NAME_LEN 64
#define DRV_NAME_LEN 32
#define BUS_NAME_LEN 16
#define OF_NAME_LEN 64

enum {
	DEV_COHERENT = 1 << 0,
	DEV_IOMMU = 1 << 1,	    /* DMA goes through dma-iommu */
	DEV_FLAGS_UNKNOWN = 1 << 2, /* no device to ask (arch level outside any API call) */
	DEV_OPS_OTHER = 1 << 3, /* a dma_map_ops that is neither direct nor dma-iommu (xen, ...) */
};

/* Who a row is about; written once, by the call that created the row. */
struct row_info {
	__u64 dev;
	__u64 dma_ops; /* dev->dma_ops; kernel address, never shown unless asked */
	__u32 tag;
	__u32 flags; /* DEV_* */
	char name[DEV_NAME_LEN];
	char driver[DRV_NAME_LEN];
	char bus[BUS_NAME_LEN];
	char of_name[OF_NAME_LEN]; /* last component of the device-tree path, or empty */
};

_Static_assert(sizeof(struct row_info) == 200, "row_info has no implicit padding");

/* Sums over calls. 'calls' and what is measured per call are of calls that succeeded. */
struct call_counts {
	__u64 calls; /* in a row_value user space fills it in: the histogram has each call once */
	__u64 entries;
	__u64 bytes;
	__u64 ns;
	__u64 dsb;     /* counted barriers; 0 unless counting */
	__u64 bounces; /* entries that went through a bounce buffer; BPF: or the chain's steps */
	__u64 bounced_calls;   /* calls that had at least one such entry */
	__u64 bounced_entries; /* all entries of those calls */
	__u64 empty_calls;     /* calls with 0 entries */
	__u64 failed;
	__u64 failed_entries; /* entries that failed calls had mapped before they gave up */
	__u64 failed_partial; /* failed calls with at least one such entry */
	__u64 chained;	      /* calls whose barrier a batch would save: see struct storm_run */
	__u64 steps;	      /* of the dma-buf chain; user space fills it in, see take.c */
	__u64 unsized;	      /* calls whose bytes nobody summed; user space fills it in, too */
};

/*
 * What one row gathered on one CPU during one interval. Two banks exist: while BPF fills one, user
 * space reads and clears the other, so an interval's numbers belong together exactly.
 */
struct row_value {
	struct call_counts sum;
	__u64 min_ns;  /* of calls that took any time; one comparison tells when these change */
	__u64 span_ns; /* maximum - min_ns */
	__u64 list;    /* scratch of BPF */
	__u32 hist[HIST_SLOTS];
};

_Static_assert(sizeof(struct row_value) == 18 * 8 + HIST_SLOTS * 4, "row_value is packed");

/* Per process and row; entries live for one interval: read and deleted with their bank. */
struct proc_key {
	__u32 tgid; /* 0: the idle task; in a PID namespace: what is outside of it */
	__u16 row;
	__u16 bank;
};

struct proc_value {
	struct call_counts sum;
	char comm[16];
};

#define STACK_DEPTH 127			  /* PERF_MAX_STACK_DEPTH: the kernel hands out no more */
#define STACK_TRACES_MAX 8192		  /* distinct stacks between two readings, 1 KiB each */
#define STACK_ROWS_MAX 8192		  /* {stack, process, row} in an interval */
#define STACK_PROGRAMS (2 * OP_COUNT + 2) /* two at most serve an operation, but OP_TLB_FLUSH */
#define STACK_PROGRAM(op, variant)                                                                 \
	((variant) < 2 ? (variant)*OP_COUNT + (op) : 2 * OP_COUNT + (variant)-2)

/*
 * Storms: calls for single buffers whose barriers one barrier could replace. A context is one
 * system call of a task, one softirq, one interrupt; see bpf/storms.bpf.h for what else begins
 * another. A run is what one context does to one row without doing anything else to the device.
 */
struct storm_run {
	__u64 dev;
	__u64 context; /* number of the context that it belongs to */
	__u32 row;
	__u32 interval; /* an interval's end ends a run */
	__u64 length;	/* 0: over, but the context has been in this row */
};

#define STORM_RUNS 8 /* {device, row} pairs that a context is told of at a time */

struct storm_context {
	__u64 number; /* another one with each context */
	__u64 task;   /* of an interrupt: the one that it came upon; 0: none goes on */
	__u64 slept;  /* of a task: times it waited, and page faults, when looked at last */
	__u32 next;   /* run to be replaced next */
	__u32 pad;
	struct storm_run run[STORM_RUNS];
};

#define STORM_TASKS 1024 /* tasks that are told of at a time; more with many CPUs */
#define STORM_ROWS_MAX 512
#define STORM_BUCKETS 128 /* of struct storm_value: the last takes all from 245760 on */

struct storm_key {
	__u16 row;
	__u16 bank;
};

/* Of one row in one interval. Buckets are those of hist.h, of the calls that runs had. */
struct storm_value {
	__u64 calls; /* that ran a barrier */
	__u64 runs;
	__u64 contexts; /* that had such calls */
	__u64 longest;
	/* A run moves up as it grows, maybe on another CPU: only the sum modulo 2^32 is told. */
	__u32 hist[STORM_BUCKETS];
};

_Static_assert(sizeof(struct storm_value) == 4 * 8 + STORM_BUCKETS * 4, "no implicit padding");

#define STACK_LOST 1 /* in place of a hash: the stack found no room */

/* Return addresses, innermost first. */
struct stack_trace {
	__u32 n;
	__u32 pad;
	__u64 ip[STACK_DEPTH];
};

_Static_assert(sizeof(struct stack_trace) == 1024, "stack_trace has no implicit padding");

/* Per stack, process and row; entries live for one interval, as those of the process table. */
struct stack_key {
	__u64 kernel;	       /* hash of the kernel's part; 0: it has none; or STACK_LOST */
	__u64 user;	       /* of the part of user space; 0: none, or not asked for */
	struct proc_key where; /* tgid 0: not told, or the idle task */
};

_Static_assert(sizeof(struct stack_key) == 24, "stack_key has no implicit padding");

/* Events that were not recorded, by reason. Written by BPF with atomics: all are rare paths. */
struct loss_counters {
	__u64 calls_full;   /* no slot for the in-flight call: too many tasks inside the DMA API */
	__u64 depth;	    /* nested deeper than CALL_DEPTH: by the ftrace back end, stale here */
	__u64 stale;	    /* start records whose end never came, dropped when found */
	__u64 rows_full;    /* calls that went to "other" because no row was left */
	__u64 procs_full;   /* calls that the process table has no room for */
	__u64 orphan_dsb;   /* counted barriers outside any API call */
	__u64 sg_truncated; /* lists longer than SG_CHUNKS_MAX chunks: bytes are a lower bound */
};

#define CALL_DEPTH 7 /* API calls in flight on one task: nesting, IOMMU page tables, interrupts */
#define CALL_SLOTS 512

/* What a call is of: the operation, and which of the functions that serve it. 1 .. 31. */
#define CALL_KIND(op, variant) (1 + (op) + (variant)*16)
#define CALL_KIND_OP(kind) ((kind)-1 & 15)
#define CALL_KINDS 32

_Static_assert(OP_CHAIN <= 15 && CALL_KIND(OP_CHAIN - 1, 1) < CALL_KINDS,
	       "a kind fits five bits; the chain's variants are of one kind");

/* One API call in flight. */
struct call_frame {
	__u64 start; /* CLOCK_MONOTONIC, ns */
	__u64 id;    /* what entry and exit both see: an argument, or the stack pointer (kprobes) */
	__u64 dev;
	union {
		struct {
			__u32 dsb;     /* barriers counted inside this call so far */
			__u32 bounces; /* bounced entries so far */
		};
		__u64 events; /* both */
	};
	/* Arguments kept for the end of the call; kprobe rung only: kretprobes see none. */
	__u64 list;
	__u64 size;
	__u32 nents;
	__u32 tag;
	__u32 kind; /* set when another call begins inside, or this one is inside another */
	__u32 pad;
};

_Static_assert(sizeof(struct call_frame) == 64, "one frame a cache line");

/* The calls in flight on one task, last in first out. */
struct task_calls {
	/*
	 * struct task_struct * plus, as tasks are aligned to TASK_ALIGN, the kind of the only call,
	 * or CALLS_NESTED + their number. 0: free.
	 */
	__u64 owner;
	__u64 suspect;	     /* start of an oldest call that may have been missed to end ... */
	__u64 suspect_since; /* ... and when it was first seen */
	__u64 pad[5];
	struct call_frame frame[CALL_DEPTH];
};

#define CALLS_NESTED CALL_KINDS
#define TASK_ALIGN 64

_Static_assert(sizeof(struct task_calls) == 512, "slots are power-of-two sized");

#define PROC_ROWS_MAX 4096 /* {process, row} pairs in an interval */

/* What the programs are told when they are loaded; the only variable in .rodata. */
struct session_config {
	__u64 comm[2];	 /* zero-padded process name */
	__u64 pidns_dev; /* the tool's PID namespace, as its file in /proc has them; its numbers */
	__u64 pidns_ino; /* are told of processes. Both 0: the first one, all processes have one */
	__u64 iommu_map_sg; /* address of iommu_dma_map_sg(): dma-iommu's ops up to 6.11; or 0 */
	__u32 tgid;	    /* only this process, by its number in that namespace; 0: all */
	__u32 max_rows;	    /* rows the values map has room for */
	__u32 cpus;	    /* highest number of a possible CPU, and one */
	__u32 flags;	    /* CONFIG_* */
	__u32 page_shift;   /* log2 of the page size */
	__u32 pad;
};

_Static_assert(sizeof(struct session_config) == 64, "session_config has no implicit padding");

enum {
	CONFIG_COMM = 1 << 0,	      /* comm is set */
	CONFIG_PROCS = 1 << 1,	      /* the process table exists */
	CONFIG_SYNC_BARRIER = 1 << 2, /* arch_sync_dma_for_*() waits itself */
	CONFIG_USER_STACKS = 1 << 3,  /* stacks have a part of user space */
	CONFIG_STACK_PROCS = 1 << 4,  /* stacks of different processes are kept apart */
	CONFIG_STORMS = 1 << 5,	      /* runs of calls for single buffers are told */
	CONFIG_TO_BARRIER = 1 << 6,   /* unmap and sync for the CPU wait even if DMA only read */
	CONFIG_VMAP_STEPS = 1 << 7,   /* a vmap() has no row */
	CONFIG_STACKS = 1 << 8,	      /* calls are told by their stacks */
};

#define TLB_SLOTS 512 /* power of two; tasks that share one are told together */

/* Everything that BPF and user space share besides the maps of rows; lives in .bss. */
struct session_state {
	/* What the hot path reads comes first: small offsets are part of the instruction. */
	__u32 mode;	   /* MODE_*; calls that begin while it is 0 are not recorded */
	__u32 base;	   /* index of the first value of the bank that is being filled */
	__u64 generation;  /* of the devices, in steps of GENERATION: another one when one is added,
			      removed or (un)bound */
	__u32 list_extras; /* EXTRA_* of calls that take a list */
	__u32 single_extras; /* EXTRA_* of the others; without EXTRA_BYTES, which they always tell
			      */
	__u32 bank;	     /* 0 or 1 */
	__u32 n_rows;	     /* rows given out so far, reserved ones included */
	struct loss_counters loss;
	__u64 lost_stacks;	/* calls and samples without a stack */
	__u64 traces;		/* stacks that were filed in the map of traces so far */
	__u8 bucket[HIST_NEAR]; /* see hist_near() */
	__u64 lost_runs;	/* runs that were cut, as there was no room for them */
	__u32 intervals;	/* begun so far; an odd number in bank 1 */
	__u32 pad32;
	__u32 tlb_deferred[TLB_SLOTS]; /* by task: TLB flushes put off and not yet done */
	__u8 pad[4096 - 120 -
		 4 * TLB_SLOTS]; /* what follows begins where an instruction can name it */
	struct task_calls calls[CALL_SLOTS];
	struct row_key keys[ROW_KEYS];
};

_Static_assert(__builtin_offsetof(struct session_state, calls) % 4096 == 0 &&
		       __builtin_offsetof(struct session_state, keys) % 4096 == 0,
	       "both can be added as they are on arm64");

#define GENERATION (1ULL << 32)

#define MODE_LIVE 1   /* record every call */
#define MODE_FILTER 2 /* record calls that the filter passes */

enum {
	EXTRA_PROCS = 1 << 0,  /* fill the process table */
	EXTRA_BYTES = 1 << 1,  /* sum the lengths of lists */
	EXTRA_STACKS = 1 << 2, /* take stacks, if the programs can */
	EXTRA_STORMS = 1 << 3, /* follow runs */
};

#endif
