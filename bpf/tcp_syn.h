/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP from clients, the handshake: SYNs, and the packets of half-open connections.
 *
 *   syn_ingress            a new SYN, or the repetition of one: chooses the target and enters it
 *                          into half_open
 *   half_open_complete     the ACK that completes the handshake: moves the entry to conns
 *   handshake_ingress      any other packet of a half-open connection
 *
 * Invariants
 *  - A SYN is delivered here or steered to a peer; it is dropped only by a node that is not owner
 *    and knows no owner (the fence, architecture rule 1).
 *  - A repeated SYN follows the first one as long as its target can still serve it.
 *  - A SYN whose connection is in conns and is not over goes where that connection goes. The kernel
 *    there answers it with a challenge ACK (RFC 5961 section 4).
 */
#ifndef HOKM_BPF_TCP_SYN_H
#define HOKM_BPF_TCP_SYN_H

#include "half_open.h"
#include "holder.h"
#include "service_lookup.h"
#include "socket_lookup.h"
#include "steer.h"
#include "syn_replay.h"
#include "tcp_known.h"
#include "tcp_unknown.h"

/*
 * Does the SYN begin another connection with the same port? The client closed the old one with FIN.
 * A node that only steers never sees the server's FIN, so its entry is not marked as closed.
 */
static __always_inline bool client_reuses_port(const struct packet *p, const struct hokm_conn *c)
{
	return c->target != HOKM_LOCAL && c->tcp_state == HOKM_TCP_FIN_CLIENT &&
	       c->isn != p->seg.seq;
}

/* Does the connection of the entry still exist where the entry says? Then its SYN goes there. */
static __always_inline bool syn_is_known(const struct packet *p, const struct hokm_conn_key *k,
					 const struct hokm_conn *c, bool steered)
{
	if (conn_ended(c) || client_reuses_port(p, c))
		return false;
	if (c->target == HOKM_LOCAL || steered)
		return socket_of(p) == SOCKET_LIVE;
	/*
	 * The connection may be over without this node having seen it. A peer that accepts no new
	 * connections gets the SYN only if the replica still names it as the holder. While guesses
	 * are given the replica may not know it, and anybody could end a player by a SYN.
	 */
	if (peer_service(p, c->target, service_tag(p)) != PEER_NOT_UP ||
	    (guesses_given(p) && !peer_is_dead(p, c->target)))
		return true;
	return holder_find(k, p->now) == (c->target | HOLDER_ALIVE);
}

/* Counts the SYN and returns the verdict for its target. */
static __always_inline enum verdict syn_deliver(struct packet *p, __u8 target, bool steered,
						bool owner)
{
	if (target == HOKM_LOCAL) {
		COUNT(p, syn_local);
		if (steered)
			COUNT(p, syn_steered_in);
		return PASS;
	}
	p->target = target;
	if (owner)
		COUNT(p, steered_syn);
	else
		COUNT(p, steered_owner);
	return STEER;
}

/*
 * Enters the SYN into half_open. A repeated SYN with the same target is only counted; one with
 * another target takes the place of the first.
 */
static __always_inline void half_open_enter(struct packet *p, const struct hokm_conn_key *k,
					    struct hokm_half_open_set *set,
					    struct hokm_half_open *half, __u8 target, bool steered)
{
	__u8 flags = steered ? HOKM_CONN_STEERED_IN : 0;

	if (half && half->isn == p->seg.seq) {
		if (half->target == target) {
			if (flags & ~half->flags)
				half_open_flag(half, flags);
			half_open_count_in(half, p);
			return;
		}
		flags |= half->flags & HOKM_CONN_REPLAYED;
	}
	if (target != HOKM_LOCAL) {
		p->event = HOKM_EV_STEERED;
		p->target = target;
		p->tcp_state = HOKM_TCP_SYN;
	}
	if (!half)
		half = half_open_place(p, set);
	if (!half)
		return;
	half_open_init(half, p, k, target, flags);
	if (target == HOKM_LOCAL && !steered)
		half->syn_kept = syn_keep(p->ctx, half_open_syn(half), p->l3 - (void *)p->eth);
	half_open_count_in(half, p);
}

/* A SYN: its target is that of the connection, of the first SYN, or of a new connection. */
static __always_inline enum verdict syn_ingress(struct packet *p, const struct hokm_conn_key *k)
{
	bool steered = arrived_steered(p);
	__u64 hash = hokm_conn_hash(p->cfg->hash_seed, k);
	/* Before the look-up in conns: both miss the caches, and the CPU waits for both at once. */
	struct hokm_half_open_set *set = half_open_set_at(p, hash);
	struct hokm_half_open *half = half_open_find(set, k);
	struct hokm_conn *c = conn_bit_is_set(hash) ? bpf_map_lookup_elem(&conns, k) : NULL;
	bool owner = is_owner(p->now);
	__u8 target = HOKM_LOCAL;

	COUNT(p, syn);
	if (steered)
		COUNT(p, steered_in);
	if (c) {
		if (syn_is_known(p, k, c, steered)) {
			target = steered ? HOKM_LOCAL : c->target;
			if (!stray_allowed(p->now, target, p->client))
				return DROP_FOR(p, drop_stray);
			return syn_deliver(p, target, steered, owner);
		}
		wait_give_up(p, c);
		if (!conn_ended(c))
			change_send(p, HOKM_CHANGE_CLOSE);
		bpf_map_delete_elem(&conns, k);
	}
	if (!steered) {
		if (half && half->isn == p->seg.seq && target_holds(half, p->service, p->now))
			target = half->target;
		else
			target = syn_target(p->service, p->now);
	}
	if (target == TARGET_NONE)
		return DROP_FOR(p, drop_syn_fenced);
	half_open_enter(p, k, set, half, target, steered);
	return syn_deliver(p, target, steered, owner);
}

/*
 * Did the peer accept the connection of this SYN? The SYN-ACK does not pass this node, so only the
 * peer can say it, by replication. Until then the connection stays half-open, and its packets go to
 * the peer all the same. Without replication the client's word must do.
 */
static __always_inline bool peer_completed(const struct packet *p, const struct hokm_conn_key *k,
					   const struct hokm_half_open *half)
{
	__u32 sent = p->seg.seq - half->isn - 1;

	if (!p->cfg->repl_port)
		return !sent;
	return sent < HANDSHAKE_BYTES && holder_has(k, half->target, half->isn);
}

/*
 * Does it acknowledge the SYN-ACK of the local server, which the egress program saw? Any segment
 * does that the kernel takes, also a later one than the first, which was lost or is on its way.
 */
static __always_inline bool server_completed(const struct packet *p,
					     const struct hokm_half_open *half)
{
	return p->seg.seq - half->isn - 1 < HANDSHAKE_BYTES &&
	       half->tcp_state == HOKM_TCP_SYN_ACK && p->seg.ack == half->server_next;
}

/*
 * Does the packet prove that the handshake is complete? A sender of forged packets, which does not
 * see the SYN-ACK, cannot fill conns.
 */
static __always_inline bool completes_handshake(
	const struct packet *p, const struct hokm_conn_key *k, const struct hokm_half_open *half)
{
	if (!(p->seg.flags & TCP_FLAG_ACK) || p->seg.flags & TCP_FLAG_RST)
		return false;
	if (half->target != HOKM_LOCAL)
		return peer_completed(p, k, half);
	return server_completed(p, half);
}

/* The client reset its attempt; only the exact sequence number counts (RFC 5961 section 3.2). */
static __always_inline void half_open_client_reset(struct packet *p, struct hokm_half_open *half)
{
	if (p->seg.seq != half->isn + 1)
		return;
	COUNT(p, rst_client);
	half_open_free(half);
}

/*
 * If the packet completes the handshake, moves its entry to conns. Returns NULL if not, when conns
 * is full, and when another CPU has replaced the half-open entry meanwhile.
 */
static __always_inline struct hokm_conn *half_open_complete(
	struct packet *p, const struct hokm_conn_key *k, struct hokm_half_open *half)
{
	__u64 generation = half_open_generation(half);
	struct hokm_conn *c = conn_work();
	__u8 target;

	if (!c || !completes_handshake(p, k, half))
		return NULL;
	half_open_to_conn(half, p, c);
	if (!half_open_is(half, k, generation))
		return NULL;
	target = c->target;
	if (target != HOKM_LOCAL && !p->cfg->repl_port) {
		/* There is no replica that could give its numbers (vouch.h). */
		c->c2s.ack = p->seg.ack;
		c->vouched = vouch_pack(p->seg.seq, p->seg.ack);
	}
	c->tcp_state = HOKM_TCP_ESTABLISHED;
	conn_opened(p, c);
	if (!conn_store(p, k))
		return NULL;
	if (target == HOKM_LOCAL)
		change_send(p, HOKM_CHANGE_OPEN);
	half_open_free_if(half, generation);
	return bpf_map_lookup_elem(&conns, k);
}

/* A packet that does not complete the handshake of its half-open entry, or finds conns full. */
static __always_inline enum verdict handshake_ingress(
	struct packet *p, const struct hokm_conn_key *k, struct hokm_half_open *half)
{
	bool steered;
	__u8 target;

	if (half->target == HOKM_LOCAL && !(p->seg.flags & TCP_FLAG_RST) &&
	    !server_completed(p, half))
		return unknown_ingress(p, k, half, socket_of(p));
	steered = arrived_steered(p);
	if (steered) {
		COUNT(p, steered_in);
		half->target = HOKM_LOCAL;
		half_open_flag(half, HOKM_CONN_STEERED_IN);
	} else if (half_open_is_foreign(p, k, half)) {
		return second_chance(p, k);
	}
	target = half->target;
	if (p->seg.flags & TCP_FLAG_RST)
		half_open_client_reset(p, half);
	return to_target(p, target);
}

#endif
