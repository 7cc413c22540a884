// SPDX-License-Identifier: GPL-2.0
/* Types and functions taken out of made-up kernel BTF. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "dmasync/kbtf.h"

static char path[] = "/tmp/test_kbtf.XXXXXX";
static int map_id; /* of dma_map() in the made-up kernel */

static void write_file(const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static struct btf *make_kernel(void)
{
	struct btf *k = btf__new_empty();
	int u64 = btf__add_int(k, "unsigned long", 8, 0);
	int text = btf__add_ptr(k, btf__add_int(k, "char", 1, BTF_INT_CHAR));
	int array = btf__add_array(k, u64, u64, 3);
	int typedefed = btf__add_typedef(k, "flags_t", array);
	int fixed = btf__add_const(k, text);
	int proto = btf__add_func_proto(k, u64);
	int kobj, choice, id;

	kobj = btf__add_struct(k, "kobject", 24);
	btf__add_field(k, "secret", u64, 0, 0);
	btf__add_field(k, "name", text, 64, 0);
	choice = btf__add_union(k, NULL, 8);
	btf__add_field(k, "bus", fixed, 0, 0);
	btf__add_field(k, "other", u64, 0, 0);
	btf__add_struct(k, "device", 88);
	btf__add_field(k, "list", u64, 0, 0);
	btf__add_field(k, "kobj", kobj, 64, 0);
	btf__add_field(k, "", choice, 256, 0);
	btf__add_field(k, "flags", typedefed, 320, 0);
	btf__add_field(k, "dma_coherent", u64, 515, 1);
	btf__add_struct(k, "devices", 8);
	btf__add_field(k, "flags", u64, 0, 0);
	btf__add_enum(k, "device_flags", 4);
	btf__add_enum_value(k, "FLAG_FIRST", 3);
	btf__add_enum_value(k, "FLAG_SECOND", 9);
	btf__add_enum64(k, "wide", 8, false);
	btf__add_enum64_value(k, "WIDE", 1ULL << 40);
	btf__add_func(k, "dma_map_all", BTF_FUNC_STATIC, proto);
	map_id = btf__add_func(k, "dma_map", BTF_FUNC_STATIC, proto);
	btf__add_func(k, "dma_map", BTF_FUNC_STATIC, proto);
	proto = btf__add_func_proto(k, 0);
	btf__add_func_param(k, "mm", text);
	btf__add_func_param(k, "flags", typedefed);
	btf__add_func(k, "defer", BTF_FUNC_STATIC, proto);
	id = btf__add_var(k, "dma_unmap", BTF_VAR_STATIC, u64);
	btf__add_datasec(k, ".data", 8);
	btf__add_datasec_var_info(k, id, 0, 8);
	btf__add_decl_tag(k, "tag", kobj, -1);
	return k;
}

static int setup(void **state)
{
	struct btf *k = make_kernel();
	const void *data;
	__u32 size;

	data = btf__raw_data(k, &size);
	assert_non_null(data);
	write_file(data, size);
	btf__free(k);
	return 0;
}

/* What the programs say of device, twice, of kobject and of enums. */
static struct btf *make_local(void)
{
	struct btf *l = btf__new_empty();
	int u64 = btf__add_int(l, "unsigned long", 8, 0), kobj;

	kobj = btf__add_struct(l, "kobject", 8);
	btf__add_field(l, "name", u64, 0, 0);
	btf__add_struct(l, "device", 24);
	btf__add_field(l, "kobj", kobj, 0, 0);
	btf__add_field(l, "bus", u64, 64, 0);
	btf__add_field(l, "dma_coherent", u64, 128, 1);
	btf__add_struct(l, "device___flags", 8);
	btf__add_field(l, "flags", u64, 0, 0);
	btf__add_enum(l, "device_flags", 4);
	btf__add_enum_value(l, "FLAG_SECOND", 1);
	btf__add_enum64(l, "wide", 8, false);
	btf__add_struct(l, "dma_iova_state", 8);
	btf__add_field(l, "addr", u64, 0, 0);
	return l;
}

static int read_kernel(struct kbtf_func *funcs, size_t n, struct btf **out)
{
	struct btf *local = make_local();
	int fd = memfd_create("types", 0), err;
	char name[64];

	err = kbtf_read(path, local, funcs, n, fd);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	*out = err ? NULL : btf__parse(name, NULL);
	assert_int_equal(!err, *out != NULL);
	close(fd);
	btf__free(local);
	return err;
}

/* Member @name of @t, or NULL. */
static const struct btf_member *member(const struct btf *b, const struct btf_type *t,
				       const char *name, __u32 *bit, __u32 *bits)
{
	for (int i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;

		if (strcmp(btf__name_by_offset(b, m->name_off), name))
			continue;
		*bit = btf_member_bit_offset(t, i);
		*bits = btf_member_bitfield_size(t, i);
		return m;
	}
	return NULL;
}

static void structures(void **state)
{
	const struct btf_member *m;
	const struct btf_type *dev, *t;
	__u32 bit, bits;
	struct btf *b;

	assert_int_equal(read_kernel(NULL, 0, &b), 0);
	dev = btf__type_by_id(b, btf__find_by_name_kind(b, "device", BTF_KIND_STRUCT));
	assert_non_null(dev);
	assert_int_equal(dev->size, 88);
	assert_int_equal(btf_vlen(dev), 4);
	assert_null(member(b, dev, "list", &bit, &bits));
	m = member(b, dev, "kobj", &bit, &bits);
	assert_non_null(m);
	assert_int_equal(bit, 64);
	t = btf__type_by_id(b, m->type);
	assert_int_equal(btf_vlen(t), 1);
	assert_non_null(member(b, t, "name", &bit, &bits));
	assert_int_equal(bit, 64);
	/* Members of a union without a name are as good as the structure's own. */
	m = member(b, dev, "", &bit, &bits);
	assert_non_null(m);
	assert_int_equal(bit, 256);
	t = btf__type_by_id(b, m->type);
	assert_true(btf_is_union(t));
	m = member(b, t, "bus", &bit, &bits);
	assert_non_null(m);
	assert_true(btf_is_ptr(btf__type_by_id(b, m->type)));
	m = member(b, dev, "flags", &bit, &bits);
	assert_non_null(m);
	t = btf__type_by_id(b, m->type);
	assert_true(btf_is_array(t));
	assert_int_equal(btf_array(t)->nelems, 3);
	assert_non_null(member(b, dev, "dma_coherent", &bit, &bits));
	assert_int_equal(bit, 515);
	assert_int_equal(bits, 1);
	assert_true(btf__find_by_name_kind(b, "devices", BTF_KIND_STRUCT) < 0);
	assert_true(btf__find_by_name_kind(b, "dma_iova_state", BTF_KIND_STRUCT) < 0);
	btf__free(b);
}

static void enums(void **state)
{
	const struct btf_type *t;
	struct btf *b;

	assert_int_equal(read_kernel(NULL, 0, &b), 0);
	t = btf__type_by_id(b, btf__find_by_name_kind(b, "device_flags", BTF_KIND_ENUM));
	assert_non_null(t);
	assert_int_equal(btf_vlen(t), 2);
	assert_string_equal(btf__name_by_offset(b, btf_enum(t)[1].name_off), "FLAG_SECOND");
	assert_int_equal(btf_enum(t)[1].val, 9);
	t = btf__type_by_id(b, btf__find_by_name_kind(b, "wide", BTF_KIND_ENUM64));
	assert_non_null(t);
	assert_true(btf_enum64_value(btf_enum64(t)) == 1ULL << 40);
	btf__free(b);
}

static void functions(void **state)
{
	struct kbtf_func funcs[] = { { .name = "dma_unmap", .id = 7 },
				     { .name = "dma_map" },
				     { .name = "absent" },
				     { .name = "dma_map" } };
	struct btf *b;

	assert_int_equal(read_kernel(funcs, 4, &b), 0);
	assert_int_equal(funcs[0].id, 0);
	assert_int_equal(funcs[1].id, map_id);
	assert_int_equal(funcs[2].id, 0);
	assert_int_equal(funcs[3].id, map_id);
	btf__free(b);
}

static void second_arguments(void **state)
{
	struct kbtf_func funcs[] = { { .name = "defer", .second = "flags_t" },
				     { .name = "defer", .second = "bool", .other = false },
				     { .name = "defer", .other = true },
				     { .name = "dma_map", .second = "flags_t" },
				     { .name = "absent", .second = "flags_t" } };
	const bool other[] = { false, true, false, true, false };
	struct btf *b;

	assert_int_equal(read_kernel(funcs, 5, &b), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(funcs[i].other, other[i]);
	btf__free(b);
}

static void damaged(void **state)
{
	struct btf *k = make_kernel(), *b;
	struct btf_header *h;
	__u32 size, *kind;
	const void *whole = btf__raw_data(k, &size);
	char *data = malloc(size);

	assert_non_null(data);
	h = memcpy(data, whole, size);
	write_file(data, sizeof(*h) - 1);
	assert_int_equal(read_kernel(NULL, 0, &b), -EBADMSG);
	write_file(data, size - 1);
	assert_int_equal(read_kernel(NULL, 0, &b), -EBADMSG);
	/* Of a kind that does not exist. */
	kind = (__u32 *)(data + h->hdr_len + h->type_off) + 1;
	*kind = 31U << 24;
	write_file(data, size);
	assert_int_equal(read_kernel(NULL, 0, &b), -EBADMSG);
	h->magic = 0x1234;
	write_file(data, size);
	assert_int_equal(read_kernel(NULL, 0, &b), -EBADMSG);
	unlink(path);
	assert_int_equal(read_kernel(NULL, 0, &b), -ENOENT);
	free(data);
	btf__free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(structures, setup),
		cmocka_unit_test_setup(enums, setup),
		cmocka_unit_test_setup(functions, setup),
		cmocka_unit_test_setup(second_arguments, setup),
		cmocka_unit_test_setup(damaged, setup),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
