// SPDX-License-Identifier: GPL-2.0
/* The program that follows runs, built for the host: what it does when there is no room for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/types.h>
#include <dmasync/hist.h>
#include <dmasync/shared.h>

/* In place of bpf/session.bpf.h: what a kernel would give. */
#define SESSION_BPF_H
#define SEC(name)
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define SLOW_PATH static
#define hide(value) ((void)(value))
#pragma GCC diagnostic ignored "-Wunknown-pragmas"

typedef uint32_t u32;
typedef uint64_t u64;

struct task_struct {
	u64 nvcsw, min_flt, maj_flt;
};

#define ROWS 64

static struct session_config config = { .cpus = 1, .max_rows = ROWS, .flags = CONFIG_STORMS };
static struct session_state state;
static struct task_struct task;
static struct row_info infos[ROWS];
static int row_infos;

static void *bpf_map_lookup_elem(void *map, const void *key);
static long bpf_map_update_elem(void *map, const void *key, const void *value, u64 flags);

#define BPF_MAP_TYPE_PERCPU_ARRAY 0
#define BPF_MAP_TYPE_LRU_HASH 0
#define BPF_MAP_TYPE_PERCPU_HASH 0
#define BPF_NOEXIST 1

static u64 bpf_get_current_task(void)
{
	return (u64)&task;
}

static struct task_struct *bpf_get_current_task_btf(void)
{
	return &task;
}

static u64 bpf_get_current_pid_tgid(void)
{
	return 42;
}

#include "../../bpf/storms.bpf.h"

static struct storm_cpu the_cpu;
static struct storm_context contexts[1];
static bool has_context;
static struct storm_value values[ROWS];
static bool has_value[ROWS];
static u32 values_room;

static void *bpf_map_lookup_elem(void *map, const void *key)
{
	if (map == &row_infos)
		return &infos[*(const u32 *)key];
	if (map == &storm_cpus)
		return &the_cpu;
	if (map == &storm_tasks)
		return has_context ? contexts : NULL;
	return has_value[((const struct storm_key *)key)->row]
		       ? &values[((const struct storm_key *)key)->row]
		       : NULL;
}

static long bpf_map_update_elem(void *map, const void *key, const void *value, u64 flags)
{
	u32 row;

	if (map == &storm_tasks) {
		memcpy(contexts, value, sizeof(contexts));
		return has_context = true, 0;
	}
	row = ((const struct storm_key *)key)->row;
	if (!values_room)
		return -1;
	values_room--;
	memcpy(&values[row], value, sizeof(values[row]));
	has_value[row] = true;
	return 0;
}

/* Nothing has happened yet; row ROWS_RESERVED + i is map_page of device i, all not coherent. */
static int setup(void **unused)
{
	memset(&state, 0, sizeof(state));
	memset(&the_cpu, 0, sizeof(the_cpu));
	memset(has_value, 0, sizeof(has_value));
	has_context = false;
	values_room = ROWS;
	for (u32 i = ROWS_RESERVED; i < ROWS; i++)
		infos[i] = (struct row_info){ .dev = 4096 * i,
					      .tag = ROW_TAG(OP_MAP_PAGE, DIR_FROM_DEVICE, 0) };
	return 0;
}

/* A call for each of @n devices in turn. How many go on with a run. */
static u32 round_of(u32 n)
{
	u32 on = 0;

	for (u32 i = 0; i < n; i++)
		on += storm_add(ROWS_RESERVED + i);
	return on;
}

static void as_many_as_fit(void **unused)
{
	assert_int_equal(round_of(STORM_RUNS), 0);
	assert_int_equal(round_of(STORM_RUNS), STORM_RUNS);
	assert_int_equal(state.lost_runs, 0);
	assert_int_equal(values[ROWS_RESERVED].longest, 2);
	/* Another context: its runs take the place of runs that are over. */
	storm_next();
	assert_int_equal(round_of(STORM_RUNS), 0);
	assert_int_equal(state.lost_runs, 0);
}

/* The ninth device ends the run of the first, which is told, and so on. */
static void one_too_many(void **unused)
{
	assert_int_equal(round_of(STORM_RUNS + 1), 0);
	assert_int_equal(state.lost_runs, 1);
	assert_int_equal(round_of(STORM_RUNS + 1), 0);
	assert_int_equal(state.lost_runs, 1 + STORM_RUNS + 1);
	for (u32 i = 0; i <= STORM_RUNS; i++) {
		assert_int_equal(values[ROWS_RESERVED + i].calls, 2);
		assert_int_equal(values[ROWS_RESERVED + i].runs, 2);
		assert_int_equal(values[ROWS_RESERVED + i].longest, 1);
	}
}

/* What a call of the same device has ended is over, and not lost when its place is taken. */
static void over_is_not_lost(void **unused)
{
	for (u32 i = 0; i <= STORM_RUNS; i++)
		infos[ROWS_RESERVED + i].dev = 4096;
	assert_int_equal(round_of(STORM_RUNS + 1), 0);
	assert_int_equal(state.lost_runs, 0);
}

static void no_room_for_a_row(void **unused)
{
	values_room = 1;
	assert_int_equal(round_of(3), 0);
	assert_int_equal(state.lost_runs, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(as_many_as_fit, setup),
		cmocka_unit_test_setup(one_too_many, setup),
		cmocka_unit_test_setup(over_is_not_lost, setup),
		cmocka_unit_test_setup(no_room_for_a_row, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
