/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hash of a connection's key: its set in half_open and its bits in conn_bits, and how a reader
 * asks conn_bits. BPF and user space share the code, because user space makes the bits anew.
 */
#ifndef HOKM_CONN_HASH_H
#define HOKM_CONN_HASH_H

#include "hokm/abi.h"

/* Odd constants of splitmix64, a well-mixing multiplicative hash. */
#define HOKM_HASH_MULT_1 0x9e3779b97f4a7c15ULL
#define HOKM_HASH_MULT_2 0xbf58476d1ce4e5b9ULL

static inline __u64 hokm_hash_step(__u64 h, __u64 word)
{
	h = (h ^ word) * HOKM_HASH_MULT_1;
	return h ^ h >> 32;
}

/* seed: hokm_cfg.hash_seed. The upper half is well mixed. */
static inline __u64 hokm_conn_hash(__u64 seed, const struct hokm_conn_key *k)
{
	__u64 h = seed;

	h = hokm_hash_step(h, (__u64)k->client.w[0] << 32 | k->client.w[1]);
	h = hokm_hash_step(h, (__u64)k->client.w[2] << 32 | k->client.w[3]);
	h = hokm_hash_step(h, (__u64)k->client_port << 16 | k->service);
	return h * HOKM_HASH_MULT_2;
}

/* The word of the connection's bits in each half of conn_bits. */
static inline __u32 hokm_conn_bit_word(__u64 hash)
{
	return (__u32)(hash >> 50) & (HOKM_CONN_BIT_WORDS - 1);
}

/*
 * The bits in it: up to three. Of 65,536 connections one in a hundred others has all of them set;
 * with one bit it was one in sixteen.
 */
static inline __u64 hokm_conn_mask(__u64 hash)
{
	return 1ULL << (hash >> 44 & 63) | 1ULL << (hash >> 38 & 63) | 1ULL << (hash >> 32 & 63);
}

/* The word of a hash in the half of this turn. The verifier needs the second masks. */
static inline __attribute__((always_inline)) __u64 *hokm_conn_bits_word(struct hokm_conn_bits *b,
									__u64 turn, __u64 hash)
{
	__u32 at = hokm_conn_bit_word(hash);

	turn &= 1;
	__asm__ volatile("" : "+r"(turn));
	__asm__ volatile("" : "+r"(at));
	return &b->half[turn & 1][at & (HOKM_CONN_BIT_WORDS - 1)];
}

/*
 * May conns have an entry with this hash? 0: surely not (bpf/conn_bits.h). `turn` is read before
 * the word and after it: a BPF program lets the second address depend on the word, which becomes 0.
 */
static inline __attribute__((always_inline)) int hokm_conn_may_be(struct hokm_conn_bits *b,
								  __u64 hash)
{
	__u64 turn = *(volatile __u64 *)&b->turn;
	__u64 word = *(volatile __u64 *)hokm_conn_bits_word(b, turn, hash);
	__u64 mask = hokm_conn_mask(hash);

	if ((word & mask) == mask)
		return 1;
#ifdef __bpf__
	__asm__ volatile("%0 &= 0" : "+r"(word));
#else
	word = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
	return *(volatile __u64 *)((char *)&b->turn + word) != turn;
}

#endif
