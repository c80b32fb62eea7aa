/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table half_open: connections whose handshake is not complete.
 *
 * It is a set-associative table in an array. A seeded hash of the key gives a set of
 * HOKM_HALF_OPEN_WAYS places; a new entry takes a free place or replaces the oldest entry. So a SYN
 * costs one array look-up and two or three cache lines. It allocates no memory and takes no lock. A
 * flood of SYNs can replace half-open entries only. (An LRU hash map costs five times as much for
 * each new key.)
 *
 * Invariants
 *  - Another CPU may free or replace an entry at any moment. So isn is compared before an entry is
 *    relied on, and when there is no entry the socket table is asked. What becomes an entry of
 * conns is read as a whole: half_open_generation() before it and half_open_is() after it.
 *  - created_ns is written last when an entry is made, and 0 is written to free it.
 */
#ifndef HOKM_BPF_HALF_OPEN_H
#define HOKM_BPF_HALF_OPEN_H

#include "conn_track.h"

/* The set of a hash. NULL: the mask in cfg is greater than the map. */
static __always_inline struct hokm_half_open_set *half_open_set_at(const struct packet *p,
								   __u64 hash)
{
	__u32 index = (hash >> 32) & p->cfg->half_open_mask;

	return bpf_map_lookup_elem(&half_open, &index);
}

/* The set of a key, or NULL. */
static __always_inline struct hokm_half_open_set *half_open_set(const struct packet *p,
								const struct hokm_conn_key *k)
{
	return half_open_set_at(p, hokm_conn_hash(p->cfg->hash_seed, k));
}

static __always_inline bool key_equal(const struct hokm_conn_key *a, const struct hokm_conn_key *b)
{
	return a->client.w[3] == b->client.w[3] && a->client_port == b->client_port &&
	       a->service == b->service && a->client.w[2] == b->client.w[2] &&
	       a->client.w[1] == b->client.w[1] && a->client.w[0] == b->client.w[0];
}

/*
 * A way of a set is found by functions of their own, which return its number. With a pointer as the
 * result the verifier would check the rest of the program once for each way. To the verifier their
 * pointers may be NULL.
 */
#define WAY_NONE HOKM_HALF_OPEN_WAYS

/* The way of the key's entry, or WAY_NONE. */
__noinline int half_open_way(const struct hokm_half_open_set *set, const struct hokm_conn_key *k)
{
	if (!set || !k)
		return WAY_NONE;
#pragma clang loop unroll(full)
	for (int i = 0; i < HOKM_HALF_OPEN_WAYS; i++)
		if (set->way[i].created_ns && key_equal(&set->way[i].key, k))
			return i;
	return WAY_NONE;
}

/* The way with the oldest entry. A free place counts as the oldest of all. */
__noinline int half_open_oldest(const struct hokm_half_open_set *set)
{
	int oldest = 0;

	if (!set)
		return 0;
#pragma clang loop unroll(full)
	for (int i = 1; i < HOKM_HALF_OPEN_WAYS; i++)
		if (set->way[i].created_ns < set->way[oldest].created_ns)
			oldest = i;
	return oldest;
}

_Static_assert(!(HOKM_HALF_OPEN_WAYS & (HOKM_HALF_OPEN_WAYS - 1)), "the number is a mask too");
static __always_inline struct hokm_half_open *half_open_at(struct hokm_half_open_set *set,
							   __u32 way)
{
	barrier_var(way);
	return &set->way[way & (HOKM_HALF_OPEN_WAYS - 1)];
}

/* The entry of a key in its set, or NULL. set may be NULL. */
static __always_inline struct hokm_half_open *half_open_find(struct hokm_half_open_set *set,
							     const struct hokm_conn_key *k)
{
	__u32 way = set ? half_open_way(set, k) : WAY_NONE;

	return way == WAY_NONE ? NULL : half_open_at(set, way);
}

/* The kept SYN of an entry. It lies at the same distance after the entry in every way. */
static __always_inline struct hokm_syn *half_open_syn(struct hokm_half_open *h)
{
	return (void *)h + HOKM_OFFSETOF(struct hokm_half_open_set, syn);
}
_Static_assert(sizeof(struct hokm_syn) == sizeof(struct hokm_half_open), "one stride");

/* Sets a flag: both programs do it, so it is an atomic operation on the word of the flags. */
_Static_assert(HOKM_OFFSETOF(struct hokm_half_open, flags) ==
		       HOKM_OFFSETOF(struct hokm_half_open, tcp_state) + 2,
	       "flags are the third byte");
static __always_inline void half_open_flag(struct hokm_half_open *h, __u32 flag)
{
	__sync_fetch_and_or((__u32 *)&h->tcp_state, flag << WORD_FLAGS);
}

/*
 * What this CPU reads after the barrier was not read before it. The loads of an x86 CPU keep order.
 */
static __always_inline void half_open_read_barrier(struct hokm_half_open *h)
{
#ifdef __TARGET_ARCH_x86
	(void)h;
	barrier();
#else
	/* An atomic operation with a result is a barrier for all CPUs. */
	__u64 before = __sync_fetch_and_add(&h->created_ns, 0);

	barrier_var(before);
#endif
}

/* The number by which half_open_is() tells that nobody replaced the entry since; 0: it is free. */
static __always_inline __u64 half_open_generation(struct hokm_half_open *h)
{
	__u64 created_ns = *(volatile __u64 *)&h->created_ns;

	half_open_read_barrier(h);
	return created_ns;
}

/* Has the entry this key? A function of its own for the verifier, which would follow each word. */
__noinline int half_open_has(const struct hokm_half_open *h, const struct hokm_conn_key *k)
{
	return h && k && key_equal(&h->key, k);
}

/* Was everything that was read since half_open_generation() part of the entry of this key? */
static __always_inline bool half_open_is(struct hokm_half_open *h, const struct hokm_conn_key *k,
					 __u64 generation)
{
	__u64 differs = !half_open_has(h, k);

	half_open_read_barrier(h);
	differs |= *(volatile __u64 *)&h->created_ns ^ generation;
	return generation && !differs;
}

/* Frees the place, unless another entry has it by now. */
static __always_inline void half_open_free_if(struct hokm_half_open *h, __u64 generation)
{
	(void)__sync_val_compare_and_swap(&h->created_ns, generation, 0);
}

/*
 * Other CPUs see the place as free only after this CPU has read the entry to the end. The loads and
 * stores of an x86 CPU before a store stay before it; for the others the exchange is a barrier.
 */
static __always_inline void half_open_free(struct hokm_half_open *h)
{
#ifdef __TARGET_ARCH_x86
	h->created_ns = 0;
#else
	__sync_lock_test_and_set(&h->created_ns, 0);
#endif
}

/* The place for a new entry: that of the oldest one, or NULL. */
static __always_inline struct hokm_half_open *half_open_place(struct packet *p,
							      struct hokm_half_open_set *set)
{
	struct hokm_half_open *h;

	if (!set)
		return NULL;
	h = half_open_at(set, half_open_oldest(set));
	if (h->created_ns)
		COUNT(p, half_open_evicted);
	return h;
}

/* Writes the time last, so that other CPUs see what was stored before it. */
static __always_inline void half_open_publish(struct hokm_half_open *h, __u64 now)
{
#ifdef __TARGET_ARCH_x86
	/* Other CPUs see the stores of an x86 CPU in their order. An exchange costs 20 cycles. */
	barrier();
	*(volatile __u64 *)&h->created_ns = now;
#else
	/* The exchange is a barrier for all CPUs. */
	__sync_lock_test_and_set(&h->created_ns, now);
#endif
}

/* Writes the time first: a CPU that sees what is stored after it sees the place as free. */
static __always_inline void half_open_vacate(struct hokm_half_open *h)
{
#ifdef __TARGET_ARCH_x86
	*(volatile __u64 *)&h->created_ns = 0;
	barrier();
#else
	__sync_lock_test_and_set(&h->created_ns, 0);
#endif
}

/* Makes an entry of the SYN in p. */
static __always_inline void half_open_init(struct hokm_half_open *h, const struct packet *p,
					   const struct hokm_conn_key *k, __u8 target, __u8 flags)
{
	half_open_vacate(h);
	h->key = *k;
	h->isn = p->seg.seq;
	h->syn_ack_ns = 0;
	h->server_next = 0;
	h->tcp_state = HOKM_TCP_SYN;
	h->target = target;
	h->flags = flags;
	h->syn_kept = 0;
	h->packets_in = 0;
	h->packets_out = 0;
	h->bytes_in = 0;
	h->bytes_out = 0;
	half_open_publish(h, p->now);
}

static __always_inline void half_open_count_in(struct hokm_half_open *h, const struct packet *p)
{
	h->packets_in++;
	h->bytes_in += p->seg.ip_len;
}

static __always_inline void half_open_count_out(struct hokm_half_open *h, const struct packet *p)
{
	h->packets_out++;
	h->bytes_out += p->seg.ip_len;
}

/* Fills the entry of conns that the half-open entry becomes. */
static __always_inline void half_open_to_conn(const struct hokm_half_open *h,
					      const struct packet *p, struct hokm_conn *c)
{
	conn_init(c, p, h->tcp_state, h->target, h->flags);
	c->created_ns = h->created_ns;
	c->syn_ack_ns = h->syn_ack_ns;
	c->isn = h->isn;
	c->c2s.last_ns = h->created_ns;
	c->c2s.packets = h->packets_in;
	c->c2s.bytes = h->bytes_in;
	c->c2s.seq_next = h->isn + 1;
	if (h->target == HOKM_LOCAL) {
		ws_begin(&c->c2s.ws, h->isn + 1);
		ws_begin(&c->s2c.ws, h->server_next);
		c->c2s.ack = h->server_next;
		c->vouched = vouch_pack(h->isn + 1, h->server_next);
	}
	if (!h->packets_out)
		return;
	c->s2c.last_ns = h->syn_ack_ns;
	c->s2c.packets = h->packets_out;
	c->s2c.bytes = h->bytes_out;
	c->s2c.seq_next = h->server_next;
	c->s2c.ack = h->isn + 1;
}

#endif
