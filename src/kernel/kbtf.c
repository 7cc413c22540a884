// SPDX-License-Identifier: GPL-2.0
/* Takes out of the kernel's type information (BTF) the little that loading the programs needs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "dmasync/kbtf.h"
#include "kbtf_copy.h"

#define TYPES_FIRST (1 << 18) /* room for as many to begin with: more than stock kernels have */

/* What is looked for. */
struct wanted {
	struct name_set types, members, funcs;
};

/* "device" is the kernel's name of the local type "device___flags". */
static int add_type_name(struct name_set *set, const char *name)
{
	const char *flavour = strstr(name, "___");
	char *copy = strndup(name, flavour ? (size_t)(flavour - name) : strlen(name));

	return copy ? name_set_add(set, copy) : -ENOMEM;
}

/* What @local has names for. */
static int collect_names(struct wanted *w, const struct btf *local)
{
	int err = 0;

	for (__u32 id = 1; id < btf__type_cnt(local) && !err; id++) {
		const struct btf_type *t = btf__type_by_id(local, id);
		const struct btf_member *m = btf_members(t);

		if (!t->name_off || !(btf_is_composite(t) || btf_is_any_enum(t)))
			continue;
		err = add_type_name(&w->types, btf__name_by_offset(local, t->name_off));
		for (int i = 0; btf_is_composite(t) && i < btf_vlen(t) && !err; i++)
			err = name_set_add(&w->members, btf__name_by_offset(local, m[i].name_off));
	}
	name_set_sort(&w->types);
	name_set_sort(&w->members);
	return err;
}

/* Bytes of @t; 0: a kind that this program does not know. */
static size_t type_size(const struct btf_type *t)
{
	size_t n = btf_vlen(t);

	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return sizeof(*t);
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return sizeof(*t) + 4;
	case BTF_KIND_ARRAY:
		return sizeof(*t) + sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return sizeof(*t) + n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return sizeof(*t) + n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return sizeof(*t) + n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return sizeof(*t) + n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return sizeof(*t) + n * sizeof(struct btf_var_secinfo);
	default:
		return 0;
	}
}

static void take_func(const char *name, __u32 id, struct kbtf_func *funcs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!funcs[i].id && !strcmp(funcs[i].name, name))
			funcs[i].id = id;
}

static int make_room(struct kbtf *k, __u32 *room)
{
	__u32 *more;

	if (k->n_types + 1 < *room)
		return 0;
	*room = *room ? 2 * *room : TYPES_FIRST;
	more = realloc(k->at, *room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	k->at = more;
	return 0;
}

/* Notes where each type is, and the ids of @funcs, whose names are @names. */
static int scan_types(struct kbtf *k, const struct name_set *names, struct kbtf_func *funcs,
		      size_t n)
{
	const struct btf_header *h = (const void *)k->data;
	size_t at = h->hdr_len + h->type_off, end = at + h->type_len;
	__u32 room = 0;
	int err;

	while (at < end) {
		const struct btf_type *t = (const void *)(k->data + at);
		size_t size = end - at < sizeof(*t) ? 0 : type_size(t);

		if (!size || size > end - at)
			return -EBADMSG;
		err = make_room(k, &room);
		if (err)
			return err;
		k->at[++k->n_types] = at;
		if (btf_is_func(t) && name_set_has(names, kbtf_text(k, t->name_off)))
			take_func(kbtf_text(k, t->name_off), k->n_types, funcs, n);
		at += size;
	}
	return 0;
}

static const struct btf_type *type_of(const struct kbtf *k, __u32 id)
{
	return id && id <= k->n_types ? (const void *)(k->data + k->at[id]) : NULL;
}

/* Name of the type of the second argument of function @id; empty: it has none. */
static const char *second_type(const struct kbtf *k, __u32 id)
{
	const struct btf_type *t = type_of(k, id);

	t = t ? type_of(k, t->type) : NULL;
	if (!t || !btf_is_func_proto(t) || btf_vlen(t) < 2)
		return "";
	t = type_of(k, btf_params(t)[1].type);
	return t ? kbtf_text(k, t->name_off) : "";
}

static void check_types(const struct kbtf *k, struct kbtf_func *funcs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		funcs[i].other = funcs[i].id && funcs[i].second &&
				 strcmp(second_type(k, funcs[i].id), funcs[i].second);
}

/* All of @path, with a zero behind it, for free(). 0 or -errno. */
static int read_file(const char *path, char **data, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;
	ssize_t n;

	*size = 0;
	if (fd < 0 || fstat(fd, &st))
		err = -errno;
	*data = err ? NULL : malloc(st.st_size + 1);
	if (!err && !*data)
		err = -ENOMEM;
	while (!err && *size < (size_t)st.st_size) {
		n = read(fd, *data + *size, st.st_size - *size);
		if (n <= 0)
			err = n ? -errno : -EBADMSG;
		else
			*size += n;
	}
	if (!err)
		(*data)[*size] = '\0';
	if (fd >= 0)
		close(fd);
	return err;
}

static int open_kbtf(struct kbtf *k, const char *path)
{
	const struct btf_header *h;
	size_t size;
	int err = read_file(path, &k->data, &size);

	if (err)
		return err;
	h = (const void *)k->data;
	if (size < sizeof(*h) || h->magic != BTF_MAGIC ||
	    (__u64)h->hdr_len + h->type_off + h->type_len > size ||
	    (__u64)h->hdr_len + h->str_off + h->str_len > size)
		return -EBADMSG;
	k->strs = k->data + h->hdr_len + h->str_off;
	k->strs_len = h->str_len;
	return 0;
}

static int write_copies(const struct kbtf *k, const struct wanted *w, int fd)
{
	struct btf *out = btf__new_empty();
	const void *data = NULL;
	__u32 size;
	int err = out ? kbtf_copy(k, &w->types, &w->members, out) : -ENOMEM;

	if (!err) {
		data = btf__raw_data(out, &size);
		err = data ? 0 : -ENOMEM;
	}
	errno = EIO;
	if (!err && write(fd, data, size) != (ssize_t)size)
		err = -errno;
	btf__free(out);
	return err;
}

static void free_wanted(struct wanted *w)
{
	for (size_t i = 0; i < w->types.n; i++)
		free((char *)w->types.name[i]);
	free(w->types.name);
	free(w->members.name);
	free(w->funcs.name);
	free(w);
}

int kbtf_read(const char *path, const struct btf *local, struct kbtf_func *funcs, size_t n, int fd)
{
	struct wanted *w = calloc(1, sizeof(*w));
	struct kbtf k = { 0 };
	int err = 0;

	if (!w)
		return -ENOMEM;
	for (size_t i = 0; i < n && !err; i++) {
		funcs[i].id = 0;
		err = name_set_add(&w->funcs, funcs[i].name);
	}
	name_set_sort(&w->funcs);
	err = err ?: collect_names(w, local);
	err = err ?: open_kbtf(&k, path);
	err = err ?: scan_types(&k, &w->funcs, funcs, n);
	if (!err)
		check_types(&k, funcs, n);
	err = err ?: write_copies(&k, w, fd);
	free_wanted(w);
	free(k.at);
	free(k.data);
	return err;
}
