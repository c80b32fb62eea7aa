/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parsing of frames, one inline parser per layer: Ethernet with VLAN tags (IEEE 802.1Q), ARP
 * (RFC 826), IPv4 (RFC 791), TCP (RFC 9293). Each parser checks `hdr + 1 > end` before it reads,
 * and returns a typed result. No parser uses the configuration.
 *
 * A frame may carry up to two VLAN tags. Tags that the NIC removed are not in the data. Linux
 * removes any number of priority tags (VLAN 0), so a frame with more of them than are parsed here
 * could pass every gate; it is FRAME_STACKED and is dropped.
 *
 * The IP total length counts, not the length of the frame, which may be padded. With xdp.frags and
 * with non-linear skbs `end` is the end of the first buffer: headers must lie in it, payload need
 * not.
 */
#ifndef HOKM_BPF_FRAME_PARSE_H
#define HOKM_BPF_FRAME_PARSE_H

#include "packet.h"

enum frame_kind {
	FRAME_OTHER,
	FRAME_SHORT,   /* ends inside the Ethernet or VLAN header */
	FRAME_STACKED, /* three tags, a priority tag among the first two */
	FRAME_ARP,
	FRAME_IPV4,
};

/* Options may follow the fixed header: its length is ihl * 4. */
enum ip_kind {
	IP_BAD,   /* malformed */
	IP_SHORT, /* the header does not lie in the linear part */
	IP_WHOLE,
	IP_FRAGMENT,
};

#define IP_MORE_FRAGMENTS  0x2000
#define IP_FRAGMENT_OFFSET 0x1fff

#define VLAN_VID_MASK 0x0fff

/* ARP for IPv4 over Ethernet: sender and target, each with MAC and IP address. */
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

/* Sets p->eth and p->l3. data: the beginning of the frame. */
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

/* Bytes after the IP header, by the total length; negative when that is less than the header. */
static __always_inline __s32 ip_payload_len(const struct iphdr *ip)
{
	return (__s32)bpf_ntohs(ip->tot_len) - (__s32)ip_header_len(ip);
}

/* An address in an ARP packet as one word; there it is aligned to two bytes only. */
static __always_inline __be32 arp_addr(const unsigned char *a)
{
	const __u16 *h = (const __u16 *)a;

	return (__u32)h[0] | (__u32)h[1] << 16;
}

enum tcp_kind {
	TCP_BAD,   /* malformed */
	TCP_SHORT, /* the header does not lie in the linear part */
	TCP_GOOD,
};

/* Combinations that no TCP sends: SYN with FIN or RST, or neither SYN, ACK nor RST. */
static __always_inline bool tcp_flags_absurd(__be32 flags)
{
	if (flags & TCP_FLAG_SYN)
		return flags & (TCP_FLAG_FIN | TCP_FLAG_RST);
	return !(flags & (TCP_FLAG_ACK | TCP_FLAG_RST));
}

/*
 * Reads the TCP header, which lies in the linear part, into p->seg and p->payload. Returns false
 * when a length is wrong.
 */
static __always_inline bool read_tcp(struct packet *p, const struct tcphdr *tcp, __u32 ip_len,
				     __u32 ip_hlen)
{
	__u32 headers = ip_hlen + tcp->doff * 4;

	if (tcp->doff < 5 || headers > ip_len)
		return false;
	p->seg.seq = bpf_ntohl(tcp->seq);
	p->seg.ack = bpf_ntohl(tcp->ack_seq);
	p->seg.flags = ((const union tcp_word_hdr *)tcp)->words[3];
	p->seg.window = tcp->window;
	p->seg.payload = ip_len - headers;
	p->seg.ip_len = ip_len;
	p->payload = (void *)tcp + tcp->doff * 4;
	return true;
}

/*
 * Parses the TCP header into p->seg and p->payload. ip_len is the IP total length: on ingress that
 * of the IP header; on egress that of the skb, because the length of a GSO packet may not fit into
 * the field of the IP header.
 */
static __always_inline enum tcp_kind parse_tcp(struct packet *p, const struct tcphdr *tcp,
					       __u32 ip_len, __u32 ip_hlen)
{
	if ((void *)(tcp + 1) > p->end)
		return TCP_SHORT;
	if (!read_tcp(p, tcp, ip_len, ip_hlen) || tcp_flags_absurd(p->seg.flags))
		return TCP_BAD;
	return TCP_GOOD;
}

#endif
