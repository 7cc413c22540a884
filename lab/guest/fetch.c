// SPDX-License-Identifier: GPL-2.0
/*
 * fetch DIR: waits until the QEMU that runs this guest names a directory of the host, and copies
 * the archives there to DIR. A snapshot is taken while it waits; what resumes it names the
 * directory.
 */
#include <linux/random.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Arm's semihosting interface, for AArch64: an operation, and a block of its parameters. */
enum {
	SYS_OPEN = 0x01,
	SYS_CLOSE = 0x02,
	SYS_READ = 0x06,
	SYS_FLEN = 0x0c,
	SYS_GET_CMDLINE = 0x15,
};

#define OPEN_RB 1 /* as fopen(..., "rb") */
#define WAIT_US 20000
#define CHUNK (1 << 20) /* bytes read at once */

static char chunk[CHUNK];

static long semihost(unsigned int operation, const void *parameters)
{
	register uint64_t op __asm__("x0") = operation;
	register const void *block __asm__("x1") = parameters;

	__asm__ volatile("hlt #0xf000" : "+r"(op) : "r"(block) : "memory");
	return op;
}

/* Handle of the host's @dir/@name, -1 if it cannot be opened. */
static long host_open(const char *dir, const char *name)
{
	char path[4096];
	int len = snprintf(path, sizeof(path), "%s/%s", dir, name);

	return semihost(SYS_OPEN, (uint64_t[]){ (uintptr_t)path, OPEN_RB, len });
}

/* Reads @size bytes to the start of chunk[]; -1 if there are fewer. */
static int host_read(long fd, size_t size)
{
	/* QEMU takes no page faults for the guest. */
	memset(chunk, 1, size);
	return semihost(SYS_READ, (uint64_t[]){ fd, (uintptr_t)chunk, size }) ? -1 : 0;
}

static int host_copy(const char *dir, const char *name, FILE *to)
{
	long fd = host_open(dir, name), left = fd < 0 ? -1 : semihost(SYS_FLEN, (uint64_t[]){ fd });

	for (size_t size; left > 0; left -= size) {
		size = left < CHUNK ? left : CHUNK;
		if (host_read(fd, size) || fwrite(chunk, 1, size, to) != size)
			left = -1;
	}
	if (fd >= 0)
		semihost(SYS_CLOSE, (uint64_t[]){ fd });
	return left ? -1 : 0;
}

/* Of @dir/seed the kernel makes its random numbers from here on. */
static int take_seed(const char *dir)
{
	struct {
		struct rand_pool_info info;
		char bytes[256];
	} seed = { .info = { .entropy_count = 8 * sizeof(seed.bytes),
			     .buf_size = sizeof(seed.bytes) } };
	long fd = host_open(dir, "seed");
	int random = open("/dev/urandom", O_WRONLY), err = -1;

	if (fd >= 0 && random >= 0 && !host_read(fd, sizeof(seed.bytes))) {
		memcpy(seed.info.buf, chunk, sizeof(seed.bytes));
		err = ioctl(random, RNDADDENTROPY, &seed) ?: ioctl(random, RNDRESEEDCRNG);
	}
	if (fd >= 0)
		semihost(SYS_CLOSE, (uint64_t[]){ fd });
	close(random);
	return err;
}

/* The word that QEMU has behind the program's name, of -semihosting-config arg=; NULL: none yet. */
static char *host_word(char *line, size_t size)
{
	char *word;

	memset(line, 0, size);
	if (semihost(SYS_GET_CMDLINE, (uint64_t[]){ (uintptr_t)line, size }))
		return NULL;
	word = strchr(line, ' ');
	return word ? word + 1 : NULL;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "base.cpio", "extra.cpio" };
	char line[4096], path[4096], *dir;

	if (argc != 2) {
		fprintf(stderr, "usage: fetch DIR\n");
		return 2;
	}
	while (!(dir = host_word(line, sizeof(line))))
		usleep(WAIT_US);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		FILE *to;

		snprintf(path, sizeof(path), "%s/%s", argv[1], names[i]);
		to = fopen(path, "wb");
		if (!to || host_copy(dir, names[i], to) || fclose(to)) {
			fprintf(stderr,
				"fetch: cannot copy the host's %s/%s to %s: is there room?\n", dir,
				names[i], path);
			return 1;
		}
	}
	if (take_seed(dir)) {
		fprintf(stderr, "fetch: cannot seed random numbers from the host's %s/seed\n", dir);
		return 1;
	}
	return 0;
}
