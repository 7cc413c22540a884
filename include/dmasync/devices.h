/* SPDX-License-Identifier: GPL-2.0 */
/* Which devices the machine's description calls DMA coherent, and which not. */
#ifndef DMASYNC_DEVICES_H
#define DMASYNC_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "shared.h"

enum coherence {
	COHERENCE_UNKNOWN, /* ACPI: _CCA is not visible from user space */
	COHERENCE_NO,
	COHERENCE_YES,
};

/* What that follows from. */
enum coherence_basis {
	BASIS_PROPERTY,	   /* dma-coherent or dma-noncoherent in the node or above it */
	BASIS_DEFAULT,	   /* no such property up to the root of the device tree */
	BASIS_NO_FIRMWARE, /* no device-tree node, no ACPI companion */
	BASIS_ACPI,
	BASIS_ARCH, /* DMA is always coherent on this architecture */
};

#define OF_PATH_LEN 192

struct device {
	char name[DEV_NAME_LEN];
	char bus[BUS_NAME_LEN];
	char driver[DRV_NAME_LEN];
	char of_name[OF_NAME_LEN]; /* its own device-tree node, last component; empty without one */
	char of_path[OF_PATH_LEN]; /* node that its DMA is described by; empty without one */
	enum coherence coherence;
	enum coherence_basis basis;
	bool iommu; /* its DMA is translated: an IOMMU group that is not one of identity */
};

struct device_list {
	struct device *dev; /* sorted: bus, then name */
	size_t n, cap;
};

/*
 * Lists what may do DMA: devices with a driver on buses whose devices are DMA masters (platform,
 * PCI, AMBA ...), leaving out device-tree nodes without registers, and udmabuf's misc device.
 * @root is put before /sys ("" on a live system), @machine is as from uname -m.
 * 0 with @list for devices_free(), or -errno; silent. What vanishes meanwhile is left out.
 *
 * The rules are those of the kernel's of_dma_is_coherent() and pci_dma_configure(); on arm64
 * nothing is coherent unless it is said to be.
 */
int devices_read(const char *root, const char *machine, struct device_list *list);

/*
 * What is known of the device called @name, on whatever bus, or of whatever class where it is on
 * none. 0, -ENOENT, or -errno; silent. Buses whose devices are DMA masters are asked first.
 */
int device_find(const char *root, const char *machine, const char *name, struct device *dev);

void devices_free(struct device_list *list);

/*
 * Whether the IOMMUs below @root read their page tables coherently, in a word: "coherent",
 * "not-coherent", "mixed"; empty when there is none, or none tells (ACPI). Silent. As the SMMU
 * drivers do, it takes dma-coherent in the IOMMU's own node or above it for that.
 */
void devices_walkers(const char *root, char *buf, size_t size);

/* "no dma-coherent property in the device tree" and the like. */
const char *coherence_basis_text(enum coherence_basis basis);

#endif
