// SPDX-License-Identifier: GPL-2.0
/*
 * fetch DIR: waits until the QEMU that runs this guest names files of the host, and copies them to
 * DIR/1, DIR/2 and so on. A snapshot is taken while it waits; what resumes it names the files.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static long semihost(unsigned int operation, const void *parameters)
{
	register uint64_t op __asm__("x0") = operation;
	register const void *block __asm__("x1") = parameters;

	__asm__ volatile("hlt #0xf000" : "+r"(op) : "r"(block) : "memory");
	return op;
}

/* Size of an open file of the host in bytes, -1 on failure. */
static long host_size(long fd)
{
	return semihost(SYS_FLEN, (uint64_t[]){ fd });
}

/* Reads @size bytes into @to, which the guest must have touched: QEMU takes no page faults. */
static int host_read(long fd, void *to, size_t size)
{
	return semihost(SYS_READ, (uint64_t[]){ fd, (uintptr_t)to, size }) ? -1 : 0;
}

static int host_copy(const char *from, FILE *to)
{
	long fd = semihost(SYS_OPEN, (uint64_t[]){ (uintptr_t)from, OPEN_RB, strlen(from) });
	long size = fd < 0 ? -1 : host_size(fd);
	void *data = size < 0 ? NULL : malloc(size + 1);
	int err = -1;

	if (data) {
		memset(data, 1, size + 1);
		err = host_read(fd, data, size);
	}
	if (!err && fwrite(data, 1, size, to) != (size_t)size)
		err = -1;
	free(data);
	if (fd >= 0)
		semihost(SYS_CLOSE, (uint64_t[]){ fd });
	return err;
}

/* What QEMU was told by -semihosting-config arg=, with blanks between; the first is not a file. */
static char *host_words(char *line, size_t size)
{
	uint64_t block[] = { (uintptr_t)line, size };

	memset(line, 0, size);
	if (semihost(SYS_GET_CMDLINE, block))
		return NULL;
	return strchr(line, ' ');
}

int main(int argc, char **argv)
{
	char line[4096], path[4096], *words, *word;
	unsigned int n = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: fetch DIR\n");
		return 2;
	}
	while (!(words = host_words(line, sizeof(line))))
		usleep(WAIT_US);
	while ((word = strsep(&words, " "))) {
		FILE *to;

		if (!*word)
			continue;
		snprintf(path, sizeof(path), "%s/%u", argv[1], ++n);
		to = fopen(path, "wb");
		if (!to || host_copy(word, to) || fclose(to)) {
			fprintf(stderr, "fetch: cannot copy the host's %s to %s\n", word, path);
			return 1;
		}
	}
	return 0;
}
