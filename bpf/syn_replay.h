/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SYN replay: the RST with which this node's kernel refuses a client's SYN is rewritten to that SYN
 * and sent to a peer on which the service is up. The client does not notice that the local server
 * is not running.
 *
 *   SYN in    half_open keeps its flags, window, options, TOS and TTL (struct hokm_syn)
 *   RST out   is extended to the length of the SYN and written anew from what was kept, with the
 *             MAC addresses of a steered frame
 *
 * Data in a SYN (TCP Fast Open, RFC 7413) is not kept. The peer acknowledges the SYN alone, and the
 * client sends the data again, as it does with a server that accepts no data in a SYN.
 *
 * A SYN is replayed once: its entry is then marked. A SYN that a peer steered here is refused by
 * the RST. So two nodes without a running server never send a SYN to each other without end.
 *
 * Invariants
 *  - The skb is unchanged until it has its new length. A RST that cannot be extended goes out.
 *  - After that the packet is the whole SYN, or it is dropped and the client repeats its SYN.
 */
#ifndef HOKM_BPF_SYN_REPLAY_H
#define HOKM_BPF_SYN_REPLAY_H

#include "half_open.h"
#include "frame_parse.h"
#include "peer_state.h"
#include "steer.h"
#include "tcp_write.h"

#define SYN_WORDS_MAX (HOKM_SYN_OPTIONS / 4)
/* Ethernet and two VLAN tags have 22 bytes. The mask shows the verifier a bound. */
#define L3_AT_MASK 31

/*
 * The input of replay_write(). Pointers into the packet would be invalid after the skb is extended.
 */
struct replay {
	struct head head;
	struct hokm_syn syn;
	__u32 isn;
	__u32 l3_at; /* offset of the IP header */
	unsigned char to[ETH_ALEN];
	unsigned char from[ETH_ALEN];
};

/* The first word of struct hokm_syn, for a SYN without options. */
_Static_assert(HOKM_OFFSETOF(struct hokm_syn, flags) == 1 &&
		       HOKM_OFFSETOF(struct hokm_syn, tos) == 2 &&
		       HOKM_OFFSETOF(struct hokm_syn, ttl) == 3 &&
		       HOKM_OFFSETOF(struct hokm_syn, window) == 4 &&
		       HOKM_OFFSETOF(struct hokm_syn, frag) == 6,
	       "the word of syn_head(); its lowest byte is the number of words");
static __always_inline __u64 syn_head(const struct iphdr *ip, const struct tcphdr *tcp)
{
	return (__u64)((const __u8 *)tcp)[TCP_FLAGS_AT] << 8 | (__u64)ip->tos << 16 |
	       (__u64)ip->ttl << 24 | (__u64)tcp->window << 32 | (__u64)ip->frag_off << 48;
}

/*
 * Keeps the SYN whose IP header lies at the offset l3_at. Returns 1 when it is kept. A SYN whose
 * options do not lie in the first buffer is kept without them.
 *
 * A function of its own, because the verifier would otherwise check all code after it once for each
 * number of options, which more than doubled its work. To the verifier s may be NULL.
 */
__noinline int syn_keep(struct xdp_md *ctx, struct hokm_syn *s, __u32 l3_at)
{
	const struct iphdr *ip = (void *)(long)ctx->data + (l3_at & L3_AT_MASK);
	const void *end = (void *)(long)ctx->data_end;
	const struct tcphdr *tcp;
	const __be32 *option;
	__u32 words;

	if (!s || (const void *)(ip + 1) > end)
		return 0;
	tcp = (const void *)ip + ip->ihl * 4;
	if ((const void *)(tcp + 1) > end)
		return 0;
	words = tcp->doff - 5;
	*(__u64 *)s = syn_head(ip, tcp);
	s->data = bpf_ntohs(ip->tot_len) - (ip->ihl + tcp->doff) * 4;
	option = (const void *)(tcp + 1);
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SYN_WORDS_MAX; i++) {
		if (i >= words)
			break;
		if ((const void *)(option + i + 1) > end)
			return 1;
		((__be32 *)s->options)[i] = option[i];
	}
	s->words = words;
	return 1;
}

/* VIP and port of the packet's service. */
static __always_inline const struct hokm_service_key *service_key(const struct packet *p)
{
	__u32 slot = p->service;

	barrier_var(slot);
	return &p->cfg->service[slot & (HOKM_MAX_SERVICES - 1)];
}

/* The sum of the TCP pseudo header (RFC 9293 section 3.1), not inverted. */
static __always_inline __sum16 pseudo_sum(const __be32 *addrs, __u32 tcp_len)
{
	return ~sum_fold(sum_words(addrs, 8) + bpf_htons(IPPROTO_TCP) + bpf_htons(tcp_len));
}

/*
 * Is the checksum of the RST left to the network device? It is when a packet filter made the RST,
 * and it is not when the kernel's TCP made it. Then the field holds the sum of the pseudo header,
 * and the device adds the rest. In that case the field of the SYN must hold such a sum too.
 */
static __always_inline bool checksum_is_left(const struct packet *p)
{
	const struct iphdr *ip = p->l3;
	const struct tcphdr *tcp = p->l3 + ip_header_len(ip);
	__sum16 pseudo = pseudo_sum(&ip->saddr, p->seg.ip_len - ip_header_len(ip));

	if ((void *)(tcp + 1) > p->end || tcp->check != pseudo)
		return false;
	return sum_fold(pseudo + sum_words(tcp, sizeof(*tcp)));
}

/*
 * Writes the headers of the SYN from the copy in r; another CPU may replace the entry at any
 * moment.
 */
static __always_inline void replay_head(struct replay *r, const struct packet *p)
{
	const struct hokm_service_key *s = service_key(p);
	const struct hokm_syn *syn = &r->syn;
	struct head *h = &r->head;
	__u32 sum = 0;

	__builtin_memset(h, 0, sizeof(*h));
	head_begin(h, syn->words * 4, syn->flags);
	h->ip.tos = syn->tos;
	h->ip.ttl = syn->ttl;
	h->ip.frag_off = syn->frag;
	h->ip.saddr = p->client;
	h->ip.daddr = s->vip.w[3];
	h->tcp.source = p->client_port;
	h->tcp.dest = s->port;
	h->tcp.seq = bpf_htonl(r->isn);
	h->tcp.window = syn->window;
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < SYN_WORDS_MAX; i++)
		if (i < syn->words)
			sum += sum_words(&syn->options[i * 4], 4);
	head_finish(h, syn->words * 4, sum);
	if (checksum_is_left(p))
		h->tcp.check = pseudo_sum(&h->ip.saddr, sizeof(h->tcp) + syn->words * 4);
}

/*
 * Writes the SYN over the RST. Returns 0 when done, 1 when nothing was changed, and -1 when the
 * packet is neither the RST nor the SYN. A function of its own, so that the verifier does not check
 * it once for each path that leads here.
 */
__noinline int replay_write(struct __sk_buff *skb, struct replay *r)
{
	__u32 at, words;

	if (!r)
		return 1;
	words = r->syn.words;
	if (words > SYN_WORDS_MAX)
		return 1;
	at = r->l3_at;
	if (bpf_skb_change_tail(skb, at + sizeof(r->head) + words * 4, 0))
		return 1;
	if (bpf_skb_store_bytes(skb, at, &r->head, sizeof(r->head), 0) ||
	    bpf_skb_store_bytes(skb, 0, r->to, 2 * ETH_ALEN, 0))
		return -1;
	at += sizeof(r->head);
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < SYN_WORDS_MAX; i++)
		if (i < words && bpf_skb_store_bytes(skb, at + i * 4, &r->syn.options[i * 4], 4, 0))
			return -1;
	return 0;
}

/* The peer that gets the refused SYN, or HOKM_NO_PEER. */
static __always_inline __u8 replay_target(const struct packet *p, const struct hokm_half_open *half)
{
	if (half->flags & (HOKM_CONN_STEERED_IN | HOKM_CONN_REPLAYED) || !half->syn_kept)
		return HOKM_NO_PEER;
	return best_up_peer(p, service_tag(p), true);
}

/*
 * Rewrites the RST in p to the SYN that it refuses. Returns REPLY when the SYN goes to a peer, PASS
 * when the RST goes out, and DROP when the packet is neither.
 */
static __always_inline enum verdict replay(struct packet *p, struct hokm_half_open *half)
{
	__u8 target = replay_target(p, half);
	const struct hokm_peer *peer = peer_get(p, target);
	struct replay r;
	int rc;

	if (!peer || mac_is_zero(p->cfg->mac))
		return PASS;
	r.syn = *half_open_syn(half);
	r.isn = half->isn;
	r.l3_at = p->l3 - (void *)p->eth;
	mac_copy(r.to, peer->mac);
	mac_copy(r.from, p->cfg->mac);
	replay_head(&r, p);
	rc = replay_write(p->ctx, &r);
	if (rc > 0)
		return PASS;
	if (rc < 0)
		return DROP_FOR(p, drop_replay_fault);
	half->target = target;
	half_open_flag(half, HOKM_CONN_REPLAYED);
	p->target = target;
	p->tcp_state = HOKM_TCP_SYN;
	p->event = HOKM_EV_REPLAYED;
	COUNT(p, replayed);
	return REPLY;
}

#endif
