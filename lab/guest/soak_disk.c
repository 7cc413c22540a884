// SPDX-License-Identifier: GPL-2.0
/* A disk: pages that lie apart in memory, written and read back at random, each with its checksum.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "soak.h"

#define PAGES_MAX 128u
#define KNOWN 32 /* extents that were written lately */

struct extent {
	unsigned int first, n;
};

struct disk {
	struct soak_worker *w;
	int fd;
	char *mem;
	struct iovec iov[PAGES_MAX];
	uint64_t *sums; /* of the disk's pages; 0: not written yet */
	uint64_t generation;
	struct extent known[KNOWN];
	unsigned int n_known;
};

/* n pages of mem in random order: hardly any two neighbours are one entry. */
static void scatter(struct disk *d, unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		j = soak_random(d->w, i + 1);
		d->iov[i] = d->iov[j];
		d->iov[j] = (struct iovec){ d->mem + (size_t)i * SOAK_PAGE, SOAK_PAGE };
	}
}

static int write_pages(struct disk *d, unsigned int first, unsigned int n)
{
	struct soak_worker *w = d->w;
	unsigned int i;

	for (i = 0; i < n; i++) {
		soak_fill(d->iov[i].iov_base,
			  ++d->generation << 24 ^ (w->base / SOAK_PAGE + first + i));
		d->sums[first + i] = soak_sum(d->iov[i].iov_base);
	}
	w->calls++;
	if (pwritev(d->fd, d->iov, n, w->base + (uint64_t)first * SOAK_PAGE) !=
	    (ssize_t)n * SOAK_PAGE)
		return soak_fail(w, "write");
	w->written += (uint64_t)n * SOAK_PAGE;
	d->known[d->n_known++ % KNOWN] = (struct extent){ first, n };
	return 0;
}

static int read_pages(struct disk *d, unsigned int first, unsigned int n)
{
	struct soak_worker *w = d->w;
	unsigned int i;

	/* What was there before must not be taken for what was read. */
	for (i = 0; i < n; i++)
		memset(d->iov[i].iov_base, 0xee, SOAK_PAGE);
	w->calls++;
	if (preadv(d->fd, d->iov, n, w->base + (uint64_t)first * SOAK_PAGE) !=
	    (ssize_t)n * SOAK_PAGE)
		return soak_fail(w, "read");
	w->read += (uint64_t)n * SOAK_PAGE;
	for (i = 0; i < n; i++) {
		if (!d->sums[first + i])
			continue;
		w->checked += SOAK_PAGE;
		if (soak_sum(d->iov[i].iov_base) != d->sums[first + i])
			soak_mismatch(w, "a page is not what was written",
				      w->base / SOAK_PAGE + first + i);
	}
	return 0;
}

/* At the end all that was ever written is looked at once more. */
static int read_all(struct disk *d, unsigned int pages)
{
	unsigned int first;

	scatter(d, PAGES_MAX);
	for (first = 0; first < pages; first += PAGES_MAX)
		if (read_pages(d, first, PAGES_MAX))
			return 1;
	return 0;
}

int soak_disk(struct soak_worker *w)
{
	static const unsigned int sizes[] = { 1, 2, 7, 32, PAGES_MAX };
	struct disk d = { .w = w };
	struct extent extent;
	unsigned int n, pages = w->size / SOAK_PAGE;
	int err = 0;

	d.sums = calloc(pages, sizeof(*d.sums));
	d.mem = mmap(NULL, PAGES_MAX * SOAK_PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!d.sums || d.mem == MAP_FAILED)
		return soak_fail(w, "allocate memory");
	madvise(d.mem, PAGES_MAX * SOAK_PAGE, MADV_NOHUGEPAGE);
	d.fd = open(w->path, O_RDWR | O_DIRECT);
	if (d.fd < 0)
		return soak_fail(w, "open its device");
	do {
		n = sizes[soak_random(w, sizeof(sizes) / sizeof(*sizes))];
		scatter(&d, n);
		err = write_pages(&d, soak_random(w, pages - n), n);
		/* One of those that were written, by now perhaps over in part. */
		extent = d.known[soak_random(w, d.n_known < KNOWN ? d.n_known : KNOWN)];
		scatter(&d, extent.n);
		err = err ?: read_pages(&d, extent.first, extent.n);
	} while (soak_goes_on(w) && !err);
	err = err ?: read_all(&d, pages);
	close(d.fd);
	return err;
}
