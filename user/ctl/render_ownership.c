/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ctl status` says of the way to the VIP and away from it. */
#include <string.h>

#include "ctl/render.h"

void render_ownership(const json_t *data, FILE *out)
{
	const json_t *successor = json_object_get(data, "successor");
	const char *permission = field_text(data, "permission");
	char a[RENDER_WORD];

	if (!strcmp(permission, "asked"))
		fprintf(out, "  permission asked: the hook before runs\n");
	else if (!strcmp(permission, "refused"))
		fprintf(out, "  permission REFUSED by the hook before: "
			     "this node does not become owner\n");
	if (field_true(data, "owner"))
		fprintf(out, "  lease      %s left\n", word_field_age(data, "lease_left_ms", a));
	fprintf(out, "  successor  %s\n",
		json_is_string(successor) ? json_string_value(successor)
					  : "none: no peer is healthy enough");
}
