// SPDX-License-Identifier: GPL-2.0
/* Names for addresses of kernel code, modules included, those that were unloaded, too. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dmasync/symtab.h"

#define FUNCTION_MAX                                                                               \
	(1ULL << 20)		 /* no function is longer: beyond lies something without a name    \
				  */
#define PROGRAM_MAX (1ULL << 16) /* ... or BPF program, of which no table tells the extent */
#define MODULE_NAME_LEN 64

struct symbol {
	__u64 addr;
	__u32 name;   /* offset in names */
	__u16 module; /* position in modules + 1; 0: core kernel */
	__u16 rank;   /* of several at one address the lowest gives its name */
};

struct module {
	char name[MODULE_NAME_LEN];
	__u64 start, end; /* 0: not a module of /proc/modules: BPF programs and such */
};

/* One reading of the two files. */
struct reading {
	struct symbol *symbols; /* by address */
	size_t n, cap;
	char *names;
	size_t names_len, names_cap;
	struct module *modules;
	size_t n_modules, cap_modules;
};

struct symtab {
	char *kallsyms, *modules;
	__u64 fingerprint; /* of the modules at the reading */
	struct reading now, before;
};

static void reading_free(struct reading *r)
{
	free(r->symbols);
	free(r->names);
	free(r->modules);
	*r = (struct reading){};
}

/* Makes room for @more elements of @size behind @n. */
static int reserve(void **array, size_t n, size_t more, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 4096;
	void *bigger;

	if (n + more <= *cap)
		return 0;
	while (want < n + more)
		want *= 2;
	bigger = realloc(*array, want * size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*cap = want;
	return 0;
}

static struct module *add_module(struct reading *r, const char *name)
{
	struct module *m;

	if (reserve((void **)&r->modules, r->n_modules, 1, &r->cap_modules, sizeof(*m)))
		return NULL;
	m = &r->modules[r->n_modules++];
	*m = (struct module){};
	snprintf(m->name, sizeof(m->name), "%s", name);
	return m;
}

/* Lines of a module follow each other, so the last one is the first to look at. */
static int module_number(struct reading *r, const char *name)
{
	static const size_t limit = 0xfffe;
	size_t i;

	for (i = r->n_modules; i; i--)
		if (!strcmp(r->modules[i - 1].name, name))
			return i;
	if (r->n_modules >= limit || !add_module(r, name))
		return -ENOMEM;
	return r->n_modules;
}

/* "ahci 49152 0 - Live 0xffff80007a5d0000" */
static int read_modules(struct reading *r, const char *path, __u64 *fingerprint)
{
	FILE *f = fopen(path, "re");
	char line[4096], name[MODULE_NAME_LEN];
	unsigned long long size, start;
	struct module *m;

	*fingerprint = 0;
	if (!f)
		return 0; /* a kernel without modules */
	while (fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, " 0x");

		if (!at || sscanf(line, "%63s %llu", name, &size) != 2)
			continue;
		start = strtoull(at, NULL, 16);
		*fingerprint = (*fingerprint ^ start ^ size << 20) * 0x100000001b3ULL + 1;
		if (!r)
			continue;
		m = add_module(r, name);
		if (!m) {
			fclose(f);
			return -ENOMEM;
		}
		m->start = start;
		m->end = start + size;
	}
	fclose(f);
	return 0;
}

/* Global names before local ones, plain ones before those with underscores in front. */
static unsigned int name_rank(char type, const char *name)
{
	unsigned int rank = type == 'T' ? 0 : 16;

	return rank + strspn(name, "_.");
}

static int add_symbol(struct reading *r, __u64 addr, char type, const char *name, int module)
{
	size_t len = strlen(name) + 1;

	if (module < 0 || reserve((void **)&r->symbols, r->n, 1, &r->cap, sizeof(*r->symbols)) ||
	    reserve((void **)&r->names, r->names_len, len, &r->names_cap, 1))
		return -ENOMEM;
	memcpy(r->names + r->names_len, name, len);
	r->symbols[r->n++] = (struct symbol){
		.addr = addr, .name = r->names_len, .module = module, .rank = name_rank(type, name)
	};
	r->names_len += len;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* Leaves one name for each address. */
static void drop_aliases(struct reading *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->n; i++)
		if (!n || r->symbols[n - 1].addr != r->symbols[i].addr)
			r->symbols[n++] = r->symbols[i];
	r->n = n;
}

/* "ffff800080010000 T name", with "\t[module]" behind it in modules. */
static int add_line(struct reading *r, char *line)
{
	char *name, *module;
	__u64 addr = strtoull(line, &name, 16);
	int number = 0;

	if (!addr || name[0] != ' ' || !name[1] || !strchr("tTwW", name[1]) || name[2] != ' ')
		return 0;
	module = strchr(name + 3, '[');
	name[3 + strcspn(name + 3, "\t\n ")] = '\0';
	if (module) {
		module[strcspn(module, "]")] = '\0';
		number = module_number(r, module + 1);
	}
	return add_symbol(r, addr, name[1], name + 3, number);
}

static int read_symbols(struct reading *r, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[1024];
	int err = 0;

	if (!f)
		return -errno;
	while (!err && fgets(line, sizeof(line), f))
		err = add_line(r, line);
	if (!err && ferror(f))
		err = -EIO;
	fclose(f);
	if (!err && !r->n)
		err = -ENODATA;
	if (r->n)
		qsort(r->symbols, r->n, sizeof(*r->symbols), by_address);
	drop_aliases(r);
	return err;
}

static int read_all(struct symtab *t, struct reading *r)
{
	int err = read_modules(r, t->modules, &t->fingerprint);

	err = err ?: read_symbols(r, t->kallsyms);
	if (err)
		reading_free(r);
	return err;
}

int symtab_load(const char *kallsyms, const char *modules, struct symtab **out, char *why,
		size_t len)
{
	struct symtab *t = calloc(1, sizeof(*t));
	int err = -ENOMEM;

	if (t) {
		t->kallsyms = strdup(kallsyms);
		t->modules = strdup(modules);
		if (t->kallsyms && t->modules)
			err = read_all(t, &t->now);
	}
	if (!err) {
		*out = t;
		return 0;
	}
	if (err == -ENODATA)
		snprintf(why, len, "%s hides addresses", kallsyms);
	else
		snprintf(why, len, "%s: %s", kallsyms, strerror(-err));
	symtab_free(t);
	return err;
}

bool symtab_refresh(struct symtab *t)
{
	__u64 fingerprint, old = t->fingerprint;
	struct reading fresh = {};

	if (read_modules(NULL, t->modules, &fingerprint) || fingerprint == old)
		return false;
	if (read_all(t, &fresh)) {
		t->fingerprint = old;
		return false;
	}
	reading_free(&t->before);
	t->before = t->now;
	t->now = fresh;
	return true;
}

static const struct symbol *find(const struct reading *r, __u64 addr)
{
	size_t lo = 0, hi = r->n;
	const struct symbol *s;
	const struct module *m;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->symbols[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	s = &r->symbols[lo - 1];
	m = s->module ? &r->modules[s->module - 1] : NULL;
	if (m && m->end)
		return addr < m->end ? s : NULL;
	return addr - s->addr < (m ? PROGRAM_MAX : FUNCTION_MAX) ? s : NULL;
}

const char *symtab_name(const struct symtab *t, __u64 addr, char *buf, size_t len)
{
	const struct reading *r = &t->now;
	const struct symbol *s = find(r, addr);

	if (!s) {
		r = &t->before;
		s = find(r, addr);
	}
	if (!s)
		return NULL;
	if (s->module)
		snprintf(buf, len, "%s [%s]", r->names + s->name, r->modules[s->module - 1].name);
	else
		snprintf(buf, len, "%s", r->names + s->name);
	return buf;
}

void symtab_free(struct symtab *t)
{
	if (!t)
		return;
	reading_free(&t->now);
	reading_free(&t->before);
	free(t->kallsyms);
	free(t->modules);
	free(t);
}
