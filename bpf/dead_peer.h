/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections of a dead peer: a packet of such a connection is answered with a RST, so that its
 * client connects again at once.
 *
 * The RST is the one that the dead node's own kernel would send for a connection it does not have
 * (RFC 9293 section 3.10.7.1): <SEQ=SEG.ACK><CTL=RST>. Its sequence number is the one that the
 * client expects, so the client accepts it (RFC 5961 section 3.2), although nothing is known of the
 * connection here. It is written over the packet that it answers, and the frame goes back to its
 * sender. This node's kernel could not do it: a socket in TIME_WAIT with the same addresses would
 * answer with an ACK.
 *
 *   DEAD (verdict) -> dead_handle -> a live local socket: pass, and the entry becomes local
 *                                    RST from the client: noted if it is exact, pass
 *                                    ACK: answered with the RST, noted if its numbers fit
 *                                    else: pass
 *
 * An ACK whose numbers do not fit (vouch.h) may come from a sender that sees no packet of the
 * connection, or from a client that is far ahead of what was replicated. It is answered too: the
 * RST repeats a number of the packet and tells nothing. Only for a client that has this number its
 * connection is over.
 *
 * Invariants
 *  - A sender that does not see the connection changes neither its entry in conns nor its replica.
 *  - A packet is answered only when its holder is dead (peer_state.h) and no local socket has the
 *    connection.
 *  - A packet that a peer steered here is never answered, because its source MAC address is not the
 *    way to the client.
 *  - The frame is unchanged until it has its new length.
 */
#ifndef HOKM_BPF_DEAD_PEER_H
#define HOKM_BPF_DEAD_PEER_H

#include "conn_track.h"
#include "frame_parse.h"
#include "peer_state.h"
#include "socket_lookup.h"
#include "tcp_write.h"

#define ANSWER_TTL       64
#define IP_DONT_FRAGMENT 0x4000

/*
 * Notes in the replica that the client was notified, or that it has reset the connection. The RST
 * may be lost on its way, so the daemon goes on notifying until dead_note_acknowledged().
 */
static __always_inline void dead_note_answered(const struct hokm_conn_key *key, __u64 now_ns)
{
	struct hokm_replica *r = bpf_map_lookup_elem(&replica, key);

	if (r && !r->answered_ns)
		r->answered_ns = now_ns;
}

/*
 * Notes that the client acknowledged the notification by a RST with this sequence number. A client
 * answers a tickle with a RST whose number is the one that the tickle acknowledged. A forged RST
 * from a sender that sees no packets does not have that number.
 */
static __always_inline void dead_note_acknowledged(const struct hokm_conn_key *key, __u32 seq)
{
	struct hokm_replica *r = bpf_map_lookup_elem(&replica, key);

	if (r && r->ack_next == seq)
		r->gone = 1;
}

/*
 * Do the numbers of the segment fit what is known of the connection? Its entry in conns follows the
 * client, if this node steered its packets; the replica has the numbers that the holder replicated
 * last.
 */
static __always_inline bool dead_fits(const struct hokm_conn *c, const struct hokm_replica *r,
				      const struct segment *s)
{
	if (c && segment_fits(c, vouch_pack(s->seq, s->ack), 0))
		return true;
	return r && r->seq_next && fits_client(s, r->ack_next, r->seq_next);
}

/*
 * The packet was answered with the RST: notes it in the replica and in conns, if its numbers fit.
 * Returns the event that reports it.
 */
static __always_inline enum hokm_event_kind dead_terminate(const struct hokm_conn_key *key,
							   __u64 now_ns, const struct segment *s)
{
	struct hokm_replica *r = bpf_map_lookup_elem(&replica, key);
	struct hokm_conn *c = bpf_map_lookup_elem(&conns, key);

	if (!dead_fits(c, r, s))
		return EVENT_NONE;
	dead_note_answered(key, now_ns);
	/*
	 * The acknowledgement is the number that the client expects next, so the daemon's RST is
	 * exact if this answer is lost.
	 */
	if (r)
		r->seq_next = s->ack;
	if (!c || !conn_move(c, MOVE_RESET, HOKM_SIDE_SERVER))
		return HOKM_EV_ANSWERED_DEAD;
	c->ended_ns = now_ns;
	return HOKM_EV_CLOSED;
}

/*
 * The client sent a RST. It is believed if it has the number that the holder expected, by the entry
 * in conns or by the replica. Anybody may have sent another one.
 */
static __always_inline void dead_client_reset(const struct hokm_conn_key *key, __u64 now_ns,
					      __u32 seq)
{
	const struct hokm_replica *r = bpf_map_lookup_elem(&replica, key);
	const struct hokm_conn *c = bpf_map_lookup_elem(&conns, key);

	if ((c && rst_is_exact(c, seq)) || (r && r->ack_next == seq))
		dead_note_answered(key, now_ns);
}

/* A local socket has the connection, although its entry names a dead peer. */
static __always_inline bool dead_found_here(const struct hokm_conn_key *key)
{
	struct hokm_conn *c = bpf_map_lookup_elem(&conns, key);

	if (!c)
		return false;
	c->target = HOKM_LOCAL;
	return true;
}

/*
 * Rewrites the frame to the RST. Returns 0 when done, 1 when nothing was changed, and -1 when the
 * frame is neither the packet nor the RST.
 */
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

/* What was done with the packet. DEAD_IS() puts the event into the second byte. */
enum dead_outcome {
	DEAD_LEFT,     /* unchanged, goes to the local kernel */
	DEAD_HERE,     /* the same, and the entry of the connection is local now */
	DEAD_ANSWERED, /* is now the RST */
	DEAD_BROKEN,   /* neither, must be dropped */
};
#define DEAD_IS(outcome, event) ((outcome) | (event) << 8)

/* Chooses and carries out the outcome; see the top of this file. */
static __always_inline int dead_decide(struct packet *p, const struct tcphdr *tcp)
{
	const struct iphdr *ip = p->l3;
	struct hokm_conn_key key;
	int rc;

	p->client = ip->saddr;
	p->client_port = tcp->source;
	clock_read(p);
	conn_key(&key, p);
	if (socket_look_up(p->ctx, ip->saddr, tcp->source, ip->daddr, tcp->dest) == SOCKET_LIVE)
		return DEAD_IS(dead_found_here(&key) ? DEAD_HERE : DEAD_LEFT, EVENT_NONE);
	if (p->seg.flags & TCP_FLAG_RST) {
		dead_client_reset(&key, p->now, p->seg.seq);
		dead_note_acknowledged(&key, p->seg.seq);
		return DEAD_IS(DEAD_LEFT, EVENT_NONE);
	}
	/* Without an ACK there is no sequence number for the RST. */
	rc = p->seg.flags & TCP_FLAG_ACK ? dead_answer(p, tcp) : 1;
	if (rc)
		return DEAD_IS(rc < 0 ? DEAD_BROKEN : DEAD_LEFT, HOKM_EV_TARGET_DEAD);
	return DEAD_IS(DEAD_ANSWERED, dead_terminate(&key, p->now, &p->seg));
}

/*
 * dead_decide() as a function of its own. It parses the frame once more: with the parsed values as
 * arguments the verifier could not merge the paths that lead here, which doubled its work.
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
 * Carries out the verdict DEAD, at the end of the pipeline. An event CLOSED that the packet already
 * has is kept.
 */
static __always_inline enum verdict dead_peer_carry_out(struct packet *p)
{
	__u32 is = dead_handle(p->ctx, p->service);

	clock_read(p);
	if (p->event != HOKM_EV_CLOSED) {
		p->event = is >> 8 & 0xff;
		p->tcp_state = HOKM_TCP_RESET;
	}
	is &= 0xff;
	/* Not in dead_handle(): a chain of calls has 512 bytes of stack. */
	if (is == DEAD_HERE)
		change_send(p, HOKM_CHANGE_OPEN);
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
