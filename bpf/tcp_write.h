/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing a TCP packet over another one. The headers are made in memory and both checksums are
 * computed in full (RFC 1071), because nothing of the old packet is kept.
 */
#ifndef HOKM_BPF_TCP_WRITE_H
#define HOKM_BPF_TCP_WRITE_H

#include "packet.h"

/* Offset of the flags in the TCP header; the byte before them has the length of the header. */
#define TCP_FLAGS_AT 13
#define TCP_RST_BYTE 0x04

/* The headers of IPv4 and TCP, both without options. */
struct head {
	struct iphdr ip;
	struct tcphdr tcp;
};
_Static_assert(sizeof(struct head) == 40, "headers without options");

/* The sum of 16-bit words, not folded; it has room for 65536 words. */
static __always_inline __u32 sum_words(const void *data, __u32 bytes)
{
	const __u16 *w = data;
	__u32 sum = 0;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < bytes / 2; i++)
		sum += w[i];
	return sum;
}

/* The inverted sum in 16 bits, as a checksum field holds it. */
static __always_inline __sum16 sum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Sets version, lengths, protocol and flags in h, which is zero. options: bytes of TCP options. */
static __always_inline void head_begin(struct head *h, __u32 options, __u8 flags)
{
	h->ip.version = 4;
	h->ip.ihl = 5;
	h->ip.protocol = IPPROTO_TCP;
	h->ip.tot_len = bpf_htons(sizeof(*h) + options);
	((__u8 *)&h->tcp)[TCP_FLAGS_AT - 1] = (sizeof(h->tcp) + options) / 4 << 4;
	((__u8 *)&h->tcp)[TCP_FLAGS_AT] = flags;
}

/* Sets both checksums, when everything else is set. sum: the sum of the TCP options. */
static __always_inline void head_finish(struct head *h, __u32 options, __u32 sum)
{
	sum += sum_words(&h->ip.saddr, 8) + bpf_htons(IPPROTO_TCP) +
	       bpf_htons(sizeof(h->tcp) + options);
	sum += sum_words(&h->tcp, sizeof(h->tcp));
	h->tcp.check = sum_fold(sum);
	h->ip.check = sum_fold(sum_words(&h->ip, sizeof(h->ip)));
}

#endif
