/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication messages (user/decide/repl_wire.h) are for the daemon; here it is only made sure that
 * nobody but a peer on this network can bother it: a peer's address, TTL 255, whole, of a length
 * that a message can have.
 */
#ifndef HOKM_BPF_REPL_GUARD_H
#define HOKM_BPF_REPL_GUARD_H

#include "accounting.h"
#include "frame_parse.h"
#include "peer_state.h"

#define REPL_TTL 255

/* A UDP packet to our address and the replication port. */
static __always_inline enum verdict repl_ingress(struct packet *p, const struct udphdr *udp,
						 enum ip_kind kind)
{
	const struct iphdr *ip = p->l3;
	__s32 len = ip_payload_len(ip);

	clock_read(p);
	p->client = ip->saddr;
	p->client_port = udp->source;
	if (peer_by_addr(p, ip->saddr) == HOKM_NO_PEER)
		return DROP_FOR(p, drop_repl_source);
	if (ip->ttl != REPL_TTL)
		return DROP_FOR(p, drop_repl_ttl);
	if (kind != IP_WHOLE || len < (__s32)(sizeof(*udp) + HOKM_REPL_MIN) ||
	    len > (__s32)(sizeof(*udp) + HOKM_REPL_MAX) || udp->len != bpf_htons(len))
		return DROP_FOR(p, drop_repl_short);
	COUNT(p, replication_seen);
	return PASS;
}

#endif
