/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tag of a pulse (struct hokm_pulse): SipHash-2-4 over its bytes before the tag, and then over
 * the source and the destination address of its IP packet. The tag of a steered probe (struct
 * hokm_steer_probe) is made in the same way, over the addresses of the two nodes. BPF and user
 * space share the code.
 */
#ifndef HOKM_PULSE_TAG_H
#define HOKM_PULSE_TAG_H

#include "hokm/siphash.h"

/**
 * hokm_way_tag() - the tag that a message must have, in host order
 * @message: the message, at an address that is aligned to 8 bytes or may be read as if it were
 * @n_words: its length before the tag, in words of 8 bytes
 * @from: address of the node that sends it
 * @to: address of the node that gets it
 * @key: of this direction, as in struct hokm_keys
 */
static inline __attribute__((always_inline)) __u64 hokm_way_tag(
	const void *message, unsigned int n_words, __be32 from, __be32 to, const __u64 key[2])
{
	const __u64 *words = message;
	struct siphash_state s;

	siphash_init(&s, key);
	for (unsigned int i = 0; i < n_words; i++)
		siphash_word(&s, SIPHASH_LE64(words[i]));
	siphash_word(&s, SIPHASH_LE32(from) | (__u64)SIPHASH_LE32(to) << 32);
	siphash_word(&s, (__u64)(n_words * 8 + 2 * sizeof(__be32)) << 56);
	return siphash_final(&s);
}

static inline __attribute__((always_inline)) __u64 hokm_pulse_tag(
	const struct hokm_pulse *pulse, __be32 from, __be32 to, const __u64 key[2])
{
	return hokm_way_tag(pulse, HOKM_PULSE_SIGNED / 8, from, to, key);
}

static inline __attribute__((always_inline)) __u64 hokm_steer_tag(
	const struct hokm_steer_probe *probe, __be32 from, __be32 to, const __u64 key[2])
{
	return hokm_way_tag(probe, HOKM_STEER_SIGNED / 8, from, to, key);
}

#endif
