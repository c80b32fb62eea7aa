/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors for a VIP: "fragmentation needed", "unreachable", "time exceeded" (RFC 792, RFC
 * 1191).
 *
 * A router reports them to the VIP, so they arrive at the owner, whose kernel knows no socket of a
 * connection that a peer holds: the holder would never learn of a smaller path MTU, and would send
 * its large segments into the void. The error carries the head of the packet that caused it, from
 * the VIP to the client: IP header and at least eight bytes of TCP, which are ports and sequence
 * number. That names the connection, and the frame is steered to its holder. The holder's kernel
 * then judges the error by the sequence number (RFC 5927), as for any of its own connections.
 *
 * Invariants
 *  - nothing is entered or changed: anybody can send an error;
 *  - what a peer steered here is never steered again;
 *  - at most ICMP_PER_SECOND of them are steered in a second.
 */
#ifndef HOKM_BPF_ICMP_ERROR_H
#define HOKM_BPF_ICMP_ERROR_H

#include "frame_parse.h"
#include "rate_limit.h"
#include "service_lookup.h"
#include "whereabouts.h"

#define ICMP_PER_SECOND 200

enum icmp_type {
	ICMP_UNREACHABLE = 3, /* code 4: fragmentation needed */
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER = 12,
};

/* An error up to the IP header of the packet that caused it; its options and its TCP follow. */
struct icmp_error {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be32 rest; /* code 4: the MTU of the next link */
	struct iphdr inner;
};

/* What eight bytes of TCP tell. */
struct tcp_quote {
	__be16 source; /* the service */
	__be16 dest;   /* the client */
	__be32 seq;
};

static __always_inline bool icmp_is_error(const struct icmp_error *e)
{
	return e->type == ICMP_UNREACHABLE || e->type == ICMP_TIME_EXCEEDED ||
	       e->type == ICMP_PARAMETER;
}

/* Client and service of the connection that the error is about. False: none of ours. */
static __always_inline bool icmp_connection(struct packet *p)
{
	const struct icmp_error *e = p->l3 + ip_header_len(p->l3);
	const struct tcp_quote *tcp;
	__u32 slot;

	if ((void *)(e + 1) > p->end || !icmp_is_error(e) || e->inner.ihl < 5 ||
	    e->inner.protocol != IPPROTO_TCP || !is_first_fragment(&e->inner))
		return false;
	tcp = (void *)&e->inner + ip_header_len(&e->inner);
	if ((void *)(tcp + 1) > p->end)
		return false;
	slot = service_find(p->cfg, e->inner.saddr, tcp->source);
	if (slot == HOKM_NODE_SLOT || !account(p, slot))
		return false;
	p->client = e->inner.daddr;
	p->client_port = tcp->dest;
	return true;
}

/*
 * The peer that holds the connection, HOKM_NO_PEER when the frame is the local kernel's. A function
 * of its own to the verifier: what lies before it has nothing to do with it.
 */
__noinline int icmp_error_holder(struct xdp_md *ctx, __u64 now)
{
	struct packet p = {.ctx = ctx, .end = (void *)(long)ctx->data_end, .now = now};
	__u8 holder;

	if (parse_frame(&p, (void *)(long)ctx->data) != FRAME_IPV4 || parse_ipv4(&p) != IP_WHOLE ||
	    !cfg_read(&p) || !mac_equal(p.eth->h_dest, p.cfg->mac) || arrived_steered(&p) ||
	    !icmp_connection(&p))
		return HOKM_NO_PEER;
	holder = holder_of_packet(&p);
	return holder == HOKM_LOCAL ? HOKM_NO_PEER : holder;
}

/* An ICMP message to a VIP. */
static __always_inline enum verdict icmp_ingress(struct packet *p)
{
	int holder;

	if (!account(p, HOKM_NODE_SLOT))
		return PASS;
	clock_read(p);
	holder = icmp_error_holder(p->ctx, p->now);
	if (holder == HOKM_NO_PEER)
		return PASS;
	if (!rate_allowed(RATE_ICMP, p->now, ICMP_PER_SECOND)) {
		COUNT(p, icmp_limited);
		return PASS;
	}
	COUNT(p, icmp_steered);
	p->target = holder;
	return STEER;
}

#endif
