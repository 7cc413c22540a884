// SPDX-License-Identifier: GPL-2.0
/* A buffer of the system's dma-heap, and how long it takes to map it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "dmasync/bench_chain.h"
#include "dmasync/clock.h"
#include "dmasync/log.h"

static int open_heap(void)
{
	int fd = open(HEAP_DEVICE, O_RDWR | O_CLOEXEC), err;

	if (fd >= 0)
		return fd;
	err = -errno;
	if (err == -ENOENT)
		log_error("no " HEAP_DEVICE
			  ": this kernel has no system heap, as Debian's have none; use one with "
			  "CONFIG_DMABUF_HEAPS_SYSTEM=y");
	else
		log_error("cannot open " HEAP_DEVICE ": %s; %s", strerror(-err),
			  err == -EACCES ? "run as root, or join the group that owns it"
					 : "no buffer can be had here");
	return err;
}

int heap_alloc(struct heap *heap, size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	int device = open_heap(), err = 0;

	if (device < 0)
		return device;
	if (ioctl(device, DMA_HEAP_IOCTL_ALLOC, &data)) {
		err = -errno;
		log_error("the system heap has no %zu bytes: %s; try a smaller size", size,
			  strerror(-err));
	}
	close(device);
	*heap = (struct heap){ .fd = err ? -1 : (int)data.fd, .size = size };
	return err;
}

void heap_free(struct heap *heap)
{
	if (heap->fd >= 0)
		close(heap->fd);
	heap->fd = -1;
}

static void *map_whole(const struct heap *heap, __u64 *ns)
{
	__u64 before = clock_ns();
	void *at = mmap(NULL, heap->size, PROT_READ | PROT_WRITE, MAP_SHARED, heap->fd, 0);

	*ns = clock_ns() - before;
	if (at == MAP_FAILED)
		log_error("cannot map a buffer of %zu bytes: %s", heap->size, strerror(errno));
	return at;
}

static __u64 word_of(__u64 seed, size_t at)
{
	return (seed + at) * 0x9e3779b97f4a7c15ULL;
}

/* What is written through one mapping is read through another. */
static long check(const struct heap *heap, __u64 *at, __u64 seed)
{
	size_t words = sysconf(_SC_PAGESIZE) / sizeof(__u64), n = heap->size / sizeof(__u64), i;
	const __u64 *other;
	long wrong = 0;
	__u64 ns;

	for (i = 0; i < n; i += words) {
		at[i] = word_of(seed, i);
		at[i + words - 1] = word_of(seed, i + words - 1);
	}
	other = map_whole(heap, &ns);
	if (other == MAP_FAILED)
		return -ENOMEM;
	for (i = 0; i < n; i += words)
		wrong += other[i] != word_of(seed, i) ||
			 other[i + words - 1] != word_of(seed, i + words - 1);
	munmap((void *)other, heap->size);
	return wrong;
}

long heap_map(const struct heap *heap, __u64 seed, __u64 ns[2])
{
	void *at = map_whole(heap, &ns[0]);
	long wrong = 0;
	__u64 before;

	if (at == MAP_FAILED)
		return -ENOMEM;
	if (seed)
		wrong = check(heap, at, seed);
	before = clock_ns();
	munmap(at, heap->size);
	ns[1] = clock_ns() - before;
	return wrong;
}

/* As the module wants them: kmod/README.md. */
static __u64 module_word(size_t at)
{
	return word_of(1, at);
}

int heap_fill(const struct heap *heap)
{
	size_t words = sysconf(_SC_PAGESIZE) / sizeof(__u64), n = heap->size / sizeof(__u64), i;
	__u64 ns, *at = map_whole(heap, &ns);

	if (at == MAP_FAILED)
		return -ENOMEM;
	for (i = 0; i < n; i += words)
		at[i] = module_word(i);
	munmap(at, heap->size);
	return 0;
}

long heap_check(const struct heap *heap)
{
	size_t words = sysconf(_SC_PAGESIZE) / sizeof(__u64), n = heap->size / sizeof(__u64), i;
	__u64 ns, *at = map_whole(heap, &ns);
	long wrong = 0;

	if (at == MAP_FAILED)
		return -ENOMEM;
	for (i = words - 1; i < n; i += words)
		wrong += at[i] != module_word(i);
	munmap(at, heap->size);
	return wrong;
}
