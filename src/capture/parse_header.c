// SPDX-License-Identifier: GPL-2.0
/* A capture's header from JSON. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <dmasync/log.h>
#include "parse.h"

#define OPTIONAL FIELD_OPTIONAL
#define CPUS_MAX 65536

static int find(const char *(*name)(int), int n, const char *word)
{
	int i;

	for (i = 0; i < n; i++) {
		if (!strcmp(name(i), word))
			return i;
	}
	return -1;
}

static const char *flavour_at(int i)
{
	return flavour_name(i);
}

static const char *rung_at(int i)
{
	return rung_name(i);
}

static const char *backend_at(int i)
{
	return backend_name(i);
}

static const char *end_at(int i)
{
	return hook_end_name(i);
}

static const char *level_at(int i)
{
	return level_name(i);
}

/* Number of the word in field @name; 0 when it is wrong. */
static int word(struct fields *f, const char *name, const char *(*at)(int), int n)
{
	int i = find(at, n, field_string(f, name, 0));

	if (i < 0)
		field_wrong(f, name, "is a word that this version does not know");
	return i < 0 ? 0 : i;
}

static void parse_hook(struct fields *f, struct hook_state *hook)
{
	int op = OP_COUNT;

	field_text(f, "name", hook->name, sizeof(hook->name), 0);
	if (field_known(f, "op")) {
		op = op_by_name(field_string(f, "op", 0));
		if (op < 0)
			field_wrong(f, "op", "is no operation that this version knows");
	}
	hook->op = op < 0 ? OP_COUNT : op;
	hook->barrier = field_bool(f, "barrier", OPTIONAL);
	if (field_known(f, "rung"))
		hook->rung = word(f, "rung", rung_at, RUNG_COUNT);
	if (field_known(f, "end"))
		hook->end = word(f, "end", end_at, END_COUNT);
	hook->refused = field_bool(f, "refused", OPTIONAL);
	field_text(f, "reason", hook->reason, sizeof(hook->reason), OPTIONAL | FIELD_NULL);
}

static void parse_hooks(struct fields *f, struct header *hdr)
{
	json_t *list = field_list(f, "hooks", HEADER_HOOKS_MAX, OPTIONAL);
	struct fields of;
	size_t i;

	for (i = 0; list && i < json_array_size(list) && !f->err; i++) {
		of = field_object(f, "hooks", list, i);
		parse_hook(&of, &hdr->hooks[hdr->n_hooks++]);
		f->err = of.err;
	}
}

static void parse_cost(struct fields *f, struct probe_cost *cost)
{
	cost->valid = field_known(f, "probe_floor_ns");
	cost->floor_ns = field_real(f, "probe_floor_ns", OPTIONAL | FIELD_NULL);
	cost->tax_ns = field_real(f, "probe_tax_ns", OPTIONAL | FIELD_NULL);
	cost->linearity = field_real(f, "probe_linearity", OPTIONAL | FIELD_NULL);
	field_text(f, "probe_cost_unknown", cost->why, sizeof(cost->why), OPTIONAL | FIELD_NULL);
}

static void parse_machine(struct fields *f, struct header *hdr)
{
	field_text(f, "kernel", hdr->release, sizeof(hdr->release), 0);
	field_text(f, "machine", hdr->machine, sizeof(hdr->machine), 0);
	field_text(f, "model", hdr->model, sizeof(hdr->model), OPTIONAL);
	hdr->cpus = field_u64(f, "cpus", CPUS_MAX, 0);
	/* Older captures do not tell: there was but one. */
	hdr->backend = BACKEND_BPF;
	if (field_known(f, "backend"))
		hdr->backend = word(f, "backend", backend_at, BACKEND_COUNT);
	field_text(f, "backend_reason", hdr->backend_reason, sizeof(hdr->backend_reason),
		   OPTIONAL | FIELD_NULL);
	hdr->flavour = word(f, "flavour", flavour_at, FLAVOUR_UNKNOWN + 1);
	hdr->level = word(f, "level", level_at, LEVEL_ARCH + 1);
	hdr->exact = field_bool(f, "exact", 0);
	hdr->bytes = field_bool(f, "bytes", 0);
	hdr->storms = field_bool(f, "storms", OPTIONAL);
	hdr->chain = field_bool(f, "chain", OPTIONAL);
}

static void parse_run(struct fields *f, struct capture_info *info)
{
	field_text(f, "version", info->tool_version, sizeof(info->tool_version), OPTIONAL);
	field_text(f, "build_id", info->build_id, sizeof(info->build_id), OPTIONAL);
	field_text(f, "boot_id", info->boot_id, sizeof(info->boot_id), OPTIONAL);
	field_text(f, "cpu_model", info->cpu_model, sizeof(info->cpu_model), OPTIONAL);
	field_text(f, "iommu_walker", info->iommu_walker, sizeof(info->iommu_walker),
		   OPTIONAL | FIELD_NULL);
	field_text(f, "governor", info->governor, sizeof(info->governor), OPTIONAL);
	field_text(f, "command", info->command, sizeof(info->command), OPTIONAL);
	info->start_ns = field_u64(f, "start_ns", INT64_MAX, OPTIONAL);
	info->interval_ns = field_u64(f, "interval_ns", INT64_MAX, OPTIONAL);
	info->stacks = field_bool(f, "stacks", OPTIONAL);
	info->user_stacks = field_bool(f, "user_stacks", OPTIONAL);
	info->procs = field_bool(f, "procs", OPTIONAL);
	info->profile_hz = field_u64(f, "profile_hz", UINT32_MAX, OPTIONAL);
}

int parse_header(struct fields *f, struct capture_info *info)
{
	__u64 format;

	memset(info, 0, sizeof(*info));
	/* Without it: what --json prints, whose names are the same. */
	format = field_u64(f, "format", INT64_MAX, OPTIONAL);
	if (!f->err && format > CAPTURE_FORMAT) {
		f->err = lines_damaged(f->lines,
				       "format %llu: this dmasynctop knows formats up to %u; read"
				       " it with a newer one",
				       format, CAPTURE_FORMAT);
		return f->err;
	}
	parse_machine(f, &info->hdr);
	parse_hooks(f, &info->hdr);
	parse_cost(f, &info->hdr.cost);
	parse_run(f, info);
	return f->err;
}
