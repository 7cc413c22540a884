// SPDX-License-Identifier: GPL-2.0
/* Which functions a session hooks for what it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/hooks.h>

static struct hook hooks[HEADER_HOOKS_MAX];
static struct hook_facts facts;
static int n_hooks;

/* Plans a session with --chain of @ops on a kernel that has every function. */
static void plan(unsigned int ops)
{
	struct options opt = { .chain = true, .ops = ops };
	struct ksym syms[HOOK_SYMBOLS_MAX];
	struct features f = { 0 };
	size_t n = hooks_symbols(&opt, syms);

	for (size_t i = 0; i < n; i++)
		syms[i].seen = 1;
	n_hooks = hooks_plan(&opt, &f, syms, hooks, &facts);
}

static const struct hook *planned(const char *programs)
{
	for (int i = 0; i < n_hooks; i++)
		if (!strcmp(hooks[i].programs, programs))
			return &hooks[i];
	return NULL;
}

/* The end of a vmap() tells the steps of the dma_buf_vmap() around it, asked for or not. */
static void steps_of_vmap(void **state)
{
	plan(1U << OP_DMABUF_VMAP);
	assert_non_null(planned("dmabuf_vmap"));
	assert_non_null(planned("vmap_run"));
	assert_non_null(planned("vmap"));
	assert_int_equal(planned("vmap")->kind, HOOK_STEP);
	assert_int_equal(planned("vmap")->op, OP_COUNT);
	assert_true(facts.vmap_steps_only);
	assert_null(planned("dmabuf_mmap"));
	assert_null(planned("tlb_flush"));

	for (int i = 0; i < 3; i++) {
		static const unsigned int ops[] = {
			0,
			1U << OP_VMAP,
			1U << OP_VMAP | 1U << OP_DMABUF_VMAP,
		};

		plan(ops[i]);
		assert_int_equal(planned("vmap")->kind, HOOK_CHAIN);
		assert_int_equal(planned("vmap")->op, OP_VMAP);
		assert_false(facts.vmap_steps_only);
	}
	plan(1U << OP_DMABUF_MMAP);
	assert_null(planned("vmap"));
	assert_false(facts.vmap_steps_only);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_of_vmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
