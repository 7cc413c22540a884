// SPDX-License-Identifier: GPL-2.0
/* Looks kernel symbols up by asking the kernel for each, instead of reading them all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <bpf/bpf.h>
#include "dmasync/ksyms.h"
#include "dmasync/ksym_question.h"
#include "ksyms.skel.h"

/* Before 6.2 each look-up goes through the whole table (60443c88f3a8): reading it is quicker. */
static bool kernel_is_quick(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	return !uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 2));
}

/* Takes the answer for @sym, which was asked for. 0 or -errno. */
static int take_answer(const struct ksym_question *q, struct ksym *sym)
{
	const char *size = strrchr(q->text, '/');

	if (q->error)
		return q->error == -ENOENT ? 0 : (int)q->error;
	if (!size)
		return -EBADMSG;
	/* The kernel looks into its modules, too. */
	if (strchr(size, '['))
		return 0;
	sym->addr = q->addr;
	sym->size = strtoull(size + 1, NULL, 16);
	sym->seen = 1;
	return 0;
}

static int ask(int prog, struct ksym_question *q, struct ksym *sym)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	*sym = (struct ksym){ .name = sym->name };
	memset(q, 0, sizeof(*q));
	if (strlen(sym->name) >= sizeof(q->name))
		return -ENAMETOOLONG;
	strcpy(q->name, sym->name);
	if (bpf_prog_test_run_opts(prog, &opts))
		return -errno;
	return take_answer(q, sym);
}

int ksyms_ask(struct ksym *syms, size_t n)
{
	libbpf_print_fn_t print;
	struct ksyms_bpf *skel;
	int err;

	if (!kernel_is_quick())
		return -EOPNOTSUPP;
	print = libbpf_set_print(NULL);
	skel = ksyms_bpf__open_and_load();
	libbpf_set_print(print);
	if (!skel)
		return -errno;
	err = 0;
	for (size_t i = 0; i < n && !err; i++)
		err = ask(bpf_program__fd(skel->progs.ask), &skel->bss->question, &syms[i]);
	ksyms_bpf__destroy(skel);
	return err;
}
