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
 * sends the segment again. So what passes ends no player: the kernel answers a segment only when it
 * has it whole, and a segment is whole only with the fragment that has its ports, which was looked
 * up here. While guesses are given (guess.h) a peer may hold a connection that nothing here knows.
 * Its first fragment is dropped then: a guess would let anybody send a peer as many more, and TCP
 * sends the segment again. A drop of later fragments would take from local players those that
 * overtake their first one.
 *
 * Anybody who knows a client's address and port can send fragments in its name. When the numbers of
 * the first one fit its connection (vouch.h), the packet is the client's: FRAGMENTS_A_PACKET of it
 * go on. Every other fragment counts as a stray (guess.h), and is dropped when these are too many.
 *
 * Invariants
 *  - what a peer steered here is never steered again;
 *  - fragments change no entry of a connection: their segments are not followed;
 *  - a flood of fragments does not reach a peer.
 */
#ifndef HOKM_BPF_FRAGMENT_H
#define HOKM_BPF_FRAGMENT_H

#include "frame_parse.h"
#include "guess.h"
#include "service_lookup.h"
#include "whereabouts.h"

#define FRAGMENT_NS 1000000000ULL
/* A packet of the greatest length has fewer on every link whose MTU is 576 or more. */
#define FRAGMENTS_A_PACKET 120
/* As holders: the fragment is one stray too many; a peer may hold what nothing here knows. */
#define FRAGMENT_LIMITED 0x400
#define FRAGMENT_UNKNOWN 0x401

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

/*
 * The peer that holds the connection of a first fragment, HOKM_NO_PEER when the local kernel gets
 * it, or FRAGMENT_UNKNOWN. A SYN opens a new connection, so it is the local kernel's.
 */
static __always_inline int first_fragment_holder(struct packet *p, const struct iphdr *ip)
{
	const struct tcphdr *tcp = p->l3 + ip_header_len(ip);
	__u8 holder;
	__u32 slot;
	bool syn;

	if ((void *)(tcp + 1) > p->end)
		return HOKM_NO_PEER;
	slot = service_find(p->cfg, ip->daddr, tcp->dest);
	if (slot == HOKM_NODE_SLOT || !account(p, slot))
		return HOKM_NO_PEER;
	syn = tcp->syn;
	p->client = ip->saddr;
	p->client_port = tcp->source;
	holder = holder_of_packet(p);
	if (holder != HOKM_NO_PEER)
		return holder == HOKM_LOCAL ? HOKM_NO_PEER : holder;
	return syn ? HOKM_NO_PEER : FRAGMENT_UNKNOWN;
}

/*
 * Does the first fragment fit its connection? numbers: as for segment_fits(). A function of its own
 * because of the stack: a chain of calls has 512 bytes.
 */
__noinline int fragment_fits(__be32 client, __u32 port_service, __u64 numbers)
{
	struct hokm_conn_key key = {.client.w[2] = bpf_htonl(0xffff)};

	key.client.w[3] = client;
	key.client_port = port_service >> 16;
	key.service = port_service & 0xffff;
	return segment_fits(bpf_map_lookup_elem(&conns, &key), numbers, 0);
}

/*
 * How many fragments may follow the first one, by its numbers; its client, port and service are
 * known.
 */
static __always_inline __u32 fragments_to_come(const struct packet *p, const struct iphdr *ip)
{
	const struct tcphdr *tcp = p->l3 + ip_header_len(ip);
	__u32 place = (__u32)p->client_port << 16 | p->service;

	if ((void *)(tcp + 1) > p->end)
		return 0;
	return fragment_fits(p->client, place,
			     vouch_pack(bpf_ntohl(tcp->seq), bpf_ntohl(tcp->ack_seq)))
		       ? FRAGMENTS_A_PACKET
		       : 0;
}

/* A count of fragments is plain: where two CPUs take one at once, one more goes on. */
static __always_inline int later_fragment_holder(const struct packet *p,
						 const struct fragment_key *k)
{
	struct fragment *f = bpf_map_lookup_elem(&fragments, k);

	if (!f || !within(f->seen_ns, p->now, FRAGMENT_NS) || peer_is_dead(p, f->holder))
		return HOKM_NO_PEER;
	if (f->left)
		f->left--;
	else if (!stray_allowed(p->now, f->holder, k->source.w[3]))
		return FRAGMENT_LIMITED;
	return f->holder;
}

/*
 * The peer that a fragment goes to, HOKM_NO_PEER when it is the local kernel's, FRAGMENT_LIMITED
 * when it is dropped, or FRAGMENT_UNKNOWN.
 */
__noinline int fragment_holder(struct xdp_md *ctx, __u64 now)
{
	struct packet p = {.ctx = ctx, .end = (void *)(long)ctx->data_end, .now = now};
	struct fragment place = {.seen_ns = now};
	struct fragment_key key;
	const struct iphdr *ip;
	int holder;

	if (parse_frame(&p, (void *)(long)ctx->data) != FRAME_IPV4 ||
	    parse_ipv4(&p) != IP_FRAGMENT || !cfg_read(&p) || arrived_steered(&p))
		return HOKM_NO_PEER;
	ip = p.l3;
	fragment_key(&key, ip);
	if (!is_first_fragment(ip))
		return later_fragment_holder(&p, &key);
	holder = first_fragment_holder(&p, ip);
	/* What gets no entry leaves none: it would be of an older packet. */
	if (holder == HOKM_NO_PEER || holder == FRAGMENT_UNKNOWN) {
		bpf_map_delete_elem(&fragments, &key);
		return holder;
	}
	place.holder = holder;
	place.left = fragments_to_come(&p, ip);
	if (!place.left && !stray_allowed(now, place.holder, ip->saddr)) {
		bpf_map_delete_elem(&fragments, &key);
		return FRAGMENT_LIMITED;
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
	if (holder == FRAGMENT_UNKNOWN)
		return guesses_given(p) && first_alive_peer(p) != HOKM_NO_PEER
			       ? DROP_FOR(p, drop_stray)
			       : PASS;
	if (holder == HOKM_NO_PEER)
		return PASS;
	if (holder == FRAGMENT_LIMITED)
		return DROP_FOR(p, drop_stray);
	COUNT(p, fragments_steered);
	p->target = holder;
	return STEER;
}

#endif
