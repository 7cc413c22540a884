// SPDX-License-Identifier: GPL-2.0
/* What a run measured: samples, figures, JSON. */
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <linux/utsname.h>
#include "bench.h"

static const enum bench_api apis_of_lists[] = { API_MAP_SG, API_SYNC_SG_FOR_CPU,
						API_SYNC_SG_FOR_DEVICE, API_UNMAP_SG };
static const enum bench_api apis_of_pages[] = { API_MAP_PAGE, API_SYNC_SINGLE_FOR_CPU,
						API_SYNC_SINGLE_FOR_DEVICE, API_UNMAP_PAGE };
static const enum bench_api apis_of_resource[] = { API_MAP_RESOURCE, API_UNMAP_RESOURCE };
static const enum bench_api apis_of_coherent[] = { API_ALLOC_COHERENT, API_FREE_COHERENT };
static const enum bench_api apis_of_iova[] = { API_IOVA_LINK, API_IOVA_SYNC, API_IOVA_UNLINK };

static const enum bench_api apis_of_vmap[] = { API_VMAP, API_VUNMAP };
static const enum bench_api apis_of_dmabuf[] = { API_DMABUF_VMAP, API_DMABUF_VUNMAP };

/* The calls that an operation makes. */
static unsigned int apis_of(enum bench_op op, const enum bench_api **apis)
{
	switch (op) {
	case OP_SG:
	case OP_SGTABLE:
		*apis = apis_of_lists;
		return ARRAY_SIZE(apis_of_lists);
	case OP_PAGE:
	case OP_SINGLE:
		*apis = apis_of_pages;
		return ARRAY_SIZE(apis_of_pages);
	case OP_RESOURCE:
		*apis = apis_of_resource;
		return ARRAY_SIZE(apis_of_resource);
	case OP_COHERENT:
		*apis = apis_of_coherent;
		return ARRAY_SIZE(apis_of_coherent);
	case OP_VMAP:
		*apis = apis_of_vmap;
		return ARRAY_SIZE(apis_of_vmap);
	case OP_DMABUF_VMAP:
		*apis = apis_of_dmabuf;
		return ARRAY_SIZE(apis_of_dmabuf);
	default:
		*apis = apis_of_iova;
		return ARRAY_SIZE(apis_of_iova);
	}
}

static bool takes_lists(enum bench_api api)
{
	return api <= API_UNMAP_SG || api == API_IOVA_SYNC || api >= API_IOVA_UNLINK;
}

int bench_stats_alloc(struct bench_run *run)
{
	const enum bench_api *apis;
	unsigned int i, n = apis_of(run->p.op, &apis);

	for (i = 0; i < n; i++) {
		struct bench_stat *stat = &run->stats[apis[i]];
		u64 room = run->p.iterations;

		if (!takes_lists(apis[i]))
			room *= run->p.entries;
		stat->ns = kvcalloc(max(room, 1ULL), sizeof(*stat->ns), GFP_KERNEL);
		if (!stat->ns)
			return -ENOMEM;
		stat->room = room;
		stat->failed_at = -1;
	}
	return 0;
}

void bench_stats_free(struct bench_run *run)
{
	unsigned int i;

	for (i = 0; i < API_COUNT; i++) {
		kvfree(run->stats[i].ns);
		run->stats[i].ns = NULL;
	}
}

void bench_call_record(const struct bench_call *call, u64 ns, unsigned int entries, u64 bytes,
		       int status)
{
	struct bench_stat *stat = &call->run->stats[call->api];

	if (!call->run->recording)
		return;
	if (stat->calls < stat->room)
		stat->ns[stat->calls] = ns;
	stat->calls++;
	if (status) {
		stat->errors++;
		stat->status = stat->status ?: status;
		return;
	}
	stat->entries += entries;
	stat->bytes += bytes;
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Percentiles by nearest rank: each is a value that was measured. */
static void finish_stat(struct bench_stat *stat)
{
	u64 n = min(stat->calls, stat->room), i;

	if (!n)
		return;
	sort(stat->ns, n, sizeof(*stat->ns), by_value, NULL);
	for (i = 0; i < n; i++)
		stat->sum += stat->ns[i];
	stat->min = stat->ns[0];
	stat->max = stat->ns[n - 1];
	stat->median = stat->ns[(n + 1) / 2 - 1];
	stat->p99 = stat->ns[(99 * n + 99) / 100 - 1];
}

void bench_stats_finish(struct bench_run *run)
{
	unsigned int i;

	for (i = 0; i < API_COUNT; i++)
		finish_stat(&run->stats[i]);
	bench_stats_free(run);
}

static const char *word(bool value)
{
	return value ? "true" : "false";
}

static void show_run(struct seq_file *m, const struct bench_run *run)
{
	seq_printf(m, "{\"type\":\"run\",\"kernel\":\"%s\",\"state\":\"%s\",", utsname()->release,
		   run->state);
	bench_params_show(m, &run->p);
	seq_printf(m, ",\"dev\":\"%s\",\"coherent\":%s,\"iommu\":%s,", run->device_name,
		   word(run->coherent), word(run->iommu));
	seq_printf(m, "\"bytes\":%llu,\"held\":%u,\"iterations_done\":%u,\"elapsed_ns\":%llu}\n",
		   run->bytes, run->n_held, run->done_iterations, run->elapsed);
}

static void show_stat(struct seq_file *m, const struct bench_run *run, enum bench_api api)
{
	const struct bench_stat *stat = &run->stats[api];

	seq_printf(m, "{\"type\":\"api\",\"op\":\"%s\",\"label\":\"%s\",\"dev\":\"%s\",",
		   bench_api_names[api], run->p.label, run->device_name);
	seq_printf(m, "\"dir\":\"%s\",\"calls\":%u,\"entries\":%llu,\"bytes\":%llu,",
		   bench_dir_name(run->p.dir), stat->calls, stat->entries, stat->bytes);
	seq_printf(m, "\"bounced\":%llu,\"errors\":%llu,\"status\":%d,", stat->bounced,
		   stat->errors, stat->status);
	if (api == API_VMAP || api == API_DMABUF_VMAP)
		seq_printf(m, "\"runs\":%llu,\"wrong\":%llu,", stat->runs, stat->wrong);
	if (stat->failed_at >= 0)
		seq_printf(m, "\"failed_at\":%d,", stat->failed_at);
	else
		seq_puts(m, "\"failed_at\":null,");
	seq_printf(m, "\"ns\":%llu,\"min_ns\":%llu,\"median_ns\":%llu,\"p99_ns\":%llu,", stat->sum,
		   stat->min, stat->median, stat->p99);
	seq_printf(m, "\"max_ns\":%llu,\"mean_ns\":%llu}\n", stat->max,
		   stat->calls ? div_u64(stat->sum, stat->calls) : 0);
}

void bench_result_show(struct seq_file *m, const struct bench_run *run)
{
	const enum bench_api *apis;
	unsigned int i, n = apis_of(run->p.op, &apis);

	show_run(m, run);
	for (i = 0; i < n; i++)
		if (run->stats[apis[i]].calls || run->stats[apis[i]].errors)
			show_stat(m, run, apis[i]);
}
