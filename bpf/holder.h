/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that live on peers: who holds one that this node has no entry of, and what its client
 * is told when the holder is dead.
 *
 * The answer is the RST that the dead node's own kernel would send for a connection it does not
 * have (RFC 9293 section 3.10.7.1): <SEQ=SEG.ACK><CTL=RST>. Its number is the one the client
 * expects, so the client takes it (RFC 5961 section 3.2), with nothing known of the connection. It
 * is written over the packet that asked for it, which goes back where it came from. It is not left
 * to our kernel, which may have a socket in TIME_WAIT of the same addresses and would answer with
 * an ACK.
 *
 * Invariants
 *  - only when the holder answers no pulses, and no socket here has the connection;
 *  - never to what a peer steered here: its MAC is not the client's way;
 *  - until the frame has its new length nothing is changed.
 */
#ifndef HOKM_BPF_HOLDER_H
#define HOKM_BPF_HOLDER_H

#include "conn_track.h"
#include "frame_parse.h"
#include "peer_state.h"
#include "socket_lookup.h"
#include "tcp_write.h"

#define ANSWER_TTL       64
#define IP_DONT_FRAGMENT 0x4000
#define NEAR_BYTES       (1U << 20)

/*
 * Who gets a packet that nobody here knows: a slot, HOKM_NO_PEER for none; with HOLDER_ALIVE when
 * that peer told of the connection, and HOLDER_DEAD when it did and is dead. A function of its own
 * to the verifier, as event_conn().
 */
#define HOLDER_ALIVE 0x100
#define HOLDER_DEAD  0x200
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
	return r->holder | (peer_alive(&p, r->holder) ? HOLDER_ALIVE : HOLDER_DEAD);
}

/*
 * The client was answered, or says by RST that its connection is gone. An answer may be lost on its
 * way, so only the RST ends the daemon's telling: the one that answers a tickle has the number
 * which the tickle acknowledged, and a blind one has not.
 */
static __always_inline void dead_note_answered(const struct hokm_conn_key *key, __u64 now_ns)
{
	struct hokm_replica *r = bpf_map_lookup_elem(&replica, key);

	if (r && !r->answered_ns)
		r->answered_ns = now_ns;
}

static __always_inline void dead_note_acknowledged(const struct hokm_conn_key *key, __u32 seq)
{
	struct hokm_replica *r = bpf_map_lookup_elem(&replica, key);

	if (r && r->ack_next == seq)
		r->gone = 1;
}

/* It is answered now. True: news to conns. */
static __always_inline bool dead_terminate(const struct hokm_conn_key *key, __u64 now_ns,
					   const struct segment *s)
{
	struct hokm_replica *r = bpf_map_lookup_elem(&replica, key);
	struct hokm_conn *c = bpf_map_lookup_elem(&conns, key);

	dead_note_answered(key, now_ns);
	/*
	 * What the client expects next, by its own word: if this answer is lost the daemon's RST is
	 * exact. It is taken for its word only near where the holder saw the client last.
	 */
	if (r && s->seq - r->ack_next + NEAR_BYTES <= 2 * NEAR_BYTES)
		r->seq_next = s->ack;
	if (!c || c->flags & HOKM_CONN_ENDED)
		return false;
	c->tcp_state = HOKM_TCP_RESET;
	c->flags |= HOKM_CONN_ENDED;
	c->ended_ns = now_ns;
	if (!c->close_side)
		c->close_side = HOKM_SIDE_SERVER;
	return true;
}

/*
 * Its client has reset the connection itself. What has an entry in conns that has not ended by it
 * was not exact: anybody may have sent it.
 */
static __always_inline void dead_client_reset(const struct hokm_conn_key *key, __u64 now_ns)
{
	const struct hokm_conn *c = bpf_map_lookup_elem(&conns, key);

	if (!c || c->flags & HOKM_CONN_ENDED)
		dead_note_answered(key, now_ns);
}

/* The entry named a dead peer, and a socket here has the connection. */
static __always_inline void dead_found_here(const struct hokm_conn_key *key, __u64 now_ns)
{
	struct hokm_conn *c = bpf_map_lookup_elem(&conns, key);

	if (!c)
		return;
	c->target = HOKM_LOCAL;
	change_record(key->client.w[3], (__u32)key->client_port << 16 | key->service,
		      HOKM_CHANGE_OPEN, now_ns);
}

/* 0: the frame is the RST; 1: nothing was changed; -1: neither one nor the other. */
static __always_inline int dead_answer(struct packet *p, const struct tcphdr *tcp)
{
	const struct iphdr *ip = p->l3;
	__u32 at = p->l3 - (void *)p->eth, len = bpf_xdp_get_buff_len(p->ctx);
	unsigned char macs[2 * ETH_ALEN];
	struct head h = {};

	if (ip->ihl != 5 || len < at + sizeof(h))
		return 1;
	mac_copy(macs, p->eth->h_source);
	mac_copy(macs + ETH_ALEN, p->cfg->mac);
	head_begin(&h, 0, TCP_RST_BYTE);
	h.ip.ttl = ANSWER_TTL;
	h.ip.frag_off = bpf_htons(IP_DONT_FRAGMENT);
	h.ip.saddr = ip->daddr;
	h.ip.daddr = ip->saddr;
	h.tcp.source = tcp->dest;
	h.tcp.dest = tcp->source;
	h.tcp.seq = tcp->ack_seq;
	head_finish(&h, 0, 0);
	if (bpf_xdp_adjust_tail(p->ctx, (int)(at + sizeof(h)) - (int)len))
		return 1;
	if (bpf_xdp_store_bytes(p->ctx, 0, macs, sizeof(macs)) ||
	    bpf_xdp_store_bytes(p->ctx, at, &h, sizeof(h)))
		return -1;
	return 0;
}

/* The outcome, and in the second byte the event. */
enum dead_outcome { DEAD_LEFT, DEAD_ANSWERED, DEAD_BROKEN };
#define DEAD_IS(outcome, event) ((outcome) | (event) << 8)

static __always_inline int dead_decide(struct packet *p, const struct tcphdr *tcp)
{
	const struct iphdr *ip = p->l3;
	struct hokm_conn_key key;
	int rc;

	p->client = ip->saddr;
	p->client_port = tcp->source;
	clock_read(p);
	conn_key(&key, p);
	if (socket_look_up(p->ctx, ip->saddr, tcp->source, ip->daddr, tcp->dest) == SOCKET_LIVE) {
		dead_found_here(&key, p->now);
		return DEAD_IS(DEAD_LEFT, EVENT_NONE);
	}
	if (p->seg.flags & TCP_FLAG_RST) {
		dead_client_reset(&key, p->now);
		dead_note_acknowledged(&key, p->seg.seq);
		return DEAD_IS(DEAD_LEFT, EVENT_NONE);
	}
	/* Without an ACK there is no number to answer with. */
	rc = p->seg.flags & TCP_FLAG_ACK ? dead_answer(p, tcp) : 1;
	if (rc)
		return DEAD_IS(rc < 0 ? DEAD_BROKEN : DEAD_LEFT, HOKM_EV_TARGET_DEAD);
	return DEAD_IS(
		DEAD_ANSWERED,
		dead_terminate(&key, p->now, &p->seg) ? HOKM_EV_CLOSED : HOKM_EV_ANSWERED_DEAD);
}

/*
 * Decides and does. The frame is parsed once more: what would be carried along to here keeps the
 * verifier from seeing that the ways which lead here have become one (it doubled its work).
 */
__noinline int dead_handle(struct xdp_md *ctx, __u32 service)
{
	struct packet p = {.ctx = ctx, .end = (void *)(long)ctx->data_end};
	const struct tcphdr *tcp;
	const struct iphdr *ip;

	p.service = service;
	if (parse_frame(&p, (void *)(long)ctx->data) != FRAME_IPV4 || parse_ipv4(&p) != IP_WHOLE ||
	    !cfg_read(&p))
		return DEAD_IS(DEAD_LEFT, EVENT_NONE);
	ip = p.l3;
	tcp = p.l3 + ip_header_len(ip);
	if (parse_tcp(&p, tcp, bpf_ntohs(ip->tot_len), ip_header_len(ip)) != TCP_GOOD)
		return DEAD_IS(DEAD_LEFT, EVENT_NONE);
	return dead_decide(&p, tcp);
}

/*
 * Carries DEAD out, at the very end of the pipeline. That the packet itself has ended it stays the
 * news.
 */
static __always_inline enum verdict dead_peer_carry_out(struct packet *p)
{
	__u32 is = dead_handle(p->ctx, p->service);

	if (p->event != HOKM_EV_CLOSED) {
		p->event = is >> 8 & 0xff;
		p->tcp_state = HOKM_TCP_RESET;
	}
	is &= 0xff;
	if (is == DEAD_BROKEN)
		return DROP_FOR(p, drop_answer_fault);
	if (is != DEAD_ANSWERED) {
		COUNT(p, target_dead);
		return PASS;
	}
	COUNT(p, answered_dead);
	return REPLY;
}

#endif
