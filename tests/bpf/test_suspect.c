/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A suspect service (architecture rule 4): new connections go to an UP peer while one of its two
 * times lies ahead, and existing connections stay. Also the choice of the target when peers are
 * suspect too.
 */
#include "pulse_spec.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define SYN1 SEG(.flags = SYN, .seq = 1000)

static void peer_says(struct fix *x, unsigned int slot, enum hokm_svc_state state, bool suspect)
{
	struct hokm_peer p = fix_alive_peer(slot);

	p.svc[0].state = (uint8_t)state;
	p.svc[0].flags = suspect ? HOKM_PULSE_SVC_SUSPECT : 0;
	fix_peer_set(x, slot, &p);
}

static void hold(struct fix *x)
{
	fix_held(x, 0, 0, fix_now() + LONG_NS);
}

static void either_time_sends_new_ones_away(void **state)
{
	struct fix *x = *state;

	for (unsigned int i = 0; i < 4; i++) {
		uint64_t ahead = fix_now() + LONG_NS, past = fix_now() - 1;

		fix_reset(state);
		fix_held(x, 0, i & 1 ? ahead : past, i & 2 ? ahead : past);
		if (i)
			expect_in_steer(x, SYN1, PEER0_MAC);
		else
			expect_in_pass(x, SYN1);
		assert_int_equal(COUNT(x, steered_syn), !!i);
		assert_int_equal(COUNT(x, syn_local), !i);
		assert_int_equal(fix_events(x, HOKM_EV_STEERED, NULL), !!i);
	}
}

/* A repeated SYN without an answer goes to the peer; one that was answered stays here. */
static void repeated_syn_moves_unless_it_was_answered(void **state)
{
	struct fix *x = *state;

	expect_in_pass(x, SYN1);
	hold(x);
	expect_in_steer(x, SYN1, PEER0_MAC);
	fix_reset(state);
	expect_in_pass(x, SYN1);
	fix_out(x, SEG(.flags = SYN | ACK, .seq = 5000, .ack = 1001));
	hold(x);
	expect_in_pass(x, SYN1);
	expect_in_pass(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001));
	expect_in_pass(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .payload = 5));
	assert_int_equal(COUNT(x, established), 1);
}

static void other_services_are_not_suspect(void **state)
{
	struct fix *x = *state;

	fix_held(x, 1, fix_now() + LONG_NS, fix_now() + LONG_NS);
	expect_in_pass(x, SYN1);
}

/* No peer is better, so it stays here. */
static void without_a_better_peer_they_stay(void **state)
{
	struct fix *x = *state;

	hold(x);
	peer_says(x, 0, HOKM_SVC_DOWN, false);
	peer_says(x, 1, HOKM_SVC_DRAIN, false);
	expect_in_pass(x, SYN1);
	fix_peer_dead(x, 0);
	fix_peer_dead(x, 1);
	expect_in_pass(x, SYN1);
	assert_int_equal(COUNT(x, syn_local), 2);
}

static void both_suspect_stays_local(void **state)
{
	struct fix *x = *state;

	hold(x);
	peer_says(x, 0, HOKM_SVC_UP, true);
	peer_says(x, 1, HOKM_SVC_UP, true);
	expect_in_pass(x, SYN1);
}

static void suspect_peer_is_passed_over(void **state)
{
	struct fix *x = *state;

	hold(x);
	peer_says(x, 0, HOKM_SVC_UP, true);
	expect_in_steer(x, SYN1, PEER1_MAC);
	fix_reset(state);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	peer_says(x, 0, HOKM_SVC_UP, true);
	expect_in_steer(x, SYN1, PEER1_MAC);
}

/* The local service is not suspect, so the state of the peers does not matter. */
static void suspect_peer_gets_nothing_from_a_good_node(void **state)
{
	struct fix *x = *state;

	peer_says(x, 0, HOKM_SVC_UP, true);
	peer_says(x, 1, HOKM_SVC_UP, true);
	expect_in_pass(x, SYN1);
}

/* A service that is down is worse than a suspect one; the first suspect peer is chosen. */
static void suspect_peer_is_better_than_down(void **state)
{
	static const enum hokm_svc_state not_up[] = {
		HOKM_SVC_INIT, HOKM_SVC_DOWN, HOKM_SVC_DRAIN, HOKM_SVC_MAINT};
	struct fix *x = *state;

	for (unsigned int i = 0; i < sizeof(not_up) / sizeof(not_up[0]); i++) {
		fix_reset(state);
		fix_service(x, 0, SERVICE_TAG, not_up[i]);
		peer_says(x, 0, HOKM_SVC_UP, true);
		peer_says(x, 1, HOKM_SVC_UP, true);
		expect_in_steer(x, SYN1, PEER0_MAC);
		expect_in_steer(x, SYN1, PEER0_MAC); /* and repeated */
		peer_says(x, 0, HOKM_SVC_DOWN, true);
		expect_in_steer(x, SEG(.flags = SYN, .seq = 99), PEER1_MAC);
	}
}

/* A SYN that was steered to a peer stays with it only while the peer is not suspect. */
static void repeated_syn_leaves_a_peer_that_turns_suspect(void **state)
{
	struct fix *x = *state;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SYN1, PEER0_MAC);
	peer_says(x, 0, HOKM_SVC_UP, true);
	expect_in_steer(x, SYN1, PEER1_MAC);
}

/* ---- suspect in pulses ---- */

static void answers_contain_suspect(void **state)
{
	struct fix *x = *state;

	for (unsigned int i = 0; i < 4; i++) {
		uint64_t ahead = fix_now() + LONG_NS;
		struct hokm_pulse p, out;
		struct frame f;

		fix_reset(state);
		p = pulse_probe_of(x, 0, 9, i + 1);
		fix_held(x, 0, i & 1 ? ahead : 0, i & 2 ? ahead : 0);
		fix_held(x, 1, ahead, ahead); /* no service has this slot */
		pulse_frame_of(&f, 0, &p);
		fix_ingress(x, &f);
		assert_int_equal(x->verdict, 3); /* XDP_TX */
		out = pulse_out(x);
		assert_int_equal(out.svc[0].flags, i ? HOKM_PULSE_SVC_SUSPECT : 0);
		assert_int_equal(out.svc[0].state, HOKM_SVC_UP);
		assert_int_equal(out.svc[1].flags, 0);
		assert_int_equal(be64toh(out.tag), pulse_own_tag(x, 0, &out));
	}
}

static void suspect_in_answers_is_stored(void **state)
{
	struct fix *x = *state;

	for (unsigned int i = 0; i < 2; i++) {
		struct hokm_pulse p = pulse_answer_of(x, 0, fix_now() - 1000);
		struct frame f;

		p.svc[2].tag = 0;
		p.svc[3].tag = htonl(SERVICE_TAG);
		p.svc[3].state = HOKM_SVC_UP;
		p.svc[3].flags = i ? 0 : HOKM_PULSE_SVC_SUSPECT;
		pulse_sign(x, 0, &p);
		pulse_frame_of(&f, 0, &p);
		fix_ingress(x, &f);
		assert_int_equal(fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_pulse_answers), i + 1);
		assert_int_equal(fix_peer(x, 0).svc[3].flags, p.svc[3].flags);
		assert_int_equal(fix_peer(x, 0).svc[3].state, HOKM_SVC_UP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(either_time_sends_new_ones_away),
		HOKM_TEST(repeated_syn_moves_unless_it_was_answered),
		HOKM_TEST(other_services_are_not_suspect),
		HOKM_TEST(without_a_better_peer_they_stay),
		HOKM_TEST(both_suspect_stays_local),
		HOKM_TEST(suspect_peer_is_passed_over),
		HOKM_TEST(suspect_peer_gets_nothing_from_a_good_node),
		HOKM_TEST(suspect_peer_is_better_than_down),
		HOKM_TEST(repeated_syn_leaves_a_peer_that_turns_suspect),
		HOKM_TEST(answers_contain_suspect),
		HOKM_TEST(suspect_in_answers_is_stored),
	};

	return cmocka_run_group_tests_name("suspect", tests, fix_open, fix_close);
}
