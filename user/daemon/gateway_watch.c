/* SPDX-License-Identifier: GPL-2.0-only */
/* See gateway_watch.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/gateway_watch.h"
#include "daemon/node.h"
#include "hokm/grant_count.h"

#define LOOK_NS  NS_PER_S
#define MAC_TEXT 18

static struct hokm_gateway *map_of(const struct gateway_watch *w)
{
	return &hokm_bpf_grants(w->node->bpf)->gateway;
}

/* ---- its address ---- */

static const char *address(const struct gateway_watch *w, char text[INET_ADDRSTRLEN])
{
	if (!w->addr.s_addr || !inet_ntop(AF_INET, &w->addr, text, INET_ADDRSTRLEN))
		return "unknown";
	return text;
}

static void report_address(struct gateway_watch *w)
{
	char text[INET_ADDRSTRLEN];

	w->unknown = !w->addr.s_addr;
	if (w->unknown)
		log_warn("arbiter gateway: no address is known: "
			 "%s has no default route by a gateway; write the key gateway",
			 w->node->conf->interface);
	else
		log_info("arbiter gateway: %s is asked, %s", address(w, text),
			 w->of_route ? "the gateway of the default route" : "as the file says");
}

/* True: the packet path looks for the answers of another one now. */
static bool set_address(struct gateway_watch *w, struct in_addr addr, bool of_route)
{
	struct hokm_gateway *map = map_of(w);

	if (addr.s_addr == w->addr.s_addr && of_route == w->of_route)
		return false;
	w->addr = addr;
	w->of_route = of_route;
	report_address(w);
	/* Left by the daemon before this one: what was learnt is still true. */
	if (map->addr == addr.s_addr)
		return false;
	HOKM_GRANT_STORE(&map->addr, 0);
	HOKM_GRANT_STORE(&map->mac, 0);
	HOKM_GRANT_STORE(&map->answered_ns, 0);
	HOKM_GRANT_STORE(&map->other_ns, 0);
	HOKM_GRANT_STORE(&map->asked_ns, 0);
	HOKM_GRANT_STORE(&map->addr, addr.s_addr);
	return true;
}

static bool look_for_address(struct gateway_watch *w, uint64_t now_ns)
{
	const struct conf *c = w->node->conf;
	struct in_addr addr = c->gateway;

	if (c->gateway.s_addr)
		return set_address(w, addr, false);
	if (now_ns < w->look_ns)
		return false;
	w->look_ns = now_ns + LOOK_NS;
	/* What was read last; it is read anew for the next time. */
	addr = apply_gateway_addr(w->node->apply);
	apply_read_gateway(w->node->apply);
	if (addr.s_addr)
		return set_address(w, addr, true);
	/* From a key that the file no longer has. */
	if (w->addr.s_addr && !w->of_route)
		return set_address(w, addr, true);
	/* A daemon before this one found it, and the route has gone since. */
	if (!w->addr.s_addr && map_of(w)->addr)
		return set_address(w, (struct in_addr){.s_addr = map_of(w)->addr}, true);
	if (!w->addr.s_addr && !w->unknown)
		report_address(w);
	return false;
}

/* ---- the peers ---- */

bool gateway_watch_peer(const struct node *n, uint64_t now_ns)
{
	const uint64_t adverts_ns = n->conf->advert_ns * 5 / 2;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		const struct peer *p = &n->peers.list[slot];

		if (!p->used)
			continue;
		if (peers_on_segment(&n->peers, slot, now_ns))
			return true;
		/* Where a filter has discarded pulses from the start. */
		if (p->map.vrrp_ns && (int64_t)(now_ns - p->map.vrrp_ns) < (int64_t)adverts_ns &&
		    peers_adverts_count(&n->peers, slot, now_ns))
			return true;
	}
	return false;
}

/* ---- reports ---- */

static void report(struct gateway_watch *w)
{
	const struct conf *c = w->node->conf;
	enum gateway_phase phase = w->gateway.phase, was = w->reported;
	char text[INET_ADDRSTRLEN];
	enum hokm_reason why;

	if (phase == was || phase == GATEWAY_ASKING)
		return;
	w->reported = phase;
	if (phase == GATEWAY_ANSWERS)
		log_info("arbiter gateway: no peer is heard, and %s answers: this node may own; "
			 "so may a peer that reaches the gateway and not this node",
			 address(w, text));
	if (phase != GATEWAY_SILENT && was != GATEWAY_SILENT)
		return;
	why = phase == GATEWAY_SILENT ? HOKM_R_GATEWAY_SILENT : HOKM_R_GATEWAY_ANSWERS;
	log_line(phase == GATEWAY_SILENT ? LOG_LVL_WARN : LOG_LVL_INFO,
		 "arbiter gateway: %s reason=%s (%s)%s", address(w, text), hokm_reason_name(why),
		 hokm_reason_text(why),
		 phase == GATEWAY_SILENT && c->on_isolation == CONF_ISOLATION_KEEP
			 ? "; an owner keeps the VIP (on_isolation)"
			 : "");
	/* The word before the colon is what a notification is about: its end must have the same. */
	events_add(w->node->events, "state", why, "gateway: %s (%s)", hokm_reason_text(why),
		   address(w, text));
}

static void learn(struct gateway_watch *w)
{
	struct hokm_gateway *map = map_of(w);
	unsigned char mac[8];

	HOKM_GRANT_STORE(&map->mac, w->out.learn);
	memcpy(mac, &w->out.learn, sizeof(mac));
	log_info("arbiter gateway: its MAC address is %02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
}

bool gateway_watch_is_calm(const struct gateway_watch *w)
{
	return w->gateway.phase == GATEWAY_OFF || w->gateway.phase == GATEWAY_PEER;
}

/* ---- questions ---- */

static void ask(struct gateway_watch *w, const unsigned char mac[6], uint64_t now_ns)
{
	const struct conf *c = w->node->conf;
	struct hokm_gateway *map = map_of(w);

	if (!w->addr.s_addr)
		return;
	/* Before it is sent: the answer may come at once. */
	HOKM_GRANT_STORE(&map->asked_ns,
			 stand_in_question(&w->asked, map->asked_ns, c->grant_ns, now_ns));
	/* A question that is lost is asked again. */
	(void)apply_ask(w->node->apply, c->nodes[c->self].addr, w->addr, mac);
}

void gateway_watch_ask(struct gateway_watch *w, uint64_t now_ns)
{
	unsigned char mac[8];

	memcpy(mac, &map_of(w)->mac, sizeof(mac));
	ask(w, mac, now_ns);
}

/* ---- entry ---- */

void gateway_watch_init(struct gateway_watch *w, struct node *n)
{
	memset(w, 0, sizeof(*w));
	w->node = n;
}

void gateway_watch_reconf(struct gateway_watch *w)
{
	w->look_ns = 0;
}

static void turn_off(struct gateway_watch *w)
{
	/* Only its end may be of interest: nothing was reported that does not end with it. */
	if (w->reported == GATEWAY_SILENT) {
		w->gateway.phase = GATEWAY_PEER;
		report(w);
	}
	HOKM_GRANT_STORE(&map_of(w)->addr, 0);
	gateway_watch_init(w, w->node);
}

void gateway_watch_run(struct gateway_watch *w, bool owns, uint64_t now_ns)
{
	static const unsigned char everybody[6];
	const struct conf *c = w->node->conf;
	struct gateway_input in = {
		.on = c->arbiter == CONF_ARBITER_GATEWAY,
		.owns = owns,
		.keep = c->on_isolation == CONF_ISOLATION_KEEP,
		.limit_ns = gateway_limit_ns(c->advert_ns),
		.seen = map_of(w),
	};

	if (!in.on) {
		if (w->gateway.phase != GATEWAY_OFF)
			turn_off(w);
		return;
	}
	in.renewed = look_for_address(w, now_ns);
	in.peer_heard = gateway_watch_peer(w->node, now_ns);
	gateway_step(&w->gateway, &in, now_ns, &w->out);
	if (w->out.learn)
		learn(w);
	if (w->out.ask)
		ask(w, everybody, now_ns);
	report(w);
}
