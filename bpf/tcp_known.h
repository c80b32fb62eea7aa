/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP from clients, known connections: the packet has an entry in conns. This is the fast path: one
 * hash look-up, one clock reading, and one frame header that is read where it lies.
 *
 * Invariants
 *  - A packet goes to the target of its entry. A target that is a dead peer gives DEAD, which
 *    dead_peer.h carries out at the end of the pipeline.
 *  - A packet that a peer steered here is never steered on. Its entry becomes local
 *    (architecture rule 3).
 */
#ifndef HOKM_BPF_TCP_KNOWN_H
#define HOKM_BPF_TCP_KNOWN_H

#include "conn_track.h"
#include "peer_state.h"

/*
 * The verdict for a target. DEAD: the target is a dead peer; dead_peer.h notifies the client,
 * unless a local socket has the connection after all.
 */
static __always_inline enum verdict to_target(struct packet *p, __u8 target)
{
	if (target == HOKM_LOCAL)
		return PASS;
	p->target = target;
	if (peer_alive(p, target)) {
		COUNT(p, steered_conn);
		return STEER;
	}
	return DEAD;
}

/*
 * Counts a steered packet. When a peer steered it here, an entry whose target is a peer is wrong:
 * the two nodes would send the packet to each other without end.
 */
static __always_inline void note_arrival(struct packet *p, struct hokm_conn *c, bool steered)
{
	if (!steered)
		return;
	COUNT(p, steered_in);
	c->flags |= HOKM_CONN_STEERED_IN;
	if (c->target == HOKM_LOCAL)
		return;
	c->target = HOKM_LOCAL;
	change_send(p, HOKM_CHANGE_OPEN);
}

static __always_inline enum verdict known_ingress(struct packet *p, struct hokm_conn *c)
{
	note_arrival(p, c, arrived_steered(p));
	conn_track_in(p, c);
	return to_target(p, c->target);
}

#endif
