/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP from a local server to its clients: tracks the flow server to client of each connection. A
 * RST that answers a SYN comes from one of three:
 *
 *   the kernel, because no server listens   suspect at once; the SYN goes to a peer (syn_replay.h)
 *   the kernel, which does not know the
 *   connection that an MPTCP join names     the SYN goes to a peer, which may know it
 *   a packet filter                         the RST goes out: who is banned here stays banned
 *
 * A RST that this node forwards comes from a container, to which the node translates the VIP. If no
 * socket listens on the node, it counts as one of the kernel. If one does, as that of Docker's
 * proxy (docker-proxy), which takes no connection of a client, the RST says one of two: no server
 * listens in the container, or a packet filter in it bans the client. So the SYN goes to a peer,
 * and the service is not suspect: who is banned there cannot make it so. The checks tell the two
 * apart.
 *
 * Segments that the daemon of this node sends on behalf of connections come from a raw socket. They
 * are only counted.
 */
#ifndef HOKM_BPF_TCP_EGRESS_H
#define HOKM_BPF_TCP_EGRESS_H

#include "half_open.h"
#include "frame_parse.h"
#include "socket_lookup.h"
#include "syn_replay.h"
#include "service_lookup.h"

/*
 * Makes the service suspect for a bounded time; only a check takes it down (architecture rule 4).
 */
static __always_inline void make_suspect(struct packet *p)
{
	__u32 slot = p->service;
	struct hokm_suspect *s = bpf_map_lookup_elem(&suspects, &slot);

	if (!s || !p->cfg->suspect_ns)
		return;
	if (s->until_ns <= p->now) {
		s->since_ns = p->now;
		COUNT(p, suspects);
	}
	s->until_ns = p->now + p->cfg->suspect_ns;
}

/*
 * Does the RST refuse the SYN? A SYN to a closed port is answered by
 * <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> (RFC 9293 section 3.10.7.1). Data in the SYN counts in
 * SEG.LEN, but a repeated SYN may come without it.
 */
static __always_inline bool is_refusal(const struct packet *p, struct hokm_half_open *half)
{
	__u32 data = p->seg.ack - half->isn - 1;

	return half->tcp_state == HOKM_TCP_SYN && p->seg.flags & TCP_FLAG_ACK && !p->seg.seq &&
	       (!data || (half->syn_kept && data == half_open_syn(half)->data));
}

/* The kernel refused the SYN. */
static __always_inline enum verdict half_open_refused(struct packet *p, struct hokm_half_open *half)
{
	enum verdict v;

	COUNT(p, refused);
	make_suspect(p);
	p->event = HOKM_EV_REFUSED;
	p->target = half->target;
	p->tcp_state = HOKM_TCP_RESET;
	v = replay(p, half);
	if (v == PASS)
		half_open_free(half);
	return v;
}

/* The kernel notes where a packet came in, also one that it forwards; it made the others here. */
static __always_inline bool is_forwarded(const struct packet *p)
{
	return ((struct __sk_buff *)p->ctx)->ingress_ifindex != 0;
}

/* Does a server listen for the packet's service here? Client port 0 finds no connection. */
static __always_inline bool is_listening(const struct packet *p)
{
	const struct hokm_service_key *s = service_key(p);
	struct bpf_sock *sk = socket_get(p->ctx, p->client, 0, s->vip.w[3], s->port);
	bool listens;

	if (!sk)
		return false;
	listens = sk->state == BPF_TCP_LISTEN;
	bpf_sk_release(sk);
	return listens;
}

/*
 * Does the RST begin its options with MP_TCPRST (RFC 8684 section 3.6)? The kernel refuses so a
 * join whose token it does not know. No packet filter adds this option.
 */
#define OPTION_MPTCP    30
#define MPTCP_RST_BYTES 4
#define MPTCP_RST       8 /* subtype, in the high half of the third byte */
static __always_inline bool is_join_refused(const struct packet *p)
{
	const struct tcphdr *tcp = p->l3 + ip_header_len(p->l3);
	const __u8 *option = (const void *)(tcp + 1);

	return (const void *)(option + MPTCP_RST_BYTES) <= p->end && tcp->doff > 5 &&
	       option[0] == OPTION_MPTCP && option[1] == MPTCP_RST_BYTES &&
	       option[2] >> 4 == MPTCP_RST;
}

/* The SYN goes to a peer, and the daemon hears no word of a refusal: the server may be well. */
static __always_inline enum verdict half_open_pass_on(struct packet *p, struct hokm_half_open *half)
{
	enum verdict v = replay(p, half);

	if (v == PASS)
		half_open_free(half);
	else if (v == REPLY)
		p->event = HOKM_EV_STEERED;
	return v;
}

static __always_inline enum verdict half_open_reset(struct packet *p, struct hokm_half_open *half)
{
	bool refusal = is_refusal(p, half);
	/* The kernel does not know the connection that the SYN joins: a peer may. */
	bool join = refusal && is_join_refused(p);

	if (refusal && !join && !is_listening(p))
		return half_open_refused(p, half);
	if (join)
		COUNT(p, rst_join);
	else if (refusal)
		COUNT(p, rst_filter);
	else
		COUNT(p, rst_server);
	if (join || (refusal && is_forwarded(p)))
		return half_open_pass_on(p, half);
	half_open_free(half);
	return PASS;
}

/*
 * Does the SYN-ACK answer the SYN of the entry? A server may take the data of a SYN, too (TCP Fast
 * Open, RFC 7413).
 */
static __always_inline bool answers_syn(const struct packet *p, struct hokm_half_open *half)
{
	__u32 data = p->seg.ack - half->isn - 1;

	return !data || (half->syn_kept && data <= half_open_syn(half)->data);
}

/* A packet of the server on a half-open connection. */
static __always_inline enum verdict half_open_reply(struct packet *p, struct hokm_half_open *half)
{
	if (p->seg.flags & TCP_FLAG_RST)
		return half_open_reset(p, half);
	half_open_count_out(half, p);
	if (!(p->seg.flags & TCP_FLAG_SYN) || !answers_syn(p, half))
		return PASS;
	COUNT(p, syn_ack);
	/*
	 * A stream that began in the SYN is not followed from its beginning: its next packet enters
	 * the connection, for which a socket is there (tcp_unknown.h).
	 */
	if (half->tcp_state != HOKM_TCP_SYN || p->seg.ack != half->isn + 1)
		return PASS;
	half->tcp_state = HOKM_TCP_SYN_ACK;
	half->syn_ack_ns = p->now;
	LATENCY(p, syn_ack, elapsed_us(p, half->created_ns));
	half->server_next = p->seg.seq + 1;
	return PASS;
}

static __always_inline enum verdict segment_egress(struct packet *p)
{
	struct hokm_conn_key key;
	struct hokm_half_open *half;
	struct hokm_conn *c;

	COUNT(p, packets_out);
	p->count->bytes_out += p->seg.ip_len;
	conn_key(&key, p);
	c = bpf_map_lookup_elem(&conns, &key);
	if (c) {
		clock_read_coarse(p);
		conn_track_out(p, c);
		vouch_note(&p->seg, c);
		return PASS;
	}
	clock_read(p);
	half = half_open_find(half_open_set(p, &key), &key);
	if (half)
		return half_open_reply(p, half);
	if (p->seg.flags & TCP_FLAG_SYN)
		COUNT(p, syn_ack); /* its half-open entry was replaced */
	return PASS;
}

/*
 * Did the daemon send the segment (user/act/tickle.h)? The socket tells, and not a mark of the skb:
 * its bits belong to the rules of the operator, of VPNs and of container networks. The window of
 * these segments is 0. Few segments of a server have such a window, so few pay for the look.
 */
static __always_inline bool is_of_daemon(const struct packet *p)
{
	struct bpf_sock *sk;

	if (p->seg.window)
		return false;
	sk = ((struct __sk_buff *)p->ctx)->sk;
	if (sk)
		sk = bpf_sk_fullsock(sk);
	return sk && sk->protocol == IPPROTO_RAW;
}

/* A TCP packet from a VIP. frame_len: length of the whole skb. */
static __always_inline enum verdict tcp_egress(struct packet *p, __u32 frame_len)
{
	const struct iphdr *ip = p->l3;
	const struct tcphdr *tcp = p->l3 + ip_header_len(ip);
	__u32 ip_len = frame_len - (__u32)(p->l3 - (void *)p->eth);
	enum tcp_kind kind = parse_tcp(p, tcp, ip_len, ip_header_len(ip));
	__u32 slot;

	if (kind != TCP_GOOD)
		return kind == TCP_SHORT ? MORE : PASS;
	slot = service_found(p->cfg, ip->saddr, tcp->source);
	if (slot == HOKM_NODE_SLOT || !account(p, slot))
		return PASS;
	p->client = ip->daddr;
	p->client_port = tcp->dest;
	if (is_of_daemon(p)) {
		COUNT(p, told_dead);
		return PASS;
	}
	return segment_egress(p);
}

#endif
