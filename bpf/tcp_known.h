/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP from clients, known connections: the packet has an entry in conns. Most of them went the fast
 * path (known_fast.h), which does the same, and are not seen here.
 *
 * Invariants
 *  - A packet goes to the target of its entry, also to a peer that is silent and not dead yet. A
 *    target that is a dead peer gives DEAD, which dead_peer.h carries out at the end of the
 *    pipeline.
 *  - A packet that a peer steered here makes at most one hop more, to the holder that the replica
 *    names, and never back to its sender (rule 3, docs/architecture.md).
 */
#ifndef HOKM_BPF_TCP_KNOWN_H
#define HOKM_BPF_TCP_KNOWN_H

#include "conn_track.h"
#include "guess.h"
#include "peer_state.h"
#include "socket_lookup.h"
#include "whereabouts.h"

/*
 * The verdict for a target. DEAD: the target is a dead peer; dead_peer.h notifies the client,
 * unless a local socket has the connection after all.
 */
static __always_inline enum verdict to_target(struct packet *p, __u8 target)
{
	if (target == HOKM_LOCAL)
		return PASS;
	p->target = target;
	if (peer_is_dead(p, target))
		return DEAD;
	COUNT(p, steered_conn);
	return STEER;
}

/*
 * Counts a packet that a peer's MAC sent. The MAC proves nothing, because a network may show one
 * MAC for every host. A live socket of this node does: an entry that names a peer then is out of
 * date, and becomes local.
 */
static __always_inline void note_arrival(struct packet *p, struct hokm_conn *c, bool steered)
{
	if (!steered)
		return;
	COUNT(p, steered_in);
	if (!(c->flags & HOKM_CONN_STEERED_IN))
		conn_flag(c, HOKM_CONN_STEERED_IN);
	if (c->target == HOKM_LOCAL || socket_of(p) != SOCKET_LIVE)
		return;
	c->target = HOKM_LOCAL;
	change_send(p, HOKM_CHANGE_OPEN);
}

/*
 * The verdict on a packet that a peer steered here. The local kernel would reset a connection that
 * it does not have, so it gets only what is local and what no replica names a holder of. A holder
 * that the replica names gets the packet by one hop more. If that holder is the peer that sent it,
 * the two nodes name each other: the packet is dropped, and TCP repeats it.
 */
static __always_inline enum verdict arrived(struct packet *p, const struct hokm_conn *c)
{
	struct hokm_conn_key key;
	__u64 mac = 0;
	int holder;

	if (c->target == HOKM_LOCAL)
		return PASS;
	conn_key(&key, p);
	mac_copy(&mac, p->eth->h_source);
	holder = arrival_holder(&key, mac, p->now);
	if (holder == HOKM_NO_PEER)
		return PASS;
	if (holder == HOLDER_SENT)
		return DROP_FOR(p, drop_steer_loop);
	p->target = holder;
	COUNT(p, steered_again);
	return STEER;
}

/* Does the packet fit its connection? */
static __always_inline bool fits_conn(const struct packet *p, const struct hokm_conn *c)
{
	__u64 numbers = vouch_pack(p->seg.seq, p->seg.ack);
	__u32 rst = p->seg.flags & TCP_FLAG_RST;

	if (segment_fits(c, numbers, rst))
		return true;
	if (c->target == HOKM_LOCAL || rst)
		return false;
	return vouch_anew(p->client, (__u32)p->client_port << 16 | p->service, numbers);
}

/*
 * Tracks a packet from client to server. One that does not fit its connection changes nothing. It
 * goes to the kernel of the holder all the same, which judges it by what it knows. Returns false
 * when the holder is a peer and the limit for such packets is reached.
 */
static __always_inline bool track_known(struct packet *p, struct hokm_conn *c, bool steered)
{
	if (fits_conn(p, c)) {
		conn_track_in(p, c);
		return true;
	}
	COUNT(p, out_of_window);
	return steered || stray_allowed(p->now, c->target, p->client);
}

static __always_inline enum verdict known_ingress(struct packet *p, struct hokm_conn *c)
{
	bool steered = arrived_steered(p);

	note_arrival(p, c, steered);
	if (!track_known(p, c, steered))
		return DROP_FOR(p, drop_stray);
	return steered ? arrived(p, c) : to_target(p, c->target);
}

#endif
