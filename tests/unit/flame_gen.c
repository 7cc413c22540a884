// SPDX-License-Identifier: GPL-2.0
/*
 * Writes captures whose stacks are known, for tests of flame graphs.
 *
 *   flame_gen before|after|arch|hostile|bare|empty FILE     what tests/cli/flame.t expects
 *   flame_gen many N FILE                              N distinct stacks
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/capture.h>

#define INTERVAL_STACKS 50000 /* a reader refuses more than 65536 rows an interval */

static struct stack_table table;
static struct interval iv, total;
static struct capture_writer *writer;

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "flame_gen: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void start(const char *path, struct capture_info *info)
{
	snprintf(info->hdr.machine, sizeof(info->hdr.machine), "aarch64");
	snprintf(info->hdr.model, sizeof(info->hdr.model), "linux,dummy-virt");
	info->hdr.cpus = 1;
	info->hdr.bytes = true;
	info->stacks = true;
	info->interval_ns = 1000000000;
	interval_init(&iv);
	interval_init(&total);
	check(capture_create(path, true, info, &table, &writer), path);
}

/* Calls of @op from the stack of ';'-separated @path, the last @dsb barriers and all. */
static void add(enum op op, const char *dev, const char *path, unsigned int n_user,
		struct call_counts sum)
{
	struct row like = { .op = op, .dir = DIR_FROM_DEVICE, .dsb_derived_known = true }, *row;
	const char *frames[STACK_FRAMES_MAX];
	struct stack_row where = {}, *at;
	char copy[4096], *save, *p;
	unsigned int n = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	for (p = strtok_r(copy, ";", &save); p; p = strtok_r(NULL, ";", &save))
		frames[n++] = p;
	snprintf(like.dev, sizeof(like.dev), "%s", dev);
	snprintf(like.driver, sizeof(like.driver), "%s", strcmp(dev, "udmabuf") ? "ahci" : "-");
	check(stack_table_add(&table, frames, n, n_user, &where.stack), "stack");
	row = interval_row(&iv, &like);
	row->dsb_derived_known = true;
	counts_add(&row->sum, &sum);
	row->dsb_derived += sum.dsb;
	where.row = row - iv.rows;
	at = interval_stack(&iv, &where);
	counts_add(&at->sum, &sum);
	at->dsb_derived += sum.dsb;
}

static void flush(void)
{
	iv.has_stacks = true;
	iv.dur_ns = 1000000000;
	iv.t_ns += iv.dur_ns;
	check(capture_write(writer, &iv), "capture");
	check(interval_add(&total, &iv), "total");
	interval_clear(&iv);
	iv.t_ns = total.t_ns;
}

static void finish(void)
{
	check(capture_close(writer, &total), "close");
	interval_free(&iv);
	interval_free(&total);
	stack_table_free(&table);
}

#define READ                                                                                       \
	"el0t_64_sync;el0t_64_sync_handler;el0_svc;do_el0_svc;invoke_syscall;__arm64_sys_read;"    \
	"ksys_read;vfs_read;blkdev_read_iter;__blkdev_direct_IO_async;submit_bio_noacct;"          \
	"blk_mq_submit_bio;blk_mq_dispatch_rq_list;scsi_queue_rq [scsi_mod];"
#define IRQ                                                                                        \
	"el1h_64_irq;el1h_64_irq_handler;el1_interrupt;do_interrupt_handler;call_on_irq_stack;"    \
	"gic_handle_irq;generic_handle_domain_irq;handle_fasteoi_irq;handle_irq_event;"            \
	"ahci_single_level_irq_intr [libahci];ata_scsi_qc_complete [libata];"
#define SYNC                                                                                       \
	"el0t_64_sync;el0t_64_sync_handler;el0_svc;do_el0_svc;invoke_syscall;__arm64_sys_ioctl;"   \
	"dma_buf_ioctl;"

static struct call_counts sums(unsigned int calls, unsigned int entries, unsigned int dsb,
			       unsigned int ns)
{
	return (struct call_counts){
		.calls = calls,
		.entries = (__u64)entries * calls,
		.bytes = entries * 4096ULL * calls,
		.ns = (__u64)ns * calls,
		.dsb = (__u64)dsb * calls,
	};
}

/* A disk that is read and a buffer that is synced; @dsb a call of 128 and of 2560 entries. */
static void two_loads(const char *path, enum flavour flavour, const char *release,
		      unsigned int calls, unsigned int dsb, unsigned int ns)
{
	struct capture_info info = { .hdr.flavour = flavour };
	unsigned int big = dsb > 1 ? 20 * dsb : dsb;

	snprintf(info.hdr.release, sizeof(info.hdr.release), "%s", release);
	snprintf(info.command, sizeof(info.command), "dmasynctop record -o %s -- workload", path);
	start(path, &info);
	add(OP_MAP_SG, "0000:00:01.0",
	    READ "ata_scsi_queuecmd [libata];ata_qc_issue [libata];dma_map_sg_attrs", 0,
	    sums(calls, 128, dsb, 20000 + ns));
	add(OP_UNMAP_SG, "0000:00:01.0", IRQ "ata_sg_clean [libata];dma_unmap_sg_attrs", 0,
	    sums(calls, 128, dsb, 15000 + ns));
	add(OP_SYNC_SG_FOR_CPU, "udmabuf",
	    SYNC "dma_buf_begin_cpu_access;begin_cpu_udmabuf;__dma_sync_sg_for_cpu", 0,
	    sums(calls, 2560, big, 300000 + 20 * ns));
	add(OP_SYNC_SG_FOR_DEVICE, "udmabuf",
	    SYNC "dma_buf_end_cpu_access;end_cpu_udmabuf;__dma_sync_sg_for_device", 0,
	    sums(calls, 2560, big, 290000 + 20 * ns));
	if (flavour == FLAVOUR_PER_ENTRY)
		add(OP_MAP_PAGE, "0000:00:02.0", SYNC "old_path.isra.0;dma_map_page_attrs", 0,
		    sums(calls, 1, 1, 400));
	else
		add(OP_MAP_PAGE, "0000:00:02.0", SYNC "new_path;dma_map_phys", 0,
		    sums(calls, 1, 1, 380));
	flush();
	finish();
}

/* Each entry is a call of its own inside the call; the last one claims more than there is. */
static void nested(const char *path)
{
	struct capture_info info = { .hdr = { .flavour = FLAVOUR_PER_ENTRY,
					      .exact = true,
					      .level = LEVEL_ARCH,
					      .release = "6.12.0" } };

	start(path, &info);
	add(OP_MAP_SG, "0000:00:01.0", "entry;driver;dma_map_sg_attrs", 0, sums(10, 8, 8, 1000));
	add(OP_ARCH_SYNC_FOR_DEVICE, "0000:00:01.0",
	    "entry;driver;dma_map_sg_attrs;dma_direct_map_sg;arch_sync_dma_for_device", 0,
	    sums(80, 1, 1, 100));
	add(OP_MAP_PAGE, "0000:00:01.0", "entry;driver;dma_map_page_attrs", 0, sums(1, 1, 1, 50));
	add(OP_ARCH_SYNC_FOR_DEVICE, "0000:00:01.0",
	    "entry;driver;dma_map_page_attrs;arch_sync_dma_for_device", 0, sums(1, 1, 1, 70));
	flush();
	finish();
}

/* Names that would end the text, the title, the script or the file they are put in. */
static void hostile(const char *path)
{
	static const char *const names[] = {
		"<script>window.pwned=1</script>",
		"]]></script><script>window.pwned=1</script>",
		"\"'/><rect onclick=\"window.pwned=1\"",
		"&lt;b&gt; &amp; &#60;",
		"a b [module];",
		"tab\there and\nline and \033[31mred",
		"\xe2\x80\xaeoverride",
		"\xef\xbf\xbf nonchar",
		"std::vector<std::pair<int, char> >::operator[](unsigned long) const",
		"\xf0\x9f\x94\xa5\xf0\x9f\x94\xa5\xf0\x9f\x94\xa5\xf0\x9f\x94\xa5 fire",
		"</title></svg>",
		"__proto__",
	};
	struct capture_info info = { .hdr = { .flavour = FLAVOUR_PER_ENTRY,
					      .release = "6.12.0<&>\"'" } };
	char stack[512];
	size_t i;

	snprintf(info.command, sizeof(info.command), "record -- sh -c '</text><script>'");
	start(path, &info);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(stack, sizeof(stack), "%s;%s", names[i], "dma_map_sg_attrs");
		add(OP_MAP_SG, "udmabuf", stack, 1, sums(10 + i, 4, 4, 1000));
	}
	flush();
	finish();
}

/* Calls that tell no entries. */
static void bare(const char *path)
{
	struct capture_info info = { .hdr = { .flavour = FLAVOUR_PER_ENTRY, .release = "6.12" } };

	start(path, &info);
	add(OP_MAP_PAGE, "udmabuf", "entry;dma_map_page_attrs", 0, sums(50, 0, 1, 100));
	flush();
	finish();
}

static void empty(const char *path)
{
	struct capture_info info = { .hdr = { .flavour = FLAVOUR_PER_ENTRY, .release = "6.12" } };

	start(path, &info);
	flush();
	finish();
}

/* The same numbers on every machine. */
static unsigned int next_random(unsigned int *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* @n stacks of about 25 frames that branch everywhere, of widths that differ by powers of ten. */
static void many(const char *path, unsigned int n)
{
	struct capture_info info = { .hdr = { .flavour = FLAVOUR_PER_ENTRY, .release = "6.12" } };
	unsigned int i, k, frames, state = 1, ns;
	char stack[4096];
	size_t len;

	start(path, &info);
	for (i = 0; i < n; i++) {
		len = snprintf(stack, sizeof(stack), "el0t_64_sync;el0_svc;invoke_syscall");
		frames = 16 + next_random(&state) % 12;
		for (k = 0; k < frames; k++)
			len += snprintf(stack + len, sizeof(stack) - len, ";function_%u_%x", k,
					next_random(&state) % (k < 3   ? 4
							       : k < 8 ? 2
								       : 3));
		snprintf(stack + len, sizeof(stack) - len, ";leaf_%u;dma_map_sg_attrs", i);
		ns = 1 + next_random(&state) % 1000;
		add(OP_MAP_SG, "0000:00:01.0", stack, 0, sums(1 + i % 7, 16, 16, ns * ns));
		if (i % INTERVAL_STACKS == INTERVAL_STACKS - 1)
			flush();
	}
	flush();
	finish();
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "", *path = argv[argc - 1];

	if (!strcmp(what, "before"))
		two_loads(path, FLAVOUR_PER_ENTRY, "6.18.15+deb13-arm64", 100, 128, 25000);
	else if (!strcmp(what, "after"))
		two_loads(path, FLAVOUR_UPSTREAM_BATCHED, "7.3.4+deb13-arm64", 200, 1, 500);
	else if (!strcmp(what, "arch"))
		nested(path);
	else if (!strcmp(what, "hostile"))
		hostile(path);
	else if (!strcmp(what, "bare"))
		bare(path);
	else if (!strcmp(what, "empty"))
		empty(path);
	else if (!strcmp(what, "many") && argc == 4)
		many(path, strtoul(argv[2], NULL, 10));
	else
		fprintf(stderr, "usage: flame_gen before|after|arch|hostile|bare|empty FILE\n"
				"       flame_gen many N FILE\n");
	return !*what;
}
