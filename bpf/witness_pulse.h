/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel side of a witness: it answers the probes of the nodes as a node without services does
 * (pulse_answer.h, with the same checks and the same promise). Then the answer gets what only a
 * witness says: which other nodes it hears, and that a kernel answers. It is signed once more.
 *
 * Invariants
 *  - Every other frame passes, unchanged: a witness has no VIP, and may be a router.
 *  - Nothing here depends on a process. The sign of life of a node is the moment of its newest
 *    probe that passed all checks (hokm_peer.alive_ns), and no other packet sets it.
 *  - cfg.pulse_nonce and cfg.linger_ns are 0: a witness asks nobody, so it takes no answer, and no
 *    probe changes the state of a node here.
 */
#ifndef HOKM_BPF_WITNESS_PULSE_H
#define HOKM_BPF_WITNESS_PULSE_H

#include "pulse_answer.h"

/* When did the probe of the node in this slot come, if it is not the asking one? 0: never. */
static __always_inline __u64 witness_heard_ns(const struct packet *p, __u32 slot, __u32 asks)
{
	const struct hokm_peer *peer = slot == asks ? NULL : peer_get(p, slot);

	return peer ? peer->alive_ns : 0;
}

/*
 * Completes and signs the answer to the node of the slot. A function of its own for the verifier;
 * to the verifier pulse may be NULL.
 */
__noinline int witness_complete(struct hokm_pulse *pulse, __u32 asks, __u64 now)
{
	struct packet p = {};

	if (!pulse || !question_packet(&p, now))
		return 0;
	pulse->flags |= HOKM_PULSE_KERNEL;
	pulse->daemon_age_ns = 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < HOKM_MAX_PEERS; i++) {
		__u64 heard = witness_heard_ns(&p, i, asks);
		/* Another CPU may have noted a probe that is newer than this one. */
		__u64 age_us = heard < now ? (now - heard + 999) / 1000 : 0;

		pulse->heard[i].addr = 0;
		pulse->heard[i].age_us = 0;
		if (!heard || age_us > 0xffffffff)
			continue;
		pulse->heard[i].addr = p.cfg->peer[i].addr.w[3];
		pulse->heard[i].age_us = bpf_htonl(age_us);
	}
	pulse->tag = bpf_cpu_to_be64(pulse_tag_of(pulse, asks, KEY_TO_PEER, HOKM_PATH_SEGMENT));
	return 1;
}

/* A UDP packet to the address and the pulse port of this witness. */
static __always_inline enum verdict witness_pulse(struct packet *p, struct udphdr *udp,
						  enum ip_kind kind)
{
	const struct iphdr *ip = p->l3;
	__u32 place = WORK_IN, asks = peer_by_addr(p, ip->saddr);
	__u32 at = (void *)(udp + 1) - (void *)p->eth;
	enum verdict v = pulse_ingress(p, udp, kind);
	struct work *w = bpf_map_lookup_elem(&work, &place);

	if (v != REPLY)
		return v;
	/* The copy of the answer is whole but for its tag. */
	if (!w || !witness_complete(&w->pulse, asks, p->now) ||
	    bpf_xdp_store_bytes(p->ctx, at, &w->pulse, sizeof(w->pulse)))
		return CONSUMED;
	return REPLY;
}

/* Pulses for this witness, and nothing else. */
static __always_inline enum verdict witness_ingress(struct packet *p)
{
	const struct iphdr *ip = p->l3;
	enum ip_kind kind = parse_ipv4(p);
	struct udphdr *udp;

	if (kind == IP_BAD || kind == IP_SHORT || ip->protocol != IPPROTO_UDP || !cfg_read(p) ||
	    !addr_is(&p->cfg->addr, ip->daddr) || !is_first_fragment(ip))
		return PASS;
	udp = p->l3 + ip_header_len(ip);
	if ((void *)(udp + 1) > p->end || udp->dest != p->cfg->pulse_port ||
	    !account(p, HOKM_NODE_SLOT))
		return PASS;
	return witness_pulse(p, udp, kind);
}

#endif
