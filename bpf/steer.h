/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steering: where a new connection goes, and the rewrite that sends a frame on.
 *
 * A frame is steered by its MAC addresses alone (direct server return): the peer's kernel takes it
 * because it keeps a local route for the VIP, and answers the client itself. VLAN tags in the data
 * stay as they are.
 */
#ifndef HOKM_BPF_STEER_H
#define HOKM_BPF_STEER_H

#include "event_send.h"
#include "peer_state.h"
#include "service_lookup.h"

/* Targets beside HOKM_LOCAL and slots of peers. */
#define TARGET_NONE HOKM_NO_PEER

static __always_inline __be32 service_tag(const struct packet *p)
{
	__u32 slot = p->service;
	const struct hokm_service *s = bpf_map_lookup_elem(&services, &slot);

	return s ? bpf_htonl(s->tag) : 0;
}

static __always_inline __u8 service_state(const struct packet *p)
{
	__u32 slot = p->service;
	const struct hokm_service *s = bpf_map_lookup_elem(&services, &slot);

	return s ? s->state : HOKM_SVC_INIT;
}

static __always_inline bool service_up_here(const struct packet *p)
{
	return service_state(p) == HOKM_SVC_UP && !is_suspect(p, p->service);
}

/*
 * Whom a node that is not the owner sends SYNs to: its successor, else the peer that holds a lease.
 */
static __always_inline __u8 owner_elsewhere(const struct packet *p, const struct hokm_own *o)
{
	if (p->now < o->successor_until_ns && peer_alive(p, o->successor))
		return o->successor;
	return owning_peer(p);
}

/* Target of a new connection; TARGET_NONE: fenced. */
static __always_inline __u8 target_of_new(const struct packet *p, const struct hokm_own *o,
					  bool owner)
{
	__u8 best;

	if (!owner)
		return owner_elsewhere(p, o);
	if (service_up_here(p))
		return HOKM_LOCAL;
	/* A service that may be ill is better than one that is known to be down. */
	best = best_up_peer(p, service_tag(p), service_state(p) != HOKM_SVC_UP);
	return best == HOKM_NO_PEER ? HOKM_LOCAL : best;
}

/*
 * Does a half-open entry's target still hold for the client's repeated SYN? A local server that has
 * answered keeps it, owner or not: the connection lives in its socket.
 */
static __always_inline bool target_holds(const struct packet *p, const struct hokm_half_open *half,
					 bool owner)
{
	if (half->isn != p->seg.seq)
		return false;
	/*
	 * What was refused here is refused here again: any word but "not up" of its new target is
	 * better.
	 */
	if (half->target != HOKM_LOCAL) {
		enum peer_service says = peer_service(p, half->target, service_tag(p));

		return says == PEER_UP ||
		       (says == PEER_SUSPECT && half->flags & HOKM_CONN_REPLAYED);
	}
	return half->tcp_state == HOKM_TCP_SYN_ACK || (owner && service_up_here(p));
}

/* The rewrite. Fails when an address is missing. */
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
