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
 *   BREAK_PATIENCE  a node that does not get a majority wishes on without end (with LIVE)
 */
#include "constants.h"

#ifdef BREAK_DRIFT
#define HOKM_GRANT_DRIFT 1000000
#else
#define HOKM_GRANT_DRIFT LENGTH
#endif
#include "hokm/grant.h"

#define STEP_NS 1000000ULL
#define NOW_NS  (1000 * STEP_NS)

static int rules_used(int length)
{
	return (int)((hokm_grant_used_ns((__u64)length * STEP_NS) + STEP_NS / 2) / STEP_NS);
}

static int rules_kept(int length)
{
	return (int)((hokm_grant_kept_ns((__u64)length * STEP_NS) + STEP_NS / 2) / STEP_NS);
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
 * Returns whether the wish was granted.
 */
static int rules_answer(unsigned char *holder, unsigned char *left, unsigned char *epoch,
			int silent, int from, int wish, int ask_epoch, int length)
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
	*left = until_ns > NOW_NS ? (unsigned char)((until_ns - NOW_NS + STEP_NS / 2) / STEP_NS)
				  : 0;
	if (!*left)
		*holder = HOKM_GRANT_NOBODY;
	*epoch = (unsigned char)p.epoch;
	return verdict == HOKM_VERDICT_GRANTED;
}
