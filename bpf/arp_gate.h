/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ARP, both ways (RFC 826): only the owner answers requests for a VIP, and only the owner says that
 * a VIP is its own. The lease decides, not the daemon: a node whose daemon hangs goes silent by
 * itself.
 *
 * ar_hrd is not looked at: Linux takes Ethernet's and IEEE 802's for the same.
 */
#ifndef HOKM_BPF_ARP_GATE_H
#define HOKM_BPF_ARP_GATE_H

#include "event_send.h"
#include "frame_parse.h"

/* The packet as ARP for IPv4, or NULL: then *bad says whether it claims to be one but is not. */
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

static __always_inline enum verdict arp_ingress(struct packet *p)
{
	const struct arp_ipv4 *arp;
	bool bad;

	arp = arp_read(p, &bad);
	if (!arp)
		return bad ? LEAVE_AS(p, bad_arp) : PASS;
	if (arp->hdr.ar_op != bpf_htons(ARPOP_REQUEST))
		return PASS;
	if (!cfg_read(p) || !is_vip(p->cfg, arp_addr(arp->tpa)) || !account(p, HOKM_NODE_SLOT))
		return PASS;
	clock_read(p);
	p->client = arp_addr(arp->spa);
	if (!is_owner(p->now))
		return DROP_FOR(p, drop_arp_gate);
	COUNT(p, arp_answered);
	return PASS;
}

/* A request or reply with the VIP as sender teaches everyone who hears it. */
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
