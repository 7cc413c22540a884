/* SPDX-License-Identifier: GPL-2.0 */
/* Copies types out of raw BTF, without what nobody asks for. */
#ifndef KBTF_COPY_H
#define KBTF_COPY_H

#include <bpf/btf.h>
#include "name_set.h"

/* Raw BTF whose types have been located. */
struct kbtf {
	char *data;
	const char *strs; /* in @data */
	size_t strs_len;
	__u32 *at; /* of each type from 1 on: where it begins in @data */
	__u32 n_types;
};

/* The string at @off, empty when @off is not one. */
const char *kbtf_text(const struct kbtf *k, __u32 off);

/*
 * Adds to @out the structures, unions and enums of @k that are called as in @types, with their
 * members that are called as in @members and whatever these are made of. 0 or -errno.
 */
int kbtf_copy(const struct kbtf *k, const struct name_set *types, const struct name_set *members,
	      struct btf *out);

#endif
