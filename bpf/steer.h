/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steering: the target of a new connection, and the rewrite that sends a frame to a peer.
 *
 * Only the MAC addresses of a frame are rewritten (direct server return). The peer's kernel accepts
 * the frame because it has a local route for the VIP, and answers the client itself. VLAN tags in
 * the data stay as they are.
 */
#ifndef HOKM_BPF_STEER_H
#define HOKM_BPF_STEER_H

#include "event_send.h"
#include "peer_state.h"
#include "service_lookup.h"

/* Target of a SYN that must be dropped. */
#define TARGET_NONE HOKM_NO_PEER

static __always_inline const struct hokm_service *service_get(const struct packet *p)
{
	__u32 slot = p->service;

	return bpf_map_lookup_elem(&services, &slot);
}

/* The name of a service between nodes; 0: it has none. s may be NULL. */
static __always_inline __be32 tag_of(const struct hokm_service *s)
{
	return s ? bpf_htonl(s->tag) : 0;
}

static __always_inline __u8 state_of(const struct hokm_service *s)
{
	return s ? s->state : HOKM_SVC_INIT;
}

static __always_inline __be32 service_tag(const struct packet *p)
{
	return tag_of(service_get(p));
}

/* Is the service UP on this node and not suspect? */
static __always_inline bool service_up_here(const struct packet *p, const struct hokm_service *s)
{
	return state_of(s) == HOKM_SVC_UP && !is_suspect(p, p->service);
}

/* Is the peer alive, and do steered frames arrive there? */
static __always_inline bool peer_in_reach(const struct packet *p, __u32 slot)
{
	return peer_alive_at(slot, p->now) && peer_steerable(slot);
}

/* The peer in reach to which this node has promised that it acknowledges no other owner. */
static __always_inline __u8 granted_peer(const struct packet *p)
{
	__u32 zero = 0, slot;
	const volatile struct hokm_grants *g = bpf_map_lookup_elem(&grants, &zero);
	__u64 word = g ? g->own.word : 0;

	slot = hokm_grant_member(word) - HOKM_GRANT_PEER(0);
	if (slot >= HOKM_MAX_PEERS || p->now >= hokm_grant_until_ns(word) ||
	    !peer_in_reach(p, slot))
		return HOKM_NO_PEER;
	return slot;
}

/*
 * The peer to which a node that is not owner steers SYNs. The one that has its promise asks to be
 * owner, and its next pulse will say that it is. What this node knows else is older: the successor
 * of its handover, and the lease that a peer has shown.
 */
static __always_inline __u8 owner_elsewhere(const struct packet *p, const struct hokm_own *o)
{
	__u8 granted = granted_peer(p);

	if (granted != HOKM_NO_PEER)
		return granted;
	if (p->now < o->successor_until_ns && peer_in_reach(p, o->successor))
		return o->successor;
	return owning_peer(p);
}

/*
 * The target of a SYN that reaches a node without a lease. Between the end of a lease and the
 * gratuitous ARP of the next owner no owner is known, and a daemon that was killed asks no peer any
 * more. The best peer that was alive with the service UP when this node asked last can serve the
 * client: a node accepts steered packets, owner or not. After OWNERLESS_NS that knowledge is too
 * old.
 */
#define OWNERLESS_NS (60 * 1000000000ULL)
static __always_inline __u8 target_without_lease(const struct packet *p, const struct hokm_own *o)
{
	__u64 asked_ns = o->daemon_ns < p->now ? o->daemon_ns : p->now;
	__u8 target = owner_elsewhere(p, o);

	if (target == TARGET_NONE && within(owner_until(), p->now, OWNERLESS_NS))
		target = peer_best_up(service_tag(p), true, asked_ns);
	return target;
}

/* The target of a new connection, or TARGET_NONE when this node is not owner and knows no owner. */
static __always_inline __u8 target_of_new(const struct packet *p, const struct hokm_own *o,
					  bool owner)
{
	const struct hokm_service *s;
	__u8 best;

	if (!owner)
		return target_without_lease(p, o);
	s = service_get(p);
	if (service_up_here(p, s))
		return HOKM_LOCAL;
	/* A suspect service is better than one that failed its checks. */
	best = best_up_peer(p, tag_of(s), state_of(s) != HOKM_SVC_UP);
	return best == HOKM_NO_PEER ? HOKM_LOCAL : best;
}

/*
 * target_of_new() as a function of its own for the verifier, which would else check it once for
 * each way that leads to it. slot: of the service.
 */
__noinline int syn_target(__u32 slot, __u64 now)
{
	struct packet p = {.service = slot};
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);

	if (!o || !question_packet(&p, now))
		return TARGET_NONE;
	return target_of_new(&p, o, is_owner(now));
}

/*
 * Is the target of the half-open entry still right for the client's repeated SYN? A local server
 * that has answered keeps the connection, owner or not, because its socket has it (architecture
 * rule 2). A function of its own for the same reason; to the verifier half may be NULL.
 */
__noinline int target_holds(const struct hokm_half_open *half, __u32 slot, __u64 now)
{
	struct packet p = {.service = slot};
	enum peer_service there;

	if (!half || !question_packet(&p, now))
		return 0;
	if (half->target == HOKM_LOCAL)
		return half->tcp_state == HOKM_TCP_SYN_ACK ||
		       (is_owner(now) && service_up_here(&p, service_get(&p)));
	/*
	 * A SYN that was refused here would be refused here again, so its new target keeps it
	 * unless the service is not up there.
	 */
	there = peer_service(&p, half->target, service_tag(&p));
	return there == PEER_UP || (there == PEER_SUSPECT && half->flags & HOKM_CONN_REPLAYED);
}

/* Rewrites the frame for the peer p->target. It is dropped when a MAC address is not known. */
static __always_inline enum verdict steer(struct packet *p)
{
	const struct hokm_peer *peer = peer_get(p, p->target);

	if (!peer || mac_is_zero(peer->mac) || mac_is_zero(p->cfg->mac))
		return DROP_FOR(p, drop_steer_fault);
	mac_copy(p->eth->h_dest, peer->mac);
	mac_copy(p->eth->h_source, p->cfg->mac);
	return REPLY;
}

#endif
