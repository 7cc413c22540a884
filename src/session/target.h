/* SPDX-License-Identifier: GPL-2.0 */
/* Tells libbpf to which kernel functions trampoline programs go, by id instead of by name. */
#ifndef TARGET_H
#define TARGET_H

#include <bpf/libbpf.h>

/* Takes the sections "fentry" and "fexit" over from libbpf; to be called before objects open. */
int target_take_over(void);

/* @prog will be loaded for the kernel function whose BTF id is @id. 0 or -errno. */
int target_set(const struct bpf_program *prog, __u32 id);

/* Forgets what was set, once the object is loaded. */
void target_forget(void);

#endif
