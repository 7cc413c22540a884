// SPDX-License-Identifier: GPL-2.0
/* Binaries get their names read whatever is in them, and whatever becomes of them. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <dmasync/elfsyms.h>

#define ROOM (1 << 24)

static char path[] = "/tmp/dmasync-elf-XXXXXX";
static unsigned char *own; /* this test's binary */
static size_t own_size;
static __u64 own_offset; /* of a_function_to_find() */

__attribute__((noinline)) int a_function_to_find(int x)
{
	return x * 3 + (int)own_size;
}

/* The first object is the program itself. */
static int find_offset(struct dl_phdr_info *info, size_t size, void *addr)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		__u64 at = (uintptr_t)addr - info->dlpi_addr - ph->p_vaddr;

		if (ph->p_type == PT_LOAD && at < ph->p_filesz)
			own_offset = ph->p_offset + at;
	}
	return 1;
}

static int setup(void **state)
{
	FILE *f = fopen("/proc/self/exe", "r");
	int fd = mkstemp(path);

	assert_non_null(f);
	assert_true(fd >= 0);
	close(fd);
	fseek(f, 0, SEEK_END);
	own_size = ftell(f);
	rewind(f);
	own = malloc(own_size);
	assert_int_equal(fread(own, 1, own_size, f), own_size);
	fclose(f);
	dl_iterate_phdr(find_offset, (void *)a_function_to_find);
	return own_offset ? 0 : -1;
}

static int teardown(void **state)
{
	free(own);
	return unlink(path);
}

static void put(const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static struct elfsyms *load(size_t room)
{
	struct elfsyms_id id;
	int fd = elfsyms_pin(path, &id);
	struct elfsyms *e;

	assert_true(fd >= 0);
	e = elfsyms_load(fd, room);
	close(fd);
	return e;
}

static void functions_have_names(void **state)
{
	struct elfsyms *e;

	put(own, own_size);
	e = load(ROOM);
	assert_non_null(e);
	assert_string_equal(elfsyms_name(e, own_offset + 1), "a_function_to_find");
	assert_null(elfsyms_name(e, 0));
	elfsyms_free(e);
}

static void truncated(void **state)
{
	struct elfsyms *e;

	for (size_t size = 0; size < own_size; size += own_size / 64 + 1) {
		put(own, size);
		e = load(ROOM);
		if (e)
			elfsyms_name(e, own_offset);
		elfsyms_free(e);
	}
	put(own, sizeof(Elf64_Ehdr) - 1);
	assert_null(load(ROOM));
	put("#!/bin/sh\n", 10);
	assert_null(load(ROOM));
}

/* An empty file under the descriptor, and one that shrinks once it was read. */
static void shrinking(void **state)
{
	struct elfsyms_id id;
	struct elfsyms *e;
	int fd;

	put(own, own_size);
	fd = elfsyms_pin(path, &id);
	assert_true(fd >= 0);
	e = elfsyms_load(fd, ROOM);
	assert_int_equal(truncate(path, 0), 0);
	assert_string_equal(elfsyms_name(e, own_offset), "a_function_to_find");
	elfsyms_free(e);
	assert_null(elfsyms_load(fd, ROOM));
	close(fd);
}

static void only_regular_files(void **state)
{
	char fifo[sizeof(path) + 5];
	struct elfsyms_id id;

	snprintf(fifo, sizeof(fifo), "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	alarm(20); /* opened as a FIFO it would wait for a writer */
	assert_int_equal(elfsyms_pin(fifo, &id), -ENOEXEC);
	alarm(0);
	unlink(fifo);
	assert_int_equal(elfsyms_pin("/dev/null", &id), -ENOEXEC);
	assert_int_equal(elfsyms_pin("/tmp", &id), -ENOEXEC);
	assert_int_equal(elfsyms_pin(fifo, &id), -ENOENT);
}

static void another_file_has_another_id(void **state)
{
	const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct elfsyms_id a, b;

	put("one", 3);
	close(elfsyms_pin(path, &a));
	close(elfsyms_pin(path, &b));
	assert_memory_equal(&a, &b, sizeof(a));
	put("three", 5);
	close(elfsyms_pin(path, &b));
	assert_int_not_equal(a.size, b.size);
	assert_int_equal(a.inode, b.inode);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	close(elfsyms_pin(path, &b));
	assert_int_equal(b.mtime_ns, 1000000000);
}

static void little_room(void **state)
{
	struct elfsyms *e;

	put(own, own_size);
	e = load(20000);
	assert_non_null(e);
	assert_in_range(elfsyms_bytes(e), 1, 20000);
	elfsyms_free(e);
}

/* Header of the first section of @type in @elf. */
static Elf64_Shdr *section(unsigned char *elf, __u32 type)
{
	Elf64_Ehdr *h = (Elf64_Ehdr *)elf;
	Elf64_Shdr *s = (Elf64_Shdr *)(elf + h->e_shoff);

	for (int i = 0; i < h->e_shnum; i++)
		if (s[i].sh_type == type)
			return &s[i];
	fail();
	return NULL;
}

static void load_and_look(const unsigned char *elf)
{
	struct elfsyms *e;

	put(elf, own_size);
	e = load(ROOM);
	if (e) {
		elfsyms_name(e, own_offset);
		elfsyms_name(e, ~0ULL);
		assert_in_range(elfsyms_bytes(e), 1, ROOM);
	}
	elfsyms_free(e);
}

static void hostile_tables(void **state)
{
	static const __u64 sizes[] = { 0, 1, 23, 1ULL << 26, 1ULL << 40, ~0ULL };
	unsigned char *elf = malloc(own_size);
	Elf64_Shdr *s;
	Elf64_Sym *sym;

	for (size_t i = 0; i < 6 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		__u64 value = sizes[i / 6];

		memcpy(elf, own, own_size);
		s = section(elf, SHT_SYMTAB);
		if (i % 6 == 0)
			s->sh_size = value;
		else if (i % 6 == 1)
			s->sh_entsize = value;
		else if (i % 6 == 2)
			s->sh_offset = value;
		else if (i % 6 == 3)
			s->sh_link = value;
		else if (i % 6 == 4)
			((Elf64_Shdr *)(elf + ((Elf64_Ehdr *)elf)->e_shoff))[s->sh_link].sh_size =
				value;
		else
			((Elf64_Ehdr *)elf)->e_shoff = value;
		load_and_look(elf);
	}
	/* Names that lie outside of their table, and a table that has no data. */
	memcpy(elf, own, own_size);
	s = section(elf, SHT_SYMTAB);
	sym = (Elf64_Sym *)(elf + s->sh_offset);
	for (size_t i = 0; i < s->sh_size / sizeof(*sym); i++)
		sym[i].st_name = ~0u - i;
	load_and_look(elf);
	((Elf64_Shdr *)(elf + ((Elf64_Ehdr *)elf)->e_shoff))[s->sh_link].sh_type = SHT_NOBITS;
	load_and_look(elf);
	free(elf);
}

/* Counts that libelf would take memory for. */
static void extended_numbering(void **state)
{
	unsigned char *elf = malloc(own_size);

	memcpy(elf, own, own_size);
	((Elf64_Ehdr *)elf)->e_shnum = 0;
	put(elf, own_size);
	assert_null(load(ROOM));
	memcpy(elf, own, own_size);
	((Elf64_Ehdr *)elf)->e_phnum = PN_XNUM;
	put(elf, own_size);
	assert_null(load(ROOM));
	free(elf);
}

static void random_bytes(void **state)
{
	unsigned char *elf = malloc(own_size);
	Elf64_Ehdr *h = (Elf64_Ehdr *)own;

	srand(1);
	for (int round = 0; round < 200; round++) {
		memcpy(elf, own, own_size);
		for (int i = 0; i < 8; i++) {
			elf[4 + rand() % 60] = rand();
			elf[h->e_shoff + rand() % (h->e_shnum * sizeof(Elf64_Shdr))] = rand();
			elf[h->e_phoff + rand() % (h->e_phnum * sizeof(Elf64_Phdr))] = rand();
			if (round % 2) /* half of them with a header that passes */
				memcpy(elf, own, sizeof(*h));
		}
		load_and_look(elf);
	}
	free(elf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_have_names),
		cmocka_unit_test(truncated),
		cmocka_unit_test(shrinking),
		cmocka_unit_test(only_regular_files),
		cmocka_unit_test(another_file_has_another_id),
		cmocka_unit_test(little_room),
		cmocka_unit_test(hostile_tables),
		cmocka_unit_test(extended_numbering),
		cmocka_unit_test(random_bytes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
