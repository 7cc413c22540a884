// SPDX-License-Identifier: GPL-2.0
/* Which part of the system a kernel function belongs to, by its name and module. */
#include <string.h>
#include <dmasync/flame.h>

struct pattern {
	const char *name; /* a trailing '*' stands for anything */
	enum flame_layer layer;
};

/* The first that fits holds: exceptions stand before what they are exceptions of. */
static const struct pattern functions[] = {
	/* Cache maintenance and what implements it. */
	{ "arch_sync_dma_*", LAYER_ARCH },
	{ "arch_dma_*", LAYER_ARCH },
	{ "dcache_*", LAYER_ARCH },
	{ "__pi_dcache_*", LAYER_ARCH },
	{ "__dma_map_area", LAYER_ARCH },
	{ "__dma_unmap_area", LAYER_ARCH },
	{ "__dma_flush_area", LAYER_ARCH },

	/* Users of DMA whose names begin like the API's. */
	{ "dma_buf_*", LAYER_DRIVER },
	{ "dma_heap_*", LAYER_DRIVER },
	{ "dma_fence_*", LAYER_DRIVER },
	{ "dma_resv_*", LAYER_DRIVER },
	{ "dma_async_*", LAYER_DRIVER },
	{ "dmaengine_*", LAYER_DRIVER },
	{ "dma_*", LAYER_DMA },
	{ "__dma_*", LAYER_DMA },
	{ "debug_dma_*", LAYER_DMA },
	{ "iommu_*", LAYER_DMA },
	{ "__iommu_*", LAYER_DMA },
	{ "swiotlb_*", LAYER_DMA },
	{ "xen_swiotlb_*", LAYER_DMA },
	{ "arm_smmu_*", LAYER_DMA },
	{ "arm_lpae_*", LAYER_DMA },
	{ "__arm_lpae_*", LAYER_DMA },

	/* Ways into the kernel: system calls, interrupts, threads. */
	{ "el0*", LAYER_ENTRY },
	{ "el1*", LAYER_ENTRY },
	{ "do_el0_*", LAYER_ENTRY },
	{ "do_el1_*", LAYER_ENTRY },
	{ "invoke_syscall", LAYER_ENTRY },
	{ "__invoke_syscall", LAYER_ENTRY },
	{ "__arm64_*sys_*", LAYER_ENTRY },
	{ "__x64_sys_*", LAYER_ENTRY },
	{ "__ia32_*sys_*", LAYER_ENTRY },
	{ "__se_*sys_*", LAYER_ENTRY },
	{ "__do_sys_*", LAYER_ENTRY },
	{ "x64_sys_call", LAYER_ENTRY },
	{ "do_syscall_64", LAYER_ENTRY },
	{ "entry_SYSCALL_*", LAYER_ENTRY },
	{ "asm_*", LAYER_ENTRY },
	{ "sysvec_*", LAYER_ENTRY },
	{ "__sysvec_*", LAYER_ENTRY },
	{ "common_interrupt", LAYER_ENTRY },
	{ "__common_interrupt", LAYER_ENTRY },
	{ "call_on_irq_stack", LAYER_ENTRY },
	{ "do_interrupt_handler", LAYER_ENTRY },
	{ "gic_*", LAYER_ENTRY },
	{ "__gic_*", LAYER_ENTRY },
	{ "handle_irq*", LAYER_ENTRY },
	{ "__handle_irq*", LAYER_ENTRY },
	{ "handle_fasteoi_*", LAYER_ENTRY },
	{ "handle_edge_irq", LAYER_ENTRY },
	{ "handle_level_irq", LAYER_ENTRY },
	{ "handle_percpu_devid_*", LAYER_ENTRY },
	{ "handle_softirqs*", LAYER_ENTRY },
	{ "generic_handle_*", LAYER_ENTRY },
	{ "irq_*", LAYER_ENTRY },
	{ "__irq_exit_rcu", LAYER_ENTRY },
	{ "do_softirq*", LAYER_ENTRY },
	{ "__do_softirq", LAYER_ENTRY },
	{ "____do_softirq", LAYER_ENTRY },
	{ "run_ksoftirqd", LAYER_ENTRY },
	{ "smpboot_thread_fn", LAYER_ENTRY },
	{ "tasklet_*", LAYER_ENTRY },
	{ "ret_from_fork*", LAYER_ENTRY },
	{ "kthread", LAYER_ENTRY },
	{ "kthread_worker_fn", LAYER_ENTRY },
	{ "worker_thread", LAYER_ENTRY },
	{ "process_one_work", LAYER_ENTRY },
	{ "process_scheduled_works", LAYER_ENTRY },
	{ "cpu_startup_entry", LAYER_ENTRY },
	{ "secondary_start*", LAYER_ENTRY },
	{ "__secondary_*", LAYER_ENTRY },
	{ "__primary_*", LAYER_ENTRY },
	{ "start_kernel", LAYER_ENTRY },
	{ "rest_init", LAYER_ENTRY },
	{ "kernel_init", LAYER_ENTRY },
	{ "do_idle", LAYER_ENTRY },

	/* File systems, block layer, page cache, network. */
	{ "vfs_*", LAYER_IO },
	{ "ksys_*", LAYER_IO },
	{ "do_iter_*", LAYER_IO },
	{ "blk_*", LAYER_IO },
	{ "__blk_*", LAYER_IO },
	{ "blkdev_*", LAYER_IO },
	{ "__blkdev_*", LAYER_IO },
	{ "block_*", LAYER_IO },
	{ "bio_*", LAYER_IO },
	{ "__bio_*", LAYER_IO },
	{ "submit_bio*", LAYER_IO },
	{ "submit_bh*", LAYER_IO },
	{ "__submit_bio*", LAYER_IO },
	{ "bdev_*", LAYER_IO },
	{ "dd_*", LAYER_IO },
	{ "bfq_*", LAYER_IO },
	{ "kyber_*", LAYER_IO },
	{ "mpage_*", LAYER_IO },
	{ "iomap_*", LAYER_IO },
	{ "__iomap_*", LAYER_IO },
	{ "generic_file_*", LAYER_IO },
	{ "generic_perform_write", LAYER_IO },
	{ "filemap_*", LAYER_IO },
	{ "__filemap_*", LAYER_IO },
	{ "read_pages", LAYER_IO },
	{ "page_cache_*", LAYER_IO },
	{ "force_page_cache_*", LAYER_IO },
	{ "do_writepages", LAYER_IO },
	{ "writeback_*", LAYER_IO },
	{ "__writeback_*", LAYER_IO },
	{ "wb_*", LAYER_IO },
	{ "new_sync_*", LAYER_IO },
	{ "io_*", LAYER_IO },
	{ "__io_*", LAYER_IO },
	{ "aio_*", LAYER_IO },
	{ "ext4_*", LAYER_IO },
	{ "__ext4_*", LAYER_IO },
	{ "jbd2_*", LAYER_IO },
	{ "xfs_*", LAYER_IO },
	{ "btrfs_*", LAYER_IO },
	{ "f2fs_*", LAYER_IO },
	{ "fat_*", LAYER_IO },
	{ "nfs_*", LAYER_IO },
	{ "sock_*", LAYER_IO },
	{ "__sock_*", LAYER_IO },
	{ "__sys_send*", LAYER_IO },
	{ "__sys_recv*", LAYER_IO },
	{ "tcp_*", LAYER_IO },
	{ "__tcp_*", LAYER_IO },
	{ "udp_*", LAYER_IO },
	{ "ip_*", LAYER_IO },
	{ "__ip_*", LAYER_IO },
	{ "ip6_*", LAYER_IO },
	{ "net_rx_action", LAYER_IO },
	{ "net_tx_action", LAYER_IO },
	{ "napi_*", LAYER_IO },
	{ "__napi_*", LAYER_IO },
	{ "netif_*", LAYER_IO },
	{ "__netif_*", LAYER_IO },
	{ "dev_queue_xmit*", LAYER_IO },
	{ "__dev_queue_xmit", LAYER_IO },
	{ "dev_hard_start_xmit", LAYER_IO },
	{ "sch_direct_xmit", LAYER_IO },
};

/* Modules that are no drivers. */
static const struct pattern modules[] = {
	{ "ext4", LAYER_IO },	 { "jbd2", LAYER_IO },	 { "mbcache", LAYER_IO },
	{ "xfs", LAYER_IO },	 { "btrfs", LAYER_IO },	 { "f2fs", LAYER_IO },
	{ "fat", LAYER_IO },	 { "vfat", LAYER_IO },	 { "exfat", LAYER_IO },
	{ "isofs", LAYER_IO },	 { "nfs*", LAYER_IO },	 { "squashfs", LAYER_IO },
	{ "overlay", LAYER_IO }, { "fuse", LAYER_IO },	 { "loop", LAYER_IO },
	{ "dm_*", LAYER_IO },	 { "md_mod", LAYER_IO }, { "raid*", LAYER_IO },
	{ "bridge", LAYER_IO },	 { "nf_*", LAYER_IO },	 { "sunrpc", LAYER_IO },
};

/* One '*' in the middle or at the end of @p stands for anything. */
static bool fits(const char *p, const char *s, size_t len)
{
	const char *star = strchr(p, '*'), *at;
	size_t head = star ? (size_t)(star - p) : strlen(p), tail;

	if (len < head || strncmp(p, s, head))
		return false;
	if (!star)
		return len == head;
	tail = strcspn(star + 1, "*");
	if (!tail)
		return true;
	at = memmem(s + head, len - head, star + 1, tail);
	return at;
}

static enum flame_layer find(const struct pattern *p, size_t n, const char *s, size_t len)
{
	for (; n; n--, p++) {
		if (fits(p->name, s, len))
			return p->layer;
	}
	return LAYER_KERNEL;
}

enum flame_layer flame_layer(const char *name)
{
	const char *module = strstr(name, " [");
	size_t len = module ? (size_t)(module - name) : strlen(name);
	enum flame_layer layer;

	layer = find(functions, sizeof(functions) / sizeof(*functions), name, len);
	if (layer != LAYER_KERNEL || !module)
		return layer;
	module += 2;
	layer = find(modules, sizeof(modules) / sizeof(*modules), module, strcspn(module, "]"));
	return layer == LAYER_KERNEL ? LAYER_DRIVER : layer;
}

bool flame_is_interrupt(const char *name)
{
	static const char *const entries[] = {
		"el0t_64_irq", "el1h_64_irq",	       "el0t_64_fiq",  "el1h_64_fiq",
		"el0t_32_irq", "asm_common_interrupt", "asm_sysvec_*",
	};
	size_t i;

	for (i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		if (fits(entries[i], name, strlen(name)))
			return true;
	}
	return false;
}
