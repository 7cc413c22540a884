/* SPDX-License-Identifier: GPL-2.0 */
/* What was lost from one interval to the next. */
#ifndef FTRACE_LOSS_H
#define FTRACE_LOSS_H

#include <dmasync/interval.h>

/*
 * Adds to @loss, of an interval, what @now has more than *@before, both since the beginning; then
 * *@before is @now. Rows, bytes and stacks are not told here.
 */
void loss_since(struct loss *loss, struct loss *before, const struct loss *now);

#endif
