/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connection table conns and its TCP states (RFC 9293 section 3.3.2). half_open has connections
 * of which only a SYN was seen. conns has those that completed their handshake, were found in a
 * local socket, or have a peer as the holder that the replica names.
 *
 *   SYN ──> half_open {SYN} ──SYN-ACK──> {SYN_ACK} ──ACK──> conns {ESTABLISHED}
 *                                                    FIN: FIN_CLIENT | FIN_SERVER, both: CLOSED
 *                                                    RST: RESET
 *
 * Invariants
 *  - An existing entry is changed in place. A map update would cost several look-ups.
 *  - A segment of a client changes its entry only when its numbers fit (vouch.h).
 *  - Each flow is written by the program of its direction only. What both programs write is changed
 *    by atomic operations; hokm/abi_conn.h has the list.
 *  - OPENED and ENDED are set once, with the counter and the event that belong to them.
 *  - An entry that is over stays until the daemon's walk or a new SYN deletes it.
 *  - A node that only steers a connection sees one direction of it. Its entry never gets past
 *    FIN_CLIENT.
 */
#ifndef HOKM_BPF_CONN_TRACK_H
#define HOKM_BPF_CONN_TRACK_H

#include "conn_bits.h"
#include "conn_changes.h"
#include "conn_word.h"
#include "event_send.h"
#include "vouch.h"
#include "ws_track.h"

/* Sequence numbers (RFC 9293 section 3.4): a is after b. */
static __always_inline bool seq_after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

/* Sequence number after the segment; SYN and FIN count as one (RFC 9293 section 3.4). */
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

/* Is the connection closed or terminated? */
static __always_inline bool conn_ended(const struct hokm_conn *c)
{
	return c->tcp_state == HOKM_TCP_CLOSED || c->tcp_state == HOKM_TCP_RESET;
}

/* Memory for a new entry of conns; it is too large for the stack. */
static __always_inline struct hokm_conn *conn_work(void)
{
	__u32 place = WORK_IN;
	struct work *w = bpf_map_lookup_elem(&work, &place);

	return w ? &w->conn : NULL;
}

/* A new entry, of a stream whose beginning was not seen. */
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
 * Notes one packet in its flow. Sequence numbers only move forward. Those of a RST are not noted,
 * because it may be forged.
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

/* Counts and reports a new entry, which is not stored yet, as established. */
static __always_inline void conn_opened(struct packet *p, struct hokm_conn *c)
{
	c->flags |= HOKM_CONN_OPENED;
	c->established_ns = p->now;
	COUNT(p, established);
	p->event = HOKM_EV_OPEN;
	p->target = c->target;
	p->tcp_state = HOKM_TCP_ESTABLISHED;
}

/* This packet has ended the connection: counts and reports it. */
static __always_inline void conn_ended_now(struct packet *p, struct hokm_conn *c, __u8 state)
{
	wait_give_up(p, c);
	c->ended_ns = p->now;
	if (c->target == HOKM_LOCAL)
		change_send(p, HOKM_CHANGE_CLOSE);
	p->event = HOKM_EV_CLOSED;
	p->target = c->target;
	p->tcp_state = state;
}

/* Moves the state on a FIN of one side. Returns true for the first FIN of the connection. */
static __always_inline bool conn_fin(struct packet *p, struct hokm_conn *c, __u32 move, __u8 side)
{
	__u32 state = conn_move(c, move, side);

	if (state != HOKM_TCP_CLOSED)
		return state;
	conn_ended_now(p, c, HOKM_TCP_CLOSED);
	return false;
}

/* A valid RST of one side terminates the connection. */
static __always_inline void conn_reset(struct packet *p, struct hokm_conn *c, __u8 side)
{
	if (follow_end(p, c, side) && side == HOKM_SIDE_CLIENT)
		COUNT(p, abnormal_client);
	if (conn_move(c, MOVE_RESET, side))
		conn_ended_now(p, c, HOKM_TCP_RESET);
}

/* A FIN of the client. */
static __always_inline void conn_fin_in(struct packet *p, struct hokm_conn *c)
{
	if (!conn_fin(p, c, MOVE_FIN_CLIENT, HOKM_SIDE_CLIENT))
		return;
	COUNT(p, fin_client);
	if (follow_end(p, c, HOKM_SIDE_CLIENT))
		COUNT(p, abnormal_client);
}

/*
 * Has the server sent nothing on the connection, of which this node saw the beginning? A server
 * that ends it so is ill, as a proxy whose game is dead, or rightly refuses this client. Nothing in
 * the packets tells these two apart: a check does (user/decide/observe.h).
 */
static __always_inline bool is_unserved(const struct hokm_conn *c)
{
	return c->established_ns && !c->s2c.last_data_ns;
}

/* A FIN of the server. */
static __always_inline void conn_fin_out(struct packet *p, struct hokm_conn *c)
{
	if (!conn_fin(p, c, MOVE_FIN_SERVER, HOKM_SIDE_SERVER))
		return;
	COUNT(p, fin_server);
	if (is_unserved(c))
		COUNT(p, unserved);
	if (follow_end(p, c, HOKM_SIDE_SERVER))
		COUNT(p, abnormal_server);
}

/* Tracks a packet from client to server that fits its connection. */
static __always_inline void conn_track_in(struct packet *p, struct hokm_conn *c)
{
	const struct segment *s = &p->seg;

	flow_track(&c->c2s, p);
	follow_in(p, c);
	if (s->flags & (TCP_FLAG_RST | TCP_FLAG_FIN))
		clock_read(p);
	if (s->flags & TCP_FLAG_RST) {
		if (conn_ended(c))
			return;
		COUNT(p, rst_client);
		conn_reset(p, c, HOKM_SIDE_CLIENT);
		return;
	}
	if (s->flags & TCP_FLAG_FIN)
		conn_fin_in(p, c);
}

/*
 * Does this node terminate connections of the service? Then a RST proves nothing about the server.
 */
static __always_inline bool is_terminating(const struct packet *p)
{
	__u32 slot = p->service;
	const struct hokm_service *s = bpf_map_lookup_elem(&services, &slot);

	return s && s->ending_until_ns > p->now;
}

/*
 * Does the RST say something about the server? The kernel resets a connection of which it has the
 * socket by RST and ACK. Other RSTs answer a segment that no socket takes, or that a packet filter
 * rejects: anybody who is banned could cause that (architecture rule 4). They have no ACK, or the
 * sequence number 0 when the segment had none (RFC 9293 section 3.10.7.1). After a FIN of the
 * client or a close frame many servers terminate with a RST: no fault either.
 */
static __always_inline bool is_servers_rst(const struct packet *p, const struct hokm_conn *c)
{
	return p->seg.flags & TCP_FLAG_ACK && (p->seg.seq || !c->s2c.seq_next) &&
	       c->tcp_state == HOKM_TCP_ESTABLISHED && !c->close_code;
}

/*
 * Had the server served the connection that it resets? It has sent something on a WebSocket. One
 * that answers plain HTTP, or refuses an upgrade, and closes before it has read the whole request
 * resets it so: who is banned could cause that. Inside TLS nobody sees which of them it was.
 */
static __always_inline bool is_served(const struct hokm_conn *c)
{
	return c->s2c.last_data_ns && c->ws == HOKM_WS_OPEN;
}

static __always_inline void conn_rst_out(struct packet *p, struct hokm_conn *c)
{
	COUNT(p, rst_server);
	if (is_terminating(p))
		COUNT(p, shut_down);
	else if (is_servers_rst(p, c) && is_served(c))
		COUNT(p, reset_server);
	else if (is_servers_rst(p, c))
		COUNT(p, unserved);
	conn_reset(p, c, HOKM_SIDE_SERVER);
}

/* Tracks a packet from server to client. This node's own kernel sent it, so it is trusted. */
static __always_inline void conn_track_out(struct packet *p, struct hokm_conn *c)
{
	const struct segment *s = &p->seg;

	flow_track(&c->s2c, p);
	follow_out(p, c);
	if (s->flags & (TCP_FLAG_RST | TCP_FLAG_FIN))
		clock_read(p);
	if (s->flags & TCP_FLAG_RST) {
		if (!conn_ended(c))
			conn_rst_out(p, c);
		return;
	}
	if (s->flags & TCP_FLAG_FIN)
		conn_fin_out(p, c);
}

/*
 * Stores the entry that conn_work() made, its bit before it (conn_bits.h). Returns 0 when it is
 * stored. A function of its own for the verifier, for the reason given at event_conn(); to the
 * verifier k may be NULL.
 */
__noinline int conn_put(const struct hokm_conn_key *k, __u64 hash)
{
	struct hokm_conn_bits *b = conn_bits_get();
	const struct hokm_conn *c = conn_work();
	struct hokm_conn_key key;
	int err;

	if (!b || !c || !k)
		return -1;
	key = *k;
	conn_bits_storing(b, 1);
	conn_bit_set(b, hash);
	err = bpf_map_update_elem(&conns, &key, c, BPF_ANY) != 0;
	conn_bits_storing(b, -1);
	return err;
}

/*
 * Stores the new entry of conn_work() in conns. Returns false when conns is full: then the
 * connection is counted, and goes on as an unknown one.
 */
static __always_inline bool conn_store(struct packet *p, const struct hokm_conn_key *k)
{
	if (!conn_put(k, hokm_conn_hash(p->cfg->hash_seed, k)))
		return true;
	COUNT(p, conns_full);
	return false;
}

#endif
