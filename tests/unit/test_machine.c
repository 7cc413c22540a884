// SPDX-License-Identifier: GPL-2.0
/* Machines as directories of files: what is read of them, and what is left empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>
#include <dmasync/machine.h>

static char root[] = "/tmp/dmasync-machine-XXXXXX";

static void put(const char *path, const void *data, size_t len)
{
	char full[256], *slash;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

static void put_text(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

static void nothing(void **state)
{
	char buf[64] = "x";

	machine_build_id("/nowhere", buf, sizeof(buf));
	assert_string_equal(buf, "");
	machine_boot_id("/nowhere", buf, sizeof(buf));
	assert_string_equal(buf, "");
	machine_cpu_model("/nowhere", buf, sizeof(buf));
	assert_string_equal(buf, "");
	machine_governors("/nowhere", buf, sizeof(buf));
	assert_string_equal(buf, "");
}

static void build_id(void **state)
{
	/* A note of another owner with the same type before the one that counts. */
	static const unsigned char notes[] = {
		6,   0, 0, 0, 1,   0,	0,   0, 3,    0,    0,	  0,	'L', 'i', 'n', 'u',
		'x', 0, 0, 0, 9,   0,	0,   0, 4,    0,    0,	  0,	5,   0,	  0,   0,
		3,   0, 0, 0, 'G', 'N', 'U', 0, 0xde, 0xad, 0x00, 0x0f, 0x1, 0,	  0,   0,
	};
	char buf[65], small[6];

	put("/sys/kernel/notes", notes, sizeof(notes));
	machine_build_id(root, buf, sizeof(buf));
	assert_string_equal(buf, "dead000f01");
	machine_build_id(root, small, sizeof(small));
	assert_string_equal(small, "dead");
	for (size_t cut = 1; cut < sizeof(notes) - 20; cut++) {
		put("/sys/kernel/notes", notes, sizeof(notes) - 4 - cut);
		machine_build_id(root, buf, sizeof(buf));
		assert_string_equal(buf, "");
	}
}

static void boot_id(void **state)
{
	char buf[37];

	put_text("/proc/sys/kernel/random/boot_id", "9f0c5b2e-0a51-4d2b-8b68-0f3f8f4f1a11\n");
	machine_boot_id(root, buf, sizeof(buf));
	assert_string_equal(buf, "9f0c5b2e-0a51-4d2b-8b68-0f3f8f4f1a11");
}

static void cpus_of_arm64(void **state)
{
	char buf[128], small[16];

	put_text("/proc/cpuinfo",
		 "processor\t: 0\nBogoMIPS\t: 48.00\nCPU implementer\t: 0x41\n"
		 "CPU architecture: 8\nCPU variant\t: 0x2\nCPU part\t: 0xd05\n"
		 "CPU revision\t: 0\n\nprocessor\t: 1\nCPU implementer\t: 0x41\n"
		 "CPU part\t: 0xd0b\n\nCPU implementer\t: 0x41\nCPU part\t: 0xd05\n"
		 "\nCPU implementer\t: 0x61\nCPU part\t: 0x023\n");
	machine_cpu_model(root, buf, sizeof(buf));
	assert_string_equal(buf, "Cortex-A55 x2, Cortex-A76 x1, 0x61/0x023 x1");
	machine_cpu_model(root, small, sizeof(small));
	assert_string_equal(small, "Cortex-A55 x2, ");
}

static void cpus_of_x86(void **state)
{
	char buf[128];

	put_text("/proc/cpuinfo", "processor\t: 0\nmodel\t\t: 79\n"
				  "model name\t: Some CPU @ 2.20GHz\n\nprocessor\t: 1\n"
				  "model name\t: Some CPU @ 2.20GHz\n");
	machine_cpu_model(root, buf, sizeof(buf));
	assert_string_equal(buf, "Some CPU @ 2.20GHz x2");
}

/* A device tree ends its strings with a zero; DMI counts only where there is none. */
static void model(void **state)
{
	char buf[32];

	machine_model("/nowhere", buf, sizeof(buf));
	assert_string_equal(buf, "");
	put_text("/sys/class/dmi/id/product_name", "Standard PC\n");
	machine_model(root, buf, sizeof(buf));
	assert_string_equal(buf, "Standard PC");
	put("/sys/firmware/devicetree/base/model", "Radxa ROCK 5B+", sizeof("Radxa ROCK 5B+"));
	machine_model(root, buf, sizeof(buf));
	assert_string_equal(buf, "Radxa ROCK 5B+");
	machine_model(root, buf, 6);
	assert_string_equal(buf, "Radxa");
}

static void governors(void **state)
{
	char buf[64];

#define POLICY "/sys/devices/system/cpu/cpufreq/policy"
	put_text(POLICY "0/scaling_governor", "schedutil\n");
	put_text(POLICY "4/scaling_governor", "sched\n");
	put_text(POLICY "6/scaling_governor", "schedutil\n");
	machine_governors(root, buf, sizeof(buf));
	assert_string_equal(buf, "schedutil,sched");
}

static void cpu_numbers(void **state)
{
	static const struct {
		const char *possible;
		unsigned int numbers;
	} cases[] = {
		{ "0\n", 1 },	{ "0-7\n", 8 },	  { "0,2-3\n", 4 },
		{ "0,2\n", 3 }, { "0-1,4\n", 5 }, { "0-1,3-5,7\n", 8 },
	};

	assert_true(machine_cpu_numbers("/nowhere") >= 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_text("/sys/devices/system/cpu/possible", cases[i].possible);
		assert_int_equal(machine_cpu_numbers(root), cases[i].numbers);
	}
}

static int make_root(void **state)
{
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),     cmocka_unit_test(build_id),
		cmocka_unit_test(boot_id),     cmocka_unit_test(cpus_of_arm64),
		cmocka_unit_test(cpus_of_x86), cmocka_unit_test(governors),
		cmocka_unit_test(model),       cmocka_unit_test(cpu_numbers),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
