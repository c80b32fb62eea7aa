/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP from clients to a service: checks the headers, finds the service, and chooses the path by
 * what is known of the connection.
 *
 *   SYN                                      tcp_syn.h      syn_ingress
 *   an entry in conns                        tcp_known.h    known_ingress
 *   an ACK that completes a handshake        tcp_syn.h      half_open_complete, then known_ingress
 *   another packet of a half-open connection tcp_syn.h      handshake_ingress
 *   no entry                                 tcp_unknown.h  unknown_ingress
 *
 * docs/architecture.md has the table of decisions.
 */
#ifndef HOKM_BPF_TCP_INGRESS_H
#define HOKM_BPF_TCP_INGRESS_H

#include "fragment.h"
#include "half_open.h"
#include "syn_replay.h"
#include "holder.h"
#include "dead_peer.h"
#include "frame_parse.h"
#include "service_lookup.h"
#include "tcp_syn.h"

/* Packets of a connection that is over lie at most this many bytes before its last one. */
#define OLD_BYTES 65536

/*
 * Does the packet belong to a newer connection with the port of one that is over? The SYN of the
 * newer one may have met another node. A late packet of the old connection repeats its last bytes
 * or acknowledges the server's last bytes.
 */
static __always_inline bool is_port_reused(const struct packet *p, const struct hokm_conn *c)
{
	return conn_ended(c) && c->c2s.seq_next - p->seg.seq > OLD_BYTES;
}

/* A valid segment of a service: the dispatch that the top of this file shows. */
static __always_inline enum verdict segment_ingress(struct packet *p)
{
	struct hokm_half_open *half;
	struct hokm_conn_key key;
	struct hokm_conn *c;

	COUNT(p, packets_in);
	p->count->bytes_in += p->seg.ip_len;
	conn_key(&key, p);
	if (p->seg.flags & TCP_FLAG_SYN) {
		clock_read(p);
		return syn_ingress(p, &key);
	}
	c = bpf_map_lookup_elem(&conns, &key);
	if (c && !is_port_reused(p, c)) {
		clock_read_coarse(p);
	} else {
		clock_read(p);
		half = half_open_find(half_open_set(p, &key), &key);
		c = half ? half_open_complete(p, &key, half) : NULL;
		/* Another CPU may have given the place to another connection. */
		if (half && !c && !half_open_has(half, &key))
			half = NULL;
		if (!half)
			return unknown_ingress(p, &key, NULL, socket_or_cookie(p));
		if (!c)
			return handshake_ingress(p, &key, half);
	}
	return known_ingress(p, c);
}

/* Is the frame shorter than its IP total length? It may consist of several buffers. */
static __always_inline bool is_cut_off(const struct packet *p, const struct iphdr *ip)
{
	__u32 ip_len = bpf_ntohs(ip->tot_len);
	__u32 l3_at = p->l3 - (void *)p->eth;

	if (ip_len <= (__u32)(p->end - p->l3))
		return false;
	return l3_at + ip_len > bpf_xdp_get_buff_len(p->ctx);
}

/* A TCP packet for a VIP. */
static __always_inline enum verdict tcp_ingress(struct packet *p, enum ip_kind kind)
{
	const struct iphdr *ip = p->l3;
	const struct tcphdr *tcp = p->l3 + ip_header_len(ip);
	__u32 slot;

	if (!mac_equal(p->eth->h_dest, p->cfg->mac))
		return LEAVE_AS(p, other_host);
	if (kind == IP_FRAGMENT)
		return fragment_ingress(p);
	if (is_cut_off(p, ip))
		return LEAVE_AS(p, bad_ip);
	if (parse_tcp(p, tcp, bpf_ntohs(ip->tot_len), ip_header_len(ip)) != TCP_GOOD)
		return LEAVE_AS(p, bad_tcp);
	if (p->seg.flags & TCP_FLAG_SYN && p->seg.flags & TCP_FLAG_ACK)
		return LEAVE_AS(p, bad_tcp);
	slot = service_found(p->cfg, ip->daddr, tcp->dest);
	if (slot == HOKM_NODE_SLOT || !account(p, slot))
		return PASS;
	p->client = ip->saddr;
	p->client_port = tcp->source;
	return segment_ingress(p);
}

#endif
