/* SPDX-License-Identifier: GPL-2.0 */
/* A DMA buffer made of user memory, whose cache maintenance user space can trigger. */
#ifndef DMASYNC_UDMABUF_H
#define DMASYNC_UDMABUF_H

#include <stdbool.h>
#include <stddef.h>

/* Which way the CPU is going to access the buffer. */
enum cpu_access {
	ACCESS_READ,  /* DMA_FROM_DEVICE */
	ACCESS_WRITE, /* DMA_TO_DEVICE */
	ACCESS_RW,    /* DMA_BIDIRECTIONAL */
};

struct udmabuf {
	int memfd;
	int fd;		 /* of the dma-buf */
	char *map;	 /* its pages, mapped writable */
	size_t size;	 /* bytes */
	size_t entry;	 /* bytes that one scatterlist entry is meant to have */
	size_t map_size; /* of the memory file, at least ->size */
	char *room;	 /* address space around ->map */
	size_t room_size;
	bool in_order; /* the list has the order of the file */
};

/*
 * Makes a buffer of @size bytes whose scatterlist is meant to have an entry for each @entry bytes;
 * both are multiples of the page size and @size of @entry. 0 or -errno after a message with cause
 * and cure: -ENOENT, -EACCES, -EPERM and -ENODEV mean that this machine or user cannot.
 */
int udmabuf_create(struct udmabuf *u, size_t size, size_t entry);

/* Begins or ends an access of the CPU: dma_sync_sg_for_cpu() or _for_device(). 0 or -errno. */
int udmabuf_sync(const struct udmabuf *u, bool begin, enum cpu_access access);

/* Makes every cache line of the buffer dirty. */
void udmabuf_dirty(const struct udmabuf *u);

/*
 * How many physically contiguous pieces the buffer has, which is the number of entries where the
 * kernel merges neighbours; 0 when it cannot be told (page frame numbers need CAP_SYS_ADMIN).
 */
size_t udmabuf_pieces(const struct udmabuf *u);

void udmabuf_destroy(struct udmabuf *u);

#endif
