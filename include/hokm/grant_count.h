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
 *   - Within a wish an end only grows, because the members do not take a grant back. Only the proof
 *     that the clock of this node stood still ends a wish: see hokm_grants_void().
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

/*
 * Was the wish ended by a proof that the clock of this node stood still? It counts never again: the
 * daemon begins another one with a greater epoch.
 */
HOKM_GRANT_INLINE int hokm_grants_is_void(const struct hokm_grants *g)
{
	const volatile struct hokm_grants *now = g;

	return now->since_epoch < now->stood.void_below;
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

		if (wish != HOKM_WISH_OWN || !by.majority || hokm_grants_is_void(g))
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

/*
 * A clock that stood still. A hypervisor may stop a machine together with its clock. What it was
 * granted then seems to run on, although the members have kept their promises for as long as they
 * must, and grant another node. Nothing in the machine shows it. What comes from others does:
 *
 *   hokm_grants_refuted()   a member says that its promise to this node is over, while its grant
 *                           still counts here
 *   hokm_grants_followed()  another node says that it owns by grants of a majority, which it asked
 *                           for after this node
 *
 * While the grants of this node run, both are proofs: a message that is late, repeated or out of
 * order makes none, nor does a node that claims in vain. That holds as long as members remember
 * their epochs: one that has booted does not.
 */

/* Which node has the promise of a member, as it says. */
enum hokm_promised { HOKM_PROMISED_NOBODY, HOKM_PROMISED_US, HOKM_PROMISED_OTHER };

/*
 * So many epochs, a wish each, never pass by within a wish. A greater epoch is a fault of its
 * sender. It is no proof: else it would bar this node from each later wish.
 */
#define HOKM_GRANT_EPOCHS_MOST (1ULL << 32)

/*
 * The answer of the member of this slot to a question sent at sent_ns says who has its promise, and
 * the greatest epoch that it has seen. Returns the epoch for hokm_grants_void() if it is a proof,
 * else 0.
 *
 * It is one only if the question was sent after the last answer that granted had come. So the
 * member has seen the question after it made the promise, whatever was late on its way. A greater
 * epoch is that of a later promise, or of a claim that came at the same moment as a renewal and was
 * not granted; then the promise is still ours.
 */
HOKM_GRANT_INLINE __u64 hokm_grants_refuted(struct hokm_grants *g, unsigned int slot,
					    enum hokm_promised whose, __u64 epoch, __u64 sent_ns,
					    __u64 now_ns)
{
	__u64 since = HOKM_GRANT_READ(&g->since_epoch);
	__u64 wished = *(volatile __u64 *)&g->wish_epoch, word;

	slot &= HOKM_MAX_PEERS - 1;
	word = HOKM_GRANT_READ(&g->member[slot].end);
	if (*(volatile __u32 *)&g->wish != HOKM_WISH_OWN || !g->count.majority ||
	    now_ns >= hokm_grant_end_ns(word, wished))
		return 0;
	if (sent_ns <= *(volatile __u64 *)&g->stood.granted_ns[slot])
		return 0;
	/* The holder of the promise counts all the same. */
	if (epoch - since > HOKM_GRANT_EPOCHS_MOST)
		epoch = 0;
	if (whose == HOKM_PROMISED_US || (whose == HOKM_PROMISED_NOBODY && epoch <= wished))
		return 0;
	return epoch > since ? epoch : since + 1;
}

/*
 * A node says that it owns by grants of a majority, by a wish that began with this epoch. Returns
 * the epoch for hokm_grants_void(), or 0.
 *
 * A member of both majorities grants a later claim only with an epoch that is not smaller. So of
 * two nodes that own by grants at any times, the one whose wish began with the greater epoch owned
 * later. A wish with the smaller one can get no majority any more, and one that seems to have it
 * has a clock that stood still. The gateway has no epochs.
 */
HOKM_GRANT_INLINE __u64 hokm_grants_followed(struct hokm_grants *g, __u64 since_epoch)
{
	__u64 since = HOKM_GRANT_READ(&g->since_epoch);

	if (since_epoch <= since || since_epoch - since > HOKM_GRANT_EPOCHS_MOST)
		return 0;
	if (*(volatile __u32 *)&g->wish != HOKM_WISH_OWN || !g->count.majority ||
	    g->gateway.used_ns)
		return 0;
	return since_epoch;
}

/* Raises the epoch below which each wish is void. True if it was this call that made one void. */
HOKM_GRANT_INLINE int hokm_grants_raise_void(struct hokm_grants *g, __u64 since, __u64 below)
{
	for (unsigned int tries = 0; tries < 3; tries++) {
		__u64 old = HOKM_GRANT_READ(&g->stood.void_below);

		if (old >= below)
			return 0;
		if (__sync_val_compare_and_swap(&g->stood.void_below, old, below) == old)
			return old <= since && since < below;
	}
	return 0;
}

/*
 * Ends each wish that began with an epoch below this one: the node is not owner by grants from here
 * on. Returns whether it was owner until now: then its clock stood still. `owner`: the address of
 * the node that was granted meanwhile, or 0. Of several CPUs with a proof one reports it.
 *
 * It raises void_below before it writes the end. So another CPU that counts at this moment either
 * finds the wish void, or finds that the end has changed, or has written it before. The end is now,
 * because who owned until now is known by it. The promise of this node to itself stays: it counts
 * only beside those of others, and the daemon releases it.
 *
 * The report is written before the end, and seen_ns after the rest of it: a daemon that sees the
 * end knows why, and one that sees seen_ns knows who.
 * Until then the gates still go by the end, for less than a microsecond.
 */
HOKM_GRANT_INLINE int hokm_grants_void(struct hokm_grants *g, __u64 below, __be32 owner,
				       __u64 now_ns)
{
	__u64 since = HOKM_GRANT_READ(&g->since_epoch);
	int owned = now_ns < hokm_grants_end_ns(g);

	if (hokm_grants_is_void(g))
		return 0;
	owned &= hokm_grants_raise_void(g, since, below);
	if (!hokm_grants_is_void(g))
		return 0;
	if (owned) {
		*(volatile __u64 *)&g->stood.since_epoch = since;
		*(volatile __be32 *)&g->stood.owner = owner;
		(void)HOKM_GRANT_SWAP(&g->stood.seen_ns, now_ns);
	}
	(void)HOKM_GRANT_SWAP(&g->end,
			      hokm_grant_end_word(*(volatile __u64 *)&g->wish_epoch, now_ns));
	return owned;
}

/* Was it a proof that ended the present wish? */
HOKM_GRANT_INLINE int hokm_grants_stood(const struct hokm_grants *g)
{
	const volatile struct hokm_grants *now = g;

	return hokm_grants_is_void(g) && now->stood.seen_ns &&
	       now->stood.since_epoch == now->since_epoch;
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
	HOKM_GRANT_STORE(&g->since_epoch, epoch);
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
	/* A proof that came meanwhile: what was read before it is not put back. */
	if (hokm_grants_is_void(g))
		HOKM_GRANT_STORE(&g->end, 0);
}

/*
 * The epoch with which the wish began by which this node owns, as its probes say it; 0: it does not
 * own, or the gateway is a member, whose grants prove nothing to others.
 */
static inline __u64 hokm_grants_owned_since(const struct hokm_grants *g, __u64 now_ns)
{
	__u64 since = HOKM_GRANT_READ(&g->since_epoch);

	if (!g->count.majority || g->gateway.used_ns || now_ns >= hokm_grants_end_ns(g))
		return 0;
	return since;
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
