/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ctl status` says of the paths of the pulses, where there is more than the segment. */
#include "ctl/render.h"

#define WARN "  WARNING  "

static void path_row(const json_t *peer, const json_t *path, struct table *t)
{
	long long number = (long long)field_int(path, "path", 0);
	bool in_use = field_true(path, "in_use");
	bool answers = in_use && field_true(path, "answers");
	long long lost = (long long)field_int(path, "loss_permille", -1);
	char a[RENDER_WORD];

	table_cell(t, "%s", field_text(peer, "name"));
	if (number)
		table_cell(t, "path %lld", number);
	else
		table_cell(t, "segment");
	table_cell(t, "%s", field_text(path, "address"));
	if (!in_use)
		table_cell(t, "not in use");
	else if (answers)
		table_cell(t, "alive");
	else
		table_cell(t, "SILENT, %s", word_field_age(path, "seen_ms", a));
	if (answers)
		table_cell(t, "%.2f ms", (double)field_int(path, "rtt_us", 0) / 1000.0);
	else
		table_cell(t, "-");
	if (in_use && lost >= 0)
		table_cell(t, "%.1f %%", (double)lost / 10.0);
	else
		table_cell(t, "-");
}

void render_paths(const json_t *data, FILE *out)
{
	static const char *const heads[] = {"PEER", "PATH", "ADDRESS", "PULSES", "RTT", "LOST"};
	const json_t *peers = json_object_get(data, "peers");
	struct table t = {.align = "llllrr"};
	size_t i, k;
	json_t *peer, *path;

	if (!json_array_size(json_object_get(data, "paths")) || !json_array_size(peers))
		return;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(&t, "%s", heads[i]);
	json_array_foreach (peers, i, peer)
		json_array_foreach (json_object_get(peer, "paths"), k, path)
			path_row(peer, path, &t);
	fprintf(out, "\n");
	table_print(&t, out);
}

void render_path_warnings(const json_t *data, FILE *out)
{
	size_t i;
	json_t *path;

	json_array_foreach (json_object_get(data, "paths"), i, path)
		if (!field_true(path, "in_use"))
			fprintf(out, WARN "path %lld (%s) is not in use: %s\n",
				(long long)field_int(path, "path", 0), field_text(path, "address"),
				field_text(path, "why"));
}
