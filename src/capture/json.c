// SPDX-License-Identifier: GPL-2.0
/* The lines that only captures have. */
#include <dmasync/capture_json.h>
#include <dmasync/json_rows.h>
#include <dmasync/view.h>

json_t *capture_json_header(const struct capture_info *info)
{
	json_t *obj = json_header(&info->hdr), *more;

	if (!obj)
		return NULL;
	more = json_pack(
		"{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:I}", "format",
		CAPTURE_FORMAT, "build_id", json_text(info->build_id), "boot_id",
		json_text(info->boot_id), "cpu_model", json_text(info->cpu_model), "iommu_walker",
		info->iommu_walker[0] ? json_text(info->iommu_walker) : json_null(), "governor",
		json_text(info->governor), "command", json_text(info->command), "start_ns",
		json_u64(info->start_ns), "interval_ns", json_u64(info->interval_ns), "stacks",
		(int)info->stacks, "user_stacks", (int)info->user_stacks, "procs", (int)info->procs,
		"profile_hz", (json_int_t)info->profile_hz);
	if (!more || json_object_update(obj, more) ||
	    (info->tool_version[0] &&
	     json_object_set_new(obj, "version", json_text(info->tool_version)))) {
		json_decref(obj);
		obj = NULL;
	}
	json_decref(more);
	return obj;
}

json_t *capture_json_stack(const struct stack_table *t, __u32 id)
{
	const struct stack *s = &t->stacks[id];
	json_t *frames = json_array();
	unsigned int i;

	for (i = 0; frames && i < s->n; i++) {
		if (json_array_append_new(frames, json_text(s->frames[i]))) {
			json_decref(frames);
			return NULL;
		}
	}
	return json_pack("{s:s, s:I, s:i, s:o}", "type", "stack", "id", (json_int_t)id, "user",
			 (int)s->n_user, "frames", frames);
}
