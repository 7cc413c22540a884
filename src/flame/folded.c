// SPDX-License-Identifier: GPL-2.0
/* Stacks a line, as other flame graph tools read them. */
#include "text.h"
#include <dmasync/flame.h>

/* Semicolons part frames, so a name can have none. */
static void write_path(FILE *f, const struct flame_tree *t, __u32 node)
{
	__u32 path[FLAME_DEPTH_MAX];
	unsigned int n = 0;
	const char *p;

	for (; node && n < FLAME_DEPTH_MAX; node = t->nodes[node].parent)
		path[n++] = node;
	while (n--) {
		for (p = flame_name(t, path[n]); *p; p++)
			fputc(*p == ';' ? ':' : *p, f);
		fputc(n ? ';' : ' ', f);
	}
}

int flame_write_folded(FILE *f, const struct flame_tree *t)
{
	const struct flame_values *after = t->values[FLAME_AFTER];
	const struct flame_values *before = t->values[FLAME_BEFORE];
	__u32 i;

	for (i = 0; i < t->n; i++) {
		if (!after[i].self && !(t->diff && before[i].self))
			continue;
		if (!i)
			fputs("all ", f);
		write_path(f, t, i);
		if (t->diff)
			fprintf(f, "%llu ", before[i].self);
		fprintf(f, "%llu\n", after[i].self);
	}
	return 0;
}
