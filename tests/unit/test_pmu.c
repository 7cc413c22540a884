// SPDX-License-Identifier: GPL-2.0
/* Counting barriers: either it works and counts what is executed, or it says why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "dmasync/pmu.h"

static void counts_or_explains(void **state)
{
	struct pmu *pmu = NULL;
	char why[160] = "";
	int err = pmu_open(&pmu, why, sizeof(why));

	if (err) {
		assert_true(err < 0);
		assert_null(pmu);
		assert_string_not_equal(why, "");
		return;
	}
#ifdef __aarch64__
	{
		__u64 before = pmu_read(pmu);
		int i;

		for (i = 0; i < 1000; i++)
			asm volatile("dsb sy" ::: "memory");
		assert_true(pmu_read(pmu) - before >= 1000);
	}
#else
	fail_msg("barriers counted on a machine that has none");
#endif
	pmu_close(pmu);
}

static void close_nothing(void **state)
{
	pmu_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_or_explains),
		cmocka_unit_test(close_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
