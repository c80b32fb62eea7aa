/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl conns`, `ctl counters`, and the verbs that answer with a sentence.
 */
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/render.h"
#include "hokm/names.h"

static void conn_row(const json_t *c, struct table *t)
{
	const json_t *flags = json_object_get(c, "flags");
	char a[RENDER_WORD];
	size_t i;
	json_t *f;
	char words[64] = "";

	table_cell(t, "%s", field_text(c, "client"));
	table_cell(t, "%s", field_text(c, "service"));
	table_cell(t, "%s", field_text(c, "state"));
	table_cell(t, "%s", field_text(c, "target"));
	table_cell(t, "%s", word_field_age(c, "age_ms", a));
	table_cell(t, "%s", word_field_age(c, "idle_in_ms", a));
	table_cell(t, "%s", word_field_age(c, "idle_out_ms", a));
	table_cell(t, "%s", word_bytes(field_int(c, "bytes_in", 0), a));
	table_cell(t, "%s", word_bytes(field_int(c, "bytes_out", 0), a));
	json_array_foreach (flags, i, f) {
		const char *word = json_string_value(f);
		size_t used = strlen(words);

		snprintf(words + used, sizeof(words) - used, "%s%s", i ? "," : "",
			 word ? word : "?");
	}
	table_cell(t, "%s", words[0] ? words : "-");
}

void render_conns(const json_t *data, const json_t *options, FILE *out)
{
	static const char *const heads[] = {"CLIENT",    "SERVICE", "STATE",    "TARGET",
					    "AGE",       "IDLE IN", "IDLE OUT", "BYTES IN",
					    "BYTES OUT", "FLAGS"};
	const json_t *conns = json_object_get(data, "conns");
	json_int_t total = field_int(data, "total", (json_int_t)json_array_size(conns));
	size_t shown = json_array_size(conns);
	struct table t = {.align = "llllrrrrrl"};
	size_t i;
	json_t *c;

	if (shown) {
		for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
			table_cell(&t, "%s", heads[i]);
		json_array_foreach (conns, i, c)
			conn_row(c, &t);
		table_print(&t, out);
	}
	fprintf(out, "%lld %sconnection%s", (long long)total,
		field_true(options, "half_open") ? "half-open " : "", total == 1 ? "" : "s");
	if ((json_int_t)shown < total)
		fprintf(out, ", %zu shown; --limit N shows more", shown);
	fprintf(out, "\n");
}

/* Words for a counter, by its name; none for one that only a newer daemon knows. */
static const char *counter_text(const char *name)
{
	for (unsigned int i = 0; i < HOKM_CTR_COUNT; i++)
		if (!strcmp(hokm_counter_name(i), name))
			return hokm_counter_text(i);
	return "";
}

/* One group: a service or the node. */
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
	fprintf(err, "hokm-xdp ctl: no service \"%s\"\n", only);
	return CTL_EXIT_FAILED;
}

void render_text(const json_t *data, const json_t *options, FILE *out)
{
	(void)options;
	fprintf(out, "%s\n", field_text(data, "text"));
}
