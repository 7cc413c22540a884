/* SPDX-License-Identifier: GPL-2.0 */
/* Deterministic intervals that look like those of a small arm64 board, for tests of outputs. */
#ifndef FAKE_H
#define FAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/header.h>
#include <dmasync/interval.h>

struct fake {
	unsigned int devices; /* more than the three of the board: a row each */
	__u64 seed;
	__u64 t_ns;
};

static inline __u64 fake_random(struct fake *f, __u64 below)
{
	f->seed = f->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (f->seed >> 33) % below;
}

/* Bucket of @v by its definition: slow, and independent of hist_bucket(). */
static inline unsigned int fake_bucket(__u64 v)
{
	unsigned int b = HIST_BUCKETS - 1;

	while (hist_low(b) > v)
		b--;
	return b;
}

static inline void fake_hook(struct header *hdr, const char *name, enum op op, enum rung rung)
{
	struct hook_state *hook = &hdr->hooks[hdr->n_hooks++];

	snprintf(hook->name, sizeof(hook->name), "%s", name);
	hook->op = op;
	hook->rung = rung;
	if (rung == RUNG_NONE)
		snprintf(hook->reason, sizeof(hook->reason), "not in this kernel");
}

static inline void fake_header(struct header *hdr)
{
	memset(hdr, 0, sizeof(*hdr));
	snprintf(hdr->release, sizeof(hdr->release), "6.12.43+deb12-arm64");
	snprintf(hdr->machine, sizeof(hdr->machine), "aarch64");
	snprintf(hdr->model, sizeof(hdr->model), "linux,dummy-virt");
	hdr->cpus = 4;
	hdr->backend = BACKEND_BPF;
	hdr->flavour = FLAVOUR_PER_ENTRY;
	hdr->bytes = true;
	fake_hook(hdr, "__dma_map_sg_attrs", OP_MAP_SG, RUNG_FENTRY);
	fake_hook(hdr, "dma_unmap_sg_attrs", OP_UNMAP_SG, RUNG_FENTRY);
	fake_hook(hdr, "swiotlb_bounce", OP_COUNT, RUNG_KPROBE);
	fake_hook(hdr, "dma_map_phys", OP_MAP_PAGE, RUNG_NONE);
	fake_hook(hdr, "dma_iova_link", OP_IOVA_LINK, RUNG_NONE);
	if (getenv("DEMO_REFUSED")) {
		fake_hook(hdr, "dma_unmap_phys", OP_UNMAP_PAGE, RUNG_NONE);
		hdr->hooks[hdr->n_hooks - 1].refused = true;
		strcpy(hdr->hooks[hdr->n_hooks - 1].reason, "load: Permission denied");
	}
	hdr->cost = (struct probe_cost){
		.valid = true, .floor_ns = 85, .tax_ns = 344, .linearity = 2.01
	};
}

/* Adds @calls calls of about @ns each, with @entries entries of 4 KiB a call. */
static inline void fake_calls(struct fake *f, struct interval *iv, struct row *like, __u64 calls,
			      __u64 entries, __u64 ns)
{
	struct row one = *like, *row;
	__u64 v, i;

	memset(&one.sum, 0, sizeof(one.sum));
	memset(one.hist, 0, sizeof(one.hist));
	one.dsb_derived_known = true;
	one.min_ns = ~0ULL;
	for (i = 0; i < calls; i++) {
		v = ns + fake_random(f, ns) + (i % 50 ? 0 : 4 * ns);
		one.hist[fake_bucket(v)]++;
		one.sum.ns += v;
		one.min_ns = v < one.min_ns ? v : one.min_ns;
		one.max_ns = v > one.max_ns ? v : one.max_ns;
	}
	one.sum.calls = calls;
	one.sum.entries = calls * entries;
	one.sum.bytes = calls * entries * 4096;
	one.dsb_derived = one.coherent || one.dir == DIR_TO_DEVICE ? 0 : one.sum.entries;
	one.sum.failed = like->sum.failed;
	one.sum.bounces = like->sum.bounces;
	one.sum.bounced_calls = like->sum.bounced_calls;
	row = interval_row(iv, &one);
	if (row)
		row_add(row, &one);
}

static inline void fake_board(struct fake *f, struct interval *iv)
{
	struct row ahci = { .op = OP_MAP_SG,
			    .dir = DIR_FROM_DEVICE,
			    .dev = "0000:00:01.0",
			    .driver = "ahci",
			    .bus = "pci" };
	struct row mmc = { .op = OP_SYNC_SG_FOR_CPU,
			   .dir = DIR_BIDIRECTIONAL,
			   .dev = "fe310000.mmc",
			   .driver = "sdhci-dwcmshc",
			   .bus = "platform",
			   .of_name = "mmc@fe310000",
			   .iommu = true };
	struct row nic = { .op = OP_SYNC_SINGLE_FOR_DEVICE,
			   .dir = DIR_TO_DEVICE,
			   .dev = "0000:01:00.0",
			   .driver = "igc",
			   .bus = "pci",
			   .coherent = true };

	fake_calls(f, iv, &ahci, 64, 121, 200000);
	ahci.op = OP_UNMAP_SG;
	ahci.sum.failed = 2;
	fake_calls(f, iv, &ahci, 64, 121, 90000);
	mmc.sum.bounces = 12;
	mmc.sum.bounced_calls = 3;
	fake_calls(f, iv, &mmc, 900, 4, 2300);
	fake_calls(f, iv, &nic, 2000, 1, 70);
	nic.op = OP_UNMAP_PAGE;
	nic.dir = DIR_FROM_DEVICE;
	fake_calls(f, iv, &nic, 1500, 1, 40);
}

/* A network card that fills its ring one buffer at a time, and takes what it received in polls. */
static inline void fake_storms(struct fake *f, struct interval *iv)
{
	struct row nic = { .op = OP_MAP_PAGE,
			   .dir = DIR_FROM_DEVICE,
			   .dev = "0000:02:00.0",
			   .driver = "e1000e",
			   .bus = "pci" };
	struct storm_row *s;

	iv->has_storms = true;
	for (unsigned int i = 0; i < 2; i++) {
		nic.op = i ? OP_UNMAP_PAGE : OP_MAP_PAGE;
		fake_calls(f, iv, &nic, i ? 320 : 576, 1, 400);
		iv->rows[iv->n_rows - 1].sum.chained = i ? 300 : 555;
		s = interval_storm(iv, iv->n_rows - 1);
		if (!s)
			return;
		s->calls = i ? 320 : 576;
		s->runs = i ? 20 : 21;
		s->contexts = i ? 10 : 11;
		s->longest = i ? 16 : 256;
		s->hist[fake_bucket(16)] = 20;
		s->hist[fake_bucket(256)] = !i;
	}
}

/* A buffer of 64 MiB that is mapped a page at a time, and flushes of which most were put off. */
static inline void fake_chain(struct fake *f, struct interval *iv)
{
	struct row like = {
		.op = OP_DMABUF_MMAP, .dir = DIR_NONE, .dev = "-", .driver = "-", .hw_unknown = true
	};

	fake_calls(f, iv, &like, 2, 16384, 8000000);
	iv->rows[iv->n_rows - 1].sum.steps = 2 * 16384;
	like.op = OP_TLB_FLUSH;
	fake_calls(f, iv, &like, 30, 32, 900);
	iv->rows[iv->n_rows - 1].sum.steps = 30;
}

static inline void fake_procs(struct interval *iv)
{
	static const struct {
		__u32 tgid;
		const char *comm;
		__u64 calls;
	} procs[] = { { 812, "dd", 128 }, { 0, "swapper", 3500 }, { 1, "kworker/\033[2J", 900 } };
	struct proc_row *p;
	size_t i;

	iv->has_procs = true;
	for (i = 0; i < sizeof(procs) / sizeof(*procs); i++) {
		p = interval_proc(iv, procs[i].tgid, procs[i].comm);
		if (!p)
			return;
		p->sum.calls += procs[i].calls;
		p->sum.entries += procs[i].calls * 8;
		p->sum.ns += procs[i].calls * 1500;
		p->dsb_derived += procs[i].calls * 8;
	}
}

/* Fills @iv with the next interval of @dur_ns. */
static inline void fake_interval(struct fake *f, struct interval *iv, __u64 dur_ns)
{
	struct row many = {
		.op = OP_MAP_PAGE, .dir = DIR_TO_DEVICE, .driver = "virtio-pci", .bus = "virtio"
	};
	unsigned int i;

	interval_clear(iv);
	f->t_ns += dur_ns;
	iv->t_ns = f->t_ns;
	iv->dur_ns = dur_ns;
	fake_board(f, iv);
	for (i = 0; i < f->devices; i++) {
		snprintf(many.dev, sizeof(many.dev), "virtio%u", i);
		fake_calls(f, iv, &many, 1 + i % 7, 2, 500 + i);
	}
}

#endif
