/* SPDX-License-Identifier: GPL-2.0-only */
/* See steering.h. */
#include <string.h>
#include <unistd.h>

#include "act/probe_send.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/steering.h"
#include "sense/gateway.h"
#include "sense/pulse.h"

#define GATEWAY_NS (5 * NS_PER_S)

static const char lost_text[] =
	"the network drops frames with a client's source address (anti-spoofing, port security, "
	"a cloud), or changes MAC addresses";
static const char *const reasons[] = {
	[STEER_WAITING] = "it is being tested",
	[STEER_LOST] = lost_text,
	[STEER_TWIN] = "another peer has the same MAC address",
	[STEER_GATEWAY] = "it has the MAC address of the default gateway",
};

/* ---- reasons to refuse ---- */

static void read_gateway(struct steering *s, uint64_t now_ns)
{
	if (now_ns < s->gateway_at_ns)
		return;
	s->gateway_at_ns = now_ns + GATEWAY_NS;
	if (gateway_mac(s->node->conf->interface, s->gateway, s->gateway_addr))
		s->gateway_addr[0] = '\0';
}

static bool same_mac(const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, b, 6) == 0;
}

/* Frames from a client through the gateway, or from the other peer, would look like this peer's. */
static enum steer_why refuse(const struct steering *s, unsigned int slot)
{
	const struct peers *p = &s->node->peers;
	const struct peer *peer = &p->list[slot];

	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		if (i != slot && p->list[i].used && same_mac(p->list[i].map.mac, peer->map.mac))
			return STEER_TWIN;
	if (s->gateway_addr[0] && same_mac(s->gateway, peer->map.mac))
		return STEER_GATEWAY;
	return STEER_FINE;
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
			  hokm_reason_name(why), hokm_reason_text(why), reasons[sp->why]);
	else
		log_info("peer %s reason=%s (%s)", name, hokm_reason_name(why),
			 hokm_reason_text(why));
	events_add(s->node->events, "peer", why, "%s: %s", name, hokm_reason_text(why));
}

/* True when new connections may be steered to the peer. */
static bool look(struct steering *s, const struct pulse_signer *by, unsigned int slot,
		 uint64_t now_ns)
{
	static const unsigned char none[6];
	const struct peer *peer = &s->node->peers.list[slot];
	struct steer_peer *sp = &s->peers[slot];
	struct steer_signs signs = {
		.alive = peers_sight(&s->node->peers, slot, now_ns).by == PEER_BY_PULSE &&
			 !same_mac(peer->map.mac, none),
		.arrived = peer->map.flags & HOKM_PULSE_STEERED,
	};
	enum steer_why refused = signs.alive ? refuse(s, slot) : STEER_FINE;

	if (sp->addr.s_addr != peer->addr.s_addr)
		*sp = (struct steer_peer){.addr = peer->addr};
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

	read_gateway(s, now_ns);
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

const char *steering_why(const struct steering *s, unsigned int slot)
{
	enum steer_why why = s->peers[slot].why;

	return why == STEER_FINE ? NULL : reasons[why];
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
