// SPDX-License-Identifier: GPL-2.0
/* What "bench --module" measured, as a table and as JSON. */
#include "dmasync/bench_module.h"
#include "dmasync/json_rows.h"
#include "dmasync/units.h"
#include "dmasync/view.h"

/* Entries of one call, of those that did not fail. */
static double entries_of(const struct module_api *api)
{
	__u64 good = api->calls - api->errors;

	return good ? (double)api->entries / good : 0;
}

static double per_entry(const struct module_api *api)
{
	double entries = entries_of(api);

	return entries > 0 ? api->median / entries : -1;
}

static void print_api(FILE *out, const struct module_api *api, const struct module_result *r)
{
	char min[FMT_LEN], median[FMT_LEN], p99[FMT_LEN], max[FMT_LEN], each[FMT_LEN],
		dsb[FMT_LEN] = "-";

	if (r->about.dsb_known)
		fmt_count(dsb, api->dsb, 8);
	fprintf(out, "%-26s %8s %8s %8s %8s %9s %9s\n", op_name(api->op), fmt_ns(min, api->min, 6),
		fmt_ns(median, api->median, 6), fmt_ns(p99, api->p99, 6), fmt_ns(max, api->max, 6),
		fmt_count(each, per_entry(api), 6), dsb);
}

void module_print_text(FILE *out, const struct bench_options *opt, const struct module_result *r)
{
	char size[FMT_LEN], entry[FMT_LEN];
	unsigned int i;

	fprintf(out,
		"%s (%scoherent%s): %s in %zu entries of %s, --dir %s, %u iterations on CPU %d\n",
		r->dev, r->coherent ? "" : "not ", r->iommu ? ", behind an IOMMU" : "",
		fmt_bytes(size, opt->size, 6), opt->size / opt->entry,
		fmt_bytes(entry, opt->entry, 6), bench_access_name(opt->access), opt->iterations,
		r->about.cpu);
	bench_print_machine(out, &r->about);
	for (i = 0; i < r->n_apis; i++)
		print_api(out, &r->apis[i], r);
	fputc('\n', out);
	for (i = 0; i < r->n_apis; i++)
		if (r->apis[i].errors)
			fprintf(out, "%s: %llu of %llu calls failed\n", op_name(r->apis[i].op),
				r->apis[i].errors, r->apis[i].calls);
	bench_print_notes(out, &r->about);
}

static json_t *api_object(const struct module_api *api, const struct module_result *r)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:o, s:o}", "op",
			 op_name(api->op), "calls", json_u64(api->calls), "errors",
			 json_u64(api->errors), "entries", json_u64(api->entries), "bytes",
			 json_u64(api->bytes), "min_ns", json_u64(api->min), "median_ns",
			 json_u64(api->median), "p99_ns", json_u64(api->p99), "max_ns",
			 json_u64(api->max), "mean_ns", api->mean, "median_ns_per_entry",
			 per_entry(api) < 0 ? json_null() : json_real(per_entry(api)),
			 "dsb_per_call", r->about.dsb_known ? json_real(api->dsb) : json_null());
}

int module_print_json(FILE *out, const struct bench_options *opt, const struct module_result *r)
{
	json_t *obj, *apis = json_array();
	unsigned int i;

	for (i = 0; i < r->n_apis; i++)
		json_array_append_new(apis, api_object(&r->apis[i], r));
	obj = json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:o, s:o}", "type", "bench", "source",
			"module", "dev", r->dev, "coherent", (int)r->coherent, "iommu",
			(int)r->iommu, "size", json_u64(opt->size), "entry", json_u64(opt->entry),
			"apis", apis);
	if (obj)
		bench_add_machine(obj, opt, &r->about);
	return json_print(out, obj);
}
