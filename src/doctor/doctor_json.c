// SPDX-License-Identifier: GPL-2.0
/* The report of "doctor" for programs. */
#include <errno.h>
#include <string.h>
#include "dmasync/doctor.h"
#include "dmasync/json_rows.h"
#include "dmasync/view.h"

static json_t *check_list(const struct doctor *d)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < d->n_checks; i++) {
		const struct check *c = &d->check[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:o}", "name", c->name, "status",
					check_status_name(c->status), "text", json_text(c->text),
					"cure", c->cure[0] ? json_text(c->cure) : json_null()));
	}
	return list;
}

static json_t *site_list(const struct features *f)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < f->n_sites; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:i, s:s}", "function", f->sites[i].function,
						"offset", (int)f->sites[i].offset, "option",
						a64_dsb_name(f->sites[i].option)));
	return list;
}

static json_t *device_list(const struct device_list *devices)
{
	json_t *list = json_array(), *coherent;
	const struct device *dev;

	for (dev = devices->dev; dev < devices->dev + devices->n; dev++) {
		coherent = dev->coherence == COHERENCE_UNKNOWN
				   ? json_null()
				   : json_boolean(dev->coherence == COHERENCE_YES);
		json_array_append_new(
			list,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:b}", "dev",
				  json_text(dev->name), "bus", json_text(dev->bus), "driver",
				  json_text(dev->driver), "of_path",
				  dev->of_path[0] ? json_text(dev->of_path) : json_null(),
				  "coherent", coherent, "basis", coherence_basis_text(dev->basis),
				  "iommu", (int)dev->iommu));
	}
	return list;
}

/* The hooks as they are in the header of every other output. */
static json_t *hook_list(bool attached, const struct header *hdr)
{
	json_t *header, *hooks;

	if (!attached)
		return json_null();
	header = json_header(hdr);
	hooks = json_incref(json_object_get(header, "hooks"));
	json_decref(header);
	return hooks ? hooks : json_null();
}

int doctor_print_json(FILE *out, const struct doctor *d)
{
	json_t *obj =
		json_pack("{s:s, s:s, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:b, s:o, s:o}", "type",
			  "doctor", "version", DMASYNC_VERSION, "kernel", json_text(d->uts.release),
			  "machine", json_text(d->uts.machine), "flavour",
			  flavour_name(d->features.flavour), "live", (int)d->attached, "checks",
			  check_list(d), "hooks", hook_list(d->attached, &d->header), "exact_hooks",
			  hook_list(d->exact_attached, &d->exact), "sites_complete",
			  (int)d->features.sites_complete, "sites", site_list(&d->features),
			  "devices", device_list(&d->devices));

	return json_print(out, obj);
}
