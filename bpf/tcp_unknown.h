/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP from clients, unknown connections: neither conns nor half_open accounts for the packet.
 *
 *   a local socket has the connection   deliver locally, and enter it into conns
 *   a valid SYN cookie of a listener    the same
 *   a peer steered the packet here      deliver locally; a second hop could become a loop
 *   the replica names a holder          enter it into conns, and steer to it; DEAD when it is dead
 *   an alive peer may hold it           steer to it, within limits, and enter nothing: guess.h
 *   else                                pass to the kernel, whose RST is the honest answer
 *
 * Only what a live socket, a valid cookie or the replica vouches for is entered into conns. Nobody
 * outside can fill it with packets of connections that do not exist.
 *
 * Rules: a connection stays with its local socket, owner or not (architecture rule 2), and a
 * steered packet is steered at most once more (architecture rule 3).
 */
#ifndef HOKM_BPF_TCP_UNKNOWN_H
#define HOKM_BPF_TCP_UNKNOWN_H

#include "guess.h"
#include "half_open.h"
#include "holder.h"
#include "peer_state.h"
#include "socket_lookup.h"

/*
 * Enters a connection into conns that a local socket has and whose beginning this node did not see.
 * The packet does not tell its numbers, because anybody may have sent it. The next segment of the
 * server does (vouch.h).
 */
static __always_inline void conn_enter(struct packet *p, const struct hokm_conn_key *k)
{
	struct hokm_conn *c = conn_work();

	if (!c)
		return;
	conn_init(c, p, HOKM_TCP_ESTABLISHED, HOKM_LOCAL, HOKM_CONN_ADOPTED | HOKM_CONN_OPENED);
	if (conn_store(p, k))
		change_send(p, HOKM_CHANGE_OPEN);
}

/*
 * The peer that gets the packet, with HOLDER_ALIVE, HOLDER_DEAD or GUESS_LIMITED; HOKM_NO_PEER when
 * the packet is nobody's. enter: a connection whose holder is named is entered into conns.
 *
 * A function of its own for the verifier, for the reason given at event_conn().
 */
__noinline int chance_find(const struct hokm_conn_key *k, __u64 now, __u32 enter)
{
	int chance;

	if (!k)
		return HOKM_NO_PEER;
	chance = holder_find(k, now);
	if (chance == HOKM_NO_PEER)
		return guess_peer(k, now, HOKM_NO_PEER);
	if (enter && chance & HOLDER_ALIVE)
		holder_enter(k, now);
	return chance;
}

/*
 * The packet may be the ACK of a handshake whose SYN went to a peer. Not in chance_find(), because
 * of the stack: a chain of calls has 512 bytes.
 */
static __always_inline int lost_syn_chance(const struct packet *p, const struct hokm_conn_key *k)
{
	int peer = lost_syn_peer(k, p->now);

	return peer == HOKM_NO_PEER ? peer : guess_peer(k, p->now, peer);
}

/* The packet goes to the holder that the replica names, or it is guessed who may hold it. */
static __always_inline enum verdict second_chance(struct packet *p, const struct hokm_conn_key *k)
{
	int chance = chance_find(k, p->now, !(p->seg.flags & TCP_FLAG_RST));

	if (chance == HOKM_NO_PEER && p->seg.flags & TCP_FLAG_ACK)
		chance = lost_syn_chance(p, k);
	p->target = chance & 0xff;
	if (chance & HOLDER_DEAD)
		return DEAD;
	if (chance & GUESS_LIMITED)
		return DROP_FOR(p, drop_guess);
	if (p->target == HOKM_NO_PEER) {
		COUNT(p, unknown_pass);
		return PASS;
	}
	if (chance & HOLDER_ALIVE)
		COUNT(p, steered_holder);
	COUNT(p, second_chance);
	p->event = HOKM_EV_SECOND_CHANCE;
	p->tcp_state = HOKM_TCP_ESTABLISHED;
	return STEER;
}

/* Bytes that a client may send before its handshake is complete: far less than this. */
#define HANDSHAKE_BYTES (1U << 20)

/*
 * Does the half-open entry belong to another connection than the packet? Anybody may have sent its
 * SYN, or an attempt with the same port failed long ago. A replica says that a peer holds the
 * connection of the packet.
 */
static __always_inline bool half_open_is_foreign(
	const struct packet *p, const struct hokm_conn_key *k, const struct hokm_half_open *half)
{
	return half && p->seg.seq - half->isn > HANDSHAKE_BYTES &&
	       holder_find(k, p->now) & (HOLDER_ALIVE | HOLDER_DEAD);
}

/*
 * The packet establishes a connection of which only its SYN cookie is known. Its frames are
 * tracked from the packet that follows; what this one carries, if anything, is not read.
 */
static __always_inline enum verdict cookie_ingress(struct packet *p, const struct hokm_conn_key *k)
{
	struct hokm_conn *c = conn_work();

	COUNT(p, local_socket);
	if (!c)
		return PASS;
	conn_init(c, p, HOKM_TCP_ESTABLISHED, HOKM_LOCAL, 0);
	c->isn = p->seg.seq - 1;
	c->vouched = vouch_pack(p->seg.seq, p->seg.ack);
	flow_track(&c->c2s, p);
	if (!p->seg.payload) {
		ws_begin(&c->c2s.ws, p->seg.seq);
		ws_begin(&c->s2c.ws, p->seg.ack);
	}
	conn_opened(p, c);
	if (conn_store(p, k))
		change_send(p, HOKM_CHANGE_OPEN);
	return PASS;
}

/*
 * half: the half-open entry of the packet, which the packet does not complete; may be NULL. here:
 * what the sockets of this node say.
 */
static __always_inline enum verdict unknown_ingress(struct packet *p, const struct hokm_conn_key *k,
						    struct hokm_half_open *half,
						    enum socket_here here)
{
	bool steered = arrived_steered(p);

	if (steered)
		COUNT(p, steered_in);
	if (here == SOCKET_COOKIE)
		return cookie_ingress(p, k);
	if (!steered && here != SOCKET_LIVE && half_open_is_foreign(p, k, half))
		return second_chance(p, k);
	if (here == SOCKET_BRIEF || here == SOCKET_LIVE) {
		COUNT(p, local_socket);
		if (here == SOCKET_LIVE && !(p->seg.flags & TCP_FLAG_RST)) {
			conn_enter(p, k);
			if (half)
				half_open_free(half);
		}
		return PASS;
	}
	if (steered || half) {
		COUNT(p, unknown_pass);
		return PASS;
	}
	return second_chance(p, k);
}

#endif
