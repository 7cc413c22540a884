/* SPDX-License-Identifier: GPL-2.0 */
/* Adds calls up by device, operation and direction, and looks up what the devices are. */
#ifndef FTRACE_ROWS_H
#define FTRACE_ROWS_H

#include "../session/take.h"
#include <dmasync/calibrate.h>
#include "calls.h"

struct rows;

/* NULL: out of memory. At most @max rows; what finds none goes to "other". */
struct rows *rows_open(const char *machine, unsigned int max);

/* Number of the device called @name ("": none): rows tell devices apart by it. */
__u32 rows_device(struct rows *r, const char *name);

/* Adds @call; to the process @tgid, too, if that is not negative. */
void rows_add(struct rows *r, const struct call_done *call, long tgid);

/* Hands what was added since the last time to take_row() and take_proc(). 0 or -ENOMEM. */
int rows_take(struct rows *r, struct taking *t);

/* Takes the row of OP_CALIBRATE out. */
void rows_take_null(struct rows *r, struct calibrate_sample *sample);

/* Calls that were not counted for want of memory, so far. */
__u64 rows_lost(const struct rows *r);

void rows_close(struct rows *r);

#endif
