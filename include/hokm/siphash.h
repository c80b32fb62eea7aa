/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012), 64-bit tag, over whole 64-bit words.
 *
 * BPF and user space share the code. siphash_words() hashes a fixed number of whole words, so that
 * the verifier sees a bounded loop; the last block holds the length, as in the reference, and no
 * further bytes. siphash_bytes(), for user space only, takes any length.
 */
#ifndef HOKM_SIPHASH_H
#define HOKM_SIPHASH_H

#include "hokm/abi.h"

#define SIPHASH_ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

#define SIPHASH_ROUND(v0, v1, v2, v3)               \
	do {                                        \
		(v0) += (v1);                       \
		(v1) = SIPHASH_ROTL(v1, 13) ^ (v0); \
		(v0) = SIPHASH_ROTL(v0, 32);        \
		(v2) += (v3);                       \
		(v3) = SIPHASH_ROTL(v3, 16) ^ (v2); \
		(v0) += (v3);                       \
		(v3) = SIPHASH_ROTL(v3, 21) ^ (v0); \
		(v2) += (v1);                       \
		(v1) = SIPHASH_ROTL(v1, 17) ^ (v2); \
		(v2) = SIPHASH_ROTL(v2, 32);        \
	} while (0)

struct siphash_state {
	__u64 v0, v1, v2, v3;
};

/* key: two little-endian words, as in struct hokm_keys. */
static inline void siphash_init(struct siphash_state *s, const __u64 key[2])
{
	s->v0 = key[0] ^ 0x736f6d6570736575ULL;
	s->v1 = key[1] ^ 0x646f72616e646f6dULL;
	s->v2 = key[0] ^ 0x6c7967656e657261ULL;
	s->v3 = key[1] ^ 0x7465646279746573ULL;
}

/* Adds one little-endian word of the message. */
static inline void siphash_word(struct siphash_state *s, __u64 m)
{
	s->v3 ^= m;
	SIPHASH_ROUND(s->v0, s->v1, s->v2, s->v3);
	SIPHASH_ROUND(s->v0, s->v1, s->v2, s->v3);
	s->v0 ^= m;
}

/* The tag, after the last word. */
static inline __u64 siphash_final(struct siphash_state *s)
{
	s->v2 ^= 0xff;
	SIPHASH_ROUND(s->v0, s->v1, s->v2, s->v3);
	SIPHASH_ROUND(s->v0, s->v1, s->v2, s->v3);
	SIPHASH_ROUND(s->v0, s->v1, s->v2, s->v3);
	SIPHASH_ROUND(s->v0, s->v1, s->v2, s->v3);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

#ifdef __bpf__
/* All machines that the project is built for are little-endian. */
#define SIPHASH_LE64(x) (x)
#define SIPHASH_LE32(x) (x)
#else
#include <endian.h>
#define SIPHASH_LE64(x) le64toh(x)
#define SIPHASH_LE32(x) le32toh(x)
#endif

/**
 * siphash_words() - the tag of whole words
 * @p: the words, at an address that is aligned to 8 bytes or may be read as if it were
 * @n_words: their number, a constant
 * @key: as in struct hokm_keys
 */
static inline __attribute__((always_inline)) __u64 siphash_words(const __u64 *p, int n_words,
								 const __u64 key[2])
{
	struct siphash_state s;

	siphash_init(&s, key);
	for (int i = 0; i < n_words; i++)
		siphash_word(&s, SIPHASH_LE64(p[i]));
	siphash_word(&s, (__u64)(unsigned int)n_words << 59);
	return siphash_final(&s);
}

#ifndef __bpf__
#include <string.h>

/**
 * siphash_bytes() - the tag of a message of any length
 * @data: the message
 * @len: its length in bytes
 * @key: as in struct hokm_keys
 */
static inline __u64 siphash_bytes(const void *data, size_t len, const __u64 key[2])
{
	const unsigned char *p = data;
	struct siphash_state s;
	__u64 word;

	siphash_init(&s, key);
	for (size_t left = len; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		siphash_word(&s, le64toh(word));
	}
	word = (__u64)len << 56;
	for (size_t i = 0; i < len % 8; i++)
		word |= (__u64)p[i] << (8 * i);
	siphash_word(&s, word);
	return siphash_final(&s);
}
#endif

#endif
