/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl counters`, the replies that are one sentence, and the list of fences in status.
 */
#include <string.h>

#include "base/ctl_proto.h"
#include "ctl/render.h"
#include "hokm/names.h"

/* The meaning of a counter; "" for one that this client does not know. */
static const char *counter_text(const char *name)
{
	for (unsigned int i = 0; i < HOKM_CTR_COUNT; i++)
		if (!strcmp(hokm_counter_name(i), name))
			return hokm_counter_text(i);
	return "";
}

/* The counters of one service, or of the node. */
static void render_group(const char *what, const char *name, json_t *counters, bool all, FILE *out)
{
	struct table t = {.align = "llrl"};
	const char *key;
	json_t *v;

	json_object_foreach (counters, key, v) {
		bool drop = !strncmp(key, "drop_", 5);
		json_int_t n = json_integer_value(v);

		if (!n && !all)
			continue;
		table_cell(&t, "%s", drop && n ? "!" : " ");
		table_cell(&t, "%s", key);
		table_cell(&t, "%lld", (long long)n);
		table_cell(&t, "%s", counter_text(key));
	}
	fprintf(out, "%s%s%s\n", what, name[0] ? " " : "", name);
	if (t.n)
		table_print(&t, out);
	else
		fprintf(out, "  all zero\n");
}

void render_counters(const json_t *data, const json_t *options, FILE *out)
{
	const char *only = json_string_value(json_object_get(options, "service"));
	bool all = field_true(options, "all");
	json_t *services = json_object_get(data, "services");
	const char *name;
	json_t *counters;

	json_object_foreach (services, name, counters)
		if (!only || !strcmp(only, name))
			render_group("service", name, counters, all, out);
	if (!only)
		render_group("node", "", json_object_get(data, "node"), all, out);
}

int judge_counters(const json_t *data, const json_t *options, FILE *err)
{
	const char *only = json_string_value(json_object_get(options, "service"));

	if (!only || json_object_get(json_object_get(data, "services"), only))
		return CTL_EXIT_OK;
	fprintf(err, "hokm-xdp ctl: there is no service \"%s\"\n", only);
	return CTL_EXIT_FAILED;
}

void render_text(const json_t *data, const json_t *options, FILE *out)
{
	(void)options;
	fprintf(out, "%s\n", field_text(data, "text"));
}

/* The other interfaces, and which of them were seen to be in the segment of the VIP. */
void render_fences(const json_t *data, FILE *out)
{
	const json_t *fences = json_object_get(data, "fences");
	size_t i;
	json_t *f;

	if (!json_array_size(fences))
		return;
	fprintf(out, "  fences     ");
	json_array_foreach (fences, i, f)
		fprintf(out, "%s%s%s", i ? ", " : "", field_text(f, "interface"),
			json_is_integer(json_object_get(f, "segment_ms")) ? " (in the segment)"
									  : "");
	fprintf(out, "\n");
}
