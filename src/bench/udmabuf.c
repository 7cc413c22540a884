// SPDX-License-Identifier: GPL-2.0
/* A DMA buffer made of user memory, whose cache maintenance user space can trigger. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/types.h>
#include <linux/udmabuf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "dmasync/log.h"
#include "dmasync/udmabuf.h"

#define DEVICE "/dev/udmabuf"
#define PARAMETERS "/sys/module/udmabuf/parameters/"

#define HUGE_SIZE (2UL << 20) /* of a huge page where pages have 4 KiB; more asks for too much */

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* since 6.1 */
#endif

#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_PFN ((1ULL << 55) - 1)

static size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static size_t line_size(void)
{
	long size = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);

	return size > 0 ? size : 64;
}

static int open_device(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC), err;

	if (fd >= 0)
		return fd;
	err = -errno;
	if (err == -ENOENT)
		log_error(
			"no " DEVICE
			": load it with 'modprobe udmabuf', or use a kernel with CONFIG_UDMABUF=y");
	else
		log_error("cannot open " DEVICE ": %s; %s", strerror(-err),
			  err == -EACCES ? "run as root, or join the group that owns it"
					 : "no DMA buffer can be made here");
	return err;
}

/* Entries of the buffer in the order of its list: the even ones of the file, then the odd ones. */
static size_t list_entry(const struct udmabuf *u, size_t i)
{
	size_t even = (u->size / u->entry + 1) / 2;

	return i < even ? 2 * i : 2 * (i - even) + 1;
}

/*
 * Neighbours in a list that are neighbours in memory, too, may become one entry (7.3 does that;
 * 6.12 makes an entry of every page, whatever --entry says). So no two successive entries may
 * touch. Single pages: pages that are faulted in one after the other tend to be neighbours, so they
 * are faulted in list_entry()'s order, and the list has file order. Larger entries: the other way
 * round, in memory that is contiguous if the kernel can make it so.
 */
static void populate(const struct udmabuf *u)
{
	size_t n = u->size / u->entry, i;

	if (!u->in_order) {
		memset(u->map, 1, u->map_size);
		/* If this fails, entries come out smaller, and are counted as they are. */
		madvise(u->map, u->map_size, MADV_COLLAPSE);
		return;
	}
	for (i = 0; i < n; i++)
		((volatile char *)u->map)[list_entry(u, i) * u->entry] = 1;
}

/* Maps the file where huge pages can lie: on a multiple of their size. */
static int map_aligned(struct udmabuf *u)
{
	size_t room = u->map_size + HUGE_SIZE;
	char *at = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *aligned;

	if (at == MAP_FAILED)
		return -errno;
	aligned = (char *)(((uintptr_t)at + HUGE_SIZE - 1) & ~(uintptr_t)(HUGE_SIZE - 1));
	if (mmap(aligned, u->map_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, u->memfd,
		 0) == MAP_FAILED) {
		munmap(at, room);
		return -errno;
	}
	/* What surrounds the mapping is only address space. */
	u->map = aligned;
	u->room = at;
	u->room_size = room;
	return 0;
}

static int make_memory(struct udmabuf *u)
{
	int err = 0;

	u->memfd = memfd_create("dmasynctop", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (u->memfd < 0 || ftruncate(u->memfd, u->map_size))
		err = -errno;
	if (!err)
		err = map_aligned(u);
	/* udmabuf demands that the pages cannot be taken away. */
	if (!err && fcntl(u->memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		err = -errno;
	if (err)
		log_error("cannot make a memory file of %zu bytes: %s; try a smaller --size",
			  u->map_size, strerror(-err));
	else
		populate(u);
	return err;
}

/* A parameter of the module; 0 when it cannot be read. */
static unsigned long parameter(const char *path)
{
	unsigned long value = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		return 0;
	if (fscanf(f, "%lu", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

static int create_list(const struct udmabuf *u, int device)
{
	size_t n = u->size / u->entry, i;
	struct udmabuf_create_list *list;
	int fd;

	list = calloc(1, sizeof(*list) + n * sizeof(list->list[0]));
	if (!list)
		return -ENOMEM;
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = n;
	for (i = 0; i < n; i++) {
		list->list[i].memfd = u->memfd;
		list->list[i].offset = list_entry(u, i) * u->entry;
		list->list[i].size = u->entry;
	}
	fd = ioctl(device, UDMABUF_CREATE_LIST, list);
	if (fd < 0)
		fd = -errno;
	free(list);
	return fd;
}

static int create_whole(const struct udmabuf *u, int device)
{
	struct udmabuf_create create = {
		.memfd = u->memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = u->size,
	};
	int fd = ioctl(device, UDMABUF_CREATE, &create);

	return fd < 0 ? -errno : fd;
}

static int check_limits(const struct udmabuf *u)
{
	unsigned long megabytes = parameter(PARAMETERS "size_limit_mb");
	unsigned long items = parameter(PARAMETERS "list_limit");

	if (megabytes && u->size > megabytes << 20) {
		log_error(
			"udmabuf allows buffers of %lu MiB, not of %zu bytes; write a larger number to " PARAMETERS
			"size_limit_mb as root, or use a smaller --size",
			megabytes, u->size);
		return -EINVAL;
	}
	if (!u->in_order && items && u->size / u->entry > items) {
		log_error(
			"udmabuf allows lists of %lu items, not of %zu; write a larger number to " PARAMETERS
			"list_limit as root, or use a larger --entry or one page",
			items, u->size / u->entry);
		return -EINVAL;
	}
	return 0;
}

static int make_buffer(struct udmabuf *u, int device)
{
	int err = check_limits(u);

	if (err)
		return err;
	u->fd = u->in_order ? create_whole(u, device) : create_list(u, device);
	if (u->fd < 0)
		log_error("cannot make a DMA buffer of %zu bytes: %s", u->size, strerror(-u->fd));
	return u->fd < 0 ? u->fd : 0;
}

int udmabuf_create(struct udmabuf *u, size_t size, size_t entry)
{
	int device, err;

	*u = (struct udmabuf){
		.memfd = -1,
		.fd = -1,
		.size = size,
		.entry = entry,
		.in_order = entry == page_size(),
	};
	u->map_size = u->in_order ? size : (size + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
	device = open_device();
	if (device < 0)
		return device;
	err = make_memory(u);
	if (!err)
		err = make_buffer(u, device);
	close(device);
	if (err)
		udmabuf_destroy(u);
	return err;
}

int udmabuf_sync(const struct udmabuf *u, bool begin, enum cpu_access access)
{
	static const __u64 flags[] = {
		[ACCESS_READ] = DMA_BUF_SYNC_READ,
		[ACCESS_WRITE] = DMA_BUF_SYNC_WRITE,
		[ACCESS_RW] = DMA_BUF_SYNC_RW,
	};
	struct dma_buf_sync sync = {
		.flags = flags[access] | (begin ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END),
	};

	while (ioctl(u->fd, DMA_BUF_IOCTL_SYNC, &sync))
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	return 0;
}

void udmabuf_dirty(const struct udmabuf *u)
{
	volatile char *map = u->map;
	size_t at, step = line_size();

	for (at = 0; at < u->size; at += step)
		map[at]++;
}

/* Physical page frame behind @at, or 0. */
static __u64 frame_of(int pagemap, const char *at)
{
	off_t offset = (uintptr_t)at / page_size() * sizeof(__u64);
	__u64 entry;

	if (pread(pagemap, &entry, sizeof(entry), offset) != sizeof(entry))
		return 0;
	return entry & PAGEMAP_PRESENT ? entry & PAGEMAP_PFN : 0;
}

size_t udmabuf_pieces(const struct udmabuf *u)
{
	size_t pieces = 0, n = u->size / u->entry, i, at;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 frame = 1, last = 0;
	const char *entry;

	if (fd < 0)
		return 0;
	for (i = 0; i < n && frame; i++) {
		entry = u->map + (u->in_order ? i : list_entry(u, i)) * u->entry;
		for (at = 0; at < u->entry && frame; at += page_size()) {
			/* Without the capability every frame reads as 0. */
			frame = frame_of(fd, entry + at);
			pieces += frame != last + 1;
			last = frame;
		}
	}
	close(fd);
	return frame ? pieces : 0;
}

void udmabuf_destroy(struct udmabuf *u)
{
	if (u->room)
		munmap(u->room, u->room_size);
	if (u->fd >= 0)
		close(u->fd);
	if (u->memfd >= 0)
		close(u->memfd);
	u->map = u->room = NULL;
	u->fd = u->memfd = -1;
}
