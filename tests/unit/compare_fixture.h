/* SPDX-License-Identifier: GPL-2.0 */
/* What tests of compare start from: options, no runs yet, and what they ask for. */
#ifndef COMPARE_FIXTURE_H
#define COMPARE_FIXTURE_H

#include "compare_fake.h"

struct fixture {
	struct compare_options opt;
	struct compare c;
	struct rng rng;
	struct fake_runs like;
	unsigned int number;
};

static inline int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.opt = (struct compare_options){
		.noise = 0.02, .fail_above = -1, .seed = 1, .draws = 500
	};
	f.like = (struct fake_runs){ .model = { 20000, 0.005, 0.02, 0.5 },
				     .intervals = 12,
				     .rows = 1,
				     .entries = 64,
				     .dsb = 64 };
	compare_init(&f.c, &f.opt);
	rng_seed(&f.rng, 3);
	*state = &f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	compare_free(&f->c);
	return 0;
}

static inline void runs(struct fixture *f, enum side side, unsigned int n, double scale)
{
	while (n--)
		fake_run(&f->c, side, &f->rng, &f->like, scale, f->number++);
}

static inline const struct compare_row *judged(struct fixture *f, size_t n_rows)
{
	assert_int_equal(compare_judge(&f->c), 0);
	assert_int_equal(f->c.n_rows, n_rows);
	return f->c.rows;
}

static inline const char *note(const struct fixture *f, const char *kind)
{
	size_t i;

	for (i = 0; i < f->c.n_notes; i++) {
		if (!strcmp(f->c.notes[i].kind, kind))
			return f->c.notes[i].text;
	}
	return NULL;
}

static inline char *printed(const struct compare *c, int (*print)(FILE *, const struct compare *))
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(print(f, c), 0);
	fclose(f);
	return text;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
