// SPDX-License-Identifier: GPL-2.0
/* Looks kernel symbols up without keeping the kernel's symbol table in memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dmasync/ksym_filter.h"
#include "dmasync/ksyms.h"

#define LINE_SIZE 1024 /* KSYM_NAME_LEN is 512 since Linux 6.1, plus address, type and module */
#define BUF_SIZE 16384

/* State of one pass. */
struct scan {
	struct ksym **sorted; /* by name */
	size_t n;
	struct ksym_filter filter;
	__u64 open;    /* address of the symbols whose end is still to come; 0: none */
	bool any_addr; /* at least one address was not 0 */
	size_t lines;
};

static int by_name(const void *a, const void *b)
{
	const struct ksym *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* First of the symbols called @name: a name may have been asked for more than once. */
static struct ksym *scan_lookup(const struct scan *scan, const char *name)
{
	size_t lo = 0, hi = scan->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(scan->sorted[mid]->name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == scan->n || strcmp(scan->sorted[lo]->name, name))
		return NULL;
	return scan->sorted[lo];
}

static void scan_share(const struct scan *scan)
{
	const char *name;
	size_t i;

	for (i = 1; i < scan->n; i++) {
		name = scan->sorted[i]->name;
		if (strcmp(scan->sorted[i - 1]->name, name))
			continue;
		*scan->sorted[i] = *scan->sorted[i - 1];
		scan->sorted[i]->name = name;
	}
}

/* The symbols that began at scan->open end where @addr begins. */
static void scan_close(struct scan *scan, __u64 addr)
{
	size_t i;

	for (i = 0; i < scan->n; i++)
		if (scan->sorted[i]->addr == scan->open && !scan->sorted[i]->size)
			scan->sorted[i]->size = addr - scan->open;
	scan->open = 0;
}

static unsigned int prefix_hash(const char *name, size_t len)
{
	unsigned int hash = 0;
	size_t i;

	for (i = 0; i < KSYM_PREFIX_LEN && i < len && name[i] != '.'; i++)
		hash = ksym_prefix_add(hash, name[i]);
	return hash;
}

void ksyms_filter(const struct ksym *syms, size_t n, struct ksym_filter *filter)
{
	memset(filter, 0, sizeof(*filter));
	for (size_t i = 0; i < n; i++)
		filter->wanted[prefix_hash(syms[i].name, strlen(syms[i].name))] = true;
}

/* Notes the symbol @name at @addr if it is one of those wanted, or a clone of one. */
static void scan_name(struct scan *scan, __u64 addr, char *name)
{
	struct ksym *sym = scan_lookup(scan, name);
	char *dot;

	if (sym) {
		if (!sym->seen++) {
			sym->addr = addr;
			scan->open = addr;
		}
		return;
	}
	dot = strchr(name, '.');
	if (!dot)
		return;
	*dot = '\0';
	sym = scan_lookup(scan, name);
	if (sym)
		sym->clones = true;
}

/*
 * One line, [@line, @end): "ffff800080010000 T name", with "\t[module]" behind it in modules. False
 * where nothing of interest is left: the modules begin, which come after the core kernel, or no
 * symbol is wanted, and there are addresses.
 */
static bool scan_line(struct scan *scan, char *line, char *end)
{
	char *name = memchr(line, ' ', end - line);
	__u64 addr = 0;

	if (!name || end - name < 4 || name[2] != ' ')
		return true;
	if (end[-1] == ']')
		return false;
	name += 3;
	/* Of a quarter of a million lines hardly any is worth more than this look. */
	scan->lines++;
	if (!scan->n && scan->any_addr)
		return false;
	if (scan->any_addr && !scan->open && !scan->filter.wanted[prefix_hash(name, end - name)])
		return true;
	*end = '\0';
	addr = strtoull(line, NULL, 16);
	scan->any_addr |= addr != 0;
	if (scan->open && addr > scan->open)
		scan_close(scan, addr);
	scan_name(scan, addr, name);
	return true;
}

/* 0 or -errno. */
static int scan_file(struct scan *scan, int fd)
{
	char buf[BUF_SIZE], *line, *end;
	size_t have = 0;
	ssize_t got;

	while ((got = read(fd, buf + have, sizeof(buf) - have)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		have += got;
		for (line = buf; (end = memchr(line, '\n', buf + have - line)); line = end + 1)
			if (!scan_line(scan, line, end))
				return 0;
		have -= line - buf;
		if (have == sizeof(buf))
			return -E2BIG;
		memmove(buf, line, have);
	}
	return 0;
}

static int scan_init(struct scan *scan, struct ksym *syms, size_t n)
{
	size_t i;

	memset(scan, 0, sizeof(*scan));
	scan->n = n;
	scan->sorted = calloc(n ? n : 1, sizeof(*scan->sorted));
	if (!scan->sorted)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		syms[i] = (struct ksym){ .name = syms[i].name };
		scan->sorted[i] = &syms[i];
	}
	ksyms_filter(syms, n, &scan->filter);
	qsort(scan->sorted, n, sizeof(*scan->sorted), by_name);
	return 0;
}

int ksyms_find_fd(int fd, const char *path, struct ksym *syms, size_t n, char *why, size_t len)
{
	struct scan scan;
	int err;

	err = scan_init(&scan, syms, n);
	if (err) {
		snprintf(why, len, "out of memory");
		return err;
	}
	err = fd < 0 ? fd : scan_file(&scan, fd);
	scan_share(&scan);
	free(scan.sorted);
	if (err) {
		snprintf(why, len, "cannot read %s: %s%s", path, strerror(-err),
			 err == -ENOENT ? " (kernel without CONFIG_KALLSYMS)" : "");
		return err;
	}
	if (!scan.lines) {
		snprintf(why, len, "%s is empty", path);
		return -ENODATA;
	}
	if (!scan.any_addr) {
		snprintf(why, len,
			 "%s hides addresses: run as root with kernel.kptr_restrict below 2", path);
		return KSYMS_HIDDEN;
	}
	return KSYMS_FULL;
}

int ksyms_find(const char *path, struct ksym *syms, size_t n, char *why, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = ksyms_find_fd(fd < 0 ? -errno : fd, path, syms, n, why, len);

	if (fd >= 0)
		close(fd);
	return err;
}

/*
 * Marks the name of @line, "name" or "name [module]" or "name+0x..", in @found. Returns how many
 * were not marked before.
 */
static size_t mark_traceable(char *line, const char *const *names, bool *found, size_t n)
{
	size_t marked = 0, i;

	line[strcspn(line, " \t\n")] = '\0';
	for (i = 0; i < n; i++)
		if (line[0] == names[i][0] && !found[i] && !strcmp(line, names[i])) {
			found[i] = true;
			marked++;
		}
	return marked;
}

int ksyms_traceable(const char *root, const char *const *names, bool *found, size_t n, char *why,
		    size_t len)
{
	static const char *const mounts[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	char path[256], line[LINE_SIZE];
	FILE *f = NULL;
	size_t left = n, i;
	int err = 0;

	memset(found, 0, n * sizeof(*found));
	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]) && !f; i++) {
		snprintf(path, sizeof(path), "%s%s/available_filter_functions", root, mounts[i]);
		f = fopen(path, "re");
		/* A missing mount must not hide that the other one is there but forbidden. */
		if (!f && (!err || errno != ENOENT))
			err = -errno;
	}
	if (!f) {
		snprintf(why, len, "cannot read available_filter_functions: %s%s", strerror(-err),
			 err == -ENOENT ? " (mount tracefs at /sys/kernel/tracing)" : "");
		return err;
	}
	while (left && fgets(line, sizeof(line), f))
		left -= mark_traceable(line, names, found, n);
	err = ferror(f) ? -EIO : 0;
	fclose(f);
	if (err)
		snprintf(why, len, "cannot read available_filter_functions: %s", strerror(EIO));
	return err;
}
