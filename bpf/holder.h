/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The holder of a connection that this node does not know: the peer whose kernel has its socket, as
 * the map replica names it.
 */
#ifndef HOKM_BPF_HOLDER_H
#define HOKM_BPF_HOLDER_H

#include "peer_state.h"

/* Flags of holder_find(). */
#define HOLDER_ALIVE 0x100 /* the replica names this peer as the holder; it is not dead */
#define HOLDER_DEAD  0x200 /* the replica names this peer as the holder, and the peer is dead */

/*
 * The peer that gets a packet of an unknown connection: its slot, with HOLDER_ALIVE or HOLDER_DEAD
 * when the replica names it; HOKM_NO_PEER when steered frames do not arrive at it, so that the
 * client learns from this kernel's RST that it must connect anew. Without a replica it is what
 * first_alive_peer() returns.
 *
 * A function of its own for the verifier, for the reason given at event_conn().
 */
__noinline int holder_find(const struct hokm_conn_key *k, __u64 now)
{
	struct hokm_conn_key key;
	struct packet p = {};
	struct hokm_replica *r;

	if (!k || !question_packet(&p, now))
		return HOKM_NO_PEER;
	key = *k;
	r = bpf_map_lookup_elem(&replica, &key);
	if (!r)
		return first_alive_peer(&p);
	if (peer_is_dead(&p, r->holder))
		return r->holder | HOLDER_DEAD;
	return peer_steerable(r->holder) ? r->holder | HOLDER_ALIVE : HOKM_NO_PEER;
}

#endif
