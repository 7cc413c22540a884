// SPDX-License-Identifier: GPL-2.0
/* Names for addresses of user space: from the maps of processes and the symbols of binaries. */
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dmasync/usersyms.h"

struct function {
	__u64 start, end; /* as in the file's symbols; end 0: unknown */
	const char *name; /* in the file, which stays mapped */
};

struct binary {
	struct binary *next;
	__u64 dev, inode;
	char name[64]; /* last part of its path */
	Elf *elf;
	struct function *functions; /* by start */
	size_t n;
};

/* One executable mapping. */
struct mapping {
	__u64 start, end, offset;
	struct binary *binary; /* NULL: no file */
	char name[64];	       /* then: "[vdso]", "" */
};

struct process {
	struct process *next;
	__u32 tgid;
	bool stale;
	struct mapping *maps;
	size_t n;
};

struct usersyms {
	struct process *processes;
	struct binary *binaries;
};

struct usersyms *usersyms_new(void)
{
	elf_version(EV_CURRENT);
	return calloc(1, sizeof(struct usersyms));
}

static int by_start(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Appends the functions of symbol table @section. */
static void read_section(struct binary *b, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = header->sh_entsize ? header->sh_size / header->sh_entsize : 0, i;
	struct function *more = reallocarray(b->functions, b->n + n + 1, sizeof(*more));

	if (!data || !more)
		return;
	b->functions = more;
	for (i = 0; i < n && i < INT_MAX; i++) {
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, i, &sym) || sym.st_shndx == SHN_UNDEF || !sym.st_value ||
		    GELF_ST_TYPE(sym.st_info) != STT_FUNC)
			continue;
		name = elf_strptr(b->elf, header->sh_link, sym.st_name);
		if (!name || !*name)
			continue;
		b->functions[b->n++] = (struct function){
			.start = sym.st_value,
			.end = sym.st_size ? sym.st_value + sym.st_size : 0,
			.name = name,
		};
	}
}

static void read_functions(struct binary *b)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(b->elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM)
			read_section(b, section, &header);
	}
	if (b->n)
		qsort(b->functions, b->n, sizeof(*b->functions), by_start);
}

/* The process may have another root, and the file may have been deleted: its link still opens. */
static void open_binary(struct binary *b, __u32 tgid, const char *range, const char *path)
{
	char link[PATH_MAX];
	int fd;

	snprintf(link, sizeof(link), "/proc/%u/map_files/%s", tgid, range);
	fd = open(link, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(link, sizeof(link), "/proc/%u/root%s", tgid, path);
		fd = open(link, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return;
	b->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (b->elf && elf_kind(b->elf) == ELF_K_ELF)
		read_functions(b);
	if (b->elf)
		elf_cntl(b->elf, ELF_C_FDREAD);
	close(fd);
}

static struct binary *find_binary(struct usersyms *u, __u32 tgid, const char *range, __u64 dev,
				  __u64 inode, const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	struct binary *b;

	for (b = u->binaries; b; b = b->next)
		if (b->dev == dev && b->inode == inode)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->dev = dev;
	b->inode = inode;
	snprintf(b->name, sizeof(b->name), "%.*s", (int)strcspn(name, " "), name);
	open_binary(b, tgid, range, path);
	b->next = u->binaries;
	u->binaries = b;
	return b;
}

/* "7f1c000-7f1d000 r-xp 00001000 fd:01 1234    /usr/lib/libc.so.6" */
static void add_mapping(struct usersyms *u, struct process *p, char *line)
{
	unsigned long long start, end, offset, major, minor, inode;
	char range[64], access[8];
	struct mapping *more, *m;
	int at = 0;

	if (sscanf(line, "%63s %7s %llx %llx:%llx %llu %n", range, access, &offset, &major, &minor,
		   &inode, &at) < 6 ||
	    access[2] != 'x' || sscanf(range, "%llx-%llx", &start, &end) != 2)
		return;
	line[strcspn(line, "\n")] = '\0';
	more = reallocarray(p->maps, p->n + 1, sizeof(*more));
	if (!more)
		return;
	p->maps = more;
	m = &p->maps[p->n++];
	*m = (struct mapping){ .start = start, .end = end, .offset = offset };
	snprintf(m->name, sizeof(m->name), "%s", at ? line + at : "");
	if (inode)
		m->binary = find_binary(u, p->tgid, range, major << 32 | minor, inode, line + at);
}

static struct process *find_process(const struct usersyms *u, __u32 tgid)
{
	struct process *p;

	for (p = u->processes; p && p->tgid != tgid; p = p->next)
		;
	return p;
}

bool usersyms_process(struct usersyms *u, __u32 tgid)
{
	struct process *p = find_process(u, tgid), fresh = { .tgid = tgid };
	char path[64], line[PATH_MAX + 128];
	FILE *f;

	if (p && !p->stale)
		return p->n;
	snprintf(path, sizeof(path), "/proc/%u/maps", tgid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		add_mapping(u, &fresh, line);
	if (f)
		fclose(f);
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p) {
			free(fresh.maps);
			return false;
		}
		p->tgid = tgid;
		p->next = u->processes;
		u->processes = p;
	}
	p->stale = false;
	/* A process that ended since keeps what it had. */
	if (fresh.n) {
		free(p->maps);
		p->maps = fresh.maps;
		p->n = fresh.n;
	}
	return p->n;
}

/* Addresses in a file's symbols are those of its segments. */
static __u64 symbol_address(const struct binary *b, __u64 offset)
{
	size_t n = 0, i;
	GElf_Phdr ph;

	elf_getphdrnum(b->elf, &n);
	for (i = 0; i < n; i++) {
		if (!gelf_getphdr(b->elf, i, &ph) || ph.p_type != PT_LOAD)
			continue;
		if (offset >= ph.p_offset && offset - ph.p_offset < ph.p_filesz)
			return offset - ph.p_offset + ph.p_vaddr;
	}
	return offset;
}

static const char *function_name(const struct binary *b, __u64 addr)
{
	const struct function *f;
	size_t lo = 0, hi = b->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->functions[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	f = &b->functions[lo - 1];
	return !f->end || addr < f->end ? f->name : NULL;
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
		if (b && b->elf)
			name = function_name(b, symbol_address(b, addr - m->start + m->offset));
		if (name)
			snprintf(buf, len, "%s", name);
		else
			snprintf(buf, len, "%s+?", b ? b->name : m->name[0] ? m->name : "[jit]");
		return buf;
	}
	return NULL;
}

void usersyms_refresh(struct usersyms *u)
{
	struct process *p;

	for (p = u->processes; p; p = p->next)
		p->stale = true;
}

void usersyms_free(struct usersyms *u)
{
	struct process *p, *next_p;
	struct binary *b, *next_b;

	for (p = u ? u->processes : NULL; p; p = next_p) {
		next_p = p->next;
		free(p->maps);
		free(p);
	}
	for (b = u ? u->binaries : NULL; b; b = next_b) {
		next_b = b->next;
		free(b->functions);
		if (b->elf)
			elf_end(b->elf);
		free(b);
	}
	free(u);
}
