// SPDX-License-Identifier: GPL-2.0
/* Coherence of devices, on a made-up /sys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "dmasync/devices.h"

static char root[] = "/tmp/test_devices.XXXXXX";

/* A board with a coherent corner, built with a shell because that is shortest to read. */
static const char make_tree[] =
	"set -e; cd $ROOT; mkdir sys; cd sys\n"
	"dt=firmware/devicetree/base\n"
	"mkdir -p bus/platform/devices bus/pci/devices bus/pci/drivers/ahci class/misc\n"
	"mkdir -p bus/usb/devices bus/platform/drivers/dwc3 bus/platform/drivers/gpio-keys\n"
	"node() { mkdir -p $dt$1; shift; for p; do : > $dt$n/$p; done; }\n"
	"n=/soc; node $n\n"
	"n=/soc/usb@1000; node $n reg\n"
	"n=/soc/pcie@2000; node $n reg dma-coherent\n"
	"n=/soc/pcie@3000; node $n reg\n"
	"n=/soc/pcie@3000/ep@0; node $n reg dma-coherent\n"
	"n=/fast; node $n dma-coherent\n"
	"n=/fast/eth@4000; node $n reg\n"
	"n=/fast/old@5000; node $n reg dma-noncoherent\n"
	"n=/keys; node $n\n"
	"dev() { mkdir -p devices/$2; ln -s $PWD/devices/$2 bus/$1/devices/${2##*/}\n"
	"  [ -z \"$3\" ] || ln -s $PWD/bus/$1/drivers/$3 devices/$2/driver\n"
	"  [ -z \"$4\" ] || ln -s $PWD/$dt$4 devices/$2/of_node; }\n"
	"dev platform platform/1000.usb dwc3 /soc/usb@1000\n"
	"dev platform platform/4000.eth dwc3 /fast/eth@4000\n"
	"dev platform platform/5000.old dwc3 /fast/old@5000\n"
	"dev platform platform/6000.unbound '' /soc/usb@1000\n"
	"dev platform platform/keys gpio-keys /keys\n"
	"dev platform platform/dmasync_bench dwc3\n"
	"dev platform platform/2000.pcie dwc3 /soc/pcie@2000\n"
	"dev platform platform/3000.pcie dwc3 /soc/pcie@3000\n"
	"dev pci platform/2000.pcie/pci0000:00/0000:00:01.0 ahci\n"
	"dev pci platform/3000.pcie/pci0001:00/0001:00:00.0/0001:01:00.0 ahci /soc/pcie@3000/ep@0\n"
	"dev pci pci0002:00/0002:00:01.0 ahci\n"
	"mkdir -p devices/virtual/misc/udmabuf devices/LNXSYSTM:00 devices/1-1\n"
	"ln -s $PWD/devices/virtual/misc/udmabuf class/misc/udmabuf\n"
	"dev platform platform/ACPI0001:00 dwc3\n"
	"ln -s $PWD/devices/LNXSYSTM:00 devices/platform/ACPI0001:00/firmware_node\n"
	"ln -s $PWD/devices/1-1 bus/usb/devices/1-1\n"
	"mkdir devices/platform/5000.old/iommu_group\n";

static const struct {
	const char *bus, *name, *driver, *of_path;
	enum coherence coherence;
	enum coherence_basis basis;
} want[] = {
	{ "misc", "udmabuf", "-", "", COHERENCE_NO, BASIS_NO_FIRMWARE },
	{ "pci", "0000:00:01.0", "ahci", "/soc/pcie@2000", COHERENCE_YES, BASIS_PROPERTY },
	{ "pci", "0001:01:00.0", "ahci", "/soc/pcie@3000", COHERENCE_NO, BASIS_DEFAULT },
	{ "pci", "0002:00:01.0", "ahci", "", COHERENCE_NO, BASIS_NO_FIRMWARE },
	{ "platform", "1000.usb", "dwc3", "/soc/usb@1000", COHERENCE_NO, BASIS_DEFAULT },
	{ "platform", "2000.pcie", "dwc3", "/soc/pcie@2000", COHERENCE_YES, BASIS_PROPERTY },
	{ "platform", "3000.pcie", "dwc3", "/soc/pcie@3000", COHERENCE_NO, BASIS_DEFAULT },
	{ "platform", "4000.eth", "dwc3", "/fast/eth@4000", COHERENCE_YES, BASIS_PROPERTY },
	{ "platform", "5000.old", "dwc3", "/fast/old@5000", COHERENCE_NO, BASIS_PROPERTY },
	{ "platform", "ACPI0001:00", "dwc3", "", COHERENCE_UNKNOWN, BASIS_ACPI },
	{ "platform", "dmasync_bench", "dwc3", "", COHERENCE_NO, BASIS_NO_FIRMWARE },
};

#define N_WANT (sizeof(want) / sizeof(want[0]))

static void board(void **state)
{
	struct device_list list;
	size_t i;

	assert_int_equal(devices_read(root, "aarch64", &list), 0);
	for (i = 0; i < list.n && i < N_WANT; i++) {
		assert_string_equal(list.dev[i].name, want[i].name);
		assert_string_equal(list.dev[i].bus, want[i].bus);
		assert_string_equal(list.dev[i].driver, want[i].driver);
		assert_string_equal(list.dev[i].of_path, want[i].of_path);
		assert_int_equal(list.dev[i].coherence, want[i].coherence);
		assert_int_equal(list.dev[i].basis, want[i].basis);
		assert_int_equal(list.dev[i].iommu, !strcmp(want[i].name, "5000.old"));
		assert_string_not_equal(coherence_basis_text(want[i].basis), "");
	}
	assert_int_equal(list.n, N_WANT);
	devices_free(&list);
}

static void root_property(void **state)
{
	struct device_list list;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/sys/firmware/devicetree/base/dma-coherent", root);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(devices_read(root, "aarch64", &list), 0);
	assert_string_equal(list.dev[4].name, "1000.usb");
	assert_int_equal(list.dev[4].coherence, COHERENCE_YES);
	assert_string_equal(list.dev[8].name, "5000.old");
	assert_int_equal(list.dev[8].coherence, COHERENCE_NO);
	devices_free(&list);
	unlink(path);
}

static void by_name(void **state)
{
	struct device dev;

	assert_int_equal(device_find(root, "aarch64", "5000.old", &dev), 0);
	assert_string_equal(dev.bus, "platform");
	assert_string_equal(dev.driver, "dwc3");
	assert_string_equal(dev.of_name, "old@5000");
	assert_int_equal(dev.coherence, COHERENCE_NO);
	assert_true(dev.iommu);
	assert_int_equal(device_find(root, "aarch64", "0000:00:01.0", &dev), 0);
	assert_int_equal(dev.coherence, COHERENCE_YES);
	assert_false(dev.iommu);
	/* Neither bound nor on a bus of DMA masters; of a class only. */
	assert_int_equal(device_find(root, "aarch64", "6000.unbound", &dev), 0);
	assert_string_equal(dev.driver, "-");
	assert_int_equal(device_find(root, "aarch64", "1-1", &dev), 0);
	assert_string_equal(dev.bus, "usb");
	assert_int_equal(device_find(root, "aarch64", "udmabuf", &dev), 0);
	assert_string_equal(dev.bus, "misc");
	assert_string_equal(dev.of_name, "");
	assert_int_equal(device_find(root, "x86_64", "udmabuf", &dev), 0);
	assert_int_equal(dev.coherence, COHERENCE_YES);
	assert_int_not_equal(device_find(root, "aarch64", "nothing", &dev), 0);
	assert_int_not_equal(device_find(root, "aarch64", "../devices", &dev), 0);
	assert_int_not_equal(device_find(root, "aarch64", "", &dev), 0);
}

/* An IOMMU group that passes everything on untranslated. */
static void identity(void **state)
{
	struct device dev;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/sys/devices/platform/5000.old/iommu_group/type", root);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("identity\n", f);
	fclose(f);
	assert_int_equal(device_find(root, "aarch64", "5000.old", &dev), 0);
	assert_false(dev.iommu);
	assert_int_equal(unlink(path), 0);
}

static void x86(void **state)
{
	struct device_list list;
	size_t i;

	assert_int_equal(devices_read(root, "x86_64", &list), 0);
	for (i = 0; i < list.n; i++)
		assert_int_equal(list.dev[i].coherence, COHERENCE_YES);
	devices_free(&list);
	assert_int_equal(devices_read("/nonexistent", "aarch64", &list), 0);
	assert_int_equal(list.n, 0);
	devices_free(&list);
}

/* An SMMU with a node that says so, or not; then a second one. */
static void walkers(void **state)
{
	static const char *const steps[][2] = {
		{ "true", "" },
		{ "node /smmu@1; ln -s $PWD/$dt/smmu@1 devices/smmu1/of_node; smmu smmu1",
		  "not-coherent" },
		{ ": >$dt/smmu@1/dma-coherent", "coherent" },
		{ "smmu acpi; mkdir devices/smmu1/x; ln -s x devices/acpi/firmware_node",
		  "coherent" },
		{ "node /smmu@2; ln -s $PWD/$dt/smmu@2 devices/smmu2/of_node; smmu smmu2",
		  "mixed" },
	};
	char cmd[512], word[16];
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		snprintf(
			cmd, sizeof(cmd),
			"set -e; cd %s/sys; dt=firmware/devicetree/base; node() { mkdir -p $dt$1; }\n"
			"mkdir -p class/iommu devices/smmu1 devices/smmu2 devices/acpi\n"
			"smmu() { mkdir class/iommu/$1; ln -s $PWD/devices/$1 "
			"class/iommu/$1/device; }\n%s\n",
			root, steps[i][0]);
		assert_int_equal(system(cmd), 0);
		devices_walkers(root, word, sizeof(word));
		assert_string_equal(word, steps[i][1]);
	}
	devices_walkers("/nonexistent", word, sizeof(word));
	assert_string_equal(word, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(board),   cmocka_unit_test(root_property),
		cmocka_unit_test(by_name), cmocka_unit_test(identity),
		cmocka_unit_test(x86),	   cmocka_unit_test(walkers),
	};
	char cmd[64];
	int failed;

	if (!mkdtemp(root))
		return 1;
	setenv("ROOT", root, 1);
	if (system(make_tree))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(cmd, sizeof(cmd), "rm -r %s", root);
	return system(cmd) ? 1 : failed;
}
