/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See metrics.h. The formats: https://prometheus.io/docs/instrumenting/exposition_formats/ and
 * OpenMetrics 1.0. They differ in this: a counter's family has no "_total" in OpenMetrics, an
 * info's no "_info", quotes in a help are escaped, and the last line is "# EOF".
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/metrics.h"
#include "hokm/abi.h"
#include "hokm/names.h"

#define LABELS_MAX 8
#define INFO       "_info"
#define LATENCY    "_latency_seconds"

/*
 * Places of a latency histogram become buckets from 64 us to 34 s. What is below is in the first
 * bucket, what is above only in +Inf.
 */
#define BUCKET_FIRST 5
#define BUCKET_LAST  24

struct labels {
	unsigned int n;
	const char *name[LABELS_MAX], *value[LABELS_MAX];
};

struct out {
	FILE *to;
	enum metrics_format format;
};

const char *metrics_content_type(enum metrics_format f)
{
	return f == METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
				 : "text/plain; version=0.0.4; charset=utf-8";
}

enum metrics_format metrics_wanted(const char *accept)
{
	return accept && strstr(accept, "application/openmetrics-text")
		       ? METRICS_OPEN
		       : METRICS_TEXT;
}

/* ---- writing ---- */

static void write_escaped(FILE *to, const char *text, bool quotes)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", to);
		else if (*text == '\\' || (quotes && *text == '"'))
			fprintf(to, "\\%c", *text);
		else
			fputc(*text, to);
	}
}

static void add_label(struct labels *l, const char *name, const char *value)
{
	if (l->n == LABELS_MAX)
		return;
	l->name[l->n] = name;
	l->value[l->n++] = value ? value : "";
}

static bool ends_with(const char *text, const char *end)
{
	size_t lt = strlen(text), le = strlen(end);

	return lt >= le && !strcmp(text + lt - le, end);
}

/* HELP, TYPE and UNIT. `type` is that of OpenMetrics. */
static void write_family(const struct out *o, const char *name, const char *type, const char *help)
{
	bool open = o->format == METRICS_OPEN, info = !strcmp(type, "info");
	const char *end = !open && !strcmp(type, "counter") ? "_total" : "";
	int len = (int)strlen(name) - (open && info ? (int)strlen(INFO) : 0);

	fprintf(o->to, "# HELP hokm_%.*s%s ", len, name, end);
	write_escaped(o->to, help, open);
	fprintf(o->to, "\n# TYPE hokm_%.*s%s %s\n", len, name, end, !open && info ? "gauge" : type);
	if (open && ends_with(name, "_seconds"))
		fprintf(o->to, "# UNIT hokm_%s seconds\n", name);
}

/* All of a sample's line but its value. */
static void write_name(const struct out *o, const char *name, const char *end,
		       const struct labels *l)
{
	fprintf(o->to, "hokm_%s%s", name, end);
	for (unsigned int i = 0; i < l->n; i++) {
		fprintf(o->to, "%c%s=\"", i ? ',' : '{', l->name[i]);
		write_escaped(o->to, l->value[i], true);
		fputc('"', o->to);
	}
	fputs(l->n ? "} " : " ", o->to);
}

static void write_integer(const struct out *o, const char *name, const char *end,
			  const struct labels *l, json_int_t value)
{
	write_name(o, name, end, l);
	fprintf(o->to, "%lld\n", (long long)value);
}

/* ---- values ---- */

/* "a.b": the value b of the object a; NULL when there is none. */
static const json_t *look_up(const json_t *item, const char *path)
{
	const char *dot;

	while (item && (dot = strchr(path, '.'))) {
		char key[32];

		snprintf(key, sizeof(key), "%.*s", (int)(dot - path), path);
		item = json_object_get(item, key);
		path = dot + 1;
	}
	return json_object_get(item, path);
}

static void write_number(const struct out *o, const struct metric *m, const struct labels *l,
			 const json_t *v)
{
	const char *end = m->type == METRIC_COUNTER ? "_total" : "";

	if (json_is_integer(v) && m->unit_div > 0) {
		write_name(o, m->name, end, l);
		fprintf(o->to, "%.9g\n", (double)json_integer_value(v) / m->unit_div);
	} else if (json_is_integer(v)) {
		write_integer(o, m->name, end, l, json_integer_value(v));
	} else if (json_is_boolean(v)) {
		write_integer(o, m->name, end, l, json_is_true(v));
	} else if (json_is_array(v)) {
		write_integer(o, m->name, end, l, (json_int_t)json_array_size(v));
	}
}

static void write_state(const struct out *o, const struct metric *m, const struct labels *l,
			const char *word)
{
	for (const char *const *w = m->words; *w; w++) {
		struct labels more = *l;

		add_label(&more, m->label, *w);
		write_integer(o, m->name, "", &more, word && !strcmp(word, *w));
	}
}

static void write_map(const struct out *o, const struct metric *m, const struct labels *l,
		      const json_t *map)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)map, key, v) {
		struct labels more = *l;

		add_label(&more, m->label, key);
		write_number(o, m, &more, m->field ? json_object_get(v, m->field) : v);
	}
}

static void write_info(const struct out *o, const struct metric *m, const struct labels *l,
		       const json_t *item)
{
	struct labels more = *l;

	for (const char *const *w = m->words; *w; w++)
		add_label(&more, *w, json_string_value(json_object_get(item, *w)));
	write_integer(o, m->name, "", &more, 1);
}

static void write_item(const struct out *o, const struct metric *m, const struct labels *l,
		       const json_t *item)
{
	const json_t *v = m->path ? look_up(item, m->path) : NULL;

	if (m->value == METRIC_INFO)
		write_info(o, m, l, item);
	else if (!v)
		return;
	else if (m->value == METRIC_THERE)
		write_integer(o, m->name, "", l, !json_is_null(v));
	else if (m->value == METRIC_IS)
		write_integer(
			o, m->name, "", l,
			!strcmp(json_string_value(v) ? json_string_value(v) : "", m->words[0]));
	else if (m->value == METRIC_STATE)
		write_state(o, m, l, json_string_value(v));
	else if (m->value == METRIC_MAP)
		write_map(o, m, l, v);
	else
		write_number(o, m, l, v);
}

/* ---- items ---- */

static void write_checks(const struct out *o, const struct metric *m, const struct labels *l,
			 const json_t *service)
{
	size_t i;
	json_t *check;

	json_array_foreach (json_object_get(service, "checks"), i, check) {
		struct labels more = *l;
		char place[24];

		snprintf(place, sizeof(place), "%zu", i + 1);
		add_label(&more, "check", place);
		add_label(&more, "kind", json_string_value(json_object_get(check, "kind")));
		write_item(o, m, &more, check);
	}
}

static void write_paths(const struct out *o, const struct metric *m, const struct labels *l,
			const json_t *peer)
{
	size_t i;
	json_t *path;

	json_array_foreach (json_object_get(peer, "paths"), i, path) {
		struct labels more = *l;
		char number[24];

		snprintf(number, sizeof(number), "%zu", i);
		add_label(&more, "path", i ? number : "segment");
		write_item(o, m, &more, path);
	}
}

static bool is_of_peer(const struct metric *m)
{
	return m->of == METRIC_OF_PEER || m->of == METRIC_OF_PATH;
}

static void write_list(const struct out *o, const struct metric *m, const json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		struct labels l = {.n = 0};

		add_label(&l, is_of_peer(m) ? "peer" : "service",
			  json_string_value(json_object_get(item, "name")));
		if (m->of == METRIC_OF_CHECK)
			write_checks(o, m, &l, item);
		else if (m->of == METRIC_OF_PATH)
			write_paths(o, m, &l, item);
		else
			write_item(o, m, &l, item);
	}
}

static const char *type_name(const struct metric *m)
{
	if (m->value == METRIC_INFO)
		return "info";
	return m->type == METRIC_COUNTER ? "counter" : "gauge";
}

static void write_metric(const struct out *o, const struct metric *m, const json_t *status)
{
	const struct labels none = {.n = 0};

	write_family(o, m->name, type_name(m), m->help);
	if (m->of == METRIC_OF_NODE)
		write_item(o, m, &none, status);
	else
		write_list(o, m, json_object_get(status, is_of_peer(m) ? "peers" : "services"));
}

/* ---- the packet path ---- */

/* One family for each counter: a sample for each service, and one without label for the node. */
static void write_counters(const struct out *o, const json_t *counters)
{
	const struct labels none = {.n = 0};

	for (unsigned int i = 0; i < HOKM_CTR_COUNT; i++) {
		const char *name = hokm_counter_name(i), *service;
		const json_t *v = json_object_get(json_object_get(counters, "node"), name);
		json_t *of;

		write_family(o, name, "counter", hokm_counter_text(i));
		json_object_foreach (json_object_get(counters, "services"), service, of) {
			struct labels l = {.n = 0};

			add_label(&l, "service", service);
			write_integer(o, name, "_total", &l,
				      json_integer_value(json_object_get(of, name)));
		}
		if (v)
			write_integer(o, name, "_total", &none, json_integer_value(v));
	}
}

/*
 * The packet path keeps no sum of the times, so there is none. In OpenMetrics a count must not come
 * without a sum; the bucket +Inf is the same number.
 */
static void write_histogram(const struct out *o, const char *name, const struct labels *l,
			    const json_t *places)
{
	json_int_t n = 0;

	for (unsigned int i = 0; i < HOKM_LATENCY_PLACES; i++) {
		struct labels more = *l;
		char le[32];

		n += json_integer_value(json_array_get(places, i));
		if (i < BUCKET_FIRST || i > BUCKET_LAST)
			continue;
		snprintf(le, sizeof(le), "%.9g", (double)(2ULL << i) / 1e6);
		add_label(&more, "le", le);
		write_integer(o, name, "_bucket", &more, n);
	}
	if (l->n < LABELS_MAX) {
		struct labels more = *l;

		add_label(&more, "le", "+Inf");
		write_integer(o, name, "_bucket", &more, n);
	}
	if (o->format != METRICS_OPEN)
		write_integer(o, name, "_count", l, n);
}

static void write_latency(const struct out *o, const json_t *latency)
{
	for (unsigned int i = 0; i < HOKM_LAT_COUNT; i++) {
		const char *kind = hokm_latency_name(i), *service;
		char name[64];
		json_t *of;

		snprintf(name, sizeof(name), "%s" LATENCY, kind);
		write_family(o, name, "histogram", hokm_latency_text(i));
		json_object_foreach ((json_t *)(uintptr_t)latency, service, of) {
			struct labels l = {.n = 0};

			add_label(&l, "service", service);
			write_histogram(o, name, &l, json_object_get(of, kind));
		}
	}
}

void metrics_write(const json_t *state, enum metrics_format f, FILE *to)
{
	const struct out o = {.to = to, .format = f};

	for (const struct metric *m = metrics_table; m->name; m++)
		write_metric(&o, m, json_object_get(state, "status"));
	write_counters(&o, json_object_get(state, "counters"));
	write_latency(&o, json_object_get(state, "latency"));
	if (f == METRICS_OPEN)
		fputs("# EOF\n", to);
}

/* ---- the page ---- */

static void write_row(FILE *to, const char *name, const char *end, const char *type,
		      const char *labels, const char *help)
{
	fprintf(to, "| `hokm_%s%s` | %s | %s | %s |\n", name, end, type, labels, help);
}

static void write_metric_row(FILE *to, const struct metric *m)
{
	static const char *const items[METRIC_OFS] = {
		[METRIC_OF_NODE] = "",
		[METRIC_OF_SERVICE] = "service",
		[METRIC_OF_CHECK] = "service, check, kind",
		[METRIC_OF_PEER] = "peer",
		[METRIC_OF_PATH] = "peer, path",
	};
	char labels[128];

	snprintf(labels, sizeof(labels), "%s%s%s", items[m->of],
		 items[m->of][0] && m->label ? ", " : "", m->label ? m->label : "");
	for (const char *const *w = m->value == METRIC_INFO ? m->words : NULL; w && *w; w++)
		snprintf(labels + strlen(labels), sizeof(labels) - strlen(labels), "%s%s",
			 labels[0] ? ", " : "", *w);
	write_row(to, m->name, m->type == METRIC_COUNTER ? "_total" : "", type_name(m), labels,
		  m->help);
}

void metrics_write_table(FILE *to)
{
	for (const struct metric *m = metrics_table; m->name; m++)
		write_metric_row(to, m);
	for (unsigned int i = 0; i < HOKM_LAT_COUNT; i++)
		write_row(to, hokm_latency_name(i), LATENCY, "histogram", "service, le",
			  hokm_latency_text(i));
	for (unsigned int i = 0; i < HOKM_CTR_COUNT; i++)
		write_row(to, hokm_counter_name(i), "_total", "counter", "service",
			  hokm_counter_text(i));
}
