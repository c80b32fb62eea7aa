/* SPDX-License-Identifier: GPL-2.0-only */
/* See steering.h. */
#include <string.h>
#include <unistd.h>

#include "act/probe_send.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/steering.h"
#include "sense/pulse.h"

#define GATEWAY_NS (5 * NS_PER_S)

/* ---- MAC addresses ---- */

static void read_gateway(struct steering *s, uint64_t now_ns)
{
	apply_gateway(s->node->apply, s->macs.gateway);
	if (now_ns < s->gateway_at_ns)
		return;
	s->gateway_at_ns = now_ns + GATEWAY_NS;
	apply_read_gateway(s->node->apply);
}

static void read_macs(struct steering *s, uint64_t now_ns)
{
	const struct peer *list = s->node->peers.list;

	read_gateway(s, now_ns);
	memset(s->macs.peer, 0, sizeof(s->macs.peer));
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (list[slot].used)
			memcpy(s->macs.peer[slot], list[slot].map.mac, sizeof(s->macs.peer[slot]));
}

/* ---- one peer ---- */

static void send_probe(const struct steering *s, const struct pulse_signer *by, unsigned int slot,
		       uint64_t now_ns)
{
	const struct peer *peer = &s->node->peers.list[slot];
	const struct conf *c = s->node->conf;
	struct steer_probe probe = {
		.addr = by->addr,
		.peer = peer->addr,
		.vip = c->vips[c->services[0].vip],
		.port = c->services[0].port,
		.vrid = by->vrid,
		.nonce = by->nonce,
		.sent_ns = now_ns,
		.key = by->keys.to[slot],
	};

	memcpy(probe.mac, by->mac, sizeof(probe.mac));
	memcpy(probe.peer_mac, peer->map.mac, sizeof(probe.peer_mac));
	/* A probe that is lost is no reason to fail: the next one follows. */
	(void)steer_probe_send(s->fd, hokm_bpf_ifindex(s->node->bpf), &probe);
}

static void report(struct steering *s, unsigned int slot)
{
	struct steer_peer *sp = &s->peers[slot];
	const char *name = s->node->peers.list[slot].name;
	bool bad = sp->test.state == STEER_BAD;
	enum hokm_reason why = bad ? HOKM_R_NOT_STEERABLE : HOKM_R_STEERABLE;

	if (bad == sp->reported || sp->test.state == STEER_UNTESTED)
		return;
	sp->reported = bad;
	if (bad)
		log_error("peer %s reason=%s (%s): %s; no new connection is steered there", name,
			  hokm_reason_name(why), hokm_reason_text(why), steer_why_text(sp->why));
	else
		log_info("peer %s reason=%s (%s)", name, hokm_reason_name(why),
			 hokm_reason_text(why));
	events_add(s->node->events, "peer", why, "%s: %s", name, hokm_reason_text(why));
}

/* Has the peer asked this node since the last look? */
static bool has_asked(struct steer_peer *sp, const struct hokm_peer *map)
{
	bool asked = map->probe_nonce != sp->probe_nonce || map->probe_sent_ns != sp->probe_sent_ns;

	sp->probe_nonce = map->probe_nonce;
	sp->probe_sent_ns = map->probe_sent_ns;
	return asked;
}

/* True when new connections may be steered to the peer. */
static bool look(struct steering *s, const struct pulse_signer *by, unsigned int slot,
		 uint64_t now_ns)
{
	static const unsigned char none[6];
	const struct peer *peer = &s->node->peers.list[slot];
	struct steer_peer *sp = &s->peers[slot];
	struct steer_signs signs = {
		.alive = peers_on_segment(&s->node->peers, slot, now_ns) &&
			 memcmp(peer->map.mac, none, sizeof(none)) != 0,
		.arrived = peer->map.flags & HOKM_PULSE_STEERED,
	};
	enum steer_why refused = steer_refusal(&s->macs, slot);

	if (sp->addr.s_addr != peer->addr.s_addr)
		*sp = (struct steer_peer){.addr = peer->addr};
	signs.asks = has_asked(sp, &peer->map);
	signs.refused = refused != STEER_FINE;
	if (steer_test_look(&sp->test, &signs, now_ns))
		send_probe(s, by, slot, now_ns);
	if (sp->test.state == STEER_GOOD)
		sp->why = STEER_FINE;
	else if (signs.refused)
		sp->why = refused;
	else
		sp->why = sp->test.state == STEER_BAD ? STEER_LOST : STEER_WAITING;
	report(s, slot);
	return sp->test.state == STEER_GOOD;
}

/* ---- all of them ---- */

void steering_tick(struct steering *s, struct pulse *pulse, uint64_t now_ns)
{
	const struct pulse_signer *by = pulse_signer(pulse);
	struct apply_want *want = &s->node->want;
	uint8_t bad = 0, untested = 0;

	read_macs(s, now_ns);
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (s->node->peers.list[slot].used && !look(s, by, slot, now_ns)) {
			bad |= (uint8_t)(1u << slot);
			if (s->peers[slot].test.state == STEER_UNTESTED)
				untested |= (uint8_t)(1u << slot);
		}
	if (bad == want->own.unsteerable && untested == want->own.untested)
		return;
	want->own.unsteerable = bad;
	want->own.untested = untested;
	apply_own(s->node->apply, want);
}

bool steering_waits(const struct steering *s)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (s->node->peers.list[slot].used && steer_test_waits(&s->peers[slot].test))
			return true;
	return false;
}

const char *steering_why(const struct steering *s, unsigned int slot)
{
	return steer_why_text(s->peers[slot].why);
}

int steering_open(struct steering *s, struct node *n, bool adopted)
{
	struct apply_want *want = &n->want;

	s->node = n;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		struct steer_peer *sp = &s->peers[slot];
		bool good = adopted && !(want->own.unsteerable >> slot & 1);

		if (!n->peers.list[slot].used)
			continue;
		sp->addr = n->peers.list[slot].addr;
		sp->test.state = good ? STEER_GOOD : STEER_UNTESTED;
		sp->why = good ? STEER_FINE : STEER_WAITING;
		if (good)
			continue;
		want->own.unsteerable |= (uint8_t)(1u << slot);
		want->own.untested |= (uint8_t)(1u << slot);
	}
	s->fd = steer_probe_open();
	return s->fd < 0 ? s->fd : 0;
}

void steering_close(struct steering *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
