// SPDX-License-Identifier: GPL-2.0
/* Names for addresses of user space: from the maps of processes and the symbols of binaries. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dmasync/elfsyms.h"
#include "dmasync/usersyms.h"

#define MAPPINGS_MAX 1024	 /* executable ones of a process; the rest is left out */
#define ALL_MAPPINGS_MAX 65536	 /* of all processes */
#define NAMES_MAX (256ULL << 20) /* bytes of the names of all binaries */
#define BINARIES_MAX 4096
#define UNUSED_MAX 64 /* calls of usersyms_refresh() before a process is forgotten */

struct binary {
	struct binary *next;
	unsigned int users;
	struct elfsyms_id id;
	struct elfsyms *symbols; /* NULL: it has none that can be read */
};

/* One executable mapping. */
struct mapping {
	__u64 start, end, offset;
	struct binary *binary; /* NULL: no file, or none to be opened */
	char name[64];	       /* of the file without its directories, "[vdso]", "" */
};

struct process {
	struct process *next;
	__u32 tgid;
	__u32 version;
	unsigned int unused; /* calls of usersyms_refresh() since it was looked up */
	bool stale;
	struct mapping *maps;
	size_t n;
};

struct usersyms {
	struct process *processes;
	struct binary *binaries;
	size_t n_mappings, n_binaries;
	size_t bytes;  /* of names */
	__u32 version; /* of the process that changed last */
};

struct usersyms *usersyms_new(void)
{
	return calloc(1, sizeof(struct usersyms));
}

/* Frees the binaries that no mapping uses any more. */
static void drop_binaries(struct usersyms *u)
{
	struct binary **at = &u->binaries, *b;

	while ((b = *at)) {
		if (b->users) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		u->n_binaries--;
		if (b->symbols)
			u->bytes -= elfsyms_bytes(b->symbols);
		elfsyms_free(b->symbols);
		free(b);
	}
}

static void free_maps(struct usersyms *u, struct mapping *maps, size_t n)
{
	u->n_mappings -= n;
	for (size_t i = 0; i < n; i++)
		if (maps[i].binary)
			maps[i].binary->users--;
	free(maps);
}

static struct binary *add_binary(struct usersyms *u, const struct elfsyms_id *id, int fd)
{
	struct binary *b = u->n_binaries < BINARIES_MAX ? calloc(1, sizeof(*b)) : NULL;

	if (!b)
		return NULL;
	b->id = *id;
	b->symbols = elfsyms_load(fd, u->bytes < NAMES_MAX ? NAMES_MAX - u->bytes : 0);
	if (b->symbols)
		u->bytes += elfsyms_bytes(b->symbols);
	b->next = u->binaries;
	u->binaries = b;
	u->n_binaries++;
	return b;
}

/*
 * The file mapped at @start to @end, by the kernel's own link to it: what a path leads to is up to
 * the process, which may have another root, and the file may have been deleted.
 */
static struct binary *find_binary(struct usersyms *u, __u32 tgid, __u64 start, __u64 end)
{
	struct elfsyms_id id;
	struct binary *b;
	char link[96];
	int fd;

	snprintf(link, sizeof(link), "/proc/%u/map_files/%llx-%llx", tgid,
		 (unsigned long long)start, (unsigned long long)end);
	fd = elfsyms_pin(link, &id);
	if (fd < 0)
		return NULL;
	for (b = u->binaries; b && memcmp(&b->id, &id, sizeof(id)); b = b->next)
		;
	b = b ?: add_binary(u, &id, fd);
	close(fd);
	return b;
}

/* "7f1c000-7f1d000 r-xp 00001000 fd:01 1234    /usr/lib/libc.so.6" */
static void add_mapping(struct usersyms *u, struct process *p, const char *line)
{
	unsigned long long start, end, offset, inode;
	struct mapping *more, *m;
	const char *name;
	char access[8];
	int at = 0;

	if (sscanf(line, "%llx-%llx %7s %llx %*x:%*x %llu %n", &start, &end, access, &offset,
		   &inode, &at) < 5 ||
	    access[2] != 'x' || p->n == MAPPINGS_MAX || u->n_mappings == ALL_MAPPINGS_MAX)
		return;
	more = reallocarray(p->maps, p->n + 1, sizeof(*more));
	if (!more)
		return;
	p->maps = more;
	m = &p->maps[p->n++];
	u->n_mappings++;
	*m = (struct mapping){ .start = start, .end = end, .offset = offset };
	name = at ? line + at : "";
	if (inode && strrchr(name, '/'))
		name = strrchr(name, '/') + 1;
	snprintf(m->name, sizeof(m->name), "%.*s", (int)strcspn(name, inode ? " \n" : "\n"), name);
	if (inode)
		m->binary = find_binary(u, p->tgid, start, end);
	if (m->binary)
		m->binary->users++;
}

static struct process *find_process(const struct usersyms *u, __u32 tgid)
{
	struct process *p;

	for (p = u->processes; p && p->tgid != tgid; p = p->next)
		;
	return p;
}

static struct process *add_process(struct usersyms *u, __u32 tgid)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->tgid = tgid;
	p->next = u->processes;
	u->processes = p;
	return p;
}

static void read_maps(struct usersyms *u, struct process *p)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", p->tgid);
	f = fopen(path, "re");
	while (f && getline(&line, &size, f) > 0)
		add_mapping(u, p, line);
	free(line);
	if (f)
		fclose(f);
}

static bool same_maps(const struct process *a, const struct process *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct mapping *x = &a->maps[i], *y = &b->maps[i];

		if (x->start != y->start || x->end != y->end || x->offset != y->offset ||
		    x->binary != y->binary || strcmp(x->name, y->name))
			return false;
	}
	return true;
}

__u32 usersyms_process(struct usersyms *u, __u32 tgid)
{
	struct process *p = find_process(u, tgid), fresh = { .tgid = tgid };

	if (p && !p->stale) {
		p->unused = 0;
		return p->version;
	}
	read_maps(u, &fresh);
	p = p ?: add_process(u, tgid);
	if (!p) {
		free_maps(u, fresh.maps, fresh.n);
		return 0;
	}
	p->stale = false;
	p->unused = 0;
	/* A process that ended since keeps what it had. */
	if (fresh.n && !same_maps(p, &fresh)) {
		free_maps(u, p->maps, p->n);
		p->maps = fresh.maps;
		p->n = fresh.n;
		p->version = ++u->version ?: ++u->version;
	} else {
		free_maps(u, fresh.maps, fresh.n);
	}
	drop_binaries(u);
	return p->version;
}

/* Names go to terminals, and into JSON: what a file's author chose must do no harm there. */
static void make_plain(char *name)
{
	for (; *name; name++)
		if (*name < ' ' || *name > '~')
			*name = '?';
}

const char *usersyms_name(struct usersyms *u, __u32 tgid, __u64 addr, char *buf, size_t len)
{
	const struct process *p = find_process(u, tgid);
	size_t i;

	for (i = 0; p && i < p->n; i++) {
		const struct mapping *m = &p->maps[i];
		const struct binary *b = m->binary;
		const char *name = NULL;

		if (addr < m->start || addr >= m->end)
			continue;
		if (b && b->symbols)
			name = elfsyms_name(b->symbols, addr - m->start + m->offset);
		if (name)
			snprintf(buf, len, "%s", name);
		else
			snprintf(buf, len, "%s+?", m->name[0] ? m->name : "[jit]");
		make_plain(buf);
		return buf;
	}
	return NULL;
}

void usersyms_refresh(struct usersyms *u)
{
	struct process **at = &u->processes, *p;

	while ((p = *at)) {
		p->stale = true;
		if (p->unused++ < UNUSED_MAX) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		free_maps(u, p->maps, p->n);
		free(p);
	}
	drop_binaries(u);
}

void usersyms_free(struct usersyms *u)
{
	struct process *p, *next;

	if (!u)
		return;
	for (p = u->processes; p; p = next) {
		next = p->next;
		free_maps(u, p->maps, p->n);
		free(p);
	}
	drop_binaries(u);
	free(u);
}
