// SPDX-License-Identifier: GPL-2.0
/* Maps buffers of the system's dma-heap whole and in part, also into the kernel, and checks what is
 * seen through it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../mark.h"

#define HEAP "/dev/dma_heap/system"
#define MODULE "/sys/kernel/debug/dmasync_bench/"

static const char usage[] =
	"usage: mapheap check|time|vmap [-n PAGES] [-r ROUNDS] [-m LABEL] [-u]\n"
	"check: whole, partial and shifted mappings, faults, fork, private ones\n"
	"time: maps the buffer ROUNDS times; -m makes each mmap() a window\n"
	"vmap: has the module of kmod/ map it into the kernel as often; -m makes each dma_buf_vmap() one\n"
	"-u: a udmabuf in place of a buffer of the heap\n";

static size_t page;  /* bytes */
static size_t pages; /* of the buffer */
static int fd;	     /* the buffer */
static unsigned long checks, wrong;

static void expect(int right, const char *what, size_t a, size_t b)
{
	checks++;
	if (right)
		return;
	wrong++;
	fprintf(stderr, "mapheap: wrong: %s (%zu, %zu)\n", what, a, b);
}

static int heap_alloc(void)
{
	struct dma_heap_allocation_data data = { .len = pages * page,
						 .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = open(HEAP, O_RDWR | O_CLOEXEC);

	if (heap < 0 || ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data)) {
		fprintf(stderr, "mapheap: no buffer from %s: %s\n", HEAP, strerror(errno));
		return -1;
	}
	close(heap);
	return data.fd;
}

static int udmabuf_alloc(void)
{
	struct udmabuf_create create = { .size = pages * page, .flags = UDMABUF_FLAGS_CLOEXEC };
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), buf = -1;

	create.memfd = memfd_create("mapheap", MFD_ALLOW_SEALING);
	if (device >= 0 && (int)create.memfd >= 0 && !ftruncate(create.memfd, create.size) &&
	    !fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		buf = ioctl(device, UDMABUF_CREATE, &create);
	if (buf < 0)
		fprintf(stderr, "mapheap: no udmabuf: %s\n", strerror(errno));
	return buf;
}

static char *map(size_t first, size_t n, int prot, int flags)
{
	return mmap(NULL, n * page, prot, flags, fd, first * page);
}

static char *map_shared(size_t first, size_t n)
{
	char *at = map(first, n, PROT_READ | PROT_WRITE, MAP_SHARED);

	if (at != MAP_FAILED)
		return at;
	fprintf(stderr, "mapheap: cannot map %zu pages at %zu: %s\n", n, first, strerror(errno));
	exit(1);
}

static uint64_t *first_word(char *at, size_t i)
{
	return (uint64_t *)(at + i * page);
}

static uint64_t *last_word(char *at, size_t i)
{
	return (uint64_t *)(at + (i + 1) * page) - 1;
}

static uint64_t word_of(size_t at, unsigned int round)
{
	return (at * 64 + round + 1) * 0x9e3779b97f4a7c15ull;
}

/* A mapping of @n pages from @first on shows just these, and writes go there and nowhere else. */
static void check_part(char *whole, size_t first, size_t n, unsigned int round)
{
	char *part = map_shared(first, n);
	size_t i, bad = 0;

	for (i = 0; i < pages; i++) {
		*first_word(whole, i) = word_of(i, round);
		*last_word(whole, i) = ~word_of(i, round);
	}
	for (i = 0; i < n; i++) {
		bad += *first_word(part, i) != word_of(first + i, round);
		bad += *last_word(part, i) != ~word_of(first + i, round);
		*first_word(part, i) = word_of(first + i, round + 1);
	}
	for (i = 0; i < pages; i++)
		bad += *first_word(whole, i) != word_of(i, round + (i >= first && i < first + n));
	expect(!bad, "pages seen through a mapping of N pages at OFFSET", n, first);
	munmap(part, n * page);
}

/* Around every boundary that entries of 1 MiB and 64 KiB and single pages can have. */
static void check_parts(char *whole)
{
	static const size_t at[] = { 0, 1, 15, 16, 17, 255, 256, 257, 271, 272, 273 };
	static const size_t lengths[] = { 1, 2, 16, 17, 240, 256, 257 };
	size_t i, k;

	for (i = 0; i < sizeof(at) / sizeof(*at); i++) {
		if (at[i] >= pages)
			continue;
		for (k = 0; k < sizeof(lengths) / sizeof(*lengths); k++)
			if (at[i] + lengths[k] <= pages)
				check_part(whole, at[i], lengths[k], i + k);
		check_part(whole, at[i], pages - at[i], i);
	}
	check_part(whole, pages - 1, 1, 3);
}

static void check_refused(void)
{
	char *at;

	at = map(0, pages + 1, PROT_READ, MAP_SHARED);
	expect(at == MAP_FAILED && errno == EINVAL, "longer than the buffer", pages + 1, 0);
	at = map(pages, 1, PROT_READ, MAP_SHARED);
	expect(at == MAP_FAILED && errno == EINVAL, "behind the buffer", 1, pages);
	at = map(1, pages, PROT_READ, MAP_SHARED);
	expect(at == MAP_FAILED && errno == EINVAL, "past its end", pages, 1);
	/* However memory was allocated: see remap_pfn_range() about these. */
	at = map(0, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	expect(at == MAP_FAILED && errno == EINVAL, "private, writable, more than a page", 2, 0);
}

static sigjmp_buf landing;

static void on_fault(int number)
{
	siglongjmp(landing, number);
}

/* Signal that reading or writing at @at ends in; 0: none. */
static int fault_at(volatile char *at, int writing)
{
	int number = sigsetjmp(landing, 1);

	if (number)
		return number;
	if (writing)
		*at = 1;
	else
		(void)*at;
	return 0;
}

static void check_faults(void)
{
	struct sigaction act = { .sa_handler = on_fault };
	char *at = map_shared(0, 32);

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	munmap(at + 8 * page, 4 * page);
	expect(fault_at(at + 8 * page, 0) == SIGSEGV, "unmapped in the middle: read", 8, 4);
	expect(!fault_at(at + 7 * page, 1) && !fault_at(at + 12 * page, 1), "what is around it", 8,
	       4);
	mprotect(at, 4 * page, PROT_READ);
	expect(fault_at(at, 1) == SIGSEGV, "write where only reads are allowed", 0, 4);
	expect(!fault_at(at, 0), "read there", 0, 4);
	expect(madvise(at, 4 * page, MADV_DONTNEED) && errno == EINVAL, "pages given up", 0, 4);
	munmap(at, 32 * page);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
}

static void check_fork(char *whole)
{
	int status = 1;
	pid_t child;

	*first_word(whole, 20) = 20;
	child = fork();
	if (!child) {
		*first_word(whole, 21) = *first_word(whole, 20) + 1;
		_exit(0);
	}
	waitpid(child, &status, 0);
	expect(!status && *first_word(whole, 21) == 21, "what a child reads and writes", 20, 21);
}

static void check_private(char *whole)
{
	char *one;

	*first_word(whole, 18) = 18;
	one = map(18, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	expect(one != MAP_FAILED, "one page, private", 18, 1);
	if (one == MAP_FAILED)
		return;
	expect(*first_word(one, 0) == 18, "read through it", 18, 1);
	*first_word(one, 0) = 1;
	expect(*first_word(whole, 18) == 18, "the buffer keeps what is written to a copy", 18, 1);
	munmap(one, page);
}

static int check_run(void)
{
	char *whole = map_shared(0, pages);

	check_parts(whole);
	check_refused();
	check_faults();
	check_fork(whole);
	check_private(whole);
	printf("{\"workload\":\"mapheap\",\"pages\":%zu,\"checks\":%lu,\"wrong\":%lu}\n", pages,
	       checks, wrong);
	return wrong != 0;
}

static int time_run(unsigned int rounds, const char *label)
{
	unsigned int i;
	char *at;

	for (i = 0; i < rounds; i++) {
		if (label) {
			lab_mark_label(label);
			LAB_MARK(LAB_MARK_BEGIN);
		}
		at = map_shared(0, pages);
		if (label)
			LAB_MARK(LAB_MARK_END);
		munmap(at, pages * page);
	}
	printf("{\"workload\":\"mapheap\",\"pages\":%zu,\"rounds\":%u}\n", pages, rounds);
	return 0;
}

/* The words that the module of kmod/ wants to find, and writes. */
static uint64_t module_word(size_t at)
{
	return (at + 1) * 0x9e3779b97f4a7c15ull;
}

/* Has the module run @command, and prints what it tells. */
static int module_run(const char *command)
{
	int run = open(MODULE "run", O_WRONLY | O_CLOEXEC), result;
	char buf[4096];
	ssize_t n;

	if (run < 0 || write(run, command, strlen(command)) < 0) {
		fprintf(stderr, "mapheap: the module does not run \"%s\": %s\n", command,
			strerror(errno));
		return -1;
	}
	close(run);
	result = open(MODULE "result", O_RDONLY | O_CLOEXEC);
	while ((n = read(result, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	close(result);
	return n ? -1 : 0;
}

static int vmap_run(unsigned int rounds, const char *label)
{
	size_t words = page / sizeof(uint64_t), bad = 0, i;
	char *whole = map_shared(0, pages), command[128];

	for (i = 0; i < pages; i++)
		*first_word(whole, i) = module_word(i * words);
	snprintf(command, sizeof(command), "op=dmabuf_vmap fd=%d iterations=%u%s%s", fd, rounds,
		 label ? " mark=dmabuf_vmap label=" : "", label ?: "");
	if (module_run(command))
		return 1;
	for (i = 0; i < pages; i++)
		bad += *last_word(whole, i) != module_word(i * words + words - 1);
	printf("{\"workload\":\"mapheap\",\"pages\":%zu,\"rounds\":%u,\"wrong\":%zu}\n", pages,
	       rounds, bad);
	return bad != 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "", *label = NULL;
	unsigned int rounds = 1;
	int udmabuf = 0, c;

	page = sysconf(_SC_PAGESIZE);
	pages = 275; /* of 4 KiB: an entry of 1 MiB, one of 64 KiB and three pages */
	while (*name && (c = getopt(argc - 1, argv + 1, "n:r:m:u")) != -1) {
		if (c == 'n')
			pages = strtoul(optarg, NULL, 0);
		else if (c == 'r')
			rounds = strtoul(optarg, NULL, 0);
		else if (c == 'm')
			label = optarg;
		else if (c == 'u')
			udmabuf = 1;
		else
			name = "";
	}
	if ((strcmp(name, "check") && strcmp(name, "time") && strcmp(name, "vmap")) || pages < 64) {
		fputs(usage, stderr);
		return 2;
	}
	fd = udmabuf ? udmabuf_alloc() : heap_alloc();
	if (fd < 0)
		return 1;
	if (!strcmp(name, "vmap"))
		return vmap_run(rounds, label);
	return strcmp(name, "time") ? check_run() : time_run(rounds, label);
}
