/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tag of a pulse (struct hokm_pulse): SipHash-2-4 over its bytes before the tag, and then over
 * the source and the destination address of its IP packet. BPF and user space share the code.
 */
#ifndef HOKM_PULSE_TAG_H
#define HOKM_PULSE_TAG_H

#include "hokm/siphash.h"

/**
 * hokm_pulse_tag() - the tag that a pulse must have, in host order
 * @pulse: the pulse, at an address that is aligned to 8 bytes or may be read as if it were
 * @from: source address of the packet
 * @to: destination address of the packet
 * @key: of this direction, as in struct hokm_keys
 */
static inline __attribute__((always_inline)) __u64 hokm_pulse_tag(
	const struct hokm_pulse *pulse, __be32 from, __be32 to, const __u64 key[2])
{
	const __u64 *words = (const __u64 *)pulse;
	struct siphash_state s;

	siphash_init(&s, key);
	for (unsigned int i = 0; i < HOKM_PULSE_SIGNED / 8; i++)
		siphash_word(&s, SIPHASH_LE64(words[i]));
	siphash_word(&s, SIPHASH_LE32(from) | (__u64)SIPHASH_LE32(to) << 32);
	siphash_word(&s, (__u64)(HOKM_PULSE_SIGNED + 2 * sizeof(__be32)) << 56);
	return siphash_final(&s);
}

#endif
