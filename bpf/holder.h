/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The holder of a connection: the peer whose kernel has its socket, as the map replica names it,
 * and the entries of conns that follow from that.
 */
#ifndef HOKM_BPF_HOLDER_H
#define HOKM_BPF_HOLDER_H

#include "conn_track.h"
#include "peer_state.h"

/* Flags of holder_find(). */
#define HOLDER_ALIVE 0x100 /* the replica names this peer as the holder; it is not dead */
#define HOLDER_DEAD  0x200 /* the replica names this peer as the holder, and the peer is dead */

/*
 * The holder that the replica names: its slot, with HOLDER_ALIVE or HOLDER_DEAD. HOKM_NO_PEER when
 * it names none, and when steered frames do not arrive at the holder, so that the client learns
 * from this kernel's RST that it must connect anew.
 *
 * The functions of this file are functions of their own for the verifier, for the reason given at
 * event_conn().
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
		return HOKM_NO_PEER;
	if (peer_is_dead(&p, r->holder))
		return r->holder | HOLDER_DEAD;
	return peer_may_hold(r->holder) ? r->holder | HOLDER_ALIVE : HOKM_NO_PEER;
}

/* Does the replica name this peer as the holder of the connection that began with this SYN? */
__noinline int holder_has(const struct hokm_conn_key *k, __u32 peer, __u32 isn)
{
	const struct hokm_replica *r;
	struct hokm_conn_key key;

	if (!k)
		return 0;
	key = *k;
	r = bpf_map_lookup_elem(&replica, &key);
	return r && r->holder == peer && r->isn == isn;
}

/* The numbers of the replica, by which the client's segments are judged (vouch.h). */
static __always_inline void vouch_take(struct hokm_conn *c, const struct hokm_replica *r)
{
	c->c2s.seq_next = r->ack_next;
	c->c2s.ack = r->seq_next;
	/* Nothing fits until the server has sent something. */
	c->vouched = r->seq_next ? vouch_pack(r->ack_next, r->seq_next) : 0;
}

/* Enters the connection into conns, with the holder that the replica names as its target. */
__noinline int holder_enter(const struct hokm_conn_key *k, __u64 now)
{
	const struct hokm_replica *r;
	struct hokm_conn_key key;
	struct packet p = {};
	struct hokm_conn *c;

	if (!k)
		return 0;
	key = *k;
	r = bpf_map_lookup_elem(&replica, &key);
	c = conn_work();
	if (!r || !c || !question_packet(&p, now) || !account(&p, key.service))
		return 0;
	p.seg.seq = r->isn;
	conn_init(c, &p, HOKM_TCP_ESTABLISHED, r->holder, HOKM_CONN_ADOPTED | HOKM_CONN_OPENED);
	vouch_take(c, r);
	conn_store(&p, &key);
	return 0;
}

/*
 * For a segment that does not fit an entry whose holder is a peer. The client's packets may have
 * taken another way for a while, so the replica may know newer numbers. If the segment fits the
 * numbers of the replica, the entry gets them, and the result is true.
 *
 * port_service: as for change_record(); numbers: as for segment_fits(). Scalars cost the stack of
 * the caller nothing.
 */
__noinline int vouch_anew(__be32 client, __u32 port_service, __u64 numbers)
{
	const struct segment s = {.seq = numbers, .ack = numbers >> 32};
	struct hokm_conn_key key = {.client.w[2] = bpf_htonl(0xffff)};
	const struct hokm_replica *r;
	struct hokm_conn *c;

	key.client.w[3] = client;
	key.client_port = port_service >> 16;
	key.service = port_service & 0xffff;
	r = bpf_map_lookup_elem(&replica, &key);
	c = bpf_map_lookup_elem(&conns, &key);
	if (!r || !c || r->holder != c->target || !r->seq_next ||
	    !fits_client(&s, r->ack_next, r->seq_next))
		return 0;
	vouch_take(c, r);
	return 1;
}

#endif
