/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter in front of conns: three bits of one word for each hash of a key, below called its
 * bit. A SYN whose bit is not set belongs to no entry of conns, and its look-up, which nearly
 * always misses, is left out. They are set by one atomic operation, so no one sees a part of them
 * alone.
 *
 * The bit is set before the entry is stored, and stays set when the entry is deleted. So the daemon
 * makes the bits anew from time to time (user/path/bpf_bits.c). For that there are two halves:
 * programs set bits in both of them and read the one that `turn` names, while the daemon works at
 * the other one.
 *
 *   program                          daemon
 *   storing + 1                      clears the half that nobody reads
 *   sets the bit in both halves      goes on only while storing is 0
 *   stores the entry                 sets the bit of each entry of conns in that half
 *   storing - 1                      turn + 1: this half is read from now on
 *
 * Invariants
 *  - The bit of an entry is set in the half that is read. A program that sets its bit before the
 *    daemon clears the half is in `storing`, or has stored its entry, which the daemon's walk then
 *    finds. A program that begins later sets its bit after the half was cleared.
 *  - `turn` only rises. Who reads a bit that is not set looks at `turn` again: the half that was
 *    read is cleared only after `turn` has moved on.
 *  - When the daemon ends in the middle of it, programs go on: no bit is ever missing, and bits of
 *    old connections only cost their look-up. The next daemon begins anew.
 */
#ifndef HOKM_BPF_CONN_BITS_H
#define HOKM_BPF_CONN_BITS_H

#include "maps.h"
#include "hokm/conn_hash.h"

static __always_inline struct hokm_conn_bits *conn_bits_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&conn_bits, &zero);
}

/* May conns have an entry with this hash? False: surely not. */
static __always_inline bool conn_bit_is_set(__u64 hash)
{
	struct hokm_conn_bits *b = conn_bits_get();

	return !b || hokm_conn_may_be(b, hash);
}

/* Adds to `storing`. The result is used, because only then the operation is a full barrier. */
static __always_inline void conn_bits_storing(struct hokm_conn_bits *b, __u64 n)
{
	__u64 before = __sync_fetch_and_add(&b->storing, n);

	barrier_var(before);
}

static __always_inline void conn_bit_set(struct hokm_conn_bits *b, __u64 hash)
{
	__u64 *first = hokm_conn_bits_word(b, 0, hash);
	__u64 *second = hokm_conn_bits_word(b, 1, hash);
	__u64 mask = hokm_conn_mask(hash);

	__sync_fetch_and_or(first, mask);
	__sync_fetch_and_or(second, mask);
}

#endif
