/* SPDX-License-Identifier: GPL-2.0 */
/* What a capture tells of the machine, so that captures can be told apart. */
#ifndef DMASYNC_MACHINE_H
#define DMASYNC_MACHINE_H

#include <stddef.h>

/*
 * Each fills @buf (@len bytes, at least 1) from files below @root, "" on a live system; what cannot
 * be told leaves it empty.
 */

/* Device-tree model, "Radxa ROCK 5B+", or the product's name from DMI. */
void machine_model(const char *root, char *buf, size_t len);

/* First line of the file @path. */
void machine_line(const char *root, const char *path, char *buf, size_t len);

/* Build id of the running kernel in hexadecimal: the GNU note in /sys/kernel/notes. */
void machine_build_id(const char *root, char *buf, size_t len);

/* /proc/sys/kernel/random/boot_id */
void machine_boot_id(const char *root, char *buf, size_t len);

/*
 * CPU models with their numbers: "Cortex-A76 x4, Cortex-A55 x4", by the part numbers in
 * /proc/cpuinfo on arm64 (unknown ones as "0x41/0xd0b"), by "model name" elsewhere.
 */
void machine_cpu_model(const char *root, char *buf, size_t len);

/* Governors in use below /sys/devices/system/cpu/cpufreq, each once: "performance,schedutil". */
void machine_governors(const char *root, char *buf, size_t len);

/*
 * Highest number of a CPU that may ever be there, and one: what is indexed by CPU has as many
 * places. Numbers may have gaps, so there can be fewer CPUs.
 */
unsigned int machine_cpu_numbers(const char *root);

#endif
