// SPDX-License-Identifier: GPL-2.0
/* One run: makes mappings fail if it is to, iterates, puts the device back as it was. */
#include <linux/device.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/swiotlb.h>
#include "bench.h"

#define HELD_MAX 262144

/* Maps that are to fail do so without a word in the kernel's log. */
unsigned long bench_attrs(const struct bench_params *p)
{
	return (p->skip ? DMA_ATTR_SKIP_CPU_SYNC : 0) | (p->fail ? DMA_ATTR_NO_WARN : 0);
}

static int set_mask(struct bench_run *run)
{
	const struct bench_params *p = &run->p;

	run->old_mask = *run->dev->dma_mask;
	if (p->mask && dma_set_mask(run->dev, DMA_BIT_MASK(p->mask)))
		return bench_refuse(-EINVAL, "mask=%u: the kernel refuses it for %s", p->mask,
				    run->device_name);
	return 0;
}

/*
 * dma-direct: entry fail_at ends one byte above the limit, and is too large to be bounced. Where
 * everything bounces its size is enough. An IOMMU gets no room for any address.
 */
static void set_limit(struct bench_run *run)
{
	const struct bench_buf *buf = &run->bufs[run->p.fail_at];

	run->old_limit = run->dev->bus_dma_limit;
	run->limited = true;
	if (run->iommu)
		run->dev->bus_dma_limit = PAGE_SIZE - 1;
	else if (!is_swiotlb_force_bounce(run->dev))
		run->dev->bus_dma_limit = bench_phys(buf) + buf->len - 2;
}

/* The maintenance is not wanted here, and must not show in what is counted. */
static dma_addr_t hold_one(struct bench_run *run, const struct bench_buf *buf)
{
	return dma_map_page_attrs(run->dev, buf->page, buf->offset, buf->len, run->p.dir,
				  DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_NO_WARN);
}

static void drop_one(struct bench_run *run, const struct bench_buf *buf)
{
	dma_unmap_page_attrs(run->dev, run->held[--run->n_held], buf->len, run->p.dir,
			     DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_NO_WARN);
}

/* Maps the first entry until there is no bounce buffer left, and lets go of fail_at of them. */
static int hold_all(struct bench_run *run)
{
	const struct bench_buf *buf = &run->bufs[0];
	dma_addr_t dma;
	unsigned int i;

	run->held = kvcalloc(HELD_MAX, sizeof(*run->held), GFP_KERNEL);
	if (!run->held)
		return -ENOMEM;
	while (run->n_held < HELD_MAX) {
		dma = hold_one(run, buf);
		if (dma_mapping_error(run->dev, dma))
			break;
		run->held[run->n_held++] = dma;
		if (!bench_bounced(run->dev, dma, bench_phys(buf)))
			return bench_refuse(-EINVAL, "fail=exhaust: nothing bounces here");
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	if (run->n_held == HELD_MAX || run->n_held < run->p.fail_at)
		return bench_refuse(-ENOSPC, "fail=exhaust: can hold %u bounce buffers",
				    run->n_held);
	for (i = 0; i < run->p.fail_at; i++)
		drop_one(run, buf);
	return 0;
}

/* After an error bench_run_release() still has to be called. */
int bench_run_prepare(struct bench_run *run)
{
	const struct bench_params *p = &run->p;
	int err;

	run->iommu = bench_behind_iommu(run->dev);
	err = set_mask(run);
	if (!err && (p->op == OP_IOVA || p->op == OP_IOVA_DESTROY))
		err = bench_iova_check(run);
	if (!err && p->op == OP_RESOURCE && !run->mmio)
		err = bench_refuse(-EINVAL, "op=resource: %s has no registers; want device=pci",
				   run->device_name);
	if (err)
		return err;
	err = bench_stats_alloc(run);
	if (!err)
		err = p->op == OP_DMABUF_VMAP ? bench_dmabuf_get(run) : bench_buffers_alloc(run);
	if (!err && p->fail == FAIL_LIMIT)
		set_limit(run);
	if (!err && p->fail == FAIL_EXHAUST)
		err = hold_all(run);
	if (err == -ENOMEM)
		bench_refuse(err, "entries=%u size=%u: not enough memory", p->entries, p->size);
	return err;
}

void bench_run_release(struct bench_run *run)
{
	unsigned int held = run->n_held;

	if (run->limited)
		run->dev->bus_dma_limit = run->old_limit;
	run->limited = false;
	while (run->n_held)
		drop_one(run, &run->bufs[0]);
	kvfree(run->held);
	run->held = NULL;
	run->n_held = held;
	if (run->old_mask)
		dma_set_mask(run->dev, run->old_mask);
	bench_buffers_free(run);
	bench_dmabuf_put(run);
}

bool bench_stopped(void)
{
	return kthread_should_stop();
}

static void iterate(struct bench_run *run)
{
	switch (run->p.op) {
	case OP_SG:
	case OP_SGTABLE:
		bench_iterate_sg(run);
		break;
	case OP_PAGE:
	case OP_SINGLE:
		bench_iterate_page(run);
		break;
	case OP_RESOURCE:
		bench_iterate_resource(run);
		break;
	case OP_COHERENT:
		bench_iterate_coherent(run);
		break;
	case OP_VMAP:
		bench_iterate_vmap(run);
		break;
	case OP_DMABUF_VMAP:
		bench_iterate_dmabuf(run);
		break;
	default:
		bench_iterate_iova(run);
	}
}

static void mark_run(const struct bench_run *run, bool begin)
{
	if (!BENCH_CAN_MARK || run->p.mark != MARK_RUN)
		return;
	if (!begin) {
		LAB_MARK(LAB_MARK_END);
		return;
	}
	lab_mark_label(run->p.label);
	LAB_MARK(LAB_MARK_BEGIN);
}

void bench_call_label(const struct bench_call *call)
{
	lab_mark_label(call->run->p.label);
	if (call->run->p.mark != MARK_ALL)
		return;
	lab_mark_label(".");
	lab_mark_label(bench_api_names[call->api]);
}

/* In the run's own thread. */
void bench_run_execute(struct bench_run *run)
{
	unsigned int i;

	for (i = 0; i < run->p.warmup && !bench_stopped(); i++) {
		iterate(run);
		cond_resched();
	}
	run->recording = true;
	run->started = ktime_get_ns();
	mark_run(run, true);
	for (i = 0; i < run->p.iterations && !bench_stopped(); i++) {
		iterate(run);
		cond_resched();
	}
	mark_run(run, false);
	run->elapsed = ktime_get_ns() - run->started;
	run->done_iterations = i;
	run->recording = false;
}
