/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model's access to the rules of include/hokm/grant.h. It counts time in few large steps, and
 * keeps what is left of a promise instead of its end.
 * Where it asks BROKEN(), there is a fault on purpose (choices.h).
 */
#include "constants.h"
#include "choices.h"

/* Clocks that agree need no allowance: so each grant lasts as long as it may. */
#ifdef EVEN_CLOCKS
#define HOKM_GRANT_DRIFT 1000000
#else
#define HOKM_GRANT_DRIFT (BROKEN(DRIFT) ? 1000000 : LENGTH)
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
	return BROKEN(SILENCE) ? 0 : rules_kept(length);
}

/* What a wish finds at a member, and leaves: the promise. */
static struct hokm_promise rules_promise(int holder, int left, int epoch, int silent)
{
	return (struct hokm_promise){
		.word = hokm_grant_word((__u32)holder, NOW_NS + left * STEP_NS),
		.epoch = (__u64)epoch,
		.silent_until_ns = NOW_NS + (__u64)silent * STEP_NS,
		.longest_ns = (__u64)LONGEST * STEP_NS,
	};
}

static void rules_keep(const struct hokm_promise *p, unsigned char *holder, unsigned char *left,
		       unsigned char *epoch)
{
	__u64 until_ns = hokm_grant_until_ns(p->word);

	*holder = (unsigned char)hokm_grant_member(p->word);
	*left = until_ns > NOW_NS ? (unsigned char)rules_steps(until_ns - NOW_NS) : 0;
	if (!*left)
		*holder = HOKM_GRANT_NOBODY;
	*epoch = (unsigned char)p->epoch;
}

/*
 * One wish at one member: holder, what is left and the epoch are its promise before and after.
 */
static enum hokm_verdict rules_answer(unsigned char *holder, unsigned char *left,
				      unsigned char *epoch, int silent, int from, int wish,
				      int ask_epoch, int length)
{
	struct hokm_promise p = rules_promise(*holder, *left, *epoch, silent);
	struct hokm_grant_ask ask = {
		.member = (__u32)from,
		.wish = (__u32)wish,
		.epoch = (__u64)ask_epoch,
		.length_ns = (__u64)length * STEP_NS,
	};
	enum hokm_verdict verdict;

	if (BROKEN(EPOCH))
		p.epoch = ask.epoch;
	if (BROKEN(TWO) && wish == HOKM_WISH_OWN)
		p.word = 0;
	verdict = hokm_grant_carry_out(&p, &ask, NOW_NS);
	rules_keep(&p, holder, left, epoch);
	return verdict;
}

#ifdef LATE
/* The newest wish of a node at a member: an age of 0 is none, else steps and one. */
struct rules_newest {
	unsigned char *epoch, *age;
};

/*
 * The same for a wish that a probe of this age brings, which may be older than the newest one.
 * Returns for how many steps the asker counts what it is granted; 0: nothing.
 */
static int rules_take(unsigned char *holder, unsigned char *left, unsigned char *epoch, int silent,
		      const struct rules_newest *newest, struct hokm_grant_ask ask, int age)
{
	struct hokm_promise p = rules_promise(*holder, *left, *epoch, silent);
	struct hokm_wished w = {*newest->epoch,
				*newest->age ? NOW_NS - (*newest->age - 1) * STEP_NS : 0};
	const __u64 sent_ns = NOW_NS - (__u64)(age - 1) * STEP_NS;
	enum hokm_verdict verdict;
	__u64 until_ns;

	if (BROKEN(LATE) && ask.epoch == w.epoch && sent_ns <= w.sent_ns && *left)
		p.word = hokm_grant_word(ask.member, hokm_grant_until_ns(p.word));
	verdict = hokm_grant_take_wish(&p, &w, &ask, sent_ns, NOW_NS);
	rules_keep(&p, holder, left, epoch);
	*newest->epoch = (unsigned char)w.epoch;
	*newest->age = w.sent_ns ? (unsigned char)(rules_steps(NOW_NS - w.sent_ns) + 1) : 0;
	until_ns = sent_ns + hokm_grant_used_ns(ask.length_ns);
	if (verdict != HOKM_VERDICT_GRANTED || until_ns <= NOW_NS)
		return 0;
	return rules_steps(until_ns - NOW_NS);
}
#endif

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

/* A node that wishes to own with wish_epoch since `since`. */
static struct hokm_grants rules_wish(int wish_epoch, int since)
{
	return (struct hokm_grants){
		.wish = HOKM_WISH_OWN,
		.count.majority = MAJORITY,
		.wish_epoch = (__u64)wish_epoch,
		.since_epoch = (__u64)since,
	};
}

/*
 * The member has granted it for `left` and says now whose its promise is, and the greatest epoch
 * that it has seen, to a question that was sent after that grant had come. Is that a proof?
 */
static int rules_refuted(struct hokm_grants g, int left, int left_epoch, int whose, int epoch)
{
	g.member[0].end = hokm_grant_end_word((__u64)left_epoch, NOW_NS + left * STEP_NS);
	return hokm_grants_refuted(&g, 0, (enum hokm_promised)whose, (__u64)epoch, NOW_NS,
				   NOW_NS) != 0;
}

/* Another node owns by a wish that began with this epoch. */
static int rules_followed(struct hokm_grants g, int since)
{
	return hokm_grants_followed(&g, (__u64)since) != 0;
}

/* Has a majority granted the wish? As the packet path counts (hokm/grant_count.h). */
static int rules_majority(const struct rules_votes *v, int majority)
{
	return NOW_NS < hokm_grants_kth(v->ends, (__u64)majority);
}
