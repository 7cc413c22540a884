// SPDX-License-Identifier: GPL-2.0
/* Guest workloads whose DMA maintenance can be predicted: udmabuf sync, O_DIRECT I/O, frames. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/udmabuf.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../mark.h"

struct options {
	const char *path;  /* device or file */
	const char *label; /* of the measured window; NULL: no markers */
	uint64_t size;	   /* bytes: of an entry, of a transfer */
	uint64_t block;	   /* bytes of one read or write */
	unsigned int entries;
	unsigned int rounds;
	unsigned int windows; /* how often the measured loop is run */
	unsigned int hold_ms; /* sleep before and after the measured loop */
	int warm;
	int verify;
	int dirty;
	uint64_t sync; /* DMA_BUF_SYNC_READ, _WRITE, _RW */
	char *dirs;    /* what -d said: one run each */
	char *lists;   /* what -n said: each in every direction */
};

static const char usage[] =
	"usage: workload udmabuf [-n ENTRIES[,ENTRIES]] [-s SIZE] [-r ROUNDS] [-d DIR[,DIR]] [-wD]\n"
	"                        [-m LABEL] [-k WINDOWS]\n"
	"       workload dio [-d DIR[,DIR]] [-wWV] [-f DEVICE] [-b BLOCK] [-s SIZE] [-m LABEL]\n"
	"       workload fill -f FILE -s SIZE\n"
	"       workload frames -f INTERFACE [-n FRAMES] [-r ROUNDS] [-H MS]\n"
	"       workload mark begin|end|checkpoint [LABEL]\n"
	"       workload compact [LABEL]\n"
	"DIR is read (default), write or, of a udmabuf, rw; -w one warm-up round first; -D dirties every\n"
	"line before each round; -W is -d write; -V verifies what was moved; -m marks exactly the\n"
	"measured loop for the plugin, -k repeats it as another window; -H MS sleeps before and after,\n"
	"or after each round of frames; -o FILE gets what is printed.\n"
	"compact has the kernel move pages together, all of it a window LABEL, for which time it has the\n"
	"name \"compact\": -c compact of dmasynctop then sees that window and nothing else.\n"
	"Sizes take k, M, G.\n";

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

/* Raises udmabuf's limit on list items, 1024 unless told; without the right to, the ioctl says so.
 */
static void udmabuf_limit(unsigned int entries)
{
	FILE *file = fopen("/sys/module/udmabuf/parameters/list_limit", "w");

	if (!file)
		return;
	if (entries > 1024)
		fprintf(file, "%u\n", entries);
	fclose(file);
}

static unsigned int gcd(unsigned int a, unsigned int b)
{
	return b ? gcd(b, a % b) : a;
}

/*
 * In how many physically contiguous runs lie n pieces of mem, each of `size` bytes, in the order
 * that at[] gives? 0 when that cannot be known (not root).
 */
static unsigned int contiguous_runs(const char *mem, uint64_t size, const unsigned int *at,
				    unsigned int n)
{
	uint64_t page = sysconf(_SC_PAGESIZE), off, word, last = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	unsigned int i, runs = 0;

	if (fd < 0)
		return 0;
	for (i = 0; i < n; i++)
		for (off = 0; off < size; off += page) {
			uint64_t addr = (uint64_t)(uintptr_t)mem + at[i] * size + off;

			if (pread(fd, &word, sizeof(word), addr / page * 8) != sizeof(word))
				word = 0;
			word &= (1ull << 55) - 1;
			if (!word) {
				close(fd);
				return 0;
			}
			runs += word != last + 1;
			last = word;
		}
	close(fd);
	return runs;
}

/*
 * Orders n pieces of mem so that no two neighbours are physically contiguous: whoever merges
 * neighbours then still gets n segments. Returns contiguous_runs().
 */
static unsigned int scatter(const char *mem, uint64_t size, unsigned int *at, unsigned int n)
{
	unsigned int i, try, runs = 0, stride = n > 6 ? n / 3 : 1;

	for (try = 0; try < 16; try++, stride++) {
		while (gcd(stride, n) != 1)
			stride++;
		for (i = 0; i < n; i++)
			at[i] = (uint64_t)i * stride % n;
		runs = contiguous_runs(mem, size, at, n);
		if (runs == 0 || runs >= n)
			break;
	}
	return runs;
}

/* Returns the buffer's descriptor; *runs as contiguous_runs() has it. */
static int udmabuf_create(int memfd, const char *mem, const struct options *opt, unsigned int *runs)
{
	struct udmabuf_create_list *list;
	unsigned int i, n = opt->entries, *at;
	int dev, fd = -1;

	dev = open("/dev/udmabuf", O_RDWR);
	if (dev < 0)
		return -1;
	list = calloc(1, sizeof(*list) + n * sizeof(list->list[0]));
	at = calloc(n, sizeof(*at));
	if (list && at) {
		*runs = scatter(mem, opt->size, at, n);
		list->flags = UDMABUF_FLAGS_CLOEXEC;
		list->count = n;
		for (i = 0; i < n; i++) {
			list->list[i].memfd = memfd;
			list->list[i].offset = at[i] * opt->size;
			list->list[i].size = opt->size;
		}
		udmabuf_limit(n);
		fd = ioctl(dev, UDMABUF_CREATE_LIST, list);
	}
	free(at);
	free(list);
	close(dev);
	return fd;
}

static void dirty_lines(char *mem, uint64_t bytes)
{
	uint64_t i;

	for (i = 0; i < bytes; i += 64)
		((volatile char *)mem)[i]++;
}

static int udmabuf_round(int fd, const struct options *opt, char *mem, uint64_t bytes)
{
	struct dma_buf_sync arg = { .flags = DMA_BUF_SYNC_START | opt->sync };

	if (opt->dirty)
		dirty_lines(mem, bytes);
	if (ioctl(fd, DMA_BUF_IOCTL_SYNC, &arg))
		return -1;
	if (opt->sync & DMA_BUF_SYNC_WRITE)
		dirty_lines(mem, bytes);
	arg.flags = DMA_BUF_SYNC_END | opt->sync;
	return ioctl(fd, DMA_BUF_IOCTL_SYNC, &arg);
}

static int udmabuf_run(const struct options *opt)
{
	uint64_t page = sysconf(_SC_PAGESIZE), bytes = opt->entries * opt->size;
	unsigned int i, window, runs = 0, rounds = opt->rounds * opt->windows;
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

	fd = udmabuf_create(memfd, mem, opt, &runs);
	if (fd < 0)
		return fail("cannot create a buffer on", "/dev/udmabuf");
	if (opt->warm && udmabuf_round(fd, opt, mem, bytes))
		return fail("DMA_BUF_IOCTL_SYNC", "udmabuf");
	for (window = 0; window < opt->windows; window++) {
		measure_begin(opt);
		for (i = 0; i < opt->rounds; i++)
			if (udmabuf_round(fd, opt, mem, bytes))
				return fail("DMA_BUF_IOCTL_SYNC", "udmabuf");
		measure_end(opt);
	}
	printf("{\"workload\":\"udmabuf\",\"entries\":%u,\"entry_bytes\":%llu,\"pages\":%llu,"
	       "\"runs\":%u,\"rounds\":%u,"
	       "\"calls\":%u,\"bytes\":%llu,\"sync\":\"%s\"}\n",
	       opt->entries, (unsigned long long)opt->size, (unsigned long long)(bytes / page),
	       runs, rounds, 2 * rounds, (unsigned long long)bytes * rounds,
	       opt->sync == DMA_BUF_SYNC_RW	? "rw"
	       : opt->sync == DMA_BUF_SYNC_READ ? "read"
						: "write");
	close(fd);
	munmap(mem, bytes);
	close(memfd);
	return 0;
}

/* The buffer of one O_DIRECT call: a vector of pages that lie apart in physical memory. */
struct dio {
	struct iovec *iov;
	unsigned int pages;
	unsigned int runs;
};

static int dio_prepare(struct dio *dio, uint64_t block)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	unsigned int i, *at;
	char *mem;

	dio->pages = block / page;
	if (!block || block % page || dio->pages > IOV_MAX) {
		fprintf(stderr, "workload: -b must be a multiple of %llu, at most %u times that\n",
			(unsigned long long)page, IOV_MAX);
		return -1;
	}
	mem = mmap(NULL, block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	dio->iov = calloc(dio->pages, sizeof(*dio->iov));
	at = calloc(dio->pages, sizeof(*at));
	if (mem == MAP_FAILED || !dio->iov || !at) {
		free(at);
		return fail("cannot allocate", "the buffer"), -1;
	}
	madvise(mem, block, MADV_NOHUGEPAGE);
	memset(mem, 1, block);
	dio->runs = scatter(mem, page, at, dio->pages);
	for (i = 0; i < dio->pages; i++) {
		dio->iov[i].iov_base = mem + at[i] * page;
		dio->iov[i].iov_len = page;
	}
	free(at);
	return 0;
}

/* `salt` tells what a workload wrote from what the lab put on the disk. */
static void dio_fill(const struct dio *dio, uint64_t off, uint64_t salt)
{
	unsigned int i;

	for (i = 0; i < dio->pages; i++, off += dio->iov[i - 1].iov_len)
		pattern_fill(dio->iov[i].iov_base, off + salt, dio->iov[i].iov_len);
}

static uint64_t dio_errors(const struct dio *dio, uint64_t off, uint64_t salt)
{
	uint64_t errors = 0;
	unsigned int i;

	for (i = 0; i < dio->pages; i++, off += dio->iov[i - 1].iov_len)
		errors += pattern_errors(dio->iov[i].iov_base, off + salt, dio->iov[i].iov_len);
	return errors;
}

/*
 * Moves opt->size bytes; returns 0, or 1 after a message. Writing happens behind what is read, so
 * that the lab's pattern stays.
 */
static int dio_pass(int fd, const struct options *opt, const struct dio *dio, uint64_t base,
		    int write, uint64_t salt, uint64_t *errors)
{
	uint64_t off, end = base + opt->size / opt->block * opt->block;

	for (off = base; off < end; off += opt->block) {
		ssize_t done;

		if (write && opt->verify)
			dio_fill(dio, off, salt);
		done = write ? pwritev(fd, dio->iov, dio->pages, off)
			     : preadv(fd, dio->iov, dio->pages, off);
		if (done != (ssize_t)opt->block) {
			if (done >= 0)
				errno = EIO;
			return fail(write ? "cannot write" : "cannot read", opt->path);
		}
		if (!write && opt->verify)
			*errors += dio_errors(dio, off, salt);
	}
	return 0;
}

static int dio_run(const struct options *opt)
{
	int writing = opt->sync == DMA_BUF_SYNC_WRITE;
	uint64_t errors = 0, calls = opt->size / opt->block, salt = writing ? 1 << 30 : 0;
	uint64_t base = writing ? opt->size : 0;
	struct dio dio;
	int fd, err;

	if (dio_prepare(&dio, opt->block))
		return 1;
	fd = open(opt->path, (writing ? O_RDWR : O_RDONLY) | O_DIRECT);
	if (fd < 0)
		return fail("cannot open", opt->path);
	if (opt->warm && preadv(fd, dio.iov, dio.pages, 0) != (ssize_t)opt->block)
		return fail("cannot read", opt->path);
	measure_begin(opt);
	err = dio_pass(fd, opt, &dio, base, writing, salt, &errors);
	measure_end(opt);
	if (!err && writing && opt->verify)
		err = dio_pass(fd, opt, &dio, base, 0, salt, &errors);
	close(fd);
	if (err)
		return 1;
	printf("{\"workload\":\"dio\",\"op\":\"%s\",\"calls\":%llu,\"block\":%llu,\"bytes\":%llu,"
	       "\"pages\":%llu,\"runs\":%llu,\"read_back\":%llu,\"verified\":%s,\"errors\":%llu}\n",
	       writing ? "write" : "read", (unsigned long long)calls,
	       (unsigned long long)opt->block, (unsigned long long)(calls * opt->block),
	       (unsigned long long)(calls * dio.pages), (unsigned long long)(calls * dio.runs),
	       (unsigned long long)(writing && opt->verify ? calls * opt->block : 0),
	       opt->verify ? "true" : "false", (unsigned long long)errors);
	if (errors)
		fprintf(stderr, "workload: %s: %llu words are not what was written there\n",
			opt->path, (unsigned long long)errors);
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

/* Broadcasts frames of a protocol that is for experiments, all of a round in one system call. */
static int frames_run(const struct options *opt)
{
	static unsigned char frame[1000] = { 255, 255, 255, 255, 255, 255, [12] = 0x88, 0xb5 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = if_nametoindex(opt->path) };
	struct iovec iov = { .iov_base = frame, .iov_len = sizeof(frame) };
	unsigned int n = atoi(opt->lists), sent = 0;
	int fd = socket(AF_PACKET, SOCK_RAW, 0), got;
	struct mmsghdr *messages = calloc(n, sizeof(*messages));

	if (!to.sll_ifindex || fd < 0 || !messages || !n)
		return fail("cannot send by", opt->path);
	for (unsigned int i = 0; i < n; i++)
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1
		};
	for (unsigned int round = 0; round < opt->rounds; round++) {
		got = sendmmsg(fd, messages, n, 0);
		if (got != (int)n)
			return fail("cannot send all frames by", opt->path);
		sent += got;
		usleep(opt->hold_ms * 1000);
	}
	printf("{\"interface\":\"%s\",\"frames\":%u,\"rounds\":%u}\n", opt->path, sent,
	       opt->rounds);
	free(messages);
	return close(fd);
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

#define COMPACT_BYTES (32 << 20)

/* Pages with a hole beside each, so that there is something to move; kept until the end. */
static int fragment(size_t bytes)
{
	size_t page = sysconf(_SC_PAGESIZE), i;
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return fail("cannot map", "memory");
	madvise(at, bytes, MADV_NOHUGEPAGE); /* an error where the kernel has none */
	memset(at, 1, bytes);
	for (i = 0; i < bytes; i += 2 * page)
		if (madvise(at + i, page, MADV_DONTNEED))
			return fail("cannot free", "every other page");
	return 0;
}

/* What else the process does has been done once before, so that no fault of it is in the window. */
static int compact_run(const char *label)
{
	static const char path[] = "/proc/sys/vm/compact_memory";
	int fds[] = { open("/dev/null", O_WRONLY), open(path, O_WRONLY) };
	ssize_t n = 0;

	if (fragment(COMPACT_BYTES))
		return 1;
	for (int i = 0; i < 2; i++) {
		if (fds[i] < 0)
			return fail("cannot open", i ? path : "/dev/null");
		prctl(PR_SET_NAME, i ? "compact" : "workload");
		if (i && label) {
			lab_mark_label(label);
			LAB_MARK(LAB_MARK_BEGIN);
		}
		n = write(fds[i], "1", 1);
		if (i && label)
			LAB_MARK(LAB_MARK_END);
	}
	prctl(PR_SET_NAME, "workload");
	return n == 1 ? 0 : fail("cannot write to", path);
}

static int parse(int argc, char **argv, struct options *opt)
{
	static char write[] = "write";
	int c;

	while ((c = getopt(argc, argv, "n:s:r:k:d:wDm:f:b:WVH:o:")) != -1) {
		switch (c) {
		case 'n':
			opt->lists = optarg;
			break;
		case 's':
			opt->size = parse_size(optarg);
			break;
		case 'r':
			opt->rounds = atoi(optarg);
			break;
		case 'k':
			opt->windows = atoi(optarg);
			break;
		case 'b':
			opt->block = parse_size(optarg);
			break;
		case 'f':
			opt->path = optarg;
			break;
		case 'm':
			opt->label = optarg;
			break;
		case 'o':
			if (!freopen(optarg, "w", stdout)) {
				fail("cannot create", optarg);
				return -1;
			}
			break;
		case 'H':
			opt->hold_ms = atoi(optarg);
			break;
		case 'w':
			opt->warm = 1;
			break;
		case 'D':
			opt->dirty = 1;
			break;
		case 'W':
			opt->dirs = write;
			break;
		case 'V':
			opt->verify = 1;
			break;
		case 'd':
			opt->dirs = optarg;
			break;
		default:
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
}

/* Runs a workload once for each direction; the next one starts where the last one worked. */
static int each_direction(struct options *opt, int (*run)(const struct options *opt))
{
	char *dirs = strdup(opt->dirs), *dir, *rest = dirs;
	int err;

	while ((dir = strsep(&rest, ","))) {
		if (!strcmp(dir, "read"))
			opt->sync = DMA_BUF_SYNC_READ;
		else if (!strcmp(dir, "write"))
			opt->sync = DMA_BUF_SYNC_WRITE;
		else if (!strcmp(dir, "rw") && run == udmabuf_run)
			opt->sync = DMA_BUF_SYNC_RW;
		else
			return fputs(usage, stderr), 2;
		err = run(opt);
		if (err)
			return err;
	}
	free(dirs);
	return 0;
}

/* The same, for lists of each length. */
static int each_list(struct options *opt)
{
	char *list, *rest = opt->lists;
	int err;

	while ((list = strsep(&rest, ","))) {
		opt->entries = atoi(list);
		err = each_direction(opt, udmabuf_run);
		if (err)
			return err;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static char reading[] = "read", one[] = "1";
	struct options opt = { .path = "/dev/sda",
			       .lists = one,
			       .rounds = 1,
			       .windows = 1,
			       .dirs = reading,
			       .block = 512 << 10 };
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "mark"))
		return mark_run(argc - 2, argv + 2);
	if (!strcmp(name, "compact"))
		return compact_run(argc > 2 ? argv[2] : NULL);
	opt.size = !strcmp(name, "udmabuf") ? (uint64_t)sysconf(_SC_PAGESIZE) : 32 << 20;
	if (!*name || parse(argc - 1, argv + 1, &opt))
		goto usage;
	if (!strcmp(name, "udmabuf"))
		return each_list(&opt);
	if (!strcmp(name, "dio"))
		return each_direction(&opt, dio_run);
	if (!strcmp(name, "fill"))
		return fill_run(&opt);
	if (!strcmp(name, "frames"))
		return frames_run(&opt);
usage:
	fputs(usage, stderr);
	return 2;
}
