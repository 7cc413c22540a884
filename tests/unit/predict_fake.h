/* SPDX-License-Identifier: GPL-2.0 */
/* Made-up boards that wait for every entry, with known costs: what is to be predicted is known. */
#ifndef PREDICT_FAKE_H
#define PREDICT_FAKE_H

#include <dmasync/predict.h>
#include "compare_fake.h"

/* Times in ns. */
struct fake_board {
	double call, software, wait, line;
	double hidden; /* part of software that is hidden behind lines that drain, batched: 0 .. 1
			*/
	double floor;  /* of the probes */
};

/* Spreads are standard deviations over the mean. */
struct fake_noise {
	double call;	/* of one call */
	double machine; /* of all calls of an interval */
	double rho;	/* correlation of an interval with the next: AR(1) */
	double ticks;	/* timer interrupts a second, that take 8 us in the mean */
};

enum fake_load {
	LOAD_MIXED,  /* lists of all lengths and sizes, as block I/O has them */
	LOAD_PHASES, /* one length and size after the other, as bench has them */
	LOAD_SINGLE, /* lists of one size, and single buffers of several */
	LOAD_ARCH,   /* lists of one size; another capture of the arch level */
	LOAD_SAME,   /* every list like every other: nothing tells */
	LOAD_COUNT,
};

static const double fake_entries[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256 };
static const double fake_sizes[] = { 512, 2048, 4096, 8192, 16384, 32768, 65536 };

/* What an expected saving is computed from: of all calls, and of each operation's. */
struct fake_truth {
	double ns, saved;
	double op_ns[OP_COUNT], op_saved[OP_COUNT];
};

static inline double fake_time(const struct fake_board *b, double entries, double bytes)
{
	return b->call + (b->software + b->wait) * entries + b->line * bytes / PREDICT_LINE;
}

/* Mean factor of @calls calls. */
static inline double fake_factor(struct rng *rng, const struct fake_noise *noise, double calls)
{
	double sd = noise->call / sqrt(calls);

	return exp(sd * random_normal(rng) - sd * sd / 2);
}

/* Adds @calls calls of @entries entries of @size bytes to @iv. */
static inline void fake_alike(struct interval *iv, const struct row *like, double calls,
			      double entries, double size, double ns_call)
{
	struct row one = *like, *row;

	one.sum.calls = calls;
	one.sum.entries = calls * entries;
	one.sum.bytes = calls * entries * size;
	one.sum.ns = llround(fmax(calls * ns_call, 0));
	one.min_ns = one.max_ns = ns_call;
	one.dsb_derived = one.sum.entries;
	one.dsb_derived_known = true;
	row = interval_row(iv, &one);
	if (row)
		row_add(row, &one);
}

/* @saved of one call: a wait less for each entry but one, less a second walk away from devices. */
static inline double fake_saving(const struct fake_board *b, enum op op, double entries)
{
	double walk = op == OP_UNMAP_SG ? 0.25 * b->software * entries : 0;

	return (b->wait + b->hidden * b->software) * (entries - 1) - walk;
}

static inline void fake_some(struct interval *iv, struct rng *rng, const struct fake_board *b,
			     const struct fake_noise *noise, const struct row *like, double calls,
			     double entries, double size, double factor, struct fake_truth *truth)
{
	double ns = fake_time(b, entries, entries * size), ticks;

	truth->ns += calls * ns;
	truth->op_ns[like->op] += calls * ns;
	if (OP_IS_LIST(like->op)) {
		truth->saved += calls * fake_saving(b, like->op, entries);
		truth->op_saved[like->op] += calls * fake_saving(b, like->op, entries);
	}
	ns *= factor * fake_factor(rng, noise, calls);
	ticks = noise->ticks * ns * calls / 1e9;
	if (rng_unit(rng) < ticks)
		ns += -8000 * log(rng_unit(rng)) / calls;
	fake_alike(iv, like, calls, entries, size, ns + b->floor);
}

/* What the lists of interval @i of @n are like: entries, and bytes of one. */
static inline void fake_shape(struct rng *rng, enum fake_load load, unsigned int i, unsigned int n,
			      double *entries, double *size)
{
	static const double phase[][2] = { { 256, 4096 }, { 16, 4096 },	 { 64, 16384 },
					   { 8, 16384 },  { 32, 65536 }, { 4, 65536 } };
	unsigned int at = i * 6 / n;

	*entries = 128;
	*size = 4096;
	if (load == LOAD_PHASES) {
		*entries = phase[at][0];
		*size = phase[at][1];
	} else if (load == LOAD_MIXED) {
		*entries = fake_entries[rng_below(rng, 9)];
		*size = fake_sizes[rng_below(rng, 7)];
	} else if (load != LOAD_SAME) {
		*entries = fake_entries[4 + rng_below(rng, 5)];
	}
}

/* The interval's calls of one kind of list, in some groups of calls alike. */
static inline void fake_lists(struct interval *iv, struct rng *rng, const struct fake_board *b,
			      const struct fake_noise *noise, enum fake_load load, enum op op,
			      unsigned int i, unsigned int n, double factor,
			      struct fake_truth *truth)
{
	struct row row = { .op = op, .dir = DIR_FROM_DEVICE, .driver = "ahci", .dev = "sda" };
	unsigned int groups = load == LOAD_PHASES ? 1 : 1 + rng_below(rng, 6), k;
	double entries, size;

	for (k = 0; k < groups; k++) {
		fake_shape(rng, load, i, n, &entries, &size);
		fake_some(iv, rng, b, noise, &row, 1 + rng_below(rng, 60), entries, size, factor,
			  truth);
	}
}

static inline void fake_singles(struct interval *iv, struct rng *rng, const struct fake_board *b,
				const struct fake_noise *noise, double factor,
				struct fake_truth *truth)
{
	struct row map = { .op = OP_MAP_PAGE, .dir = DIR_FROM_DEVICE, .driver = "nic" };
	struct row unmap = { .op = OP_UNMAP_PAGE, .dir = DIR_FROM_DEVICE, .driver = "nic" };
	int k;

	for (k = 0; k < 3; k++) {
		fake_some(iv, rng, b, noise, &map, 1 + rng_below(rng, 500), 1,
			  fake_sizes[rng_below(rng, 7)], factor, truth);
		fake_some(iv, rng, b, noise, &unmap, 1 + rng_below(rng, 500), 1,
			  fake_sizes[rng_below(rng, 7)], factor, truth);
	}
}

/* Calls of the architecture's own functions: they compute a part of an entry's software. */
static inline void fake_arch(struct interval *iv, struct rng *rng, const struct fake_board *b,
			     const struct fake_noise *noise, double factor)
{
	struct row row = { .dir = DIR_FROM_DEVICE, .driver = "ahci", .dev = "sda" };
	struct fake_board inner = *b;
	struct fake_truth none = {};
	int k;

	inner.call = 0;
	inner.software = b->software / 3;
	for (k = 0; k < 4; k++) {
		row.op = OP_ARCH_SYNC_FOR_DEVICE;
		fake_some(iv, rng, &inner, noise, &row, 1 + rng_below(rng, 500), 1,
			  fake_sizes[rng_below(rng, 7)], factor, &none);
		row.op = OP_ARCH_SYNC_FOR_CPU;
		fake_some(iv, rng, &inner, noise, &row, 1 + rng_below(rng, 500), 1,
			  fake_sizes[rng_below(rng, 7)], factor, &none);
	}
}

/* How the captures of one board come about. */
struct fake_captures {
	struct fake_board board;
	struct fake_noise noise;
	enum fake_load load;
	unsigned int intervals, runs;
};

static inline void fake_capture_info(struct capture_info *info, const struct fake_captures *f,
				     bool arch, unsigned int number)
{
	fake_info(info, number);
	info->hdr.cost.valid = true;
	info->hdr.cost.floor_ns = f->board.floor;
	info->hdr.level = arch ? LEVEL_ARCH : LEVEL_API;
}

/* Fills interval @i of a capture. */
static inline void fake_board_interval(struct interval *iv, struct rng *rng,
				       const struct fake_captures *f, bool arch, unsigned int i,
				       double factor, struct fake_truth *truth)
{
	interval_clear(iv);
	iv->dur_ns = 1000000000;
	iv->t_ns = (i + 1) * 1000000000ULL;
	if (arch) {
		fake_arch(iv, rng, &f->board, &f->noise, factor);
		return;
	}
	fake_lists(iv, rng, &f->board, &f->noise, f->load, OP_MAP_SG, i, f->intervals, factor,
		   truth);
	fake_lists(iv, rng, &f->board, &f->noise, f->load, OP_UNMAP_SG, i, f->intervals, factor,
		   truth);
	if (f->load == LOAD_SINGLE)
		fake_singles(iv, rng, &f->board, &f->noise, factor, truth);
}

/* Adds all captures of @f to @p. */
static inline void fake_predict(struct predict *p, struct rng *rng, const struct fake_captures *f,
				struct fake_truth *truth)
{
	struct run_model model = { 1, f->runs > 1 ? f->noise.machine : 0, f->noise.machine,
				   f->noise.rho };
	unsigned int captures = f->runs + (f->load == LOAD_ARCH), r, i;
	double *factor = calloc(f->intervals, sizeof(*factor));
	struct capture_info info;
	struct interval iv;
	bool arch;

	interval_init(&iv);
	for (r = 0; r < captures; r++) {
		arch = r == f->runs;
		fake_capture_info(&info, f, arch, r);
		predict_run_add(p, arch ? "arch" : "run", &info);
		random_run(rng, &model, factor, f->intervals);
		for (i = 0; i < f->intervals; i++) {
			fake_board_interval(&iv, rng, f, arch, i, factor[i], truth);
			predict_add(p, &iv);
		}
	}
	interval_free(&iv);
	free(factor);
}

#endif
