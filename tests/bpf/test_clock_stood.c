/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A node whose clock stood still believes that its grants run on. What others say proves that they
 * have ended, and the packet path ends them at once (hokm_grants_void()). Here the clock is as it
 * should be, and the map says more than the members promised: that looks the same.
 */
#include "grant_spec.h"

#define SINCE EPOCH

#define NODE(x, c) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)

static const struct eth_spec PLAIN;

static void give(struct fix *x, unsigned int slot, const struct hokm_pulse *p)
{
	struct frame f;

	pulse_frame_of(&f, slot, p);
	fix_ingress(x, &f);
}

/* The peer of the slot answers a question of this node: for this time it is owner. */
static void says_lease(struct fix *x, unsigned int slot, uint64_t left_ns)
{
	struct hokm_pulse p = pulse_answer_of(x, slot, fix_now());

	p.lease_left_ns = htobe64(left_ns);
	pulse_sign(x, slot, &p);
	give(x, slot, &p);
}

/*
 * An owner by its own promise, and by the grants of two members that run for long. One of them has
 * said that it is owner too.
 */
static struct hokm_grants owner_of_three(struct fix *x)
{
	struct hokm_grants g = grants_claimant(2);
	uint64_t end = fix_now() + LENGTH_NS;

	g.since_epoch = SINCE;
	hokm_grants_note(&g, 0, EPOCH, end);
	hokm_grants_note(&g, 1, EPOCH, end);
	grants_put(x, &g);
	says_lease(x, 1, SECOND_NS);
	return g;
}

static bool owns(struct fix *x)
{
	uint64_t gate = NODE(x, drop_arp_gate);
	struct frame f;

	frame_arp(&f, &PLAIN, 1, CLIENT_ADDR, VIP_ADDR);
	fix_ingress(x, &f);
	return NODE(x, drop_arp_gate) == gate;
}

/* The answer of a member: who has its promise, and the greatest epoch that it has seen. */
struct word {
	uint32_t holder; /* host order */
	uint64_t epoch;
	bool left;
};

static struct hokm_pulse answer_of(struct fix *x, unsigned int slot, uint64_t sent_ns,
				   const struct word *w)
{
	struct hokm_pulse p = granted_by(x, slot, sent_ns, EPOCH, LENGTH_NS);

	p.grant.verdict = w->epoch > EPOCH ? HOKM_VERDICT_OLD : HOKM_VERDICT_HELD;
	p.grant.holder = htonl(w->holder);
	p.grant.epoch = htobe64(w->epoch);
	if (!w->left)
		p.grant.left_us = 0;
	pulse_sign(x, slot, &p);
	return p;
}

static const struct word HELD = {PEER1_ADDR, EPOCH + 1, true};

/* The probe of a peer that owns by a wish that began with this epoch. */
static struct hokm_pulse owner_probe(struct fix *x, unsigned int slot, uint64_t since_epoch)
{
	static uint64_t sent_ns = 1;
	struct hokm_pulse p = wish_of(
		x, slot, ++sent_ns, HOKM_WISH_OWN, since_epoch + 7, LENGTH_NS);

	p.state = HOKM_VRRP_MASTER;
	p.lease_left_ns = htobe64(LENGTH_NS);
	p.grant.wish_epoch = htobe64(since_epoch);
	pulse_sign(x, slot, &p);
	return p;
}

static void expect_ended(struct fix *x, uint32_t owner)
{
	const struct hokm_grants g = grants_get(x);

	assert_false(owns(x));
	assert_true(hokm_grants_is_void(&g));
	assert_true(hokm_grants_stood(&g));
	assert_true(g.stood.seen_ns != 0);
	assert_int_equal(g.stood.owner, htonl(owner));
	assert_int_equal(NODE(x, clock_stood), 1);
}

static void expect_owner_still(struct fix *x)
{
	const struct hokm_grants g = grants_get(x);

	assert_true(owns(x));
	assert_false(hokm_grants_is_void(&g));
	assert_int_equal(NODE(x, clock_stood), 0);
}

/* ---- the answer of a member ---- */

static void word_of_one_member_ends_all_that_counts(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;

	(void)owner_of_three(x);
	assert_true(owns(x));
	p = answer_of(x, 0, fix_now(), &HELD);
	give(x, 0, &p);
	expect_ended(x, PEER1_ADDR);
	/* The grant of the other one ran for long: it counts as little. */
	assert_true(hokm_grant_end_ns(grants_get(x).member[1].end, EPOCH) > fix_now());
}

/* Each row is what a member says, and whether it is a proof. */
static const struct {
	const char *name;
	struct word says;
	bool proof;
} words[] = {
	{"another one's, of a greater epoch", {PEER1_ADDR, EPOCH + 1, true}, true},
	{"its own", {PEER0_ADDR, EPOCH + 1, true}, true},
	{"another one's, of the same epoch", {PEER1_ADDR, EPOCH, true}, true},
	{"nobody's, of a greater epoch", {0, EPOCH + 1, false}, true},
	{"nobody's", {0, EPOCH, false}, false},
	{"ours, and a claim of a greater epoch was refused", {OWN_ADDR, EPOCH + 1, true}, false},
	{"that of a node that was removed", {0, EPOCH, true}, false},
	{"that of a node that was removed, of a greater epoch", {0, EPOCH + 1, true}, true},
};

static void only_a_promise_that_is_over_is_a_proof(void **state)
{
	struct fix *x = *state;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct hokm_pulse p;
		struct hokm_grants g;

		(void)owner_of_three(x);
		p = answer_of(x, 0, fix_now(), &words[i].says);
		give(x, 0, &p);
		g = grants_get(x);
		if (hokm_grants_stood(&g) != words[i].proof || owns(x) == words[i].proof)
			fail_msg("%s: wrong", words[i].name);
	}
}

/* It may be older than the promise. */
static void question_from_before_the_grant_proves_nothing(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = owner_of_three(x);
	uint64_t asked = fix_now();
	struct hokm_pulse p;

	g.stood.granted_ns[0] = asked;
	grants_put(x, &g);
	p = answer_of(x, 0, asked, &HELD);
	give(x, 0, &p);
	expect_owner_still(x);
	p = answer_of(x, 0, fix_now(), &HELD);
	give(x, 0, &p);
	expect_ended(x, PEER1_ADDR);
}

/* The moment at which an answer that grants has come is noted by each such answer. */
static void each_grant_is_newer_than_what_was_asked_before(void **state)
{
	struct fix *x = *state;
	uint64_t first = fix_now(), second;
	struct hokm_pulse p;

	(void)owner_of_three(x);
	second = fix_now();
	p = granted_by(x, 0, first, EPOCH, LENGTH_NS);
	give(x, 0, &p);
	assert_in_range(grants_get(x).stood.granted_ns[0], second, fix_now());
	p = answer_of(x, 0, second, &HELD);
	give(x, 0, &p);
	expect_owner_still(x);
}

/* The member promised until an end that is over here too: so it may promise another one. */
static void member_that_does_not_count_proves_nothing(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = owner_of_three(x);
	struct hokm_pulse p;

	g.member[0].end = hokm_grant_end_word(EPOCH, fix_now());
	grants_put(x, &g);
	p = answer_of(x, 0, fix_now(), &HELD);
	give(x, 0, &p);
	expect_owner_still(x);
}

static void where_grants_do_not_count_nothing_ends(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = owner_of_three(x);
	struct hokm_pulse p;

	g.count.majority = 0;
	grants_put(x, &g);
	p = answer_of(x, 0, fix_now(), &HELD);
	give(x, 0, &p);
	p = owner_probe(x, 1, SINCE + 1);
	give(x, 1, &p);
	expect_owner_still(x);
}

static void forged_word_ends_nothing(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;

	(void)owner_of_three(x);
	p = answer_of(x, 0, fix_now(), &HELD);
	p.grant.epoch = htobe64(EPOCH + 2);
	give(x, 0, &p);
	p = owner_probe(x, 1, SINCE + 1);
	p.grant.wish_epoch = htobe64(SINCE + 2);
	give(x, 1, &p);
	expect_owner_still(x);
}

/* ---- the probe of another owner ---- */

static void owner_that_asked_later_ends_it(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p, out;

	(void)owner_of_three(x);
	p = owner_probe(x, 1, SINCE + 1);
	give(x, 1, &p);
	/* The answer to that probe shows it already. */
	out = pulse_out(x);
	assert_int_equal(out.lease_left_ns, 0);
	expect_ended(x, PEER1_ADDR);
}

/* The epoch of a wish grows while its node owns; it began before the other one all the same. */
static void epoch_that_has_grown_hides_nothing(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = owner_of_three(x);
	struct hokm_pulse p;

	hokm_grants_raise(&g, SINCE + 9);
	grants_put(x, &g);
	assert_true(owns(x));
	p = owner_probe(x, 1, SINCE + 1);
	give(x, 1, &p);
	expect_ended(x, PEER1_ADDR);
	/* Nor does one that grows later. */
	g = grants_get(x);
	hokm_grants_raise(&g, SINCE + 20);
	grants_put(x, &g);
	assert_false(owns(x));
}

static void other_probes_end_nothing(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;

	(void)owner_of_three(x);
	p = owner_probe(x, 1, SINCE);
	give(x, 1, &p);
	p = owner_probe(x, 1, SINCE - 1);
	give(x, 1, &p);
	/* An earlier version, a claimant, or an owner by the gateway. */
	p = owner_probe(x, 1, 0);
	give(x, 1, &p);
	p = owner_probe(x, 1, SINCE + 1);
	p.lease_left_ns = 0;
	pulse_sign(x, 1, &p);
	give(x, 1, &p);
	p = owner_probe(x, 1, SINCE + 1);
	p.grant.wish = HOKM_WISH_RELEASE;
	pulse_sign(x, 1, &p);
	give(x, 1, &p);
	expect_owner_still(x);
}

/* The gateway promises nothing: two nodes may own after a cut, and the lesser one gives way. */
static void owner_by_the_gateway_is_not_ended(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = owner_of_three(x);
	struct hokm_pulse p;

	g.gateway.used_ns = LENGTH_NS;
	grants_put(x, &g);
	p = owner_probe(x, 1, SINCE + 1);
	give(x, 1, &p);
	expect_owner_still(x);
}

/*
 * All have booted since it was recorded, so its epoch is greater than any of now. Its nonce is
 * another one, as after each start of a daemon.
 */
static void recorded_probe_of_an_earlier_daemon_ends_nothing(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;

	(void)owner_of_three(x);
	says_lease(x, 1, 0);
	p = pulse_probe_of(x, 1, 2, 1000);
	give(x, 1, &p);
	p = owner_probe(x, 1, SINCE + 40);
	p.nonce = htobe64(99);
	pulse_sign(x, 1, &p);
	give(x, 1, &p);
	assert_int_equal(pulse_out(x).kind, HOKM_PULSE_ANSWER);
	expect_owner_still(x);
	/* Nor does a present one, until this node's own question is answered. */
	p = owner_probe(x, 1, SINCE + 1);
	p.nonce = htobe64(2);
	p.sent_ns = htobe64(2000);
	pulse_sign(x, 1, &p);
	give(x, 1, &p);
	expect_owner_still(x);
	says_lease(x, 1, SECOND_NS);
	p.sent_ns = htobe64(3000);
	pulse_sign(x, 1, &p);
	give(x, 1, &p);
	expect_ended(x, PEER1_ADDR);
}

/* As in an upgrade: the probe is believed, also on a node that does not linger. */
static void probe_alone_is_a_proof_while_no_daemon_asks(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;

	(void)owner_of_three(x);
	says_lease(x, 1, 0);
	x->cfg.pulse_nonce = 0;
	fix_cfg(x);
	p = owner_probe(x, 1, SINCE + 1);
	give(x, 1, &p);
	expect_ended(x, PEER1_ADDR);
}

/* ---- afterwards ---- */

/* Answers that were on their way, to questions of the wish that has ended. */
static void wish_that_has_ended_counts_never_again(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g;
	struct hokm_pulse p;

	(void)owner_of_three(x);
	p = owner_probe(x, 1, SINCE + 1);
	give(x, 1, &p);
	for (unsigned int slot = 0; slot < 2; slot++) {
		p = granted_by(x, slot, fix_now(), EPOCH, LENGTH_NS);
		give(x, slot, &p);
	}
	expect_ended(x, PEER1_ADDR);
	g = grants_get(x);
	hokm_grants_set_members(&g, 1, 3);
	hokm_grants_drop(&g, 1);
	grants_put(x, &g);
	assert_false(owns(x));
	/* Another one, that is not older than the proof. */
	hokm_grants_set_wish(&g, HOKM_WISH_OWN, SINCE + 1);
	grants_put(x, &g);
	p = granted_by(x, 0, fix_now(), SINCE + 1, LENGTH_NS);
	give(x, 0, &p);
	assert_true(owns(x));
}

/* Its grants have ended by its own clock: that is no fault, but the wish has no future. */
static void owner_that_was_held_up_is_not_reported(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = owner_of_three(x);
	struct hokm_pulse p;

	g.end = hokm_grant_end_word(EPOCH, fix_now());
	g.member[0].end = g.member[1].end = g.end;
	grants_put(x, &g);
	p = owner_probe(x, 1, SINCE + 1);
	give(x, 1, &p);
	p = granted_by(x, 0, fix_now(), EPOCH, LENGTH_NS);
	give(x, 0, &p);
	assert_false(owns(x));
	g = grants_get(x);
	assert_false(hokm_grants_stood(&g));
	assert_int_equal(g.stood.seen_ns, 0);
	assert_int_equal(NODE(x, clock_stood), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(word_of_one_member_ends_all_that_counts),
		HOKM_TEST(only_a_promise_that_is_over_is_a_proof),
		HOKM_TEST(question_from_before_the_grant_proves_nothing),
		HOKM_TEST(each_grant_is_newer_than_what_was_asked_before),
		HOKM_TEST(member_that_does_not_count_proves_nothing),
		HOKM_TEST(where_grants_do_not_count_nothing_ends),
		HOKM_TEST(forged_word_ends_nothing),
		HOKM_TEST(owner_that_asked_later_ends_it),
		HOKM_TEST(epoch_that_has_grown_hides_nothing),
		HOKM_TEST(other_probes_end_nothing),
		HOKM_TEST(owner_by_the_gateway_is_not_ended),
		HOKM_TEST(recorded_probe_of_an_earlier_daemon_ends_nothing),
		HOKM_TEST(probe_alone_is_a_proof_while_no_daemon_asks),
		HOKM_TEST(wish_that_has_ended_counts_never_again),
		HOKM_TEST(owner_that_was_held_up_is_not_reported),
	};

	return cmocka_run_group_tests_name("clock stood", tests, fix_open, fix_close);
}
