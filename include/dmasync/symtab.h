/* SPDX-License-Identifier: GPL-2.0 */
/* Names for addresses of kernel code, modules included, those that were unloaded, too. */
#ifndef DMASYNC_SYMTAB_H
#define DMASYNC_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct symtab;

/*
 * Reads all functions of @kallsyms and the extents of modules of @modules, files in the form of
 * /proc/kallsyms and /proc/modules: some 5 MB for a distribution's kernel. 0 with *@out to be given
 * to symtab_free(), or -errno with the reason in @why. -ENODATA: addresses are hidden.
 */
int symtab_load(const char *kallsyms, const char *modules, struct symtab **out, char *why,
		size_t len);

/*
 * Reads the tables again if modules came or went since. What a module that is gone had at an
 * address still counts where nothing new lies. True if they were read. Silent: if they cannot be,
 * the old ones stay.
 */
bool symtab_refresh(struct symtab *t);

/*
 * Writes the name of the function that @addr lies in to @buf: "name" or "name [module]". Returns
 * @buf, or NULL when none is known.
 */
const char *symtab_name(const struct symtab *t, __u64 addr, char *buf, size_t len);

void symtab_free(struct symtab *t);

#endif
