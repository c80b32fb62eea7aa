/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ARP gate (RFC 826), in both directions: only the owner answers ARP requests for a VIP, and
 * only the owner sends ARP that claims a VIP. The lease decides, not the daemon. So a node whose
 * daemon is unresponsive stops to answer as soon as its lease runs out (architecture rule 1).
 *
 * ARP of a peer's own address is a sign of life of that peer; the daemon asks for it by an ARP
 * request when the peer's pulses are silent.
 *
 * ARP that claims a VIP for a MAC address of no node is counted and reported to the daemon. It goes
 * the same way as other ARP: the other hosts on the link have it anyway.
 *
 * The hardware type is not checked, because Linux treats Ethernet and IEEE 802 as the same.
 */
#ifndef HOKM_BPF_ARP_GATE_H
#define HOKM_BPF_ARP_GATE_H

#include "event_send.h"
#include "frame_parse.h"
#include "peer_state.h"

/* The packet as ARP for IPv4, or NULL. Then *bad is whether it is a malformed one. */
static __always_inline const struct arp_ipv4 *arp_read(const struct packet *p, bool *bad)
{
	const struct arp_ipv4 *arp = p->l3;

	*bad = true;
	if ((void *)(arp + 1) > p->end)
		return NULL;
	*bad = false;
	if (arp->hdr.ar_pro != bpf_htons(ETH_P_IP))
		return NULL;
	*bad = arp->hdr.ar_hln != ETH_ALEN || arp->hdr.ar_pln != ARP_LEN_IPV4;
	return *bad ? NULL : arp;
}

/* Every host on the link sees what a peer's kernel answers to ARP, whatever its daemon does. */
static __always_inline void arp_note_sign(struct packet *p, const struct arp_ipv4 *arp)
{
	clock_read(p);
	p->client = arp_addr(arp->spa);
	note_sign(p);
}

/* The MAC address of a node: of its pulses or, from keepalived, of its adverts. */
static __always_inline bool mac_is_node(const struct packet *p, __u64 mac)
{
	__u64 its = 0, of_adverts = 0;

	mac_copy(&its, p->cfg->mac);
	if (its == mac)
		return true;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct hokm_peer *peer = peer_get(p, i);

		/* A witness has no right to a VIP. */
		if (!peer || p->cfg->peer[i].witness)
			continue;
		mac_copy(&its, peer->mac);
		mac_copy(&of_adverts, peer->vrrp_mac);
		if (its == mac || of_adverts == mac)
			return true;
	}
	return false;
}

/* The index of the VIP that the sender of this address claims wrongly, or HOKM_MAX_VIPS. */
static __always_inline __u32 vip_claimed(const struct packet *p, __be32 addr, __u64 mac)
{
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < HOKM_MAX_VIPS; i++) {
		if (i >= p->cfg->n_vips)
			break;
		if (addr_is(&p->cfg->vip[i], addr))
			return mac_is_node(p, mac) ? HOKM_MAX_VIPS : i;
	}
	return HOKM_MAX_VIPS;
}

/*
 * ARP from this address and MAC address (in the first six bytes): counts it, and is it a wrong
 * claim? A function of its own that also sends the event, so that the verifier follows none of it
 * through the pipeline. What the network sends back of this node's own ARP does not count.
 */
__noinline int arp_claim(struct xdp_md *ctx, __be32 addr, __u64 mac, __u64 now)
{
	struct packet p = {.ctx = ctx, .event = HOKM_EV_VIP_CLAIM};
	__u64 its = 0;
	__u32 vip;

	if (!question_packet(&p, now) || !account(&p, HOKM_NODE_SLOT))
		return 0;
	mac_copy(&its, p.cfg->mac);
	if (its != mac)
		COUNT(&p, arp_seen);
	vip = vip_claimed(&p, addr, mac);
	if (vip == HOKM_MAX_VIPS)
		return 0;
	COUNT(&p, arp_foreign);
	p.target = vip;
	p.client_port = mac & 0xffff;
	p.client = mac >> 16;
	event_send(&p, WORK_IN);
	return 1;
}

/* A request for a VIP passes only on the owner. */
static __always_inline enum verdict arp_gate(struct packet *p, const struct arp_ipv4 *arp)
{
	if (arp->hdr.ar_op != bpf_htons(ARPOP_REQUEST))
		return PASS;
	if (!cfg_read(p) || !is_vip(p->cfg, arp_addr(arp->tpa)) || !account(p, HOKM_NODE_SLOT))
		return PASS;
	if (!is_owner(p->now))
		return DROP_FOR(p, drop_arp_gate);
	COUNT(p, arp_answered);
	return PASS;
}

/* Does an answer of the gateway count as a grant now? See enum hokm_stand_in. */
static __always_inline bool stand_in_counts(const struct packet *p, const struct hokm_grants *g)
{
	const struct hokm_peer *peer;

	if (g->gateway.stand_in == HOKM_STAND_IN_RENEWS)
		return p->now < hokm_grants_end_ns(g);
	if (g->gateway.stand_in != HOKM_STAND_IN_CLAIMS)
		return false;
	peer = peer_get(p, g->gateway.peer);
	return peer && peer->alive_ns <= g->gateway.silent_ns;
}

/*
 * The gateway has answered: its answer may count as the grant of a third member. It has no number,
 * so it counts from the oldest moment at which a question without an answer was sent.
 */
static __always_inline void stand_in_note(const struct packet *p, struct hokm_grants *g)
{
	__u64 asked = *(volatile __u64 *)&g->gateway.asked_ns;

	if (!asked || __sync_val_compare_and_swap(&g->gateway.asked_ns, asked, 0) != asked)
		return;
	if (stand_in_counts(p, g))
		hokm_grants_note(g, g->gateway.member, g->wish_epoch, asked + g->gateway.used_ns);
}

/*
 * An ARP answer to this node: the gateway's, for the daemon (struct hokm_gateway). Anybody in the
 * segment can forge one. What another MAC address answers is noted apart, so that it hides none of
 * the known one. A function of its own for the verifier.
 */
__noinline int gateway_note(__be32 spa, __be32 tpa, __u64 mac, __u64 now)
{
	struct packet p = {};
	__u32 zero = 0;
	struct hokm_grants *g = bpf_map_lookup_elem(&grants, &zero);

	if (!g || !g->gateway.addr || g->gateway.addr != spa || !question_packet(&p, now) ||
	    tpa != p.cfg->addr.w[3])
		return 0;
	if (g->gateway.mac == mac) {
		g->gateway.answered_ns = now;
		stand_in_note(&p, g);
	} else {
		g->gateway.other_mac = mac;
		g->gateway.other_ns = now;
	}
	return 1;
}

/* Incoming ARP. */
static __always_inline enum verdict arp_ingress(struct packet *p)
{
	const struct arp_ipv4 *arp;
	__u64 mac = 0;
	bool bad;

	arp = arp_read(p, &bad);
	if (!arp)
		return bad ? LEAVE_AS(p, bad_arp) : PASS;
	arp_note_sign(p, arp);
	mac_copy(&mac, arp->sha);
	arp_claim(p->ctx, arp_addr(arp->spa), mac, p->now);
	if (arp->hdr.ar_op == bpf_htons(ARPOP_REPLY))
		gateway_note(arp_addr(arp->spa), arp_addr(arp->tpa), mac, p->now);
	return arp_gate(p, arp);
}

/*
 * Outgoing ARP: every host that receives ARP with the VIP as sender learns it, so only the owner
 * may.
 */
static __always_inline enum verdict arp_egress(struct packet *p)
{
	const struct arp_ipv4 *arp;
	bool bad;

	if (p->l3 + sizeof(*arp) > p->end)
		return MORE;
	arp = arp_read(p, &bad);
	if (!arp)
		return bad ? LEAVE_AS(p, bad_arp) : PASS;
	if (!cfg_read(p) || !is_vip(p->cfg, arp_addr(arp->spa)) || !account(p, HOKM_NODE_SLOT))
		return PASS;
	clock_read(p);
	p->client = arp_addr(arp->tpa);
	return is_owner(p->now) ? PASS : DROP_FOR(p, drop_arp_claim);
}

#endif
