// SPDX-License-Identifier: GPL-2.0
/* What a capture tells of the machine, so that captures can be told apart. */
#include <elf.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dmasync/machine.h"

#define MODELS_MAX 16

/* Reads at most @len bytes of @root@path; returns how many. */
static size_t read_file(const char *root, const char *path, char *buf, size_t len)
{
	char full[PATH_MAX];
	size_t n;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	f = fopen(full, "re");
	if (!f)
		return 0;
	n = fread(buf, 1, len, f);
	fclose(f);
	return n;
}

void machine_line(const char *root, const char *path, char *buf, size_t len)
{
	buf[read_file(root, path, buf, len - 1)] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
}

void machine_model(const char *root, char *buf, size_t len)
{
	machine_line(root, "/sys/firmware/devicetree/base/model", buf, len);
	if (!buf[0])
		machine_line(root, "/sys/class/dmi/id/product_name", buf, len);
}

static size_t note_align(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void print_hex(const unsigned char *id, size_t n, char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < n && 2 * i + 2 < len; i++)
		snprintf(buf + 2 * i, 3, "%02x", id[i]);
}

void machine_build_id(const char *root, char *buf, size_t len)
{
	char notes[4096];
	size_t n = read_file(root, "/sys/kernel/notes", notes, sizeof(notes)), at = 0;
	Elf64_Nhdr note;

	buf[0] = '\0';
	while (at + sizeof(note) <= n) {
		size_t name, desc;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		if (note.n_namesz > n || note.n_descsz > n)
			return;
		desc = name + note_align(note.n_namesz);
		at = desc + note_align(note.n_descsz);
		if (at > n)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(notes + name, "GNU", 4)) {
			print_hex((unsigned char *)notes + desc, note.n_descsz, buf, len);
			return;
		}
	}
}

void machine_boot_id(const char *root, char *buf, size_t len)
{
	machine_line(root, "/proc/sys/kernel/random/boot_id", buf, len);
}

/* Part numbers of MIDR_EL1 by implementer, as the designers' technical reference manuals tell. */
static const struct part {
	unsigned int implementer, part;
	const char *name;
} parts[] = {
	{ 0x41, 0xd03, "Cortex-A53" },	 { 0x41, 0xd04, "Cortex-A35" },
	{ 0x41, 0xd05, "Cortex-A55" },	 { 0x41, 0xd07, "Cortex-A57" },
	{ 0x41, 0xd08, "Cortex-A72" },	 { 0x41, 0xd09, "Cortex-A73" },
	{ 0x41, 0xd0a, "Cortex-A75" },	 { 0x41, 0xd0b, "Cortex-A76" },
	{ 0x41, 0xd0c, "Neoverse-N1" },	 { 0x41, 0xd0d, "Cortex-A77" },
	{ 0x41, 0xd40, "Neoverse-V1" },	 { 0x41, 0xd41, "Cortex-A78" },
	{ 0x41, 0xd42, "Cortex-A78AE" }, { 0x41, 0xd44, "Cortex-X1" },
	{ 0x41, 0xd46, "Cortex-A510" },	 { 0x41, 0xd47, "Cortex-A710" },
	{ 0x41, 0xd48, "Cortex-X2" },	 { 0x41, 0xd49, "Neoverse-N2" },
	{ 0x41, 0xd4b, "Cortex-A78C" },	 { 0x41, 0xd4d, "Cortex-A715" },
	{ 0x41, 0xd4e, "Cortex-X3" },	 { 0x41, 0xd4f, "Neoverse-V2" },
	{ 0x41, 0xd80, "Cortex-A520" },	 { 0x41, 0xd81, "Cortex-A720" },
	{ 0x41, 0xd82, "Cortex-X4" },
};

struct models {
	char name[MODELS_MAX][64];
	unsigned int cpus[MODELS_MAX];
	unsigned int n;
};

static void count_model(struct models *m, const char *name)
{
	unsigned int i = 0;

	while (i < m->n && strcmp(m->name[i], name))
		i++;
	if (i == MODELS_MAX)
		return;
	if (i == m->n)
		snprintf(m->name[m->n++], sizeof(m->name[0]), "%s", name);
	m->cpus[i]++;
}

static void count_part(struct models *m, unsigned int implementer, unsigned int part)
{
	char name[32];
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].implementer == implementer && parts[i].part == part) {
			count_model(m, parts[i].name);
			return;
		}
	}
	snprintf(name, sizeof(name), "0x%02x/0x%03x", implementer, part);
	count_model(m, name);
}

static void read_models(const char *root, struct models *m)
{
	char path[PATH_MAX], line[512];
	unsigned int implementer = 0;
	FILE *f;

	*m = (struct models){};
	snprintf(path, sizeof(path), "%s/proc/cpuinfo", root);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		const char *value = strchr(line, ':');

		line[strcspn(line, "\n")] = '\0';
		if (!value || value[1] != ' ')
			continue;
		value += 2;
		if (!strncmp(line, "CPU implementer", 15))
			implementer = strtoul(value, NULL, 0);
		else if (!strncmp(line, "CPU part", 8))
			count_part(m, implementer, strtoul(value, NULL, 0));
		else if (!strncmp(line, "model name", 10))
			count_model(m, value);
	}
	if (f)
		fclose(f);
}

void machine_cpu_model(const char *root, char *buf, size_t len)
{
	struct models m;
	size_t at = 0;
	unsigned int i;

	read_models(root, &m);
	buf[0] = '\0';
	for (i = 0; i < m.n && at < len; i++)
		at += snprintf(buf + at, len - at, "%s%s x%u", i ? ", " : "", m.name[i], m.cpus[i]);
}

/* Is @word one of the comma-separated words of @list? */
static int listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == len && !strncmp(list, word, len))
			return 1;
	return 0;
}

void machine_governors(const char *root, char *buf, size_t len)
{
	char pattern[PATH_MAX], name[32];
	glob_t found = {};
	size_t i, at = 0;

	buf[0] = '\0';
	snprintf(pattern, sizeof(pattern),
		 "%s/sys/devices/system/cpu/cpufreq/policy*/scaling_governor", root);
	glob(pattern, 0, NULL, &found);
	for (i = 0; i < found.gl_pathc && at < len; i++) {
		machine_line("", found.gl_pathv[i], name, sizeof(name));
		if (name[0] && !listed(buf, name))
			at += snprintf(buf + at, len - at, "%s%s", at ? "," : "", name);
	}
	globfree(&found);
}

unsigned int machine_cpu_numbers(const char *root)
{
	const char *last;
	char list[4096];

	/* Ascending ranges: "0,2-7" */
	machine_line(root, "/sys/devices/system/cpu/possible", list, sizeof(list));
	if (!list[0])
		return sysconf(_SC_NPROCESSORS_CONF);
	last = strrchr(list, '-') > strrchr(list, ',') ? strrchr(list, '-') : strrchr(list, ',');
	return strtoul(last ? last + 1 : list, NULL, 10) + 1;
}
