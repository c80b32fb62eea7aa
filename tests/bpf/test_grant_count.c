/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * This node as the asker: how it counts the answers of the members, and that each gate asks the
 * grants beside the lease.
 */
#include "grant_spec.h"

#define XDP_VERDICT_DROP 1

#define NODE(x, c) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)

/* What the asker may use of a grant, in the resolution of map grants. */
#define USED_NS   (LENGTH_NS - LENGTH_NS / HOKM_GRANT_DRIFT)
#define ROUND(ns) ((ns) / 1000 * 1000)

static const struct eth_spec PLAIN;

static void take_in(struct fix *x, unsigned int slot, const struct hokm_pulse *p)
{
	uint64_t drops = fix_count_drops(x), answers = NODE(x, pulse_answers);
	struct frame f;

	pulse_frame_of(&f, slot, p);
	fix_ingress(x, &f);
	assert_int_equal(x->verdict, XDP_VERDICT_DROP);
	assert_int_equal(fix_count_drops(x), drops);
	assert_int_equal(NODE(x, pulse_answers), answers + 1);
}

/* The member of the slot grants the wish of this epoch; when its probe was sent. */
static uint64_t grant(struct fix *x, unsigned int slot, uint64_t epoch)
{
	uint64_t sent_ns = fix_now();
	struct hokm_pulse p = granted_by(x, slot, sent_ns, epoch, LENGTH_NS);

	take_in(x, slot, &p);
	return sent_ns;
}

static uint64_t end_ns(struct fix *x)
{
	const struct hokm_grants g = grants_get(x);

	return hokm_grants_end_ns(&g);
}

/* ---- counting ---- */

static void two_of_three_are_a_majority(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2);
	uint64_t sent_ns;

	grants_put(x, &g);
	assert_int_equal(end_ns(x), 0);
	sent_ns = grant(x, 0, EPOCH);
	assert_int_equal(end_ns(x), ROUND(sent_ns + USED_NS));
	/* The end of a majority of two is now that of the younger grant. */
	sent_ns = grant(x, 1, EPOCH);
	assert_int_equal(end_ns(x), ROUND(sent_ns + USED_NS));
}

static void two_of_five_are_none(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(3);
	uint64_t sent_ns;

	grants_put(x, &g);
	sent_ns = grant(x, 0, EPOCH);
	assert_int_equal(end_ns(x), 0);
	(void)grant(x, 1, EPOCH);
	assert_int_equal(end_ns(x), ROUND(sent_ns + USED_NS));
}

static void node_without_its_own_promise_needs_others(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2);
	uint64_t sent_ns;

	g.own.word = 0;
	grants_put(x, &g);
	sent_ns = grant(x, 0, EPOCH);
	assert_int_equal(end_ns(x), 0);
	(void)grant(x, 1, EPOCH);
	assert_int_equal(end_ns(x), ROUND(sent_ns + USED_NS));
}

static void answer_to_a_former_wish_does_not_count(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2);

	grants_put(x, &g);
	(void)grant(x, 0, EPOCH - 1);
	(void)grant(x, 1, EPOCH + 1);
	assert_int_equal(end_ns(x), 0);
	assert_int_equal(grants_get(x).member[0].end, 0);
	assert_int_equal(grants_get(x).member[1].end, 0);
	assert_int_equal(grants_get(x).member[1].seen_epoch, EPOCH + 1);
}

static void answer_after_the_release_does_not_count(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2);

	hokm_grants_set_wish(&g, HOKM_WISH_RELEASE, EPOCH);
	grants_put(x, &g);
	(void)grant(x, 0, EPOCH);
	assert_int_equal(end_ns(x), 0);
	assert_int_equal(grants_get(x).member[0].end, 0);
}

/* Only a verdict of "granted" to the wish to own counts. */
static void other_verdicts_do_not_count(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2);

	for (unsigned int v = 0; v < 256; v++) {
		struct hokm_pulse p = granted_by(x, 0, fix_now(), EPOCH, LENGTH_NS);

		if (v == HOKM_VERDICT_GRANTED)
			p.grant.wish = HOKM_WISH_RELEASE;
		p.grant.verdict = (uint8_t)v;
		pulse_sign(x, 0, &p);
		grants_put(x, &g);
		take_in(x, 0, &p);
		assert_int_equal(end_ns(x), 0);
		assert_int_equal(grants_get(x).member[0].verdict, v);
		assert_int_equal(grants_get(x).member[0].longest_ns,
				 v == HOKM_VERDICT_GRANTED ? 0 : LENGTH_NS);
	}
}

static void other_owner_is_noted(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2), after;
	uint64_t before = fix_now();
	struct hokm_pulse p = granted_by(x, 0, before, EPOCH, LENGTH_NS);

	grants_put(x, &g);
	p.grant.verdict = HOKM_VERDICT_HELD;
	p.grant.holder = htonl(PEER1_ADDR);
	p.grant.epoch = htobe64(99);
	pulse_sign(x, 0, &p);
	take_in(x, 0, &p);
	after = grants_get(x);
	assert_int_equal(after.member[0].holder, htonl(PEER1_ADDR));
	assert_in_range(after.member[0].held_until_ns, before + LENGTH_NS, fix_now() + LENGTH_NS);
	assert_in_range(after.member[0].answered_ns, before, fix_now());
	assert_int_equal(after.member[0].seen_epoch, 99);
	/* Its grant to this node itself is that of nobody else. */
	(void)grant(x, 0, EPOCH);
	after = grants_get(x);
	assert_int_equal(after.member[0].holder, 0);
	assert_int_equal(after.member[0].held_until_ns, 0);
}

/* A shorter grant of the same wish ends nothing: the member keeps the longer one. */
static void end_does_not_shrink_within_a_wish(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2);
	struct hokm_pulse p;
	uint64_t sent_ns;

	grants_put(x, &g);
	sent_ns = grant(x, 0, EPOCH);
	p = granted_by(x, 0, fix_now(), EPOCH, LIMIT_NS);
	take_in(x, 0, &p);
	assert_int_equal(end_ns(x), ROUND(sent_ns + USED_NS));
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

static void forged_answers_change_nothing(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2);
	struct hokm_pulse good = granted_by(x, 0, fix_now(), EPOCH, LENGTH_NS), p = good;

	grants_put(x, &g);
	p.grant.length_us = htobe32(4000000000u);
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_tag);
	p = good;
	p.grant.verdict = HOKM_VERDICT_HELD;
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_tag);
	expect_refused(x, 1, &good, HOKM_CTR_drop_pulse_tag); /* another member's answer */
	p = good;
	p.nonce = htobe64(TEST_NONCE + 1);
	pulse_sign(x, 0, &p);
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_nonce); /* to another session */
	p = granted_by(x, 0, fix_now() - 3 * LIMIT_NS, EPOCH, LENGTH_NS);
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_late);
	assert_int_equal(end_ns(x), 0);
	p = granted_by(x, 0, fix_now(), EPOCH, LENGTH_NS);
	take_in(x, 0, &p);
	fix_reset_peers(x);
	p = granted_by(x, 0, fix_now(), EPOCH, LENGTH_NS);
	take_in(x, 0, &p);
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_replay);
}

/* ---- the gates ---- */

/* Whether this node answers for the VIP, takes a SYN, and may claim the VIP: all the same. */
static void expect_gates(struct fix *x, bool open)
{
	uint64_t gate = NODE(x, drop_arp_gate), claim = NODE(x, drop_arp_claim);
	uint64_t local = fix_count(x, 0, HOKM_CTR_syn_local);
	static uint16_t port = CLIENT_PORT; /* of a new connection each time */
	struct frame f;

	frame_arp(&f, &PLAIN, 1, CLIENT_ADDR, VIP_ADDR);
	fix_ingress(x, &f);
	assert_int_equal(NODE(x, drop_arp_gate), gate + !open);
	frame_arp(&f, &(struct eth_spec){.from = OWN_MAC}, 2, VIP_ADDR, CLIENT_ADDR);
	fix_egress(x, &f);
	assert_int_equal(NODE(x, drop_arp_claim), claim + !open);
	fix_in(x, SEG(.flags = SYN, .seq = 1000, .sport = ++port));
	assert_int_equal(fix_count(x, 0, HOKM_CTR_syn_local), local + open);
}

/* What the answer to a peer's probe says of this node. */
static bool says_owner(struct fix *x, uint64_t sent_ns)
{
	struct hokm_pulse p = pulse_probe_of(x, 0, 3, sent_ns);
	struct frame f;

	pulse_frame_of(&f, 0, &p);
	fix_ingress(x, &f);
	p = pulse_out(x);
	return p.lease_left_ns != 0;
}

static void expect_owner(struct fix *x, const struct hokm_grants *g, bool owner)
{
	static uint64_t sent_ns;

	grants_put(x, g);
	expect_gates(x, owner);
	assert_int_equal(says_owner(x, ++sent_ns), owner);
}

/* Lease and grants are both needed. */
static void gates_ask_lease_and_grants(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2), none = {0};
	uint64_t now = fix_now();

	g.end = hokm_grant_end_word(EPOCH, now + LONG_NS);
	expect_owner(x, &g, true);
	fix_owner(x, false);
	expect_owner(x, &g, false);
	expect_owner(x, &none, false);
	fix_owner(x, true);
	expect_owner(x, &none, true);
	g.end = hokm_grant_end_word(EPOCH, now);
	expect_owner(x, &g, false);
	g.count.majority = 0;
	expect_owner(x, &g, true);
}

static void gates_shut_for_another_wish(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2), other;

	g.end = hokm_grant_end_word(EPOCH, fix_now() + LONG_NS);
	expect_owner(x, &g, true);
	other = g;
	other.wish_epoch = EPOCH + 1;
	expect_owner(x, &other, false);
	other = g;
	other.wish = HOKM_WISH_RELEASE;
	expect_owner(x, &other, false);
	other = g;
	hokm_grants_set_wish(&other, HOKM_WISH_RELEASE, EPOCH);
	expect_owner(x, &other, false);
	/* A claim begins without a grant, an epoch that only grows keeps what it has. */
	other = g;
	hokm_grants_set_wish(&other, HOKM_WISH_OWN, EPOCH + 1);
	expect_owner(x, &other, false);
	other = g;
	hokm_grants_raise(&other, EPOCH + 1);
	expect_owner(x, &other, true);
}

/* Nothing is written: the grants end by themselves, as if the daemon was stopped. */
static void gate_shuts_when_the_grants_end(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2);
	uint64_t answered, end;
	struct frame f;

	frame_arp(&f, &PLAIN, 1, CLIENT_ADDR, VIP_ADDR);
	end = fix_now() + LIMIT_NS;
	g.end = hokm_grant_end_word(EPOCH, end);
	grants_put(x, &g);
	while (fix_now() < end)
		fix_ingress(x, &f);
	answered = NODE(x, arp_answered);
	expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_arp_gate);
	assert_int_equal(NODE(x, arp_answered), answered);
}

/* The lease of VRRP would still run for long: the SYN goes to the next owner, or to who can. */
static void syn_after_the_grants_goes_to_a_peer(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2);
	struct hokm_peer owner = fix_alive_peer(1);
	uint64_t long_ago;

	g.end = hokm_grant_end_word(EPOCH, fix_now());
	grants_put(x, &g);
	expect_in_steer(x, SEG(.flags = SYN, .seq = 1000), PEER0_MAC);
	owner.lease_until_ns = fix_now() + LONG_NS;
	fix_peer_set(x, 1, &owner);
	expect_in_steer(x, SEG(.flags = SYN, .seq = 2000, .sport = CLIENT_PORT + 1), PEER1_MAC);
	/* Long after the grants nobody knows who can serve. A machine just booted had none. */
	fix_reset_peers(x);
	long_ago = fix_now() > 61 * SECOND_NS ? fix_now() - 61 * SECOND_NS : 0;
	g.end = hokm_grant_end_word(EPOCH, long_ago);
	grants_put(x, &g);
	fix_in(x, SEG(.flags = SYN, .seq = 3000, .sport = CLIENT_PORT + 2));
	assert_int_equal(fix_count(x, 0, HOKM_CTR_drop_syn_fenced), 1);
}

/* A connection that is known is served, owner or not. */
static void known_connections_do_not_ask_the_grants(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_claimant(2);
	struct hokm_conn c = conn_known(HOKM_LOCAL);

	grants_put(x, &g);
	fix_conn_put(x, &c);
	expect_in_pass(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .payload = 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(two_of_three_are_a_majority),
		HOKM_TEST(two_of_five_are_none),
		HOKM_TEST(node_without_its_own_promise_needs_others),
		HOKM_TEST(answer_to_a_former_wish_does_not_count),
		HOKM_TEST(answer_after_the_release_does_not_count),
		HOKM_TEST(other_verdicts_do_not_count),
		HOKM_TEST(other_owner_is_noted),
		HOKM_TEST(end_does_not_shrink_within_a_wish),
		HOKM_TEST(forged_answers_change_nothing),
		HOKM_TEST(gates_ask_lease_and_grants),
		HOKM_TEST(gates_shut_for_another_wish),
		HOKM_TEST(gate_shuts_when_the_grants_end),
		HOKM_TEST(syn_after_the_grants_goes_to_a_peer),
		HOKM_TEST(known_connections_do_not_ask_the_grants),
	};

	return cmocka_run_group_tests_name("grant count", tests, fix_open, fix_close);
}
