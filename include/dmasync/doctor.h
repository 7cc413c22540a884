/* SPDX-License-Identifier: GPL-2.0 */
/* What "doctor" finds out: checks with cause and cure, hooks, barriers, devices. */
#ifndef DMASYNC_DOCTOR_H
#define DMASYNC_DOCTOR_H

#include <stdio.h>
#include <sys/utsname.h>
#include "devices.h"
#include "features.h"
#include "header.h"

enum check_status {
	CHECK_OK,
	CHECK_NOTE, /* nothing wrong, but not to be had here */
	CHECK_WARN, /* something that the tool could show is missing */
	CHECK_FAIL, /* no live profiling */
};

struct check {
	const char *name; /* static; also its name in JSON */
	enum check_status status;
	char text[256]; /* what was found */
	char cure[192]; /* what to do; empty when there is nothing to do */
};

#define CHECKS_MAX 32

struct doctor {
	const char *root; /* put before /sys, /proc and /dev; "" on a live system */
	struct utsname uts;
	bool arm64;
	struct check check[CHECKS_MAX];
	unsigned int n_checks;
	struct features features;
	struct device_list devices;
	struct header header; /* of the session that was opened to see what attaches */
	bool attached;	      /* ->header is valid */
	bool exact_attached;  /* so is ->exact */
	struct header exact;  /* of a session that counts barriers */
};

/* Adds a check; at most CHECKS_MAX. Valid until the doctor is. */
struct check *doctor_add(struct doctor *d, const char *name, enum check_status status,
			 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Says what to do about @c. */
void doctor_cure(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Adds what files of the machine tell: privilege, lockdown, BTF, tracefs, kprobes, JIT. */
void doctor_check_kernel(struct doctor *d);

/* Adds bounce buffers, udmabuf, dma-heaps. */
void doctor_check_memory(struct doctor *d);

const char *check_status_name(enum check_status status); /* "ok", "note", "warn", "fail" */

void doctor_print_text(FILE *out, const struct doctor *d);
int doctor_print_json(FILE *out, const struct doctor *d); /* 0 or -errno */

#endif
