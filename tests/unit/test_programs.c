// SPDX-License-Identifier: GPL-2.0
/* The BPF objects as they are built, and what becomes of a kernel that refuses them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <gelf.h>
#include <bpf/libbpf.h>
#include <dmasync/storms.h>
#include "chain.skel.h"
#include "chain_extras.skel.h"
#include "dmasync.skel.h"
#include "extras.skel.h"
#include "extras_fsession.skel.h"
#include "fsession.skel.h"

/* In place of libbpf's: what the kernel says to a program. */
static int load_result;

int bpf_object__load(struct bpf_object *obj)
{
	return load_result;
}

/* Whether @elf's relocations of section @scn name the function @name. */
static unsigned int calls_in(Elf *elf, Elf_Scn *scn, const char *name)
{
	unsigned int n = 0;
	Elf_Data *data, *symbols;
	GElf_Shdr head, table;
	const char *is;
	Elf_Scn *link;
	GElf_Sym sym;
	GElf_Rel rel;

	gelf_getshdr(scn, &head);
	data = elf_getdata(scn, NULL);
	link = elf_getscn(elf, head.sh_link);
	symbols = elf_getdata(link, NULL);
	gelf_getshdr(link, &table);
	for (int i = 0; data && gelf_getrel(data, i, &rel); i++) {
		if (!gelf_getsym(symbols, GELF_R_SYM(rel.r_info), &sym))
			continue;
		is = elf_strptr(elf, table.sh_link, sym.st_name);
		n += is && !strcmp(is, name);
	}
	return n;
}

/* How often the programs of an object call its function @name, from wherever. */
static unsigned int calls_of(const void *bytes, size_t size, const char *name)
{
	unsigned int n = 0, seen = 0;
	Elf_Scn *scn = NULL;
	GElf_Shdr head;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)bytes, size);
	assert_non_null(elf);
	while ((scn = elf_nextscn(elf, scn))) {
		gelf_getshdr(scn, &head);
		if (head.sh_type != SHT_REL)
			continue;
		seen++;
		n += calls_in(elf, scn, name);
	}
	assert_true(seen > 2);
	elf_end(elf);
	return n;
}

/* What happens around the DMA API is in no process's sums, and no run: it must not take room. */
static void chain_leaves_processes_alone(void **state)
{
	const void *chain, *chain_extras, *calls;
	size_t chain_size, chain_extras_size, calls_size;

	chain = chain_bpf__elf_bytes(&chain_size);
	chain_extras = chain_extras_bpf__elf_bytes(&chain_extras_size);
	calls = dmasync_bpf__elf_bytes(&calls_size);
	assert_int_not_equal(calls_of(calls, calls_size, "proc_add"), 0);
	assert_int_not_equal(calls_of(chain, chain_size, "row_add_far"), 0);
	assert_int_equal(calls_of(chain, chain_size, "proc_add"), 0);
	assert_int_equal(calls_of(chain, chain_size, "storm_add"), 0);
	assert_int_equal(calls_of(chain_extras, chain_extras_size, "proc_add"), 0);
	assert_int_equal(calls_of(chain_extras, chain_extras_size, "storm_add"), 0);
}

/* The verifier looks at every function that a program may call, also at those that it does not. */
static void extras_are_apart(void **state)
{
	const void *plain, *fsession, *extras, *extras_fsession;
	size_t plain_size, fsession_size, extras_size, extras_fsession_size;

	plain = dmasync_bpf__elf_bytes(&plain_size);
	fsession = fsession_bpf__elf_bytes(&fsession_size);
	extras = extras_bpf__elf_bytes(&extras_size);
	extras_fsession = extras_fsession_bpf__elf_bytes(&extras_fsession_size);
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "stack_add" : "storm_add";

		assert_int_equal(calls_of(plain, plain_size, name), 0);
		assert_int_equal(calls_of(fsession, fsession_size, name), 0);
		assert_int_not_equal(calls_of(extras, extras_size, name), 0);
		assert_int_not_equal(calls_of(extras_fsession, extras_fsession_size, name), 0);
	}
}

static int opened(int result)
{
	struct attachment at = { .state_map = -1, .storm_cpus = -1, .storm_tasks = -1 };
	struct attach_config cfg = { .storms = true, .cpus = 1, .max_rows = 64 };
	struct storms *s = NULL;

	load_result = result;
	return storms_open(&at, &cfg, &s);
}

/* A kernel that does not take the programs is one where it is not possible: exit status 3. */
static void refused_is_unsupported(void **state)
{
	assert_int_equal(opened(-EACCES), -EOPNOTSUPP);
	assert_int_equal(opened(-EINVAL), -EOPNOTSUPP);
	assert_int_equal(opened(-E2BIG), -EOPNOTSUPP);
	assert_int_equal(opened(-EPERM), -EPERM);
	assert_int_equal(opened(-ENOMEM), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_leaves_processes_alone),
		cmocka_unit_test(extras_are_apart),
		cmocka_unit_test(refused_is_unsupported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
