/* SPDX-License-Identifier: GPL-2.0-only */
/* Prints the results of the bench, as a table and as JSON. */
#include <jansson.h>
#include <stdio.h>

#include "bench.h"

bool path_broken(const struct path *p)
{
	return (p->budget > NO_BUDGET && p->lookups > p->budget) ||
	       (p->floor && p->over_floor > OVER_FLOOR);
}

static void print_verdict(const struct path *p)
{
	const char *word = path_broken(p) ? "BROKEN" : "ok";

	if (p->floor)
		printf("%7.2f x floor, at most %.1f  %s", p->over_floor, OVER_FLOOR, word);
	else if (p->budget > NO_BUDGET)
		printf("%7.2f look-ups, at most %.1f  %s", p->lookups, p->budget, word);
}

void report_table(const struct bench *b, double lookup_ns)
{
	printf("packet path, ns a packet: %u rounds of %u packets, interleaved, one CPU;\n"
	       "net: the trivial program through the same wrapper taken off;\n"
	       "floor: a program that touches the same tables and decides nothing;\n"
	       "look-ups: net in hot HASH look-ups of this run (%.1f ns)\n\n",
	       b->rounds, b->repeat, lookup_ns);
	printf("%-36s %8s %8s %9s  %s\n", "path", "ns", "net ns", "look-ups", "verdict");
	for (unsigned int i = 0; i < b->n_paths; i++) {
		const struct path *p = &b->paths[i];

		printf("%-36s %8.1f %8.1f %9.2f ", p->name, p->median_ns, p->net_ns, p->lookups);
		print_verdict(p);
		printf("\n");
	}
}

static json_t *positive_json(double v)
{
	return v > 0.0 ? json_real(v) : json_null();
}

static json_t *path_json(const struct path *p)
{
	return json_pack("{s:s, s:s, s:f, s:f, s:f, s:o, s:o, s:b}", "path", p->key, "name",
			 p->name, "ns", p->median_ns, "net_ns", p->net_ns, "lookups", p->lookups,
			 "budget", positive_json(p->budget), "over_floor",
			 positive_json(p->over_floor), "broken", path_broken(p));
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
