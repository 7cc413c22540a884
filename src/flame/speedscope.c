// SPDX-License-Identifier: GPL-2.0
/*
 * speedscope's file format (https://www.speedscope.app/file-format-schema.json), written piece by
 * piece: a document in memory would take several times the tree.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/flame.h>
#include "../view/clean.h"
#include "text.h"

static int put(const char *text, size_t size, void *f)
{
	return fwrite(text, 1, size, f) == size ? 0 : -1;
}

/* @s as a JSON string. */
static int write_string(FILE *f, const char *s)
{
	size_t size = 3 * strlen(s) + 1;
	char *clean = malloc(size);
	json_t *string;
	int err = -ENOMEM;

	if (!clean)
		return err;
	clean_text(clean, size, s);
	string = json_string(clean);
	if (string)
		err = json_dump_callback(string, put, f, JSON_ENCODE_ANY) ? -EIO : 0;
	json_decref(string);
	free(clean);
	return err;
}

static int write_frames(FILE *f, const struct flame_tree *t)
{
	size_t i;
	int err = 0;

	fputs("\"shared\":{\"frames\":[", f);
	for (i = 0; i < t->n_names && !err; i++) {
		fputs(i ? ",\n{\"name\":" : "\n{\"name\":", f);
		err = write_string(f, t->names[i].s);
		fputc('}', f);
	}
	fputs("]},\n", f);
	return err;
}

static const char *unit(enum flame_weight weight)
{
	return weight == FLAME_TIME ? "nanoseconds" : weight == FLAME_BYTES ? "bytes" : "none";
}

static void write_stack(FILE *f, const struct flame_tree *t, __u32 node)
{
	__u32 path[FLAME_DEPTH_MAX];
	unsigned int n = 0;

	for (; node && n < FLAME_DEPTH_MAX; node = t->nodes[node].parent)
		path[n++] = node;
	fputc('[', f);
	while (n--)
		fprintf(f, "%u%s", t->nodes[path[n]].name, n ? "," : "");
	fputc(']', f);
}

static int write_profile(FILE *f, const struct flame_tree *t, enum flame_side side,
			 const char *name)
{
	const struct flame_values *v = t->values[side];
	const char *comma = "";
	__u32 i;
	int err;

	fputs("{\"type\":\"sampled\",\"name\":", f);
	err = write_string(f, name);
	fprintf(f, ",\"unit\":\"%s\",\"startValue\":0,\"endValue\":%llu,\n\"samples\":[",
		unit(t->weight), v[0].weight);
	for (i = 0; i < t->n; i++) {
		if (!v[i].self)
			continue;
		fputs(comma, f);
		write_stack(f, t, i);
		comma = ",\n";
	}
	fputs("],\n\"weights\":[", f);
	comma = "";
	for (i = 0; i < t->n; i++) {
		if (!v[i].self)
			continue;
		fprintf(f, "%s%llu", comma, v[i].self);
		comma = ",";
	}
	fputs("]}", f);
	return err;
}

int flame_write_speedscope(FILE *f, const struct flame_tree *t, const struct flame_source *src,
			   const char *title)
{
	int err;

	fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
	      "\"exporter\":\"dmasynctop " DMASYNC_VERSION
	      "\",\"activeProfileIndex\":0,\n\"name\":",
	      f);
	err = write_string(f, title ?: src->path);
	fputs(",\n", f);
	err = err ?: write_frames(f, t);
	fputs("\"profiles\":[\n", f);
	err = err ?: write_profile(f, t, FLAME_AFTER, src[FLAME_AFTER].path);
	if (t->diff) {
		fputs(",\n", f);
		err = err ?: write_profile(f, t, FLAME_BEFORE, src[FLAME_BEFORE].path);
	}
	fputs("]}\n", f);
	return err;
}
