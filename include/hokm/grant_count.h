/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a node counts the grants that it has been given (struct hokm_grants). The XDP program notes
 * the answers, on several CPUs at once; the daemon changes the wish; the gates of the packet path
 * read the end. hokm/grant.h has the side of the member that grants.
 *
 * An end and the wish that it belongs to stand in one word, so that nobody ever sees the end of one
 * wish with the epoch of another. The epoch has 16 bits there.
 *
 * Invariants
 *   - An end counts only while the node wishes to own, with the epoch of the end.
 *   - A writer reads the old word first, then the wish, and writes by compare-and-swap. The daemon
 *     changes the wish first and then clears the words. So a writer that was held up while the wish
 *     changed finds another word, or writes an end of the former epoch, which does not count.
 *   - Within a wish an end only grows, because the members do not take a grant back.
 *   - The number that must grant and the members that may change together, in one word.
 */
#ifndef HOKM_GRANT_COUNT_H
#define HOKM_GRANT_COUNT_H

#include "hokm/grant.h"

#define HOKM_GRANT_EPOCH_MASK 0xffffULL
/* The members of a node: its peers by slot, and itself. */
#define HOKM_GRANT_MEMBERS (HOKM_MAX_PEERS + 1)
/* As an end: without end. */
#define HOKM_GRANT_ALWAYS (~0ULL)

/*
 * All bits when a < b, else none, for times. Without a branch: the verifier would follow each one
 * of them. The empty instruction keeps clang from making one again.
 */
HOKM_GRANT_INLINE __u64 hokm_grant_less(__u64 a, __u64 b)
{
	__u64 mask = (__u64)((__s64)(a - b) >> 63);

#ifdef __bpf__
	__asm__ volatile("" : "+r"(mask));
#endif
	return mask;
}

/* An end: us of boot time, rounded down, above 16 bits of the epoch. */
HOKM_GRANT_INLINE __u64 hokm_grant_end_word(__u64 epoch, __u64 until_ns)
{
	return until_ns / 1000 << 16 | (epoch & HOKM_GRANT_EPOCH_MASK);
}

/* The end in the word, or 0 when it belongs to another epoch. */
HOKM_GRANT_INLINE __u64 hokm_grant_end_ns(__u64 word, __u64 epoch)
{
	__u64 differs = (word ^ epoch) & HOKM_GRANT_EPOCH_MASK;

	return (word >> 16) * 1000 & hokm_grant_less(differs, 1);
}

/*
 * Until when grants allow this node to be owner. Where grants do not count, they always do. Reads
 * the wish before the end.
 */
HOKM_GRANT_INLINE __u64 hokm_grants_end_ns(const struct hokm_grants *g)
{
	const volatile struct hokm_grants *now = g;
	__u64 epoch;

	if (!now->count.majority)
		return HOKM_GRANT_ALWAYS;
	if (now->wish != HOKM_WISH_OWN)
		return 0;
	epoch = now->wish_epoch;
	return hokm_grant_end_ns(now->end, epoch);
}

/* Until when this node is owner, with this lease of VRRP (struct hokm_own). */
HOKM_GRANT_INLINE __u64 hokm_owner_until_ns(__u64 lease_until_ns, const struct hokm_grants *g)
{
	__u64 end_ns = hokm_grants_end_ns(g);

	return lease_until_ns < end_ns ? lease_until_ns : end_ns;
}

/* The end of the promise that this node has made to itself for the present wish, or 0. */
HOKM_GRANT_INLINE __u64 hokm_grants_self_ns(struct hokm_grants *g, __u64 epoch)
{
	__u64 word = HOKM_GRANT_READ(&g->own.word);
	__u64 seen = *(volatile __u64 *)&g->own.epoch;
	__u64 other = hokm_grant_member(word) ^ HOKM_GRANT_SELF;

	return hokm_grant_until_ns(word) & hokm_grant_less(other, 1) &
	       ~hokm_grant_less(seen, epoch);
}

/* The k-th greatest of the ends; 0 when fewer than k are there. */
HOKM_GRANT_INLINE __u64 hokm_grants_kth(const __u64 ends[HOKM_GRANT_MEMBERS], __u64 k)
{
	__u64 best = 0;

	for (unsigned int i = 0; i < HOKM_GRANT_MEMBERS; i++) {
		__u64 end = ends[i], n = 0;

		for (unsigned int j = 0; j < HOKM_GRANT_MEMBERS; j++)
			n += 1 + hokm_grant_less(ends[j], end);
		end &= ~hokm_grant_less(n, k);
		best += (end - best) & hokm_grant_less(best, end);
	}
	return best;
}

/* Puts a newer word in the place of an end that was read before the wish. False: it has changed. */
HOKM_GRANT_INLINE int hokm_grants_move(__u64 *place, __u64 old, __u64 fresh)
{
	if (!((old ^ fresh) & HOKM_GRANT_EPOCH_MASK) && old >= fresh)
		return 1;
	return __sync_val_compare_and_swap(place, old, fresh) == old;
}

/*
 * Counts anew until when a majority grants. After a compare-and-swap that failed another CPU has
 * counted, perhaps before it could see all, so this one counts again, at most three times: the next
 * answer counts too.
 */
HOKM_GRANT_INLINE void hokm_grants_sum(struct hokm_grants *g)
{
	for (unsigned int tries = 0; tries < 3; tries++) {
		__u64 old = HOKM_GRANT_READ(&g->end), ends[HOKM_GRANT_MEMBERS];
		__u32 wish = *(volatile __u32 *)&g->wish;
		__u64 epoch = *(volatile __u64 *)&g->wish_epoch;
		union hokm_count by = {.word = *(volatile __u32 *)&g->count.word};

		if (wish != HOKM_WISH_OWN || !by.majority)
			return;
		for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
			ends[i] = hokm_grant_end_ns(*(volatile __u64 *)&g->member[i].end, epoch) &
				  hokm_grant_less(by.apart >> i & 1, 1);
		ends[HOKM_MAX_PEERS] = hokm_grants_self_ns(g, epoch);
		if (hokm_grants_move(
			    &g->end, old,
			    hokm_grant_end_word(epoch, hokm_grants_kth(ends, by.majority))))
			return;
	}
}

/* The member of this slot granted the wish of this epoch, until then on the clock of this node. */
HOKM_GRANT_INLINE void hokm_grants_note(struct hokm_grants *g, unsigned int slot, __u64 epoch,
					__u64 until_ns)
{
	__u64 *place = &g->member[slot & (HOKM_MAX_PEERS - 1)].end;
	__u64 old = HOKM_GRANT_READ(place);

	if (*(volatile __u32 *)&g->wish != HOKM_WISH_OWN ||
	    *(volatile __u64 *)&g->wish_epoch != epoch)
		return;
	if (hokm_grants_move(place, old, hokm_grant_end_word(epoch, until_ns)))
		hokm_grants_sum(g);
}

#ifndef __bpf__

/*
 * What the daemon does. Only its thread calls these functions. It makes or releases the promise to
 * itself with hokm_grant_carry_out(&g->own, ...), HOKM_GRANT_SELF as the member.
 */

#define HOKM_GRANT_STORE(place, value) __atomic_store_n(place, value, __ATOMIC_SEQ_CST)

/*
 * Sets the wish before a probe says it. The same wish again, a renewal, changes nothing. Any other
 * ends what was granted for the former wish: the node is not owner by grants from here on, until a
 * majority grants the new wish.
 */
static inline void hokm_grants_set_wish(struct hokm_grants *g, enum hokm_wish wish, __u64 epoch)
{
	if (g->wish == (__u32)wish && g->wish_epoch == epoch)
		return;
	HOKM_GRANT_STORE(&g->wish, (__u32)HOKM_WISH_NONE);
	HOKM_GRANT_STORE(&g->wish_epoch, epoch);
	HOKM_GRANT_STORE(&g->end, 0);
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		HOKM_GRANT_STORE(&g->member[i].end, 0);
	HOKM_GRANT_STORE(&g->wish, (__u32)wish);
}

/*
 * The node wishes to own and goes on with a greater epoch. What was granted was not released, so it
 * counts for the new epoch too. For less than a microsecond the gates may see no grant.
 */
static inline void hokm_grants_raise(struct hokm_grants *g, __u64 epoch)
{
	__u64 ends[HOKM_MAX_PEERS], former = g->wish_epoch;
	__u64 end = hokm_grant_end_ns(HOKM_GRANT_READ(&g->end), former);

	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		ends[i] = hokm_grant_end_ns(HOKM_GRANT_READ(&g->member[i].end), former);
	HOKM_GRANT_STORE(&g->wish_epoch, epoch);
	HOKM_GRANT_STORE(&g->end, hokm_grant_end_word(epoch, end));
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		HOKM_GRANT_STORE(&g->member[i].end, hokm_grant_end_word(epoch, ends[i]));
	hokm_grants_sum(g);
}

/* The slots of the other members as those that do not count, and back. */
static inline __u32 hokm_grants_apart(__u32 slots)
{
	return ~slots & ((1U << HOKM_MAX_PEERS) - 1);
}

/*
 * Sets how many members must grant, and the slots of those that may beside this node; a majority of
 * 0: grants do not count. What was granted is counted anew. For less than a microsecond the gates
 * may see no grant.
 */
static inline void hokm_grants_set_members(struct hokm_grants *g, unsigned int majority,
					   __u32 slots)
{
	const union hokm_count by = {
		{.majority = (__u16)majority, .apart = (__u16)hokm_grants_apart(slots)}};

	if (g->count.word == by.word)
		return;
	HOKM_GRANT_STORE(&g->count.word, by.word);
	HOKM_GRANT_STORE(&g->end, 0);
	hokm_grants_sum(g);
}

/*
 * The member of this slot is none any more: what it granted counts no longer. For less than a
 * microsecond the gates may see no grant.
 */
static inline void hokm_grants_drop(struct hokm_grants *g, unsigned int slot)
{
	if (!HOKM_GRANT_READ(&g->member[slot].end))
		return;
	HOKM_GRANT_STORE(&g->member[slot].end, 0);
	HOKM_GRANT_STORE(&g->end, 0);
	hokm_grants_sum(g);
}

#endif

#endif
