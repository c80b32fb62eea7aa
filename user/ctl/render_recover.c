/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ctl status` says of the recovery of services: a line for each that has a command. */
#include <string.h>

#include "ctl/render.h"

/* When the next attempt is due, while one is to come. */
static void print_next(const json_t *recover, FILE *out)
{
	json_int_t next_ms = field_int(recover, "next_ms", 0);
	char age[RENDER_WORD];

	if (!strcmp(field_text(recover, "state"), "waits") && next_ms > 0)
		fprintf(out, "; next in %s", word_age(next_ms, age));
}

void render_recover(const json_t *services, FILE *out)
{
	size_t i;
	json_t *s;

	json_array_foreach (services, i, s) {
		const json_t *r = json_object_get(s, "recover");

		if (!json_is_object(r))
			continue;
		fprintf(out, "\n  recover    %s %s; attempts %lld of %lld; in an hour %lld of %lld",
			field_text(s, "name"), field_text(r, "state"),
			(long long)field_int(r, "attempts", 0), (long long)field_int(r, "of", 0),
			(long long)field_int(r, "within_hour", 0),
			(long long)field_int(r, "limit", 0));
		print_next(r, out);
	}
}
