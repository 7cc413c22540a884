// SPDX-License-Identifier: GPL-2.0
/* dmasynctop doctor: what works on this machine, and why not. */
#include <argp.h>
#include <errno.h>
#include <string.h>
#include "dmasync/cmd.h"
#include "dmasync/doctor.h"
#include "dmasync/log.h"
#include "dmasync/pmu.h"
#include "dmasync/session.h"

enum {
	OPT_JSON = 0x100,
};

static const char doc[] =
	"Checks what dmasynctop can see on this machine; each line has the cause and, where there is "
	"something to do, the cure.\v"
	"Every hook is really attached, and detached again. \"Not coherent\" is what the device tree "
	"says: where the hardware is coherent, a missing dma-coherent property makes the kernel do "
	"cache maintenance for nothing.\n\n"
	"Exit status: 0 when live profiling works, 3 when it does not.";

static const struct argp_option options[] = {
	{ "json", OPT_JSON, 0, 0, "Print one JSON object", 0 },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case OPT_JSON:
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': takes no arguments", arg);
		return EINVAL;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = { .options = options, .parser = parse, .doc = doc };

static void check_flavour(struct doctor *d)
{
	enum flavour flavour = d->features.flavour;
	struct check *c;

	c = doctor_add(d, "flavour", flavour == FLAVOUR_UNKNOWN ? CHECK_WARN : CHECK_OK, "%s: %s",
		       flavour_name(flavour), feature_flavour_text(flavour));
	if (flavour == FLAVOUR_UNKNOWN)
		doctor_cure(c, "%s", d->features.why);
	if (flavour == FLAVOUR_PER_ENTRY)
		doctor_cure(c, "dmasynctop record, then predict, tell what batching would save");
}

static void check_barriers(struct doctor *d)
{
	const struct features *f = &d->features;

	if (!d->arm64)
		doctor_add(d, "barriers", CHECK_NOTE,
			   "not applicable: %s completes DMA without a dsb", d->uts.machine);
	else if (f->flavour == FLAVOUR_UPSTREAM_BATCHED && !f->sites_complete)
		doctor_add(d, "barriers", CHECK_WARN, "their places in the kernel are unknown: %s",
			   f->why[0] ? f->why : "not every function could be decoded");
	else if (f->flavour == FLAVOUR_UPSTREAM_BATCHED)
		doctor_add(d, "barriers", CHECK_OK, "%zu found inline in %u functions", f->n_sites,
			   f->n_functions);
	else if (f->flavour == FLAVOUR_DMASYNC_BATCHED)
		doctor_add(d, "barriers", CHECK_OK, "in arch_sync_dma_batch_flush");
	else if (f->flavour == FLAVOUR_PER_ENTRY)
		doctor_add(d, "barriers", CHECK_OK, "in every arch_sync_dma_for_* call");
	else
		doctor_add(d, "barriers", CHECK_WARN, "unknown");
}

/*
 * Names the API operations that no hook serves, or leaves @text empty. Returns how many are served;
 * the IOVA operations are left out: they exist since 6.16 only, their absence is normal.
 */
static unsigned int served_operations(const struct header *hdr, char *missing, size_t len)
{
	unsigned int attached = 0, served = 0, i;
	enum op op;

	missing[0] = '\0';
	for (i = 0; i < hdr->n_hooks; i++)
		if (hdr->hooks[i].rung != RUNG_NONE)
			attached |= 1U << hdr->hooks[i].op;
	for (op = 0; op < OP_IOVA_LINK; op++) {
		if (attached & 1U << op)
			served++;
		else
			snprintf(missing + strlen(missing), len - strlen(missing), "%s%s",
				 missing[0] ? ", " : "", op_name(op));
	}
	return served;
}

/* Why the first hook that the kernel has, but that did not attach, did not. */
static const char *first_reason(const struct header *hdr)
{
	unsigned int i;

	for (i = 0; i < hdr->n_hooks; i++)
		if (hdr->hooks[i].rung == RUNG_NONE && hdr->hooks[i].reason[0] &&
		    !strstr(hdr->hooks[i].reason, "not in this kernel"))
			return hdr->hooks[i].reason;
	return "no reason known";
}

/* Returns whether anything of the DMA API can be seen. */
static bool describe_hooks(struct doctor *d)
{
	unsigned int rungs[RUNG_COUNT] = { 0 }, i;
	char missing[160], found[96] = "";
	struct check *c;
	enum rung rung;

	if (!served_operations(&d->header, missing, sizeof(missing))) {
		doctor_add(d, "hooks", CHECK_FAIL, "no DMA operation can be probed: %s",
			   first_reason(&d->header));
		return false;
	}
	for (i = 0; i < d->header.n_hooks; i++)
		rungs[d->header.hooks[i].rung]++;
	for (rung = RUNG_FSESSION; rung < RUNG_COUNT; rung++)
		if (rungs[rung])
			snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%u by %s",
				 found[0] ? ", " : "", rungs[rung], rung_name(rung));
	c = doctor_add(d, "hooks", missing[0] ? CHECK_WARN : CHECK_OK, "attached and detached: %s",
		       found);
	if (missing[0])
		doctor_cure(c, "not seen: %s", missing);
	return true;
}

/* Opens a session as @exact and @backend ask and copies its header. 0 or -errno; silent, see
 * log_held(). */
static int try_session(enum backend_id backend, bool exact, struct header *hdr)
{
	struct session *session;
	struct options opt;
	int err;

	options_init(&opt);
	opt.exact = exact;
	opt.backend = backend;
	err = session_open(&opt, &session);
	if (err)
		return err;
	*hdr = *session_header(session);
	session_close(session);
	return 0;
}

static void check_hooks(struct doctor *d)
{
	unsigned int i, failed = 0;
	struct check *c;
	int err;

	log_hold(true);
	err = try_session(BACKEND_AUTO, false, &d->header);
	d->attached = !err;
	if (err) {
		c = doctor_add(d, "hooks", CHECK_FAIL, "%s",
			       log_held()[0] ? log_held() : strerror(-err));
		/* Where to go for help is not news here. */
		c->text[strcspn(c->text, "`")] = '\0';
		goto out;
	}
	d->attached = describe_hooks(d);
	log_drop();
	if (!d->attached || !d->arm64)
		goto out;
	err = try_session(BACKEND_AUTO, true, &d->exact);
	d->exact_attached = !err;
	if (err) {
		c = doctor_add(d, "exact", CHECK_WARN, "barriers cannot be counted: %s",
			       log_held()[0] ? log_held() : strerror(-err));
		goto out;
	}
	for (i = 0; i < d->exact.n_hooks; i++)
		failed +=
			strchr(d->exact.hooks[i].name, '+') && d->exact.hooks[i].rung == RUNG_NONE;
	c = doctor_add(d, "exact", failed ? CHECK_WARN : CHECK_OK,
		       failed ? "%u barriers cannot be counted" : "barriers can be counted",
		       failed);
	if (failed)
		doctor_cure(c, "use the derived counts");
out:
	log_drop();
	log_hold(false);
}

/* Each way to measure: the one that a session takes here, and whether the other would work, too. */
static void check_backends(struct doctor *d)
{
	struct header other;
	int err;

	if (!d->attached)
		return;
	if (d->header.backend == BACKEND_FTRACE) {
		doctor_add(d, "bpf", CHECK_WARN, "not used: %s", d->header.backend_reason);
		doctor_add(d, "ftrace", CHECK_OK,
			   "used instead: kprobe events; without bytes of "
			   "lists, stacks and --exact");
		return;
	}
	doctor_add(d, "bpf", CHECK_OK, "used");
	log_hold(true);
	err = try_session(BACKEND_FTRACE, false, &other);
	if (err)
		doctor_add(d, "ftrace", CHECK_NOTE, "not possible: %s",
			   log_held()[0] ? log_held() : strerror(-err));
	else
		doctor_add(d, "ftrace", CHECK_OK, "possible, too: --backend ftrace");
	log_drop();
	log_hold(false);
}

static void check_devices(struct doctor *d)
{
	size_t i, bad = 0, unknown = 0;
	struct check *c;
	int err = devices_read(d->root, d->uts.machine, &d->devices);

	if (err) {
		doctor_add(d, "devices", CHECK_WARN, "cannot be listed: %s", strerror(-err));
		return;
	}
	for (i = 0; i < d->devices.n; i++) {
		bad += d->devices.dev[i].coherence == COHERENCE_NO;
		unknown += d->devices.dev[i].coherence == COHERENCE_UNKNOWN;
	}
	if (!bad && !unknown) {
		doctor_add(d, "devices", CHECK_OK, "all %zu are DMA coherent", d->devices.n);
		return;
	}
	c = doctor_add(d, "devices", CHECK_OK, "%zu of %zu are not DMA coherent", bad,
		       d->devices.n);
	if (unknown)
		snprintf(c->text + strlen(c->text), sizeof(c->text) - strlen(c->text),
			 ", %zu unknown (ACPI; the live view shows them)", unknown);
	if (bad)
		doctor_cure(c,
			    "a device that is coherent in hardware lacks dma-coherent in its node");
}

static void check_pmu(struct doctor *d)
{
	struct pmu *pmu;
	char why[192];

	if (pmu_open(&pmu, why, sizeof(why))) {
		doctor_add(d, "pmu", CHECK_NOTE, "%s", why);
		return;
	}
	pmu_close(pmu);
	doctor_add(d, "pmu", CHECK_OK, "every CPU counts DSB_SPEC");
}

static void examine(struct doctor *d)
{
	uname(&d->uts);
	d->arm64 = !strcmp(d->uts.machine, "aarch64");
	doctor_add(d, "kernel", CHECK_OK, "%s %s", d->uts.release, d->uts.machine);
	doctor_check_kernel(d);
	features_read(&d->features, NULL, true, NULL, 0);
	check_flavour(d);
	check_barriers(d);
	check_hooks(d);
	check_backends(d);
	check_devices(d);
	doctor_check_memory(d);
	check_pmu(d);
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor d = { .root = "" };
	bool json = false;
	int err = 0;

	argp_err_exit_status = EXIT_USAGE;
	argv[0] = "dmasynctop doctor"; /* for argp's messages */
	if (argp_parse(&argp, argc, argv, 0, NULL, &json))
		return EXIT_USAGE;
	examine(&d);
	if (json)
		err = doctor_print_json(stdout, &d);
	else
		doctor_print_text(stdout, &d);
	if (!err && fflush(stdout))
		err = -errno;
	features_free(&d.features);
	devices_free(&d.devices);
	if (err && err != -EPIPE) {
		log_error("cannot write the report: %s", strerror(-err));
		return EXIT_FAILED;
	}
	return d.attached ? EXIT_OK : EXIT_UNSUPPORTED;
}
