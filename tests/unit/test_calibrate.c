// SPDX-License-Identifier: GPL-2.0
/* The probes' floor from what the null target took. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/calibrate.h>
#include "fake.h"

static void put(struct calibrate_sample *s, __u64 ns, __u64 n)
{
	s->calls += n;
	s->ns += n * ns;
	s->hist[fake_bucket(ns)] += n;
}

/* 28 ns on a clock that ticks every 16 ns read as 16 or 32, and 28 in the mean. */
static void a_coarse_clock_evens_out(void **state)
{
	struct calibrate_sample s = { 0 };

	put(&s, 16, 250);
	put(&s, 32, 750);
	assert_true(calibrate_floor(&s) == 28);
}

static void interrupted_calls_do_not_count(void **state)
{
	struct calibrate_sample s = { 0 };
	double floor;

	put(&s, 100, 5000);
	put(&s, 15000, 7);
	put(&s, 300000, 1);
	floor = calibrate_floor(&s);
	assert_true(floor > 95 && floor < 105);
}

/* A clock that does not tick during most calls: nothing but ones that span a tick have a length. */
static void a_very_coarse_clock(void **state)
{
	struct calibrate_sample s = { 0 };

	put(&s, 0, 900);
	assert_true(calibrate_floor(&s) == 0);
	memset(&s, 0, sizeof(s));
	assert_true(calibrate_floor(&s) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_coarse_clock_evens_out),
		cmocka_unit_test(interrupted_calls_do_not_count),
		cmocka_unit_test(a_very_coarse_clock),
	};

	return cmocka_run_group_tests_name("calibrate", tests, NULL, NULL);
}
