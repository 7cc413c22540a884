// SPDX-License-Identifier: GPL-2.0
/* Checks of "doctor" on made-up files of a kernel, and its two outputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include "dmasync/doctor.h"

static char root[] = "/tmp/test_doctor.XXXXXX";

/* Runs @script in the empty root and all checks that read files. */
static void examine(struct doctor *d, const char *script)
{
	char cmd[2048];

	snprintf(cmd, sizeof(cmd), "set -e; cd %s; rm -rf sys proc dev; mkdir sys proc dev; %s",
		 root, script);
	assert_int_equal(system(cmd), 0);
	memset(d, 0, sizeof(*d));
	d->root = root;
	strcpy(d->uts.release, "6.12.0");
	strcpy(d->uts.machine, "aarch64");
	d->arm64 = true;
	doctor_check_kernel(d);
	doctor_check_memory(d);
}

static const struct check *find(const struct doctor *d, const char *name)
{
	unsigned int i;

	for (i = 0; i < d->n_checks; i++)
		if (!strcmp(d->check[i].name, name))
			return &d->check[i];
	fail_msg("no check %s", name);
	return NULL;
}

static void expect(const struct doctor *d, const char *name, enum check_status status,
		   const char *words)
{
	const struct check *c = find(d, name);

	if (c->status != status || (!strstr(c->text, words) && !strstr(c->cure, words)))
		fail_msg("%s: %s, \"%s; %s\", want %s, \"%s\"", name, check_status_name(c->status),
			 c->text, c->cure, check_status_name(status), words);
	if (status == CHECK_FAIL)
		assert_string_not_equal(c->cure, "");
}

static const char good[] =
	"mkdir -p proc/self proc/sys/net/core sys/kernel/security sys/kernel/btf"
	"  sys/kernel/tracing sys/kernel/debug/kprobes sys/kernel/debug/swiotlb"
	"  sys/bus/event_source/devices/kprobe sys/module/udmabuf/parameters dev/dma_heap\n"
	"echo 'CapEff:\t000001ffffffffff' > proc/self/status\n"
	"echo 1 > proc/sys/net/core/bpf_jit_enable\n"
	"echo 'none [integrity] confidentiality' > sys/kernel/security/lockdown\n"
	"printf '\\237\\353\\001' > sys/kernel/btf/vmlinux\n"
	"echo dma_map_sg_attrs > sys/kernel/tracing/available_filter_functions\n"
	"echo 1 > sys/kernel/debug/kprobes/enabled\n"
	"echo 'ffff800080010000 T dma_map_sg_attrs' > proc/kallsyms\n"
	"echo 32768 > sys/kernel/debug/swiotlb/io_tlb_nslabs\n"
	"echo 3 > sys/kernel/debug/swiotlb/io_tlb_used\n"
	"echo quiet > proc/cmdline\n"
	": > dev/udmabuf; : > dev/dma_heap/system; : > dev/dma_heap/cma\n"
	"echo 1024 > sys/module/udmabuf/parameters/list_limit\n"
	"echo 64 > sys/module/udmabuf/parameters/size_limit_mb\n";

static void all_well(void **state)
{
	struct doctor d;

	examine(&d, good);
	expect(&d, "lockdown", CHECK_OK, "integrity");
	expect(&d, "btf", CHECK_OK, "");
	expect(&d, "tracefs", CHECK_OK, "");
	expect(&d, "kprobes", CHECK_OK, "enabled");
	expect(&d, "jit", CHECK_OK, "");
	expect(&d, "kallsyms", CHECK_OK, "");
	expect(&d, "swiotlb", CHECK_OK, "64 MiB, 6 KiB");
	expect(&d, "udmabuf", CHECK_OK, "1024 items, 64 MiB");
	expect(&d, "dma-heap", CHECK_OK, "system");
	/* Not an ELF file, and not there. */
	expect(&d, "kcore", CHECK_WARN, "kcore");
	if (!geteuid())
		expect(&d, "privilege", CHECK_OK, "root");
}

static void nothing_there(void **state)
{
	struct doctor d;

	examine(&d, "true");
	expect(&d, "privilege", CHECK_FAIL, "CAP_BPF");
	expect(&d, "lockdown", CHECK_OK, "not in this kernel");
	expect(&d, "btf", CHECK_WARN, "CONFIG_DEBUG_INFO_BTF");
	expect(&d, "tracefs", CHECK_WARN, "mount tracefs");
	expect(&d, "kprobes", CHECK_WARN, "CONFIG_KPROBE_EVENTS");
	expect(&d, "jit", CHECK_WARN, "CONFIG_BPF_JIT");
	expect(&d, "kallsyms", CHECK_WARN, "CONFIG_KALLSYMS");
	expect(&d, "swiotlb", CHECK_NOTE, "unknown");
	expect(&d, "udmabuf", CHECK_WARN, "CONFIG_UDMABUF");
	expect(&d, "dma-heap", CHECK_NOTE, "none");
}

static void faults(void **state)
{
	char script[2048];
	struct doctor d;

	snprintf(script, sizeof(script), "%s%s", good,
		 "echo 'none integrity [confidentiality]' > sys/kernel/security/lockdown\n"
		 "echo 0 > proc/sys/net/core/bpf_jit_enable\n"
		 "echo 0 > sys/kernel/debug/kprobes/enabled\n"
		 "echo '0000000000000000 T dma_map_sg_attrs' > proc/kallsyms\n"
		 "echo other > sys/kernel/tracing/available_filter_functions\n"
		 "echo 'quiet swiotlb=65536,force x' > proc/cmdline\n"
		 ": > sys/kernel/btf/vmlinux\n"
		 "echo 'CapEff:\t0000000000200000' > proc/self/status\n");
	examine(&d, script);
	expect(&d, "lockdown", CHECK_FAIL, "lockdown=integrity");
	expect(&d, "jit", CHECK_WARN, "sysctl net.core.bpf_jit_enable=1");
	expect(&d, "kprobes", CHECK_WARN, "echo 1");
	expect(&d, "kallsyms", CHECK_WARN, "kptr_restrict");
	expect(&d, "tracefs", CHECK_WARN, "CONFIG_DYNAMIC_FTRACE");
	expect(&d, "swiotlb", CHECK_WARN, "forced");
	expect(&d, "privilege", CHECK_FAIL, "lacks CAP_BPF, CAP_PERFMON");
	expect(&d, "btf", CHECK_WARN, "is not BTF");
	if (geteuid())
		return;
	snprintf(script, sizeof(script), "%s%s", good, "echo '0 1000 1' > proc/self/uid_map\n");
	examine(&d, script);
	expect(&d, "privilege", CHECK_FAIL, "user namespace");
}

static void json(void **state)
{
	struct barrier_site site = { "dma_map_phys", 0x30, A64_DSB_SY };
	struct device dev = { .name = "x", .bus = "platform", .driver = "y" };
	json_t *obj, *devices;
	struct doctor d;
	char *text = NULL;
	size_t len;
	FILE *f;

	examine(&d, good);
	d.features.sites = &site;
	d.features.n_sites = 1;
	d.devices.dev = &dev;
	d.devices.n = 1;
	f = open_memstream(&text, &len);
	assert_int_equal(doctor_print_json(f, &d), 0);
	fclose(f);
	obj = json_loads(text, 0, NULL);
	assert_non_null(obj);
	free(text);
	assert_string_equal(json_string_value(json_object_get(obj, "type")), "doctor");
	assert_true(json_is_false(json_object_get(obj, "live")));
	assert_true(json_is_null(json_object_get(obj, "hooks")));
	assert_int_equal(json_array_size(json_object_get(obj, "checks")), d.n_checks);
	devices = json_object_get(obj, "devices");
	assert_true(json_is_null(json_object_get(json_array_get(devices, 0), "coherent")));
	json_decref(obj);
}

static void text(void **state)
{
	struct doctor d;
	char *out = NULL;
	size_t len;
	FILE *f;

	examine(&d, "true");
	f = open_memstream(&out, &len);
	doctor_print_text(f, &d);
	fclose(f);
	assert_non_null(strstr(out, "warn  btf        "));
	assert_non_null(strstr(out, "; use a kernel built with CONFIG_DEBUG_INFO_BTF=y\n"));
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_well), cmocka_unit_test(nothing_there),
		cmocka_unit_test(faults),   cmocka_unit_test(json),
		cmocka_unit_test(text),
	};
	char cmd[64];
	int failed;

	if (!mkdtemp(root))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(cmd, sizeof(cmd), "rm -r %s", root);
	return system(cmd) ? 1 : failed;
}
