/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * This node as a member: what it answers to the wishes in probes, packet by packet, and what it
 * keeps of them in map grants. A witness answers by the same rules: its program passes the same
 * tests. Those of forged probes for it are in test_witness_program, because it reports no events.
 */
#include "grant_spec.h"

#define XDP_VERDICT_TX 3

/* The promise is kept longer than the length that was asked for. */
#define KEPT_NS (LENGTH_NS + LENGTH_NS / HOKM_GRANT_DRIFT)

static int setup(void **state)
{
	const struct hokm_grants g = grants_member();
	int err = fix_reset(state);

	grants_put(*state, &g);
	return err;
}

#define GRANT_TEST(fn) cmocka_unit_test_setup(fn, setup)

/* What is said to a probe, in an answer whose own tag is right. */
static struct hokm_pulse_grant said_to(struct fix *x, unsigned int slot, const struct hokm_pulse *p)
{
	struct hokm_pulse got;
	struct frame f;

	pulse_frame_of(&f, slot, p);
	fix_ingress(x, &f);
	assert_int_equal(x->verdict, XDP_VERDICT_TX);
	got = pulse_out(x);
	assert_int_equal(be64toh(got.tag), pulse_own_tag(x, slot, &got));
	assert_int_equal(got.grant.wish_epoch, p->grant.epoch);
	assert_int_equal(got.grant.wish, p->grant.wish);
	return got.grant;
}

static struct hokm_pulse_grant answer_to(struct fix *x, unsigned int slot,
					 const struct hokm_pulse *p)
{
	struct hokm_pulse_grant got = said_to(x, slot, p);

	/* A member that grants nothing says for how long it would. */
	assert_int_equal(got.length_us,
			 got.verdict == HOKM_VERDICT_GRANTED
				 ? p->grant.length_us
				 : htonl((uint32_t)(grants_get(x).own.longest_ns / 1000)));
	return got;
}

static struct hokm_pulse_grant ask(struct fix *x, unsigned int slot, uint64_t sent_ns,
				   enum hokm_wish wish, uint64_t epoch)
{
	struct hokm_pulse p = wish_of(x, slot, sent_ns, wish, epoch, LENGTH_NS);

	return answer_to(x, slot, &p);
}

static void expect_granted(struct fix *x, unsigned int slot, uint64_t sent_ns, uint64_t epoch)
{
	struct hokm_pulse_grant a = ask(x, slot, sent_ns, HOKM_WISH_OWN, epoch);
	struct hokm_grants g = grants_get(x);

	assert_int_equal(a.verdict, HOKM_VERDICT_GRANTED);
	assert_int_equal(be64toh(a.epoch), epoch);
	assert_int_equal(hokm_grant_member(g.own.word), HOKM_GRANT_PEER(slot));
	assert_int_equal(g.own.epoch, epoch);
}

/* Nothing of the promise has changed, and the peer of the slot has it. */
static void expect_kept(struct fix *x, const struct hokm_grants *before, unsigned int slot)
{
	struct hokm_grants now = grants_get(x);

	assert_memory_equal(&now.own, &before->own, sizeof(now.own));
	assert_int_equal(hokm_grant_member(now.own.word), HOKM_GRANT_PEER(slot));
}

static void free_member_grants_for_longer_than_was_asked(void **state)
{
	struct fix *x = *state;
	uint64_t before = fix_now(), after, until;
	struct hokm_pulse_grant a = ask(x, 0, 1, HOKM_WISH_OWN, EPOCH);

	after = fix_now();
	until = hokm_grant_until_ns(grants_get(x).own.word);
	assert_int_equal(a.verdict, HOKM_VERDICT_GRANTED);
	assert_int_equal(a.holder, htonl(PEER0_ADDR));
	assert_in_range(until, before + KEPT_NS, after + KEPT_NS + 1000);
	assert_in_range(be32toh(a.left_us) * 1000ull, KEPT_NS, KEPT_NS + 1000);
}

static void second_owner_is_refused_while_the_first_has_the_promise(void **state)
{
	struct fix *x = *state;
	struct hokm_grants before;
	struct hokm_pulse_grant a;

	expect_granted(x, 0, 1, EPOCH);
	before = grants_get(x);
	for (uint64_t epoch = EPOCH; epoch < EPOCH + 3; epoch++) {
		a = ask(x, 1, epoch, HOKM_WISH_OWN, epoch);
		assert_int_equal(a.verdict, HOKM_VERDICT_HELD);
		assert_int_equal(a.holder, htonl(PEER0_ADDR));
		assert_in_range(be32toh(a.left_us), 1, KEPT_NS / 1000 + 1);
		expect_kept(x, &before, 0);
	}
}

static void promise_that_has_ended_binds_nobody(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_member();

	g.own.word = hokm_grant_word(HOKM_GRANT_PEER(0), fix_now() - 1000);
	g.own.epoch = EPOCH;
	grants_put(x, &g);
	assert_int_equal(ask(x, 1, 1, HOKM_WISH_NONE, 0).holder, 0);
	expect_granted(x, 1, 2, EPOCH + 1);
}

static void renewal_prolongs_and_never_shortens(void **state)
{
	struct fix *x = *state;
	struct hokm_grants first, second;
	struct hokm_pulse p;

	expect_granted(x, 0, 1, EPOCH);
	first = grants_get(x);
	expect_granted(x, 0, 2, EPOCH);
	second = grants_get(x);
	assert_true(second.own.word > first.own.word);
	p = wish_of(x, 0, 3, HOKM_WISH_OWN, EPOCH, LIMIT_NS);
	assert_int_equal(answer_to(x, 0, &p).verdict, HOKM_VERDICT_GRANTED);
	/* A microsecond longer: each grant changes the word. */
	assert_int_equal(grants_get(x).own.word, second.own.word + (1 << 8));
}

static void release_lets_another_have_it_at_once(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse_grant a;

	expect_granted(x, 0, 1, EPOCH);
	a = ask(x, 0, 2, HOKM_WISH_RELEASE, EPOCH);
	assert_int_equal(a.verdict, HOKM_VERDICT_NONE);
	assert_int_equal(a.holder, 0);
	assert_in_range(be32toh(a.left_us), 0, 1); /* rounded up */
	expect_granted(x, 1, 1, EPOCH + 1);
}

static void release_of_somebody_else_ends_nothing(void **state)
{
	struct fix *x = *state;
	struct hokm_grants before;

	expect_granted(x, 0, 1, EPOCH);
	before = grants_get(x);
	(void)ask(x, 1, 1, HOKM_WISH_RELEASE, EPOCH);
	(void)ask(x, 1, 2, HOKM_WISH_RELEASE, EPOCH + 1);
	expect_kept(x, &before, 0);
}

/* The wish of a greater epoch finds a longer grant: the epoch must grow although no end does. */
static void held_back_release_does_not_end_a_newer_grant(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse shorter = wish_of(x, 0, 30, HOKM_WISH_OWN, EPOCH + 1, LIMIT_NS);
	struct hokm_grants before;

	expect_granted(x, 0, 10, EPOCH);
	assert_int_equal(answer_to(x, 0, &shorter).verdict, HOKM_VERDICT_GRANTED);
	before = grants_get(x);
	assert_int_equal(before.own.epoch, EPOCH + 1);
	assert_int_equal(ask(x, 0, 40, HOKM_WISH_RELEASE, EPOCH).verdict, HOKM_VERDICT_OLD);
	expect_kept(x, &before, 0);
}

static void old_epoch_is_told_the_newest(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_member();
	struct hokm_pulse_grant a;

	g.own.epoch = 9;
	grants_put(x, &g);
	a = ask(x, 0, 1, HOKM_WISH_OWN, 8);
	assert_int_equal(a.verdict, HOKM_VERDICT_OLD);
	assert_int_equal(be64toh(a.epoch), 9);
	assert_int_equal(grants_get(x).own.word, 0);
	expect_granted(x, 0, 2, 9);
}

/* ---- replayed and forged ---- */

/*
 * A session of the peer's daemon ends; its probes are repeated when there is no owner any more. The
 * newest one is granted what is left of the promise, and each grant adds a microsecond.
 */
static void probes_of_a_former_session_change_nothing(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse first = wish_of(x, 0, 1000, HOKM_WISH_OWN, EPOCH, LENGTH_NS),
			  next = first;
	struct hokm_grants before;

	assert_int_equal(answer_to(x, 0, &first).verdict, HOKM_VERDICT_GRANTED);
	next.nonce = htobe64(77);
	next.sent_ns = htobe64(1001 + LENGTH_NS);
	pulse_sign(x, 0, &next);
	assert_int_equal(answer_to(x, 0, &next).verdict, HOKM_VERDICT_GRANTED);
	before = grants_get(x);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(said_to(x, 0, &first).verdict, HOKM_VERDICT_OLD);
		assert_int_equal(said_to(x, 0, &next).verdict, HOKM_VERDICT_GRANTED);
	}
	before.own.word += 3 << 8;
	expect_kept(x, &before, 0);
}

/* After a reboot the peer's clock is young, and it must learn the epoch of its own last wish. */
static void rebooted_peer_goes_on_with_a_greater_epoch(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;

	expect_granted(x, 1, 1, EPOCH);
	assert_int_equal(ask(x, 0, 1000, HOKM_WISH_OWN, EPOCH + 2).verdict, HOKM_VERDICT_HELD);
	(void)ask(x, 1, 2, HOKM_WISH_RELEASE, EPOCH);
	p = wish_of(x, 0, 10, HOKM_WISH_OWN, EPOCH + 1, LENGTH_NS);
	p.nonce = htobe64(77);
	pulse_sign(x, 0, &p);
	assert_int_equal(be64toh(answer_to(x, 0, &p).epoch), EPOCH + 2);
	p = wish_of(x, 0, 11, HOKM_WISH_OWN, EPOCH + 3, LENGTH_NS);
	p.nonce = htobe64(77);
	pulse_sign(x, 0, &p);
	assert_int_equal(answer_to(x, 0, &p).verdict, HOKM_VERDICT_GRANTED);
}

static void expect_refused(struct fix *x, unsigned int slot, const struct hokm_pulse *p,
			   enum hokm_counter c)
{
	struct hokm_grants before = grants_get(x), after;
	struct frame f;

	pulse_frame_of(&f, slot, p);
	expect_drop_alone(x, &f, c);
	after = grants_get(x);
	assert_memory_equal(&before, &after, sizeof(after));
}

static void forged_wishes_change_nothing(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse good = wish_of(x, 0, 1000, HOKM_WISH_OWN, EPOCH, LENGTH_NS), p = good;

	p.grant.epoch = htobe64(EPOCH + 1);
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_tag);
	p = good;
	p.grant.length_us = htobe32(1);
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_tag);
	p = good;
	p.grant.wish = HOKM_WISH_RELEASE;
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_tag);
	expect_refused(x, 1, &good, HOKM_CTR_drop_pulse_tag); /* as another node's */
	p = good;
	memcpy(p.mac, OWN_MAC, sizeof(p.mac));
	p.tag = htobe64(pulse_own_tag(x, 0, &p)); /* its own wish, reflected */
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_tag);
	assert_int_equal(answer_to(x, 0, &good).verdict, HOKM_VERDICT_GRANTED);
	expect_refused(x, 0, &good, HOKM_CTR_drop_pulse_replay);
}

/* ---- what it does not grant ---- */

static void new_member_is_silent(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_member();

	g.own.silent_until_ns = fix_now() + LONG_NS;
	grants_put(x, &g);
	assert_int_equal(ask(x, 0, 1, HOKM_WISH_OWN, EPOCH).verdict, HOKM_VERDICT_SILENT);
	assert_int_equal(grants_get(x).own.word, 0);
	g.own.silent_until_ns = fix_now();
	grants_put(x, &g);
	expect_granted(x, 0, 2, EPOCH);
}

static void node_that_takes_no_part_answers_nothing(void **state)
{
	const struct hokm_grants none = {0};
	struct fix *x = *state;
	struct hokm_pulse_grant a;
	struct hokm_grants after;

	grants_put(x, &none);
	a = ask(x, 0, 1, HOKM_WISH_OWN, EPOCH);
	assert_int_equal(a.verdict, HOKM_VERDICT_ABSENT);
	assert_int_equal(a.holder, 0);
	assert_int_equal(a.epoch, 0);
	after = grants_get(x);
	assert_memory_equal(&after, &none, sizeof(none));
}

static void grant_that_is_too_long_is_refused(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = wish_of(x, 0, 1, HOKM_WISH_OWN, EPOCH, LENGTH_NS + 1000);

	assert_int_equal(answer_to(x, 0, &p).verdict, HOKM_VERDICT_REFUSED);
	assert_int_equal(grants_get(x).own.word, 0);
	expect_granted(x, 0, 2, EPOCH);
}

static void wish_that_does_not_exist_changes_nothing(void **state)
{
	struct fix *x = *state;

	for (unsigned int wish = HOKM_WISH_RELEASE + 1; wish < 256; wish += 63)
		assert_int_equal(ask(x, 0, wish, (enum hokm_wish)wish, EPOCH).verdict,
				 HOKM_VERDICT_NONE);
	assert_int_equal(grants_get(x).own.word, 0);
	assert_int_equal(grants_get(x).own.epoch, 0);
}

/* The promise of a node to itself is made by its daemon, and binds it as every other. */
static void own_promise_is_kept_and_named(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(0);
	struct hokm_pulse_grant a;

	grants_put(x, &g);
	a = ask(x, 0, 1, HOKM_WISH_OWN, EPOCH + 1);
	assert_int_equal(a.verdict, HOKM_VERDICT_HELD);
	assert_int_equal(a.holder, htonl(OWN_ADDR));
	assert_int_equal(grants_get(x).own.word, g.own.word);
	a = ask(x, 1, 1, HOKM_WISH_NONE, 0);
	assert_int_equal(a.verdict, HOKM_VERDICT_NONE);
	assert_int_equal(a.holder, htonl(OWN_ADDR));
}

/* The slot of a peer that was removed goes to another one. */
static void promise_stays_when_its_owner_is_removed(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g;
	struct hokm_pulse_grant a;

	expect_granted(x, 0, 1, EPOCH);
	g = grants_get(x);
	hokm_grant_forget(&g.own, HOKM_GRANT_PEER(0));
	memset(&g.member[0], 0, sizeof(g.member[0]));
	grants_put(x, &g);
	for (unsigned int slot = 0; slot < 2; slot++) {
		a = ask(x, slot, 2, HOKM_WISH_OWN, EPOCH + 1);
		assert_int_equal(a.verdict, HOKM_VERDICT_HELD);
		assert_int_equal(a.holder, 0);
		assert_true(a.left_us);
		(void)ask(x, slot, 3, HOKM_WISH_RELEASE, EPOCH + 1);
	}
	assert_int_equal(grants_get(x).own.word, g.own.word);
}

static void swap_programs(struct fix *x)
{
	const int ingress = x->ingress;

	x->ingress = x->witness;
	x->witness = ingress;
}

static int open_as_witness(void **state)
{
	int err = fix_open(state);

	if (!err)
		swap_programs(*state);
	return err;
}

#define GRANT_TESTS                                                                  \
	GRANT_TEST(free_member_grants_for_longer_than_was_asked),                    \
		GRANT_TEST(second_owner_is_refused_while_the_first_has_the_promise), \
		GRANT_TEST(promise_that_has_ended_binds_nobody),                     \
		GRANT_TEST(renewal_prolongs_and_never_shortens),                     \
		GRANT_TEST(release_lets_another_have_it_at_once),                    \
		GRANT_TEST(release_of_somebody_else_ends_nothing),                   \
		GRANT_TEST(held_back_release_does_not_end_a_newer_grant),            \
		GRANT_TEST(old_epoch_is_told_the_newest),                            \
		GRANT_TEST(probes_of_a_former_session_change_nothing),               \
		GRANT_TEST(rebooted_peer_goes_on_with_a_greater_epoch),              \
		GRANT_TEST(new_member_is_silent),                                    \
		GRANT_TEST(node_that_takes_no_part_answers_nothing),                 \
		GRANT_TEST(grant_that_is_too_long_is_refused),                       \
		GRANT_TEST(wish_that_does_not_exist_changes_nothing),                \
		GRANT_TEST(own_promise_is_kept_and_named),                           \
		GRANT_TEST(promise_stays_when_its_owner_is_removed)

int main(void)
{
	const struct CMUnitTest node[] = {
		GRANT_TESTS,
		GRANT_TEST(forged_wishes_change_nothing),
	};
	const struct CMUnitTest witness[] = {GRANT_TESTS};
	int failed = cmocka_run_group_tests_name("grant", node, fix_open, fix_close);

	return failed + cmocka_run_group_tests_name(
				"grant of a witness", witness, open_as_witness, fix_close);
}
