// SPDX-License-Identifier: GPL-2.0
/* The objects of the NDJSON output: header, interval, end. */
#include <errno.h>
#include <string.h>
#include <dmasync/json_rows.h>
#include <dmasync/view.h>

static const char *hook_op_name(const struct hook_state *hook)
{
	return hook->op < OP_COUNT && hook->op != OP_CALIBRATE ? op_name(hook->op) : NULL;
}

static json_t *hook_object(const struct hook_state *hook)
{
	return json_pack("{s:o, s:s?, s:b, s:s?, s:s?, s:o?, s:b}", "name", json_text(hook->name),
			 "op", hook_op_name(hook), "barrier", (int)hook->barrier, "rung",
			 hook->rung == RUNG_NONE ? NULL : rung_name(hook->rung), "end",
			 hook->end == END_NONE ? NULL : hook_end_name(hook->end), "reason",
			 hook->reason[0] ? json_text(hook->reason) : json_null(), "refused",
			 (int)hook->refused);
}

static json_t *hook_list(const struct header *hdr)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; list && i < hdr->n_hooks; i++)
		json_array_append_new(list, hook_object(&hdr->hooks[i]));
	return list;
}

static json_t *real_or_null(bool known, double v)
{
	json_t *real = known ? json_real(v) : NULL;

	return real ? real : json_null(); /* json_real() refuses NaN and infinity */
}

json_t *json_header(const struct header *hdr)
{
	const struct probe_cost *c = &hdr->cost;
	json_t *obj;

	obj = json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:i, s:s, s:o, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o,"
		" s:o}",
		"type", "header", "version", DMASYNC_VERSION, "kernel", json_text(hdr->release),
		"machine", json_text(hdr->machine), "model", json_text(hdr->model), "cpus",
		(int)hdr->cpus, "backend", backend_name(hdr->backend), "backend_reason",
		hdr->backend_reason[0] ? json_text(hdr->backend_reason) : json_null(), "flavour",
		flavour_name(hdr->flavour), "level", level_name(hdr->level), "exact",
		(int)hdr->exact, "bytes", (int)hdr->bytes, "hooks", hook_list(hdr),
		"probe_floor_ns", real_or_null(c->valid, c->floor_ns), "probe_tax_ns",
		real_or_null(c->valid, c->tax_ns), "probe_linearity",
		real_or_null(c->valid, c->linearity), "probe_cost_unknown",
		c->valid ? json_null() : json_text(c->why));
	if (obj && ((hdr->storms && json_object_set_new(obj, "storms", json_true())) ||
		    (hdr->chain && json_object_set_new(obj, "chain", json_true())))) {
		json_decref(obj);
		return NULL;
	}
	return obj;
}

static json_t *row_object(const struct header *hdr, const struct interval *iv, size_t i)
{
	return json_row(hdr, &iv->rows[i]);
}

static json_t *process_object(const struct header *hdr, const struct interval *iv, size_t i)
{
	return json_process(hdr, &iv->procs[i]);
}

static json_t *stack_object(const struct header *hdr, const struct interval *iv, size_t i)
{
	return json_stack_row(hdr, iv, &iv->stacks[i]);
}

static json_t *sample_object(const struct header *hdr, const struct interval *iv, size_t i)
{
	return json_sample(&iv->samples[i]);
}

static json_t *storm_object(const struct header *hdr, const struct interval *iv, size_t i)
{
	return json_storm(&iv->storms[i]);
}

static json_t *list(const struct header *hdr, const struct interval *iv, size_t n,
		    json_t *(*object)(const struct header *, const struct interval *, size_t))
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; array && i < n; i++) {
		if (json_array_append_new(array, object(hdr, iv, i))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *sums_object(const char *type, const struct header *hdr, const struct interval *iv)
{
	json_t *obj =
		json_pack("{s:s, s:o, s:o, s:o, s:o}", "type", type, "t_ns", json_u64(iv->t_ns),
			  "dur_ns", json_u64(iv->dur_ns), "rows",
			  list(hdr, iv, iv->n_rows, row_object), "loss", json_loss(&iv->loss));

	if (!obj)
		return NULL;
	if ((iv->has_procs &&
	     json_object_set_new(obj, "processes", list(hdr, iv, iv->n_procs, process_object))) ||
	    (iv->has_storms &&
	     json_object_set_new(obj, "storms", list(hdr, iv, iv->n_storms, storm_object))) ||
	    (iv->has_pmu &&
	     json_object_set_new(obj, "pmu",
				 json_pack("{s:o}", "dsb_spec", json_u64(iv->pmu_dsb))))) {
		json_decref(obj);
		return NULL;
	}
	return obj;
}

json_t *json_interval(const struct header *hdr, const struct interval *iv)
{
	json_t *obj = sums_object("interval", hdr, iv);

	if (!obj)
		return NULL;
	if ((iv->has_stacks &&
	     json_object_set_new(obj, "stacks", list(hdr, iv, iv->n_stacks, stack_object))) ||
	    (iv->has_samples &&
	     json_object_set_new(obj, "samples", list(hdr, iv, iv->n_samples, sample_object)))) {
		json_decref(obj);
		return NULL;
	}
	return obj;
}

json_t *json_end(const struct header *hdr, const struct interval *total)
{
	json_t *obj = sums_object("end", hdr, total);

	if (obj)
		json_object_set_new(obj, "intervals", json_integer(total->merged));
	return obj;
}

int json_print(FILE *out, json_t *obj)
{
	int err = 0;

	if (!obj)
		return -ENOMEM;
	errno = 0;
	if (json_dumpf(obj, out, JSON_COMPACT | JSON_ENSURE_ASCII) || fputc('\n', out) == EOF ||
	    fflush(out))
		err = errno ? -errno : -EIO;
	json_decref(obj);
	return err;
}
