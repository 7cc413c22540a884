// SPDX-License-Identifier: GPL-2.0
/* What of a measurement ftrace can do here, and which functions it probes for it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <dmasync/log.h>
#include <dmasync/permit.h>
#include <dmasync/pidns.h>
#include "plan.h"
#include "tracefs.h"

int plan_possible(char *why, size_t len)
{
	int err = permit_tracing(why, len);
	char path[96];

	if (err)
		return err;
	if (!tracefs_dir()) {
		snprintf(why, len,
			 "tracefs is not mounted; `mount -t tracefs tracefs /sys/kernel/tracing`");
		return -EOPNOTSUPP;
	}
	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs_dir());
	if (!access(path, W_OK))
		return 0;
	snprintf(why, len,
		 "no kprobe events: %s: %s; use a kernel built with CONFIG_KPROBE_EVENTS=y", path,
		 strerror(errno));
	return -EOPNOTSUPP;
}

bool plan_processes_told(void)
{
	return !pidns_own().ino && pidns_proc_is_own();
}

int plan_check_options(const struct options *opt)
{
	const char *cannot = opt->exact			  ? "--exact"
			     : opt->user_stacks		  ? "--user-stacks"
			     : opt->profile_hz		  ? "--profile"
			     : opt->chain		  ? "--chain"
			     : opt->storms		  ? "--storms"
			     : opt->attach == RUNG_NONE	  ? NULL
			     : opt->attach == RUNG_KPROBE ? NULL
							  : "--attach other than kprobe";

	if (cannot) {
		log_error("%s is not possible with ftrace: it takes BPF", cannot);
		return -EOPNOTSUPP;
	}
	if ((opt->pid || opt->by == BY_PROCESS) && !plan_processes_told()) {
		log_error(
			"processes cannot be told with ftrace from inside a PID namespace; run it "
			"outside, or leave %s out",
			opt->pid ? "-p" : "--by process");
		return -EOPNOTSUPP;
	}
	if (opt->stacks)
		log_warn("no stacks: ftrace does not tell where calls come from");
	return 0;
}

/* Those that events can serve. */
static unsigned int plan(const struct plan *p, struct hook *hooks)
{
	struct hook all[HEADER_HOOKS_MAX];
	struct hook_facts facts;
	int n = hooks_plan(p->opt, p->features, p->syms, all, &facts);
	const struct ksym *null = p->null;
	unsigned int taken = 0;

	for (int i = 0; i < n; i++)
		if (all[i].kind == HOOK_CALL || all[i].kind == HOOK_ARCH ||
		    all[i].kind == HOOK_BOUNCE)
			hooks[taken++] = all[i];
	/* In place of bpf_fentry_test1(), which only BPF can call. */
	if (null->seen && taken < HEADER_HOOKS_MAX)
		hooks[taken++] = (struct hook){
			.kind = HOOK_CALL,
			.op = OP_CALIBRATE,
			.programs = "null",
			.function = null->name,
			.group = -1,
			.exists = true,
			.text = null->seen == 1 && null->size ? null->addr : 0,
			.text_size = null->size,
		};
	return taken;
}

/* Why none of the hooks of the DMA API itself was attached; NULL: one was. */
static const char *nothing_measured(const struct header *hdr)
{
	const char *why = "none of its functions is in this kernel";

	for (unsigned int i = 0; i < hdr->n_hooks; i++) {
		if (hdr->hooks[i].op >= OP_CALIBRATE)
			continue;
		if (hdr->hooks[i].rung != RUNG_NONE)
			return NULL;
		if (hdr->hooks[i].reason[0])
			why = hdr->hooks[i].reason;
	}
	return why;
}

int plan_probes(const struct plan *p, struct instance *in, struct header *hdr,
		struct probes *probes)
{
	struct hook hooks[HEADER_HOOKS_MAX];
	unsigned int n = plan(p, hooks);
	const char *why;

	probes_open(in, p->opt->procs || p->opt->comm, hooks, n, hdr->hooks, &hdr->n_hooks, probes);
	why = nothing_measured(hdr);
	if (!why)
		return 0;
	log_error("no hook of the DMA API can be attached by ftrace: %s", why);
	return -EOPNOTSUPP;
}
