/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ctl status` says of what must agree between the nodes: settings and secrets. */
#include "ctl/render.h"

#define WARN "  WARNING  "

const char *word_agree(const json_t *peer)
{
	const json_t *differs = json_object_get(peer, "differs");

	if (!json_is_array(differs))
		return "unknown";
	return json_array_size(differs) ? "DIFFER" : "agree";
}

/* A secret that is replaced: which peers do not sign with the new one yet. */
static void warn_secrets(const json_t *data, FILE *out)
{
	const json_t *peers = json_object_get(data, "peers");
	size_t i;
	json_t *p;

	if (field_int(data, "secrets", 1) < 2)
		return;
	fprintf(out, WARN "the secret is being replaced: "
			  "the second one of the file is accepted too\n");
	json_array_foreach (peers, i, p)
		if (field_true(p, "pulsing") && field_int(p, "secret", 1) > 1)
			fprintf(out, WARN "peer %s signs with the second secret of this node\n",
				field_text(p, "name"));
}

void render_agree_warnings(const json_t *data, FILE *out)
{
	const json_t *peers = json_object_get(data, "peers");
	size_t i, k;
	json_t *p, *d;

	warn_secrets(data, out);
	json_array_foreach (peers, i, p)
		json_array_foreach (json_object_get(p, "differs"), k, d)
			fprintf(out, WARN "the settings of peer %s differ: %s; %s\n",
				field_text(p, "name"), field_text(d, "text"),
				field_text(d, "repair"));
}
