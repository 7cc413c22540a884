// SPDX-License-Identifier: GPL-2.0
/* Commands: what a run is to do, as text. */
#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/string.h>
#include "bench.h"

const char *const bench_api_names[API_COUNT] = {
	[API_MAP_SG] = "map_sg",
	[API_SYNC_SG_FOR_CPU] = "sync_sg_for_cpu",
	[API_SYNC_SG_FOR_DEVICE] = "sync_sg_for_device",
	[API_UNMAP_SG] = "unmap_sg",
	[API_MAP_PAGE] = "map_page",
	[API_SYNC_SINGLE_FOR_CPU] = "sync_single_for_cpu",
	[API_SYNC_SINGLE_FOR_DEVICE] = "sync_single_for_device",
	[API_UNMAP_PAGE] = "unmap_page",
	[API_MAP_RESOURCE] = "map_resource",
	[API_UNMAP_RESOURCE] = "unmap_resource",
	[API_ALLOC_COHERENT] = "alloc_coherent",
	[API_FREE_COHERENT] = "free_coherent",
	[API_IOVA_LINK] = "iova_link",
	[API_IOVA_SYNC] = "iova_sync",
	[API_IOVA_UNLINK] = "iova_unlink",
	[API_VMAP] = "vmap",
	[API_VUNMAP] = "vunmap",
	[API_DMABUF_VMAP] = "dmabuf_vmap",
	[API_DMABUF_VUNMAP] = "dmabuf_vunmap",
};

static const char *const op_names[OP_COUNT] = {
	[OP_SG] = "sg",
	[OP_SGTABLE] = "sgtable",
	[OP_PAGE] = "page",
	[OP_SINGLE] = "single",
	[OP_RESOURCE] = "resource",
	[OP_COHERENT] = "coherent",
	[OP_IOVA] = "iova",
	[OP_IOVA_DESTROY] = "iova_destroy",
	[OP_VMAP] = "vmap",
	[OP_DMABUF_VMAP] = "dmabuf_vmap",
};

static const char *const layout_names[LAYOUT_COUNT] = {
	[LAYOUT_PLAIN] = "plain",	  [LAYOUT_CHAINED] = "chained",
	[LAYOUT_UNALIGNED] = "unaligned", [LAYOUT_SMALL] = "small",
	[LAYOUT_MIXED] = "mixed",	  [LAYOUT_APART] = "apart",
	[LAYOUT_REVERSE] = "reverse",
};

static const char *const fail_names[FAIL_COUNT] = {
	[FAIL_NONE] = "none",
	[FAIL_LIMIT] = "limit",
	[FAIL_EXHAUST] = "exhaust",
};

static const char *const dir_names[] = {
	[DMA_BIDIRECTIONAL] = "bidirectional",
	[DMA_TO_DEVICE] = "to_device",
	[DMA_FROM_DEVICE] = "from_device",
};

static const char *const attr_names[] = { "none", "skip_cpu_sync" };
static const char *const device_names[] = { "platform", "pci" };
static const char *const switch_names[] = { "no", "yes" };
static const char *const irq_names[] = { "off", "on" };
static const char *const special_marks[] = { "all", "run", "none" };

const char *bench_dir_name(enum dma_data_direction dir)
{
	return dir_names[dir];
}

/* Finds @value among @n names and says what there is if it is none of them. */
static int pick(const char *key, const char *value, const char *const *names, int n)
{
	char valid[160] = "";
	int i;

	for (i = 0; i < n; i++) {
		if (!strcmp(names[i], value))
			return i;
		if (i)
			strlcat(valid, ", ", sizeof(valid));
		strlcat(valid, names[i], sizeof(valid));
	}
	return bench_refuse(-EINVAL, "%s=%s: want one of %s", key, value, valid);
}

static int parse_number(const char *key, const char *value, u64 min, u64 max, u64 *out)
{
	char *end;

	*out = memparse(value, &end);
	if (end != value && !*end && *value != '-' && *out >= min && *out <= max)
		return 0;
	return bench_refuse(-EINVAL, "%s=%s: want a number from %llu to %llu", key, value, min,
			    max);
}

static int set_number(struct bench_params *p, const char *key, const char *value)
{
	static const struct {
		const char *key;
		size_t at;
		u64 min, max;
	} keys[] = {
		{ "entries", offsetof(struct bench_params, entries), 0, ENTRIES_MAX },
		{ "size", offsetof(struct bench_params, size), 1, SIZE_MAX_ENTRY },
		{ "iterations", offsetof(struct bench_params, iterations), 1, ITERATIONS_MAX },
		{ "warmup", offsetof(struct bench_params, warmup), 0, ITERATIONS_MAX },
		{ "fail_at", offsetof(struct bench_params, fail_at), 0, ENTRIES_MAX },
		{ "mask", offsetof(struct bench_params, mask), 12, 64 },
		{ "cpu", offsetof(struct bench_params, cpu), 0, INT_MAX },
		{ "fd", offsetof(struct bench_params, fd), 0, INT_MAX },
	};
	u64 n;
	int i, err;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].key, key))
			continue;
		err = parse_number(key, value, keys[i].min, keys[i].max, &n);
		if (!err)
			*(u32 *)((char *)p + keys[i].at) = n;
		return err;
	}
	return bench_refuse(-EINVAL, "%s=%s: no such parameter; reading this file names them", key,
			    value);
}

static int set_mark(struct bench_params *p, const char *value)
{
	int i;

	i = match_string(special_marks, ARRAY_SIZE(special_marks), value);
	if (i >= 0) {
		p->mark = i == 0 ? MARK_ALL : i == 1 ? MARK_RUN : MARK_NONE;
		return 0;
	}
	p->mark = match_string(bench_api_names, API_COUNT, value);
	if (p->mark < 0)
		return bench_refuse(-EINVAL, "mark=%s: want all, run, none or a call, like map_sg",
				    value);
	return 0;
}

static int set_label(struct bench_params *p, const char *value)
{
	const char *c;

	for (c = value; *c; c++)
		if (!isalnum(*c) && !strchr("._-", *c))
			break;
	if (*c || !*value || strscpy(p->label, value, sizeof(p->label)) < 0)
		return bench_refuse(-EINVAL,
				    "label=%s: want 1 to %zu letters, digits, '.', '_', '-'", value,
				    sizeof(p->label) - 1);
	return 0;
}

static int set_word(struct bench_params *p, const char *key, const char *value)
{
	/* The values are indices: 0 for the first word, ... */
	static const struct {
		const char *key;
		size_t at;
		const char *const *names;
		int n;
	} keys[] = {
		{ "op", offsetof(struct bench_params, op), op_names, ARRAY_SIZE(op_names) },
		{ "dir", offsetof(struct bench_params, dir), dir_names, ARRAY_SIZE(dir_names) },
		{ "attrs", offsetof(struct bench_params, skip), attr_names,
		  ARRAY_SIZE(attr_names) },
		{ "device", offsetof(struct bench_params, pci), device_names,
		  ARRAY_SIZE(device_names) },
		{ "layout", offsetof(struct bench_params, layout), layout_names,
		  ARRAY_SIZE(layout_names) },
		{ "fail", offsetof(struct bench_params, fail), fail_names, ARRAY_SIZE(fail_names) },
		{ "sync", offsetof(struct bench_params, sync), switch_names,
		  ARRAY_SIZE(switch_names) },
		{ "dirty", offsetof(struct bench_params, dirty), switch_names,
		  ARRAY_SIZE(switch_names) },
		{ "irqs", offsetof(struct bench_params, irqs), irq_names, ARRAY_SIZE(irq_names) },
	};
	int i, found;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].key, key))
			continue;
		found = pick(key, value, keys[i].names, keys[i].n);
		if (found < 0)
			return found;
		*(u32 *)((char *)p + keys[i].at) = found;
		return 0;
	}
	if (!strcmp(key, "mark"))
		return set_mark(p, value);
	if (!strcmp(key, "label"))
		return set_label(p, value);
	return set_number(p, key, value);
}

/* What no single parameter shows. */
static int check(const struct bench_params *p)
{
	bool lists = p->op == OP_SG || p->op == OP_SGTABLE;
	u64 calls = (u64)(lists || p->op >= OP_VMAP ? 1 : p->entries) * p->iterations;

	if (p->cpu >= nr_cpu_ids || !cpu_online(p->cpu))
		return bench_refuse(-EINVAL, "cpu=%d: is not online", p->cpu);
	if ((u64)p->entries * p->size > BYTES_MAX)
		return bench_refuse(-EINVAL, "entries=%u size=%u: more than %llu bytes", p->entries,
				    p->size, BYTES_MAX);
	if (calls > CALLS_MAX)
		return bench_refuse(-EINVAL, "iterations=%u: more than %u calls of a kind",
				    p->iterations, CALLS_MAX);
	if (p->layout == LAYOUT_SMALL && p->size > PAGE_SIZE / 2)
		return bench_refuse(-EINVAL, "layout=small: want size up to %lu", PAGE_SIZE / 2);
	if (p->layout == LAYOUT_UNALIGNED && p->size < 128)
		return bench_refuse(-EINVAL, "layout=unaligned: want size 128 or more");
	if (p->layout == LAYOUT_CHAINED && !lists)
		return bench_refuse(-EINVAL, "layout=chained: only lists are, op=sg or op=sgtable");
	if (p->op == OP_VMAP && (!p->entries || p->size % PAGE_SIZE))
		return bench_refuse(-EINVAL, "op=vmap: want entries of whole pages");
	if (p->op == OP_VMAP && p->layout != LAYOUT_PLAIN && p->layout != LAYOUT_REVERSE)
		return bench_refuse(-EINVAL, "op=vmap: want layout plain or reverse");
	if (p->op != OP_VMAP && p->layout == LAYOUT_REVERSE)
		return bench_refuse(-EINVAL, "layout=reverse: only op=vmap has it");
	if ((p->op == OP_DMABUF_VMAP) != (p->fd >= 0))
		return bench_refuse(-EINVAL, "op=dmabuf_vmap wants fd=, and no other op has it");
	if (p->fail && (p->op == OP_RESOURCE || p->op == OP_COHERENT || p->op >= OP_VMAP))
		return bench_refuse(-EINVAL, "fail=%s: not with op=%s", fail_names[p->fail],
				    op_names[p->op]);
	if (p->fail && p->fail_at >= p->entries)
		return bench_refuse(-EINVAL, "fail_at=%u: there are %u entries", p->fail_at,
				    p->entries);
	if (p->mark != MARK_NONE && !BENCH_CAN_MARK)
		return bench_refuse(-EINVAL, "mark: this architecture has no markers");
	return 0;
}

int bench_parse(char *text, struct bench_params *p)
{
	char *word, *value;
	int err;

	*p = (struct bench_params){
		.dir = DMA_FROM_DEVICE,
		.entries = 2560,
		.size = 4096,
		.iterations = 1,
		.cpu = raw_smp_processor_id(),
		.mark = MARK_NONE,
		.fd = -1,
		.sync = true,
		.dirty = true,
		.label = "run",
	};
	while ((word = strsep(&text, " \t\n"))) {
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (!value)
			return bench_refuse(-EINVAL, "%s: want KEY=VALUE", word);
		*value++ = '\0';
		err = set_word(p, word, value);
		if (err)
			return err;
	}
	return check(p);
}

void bench_help(struct seq_file *m)
{
	seq_puts(m,
		 "op=sg|sgtable|page|single|resource|coherent|iova|iova_destroy|vmap|dmabuf_vmap\n"
		 "dir=to_device|from_device|bidirectional\n"
		 "attrs=none|skip_cpu_sync\n"
		 "device=platform|pci\n"
		 "layout=plain|chained|unaligned|small|mixed|apart|reverse\n"
		 "fail=none|limit|exhaust\n"
		 "fail_at=ENTRY\n"
		 "sync=yes|no\n"
		 "dirty=yes|no\n"
		 "mark=none|all|run|CALL\n"
		 "irqs=off|on\n"
		 "label=NAME\n");
	seq_printf(m,
		   "entries=0..%u\n"
		   "size=1..%u\n"
		   "iterations=1..%u\n"
		   "warmup=0..%u\n"
		   "mask=12..64\n"
		   "cpu=N\n"
		   "fd=N\n"
		   "stop\n",
		   ENTRIES_MAX, SIZE_MAX_ENTRY, ITERATIONS_MAX, ITERATIONS_MAX);
}

static const char *mark_name(int mark)
{
	switch (mark) {
	case MARK_NONE:
		return "none";
	case MARK_ALL:
		return "all";
	case MARK_RUN:
		return "run";
	}
	return bench_api_names[mark];
}

void bench_params_show(struct seq_file *m, const struct bench_params *p)
{
	seq_printf(m, "\"label\":\"%s\",\"run\":\"%s\",\"dir\":\"%s\",\"attrs\":\"%s\",", p->label,
		   op_names[p->op], dir_names[p->dir], attr_names[p->skip]);
	seq_printf(m, "\"layout\":\"%s\",\"entries\":%u,\"size\":%u,\"fail\":\"%s\",",
		   layout_names[p->layout], p->entries, p->size, fail_names[p->fail]);
	if (p->fail)
		seq_printf(m, "\"fail_at\":%u,", p->fail_at);
	if (p->mask)
		seq_printf(m, "\"mask\":%u,", p->mask);
	seq_printf(m, "\"iterations\":%u,\"warmup\":%u,\"cpu\":%d,\"sync\":%s,\"dirty\":%s,",
		   p->iterations, p->warmup, p->cpu, p->sync ? "true" : "false",
		   p->dirty ? "true" : "false");
	seq_printf(m, "\"mark\":\"%s\",\"device\":\"%s\"", mark_name(p->mark),
		   device_names[p->pci]);
}
