/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the dmasync_bench module share. */
#ifndef DMASYNC_BENCH_H
#define DMASYNC_BENCH_H

#include <linux/dma-mapping.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/scatterlist.h>
#include <linux/types.h>
#include <mark.h>

struct dma_buf;
struct seq_file;

/* The family of calls that a run makes. */
enum bench_op {
	OP_SG,
	OP_SGTABLE,
	OP_PAGE,
	OP_SINGLE,
	OP_RESOURCE,
	OP_COHERENT,
	OP_IOVA,
	OP_IOVA_DESTROY,
	OP_VMAP,
	OP_DMABUF_VMAP,
	OP_COUNT
};

/* Kinds of calls; each is counted, timed and marked by itself. */
enum bench_api {
	API_MAP_SG,
	API_SYNC_SG_FOR_CPU,
	API_SYNC_SG_FOR_DEVICE,
	API_UNMAP_SG,
	API_MAP_PAGE,
	API_SYNC_SINGLE_FOR_CPU,
	API_SYNC_SINGLE_FOR_DEVICE,
	API_UNMAP_PAGE,
	API_MAP_RESOURCE,
	API_UNMAP_RESOURCE,
	API_ALLOC_COHERENT,
	API_FREE_COHERENT,
	API_IOVA_LINK,
	API_IOVA_SYNC,
	API_IOVA_UNLINK,
	API_VMAP,
	API_VUNMAP,
	API_DMABUF_VMAP,
	API_DMABUF_VUNMAP,
	API_COUNT
};

enum bench_layout {
	LAYOUT_PLAIN,
	LAYOUT_CHAINED,
	LAYOUT_UNALIGNED,
	LAYOUT_SMALL,
	LAYOUT_MIXED,
	LAYOUT_APART,
	LAYOUT_REVERSE,
	LAYOUT_COUNT
};

enum bench_fail { FAIL_NONE, FAIL_LIMIT, FAIL_EXHAUST, FAIL_COUNT };

#define MARK_NONE (-1)
#define MARK_ALL API_COUNT
#define MARK_RUN (API_COUNT + 1)

#define LABEL_LEN 40 /* the lab's plugin keeps 63 characters, ours adds ".API" */

#define ENTRIES_MAX 65536
#define SIZE_MAX_ENTRY (256U << 10)
#define BYTES_MAX (512ULL << 20)
#define ITERATIONS_MAX 1000000
#define CALLS_MAX (4U << 20)

struct bench_params {
	enum bench_op op;
	enum dma_data_direction dir;
	unsigned int skip; /* DMA_ATTR_SKIP_CPU_SYNC */
	unsigned int entries;
	unsigned int size; /* bytes of an entry */
	enum bench_layout layout;
	enum bench_fail fail;
	unsigned int fail_at;
	unsigned int iterations;
	unsigned int warmup;
	unsigned int mask; /* bits; 0: as it is */
	int cpu;
	int fd; /* a dma-buf of the process that writes the command; -1: none */
	int mark;
	unsigned int pci;
	unsigned int sync;
	unsigned int dirty;
	unsigned int irqs; /* stay on in marked calls */
	char label[LABEL_LEN];
};

/* Memory of one entry: pages, or an object of the slab allocator. */
struct bench_buf {
	struct page *page;
	void *object; /* NULL: pages */
	unsigned int order;
	unsigned int offset;
	unsigned int len;
	dma_addr_t dma;
};

struct bench_stat {
	u64 *ns; /* one a call, sorted at the end, then freed */
	u32 room;
	u32 calls;
	u64 entries;
	u64 bytes;
	u64 bounced;
	u64 runs;  /* of pages, in all calls of vmap() or dma_buf_vmap() */
	u64 wrong; /* pages that did not hold what had been written */
	u64 errors;
	int status;    /* of the first call that failed */
	int failed_at; /* entry that the last one failed at; -1: unknown or none */
	u64 min, median, p99, max, sum;
};

struct bench_run {
	struct bench_params p;
	struct device *dev;
	struct bench_buf *bufs;
	struct scatterlist *sgs;  /* array that the list lies in */
	struct scatterlist *list; /* its first entry */
	phys_addr_t mmio;
	struct dma_buf *dmabuf; /* OP_DMABUF_VMAP */
	u64 bytes;		/* of all entries */
	dma_addr_t *held;
	unsigned int n_held;
	u64 old_mask;
	u64 old_limit;
	bool limited;
	bool recording;
	bool coherent;
	bool iommu;
	u64 started;
	u64 elapsed;
	u32 done_iterations;
	const char *state;
	char device_name[48];
	struct bench_stat stats[API_COUNT];
};

/* Why the last command was refused; the function's value is @err. */
__printf(2, 3) int bench_refuse(int err, const char *fmt, ...);

/* params.c */
extern const char *const bench_api_names[API_COUNT];
int bench_parse(char *text, struct bench_params *p);
void bench_help(struct seq_file *m);
void bench_params_show(struct seq_file *m, const struct bench_params *p);
const char *bench_dir_name(enum dma_data_direction dir);

/* buffers.c */
int bench_buffers_alloc(struct bench_run *run);
void bench_buffers_free(struct bench_run *run);
void bench_dirty(const struct bench_run *run);
bool bench_behind_iommu(struct device *dev);
bool bench_bounced(struct device *dev, dma_addr_t addr, phys_addr_t phys);
phys_addr_t bench_phys(const struct bench_buf *buf);

/* run.c */
unsigned long bench_attrs(const struct bench_params *p);
int bench_run_prepare(struct bench_run *run);
void bench_run_execute(struct bench_run *run);
void bench_run_release(struct bench_run *run);
bool bench_stopped(void);

/* sg.c, single.c, iova.c, vmap.c: one iteration */
void bench_iterate_sg(struct bench_run *run);
void bench_iterate_page(struct bench_run *run);
void bench_iterate_resource(struct bench_run *run);
void bench_iterate_coherent(struct bench_run *run);
void bench_iterate_iova(struct bench_run *run);
void bench_iterate_vmap(struct bench_run *run);
int bench_iova_check(struct bench_run *run);

/* Runs of @pages that follow each other, as far as one page table maps them at @va. */
unsigned int bench_count_runs(const void *va, struct page **pages, unsigned int n);

/* dmabuf.c: by the process that writes the command, its end, and one iteration */
#ifdef CONFIG_DMA_SHARED_BUFFER
int bench_dmabuf_get(struct bench_run *run);
void bench_dmabuf_put(struct bench_run *run);
void bench_iterate_dmabuf(struct bench_run *run);
#else
static inline int bench_dmabuf_get(struct bench_run *run)
{
	return bench_refuse(-EINVAL, "op=dmabuf_vmap: this kernel has no dma-buf");
}

static inline void bench_dmabuf_put(struct bench_run *run)
{
}

static inline void bench_iterate_dmabuf(struct bench_run *run)
{
}
#endif

/* result.c */
int bench_stats_alloc(struct bench_run *run);
void bench_stats_finish(struct bench_run *run);
void bench_stats_free(struct bench_run *run);
void bench_result_show(struct seq_file *m, const struct bench_run *run);

struct bench_call {
	struct bench_run *run;
	enum bench_api api;
	bool marked;
	bool quiet;
	unsigned long flags;
	u64 start;
};

void bench_call_label(const struct bench_call *call);
void bench_call_record(const struct bench_call *call, u64 ns, unsigned int entries, u64 bytes,
		       int status);

#ifdef LAB_MARK
#define BENCH_CAN_MARK true
#else
#define BENCH_CAN_MARK false
#define LAB_MARK(n) ((void)(n))
static inline void lab_mark_label(const char *label)
{
}
#endif

/*
 * Around one call. Between the markers is nothing but the call, without interrupts if it is marked:
 * other code waits for barriers, too. With PREEMPT_RT the call may sleep.
 */
static __always_inline void bench_call_begin(struct bench_call *call)
{
	const struct bench_params *p = &call->run->p;

	call->marked = BENCH_CAN_MARK && call->run->recording &&
		       (p->mark == call->api || p->mark == MARK_ALL);
	call->quiet = call->marked && !p->irqs && !IS_ENABLED(CONFIG_PREEMPT_RT) &&
		      call->api != API_ALLOC_COHERENT && call->api != API_FREE_COHERENT &&
		      call->api < API_VMAP;
	if (call->marked)
		bench_call_label(call);
	if (call->quiet)
		local_irq_save(call->flags);
	call->start = ktime_get_ns();
	if (call->marked)
		LAB_MARK(LAB_MARK_BEGIN);
}

/* @status: 0, or -errno of a call that failed. */
static __always_inline void bench_call_end(struct bench_call *call, unsigned int entries, u64 bytes,
					   int status)
{
	u64 ns;

	if (call->marked)
		LAB_MARK(LAB_MARK_END);
	ns = ktime_get_ns() - call->start;
	if (call->quiet)
		local_irq_restore(call->flags);
	bench_call_record(call, ns, entries, bytes, status);
}

#endif
