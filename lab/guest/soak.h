/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the guest's soak program share. */
#ifndef SOAK_H
#define SOAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SOAK_PAGE 4096u
#define SOAK_WORKERS 16

/* A process that does one thing again and again; its figures are in memory that all share. */
struct soak_worker {
	char name[32];
	const char *path; /* of its device */
	int (*run)(struct soak_worker *w);
	uint64_t base; /* of its part of a disk, bytes */
	uint64_t size; /* of that part */
	bool bounces;  /* everything does: the device's copy is not the CPU's */
	pid_t pid;
	uint64_t random; /* state */
	/* What it did. */
	uint64_t rounds;
	uint64_t calls;	  /* to the kernel */
	uint64_t written; /* bytes */
	uint64_t read;
	uint64_t checked; /* bytes compared with what they have to be */
	uint64_t mismatches;
	uint64_t moves; /* to another CPU, by itself or by the supervisor */
};

struct soak_shared {
	volatile int stop;
	struct soak_worker workers[SOAK_WORKERS];
};

/* soak.c: at the end of each round; false when it is time to end. Moves to another CPU now and
 * then. */
bool soak_goes_on(struct soak_worker *w);
uint32_t soak_random(struct soak_worker *w, uint32_t below);
/* Says what failed on what, with errno's text; returns 1. */
int soak_fail(const struct soak_worker *w, const char *what);
/* Says what is not as it was, once a worker. */
void soak_mismatch(struct soak_worker *w, const char *what, uint64_t at);

/* A page filled with words that follow from `key` alone, and whether it is. */
void soak_fill(void *page, uint64_t key);
uint64_t soak_sum(const void *page);

/* The workers. */
int soak_disk(struct soak_worker *w);
int soak_udmabuf(struct soak_worker *w);
int soak_heap(struct soak_worker *w);
int soak_module(struct soak_worker *w);

#endif
