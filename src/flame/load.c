// SPDX-License-Identifier: GPL-2.0
/* From captures to trees. */
#include <errno.h>
#include <stdio.h>
#include <dmasync/flame.h>
#include <dmasync/log.h>

static const char *base_of(enum group_by by, const struct interval *iv, const struct stack_row *r,
			   char buf[40])
{
	switch (by) {
	case BY_DEVICE:
		return iv->rows[r->row].dev;
	case BY_DRIVER:
		return iv->rows[r->row].driver;
	case BY_PROCESS:
		if (!r->tgid && !*r->comm)
			return "[process not told]";
		snprintf(buf, 40, "%.16s/%u", r->comm, r->tgid);
		return buf;
	case BY_ROW:
	case BY_STORM:
		break;
	}
	return NULL;
}

static int add_calls(struct flame_tree *t, enum flame_side side, const struct interval *iv,
		     const struct stack_table *stacks, enum group_by by, struct flame_source *src)
{
	const struct header *hdr = &src->info.hdr;
	const struct stack_row *r = iv->stacks;
	enum dsb_source dsb;
	char buf[40];
	size_t i;

	for (i = 0; i < iv->n_stacks; i++, r++) {
		struct flame_values v = {
			.calls = r->sum.calls,
			.entries = r->sum.entries,
			.bytes = r->sum.bytes,
			.ns = r->sum.ns,
			.saved = r->sum.chained,
		};

		row_dsb(&iv->rows[r->row], hdr->exact, hdr->flavour, &dsb);
		if (dsb == DSB_UNKNOWN)
			src->dsb_unknown += v.calls;
		else if (dsb != DSB_NONE)
			v.dsb = dsb == DSB_COUNTED ? r->sum.dsb : r->dsb_derived;
		if (src->dsb != DSB_COUNTED && src->dsb != DSB_DERIVED)
			src->dsb = dsb;
		if (flame_tree_add(t, side, base_of(by, iv, r, buf), &stacks->stacks[r->stack], &v))
			return -ENOMEM;
	}
	return 0;
}

static int add_samples(struct flame_tree *t, enum flame_side side, const struct interval *iv,
		       const struct stack_table *stacks, enum group_by by)
{
	const struct sample_row *r = iv->samples;
	char buf[40];
	size_t i;

	for (i = 0; i < iv->n_samples; i++, r++) {
		struct stack_row who = { .tgid = r->tgid };
		struct flame_values v = { .samples = r->samples };
		const char *base = NULL;

		snprintf(who.comm, sizeof(who.comm), "%s", r->comm);
		if (by == BY_PROCESS)
			base = base_of(by, iv, &who, buf);
		if (flame_tree_add(t, side, base, &stacks->stacks[r->stack], &v))
			return -ENOMEM;
	}
	return 0;
}

int flame_add_interval(struct flame_tree *t, enum flame_side side, const struct interval *iv,
		       const struct stack_table *stacks, enum group_by by, struct flame_source *src)
{
	src->dur_ns += iv->dur_ns;
	src->lost_stacks += iv->loss.stacks;
	if (t->weight == FLAME_SAMPLES)
		return add_samples(t, side, iv, stacks, by);
	return add_calls(t, side, iv, stacks, by, src);
}

/* Why the capture in @total has nothing to draw, or NULL. */
static const char *nothing_in(const struct flame_tree *t, const struct flame_source *src,
			      const struct interval *total)
{
	if (t->weight == FLAME_SAMPLES)
		return total->n_samples ? NULL
		       : src->info.profile_hz
			       ? "it has no samples: nothing ran while it was recorded"
			       : "it has no on-CPU profile; record one with --profile";
	if (t->weight == FLAME_SAVED) {
		__u64 saved = 0;

		for (size_t i = 0; i < total->n_stacks; i++)
			saved += total->stacks[i].sum.chained;
		if (!src->info.hdr.storms)
			return "it does not tell runs; record with --storms";
		if (!saved && total->n_stacks)
			return "no batch of single buffers would save a barrier";
	}
	for (size_t i = 0; i < total->n_stacks && t->weight == FLAME_BYTES; i++)
		if (total->stacks[i].sum.unsized)
			return "the bytes of its lists were not summed; record without --no-bytes";
	if (total->n_stacks) {
		if (t->weight != FLAME_DSB || src->dsb == DSB_COUNTED || src->dsb == DSB_DERIVED)
			return NULL;
		return src->dsb == DSB_NONE
			       ? "no barriers belong to DMA on that machine; use another --weight"
			       : "its barriers are not known; record with --exact to count them";
	}
	return src->info.stacks ? "no DMA API call was made while it was recorded"
				: "it was recorded without stacks; see `dmasynctop record --help`";
}

int flame_add_capture(struct flame_tree *t, enum flame_side side, const char *path,
		      enum group_by by, struct flame_source *src)
{
	struct capture *capture = NULL;
	struct interval total;
	const char *why;
	int err;

	interval_init(&total);
	err = capture_read(path, &total, NULL, NULL, &capture);
	if (!err) {
		*src = (struct flame_source){ .info = *capture_info(capture) };
		snprintf(src->path, sizeof(src->path), "%s", path);
		if (capture_cut_off(capture))
			snprintf(src->cut_off, sizeof(src->cut_off), "%s",
				 capture_cut_off(capture));
		err = flame_add_interval(t, side, &total, capture_stacks(capture), by, src);
		if (err)
			log_error("%s: out of memory for its stacks", path);
	}
	why = err ? NULL : nothing_in(t, src, &total);
	if (why) {
		log_error("%s: nothing to draw: %s", path, why);
		err = -ENODATA;
	}
	capture_free(capture);
	interval_free(&total);
	return err;
}
