/* SPDX-License-Identifier: GPL-2.0-only */
/* See arbiter_status.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/etcd_watch.h"
#include "daemon/gateway_watch.h"
#include "daemon/node.h"
#include "serve/arbiter_status.h"

static json_t *mac_json(__u64 mac)
{
	unsigned char b[8];
	char text[18];

	memcpy(b, &mac, sizeof(b));
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		 b[5]);
	return mac ? json_string(text) : json_null();
}

/* Milliseconds since then; null for never. */
static json_t *age_json(uint64_t then_ns, uint64_t now_ns)
{
	if (!then_ns)
		return json_null();
	return json_integer(now_ns > then_ns ? (json_int_t)((now_ns - then_ns) / NS_PER_MS) : 0);
}

static json_t *gateway_json(const struct gateway_watch *w)
{
	const struct hokm_gateway *map = &hokm_bpf_grants(w->node->bpf)->gateway;
	const struct conf *c = w->node->conf;
	char text[INET_ADDRSTRLEN] = "";
	uint64_t now_ns = clock_now_ns(), answered_ns = map->answered_ns;

	if (w->addr.s_addr && !inet_ntop(AF_INET, &w->addr, text, sizeof(text)))
		text[0] = '\0';
	return json_pack(
		"{s:s, s:o, s:b, s:o, s:s, s:o, s:b, s:s}", "kind", "gateway", "address",
		text[0] ? json_string(text) : json_null(), "of_route", w->of_route, "mac",
		mac_json(map->mac), "phase", gateway_phase_name(w->gateway.phase), "answered_ms",
		age_json(answered_ns, now_ns), "keeps", c->on_isolation == CONF_ISOLATION_KEEP,
		"survives", conf_stand_in(c) ? CONF_STAND_IN_SURVIVES : CONF_GATEWAY_SURVIVES);
}

static json_t *text_json(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static const char *holder_name(const struct etcd_watch *e)
{
	const struct conf *c = e->node->conf;
	const enum tie_holder holder = e->tie.record.holder;

	for (unsigned int i = 0; holder != TIE_NOBODY && i < c->n_nodes; i++)
		if ((i == c->self) == (holder == TIE_SELF))
			return c->nodes[i].name;
	return "";
}

static json_t *etcd_json(const struct etcd_watch *e)
{
	const struct tie *t = &e->tie;
	uint64_t now_ns = clock_now_ns();

	return json_pack(
		"{s:s, s:o, s:s, s:s, s:o, s:o, s:I, s:I, s:o, s:I, s:b, s:s}", "kind", "etcd",
		"address", text_json(e->reply.endpoint), "key", e->settings.key, "phase",
		tie_phase_name(t->phase), "answered_ms", age_json(t->answered_ns, now_ns),
		"problem", text_json(e->reply.valid ? "" : e->reply.text), "epoch",
		(json_int_t)t->record.epoch, "revision", (json_int_t)t->record.revision, "holder",
		text_json(holder_name(e)), "took_us", (json_int_t)(e->reply.took_ns / 1000),
		"keeps", e->node->conf->on_isolation == CONF_ISOLATION_KEEP, "survives",
		CONF_ETCD_SURVIVES);
}

json_t *arbiter_status_json(const struct gateway_watch *w, const struct etcd_watch *e)
{
	if (w->gateway.phase != GATEWAY_OFF)
		return gateway_json(w);
	return e->tie.phase != TIE_OFF ? etcd_json(e) : json_null();
}
