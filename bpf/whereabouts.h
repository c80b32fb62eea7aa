/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which node holds a connection, for packets that belong to it without being segments of it that
 * can be tracked: ICMP errors (icmp_error.h) and fragments (fragment.h).
 *
 * The sources are asked in the order of their certainty: conns, half_open, the sockets of this
 * machine, the replica. Nothing is entered anywhere: such packets are easy to forge.
 */
#ifndef HOKM_BPF_WHEREABOUTS_H
#define HOKM_BPF_WHEREABOUTS_H

#include "half_open.h"
#include "holder.h"
#include "socket_lookup.h"

/*
 * The peer that the replica names, unless it is dead, or HOKM_NO_PEER: a guess is no answer here.
 */
static __always_inline __u8 replica_holder(const struct packet *p, const struct hokm_conn_key *k)
{
	const struct hokm_replica *r = bpf_map_lookup_elem(&replica, k);

	return r && !peer_is_dead(p, r->holder) ? r->holder : HOKM_NO_PEER;
}

/*
 * Where a packet goes that `mac` (in the low 48 bits), a peer's, sent here: the slot of the holder
 * that the replica names, HOKM_NO_PEER when it names none that is not dead, and HOLDER_SENT it when
 * the holder is the peer that sent it. The verifier checks it as a function of its own.
 */
#define HOLDER_SENT 0x400
__noinline int arrival_holder(const struct hokm_conn_key *k, __u64 mac, __u64 now)
{
	const struct hokm_peer *peer;
	struct hokm_conn_key key;
	struct packet p = {};
	__u64 its = 0;
	__u8 holder;

	if (!k || !question_packet(&p, now))
		return HOKM_NO_PEER;
	key = *k;
	holder = replica_holder(&p, &key);
	peer = peer_get(&p, holder);
	if (!peer)
		return HOKM_NO_PEER;
	mac_copy(&its, peer->mac);
	return its == mac ? HOLDER_SENT : holder;
}

/*
 * HOKM_LOCAL, the slot of a peer that is not dead, or HOKM_NO_PEER when no source knows the
 * connection or its holder is dead. p has client, client_port, service and now.
 */
static __always_inline __u8 holder_of_packet(const struct packet *p)
{
	const struct hokm_half_open *half;
	const struct hokm_conn *c;
	struct hokm_conn_key key;
	enum socket_here here;
	__u8 target;

	conn_key(&key, p);
	c = bpf_map_lookup_elem(&conns, &key);
	half = c ? NULL : half_open_find(half_open_set(p, &key), &key);
	if (c && !conn_ended(c)) {
		target = c->target;
	} else if (half) {
		target = half->target;
	} else {
		here = socket_of(p);
		if (here == SOCKET_LIVE || here == SOCKET_BRIEF)
			return HOKM_LOCAL;
		return replica_holder(p, &key);
	}
	if (target == HOKM_LOCAL || !peer_is_dead(p, target))
		return target;
	return HOKM_NO_PEER;
}

#endif
