/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making the filter in front of map conns anew, while programs set bits in it. bpf/conn_bits.h
 * states the protocol and why no bit is ever missing.
 *
 * Programs set bits in both halves at any moment, so each word is changed by an atomic operation.
 * `turn` is written by this process only: one daemon runs for a node (user/daemon/lock.h).
 */
#include <errno.h>

#include "hokm/conn_hash.h"
#include "path/bpf_internal.h"

/* The half that nobody reads. */
static uint64_t *spare(struct hokm_bpf *b)
{
	uint64_t turn = __atomic_load_n(&b->conn_bits->turn, __ATOMIC_RELAXED);

	return (uint64_t *)b->conn_bits->half[(turn + 1) & 1];
}

int hokm_bpf_bits_begin(struct hokm_bpf *b)
{
	struct hokm_cfg cfg;
	uint64_t *words;
	int err;

	b->making_bits = false;
	if (!b->conn_bits)
		return -EBADF;
	err = hokm_bpf_get_cfg(b, &cfg);
	if (err)
		return err;
	b->hash_seed = cfg.hash_seed;
	words = spare(b);
	/* Who reads this half still must see the newer `turn` before a word without its bit. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < HOKM_CONN_BIT_WORDS; i++)
		__atomic_store_n(&words[i], 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&b->conn_bits->storing, __ATOMIC_SEQ_CST))
		return -EAGAIN;
	b->making_bits = true;
	return 0;
}

void hokm_bpf_bits_put(struct hokm_bpf *b, const struct hokm_conn_key *k)
{
	uint64_t hash = hokm_conn_hash(b->hash_seed, k);

	if (!b->making_bits)
		return;
	__atomic_fetch_or(&spare(b)[hokm_conn_bit_word(hash)], hokm_conn_mask(hash),
			  __ATOMIC_RELAXED);
}

void hokm_bpf_bits_end(struct hokm_bpf *b)
{
	if (b->making_bits)
		__atomic_fetch_add(&b->conn_bits->turn, 1, __ATOMIC_SEQ_CST);
	b->making_bits = false;
}

/*
 * Another build may set and read other bits of a hash: each one is set, until the first walk makes
 * them anew. The programs of this build must not run yet.
 */
void bpf_bits_fill(struct hokm_bpf *b)
{
	uint64_t *words = (uint64_t *)b->conn_bits->half;

	for (unsigned int i = 0; i < 2 * HOKM_CONN_BIT_WORDS; i++)
		__atomic_store_n(&words[i], UINT64_MAX, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
