// SPDX-License-Identifier: GPL-2.0
/* Which back end a session gets: BPF, or ftrace where there is no BPF or it lets nothing in. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "dmasync/backend.h"
#include "dmasync/log.h"
#include "dmasync/session.h"

struct session {
	const struct backend *backend;
	struct header hdr;
};

/* What a made-up back end answers, and what it was asked. */
struct answers {
	int possible, open;
	const char *impossible, *failed;
	unsigned int opened;
	struct session session;
};

static struct answers bpf, ftrace;

static int answer_possible(const struct answers *a, char *why, size_t len)
{
	if (a->possible)
		snprintf(why, len, "%s", a->impossible);
	return a->possible;
}

static int answer_open(struct answers *a, const struct backend *backend, struct session **out)
{
	a->opened++;
	if (a->open) {
		log_warn("something before it");
		log_error("%s", a->failed);
		return a->open;
	}
	log_warn("opened with a warning");
	memset(&a->session, 0, sizeof(a->session));
	a->session.backend = backend;
	*out = &a->session;
	return 0;
}

static int bpf_possible(char *why, size_t len)
{
	return answer_possible(&bpf, why, len);
}

static int ftrace_possible(char *why, size_t len)
{
	return answer_possible(&ftrace, why, len);
}

static int bpf_open(const struct options *opt, struct session **out)
{
	return answer_open(&bpf, &backend_bpf, out);
}

static int ftrace_open(const struct options *opt, struct session **out)
{
	return answer_open(&ftrace, &backend_ftrace, out);
}

static struct header *header(struct session *s)
{
	return &s->hdr;
}

const struct backend backend_bpf = { .possible = bpf_possible, .open = bpf_open, .header = header };
const struct backend backend_ftrace = {
	.possible = ftrace_possible,
	.open = ftrace_open,
	.header = header,
};

#define REFUSED "cannot attach any probe: Operation not permitted (libbpf: no); see doctor"

static int fresh(void **state)
{
	bpf = (struct answers){ .impossible = "no BPF in this kernel; build it",
				.failed = REFUSED };
	ftrace = (struct answers){ .impossible = "no tracefs", .failed = "--exact takes BPF" };
	log_hold(true);
	return 0;
}

static int done(void **state)
{
	log_drop();
	log_hold(false);
	return 0;
}

/* Opens a session; what it came to, 0 or -errno. */
static int opened(enum backend_id backend, const struct header **hdr)
{
	const struct options opt = { .backend = backend };
	struct session *s = NULL;
	int err = session_open(&opt, &s);

	*hdr = s ? session_header(s) : NULL;
	assert_int_equal(!s, !!err);
	return err;
}

static void works(void **state)
{
	const struct header *hdr;

	assert_int_equal(opened(BACKEND_AUTO, &hdr), 0);
	assert_int_equal(hdr->backend, BACKEND_BPF);
	assert_string_equal(hdr->backend_reason, "");
	assert_int_equal(ftrace.opened, 0);
	assert_string_equal(log_held(), "opened with a warning");
}

static void absent(void **state)
{
	const struct header *hdr;

	bpf.possible = -EOPNOTSUPP;
	assert_int_equal(opened(BACKEND_AUTO, &hdr), 0);
	assert_int_equal(hdr->backend, BACKEND_FTRACE);
	assert_string_equal(hdr->backend_reason, "no BPF in this kernel");
	assert_int_equal(bpf.opened, 0);
}

/* There is BPF, but none of its programs gets in. */
static void refuses(void **state)
{
	static const int errors[] = { -EPERM, -EOPNOTSUPP, -EINVAL };
	const struct header *hdr;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		bpf.open = errors[i];
		assert_int_equal(opened(BACKEND_AUTO, &hdr), 0);
		assert_int_equal(hdr->backend, BACKEND_FTRACE);
		assert_string_equal(hdr->backend_reason, "cannot attach any probe: "
							 "Operation not permitted (libbpf: no)");
		assert_non_null(strstr(log_held(), "ftrace measures instead: cannot attach any"));
	}
	assert_int_equal(bpf.opened, 3);
	assert_int_equal(ftrace.opened, 3);
}

/* Neither can: what the user asked for takes BPF, which says why it does not. */
static void neither(void **state)
{
	const struct header *hdr;

	bpf.open = -EPERM;
	ftrace.open = -EOPNOTSUPP;
	assert_int_equal(opened(BACKEND_AUTO, &hdr), -EPERM);
	assert_string_equal(log_held(), REFUSED);
	ftrace.possible = -EOPNOTSUPP;
	ftrace.opened = 0;
	assert_int_equal(opened(BACKEND_AUTO, &hdr), -EPERM);
	assert_string_equal(log_held(), REFUSED);
	assert_int_equal(ftrace.opened, 0);
}

/* Who asks for one gets that one, and memory that is short for one is short for both. */
static void no_fallback(void **state)
{
	const struct header *hdr;

	bpf.open = -EPERM;
	assert_int_equal(opened(BACKEND_BPF, &hdr), -EPERM);
	bpf.open = -ENOMEM;
	assert_int_equal(opened(BACKEND_AUTO, &hdr), -ENOMEM);
	bpf.possible = -EPERM;
	assert_int_equal(opened(BACKEND_AUTO, &hdr), -EPERM);
	assert_int_equal(ftrace.opened, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(works, fresh, done),
		cmocka_unit_test_setup_teardown(absent, fresh, done),
		cmocka_unit_test_setup_teardown(refuses, fresh, done),
		cmocka_unit_test_setup_teardown(neither, fresh, done),
		cmocka_unit_test_setup_teardown(no_fallback, fresh, done),
	};

	return cmocka_run_group_tests_name("backend", tests, NULL, NULL);
}
