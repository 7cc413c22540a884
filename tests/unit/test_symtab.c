// SPDX-License-Identifier: GPL-2.0
/* Addresses of kernel code and of user space get their names. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include <dmasync/symtab.h>
#include <dmasync/usersyms.h>

#define CORE                                                                                       \
	"ffff800080010000 t local_first\n"                                                         \
	"ffff800080010100 T __se_sys_call\n"                                                       \
	"ffff800080010100 T sys_call\n"                                                            \
	"ffff800080010100 t alias\n"                                                               \
	"ffff800080010180 d some_data\n"                                                           \
	"ffff800080010200 W weak\n"

#define AHCI                                                                                       \
	"ffff80007a000000 t ahci_probe\t[ahci]\n"                                                  \
	"ffff80007a000080 t ahci_start\t[ahci]\n"

static char kallsyms[] = "/tmp/dmasync-kallsyms-XXXXXX";
static char modules[] = "/tmp/dmasync-modules-XXXXXX";

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct symtab *load(const char *symbols, const char *mods)
{
	struct symtab *t;
	char why[128];

	put(kallsyms, symbols);
	put(modules, mods);
	assert_int_equal(symtab_load(kallsyms, modules, &t, why, sizeof(why)), 0);
	return t;
}

#define AHCI_LOADED                                                                                \
	"ahci 4096 0 - Live 0xffff80007a000000\nother 8192 1 ahci, Live 0xffff80007b000000\n"

static void names(void **state)
{
	struct symtab *t = load(CORE AHCI, AHCI_LOADED);
	char buf[64], small[8];

	assert_null(symtab_name(t, 0xffff800000000000, buf, sizeof(buf)));
	assert_string_equal(symtab_name(t, 0xffff800080010000, buf, sizeof(buf)), "local_first");
	assert_string_equal(symtab_name(t, 0xffff8000800100ff, buf, sizeof(buf)), "local_first");
	assert_string_equal(symtab_name(t, 0xffff800080010100, buf, sizeof(buf)), "sys_call");
	assert_string_equal(symtab_name(t, 0xffff800080010190, buf, sizeof(buf)), "sys_call");
	assert_string_equal(symtab_name(t, 0xffff800080010204, buf, sizeof(buf)), "weak");
	assert_null(symtab_name(t, 0xffff800090000000, buf, sizeof(buf)));
	assert_string_equal(symtab_name(t, 0xffff80007a000084, buf, sizeof(buf)),
			    "ahci_start [ahci]");
	assert_string_equal(symtab_name(t, 0xffff80007a000084, small, sizeof(small)), "ahci_st");
	/* Behind the module's end. */
	assert_null(symtab_name(t, 0xffff80007a001000, buf, sizeof(buf)));
	symtab_free(t);
}

/* Stacks of a driver's last calls are named when it may be gone already. */
static void unloaded_module(void **state)
{
	struct symtab *t = load(CORE AHCI, AHCI_LOADED);
	char buf[64];

	assert_false(symtab_refresh(t));
	put(kallsyms, CORE "ffff80007c000000 t nvme_probe\t[nvme]\n");
	put(modules, "nvme 4096 0 - Live 0xffff80007c000000\n");
	assert_true(symtab_refresh(t));
	assert_string_equal(symtab_name(t, 0xffff80007c000010, buf, sizeof(buf)),
			    "nvme_probe [nvme]");
	assert_string_equal(symtab_name(t, 0xffff80007a000010, buf, sizeof(buf)),
			    "ahci_probe [ahci]");
	assert_false(symtab_refresh(t));
	symtab_free(t);
}

static void programs(void **state)
{
	struct symtab *t = load(CORE "ffff80007d000000 t bpf_prog_1234_x\t[bpf]\n", "");
	char buf[64];

	assert_string_equal(symtab_name(t, 0xffff80007d000010, buf, sizeof(buf)),
			    "bpf_prog_1234_x [bpf]");
	assert_null(symtab_name(t, 0xffff80007d100000, buf, sizeof(buf)));
	symtab_free(t);
}

static void refused(void **state)
{
	struct symtab *t;
	char why[128];

	put(kallsyms, "0000000000000000 T hidden\n");
	assert_int_equal(symtab_load(kallsyms, modules, &t, why, sizeof(why)), -ENODATA);
	assert_non_null(strstr(why, "hides addresses"));
	put(kallsyms, "garbage\n\n\nffff\n zz T x\nffff80008001 T\nffff80008001 T \n");
	assert_int_equal(symtab_load(kallsyms, modules, &t, why, sizeof(why)), 0);
	symtab_free(t);
	assert_int_equal(symtab_load("/nowhere", modules, &t, why, sizeof(why)), -ENOENT);
}

/* Not static, so that it is among the symbols even if there are no local ones. */
__attribute__((noinline)) int a_function_to_find(int x)
{
	return x + 1;
}

static bool can_follow(void)
{
	bool can = false;
	char path[512];
	DIR *d = opendir("/proc/self/map_files");
	int fd;

	for (struct dirent *e = d ? readdir(d) : NULL; e && !can; e = readdir(d)) {
		snprintf(path, sizeof(path), "/proc/self/map_files/%s", e->d_name);
		fd = e->d_name[0] == '.' ? -1 : open(path, O_PATH);
		can = fd >= 0;
		if (can)
			close(fd);
	}
	if (d)
		closedir(d);
	return can;
}

static void this_process(void **state)
{
	struct usersyms *u = usersyms_new();
	__u32 version = usersyms_process(u, getpid());
	char buf[128];
	void *more;

	assert_int_not_equal(version, 0);
	/* Only root may follow the kernel's links to what is mapped. */
	assert_string_equal(usersyms_name(u, getpid(), (__u64)(uintptr_t)a_function_to_find + 1,
					  buf, sizeof(buf)),
			    can_follow() ? "a_function_to_find" : "test_symtab+?");
	assert_non_null(usersyms_name(u, getpid(), (__u64)(uintptr_t)fopen + 4, buf, sizeof(buf)));
	assert_null(usersyms_name(u, getpid(), 16, buf, sizeof(buf)));
	usersyms_refresh(u);
	assert_int_equal(usersyms_process(u, getpid()), version);
	more = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(more, MAP_FAILED);
	assert_int_equal(usersyms_process(u, getpid()), version);
	usersyms_refresh(u);
	assert_int_not_equal(usersyms_process(u, getpid()), version);
	assert_string_equal(usersyms_name(u, getpid(), (uintptr_t)more, buf, sizeof(buf)),
			    "[jit]+?");
	munmap(more, 4096);
	usersyms_free(u);
}

static void no_process(void **state)
{
	struct usersyms *u = usersyms_new();

	assert_false(usersyms_process(u, 0x7fffffff));
	usersyms_free(u);
}

static int make_files(void **state)
{
	int a = mkstemp(kallsyms), b = mkstemp(modules);

	close(a);
	close(b);
	return a < 0 || b < 0;
}

static int remove_files(void **state)
{
	return unlink(kallsyms) || unlink(modules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),	cmocka_unit_test(unloaded_module),
		cmocka_unit_test(programs),	cmocka_unit_test(refused),
		cmocka_unit_test(this_process), cmocka_unit_test(no_process),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
