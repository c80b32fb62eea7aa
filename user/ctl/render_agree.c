/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ctl status` says of the settings that must agree between the nodes. */
#include "ctl/render.h"

const char *word_agree(const json_t *peer)
{
	const json_t *differs = json_object_get(peer, "differs");

	if (!json_is_array(differs))
		return "unknown";
	return json_array_size(differs) ? "DIFFER" : "agree";
}

void render_agree_warnings(const json_t *peers, FILE *out)
{
	size_t i, k;
	json_t *p, *d;

	json_array_foreach (peers, i, p)
		json_array_foreach (json_object_get(p, "differs"), k, d)
			fprintf(out, "  WARNING  the settings of peer %s differ: %s; %s\n",
				field_text(p, "name"), field_text(d, "text"),
				field_text(d, "repair"));
}
