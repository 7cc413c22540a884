// SPDX-License-Identifier: GPL-2.0
/* Looks kernel symbols up in the kernel's list of them, of which the kernel leaves most out. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "dmasync/kbtf.h"
#include "dmasync/ksym_filter.h"
#include "dmasync/ksyms.h"
#include "ksym_iter.skel.h"

/* Where the program goes; handlers are registered for good. */
static __u32 target;

static int prepare_load(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	opts->attach_btf_id = target;
	return bpf_program__set_type(prog, BPF_PROG_TYPE_TRACING);
}

/* As in session/target.c: for tracing libbpf would read all of the kernel's types. */
static int take_over(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = prepare_load);
	static bool done;
	int id;

	if (done)
		return 0;
	id = libbpf_register_prog_handler("ksym_iter", BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_TRACE_ITER,
					  &opts);
	done = id >= 0;
	return done ? 0 : id;
}

/* Opens and loads, with what @types, an empty file, then has of the kernel's types. */
static int load(int types, const struct ksym_filter *filter, struct ksym_iter_bpf **out)
{
	struct kbtf_func iterator = { .name = "bpf_iter_ksym" }; /* from 6.0 on */
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", types);
	opts.btf_custom_path = path;
	*out = ksym_iter_bpf__open_opts(&opts);
	if (!*out)
		return -errno;
	err = kbtf_read(KBTF_PATH, bpf_object__btf((*out)->obj), &iterator, 1, types);
	if (err)
		return err;
	if (!iterator.id)
		return -EOPNOTSUPP;
	target = iterator.id;
	(*out)->bss->filter = *filter;
	return ksym_iter_bpf__load(*out);
}

/* A file that the kernel's list can be read from, once, or -errno. */
static int list(int prog)
{
	int link = bpf_link_create(prog, 0, BPF_TRACE_ITER, NULL), fd;

	if (link < 0)
		return link;
	fd = bpf_iter_create(link);
	close(link);
	return fd;
}

int ksyms_sift(struct ksym *syms, size_t n)
{
	int types = memfd_create("kernel-types", MFD_CLOEXEC), fd, err;
	struct ksym_iter_bpf *skel = NULL;
	struct ksym_filter filter;
	libbpf_print_fn_t print;
	char why[8];

	if (types < 0)
		return -errno;
	ksyms_filter(syms, n, &filter);
	print = libbpf_set_print(NULL);
	err = take_over();
	err = err ?: load(types, &filter, &skel);
	fd = err ? err : list(bpf_program__fd(skel->progs.list));
	libbpf_set_print(print);
	err = fd < 0 ? fd : ksyms_find_fd(fd, "", syms, n, why, sizeof(why));
	if (fd >= 0)
		close(fd);
	ksym_iter_bpf__destroy(skel);
	close(types);
	return err == KSYMS_FULL ? 0 : err < 0 ? err : -EPERM;
}
