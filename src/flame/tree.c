// SPDX-License-Identifier: GPL-2.0
/* Stacks merged into a tree from their outermost frames, with totals and selves of every frame. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/flame.h>
#include "../interval/index.h"
#include "../view/clean.h"
#include "text.h"

static __u32 hash_name(const void *element)
{
	return ((const struct flame_name *)element)->hash;
}

static bool same_name(const void *a, const void *b)
{
	return !strcmp(((const struct flame_name *)a)->s, ((const struct flame_name *)b)->s);
}

static __u32 hash_node(const void *element)
{
	const struct flame_node *n = element;

	return ((n->parent * 2654435761u ^ n->name) * 2 + n->user) * 2654435761u >> 4;
}

static bool same_node(const void *x, const void *y)
{
	const struct flame_node *a = x, *b = y;

	/* The root is its own parent, but no frame's twin. */
	return a->parent == b->parent && a->name == b->name && a->user == b->user &&
	       a->depth == b->depth;
}

static const struct index_kind name_kind = { sizeof(struct flame_name), hash_name, same_name };
static const struct index_kind node_kind = { sizeof(struct flame_node), hash_node, same_node };

/* FNV-1a. */
static __u32 hash_string(const char *s)
{
	__u32 h = 2166136261u;

	while (*s)
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return h ^ h >> 15;
}

/* Number of @name as it is shown, in *@number. */
static int add_name(struct flame_tree *t, const char *name, __u32 *number)
{
	char clean[FLAME_NAME_MAX];
	struct flame_name like, *at;
	bool found;

	clean_text(clean, sizeof(clean), name);
	if (t->plain_names)
		flame_strip_suffix(clean);
	like = (struct flame_name){ .s = clean, .hash = hash_string(clean) };
	at = index_find(&t->name_index, &name_kind, (void **)&t->names, &t->n_names, &t->cap_names,
			&like, &found);
	if (!at)
		return -ENOMEM;
	*number = at - t->names;
	if (found)
		return 0;
	at->layer = flame_layer(clean);
	at->interrupt = flame_is_interrupt(clean);
	at->s = strdup(clean);
	if (at->s)
		return 0;
	t->n_names--;
	index_free(&t->name_index);
	return -ENOMEM;
}

static int grow_values(struct flame_tree *t, enum flame_side side)
{
	struct flame_values *values;

	if (t->values_cap[side] >= t->cap)
		return 0;
	values = reallocarray(t->values[side], t->cap, sizeof(*values));
	if (!values)
		return -ENOMEM;
	t->values[side] = values;
	t->values_cap[side] = t->cap;
	return 0;
}

/* Child of @parent with @name in *@number, made if there is none. */
static int add_node(struct flame_tree *t, __u32 parent, __u32 name, bool user,
		    enum flame_layer layer, __u32 *number)
{
	struct flame_node like = { .name = name, .parent = parent, .user = user, .layer = layer };
	struct flame_node *at;
	bool found;

	like.depth = t->n ? t->nodes[parent].depth + 1 : 0;
	at = index_find(&t->node_index, &node_kind, (void **)&t->nodes, &t->n, &t->cap, &like,
			&found);
	if (!at || grow_values(t, FLAME_AFTER) || (t->diff && grow_values(t, FLAME_BEFORE)))
		return -ENOMEM;
	if (!found) {
		t->values[FLAME_AFTER][at - t->nodes] = (struct flame_values){};
		if (t->diff)
			t->values[FLAME_BEFORE][at - t->nodes] = (struct flame_values){};
	}
	/* One stack may tell more of an unknown function than another. */
	if (layer > at->layer)
		at->layer = layer;
	if (at->depth > t->depth)
		t->depth = at->depth;
	*number = at - t->nodes;
	return 0;
}

int flame_tree_init(struct flame_tree *t, enum flame_weight weight, bool diff)
{
	__u32 name, root;

	*t = (struct flame_tree){ .weight = weight, .plain_names = diff, .diff = diff };
	if (add_name(t, "all", &name))
		return -ENOMEM;
	return add_node(t, 0, name, false, LAYER_KERNEL, &root);
}

void flame_tree_free(struct flame_tree *t)
{
	size_t i;

	for (i = 0; i < t->n_names; i++)
		free(t->names[i].s);
	free(t->names);
	free(t->nodes);
	free(t->values[FLAME_AFTER]);
	free(t->values[FLAME_BEFORE]);
	index_free(&t->name_index);
	index_free(&t->node_index);
	*t = (struct flame_tree){};
}

/*
 * Layers of @s. Drivers have no pattern in their names: what stands between the last function that
 * is known and the DMA API called it, so it is one.
 */
static void find_layers(const struct flame_tree *t, const struct stack *s, const __u32 *names,
			enum flame_layer *layers)
{
	unsigned int i, after = s->n_user, api = 0;

	for (i = 0; i < s->n; i++) {
		layers[i] = i < s->n_user ? LAYER_USER : t->names[names[i]].layer;
		if (i < s->n_user || api)
			continue;
		if (layers[i] == LAYER_ENTRY || layers[i] == LAYER_IO)
			after = i + 1;
		else if (layers[i] == LAYER_DMA || layers[i] == LAYER_ARCH)
			api = i;
	}
	for (i = after; i < api; i++)
		layers[i] = LAYER_DRIVER;
}

/*
 * First frame of @s that has to do with its call. What an interrupt stopped did not cause the calls
 * that its handler makes. Only a DMA API call that it stopped stays below it: the time is in both.
 */
static unsigned int first_frame(const struct flame_tree *t, const struct stack *s,
				const __u32 *names)
{
	unsigned int i, first = 0;

	if (t->weight == FLAME_SAMPLES)
		return 0;
	for (i = s->n_user; i < s->n; i++) {
		if (t->names[names[i]].layer == LAYER_DMA)
			break;
		if (t->names[names[i]].interrupt)
			first = i;
	}
	return first;
}

/* Sums stop where counts in captures do. */
static void add_count(__u64 *sum, __u64 n)
{
	if (__builtin_add_overflow(*sum, n, sum) || *sum > INT64_MAX)
		*sum = INT64_MAX;
}

static void add_counts(struct flame_values *sum, const struct flame_values *v)
{
	add_count(&sum->calls, v->calls);
	add_count(&sum->entries, v->entries);
	add_count(&sum->bytes, v->bytes);
	add_count(&sum->ns, v->ns);
	add_count(&sum->dsb, v->dsb);
	add_count(&sum->samples, v->samples);
	add_count(&sum->saved, v->saved);
}

int flame_tree_add(struct flame_tree *t, enum flame_side side, const char *base,
		   const struct stack *s, const struct flame_values *v)
{
	enum flame_layer layers[STACK_FRAMES_MAX];
	__u32 names[STACK_FRAMES_MAX], name, node = 0;
	struct flame_values *at;
	unsigned int i;

	if (base && (add_name(t, base, &name) || add_node(t, node, name, true, LAYER_USER, &node)))
		return -ENOMEM;
	for (i = 0; i < s->n; i++) {
		if (add_name(t, s->frames[i], &names[i]))
			return -ENOMEM;
	}
	find_layers(t, s, names, layers);
	for (i = first_frame(t, s, names); i < s->n; i++) {
		if (add_node(t, node, names[i], i < s->n_user, layers[i], &node))
			return -ENOMEM;
	}
	at = &t->values[side][node];
	add_counts(at, v);
	at->recorded = true;
	return 0;
}

static __u64 weight_of(enum flame_weight weight, const struct flame_values *v)
{
	switch (weight) {
	case FLAME_TIME:
		return v->ns;
	case FLAME_CALLS:
		return v->calls;
	case FLAME_BYTES:
		return v->bytes;
	case FLAME_DSB:
		return v->dsb;
	case FLAME_SAVED:
		return v->saved;
	case FLAME_SAMPLES:
	case FLAME_WEIGHTS:
		break;
	}
	return v->samples;
}

/* A call's own sum contains what nested calls had: below it, the larger of the two holds. */
static __u64 contain(bool recorded, __u64 own, __u64 below)
{
	return recorded && own > below ? own : below;
}

/* @v has what was recorded at its frame, @below the totals of the frames above it in the picture.
 */
static __u64 close_values(enum flame_weight weight, struct flame_values *v,
			  const struct flame_values *below)
{
	__u64 own = weight_of(weight, v), clamped = 0;
	bool adds_up = weight == FLAME_CALLS || weight == FLAME_SAMPLES || weight == FLAME_SAVED;

	if (adds_up || !v->recorded) {
		v->self = own;
		v->weight = own;
		add_count(&v->weight, below->weight);
	} else {
		v->weight = contain(true, own, below->weight);
		v->self = v->weight - below->weight;
		clamped = v->weight - own;
	}
	add_count(&v->samples, below->samples);
	add_count(&v->saved, below->saved);
	if (!v->recorded)
		v->calls = below->calls;
	v->entries = contain(v->recorded, v->entries, below->entries);
	v->bytes = contain(v->recorded, v->bytes, below->bytes);
	v->ns = contain(v->recorded, v->ns, below->ns);
	v->dsb = contain(v->recorded, v->dsb, below->dsb);
	return clamped;
}

static void add_below(struct flame_values *sum, const struct flame_values *v)
{
	add_counts(sum, v);
	add_count(&sum->weight, v->weight);
}

/* Where a sum stopped, parts may be more than the whole: each gets what its parent has left. */
static void fit_parts(const struct flame_tree *t, struct flame_values *v, struct flame_values *left)
{
	struct flame_values *room;
	size_t i;

	left[0].weight = v[0].weight;
	for (i = 1; i < t->n; i++) {
		room = &left[t->nodes[i].parent];
		if (v[i].weight > room->weight)
			v[i].weight = room->weight;
		room->weight -= v[i].weight;
		left[i].weight = v[i].weight;
	}
	for (i = 0; i < t->n; i++) {
		if (v[i].self > left[i].weight)
			v[i].self = left[i].weight;
	}
}

/* Children come after their parents, so that one pass from the end sees them first. */
static int close_side(struct flame_tree *t, enum flame_side side)
{
	struct flame_values *below = calloc(t->n, sizeof(*below));
	size_t i;

	if (!below)
		return -ENOMEM;
	for (i = t->n; i-- > 0;) {
		add_count(&t->clamped[side],
			  close_values(t->weight, &t->values[side][i], &below[i]));
		if (i)
			add_below(&below[t->nodes[i].parent], &t->values[side][i]);
	}
	if (t->values[side][0].weight == INT64_MAX)
		fit_parts(t, t->values[side], below);
	free(below);
	return 0;
}

static int compare_names(const void *a, const void *b, void *tree)
{
	const struct flame_name *names = ((struct flame_tree *)tree)->names;

	return strcmp(names[*(const __u32 *)a].s, names[*(const __u32 *)b].s);
}

/* Last name first: linking puts each child in front of those before it. */
static int compare_nodes(const void *a, const void *b, void *tree)
{
	const struct flame_tree *t = tree;
	const struct flame_node *x = &t->nodes[*(const __u32 *)a],
				*y = &t->nodes[*(const __u32 *)b];
	__u32 p = t->names[x->name].rank, q = t->names[y->name].rank;

	return p != q ? (p < q) - (p > q) : (int)y->user - (int)x->user;
}

static int link_children(struct flame_tree *t)
{
	size_t n = t->n > t->n_names ? t->n : t->n_names, i;
	__u32 *order = calloc(n, sizeof(*order));
	struct flame_node *node;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < t->n_names; i++)
		order[i] = i;
	qsort_r(order, t->n_names, sizeof(*order), compare_names, t);
	for (i = 0; i < t->n_names; i++)
		t->names[order[i]].rank = i;
	for (i = 0; i < t->n; i++)
		order[i] = i;
	qsort_r(order, t->n, sizeof(*order), compare_nodes, t);
	for (i = 0; i < t->n; i++) {
		node = &t->nodes[order[i]];
		if (!order[i])
			continue;
		node->next = t->nodes[node->parent].child;
		t->nodes[node->parent].child = order[i];
	}
	free(order);
	return 0;
}

int flame_tree_finish(struct flame_tree *t)
{
	if (close_side(t, FLAME_AFTER) || (t->diff && close_side(t, FLAME_BEFORE)))
		return -ENOMEM;
	index_free(&t->name_index);
	index_free(&t->node_index);
	return link_children(t);
}

const char *flame_name(const struct flame_tree *t, __u32 node)
{
	return t->names[t->nodes[node].name].s;
}
