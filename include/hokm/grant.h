/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of grants (struct hokm_promise). The XDP program, the daemon, the witness and the model
 * (tests/model) share them: each change of a promise is one call of hokm_grant_answer().
 *
 * Invariants, which the model checks together with their use
 *   - A promise to one owner never becomes a promise to another before it has ended or its owner
 *     has released it.
 *   - A promise is never made shorter, except by its owner's release.
 *   - The member counts a grant from the moment of its answer and makes it longer by the drift. The
 *     asker counts it from the moment at which it sent the probe and makes it shorter by the drift.
 *     So the asker's end comes first, whatever the two clocks show, if their rates differ by less
 *     than twice the drift.
 *   - A wish whose epoch is older than one that was granted or released changes nothing: a probe
 *     that was recorded, held back or repeated cannot end or make a promise.
 *   - A member that does not know its promises (it has booted, or its map is new) grants nothing
 *     for as long as it would keep the longest grant that anybody may have of it.
 *
 * hokm/grant_count.h has the side of the asker: how it counts what it was granted.
 */
#ifndef HOKM_GRANT_H
#define HOKM_GRANT_H

#include "hokm/abi_grant.h"

/*
 * Drift of a clock: 1/64, 1.6 %, on each side. Quartz in a computer drifts by less than 0.1 %. The
 * model counts in few and large steps and so needs a greater one.
 */
#ifndef HOKM_GRANT_DRIFT
#define HOKM_GRANT_DRIFT 64
#endif

/* The member in a word: nobody, this node itself, or a peer by slot. */
#define HOKM_GRANT_NOBODY     0
#define HOKM_GRANT_SELF       1
#define HOKM_GRANT_PEER(slot) (2 + (slot))

/* Each grant makes a promise longer by this at least: by one in the unit of the word. */
#define HOKM_GRANT_LEAST_NS 1000

#define HOKM_GRANT_INLINE static inline __attribute__((always_inline))

/* A word: the end in us of boot time above the member in the lowest byte. */
HOKM_GRANT_INLINE __u64 hokm_grant_word(__u32 member, __u64 until_ns)
{
	/* Rounded up: a promise must not end early. */
	return (until_ns + 999) / 1000 << 8 | (member & 0xff);
}

HOKM_GRANT_INLINE __u32 hokm_grant_member(__u64 word)
{
	return word & 0xff;
}

HOKM_GRANT_INLINE __u64 hokm_grant_until_ns(__u64 word)
{
	return (word >> 8) * 1000;
}

/* How long the member must keep a grant of this length, and how long the asker may use it. */
HOKM_GRANT_INLINE __u64 hokm_grant_kept_ns(__u64 length_ns)
{
	return length_ns + length_ns / HOKM_GRANT_DRIFT;
}

HOKM_GRANT_INLINE __u64 hokm_grant_used_ns(__u64 length_ns)
{
	return length_ns - length_ns / HOKM_GRANT_DRIFT;
}

/*
 * How long a member whose promises are not known must be silent: it may have made one just before.
 */
HOKM_GRANT_INLINE __u64 hokm_grant_silence_ns(__u64 longest_ns)
{
	return hokm_grant_kept_ns(longest_ns);
}

/*
 * Reads a word that others change, or puts another one in its place; what is read afterwards is not
 * older. The programs have no other barrier than an atomic operation.
 */
#ifdef __bpf__
#define HOKM_GRANT_READ(place)        __sync_fetch_and_add(place, 0)
#define HOKM_GRANT_SWAP(place, value) __sync_lock_test_and_set(place, value)
#else
#define HOKM_GRANT_READ(place)        __atomic_load_n(place, __ATOMIC_SEQ_CST)
#define HOKM_GRANT_SWAP(place, value) __atomic_exchange_n(place, value, __ATOMIC_SEQ_CST)
#endif

/* A wish as it reaches a member: from which node, in the member's own numbering. */
struct hokm_grant_ask {
	__u32 member;
	__u32 wish; /* enum hokm_wish */
	__u64 epoch;
	__u64 length_ns;
};

/*
 * The answer of a member with the promise (word, epoch) to a wish. *next is the word to put in
 * place of `word` by compare-and-swap; equal to it when nothing changes.
 */
HOKM_GRANT_INLINE enum hokm_verdict hokm_grant_answer(const struct hokm_promise *p, __u64 word,
						      __u64 epoch, const struct hokm_grant_ask *ask,
						      __u64 now_ns, __u64 *next)
{
	__u64 until_ns = hokm_grant_until_ns(word), end_ns;
	__u32 holder = hokm_grant_member(word);

	*next = word;
	if (!p->silent_until_ns)
		return HOKM_VERDICT_ABSENT;
	if (ask->wish != HOKM_WISH_OWN && ask->wish != HOKM_WISH_RELEASE)
		return HOKM_VERDICT_NONE;
	if (ask->epoch < epoch)
		return HOKM_VERDICT_OLD;
	if (ask->wish == HOKM_WISH_RELEASE) {
		if (holder == ask->member && ask->epoch == epoch)
			*next = hokm_grant_word(HOKM_GRANT_NOBODY, now_ns);
		return HOKM_VERDICT_NONE;
	}
	if (now_ns < p->silent_until_ns)
		return HOKM_VERDICT_SILENT;
	if (ask->length_ns > p->longest_ns)
		return HOKM_VERDICT_REFUSED;
	if (holder != ask->member && now_ns < until_ns)
		return HOKM_VERDICT_HELD;
	end_ns = now_ns + hokm_grant_kept_ns(ask->length_ns);
	if (holder == ask->member && end_ns < until_ns)
		end_ns = until_ns;
	*next = hokm_grant_word(ask->member, end_ns);
	/* A grant always changes the word: a release that was read before it must not find it
	 * again. */
	if (*next == word)
		*next += 1 << 8;
	return HOKM_VERDICT_GRANTED;
}

/*
 * Carries a wish out on a promise that others may change at the same moment. The word is read
 * before the epoch, so that a wish that has become too old meanwhile finds another word. The epoch
 * grows before the word changes: at worst it has grown for a wish that is not granted. It grows
 * also when a grant that runs is long enough for the wish: a release that was held back and belongs
 * to an older wish must not end it. After a release it is one more than that of the release, so
 * that no repeated wish of it counts.
 */
HOKM_GRANT_INLINE enum hokm_verdict hokm_grant_carry_out(
	struct hokm_promise *p, const struct hokm_grant_ask *ask, __u64 now_ns)
{
	__u64 word = HOKM_GRANT_READ(&p->word), next;
	__u64 epoch = *(volatile __u64 *)&p->epoch, least;
	enum hokm_verdict verdict = hokm_grant_answer(p, word, epoch, ask, now_ns, &next);

	if (next == word && verdict != HOKM_VERDICT_GRANTED)
		return verdict;
	least = ask->epoch + (ask->wish == HOKM_WISH_RELEASE);
	if (least > epoch && __sync_val_compare_and_swap(&p->epoch, epoch, least) != epoch)
		return HOKM_VERDICT_BUSY;
	if (__sync_val_compare_and_swap(&p->word, word, next) != word)
		return HOKM_VERDICT_BUSY;
	return verdict;
}

/*
 * A wish that was sent before the newest one of its epoch and comes after it, over a slower path.
 * The answer to the newest one may have been lost. The wish begins nothing and prolongs nothing:
 * while a promise to its sender runs, it is granted for what is left of that. ask->length_ns
 * becomes this time.
 *
 * It is safe in any order of events, because it is carried out as each other wish, and the promise
 * lasts for as long already.
 *   - After a release, and after a wish of a greater epoch, the epoch of this one is too old.
 *   - While nobody or another node has the promise, this wish is too old.
 *   - A release of a former epoch that another CPU carries out at this moment finds another word:
 *     each grant makes the promise longer by a microsecond at least.
 *   - So does a probe that is repeated. The asker does not count the answer to it.
 *     hokm_grant_take_wish() bounds how much that is.
 *   - A probe from before a boot of its sender has another clock. A node that has booted wishes
 *     nothing for as long as a promise from before may run.
 */
HOKM_GRANT_INLINE enum hokm_verdict hokm_grant_late_wish(
	struct hokm_promise *p, struct hokm_grant_ask *ask, __u64 late_ns, __u64 now_ns)
{
	__u64 word = HOKM_GRANT_READ(&p->word), left_ns;

	if (ask->wish != HOKM_WISH_OWN || hokm_grant_member(word) != ask->member ||
	    now_ns >= hokm_grant_until_ns(word) || late_ns > ask->length_ns)
		return HOKM_VERDICT_OLD;
	left_ns = hokm_grant_used_ns(hokm_grant_until_ns(word) - now_ns) / 1000 * 1000;
	if (ask->length_ns > left_ns)
		ask->length_ns = left_ns;
	return hokm_grant_carry_out(p, ask, now_ns);
}

/*
 * The same for a wish that came in a probe sent at sent_ns, by the clock of its sender. *newest is
 * that of this sender. ask->length_ns becomes the time that is granted.
 *
 * Each late wish that is granted makes the promise longer by a microsecond, and counts the newest
 * wish as sent a microsecond later. So repeated probes of a dead sender become too old, and prolong
 * its promise by the length of a grant at most. The next pulse of a live sender is newer all the
 * same: it is sent milliseconds later.
 */
HOKM_GRANT_INLINE enum hokm_verdict hokm_grant_take_wish(
	struct hokm_promise *p, struct hokm_wished *newest, struct hokm_grant_ask *ask,
	__u64 sent_ns, __u64 now_ns)
{
	enum hokm_verdict verdict;

	if (!p->silent_until_ns)
		return HOKM_VERDICT_ABSENT;
	if (ask->wish != HOKM_WISH_OWN && ask->wish != HOKM_WISH_RELEASE)
		return HOKM_VERDICT_NONE;
	if (ask->epoch < newest->epoch)
		return HOKM_VERDICT_OLD;
	if (ask->epoch == newest->epoch && sent_ns <= newest->sent_ns) {
		verdict = hokm_grant_late_wish(p, ask, newest->sent_ns - sent_ns, now_ns);
		if (verdict == HOKM_VERDICT_GRANTED)
			__sync_fetch_and_add(&newest->sent_ns, HOKM_GRANT_LEAST_NS);
		return verdict;
	}
	newest->epoch = ask->epoch;
	newest->sent_ns = sent_ns;
	return hokm_grant_carry_out(p, ask, now_ns);
}

/*
 * The greatest epoch that a member tells this peer: it must go beyond its own newest wish too, when
 * it has forgotten it by a reboot.
 */
HOKM_GRANT_INLINE __u64 hokm_grant_seen_epoch(const struct hokm_promise *p,
					      const struct hokm_wished *newest)
{
	return p->epoch > newest->epoch ? p->epoch : newest->epoch;
}

/*
 * The member is removed and its number may go to another one: what was promised to it stays
 * promised, but to nobody that can renew or release it.
 */
HOKM_GRANT_INLINE void hokm_grant_forget(struct hokm_promise *p, __u32 member)
{
	__u64 word = HOKM_GRANT_READ(&p->word);

	if (hokm_grant_member(word) == member)
		(void)__sync_val_compare_and_swap(
			&p->word, word,
			hokm_grant_word(HOKM_GRANT_NOBODY, hokm_grant_until_ns(word)));
}

#endif
