/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fence on the other interfaces of the machine (architecture rule 1). The local route of the
 * VIP belongs to the whole machine, not to one interface. So the kernel would answer an ARP request
 * for the VIP that arrives on any interface, with the MAC address of that interface, and would take
 * a new connection from there, owner or not.
 *
 *   ARP request for a VIP   hidden: only the interface of the instance answers, also on the owner
 *   SYN to a service        hidden while this node is not owner, on an interface in the segment
 *   pulse over a path       answered or taken in, and goes no further (pulse_path.h)
 *   replication over one    hidden unless it is from a peer
 *   anything else           untouched
 *
 * An interface is in the segment when ARP with a VIP as sender or target was seen on it. The
 * owner's gratuitous ARP shows each such interface at the latest when it is refreshed. A network of
 * containers, where nobody asks for the VIP, is never counted as the segment.
 *
 * Hidden means that the packet type becomes PACKET_OTHERHOST: the ARP and IPv4 code of this machine
 * ignore the frame, and everything else sees it as before: later filters, macvlan interfaces on
 * top, packet sockets.
 */
#ifndef HOKM_BPF_FENCE_H
#define HOKM_BPF_FENCE_H

#include "arp_gate.h"
#include "event_send.h"
#include "frame_parse.h"
#include "pulse_path.h"
#include "service_lookup.h"

static __always_inline enum verdict fence_arp(struct packet *p, struct hokm_fence *f)
{
	const struct arp_ipv4 *arp;
	bool bad, asked;

	if (p->l3 + sizeof(*arp) > p->end)
		return MORE;
	arp = arp_read(p, &bad);
	if (!arp || !account(p, HOKM_NODE_SLOT))
		return PASS;
	asked = is_vip(p->cfg, arp_addr(arp->tpa));
	if (!asked && !is_vip(p->cfg, arp_addr(arp->spa)))
		return PASS;
	clock_read(p);
	if (f)
		f->seen_ns = p->now;
	p->client = arp_addr(arp->spa);
	if (!asked || arp->hdr.ar_op != bpf_htons(ARPOP_REQUEST))
		return PASS;
	return DROP_FOR(p, drop_other_arp);
}

static __always_inline enum verdict fence_tcp(struct packet *p, const struct hokm_fence *f)
{
	const struct iphdr *ip = p->l3;
	const struct tcphdr *tcp;
	enum ip_kind kind = parse_ipv4(p);
	__be32 flags;
	__u32 slot;

	if (kind == IP_SHORT)
		return MORE;
	if (kind != IP_WHOLE || ip->protocol != IPPROTO_TCP || !is_vip(p->cfg, ip->daddr))
		return PASS;
	tcp = p->l3 + ip_header_len(ip);
	if ((void *)(tcp + 1) > p->end)
		return MORE;
	flags = ((const union tcp_word_hdr *)tcp)->words[3];
	if (!f || !f->seen_ns || !(flags & TCP_FLAG_SYN) || flags & TCP_FLAG_ACK)
		return PASS;
	slot = service_find(p->cfg, ip->daddr, tcp->dest);
	if (slot == HOKM_NODE_SLOT || !account(p, slot))
		return PASS;
	clock_read(p);
	p->client = ip->saddr;
	p->client_port = tcp->source;
	return is_owner(p->now) ? PASS : DROP_FOR(p, drop_other_syn);
}

/* Frames with a VLAN tag belong to the interface of that VLAN, which has a fence of its own. */
static __always_inline enum verdict fence_frame(struct packet *p, struct __sk_buff *skb,
						struct hokm_fence *f)
{
	enum verdict v;

	p->end = (void *)(long)skb->data_end;
	p->eth = (void *)(long)skb->data;
	p->l3 = p->eth + 1;
	if (p->l3 > p->end)
		return MORE;
	if (p->eth->h_proto == bpf_htons(ETH_P_ARP))
		return fence_arp(p, f);
	if (p->eth->h_proto != bpf_htons(ETH_P_IP))
		return PASS;
	v = path_ingress(p, skb);
	return v == PASS ? fence_tcp(p, f) : v;
}

#endif
