/* SPDX-License-Identifier: GPL-2.0-only */
/* Passive checks: how long a trip lasts. What trips: test_observe.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "observe_rig.h"

static void start(struct observe_rig *r)
{
	struct observe_conf conf;

	look_conf(&conf);
	look_init(r, &conf);
}

/* Five resets at once; returns how long the trip is to last. */
static uint64_t trip(struct observe_rig *r)
{
	look_wrong(&r->s, HOKM_SIGNAL_RESET, 5);
	assert_int_equal(look_once(r), OBSERVE_TRIPPED);
	assert_int_equal(r->o.tripped_ns, r->now_ns);
	return r->v.until_ns - r->now_ns;
}

static void run_to_clear(struct observe_rig *r)
{
	assert_int_equal(look_run(r, 120 * SEC), OBSERVE_CLEARED);
	assert_int_equal(r->v.reason, HOKM_R_PASSIVE_CLEAR);
	assert_int_equal(r->v.signal, HOKM_SIGNAL_COUNT);
	assert_false(r->o.suspect);
	assert_int_equal(r->o.cleared_ns, r->now_ns);
	assert_int_equal(r->o.forget_ns, r->now_ns);
}

static void test_ends_when_over(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	assert_int_equal(trip(&r), 3 * SEC);
	assert_int_equal(look_run(&r, 2900 * MS), OBSERVE_SAME);
	assert_int_equal(look_once(&r), OBSERVE_CLEARED);
	assert_int_equal(r.v.reason, HOKM_R_PASSIVE_CLEAR);
	assert_int_equal(look_run(&r, 60 * SEC), OBSERVE_SAME);
	assert_int_equal(r.o.trips, 1);
}

/* Trips close to each other hold twice as long each, up to the most; a calm time starts anew. */
static void test_doubling(void **state)
{
	static const unsigned int want_s[] = {3, 6, 12, 24, 48, 60, 60, 60};
	struct observe_rig r;

	(void)state;
	start(&r);
	for (size_t i = 0; i < sizeof(want_s) / sizeof(want_s[0]); i++) {
		assert_int_equal(trip(&r), want_s[i] * SEC);
		run_to_clear(&r);
		assert_int_equal(r.now_ns - r.o.tripped_ns, want_s[i] * SEC);
		assert_int_equal(look_run(&r, 59800 * MS), OBSERVE_SAME);
	}
	/* 59.9 s after the last one's end is not calm, 60 s is. */
	assert_int_equal(trip(&r), 60 * SEC);
	run_to_clear(&r);
	assert_int_equal(look_run(&r, 59900 * MS), OBSERVE_SAME);
	assert_int_equal(trip(&r), 3 * SEC);
	assert_int_equal(r.o.level, 0);
	run_to_clear(&r);
	assert_int_equal(trip(&r), 6 * SEC);
}

/* A first trip soon after the start is a first trip, though no time is far from 0 then. */
static void test_first_is_never_doubled(void **state)
{
	struct observe_conf conf;
	struct observe_rig r = {.checks_ok = true};

	(void)state;
	look_conf(&conf);
	observe_init(&r.o, &conf, 0);
	assert_int_equal(look_once(&r), OBSERVE_SAME);
	assert_int_equal(trip(&r), 3 * SEC);
}

static void test_longest_below_first(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	r.o.conf.hold_max_ns = 2 * SEC;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(trip(&r), 2 * SEC);
		run_to_clear(&r);
	}
	/* No hold at all: over at the next look, however often. */
	r.o.conf.hold_ns = 0;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(trip(&r), 0);
		assert_int_equal(look_once(&r), OBSERVE_CLEARED);
	}
}

/* Still wrong at the end: renewed, but nobody failed a check, so only up to the most. */
static void test_traffic_renews(void **state)
{
	uint64_t tripped_ns, last_ns;
	struct observe_rig r;

	(void)state;
	start(&r);
	look_wrong(&r.s, HOKM_SIGNAL_PING, 4);
	assert_int_equal(look_once(&r), OBSERVE_TRIPPED);
	tripped_ns = r.now_ns;
	for (int i = 1; i < 20; i++) {
		last_ns = r.now_ns;
		r.s.late_pings++;
		assert_int_equal(look_run(&r, 60 * SEC), OBSERVE_RENEWED);
		assert_int_equal(r.now_ns, last_ns + 3 * SEC);
		assert_int_equal(r.v.until_ns, r.now_ns + 3 * SEC);
		assert_int_equal(r.v.reason, HOKM_R_PASSIVE_PING);
		assert_int_equal(r.v.signal, HOKM_SIGNAL_PING);
		assert_int_equal(r.v.wrong, 4 + i);
		assert_int_equal(r.v.all, 4 + i);
	}
	run_to_clear(&r);
	assert_int_equal(r.now_ns, tripped_ns + 60 * SEC);
	assert_int_equal(r.o.trips, 1);
	/* The same again, with a hold that does not go into the most without a rest. */
	start(&r);
	r.o.conf.hold_max_ns = 4 * SEC;
	look_wrong(&r.s, HOKM_SIGNAL_PING, 4);
	assert_int_equal(look_once(&r), OBSERVE_TRIPPED);
	assert_int_equal(look_run(&r, 60 * SEC), OBSERVE_RENEWED);
	assert_int_equal(r.v.until_ns, r.o.tripped_ns + 4 * SEC);
	run_to_clear(&r);
	assert_int_equal(r.now_ns, r.o.tripped_ns + 4 * SEC);
}

/* Another signal that is wrong at the end of a hold is named, the trip keeps its own reason. */
static void test_renewed_by_another(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	trip(&r);
	assert_int_equal(look_run(&r, 2 * SEC), OBSERVE_SAME);
	look_wrong(&r.s, HOKM_SIGNAL_STATUS, 9);
	assert_int_equal(look_run(&r, 5 * SEC), OBSERVE_RENEWED);
	assert_int_equal(r.v.reason, HOKM_R_PASSIVE_STATUS);
	assert_int_equal(r.v.signal, HOKM_SIGNAL_STATUS);
	assert_int_equal(r.o.reason, HOKM_R_PASSIVE_RESET);
	assert_int_equal(look_check(&r, false, MS), OBSERVE_SAME);
	run_to_clear(&r);
}

static void test_failed_check_renews(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	trip(&r);
	/* Started before the trip: of another time. */
	assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, 1001 * MS), OBSERVE_SAME);
	assert_int_equal(r.o.failed_ns, 0);
	assert_int_equal(r.o.until_ns, r.o.tripped_ns + 3 * SEC);
	/* Started with it: of the present one. */
	assert_int_equal(look_check(&r, false, 1000 * MS), OBSERVE_RENEWED);
	assert_int_equal(r.v.reason, HOKM_R_PASSIVE_RESET);
	assert_int_equal(r.v.signal, HOKM_SIGNAL_COUNT);
	assert_int_equal(r.v.until_ns, r.now_ns + 3 * SEC);
	/* One that passed takes nothing away, and adds nothing. */
	assert_int_equal(look_check(&r, true, MS), OBSERVE_SAME);
	assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
	assert_int_equal(look_check(&r, true, MS), OBSERVE_SAME);
	assert_int_equal(r.o.until_ns, r.now_ns + 2 * SEC);
	assert_int_equal(look_run(&r, 1900 * MS), OBSERVE_SAME);
	assert_true(r.o.suspect);
	/* As long as checks fail, far beyond the most. */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(look_check(&r, false, MS), OBSERVE_RENEWED);
		assert_int_equal(r.v.until_ns, r.now_ns + 3 * SEC);
		assert_int_equal(look_run(&r, 2 * SEC), OBSERVE_SAME);
	}
	run_to_clear(&r);
	assert_int_equal(r.now_ns, r.o.failed_ns + 3 * SEC);
	/* Nobody suspects anything: checks are none of ours. */
	assert_int_equal(look_check(&r, false, MS), OBSERVE_SAME);
	assert_false(r.o.suspect);
}

/* A check that failed long ago does not make the same few stuck requests renew for ever. */
static void test_bounded_after_failed_check(void **state)
{
	uint64_t failed_ns;
	struct observe_rig r;

	(void)state;
	start(&r);
	look_wrong(&r.s, HOKM_SIGNAL_UPGRADE, 4);
	assert_int_equal(look_once(&r), OBSERVE_TRIPPED);
	assert_int_equal(look_run(&r, 2 * SEC), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, SEC), OBSERVE_RENEWED);
	failed_ns = r.now_ns;
	while (look_run(&r, 120 * SEC) == OBSERVE_RENEWED)
		assert_true(r.now_ns < failed_ns + 60 * SEC);
	assert_int_equal(r.v.change, OBSERVE_CLEARED);
	assert_int_equal(r.now_ns, failed_ns + 60 * SEC);
	/* Of this trip only: the next one has its own. */
	r.s.late_upgrades = 0;
	assert_int_equal(trip(&r), 6 * SEC);
	assert_int_equal(r.o.failed_ns, 0);
}

/* A failed check renews by the hold of the present trip, and never shortens one. */
static void test_failed_check_and_doubling(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	trip(&r);
	run_to_clear(&r);
	assert_int_equal(trip(&r), 6 * SEC);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME); /* not a moment longer */
	assert_int_equal(r.o.failed_ns, r.now_ns);
	assert_int_equal(look_run(&r, 2 * SEC), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, SEC), OBSERVE_RENEWED);
	assert_int_equal(r.v.until_ns, r.now_ns + 6 * SEC);
	/* Shorter settings while it runs. */
	r.o.conf.hold_ns = 100 * MS;
	assert_int_equal(look_check(&r, false, SEC), OBSERVE_SAME);
	assert_int_equal(r.o.until_ns, r.now_ns + 6 * SEC);
}

/* The checks take it DOWN: the state steers. The trip ends when they have spoken again. */
static void test_down_meanwhile(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	look_wrong(&r.s, HOKM_SIGNAL_REFUSED, 9);
	r.s.suspect_until_ns = UINT64_MAX; /* what the packet path says, all the time */
	assert_int_equal(look_once(&r), OBSERVE_TRIPPED);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
	r.checks_ok = false;
	assert_int_equal(look_run(&r, 30 * SEC), OBSERVE_SAME);
	assert_true(r.o.suspect);
	assert_int_equal(look_check(&r, false, SEC), OBSERVE_RENEWED);
	assert_int_equal(r.v.reason, HOKM_R_PASSIVE_REFUSED);
	assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
	/* UP again, but a check failed a second ago: the rest of the hold damps the flapping. */
	r.checks_ok = true;
	assert_int_equal(look_run(&r, 1900 * MS), OBSERVE_SAME);
	assert_int_equal(look_once(&r), OBSERVE_CLEARED);
	/* And nothing of what was seen at that time trips again. */
	assert_int_equal(look_run(&r, 10 * SEC), OBSERVE_SAME);
	/* Long DOWN: cleared as soon as it is UP. */
	r.s.suspect_until_ns = 0;
	assert_int_equal(trip(&r), 6 * SEC);
	r.checks_ok = false;
	assert_int_equal(look_run(&r, 600 * SEC), OBSERVE_SAME);
	r.checks_ok = true;
	assert_int_equal(look_once(&r), OBSERVE_CLEARED);
}

/* After the end only fresh evidence counts. */
static void test_forgets(void **state)
{
	uint64_t from_ns, to_ns;
	struct observe_rig r;

	(void)state;
	start(&r);
	r.o.conf.hold_ns = 500 * MS;
	r.o.conf.hold_max_ns = 1000 * MS;
	r.o.conf.window_ns = 10 * SEC;
	r.s.suspect_until_ns = r.now_ns + 20 * SEC;
	trip(&r); /* the window's resets and the packet path's word outlast the hold */
	assert_int_equal(look_once(&r), OBSERVE_SAME);
	assert_int_equal(look_run(&r, SEC), OBSERVE_RENEWED);
	run_to_clear(&r);
	assert_int_equal(r.now_ns, r.o.tripped_ns + SEC);
	assert_int_equal(look_run(&r, 100 * MS), OBSERVE_SAME);
	assert_int_equal(look_run(&r, 10 * SEC), OBSERVE_SAME);
	assert_true(observe_late_range(&r.o, HOKM_SIGNAL_PING, r.now_ns, &from_ns, &to_ns));
	assert_int_equal(from_ns, r.o.forget_ns);
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 2);
	assert_int_equal(look_once(&r), OBSERVE_SAME);
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 1);
	assert_int_equal(look_once(&r), OBSERVE_TRIPPED);
}

/* A late look at the end of a hold still sees what waits. */
static void test_stall_at_the_end(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	look_wrong(&r.s, HOKM_SIGNAL_UPGRADE, 4);
	assert_int_equal(look_once(&r), OBSERVE_TRIPPED);
	r.now_ns += 5 * SEC;
	assert_int_equal(look_once(&r), OBSERVE_RENEWED);
	assert_int_equal(r.v.until_ns, r.now_ns + 3 * SEC);
	r.now_ns += 120 * SEC;
	assert_int_equal(look_once(&r), OBSERVE_CLEARED);
}

static void test_reconf(void **state)
{
	struct observe_conf conf;
	struct observe_rig r;

	(void)state;
	/* What was seen is forgotten. */
	start(&r);
	look_conf(&conf);
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 2);
	assert_int_equal(look_once(&r), OBSERVE_SAME);
	conf.hold_ns = 5 * SEC;
	observe_reconf(&r.o, &conf, r.now_ns);
	assert_int_equal(r.o.forget_ns, r.now_ns);
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 2);
	assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
	/* New settings count. */
	assert_int_equal(trip(&r), 5 * SEC);
	/* A running hold stays, and its failed checks still count. */
	conf.hold_ns = SEC;
	observe_reconf(&r.o, &conf, r.now_ns);
	assert_int_equal(look_run(&r, 4900 * MS), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, SEC), OBSERVE_RENEWED);
	run_to_clear(&r);
	/* And the doubling goes on. */
	assert_int_equal(trip(&r), 2 * SEC);
}

/* Switched off: no trip, no renewal, but a running hold comes to its end. */
static void test_off(void **state)
{
	struct observe_conf conf;
	struct observe_rig r;

	(void)state;
	start(&r);
	look_conf(&conf);
	assert_int_equal(observe_next_ns(&r.o, r.now_ns), RIG_T0 + 100 * MS);
	look_wrong(&r.s, HOKM_SIGNAL_PING, 9);
	assert_int_equal(look_once(&r), OBSERVE_TRIPPED);
	conf.on = false;
	observe_reconf(&r.o, &conf, r.now_ns);
	assert_int_equal(observe_next_ns(&r.o, r.now_ns), r.o.until_ns);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
	assert_int_equal(look_run(&r, 2900 * MS), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, SEC), OBSERVE_SAME);
	assert_int_equal(look_once(&r), OBSERVE_CLEARED);
	assert_int_equal(observe_next_ns(&r.o, r.now_ns), 0);
	assert_int_equal(look_run(&r, 60 * SEC), OBSERVE_SAME);
	/* On again: from now. */
	conf.on = true;
	r.s.late_pings = 0;
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 9);
	observe_reconf(&r.o, &conf, r.now_ns);
	assert_int_equal(look_run(&r, 3 * SEC), OBSERVE_SAME);
	assert_true(trip(&r) > 0);
	/* Off from the start. */
	conf.on = false;
	observe_init(&r.o, &conf, r.now_ns);
	assert_int_equal(observe_next_ns(&r.o, r.now_ns), 0);
}

/* Every sample, also right after a clear or while the service is DOWN, never without a pause. */
static void test_next(void **state)
{
	struct observe_conf conf;
	struct observe_rig r;

	(void)state;
	look_conf(&conf);
	observe_init(&r.o, &conf, RIG_T0);
	assert_int_equal(observe_next_ns(&r.o, RIG_T0), RIG_T0);
	start(&r);
	assert_int_equal(observe_next_ns(&r.o, r.now_ns + 5), r.now_ns + 100 * MS);
	trip(&r);
	run_to_clear(&r);
	assert_int_equal(observe_next_ns(&r.o, r.now_ns), r.now_ns + 100 * MS);
	r.checks_ok = false;
	look_once(&r);
	assert_int_equal(observe_next_ns(&r.o, r.now_ns), r.now_ns + 100 * MS);
	observe_reconf(&r.o, &conf, r.now_ns + 10 * MS);
	assert_int_equal(observe_next_ns(&r.o, r.now_ns + 10 * MS), r.now_ns + 100 * MS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_when_over),
		cmocka_unit_test(test_doubling),
		cmocka_unit_test(test_first_is_never_doubled),
		cmocka_unit_test(test_longest_below_first),
		cmocka_unit_test(test_traffic_renews),
		cmocka_unit_test(test_renewed_by_another),
		cmocka_unit_test(test_failed_check_renews),
		cmocka_unit_test(test_bounded_after_failed_check),
		cmocka_unit_test(test_failed_check_and_doubling),
		cmocka_unit_test(test_down_meanwhile),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_stall_at_the_end),
		cmocka_unit_test(test_reconf),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
