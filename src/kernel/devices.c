// SPDX-License-Identifier: GPL-2.0
/* Which devices the machine's description calls DMA coherent, and which not. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dmasync/devices.h"

#define OF_BASE "/firmware/devicetree/base"
#define PATH_LEN (PATH_MAX + NAME_MAX + 1)

/* Buses with a dma_configure callback: their devices are masters by themselves. */
static const char *const buses[] = { "platform", "pci", "amba", "fsl-mc", "cdx", "host1x" };

static bool exists(const char *dir, const char *name)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return !access(path, F_OK);
}

/* Last component of what the link @dir/@name points to; empty without one. */
static void link_name(const char *dir, const char *name, char *out, size_t len)
{
	char path[PATH_LEN], target[PATH_MAX];
	ssize_t n;
	char *slash;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	slash = strrchr(target, '/');
	snprintf(out, len, "%.*s", (int)len - 1, slash ? slash + 1 : target);
}

/*
 * Cuts @path, a PCI device's directory, down to that of its host bridge's parent: whatever nodes
 * the tree has for the devices, pci_dma_configure() looks at the host's.
 */
static void cut_to_pci_host(char *path)
{
	unsigned int domain, bus;
	char *at = path;

	while ((at = strstr(at, "/pci"))) {
		if (sscanf(at, "/pci%x:%x", &domain, &bus) == 2) {
			*at = '\0';
			return;
		}
		at += 4;
	}
}

/*
 * Looks from @node, a device-tree directory, upwards. The kernel goes to a "dma-mem" interconnect
 * instead of the parent where a node has one; no coherent machine is known to do that.
 */
static void look_up_tree(const char *node, struct device *dev)
{
	char path[PATH_MAX];
	char *base, *slash;

	snprintf(path, sizeof(path), "%s", node);
	base = strstr(path, OF_BASE);
	if (!base)
		return;
	base += strlen(OF_BASE);
	snprintf(dev->of_path, sizeof(dev->of_path), "%s", *base ? base : "/");
	dev->coherence = COHERENCE_NO;
	dev->basis = BASIS_PROPERTY;
	for (;;) {
		if (exists(path, "dma-coherent")) {
			dev->coherence = COHERENCE_YES;
			return;
		}
		if (exists(path, "dma-noncoherent"))
			return;
		slash = strrchr(base, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	dev->basis = BASIS_DEFAULT;
}

/* Fills in coherence, basis and node; @dir is the device's directory without links. */
static void judge(const char *dir, bool pci, struct device *dev)
{
	char path[PATH_MAX], link[PATH_LEN], node[PATH_MAX];

	snprintf(path, sizeof(path), "%s", dir);
	if (pci)
		cut_to_pci_host(path);
	snprintf(link, sizeof(link), "%s/of_node", path);
	dev->coherence = COHERENCE_NO;
	dev->basis = BASIS_NO_FIRMWARE;
	if (realpath(link, node)) {
		look_up_tree(node, dev);
	} else if (exists(path, "firmware_node")) {
		dev->coherence = COHERENCE_UNKNOWN;
		dev->basis = BASIS_ACPI;
	}
}

static struct device *append(struct device_list *list)
{
	struct device *grown;
	size_t cap;

	if (list->n == list->cap) {
		cap = list->cap ? 2 * list->cap : 64;
		grown = realloc(list->dev, cap * sizeof(*grown));
		if (!grown)
			return NULL;
		list->dev = grown;
		list->cap = cap;
	}
	memset(&list->dev[list->n], 0, sizeof(list->dev[0]));
	return &list->dev[list->n++];
}

/* Groups of type "identity" are not translated; the type is told since 4.10 (bc7d12b91bd3). */
static bool translated(const char *dir)
{
	char path[PATH_LEN], type[16] = "";
	FILE *f;

	if (!exists(dir, "iommu_group"))
		return false;
	snprintf(path, sizeof(path), "%s/iommu_group/type", dir);
	f = fopen(path, "re");
	if (!f)
		return true;
	if (!fgets(type, sizeof(type), f))
		type[0] = '\0';
	fclose(f);
	return strncmp(type, "identity", 8) != 0;
}

/* Fills in @dev, the device @name of @bus whose directory without links is @dir. */
static void describe(struct device *dev, const char *dir, const char *bus, const char *name,
		     bool always_coherent)
{
	char driver[DRV_NAME_LEN];

	memset(dev, 0, sizeof(*dev));
	link_name(dir, "driver", driver, sizeof(driver));
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	snprintf(dev->bus, sizeof(dev->bus), "%s", bus);
	snprintf(dev->driver, sizeof(dev->driver), "%s", driver[0] ? driver : "-");
	link_name(dir, "of_node", dev->of_name, sizeof(dev->of_name));
	dev->iommu = translated(dir);
	judge(dir, !strcmp(bus, "pci"), dev);
	if (!always_coherent)
		return;
	dev->coherence = COHERENCE_YES;
	dev->basis = BASIS_ARCH;
}

/* A node without registers (a key, a regulator, PSCI) stands for no hardware that does DMA. */
static bool has_registers(const char *dir)
{
	return !exists(dir, "of_node") || exists(dir, "of_node/reg");
}

static int add_device(struct device_list *list, const char *path, const char *bus, const char *name,
		      bool always_coherent)
{
	char dir[PATH_MAX], driver[DRV_NAME_LEN];
	bool pci = !strcmp(bus, "pci");
	struct device *dev;

	if (!realpath(path, dir))
		return 0;
	link_name(dir, "driver", driver, sizeof(driver));
	if (strcmp(bus, "misc") && (!driver[0] || (!pci && !has_registers(dir))))
		return 0;
	dev = append(list);
	if (!dev)
		return -ENOMEM;
	describe(dev, dir, bus, name, always_coherent);
	return 0;
}

static int add_bus(struct device_list *list, const char *root, const char *bus,
		   bool always_coherent)
{
	char path[PATH_MAX], name[PATH_LEN];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/bus/%s/devices", root, bus);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		err = add_device(list, name, bus, entry->d_name, always_coherent);
	}
	closedir(dir);
	return err;
}

static int by_bus_and_name(const void *a, const void *b)
{
	const struct device *x = a, *y = b;
	int cmp = strcmp(x->bus, y->bus);

	return cmp ? cmp : strverscmp(x->name, y->name);
}

int devices_read(const char *root, const char *machine, struct device_list *list)
{
	bool always_coherent = !strcmp(machine, "x86_64");
	char path[PATH_MAX];
	size_t i;
	int err = 0;

	memset(list, 0, sizeof(*list));
	for (i = 0; i < sizeof(buses) / sizeof(buses[0]) && !err; i++)
		err = add_bus(list, root, buses[i], always_coherent);
	/* udmabuf syncs through its misc device, which has no parent to inherit from. */
	snprintf(path, sizeof(path), "%s/sys/class/misc/udmabuf", root);
	if (!err)
		err = add_device(list, path, "misc", "udmabuf", always_coherent);
	if (err)
		devices_free(list);
	else if (list->n)
		qsort(list->dev, list->n, sizeof(list->dev[0]), by_bus_and_name);
	return err;
}

/* The device @name below @place, which is a bus or a class; 0 or -ENOENT. */
static int find_in(const char *place, const char *kind, const char *in, const char *name,
		   bool always_coherent, struct device *dev)
{
	char path[PATH_LEN], dir[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s%s/%s", place, kind, in, name);
	if (!realpath(path, dir))
		return -ENOENT;
	describe(dev, dir, kind, name, always_coherent);
	return 0;
}

/* Looks through all buses or classes in @place. */
static int find_below(const char *place, const char *in, const char *name, bool always_coherent,
		      struct device *dev)
{
	struct dirent *entry;
	int err = -ENOENT;
	DIR *dir;

	dir = opendir(place);
	if (!dir)
		return -errno;
	while (err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = find_in(place, entry->d_name, in, name, always_coherent, dev);
	closedir(dir);
	return err;
}

int device_find(const char *root, const char *machine, const char *name, struct device *dev)
{
	bool always_coherent = !strcmp(machine, "x86_64");
	char place[PATH_MAX];
	int err = -ENOENT;

	if (!name[0] || name[0] == '.' || strchr(name, '/'))
		return -ENOENT;
	snprintf(place, sizeof(place), "%s/sys/bus", root);
	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]) && err; i++)
		err = find_in(place, buses[i], "/devices", name, always_coherent, dev);
	if (err)
		err = find_below(place, "/devices", name, always_coherent, dev);
	snprintf(place, sizeof(place), "%s/sys/class", root);
	return err ? find_below(place, "", name, always_coherent, dev) : 0;
}

void devices_free(struct device_list *list)
{
	free(list->dev);
	memset(list, 0, sizeof(*list));
}

void devices_walkers(const char *root, char *buf, size_t size)
{
	char path[PATH_MAX], name[PATH_LEN + sizeof("/device")], dir[PATH_MAX];
	bool yes = false, no = false;
	struct dirent *entry;
	DIR *class;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "%s/sys/class/iommu", root);
	class = opendir(path);
	while (class && (entry = readdir(class))) {
		struct device dev = { .coherence = COHERENCE_UNKNOWN };

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s/device", path, entry->d_name);
		if (realpath(name, dir))
			judge(dir, false, &dev);
		yes |= dev.coherence == COHERENCE_YES;
		no |= dev.coherence == COHERENCE_NO && dev.basis != BASIS_NO_FIRMWARE;
	}
	if (class)
		closedir(class);
	if (yes || no)
		snprintf(buf, size, "%s", yes && no ? "mixed" : yes ? "coherent" : "not-coherent");
}

const char *coherence_basis_text(enum coherence_basis basis)
{
	switch (basis) {
	case BASIS_PROPERTY:
		return "said so in the device tree";
	case BASIS_DEFAULT:
		return "no dma-coherent in the device tree, up to the root";
	case BASIS_NO_FIRMWARE:
		return "no device-tree node";
	case BASIS_ACPI:
		return "described by ACPI (_CCA cannot be read from here)";
	default:
		return "the architecture's DMA is coherent";
	}
}
