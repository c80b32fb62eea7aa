/* SPDX-License-Identifier: GPL-2.0-only */
/* `ctl dns`, and what `ctl status` says of DNS failover. */
#include <string.h>
#include <time.h>

#include "ctl/render.h"

#define WARN "  WARNING  "
/* So long a node that is owner no more warns of its last failure. The owner writes the record. */
#define RECENT_MS (10 * 60 * 1000)

static void print_when(json_int_t at_s, FILE *out)
{
	time_t at = (time_t)at_s;
	char text[32] = "?";
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(out, "%s", text);
}

static void print_history(const json_t *list, FILE *out)
{
	size_t i;
	json_t *o;

	if (!json_array_size(list))
		fprintf(out, "nothing has happened yet\n");
	json_array_foreach (list, i, o) {
		print_when(field_int(o, "at_s", 0), out);
		fprintf(out, "  %-4s %-8s %s\n", field_text(o, "type"), field_text(o, "what"),
			field_text(o, "text"));
	}
}

static void print_values(const json_t *list, FILE *out)
{
	size_t i;
	json_t *o;

	json_array_foreach (list, i, o)
		fprintf(out, "%s%s", i ? ", " : "", json_string_value(o));
}

/* "3 of 4 name servers have it" */
static void print_name_servers(const json_t *o, FILE *out)
{
	if (!json_is_object(o))
		return;
	if (field_true(o, "ended"))
		fprintf(out, "  zone       %s\n", field_text(o, "text"));
	else
		fprintf(out,
			"  zone       %lld of %lld name servers have it, the others are asked\n",
			(long long)field_int(o, "have", 0), (long long)field_int(o, "of", 0));
}

static void print_record(const json_t *r, FILE *out)
{
	const char *held = field_text(r, "held");
	char a[RENDER_WORD];

	fprintf(out, "%s\n  state      %s, breaker %s", field_text(r, "type"),
		field_text(r, "state"), field_text(r, "breaker"));
	if (field_int(r, "failures", 0))
		fprintf(out, ", %lld failures in a row", (long long)field_int(r, "failures", 0));
	fprintf(out, "\n  address    %s%s%s\n", field_text(r, "address"),
		held[0] && strcmp(held, "?") != 0 ? ", held at " : "",
		strcmp(held, "?") != 0 ? held : "");
	if (!json_object_get(r, "result")) {
		fprintf(out, "  record     not asked for yet\n");
		return;
	}
	fprintf(out, "  record     ");
	print_values(json_object_get(r, "record"), out);
	/* A floating address has none. */
	if (field_int(r, "ttl", 0))
		fprintf(out, ", TTL %lld", (long long)field_int(r, "ttl", 0));
	fprintf(out, ", asked for %s ago\n  last       %s: %s\n", word_field_age(r, "asked_ms", a),
		field_text(r, "result"), field_text(r, "text"));
	print_name_servers(json_object_get(r, "name_servers"), out);
	if (field_int(r, "next_ms", -1) >= 0)
		fprintf(out, "  next       in %s\n", word_field_age(r, "next_ms", a));
}

/* What a monitor sees. */
static void print_nodes(const json_t *data, FILE *out)
{
	const json_t *nodes = json_object_get(data, "nodes");
	char a[RENDER_WORD];
	size_t i;
	json_t *n;

	if (!nodes)
		return;
	fprintf(out, "monitor, its view is %s\n", field_text(data, "view"));
	json_array_foreach (nodes, i, n)
		fprintf(out, "  %-10s %-15s %-4s for %s%s%s\n", field_text(n, "name"),
			field_text(n, "address"), field_text(n, "state"),
			word_field_age(n, "since_ms", a), field_text(n, "problem")[0] ? ": " : "",
			field_text(n, "problem"));
}

void render_dns(const json_t *data, const json_t *options, FILE *out)
{
	const json_t *records = json_object_get(data, "records");
	size_t i;
	json_t *r;

	if (json_object_get(data, "text")) {
		fprintf(out, "%s\n", field_text(data, "text"));
		return;
	}
	if (field_true(options, "history")) {
		print_history(json_object_get(data, "history"), out);
		return;
	}
	fprintf(out, "%s at %s%s\n", field_text(data, "name"), field_text(data, "provider"),
		field_true(data, "stopped") ? ", STOPPED by the operator" : "");
	render_dns_warnings(data, out);
	print_nodes(data, out);
	json_array_foreach (records, i, r)
		print_record(r, out);
}

/* The last attempt failed; state: what the record waits for. */
static void warn_failed(const json_t *r, const char *state, FILE *out)
{
	const char *type = field_text(r, "type"), *text = field_text(r, "text");
	char age[RENDER_WORD];

	if (strcmp(state, "not-owner") != 0)
		fprintf(out, WARN "DNS: the record of type %s could not be changed: %s\n", type,
			text);
	else if (field_int(r, "asked_ms", RECENT_MS) < RECENT_MS)
		fprintf(out,
			WARN "DNS, %s ago as owner: the record of type %s could not be changed: "
			     "%s; `hokm-xdp dns test` tries it without a change\n",
			word_field_age(r, "asked_ms", age), type, text);
}

static void warn_record(const json_t *r, bool monitor, FILE *out)
{
	const char *state = field_text(r, "state"), *type = field_text(r, "type");

	if (!strcmp(state, "contested") && monitor)
		fprintf(out,
			WARN "DNS: the record of type %s has the address of a node that is down, "
			     "as this monitor sees it; another monitor may have written it; "
			     "`hokm-xdp dns start` writes the best node's\n",
			type);
	else if (!strcmp(state, "contested"))
		fprintf(out,
			WARN "DNS: another node wrote the record of type %s: "
			     "two nodes may own the VIP; "
			     "`hokm-xdp dns start` writes this node's address\n",
			type);
	else if (!strcmp(state, "refused"))
		fprintf(out, WARN "DNS: the record of type %s is not changed: %s\n", type,
			field_text(r, "text"));
	else if (field_int(r, "failures", 0))
		warn_failed(r, state, out);
	if (field_true(r, "held_by_no_node"))
		fprintf(out,
			WARN "DNS: `dns set` holds the record of type %s at %s, which no node has; "
			     "`hokm-xdp dns start` ends it\n",
			type, field_text(r, "held"));
}

static void warn_ttl(const json_t *r, FILE *out)
{
	if (field_true(r, "ttl_long"))
		fprintf(out,
			WARN "DNS: the TTL of the record of type %s is %lld s: "
			     "clients may keep an old address for so long\n",
			field_text(r, "type"), (long long)field_int(r, "ttl", 0));
}

void render_dns_troubles(const json_t *dns, FILE *out)
{
	size_t i;
	json_t *r;

	if (field_true(dns, "stopped"))
		fprintf(out, WARN "DNS: stopped by the operator; `hokm-xdp dns start` ends it\n");
	if (!strcmp(field_text(dns, "view"), "blind"))
		fprintf(out, WARN "DNS: this monitor sees no healthy node and changes nothing\n");
	if (json_is_object(dns) && !field_true(dns, "saved"))
		fprintf(out, WARN "DNS: its state file could not be written\n");
	json_array_foreach (json_object_get(dns, "records"), i, r)
		warn_record(r, json_object_get(dns, "nodes") != NULL, out);
}

void render_dns_ttl(const json_t *dns, FILE *out)
{
	size_t i;
	json_t *r;

	json_array_foreach (json_object_get(dns, "records"), i, r)
		warn_ttl(r, out);
}

void render_dns_warnings(const json_t *dns, FILE *out)
{
	render_dns_troubles(dns, out);
	render_dns_ttl(dns, out);
}

void render_dns_line(const json_t *dns, FILE *out)
{
	size_t i;
	json_t *r;

	if (!json_is_object(dns))
		return;
	fprintf(out, "\n  dns        %s", field_text(dns, "name"));
	json_array_foreach (json_object_get(dns, "records"), i, r)
		fprintf(out, ", %s %s", field_text(r, "type"), field_text(r, "state"));
}
