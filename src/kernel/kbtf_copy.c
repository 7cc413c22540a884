// SPDX-License-Identifier: GPL-2.0
/* Copies types out of raw BTF, without what nobody asks for. */
#include <errno.h>
#include <stdlib.h>
#include "kbtf_copy.h"

#define DEPTH_MAX 64 /* structures within structures: the kernel has about ten */

struct copier {
	const struct kbtf *k;
	const struct name_set *members;
	__u32 *copied; /* of each type its id among the copies; 0: not copied */
	struct btf *out;
};

const char *kbtf_text(const struct kbtf *k, __u32 off)
{
	return off < k->strs_len ? k->strs + off : "";
}

static const struct btf_type *type_at(const struct kbtf *k, __u32 id)
{
	return (const void *)(k->data + k->at[id]);
}

static int copy_type(struct copier *c, __u32 id, int depth);

/* Members are copied when the programs may ask for them, or for one inside them. */
static bool wanted_member(const struct copier *c, const struct btf_member *m)
{
	return !m->name_off || name_set_has(c->members, kbtf_text(c->k, m->name_off));
}

static int copy_composite(struct copier *c, const struct btf_type *t, int depth)
{
	const struct btf_member *m = btf_members(t);
	const char *name = kbtf_text(c->k, t->name_off);
	int id, err = 0, type;

	/* Types of members first: another type may not begin before this one is complete. */
	for (int i = 0; i < btf_vlen(t); i++)
		if (wanted_member(c, &m[i]) && copy_type(c, m[i].type, depth + 1) < 0)
			return -EINVAL;
	id = btf_is_struct(t) ? btf__add_struct(c->out, name, t->size)
			      : btf__add_union(c->out, name, t->size);
	for (int i = 0; id > 0 && i < btf_vlen(t) && !err; i++) {
		if (!wanted_member(c, &m[i]))
			continue;
		type = copy_type(c, m[i].type, depth + 1);
		err = btf__add_field(c->out, kbtf_text(c->k, m[i].name_off), type,
				     btf_member_bit_offset(t, i), btf_member_bitfield_size(t, i));
	}
	return err ?: id;
}

static int copy_enum(struct copier *c, const struct btf_type *t)
{
	bool is_64 = btf_is_enum64(t);
	const char *name = kbtf_text(c->k, t->name_off);
	int id = is_64 ? btf__add_enum64(c->out, name, t->size, btf_kflag(t))
		       : btf__add_enum(c->out, name, t->size);
	int err = 0;

	for (int i = 0; id > 0 && i < btf_vlen(t) && !err; i++) {
		const struct btf_enum64 *wide = btf_enum64(t) + i;
		const struct btf_enum *e = btf_enum(t) + i;

		if (is_64)
			err = btf__add_enum64_value(c->out, kbtf_text(c->k, wide->name_off),
						    btf_enum64_value(wide));
		else
			err = btf__add_enum_value(c->out, kbtf_text(c->k, e->name_off), e->val);
	}
	return err ?: id;
}

static int copy_array(struct copier *c, const struct btf_type *t, int depth)
{
	const struct btf_array *a = btf_array(t);
	int element = copy_type(c, a->type, depth + 1);
	int index = copy_type(c, a->index_type, depth + 1);

	if (element < 0 || index < 0)
		return -EINVAL;
	return btf__add_array(c->out, index, element, a->nelems);
}

static int copy_new(struct copier *c, const struct btf_type *t, int depth)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return btf__add_int(c->out, kbtf_text(c->k, t->name_off), t->size,
				    btf_int_encoding(t));
	case BTF_KIND_FLOAT:
		return btf__add_float(c->out, kbtf_text(c->k, t->name_off), t->size);
	case BTF_KIND_PTR:
		return btf__add_ptr(c->out, 0);
	case BTF_KIND_ARRAY:
		return copy_array(c, t, depth);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_composite(c, t, depth);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return copy_enum(c, t);
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return copy_type(c, t->type, depth + 1);
	default:
		return -EINVAL;
	}
}

/* Id of the copy of type @id, made now if it is the first time; -errno. */
static int copy_type(struct copier *c, __u32 id, int depth)
{
	int copy;

	if (!id || id > c->k->n_types || depth > DEPTH_MAX)
		return id ? -EINVAL : 0;
	if (c->copied[id])
		return c->copied[id];
	copy = copy_new(c, type_at(c->k, id), depth);
	if (copy > 0)
		c->copied[id] = copy;
	return copy;
}

int kbtf_copy(const struct kbtf *k, const struct name_set *types, const struct name_set *members,
	      struct btf *out)
{
	struct copier c = { .k = k, .members = members, .out = out };
	int err = 0;

	c.copied = calloc(k->n_types + 1, sizeof(*c.copied));
	if (!c.copied)
		return -ENOMEM;
	for (__u32 id = 1; id <= k->n_types && !err; id++) {
		const struct btf_type *t = type_at(k, id);

		if (!t->name_off || !(btf_is_composite(t) || btf_is_any_enum(t)) ||
		    !name_set_has(types, kbtf_text(k, t->name_off)))
			continue;
		if (copy_type(&c, id, 0) < 0)
			err = -EBADMSG;
	}
	free(c.copied);
	return err;
}
