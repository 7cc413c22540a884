// SPDX-License-Identifier: GPL-2.0
/* Names of a binary's functions, copied from a file that nobody has reason to trust. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dmasync/elfsyms.h"
#include "dmasync/stack.h"

#define SEGMENTS_MAX 64
#define FUNCTIONS_MIN 256
#define TEXT_MIN 4096

struct function {
	__u64 start, end; /* as in the file's symbols; end 0: unknown */
	__u32 name;	  /* position in the text */
};

/* Addresses in a file's symbols are those of its segments. */
struct segment {
	__u64 offset, size, addr;
};

struct elfsyms {
	struct function *functions; /* by start */
	size_t n, cap;
	char *text;
	size_t text_len, text_cap;
	size_t room;
	struct segment segments[SEGMENTS_MAX];
	unsigned int n_segments;
};

size_t elfsyms_bytes(const struct elfsyms *e)
{
	return sizeof(*e) + e->cap * sizeof(*e->functions) + e->text_cap;
}

int elfsyms_pin(const char *path, struct elfsyms_id *id)
{
	int fd = open(path, O_PATH | O_CLOEXEC), err;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		err = S_ISREG(st.st_mode) ? -errno : -ENOEXEC;
		close(fd);
		return err;
	}
	*id = (struct elfsyms_id){
		.dev = st.st_dev,
		.inode = st.st_ino,
		.size = st.st_size,
		.mtime_ns = st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec,
		.ctime_ns = st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec,
	};
	return fd;
}

/* Room in *@array for @more elements; false: out of memory, or of what may be kept. */
static bool reserve(struct elfsyms *e, void **array, size_t size, size_t n, size_t more,
		    size_t *cap)
{
	size_t want = *cap;
	void *grown;

	if (n + more <= want)
		return true;
	want *= 2;
	if (elfsyms_bytes(e) + (want - *cap) * size > e->room)
		return false;
	grown = reallocarray(*array, want, size);
	if (!grown)
		return false;
	*array = grown;
	*cap = want;
	return true;
}

static bool add_function(struct elfsyms *e, const GElf_Sym *sym, const char *name, size_t len)
{
	if (!reserve(e, (void **)&e->functions, sizeof(*e->functions), e->n, 1, &e->cap) ||
	    !reserve(e, (void **)&e->text, 1, e->text_len, len + 1, &e->text_cap))
		return false;
	e->functions[e->n++] = (struct function){
		.start = sym->st_value,
		.end = sym->st_size ? sym->st_value + sym->st_size : 0,
		.name = e->text_len,
	};
	memcpy(e->text + e->text_len, name, len);
	e->text[e->text_len + len] = '\0';
	e->text_len += len + 1;
	return true;
}

/* Data of @section; NULL: it is too large, or not in the file. */
static Elf_Data *section_data(Elf_Scn *section)
{
	GElf_Shdr header;
	Elf_Data *data;

	if (!section || !gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS ||
	    header.sh_size > ELFSYMS_TABLE_MAX)
		return NULL;
	data = elf_getdata(section, NULL);
	return data && data->d_buf && data->d_size ? data : NULL;
}

/* Adds the functions of the symbol table @section, whose names are in section @names. */
static void read_table(struct elfsyms *e, Elf *elf, Elf_Scn *section, size_t names)
{
	Elf_Data *data = section_data(section), *text = section_data(elf_getscn(elf, names));
	size_t entry = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT), n, i;
	GElf_Sym sym;

	if (!data || data->d_type != ELF_T_SYM || !text || !entry)
		return;
	n = data->d_size / entry;
	for (i = 0; i < n && gelf_getsym(data, i, &sym); i++) {
		const char *name;
		size_t left, len;

		if (sym.st_shndx == SHN_UNDEF || !sym.st_value || sym.st_name >= text->d_size ||
		    GELF_ST_TYPE(sym.st_info) != STT_FUNC)
			continue;
		name = (const char *)text->d_buf + sym.st_name;
		left = text->d_size - sym.st_name;
		len = strnlen(name, left < FRAME_NAME_LEN ? left : FRAME_NAME_LEN - 1);
		if (len && !add_function(e, &sym, name, len))
			return;
	}
}

/* The first table of each type: linkers make no second one. */
static void read_tables(struct elfsyms *e, Elf *elf)
{
	bool symtab = false, dynsym = false;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		bool *seen;

		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM)
			continue;
		seen = header.sh_type == SHT_SYMTAB ? &symtab : &dynsym;
		if (!*seen)
			read_table(e, elf, section, header.sh_link);
		*seen = true;
	}
}

static void read_segments(struct elfsyms *e, Elf *elf)
{
	size_t n = 0;
	GElf_Phdr ph;

	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n && e->n_segments < SEGMENTS_MAX; i++)
		if (gelf_getphdr(elf, i, &ph) && ph.p_type == PT_LOAD)
			e->segments[e->n_segments++] = (struct segment){
				.offset = ph.p_offset,
				.size = ph.p_filesz,
				.addr = ph.p_vaddr,
			};
}

static int by_start(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/*
 * libelf takes memory for every section and segment that a file says it has: with extended
 * numbering that can be as many as fit in its size. The two cases look alike in both byte orders.
 */
static bool plain_header(int fd)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} h = { 0 };
	ssize_t got = pread(fd, &h, sizeof(h), 0);

	if (got < (ssize_t)sizeof(h.e32) || memcmp(h.ident, ELFMAG, SELFMAG))
		return false;
	if (h.ident[EI_CLASS] == ELFCLASS32)
		return h.e32.e_shnum && h.e32.e_phnum != PN_XNUM;
	return h.ident[EI_CLASS] == ELFCLASS64 && got == (ssize_t)sizeof(h) && h.e64.e_shnum &&
	       h.e64.e_phnum != PN_XNUM;
}

static struct elfsyms *read_file(int fd, size_t room)
{
	struct elfsyms *e = calloc(1, sizeof(*e));
	Elf *elf;

	if (!e)
		return NULL;
	e->room = room;
	e->cap = FUNCTIONS_MIN;
	e->text_cap = TEXT_MIN;
	e->functions = calloc(e->cap, sizeof(*e->functions));
	e->text = calloc(1, e->text_cap);
	elf_version(EV_CURRENT);
	/* Read and not mapped: a mapped file that shrinks is SIGBUS. */
	elf = e->functions && e->text ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
	if (!elf || elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		elfsyms_free(e);
		return NULL;
	}
	read_segments(e, elf);
	read_tables(e, elf);
	elf_end(elf);
	qsort(e->functions, e->n, sizeof(*e->functions), by_start);
	return e;
}

struct elfsyms *elfsyms_load(int pinned, size_t room)
{
	struct elfsyms *e = NULL;
	struct stat st;
	char link[32];
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", pinned);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (room > ELFSYMS_KEPT_MAX)
		room = ELFSYMS_KEPT_MAX;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && (__u64)st.st_size <= ELFSYMS_FILE_MAX &&
	    plain_header(fd))
		e = read_file(fd, room);
	close(fd);
	return e;
}

static __u64 symbol_address(const struct elfsyms *e, __u64 offset)
{
	for (unsigned int i = 0; i < e->n_segments; i++) {
		const struct segment *s = &e->segments[i];

		if (offset >= s->offset && offset - s->offset < s->size)
			return offset - s->offset + s->addr;
	}
	return offset;
}

const char *elfsyms_name(const struct elfsyms *e, __u64 offset)
{
	__u64 addr = symbol_address(e, offset);
	const struct function *f;
	size_t lo = 0, hi = e->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->functions[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	f = &e->functions[lo - 1];
	return !f->end || addr < f->end ? e->text + f->name : NULL;
}

void elfsyms_free(struct elfsyms *e)
{
	if (!e)
		return;
	free(e->functions);
	free(e->text);
	free(e);
}
