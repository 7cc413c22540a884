// SPDX-License-Identifier: GPL-2.0
/* Where each frame is drawn, and which are too narrow to be. */
#include <errno.h>
#include <stdlib.h>
#include <dmasync/flame.h>

static void place_children(const struct flame_tree *t, enum flame_side side, __u32 parent,
			   double scale, double min_px, struct flame_layout *out)
{
	const struct flame_values *v = t->values[side];
	__u64 at = 0;
	__u32 c;

	for (c = t->nodes[parent].child; c; c = t->nodes[c].next) {
		struct flame_box *box = &out->box[c];
		double w = v[c].weight * scale;

		box->x = out->box[parent].x + at * scale;
		at += v[c].weight;
		if (w < min_px || !out->box[parent].w) {
			out->folded += !!v[c].weight;
			if (out->box[parent].w)
				out->folded_share += v[c].weight;
			continue;
		}
		box->w = w;
		if (t->nodes[c].depth > out->depth)
			out->depth = t->nodes[c].depth;
	}
}

int flame_layout(const struct flame_tree *t, enum flame_side side, double width, double min_px,
		 struct flame_layout *out)
{
	__u64 total = t->values[side][0].weight;
	size_t i;

	*out = (struct flame_layout){ .box = calloc(t->n, sizeof(*out->box)) };
	if (!out->box)
		return -ENOMEM;
	if (!total)
		return 0;
	out->box[0].w = width;
	/* Parents come before their children. */
	for (i = 0; i < t->n; i++)
		place_children(t, side, i, width / total, min_px, out);
	out->folded_share /= total;
	return 0;
}

void flame_layout_free(struct flame_layout *l)
{
	free(l->box);
	*l = (struct flame_layout){};
}
