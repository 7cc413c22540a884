// SPDX-License-Identifier: GPL-2.0
/* Stack tables, and stacks and samples of intervals. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/interval.h>
#include <dmasync/stack.h>

static void a_stack_is_kept_once(void **state)
{
	const char *const a[] = { "el0", "read", "map" }, *const b[] = { "el0", "read" };
	struct stack_table t = {};
	char map[] = "map";
	const char *const again[] = { "el0", "read", map };
	__u32 first, second, user, other;

	assert_int_equal(stack_table_add(&t, a, 3, 0, &first), 0);
	assert_int_equal(stack_table_add(&t, b, 2, 0, &other), 0);
	assert_int_equal(stack_table_add(&t, again, 3, 0, &second), 0);
	assert_int_equal(stack_table_add(&t, a, 3, 1, &user), 0);
	assert_int_equal(first, second);
	assert_int_not_equal(first, other);
	assert_int_not_equal(first, user);
	map[0] = 't';
	assert_string_equal(t.stacks[second].frames[2], "map");
	assert_int_equal(t.n, 3);
	stack_table_free(&t);
}

static void looking_adds_nothing(void **state)
{
	const char *const a[] = { "el0", "read" }, *const b[] = { "read", "el0" },
			  *const c[] = { "el0", "write" };
	struct stack_table t = {};
	__u32 number, found;

	assert_int_equal(stack_table_find(&t, a, 2, 0, &found), -ENOENT);
	assert_int_equal(stack_table_add(&t, a, 2, 1, &number), 0);
	assert_int_equal(stack_table_find(&t, a, 2, 1, &found), 0);
	assert_int_equal(found, number);
	assert_int_equal(stack_table_find(&t, a, 2, 0, &found), -ENOENT);
	assert_int_equal(stack_table_find(&t, b, 2, 1, &found), -ENOENT);
	assert_int_equal(stack_table_find(&t, c, 2, 1, &found), -ENOENT);
	assert_int_equal(t.n, 1);
	stack_table_free(&t);
}

static void many_stacks_keep_their_numbers(void **state)
{
	struct stack_table t = {};
	char name[32];
	const char *frames[] = { "root", name, "leaf" };
	__u32 number;

	for (int round = 0; round < 2; round++) {
		for (__u32 i = 0; i < 5000; i++) {
			snprintf(name, sizeof(name), "f%u", i);
			assert_int_equal(stack_table_add(&t, frames, 3, 0, &number), 0);
			assert_int_equal(number, i);
		}
	}
	assert_int_equal(t.n, 5000);
	assert_string_equal(t.stacks[4711].frames[1], "f4711");
	stack_table_free(&t);
}

static void limits_are_kept(void **state)
{
	const char *frames[STACK_FRAMES_MAX + 1];
	struct stack_table t = {};
	char name[3 * FRAME_NAME_LEN];
	__u32 number;

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < STACK_FRAMES_MAX + 1; i++)
		frames[i] = name;
	assert_int_equal(stack_table_add(&t, frames, STACK_FRAMES_MAX + 1, 0, &number), -E2BIG);
	assert_int_equal(stack_table_add(&t, frames, 1, 2, &number), -E2BIG);
	assert_int_equal(stack_table_add(&t, frames, STACK_FRAMES_MAX, 0, &number), 0);
	assert_int_equal(strlen(t.stacks[number].frames[0]), FRAME_NAME_LEN - 1);
	assert_int_equal(stack_table_add(&t, frames, 0, 0, &number), 0);
	assert_int_equal(t.stacks[number].n, 0);
	stack_table_free(&t);
}

static struct row *put_row(struct interval *iv, const char *dev)
{
	struct row like = { .op = OP_MAP_SG };

	snprintf(like.dev, sizeof(like.dev), "%s", dev);
	snprintf(like.driver, sizeof(like.driver), "-");
	return interval_row(iv, &like);
}

/* Positions of rows differ between intervals: stacks follow their row. */
static void sums_follow_the_row(void **state)
{
	struct interval a, b, total;
	struct stack_row like = { .stack = 7 };
	struct sample_row sample = { .stack = 3, .tgid = 9 };

	interval_init(&a);
	interval_init(&b);
	interval_init(&total);
	put_row(&a, "first");
	put_row(&a, "second");
	put_row(&b, "second");
	like.row = 1;
	interval_stack(&a, &like)->sum.calls = 2;
	like.row = 0;
	interval_stack(&b, &like)->sum.calls = 3;
	interval_sample(&a, &sample)->samples = 5;
	interval_sample(&b, &sample)->samples = 6;
	assert_int_equal(interval_add(&total, &a), 0);
	assert_int_equal(interval_add(&total, &b), 0);
	assert_int_equal(total.n_stacks, 1);
	assert_string_equal(total.rows[total.stacks[0].row].dev, "second");
	assert_int_equal(total.stacks[0].sum.calls, 5);
	assert_int_equal(total.n_samples, 1);
	assert_int_equal(total.samples[0].samples, 11);
	interval_clear(&a);
	assert_int_equal(a.n_stacks + a.n_samples, 0);
	put_row(&a, "first");
	assert_int_equal(interval_stack(&a, &like)->sum.calls, 0);
	interval_free(&a);
	interval_free(&b);
	interval_free(&total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stack_is_kept_once),
		cmocka_unit_test(looking_adds_nothing),
		cmocka_unit_test(many_stacks_keep_their_numbers),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(sums_follow_the_row),
	};

	return cmocka_run_group_tests_name("stack", tests, NULL, NULL);
}
