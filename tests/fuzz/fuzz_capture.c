// SPDX-License-Identifier: GPL-2.0
/* libFuzzer target: reads any bytes as a capture and reports what could be read. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <dmasync/capture_json.h>
#include <dmasync/filter.h>
#include <dmasync/log.h>
#include <dmasync/report.h>
#include <dmasync/view.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	json_object_seed(1); /* the same path for the same input */
	log_hold(true);
	nowhere = fopen("/dev/null", "w");
	return !nowhere;
}

static void report(struct report *r)
{
	static const enum group_by groups[] = { BY_ROW, BY_DEVICE, BY_DRIVER, BY_PROCESS };
	struct report_options opt = { .to_ns = ~0ULL };
	size_t i;

	options_init(&opt.opt);
	opt.opt.histograms = true;
	r->opt = &opt;
	for (i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		opt.opt.by = groups[i];
		report_text(nowhere, r);
		report_csv(nowhere, r);
	}
	opt.by_stack = true;
	report_text(nowhere, r);
	report_csv(nowhere, r);
	opt.by_stack = false;
	opt.storms = true;
	report_text(nowhere, r);
	report_csv(nowhere, r);
	json_print(nowhere, json_end(&capture_info(r->capture)->hdr, &r->total));
}

static void read_all(struct capture *c)
{
	struct options opt = { .device = "*0*,f*", .pid = 812 };
	struct report r = { .capture = c };
	struct interval iv, part;
	int n;

	interval_init(&iv);
	interval_init(&part);
	interval_init(&r.total);
	while ((n = capture_next(c, &iv)) > 0) {
		if (capture_add(c, &r.total, &iv) || timeline_add(&r.timeline, &iv) ||
		    interval_filter(&part, &iv, &opt))
			abort();
		json_print(nowhere, json_interval(&capture_info(c)->hdr, &iv));
	}
	if (!n)
		report(&r);
	timeline_free(&r.timeline);
	interval_free(&r.total);
	interval_free(&part);
	interval_free(&iv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct capture *c;
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!capture_open(path, &c)) {
		read_all(c);
		capture_free(c);
	}
	close(fd);
	log_drop();
	return 0;
}
