// SPDX-License-Identifier: GPL-2.0
/* Looks kernel symbols up without keeping the kernel's symbol table in memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dmasync/ksyms.h"

#define LINE_SIZE 1024 /* KSYM_NAME_LEN is 512 since Linux 6.1, plus address, type and module */

/* State of one pass. */
struct scan {
	struct ksym **sorted; /* by name */
	size_t n;
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

static void scan_symbol(struct scan *scan, __u64 addr, char *name)
{
	struct ksym *sym;
	char *dot;

	scan->lines++;
	scan->any_addr |= addr != 0;
	if (scan->open && addr > scan->open)
		scan_close(scan, addr);
	sym = scan_lookup(scan, name);
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

/* Lines are "ffff800080010000 T name" and, for modules, "... T name\t[module]". */
static void scan_file(struct scan *scan, FILE *f)
{
	char line[LINE_SIZE], *end, *name;
	__u64 addr;

	while (fgets(line, sizeof(line), f)) {
		addr = strtoull(line, &end, 16);
		if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ')
			continue;
		name = end + 3;
		end = name + strcspn(name, "\t\n");
		/* Modules come after the core kernel: nothing of interest is left. */
		if (*end == '\t')
			break;
		*end = '\0';
		scan_symbol(scan, addr, name);
	}
}

int ksyms_find(const char *path, struct ksym *syms, size_t n, char *why, size_t len)
{
	struct scan scan = {.n = n};
	FILE *f;
	size_t i;
	int err;

	scan.sorted = calloc(n ? n : 1, sizeof(*scan.sorted));
	if (!scan.sorted) {
		snprintf(why, len, "out of memory");
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		syms[i] = (struct ksym){.name = syms[i].name};
		scan.sorted[i] = &syms[i];
	}
	qsort(scan.sorted, n, sizeof(*scan.sorted), by_name);
	f = fopen(path, "re");
	if (!f) {
		err = -errno;
		snprintf(why, len, "cannot read %s: %s%s", path, strerror(-err),
			 err == -ENOENT ? " (kernel without CONFIG_KALLSYMS)" : "");
		goto out;
	}
	scan_file(&scan, f);
	scan_share(&scan);
	err = ferror(f) ? -EIO : KSYMS_FULL;
	fclose(f);
	if (err) {
		snprintf(why, len, "cannot read %s: %s", path, strerror(EIO));
	} else if (!scan.lines) {
		snprintf(why, len, "%s is empty", path);
		err = -ENODATA;
	} else if (!scan.any_addr) {
		snprintf(why, len,
			 "%s hides addresses: run as root with kernel.kptr_restrict below 2", path);
		err = KSYMS_HIDDEN;
	}
out:
	free(scan.sorted);
	return err;
}

/* Marks the name of @line, "name" or "name [module]" or "name+0x..", in @found. */
static void mark_traceable(char *line, const char *const *names, bool *found, size_t n)
{
	size_t i;

	line[strcspn(line, " \t\n")] = '\0';
	for (i = 0; i < n; i++)
		if (line[0] == names[i][0] && !strcmp(line, names[i]))
			found[i] = true;
}

int ksyms_traceable(const char *root, const char *const *names, bool *found, size_t n, char *why,
		    size_t len)
{
	static const char *const mounts[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	char path[256], line[LINE_SIZE];
	FILE *f = NULL;
	size_t i;
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
	while (fgets(line, sizeof(line), f))
		mark_traceable(line, names, found, n);
	err = ferror(f) ? -EIO : 0;
	fclose(f);
	if (err)
		snprintf(why, len, "cannot read available_filter_functions: %s", strerror(EIO));
	return err;
}
