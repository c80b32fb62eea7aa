/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of peers, from the maps cfg, own and peers.
 *
 *   alive   the peer's kernel answered a pulse within peer_dead_ns
 *   fresh   it is alive, and its daemon showed a sign of life within daemon_stale_ns
 *   up      the peer is fresh, and its pulse says that the service is UP and not suspect: it may
 *           get new connections
 *   dead    no sign of life of any kind came for players_dead_ns: its connections are over, and
 *           their clients are notified (rule 11, docs/architecture.md)
 *
 * A peer is steerable when steered probes arrive there, as its answers say. Only then it gets what
 * it does not have yet.
 *
 * A peer that is neither alive nor dead keeps the connections that it has: their packets go on to
 * it. Signs of life are what the peer signed, an answer to a pulse, a probe, and a replication
 * message that the daemon verified; the word of a witness that such a probe came there; and, from
 * the MAC address that the last answer contained: an advert, a replication message, and any ARP
 * packet of the peer's own address. As long as no answer came, the MAC address is not known, and
 * these count from every MAC address after a sign that was signed. Silence counts only while the
 * daemon of this node asks.
 *
 * Times are compared as signed differences, because another CPU may have written a time that is a
 * little newer than the clock reading of this packet.
 */
#ifndef HOKM_BPF_PEER_STATE_H
#define HOKM_BPF_PEER_STATE_H

#include "packet.h"

/* Does the stamp lie less than `limit` before now? A stamp of 0 never does. */
static __always_inline bool within(__u64 stamp, __u64 now, __u64 limit)
{
	return stamp && (__s64)(now - stamp) < (__s64)limit;
}

/*
 * The peer of a slot, or NULL when the slot is not used. The verifier needs the mask to see the
 * bounds. barrier_var() keeps clang from removing it.
 */
static __always_inline struct hokm_peer *peer_get(const struct packet *p, __u32 slot)
{
	if (slot >= HOKM_MAX_PEERS)
		return NULL;
	barrier_var(slot);
	slot &= HOKM_MAX_PEERS - 1;
	if (!p->cfg->peer[slot].used)
		return NULL;
	return bpf_map_lookup_elem(&peers, &slot);
}

/*
 * Did this sign of the peer come within the limit?
 *
 * While the daemon of this node is dead or gets no CPU, it asks no peer, and no answers come. That
 * proves nothing about the peers, and connections on them go on. So the limit is counted up to the
 * daemon's last sign of life. A daemon that starts again shows a sign of life before the first
 * answer can come; from then on, a peer that was alive before the break has the whole limit again.
 */
static __always_inline bool sign_counts(const struct packet *p, __u64 seen, __u64 limit)
{
	__u64 asked = p->now;
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);

	if (o && o->daemon_ns && o->daemon_ns < asked)
		asked = o->daemon_ns;
	if (o && seen && seen < o->asking_ns && within(seen, o->asked_ns, limit))
		seen = o->asking_ns;
	return within(seen, asked, limit);
}

/* Does the peer answer the probes of this node? */
static __always_inline bool peer_answers(const struct packet *p, const struct hokm_peer *peer)
{
	return sign_counts(p, peer->seen_ns, p->cfg->peer_dead_ns);
}

/*
 * Does the network deliver steered frames to the peer? The daemon tests it. Connections that are
 * steered already go on, because a test that fails proves less than their packets.
 */
static __always_inline bool peer_steerable(__u32 slot)
{
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);

	return o && !(o->unsteerable >> (slot & (HOKM_MAX_PEERS - 1)) & 1);
}

/*
 * May packets of connections that the peer may have go there? Also while steering to it is not
 * tested yet, because the kernel of this node would reset these connections (rule 11).
 */
static __always_inline bool peer_may_hold(__u32 slot)
{
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);

	return o && !((o->unsteerable & ~o->untested) >> (slot & (HOKM_MAX_PEERS - 1)) & 1);
}

/* Does the peer answer, and is its MAC address known? */
static __always_inline bool peer_is_alive(const struct packet *p, const struct hokm_peer *peer)
{
	return peer_answers(p, peer) && !mac_is_zero(peer->mac);
}

static __always_inline bool peer_alive(const struct packet *p, __u32 slot)
{
	const struct hokm_peer *peer = peer_get(p, slot);

	return peer && peer_is_alive(p, peer);
}

/* The state of a service on a peer. */
enum peer_service {
	PEER_NOT_UP,
	PEER_SUSPECT, /* up, but suspect */
	PEER_UP,
};

/* The state of a service in the peer's last pulse. tag: the name of the service between nodes. */
static __always_inline enum peer_service peer_reported(const struct hokm_peer *peer, __be32 tag)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < HOKM_MAX_SERVICES; i++) {
		if (peer->svc[i].tag != tag)
			continue;
		if (peer->svc[i].state != HOKM_SVC_UP)
			return PEER_NOT_UP;
		return peer->svc[i].flags & HOKM_PULSE_SVC_SUSPECT ? PEER_SUSPECT : PEER_UP;
	}
	return PEER_NOT_UP;
}

/* Slot of the configured peer with this address, or HOKM_NO_PEER. */
static __always_inline __u8 peer_by_addr(const struct packet *p, __be32 addr)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < HOKM_MAX_PEERS; i++) {
		if (i >= p->cfg->n_peers)
			break;
		if (p->cfg->peer[i].used && addr_is(&p->cfg->peer[i].addr, addr))
			return place_found(i, addr, HOKM_MAX_PEERS - 1);
	}
	return HOKM_NO_PEER;
}

/*
 * The functions below ask much, most of them go through all peers. Each of them is a function of
 * its own for the verifier: inlined, it would be checked once for each path that leads to it. They
 * take scalars and read cfg again.
 */

/* Prepares a struct packet with what the functions above need. */
static __always_inline bool question_packet(struct packet *p, __u64 now)
{
	p->now = now;
	return cfg_read(p);
}

/* The state of a service on a peer, which must be alive, fresh and steerable. */
static __always_inline enum peer_service service_on_peer(const struct packet *p, __u32 slot,
							 __be32 tag)
{
	const struct hokm_peer *peer = peer_get(p, slot);

	if (!peer || !tag || !peer_is_alive(p, peer) || !peer_steerable(slot) ||
	    !within(peer->daemon_seen_ns, p->now, p->cfg->daemon_stale_ns))
		return PEER_NOT_UP;
	return peer_reported(peer, tag);
}

/* peer_service() as a function of its own: its result is enum peer_service. */
__noinline int peer_service_of(__u32 slot, __be32 tag, __u64 now)
{
	struct packet p = {};

	return question_packet(&p, now) ? service_on_peer(&p, slot, tag) : PEER_NOT_UP;
}

static __always_inline enum peer_service peer_service(const struct packet *p, __u32 slot,
						      __be32 tag)
{
	return peer_service_of(slot, tag, p->now);
}

/* peer_alive() as a function of its own, for paths that are not those of known connections. */
__noinline int peer_alive_at(__u32 slot, __u64 now)
{
	struct packet p = {};

	return question_packet(&p, now) && peer_alive(&p, slot);
}

/*
 * Is the peer dead? For peer_is_dead(), when its last sign is older than the limit. A peer that
 * never showed one is silent since this node asks.
 */
__noinline int peer_silent(__u32 slot, __u64 now)
{
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);
	const struct hokm_peer *peer;
	struct packet p = {};
	__u64 seen;

	if (!o || !question_packet(&p, now))
		return 1;
	peer = peer_get(&p, slot);
	if (!peer)
		return 1;
	seen = peer->alive_ns ? peer->alive_ns : o->asking_ns;
	return !sign_counts(&p, seen, p.cfg->players_dead_ns);
}

/* Are the connections of the peer over? Also when no peer has this slot. */
static __always_inline bool peer_is_dead(const struct packet *p, __u32 slot)
{
	const struct hokm_peer *peer = peer_get(p, slot);

	if (peer && within(peer->alive_ns, p->now, p->cfg->players_dead_ns))
		return false;
	return peer_silent(slot, p->now);
}

/*
 * Notes a sign of life of the peer with this address that is not verified here: it counts only from
 * the MAC address (mac: in the first six bytes) that the peer's signed answers contained. Before
 * the first answer it counts from every MAC address, if the peer signed something else before.
 */
__noinline int peer_sign(__be32 addr, __u64 mac, __u64 now)
{
	struct hokm_peer *peer;
	struct packet p = {};
	__u64 its = 0;
	bool counts;

	if (!mac || !question_packet(&p, now))
		return 0;
	peer = peer_get(&p, peer_by_addr(&p, addr));
	if (!peer)
		return 0;
	mac_copy(&its, peer->mac);
	counts = its ? its == mac : peer->alive_ns != 0;
	if (counts)
		peer->alive_ns = now;
	return counts;
}

/* The same for the packet, whose sender is packet.client. */
static __always_inline void note_sign(const struct packet *p)
{
	__u64 mac = 0;

	mac_copy(&mac, p->eth->h_source);
	peer_sign(p->client, mac, p->now);
}

/*
 * Notes the word of a witness that it heard the node with this address so long ago. A word that is
 * older than the limit says nothing, and none takes a newer sign back.
 */
__noinline int peer_heard(__be32 addr, __u64 age, __u64 now)
{
	struct hokm_peer *peer;
	struct packet p = {};
	__u64 seen;

	if (!question_packet(&p, now) || age >= p.cfg->players_dead_ns || age >= now)
		return 0;
	peer = peer_get(&p, peer_by_addr(&p, addr));
	if (!peer)
		return 0;
	seen = *(volatile __u64 *)&peer->alive_ns;
	if ((__s64)(now - age - seen) <= 0)
		return 0;
	/* Another CPU may have noted a sign of the peer itself meanwhile, which is newer. */
	return __sync_val_compare_and_swap(&peer->alive_ns, seen, now - age) == seen;
}

/* Publishes the MAC address of the peer for peer_of_mac(). */
static __always_inline void peer_mac_publish(__u32 slot, const void *mac)
{
	__u32 zero = 0;
	struct hokm_peer_macs *known = bpf_map_lookup_elem(&peer_macs, &zero);
	__u64 word = mac_word(mac);

	slot &= HOKM_MAX_PEERS - 1;
	if (known && known->peer[slot] != word)
		known->peer[slot] = word;
}

/*
 * The slot of the peer with this MAC address, as mac_word() gives it, or HOKM_NO_PEER. It costs
 * each known packet one look-up and a comparison for each peer, all in one cache line.
 */
static __always_inline __u32 peer_of_mac(const struct packet *p, __u64 mac)
{
	__u32 zero = 0;
	const struct hokm_peer_macs *known = bpf_map_lookup_elem(&peer_macs, &zero);

	if (!known || !mac)
		return HOKM_NO_PEER;
#pragma clang loop unroll(full)
	for (int i = 0; i < HOKM_MAX_PEERS; i++) {
		if (i >= p->cfg->n_peers)
			break;
		if (known->peer[i] == mac && p->cfg->peer[i].used)
			return i;
	}
	return HOKM_NO_PEER;
}

/* peer_of_mac() as a function of its own. */
__noinline int peer_by_mac(__u64 mac)
{
	struct packet p = {};

	return question_packet(&p, 0) ? peer_of_mac(&p, mac) : HOKM_NO_PEER;
}

/* Did a peer steer the frame here? Its source is then the MAC address of the peer. */
static __always_inline bool arrived_steered(const struct packet *p)
{
	return peer_by_mac(source_word(p->eth)) != HOKM_NO_PEER;
}

/*
 * The first alive and steerable peer in order of preference; without one the first that is not dead
 * and whose MAC address is known; else HOKM_NO_PEER.
 */
static __always_inline __u8 first_alive_peer(const struct packet *p)
{
	__u8 second = HOKM_NO_PEER;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct hokm_peer *peer;
		__u8 slot;

		if (i >= p->cfg->n_order)
			break;
		slot = p->cfg->order[i];
		peer = peer_get(p, slot);
		if (!peer || mac_is_zero(peer->mac) || !peer_may_hold(slot))
			continue;
		if (peer_answers(p, peer))
			return slot;
		if (second == HOKM_NO_PEER && !peer_is_dead(p, slot))
			second = slot;
	}
	return second;
}

/* best_up_peer() as a function of its own. */
__noinline int peer_best_up(__be32 tag, __u32 even_suspect, __u64 now)
{
	__u8 second = HOKM_NO_PEER;
	struct packet p = {};

	if (!question_packet(&p, now))
		return HOKM_NO_PEER;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < HOKM_MAX_PEERS; i++) {
		enum peer_service s;

		if (i >= p.cfg->n_order)
			break;
		s = service_on_peer(&p, p.cfg->order[i], tag);
		if (s == PEER_UP)
			return p.cfg->order[i];
		if (s == PEER_SUSPECT && second == HOKM_NO_PEER && even_suspect)
			second = p.cfg->order[i];
	}
	return second;
}

/*
 * The first peer in order of preference on which the service is up, or HOKM_NO_PEER. even_suspect:
 * a suspect one when there is no other.
 */
static __always_inline __u8 best_up_peer(const struct packet *p, __be32 tag, bool even_suspect)
{
	return peer_best_up(tag, even_suspect, p->now);
}

/* owning_peer() as a function of its own. */
__noinline int peer_with_lease(__u64 now)
{
	const struct hokm_peer *peer;
	struct packet p = {};

	if (!question_packet(&p, now))
		return HOKM_NO_PEER;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < HOKM_MAX_PEERS; i++) {
		if (i >= p.cfg->n_peers)
			break;
		peer = peer_get(&p, i);
		if (peer && peer_is_alive(&p, peer) && peer->lease_until_ns > now &&
		    peer_steerable(i))
			return i;
	}
	return HOKM_NO_PEER;
}

/* The alive and steerable peer that holds a valid lease, or HOKM_NO_PEER. */
static __always_inline __u8 owning_peer(const struct packet *p)
{
	return peer_with_lease(p->now);
}

#endif
