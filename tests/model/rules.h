/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model's access to the rules of include/hokm/grant.h. It counts time in few large steps, and
 * keeps what is left of a promise instead of its end.
 *
 * Each BREAK_ macro is a fault on purpose, which the model must find:
 *   BREAK_DRIFT     both sides count the same length: no allowance for the clocks' drift
 *   BREAK_SILENCE   a member that has booted grants at once
 *   BREAK_LONGEST   a member that has booted is silent for an ordinary grant only (with LONG)
 *   BREAK_TWO       a member grants what it has promised to another
 *   BREAK_EXPIRY    a node counts its own vote although it has promised it to another
 *   BREAK_EPOCH     neither the member nor the asker compares epochs
 *   BREAK_RAISE     a node goes on with a greater epoch although it has released the former one
 *   BREAK_PATIENCE  a node that does not get a majority wishes on without end (with LIVE)
 */
#include "constants.h"

#ifdef BREAK_DRIFT
#define HOKM_GRANT_DRIFT 1000000
#else
#define HOKM_GRANT_DRIFT LENGTH
#endif
#include "hokm/grant_count.h"

#ifndef STEP_NS
#define STEP_NS 1000000ULL
#endif
#define NOW_NS (1000 * STEP_NS)

/*
 * A time as steps. Nothing is looked at between two steps, so what ends between them runs up to the
 * later one. A grant that finds its own word again is a microsecond longer: that is no step.
 */
static int rules_steps(__u64 ns)
{
	return (int)((ns + STEP_NS - STEP_NS / 8) / STEP_NS);
}

static int rules_used(int length)
{
	return rules_steps(hokm_grant_used_ns((__u64)length * STEP_NS));
}

static int rules_kept(int length)
{
	return rules_steps(hokm_grant_kept_ns((__u64)length * STEP_NS));
}

/* How long a member is silent after it has booted. */
static int rules_silence(int length)
{
#ifdef BREAK_SILENCE
	(void)length;
	return 0;
#else
	return rules_kept(length);
#endif
}

/*
 * One wish at one member: holder, what is left and the epoch are its promise before and after.
 */
static enum hokm_verdict rules_answer(unsigned char *holder, unsigned char *left,
				      unsigned char *epoch, int silent, int from, int wish,
				      int ask_epoch, int length)
{
	struct hokm_promise p = {
		.word = hokm_grant_word(*holder, NOW_NS + *left * STEP_NS),
		.epoch = *epoch,
		.silent_until_ns = NOW_NS + (__u64)silent * STEP_NS,
		.longest_ns = (__u64)LONGEST * STEP_NS,
	};
	struct hokm_grant_ask ask = {
		.member = (__u32)from,
		.wish = (__u32)wish,
		.epoch = (__u64)ask_epoch,
		.length_ns = (__u64)length * STEP_NS,
	};
	enum hokm_verdict verdict;
	__u64 until_ns;

#ifdef BREAK_EPOCH
	p.epoch = ask.epoch;
#endif
#ifdef BREAK_TWO
	if (wish == HOKM_WISH_OWN)
		p.word = 0;
#endif
	verdict = hokm_grant_carry_out(&p, &ask, NOW_NS);
	until_ns = hokm_grant_until_ns(p.word);
	*holder = (unsigned char)hokm_grant_member(p.word);
	*left = until_ns > NOW_NS ? (unsigned char)rules_steps(until_ns - NOW_NS) : 0;
	if (!*left)
		*holder = HOKM_GRANT_NOBODY;
	*epoch = (unsigned char)p.epoch;
	return verdict;
}

/* What a node has for its wish: its own promise, and what others have granted. */
struct rules_votes {
	struct hokm_grants map;
	__u64 ends[HOKM_GRANT_MEMBERS];
};

/* holder: the node itself, another one or nobody, as HOKM_GRANT_ says. */
static void rules_own_vote(struct rules_votes *v, int holder, int left, int epoch, int wish_epoch)
{
	memset(v, 0, sizeof(*v));
	v->map.own.word = hokm_grant_word((__u32)holder, NOW_NS + left * STEP_NS);
	v->map.own.epoch = (__u64)epoch;
	v->ends[HOKM_MAX_PEERS] = hokm_grants_self_ns(&v->map, (__u64)wish_epoch);
}

/* The member of this slot has granted the wish of `epoch`. */
static void rules_vote(struct rules_votes *v, int slot, int left, int epoch, int wish_epoch)
{
	v->ends[slot] = hokm_grant_end_ns(
		hokm_grant_end_word((__u64)epoch, NOW_NS + left * STEP_NS), (__u64)wish_epoch);
}

/* Has a majority granted the wish? As the packet path counts (hokm/grant_count.h). */
static int rules_majority(const struct rules_votes *v, int majority)
{
	return NOW_NS < hokm_grants_kth(v->ends, (__u64)majority);
}
