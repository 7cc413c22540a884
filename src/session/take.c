// SPDX-License-Identifier: GPL-2.0
/* What was found in a bank becomes the rows of an interval. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <dmasync/derive.h>
#include <dmasync/filter.h>
#include "take.h"

static enum dma_backend backend(const struct row_info *info)
{
	if (info->flags & DEV_IOMMU)
		return BACKEND_IOMMU;
	return info->flags & DEV_OPS_OTHER ? BACKEND_OTHER : BACKEND_DIRECT;
}

static bool derive(const struct taking *t, const struct row_info *info,
		   const struct call_counts *sum, __u64 *dsb)
{
	struct derive_case c = {
		.flavour = t->flavour,
		.op = ROW_TAG_OP(info->tag),
		.dir = ROW_TAG_DIR(info->tag),
		.attrs = ROW_TAG_ATTRS(info->tag),
		.coherent = info->flags & DEV_COHERENT,
		.backend = backend(info),
	};

	/* Of the chain none are cache maintenance. */
	if (ROW_TAG_IS_CHAIN(info->tag))
		return *dsb = 0, true;
	/* Arch-level calls are made for non-coherent devices only. */
	if (info->flags & DEV_FLAGS_UNKNOWN && c.op < OP_API_COUNT)
		return *dsb = 0, false;
	return derive_dsb(&c, sum, dsb);
}

static void row_identify(struct row *r, unsigned int row, const struct row_info *info)
{
	bool chain = ROW_TAG_IS_CHAIN(info->tag);

	r->op = chain ? ROW_TAG_CHAIN_OP(info->tag) : ROW_TAG_OP(info->tag);
	r->dir = chain ? DIR_NONE : ROW_TAG_DIR(info->tag);
	r->coherent = info->flags & DEV_COHERENT;
	r->iommu = info->flags & DEV_IOMMU;
	r->hw_unknown = info->flags & DEV_FLAGS_UNKNOWN;
	r->other = row < ROWS_RESERVED;
	snprintf(r->dev, sizeof(r->dev), "%s",
		 r->other	 ? "other"
		 : info->name[0] ? info->name
				 : "-");
	snprintf(r->driver, sizeof(r->driver), "%s", info->driver[0] ? info->driver : "-");
	snprintf(r->bus, sizeof(r->bus), "%s", info->bus);
	snprintf(r->of_name, sizeof(r->of_name), "%s", info->of_name);
}

/*
 * Sums as the programs gathered them. Those of the chain count steps where others count bounces:
 * page table walks of an mmap(), runs of pages of a vmap(). Of a TLB flush each call is one.
 */
static struct call_counts take_sum(const struct taking *t, const struct row_info *info,
				   const struct call_counts *from)
{
	struct call_counts sum = *from;

	if (!ROW_TAG_IS_CHAIN(info->tag)) {
		if (!t->bytes && OP_IS_LIST(ROW_TAG_OP(info->tag)))
			sum.unsized = sum.calls;
		return sum;
	}
	sum.steps = ROW_TAG_CHAIN_OP(info->tag) == OP_TLB_FLUSH ? sum.calls : sum.bounces;
	sum.bounces = sum.bounced_calls = sum.bounced_entries = sum.dsb = 0;
	return sum;
}

int take_row(void *ctx, unsigned int row, const struct row_info *info, const struct row_value *v)
{
	struct taking *t = ctx;
	struct row like = { 0 }, *r;
	__u64 dsb;

	row_identify(&like, row, info);
	/* Whatever -D wants: these calls may have been of that device. */
	if (like.other && like.op != OP_CALIBRATE)
		t->iv->loss.events.rows_full += v->sum.calls + v->sum.failed;
	if (like.op == OP_CALIBRATE ||
	    (t->opt->device && !device_matches(t->opt->device, like.dev)))
		return 0;
	like.dsb_derived_known = derive(t, info, &v->sum, &dsb);
	like.dsb_derived = dsb;
	like.sum = take_sum(t, info, &v->sum);
	like.min_ns = bank_min_ns(v);
	like.max_ns = v->min_ns + v->span_ns;
	for (int i = 0; i < HIST_BUCKETS; i++)
		like.hist[i] = v->hist[i];
	r = interval_row(t->iv, &like);
	if (!r)
		return -ENOMEM;
	row_add(r, &like);
	return 0;
}

int take_proc(void *ctx, const struct row_info *info, __u32 tgid, const struct proc_value *v)
{
	struct taking *t = ctx;
	struct call_counts sum;
	struct proc_row *p;
	__u64 dsb;

	/* A process's sums are of the DMA API: what happens around it would be added to it. */
	if (ROW_TAG_OP(info->tag) == OP_CALIBRATE || ROW_TAG_IS_CHAIN(info->tag) ||
	    (t->opt->device && !device_matches(t->opt->device, info->name)))
		return 0;
	p = interval_proc(t->iv, tgid, v->comm[0] ? v->comm : "[outside]");
	if (!p)
		return -ENOMEM;
	derive(t, info, &v->sum, &dsb);
	sum = take_sum(t, info, &v->sum);
	counts_add(&p->sum, &sum);
	p->dsb_derived += dsb;
	return 0;
}

/* Process name of @v; empty when processes are not told. */
static void take_comm(char comm[16], const struct stack_key *key, const struct proc_value *v)
{
	snprintf(comm, 16, "%.15s", key->where.tgid ? v->comm : "");
}

int take_stack(void *ctx, unsigned int row, const struct row_info *info,
	       const struct stack_key *key, const struct proc_value *v)
{
	struct stack_row like = { .tgid = key->where.tgid }, *r;
	unsigned int variant = ROW_TAG_IS_CHAIN(info->tag) ? ROW_TAG_CHAIN_VARIANT(info->tag)
							   : ROW_TAG_VARIANT(info->tag);
	struct taking *t = ctx;
	struct row of = { 0 }, *found;
	struct call_counts sum;
	__u64 dsb;
	int err;

	row_identify(&of, row, info);
	if (of.op == OP_CALIBRATE || (t->opt->device && !device_matches(t->opt->device, of.dev)))
		return 0;
	/* It is there: what is in a row's stacks is in the row. */
	found = interval_row(t->iv, &of);
	if (!found)
		return -ENOMEM;
	like.row = found - t->iv->rows;
	take_comm(like.comm, key, v);
	err = stack_names_number(t->names, key, like.comm, t->functions[variant][of.op],
				 v->sum.calls + v->sum.failed, &like.stack);
	if (err)
		return err;
	r = interval_stack(t->iv, &like);
	if (!r)
		return -ENOMEM;
	derive(t, info, &v->sum, &dsb);
	sum = take_sum(t, info, &v->sum);
	counts_add(&r->sum, &sum);
	r->dsb_derived += dsb;
	return 0;
}

int take_storm(void *ctx, unsigned int row, const struct row_info *info,
	       const struct storm_value *v)
{
	struct storm_row one = {
		.calls = v->calls,
		.runs = v->runs,
		.contexts = v->contexts,
		.longest = v->longest,
	};
	struct taking *t = ctx;
	struct storm_row *storm;
	struct row of = { 0 }, *found;

	row_identify(&of, row, info);
	if (t->opt->device && !device_matches(t->opt->device, of.dev))
		return 0;
	/* It is there: what is in a row's runs is in the row. */
	found = interval_row(t->iv, &of);
	storm = found ? interval_storm(t->iv, found - t->iv->rows) : NULL;
	if (!storm)
		return -ENOMEM;
	for (int i = 0; i < STORM_BUCKETS; i++)
		one.hist[i] = v->hist[i];
	storm_add(storm, &one);
	return 0;
}

int take_sample(void *ctx, const struct stack_key *key, const struct proc_value *v)
{
	struct sample_row like = { .tgid = key->where.tgid }, *r;
	struct taking *t = ctx;
	int err;

	take_comm(like.comm, key, v);
	err = stack_names_number(t->names, key, like.comm, NULL, v->sum.calls, &like.stack);
	if (err)
		return err;
	r = interval_sample(t->iv, &like);
	if (!r)
		return -ENOMEM;
	r->samples += v->sum.calls;
	return 0;
}
