// SPDX-License-Identifier: GPL-2.0
/* What is kept of a stack that a probe has seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/stacknames.h>

#define PROG "bpf_prog_0123456789abcdef_map_sg_exit [bpf]"
#define TRAMPOLINE "bpf_trampoline_6442494 [bpf]"
#define RETURN "__kretprobe_trampoline"

/* Names of what is kept of @names, innermost first, with blanks between them. */
static const char *clean(const char *const *names, unsigned int n, const char *function)
{
	static char text[1024];
	unsigned int out[32], used = stack_names_clean(names, n, function, out), at = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < used; i++) {
		const char *name = out[i] == FRAME_CALLED ? "(called)" : names[out[i]];

		at += snprintf(text + at, sizeof(text) - at, "%s%s", i ? " " : "", name ?: "?");
	}
	return text;
}

#define CLEAN(function, ...)                                                                       \
	({                                                                                         \
		const char *names[] = { __VA_ARGS__ };                                             \
		clean(names, sizeof(names) / sizeof(names[0]), function);                          \
	})

static void trampoline(void **state)
{
	assert_string_equal(CLEAN("map", PROG, PROG, TRAMPOLINE, "map", "driver", "syscall"),
			    "map driver syscall");
	/* A frame of user space's making between program and function must not hide it. */
	assert_string_equal(CLEAN("map", PROG, NULL, "map", "driver"), "map driver");
}

static void programs_without_names(void **state)
{
	assert_string_equal(CLEAN("map", NULL, NULL, "map", "driver"), "map driver");
}

static void kprobe_at_return(void **state)
{
	assert_string_equal(CLEAN("map", "map", "driver", "syscall"), "map driver syscall");
}

static void kretprobe(void **state)
{
	assert_string_equal(CLEAN("map", "driver", RETURN, "syscall"), "(called) driver syscall");
	assert_string_equal(CLEAN("map", NULL, RETURN, "syscall"), "(called) ? syscall");
}

/* An interrupt on top of a call of the same function: the inner call is the one that ended. */
static void interrupted_call(void **state)
{
	assert_string_equal(CLEAN("unmap", "complete", RETURN, "irq", "unmap", "driver"),
			    "(called) complete irq unmap driver");
	assert_string_equal(CLEAN("unmap", PROG, TRAMPOLINE, "unmap", "complete", "irq", "unmap",
				  TRAMPOLINE, "unmap", "driver"),
			    "unmap complete irq unmap driver");
}

static void nested_hooks(void **state)
{
	assert_string_equal(CLEAN("arch", PROG, TRAMPOLINE, "arch", "direct", "map", TRAMPOLINE,
				  "map", "driver"),
			    "arch direct map driver");
	assert_string_equal(
		CLEAN("arch", PROG, NULL, "arch", "direct", "map", NULL, "map", "driver"),
		"arch direct map driver");
}

static void recursion_stays(void **state)
{
	assert_string_equal(CLEAN("map", "map", "walk", "walk", "walk"), "map walk walk walk");
}

static void unknown_frames_stay(void **state)
{
	assert_string_equal(CLEAN("map", "map", NULL, "driver", NULL), "map ? driver ?");
}

/* Of a sample nothing is the called function, and what programs cost is to be seen. */
static void samples(void **state)
{
	assert_string_equal(CLEAN(NULL, "lookup", PROG, TRAMPOLINE, "map", "driver"),
			    "lookup " PROG " map driver");
	assert_string_equal(CLEAN(NULL, "clean", "map", TRAMPOLINE, "map", "driver"),
			    "clean map driver");
}

static void nothing(void **state)
{
	assert_string_equal(clean(NULL, 0, "map"), "(called)");
	assert_string_equal(clean(NULL, 0, NULL), "");
	assert_string_equal(CLEAN("map", PROG, TRAMPOLINE), "(called)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trampoline),	    cmocka_unit_test(programs_without_names),
		cmocka_unit_test(kprobe_at_return), cmocka_unit_test(kretprobe),
		cmocka_unit_test(interrupted_call), cmocka_unit_test(nested_hooks),
		cmocka_unit_test(recursion_stays),  cmocka_unit_test(unknown_frames_stay),
		cmocka_unit_test(samples),	    cmocka_unit_test(nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
