// SPDX-License-Identifier: GPL-2.0
/* A comparison as NDJSON: what was compared, its sides, an object a row, notes. */
#include <errno.h>
#include <dmasync/json_rows.h>
#include <dmasync/view.h>
#include "parts.h"

static json_t *real_or_null(bool known, double v)
{
	json_t *real = known ? json_real(v) : NULL;

	return real ? real : json_null();
}

static json_t *text_or_null(const char *s)
{
	return s[0] ? json_text(s) : json_null();
}

static json_t *compare_object(const struct compare *c)
{
	return json_pack("{s:s, s:s, s:o, s:i, s:o, s:o, s:i, s:b}", "type", "compare", "version",
			 DMASYNC_VERSION, "seed", json_u64(c->opt->seed), "draws",
			 (int)c->opt->draws, "noise_percent", json_real(c->opt->noise * 100),
			 "fail_percent",
			 real_or_null(c->opt->fail_above >= 0, c->opt->fail_above * 100),
			 "rows_tested", (int)c->n_tested, "regression", (int)compare_regressed(c));
}

static json_t *run_object(const struct compare_run *run)
{
	const struct header *h = &run->info.hdr;

	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:o}", "file",
			 json_text(run->path), "kernel", json_text(h->release), "build_id",
			 text_or_null(run->info.build_id), "flavour", flavour_name(h->flavour),
			 "boot_id", text_or_null(run->info.boot_id), "governor",
			 text_or_null(run->info.governor), "cpu_model",
			 text_or_null(run->info.cpu_model), "dur_ns", json_u64(run->dur_ns),
			 "intervals", (int)run->intervals, "cut_off", text_or_null(run->cut_off),
			 "probe_floor_ns", real_or_null(h->cost.valid, h->cost.floor_ns), "loss",
			 json_loss(&run->loss));
}

static json_t *side_object(const struct compare *c, enum side side)
{
	json_t *runs = json_array();
	size_t i;

	for (i = 0; runs && i < c->side[side].n; i++)
		json_array_append_new(runs, run_object(c->side[side].runs[i]));
	return json_pack("{s:s, s:s, s:o}", "type", "side", "side",
			 side == BEFORE ? "before" : "after", "runs", runs);
}

/* Steps are told of rows that can have any. */
static int figure_kinds(const struct compare_row *row)
{
	return op_is_chain(row->op) ? FIG_COUNT : FIG_STEPS_CALL;
}

/* What one side's runs add up to. */
static json_t *sums_object(const struct compare_row *row, enum side side)
{
	const struct row_side *s = &row->side[side];
	const struct call_counts *sum = &s->sum.sum;
	bool known = dsb_known(row, side);
	json_t *obj;
	int kind;

	if (!s->runs)
		return json_null();
	obj = json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:f}", "driver",
			json_text(s->sum.driver), "runs", (int)s->runs, "calls",
			json_u64(sum->calls), "entries", json_u64(sum->entries), "bytes",
			sum->unsized ? json_null() : json_u64(sum->bytes), "ns", json_u64(sum->ns),
			"min_ns", json_u64(s->sum.min_ns), "max_ns", json_u64(s->sum.max_ns), "dsb",
			known ? json_u64(s->dsb) : json_null(), "dsb_source",
			dsb_source_name(s->dsb_source), "time_share", s->share);
	if (obj && op_is_chain(row->op))
		json_object_set_new(obj, "steps", json_u64(sum->steps));
	for (kind = 0; obj && kind < figure_kinds(row); kind++)
		json_object_set_new(
			obj, figure_name(kind),
			real_or_null(row->figure[kind].known[side], row->figure[kind].value[side]));
	return obj;
}

static json_t *ratio_object(const struct figure *f)
{
	bool limits = f->has_ratio && f->has_limits;

	return json_pack("{s:o, s:o, s:o}", "ratio", real_or_null(f->has_ratio, f->r.ratio), "low",
			 real_or_null(limits, f->r.low), "high", real_or_null(limits, f->r.high));
}

static json_t *ratios_object(const struct compare_row *row)
{
	json_t *obj = json_object();
	int kind;

	for (kind = 0; obj && kind < figure_kinds(row); kind++)
		json_object_set_new(obj, figure_name(kind), ratio_object(&row->figure[kind]));
	return obj;
}

static json_t *classes_list(const struct compare_row *row)
{
	const struct size_class *class;
	json_t *list = json_array();
	unsigned int k;

	for (k = 0; list && k < SIZE_CLASSES; k++) {
		class = &row->size_class[k];
		if (class->share[BEFORE] <= 0 && class->share[AFTER] <= 0)
			continue;
		json_array_append_new(
			list, json_pack("{s:s, s:f, s:f, s:o, s:o, s:o}", "entries", class_name(k),
					"share_before", class->share[BEFORE], "share_after",
					class->share[AFTER], "ns_per_call_before",
					real_or_null(class->ns_call.known[BEFORE],
						     class->ns_call.value[BEFORE]),
					"ns_per_call_after",
					real_or_null(class->ns_call.known[AFTER],
						     class->ns_call.value[AFTER]),
					"ns_per_call", ratio_object(&class->ns_call)));
	}
	return list;
}

static json_t *row_object(const struct compare_row *row)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o, "
			 "s:o, s:o}",
			 "type", "row", "op", op_name(row->op), "dev", json_text(row->dev), "dir",
			 row->dir < DIR_COUNT ? json_string(dir_name(row->dir)) : json_null(),
			 "tested", (int)row->tested, "verdict", verdict_name(row->verdict), "why",
			 text_or_null(row->why), "want_runs",
			 row->want_runs ? json_integer(row->want_runs) : json_null(), "p",
			 real_or_null(row->tested, row->p), "p_holm",
			 real_or_null(row->tested, row->p_holm), "regression", (int)row->regression,
			 "mix_moved", (int)row->mix_moved, "before", sums_object(row, BEFORE),
			 "after", sums_object(row, AFTER), "ratios", ratios_object(row), "classes",
			 classes_list(row));
}

static json_t *storm_side_object(const struct compare_storm *s, enum side side)
{
	const struct storm_sums *sum = &s->sum[side];
	bool place = s->stack;

	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "saved", json_u64(sum->saved), "calls",
			 place ? json_null() : json_u64(sum->calls), "runs_of_calls",
			 place ? json_null() : json_u64(sum->runs), "saved_per_s",
			 real_or_null(s->saved_s.known[side], s->saved_s.value[side]),
			 "calls_per_run", real_or_null(sum->runs, storm_length(s, side)));
}

static json_t *frames_list(const struct stack *stack)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; list && i < stack->n; i++)
		json_array_append_new(list, json_text(stack->frames[i]));
	return list;
}

static json_t *storm_object(const struct compare_storm *s)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "type",
			 "storm", "driver", json_text(s->driver), "op",
			 s->stack ? json_string(op_name(s->op)) : json_null(), "frames",
			 s->stack ? frames_list(s->stack) : json_null(), "tested", (int)s->tested,
			 "verdict", storm_verdict_name(s->verdict), "why", text_or_null(s->why),
			 "p", real_or_null(s->tested, s->p), "p_holm",
			 real_or_null(s->tested, s->p_holm), "before", storm_side_object(s, BEFORE),
			 "after", storm_side_object(s, AFTER), "saved_per_s",
			 ratio_object(&s->saved_s));
}

/* Everything that batches of single buffers would save, on both sides. */
static json_t *storms_object(const struct compare *c)
{
	const struct storm_side *b = &c->storm[BEFORE], *a = &c->storm[AFTER];

	return json_pack("{s:s, s:f, s:f, s:o, s:o}", "type", "storms", "saved_per_s_before",
			 b->saved_s, "saved_per_s_after", a->saved_s, "percent_before",
			 real_or_null(b->percent >= 0, b->percent), "percent_after",
			 real_or_null(a->percent >= 0, a->percent));
}

static int print_storms(FILE *out, const struct compare *c)
{
	int err = json_print(out, storms_object(c));
	size_t i;

	for (i = 0; !err && i < c->n_storms; i++)
		err = json_print(out, storm_object(&c->storms[i]));
	return err;
}

int compare_print_json(FILE *out, const struct compare *c)
{
	int err = json_print(out, compare_object(c));
	size_t i;

	if (!err)
		err = json_print(out, side_object(c, BEFORE));
	if (!err)
		err = json_print(out, side_object(c, AFTER));
	for (i = 0; !err && i < c->n_rows; i++)
		err = json_print(out, row_object(&c->rows[i]));
	if (!err && storms_told(c))
		err = print_storms(out, c);
	for (i = 0; !err && i < c->n_notes; i++)
		err = json_print(out,
				 json_pack("{s:s, s:s, s:o}", "type", "note", "kind",
					   c->notes[i].kind, "text", json_text(c->notes[i].text)));
	return err;
}
