/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connection table: half_open holds what only a SYN vouches for, conns what completed its
 * handshake, was found in a local socket, or was given its second chance.
 *
 *   SYN ──> half_open {SYN} ──SYN-ACK──> {SYN_ACK} ──ACK──> conns {ESTABLISHED}
 *                                                    FIN: FIN_CLIENT | FIN_SERVER, both: CLOSED
 *                                                    RST: RESET
 *
 * Invariants
 *  - an existing entry is changed in place, never updated: an update costs several look-ups;
 *  - each half is written by one direction's program only;
 *  - OPENED and ENDED are set once, with the counter and the event that belong to them;
 *  - ended entries stay until the daemon's walk or a new SYN takes them away;
 *  - a node that only steers a connection sees one direction of it: it never learns more than
 *    FIN_CLIENT there.
 */
#ifndef HOKM_BPF_CONN_TRACK_H
#define HOKM_BPF_CONN_TRACK_H

#include "conn_changes.h"
#include "event_send.h"
#include "ws_track.h"

/* Sequence numbers (RFC 9293 section 3.4): a is after b. */
static __always_inline bool seq_after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

static __always_inline __u32 seg_end(const struct segment *s)
{
	return s->seq + s->payload + !!(s->flags & TCP_FLAG_SYN) + !!(s->flags & TCP_FLAG_FIN);
}

static __always_inline void conn_key(struct hokm_conn_key *k, const struct packet *p)
{
	k->client.w[0] = 0;
	k->client.w[1] = 0;
	k->client.w[2] = bpf_htonl(0xffff);
	k->client.w[3] = p->client;
	k->client_port = p->client_port;
	k->service = p->service;
}

static __always_inline bool conn_ended(const struct hokm_conn *c)
{
	return c->tcp_state == HOKM_TCP_CLOSED || c->tcp_state == HOKM_TCP_RESET;
}

/* Where a new entry of conns is made. */
static __always_inline struct hokm_conn *conn_work(void)
{
	__u32 place = WORK_IN;
	struct work *w = bpf_map_lookup_elem(&work, &place);

	return w ? &w->conn : NULL;
}

static __always_inline void conn_init(struct hokm_conn *c, const struct packet *p, __u8 state,
				      __u8 target, __u8 flags)
{
	__builtin_memset(c, 0, sizeof(*c));
	c->created_ns = p->now;
	c->isn = p->seg.seq;
	c->tcp_state = state;
	c->target = target;
	c->flags = flags;
	ws_begin_unknown(&c->c2s.ws);
	ws_begin_unknown(&c->s2c.ws);
}

/*
 * One packet of one direction. Sequence numbers only go forward; those of a RST prove nothing yet.
 */
static __always_inline void flow_track(struct hokm_flow *flow, struct packet *p)
{
	struct segment *s = &p->seg;
	__u32 end = seg_end(s);

	s->newest = flow->seq_next;
	flow->last_ns = p->now;
	flow->bytes += s->ip_len;
	if (!(s->flags & TCP_FLAG_RST)) {
		if (!flow->packets || seq_after(end, flow->seq_next)) {
			flow->seq_next = end;
			if (s->payload)
				flow->last_data_ns = p->now;
		}
		if (s->flags & TCP_FLAG_ACK && (!flow->ack || seq_after(s->ack, flow->ack)))
			flow->ack = s->ack;
	}
	flow->packets++;
}

/* Announced as established, once. */
static __always_inline void conn_opened(struct packet *p, struct hokm_conn *c)
{
	if (c->flags & HOKM_CONN_OPENED)
		return;
	c->flags |= HOKM_CONN_OPENED;
	c->established_ns = p->now;
	COUNT(p, established);
	p->event = HOKM_EV_OPEN;
	p->target = c->target;
	p->tcp_state = HOKM_TCP_ESTABLISHED;
}

/* Announced as ended, once. */
static __always_inline void conn_end(struct packet *p, struct hokm_conn *c, __u8 state)
{
	c->tcp_state = state;
	if (c->flags & HOKM_CONN_ENDED)
		return;
	wait_give_up(p, c);
	c->flags |= HOKM_CONN_ENDED;
	c->ended_ns = p->now;
	if (c->target == HOKM_LOCAL)
		change_send(p, HOKM_CHANGE_CLOSE);
	p->event = HOKM_EV_CLOSED;
	p->target = c->target;
	p->tcp_state = state;
}

/*
 * FIN or RST of one side: the state it leads to. A second FIN of the same side is a repetition.
 * first, other: the states after this side's FIN alone, and after the other's.
 */
static __always_inline bool conn_fin(struct packet *p, struct hokm_conn *c, __u8 first, __u8 other,
				     __u8 side)
{
	if (conn_ended(c) || c->tcp_state == first)
		return false;
	if (c->tcp_state == other) {
		conn_end(p, c, HOKM_TCP_CLOSED);
		return false;
	}
	c->tcp_state = first;
	if (!c->close_side)
		c->close_side = side;
	return true;
}

static __always_inline void conn_reset(struct packet *p, struct hokm_conn *c, __u8 side)
{
	if (follow_end(p, c, side) && side == HOKM_SIDE_CLIENT)
		COUNT(p, abnormal_client);
	if (!c->close_side)
		c->close_side = side;
	conn_end(p, c, HOKM_TCP_RESET);
}

/*
 * Would the server take the client's RST (RFC 5961 section 3.2)? It follows the newest byte, or it
 * is the number the server last asked for. A blind one must not change what we know.
 */
static __always_inline bool rst_is_exact(const struct hokm_conn *c, __u32 seq)
{
	return seq == c->c2s.seq_next || (c->s2c.packets && seq == c->s2c.ack);
}

/* A first FIN; the second one of the connection ends it. */
static __always_inline void conn_fin_in(struct packet *p, struct hokm_conn *c)
{
	if (!conn_fin(p, c, HOKM_TCP_FIN_CLIENT, HOKM_TCP_FIN_SERVER, HOKM_SIDE_CLIENT))
		return;
	COUNT(p, fin_client);
	if (follow_end(p, c, HOKM_SIDE_CLIENT))
		COUNT(p, abnormal_client);
}

static __always_inline void conn_fin_out(struct packet *p, struct hokm_conn *c)
{
	if (!conn_fin(p, c, HOKM_TCP_FIN_SERVER, HOKM_TCP_FIN_CLIENT, HOKM_SIDE_SERVER))
		return;
	COUNT(p, fin_server);
	if (follow_end(p, c, HOKM_SIDE_SERVER))
		COUNT(p, abnormal_server);
}

/* Client to server. */
static __always_inline void conn_track_in(struct packet *p, struct hokm_conn *c)
{
	const struct segment *s = &p->seg;

	flow_track(&c->c2s, p);
	follow_in(p, c);
	if (s->flags & TCP_FLAG_RST) {
		if (conn_ended(c) || !rst_is_exact(c, s->seq))
			return;
		COUNT(p, rst_client);
		conn_reset(p, c, HOKM_SIDE_CLIENT);
		return;
	}
	if (s->flags & TCP_FLAG_FIN)
		conn_fin_in(p, c);
}

/* This node ends connections of the service itself: a RST says nothing of the server. */
static __always_inline bool is_terminating(const struct packet *p)
{
	__u32 slot = p->service;
	const struct hokm_service *s = bpf_map_lookup_elem(&services, &slot);

	return s && s->ending_until_ns > p->now;
}

/* Server to client: our own kernel's word. */
static __always_inline void conn_track_out(struct packet *p, struct hokm_conn *c)
{
	const struct segment *s = &p->seg;

	flow_track(&c->s2c, p);
	follow_out(p, c);
	if (s->flags & TCP_FLAG_RST) {
		if (conn_ended(c))
			return;
		COUNT(p, rst_server);
		/*
		 * What the client ends first, or a close frame, a server often ends by RST: no
		 * fault of it.
		 */
		if (is_terminating(p))
			COUNT(p, shut_down);
		else if (c->tcp_state == HOKM_TCP_ESTABLISHED && !c->close_code)
			COUNT(p, reset_server);
		conn_reset(p, c, HOKM_SIDE_SERVER);
		return;
	}
	if (s->flags & TCP_FLAG_FIN)
		conn_fin_out(p, c);
}

/*
 * Into conns. One that does not fit is counted, and goes on untracked: its packets are unknown
 * ones.
 */
static __always_inline bool conn_store(struct packet *p, const struct hokm_conn_key *k,
				       const struct hokm_conn *c)
{
	if (!bpf_map_update_elem(&conns, k, c, BPF_ANY))
		return true;
	COUNT(p, conns_full);
	return false;
}

#endif
