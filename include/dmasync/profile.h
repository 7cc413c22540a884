/* SPDX-License-Identifier: GPL-2.0 */
/* The on-CPU profile: samples of what runs, with stacks, beside the calls that a session traces. */
#ifndef DMASYNC_PROFILE_H
#define DMASYNC_PROFILE_H

#include "attach.h"

struct profile;

/*
 * Samples every CPU that is online @hz times a second, in processes that pass @cfg's filter and
 * while @at's state records; the idle task is left out. Sets @at->samples, and @at->stack_traces if
 * it had none; @at must outlive the profile. 0 with *@out, or -errno after a message.
 */
int profile_open(struct attachment *at, const struct attach_config *cfg, unsigned int hz,
		 struct profile **out);

/* Follows CPUs that went offline or came back; once an interval. */
void profile_update(struct profile *p);

void profile_close(struct profile *p);

#endif
