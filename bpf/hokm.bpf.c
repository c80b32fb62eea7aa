/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The three programs of a node, and that of a witness. Each is a pipeline of small inline stages.
 *
 *   hokm_ingress (xdp.frags)
 *   frame -> plain segment of a known connection: known_fast.h
 *         -> plain SYN of a new connection: syn_fast.h
 *         -> Ethernet, up to 2 VLAN tags; more stacked priority tags -> DROP
 *         -> ARP          arp_gate.h      a request for a VIP that this node does not own -> DROP
 *         -> VRRP         vrrp_guard.h    from a peer, TTL 255, its MAC address -> PASS; else DROP
 *         -> pulse        pulse_answer.h  probe -> answered in place; answer -> stored in peers
 *         -> replication  repl_guard.h    from a peer, TTL 255, unfragmented -> PASS; else DROP
 *         -> TEST-NET-1   steer_probe.h   a peer's test of steering -> noted in peers; else DROP
 *         -> TCP          tcp_ingress.h   service -> connection -> frames -> steer | answer | PASS
 *         -> all else     PASS, unchanged
 *
 *   hokm_egress (clsact)
 *   frame -> plain segment of a known connection: known_fast.h
 *         -> ARP          arp_gate.h      claims a VIP that this node does not own -> DROP
 *         -> TCP          tcp_egress.h    service -> connection -> frames
 *                         syn_replay.h    a refusal becomes its SYN
 *         -> probe        counted: no filter of others hides from this one what leaves
 *
 *   hokm_fence (clsact ingress of every other interface)
 *   frame -> ARP, TCP     fence.h         a VIP is asked for or connected to where it is not owned
 *         -> pulse        pulse_path.h    over a path: answered, or stored in peers and path_peers
 *         -> replication  pulse_path.h    over a path: from a peer, TTL 255 -> PASS; else hidden
 *
 *   hokm_witness (xdp.frags, on a machine that runs none of the others)
 *   frame -> pulse        witness_pulse.h  probe -> answered in place
 *         -> all else     PASS, unchanged
 *
 * conn_track.h calls the frame tracking (ws_track.h) after flow_track() and before it handles FIN
 * and RST, because the data of a packet comes before its FIN.
 *
 * Cost: a packet that belongs to none of these pays for one array look-up and a few comparisons. A
 * packet of an established connection pays for one hash look-up, one reading of the coarse clock, a
 * few array look-ups, and one frame header that is read where it lies.
 */
#include "maps.h"
#include "arp_gate.h"
#include "vrrp_guard.h"
#include "pulse_answer.h"
#include "repl_guard.h"
#include "icmp_error.h"
#include "steer_probe.h"
#include "tcp_ingress.h"
#include "tcp_egress.h"
#include "known_fast.h"
#include "syn_fast.h"
#include "fence.h"
#include "witness_pulse.h"

char _license[] SEC("license") = "GPL";

/* UDP to this node's address: pulses and replication messages. */
static __always_inline enum verdict udp_ingress(struct packet *p, enum ip_kind kind)
{
	const struct iphdr *ip = p->l3;
	struct udphdr *udp = p->l3 + ip_header_len(ip);

	if (!is_first_fragment(ip) || (void *)(udp + 1) > p->end)
		return PASS;
	if (udp->dest == p->cfg->pulse_port)
		return account(p, HOKM_NODE_SLOT) ? pulse_ingress(p, udp, kind) : PASS;
	if (udp->dest == p->cfg->repl_port && p->cfg->repl_port)
		return account(p, HOKM_NODE_SLOT) ? repl_ingress(p, udp, kind) : PASS;
	return PASS;
}

static __always_inline enum verdict ipv4_ingress(struct packet *p)
{
	const struct iphdr *ip = p->l3;
	enum ip_kind kind = parse_ipv4(p);

	if (kind == IP_BAD || kind == IP_SHORT || ip_payload_len(ip) < 0)
		return LEAVE_AS(p, bad_ip);
	if (!cfg_read(p))
		return PASS;
	if (ip->protocol == IPPROTO_VRRP)
		return vrrp_ingress(p, kind);
	if (ip->protocol == IPPROTO_UDP && addr_is(&p->cfg->addr, ip->daddr))
		return udp_ingress(p, kind);
	if (ip->protocol == IPPROTO_TCP && is_vip(p->cfg, ip->daddr))
		return is_steer_probe(ip) ? steer_probe_ingress(p, kind) : tcp_ingress(p, kind);
	if (ip->protocol == IPPROTO_ICMP && is_vip(p->cfg, ip->daddr))
		return icmp_ingress(p);
	return PASS;
}

/* A frame with more stacked tags than are parsed could pass the gates, so it is dropped. */
static __always_inline enum verdict stacked_ingress(struct packet *p)
{
	if (!account(p, HOKM_NODE_SLOT))
		return PASS;
	clock_read(p);
	return DROP_FOR(p, drop_vlan_stack);
}

/* The verdict for a packet that has a fast path, or NOT_FAST. */
static __always_inline int fast_ingress(struct xdp_md *ctx)
{
	struct packet p = {.ctx = ctx, .end = (void *)(long)ctx->data_end};

	switch (fast_parse(&p, (void *)(long)ctx->data)) {
	case TCP_FLAG_ACK:
		return known_fast_in(&p);
	case TCP_FLAG_SYN:
		return syn_fast_in(&p);
	default:
		return NOT_FAST;
	}
}

SEC("xdp.frags")
int hokm_ingress(struct xdp_md *ctx)
{
	struct packet p = {
		.ctx = ctx,
		.event = EVENT_NONE,
		.target = HOKM_NO_PEER,
	};
	int fast = fast_ingress(ctx);
	enum verdict v = PASS;

	if (fast != NOT_FAST)
		return fast;
	p.end = (void *)(long)ctx->data_end;
	switch (parse_frame(&p, (void *)(long)ctx->data)) {
	case FRAME_ARP:
		v = arp_ingress(&p);
		break;
	case FRAME_IPV4:
		v = ipv4_ingress(&p);
		break;
	case FRAME_STACKED:
		v = stacked_ingress(&p);
		break;
	default:
		return XDP_PASS;
	}
	if (v == STEER)
		v = steer(&p);
	else if (v == DEAD)
		v = dead_peer_carry_out(&p);
	report(&p, v, WORK_IN);
	if (v == PASS)
		return XDP_PASS;
	return v == REPLY ? XDP_TX : XDP_DROP;
}

/* A probe of this node: that it comes here proves that no filter before this one ends the chain. */
static __always_inline void udp_egress(struct packet *p)
{
	const struct iphdr *ip = p->l3;
	struct udphdr *udp = p->l3 + ip_header_len(ip);

	if ((void *)(udp + 1) > p->end || !cfg_read(p) || !addr_is(&p->cfg->addr, ip->saddr) ||
	    udp->dest != p->cfg->pulse_port)
		return;
	if (account(p, HOKM_NODE_SLOT))
		COUNT(p, pulse_out);
}

static __always_inline enum verdict ipv4_egress(struct packet *p, __u32 frame_len)
{
	const struct iphdr *ip = p->l3;
	enum ip_kind kind = parse_ipv4(p);

	if (kind == IP_SHORT)
		return MORE;
	if (kind == IP_WHOLE && ip->protocol == IPPROTO_UDP)
		udp_egress(p);
	if (kind != IP_WHOLE || ip->protocol != IPPROTO_TCP || !cfg_read(p) ||
	    !is_vip(p->cfg, ip->saddr))
		return PASS;
	return tcp_egress(p, frame_len);
}

static __always_inline enum verdict frame_egress(struct packet *p, struct __sk_buff *skb)
{
	p->end = (void *)(long)skb->data_end;
	switch (parse_frame(p, (void *)(long)skb->data)) {
	case FRAME_SHORT:
		return MORE;
	case FRAME_ARP:
		return arp_egress(p);
	case FRAME_IPV4:
		return ipv4_egress(p, skb->len);
	default:
		return PASS;
	}
}

/* Bytes that are read: Ethernet, two tags, the longest IPv4 header, TCP without options. */
#define SKB_HEADERS \
	(sizeof(struct ethhdr) + 2 * sizeof(struct vlan_hdr) + 60 + sizeof(struct tcphdr))

/*
 * The headers nearly always lie in the linear part of the skb. Otherwise they are pulled into it,
 * which may copy the packet. Returns true when the frame can be parsed once more.
 */
static __always_inline bool pull_headers(struct __sk_buff *skb)
{
	if (skb->data_end - skb->data >= skb->len)
		return false;
	return !bpf_skb_pull_data(skb, skb->len < SKB_HEADERS ? skb->len : SKB_HEADERS);
}

SEC("tc")
int hokm_egress(struct __sk_buff *skb)
{
	struct packet p = {
		.ctx = skb,
		.event = EVENT_NONE,
		.target = HOKM_NO_PEER,
	};
	enum verdict v = PASS;

	if (known_fast_out(skb) != NOT_FAST)
		return TC_ACT_UNSPEC;
#pragma clang loop unroll(disable)
	for (int tries = 0; tries < 2; tries++) {
		v = frame_egress(&p, skb);
		if (v != MORE || !pull_headers(skb))
			break;
	}
	report(&p, v, WORK_OUT);
	/*
	 * Not TC_ACT_OK: that would end the chain, and no filter behind ours would see the packet.
	 */
	return v == DROP ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

/* A frame to another host's MAC address is none of this machine's, and is left alone. */
SEC("tc")
int hokm_fence(struct __sk_buff *skb)
{
	struct packet p = {
		.ctx = skb,
		.event = EVENT_NONE,
		.target = HOKM_NO_PEER,
	};
	__u32 ifindex = skb->ifindex;
	struct hokm_fence *f = bpf_map_lookup_elem(&fences, &ifindex);
	enum verdict v = PASS;

	if (skb->pkt_type == PACKET_OTHERHOST || !cfg_read(&p) ||
	    (skb->vlan_present && skb->vlan_tci & VLAN_VID_MASK))
		return TC_ACT_UNSPEC;
#pragma clang loop unroll(disable)
	for (int tries = 0; tries < 2; tries++) {
		v = fence_frame(&p, skb, f);
		if (v != MORE || !pull_headers(skb))
			break;
	}
	if (v == DROP && bpf_skb_change_type(skb, PACKET_OTHERHOST))
		v = PASS;
	report(&p, v, WORK_IN);
	if (v == REPLY)
		return (int)bpf_redirect(ifindex, 0);
	return v == CONSUMED ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("xdp.frags")
int hokm_witness(struct xdp_md *ctx)
{
	struct packet p = {
		.ctx = ctx,
		.end = (void *)(long)ctx->data_end,
		.event = EVENT_NONE,
		.target = HOKM_NO_PEER,
	};
	enum verdict v = PASS;

	if (parse_frame(&p, (void *)(long)ctx->data) == FRAME_IPV4)
		v = witness_ingress(&p);
	if (v == PASS)
		return XDP_PASS;
	if (v == DROP)
		count_drop(&p);
	return v == REPLY ? XDP_TX : XDP_DROP;
}
