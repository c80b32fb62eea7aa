/* SPDX-License-Identifier: GPL-2.0-only */
/* See peer_status.h. */
#include "daemon/agree_words.h"
#include "daemon/agreement.h"
#include "daemon/announcing.h"
#include "daemon/node.h"
#include "daemon/replication.h"
#include "daemon/rival_watch.h"
#include "daemon/steering.h"
#include "serve/paths_status.h"
#include "serve/peer_status.h"
#include "serve/status_json.h"

/* Null when replication is off. */
static json_t *replica_json(const struct peer_status_of *of, unsigned int slot)
{
	struct replication_status r;
	json_t *faults, *o;

	if (!replication_get_status(of->replication, slot, &r))
		return json_null();
	o = json_object();
	faults = json_object();
	status_put(o, "connected", json_boolean(r.connected));
	status_put(o, "warm", json_boolean(r.warm));
	status_put(o, "peer_warm", json_boolean(r.peer_warm));
	status_put(o, "connections", status_number(r.entries));
	status_put(o, "path", status_number(r.path));
	status_put(o, "lag_ms", status_ms(r.stats.lag_ns));
	status_put(o, "lag_max_ms", status_ms(r.stats.lag_max_ns));
	status_put(o, "sent", status_number(r.stats.sent));
	status_put(o, "repeated", status_number(r.stats.repeated));
	status_put(o, "received", status_number(r.stats.received));
	status_put(o, "resyncs", status_number(r.stats.resyncs));
	status_put(o, "overflows", status_number(r.stats.overflows));
	status_put(o, "stuck", status_number(r.stats.stuck));
	for (unsigned int i = REPL_BAD_NONE + 1; i < REPL_FAULT_COUNT; i++)
		status_put(faults, repl_fault_name((enum repl_fault)i),
			   status_number(r.stats.bad[i]));
	status_put(o, "faults", faults);
	return o;
}

static unsigned int services_up(const struct peer_status_of *of, unsigned int slot)
{
	unsigned int up = 0;

	for (unsigned int s = 0; s < of->node->services.n; s++)
		up += peers_says_up(&of->node->peers, slot, of->node->services.list[s].tag);
	return up;
}

/* The settings that differ at the peer; null: unknown. */
static json_t *differs_json(const struct peer_status_of *of, unsigned int slot, uint64_t now_ns)
{
	const struct agree *there = agreement_there(of->agreement, slot, now_ns);
	unsigned int bits = there ? agree_differ(&of->agreement->here, there) : 0;
	json_t *list = there ? json_array() : json_null();
	char words[AGREE_WORDS_MAX];

	for (unsigned int i = 0; bits >> i; i++) {
		if (!(bits >> i & 1))
			continue;
		agree_words(&of->agreement->here, there, i, words, sizeof(words));
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s, s:s}", "name", agree_name(i), "text", words,
					    "repair", agree_repair(i))))
			log_debug("status: no memory for a setting");
	}
	return list;
}

/* The times that this node and the peer were owner at once; null: never. */
static json_t *rival_json(const struct rival *r, uint64_t now_ns)
{
	json_t *o;

	if (!r->n)
		return json_null();
	o = json_object();
	status_put(o, "now", json_boolean(!r->over_ns));
	status_put(o, "by_adverts", json_boolean(r->by_adverts));
	status_put(o, "count", status_number(r->n));
	status_put(o, "lasted_ms", status_ms(rival_lasted_ns(r, now_ns)));
	status_put(o, "over_ms", r->over_ns ? status_age(r->over_ns, now_ns) : json_null());
	return o;
}

json_t *peer_status_json(const struct peer_status_of *of, unsigned int slot, uint64_t now_ns)
{
	const struct peer *peer = &of->node->peers.list[slot];
	const struct hokm_peer *map = &peer->map;
	struct peer_sight sight = peers_sight(&of->node->peers, slot, now_ns);
	bool pulsing = sight.by == PEER_BY_PULSE;
	json_t *o = json_object();

	status_put(o, "name", json_string(peer->name));
	status_put(o, "address", status_ipv4(peer->addr));
	status_put(o, "priority",
		   status_number(pulsing && map->priority ? map->priority : peer->priority));
	status_put(o, "refuses", json_boolean(pulsing && !map->priority && map->state));
	status_put(o, "pulsing", json_boolean(pulsing));
	status_put(o, "daemon_fresh", json_boolean(sight.fresh));
	status_put(o, "state", json_string(pulsing ? hokm_vrrp_state_name(map->state) : "unknown"));
	status_put(o, "rtt_us", status_number(map->rtt_ns / 1000));
	status_put(o, "seen_ms", status_age(peers_seen_ns(peer), now_ns));
	status_put(o, "adverts_ms", status_age(map->vrrp_ns, now_ns));
	status_put(o, "lease_left_ms", status_left(map->lease_until_ns, now_ns));
	status_put(o, "mac", status_mac(map->mac));
	status_put(o, "services_up", status_number(pulsing ? services_up(of, slot) : 0));
	status_put(o, "discarded", status_number(peer->discarded));
	status_put(o, "secret", status_number(map->secret));
	status_put(o, "secrets_differ", json_boolean(sight.secrets_differ));
	status_put(o, "misdirected", json_boolean(announcing_misdirects(of->announcing, slot)));
	status_put(o, "steerable", json_boolean(!steering_why(of->steering, slot)));
	if (steering_why(of->steering, slot))
		status_put(o, "not_steerable", json_string(steering_why(of->steering, slot)));
	status_put(o, "rival", rival_json(&of->rivals->rivals[slot], now_ns));
	status_put(o, "paths", paths_status_peer_json(of->paths, slot, now_ns));
	status_put(o, "replica", replica_json(of, slot));
	status_put(o, "differs", differs_json(of, slot, now_ns));
	return o;
}
