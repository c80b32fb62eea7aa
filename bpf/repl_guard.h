/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guard of replication messages (user/decide/repl_wire.h). The daemon reads them. The guard
 * lets only those pass that come from a peer's address, with TTL 255 and so from the same network
 * (RFC 5082), unfragmented, and with a length that a message can have. Over the segment each of
 * them is a sign of life of the peer; over another path (pulse_path.h) only the daemon can tell.
 */
#ifndef HOKM_BPF_REPL_GUARD_H
#define HOKM_BPF_REPL_GUARD_H

#include "accounting.h"
#include "frame_parse.h"
#include "peer_state.h"

#define REPL_TTL 255

/* A UDP packet to an address of this node and the replication port, from the peer in this slot. */
static __always_inline enum verdict repl_judge(struct packet *p, const struct udphdr *udp,
					       enum ip_kind kind, __u8 slot)
{
	const struct iphdr *ip = p->l3;
	__s32 len = ip_payload_len(ip);

	clock_read(p);
	p->client = ip->saddr;
	p->client_port = udp->source;
	if (slot == HOKM_NO_PEER)
		return DROP_FOR(p, drop_repl_source);
	if (ip->ttl != REPL_TTL)
		return DROP_FOR(p, drop_repl_ttl);
	if (kind != IP_WHOLE || len < (__s32)(sizeof(*udp) + HOKM_REPL_MIN) ||
	    len > (__s32)(sizeof(*udp) + HOKM_REPL_MAX) || udp->len != bpf_htons(len))
		return DROP_FOR(p, drop_repl_short);
	COUNT(p, replication_seen);
	return PASS;
}

/* The same over the segment. */
static __always_inline enum verdict repl_ingress(struct packet *p, const struct udphdr *udp,
						 enum ip_kind kind)
{
	const struct iphdr *ip = p->l3;
	enum verdict v = repl_judge(p, udp, kind, peer_by_addr(p, ip->saddr));

	if (v == PASS)
		note_sign(p);
	return v;
}

#endif
