/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IP fragments of TCP packets for a VIP.
 *
 * Only the first fragment of a packet has its ports. It goes to the holder of its connection, and
 * map fragments remembers for FRAGMENT_NS where it went, by what all fragments of a packet share
 * (RFC 791): source, destination, protocol and identification. Those that follow go the same way.
 *
 * What belongs to no connection of a peer passes: the local kernel puts its own packets together,
 * and of a packet whose first fragment was steered away it never has all parts, so that it answers
 * nothing. A fragment that overtakes its first one is lost if a peer holds the connection; TCP
 * sends the segment again.
 *
 * Invariants
 *  - what a peer steered here is never steered again;
 *  - fragments change no entry of a connection: their segments are not followed.
 */
#ifndef HOKM_BPF_FRAGMENT_H
#define HOKM_BPF_FRAGMENT_H

#include "frame_parse.h"
#include "service_lookup.h"
#include "whereabouts.h"

#define FRAGMENT_NS 1000000000ULL

static __always_inline void fragment_key(struct fragment_key *k, const struct iphdr *ip)
{
	__builtin_memset(k, 0, sizeof(*k));
	k->source.w[2] = bpf_htonl(0xffff);
	k->source.w[3] = ip->saddr;
	k->dest.w[2] = bpf_htonl(0xffff);
	k->dest.w[3] = ip->daddr;
	k->id = ip->id;
	k->protocol = ip->protocol;
}

/* The peer that holds the connection of a first fragment, else HOKM_NO_PEER. */
static __always_inline __u8 first_fragment_holder(struct packet *p, const struct iphdr *ip)
{
	const struct tcphdr *tcp = p->l3 + ip_header_len(ip);
	__u8 holder;
	__u32 slot;

	if ((void *)(tcp + 1) > p->end)
		return HOKM_NO_PEER;
	slot = service_find(p->cfg, ip->daddr, tcp->dest);
	if (slot == HOKM_NODE_SLOT || !account(p, slot))
		return HOKM_NO_PEER;
	p->client = ip->saddr;
	p->client_port = tcp->source;
	holder = holder_of_packet(p);
	return holder == HOKM_LOCAL ? HOKM_NO_PEER : holder;
}

static __always_inline __u8 later_fragment_holder(const struct packet *p,
						  const struct fragment_key *k)
{
	const struct fragment *f = bpf_map_lookup_elem(&fragments, k);

	if (!f || !within(f->seen_ns, p->now, FRAGMENT_NS) || peer_is_dead(p, f->holder))
		return HOKM_NO_PEER;
	return f->holder;
}

/* The peer that a fragment goes to, HOKM_NO_PEER when it is the local kernel's. */
__noinline int fragment_holder(struct xdp_md *ctx, __u64 now)
{
	struct packet p = {.ctx = ctx, .end = (void *)(long)ctx->data_end, .now = now};
	struct fragment place = {.seen_ns = now};
	struct fragment_key key;
	const struct iphdr *ip;

	if (parse_frame(&p, (void *)(long)ctx->data) != FRAME_IPV4 ||
	    parse_ipv4(&p) != IP_FRAGMENT || !cfg_read(&p) || arrived_steered(&p))
		return HOKM_NO_PEER;
	ip = p.l3;
	fragment_key(&key, ip);
	if (!is_first_fragment(ip))
		return later_fragment_holder(&p, &key);
	place.holder = first_fragment_holder(&p, ip);
	if (place.holder == HOKM_NO_PEER) {
		/* An entry would be of an older packet with the same identification. */
		bpf_map_delete_elem(&fragments, &key);
		return HOKM_NO_PEER;
	}
	if (bpf_map_update_elem(&fragments, &key, &place, BPF_ANY))
		return HOKM_NO_PEER;
	return place.holder;
}

/* A fragment of a TCP packet for a VIP, to this node's MAC. */
static __always_inline enum verdict fragment_ingress(struct packet *p)
{
	int holder;

	if (!account(p, HOKM_NODE_SLOT))
		return PASS;
	COUNT(p, fragments);
	clock_read(p);
	holder = fragment_holder(p->ctx, p->now);
	if (holder == HOKM_NO_PEER)
		return PASS;
	COUNT(p, fragments_steered);
	p->target = holder;
	return STEER;
}

#endif
