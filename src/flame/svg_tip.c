// SPDX-License-Identifier: GPL-2.0
/* Figures of one frame, as its tooltip tells them, and how amounts are written. */
#include <math.h>
#include <string.h>
#include <dmasync/units.h>
#include "svg.h"
#include "text.h"

static char *number(double v, char *buf)
{
	if (v >= 100 || v == floor(v))
		return flame_num(buf, llround(v));
	snprintf(buf, FLAME_NUM_LEN, "%.3g", v);
	return buf;
}

char *svg_amount(const struct svg *s, double v, char *buf)
{
	switch (s->t->weight) {
	case FLAME_TIME:
		return fmt_ns(buf, v, 6);
	case FLAME_BYTES:
		return fmt_bytes(buf, v, 6);
	default:
		return number(v, buf);
	}
}

char *svg_percent(double ratio, char *buf)
{
	double percent = (ratio - 1) * 100;

	if (ratio >= 2)
		snprintf(buf, FLAME_NUM_LEN, "x%.*f", ratio < 10 ? 2 : 0, ratio);
	else if (ratio < 0.0005)
		snprintf(buf, FLAME_NUM_LEN, "to 1/%.0f", 1 / ratio);
	else
		snprintf(buf, FLAME_NUM_LEN, "%+.1f %%", percent);
	return buf;
}

const char *svg_per(const struct svg *s)
{
	switch (flame_per(s->t)) {
	case PER_ENTRY_OF_RUN:
		return "entry";
	case PER_CALL_OF_RUN:
		return "call";
	case PER_SECOND_OF_RUN:
		break;
	}
	return "second";
}

static void calls(const struct svg *s, const struct flame_values *v)
{
	char num[FLAME_NUM_LEN], value[FMT_LEN];
	double n = v->calls ? v->calls : 1;

	fprintf(s->f, "%s call%s, %s", flame_num(num, v->calls), v->calls == 1 ? "" : "s",
		fmt_ns(value, v->ns, 6));
	fprintf(s->f, " (%s ns), average %s", flame_num(num, v->ns), fmt_ns(value, v->ns / n, 6));
	fprintf(s->f, "; %s entries", flame_num(num, v->entries));
	/* Where those of lists were not summed, what there is says little. */
	if (s->src->info.hdr.bytes) {
		fprintf(s->f, ", %s", fmt_bytes(value, v->bytes, 6));
		fprintf(s->f, " (%s bytes)", flame_num(num, v->bytes));
	}
	if (s->src->dsb != DSB_COUNTED && s->src->dsb != DSB_DERIVED)
		return;
	fprintf(s->f, ", %s dsb", flame_num(num, v->dsb));
	fprintf(s->f, " (%s a call)", number(v->dsb / n, num));
}

static void values(const struct svg *s, const struct flame_values *v)
{
	char num[FLAME_NUM_LEN];

	if (s->t->weight == FLAME_SAMPLES)
		fprintf(s->f, "%s sample%s", flame_num(num, v->samples),
			v->samples == 1 ? "" : "s");
	else
		calls(s, v);
}

static void share(const struct svg *s, const struct flame_values *v,
		  const struct flame_values *root)
{
	double all = root->weight ? root->weight : 1;

	fprintf(s->f, "%.2f %% of all", 100 * v->weight / all);
	if (v->self && v->self != v->weight)
		fprintf(s->f, ", itself %.2f %%", 100 * v->self / all);
}

static void change(const struct svg *s, __u32 node)
{
	struct flame_change c = flame_change(s->t, &s->scale, node);
	char ratio[FLAME_NUM_LEN];

	fprintf(s->f, "\nper %s of the run: ", svg_per(s));
	switch (c.verdict) {
	case FLAME_NEW:
		fputs("new, not in BEFORE", s->f);
		return;
	case FLAME_GONE:
		fputs("gone, not in AFTER", s->f);
		return;
	case FLAME_SAME:
		if (!c.ratio) {
			fputs("nothing in both", s->f);
			return;
		}
		fprintf(s->f, "%s, within the noise", svg_percent(c.ratio, ratio));
		return;
	case FLAME_LESS:
	case FLAME_MORE:
		break;
	}
	fputs(svg_percent(c.ratio, ratio), s->f);
}

void svg_tooltip(const struct svg *s, __u32 node)
{
	const struct flame_values *after = s->t->values[FLAME_AFTER];
	const struct flame_values *before = s->t->values[FLAME_BEFORE];

	flame_xml(s->f, flame_name(s->t, node), ~0u);
	fputs(s->t->diff ? "\nafter: " : "\n", s->f);
	values(s, &after[node]);
	fputs(s->t->diff ? "; " : "\n", s->f);
	share(s, &after[node], &after[0]);
	if (!s->t->diff)
		return;
	fputs("\nbefore: ", s->f);
	values(s, &before[node]);
	fputs("; ", s->f);
	share(s, &before[node], &before[0]);
	change(s, node);
}
