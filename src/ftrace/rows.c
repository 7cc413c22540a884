// SPDX-License-Identifier: GPL-2.0
/* Adds calls up by device, operation and direction, and looks up what the devices are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <dmasync/devices.h>
#include "../interval/index.h"
#include "rows.h"

#define NO_NAME (~0U) /* of the rows that collect the rest */

/* A name that devices had, and what the one that has it now is. */
struct known {
	char name[DEV_NAME_LEN];
	bool fresh; /* looked up in this interval */
	bool found; /* ever */
	struct device facts;
};

struct sums {
	__u32 device;
	__u32 tag;    /* ROW_TAG() */
	bool unwound; /* a map failed half way: nobody told how far it had come */
	struct row_value v;
};

struct process {
	__u32 tgid;
	__u32 row;
	struct proc_value v;
};

struct rows {
	const char *machine;
	bool xen;
	unsigned int max;
	struct known *known;
	size_t n_known, cap_known;
	struct index known_index;
	struct sums *sums;
	size_t n_sums, cap_sums;
	struct index sums_index;
	struct process *procs;
	size_t n_procs, cap_procs;
	struct index procs_index;
	/* What is looked for: zero but for the key. */
	struct sums wanted;
	struct known wanted_known;
	__u64 lost;
};

static __u32 hash_words(__u32 a, __u32 b)
{
	return (a * 2654435761U ^ b) * 2654435761U;
}

static __u32 known_hash(const void *element)
{
	__u32 h = 2166136261U;

	for (const char *at = ((const struct known *)element)->name; *at; at++)
		h = (h ^ (unsigned char)*at) * 16777619U;
	return h;
}

static bool known_same(const void *a, const void *b)
{
	return !strcmp(((const struct known *)a)->name, ((const struct known *)b)->name);
}

static __u32 sums_hash(const void *element)
{
	const struct sums *s = element;

	return hash_words(s->device, s->tag);
}

static bool sums_same(const void *a, const void *b)
{
	const struct sums *x = a, *y = b;

	return x->device == y->device && x->tag == y->tag;
}

static __u32 process_hash(const void *element)
{
	const struct process *p = element;

	return hash_words(p->tgid, p->row);
}

static bool process_same(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return x->tgid == y->tgid && x->row == y->row;
}

static const struct index_kind known_kind = { sizeof(struct known), known_hash, known_same };
static const struct index_kind sums_kind = { sizeof(struct sums), sums_hash, sums_same };
static const struct index_kind process_kind = { sizeof(struct process), process_hash,
						process_same };

__u32 rows_device(struct rows *r, const char *name)
{
	struct known *like = &r->wanted_known, *k;
	void *items = r->known;
	bool found;

	strncpy(like->name, name, sizeof(like->name) - 1);
	k = index_find(&r->known_index, &known_kind, &items, &r->n_known, &r->cap_known, like,
		       &found);
	r->known = items;
	return k ? k - r->known : 0;
}

/* Row of @call; that of the operation alone when there is no room for another. */
static struct sums *find_sums(struct rows *r, const struct call_done *call)
{
	void *items = r->sums;
	struct sums *s;
	bool found;

	r->wanted.device = call->device;
	r->wanted.tag = ROW_TAG(call->op, call->dir, call->attrs);
	if (r->n_sums >= r->max) {
		/* Not to be added to: looked for only. */
		for (size_t i = ROWS_RESERVED; i < r->n_sums; i++)
			if (sums_same(&r->sums[i], &r->wanted))
				return &r->sums[i];
		return &r->sums[call->op];
	}
	s = index_find(&r->sums_index, &sums_kind, &items, &r->n_sums, &r->cap_sums, &r->wanted,
		       &found);
	r->sums = items;
	return s;
}

/* Entries of a failed map that found a bounce buffer: the last one that asked for one did not. */
static __u32 failed_bounces(const struct call_done *call)
{
	return call->bounces ? call->bounces - 1 : 0;
}

static void add_bounces(struct call_counts *sum, __u32 bounces, __u32 entries)
{
	if (!bounces)
		return;
	sum->bounces += bounces;
	sum->bounced_calls++;
	sum->bounced_entries += entries;
}

static void add_counts(struct call_counts *sum, const struct call_done *call)
{
	sum->calls++;
	sum->entries += call->entries;
	sum->bytes += call->bytes;
	sum->ns += call->ns;
	sum->empty_calls += !call->entries;
	add_bounces(sum, call->bounces, call->entries);
}

/*
 * dma-iommu has synchronised the whole list by then, unless it goes entry by entry for the sake of
 * those that bounce. How far a direct mapping came is in the list, which is not read here.
 */
static void add_failed(struct sums *s, const struct call_done *call, bool iommu)
{
	__u32 entries = !iommu ? 0 : call->bounces ? failed_bounces(call) : call->entries;

	s->v.sum.failed++;
	s->v.sum.failed_entries += entries;
	s->v.sum.failed_partial += !!entries;
	s->unwound |= !iommu && OP_IS_LIST(call->op);
	add_bounces(&s->v.sum, failed_bounces(call), entries);
}

static void add_process(struct rows *r, const struct call_done *call, __u32 row, __u32 tgid)
{
	struct process like = { .tgid = tgid, .row = row }, *p;
	void *items = r->procs;
	bool found;

	snprintf(like.v.comm, sizeof(like.v.comm), "%s", call->comm);
	p = index_find(&r->procs_index, &process_kind, &items, &r->n_procs, &r->cap_procs, &like,
		       &found);
	r->procs = items;
	if (p)
		add_counts(&p->v.sum, call);
	else
		r->lost++;
}

/* What the device is called that @k names, as far as sysfs tells; once an interval. */
static const struct device *look_up(struct rows *r, struct known *k)
{
	struct device facts;

	if (!k->fresh && k->name[0] && !device_find("", r->machine, k->name, &facts)) {
		k->facts = facts;
		k->found = true;
	}
	k->fresh = true;
	return k->found ? &k->facts : NULL;
}

void rows_add(struct rows *r, const struct call_done *call, long tgid)
{
	struct sums *s = find_sums(r, call);
	struct row_value *v;
	__u64 max;

	if (!s) {
		r->lost++;
		return;
	}
	v = &s->v;
	if (call->failed) {
		const struct device *dev = look_up(r, &r->known[call->device]);

		add_failed(s, call, dev && dev->iommu);
		return;
	}
	max = v->min_ns + v->span_ns;
	if (!v->sum.calls || call->ns < v->min_ns)
		v->min_ns = call->ns;
	if (!v->sum.calls || call->ns > max)
		max = call->ns;
	v->span_ns = max - v->min_ns;
	v->hist[hist_bucket(call->ns)]++;
	add_counts(&v->sum, call);
	if (tgid >= 0)
		add_process(r, call, s - r->sums, tgid);
}

static void describe(struct rows *r, const struct sums *s, struct row_info *info)
{
	const struct device *dev;
	struct known *k;

	*info = (struct row_info){ .tag = s->tag, .flags = DEV_FLAGS_UNKNOWN };
	if (s->device == NO_NAME)
		return;
	k = &r->known[s->device];
	dev = look_up(r, k);
	snprintf(info->name, sizeof(info->name), "%s", k->name);
	if (!dev)
		return;
	snprintf(info->driver, sizeof(info->driver), "%s", dev->driver);
	snprintf(info->bus, sizeof(info->bus), "%s", dev->bus);
	snprintf(info->of_name, sizeof(info->of_name), "%s", dev->of_name);
	info->flags = (dev->coherence == COHERENCE_YES ? DEV_COHERENT : 0) |
		      (dev->coherence == COHERENCE_UNKNOWN ? DEV_FLAGS_UNKNOWN : 0) |
		      (dev->iommu ? DEV_IOMMU : 0) |
		      ((r->xen || s->unwound) && !dev->iommu ? DEV_OPS_OTHER : 0);
}

int rows_take(struct rows *r, struct taking *t)
{
	struct row_info info;
	int err = 0;

	for (size_t i = 0; i < r->n_procs && !err; i++) {
		describe(r, &r->sums[r->procs[i].row], &info);
		err = take_proc(t, &info, r->procs[i].tgid, &r->procs[i].v);
	}
	for (size_t i = 0; i < r->n_sums && !err; i++) {
		struct sums *s = &r->sums[i];

		if (!s->v.sum.calls && !s->v.sum.failed)
			continue;
		describe(r, s, &info);
		err = take_row(t, i, &info, &s->v);
	}
	for (size_t i = 0; i < r->n_sums; i++) {
		memset(&r->sums[i].v, 0, sizeof(r->sums[i].v));
		r->sums[i].unwound = false;
	}
	for (size_t i = 0; i < r->n_known; i++)
		r->known[i].fresh = false;
	r->n_procs = 0;
	index_clear(&r->procs_index);
	return err;
}

void rows_take_null(struct rows *r, struct calibrate_sample *sample)
{
	*sample = (struct calibrate_sample){ 0 };
	for (size_t i = 0; i < r->n_sums; i++) {
		struct row_value *v = &r->sums[i].v;

		if (ROW_TAG_OP(r->sums[i].tag) != OP_CALIBRATE)
			continue;
		sample->calls += v->sum.calls;
		sample->ns += v->sum.ns;
		for (int b = 0; b < HIST_BUCKETS; b++)
			sample->hist[b] += v->hist[b];
		memset(v, 0, sizeof(*v));
	}
}

__u64 rows_lost(const struct rows *r)
{
	return r->lost;
}

/* Rows 0 .. ROWS_RESERVED - 1 collect, for each operation, what found no row of its own. */
static int reserve(struct rows *r)
{
	void *items = NULL;
	bool found;

	for (__u32 op = 0; op < ROWS_RESERVED; op++) {
		r->wanted.device = NO_NAME;
		r->wanted.tag = ROW_RESERVED_TAG(op);
		if (!index_find(&r->sums_index, &sums_kind, &items, &r->n_sums, &r->cap_sums,
				&r->wanted, &found))
			return -ENOMEM;
		r->sums = items;
	}
	return 0;
}

struct rows *rows_open(const char *machine, unsigned int max)
{
	struct rows *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->machine = machine;
	r->max = max;
	/* On arm64 the only dma_map_ops besides dma-iommu's. */
	r->xen = !access("/proc/xen/capabilities", F_OK) || !access("/sys/hypervisor/uuid", F_OK);
	if (rows_device(r, "") || !r->known || reserve(r)) {
		rows_close(r);
		return NULL;
	}
	return r;
}

void rows_close(struct rows *r)
{
	if (!r)
		return;
	index_free(&r->known_index);
	index_free(&r->sums_index);
	index_free(&r->procs_index);
	free(r->known);
	free(r->sums);
	free(r->procs);
	free(r);
}
