/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of what was measured: some devices, operations, processes. */
#ifndef DMASYNC_FILTER_H
#define DMASYNC_FILTER_H

#include "interval.h"
#include "options.h"

/* Does one of the comma-separated shell patterns match @name? */
bool device_matches(const char *patterns, const char *name);

/*
 * Copies into @out (cleared first) what @opt selects of @iv: rows by -D and -O, processes, stacks
 * and samples by -p and -c. What one of them selects by something that @iv does not tell is left
 * out: processes by device or operation, rows by process, samples by device or operation.
 * 0 or -ENOMEM.
 */
int interval_filter(struct interval *out, const struct interval *iv, const struct options *opt);

/* Does @opt select anything less than everything? */
bool filter_active(const struct options *opt);

#endif
