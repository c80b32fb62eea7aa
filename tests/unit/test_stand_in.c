/* SPDX-License-Identifier: GPL-2.0-only */
/* When an answer of the gateway counts as the grant of a third member, and when it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "decide/stand_in.h"
#include "hokm/grant.h"

#define MS      1000000ULL
#define GRANT   (30 * MS)
#define PULSE   (10 * MS)
#define SOLE    (275 * MS)
#define NEVER   UINT64_MAX
#define LONGEST (5000 * MS)

struct rig {
	struct stand_in s;
	struct stand_in_conf c;
	struct stand_in_input in;
	struct stand_in_output out;
	uint64_t now_ns;
	unsigned int asked, asked_peer;
};

/* A backup that hears the owner, and was heard by it a moment ago. */
static void rig(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->now_ns = 100000 * MS;
	r->c = (struct stand_in_conf){
		.length_ns = GRANT,
		.longest_ns = LONGEST,
		.sole_ns = SOLE,
		.pulse_ns = PULSE,
		.each_ns = PULSE,
		.adver_ns = 100 * MS};
	r->in.stands = true;
}

static void step(struct rig *r)
{
	stand_in_step(&r->s, &r->c, &r->in, r->now_ns, &r->out);
	r->asked += r->out.ask_gateway;
	r->asked_peer += r->out.ask_peer;
}

/* For so long, a step with each pulse: what is heard, and whether the gateway answers. */
static void run(struct rig *r, uint64_t ns, bool sign, bool seen, bool gateway)
{
	for (uint64_t end_ns = r->now_ns + ns; r->now_ns < end_ns;) {
		r->now_ns += PULSE;
		if (sign)
			r->in.sign_ns = r->now_ns;
		if (seen)
			r->in.seen_ns = r->now_ns;
		step(r);
		if (gateway && r->out.ask_gateway)
			r->in.answered_ns = r->now_ns;
	}
}

static void at(struct rig *r, uint64_t now_ns)
{
	r->now_ns = now_ns;
	step(r);
}

static void while_the_peer_is_heard_nobody_asks_and_nothing_counts(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	run(&r, 2000 * MS, true, true, true);
	assert_int_equal(r.asked + r.asked_peer, 0);
	assert_int_equal(r.out.counts, HOKM_STAND_IN_NOTHING);
	assert_true(r.out.free_at_ns > r.now_ns);
}

/* The answers of the peer come as rarely as its probes go out, and are not missing until then. */
static void a_calm_backup_asks_when_the_answer_to_its_last_probe_is_missing(void **state)
{
	const uint64_t missing_ns = 3 * PULSE + PULSE / 2;
	struct rig r;

	(void)state;
	rig(&r);
	r.c.each_ns = 3 * PULSE;
	run(&r, 2000 * MS, true, true, true);
	at(&r, r.in.sign_ns + missing_ns - 1);
	assert_int_equal(r.asked, 0);
	at(&r, r.in.sign_ns + missing_ns);
	assert_int_equal(r.asked, 1);
}

/* The owner's grants last as long as its promise: not a pulse is lost after it. */
static void the_backup_of_a_dead_owner_claims_when_its_grants_have_ended(void **state)
{
	struct rig r;
	uint64_t last_ns;

	(void)state;
	rig(&r);
	run(&r, 2000 * MS, true, true, true);
	last_ns = r.now_ns;
	run(&r, 3 * PULSE, false, false, true);
	assert_int_equal(r.asked, 2);
	assert_int_equal(r.asked_peer, 2);
	assert_int_equal(r.out.free_at_ns, last_ns + hokm_grant_kept_ns(GRANT));
	assert_int_equal(r.out.counts, HOKM_STAND_IN_NOTHING);
	at(&r, r.out.free_at_ns);
	assert_int_equal(r.out.counts, HOKM_STAND_IN_CLAIMS);
	assert_int_equal(r.out.silent_ns, last_ns);
	assert_int_equal(r.out.length_ns, GRANT);
}

/* A row: what the backup sees after the owner's last pulse, and after how many ms it may claim. */
static void what_keeps_a_claimant_waiting(void **state)
{
	static const struct {
		const char *what;
		uint64_t barred_ms, lease_ms, unseen_ms; /* before the end of the calm; 0: at it */
		bool gateway, overdue, paused;
		uint64_t claims_ms; /* 0: not within a second */
	} rows[] = {
		{.what = "the owner is dead", .gateway = true, .claims_ms = 40},
		{.what = "the gateway is silent too"},
		{.what = "its lease ran for longer",
		 .lease_ms = 90,
		 .gateway = true,
		 .claims_ms = 90},
		{.what = "this node has just come to know its promises: the owner may not know it",
		 .barred_ms = 500,
		 .gateway = true,
		 .claims_ms = 130},
		{.what = "it knows them for long",
		 .barred_ms = 1000,
		 .gateway = true,
		 .claims_ms = 40},
		{.what = "it answered no pulse for long: its own answers may count for longer",
		 .unseen_ms = 800,
		 .gateway = true},
		{.what = "the same, and VRRP's timer is over",
		 .unseen_ms = 800,
		 .overdue = true,
		 .gateway = true,
		 .claims_ms = 10},
		{.what = "this node was paused: it counts from its first word of the gateway",
		 .paused = true,
		 .gateway = true,
		 .claims_ms = 50},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t began_ns, claims_ms = 0;
		struct rig r;

		rig(&r);
		run(&r, 2000 * MS, true, true, true);
		if (rows[i].unseen_ms)
			run(&r, rows[i].unseen_ms * MS, true, false, true);
		if (rows[i].paused)
			r.now_ns += 500 * MS;
		began_ns = r.now_ns;
		r.in.overdue = rows[i].overdue;
		r.in.barred_ns = rows[i].barred_ms ? began_ns - rows[i].barred_ms * MS : 0;
		r.in.lease_ns = rows[i].lease_ms ? began_ns + rows[i].lease_ms * MS : 0;
		while (!claims_ms && r.now_ns < began_ns + 1000 * MS) {
			run(&r, PULSE, false, false, rows[i].gateway);
			if (r.out.counts == HOKM_STAND_IN_CLAIMS)
				claims_ms = (r.now_ns - began_ns) / MS;
		}
		if (claims_ms != rows[i].claims_ms)
			fail_msg("%s: after %llu ms", rows[i].what, (unsigned long long)claims_ms);
	}
}

/* With a long grant too, it has not forgotten by then that the owner was seen lately. */
static void a_claimant_that_was_barred_claims_before_the_timers(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.c.length_ns = 200 * MS;
	r.c.sole_ns = 2750 * MS;
	r.in.barred_ns = r.now_ns + 2000 * MS;
	run(&r, 2000 * MS, true, true, true);
	run(&r, 500 * MS, false, false, true);
	assert_int_equal(r.out.counts, HOKM_STAND_IN_NOTHING);
	run(&r, PULSE, false, false, true);
	assert_int_equal(r.out.counts, HOKM_STAND_IN_CLAIMS);
}

/* ARP, adverts: whatever shows that it is alive. */
static void a_peer_that_shows_any_sign_is_not_replaced(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	run(&r, 2000 * MS, true, true, true);
	for (int i = 0; i < 300; i++) {
		run(&r, 2 * PULSE, false, false, true);
		assert_int_equal(r.out.counts, HOKM_STAND_IN_NOTHING);
		r.in.sign_ns = r.now_ns;
	}
	assert_true(r.asked_peer >= 300);
}

static void a_peer_that_was_not_asked_is_not_silent(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	run(&r, 2000 * MS, true, true, true);
	/* The loop was held up; the gateway has answered an earlier question meanwhile. */
	r.in.answered_ns = r.now_ns + 25 * MS;
	at(&r, r.now_ns + 31 * MS);
	assert_int_equal(r.out.counts, HOKM_STAND_IN_NOTHING);
	assert_true(r.out.ask_peer);
	at(&r, r.now_ns + PULSE / 2);
	assert_int_equal(r.out.counts, HOKM_STAND_IN_CLAIMS);
}

/* A row: what a backup does in the 100 ms after the owner's last pulse, and from when it counts. */
static void who_asks_in_vain_was_cut_off(void **state)
{
	static const struct {
		const char *what;
		uint64_t asks_ms, again_ms; /* 0: it asks once */
		uint64_t answered_ms;
		bool anew;
	} rows[] = {
		{"it asked, and the gateway answered at once", 20, 0, 21, false},
		{"a few answers were lost", 20, 60, 61, false},
		{"it asked and asked, and was cut off", 20, 80, 81, true},
		{"its loop was held up: it asked nobody", 80, 0, 81, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t last_ns, from_ns;
		struct rig r;

		rig(&r);
		r.c.length_ns = 200 * MS;
		run(&r, 2000 * MS, true, true, true);
		last_ns = r.now_ns;
		at(&r, last_ns + rows[i].asks_ms * MS);
		assert_int_equal(r.asked, 1);
		if (rows[i].again_ms)
			at(&r, last_ns + rows[i].again_ms * MS);
		r.in.answered_ns = last_ns + rows[i].answered_ms * MS;
		at(&r, last_ns + 100 * MS);
		from_ns = rows[i].anew ? r.in.answered_ns : last_ns;
		if (r.out.free_at_ns != from_ns + hokm_grant_kept_ns(200 * MS))
			fail_msg("%s: %lld ms after its last pulse", rows[i].what,
				 (long long)(r.out.free_at_ns - last_ns) / (long long)MS);
	}
}

/* It does not claim by the first answer after it was cut off. */
static void who_asks_in_vain_does_not_claim(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.c.length_ns = 200 * MS;
	run(&r, 2000 * MS, true, true, true);
	run(&r, 150 * MS, false, false, true);
	run(&r, 80 * MS, false, false, false);
	assert_true(r.now_ns >= r.out.free_at_ns);
	assert_int_equal(r.out.counts, HOKM_STAND_IN_NOTHING);
}

/*
 * The owner is dead, and the gateway limits its answers. The silence of the owner never counts, but
 * Master_Down does: an answer counts if the step before it claims. A row: the grant, the time
 * between two answers, whether Master_Down is over, and whether the node claims within 5 s.
 */
static void with_rare_answers_the_timers_decide(void **state)
{
	static const struct {
		uint64_t length_ms, each_ms;
		bool overdue, claims;
	} rows[] = {
		{200, 40, false, true}, {200, 60, false, false}, {200, 60, true, true},
		{200, 190, true, true}, {200, 210, true, false}, {100, 60, true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t end_ns, next_ns;
		bool claims = false;
		struct rig r;

		rig(&r);
		r.c.length_ns = rows[i].length_ms * MS;
		run(&r, 2000 * MS, true, true, true);
		r.in.overdue = rows[i].overdue;
		next_ns = r.now_ns + rows[i].each_ms * MS;
		for (end_ns = r.now_ns + 5000 * MS; r.now_ns < end_ns && !claims;) {
			at(&r, r.now_ns + PULSE / 2);
			if (r.now_ns < next_ns)
				continue;
			claims = r.out.counts == HOKM_STAND_IN_CLAIMS;
			r.in.answered_ns = r.now_ns;
			next_ns += rows[i].each_ms * MS;
		}
		if (claims != rows[i].claims)
			fail_msg("row %zu: it %s", i, claims ? "claims" : "does not claim");
	}
}

static void an_owner_asks_when_half_of_its_grant_is_left(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.owns = true;
	run(&r, 500 * MS, true, true, true);
	r.asked = r.asked_peer = 0;
	r.in.granted_ns = r.in.best_ns = r.now_ns + GRANT / 2;
	step(&r);
	assert_int_equal(r.asked, 0);
	assert_int_equal(r.out.counts, HOKM_STAND_IN_RENEWS);
	assert_int_equal(r.out.free_at_ns, 0);
	at(&r, r.now_ns + 1);
	assert_int_equal(r.asked, 1);
	assert_int_equal(r.asked_peer, 0);
	/* Not more often than that, whatever wakes the loop. */
	at(&r, r.now_ns + MS);
	assert_int_equal(r.asked, 1);
}

/*
 * The owner's step with each pulse and when it is to look again. Of the gateway's answers every
 * second one is lost: no grant ends.
 */
static void every_second_answer_of_the_gateway_may_be_lost(void **state)
{
	struct stand_in_asked a = {0};
	uint64_t open_ns = 0, pulse_ns, end_ns;
	struct rig r;

	(void)state;
	rig(&r);
	r.in.owns = r.in.of_gateway = true;
	r.in.granted_ns = r.in.best_ns = r.now_ns + hokm_grant_used_ns(GRANT);
	pulse_ns = r.now_ns + PULSE;
	for (end_ns = r.now_ns + 5000 * MS; r.now_ns < end_ns;) {
		r.now_ns = r.out.look_ns && r.out.look_ns < pulse_ns ? r.out.look_ns : pulse_ns;
		if (r.now_ns == pulse_ns)
			pulse_ns += PULSE;
		r.in.sign_ns = r.now_ns;
		assert_true(r.now_ns < r.in.granted_ns);
		step(&r);
		assert_int_equal(r.out.counts, HOKM_STAND_IN_RENEWS);
		if (!r.out.ask_gateway)
			continue;
		open_ns = stand_in_question(&a, open_ns, GRANT, r.now_ns);
		if (r.asked % 2)
			continue;
		r.in.granted_ns = r.in.best_ns = open_ns + hokm_grant_used_ns(r.out.length_ns);
		open_ns = 0;
	}
}

/* Its peer has booted: it answers, and grants nobody. */
static void an_owner_whose_peer_knows_no_promises_uses_an_answer_for_longer(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.owns = r.in.peer_barred = true;
	r.in.granted_ns = NEVER;
	r.in.longer_ns = LONGEST;
	run(&r, 100 * MS, true, true, true);
	assert_int_equal(r.out.length_ns, 4 * GRANT);
	r.c.sole_ns = 3 * GRANT;
	run(&r, PULSE, true, true, true);
	assert_int_equal(r.out.length_ns, 3 * GRANT);
	r.c.length_ns = 200 * MS;
	r.c.sole_ns = 2750 * MS;
	run(&r, PULSE, true, true, true);
	assert_int_equal(r.out.length_ns, STAND_IN_SOLE_NS / 2);
	r.c.length_ns = GRANT;
	r.in.owns = false;
	run(&r, PULSE, true, true, true);
	assert_int_equal(r.out.length_ns, GRANT);
}

/* What was missed in a pause cannot be made up for by an answer: the peer may own. */
static void an_owner_whose_grants_have_ended_is_a_claimant(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.owns = true;
	r.in.granted_ns = r.in.best_ns = NEVER;
	run(&r, 500 * MS, true, true, true);
	r.in.granted_ns = r.in.best_ns = r.now_ns + GRANT;
	at(&r, r.now_ns + 400 * MS);
	assert_int_equal(r.out.counts, HOKM_STAND_IN_NOTHING);
	assert_true(r.out.ask_gateway && r.out.ask_peer);
}

static void an_owner_that_is_alone_uses_an_answer_for_longer(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.owns = true;
	r.in.granted_ns = NEVER;
	run(&r, 100 * MS, true, true, true);
	r.in.longer_ns = LONGEST;
	run(&r, 990 * MS, false, false, true);
	assert_int_equal(r.out.length_ns, GRANT);
	run(&r, PULSE, false, false, true);
	assert_int_equal(r.out.length_ns, LONGEST);
	r.in.longer_ns = 0;
	run(&r, PULSE, false, false, true);
	assert_int_equal(r.out.length_ns, SOLE);
	run(&r, PULSE, true, false, true);
	assert_int_equal(r.out.length_ns, GRANT);
}

static void a_node_that_may_not_own_asks_nobody(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	run(&r, 100 * MS, true, true, true);
	r.in.stands = false;
	run(&r, 1000 * MS, false, false, true);
	assert_int_equal(r.asked + r.asked_peer, 0);
}

/* A row is a question: when it is sent, which one is open then, what its answer counts from. */
static void a_late_answer_counts_for_its_own_question(void **state)
{
	static const struct {
		uint64_t at_ms, open_ms, from_ms;
	} rows[] = {
		{100, 0, 100},
		{110, 0, 110},   /* the first was answered */
		{120, 110, 110}, /* no answer: asked again */
		{130, 0, 120},   /* one came; that to the question of 120 may be late */
		{140, 0, 130},
		{200, 0, 200},   /* nothing is on its way any more */
		{240, 200, 240}, /* its answer is lost */
		/* Of three that are open the second is forgotten: its answer counts from 320. */
		{300, 0, 300},
		{310, 300, 300},
		{320, 300, 300},
		{325, 0, 320},
	};
	struct stand_in_asked a = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			stand_in_question(&a, rows[i].open_ms * MS, GRANT, rows[i].at_ms * MS),
			rows[i].from_ms * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(while_the_peer_is_heard_nobody_asks_and_nothing_counts),
		cmocka_unit_test(a_calm_backup_asks_when_the_answer_to_its_last_probe_is_missing),
		cmocka_unit_test(the_backup_of_a_dead_owner_claims_when_its_grants_have_ended),
		cmocka_unit_test(what_keeps_a_claimant_waiting),
		cmocka_unit_test(a_claimant_that_was_barred_claims_before_the_timers),
		cmocka_unit_test(a_peer_that_shows_any_sign_is_not_replaced),
		cmocka_unit_test(a_peer_that_was_not_asked_is_not_silent),
		cmocka_unit_test(who_asks_in_vain_was_cut_off),
		cmocka_unit_test(who_asks_in_vain_does_not_claim),
		cmocka_unit_test(with_rare_answers_the_timers_decide),
		cmocka_unit_test(an_owner_asks_when_half_of_its_grant_is_left),
		cmocka_unit_test(every_second_answer_of_the_gateway_may_be_lost),
		cmocka_unit_test(an_owner_whose_peer_knows_no_promises_uses_an_answer_for_longer),
		cmocka_unit_test(an_owner_whose_grants_have_ended_is_a_claimant),
		cmocka_unit_test(an_owner_that_is_alone_uses_an_answer_for_longer),
		cmocka_unit_test(a_node_that_may_not_own_asks_nobody),
		cmocka_unit_test(a_late_answer_counts_for_its_own_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
