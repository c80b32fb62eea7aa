/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parsing, one inline parser a layer: each checks `hdr + 1 > end` before it reads, and returns a
 * typed result. Nothing here looks at configuration.
 *
 * Frames may carry up to two VLAN tags (tags that the NIC took off are not in the data at all).
 * Linux peels off priority tags (VLAN 0) without end, so a frame that hides behind more of them
 * than are looked into here would get past every gate: it is FRAME_STACKED.
 *
 * The IP total length is trusted over the frame's, which may be padded. With xdp.frags and on
 * non-linear skbs `end` bounds only the first buffer: headers must lie in it, payload need not.
 */
#ifndef HOKM_BPF_FRAME_PARSE_H
#define HOKM_BPF_FRAME_PARSE_H

#include "packet.h"

enum frame_kind {
	FRAME_OTHER,
	FRAME_SHORT,   /* cut off inside Ethernet or VLAN */
	FRAME_STACKED, /* a third tag behind a priority tag: nobody sends that in good faith */
	FRAME_ARP,
	FRAME_IPV4,
};

/* Options may follow the header: its length is ihl * 4. */
enum ip_kind {
	IP_BAD,
	IP_SHORT, /* not all in the linear part */
	IP_WHOLE,
	IP_FRAGMENT,
};

#define IP_MORE_FRAGMENTS  0x2000
#define IP_FRAGMENT_OFFSET 0x1fff

#define VLAN_VID_MASK 0x0fff

#define ARP_LEN_IPV4 4
struct arp_ipv4 {
	struct arphdr hdr;
	unsigned char sha[ETH_ALEN];
	unsigned char spa[ARP_LEN_IPV4];
	unsigned char tha[ETH_ALEN];
	unsigned char tpa[ARP_LEN_IPV4];
};
_Static_assert(sizeof(struct arp_ipv4) == 28, "ARP for IPv4 over Ethernet");

static __always_inline bool is_vlan(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

static __always_inline enum frame_kind parse_frame(struct packet *p, void *data)
{
	struct ethhdr *eth = data;
	struct vlan_hdr *tag;
	bool priority = false;
	__be16 proto;

	if ((void *)(eth + 1) > p->end)
		return FRAME_SHORT;
	p->eth = eth;
	p->l3 = eth + 1;
	proto = eth->h_proto;
#pragma clang loop unroll(full)
	for (int i = 0; i < 2; i++) {
		if (!is_vlan(proto))
			break;
		tag = p->l3;
		if ((void *)(tag + 1) > p->end)
			return FRAME_SHORT;
		proto = tag->h_vlan_encapsulated_proto;
		priority |= !(tag->h_vlan_TCI & bpf_htons(VLAN_VID_MASK));
		p->l3 = tag + 1;
	}
	if (priority && is_vlan(proto))
		return FRAME_STACKED;
	if (proto == bpf_htons(ETH_P_IP))
		return FRAME_IPV4;
	return proto == bpf_htons(ETH_P_ARP) ? FRAME_ARP : FRAME_OTHER;
}

static __always_inline enum ip_kind parse_ipv4(const struct packet *p)
{
	const struct iphdr *ip = p->l3;

	if ((void *)(ip + 1) > p->end)
		return IP_SHORT;
	if (ip->version != 4 || ip->ihl < 5)
		return IP_BAD;
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
		return IP_FRAGMENT;
	return IP_WHOLE;
}

static __always_inline bool is_first_fragment(const struct iphdr *ip)
{
	return !(ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET));
}

static __always_inline __u32 ip_header_len(const struct iphdr *ip)
{
	return ip->ihl * 4;
}

/* Bytes behind the IP header by its total length; negative when that is shorter than the header. */
static __always_inline __s32 ip_payload_len(const struct iphdr *ip)
{
	return (__s32)bpf_ntohs(ip->tot_len) - (__s32)ip_header_len(ip);
}

/* Address as a word: its place in an ARP packet is aligned to two bytes only. */
static __always_inline __be32 arp_addr(const unsigned char *a)
{
	const __u16 *h = (const __u16 *)a;

	return (__u32)h[0] | (__u32)h[1] << 16;
}

enum tcp_kind {
	TCP_BAD,
	TCP_SHORT,
	TCP_GOOD,
};

static __always_inline bool tcp_flags_absurd(__be32 flags)
{
	if (flags & TCP_FLAG_SYN)
		return flags & (TCP_FLAG_FIN | TCP_FLAG_RST);
	return !(flags & (TCP_FLAG_ACK | TCP_FLAG_RST));
}

/*
 * The TCP header at p->l3 + ihl. ip_len is the caller's: from the IP header on ingress, the skb's
 * own on egress, where a super-packet's total length may not fit the field.
 */
static __always_inline enum tcp_kind parse_tcp(struct packet *p, const struct tcphdr *tcp,
					       __u32 ip_len, __u32 ip_hlen)
{
	__u32 headers;

	if ((void *)(tcp + 1) > p->end)
		return TCP_SHORT;
	headers = ip_hlen + tcp->doff * 4;
	if (tcp->doff < 5 || headers > ip_len)
		return TCP_BAD;
	p->seg.seq = bpf_ntohl(tcp->seq);
	p->seg.ack = bpf_ntohl(tcp->ack_seq);
	p->seg.flags = ((const union tcp_word_hdr *)tcp)->words[3];
	p->seg.payload = ip_len - headers;
	p->seg.ip_len = ip_len;
	p->payload = (void *)tcp + tcp->doff * 4;
	return tcp_flags_absurd(p->seg.flags) ? TCP_BAD : TCP_GOOD;
}

#endif
