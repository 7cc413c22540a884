// SPDX-License-Identifier: GPL-2.0
/* Flame graphs: trees, selves of nested calls, layers, layout, differences, names. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dmasync/flame.h>
#include "../../src/flame/text.h"

#define MS 1000000ULL

/* Adds @ns in @calls from the ';'-separated @path. */
static void add(struct flame_tree *t, enum flame_side side, const char *path, __u64 calls, __u64 ns)
{
	struct flame_values v = { .calls = calls, .ns = ns, .dsb = ns / 10, .samples = calls };
	const char *frames[STACK_FRAMES_MAX];
	struct stack s = { .frames = frames };
	char copy[512], *save, *p;

	snprintf(copy, sizeof(copy), "%s", path);
	for (p = strtok_r(copy, ";", &save); p; p = strtok_r(NULL, ";", &save))
		frames[s.n++] = p;
	assert_int_equal(flame_tree_add(t, side, NULL, &s, &v), 0);
}

static __u32 find(const struct flame_tree *t, const char *path)
{
	char copy[512], *save, *p;
	__u32 node = 0, c;

	snprintf(copy, sizeof(copy), "%s", path);
	for (p = strtok_r(copy, ";", &save); p; p = strtok_r(NULL, ";", &save)) {
		for (c = t->nodes[node].child; c; c = t->nodes[c].next) {
			if (!strcmp(flame_name(t, c), p))
				break;
		}
		if (!c)
			fail_msg("no frame %s of %s", p, path);
		node = c;
	}
	return node;
}

static const struct flame_values *values(const struct flame_tree *t, const char *path)
{
	return &t->values[FLAME_AFTER][find(t, path)];
}

static void stacks_share_their_beginnings(void **state)
{
	struct flame_tree t;

	assert_int_equal(flame_tree_init(&t, FLAME_TIME, false), 0);
	add(&t, FLAME_AFTER, "el0;read;map", 2, 100);
	add(&t, FLAME_AFTER, "el0;read;map", 1, 50);
	add(&t, FLAME_AFTER, "el0;write;map", 1, 30);
	assert_int_equal(flame_tree_finish(&t), 0);
	assert_int_equal(t.n, 6);
	assert_int_equal(t.depth, 3);
	assert_int_equal(values(&t, "el0;read;map")->self, 150);
	assert_int_equal(values(&t, "el0;read")->weight, 150);
	assert_int_equal(values(&t, "el0;read")->self, 0);
	assert_int_equal(values(&t, "")->weight, 180);
	assert_int_equal(values(&t, "")->calls, 4);
	/* By name, so that two pictures of one program look alike. */
	assert_string_equal(flame_name(&t, t.nodes[find(&t, "el0")].child), "read");
	flame_tree_free(&t);
}

/* The outer call's time contains that of the calls inside it; its own is what they leave. */
static void nested_calls_are_parts(void **state)
{
	struct flame_tree t;

	assert_int_equal(flame_tree_init(&t, FLAME_TIME, false), 0);
	add(&t, FLAME_AFTER, "el0;map", 10, 1000);
	add(&t, FLAME_AFTER, "el0;map;direct;arch", 80, 600);
	add(&t, FLAME_AFTER, "el0;map;direct;arch;flush", 80, 200);
	assert_int_equal(flame_tree_finish(&t), 0);
	assert_int_equal(values(&t, "")->weight, 1000);
	assert_int_equal(values(&t, "el0;map")->self, 400);
	assert_int_equal(values(&t, "el0;map;direct")->self, 0);
	assert_int_equal(values(&t, "el0;map;direct")->weight, 600);
	assert_int_equal(values(&t, "el0;map;direct;arch")->self, 400);
	assert_int_equal(values(&t, "el0")->calls, 10);
	assert_int_equal(values(&t, "el0;map;direct")->calls, 80);
	assert_int_equal(t.clamped[FLAME_AFTER], 0);
	flame_tree_free(&t);
}

static void calls_add_up_even_if_nested(void **state)
{
	struct flame_tree t;

	assert_int_equal(flame_tree_init(&t, FLAME_CALLS, false), 0);
	add(&t, FLAME_AFTER, "el0;map", 10, 1000);
	add(&t, FLAME_AFTER, "el0;map;arch", 80, 600);
	assert_int_equal(flame_tree_finish(&t), 0);
	assert_int_equal(values(&t, "el0;map")->self, 10);
	assert_int_equal(values(&t, "el0;map")->weight, 90);
	assert_int_equal(values(&t, "el0")->calls, 10);
	flame_tree_free(&t);
}

/* Of a capture that claims more than can be counted, no part is larger than the whole. */
static void sums_stop_at_the_largest_count(void **state)
{
	static const char *const paths[] = { "el0;a;map", "el0;b;map", "el0;c;map", "irq" };
	struct flame_values *v;
	struct flame_layout l;
	struct flame_tree t;
	unsigned int i, w;
	__u64 left;
	__u32 c;

	for (w = 0; w < FLAME_WEIGHTS; w++) {
		assert_int_equal(flame_tree_init(&t, w, false), 0);
		for (i = 0; i < 8; i++) {
			struct flame_values most = { .calls = INT64_MAX,
						     .entries = INT64_MAX,
						     .bytes = INT64_MAX,
						     .ns = INT64_MAX,
						     .dsb = INT64_MAX,
						     .samples = INT64_MAX,
						     .saved = INT64_MAX };
			const char *frames[] = { "el0", paths[i % 4], "map" };
			struct stack s = { .frames = frames, .n = 3 };

			assert_int_equal(flame_tree_add(&t, FLAME_AFTER, NULL, &s, &most), 0);
			s.n = 2;
			assert_int_equal(flame_tree_add(&t, FLAME_AFTER, NULL, &s, &most), 0);
		}
		assert_int_equal(flame_tree_finish(&t), 0);
		v = t.values[FLAME_AFTER];
		assert_int_equal(v[0].weight, INT64_MAX);
		assert_int_equal(v[0].calls, INT64_MAX);
		assert_int_equal(v[0].ns, INT64_MAX);
		assert_int_equal(flame_layout(&t, FLAME_AFTER, 1000, 0, &l), 0);
		for (i = 0; i < t.n; i++) {
			left = v[i].weight;
			for (c = t.nodes[i].child; c; c = t.nodes[c].next) {
				assert_true(v[c].weight <= left);
				left -= v[c].weight;
			}
			assert_true(v[i].self <= left);
			assert_true(l.box[i].x >= 0 && l.box[i].x + l.box[i].w <= 1000.001);
		}
		flame_layout_free(&l);
		flame_tree_free(&t);
	}
}

static void what_is_too_much_is_counted(void **state)
{
	struct flame_tree t;

	assert_int_equal(flame_tree_init(&t, FLAME_TIME, false), 0);
	add(&t, FLAME_AFTER, "el0;map", 1, 50);
	add(&t, FLAME_AFTER, "el0;map;arch", 1, 70);
	assert_int_equal(flame_tree_finish(&t), 0);
	assert_int_equal(values(&t, "el0;map")->self, 0);
	assert_int_equal(values(&t, "")->weight, 70);
	assert_int_equal(t.clamped[FLAME_AFTER], 20);
	flame_tree_free(&t);
}

/* What it stopped did not call the interrupt: but a call that it stopped contains its time. */
static void interrupts_stand_alone(void **state)
{
	struct flame_tree t;

	assert_int_equal(flame_tree_init(&t, FLAME_TIME, false), 0);
	add(&t, FLAME_AFTER, "el0t_64_sync;vfs_read;el1h_64_irq;handler;unmap", 1, 10);
	add(&t, FLAME_AFTER, "do_idle;el1h_64_irq;softirq;el1h_64_irq;handler;unmap", 1, 20);
	add(&t, FLAME_AFTER, "el0t_64_sync;dma_map_sg_attrs", 1, 100);
	add(&t, FLAME_AFTER, "el0t_64_sync;dma_map_sg_attrs;el1h_64_irq;handler;unmap", 1, 30);
	assert_int_equal(flame_tree_finish(&t), 0);
	assert_int_equal(values(&t, "el1h_64_irq;handler;unmap")->self, 30);
	assert_int_equal(values(&t, "el0t_64_sync;dma_map_sg_attrs")->self, 70);
	assert_int_equal(values(&t, "")->weight, 130);
	flame_tree_free(&t);
}

static void layers_by_name_and_place(void **state)
{
	static const struct {
		const char *name;
		enum flame_layer layer;
	} cases[] = {
		{ "el0t_64_sync", LAYER_ENTRY },
		{ "__arm64_sys_read", LAYER_ENTRY },
		{ "__arm64_compat_sys_ioctl", LAYER_ENTRY },
		{ "vfs_read", LAYER_IO },
		{ "ext4_writepages [ext4]", LAYER_IO },
		{ "do_something [xfs]", LAYER_IO },
		{ "ata_qc_issue [libata]", LAYER_DRIVER },
		{ "dma_buf_ioctl", LAYER_DRIVER },
		{ "dma_map_sgtable", LAYER_DMA },
		{ "__iommu_dma_map", LAYER_DMA },
		{ "arch_sync_dma_for_device", LAYER_ARCH },
		{ "dcache_clean_poc", LAYER_ARCH },
		{ "vfs", LAYER_KERNEL },
		{ "schedule", LAYER_KERNEL },
	};
	struct flame_tree t;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (flame_layer(cases[i].name) != cases[i].layer)
			fail_msg("%s: %d", cases[i].name, flame_layer(cases[i].name));
	}
	assert_int_equal(flame_tree_init(&t, FLAME_TIME, false), 0);
	add(&t, FLAME_AFTER, "el0t_64_sync;helper;vfs_read;my_queue;dma_map_sg_attrs;my_flush", 1,
	    1);
	assert_int_equal(flame_tree_finish(&t), 0);
	assert_int_equal(t.nodes[2].layer, LAYER_KERNEL);
	assert_int_equal(t.nodes[4].layer, LAYER_DRIVER);
	assert_int_equal(t.nodes[6].layer, LAYER_KERNEL);
	flame_tree_free(&t);
}

/* Children fill what their parent has but for its own share; narrow ones are left out, and said. */
static void widths_add_up(void **state)
{
	struct flame_layout l;
	struct flame_tree t;
	double sum = 0;
	char path[64];
	__u32 c;
	int i;

	assert_int_equal(flame_tree_init(&t, FLAME_TIME, false), 0);
	add(&t, FLAME_AFTER, "top", 1, 5500);
	for (i = 1; i <= 100; i++) {
		snprintf(path, sizeof(path), "top;f%03d;g", i);
		add(&t, FLAME_AFTER, path, 1, i);
	}
	assert_int_equal(flame_tree_finish(&t), 0);
	assert_int_equal(flame_layout(&t, FLAME_AFTER, 1100, 0, &l), 0);
	assert_int_equal(l.folded, 0);
	assert_int_equal(l.depth, 3);
	for (c = t.nodes[find(&t, "top")].child; c; c = t.nodes[c].next) {
		assert_float_equal(l.box[c].x, sum, 1e-6);
		sum += l.box[c].w;
	}
	assert_float_equal(sum, 1100 * 5050 / 5500.0, 1e-6);
	flame_layout_free(&l);
	/* 10 of 5500 is 2 px: f001 to f009 and what is below them go. */
	assert_int_equal(flame_layout(&t, FLAME_AFTER, 1100, 2, &l), 0);
	assert_int_equal(l.folded, 18);
	assert_float_equal(l.folded_share, 45 / 5500.0, 1e-9);
	assert_true(l.box[find(&t, "top;f010")].w == 2);
	assert_true(l.box[find(&t, "top;f009;g")].w == 0);
	flame_layout_free(&l);
	flame_tree_free(&t);
}

/* As add(), with @entries for each call. */
static void add_entries(struct flame_tree *t, enum flame_side side, const char *name, __u64 calls,
			__u64 entries, __u64 ns)
{
	struct flame_values v = { .calls = calls, .entries = entries, .ns = ns, .dsb = entries };
	struct stack s = { .frames = &name, .n = 1 };

	assert_int_equal(flame_tree_add(t, side, NULL, &s, &v), 0);
}

static void compare(struct flame_tree *t, enum flame_weight weight, struct flame_scale *s)
{
	struct flame_source src[FLAME_SIDES] = { { .dur_ns = 1000 * MS }, { .dur_ns = 2000 * MS } };

	assert_int_equal(flame_tree_init(t, weight, true), 0);
	/* Twice as long, twice the calls: the same cost a call but for what is named. */
	add(t, FLAME_BEFORE, "el0;same.isra.0", 20000, 2000000);
	add(t, FLAME_BEFORE, "el0;less", 20000, 8000000);
	add(t, FLAME_BEFORE, "el0;gone", 20000, 20000);
	add(t, FLAME_BEFORE, "el0;rare", 6, 6000);
	add(t, FLAME_AFTER, "el0;same.constprop.0", 10000, 1010000);
	add(t, FLAME_AFTER, "el0;less", 10000, 1000000);
	add(t, FLAME_AFTER, "el0;new", 10000, 10000);
	add(t, FLAME_AFTER, "el0;rare", 3, 2000);
	assert_int_equal(flame_tree_finish(t), 0);
	*s = flame_scale(t, src, 0.02);
}

/* The work of 1000 calls merged into 100, and twice of it: cheaper, though each call is dearer. */
static void totals_are_compared_per_entry(void **state)
{
	struct flame_source src[FLAME_SIDES] = { { .dur_ns = 1000 * MS }, { .dur_ns = 1000 * MS } };
	static const enum flame_weight weights[] = { FLAME_TIME, FLAME_DSB, FLAME_CALLS };
	static const enum flame_verdict verdicts[] = { FLAME_LESS, FLAME_SAME, FLAME_LESS };
	static const double ratios[] = { 0.5, 1, 0.2 };
	struct flame_change c;
	struct flame_scale s;
	struct flame_tree t;
	size_t i;

	for (i = 0; i < sizeof(weights) / sizeof(*weights); i++) {
		assert_int_equal(flame_tree_init(&t, weights[i], true), 0);
		add_entries(&t, FLAME_BEFORE, "map", 1000, 64000, 8000000);
		add_entries(&t, FLAME_AFTER, "map", 200, 128000, 8000000);
		assert_int_equal(flame_tree_finish(&t), 0);
		s = flame_scale(&t, src, 0.02);
		c = flame_change(&t, &s, find(&t, "map"));
		assert_int_equal(c.verdict, verdicts[i]);
		assert_float_equal(c.ratio, ratios[i], 1e-9);
		assert_int_equal(flame_per(&t),
				 weights[i] == FLAME_CALLS ? PER_SECOND_OF_RUN : PER_ENTRY_OF_RUN);
		flame_tree_free(&t);
	}
}

/* Entries of one side only are nothing to divide by: both go by calls. */
static void one_side_without_entries_compares_per_call(void **state)
{
	struct flame_source src[FLAME_SIDES] = { { .dur_ns = 1000 * MS }, { .dur_ns = 1000 * MS } };
	struct flame_scale s;
	struct flame_tree t;

	assert_int_equal(flame_tree_init(&t, FLAME_TIME, true), 0);
	add_entries(&t, FLAME_BEFORE, "map", 20000, 0, 2000000);
	add_entries(&t, FLAME_AFTER, "map", 10000, 640000, 4000000);
	assert_int_equal(flame_tree_finish(&t), 0);
	s = flame_scale(&t, src, 0.02);
	assert_int_equal(flame_per(&t), PER_CALL_OF_RUN);
	assert_float_equal(flame_change(&t, &s, find(&t, "map")).ratio, 4, 1e-9);
	flame_tree_free(&t);
}

static void without_entries_totals_are_compared_per_call(void **state)
{
	struct flame_change c;
	struct flame_scale s;
	struct flame_tree t;

	compare(&t, FLAME_TIME, &s);
	/* 1 % is noise, and compilers' suffixes are no change of name. */
	c = flame_change(&t, &s, find(&t, "el0;same"));
	assert_int_equal(c.verdict, FLAME_SAME);
	assert_float_equal(c.ratio, 1.01, 1e-3);
	c = flame_change(&t, &s, find(&t, "el0;less"));
	assert_int_equal(c.verdict, FLAME_LESS);
	assert_int_equal(c.step, 4);
	assert_float_equal(c.ratio, 0.25, 1e-3);
	assert_int_equal(flame_change(&t, &s, find(&t, "el0;new")).verdict, FLAME_NEW);
	assert_int_equal(flame_change(&t, &s, find(&t, "el0;gone")).verdict, FLAME_GONE);
	/* Three calls and six: a third less can be chance. */
	assert_int_equal(flame_change(&t, &s, find(&t, "el0;rare")).verdict, FLAME_SAME);
	/* By the total: its own share is 0 in both. */
	assert_int_equal(flame_change(&t, &s, find(&t, "el0")).verdict, FLAME_LESS);
	flame_tree_free(&t);
}

static void barriers_have_no_counting_noise(void **state)
{
	struct flame_scale s;
	struct flame_tree t;

	compare(&t, FLAME_DSB, &s);
	assert_int_equal(flame_change(&t, &s, find(&t, "el0;rare")).verdict, FLAME_LESS);
	flame_tree_free(&t);
	compare(&t, FLAME_CALLS, &s);
	assert_float_equal(s.factor[FLAME_BEFORE] / s.factor[FLAME_AFTER], 0.5, 1e-9);
	assert_int_equal(flame_change(&t, &s, find(&t, "el0;less")).verdict, FLAME_SAME);
	flame_tree_free(&t);
}

static void names_come_out_harmless(void **state)
{
	static const struct {
		const char *in, *xml;
	} cases[] = {
		{ "a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;" },
		{ "tab\tnul\x01 del\x7f", "tab\xef\xbf\xbdnul\xef\xbf\xbd del\xef\xbf\xbd" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "cut \xc3", "cut \xef\xbf\xbd" },
		{ "\xc0\xaf long", "\xef\xbf\xbd\xef\xbf\xbd long" },
		{ "\xed\xa0\x80 surrogate", "\xef\xbf\xbd surrogate" },
		{ "\xef\xbf\xbe", "\xef\xbf\xbd" },
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd" },
		{ "\xf0\x9f\x94\xa5", "\xf0\x9f\x94\xa5" },
		{ "\xe2\x80\xae"
		  "evil",
		  "\xef\xbf\xbd"
		  "evil" },
	};
	char *text = NULL;
	size_t i, size;
	FILE *f;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		f = open_memstream(&text, &size);
		flame_xml(f, cases[i].in, ~0u);
		fclose(f);
		assert_string_equal(text, cases[i].xml);
		free(text);
	}
}

static void suffixes_go_modules_stay(void **state)
{
	static const char *const cases[][2] = {
		{ "map.isra.0", "map" },      { "map.part.0.isra.0 [ahci]", "map [ahci]" },
		{ "map.constprop.0", "map" }, { "map", "map" },
		{ ".isra.0", ".isra.0" },
	};
	char name[64];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(name, sizeof(name), "%s", cases[i][0]);
		flame_strip_suffix(name);
		assert_string_equal(name, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_share_their_beginnings),
		cmocka_unit_test(nested_calls_are_parts),
		cmocka_unit_test(calls_add_up_even_if_nested),
		cmocka_unit_test(sums_stop_at_the_largest_count),
		cmocka_unit_test(what_is_too_much_is_counted),
		cmocka_unit_test(interrupts_stand_alone),
		cmocka_unit_test(layers_by_name_and_place),
		cmocka_unit_test(widths_add_up),
		cmocka_unit_test(totals_are_compared_per_entry),
		cmocka_unit_test(one_side_without_entries_compares_per_call),
		cmocka_unit_test(without_entries_totals_are_compared_per_call),
		cmocka_unit_test(barriers_have_no_counting_noise),
		cmocka_unit_test(names_come_out_harmless),
		cmocka_unit_test(suffixes_go_modules_stay),
	};

	return cmocka_run_group_tests_name("flame", tests, NULL, NULL);
}
