// SPDX-License-Identifier: GPL-2.0
/* Symbol look-up on written tables: sizes, aliases, duplicates, hidden addresses, modules. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "dmasync/ksym_filter.h"
#include "dmasync/ksyms.h"

static char path[] = "/tmp/test_ksyms.XXXXXX";

static void write_table(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static const char table[] = "ffff800080010000 T _stext\n"
			    "ffff800080010000 T alpha\n"
			    "ffff800080010000 t __pi_alpha\n"
			    "ffff800080010040 t twice\n"
			    "ffff800080010050 T beta\n"
			    "ffff800080010080 t gamma.constprop.0\n"
			    "ffff800080010090 t twice\n"
			    "ffff8000800100a0 T gamma\n"
			    "ffff8000800100c0 T last\n"
			    "ffff800000000000 t alpha\t[mod]\n"
			    "ffff800000000010 t only_mod\t[mod]\n";

static void find(void **state)
{
	struct ksym syms[] = { { .name = "beta" },  { .name = "alpha" },    { .name = "nothing" },
			       { .name = "twice" }, { .name = "only_mod" }, { .name = "gamma" },
			       { .name = "last" },  { .name = "alpha" } };
	char why[128] = "";

	write_table(table);
	assert_int_equal(ksyms_find(path, syms, 8, why, sizeof(why)), KSYMS_FULL);
	assert_string_equal(why, "");
	assert_true(syms[0].addr == 0xffff800080010050 && syms[0].size == 0x30);
	assert_true(syms[1].addr == 0xffff800080010000 && syms[1].size == 0x40);
	assert_int_equal(syms[1].seen, 1); /* the module's is another one */
	assert_false(syms[1].clones);
	assert_int_equal(syms[2].seen, 0);
	assert_int_equal(syms[3].seen, 2);
	assert_true(syms[3].addr == 0xffff800080010040 && syms[3].size == 0x10);
	assert_int_equal(syms[4].seen, 0);
	assert_true(syms[5].clones && syms[5].seen == 1 && syms[5].size == 0x20);
	assert_true(syms[6].seen == 1 && syms[6].size == 0);
	assert_true(syms[7].addr == syms[1].addr && syms[7].size == syms[1].size);
	assert_string_equal(syms[7].name, "alpha");
}

static void hidden(void **state)
{
	struct ksym syms[] = { { .name = "alpha" }, { .name = "beta" } };
	char why[128] = "";

	write_table("0000000000000000 T alpha\n0000000000000000 T other\n");
	assert_int_equal(ksyms_find(path, syms, 2, why, sizeof(why)), KSYMS_HIDDEN);
	assert_non_null(strstr(why, "kptr_restrict"));
	assert_int_equal(syms[0].seen, 1);
	assert_true(syms[0].addr == 0 && syms[0].size == 0);
	assert_int_equal(syms[1].seen, 0);
	assert_int_equal(ksyms_find(path, NULL, 0, why, sizeof(why)), KSYMS_HIDDEN);
}

static bool passes(const struct ksym_filter *filter, const char *line)
{
	const char *name = line + strlen("ffff800080010000 T ");
	unsigned int hash = 0;

	for (int i = 0; i < KSYM_PREFIX_LEN && name[i] != '\n' && name[i] != '.'; i++)
		hash = ksym_prefix_add(hash, name[i]);
	return filter->wanted[hash];
}

/* What the kernel leaves in, as bpf/ksym_iter.bpf.c has it, tells the same. */
static void sifted(void **state)
{
	struct ksym all[] = { { .name = "dma_map" }, { .name = "pte" }, { .name = "nothing" } };
	struct ksym few[] = { { .name = "dma_map" }, { .name = "pte" }, { .name = "nothing" } };
	static const char *const lines[] = {
		"ffff800080010000 T dma_map\n",	  "ffff800080010000 T _alias\n",
		"ffff800080010040 T other\n",	  "ffff800080010050 T behind\n",
		"ffff800080010060 t pte.cold\n",  "ffff800080010070 T pte\n",
		"ffff800080010090 T dma_map_x\n",
	};
	static const bool left[] = { true, false, true, false, true, true, true };
	struct ksym_filter filter;
	char text[512] = "", some[512] = "", why[128] = "";
	size_t n = sizeof(lines) / sizeof(lines[0]);

	ksyms_filter(all, 3, &filter);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(passes(&filter, lines[i]), i == 0 || i > 3);
		strcat(text, lines[i]);
		if (left[i])
			strcat(some, lines[i]);
	}
	write_table(text);
	assert_int_equal(ksyms_find(path, all, 3, why, sizeof(why)), KSYMS_FULL);
	write_table(some);
	assert_int_equal(ksyms_find(path, few, 3, why, sizeof(why)), KSYMS_FULL);
	for (size_t i = 0; i < 3; i++) {
		assert_true(all[i].addr == few[i].addr && all[i].size == few[i].size);
		assert_int_equal(all[i].seen, few[i].seen);
		assert_int_equal(all[i].clones, few[i].clones);
	}
	assert_true(all[0].size == 0x40 && all[1].clones && all[1].size == 0x20);
}

static void errors(void **state)
{
	struct ksym sym = { .name = "alpha" };
	char why[128] = "";

	assert_int_equal(ksyms_find("/nonexistent/k", &sym, 1, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "/nonexistent/k"));
	write_table("");
	assert_int_equal(ksyms_find(path, &sym, 1, why, sizeof(why)), -ENODATA);
	write_table("rubbish\nffff T\n\nffff800080010000 T alpha\nffff8000800");
	assert_int_equal(ksyms_find(path, &sym, 1, why, sizeof(why)), KSYMS_FULL);
	assert_int_equal(sym.seen, 1);
	assert_int_equal(ksyms_find(path, NULL, 0, why, sizeof(why)), KSYMS_FULL);
}

static void traceable(void **state)
{
	const char *const names[] = { "beta", "alpha", "bet" };
	char root[] = "/tmp/test_ksyms_root.XXXXXX", file[128], why[128] = "", cmd[256];
	bool found[3];
	FILE *f;

	assert_non_null(mkdtemp(root));
	assert_int_equal(ksyms_traceable(root, names, found, 3, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "tracefs"));
	snprintf(cmd, sizeof(cmd), "mkdir -p %s/sys/kernel/debug/tracing", root);
	assert_int_equal(system(cmd), 0);
	snprintf(file, sizeof(file), "%s/sys/kernel/debug/tracing/available_filter_functions",
		 root);
	f = fopen(file, "w");
	fputs("gamma\nbeta\nalpha [mod]\n", f);
	fclose(f);
	assert_int_equal(ksyms_traceable(root, names, found, 3, why, sizeof(why)), 0);
	assert_true(found[0] && found[1] && !found[2]);
	snprintf(cmd, sizeof(cmd), "rm -r %s", root);
	assert_int_equal(system(cmd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find),	  cmocka_unit_test(hidden),    cmocka_unit_test(sifted),
		cmocka_unit_test(errors), cmocka_unit_test(traceable),
	};
	int failed, fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
