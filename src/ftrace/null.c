// SPDX-License-Identifier: GPL-2.0
/* A system call that does nothing: what the probes themselves cost is measured on it. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>
#include <sys/syscall.h>
#include "null.h"

/*
 * Numbers in the table that no system call has, and what they lead to. On arm64 the sixteen from
 * 244 on are for architectures that have some of their own; x86-64 leaves out all from 387 to 423.
 */
#if defined(__aarch64__)
#define NULL_NUMBER 244
#define NULL_FUNCTION "__arm64_sys_ni_syscall"
#elif defined(__x86_64__)
#define NULL_NUMBER 400
#define NULL_FUNCTION "__x64_sys_ni_syscall"
#else
#define NULL_NUMBER -1
#define NULL_FUNCTION NULL
#endif

static int call_null(void *ctx)
{
	/* What follows the first register there is the second one on arm64. */
	static const union {
		char text[16];
		long words[2];
	} name = { "0000:00:01.0" };

	return syscall(NULL_NUMBER, name.words[0], name.words[1]) != -1 || errno != ENOSYS;
}

const char *null_function(void)
{
	return NULL_FUNCTION;
}

struct calibrate_target null_target(void)
{
	return (struct calibrate_target){ .call = call_null };
}
