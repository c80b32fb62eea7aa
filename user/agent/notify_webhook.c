/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notifications to any HTTP server: a POST of JSON. With a credential it is signed: the header
 * X-Hokm-Signature has HMAC-SHA256, as "sha256=" and hexadecimal digits, of the time in
 * X-Hokm-Timestamp, a dot, and the body.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/notify_deliver.h"

/* How long the problem has lasted. */
static int64_t lasted_s(const struct notify_message *m, const struct notify_item *i)
{
	return notify_passed_s(i->since, i->mark == NOTIFY_STILL ? m->now : i->event.at);
}

static json_t *item_json(const struct notify_message *m, const struct notify_item *i)
{
	static const char *const marks[] = {"news", "still", "over"};
	const struct notify_event *e = &i->event;

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o*, s:s}", "kind",
		notify_kind_name(e->kind), "severity", notify_severity_name(e->severity), "mark",
		marks[i->mark % 3], "subject", e->subject, "from", e->from, "to", e->to, "reason",
		hokm_reason_name(e->reason), "why", hokm_reason_text(e->reason), "text", e->text,
		"at", (json_int_t)e->at.wall_s, "since", (json_int_t)i->since.wall_s, "lasted",
		(json_int_t)lasted_s(m, i), "players",
		notify_has_players(m, e) ? json_integer(e->players) : NULL, "advice",
		notify_advice(e));
}

static json_t *message_json(const struct notify_message *m)
{
	char title[NOTIFY_TITLE_MAX];
	json_t *events = json_array();

	for (unsigned int i = 0; events && i < m->n; i++)
		if (json_array_append_new(events, item_json(m, &m->items[i]))) {
			json_decref(events);
			return NULL;
		}
	return json_pack(
		"{s:s, s:s, s:s*, s:s, s:s, s:I, s:I, s:o}", "node", m->who->node, "instance",
		m->who->instance, "vip", notify_of_node(m) ? m->who->vip : NULL, "severity",
		notify_severity_name(notify_worst(m->items, m->n)), "title",
		notify_title(m, title, sizeof(title)), "time", (json_int_t)m->now.wall_s, "dropped",
		(json_int_t)m->dropped, "events", events);
}

static int sign(struct delivery *d, int64_t now_s)
{
	const char *key = d->conf->credential;
	unsigned char mac[EVP_MAX_MD_SIZE];
	char line[160], *text = NULL;
	unsigned int len = 0;
	int n = asprintf(&text, "%" PRId64 ".%s", now_s, d->request), err, at;

	if (n < 0)
		return -ENOMEM;
	if (!HMAC(EVP_sha256(), key, (int)strlen(key), (unsigned char *)text, (size_t)n, mac,
		  &len)) {
		free(text);
		return -EIO;
	}
	free(text);
	snprintf(line, sizeof(line), "X-Hokm-Timestamp: %" PRId64, now_s);
	err = deliver_add(d, line);
	at = snprintf(line, sizeof(line), "X-Hokm-Signature: sha256=");
	for (unsigned int i = 0; i < len; i++)
		at += snprintf(line + at, sizeof(line) - (size_t)at, "%02x", mac[i]);
	return err ? err : deliver_add(d, line);
}

static int fill(struct delivery *d, const struct notify_message *m)
{
	json_t *json = message_json(m);
	int err = 0;

	d->request = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!d->request)
		return -ENOMEM;
	d->request_len = strlen(d->request);
	if (d->conf->credential[0])
		err = sign(d, m->now.wall_s);
	return err ? err : deliver_post(d, d->conf->endpoint, "application/json");
}

const struct deliver_type deliver_webhook = {.fill = fill, .http = true};
