/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state as rows: title; owner; nodes; services; round trips; events, as many as fit; and at the
 * bottom the keys or the question. A low screen loses events first, then what is above them.
 */
#include <stdarg.h>
#include <string.h>

#include "base/ascii.h"
#include "ctl/render.h"
#include "top/top.h"

#define BAR_FROM   4  /* places below are one: 16 us */
#define BAR_TO     23 /* places from here on are one: 8 s */
#define BAR_PLACES (BAR_TO - BAR_FROM + 1)

void top_put(struct top_page *p, enum top_look look, const char *fmt, ...)
{
	struct top_row *row = &p->rows[p->n];
	va_list ap;

	if (p->n == p->max)
		return;
	va_start(ap, fmt);
	vsnprintf(row->text, sizeof(row->text), fmt, ap);
	va_end(ap);
	if (p->width < sizeof(row->text))
		row->text[p->width] = '\0';
	ascii_only(row->text);
	row->look = look;
	p->n++;
}

/* ---- round trips ---- */

/* The value that `percent` of the total do not exceed: the end of its place. */
static json_int_t quantile_us(const json_int_t *places, json_int_t total, unsigned int percent)
{
	json_int_t sum = 0;

	for (unsigned int i = 0; i < HOKM_LATENCY_PLACES; i++) {
		sum += places[i];
		if (sum * 100 >= total * percent)
			return (json_int_t)1 << (i + 1);
	}
	return -1;
}

/* One character a place: the more, the darker. */
static void bar(const json_int_t *places, char out[BAR_PLACES + 1])
{
	static const char shades[] = " .:-=+*#%@";
	json_int_t sum[BAR_PLACES] = {0}, most = 1;

	for (unsigned int i = 0; i < HOKM_LATENCY_PLACES; i++)
		sum[i < BAR_FROM ? 0 : i > BAR_TO ? BAR_PLACES - 1 : i - BAR_FROM] += places[i];
	for (unsigned int i = 0; i < BAR_PLACES; i++)
		most = sum[i] > most ? sum[i] : most;
	for (unsigned int i = 0; i < BAR_PLACES; i++)
		out[i] = shades[sum[i] ? 1 + sum[i] * 8 / most : 0];
	out[BAR_PLACES] = '\0';
}

static void put_round_trips(struct top_page *p, const struct top_state *s)
{
	json_int_t places[HOKM_LATENCY_PLACES];
	char line[BAR_PLACES + 1], p50[RENDER_WORD], p99[RENDER_WORD];

	top_put(p, TOP_INVERSE, "%-18s %8s %9s %9s  %s", "ROUND TRIPS, 1 MIN", "COUNT",
		"P50<=", "P99<=", "16us     8ms       8s");
	for (unsigned int k = 0; k < HOKM_LAT_COUNT; k++) {
		json_int_t total = top_state_minute(s, k, places);

		if (!total)
			continue;
		bar(places, line);
		top_put(p, TOP_PLAIN, "%-18s %8lld %9s %9s |%s|", hokm_latency_name(k),
			(long long)total, word_us(quantile_us(places, total, 50), p50),
			word_us(quantile_us(places, total, 99), p99), line);
	}
}

/* ---- events ---- */

static void put_event(struct top_page *p, const json_t *event)
{
	const char *time = field_text(event, "time"), *clock = strchr(time, 'T');
	const char *reason = json_string_value(json_object_get(event, "reason"));

	top_put(p, TOP_PLAIN, "%.12s %-8.8s %s%s%s%s", clock ? clock + 1 : time,
		field_text(event, "kind"), field_text(event, "text"), reason ? " (" : "",
		reason ? reason : "", reason ? ")" : "");
}

static void put_events(struct top_page *p, const struct top_state *s, unsigned int room)
{
	size_t n = json_array_size(s->events);
	size_t from;

	if (room < 2)
		return;
	top_put(p, TOP_INVERSE, "EVENTS (UTC)");
	from = n > room - 1 ? n - (room - 1) : 0;
	for (size_t i = from; i < n; i++)
		put_event(p, json_array_get(s->events, i));
}

/* ---- help, bottom ---- */

static void put_help(struct top_page *p)
{
	top_put(p, TOP_PLAIN, "%s", "");
	top_put(p, TOP_PLAIN, "  f  hand the VIP over to the healthiest peer; asks first");
	top_put(p, TOP_PLAIN, "  d  drain this node, or end the drain; asks first");
	top_put(p, TOP_PLAIN, "  h  this help");
	top_put(p, TOP_PLAIN, "  q  quit");
	top_put(p, TOP_PLAIN, "%s", "");
	top_put(p, TOP_PLAIN, "PLAYERS of a peer: its connections that this node has replicas of.");
	top_put(p, TOP_PLAIN, "ROUND: of the last pulse. HEARD: when the peer answered last.");
	top_put(p, TOP_PLAIN, "ROUND TRIPS: of all services, here. The bar has powers of 2.");
	top_put(p, TOP_PLAIN, "  syn_ack: SYN to SYN-ACK. upgrade: request to its answer.");
	top_put(p, TOP_PLAIN, "  ping_in: a client's ping. ping_out: the server's ping.");
}

static void put_bottom(struct top_page *p, const struct top_state *s)
{
	const char *successor = json_string_value(json_object_get(s->status, "successor"));

	switch (s->mode) {
	case TOP_ASK_FAILOVER:
		top_put(p, TOP_INVERSE, "Hand the VIP over to %s now? y: yes, any other key: no",
			successor ? successor : "a peer");
		break;
	case TOP_ASK_DRAIN:
		top_put(p, TOP_INVERSE,
			"Drain this node: new players go to a peer? y: yes, "
			"any other key: no");
		break;
	case TOP_ASK_UNDRAIN:
		top_put(p, TOP_INVERSE, "End the drain of this node? y: yes, any other key: no");
		break;
	case TOP_HELP:
		top_put(p, TOP_INVERSE, "any key: back");
		break;
	default:
		top_put(p, s->message[0] ? TOP_INVERSE : TOP_PLAIN, "%s",
			s->message[0] ? s->message : "q quit  h help  f failover  d drain");
	}
}

static void put_title(struct top_page *p, const json_t *status)
{
	char age[RENDER_WORD];

	if (!status)
		top_put(p, TOP_INVERSE, "hokm-xdp top");
	else
		top_put(p, TOP_INVERSE,
			"hokm-xdp top  %s (%s)  revision %lld  up %s  instance %s  version %s",
			field_text(status, "node"), field_text(status, "address"),
			(long long)field_int(status, "revision", 0),
			word_field_age(status, "uptime_ms", age), field_text(status, "instance"),
			field_text(status, "version"));
}

void top_rows(const struct top_state *s, unsigned int width, unsigned int height,
	      struct top_row *rows)
{
	struct top_page p = {.rows = rows, .width = width};

	if (height > TOP_ROWS_MAX)
		height = TOP_ROWS_MAX;
	if (!height)
		return;
	p.max = height - 1;
	put_title(&p, s->status);
	if (s->mode == TOP_HELP) {
		put_help(&p);
	} else {
		top_put_owner(&p, s);
		if (s->status) {
			top_put_nodes(&p, s->status);
			top_put_services(&p, s->status);
			put_round_trips(&p, s);
			put_events(&p, s, p.max - p.n);
		}
	}
	while (p.n < p.max)
		top_put(&p, TOP_PLAIN, "%s", "");
	p.max = height;
	put_bottom(&p, s);
}
