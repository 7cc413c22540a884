/* SPDX-License-Identifier: GPL-2.0 */
/* Takes records out of an instance's buffers, in the order in which they were made. */
#ifndef RING_H
#define RING_H

#include "instance.h"
#include "probes.h"

#define EVENT_NAME_LEN 64

/* A record, decoded: what its event does not tell is 0. */
struct trace_event {
	__u64 ns;		   /* CLOCK_MONOTONIC */
	const struct probe *probe; /* NULL: a gap in this CPU's records begins or ends here */
	__u32 pid;		   /* of the thread, in the first PID namespace */
	__u32 cpu;
	__u32 device; /* number of its name, see struct names */
	__u32 entries;
	__u64 size, id, addr, offset, result;
	char comm[16];
	__u16 attrs;
	__u8 dir;
};

struct ring;

/* Gives each name a number. */
struct ring_names {
	__u32 (*number)(void *ctx, const char *name);
	void *ctx;
};

/* Opens the buffers of @in, of @kib KiB each. 0 or -errno after a message. */
int ring_open(struct instance *in, unsigned int kib, const struct probes *probes,
	      struct ring_names names, struct ring **out);

/*
 * Moves what the kernel's buffers hold to memory. Returns how full the fullest was, in percent, or
 * -errno.
 */
int ring_read(struct ring *r);

/* Hands what was read up to time @until, merged from all CPUs, to @take. */
void ring_take(struct ring *r, __u64 until, void (*take)(void *ctx, const struct trace_event *ev),
	       void *ctx);

/* Records that were overwritten before they were read, so far; the instance must be there yet. */
__u64 ring_lost(const struct ring *r);

/* Frees it; its descriptors are the instance's. */
void ring_close(struct ring *r);

/* Decodes the record @data of @probe into @ev, which is zero; false: it is too short. */
bool ring_decode(const struct probe *probe, const void *data, size_t size, struct ring_names names,
		 struct trace_event *ev);

#endif
