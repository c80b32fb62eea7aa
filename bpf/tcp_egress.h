/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP from a local server to its clients: tracks the flow server to client of each connection. The
 * RST with which the kernel refuses a SYN makes the service suspect at once, and is rewritten to
 * that SYN when a peer can serve it (syn_replay.h).
 *
 * Segments that the daemon of this node sends on behalf of connections have the mark HOKM_SKB_MARK.
 * They are only counted.
 */
#ifndef HOKM_BPF_TCP_EGRESS_H
#define HOKM_BPF_TCP_EGRESS_H

#include "half_open.h"
#include "frame_parse.h"
#include "syn_replay.h"
#include "service_lookup.h"

/* Makes the service suspect for a bounded time; only a check takes it down (architecture rule 4).
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

static __always_inline enum verdict half_open_reset(struct packet *p, struct hokm_half_open *half)
{
	if (is_refusal(p, half))
		return half_open_refused(p, half);
	COUNT(p, rst_server);
	half_open_free(half);
	return PASS;
}

/* A packet of the server on a half-open connection. */
static __always_inline enum verdict half_open_reply(struct packet *p, struct hokm_half_open *half)
{
	if (p->seg.flags & TCP_FLAG_RST)
		return half_open_reset(p, half);
	half_open_count_out(half, p);
	if (!(p->seg.flags & TCP_FLAG_SYN) || p->seg.ack != half->isn + 1)
		return PASS;
	COUNT(p, syn_ack);
	if (half->tcp_state != HOKM_TCP_SYN)
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
	slot = service_find(p->cfg, ip->saddr, tcp->source);
	if (slot == HOKM_NODE_SLOT || !account(p, slot))
		return PASS;
	p->client = ip->daddr;
	p->client_port = tcp->dest;
	if (((struct __sk_buff *)p->ctx)->mark == HOKM_SKB_MARK) {
		COUNT(p, told_dead);
		return PASS;
	}
	return segment_egress(p);
}

#endif
