/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of the NDJSON objects that other writers use, too. */
#ifndef DMASYNC_JSON_ROWS_H
#define DMASYNC_JSON_ROWS_H

#include <jansson.h>
#include "group.h"

/*
 * Each returns a new reference, or NULL when out of memory. Integers are exact up to 2^63 - 1
 * (JSON integers here are signed) and stop there above.
 */
json_t *json_u64(__u64 v);

/* @s with what is not UTF-8 replaced by '?': a process may call itself anything. */
json_t *json_text(const char *s);

json_t *json_row(const struct header *hdr, const struct row *row);
json_t *json_process(const struct header *hdr, const struct proc_row *proc);

/* @row of @iv, which has the row that it is a part of. */
json_t *json_stack_row(const struct header *hdr, const struct interval *iv,
		       const struct stack_row *row);
json_t *json_sample(const struct sample_row *row);
json_t *json_storm(const struct storm_row *s);
json_t *json_loss(const struct loss *loss);

/* Sparse histogram: [[lowest ns of the bucket, count], ...]. */
json_t *json_hist(const __u64 hist[HIST_BUCKETS]);

#endif
