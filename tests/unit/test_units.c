// SPDX-License-Identifier: GPL-2.0
/* Numbers with units, in and out. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <dmasync/units.h>

#define NS_PER_S 1000000000ULL

static void durations(void **state)
{
	static const struct {
		const char *text;
		__u64 ns;
	} good[] = {
		{ "10us", 10000 },	{ "2s", 2 * NS_PER_S },	  { "1.5ms", 1500000 },
		{ "1", NS_PER_S },	{ "0.25", NS_PER_S / 4 }, { ".5s", NS_PER_S / 2 },
		{ "3.", 3 * NS_PER_S }, { "1m", 60 * NS_PER_S },  { "1h", 3600 * NS_PER_S },
		{ "0.000000001s", 1 },	{ "10\302\265s", 10000 }, { "1d", 86400 * NS_PER_S },
		{ "1.000ns", 1 },	{ "007ms", 7000000 },
	};
	const char *why;
	size_t i;
	__u64 v;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		v = 0;
		assert_int_equal(parse_duration(good[i].text, NS_PER_S, 1, ULLONG_MAX, &v, &why),
				 0);
		assert_int_equal(v, good[i].ns);
	}
}

static void wrong_durations(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *why;
	} bad[] = {
		{ "", -EINVAL, "is not a number" },
		{ "s", -EINVAL, "is not a number" },
		{ ".", -EINVAL, "is not a number" },
		{ "+1", -EINVAL, "is not a number" },
		{ " 1", -EINVAL, "is not a number" },
		{ "nan", -EINVAL, "is not a number" },
		{ "-1s", -EINVAL, "must not be negative" },
		{ "-0", -EINVAL, "must not be negative" },
		{ "1x", -EINVAL, "ends in an unknown unit" },
		{ "1s ", -EINVAL, "ends in an unknown unit" },
		{ "1 s", -EINVAL, "ends in an unknown unit" },
		{ "1e3", -EINVAL, "ends in an unknown unit" },
		{ "0x10", -EINVAL, "ends in an unknown unit" },
		{ "1.2.3", -EINVAL, "ends in an unknown unit" },
		{ "1S", -EINVAL, "ends in an unknown unit" },
		{ "0.5ns", -EINVAL, "has a fraction that its unit cannot hold" },
		{ "0", -ERANGE, "must not be zero" },
		{ "0.0s", -ERANGE, "must not be zero" },
		{ "9us", -ERANGE, "is too small" },
		{ "11s", -ERANGE, "is too large" },
		{ "18446744073709551616ns", -ERANGE, "is too large" },
		{ "99999999999999999999d", -ERANGE, "is too large" },
		{ "999999999999999999999", -ERANGE, "has too many digits" },
		{ "1.0000000000000000000001", -ERANGE, "has too many digits" },
	};
	const char *why;
	size_t i;
	__u64 v;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		why = "";
		v = 4711;
		assert_int_equal(
			parse_duration(bad[i].text, NS_PER_S, 10000, 10 * NS_PER_S, &v, &why),
			bad[i].err);
		assert_string_equal(why, bad[i].why);
		assert_int_equal(v, 4711);
	}
}

static void sizes_and_counts(void **state)
{
	const char *why;
	__u64 v;

	assert_int_equal(parse_size("10M", 1, ULLONG_MAX, &v, &why), 0);
	assert_int_equal(v, 10 << 20);
	assert_int_equal(parse_size("4k", 1, ULLONG_MAX, &v, &why), 0);
	assert_int_equal(v, 4096);
	assert_int_equal(parse_size("1.5GiB", 1, ULLONG_MAX, &v, &why), 0);
	assert_int_equal(v, 3ULL << 29);
	assert_int_equal(parse_size("512B", 1, ULLONG_MAX, &v, &why), 0);
	assert_int_equal(v, 512);
	assert_int_equal(parse_size("18446744073709551615", 1, ULLONG_MAX, &v, &why), 0);
	assert_true(v == ULLONG_MAX);
	assert_int_equal(parse_size("1T", 1, ULLONG_MAX, &v, &why), 0);
	assert_true(v == 1ULL << 40);
	assert_int_equal(parse_size("16777216T", 1, ULLONG_MAX, &v, &why), -ERANGE);
	assert_int_equal(parse_size("10MB", 1, ULLONG_MAX, &v, &why), -EINVAL);
	assert_int_equal(parse_count("2k", 0, 5000, &v, &why), 0);
	assert_int_equal(v, 2000);
	assert_int_equal(parse_count("0", 0, 5000, &v, &why), 0);
	assert_int_equal(v, 0);
	assert_int_equal(parse_count("1.5", 0, 5000, &v, &why), -EINVAL);
}

typedef char *(*format_fn)(char *buf, double v, int width);

static void check(format_fn fn, double v, int width, const char *want)
{
	char buf[FMT_LEN];

	assert_string_equal(fn(buf, v, width), want);
}

static void formats(void **state)
{
	check(fmt_ns, 0, 6, "0");
	check(fmt_ns, 85, 6, "85ns");
	check(fmt_ns, 85.25, 6, "85.2ns");
	check(fmt_ns, 999, 6, "999ns");
	check(fmt_ns, 999.6, 6, "1.00us");
	check(fmt_ns, 1234, 6, "1.23us");
	check(fmt_ns, 999499, 6, "999us");
	check(fmt_ns, 999500, 6, "1.00ms");
	check(fmt_ns, 1.5e9, 6, "1.50s");
	check(fmt_ns, 3600e9, 6, "60.0m");
	check(fmt_ns, -1, 6, "-");
	check(fmt_ns, NAN, 6, "-");
	check(fmt_ns, INFINITY, 6, "-");
	check(fmt_count, 7744, 5, "7744");
	check(fmt_count, 123456, 6, "123456");
	check(fmt_count, 123456, 5, "123k");
	check(fmt_count, 0.25, 5, "0.25");
	check(fmt_count, 9.996, 4, "10.0");
	check(fmt_count, 99999.7, 5, "100k");
	check(fmt_count, 1e19, 5, "10.0E");
	check(fmt_bytes, 32 << 20, 6, "32.0M");
	check(fmt_bytes, 512, 6, "512");
	check(fmt_bytes, 1023.9 * 1024, 6, "1.00M");
}

static void formats_fit(void **state)
{
	char buf[FMT_LEN];
	double v;

	for (v = 1e-3; v < 1.8e19; v *= 1.0371) {
		assert_true(snprintf(NULL, 0, "%s", fmt_ns(buf, v, 6)) <= 6);
		assert_true(snprintf(NULL, 0, "%s", fmt_count(buf, v, 4)) <= 5);
		assert_true(snprintf(NULL, 0, "%s", fmt_count(buf, v, 5)) <= 5);
		assert_true(snprintf(NULL, 0, "%s", fmt_bytes(buf, v, 5)) <= 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),	    cmocka_unit_test(wrong_durations),
		cmocka_unit_test(sizes_and_counts), cmocka_unit_test(formats),
		cmocka_unit_test(formats_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
