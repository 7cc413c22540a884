// SPDX-License-Identifier: GPL-2.0
/* The report of "doctor" for people. */
#include <string.h>
#include "dmasync/doctor.h"

const char *check_status_name(enum check_status status)
{
	static const char *const names[] = { "ok", "note", "warn", "fail" };

	return names[status];
}

/* Is there an attached hook that does the job of @h: of its operation, or its older or newer name?
 */
static bool replaced(const struct header *hdr, const struct hook_state *h)
{
	const struct hook_state *o;

	for (o = hdr->hooks; o < hdr->hooks + hdr->n_hooks; o++) {
		if (o->rung == RUNG_NONE)
			continue;
		if (h->op != OP_COUNT && o->op == h->op)
			return true;
		if (!strcmp(o->name + strspn(o->name, "_"), h->name + strspn(h->name, "_")))
			return true;
	}
	return false;
}

static void print_hooks(FILE *out, const struct header *hdr, bool sites)
{
	const struct hook_state *h;

	for (h = hdr->hooks; h < hdr->hooks + hdr->n_hooks; h++) {
		if (sites != !!strchr(h->name, '+'))
			continue;
		if (h->rung == RUNG_NONE && replaced(hdr, h))
			continue;
		fprintf(out, "        %-38s %s%s%s\n", h->name,
			h->rung == RUNG_NONE ? "-" : rung_name(h->rung), h->reason[0] ? "  " : "",
			h->reason);
	}
}

static void print_devices(FILE *out, const struct device_list *list)
{
	const struct device *dev;

	for (dev = list->dev; dev < list->dev + list->n; dev++) {
		if (dev->coherence != COHERENCE_NO)
			continue;
		fprintf(out, "        %-8s %-24s %-20s %s%s%s%s\n", dev->bus, dev->name,
			dev->driver, dev->of_path, dev->of_path[0] ? ": " : "",
			coherence_basis_text(dev->basis), dev->iommu ? "; behind an IOMMU" : "");
	}
}

static void print_sites(FILE *out, const struct features *f)
{
	size_t i;

	for (i = 0; i < f->n_sites; i++)
		fprintf(out, "        %s+0x%x  dsb %s\n", f->sites[i].function, f->sites[i].offset,
			a64_dsb_name(f->sites[i].option));
}

void doctor_print_text(FILE *out, const struct doctor *d)
{
	const struct check *c;

	for (c = d->check; c < d->check + d->n_checks; c++) {
		fprintf(out, "%-5s %-10s %s%s%s\n", check_status_name(c->status), c->name, c->text,
			c->cure[0] ? "; " : "", c->cure);
		if (!strcmp(c->name, "hooks"))
			print_hooks(out, &d->header, false);
		else if (!strcmp(c->name, "exact") && d->exact_attached)
			print_hooks(out, &d->exact, true);
		else if (!strcmp(c->name, "barriers") && !d->exact_attached)
			print_sites(out, &d->features);
		else if (!strcmp(c->name, "devices"))
			print_devices(out, &d->devices);
	}
}
