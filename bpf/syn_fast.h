/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path of a SYN that begins a new connection. A flood consists of such SYNs, and so do the
 * first milliseconds after a takeover. known_fast.h says why a path of its own is faster.
 *
 *   Ethernet without tags -> IPv4 without options, whole -> TCP: SYN alone, not steered by a peer
 *     -> its service -> its bit in front of conns is not set, and it is not in half_open
 *     -> this node is owner -> the service is up here: local; else the best peer
 *     -> entered into half_open
 *
 * Invariants
 *  - A packet either goes this way to its end, or NOT_FAST is returned and nothing was changed:
 *    the pipeline then begins with the packet from its first byte.
 *  - What happens to a SYN here is what syn_ingress() would do with it, field by field.
 *    tests/bpf/test_syn_fast.c sends the same SYNs both ways and compares.
 */
#ifndef HOKM_BPF_SYN_FAST_H
#define HOKM_BPF_SYN_FAST_H

#include "known_fast.h"
#include "steer_probe.h"
#include "tcp_syn.h"

_Static_assert(HOKM_HALF_OPEN_WAYS == 2, "the ways that are compared here");

/* Words of an entry of half_open, for syn_fast_enter(). */
typedef __u64 word64 __attribute__((may_alias));
#define WORD_IS(n, field) (HOKM_OFFSETOF(struct hokm_half_open, field) == 8 * (n))
_Static_assert(WORD_IS(0, key) && HOKM_OFFSETOF(struct hokm_half_open, isn) == 20 &&
		       WORD_IS(3, created_ns) && WORD_IS(4, syn_ack_ns) &&
		       WORD_IS(5, server_next) &&
		       HOKM_OFFSETOF(struct hokm_half_open, tcp_state) == 44 &&
		       HOKM_OFFSETOF(struct hokm_half_open, target) == 45 &&
		       HOKM_OFFSETOF(struct hokm_half_open, syn_kept) == 47 &&
		       WORD_IS(6, packets_in) && WORD_IS(7, bytes_in),
	       "the words that are stored");
/* A power of two, above the 40 bytes of options that a header may have. */
#define SYN_WORDS_MOST 16

/*
 * The way that a new entry with this key gets, or WAY_NONE when the key has an entry. As
 * half_open_way() and half_open_oldest().
 *
 * The places of both SYNs are read, and nothing is done with it: so the CPU fetches the cache line
 * that the SYN is stored in together with those of the ways. A store alone would wait for it later.
 */
static __always_inline __u32 syn_fast_way(const struct hokm_half_open_set *set,
					  const struct hokm_conn_key *k)
{
	__u64 first = set->way[0].created_ns, second = set->way[1].created_ns;

	(void)*(const volatile __u64 *)&set->syn[0];
	(void)*(const volatile __u64 *)&set->syn[1];
	if ((first && key_equal(&set->way[0].key, k)) || (second && key_equal(&set->way[1].key, k)))
		return WAY_NONE;
	/* Without a branch, which no CPU could predict. Times stay below 2^63. */
	return (second - first) >> 63;
}

/*
 * Keeps the SYN, as syn_keep(). The IP header has no options here, and the whole packet lies in the
 * first buffer; the comparisons with p->end are for the verifier. Two words of options are copied
 * at once.
 */
static __always_inline void syn_fast_keep(const struct packet *p, struct hokm_syn *s)
{
	const struct iphdr *ip = p->l3;
	const struct tcphdr *tcp = (const void *)(ip + 1);
	const __u64 *two = (const void *)(tcp + 1);
	__u32 words = tcp->doff - 5, last = words - 1;
	const __be32 *option = (const void *)two + last % SYN_WORDS_MOST * 4;

	s->data = p->seg.payload;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SYN_WORDS_MAX / 2; i++) {
		if (2 * i + 2 > words || (const void *)(two + i + 1) > p->end)
			break;
		((__u64 *)s->options)[i] = two[i];
	}
	if (words % 2 && last < SYN_WORDS_MAX && (const void *)(option + 1) <= p->end)
		((__be32 *)s->options)[last] = *option;
	*(__u64 *)s = syn_head(ip, tcp) | words;
}

/*
 * Enters the SYN into its place in half_open, as half_open_enter(): the fields of half_open_init(),
 * half_open_count_in() and syn_kept. They are stored in whole words, because single bytes cost a
 * store each, and a CPU waits where it loads a word that was stored in pieces a moment before.
 */
static __always_inline void syn_fast_enter(struct packet *p, struct hokm_half_open *half)
{
	bool local = p->target == HOKM_LOCAL;
	word64 *word = (word64 *)half;

	if (half->created_ns)
		COUNT(p, half_open_evicted);
	half_open_vacate(half);
	if (local)
		syn_fast_keep(p, half_open_syn(half));
	word[0] = 0;
	word[1] = bpf_htonl(0xffff) | (__u64)p->client << 32;
	word[2] = p->client_port | (__u64)p->service << 16 | (__u64)p->seg.seq << 32;
	word[4] = 0;
	word[5] = (__u64)HOKM_TCP_SYN << 32 | (__u64)p->target << 40 | (__u64)local << 56;
	word[6] = 1;
	word[7] = p->seg.ip_len;
	half_open_publish(half, p->now);
}

/* Rewrites the frame for the peer, as steer(). Returns false, and has changed nothing, if not. */
static __always_inline bool syn_fast_steer(struct packet *p)
{
	const struct hokm_peer *peer = peer_get(p, p->target);

	if (!peer || mac_is_zero(peer->mac) || mac_is_zero(p->cfg->mac))
		return false;
	mac_copy(p->eth->h_dest, peer->mac);
	mac_copy(p->eth->h_source, p->cfg->mac);
	return true;
}

/* Takes a new SYN to its end. Returns the verdict, or NOT_FAST. */
static __always_inline int syn_fast(struct packet *p)
{
	struct hokm_half_open_set *set;
	struct hokm_conn_key key;
	__u64 hash;
	__u32 way;

	clock_read(p);
	conn_key(&key, p);
	hash = hokm_conn_hash(p->cfg->hash_seed, &key);
	set = half_open_set_at(p, hash);
	if (!set || conn_bit_is_set(hash))
		return NOT_FAST;
	way = syn_fast_way(set, &key);
	if (way == WAY_NONE || p->now >= owner_until_inline())
		return NOT_FAST;
	p->target = target_of_new(p, NULL, true);
	if (p->target != HOKM_LOCAL && !syn_fast_steer(p))
		return NOT_FAST;
	COUNT(p, packets_in);
	p->count->bytes_in += p->seg.ip_len;
	COUNT(p, syn);
	syn_fast_enter(p, half_open_at(set, way));
	if (p->target == HOKM_LOCAL) {
		COUNT(p, syn_local);
		return XDP_PASS;
	}
	COUNT(p, steered_syn);
	p->event = HOKM_EV_STEERED;
	p->tcp_state = HOKM_TCP_SYN;
	event_send(p, WORK_IN);
	return XDP_TX;
}

/*
 * A packet of ingress that fast_parse() has read and found to be a SYN: its verdict, or NOT_FAST.
 */
static __always_inline int syn_fast_in(struct packet *p)
{
	const struct iphdr *ip = p->l3;
	const struct tcphdr *tcp = (const void *)(ip + 1);
	__u32 ip_len = bpf_ntohs(ip->tot_len);
	__u32 slot;

	if (!cfg_read(p))
		return NOT_FAST;
	slot = service_find(p->cfg, ip->daddr, tcp->dest);
	if (slot == HOKM_NODE_SLOT || !is_for_node(p->eth, p->cfg) || is_steer_probe(ip) ||
	    is_longer(p, ip_len) || !account(p, slot) || !read_tcp(p, tcp, ip_len, sizeof(*ip)) ||
	    peer_of_mac(p, source_word(p->eth)) != HOKM_NO_PEER)
		return NOT_FAST;
	p->client = ip->saddr;
	p->client_port = tcp->source;
	return syn_fast(p);
}

#endif
