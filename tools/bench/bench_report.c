/* SPDX-License-Identifier: GPL-2.0-only */
/* Prints the results of the bench, as a table and as JSON. */
#include <jansson.h>
#include <stdio.h>

#include "bench.h"

bool path_broken(const struct path *p)
{
	return p->budget > NO_BUDGET && p->lookups > p->budget;
}

void report_table(const struct bench *b, double lookup_ns)
{
	printf("packet path, ns a packet: %u rounds of %u packets, interleaved, one CPU;\n"
	       "net: the trivial program through the same wrapper taken off;\n"
	       "look-ups: net in hot HASH look-ups of this run (%.1f ns)\n\n",
	       b->rounds, b->repeat, lookup_ns);
	printf("%-36s %8s %8s %9s %8s %8s\n", "path", "ns", "net ns", "look-ups", "Katran",
	       "budget");
	for (unsigned int i = 0; i < b->n_paths; i++) {
		const struct path *p = &b->paths[i];

		printf("%-36s %8.1f %8.1f %9.2f ", p->name, p->median_ns, p->net_ns, p->lookups);
		if (p->katran > 0.0)
			printf("%8.1f ", p->katran);
		else
			printf("%8s ", "");
		if (p->budget > NO_BUDGET)
			printf("%8.1f  %s", p->budget, path_broken(p) ? "BROKEN" : "ok");
		printf("\n");
	}
}

static json_t *path_json(const struct path *p)
{
	return json_pack("{s:s, s:s, s:f, s:f, s:f, s:o, s:b}", "path", p->key, "name", p->name,
			 "ns", p->median_ns, "net_ns", p->net_ns, "lookups", p->lookups, "budget",
			 p->budget > NO_BUDGET ? json_real(p->budget) : json_null(), "broken",
			 path_broken(p));
}

json_t *report_json(const struct bench *b, double lookup_ns)
{
	json_t *list = json_array();
	json_t *all = json_pack("{s:i, s:i, s:f, s:o}", "rounds", (int)b->rounds, "repeat",
				(int)b->repeat, "lookup_ns", lookup_ns, "paths", list);

	for (unsigned int i = 0; all && i < b->n_paths; i++)
		if (json_array_append_new(list, path_json(&b->paths[i]))) {
			json_decref(all);
			return NULL;
		}
	return all;
}
