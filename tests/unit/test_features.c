// SPDX-License-Identifier: GPL-2.0
/* Kernel flavour, calls and barrier sites, read from a made-up kernel; and the core file reader. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "dmasync/features.h"
#include "dmasync/kcore.h"

#define TEXT 0xffff800080010000ULL
#define NOP 0xd503201f
#define RET 0xd65f03c0
#define DSB_SY 0xd5033f9f
#define DSB_ISH 0xd5033b9f
#define DSB_ST 0xd5033e9f
#define BRK_KPROBE 0xd4200080

static char dir[] = "/tmp/test_features.XXXXXX";
static char symbols[64], core[64];
static struct feature_source src;

/* Instruction i of the made-up text lies at TEXT + 4 * i; each function has 16 of them. */
static __u32 text[16 * 16];

static __u32 bl(int from, int to)
{
	return 0x94000000 | ((to - from) & 0x3ffffff);
}

static void write_core(void)
{
	Elf64_Ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			  .e_phoff = sizeof(eh),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 2 };
	Elf64_Phdr ph[2] = { { .p_type = PT_NOTE, .p_vaddr = TEXT, .p_memsz = sizeof(text) },
			     { .p_type = PT_LOAD,
			       .p_vaddr = TEXT,
			       .p_memsz = sizeof(text),
			       .p_offset = sizeof(eh) + sizeof(ph) } };
	FILE *f = fopen(core, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(&eh, sizeof(eh), 1, f), 1);
	assert_int_equal(fwrite(ph, sizeof(ph), 1, f), 1);
	assert_int_equal(fwrite(text, sizeof(text), 1, f), 1);
	fclose(f);
}

/* Writes a table with @names at one function each, and the core. */
static void write_kernel(const char *const *names, size_t n)
{
	FILE *f = fopen(symbols, "w");
	size_t i;

	assert_non_null(f);
	for (i = 0; i < n; i++)
		fprintf(f, "%llx T %s\n", TEXT + i * 64, names[i]);
	fprintf(f, "%llx T _etext\n", TEXT + n * 64);
	fclose(f);
	write_core();
}

static int setup(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(text) / 4; i++)
		text[i] = i % 16 == 15 ? RET : NOP;
	src = (struct feature_source){ symbols, core, "aarch64" };
	return 0;
}

static const char *const upstream[] = { "arch_sync_dma_for_device",
					"dcache_clean_poc_nosync",
					"__dma_map_sg_attrs",
					"dma_map_sg_attrs",
					"dma_map_sgtable",
					"dma_direct_map_sg",
					"dma_map_phys",
					"dma_map_page_attrs" };

static void batched(void **state)
{
	struct features f;

	text[3 * 16 + 5] = bl(3 * 16 + 5, 2 * 16);
	text[4 * 16 + 9] = bl(4 * 16 + 9, 2 * 16);
	text[7 * 16 + 2] = bl(7 * 16 + 2, 6 * 16) & ~(1U << 31); /* tail call */
	text[5 * 16 + 4] = DSB_SY;
	text[5 * 16 + 6] = DSB_ISH;
	text[5 * 16 + 8] = DSB_ST;
	text[6 * 16 + 1] = DSB_SY;
	write_kernel(upstream, 8);
	features_read(&f, &src, true, NULL, 0);
	assert_string_equal(f.why, "");
	assert_int_equal(f.flavour, FLAVOUR_UPSTREAM_BATCHED);
	assert_int_equal(feature_map_sg_inner_complete(&f), ANSWER_YES);
	assert_int_equal(feature_map_phys_inner_complete(&f), ANSWER_YES);
	assert_int_equal(feature_unmap_phys_inner_complete(&f), ANSWER_NO);
	assert_true(f.sites_complete);
	assert_int_equal(f.n_sites, 3);
	assert_string_equal(f.sites[0].function, "dma_map_phys");
	assert_int_equal(f.sites[0].offset, 4);
	assert_string_equal(f.sites[1].function, "dma_direct_map_sg");
	assert_int_equal(f.sites[1].offset, 16);
	assert_int_equal(f.sites[1].option, A64_DSB_SY);
	assert_int_equal(f.sites[2].option, A64_DSB_ST);
	features_free(&f);
}

/* Without sites nothing else is missing, and a kernel that does not batch has none. */
static void no_sites(void **state)
{
	struct features f;

	text[5 * 16 + 4] = DSB_SY;
	write_kernel(upstream, 8);
	features_read(&f, &src, false, NULL, 0);
	assert_int_equal(f.flavour, FLAVOUR_UPSTREAM_BATCHED);
	assert_int_equal(feature_map_phys_inner_complete(&f), ANSWER_NO);
	assert_false(f.sites_complete);
	assert_int_equal(f.n_sites, 0);
	features_free(&f);
	text[0] = DSB_SY;
	write_kernel(upstream, 1);
	features_read(&f, &src, true, NULL, 0);
	assert_int_equal(f.flavour, FLAVOUR_PER_ENTRY);
	assert_true(f.sites_complete);
	assert_int_equal(f.n_sites, 0);
	features_free(&f);
}

static void inlined(void **state)
{
	struct features f;

	text[3 * 16 + 5] = bl(3 * 16 + 5, 2 * 16);
	write_kernel(upstream, 8);
	features_read(&f, &src, true, NULL, 0);
	assert_int_equal(feature_map_sg_inner_complete(&f), ANSWER_NO);
	features_free(&f);
}

static void flavours(void **state)
{
	const char *const ours[] = { "arch_sync_dma_for_device", "dcache_clean_poc_nosync",
				     "arch_sync_dma_batch_flush" };
	const char *const none[] = { "start_kernel" };
	struct features f;

	write_kernel(upstream, 1);
	features_read(&f, &src, true, NULL, 0);
	assert_int_equal(f.flavour, FLAVOUR_PER_ENTRY);
	features_free(&f);
	write_kernel(ours, 3);
	features_read(&f, &src, true, NULL, 0);
	assert_int_equal(f.flavour, FLAVOUR_DMASYNC_BATCHED);
	assert_true(f.flush_symbol);
	features_free(&f);
	write_kernel(none, 1);
	features_read(&f, &src, true, NULL, 0);
	assert_int_equal(f.flavour, FLAVOUR_NONE);
	features_free(&f);
	src.machine = "riscv64";
	write_kernel(upstream, 1);
	features_read(&f, &src, true, NULL, 0);
	assert_int_equal(f.flavour, FLAVOUR_NONE);
	features_free(&f);
}

static void unreadable(void **state)
{
	struct features f;
	FILE *out;

	src.kallsyms = "/nonexistent";
	features_read(&f, &src, true, NULL, 0);
	assert_int_equal(f.flavour, FLAVOUR_UNKNOWN);
	assert_int_equal(feature_map_sg_inner_complete(&f), ANSWER_UNKNOWN);
	assert_string_not_equal(f.why, "");
	features_free(&f);

	/* Names without addresses are enough for the flavour. */
	src.kallsyms = symbols;
	out = fopen(symbols, "w");
	fputs("0000000000000000 T arch_sync_dma_for_device\n", out);
	fclose(out);
	features_read(&f, &src, true, NULL, 0);
	assert_int_equal(f.flavour, FLAVOUR_PER_ENTRY);
	assert_false(f.sites_complete);
	assert_non_null(strstr(f.why, "kptr_restrict"));
	features_free(&f);

	write_kernel(upstream, 8);
	src.kcore = "/nonexistent";
	features_read(&f, &src, true, NULL, 0);
	assert_int_equal(f.flavour, FLAVOUR_UPSTREAM_BATCHED);
	assert_int_equal(feature_map_sg_inner_complete(&f), ANSWER_UNKNOWN);
	assert_non_null(strstr(f.why, "/nonexistent"));
	features_free(&f);
}

static void incomplete(void **state)
{
	const char *const clones[] = { "arch_sync_dma_for_device", "dcache_clean_poc_nosync",
				       "swiotlb_bounce", "swiotlb_bounce.part.0" };
	const char *const drivers[] = { "arch_sync_dma_for_device", "dcache_clean_poc_nosync",
					"dma_sync_single_for_cpu.constprop.0" };
	struct features f;

	text[5 * 16] = BRK_KPROBE; /* at the entry: nothing can be hidden there */
	write_kernel(upstream, 8);
	features_read(&f, &src, true, NULL, 0);
	assert_true(f.sites_complete);
	features_free(&f);

	text[5 * 16 + 7] = BRK_KPROBE;
	write_kernel(upstream, 8);
	features_read(&f, &src, true, NULL, 0);
	assert_false(f.sites_complete);
	assert_non_null(strstr(f.why, "dma_direct_map_sg"));
	features_free(&f);

	write_kernel(clones, 4);
	features_read(&f, &src, true, NULL, 0);
	assert_false(f.sites_complete);
	features_free(&f);
	write_kernel(drivers, 3);
	features_read(&f, &src, true, NULL, 0);
	assert_true(f.sites_complete);
	features_free(&f);
}

static void x86(void **state)
{
	unsigned char *at = (unsigned char *)&text[3 * 16] + 7;
	__s32 rel = 2 * 64 - (3 * 64 + 7 + 5);
	struct features f;

	at[0] = 0xe8;
	memcpy(at + 1, &rel, 4);
	at = (unsigned char *)&text[4 * 16] + 10;
	rel = 2 * 64 - (4 * 64 + 10 + 5);
	at[0] = 0xe9;
	memcpy(at + 1, &rel, 4);
	text[5 * 16 + 4] = DSB_SY;
	src.machine = "x86_64";
	write_kernel(upstream, 8);
	features_read(&f, &src, true, NULL, 0);
	assert_int_equal(f.flavour, FLAVOUR_NONE);
	assert_int_equal(feature_map_sg_inner_complete(&f), ANSWER_YES);
	assert_int_equal(f.n_sites, 0);
	features_free(&f);
}

static void reader(void **state)
{
	struct kcore *kc = NULL;
	char why[160] = "";
	__u32 word = 0;
	FILE *f;

	write_core();
	assert_int_equal(kcore_open(core, &kc, why, sizeof(why)), 0);
	assert_int_equal(kcore_read(kc, TEXT + 60, &word, 4), 0);
	assert_int_equal(word, RET);
	assert_int_equal(kcore_read(kc, TEXT + sizeof(text) - 4, &word, 4), 0);
	assert_int_equal(kcore_read(kc, TEXT + sizeof(text) - 2, &word, 4), -ENOENT);
	assert_int_equal(kcore_read(kc, TEXT - 4, &word, 4), -ENOENT);
	assert_int_equal(kcore_read(kc, 0, &word, 4), -ENOENT);
	kcore_close(kc);
	kcore_close(NULL);

	assert_int_equal(truncate(core, sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr) + 32), 0);
	assert_int_equal(kcore_open(core, &kc, why, sizeof(why)), 0);
	assert_int_equal(kcore_read(kc, TEXT + 60, &word, 4), -ENODATA);
	kcore_close(kc);
	assert_int_equal(truncate(core, sizeof(Elf64_Ehdr) + 10), 0);
	assert_int_equal(kcore_open(core, &kc, why, sizeof(why)), -ENODATA);
	f = fopen(core, "w");
	fprintf(f, "%0100d", 0);
	fclose(f);
	assert_int_equal(kcore_open(core, &kc, why, sizeof(why)), -ENOEXEC);
	assert_int_equal(kcore_open("/nonexistent", &kc, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "CONFIG_PROC_KCORE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(batched, setup),
		cmocka_unit_test_setup(no_sites, setup),
		cmocka_unit_test_setup(inlined, setup),
		cmocka_unit_test_setup(flavours, setup),
		cmocka_unit_test_setup(unreadable, setup),
		cmocka_unit_test_setup(incomplete, setup),
		cmocka_unit_test_setup(x86, setup),
		cmocka_unit_test_setup(reader, setup),
	};
	int failed;

	if (!mkdtemp(dir))
		return 1;
	snprintf(symbols, sizeof(symbols), "%s/kallsyms", dir);
	snprintf(core, sizeof(core), "%s/kcore", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(symbols);
	unlink(core);
	rmdir(dir);
	return failed;
}
