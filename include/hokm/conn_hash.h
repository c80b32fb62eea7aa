/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hash of a connection's key: its set in half_open and its bit in conn_bits. BPF and user space
 * share the code, because user space makes the bits anew.
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

/* The word of the connection's bit in each half of conn_bits, and the bit in it. */
static inline __u32 hokm_conn_bit_word(__u64 hash)
{
	return (__u32)(hash >> 50) & (HOKM_CONN_BIT_WORDS - 1);
}

static inline __u64 hokm_conn_bit(__u64 hash)
{
	return 1ULL << (hash >> 44 & 63);
}

#endif
