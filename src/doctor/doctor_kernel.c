// SPDX-License-Identifier: GPL-2.0
/* Checks of "doctor" that read files of the kernel: rights and facilities. */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dmasync/doctor.h"
#include "dmasync/kcore.h"
#include "dmasync/ksyms.h"
#include "dmasync/permit.h"

#define CAP_BIT(cap) (1ULL << (cap))

struct check *doctor_add(struct doctor *d, const char *name, enum check_status status,
			 const char *fmt, ...)
{
	struct check *c = &d->check[d->n_checks < CHECKS_MAX ? d->n_checks++ : CHECKS_MAX - 1];
	va_list ap;

	c->name = name;
	c->status = status;
	c->cure[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
	return c;
}

void doctor_cure(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->cure, sizeof(c->cure), fmt, ap);
	va_end(ap);
}

/* First @len - 1 bytes of a file below the root, without the final newline. 0 or -errno. */
static int read_file(const struct doctor *d, const char *path, char *buf, size_t len)
{
	char full[PATH_MAX];
	size_t n;
	FILE *f;
	int err;

	snprintf(full, sizeof(full), "%s%s", d->root, path);
	f = fopen(full, "re");
	if (!f)
		return -errno;
	n = fread(buf, 1, len - 1, f);
	err = ferror(f) ? -EIO : 0;
	fclose(f);
	buf[n] = '\0';
	if (n && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
	return err;
}

/* What access() says about a file below the root: 0 or -errno. */
static int check_access(const struct doctor *d, const char *path, int mode)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", d->root, path);
	return access(full, mode) ? -errno : 0;
}

static void check_privilege(struct doctor *d)
{
	static const struct {
		int cap;
		const char *name;
	} wanted[] = { { CAP_BPF, "CAP_BPF" },
		       { CAP_PERFMON, "CAP_PERFMON" },
		       { CAP_SYS_ADMIN, "CAP_SYS_ADMIN" } };
	char status[4096], missing[64] = "", *line;
	unsigned long long caps = 0;
	struct check *c;
	size_t i;

	if (!read_file(d, "/proc/self/status", status, sizeof(status))) {
		line = strstr(status, "CapEff:");
		caps = line ? strtoull(line + 7, NULL, 16) : 0;
	}
	for (i = 0; i < 3; i++)
		if (!(caps & CAP_BIT(wanted[i].cap)))
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				 "%s%s", missing[0] ? ", " : "", wanted[i].name);
	if (!missing[0] && !geteuid() && permit_in_user_namespace(d->root)) {
		c = doctor_add(d, "privilege", CHECK_FAIL, "root of a user namespace only");
		doctor_cure(c, "run it outside the container");
		return;
	}
	if (!missing[0] && !geteuid()) {
		doctor_add(d, "privilege", CHECK_OK, "root, with the capabilities that it takes");
		return;
	}
	if (missing[0])
		c = doctor_add(d, "privilege", CHECK_FAIL, "user %u lacks %s", geteuid(), missing);
	else
		c = doctor_add(d, "privilege", CHECK_FAIL, "user %u is not root", geteuid());
	doctor_cure(c, "%s", geteuid() ? "run it with sudo" : "give the container these rights");
}

static void check_lockdown(struct doctor *d)
{
	char modes[128];
	struct check *c;
	int err = read_file(d, "/sys/kernel/security/lockdown", modes, sizeof(modes));

	if (permit_locked_down(d->root)) {
		c = doctor_add(d, "lockdown", CHECK_FAIL,
			       "confidentiality: nobody must read kernel memory");
		doctor_cure(c, "boot with lockdown=integrity or without lockdown=");
	} else if (err == -ENOENT) {
		doctor_add(d, "lockdown", CHECK_OK,
			   "not in this kernel, or securityfs not mounted");
	} else if (err) {
		doctor_add(d, "lockdown", CHECK_NOTE, "cannot be read: %s", strerror(-err));
	} else {
		doctor_add(d, "lockdown", CHECK_OK, "%s",
			   strstr(modes, "[integrity]") ? "integrity: allows tracing" : "none");
	}
}

static void check_btf(struct doctor *d)
{
	int err = permit_btf(d->root);
	struct check *c;

	if (!err) {
		doctor_add(d, "btf", CHECK_OK, "/sys/kernel/btf/vmlinux");
		return;
	}
	c = doctor_add(d, "btf", CHECK_WARN, "/sys/kernel/btf/vmlinux: %s",
		       err == -EBADMSG ? "is not BTF" : strerror(-err));
	doctor_cure(c, "use a kernel built with CONFIG_DEBUG_INFO_BTF=y");
}

static void check_tracefs(struct doctor *d)
{
	char why[192];
	bool found;
	const char *name = "dma_map_sg_attrs";
	struct check *c;
	int err = ksyms_traceable(d->root, &name, &found, 1, why, sizeof(why));

	if (!err && found) {
		doctor_add(d, "tracefs", CHECK_OK, "the DMA API is traceable by ftrace");
	} else if (!err) {
		c = doctor_add(d, "tracefs", CHECK_WARN, "ftrace does not list %s", name);
		doctor_cure(c, "use a kernel built with CONFIG_DYNAMIC_FTRACE=y");
	} else {
		doctor_add(d, "tracefs", err == -ENOENT ? CHECK_WARN : CHECK_NOTE, "%s", why);
	}
}

static void check_kprobes(struct doctor *d)
{
	char enabled[8];
	struct check *c;

	if (check_access(d, "/sys/bus/event_source/devices/kprobe", F_OK)) {
		c = doctor_add(d, "kprobes", CHECK_WARN, "not in this kernel");
		doctor_cure(c, "use a kernel built with CONFIG_KPROBE_EVENTS=y");
	} else if (read_file(d, "/sys/kernel/debug/kprobes/enabled", enabled, sizeof(enabled))) {
		doctor_add(d, "kprobes", CHECK_OK, "in this kernel");
	} else if (enabled[0] == '0') {
		c = doctor_add(d, "kprobes", CHECK_WARN, "switched off: none fires");
		doctor_cure(c, "echo 1 > /sys/kernel/debug/kprobes/enabled");
	} else {
		doctor_add(d, "kprobes", CHECK_OK, "enabled");
	}
}

static void check_jit(struct doctor *d)
{
	char enabled[8];
	struct check *c;
	int err = read_file(d, "/proc/sys/net/core/bpf_jit_enable", enabled, sizeof(enabled));

	if (err == -EACCES || err == -EPERM) {
		doctor_add(d, "jit", CHECK_NOTE, "cannot be read: %s", strerror(-err));
	} else if (err) {
		c = doctor_add(d, "jit", CHECK_WARN, "no BPF compiler: probes are interpreted");
		doctor_cure(c, "use a kernel built with CONFIG_BPF_JIT=y");
	} else if (enabled[0] == '0') {
		c = doctor_add(d, "jit", CHECK_WARN, "off: no fentry, and slow probes");
		doctor_cure(c, "sysctl net.core.bpf_jit_enable=1");
	} else {
		doctor_add(d, "jit", CHECK_OK, "BPF programs are compiled");
	}
}

static void check_kallsyms(struct doctor *d)
{
	char path[PATH_MAX], why[192] = "";
	struct check *c;
	int err;

	snprintf(path, sizeof(path), "%s%s", d->root, KSYMS_PATH);
	err = ksyms_find(path, NULL, 0, why, sizeof(why));
	if (!err) {
		doctor_add(d, "kallsyms", CHECK_OK, "symbols with addresses");
		return;
	}
	c = doctor_add(d, "kallsyms", CHECK_WARN, "%s", why);
	if (err < 0)
		doctor_cure(c, "without symbols the kernel's flavour and its barriers are unknown");
}

static void check_kcore(struct doctor *d)
{
	struct kcore *kc;
	char path[PATH_MAX], why[192] = "";
	struct check *c;

	snprintf(path, sizeof(path), "%s%s", d->root, KCORE_PATH);
	if (!kcore_open(path, &kc, why, sizeof(why))) {
		kcore_close(kc);
		doctor_add(d, "kcore", CHECK_OK, "kernel text can be decoded");
		return;
	}
	c = doctor_add(d, "kcore", d->arm64 ? CHECK_WARN : CHECK_NOTE, "%s", why);
	if (d->arm64)
		doctor_cure(
			c,
			"without it barriers can be derived, but not counted on batched kernels");
}

void doctor_check_kernel(struct doctor *d)
{
	check_privilege(d);
	check_lockdown(d);
	check_btf(d);
	check_tracefs(d);
	check_kprobes(d);
	check_jit(d);
	check_kallsyms(d);
	check_kcore(d);
}
