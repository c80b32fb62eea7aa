/* SPDX-License-Identifier: GPL-2.0-only */
/* See announcing.h. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/announcing.h"
#include "daemon/node.h"

#define LOOK_NS NS_PER_S

/*
 * The most hosts that are asked, so that a long table of routes makes no flood. Some switches shut
 * a port from which more than 15 ARP packets come in a second.
 */
#define ASKED_MAX 4

static struct announce_conf conf_of(const struct announcing *a)
{
	const struct conf *c = a->node->conf;

	return (struct announce_conf){
		.count = c->garp_count,
		.gap_ns = c->garp_gap_ns,
		.delay_ns = c->garp_delay_ns,
		.refresh_ns = c->garp_refresh_ns,
	};
}

/* Its own address is announced by one burst. */
static struct announce_conf conf_of_self(const struct announcing *a)
{
	const struct conf *c = a->node->conf;

	return (struct announce_conf){.count = c->garp_count, .gap_ns = c->garp_gap_ns};
}

void announcing_open(struct announcing *a, struct node *n)
{
	a->node = n;
}

void announcing_vips(struct announcing *a)
{
	struct announce_conf c = conf_of(a);

	announce_burst(&a->vips, &c, clock_now_ns());
}

void announcing_self(struct announcing *a)
{
	struct announce_conf c = conf_of_self(a);

	announce_burst(&a->self, &c, clock_now_ns());
}

void announcing_once(struct announcing *a)
{
	struct announce_conf c = conf_of(a);

	announce_once(&a->vips, &c, clock_now_ns());
}

void announcing_end(struct announcing *a)
{
	announce_end(&a->vips);
}

/*
 * Hosts that a new owner asks in the name of the VIPs: the gateways of the routes, and the one of
 * the configuration, which may be in another table of routes; or a peer if there is none.
 */
static unsigned int find_asked(const struct node *node, struct in_addr out[ASKED_MAX])
{
	const struct conf *c = node->conf;
	const struct in_addr *gateways;
	unsigned int found = apply_gateways(node->apply, &gateways), n = 0;

	if (c->gateway.s_addr)
		out[n++] = c->gateway;
	for (unsigned int i = 0; i < found && n < ASKED_MAX; i++)
		if (gateways[i].s_addr != c->gateway.s_addr)
			out[n++] = gateways[i];
	for (unsigned int i = 0; !n && i < c->n_nodes; i++)
		if (i != c->self)
			out[n++] = c->nodes[i].addr;
	return n;
}

/* Has the first or the last packet of a burst, or a single one, just been sent? */
static bool is_asking(const struct announcing *a, const struct announce_conf *c)
{
	return !a->vips.left || a->vips.left + 1 == c->count;
}

static void ask_as_vips(const struct announcing *a)
{
	static const unsigned char everybody[6];
	const struct node *n = a->node;
	struct in_addr asked[ASKED_MAX];
	unsigned int n_asked = find_asked(n, asked);

	/* A question that is lost is asked again. */
	for (unsigned int v = 0; v < n->want.n_vips; v++)
		for (unsigned int i = 0; i < n_asked; i++)
			(void)apply_ask(n->apply, n->want.vips[v], asked[i], everybody);
}

void announcing_send(struct announcing *a)
{
	struct announce_conf vips = conf_of(a), self = conf_of_self(a);
	const struct node *n = a->node;
	uint64_t now_ns = clock_now_ns();

	if (announce_step(&a->self, &self, now_ns))
		apply_announce(n->apply, n->conf->nodes[n->conf->self].addr);
	if (!announce_step(&a->vips, &vips, now_ns))
		return;
	apply_garp(n->apply, &n->want);
	if (is_asking(a, &vips))
		ask_as_vips(a);
}

uint64_t announcing_next_ns(const struct announcing *a)
{
	uint64_t vips_ns = a->vips.next_ns, self_ns = a->self.next_ns;

	if (!vips_ns || !self_ns)
		return vips_ns ? vips_ns : self_ns;
	return vips_ns < self_ns ? vips_ns : self_ns;
}

/* ---- at a node that is not owner ---- */

/* Packets of clients that no peer steered here. */
static uint64_t count_direct(const struct node *n)
{
	uint64_t direct = 0;

	for (unsigned int s = 0; s < n->services.n; s++) {
		struct hokm_counters c;

		if (!hokm_bpf_get_counters(n->bpf, n->services.list[s].slot, &c))
			direct += c.packets_in - c.steered_in;
	}
	return direct;
}

/* The packet path reads it from map own for its answers to pulses. */
static void show(const struct announcing *a, bool misdirected)
{
	struct apply_want *want = &a->node->want;

	if (want->own.misdirected == misdirected)
		return;
	want->own.misdirected = misdirected;
	(void)apply_own(a->node->apply, want); /* a failure is logged there */
}

static void look_here(struct announcing *a, bool owner, uint64_t now_ns)
{
	if (now_ns < a->look_ns)
		return;
	a->look_ns = now_ns + LOOK_NS;
	show(a,
	     misdirected_look(&a->misdirected, owner, owner ? 0 : count_direct(a->node), now_ns));
}

/* ---- at the owner ---- */

static void report(const struct announcing *a, unsigned int slot)
{
	enum hokm_reason why = HOKM_R_STALE_ARP;
	const char *name = a->node->peers.list[slot].name;

	log_warn("peer %s reason=%s (%s): this node announces the VIP again, at most every %llu s",
		 name, hokm_reason_name(why), hokm_reason_text(why), ANNOUNCE_GAP_NS / NS_PER_S);
	events_add(a->node->events, "peer", why, "%s: %s", name, hokm_reason_text(why));
}

static bool says_misdirected(const struct peers *p, unsigned int slot, uint64_t now_ns)
{
	return p->list[slot].used && p->list[slot].map.flags & HOKM_PULSE_MISDIRECTED &&
	       peers_sight(p, slot, now_ns).fresh;
}

static struct announce_signs read_signs(const struct announcing *a, bool owner, uint64_t now_ns)
{
	const struct peers *p = &a->node->peers;
	struct announce_signs s = {.owner = owner};

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		const struct peer *peer = &p->list[slot];

		if (peer->used && peer->map.since_ns > s.joined_ns)
			s.joined_ns = peer->map.since_ns;
		s.misdirected |= says_misdirected(p, slot, now_ns);
	}
	return s;
}

/* A peer is reported once, when its word leads to a burst, as long as it goes on. */
static void note_peers(struct announcing *a, bool owner, bool burst, uint64_t now_ns)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		bool says = owner && says_misdirected(&a->node->peers, slot, now_ns);

		if (says && burst && !a->misdirects[slot])
			report(a, slot);
		a->misdirects[slot] = says && (burst || a->misdirects[slot]);
	}
}

void announcing_tick(struct announcing *a, bool owner, bool rival, uint64_t now_ns)
{
	struct announce_conf c = conf_of(a);
	struct announce_signs s = read_signs(a, owner && !rival, now_ns);
	bool burst = announce_look(&a->vips, &c, &s, now_ns);

	look_here(a, owner, now_ns);
	note_peers(a, owner, burst, now_ns);
	a->repeated += burst && s.misdirected;
	if (burst)
		announcing_send(a);
}

bool announcing_misdirects(const struct announcing *a, unsigned int slot)
{
	return slot < HOKM_MAX_PEERS && a->misdirects[slot];
}
