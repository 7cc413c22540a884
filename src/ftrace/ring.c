// SPDX-License-Identifier: GPL-2.0
/* Takes records out of an instance's buffers, in the order in which they were made. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <traceevent/kbuffer.h>
#include <dmasync/log.h>
#include <dmasync/machine.h>
#include "ring.h"
#include "tracefs.h"

#define NO_DEVICE_TEXT "(fault)" /* what the kernel writes when it cannot follow a pointer */

#define PAGE_HEAD (sizeof(__u64) + sizeof(long)) /* its time, and how much it holds */

/* One CPU's buffer, and what was read of it. */
struct ring_cpu {
	int fd; /* -1: there is no such CPU */
	unsigned int cpu;
	struct trace_event *event;
	size_t head, n, cap; /* those from head to n are to be taken */
	__u64 last_ns;	     /* time of the last record that was read */
};

struct ring {
	const struct probes *probes;
	struct ring_names names;
	struct kbuffer *kbuf;
	void *page;
	size_t page_size;
	unsigned int pages; /* of each buffer */
	struct ring_cpu *cpus;
	unsigned int n_cpus;
	const char *dir; /* of the instance */
	__u64 lost;	 /* at least: a page that is full has no room to say how many */
};

static __u64 read_field(const struct probe_field *f, const void *data)
{
	__u64 v = 0;

	/* Little endian, as all that has its registers in probe_args.c. */
	memcpy(&v, (const char *)data + f->offset, f->size < sizeof(v) ? f->size : sizeof(v));
	return v;
}

static const char *read_string(const struct probe_field *f, const void *data, size_t size,
			       char *buf, size_t len)
{
	__u32 loc = read_field(f, data), at = loc & 0xffff, n = loc >> 16;

	buf[0] = '\0';
	if (n && at < size && n <= size - at) {
		n = n < len ? n : len - 1;
		memcpy(buf, (const char *)data + at, n);
		buf[n] = '\0';
	}
	return buf;
}

bool ring_decode(const struct probe *probe, const void *data, size_t size, struct ring_names names,
		 struct trace_event *ev)
{
	const struct probe_field *f = probe->field;
	char name[EVENT_NAME_LEN];

	for (int i = 0; i < FIELD_COUNT; i++)
		if (f[i].size && (size_t)f[i].offset + f[i].size > size)
			return false;
	ev->probe = probe;
	ev->pid = read_field(&f[FIELD_PID], data);
	ev->entries = read_field(&f[FIELD_ENTRIES], data);
	ev->dir = read_field(&f[FIELD_DIR], data);
	ev->attrs = read_field(&f[FIELD_ATTRS], data);
	ev->size = read_field(&f[FIELD_SIZE], data);
	ev->id = read_field(&f[FIELD_ID], data);
	ev->addr = read_field(&f[FIELD_ADDR], data);
	ev->offset = read_field(&f[FIELD_OFFSET], data);
	ev->result = read_field(&f[FIELD_RESULT], data);
	if (f[FIELD_COMM].size)
		read_string(&f[FIELD_COMM], data, size, ev->comm, sizeof(ev->comm));
	if (f[FIELD_NAME].size) {
		read_string(&f[FIELD_NAME], data, size, name, sizeof(name));
		ev->device = names.number(names.ctx, strcmp(name, NO_DEVICE_TEXT) ? name : "");
	}
	return true;
}

static struct trace_event *append(struct ring_cpu *c)
{
	if (c->head == c->n)
		c->head = c->n = 0;
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 256;
		struct trace_event *more = realloc(c->event, cap * sizeof(*more));

		if (!more)
			return NULL;
		c->event = more;
		c->cap = cap;
	}
	c->event[c->n] = (struct trace_event){ .cpu = c->cpu };
	return &c->event[c->n++];
}

static int mark_loss(struct ring_cpu *c, __u64 ns)
{
	struct trace_event *ev = append(c);

	if (!ev)
		return -ENOMEM;
	ev->ns = ns;
	return 0;
}

/* One page of records. 0, -ENOMEM, or -EBADMSG: it is none. */
static int take_page(struct ring *r, struct ring_cpu *c)
{
	unsigned long long ns;
	struct trace_event *ev;
	const struct probe *probe;
	void *data;
	int missed, size, err;

	if (kbuffer_load_subbuffer(r->kbuf, r->page))
		return -EBADMSG;
	size = kbuffer_subbuffer_size(r->kbuf);
	if (size < 0 || PAGE_HEAD + (size_t)size > r->page_size)
		return -EBADMSG;
	missed = kbuffer_missed_events(r->kbuf);
	data = kbuffer_read_event(r->kbuf, &ns);
	if (missed) {
		r->lost += missed > 0 ? missed : 1;
		/* What ends in the gap must not be believed, nor what begins in it. */
		err = mark_loss(c, c->last_ns)
			      ?: mark_loss(c, data ? ns : kbuffer_timestamp(r->kbuf));
		if (err)
			return err;
	}
	for (; data; data = kbuffer_next_event(r->kbuf, &ns)) {
		c->last_ns = ns;
		probe = probes_find(r->probes, *(const __u16 *)data);
		if (!probe)
			continue;
		ev = append(c);
		if (!ev)
			return -ENOMEM;
		ev->ns = ns;
		if (!ring_decode(probe, data, kbuffer_event_size(r->kbuf), r->names, ev))
			c->n--;
	}
	return 0;
}

/* Reads the next page of @c: 1, 0: there is none, or -errno. */
static int read_page(struct ring *r, struct ring_cpu *c)
{
	ssize_t n = read(c->fd, r->page, r->page_size);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return 0;
	return (size_t)n == r->page_size ? 1 : -EBADMSG;
}

int ring_read(struct ring *r)
{
	unsigned int fullest = 0, pages;
	int err;

	for (unsigned int i = 0; i < r->n_cpus; i++) {
		struct ring_cpu *c = &r->cpus[i];

		/* What comes meanwhile waits for the next round. */
		for (pages = 0; c->fd >= 0 && pages <= r->pages; pages++) {
			err = read_page(r, c);
			if (!err)
				break;
			err = err < 0 ? err : take_page(r, c);
			if (err)
				return err;
		}
		if (pages > fullest)
			fullest = pages;
	}
	return fullest * 100 / r->pages;
}

void ring_take(struct ring *r, __u64 until, void (*take)(void *ctx, const struct trace_event *ev),
	       void *ctx)
{
	struct ring_cpu *c, *first;

	for (;;) {
		first = NULL;
		for (c = r->cpus; c < r->cpus + r->n_cpus; c++)
			if (c->head < c->n && c->event[c->head].ns <= until &&
			    (!first || c->event[c->head].ns < first->event[first->head].ns))
				first = c;
		if (!first)
			break;
		take(ctx, &first->event[first->head++]);
	}
	/* What stays is little: it moves to the front, so that the arrays do not grow for ever. */
	for (c = r->cpus; c < r->cpus + r->n_cpus; c++) {
		memmove(c->event, c->event + c->head, (c->n - c->head) * sizeof(*c->event));
		c->n -= c->head;
		c->head = 0;
	}
}

/* Records of @cpu that were overwritten before they were read; 0 where the kernel does not tell. */
static __u64 overrun(const struct ring *r, unsigned int cpu)
{
	unsigned long long n = 0;
	char name[48], *text, *at;

	snprintf(name, sizeof(name), "per_cpu/cpu%u/stats", cpu);
	if (tracefs_read(r->dir, name, &text))
		return 0;
	at = strstr(text, "\noverrun: ");
	if (!at || sscanf(at, "\noverrun: %llu", &n) != 1)
		n = 0;
	free(text);
	return n;
}

__u64 ring_lost(const struct ring *r)
{
	__u64 sum = 0;

	for (unsigned int i = 0; i < r->n_cpus; i++)
		sum += r->cpus[i].fd < 0 ? 0 : overrun(r, i);
	return sum > r->lost ? sum : r->lost;
}

static int open_cpu(struct ring *r, struct instance *in, unsigned int cpu)
{
	struct ring_cpu *c = &r->cpus[cpu];
	char path[192];

	c->cpu = cpu;
	snprintf(path, sizeof(path), "%s/per_cpu/cpu%u/trace_pipe_raw", in->dir, cpu);
	c->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return instance_take_fd(c->fd);
}

static int set_up(struct instance *in, unsigned int kib)
{
	char size[16];
	int err;

	snprintf(size, sizeof(size), "%u", kib);
	err = tracefs_write(in->dir, "buffer_size_kb", size);
	/* The clock that the intervals are cut by; since 4.0. */
	err = err ?: tracefs_write(in->dir, "trace_clock", "mono");
	/* A new instance has the options of the top one: without this one loss is not seen ... */
	err = err ?: tracefs_write(in->dir, "options/overwrite", "1");
	/* ... and this one writes a stack for each record; not all kernels have it. */
	if (!err)
		tracefs_write(in->dir, "options/stacktrace", "0");
	return err;
}

int ring_open(struct instance *in, unsigned int kib, const struct probes *probes,
	      struct ring_names names, struct ring **out)
{
	struct ring *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (!r)
		goto out;
	r->probes = probes;
	r->names = names;
	r->dir = in->dir;
	r->page_size = sysconf(_SC_PAGESIZE);
	r->pages = kib * 1024 / r->page_size ?: 1;
	r->n_cpus = machine_cpu_numbers("");
	r->cpus = calloc(r->n_cpus, sizeof(*r->cpus));
	r->page = malloc(r->page_size);
	r->kbuf = kbuffer_alloc(KBUFFER_LSIZE_SAME_AS_HOST, KBUFFER_ENDIAN_SAME_AS_HOST);
	if (!r->cpus || !r->page || !r->kbuf)
		goto out;
	err = set_up(in, kib);
	for (unsigned int cpu = 0; cpu < r->n_cpus && !err; cpu++)
		err = open_cpu(r, in, cpu);
out:
	if (err) {
		log_error("cannot open the buffers of %s: %s", in->dir, strerror(-err));
		ring_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void ring_close(struct ring *r)
{
	if (!r)
		return;
	for (unsigned int i = 0; r->cpus && i < r->n_cpus; i++)
		free(r->cpus[i].event);
	if (r->kbuf)
		kbuffer_free(r->kbuf);
	free(r->cpus);
	free(r->page);
	free(r);
}
