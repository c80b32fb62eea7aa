/* SPDX-License-Identifier: GPL-2.0-only */
/* `ctl conns --summary`: counts, and histograms as bars. serve/conns_summary.c makes the data. */
#include <string.h>

#include "ctl/render.h"

#define BAR "########################################"

typedef const char *(*word_fn)(json_int_t value, char *buf);

static void print_group(const char *name, json_t *counts, FILE *out)
{
	fprintf(out, "  %-11s ", name);
	if (!render_counts(counts, out))
		fprintf(out, "none");
	fprintf(out, "\n");
}

static json_int_t place_count(const json_t *places, size_t i)
{
	return json_integer_value(json_array_get(places, i));
}

static void print_bars(const json_t *places, word_fn word, FILE *out)
{
	size_t n = json_array_size(places), first = n, last = 0;
	struct table t = {.align = "rrl"};
	json_int_t most = 1;
	char from[RENDER_WORD];

	for (size_t i = 0; i < n; i++) {
		json_int_t here = place_count(places, i);

		if (!here)
			continue;
		first = i < first ? i : first;
		last = i;
		most = here > most ? here : most;
	}
	for (size_t i = first; i < n && i <= last; i++) {
		json_int_t here = place_count(places, i);
		int bar = (int)(here * (json_int_t)strlen(BAR) / most);

		/* A count that is not zero has a visible bar. */
		if (here && !bar)
			bar = 1;
		table_cell(&t, "from %s", word(i ? (json_int_t)1 << i : 0, from));
		table_cell(&t, "%lld", (long long)here);
		table_cell(&t, "%.*s", bar, BAR);
	}
	if (t.n)
		table_print(&t, out);
}

static void print_histogram(const char *name, const json_t *h, word_fn word, FILE *out)
{
	static const char *const points[] = {"p50", "p90", "p99"};
	json_int_t count = field_int(h, "count", 0);
	char value[RENDER_WORD];

	if (!count)
		return;
	fprintf(out, "\n%s: %lld", name, (long long)count);
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		fprintf(out, ", %s %s", points[i], word(field_int(h, points[i], -1), value));
	fprintf(out, "\n");
	print_bars(json_object_get(h, "places"), word, out);
}

static const char *latency_text(const char *name)
{
	for (unsigned int i = 0; i < HOKM_LAT_COUNT; i++)
		if (!strcmp(hokm_latency_name(i), name))
			return hokm_latency_text(i);
	return name;
}

static void print_latency(json_t *services, FILE *out)
{
	const char *service, *kind;
	json_t *kinds, *h;

	json_object_foreach (services, service, kinds)
		json_object_foreach (kinds, kind, h) {
			char title[96];

			snprintf(title, sizeof(title), "%s, since the packet path was loaded: %s",
				 service, latency_text(kind));
			print_histogram(title, h, word_us, out);
		}
}

void render_summary(const json_t *data, const json_t *options, FILE *out)
{
	const json_t *s = json_object_get(data, "summary");
	const json_t *h = json_object_get(s, "histograms");
	json_int_t total = field_int(data, "total", 0), seen = field_int(data, "seen", total);

	if (seen != total)
		fprintf(out, "%lld of ", (long long)total);
	fprintf(out, "%lld %sconnection%s\n", (long long)seen,
		field_true(options, "half_open") ? "half-open " : "", seen == 1 ? "" : "s");
	print_group("services", json_object_get(s, "services"), out);
	print_group("targets", json_object_get(s, "targets"), out);
	print_group("states", json_object_get(s, "states"), out);
	print_group("websocket", json_object_get(s, "ws"), out);
	print_group("frames in", json_object_get(s, "follow_in"), out);
	print_group("frames out", json_object_get(s, "follow_out"), out);
	print_group("unanswered", json_object_get(s, "stale"), out);
	print_histogram("age", json_object_get(h, "age_ms"), word_age, out);
	print_histogram("idle", json_object_get(h, "idle_ms"), word_age, out);
	print_histogram("round trip to the server, last ping", json_object_get(h, "rtt_us"),
			word_us, out);
	print_histogram("round trip to the client, last ping", json_object_get(h, "rtt_client_us"),
			word_us, out);
	print_latency(json_object_get(s, "latency"), out);
}
