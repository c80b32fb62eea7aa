/* SPDX-License-Identifier: GPL-2.0-only */
/* When the gateway lets a node own that hears no peer: user/decide/arbiter.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "decide/arbiter.h"

#define MS    1000000ULL
#define S     (1000 * MS)
#define BEGAN (500 * S)
#define LIMIT (100 * MS)
#define TICK  (10 * MS)
#define MAC   0x665544332211ULL
#define OTHER 0x0a0908070605ULL

struct rig {
	struct gateway g;
	struct hokm_gateway seen;
	struct gateway_input in;
	struct gateway_output out;
	uint64_t now_ns;
	unsigned int asked;
	bool answers; /* each question, after a tick */
};

static void rig(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->now_ns = BEGAN;
	r->seen.mac = MAC;
	r->in = (struct gateway_input){.on = true, .limit_ns = LIMIT, .seen = &r->seen};
}

/* What the daemon and the packet path do in this time. */
static void run(struct rig *r, uint64_t ns)
{
	for (uint64_t end_ns = r->now_ns + ns; r->now_ns < end_ns; r->now_ns += TICK) {
		gateway_step(&r->g, &r->in, r->now_ns, &r->out);
		r->asked += r->out.ask;
		if (r->out.learn)
			r->seen.mac = r->out.learn;
		if (r->out.ask && r->answers)
			r->seen.answered_ns = r->now_ns + TICK / 2;
	}
}

static void expect(const struct rig *r, enum gateway_phase phase, bool undecided, bool bars)
{
	if (r->g.phase != phase || r->out.undecided != undecided || r->out.bars != bars)
		fail_msg("phase %s, undecided %d, bars %d", gateway_phase_name(r->g.phase),
			 r->out.undecided, r->out.bars);
}

static void another_arbiter_changes_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.on = false;
	run(&r, 10 * LIMIT);
	expect(&r, GATEWAY_OFF, false, false);
	assert_int_equal(r.asked, 0);
}

/* Its death alone moves nothing, and it is asked slowly. */
static void while_a_peer_is_heard_the_gateway_decides_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.peer_heard = true;
	run(&r, 60 * S);
	expect(&r, GATEWAY_PEER, false, false);
	assert_int_equal(r.asked, 6);
	r.in.owns = true;
	run(&r, TICK);
	expect(&r, GATEWAY_PEER, false, false);
}

static void alone_with_the_gateway_a_node_may_own(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.peer_heard = r.answers = true;
	run(&r, S);
	r.in.peer_heard = false;
	run(&r, TICK);
	/* An answer from before the silence proves nothing. */
	expect(&r, GATEWAY_ASKING, true, false);
	run(&r, TICK);
	expect(&r, GATEWAY_ANSWERS, false, false);
	r.asked = 0;
	run(&r, 10 * LIMIT);
	expect(&r, GATEWAY_ANSWERS, false, false);
	/* The rate is bounded. */
	assert_in_range(r.asked, 40, 10 * GATEWAY_TRIES);
}

static void cut_from_all_no_node_becomes_owner_and_an_owner_ends(void **state)
{
	struct rig r;

	(void)state;
	for (int owns = 0; owns < 2; owns++) {
		rig(&r);
		r.in.owns = owns;
		r.in.peer_heard = r.answers = true;
		run(&r, S);
		r.in.peer_heard = r.answers = false;
		run(&r, LIMIT);
		expect(&r, GATEWAY_ASKING, true, false);
		run(&r, TICK);
		expect(&r, GATEWAY_SILENT, true, true);
		/* Either of them heals it. */
		r.answers = true;
		run(&r, LIMIT);
		expect(&r, GATEWAY_ANSWERS, false, false);
		r.answers = false;
		run(&r, 2 * LIMIT);
		expect(&r, GATEWAY_SILENT, true, true);
		r.in.peer_heard = true;
		run(&r, TICK);
		expect(&r, GATEWAY_PEER, false, false);
	}
}

static void with_keep_an_owner_stays_owner_and_nobody_else_becomes_one(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.keep = r.in.owns = true;
	run(&r, 3 * LIMIT);
	expect(&r, GATEWAY_SILENT, true, false);
	r.in.owns = false;
	run(&r, TICK);
	expect(&r, GATEWAY_SILENT, true, true);
}

/* A daemon that got no processor has asked nothing, so no answer could come. */
static void a_pause_of_the_daemon_is_no_silence_of_the_gateway(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.owns = r.answers = true;
	run(&r, S);
	expect(&r, GATEWAY_ANSWERS, false, false);
	r.now_ns += 5 * S;
	run(&r, TICK);
	expect(&r, GATEWAY_ASKING, true, false);
	run(&r, TICK);
	expect(&r, GATEWAY_ANSWERS, false, false);
	/* What was silent before the pause is silent after it. */
	r.answers = false;
	run(&r, 2 * LIMIT);
	r.now_ns += 5 * S;
	run(&r, TICK);
	expect(&r, GATEWAY_SILENT, true, true);
}

/* It last asked before the pause, and was answered: only what it asks after it can be silence. */
static void a_pause_below_the_limit_is_no_silence_of_the_gateway(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.owns = r.answers = true;
	run(&r, S);
	r.answers = false;
	r.now_ns += LIMIT - 3 * TICK;
	run(&r, 5 * TICK);
	expect(&r, GATEWAY_ANSWERS, false, false);
	run(&r, LIMIT);
	expect(&r, GATEWAY_SILENT, true, true);
}

static void a_silent_gateway_is_silent_until_the_new_address_answers(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	run(&r, 3 * LIMIT);
	r.in.renewed = true;
	run(&r, TICK);
	r.in.renewed = false;
	expect(&r, GATEWAY_SILENT, true, true);
	r.answers = true;
	run(&r, LIMIT);
	expect(&r, GATEWAY_ANSWERS, false, false);
}

static void a_new_address_has_answered_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.answers = true;
	run(&r, S);
	r.answers = false;
	r.in.renewed = true;
	run(&r, TICK);
	r.in.renewed = false;
	expect(&r, GATEWAY_ASKING, true, false);
	run(&r, 2 * LIMIT);
	expect(&r, GATEWAY_SILENT, true, true);
}

/* The first MAC address is learnt at once; another one only where the known one is long silent. */
static void a_forged_answer_replaces_no_known_mac_address(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.seen.mac = 0;
	r.seen.other_mac = OTHER;
	r.seen.other_ns = r.now_ns;
	run(&r, TICK);
	assert_int_equal(r.out.learn, OTHER);
	run(&r, TICK);
	assert_int_equal(r.out.learn, 0);

	rig(&r);
	r.seen.other_mac = OTHER;
	for (uint64_t ns = 0; ns < GATEWAY_LEARN_NS; ns += S) {
		r.seen.other_ns = r.now_ns;
		run(&r, S);
		assert_int_equal(r.seen.mac, MAC);
	}
	expect(&r, GATEWAY_SILENT, true, true);
	r.seen.other_ns = r.now_ns;
	r.answers = true;
	run(&r, LIMIT);
	assert_int_equal(r.seen.mac, OTHER);
	expect(&r, GATEWAY_ANSWERS, false, false);
}

/*
 * While a peer is heard the gateway is replaced: the new one is known before it matters. A forger
 * that answers beside the gateway is not learnt, however long it does so.
 */
static void a_gateway_that_is_replaced_is_known_soon(void **state)
{
	struct rig r;
	uint64_t ns;

	(void)state;
	rig(&r);
	r.in.peer_heard = r.answers = true;
	r.seen.other_mac = OTHER;
	for (ns = 0; ns < 100 * S; ns += TICK) {
		r.seen.other_ns = r.now_ns;
		run(&r, TICK);
		assert_int_equal(r.seen.mac, MAC);
	}
	assert_in_range(r.asked, 9, 11);

	r.answers = false;
	for (ns = 0; r.seen.mac == MAC && ns < 60 * S; ns += TICK) {
		run(&r, TICK);
		if (r.out.ask)
			r.seen.other_ns = r.now_ns;
	}
	assert_int_equal(r.seen.mac, OTHER);
	assert_in_range(ns, GATEWAY_LEARN_PEER_NS, GATEWAY_SLOW_NS + GATEWAY_LEARN_PEER_NS + S);
	r.answers = true;
	r.in.peer_heard = false;
	run(&r, LIMIT);
	expect(&r, GATEWAY_ANSWERS, false, false);
}

/* OTHER answers each question. Returns after so long, or when it is the known one. */
static uint64_t with_the_other(struct rig *r, uint64_t ns)
{
	uint64_t took_ns;

	r->answers = false;
	for (took_ns = 0; r->seen.mac == MAC && took_ns < ns; took_ns += TICK) {
		run(r, TICK);
		if (r->out.ask)
			r->seen.other_ns = r->now_ns;
	}
	return took_ns;
}

/* A node is cut off with another router, and the cut heals. The gateway needs a tick to answer. */
static void a_router_of_a_divided_network_is_not_learnt_when_it_heals(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.peer_heard = r.answers = true;
	run(&r, 60 * S);
	r.seen.other_mac = OTHER;
	r.in.peer_heard = false;
	(void)with_the_other(&r, 10 * S);
	expect(&r, GATEWAY_SILENT, true, true);
	r.in.peer_heard = true;
	(void)with_the_other(&r, 10 * TICK);
	expect(&r, GATEWAY_PEER, false, false);
	assert_int_equal(r.seen.mac, MAC);
	/* That one really stands in its place. */
	assert_in_range(with_the_other(&r, 60 * S), GATEWAY_LEARN_PEER_NS - S, 14 * S);
	assert_int_equal(r.seen.mac, OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_arbiter_changes_nothing),
		cmocka_unit_test(while_a_peer_is_heard_the_gateway_decides_nothing),
		cmocka_unit_test(alone_with_the_gateway_a_node_may_own),
		cmocka_unit_test(cut_from_all_no_node_becomes_owner_and_an_owner_ends),
		cmocka_unit_test(with_keep_an_owner_stays_owner_and_nobody_else_becomes_one),
		cmocka_unit_test(a_pause_of_the_daemon_is_no_silence_of_the_gateway),
		cmocka_unit_test(a_pause_below_the_limit_is_no_silence_of_the_gateway),
		cmocka_unit_test(a_silent_gateway_is_silent_until_the_new_address_answers),
		cmocka_unit_test(a_new_address_has_answered_nothing),
		cmocka_unit_test(a_forged_answer_replaces_no_known_mac_address),
		cmocka_unit_test(a_gateway_that_is_replaced_is_known_soon),
		cmocka_unit_test(a_router_of_a_divided_network_is_not_learnt_when_it_heals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
