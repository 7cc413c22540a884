/* SPDX-License-Identifier: GPL-2.0 */
/* The lines that only captures have, as JSON; the others are in view.h. */
#ifndef DMASYNC_CAPTURE_JSON_H
#define DMASYNC_CAPTURE_JSON_H

#include <jansson.h>
#include "capture.h"

/* Each returns a new reference, or NULL when out of memory. */

/* json_header() and what a capture says besides. */
json_t *capture_json_header(const struct capture_info *info);

/* Stack @id of @t: "id", "user" (number of its frames of user space), "frames" (outermost first) */
json_t *capture_json_stack(const struct stack_table *t, __u32 id);

#endif
