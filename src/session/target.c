// SPDX-License-Identifier: GPL-2.0
/*
 * Tells libbpf to which kernel functions trampoline programs go, by id instead of by name. Given a
 * name, libbpf reads all of the kernel's types for each object and searches them for each program.
 */
#include <errno.h>
#include <stdlib.h>
#include <bpf/bpf.h>
#include "target.h"

struct target {
	const struct bpf_program *prog;
	__u32 id;
};

/* libbpf's handlers get one number when they are registered, and that is for good. */
static struct target *targets;
static size_t n_targets;

static int prepare_load(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	for (size_t i = 0; i < n_targets; i++) {
		if (targets[i].prog != prog)
			continue;
		opts->attach_btf_id = targets[i].id;
		return bpf_program__set_type(prog, BPF_PROG_TYPE_TRACING);
	}
	return -ENOENT;
}

int target_take_over(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = prepare_load);
	static bool done;
	int id;

	if (done)
		return 0;
	/* Of any other type until the moment of loading: for tracing libbpf reads all types. */
	id = libbpf_register_prog_handler("fentry", BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_TRACE_FENTRY,
					  &opts);
	if (id >= 0)
		id = libbpf_register_prog_handler("fexit", BPF_PROG_TYPE_RAW_TRACEPOINT,
						  BPF_TRACE_FEXIT, &opts);
	done = id >= 0;
	return done ? 0 : id;
}

int target_set(const struct bpf_program *prog, __u32 id)
{
	struct target *more = realloc(targets, (n_targets + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	targets = more;
	targets[n_targets++] = (struct target){ prog, id };
	return 0;
}

void target_forget(void)
{
	free(targets);
	targets = NULL;
	n_targets = 0;
}
