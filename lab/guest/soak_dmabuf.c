// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that are shared with devices: udmabuf, which syncs for itself, and the system dma-heap,
 * which does so for each device that has mapped a buffer: vgem here, by way of DRM's PRIME.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "soak.h"

#define BUFFER_ROUNDS 24 /* then there is a new one */
#define UDMABUF_PAGES 512u
/* Larger ones have pieces of 1 MiB, which are more than vgem says that it can take at once. */
#define HEAP_PAGES 240u

/* From drm.h, which is not among the kernel's headers everywhere. */
struct prime_handle {
	__u32 handle;
	__u32 flags;
	__s32 fd;
};

struct gem_close {
	__u32 handle;
	__u32 pad;
};

#define PRIME_FD_TO_HANDLE _IOWR('d', 0x2e, struct prime_handle)
#define GEM_CLOSE _IOW('d', 0x09, struct gem_close)

struct buffer {
	struct soak_worker *w;
	int fd; /* of the dma-buf */
	char *mem;
	unsigned int pages;
	uint64_t sums[UDMABUF_PAGES];
	uint64_t generation;
};

static int sync_buffer(struct buffer *b, uint64_t flags)
{
	struct dma_buf_sync arg = { .flags = flags };

	b->w->calls++;
	return ioctl(b->fd, DMA_BUF_IOCTL_SYNC, &arg) ? soak_fail(b->w, "sync its buffer") : 0;
}

static void fill_buffer(struct buffer *b)
{
	unsigned int i;

	for (i = 0; i < b->pages; i++) {
		char *page = b->mem + (size_t)i * SOAK_PAGE;

		soak_fill(page, ++b->generation << 16 ^ b->w->rounds);
		b->sums[i] = soak_sum(page);
	}
	b->w->written += (uint64_t)b->pages * SOAK_PAGE;
}

static void check_buffer(struct buffer *b, const char *what)
{
	unsigned int i;

	for (i = 0; i < b->pages; i++)
		if (soak_sum(b->mem + (size_t)i * SOAK_PAGE) != b->sums[i])
			soak_mismatch(b->w, what, i);
	b->w->read += (uint64_t)b->pages * SOAK_PAGE;
	b->w->checked += (uint64_t)b->pages * SOAK_PAGE;
}

/*
 * The CPU writes and hands over, then takes back, and finds what it wrote. Where everything bounces
 * the device has a copy of its own, which has to come back over what was scribbled meanwhile.
 */
static int exchange(struct buffer *b)
{
	const uint64_t both = DMA_BUF_SYNC_RW;

	if (sync_buffer(b, DMA_BUF_SYNC_START | both))
		return 1;
	fill_buffer(b);
	if (sync_buffer(b, DMA_BUF_SYNC_END | both))
		return 1;
	if (b->w->bounces)
		memset(b->mem, 0xee, (size_t)b->pages * SOAK_PAGE);
	if (sync_buffer(b, DMA_BUF_SYNC_START | both))
		return 1;
	check_buffer(b, "the CPU did not get back what the device has");
	return sync_buffer(b, DMA_BUF_SYNC_END | both);
}

/* One direction only: nothing may change, whoever has the buffer. */
static int look_on(struct buffer *b, uint64_t dir)
{
	if (sync_buffer(b, DMA_BUF_SYNC_START | dir))
		return 1;
	check_buffer(b, "a buffer changed by itself");
	return sync_buffer(b, DMA_BUF_SYNC_END | dir);
}

static int udmabuf_create(struct buffer *b, int memfd)
{
	struct udmabuf_create_list *list;
	unsigned int i, j;
	int dev = open("/dev/udmabuf", O_RDWR), fd = -1;

	list = calloc(1, sizeof(*list) + b->pages * sizeof(list->list[0]));
	if (dev >= 0 && list) {
		list->count = b->pages;
		list->flags = UDMABUF_FLAGS_CLOEXEC;
		for (i = 0; i < b->pages; i++) {
			j = soak_random(b->w, i + 1);
			list->list[i] = list->list[j];
			list->list[j] = (struct udmabuf_create_item){
				.memfd = memfd, .offset = (uint64_t)i * SOAK_PAGE, .size = SOAK_PAGE
			};
		}
		b->w->calls++;
		fd = ioctl(dev, UDMABUF_CREATE_LIST, list);
	}
	free(list);
	close(dev);
	return fd;
}

/* What a buffer is synced as first decides how its memory is mapped: another one for each
 * direction. */
static int udmabuf_life(struct buffer *b, uint64_t dir)
{
	static const unsigned int sizes[] = { 1, 3, 64, UDMABUF_PAGES };
	int memfd = memfd_create("soak", MFD_ALLOW_SEALING), err = 0;
	unsigned int i;
	size_t bytes;

	b->pages = sizes[soak_random(b->w, 4)];
	bytes = (size_t)b->pages * SOAK_PAGE;
	if (memfd < 0 || ftruncate(memfd, bytes) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return soak_fail(b->w, "make a memfd");
	b->mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (b->mem == MAP_FAILED)
		return soak_fail(b->w, "map its memfd");
	fill_buffer(b);
	b->fd = udmabuf_create(b, memfd);
	if (b->fd < 0)
		return soak_fail(b->w, "create a udmabuf");
	for (i = 0; i < BUFFER_ROUNDS && !err; i++) {
		err = dir == DMA_BUF_SYNC_RW ? exchange(b) : look_on(b, dir);
		if (!soak_goes_on(b->w))
			break;
	}
	close(b->fd);
	munmap(b->mem, bytes);
	close(memfd);
	return err;
}

int soak_udmabuf(struct soak_worker *w)
{
	static const uint64_t dirs[] = { DMA_BUF_SYNC_RW, DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE };
	struct buffer b = { .w = w };

	do
		if (udmabuf_life(&b, dirs[soak_random(w, 3)]))
			return 1;
	while (soak_goes_on(w));
	return 0;
}

static int heap_alloc(struct buffer *b, int heap)
{
	struct dma_heap_allocation_data data = { .fd_flags = O_RDWR | O_CLOEXEC };

	data.len = (uint64_t)b->pages * SOAK_PAGE;
	b->w->calls++;
	return ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) ? -1 : (int)data.fd;
}

/* Allocated, mapped by a device, used, taken away from it, and gone. */
static int heap_life(struct buffer *b, int heap, int drm)
{
	static const unsigned int sizes[] = { 1, 15, 16, 100, HEAP_PAGES };
	struct prime_handle prime = {};
	struct gem_close gone = {};
	unsigned int i;
	size_t bytes;
	int err = 0;

	b->pages = sizes[soak_random(b->w, 5)];
	bytes = (size_t)b->pages * SOAK_PAGE;
	b->fd = heap_alloc(b, heap);
	if (b->fd < 0)
		return soak_fail(b->w, "allocate from the system heap");
	b->mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	if (b->mem == MAP_FAILED)
		return soak_fail(b->w, "map its buffer");
	fill_buffer(b);
	prime.fd = b->fd;
	b->w->calls++;
	if (ioctl(drm, PRIME_FD_TO_HANDLE, &prime))
		return soak_fail(b->w, "give its buffer to vgem");
	for (i = 0; i < BUFFER_ROUNDS && !err; i++) {
		err = exchange(b);
		if (!err && soak_random(b->w, 2))
			err = look_on(b, soak_random(b->w, 2) ? DMA_BUF_SYNC_READ
							      : DMA_BUF_SYNC_WRITE);
		if (!soak_goes_on(b->w))
			break;
	}
	gone.handle = prime.handle;
	b->w->calls++;
	if (ioctl(drm, GEM_CLOSE, &gone))
		err = soak_fail(b->w, "take its buffer from vgem");
	/* Unmapping gave the CPU what the device had. */
	check_buffer(b, "a buffer is not what it was before it was unmapped");
	munmap(b->mem, bytes);
	close(b->fd);
	return err;
}

int soak_heap(struct soak_worker *w)
{
	int heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC), drm;
	struct buffer b = { .w = w };

	if (heap < 0)
		return soak_fail(w, "open /dev/dma_heap/system");
	drm = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	if (drm < 0)
		return soak_fail(w, "open /dev/dri/card0: wants a kernel with vgem");
	do
		if (heap_life(&b, heap, drm))
			return 1;
	while (soak_goes_on(w));
	return 0;
}
