/* SPDX-License-Identifier: GPL-2.0-only */
/* See stand_in_watch.h. */
#include <string.h>

#include "base/clock.h"
#include "daemon/gateway_watch.h"
#include "daemon/node.h"
#include "daemon/stand_in_watch.h"
#include "hokm/grant_count.h"

/* What the peer answered within so many pulses holds. */
#define TOUCH_PULSES 4

static struct hokm_grants *map_of(const struct stand_in_watch *w)
{
	return hokm_bpf_grants(w->node->bpf);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The slot of the only peer. */
static unsigned int peer_slot(const struct stand_in_watch *w)
{
	unsigned int slot = 0;

	while (slot < HOKM_MAX_PEERS - 1 && !w->node->peers.list[slot].used)
		slot++;
	return slot;
}

/* That of the gateway: one that is not the peer's. */
static unsigned int own_slot(const struct stand_in_watch *w)
{
	return peer_slot(w) == HOKM_MAX_PEERS - 1 ? 0 : HOKM_MAX_PEERS - 1;
}

uint32_t stand_in_watch_slots(const struct stand_in_watch *w)
{
	return conf_stand_in(w->node->conf) ? 1U << own_slot(w) : 0;
}

/* It answers, and grants nobody: it does not know its promises yet. */
static bool is_barred(const struct stand_in_watch *w, const struct hokm_granted *m, uint64_t now_ns)
{
	const struct node *n = w->node;

	return m->verdict == HOKM_VERDICT_SILENT &&
	       now_ns < m->answered_ns + n->peers.each_ns + TOUCH_PULSES * n->conf->pulse_ns;
}

/*
 * The peer has given this node's promise back since it was asked for its newest answer: the lease
 * that the answer showed has ended. A word of nobody ends at the moment of the release.
 */
static bool has_released(const struct peer *peer, uint64_t word)
{
	return hokm_grant_member(word) == HOKM_GRANT_NOBODY &&
	       hokm_grant_until_ns(word) > peer->map.newest_sent_ns;
}

bool stand_in_watch_counts(const struct stand_in_watch *w, const struct grants_conf *c, bool owns,
			   uint64_t now_ns)
{
	const unsigned int slot = peer_slot(w);
	const struct peer *peer = &w->node->peers.list[slot];
	const struct hokm_grants *map = map_of(w);
	const struct hokm_granted *m = &map->member[slot];
	uint64_t word = map->own.word;
	bool promised = hokm_grant_member(word) == HOKM_GRANT_PEER(slot) &&
			now_ns < hokm_grant_until_ns(word);

	if (!peer->used || !m->answered_ns || grants_member_unwilling(c, m) ||
	    !map->own.silent_until_ns || now_ns < map->own.silent_until_ns)
		return false;
	if (!owns && is_barred(w, m, now_ns))
		return false;
	return owns || promised || has_released(peer, word) || now_ns >= peer->map.lease_until_ns;
}

static void stand_in_conf(const struct stand_in_watch *w, struct stand_in_conf *out)
{
	const struct conf *c = w->node->conf;
	uint64_t longest_ns = conf_longest_grant_ns(c);
	uint64_t sole_ns = vrrp_lease_ns((uint8_t)c->vrrp_version, 0, c->advert_ns);

	*out = (struct stand_in_conf){
		.length_ns = c->grant_ns,
		.longest_ns = longest_ns,
		.sole_ns = sole_ns < longest_ns ? sole_ns : longest_ns,
		.pulse_ns = c->pulse_ns,
		.each_ns = w->node->peers.each_ns,
		.adver_ns = c->advert_ns,
	};
}

/*
 * VRRP's timers are over. A handover or a claim that was under way, and does not come to its end
 * because the owner has died or is cut off, does not put that off.
 */
static bool is_overdue(const struct vrrp *v, uint64_t now_ns)
{
	return v->state == HOKM_VRRP_BACKUP && v->wants != HOKM_R_NONE &&
	       now_ns >= v->master_down_at_ns;
}

static uint64_t end_ns(const struct hokm_grants *map, unsigned int slot)
{
	return hokm_grant_end_ns(map->member[slot].end, map->wish_epoch);
}

/* As the map has it now: the last peers_read() may be a pulse old. */
static void look(const struct stand_in_watch *w, const struct vrrp *v, uint64_t now_ns,
		 struct stand_in_input *out)
{
	const struct hokm_grants *map = map_of(w);
	struct peer peer = w->node->peers.list[peer_slot(w)];
	struct hokm_peer now;
	uint64_t of_peer_ns = end_ns(map, peer_slot(w)), of_gateway_ns = end_ns(map, own_slot(w));

	if (!hokm_bpf_get_peer(w->node->bpf, peer_slot(w), &now))
		peer.map = now;
	out->owns = v->state == HOKM_VRRP_MASTER;
	out->stands = out->owns || v->state == HOKM_VRRP_BACKUP;
	out->overdue = is_overdue(v, now_ns);
	out->granted_ns = hokm_grants_end_ns(map);
	out->best_ns = later(of_peer_ns, of_gateway_ns);
	out->of_gateway = of_gateway_ns > of_peer_ns;
	out->peer_barred = is_barred(w, &map->member[peer_slot(w)], now_ns);
	out->barred_ns = map->own.silent_until_ns;
	out->answered_ns = map->gateway.answered_ns;
	out->sign_ns = peer.map.alive_ns;
	/* The answer is as new as the probe it answers: it may have been on its way for long. */
	out->seen_ns = peer.map.newest_sent_ns;
	/* It promised itself before it asked, for longer than it uses an answer. */
	out->lease_ns = later(peer.map.lease_until_ns, map->member[peer_slot(w)].held_until_ns);
}

/* The gateway is no member any more, or not in this slot: what it granted ends. */
static void forget(struct stand_in_watch *w)
{
	struct hokm_grants *map = map_of(w);
	struct hokm_gateway *g = &map->gateway;

	HOKM_GRANT_STORE(&g->stand_in, (__u8)HOKM_STAND_IN_NOTHING);
	/* A map in which none was used yet says nothing of the slot. */
	if (g->used_ns)
		hokm_grants_drop(map, g->member);
	HOKM_GRANT_STORE(&g->used_ns, 0);
}

/* What the packet path does with the next answer. */
static void tell(struct stand_in_watch *w)
{
	struct hokm_gateway *g = &map_of(w)->gateway;

	if (g->member != own_slot(w))
		forget(w);
	if (w->out.counts != g->stand_in)
		HOKM_GRANT_STORE(&g->stand_in, (__u8)HOKM_STAND_IN_NOTHING);
	HOKM_GRANT_STORE(&g->member, (__u8)own_slot(w));
	HOKM_GRANT_STORE(&g->peer, (__u8)peer_slot(w));
	HOKM_GRANT_STORE(&g->used_ns, hokm_grant_used_ns(w->out.length_ns));
	HOKM_GRANT_STORE(&g->silent_ns, w->out.silent_ns);
	HOKM_GRANT_STORE(&g->stand_in, (__u8)w->out.counts);
}

/* The gateway as decide/grants.h sees a member. */
static void show(struct stand_in_watch *w)
{
	struct hokm_grants *map = map_of(w);
	struct hokm_granted *m = &map->member[own_slot(w)];

	m->answered_ns = map->gateway.answered_ns;
	m->held_until_ns = w->out.free_at_ns;
	m->holder = 0;
	m->verdict = HOKM_VERDICT_NONE;
	m->seen_epoch = 0;
	m->longest_ns = 0;
}

void stand_in_watch_init(struct stand_in_watch *w, struct node *n, struct gateway_watch *g)
{
	memset(w, 0, sizeof(*w));
	w->node = n;
	w->gateway = g;
}

void stand_in_watch_step(struct stand_in_watch *w, const struct vrrp *v,
			 const struct grants_conf *c, uint64_t longer_ns, uint64_t now_ns)
{
	struct stand_in_input in = {.longer_ns = longer_ns};
	struct stand_in_conf s;

	if (!conf_stand_in(w->node->conf))
		forget(w);
	if (!conf_stand_in(w->node->conf) || !c->majority) {
		HOKM_GRANT_STORE(&map_of(w)->gateway.stand_in, (__u8)HOKM_STAND_IN_NOTHING);
		memset(&w->state, 0, sizeof(w->state));
		memset(&w->out, 0, sizeof(w->out));
		return;
	}
	stand_in_conf(w, &s);
	look(w, v, now_ns, &in);
	stand_in_step(&w->state, &s, &in, now_ns, &w->out);
	tell(w);
	show(w);
}

uint64_t stand_in_watch_ask(struct stand_in_watch *w, bool claim, uint64_t now_ns)
{
	const struct node *n = w->node;
	const struct peer *peer = &n->peers.list[peer_slot(w)];

	/* A question that is lost is asked again. */
	if (w->out.ask_gateway || (claim && w->out.counts == HOKM_STAND_IN_CLAIMS))
		gateway_watch_ask(w->gateway, now_ns);
	if (w->out.ask_peer)
		(void)apply_ask(n->apply, n->conf->nodes[n->conf->self].addr, peer->addr,
				peer->map.mac);
	return w->out.look_ns;
}
