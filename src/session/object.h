/* SPDX-License-Identifier: GPL-2.0 */
/* Copies of the BPF object, loaded for the attach ladder; all of a session share maps and state. */
#ifndef OBJECT_H
#define OBJECT_H

#include <stdio.h>
#include <bpf/libbpf.h>
#include <dmasync/attach.h>
#include <dmasync/kbtf.h>

/* Keeps libbpf's newest warning from here on, and with @pass logs what it says. */
void object_messages(bool pass);

/* That warning, without its newline; empty when there was none. */
const char *object_last_warning(void);

/* What is known of the kernel's types, read when the first object of a session is loaded. */
struct kernel_types {
	struct kbtf_func funcs[HEADER_HOOKS_MAX]; /* of each hook, names filled in */
	unsigned int n_funcs;
	int fd; /* types for relocating; -1: not read yet */
};

/*
 * Loads the programs that @n of @hooks, those at the indices @set, need at @rung: all of them are
 * of the dma-buf chain, or none is. Maps are those of
 * @first, an object loaded earlier, or new ones when it is NULL. 0 with *@out to be given to
 * bpf_object__close(), or -errno.
 */
int object_load(const struct attach_config *cfg, enum rung rung, const struct hook *hooks,
		const unsigned int *set, unsigned int n, const struct bpf_object *first,
		struct kernel_types *types, struct bpf_object **out);

/* Programs of @h at @rung: *@entry always, *@exit only for hooks of both ends, else NULL. */
void object_programs(const struct bpf_object *obj, const struct hook *h, enum rung rung,
		     struct bpf_program **entry, struct bpf_program **exit);

/*
 * A program that is never attached: a test run of it makes the kernel call the null target. Loaded
 * with the hook of HOOK_MEASURE.
 */
struct bpf_program *object_caller(const struct bpf_object *obj);

/* Tells the programs of @obj, which is not loaded yet, what @cfg says. 0 or -EINVAL. */
int object_set_config(const struct bpf_object *obj, const struct attach_config *cfg);

/* Room for stacks in an interval that is right for @cpus CPUs. */
unsigned int object_stack_rows(unsigned int cpus);

/* Descriptor of the map @name. */
int object_map_fd(const struct bpf_object *obj, const char *name);

/*
 * How often the kernel did not even come to run the program of @link, a kprobe, as another kprobe's
 * handler ran on that CPU. 0 for other links, and before 6.7, which does not tell. May be NULL.
 */
__u64 object_kprobe_misses(const struct bpf_link *link);

/* Over its programs: see attach_recursion_misses() and attach_print_stats(). */
__u64 object_recursion_misses(const struct bpf_object *obj);
void object_print_stats(const struct bpf_object *obj, FILE *out);

#endif
