/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One event as JSON, and which events a filter selects. See event_json.h.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "serve/event_json.h"
#include "base/frame.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT_MAX    256

static const char *const whats[] = {EVENT_WHATS};
static const char *const sources[] = {[EVENT_KERNEL] = "kernel", [EVENT_DAEMON] = "daemon"};

const char *event_line_kind(const struct event_line *line)
{
	if (line->source == EVENT_KERNEL)
		return hokm_event_kind_name(line->record.kind);
	return line->what ? line->what : "?";
}

bool event_line_matches(const struct event_line *line, const json_t *kinds)
{
	const char *kind = event_line_kind(line);
	size_t i;
	json_t *k;

	if (!kinds)
		return true;
	json_array_foreach (kinds, i, k) {
		const char *word = json_string_value(k);

		if (word && (!strcmp(word, kind) || !strcmp(word, sources[line->source])))
			return true;
	}
	return false;
}

bool event_kind_known(const char *word)
{
	for (size_t i = 0; i < COUNT_OF(whats); i++)
		if (!strcmp(word, whats[i]))
			return true;
	for (size_t i = 0; i < COUNT_OF(sources); i++)
		if (!strcmp(word, sources[i]))
			return true;
	return hokm_event_kind_from_name(word) >= 0;
}

/* Appends to the text in buf; what does not fit is cut off. */
static void append(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *buf, size_t size, const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + used, size - used, fmt, ap);
	va_end(ap);
}

void event_kinds_list(char *buf, size_t size)
{
	buf[0] = '\0';
	for (unsigned int k = 0; k < HOKM_EVENT_KIND_COUNT; k++)
		append(buf, size, "%s%s", k ? ", " : "", hokm_event_kind_name(k));
	for (size_t i = 0; i < COUNT_OF(whats); i++)
		append(buf, size, ", %s", whats[i]);
	for (size_t i = 0; i < COUNT_OF(sources); i++)
		append(buf, size, ", %s", sources[i]);
}

/* RFC 3339 in UTC: the local time zone would have to be read from disk. */
static void format_time(int64_t realtime_ns, char *buf, size_t size)
{
	time_t s = (time_t)(realtime_ns / 1000000000LL);
	struct tm tm;
	size_t n;

	n = gmtime_r(&s, &tm) ? strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm) : 0;
	snprintf(buf + n, size - n, ".%03dZ", (int)(realtime_ns / 1000000 % 1000));
}

/* The MAC address in place of the client of a VIP_CLAIM. */
static void format_mac(const struct hokm_event *e, char *buf, size_t size)
{
	uint8_t m[6];

	hokm_event_mac(e, m);
	snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

/* "192.168.1.50:40312", "[2001:db8::1]:40312", without the port when it is 0; "" for no address. */
static void format_client(const struct hokm_event *e, char *buf, size_t size)
{
	const struct hokm_addr *a = &e->client;
	bool v4 = !a->w[0] && !a->w[1] && a->w[2] == htonl(0xffff);
	char ip[INET6_ADDRSTRLEN];
	char port[8] = "";

	buf[0] = '\0';
	if (!a->w[0] && !a->w[1] && !a->w[2] && !a->w[3])
		return;
	if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &a->w[3] : &a->w[0], ip, sizeof(ip)))
		return;
	if (e->client_port)
		snprintf(port, sizeof(port), ":%u", ntohs(e->client_port));
	snprintf(buf, size, v4 || !port[0] ? "%s%s" : "[%s]%s", ip, port);
}

/* The names behind the slots of a record; "" when there is nothing to show. */
struct words {
	char client[INET6_ADDRSTRLEN + 12];
	char service[32];
	char target[32];
};

static void name_slot(const char *name, unsigned int slot, char *buf, size_t size)
{
	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "#%u", slot);
}

static void find_words(const struct hokm_event *e, const struct event_names *n, struct words *w)
{
	memset(w, 0, sizeof(*w));
	if (e->kind == HOKM_EV_VIP_CLAIM) {
		format_mac(e, w->client, sizeof(w->client));
		return;
	}
	format_client(e, w->client, sizeof(w->client));
	if (e->service != HOKM_NODE_SLOT)
		name_slot(n ? n->service(e->service, n->arg) : NULL, e->service, w->service,
			  sizeof(w->service));
	if (e->target == HOKM_LOCAL)
		snprintf(w->target, sizeof(w->target), "local");
	else if (e->target != HOKM_NO_PEER)
		name_slot(n ? n->peer(e->target, n->arg) : NULL, e->target, w->target,
			  sizeof(w->target));
}

static const char *side_name(uint8_t side)
{
	return side == HOKM_SIDE_CLIENT   ? "client"
	       : side == HOKM_SIDE_SERVER ? "server"
					  : "unknown";
}

/* The fields that only some kinds have, as text. */
static void kind_text(const struct hokm_event *e, char *buf, size_t size)
{
	switch (e->kind) {
	case HOKM_EV_CLOSED:
		append(buf, size, "age=%.3fs in=%llu out=%llu by=%s ", (double)e->age_ns / 1e9,
		       (unsigned long long)e->bytes_in, (unsigned long long)e->bytes_out,
		       side_name(e->close_side));
		if (e->close_code)
			append(buf, size, "code=%u ", e->close_code);
		break;
	case HOKM_EV_UPGRADED:
	case HOKM_EV_NOT_UPGRADED:
		append(buf, size, "status=%u took=%.3fms ", e->status, (double)e->age_ns / 1e6);
		break;
	case HOKM_EV_SYNC_LOST:
		append(buf, size, "frames-of=%s fault=%s ", side_name(e->close_side),
		       hokm_ws_fault_name(e->fault));
		break;
	case HOKM_EV_SYNC_REGAINED:
		append(buf, size, "frames-of=%s ", side_name(e->close_side));
		break;
	default:
		break;
	}
}

static void kernel_text(const struct hokm_event *e, const struct words *w, char *buf, size_t size)
{
	bool drop = e->kind == HOKM_EV_DROP;
	bool peer = e->kind == HOKM_EV_PEER_UP;
	bool frame = drop || e->kind == HOKM_EV_VIP_CLAIM;
	size_t len;

	buf[0] = '\0';
	if (drop)
		append(buf, size, "counter=%s ", hokm_counter_name(e->counter));
	if (w->client[0])
		append(buf, size, "%s=%s ", frame || peer ? "from" : "client", w->client);
	if (w->service[0])
		append(buf, size, "service=%s ", w->service);
	if (w->target[0])
		append(buf, size, "%s=%s ", peer ? "peer" : "target", w->target);
	kind_text(e, buf, size);
	len = strlen(buf);
	if (len)
		buf[len - 1] = '\0';
}

/* Takes the reference of `value`; false without memory. An empty text is left out. */
static bool put(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value) == 0;
}

static bool put_text(json_t *o, const char *key, const char *text)
{
	return !text[0] || put(o, key, frame_text(text));
}

static bool put_number(json_t *o, const char *key, uint64_t n)
{
	return put(o, key, json_integer((json_int_t)n));
}

/* The fields that only some kinds have. */
static bool put_kind(json_t *o, const struct hokm_event *e)
{
	switch (e->kind) {
	case HOKM_EV_DROP:
		return put_text(o, "counter", hokm_counter_name(e->counter));
	case HOKM_EV_CLOSED:
		return put_number(o, "age_ms", e->age_ns / 1000000) &&
		       put_number(o, "bytes_in", e->bytes_in) &&
		       put_number(o, "bytes_out", e->bytes_out) &&
		       put_text(o, "side", side_name(e->close_side)) &&
		       (!e->close_code || put_number(o, "close_code", e->close_code));
	case HOKM_EV_UPGRADED:
	case HOKM_EV_NOT_UPGRADED:
		return put_number(o, "status", e->status) &&
		       put_number(o, "upgrade_us", e->age_ns / 1000);
	case HOKM_EV_SYNC_LOST:
		return put_text(o, "side", side_name(e->close_side)) &&
		       put_text(o, "fault", hokm_ws_fault_name(e->fault));
	case HOKM_EV_SYNC_REGAINED:
		return put_text(o, "side", side_name(e->close_side));
	default:
		return true;
	}
}

static bool put_kernel(json_t *o, const struct hokm_event *e, const struct event_names *names)
{
	char text[TEXT_MAX];
	struct words w;
	bool ok;

	find_words(e, names, &w);
	kernel_text(e, &w, text, sizeof(text));
	ok = put(o, "text", frame_text(text)) && put_text(o, "client", w.client) &&
	     put_text(o, "service", w.service) && put_text(o, "target", w.target);
	return ok && put_kind(o, e);
}

static bool put_daemon(json_t *o, const struct event_line *line)
{
	bool ok = put(o, "what", frame_text(event_line_kind(line)));

	if (ok && line->reason != HOKM_R_NONE)
		ok = put(o, "reason", frame_text(hokm_reason_name(line->reason)));
	return ok && put(o, "text", frame_text(line->text));
}

json_t *event_line_json(const struct event_line *line, const struct event_names *names)
{
	json_t *o = json_object();
	char time[40];
	bool ok;

	if (!o)
		return NULL;
	format_time(line->realtime_ns, time, sizeof(time));
	ok = put(o, "seq", json_integer((json_int_t)line->seq)) &&
	     put(o, "time", json_string(time)) &&
	     put(o, "source", json_string(sources[line->source])) &&
	     put(o, "kind", frame_text(event_line_kind(line)));
	if (ok)
		ok = line->source == EVENT_KERNEL ? put_kernel(o, &line->record, names)
						  : put_daemon(o, line);
	if (!ok) {
		json_decref(o);
		return NULL;
	}
	return o;
}
