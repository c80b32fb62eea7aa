/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path of both programs: a segment of a known connection that is only counted and then
 * delivered or steered. That is nearly every packet of a game.
 *
 * The pipelines handle every packet, and have many ways. A compiler keeps the values of all ways on
 * the stack, so that half of the work of a packet is to store and load them again. The fast path
 * has one way, the values fit into registers, and the headers lie at fixed places:
 *
 *   Ethernet without tags -> IPv4 without options, whole -> TCP: ACK, and neither SYN, FIN nor RST
 *     -> its service -> its entry in conns, not over -> the numbers fit (vouch.h)
 *     -> local: no payload, payload of a frame that is read, one whole message, one TLS record
 *     -> a peer that showed a sign of life within players_dead_ns (ingress only)
 *
 * Invariants
 *  - A packet either goes this way to its end, or NOT_FAST is returned and nothing was changed:
 *    the pipeline then begins with the packet from its first byte.
 *  - What happens to a packet here is what the pipeline would do with it, field by field. The
 *    functions that change something are those of the pipeline. tests/bpf/test_known_fast.c sends
 *    the same segments both ways and compares.
 */
#ifndef HOKM_BPF_KNOWN_FAST_H
#define HOKM_BPF_KNOWN_FAST_H

#include "conn_track.h"
#include "frame_parse.h"
#include "peer_state.h"
#include "service_lookup.h"

#define NOT_FAST (-1)

_Static_assert(sizeof(struct hokm_conn_key) == 20 &&
		       HOKM_OFFSETOF(struct hokm_conn_key, service) == 18,
	       "the key of fast_conn()");

/* Version 4, and a header of five words. */
#define IPV4_PLAIN 0x45

/*
 * Is the packet longer than the first buffer? Counted from p->eth, so that p->l3 needs no register
 * of its own.
 */
static __always_inline bool is_longer(const struct packet *p, __u32 ip_len)
{
	return ip_len + sizeof(*p->eth) > (__u32)(p->end - (void *)p->eth);
}

/*
 * Sets p->eth and p->l3. Returns which of ACK, SYN, FIN and RST the segment has, or 0 for every
 * frame that no fast path takes.
 */
static __always_inline __be32 fast_parse(struct packet *p, void *data)
{
	struct ethhdr *eth = data;
	const struct iphdr *ip = (void *)(eth + 1);
	const struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > p->end || eth->h_proto != bpf_htons(ETH_P_IP) ||
	    *(const __u8 *)ip != IPV4_PLAIN || ip->protocol != IPPROTO_TCP ||
	    ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
		return 0;
	p->eth = eth;
	p->l3 = (void *)ip;
	return ((const union tcp_word_hdr *)tcp)->words[3] &
	       (TCP_FLAG_ACK | TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST);
}

/* The entry of the segment, when it is one of an open connection. */
static __always_inline struct hokm_conn *fast_conn(const struct packet *p)
{
	/* Whole words: a CPU waits where it loads a word that was stored in pieces. */
	struct {
		__u64 zero;
		__u64 client;
		__u32 port_service;
	} key = {
		.client = bpf_htonl(0xffff) | (__u64)p->client << 32,
		.port_service = p->client_port | (__u32)p->service << 16,
	};
	struct hokm_conn *c = bpf_map_lookup_elem(&conns, &key);

	/* While a request waits for its answer, the pipeline follows the stream (ws_track.h). */
	return c && !conn_ended(c) && c->ws != HOKM_WS_ASKED ? c : NULL;
}

/*
 * Reads the payload, when that needs nothing but its first bytes. head: the first eight of them.
 * Returns false, and has changed nothing, when it needs more.
 */
static __always_inline bool fast_read(struct packet *p, const struct hokm_conn *c,
				      struct hokm_flow *flow, __u8 side, __u64 head)
{
	struct hokm_ws *w = &flow->ws;

	if (w->state == HOKM_FOLLOW_FRAMES)
		return c->ws == HOKM_WS_OPEN &&
		       (is_read(p, w) || follow_message(p, flow, side, head));
	return w->state == HOKM_FOLLOW_RECORDS &&
	       (is_read(p, w) || follow_record(p, flow, side, head));
}

/* A segment of a local connection. Returns false, and has changed nothing, when it is not fast. */
static __always_inline bool fast_local(struct packet *p, struct hokm_conn *c)
{
	const void *b = p->payload;

	if (!p->seg.payload)
		return true;
	if (b + sizeof(__u64) > p->end)
		return false;
	return fast_read(p, c, &c->c2s, HOKM_SIDE_CLIENT, *(const __u64 *)b);
}

/*
 * Steers the frame to a peer that shows signs of life. Returns false, and has changed nothing, when
 * it is not fast.
 */
static __always_inline bool fast_steer(struct packet *p, __u32 target)
{
	const struct hokm_peer *peer = peer_get(p, target);

	if (!peer || !within(peer->alive_ns, p->now, p->cfg->players_dead_ns) ||
	    mac_is_zero(peer->mac) || mac_is_zero(p->cfg->mac))
		return false;
	mac_copy(p->eth->h_dest, peer->mac);
	mac_copy(p->eth->h_source, p->cfg->mac);
	COUNT(p, steered_conn);
	return true;
}

/* Takes the segment to its end. Returns the verdict, or NOT_FAST. steered: a peer sent it here. */
static __always_inline int fast_known(struct packet *p, struct hokm_conn *c, bool steered)
{
	int verdict = XDP_PASS;

	if (steered && (c->target != HOKM_LOCAL || !(c->flags & HOKM_CONN_STEERED_IN)))
		return NOT_FAST;
	if (!numbers_fit(&p->seg, c))
		return NOT_FAST;
	if (c->target == HOKM_LOCAL) {
		if (!fast_local(p, c))
			return NOT_FAST;
	} else {
		if (!fast_steer(p, c->target))
			return NOT_FAST;
		verdict = XDP_TX;
	}
	if (steered)
		COUNT(p, steered_in);
	COUNT(p, packets_in);
	p->count->bytes_in += p->seg.ip_len;
	flow_track(&c->c2s, p);
	return verdict;
}

/*
 * A packet of ingress that fast_parse() has read and found to be an ACK: its verdict, or NOT_FAST.
 * Inlined, it costs the verifier little, because nothing of it is used after it; a call would cost
 * each packet two nanoseconds. The look-up of the connection comes last, because it waits for
 * memory where there are many of them.
 */
static __always_inline int known_fast_in(struct packet *p)
{
	const struct iphdr *ip = p->l3;
	const struct tcphdr *tcp;
	struct hokm_conn *c;
	__u32 slot, ip_len;
	bool steered;

	if (!cfg_read(p))
		return NOT_FAST;
	tcp = (const void *)(ip + 1);
	ip_len = bpf_ntohs(ip->tot_len);
	slot = service_find(p->cfg, ip->daddr, tcp->dest);
	if (slot == HOKM_NODE_SLOT)
		return ip_len < sizeof(*ip) || is_vip(p->cfg, ip->daddr) ? NOT_FAST : XDP_PASS;
	if (!is_for_node(p->eth, p->cfg) || is_longer(p, ip_len) || !account(p, slot))
		return NOT_FAST;
	steered = peer_of_mac(p, source_word(p->eth)) != HOKM_NO_PEER;
	clock_read_coarse(p);
	p->client = ip->saddr;
	p->client_port = tcp->source;
	c = fast_conn(p);
	if (!c || !read_tcp(p, tcp, bpf_ntohs(ip->tot_len), sizeof(*ip)))
		return NOT_FAST;
	return fast_known(p, c, steered);
}

/*
 * A segment of the local server. Returns false, and has changed nothing, when it is not fast. The
 * payload of most segments lies outside the linear part of the skb.
 */
static __always_inline bool fast_answer(struct packet *p, struct hokm_conn *c)
{
	const void *b = p->payload;
	__u32 at = (__u32)(b - (void *)p->eth);
	__u64 head;

	if (p->seg.payload) {
		if (b + sizeof(head) <= p->end)
			head = *(const __u64 *)b;
		else if (bpf_skb_load_bytes(p->ctx, at, &head, sizeof(head)))
			return false;
		if (!fast_read(p, c, &c->s2c, HOKM_SIDE_SERVER, head))
			return false;
	}
	COUNT(p, packets_out);
	p->count->bytes_out += p->seg.ip_len;
	flow_track(&c->s2c, p);
	vouch_note(&p->seg, c);
	return true;
}

/* The same for egress. Returns 1 when the packet has gone its way to the end, or NOT_FAST. */
static __always_inline int known_fast_out(struct __sk_buff *skb)
{
	struct packet p = {.ctx = skb, .end = (void *)(long)skb->data_end};
	const struct tcphdr *tcp;
	const struct iphdr *ip;
	struct hokm_conn *c;
	__u32 slot;

	if (fast_parse(&p, (void *)(long)skb->data) != TCP_FLAG_ACK || !cfg_read(&p))
		return NOT_FAST;
	ip = p.l3;
	tcp = (const void *)(ip + 1);
	slot = service_find(p.cfg, ip->saddr, tcp->source);
	if (slot == HOKM_NODE_SLOT)
		return is_vip(p.cfg, ip->saddr) ? NOT_FAST : 1;
	/* Those of the daemon have no window; tcp_egress.h tells them apart. */
	if (!tcp->window || !account(&p, slot))
		return NOT_FAST;
	clock_read_coarse(&p);
	p.client = ip->daddr;
	p.client_port = tcp->dest;
	c = fast_conn(&p);
	if (!c || !read_tcp(&p, tcp, skb->len - sizeof(*p.eth), sizeof(*ip)))
		return NOT_FAST;
	return fast_answer(&p, c) ? 1 : NOT_FAST;
}

#endif
