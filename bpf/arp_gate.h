/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ARP gate (RFC 826), in both directions: only the owner answers ARP requests for a VIP, and
 * only the owner sends ARP that claims a VIP. The lease decides, not the daemon. So a node whose
 * daemon is unresponsive stops to answer as soon as its lease runs out (architecture rule 1).
 *
 * ARP of a peer's own address is a sign of life of that peer; the daemon asks for it by an ARP
 * request when the peer's pulses are silent.
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

/* Incoming ARP: a request for a VIP passes only on the owner. */
static __always_inline enum verdict arp_ingress(struct packet *p)
{
	const struct arp_ipv4 *arp;
	bool bad;

	arp = arp_read(p, &bad);
	if (!arp)
		return bad ? LEAVE_AS(p, bad_arp) : PASS;
	arp_note_sign(p, arp);
	if (arp->hdr.ar_op != bpf_htons(ARPOP_REQUEST))
		return PASS;
	if (!cfg_read(p) || !is_vip(p->cfg, arp_addr(arp->tpa)) || !account(p, HOKM_NODE_SLOT))
		return PASS;
	if (!is_owner(p->now))
		return DROP_FOR(p, drop_arp_gate);
	COUNT(p, arp_answered);
	return PASS;
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
