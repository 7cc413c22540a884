// SPDX-License-Identifier: GPL-2.0
/*
 * capture_demo FILE [N]: a made-up capture of N (12) intervals with stacks, processes and samples.
 * DEMO_DEVICES=N adds devices, DEMO_STACKS=N stacks, DEMO_OPEN=1 leaves the closing line out,
 * DEMO_BATCHED=1 is a kernel that batches, DEMO_PLAIN=1 has neither stacks nor processes,
 * DEMO_STORMS=1 has runs of calls for single buffers,
 * DEMO_QUIET=1 leaves the calls out of every third interval, DEMO_LOSS=N loses N events in each,
 * DEMO_HOSTILE=1 puts commands for terminals into all texts.
 */
#include <stdlib.h>
#include <dmasync/capture.h>
#include "fake.h"

static unsigned int number(const char *name)
{
	return getenv(name) ? strtoul(getenv(name), NULL, 10) : 0;
}

#define HOSTILE                                                                                    \
	"\033[31m\xc2\x9b"                                                                         \
	"31m\xe2\x80\xae\x7f\xc3\xa9"

/* Appends commands for terminals to @text, instead of its end if there is no room. */
static void spoil(char *text, size_t size)
{
	size_t len = strlen(text);

	if (!number("DEMO_HOSTILE") || size < sizeof(HOSTILE))
		return;
	if (len > size - sizeof(HOSTILE))
		len = size - sizeof(HOSTILE);
	strcpy(text + len, HOSTILE);
}

#define SPOIL(text) spoil(text, sizeof(text))

static void spoil_info(struct capture_info *info)
{
	unsigned int i;

	SPOIL(info->hdr.release);
	SPOIL(info->hdr.machine);
	SPOIL(info->hdr.model);
	SPOIL(info->tool_version);
	SPOIL(info->build_id);
	SPOIL(info->boot_id);
	SPOIL(info->cpu_model);
	SPOIL(info->governor);
	SPOIL(info->command);
	for (i = 0; i < info->hdr.n_hooks; i++) {
		SPOIL(info->hdr.hooks[i].name);
		SPOIL(info->hdr.hooks[i].reason);
	}
	if (number("DEMO_HOSTILE") > 1) {
		info->hdr.cost.valid = false;
		SPOIL(info->hdr.cost.why);
	}
}

static void spoil_interval(struct interval *iv)
{
	size_t i;

	for (i = 0; i < iv->n_rows; i++) {
		SPOIL(iv->rows[i].dev);
		SPOIL(iv->rows[i].driver);
		SPOIL(iv->rows[i].bus);
		SPOIL(iv->rows[i].of_name);
	}
	for (i = 0; i < iv->n_procs; i++)
		SPOIL(iv->procs[i].comm);
}

static void fill_info(struct capture_info *info, bool plain)
{
	memset(info, 0, sizeof(*info));
	fake_header(&info->hdr);
	if (number("DEMO_BATCHED"))
		info->hdr.flavour = FLAVOUR_UPSTREAM_BATCHED;
	info->hdr.storms = number("DEMO_STORMS");
	strcpy(info->build_id, "8a4f2b1c00ff");
	strcpy(info->boot_id, "f0a1c2d3-0000-4000-8000-000000000001");
	strcpy(info->cpu_model, "Cortex-A76 x4");
	strcpy(info->governor, "performance");
	strcpy(info->iommu_walker, "coherent");
	strcpy(info->command, "dmasynctop record -o demo.dma -- dd if=/dev/sda of=/dev/null");
	info->start_ns = 1760000000000000000ULL;
	info->interval_ns = 1000000000;
	info->stacks = info->procs = !plain;
	info->profile_hz = plain ? 0 : 99;
	spoil_info(info);
}

/* Puts all calls of row @i below @stack. */
static void put_calls(struct interval *iv, size_t i, __u32 stack, __u32 tgid, const char *comm)
{
	struct stack_row like = { .row = i, .stack = stack, .tgid = tgid }, *row;

	snprintf(like.comm, sizeof(like.comm), "%s", comm);
	row = interval_stack(iv, &like);
	if (!row)
		return;
	row->sum = iv->rows[i].sum;
	row->dsb_derived = iv->rows[i].dsb_derived;
}

static void add_stacks(struct interval *iv, struct stack_table *t, unsigned int more)
{
	const char *read[] = { "el0t_64_sync",	      "__arm64_sys_read",  "vfs_read",
			       "blkdev_read_iter",    "blk_mq_submit_bio", "scsi_queue_rq",
			       "ahci_qc_prep [ahci]", "dma_map_sg_attrs" };
	const char *irq[] = { "el1h_64_irq", "ahci_interrupt [ahci]", "ata_qc_complete",
			      "dma_unmap_sg_attrs" };
	const char *many[] = { "kthread", "", "virtqueue_add", "dma_map_page_attrs" };
	struct sample_row sample = { .tgid = 812, .comm = "dd" };
	char name[32];
	__u32 number;
	size_t i;

	if (stack_table_add(t, read, 8, 0, &number))
		return;
	put_calls(iv, 0, number, 812, "dd");
	sample.stack = number;
	interval_sample(iv, &sample)->samples = 60;
	if (stack_table_add(t, irq, 4, 0, &number))
		return;
	for (i = 1; i < iv->n_rows; i++)
		put_calls(iv, i, number, 0, "swapper");
	many[1] = name;
	for (i = 0; i < more; i++) {
		snprintf(name, sizeof(name), "worker_%zu", i);
		SPOIL(name);
		if (!stack_table_add(t, many, 4, 0, &number))
			put_calls(iv, i % iv->n_rows, number, 1 + i, "kworker");
	}
	iv->has_stacks = iv->has_samples = true;
}

int main(int argc, char **argv)
{
	struct fake fake = { .seed = 7, .devices = number("DEMO_DEVICES"), .t_ns = 5000000000 };
	unsigned int n = argc > 2 ? strtoul(argv[2], NULL, 10) : 12, i;
	bool plain = number("DEMO_PLAIN");
	struct stack_table stacks = {};
	struct interval iv, total;
	struct capture_writer *w;
	struct capture_info info;

	if (argc < 2)
		return 2;
	fill_info(&info, plain);
	interval_init(&iv);
	interval_init(&total);
	if (capture_create(argv[1], true, &info, &stacks, &w))
		return 1;
	for (i = 0; i < n; i++) {
		fake_interval(&fake, &iv, 1000000000);
		if (number("DEMO_STORMS"))
			fake_storms(&fake, &iv);
		if (number("DEMO_QUIET") && i % 3 == 2) {
			__u64 t_ns = iv.t_ns;

			interval_clear(&iv);
			iv.t_ns = t_ns;
			iv.dur_ns = 1000000000;
		}
		if (!plain && iv.n_rows) {
			fake_procs(&iv);
			add_stacks(&iv, &stacks, number("DEMO_STACKS"));
		}
		spoil_interval(&iv);
		iv.loss.recursion_misses = number("DEMO_LOSS");
		if (capture_write(w, &iv) || interval_add(&total, &iv))
			return 1;
	}
	if (capture_close(w, number("DEMO_OPEN") ? NULL : &total))
		return 1;
	interval_free(&iv);
	interval_free(&total);
	stack_table_free(&stacks);
	return 0;
}
