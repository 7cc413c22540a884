/* SPDX-License-Identifier: GPL-2.0 */
/* The kprobe events of a session: where they are, and where their fields are in a record. */
#ifndef PROBES_H
#define PROBES_H

#include <stdio.h>
#include <dmasync/hooks.h>
#include "instance.h"

enum probe_kind {
	PROBE_BEGIN,  /* a call begins */
	PROBE_END,    /* a call ends */
	PROBE_BOUNCE, /* a bounce buffer is used inside a call */
};

/* Field of a record; size 0: the event does not have it. */
struct probe_field {
	unsigned short offset, size;
};

enum probe_field_id {
	FIELD_NAME, /* of the device: a __data_loc string */
	FIELD_ENTRIES,
	FIELD_DIR,
	FIELD_ATTRS,
	FIELD_SIZE,
	FIELD_ID,     /* tells calls of one kind apart */
	FIELD_ADDR,   /* an IOVA, and ... */
	FIELD_OFFSET, /* ... how far in the call begins */
	FIELD_RESULT,
	FIELD_PID,
	FIELD_COMM,
	FIELD_COUNT,
};

struct probe {
	enum probe_kind kind;
	enum op op;
	unsigned int variant; /* see CALL_KIND() */
	unsigned int inside;  /* PROBE_BOUNCE: of calls of these operations, 1 << enum op */
	const char *programs; /* as in struct hook: what its arguments and result mean */
	unsigned int id;      /* common_type of its records */
	struct probe_field field[FIELD_COUNT];
};

struct probes {
	struct probe *probe; /* sorted by id */
	unsigned int n, cap;
};

/*
 * Reads @text, the "format" file of an event, for the number and the fields of @p, which is zero
 * there. 0 or -EBADMSG.
 */
int probes_parse_format(const char *text, struct probe *p);

/*
 * Makes the events that see @n @hooks, alternatives as in attach_open(), and notes in @states and
 * *@n_states how each came out. With @comm records have the process's name. For probes_close().
 */
void probes_open(struct instance *in, bool comm, const struct hook *hooks, unsigned int n,
		 struct hook_state *states, unsigned int *n_states, struct probes *probes);

/* Probe whose records have the number @id, or NULL. */
const struct probe *probes_find(const struct probes *probes, unsigned int id);

/* Hits that the kernel did not run a probe of @in for, since they were made. */
__u64 probes_missed(const struct instance *in);

/* One line for every event of @in: how often it was hit, and missed. */
void probes_print_stats(const struct instance *in, FILE *out);

void probes_close(struct probes *probes);

/*
 * Arguments of the functions with the BPF programs @programs, and the type of their result, for the
 * registers of @machine (uname -m), into @buf; false: not known.
 */
bool probes_arguments(const char *machine, const char *programs, char *buf, size_t len,
		      const char **result);

#endif
