// SPDX-License-Identifier: GPL-2.0
/* Defaults of the options and the words they are given in. */
#include <string.h>
#include <dmasync/options.h>

static const char *const sort_names[SORT_COUNT] = {
	[SORT_TIME] = "time",	    [SORT_CALLS] = "calls",
	[SORT_ENTRIES] = "entries", [SORT_BYTES] = "bytes",
	[SORT_AVG] = "avg",	    [SORT_P50] = "p50",
	[SORT_P99] = "p99",	    [SORT_MAX] = "max",
	[SORT_DSB] = "dsb",	    [SORT_DSB_PER_CALL] = "dsb/call",
	[SORT_SAVED] = "saved",	    [SORT_DEVICE] = "device",
	[SORT_DRIVER] = "driver",   [SORT_OP] = "op",
};

static const char *const group_names[] = {
	[BY_ROW] = "row",
	[BY_DEVICE] = "device",
	[BY_DRIVER] = "driver",
	[BY_PROCESS] = "process",
};

#define GROUPS (int)(sizeof(group_names) / sizeof(*group_names))

void options_init(struct options *opt)
{
	*opt = (struct options){
		.interval_ns = 1000000000,
		.sort = SORT_TIME,
		.by = BY_ROW,
		.level = LEVEL_API,
		.attach = RUNG_NONE,
	};
}

static int find(const char *const *names, int n, const char *name)
{
	int i;

	for (i = 0; i < n; i++) {
		if (!strcmp(names[i], name))
			return i;
	}
	return -1;
}

const char *sort_name(enum sort_key key)
{
	return (unsigned int)key < SORT_COUNT ? sort_names[key] : "?";
}

int sort_by_name(const char *name)
{
	return find(sort_names, SORT_COUNT, name);
}

const char *group_name(enum group_by by)
{
	return (int)by < GROUPS ? group_names[by] : "?";
}

int group_by_name(const char *name)
{
	return find(group_names, GROUPS, name);
}
