/* SPDX-License-Identifier: GPL-2.0-only */
/* See arbiter_status.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
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

json_t *arbiter_status_json(const struct gateway_watch *w)
{
	const struct hokm_gateway *map = &hokm_bpf_grants(w->node->bpf)->gateway;
	const struct conf *c = w->node->conf;
	char text[INET_ADDRSTRLEN] = "";
	uint64_t now_ns = clock_now_ns(), answered_ns = map->answered_ns;

	if (w->gateway.phase == GATEWAY_OFF)
		return json_null();
	if (w->addr.s_addr && !inet_ntop(AF_INET, &w->addr, text, sizeof(text)))
		text[0] = '\0';
	return json_pack(
		"{s:s, s:o, s:b, s:o, s:s, s:o, s:b, s:s}", "kind", "gateway", "address",
		text[0] ? json_string(text) : json_null(), "of_route", w->of_route, "mac",
		mac_json(map->mac), "phase", gateway_phase_name(w->gateway.phase), "answered_ms",
		answered_ns
			? json_integer(now_ns > answered_ns
					       ? (json_int_t)((now_ns - answered_ns) / NS_PER_MS)
					       : 0)
			: json_null(),
		"keeps", c->on_isolation == CONF_ISOLATION_KEEP, "survives", CONF_GATEWAY_SURVIVES);
}
