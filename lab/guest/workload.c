// SPDX-License-Identifier: GPL-2.0
/* Guest workloads whose DMA maintenance can be predicted: udmabuf sync, O_DIRECT block I/O. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/udmabuf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../mark.h"

struct options {
	const char *path;	/* device or file */
	const char *label;	/* of the measured window; NULL: no markers */
	uint64_t size;		/* bytes: of an entry, of a transfer */
	uint64_t block;		/* bytes of one read or write */
	unsigned int entries;
	unsigned int rounds;
	unsigned int hold_ms;	/* sleep before and after the measured loop */
	int warm;
	int write;
	int verify;
	uint64_t sync;		/* DMA_BUF_SYNC_READ, _WRITE, _RW */
};

static const char usage[] =
	"usage: workload udmabuf [-n ENTRIES] [-s SIZE] [-r ROUNDS] [-d read|write|rw] [-w] [-m LABEL]\n"
	"       workload dio [-W] [-V] [-f DEVICE] [-b BLOCK] [-s SIZE] [-m LABEL]\n"
	"       workload fill -f FILE -s SIZE\n"
	"       workload mark begin|end|checkpoint [LABEL]\n"
	"-w one warm-up round first; -W write; -V verify what was moved; -m marks exactly the measured\n"
	"loop for the plugin; -H MS sleeps before and after it; sizes take k, M, G.\n";

static int fail(const char *what, const char *on)
{
	fprintf(stderr, "workload: %s %s: %s\n", what, on, strerror(errno));
	return 1;
}

static uint64_t parse_size(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	switch (*end) {
	case 'k':
	case 'K':
		return value << 10;
	case 'M':
		return value << 20;
	case 'G':
		return value << 30;
	}
	return value;
}

static void measure_begin(const struct options *opt)
{
	if (opt->hold_ms)
		usleep(opt->hold_ms * 1000);
	if (opt->label) {
		lab_mark_label(opt->label);
		LAB_MARK(LAB_MARK_BEGIN);
	}
}

static void measure_end(const struct options *opt)
{
	if (opt->label)
		LAB_MARK(LAB_MARK_END);
	if (opt->hold_ms)
		usleep(opt->hold_ms * 1000);
}

/* What a disk made by the lab holds at an offset: every word differs, and in both halves. */
static void pattern_fill(uint64_t *words, uint64_t offset, uint64_t bytes)
{
	uint64_t i;

	for (i = 0; i < bytes / 8; i++)
		words[i] = (offset / 8 + i + 1) * 0x9e3779b97f4a7c15ull;
}

static uint64_t pattern_errors(const uint64_t *words, uint64_t offset, uint64_t bytes)
{
	uint64_t i, errors = 0;

	for (i = 0; i < bytes / 8; i++)
		errors += words[i] != (offset / 8 + i + 1) * 0x9e3779b97f4a7c15ull;
	return errors;
}

/*
 * Entries are taken from the memfd in reverse order, so that neighbours can not be merged into one
 * even if the memfd's pages happen to be contiguous.
 */
static int udmabuf_create(int memfd, unsigned int entries, uint64_t size)
{
	struct udmabuf_create_list *list;
	unsigned int i;
	int dev, fd;

	dev = open("/dev/udmabuf", O_RDWR);
	if (dev < 0)
		return -1;
	list = calloc(1, sizeof(*list) + entries * sizeof(list->list[0]));
	if (!list) {
		close(dev);
		return -1;
	}
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = entries;
	for (i = 0; i < entries; i++) {
		list->list[i].memfd = memfd;
		list->list[i].offset = (uint64_t)(entries - 1 - i) * size;
		list->list[i].size = size;
	}
	fd = ioctl(dev, UDMABUF_CREATE_LIST, list);
	free(list);
	close(dev);
	return fd;
}

static int udmabuf_round(int fd, uint64_t sync, char *mem, uint64_t bytes)
{
	struct dma_buf_sync arg = { .flags = DMA_BUF_SYNC_START | sync };
	uint64_t i;

	if (ioctl(fd, DMA_BUF_IOCTL_SYNC, &arg))
		return -1;
	if (sync & DMA_BUF_SYNC_WRITE)
		for (i = 0; i < bytes; i += 64)
			mem[i]++;
	arg.flags = DMA_BUF_SYNC_END | sync;
	return ioctl(fd, DMA_BUF_IOCTL_SYNC, &arg);
}

static int udmabuf_run(const struct options *opt)
{
	uint64_t page = sysconf(_SC_PAGESIZE), bytes = opt->entries * opt->size;
	unsigned int i;
	int memfd, fd;
	char *mem;

	if (opt->size % page || !opt->size) {
		fprintf(stderr, "workload: -s must be a multiple of the page size, %lu\n",
			(unsigned long)page);
		return 2;
	}
	memfd = memfd_create("workload", MFD_ALLOW_SEALING);
	if (memfd < 0 || ftruncate(memfd, bytes) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return fail("cannot make a memfd of", "the wanted size");
	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (mem == MAP_FAILED)
		return fail("cannot map", "the memfd");
	memset(mem, 0x5a, bytes);

	fd = udmabuf_create(memfd, opt->entries, opt->size);
	if (fd < 0)
		return fail("cannot create a buffer on", "/dev/udmabuf");
	if (opt->warm && udmabuf_round(fd, opt->sync, mem, bytes))
		return fail("DMA_BUF_IOCTL_SYNC", "udmabuf");
	measure_begin(opt);
	for (i = 0; i < opt->rounds; i++)
		if (udmabuf_round(fd, opt->sync, mem, bytes))
			return fail("DMA_BUF_IOCTL_SYNC", "udmabuf");
	measure_end(opt);
	printf("{\"workload\":\"udmabuf\",\"entries\":%u,\"entry_bytes\":%llu,\"rounds\":%u,"
	       "\"calls\":%u,\"bytes\":%llu,\"sync\":\"%s\"}\n",
	       opt->entries, (unsigned long long)opt->size, opt->rounds, 2 * opt->rounds,
	       (unsigned long long)bytes * opt->rounds,
	       opt->sync == DMA_BUF_SYNC_RW ? "rw" : opt->sync == DMA_BUF_SYNC_READ ? "read" : "write");
	return 0;
}

/*
 * The buffer's pages are touched in reverse, to make them as scattered as a fresh process's memory
 * usually is: without that a whole block can be one segment.
 */
static char *dio_buffer(uint64_t bytes)
{
	uint64_t page = sysconf(_SC_PAGESIZE), i;
	char *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return NULL;
	madvise(mem, bytes, MADV_NOHUGEPAGE);
	for (i = bytes; i; i -= page)
		mem[i - page] = 1;
	return mem;
}

static int dio_run(const struct options *opt)
{
	uint64_t off, errors = 0, calls = opt->size / opt->block;
	char *mem = dio_buffer(opt->block);
	int fd;

	if (!mem)
		return fail("cannot allocate", "the buffer");
	fd = open(opt->path, (opt->write ? O_RDWR : O_RDONLY) | O_DIRECT);
	if (fd < 0)
		return fail("cannot open", opt->path);
	if (opt->warm && pread(fd, mem, opt->block, 0) != (ssize_t)opt->block)
		return fail("cannot read", opt->path);
	measure_begin(opt);
	for (off = 0; off < calls * opt->block; off += opt->block) {
		ssize_t done;

		if (opt->write) {
			if (opt->verify)
				pattern_fill((uint64_t *)mem, ~off, opt->block);
			done = pwrite(fd, mem, opt->block, off);
		} else {
			done = pread(fd, mem, opt->block, off);
			if (opt->verify)
				errors += pattern_errors((uint64_t *)mem, off, opt->block);
		}
		if (done != (ssize_t)opt->block)
			return fail(opt->write ? "cannot write" : "cannot read", opt->path);
	}
	measure_end(opt);
	if (opt->write && opt->verify)
		for (off = 0; off < calls * opt->block; off += opt->block) {
			if (pread(fd, mem, opt->block, off) != (ssize_t)opt->block)
				return fail("cannot read back", opt->path);
			errors += pattern_errors((uint64_t *)mem, ~off, opt->block);
		}
	close(fd);
	printf("{\"workload\":\"dio\",\"op\":\"%s\",\"calls\":%llu,\"block\":%llu,\"bytes\":%llu,"
	       "\"verified\":%s,\"errors\":%llu}\n",
	       opt->write ? "write" : "read", (unsigned long long)calls,
	       (unsigned long long)opt->block, (unsigned long long)(calls * opt->block),
	       opt->verify ? "true" : "false", (unsigned long long)errors);
	if (errors)
		fprintf(stderr, "workload: %s: %llu words differ from what was written\n", opt->path,
			(unsigned long long)errors);
	return errors != 0;
}

static int fill_run(const struct options *opt)
{
	static uint64_t words[1 << 17];
	uint64_t off;
	int fd = open(opt->path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0)
		return fail("cannot create", opt->path);
	for (off = 0; off < opt->size; off += sizeof(words)) {
		pattern_fill(words, off, sizeof(words));
		if (write(fd, words, sizeof(words)) != sizeof(words))
			return fail("cannot write", opt->path);
	}
	return close(fd) ? fail("cannot write", opt->path) : 0;
}

static int mark_run(int argc, char **argv)
{
	if (argc < 1)
		goto usage;
	if (argc > 1)
		lab_mark_label(argv[1]);
	if (!strcmp(argv[0], "begin"))
		LAB_MARK(LAB_MARK_BEGIN);
	else if (!strcmp(argv[0], "end"))
		LAB_MARK(LAB_MARK_END);
	else if (!strcmp(argv[0], "checkpoint"))
		LAB_MARK(LAB_MARK_CHECKPOINT);
	else
		goto usage;
	return 0;
usage:
	fputs(usage, stderr);
	return 2;
}

static int parse(int argc, char **argv, struct options *opt)
{
	int c;

	while ((c = getopt(argc, argv, "n:s:r:d:wm:f:b:WVH:")) != -1) {
		switch (c) {
		case 'n': opt->entries = atoi(optarg); break;
		case 's': opt->size = parse_size(optarg); break;
		case 'r': opt->rounds = atoi(optarg); break;
		case 'b': opt->block = parse_size(optarg); break;
		case 'f': opt->path = optarg; break;
		case 'm': opt->label = optarg; break;
		case 'H': opt->hold_ms = atoi(optarg); break;
		case 'w': opt->warm = 1; break;
		case 'W': opt->write = 1; break;
		case 'V': opt->verify = 1; break;
		case 'd':
			opt->sync = !strcmp(optarg, "read") ? DMA_BUF_SYNC_READ :
				    !strcmp(optarg, "write") ? DMA_BUF_SYNC_WRITE :
				    !strcmp(optarg, "rw") ? DMA_BUF_SYNC_RW : 0;
			if (opt->sync)
				break;
			/* fallthrough */
		default:
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct options opt = { .path = "/dev/sda", .entries = 1, .rounds = 1,
			       .sync = DMA_BUF_SYNC_READ, .block = 512 << 10 };
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "mark"))
		return mark_run(argc - 2, argv + 2);
	opt.size = !strcmp(name, "udmabuf") ? (uint64_t)sysconf(_SC_PAGESIZE) : 32 << 20;
	if (!*name || parse(argc - 1, argv + 1, &opt))
		goto usage;
	if (!strcmp(name, "udmabuf"))
		return udmabuf_run(&opt);
	if (!strcmp(name, "dio"))
		return dio_run(&opt);
	if (!strcmp(name, "fill"))
		return fill_run(&opt);
usage:
	fputs(usage, stderr);
	return 2;
}
