// SPDX-License-Identifier: GPL-2.0
/* Values of one text lie together and go as one; others are not touched by that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../src/capture/json_arena.h"

static json_t *parse(const char *text, size_t max)
{
	json_error_t error;

	return arena_json(text, strlen(text), 0, max, &error);
}

/* A list of @n texts of @len bytes. */
static char *list_text(size_t n, size_t len)
{
	char *text = malloc(n * (len + 3) + 3), *p = text;
	size_t i;

	*p++ = '[';
	for (i = 0; i < n; i++)
		p += sprintf(p, "%s\"%0*zu\"", i ? "," : "", (int)len, i);
	strcpy(p, "]");
	return text;
}

/* Small and larger than the arena's chunks, one text after the other. */
static void test_sizes(void **state)
{
	static const struct {
		size_t n, len;
	} sizes[] = { { 1, 8 },	      { 100000, 8 },  { 3, 2 << 20 },
		      { 20000, 100 }, { 2, 5 << 20 }, { 7, 8 } };
	size_t s, i;

	for (s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		char *text = list_text(sizes[s].n, sizes[s].len);
		json_t *list = parse(text, SIZE_MAX);

		assert_int_equal(json_array_size(list), sizes[s].n);
		for (i = 0; i < sizes[s].n; i++) {
			const char *v = json_string_value(json_array_get(list, i));

			assert_int_equal(strlen(v), sizes[s].len);
			assert_int_equal(strtoul(v, NULL, 10), i);
		}
		free(text);
	}
	arena_release();
}

static void test_others(void **state)
{
	json_t *before = json_pack("{s:s}", "kept", "before"), *after;
	json_t *one = parse("{\"a\":[1,2,3]}", SIZE_MAX);

	after = json_pack("{s:s}", "kept", "after");
	assert_int_equal(json_array_size(json_object_get(one, "a")), 3);
	assert_null(parse("{\"a\":[1,2,", SIZE_MAX));
	assert_non_null(parse("{}", SIZE_MAX));
	arena_release();
	assert_string_equal(json_string_value(json_object_get(before, "kept")), "before");
	assert_string_equal(json_string_value(json_object_get(after, "kept")), "after");
	json_decref(before);
	json_decref(after);
	arena_release();
}

/* Up to its limit, not above; a text that found no room does no harm to the next one. */
static void test_limit(void **state)
{
#if !defined(__SANITIZE_ADDRESS__)
	char *text = list_text(1000, 20);
	size_t max, least = 0;

	for (max = 0; max < 200000; max += 500) {
		if (!parse(text, max))
			continue;
		if (!least)
			least = max;
	}
	/* Its texts alone are 20000 bytes. */
	assert_true(least > 20000 && least < 200000);
	assert_null(parse(text, 0));
	assert_null(parse(text, least - 500));
	assert_non_null(parse(text, least));
	free(text);
	arena_release();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
