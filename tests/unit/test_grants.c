/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a node asks the members for grants, renews them, and gives them back. Three members: this
 * node, the peer in slot 0 and a witness in slot 7. test_grants_sim.c has them all together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "decide/grants.h"
#include "hokm/grant_count.h"

#define MS      1000000ULL
#define PEER    0
#define WITNESS 7

struct rig {
	struct grants g;
	struct grants_conf c;
	struct hokm_grants map;
	struct grants_output out;
	uint64_t now_ns;
};

static void rig(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->now_ns = 100000 * MS;
	r->c = (struct grants_conf){.majority = 2,
				    .slots = 1U << PEER | 1U << WITNESS,
				    .length_ns = 30 * MS,
				    .pulse_ns = 10 * MS};
	r->map.count.majority = 2;
	r->map.own.silent_until_ns = 1;
	r->map.own.longest_ns = 5000 * MS;
}

/* The member answers: another node has its grant for left_ms longer (0: nobody has it). */
static void answers(struct rig *r, unsigned int slot, uint64_t left_ms, uint64_t epoch)
{
	struct hokm_granted *m = &r->map.member[slot];

	m->answered_ns = r->now_ns;
	m->seen_epoch = epoch;
	m->held_until_ns = left_ms ? r->now_ns + left_ms * MS : 0;
}

/* A step, and what the daemon does with its output. */
static enum hokm_wish step(struct rig *r, struct grants_input in)
{
	grants_step(&r->g, &r->c, &r->map, &in, r->now_ns, &r->out);
	if (r->out.raise)
		hokm_grants_raise(&r->map, r->out.epoch);
	else
		hokm_grants_set_wish(&r->map, r->out.wish, r->out.epoch);
	if (r->out.self) {
		struct hokm_grant_ask ask = {
			HOKM_GRANT_SELF, r->out.wish, r->out.epoch, r->out.length_ns};

		(void)hokm_grant_carry_out(&r->map.own, &ask, r->now_ns);
	}
	return r->out.wish;
}

static void granted(struct rig *r, uint64_t ms)
{
	r->map.end = hokm_grant_end_word(r->map.wish_epoch, r->now_ns + ms * MS);
}

static const struct grants_input nothing,
	way = {.wants = true}, successor = {.wants = true, .named = true},
	owner = {.wants = true, .owns = true};

static void owning(struct rig *r)
{
	rig(r);
	answers(r, PEER, 0, 0);
	answers(r, WITNESS, 0, 0);
	assert_int_equal(step(r, way), HOKM_WISH_OWN);
	granted(r, 29);
	assert_int_equal(step(r, owner), HOKM_WISH_OWN);
	assert_int_equal(r->g.phase, GRANTS_OWNING);
}

static void no_claim_without_a_way_or_a_chance(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	assert_int_equal(step(&r, way), HOKM_WISH_NONE); /* nobody has answered */
	answers(&r, WITNESS, 5, 9);
	assert_int_equal(step(&r, nothing), HOKM_WISH_NONE);
	assert_int_equal(step(&r, way), HOKM_WISH_NONE); /* another node has its grant */
	assert_int_equal(r.out.next_ns, r.now_ns + 5 * MS);
	r.now_ns += 5 * MS;
	assert_int_equal(step(&r, nothing), HOKM_WISH_NONE);
	assert_int_equal(step(&r, way), HOKM_WISH_OWN);
	assert_int_equal(r.out.epoch, 10);
	assert_true(r.out.self && r.out.probe && r.out.next_ns > r.now_ns);
	assert_int_equal(r.out.length_ns, 30 * MS);

	rig(&r);
	answers(&r, WITNESS, 0, 0);
	r.map.own.silent_until_ns = r.now_ns + MS; /* this node has booted */
	assert_int_equal(step(&r, way), HOKM_WISH_NONE);
	r.now_ns += MS;
	assert_int_equal(step(&r, way), HOKM_WISH_OWN);

	rig(&r);
	answers(&r, WITNESS, 0, 0);
	r.map.own.word = hokm_grant_word(HOKM_GRANT_PEER(PEER), r.now_ns + MS);
	assert_int_equal(step(&r, way), HOKM_WISH_NONE); /* it has promised itself away */
	r.now_ns += 200 * MS;
	assert_int_equal(step(&r, way), HOKM_WISH_NONE); /* the answer is too old */

	rig(&r);
	r.c.majority = r.map.count.majority = 0;
	assert_int_equal(step(&r, owner), HOKM_WISH_NONE);
}

/* The witness answers, and has a majority with this node; only the peer can replace it. */
static void expect_no_part(struct rig *r)
{
	struct grants_view v;

	assert_true(grants_member_unwilling(&r->c, &r->map.member[WITNESS]));
	grants_look(&r->c, &r->map, r->now_ns, &v);
	assert_true(!v.known && v.in_touch == 1);
	assert_int_equal(step(r, way), HOKM_WISH_NONE);
}

/* Else a node counts on a majority that can never grant, and reports none lacking. */
static void a_member_without_a_part_is_not_in_touch(void **state)
{
	struct grants_view v;
	struct rig r;

	(void)state;
	rig(&r);
	answers(&r, WITNESS, 0, 0);
	r.map.member[WITNESS].verdict = HOKM_VERDICT_SILENT;
	grants_look(&r.c, &r.map, r.now_ns, &v);
	assert_true(v.known && v.in_touch == 2);
	r.map.member[WITNESS].verdict = HOKM_VERDICT_ABSENT;
	expect_no_part(&r);
	answers(&r, PEER, 0, 0);
	assert_int_equal(step(&r, way), HOKM_WISH_OWN);
}

/* What is wished at a moment changes the member's verdict, and not the length that it grants. */
static void a_member_that_grants_for_too_short_is_so_whatever_is_wished(void **state)
{
	struct hokm_granted *m;
	struct rig r;

	(void)state;
	rig(&r);
	m = &r.map.member[WITNESS];
	answers(&r, WITNESS, 0, 0);
	m->longest_ns = r.c.length_ns - 1000;
	for (int v = HOKM_VERDICT_NONE; v <= HOKM_VERDICT_BUSY; v++) {
		if (v == HOKM_VERDICT_GRANTED)
			continue;
		m->verdict = (__u8)v;
		assert_true(grants_member_too_short(&r.c, m));
		expect_no_part(&r);
	}
	/* Its file was changed: its answer has another length, or it grants. */
	m->verdict = HOKM_VERDICT_GRANTED;
	assert_false(grants_member_unwilling(&r.c, m));
	m->verdict = HOKM_VERDICT_NONE;
	m->longest_ns = r.c.length_ns;
	assert_false(grants_member_unwilling(&r.c, m));
	assert_int_equal(step(&r, way), HOKM_WISH_OWN);
}

static void a_claim_waits_for_the_better_nodes(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.c.rank = 2;
	answers(&r, WITNESS, 5, 0);
	assert_int_equal(step(&r, way), HOKM_WISH_NONE);
	assert_int_equal(r.out.next_ns, r.now_ns + 25 * MS);
	r.now_ns += 5 * MS;
	assert_int_equal(step(&r, way), HOKM_WISH_NONE);
	assert_int_equal(step(&r, successor), HOKM_WISH_OWN); /* the owner named it */
}

/* The promise of this node itself is free again at once, so that the other claimant can win. */
static void a_hopeless_claim_ends_and_waits(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	answers(&r, PEER, 0, 0);
	assert_int_equal(step(&r, way), HOKM_WISH_OWN);
	r.now_ns += MS;
	answers(&r, PEER, 29, 1);
	assert_int_equal(step(&r, way), HOKM_WISH_OWN); /* the witness may still grant it */
	assert_int_equal(hokm_grant_member(r.map.own.word), HOKM_GRANT_SELF);
	answers(&r, WITNESS, 29, 1);
	assert_int_equal(step(&r, way), HOKM_WISH_RELEASE);
	assert_int_equal(r.out.epoch, 1);
	assert_int_equal(hokm_grant_member(r.map.own.word), HOKM_GRANT_NOBODY);
	answers(&r, PEER, 0, 0);
	assert_int_equal(step(&r, way), HOKM_WISH_RELEASE);
	assert_true(r.out.next_ns > r.now_ns);
	r.now_ns += 25 * MS;
	answers(&r, PEER, 0, 0);
	(void)step(&r, way);
	r.now_ns += 10 * MS;
	assert_int_equal(step(&r, way), HOKM_WISH_OWN);
	assert_true(r.out.epoch > 1);

	/* Nobody answers. */
	r.now_ns += 60 * MS;
	assert_int_equal(step(&r, way), HOKM_WISH_RELEASE);
	r.now_ns += 200 * MS;
	assert_int_equal(step(&r, way), HOKM_WISH_NONE);
}

static void an_owner_renews_and_gives_back(void **state)
{
	struct rig r;
	uint64_t epoch;

	(void)state;
	owning(&r);
	epoch = r.out.epoch;
	r.now_ns += 10 * MS;
	assert_int_equal(step(&r, (struct grants_input){true, true, false, true, 0}),
			 HOKM_WISH_OWN);
	assert_int_equal(r.out.epoch, epoch);
	assert_true(r.out.self && !r.out.probe && !r.out.raise);
	assert_int_equal(step(&r, nothing), HOKM_WISH_RELEASE);
	assert_int_equal(r.out.epoch, epoch);
	assert_true(r.out.self && r.out.probe);
	assert_int_equal(hokm_grant_member(r.map.own.word), HOKM_GRANT_NOBODY);
	assert_int_equal(step(&r, nothing), HOKM_WISH_RELEASE);
	/* Both members have seen it. */
	answers(&r, PEER, 0, epoch + 1);
	answers(&r, WITNESS, 0, epoch + 1);
	assert_int_equal(step(&r, nothing), HOKM_WISH_NONE);
	assert_int_equal(r.g.phase, GRANTS_IDLE);
}

/*
 * The machine was busy for longer than a grant: the owner asks once more, and a claimant lets it.
 * As soon as another node has come between, the lease is lost.
 */
static void a_pause_of_all_moves_nothing(void **state)
{
	struct rig r;

	(void)state;
	owning(&r);
	assert_false(grants_may_return(&r.g, &r.c, &r.map, r.now_ns));
	r.now_ns += 150 * MS;
	assert_int_equal(step(&r, owner), HOKM_WISH_OWN);
	assert_true(grants_may_return(&r.g, &r.c, &r.map, r.now_ns));
	answers(&r, WITNESS, 29, 1);
	assert_false(grants_may_return(&r.g, &r.c, &r.map, r.now_ns));
	answers(&r, WITNESS, 0, r.out.epoch + 1);
	assert_int_equal(step(&r, owner), HOKM_WISH_OWN);
	assert_false(r.out.raise);
	assert_false(grants_may_return(&r.g, &r.c, &r.map, r.now_ns));
	answers(&r, WITNESS, 0, r.out.epoch);
	assert_true(grants_may_return(&r.g, &r.c, &r.map, r.now_ns));
	r.now_ns += 30 * MS;
	assert_false(grants_may_return(&r.g, &r.c, &r.map, r.now_ns));

	rig(&r);
	answers(&r, WITNESS, 5, 0);
	assert_int_equal(step(&r, way), HOKM_WISH_NONE);
	r.now_ns += 20 * MS; /* it meant to come after 5 */
	assert_int_equal(step(&r, way), HOKM_WISH_NONE);
	assert_int_equal(r.out.next_ns, r.now_ns + 10 * MS);
	r.now_ns += 10 * MS;
	assert_int_equal(step(&r, way), HOKM_WISH_OWN);
}

/* A member that has seen a newer epoch would refuse an owner without limit. */
static void an_owner_follows_the_epoch_of_a_member(void **state)
{
	struct rig r;

	(void)state;
	owning(&r);
	answers(&r, PEER, 0, 7);
	assert_int_equal(step(&r, owner), HOKM_WISH_OWN);
	assert_int_equal(r.out.epoch, 8);
	assert_true(r.out.raise && r.out.self && r.out.probe);
	assert_int_equal(step(&r, owner), HOKM_WISH_OWN);
	assert_false(r.out.raise);
	assert_int_equal(r.out.epoch, 8);
}

static void a_restart_continues_grants_that_run(void **state)
{
	struct rig r;
	struct grants g;

	(void)state;
	owning(&r);
	grants_adopt(&g, &r.c, &r.map, r.now_ns);
	assert_int_equal(g.phase, GRANTS_OWNING);
	assert_int_equal(g.epoch, r.out.epoch);
	grants_adopt(&g, &r.c, &r.map, r.now_ns + 29 * MS);
	assert_int_equal(g.phase, GRANTS_IDLE);
	assert_int_equal(g.epoch, r.out.epoch);
}

static void a_longer_grant_is_kept_longer(void **state)
{
	struct grants_input in = owner;
	struct rig r;

	(void)state;
	owning(&r);
	in.longer_ns = 5000 * MS;
	assert_int_equal(step(&r, in), HOKM_WISH_OWN);
	assert_int_equal(r.out.length_ns, 5000 * MS);
	r.now_ns += 4000 * MS;
	granted(&r, 1000);
	assert_int_equal(step(&r, nothing), HOKM_WISH_RELEASE);
	r.now_ns += 500 * MS;
	assert_int_equal(step(&r, nothing), HOKM_WISH_RELEASE);
}

/*
 * The configuration demands a majority and none is in force yet: an owner asks, and its lease goes
 * on by VRRP's timers until the members have granted it.
 */
static void an_owner_gets_grants_before_they_decide(void **state)
{
	struct grants_view v;
	struct rig r;

	(void)state;
	rig(&r);
	r.map.count.majority = 0;
	assert_int_equal(step(&r, owner), HOKM_WISH_OWN);
	for (int i = 0; i < 100; i++) {
		r.now_ns += 10 * MS;
		assert_int_equal(step(&r, owner), HOKM_WISH_OWN);
		assert_int_equal(r.g.phase, GRANTS_CLAIMING);
		assert_true(i < 10 || !r.out.probe);
		grants_look(&r.c, &r.map, r.now_ns, &v);
		assert_int_equal(v.granted_until_ns, 0);
	}
	r.now_ns += 10 * MS;
	(void)step(&r, (struct grants_input){true, true, false, true, 0});
	hokm_grants_note(&r.map, WITNESS, r.out.epoch, r.now_ns + 29 * MS);
	grants_look(&r.c, &r.map, r.now_ns, &v);
	assert_true(v.granted_until_ns > r.now_ns);
	assert_int_equal(step(&r, owner), HOKM_WISH_OWN);
	assert_int_equal(r.g.phase, GRANTS_OWNING);
	hokm_grants_set_members(&r.map, 2, r.c.slots);
	assert_true(hokm_grants_end_ns(&r.map) > r.now_ns);
}

/*
 * A reload demands one grant more than the owner has. The member that could give it refuses the
 * epoch as too old.
 */
static void an_owner_whose_change_waits_follows_the_epoch_too(void **state)
{
	struct rig r;

	(void)state;
	owning(&r);
	r.c.majority = 3;
	(void)step(&r, owner);
	answers(&r, PEER, 0, 7);
	assert_int_equal(step(&r, owner), HOKM_WISH_OWN);
	assert_int_equal(r.out.epoch, 8);
	assert_true(r.out.raise && r.out.self && r.out.probe);
	/* Its grants have ended: it must not take them along. */
	r.now_ns += 30 * MS;
	answers(&r, PEER, 0, 17);
	(void)step(&r, owner);
	assert_false(r.out.raise);
}

/* Else it would claim with a greater epoch, and what is granted would end. */
static void a_restart_continues_grants_while_a_change_waits(void **state)
{
	struct rig r;
	uint64_t epoch, end;

	(void)state;
	owning(&r);
	r.c.majority = 3;
	epoch = r.map.wish_epoch;
	end = r.map.end;
	grants_adopt(&r.g, &r.c, &r.map, r.now_ns);
	assert_int_equal(r.g.phase, GRANTS_OWNING);
	assert_int_equal(r.g.epoch, epoch);
	assert_int_equal(step(&r, owner), HOKM_WISH_OWN);
	assert_int_equal(r.map.wish_epoch, epoch);
	assert_int_equal(r.map.end, end);

	/* They have ended, or VRRP's timers were in force. */
	grants_adopt(&r.g, &r.c, &r.map, r.now_ns + 29 * MS);
	assert_int_equal(r.g.phase, GRANTS_IDLE);
	r.map.count.majority = 0;
	grants_adopt(&r.g, &r.c, &r.map, r.now_ns);
	assert_int_equal(r.g.phase, GRANTS_IDLE);
}

/* Nothing that was granted before the proof counts, here as in the packet path. */
static void a_wish_that_a_proof_ended_is_given_up(void **state)
{
	struct grants_view v;
	uint64_t epoch;
	struct rig r;

	(void)state;
	owning(&r);
	epoch = r.map.wish_epoch;
	hokm_grants_note(&r.map, WITNESS, epoch, r.now_ns + 29 * MS);
	answers(&r, WITNESS, 0, epoch + 4);
	assert_true(hokm_grants_void(&r.map, epoch + 4, 0, r.now_ns));
	assert_int_equal(step(&r, owner), HOKM_WISH_OWN);
	assert_false(r.out.raise);
	assert_false(grants_may_return(&r.g, &r.c, &r.map, r.now_ns));
	grants_look(&r.c, &r.map, r.now_ns, &v);
	assert_true(v.granted_until_ns <= r.now_ns);
	r.c.majority = 1; /* a change of the members waits */
	grants_look(&r.c, &r.map, r.now_ns, &v);
	assert_int_equal(v.granted_until_ns, 0);
	r.c.majority = 2;
	grants_adopt(&r.g, &r.c, &r.map, r.now_ns);
	assert_int_equal(r.g.phase, GRANTS_IDLE);
}

/* The next wish begins above the proof, whatever the members have said. */
static void a_claim_begins_above_the_proof(void **state)
{
	struct rig r;

	(void)state;
	owning(&r);
	assert_true(hokm_grants_void(&r.map, 90, 0, r.now_ns));
	assert_int_equal(step(&r, nothing), HOKM_WISH_RELEASE);
	r.now_ns += 30 * MS;
	answers(&r, PEER, 0, 3);
	answers(&r, WITNESS, 0, 3);
	(void)step(&r, nothing);
	assert_int_equal(step(&r, way), HOKM_WISH_OWN);
	assert_int_equal(r.out.epoch, 91);
	assert_false(hokm_grants_is_void(&r.map));
	/* So it is with a claim that a probe of the owner has overtaken. */
	assert_false(hokm_grants_void(&r.map, 99, 0, r.now_ns));
	assert_true(hokm_grants_is_void(&r.map));
	assert_int_equal(step(&r, way), HOKM_WISH_OWN);
	assert_int_equal(r.out.epoch, 100);
	assert_false(hokm_grants_is_void(&r.map));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_claim_without_a_way_or_a_chance),
		cmocka_unit_test(a_member_without_a_part_is_not_in_touch),
		cmocka_unit_test(a_member_that_grants_for_too_short_is_so_whatever_is_wished),
		cmocka_unit_test(a_claim_waits_for_the_better_nodes),
		cmocka_unit_test(a_hopeless_claim_ends_and_waits),
		cmocka_unit_test(an_owner_renews_and_gives_back),
		cmocka_unit_test(a_pause_of_all_moves_nothing),
		cmocka_unit_test(an_owner_follows_the_epoch_of_a_member),
		cmocka_unit_test(a_restart_continues_grants_that_run),
		cmocka_unit_test(a_restart_continues_grants_while_a_change_waits),
		cmocka_unit_test(a_longer_grant_is_kept_longer),
		cmocka_unit_test(an_owner_gets_grants_before_they_decide),
		cmocka_unit_test(an_owner_whose_change_waits_follows_the_epoch_too),
		cmocka_unit_test(a_wish_that_a_proof_ended_is_given_up),
		cmocka_unit_test(a_claim_begins_above_the_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
