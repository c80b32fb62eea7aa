/* SPDX-License-Identifier: GPL-2.0-only */
/* Passive checks: how long a trip lasts. What begins one is in test_observe.c. */
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

/* Five resets in one sample; returns how long the trip will last. */
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

/* Each trip soon after the last lasts twice as long, up to hold_max_ns; calm_ns ends that. */
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
	/* 59.9 s after the end of the last trip are too short, 60 s are enough. */
	assert_int_equal(trip(&r), 60 * SEC);
	run_to_clear(&r);
	assert_int_equal(look_run(&r, 59900 * MS), OBSERVE_SAME);
	assert_int_equal(trip(&r), 3 * SEC);
	assert_int_equal(r.o.level, 0);
	run_to_clear(&r);
	assert_int_equal(trip(&r), 6 * SEC);
}

/* A trip soon after boot is a first trip, although all times are close to 0 then. */
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
	/* hold_ns 0: each trip is over at the next sample. */
	r.o.conf.hold_ns = 0;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(trip(&r), 0);
		assert_int_equal(look_once(&r), OBSERVE_CLEARED);
	}
}

/* Failing traffic renews a trip; without a failed check, up to hold_max_ns. */
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
	/* The same, where hold_max_ns is not a multiple of hold_ns. */
	start(&r);
	r.o.conf.hold_max_ns = 4 * SEC;
	look_wrong(&r.s, HOKM_SIGNAL_PING, 4);
	assert_int_equal(look_once(&r), OBSERVE_TRIPPED);
	assert_int_equal(look_run(&r, 60 * SEC), OBSERVE_RENEWED);
	assert_int_equal(r.v.until_ns, r.o.tripped_ns + 4 * SEC);
	run_to_clear(&r);
	assert_int_equal(r.now_ns, r.o.tripped_ns + 4 * SEC);
}

/* A renewal names the signal that caused it; the trip keeps its own reason. */
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
	/* It started before the trip and does not count. */
	assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, 1001 * MS), OBSERVE_SAME);
	assert_int_equal(r.o.failed_ns, 0);
	assert_int_equal(r.o.until_ns, r.o.tripped_ns + 3 * SEC);
	/* It started with the trip and counts. */
	assert_int_equal(look_check(&r, false, 1000 * MS), OBSERVE_RENEWED);
	assert_int_equal(r.v.reason, HOKM_R_PASSIVE_RESET);
	assert_int_equal(r.v.signal, HOKM_SIGNAL_COUNT);
	assert_int_equal(r.v.until_ns, r.now_ns + 3 * SEC);
	/* A check that passed changes nothing. */
	assert_int_equal(look_check(&r, true, MS), OBSERVE_SAME);
	assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
	assert_int_equal(look_check(&r, true, MS), OBSERVE_SAME);
	assert_int_equal(r.o.until_ns, r.now_ns + 2 * SEC);
	assert_int_equal(look_run(&r, 1900 * MS), OBSERVE_SAME);
	assert_true(r.o.suspect);
	/* While checks fail, the trip lasts far beyond hold_max_ns. */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(look_check(&r, false, MS), OBSERVE_RENEWED);
		assert_int_equal(r.v.until_ns, r.now_ns + 3 * SEC);
		assert_int_equal(look_run(&r, 2 * SEC), OBSERVE_SAME);
	}
	run_to_clear(&r);
	assert_int_equal(r.now_ns, r.o.failed_ns + 3 * SEC);
	/* Without a trip, a failed check changes nothing. */
	assert_int_equal(look_check(&r, false, MS), OBSERVE_SAME);
	assert_false(r.o.suspect);
}

/* After a check that failed long ago, the same few requests do not renew the trip without limit. */
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
	/* The failed check does not count for the next trip. */
	r.s.late_upgrades = 0;
	assert_int_equal(trip(&r), 6 * SEC);
	assert_int_equal(r.o.failed_ns, 0);
}

/* A failed check renews by the duration of the present trip, and never shortens it. */
static void test_failed_check_and_doubling(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	trip(&r);
	run_to_clear(&r);
	assert_int_equal(trip(&r), 6 * SEC);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME); /* the end would be the same */
	assert_int_equal(r.o.failed_ns, r.now_ns);
	assert_int_equal(look_run(&r, 2 * SEC), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, SEC), OBSERVE_RENEWED);
	assert_int_equal(r.v.until_ns, r.now_ns + 6 * SEC);
	/* Shorter settings during the trip. */
	r.o.conf.hold_ns = 100 * MS;
	assert_int_equal(look_check(&r, false, SEC), OBSERVE_SAME);
	assert_int_equal(r.o.until_ns, r.now_ns + 6 * SEC);
}

/* The service goes DOWN during a trip: the trip ends when the service is UP again. */
static void test_down_meanwhile(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	look_wrong(&r.s, HOKM_SIGNAL_REFUSED, 9);
	r.s.suspect_until_ns = UINT64_MAX; /* the packet path avoids it all the time */
	assert_int_equal(look_once(&r), OBSERVE_TRIPPED);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
	r.checks_ok = false;
	assert_int_equal(look_run(&r, 30 * SEC), OBSERVE_SAME);
	assert_true(r.o.suspect);
	assert_int_equal(look_check(&r, false, SEC), OBSERVE_RENEWED);
	assert_int_equal(r.v.reason, HOKM_R_PASSIVE_REFUSED);
	assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
	/* UP again, but a check failed a second ago: the rest of the trip dampens flapping. */
	r.checks_ok = true;
	assert_int_equal(look_run(&r, 1900 * MS), OBSERVE_SAME);
	assert_int_equal(look_once(&r), OBSERVE_CLEARED);
	/* Samples of that time do not trip again. */
	assert_int_equal(look_run(&r, 10 * SEC), OBSERVE_SAME);
	/* After a long DOWN the trip ends as soon as the service is UP. */
	r.s.suspect_until_ns = 0;
	assert_int_equal(trip(&r), 6 * SEC);
	r.checks_ok = false;
	assert_int_equal(look_run(&r, 600 * SEC), OBSERVE_SAME);
	r.checks_ok = true;
	assert_int_equal(look_once(&r), OBSERVE_CLEARED);
}

/* After the end of a trip only later traffic counts. */
static void test_old_traffic_does_not_count(void **state)
{
	uint64_t from_ns, to_ns;
	struct observe_rig r;

	(void)state;
	start(&r);
	r.o.conf.hold_ns = 500 * MS;
	r.o.conf.hold_max_ns = 1000 * MS;
	r.o.conf.window_ns = 10 * SEC;
	r.s.suspect_until_ns = r.now_ns + 20 * SEC;
	/* The resets stay in the window, and suspect_until_ns comes after the end of the trip. */
	trip(&r);
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

/* A late sample at the end of a trip still counts waiting requests. */
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
	/* Samples are discarded. */
	start(&r);
	look_conf(&conf);
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 2);
	assert_int_equal(look_once(&r), OBSERVE_SAME);
	conf.hold_ns = 5 * SEC;
	observe_reconf(&r.o, &conf, r.now_ns);
	assert_int_equal(r.o.forget_ns, r.now_ns);
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 2);
	assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
	/* The new settings apply. */
	assert_int_equal(trip(&r), 5 * SEC);
	/* A trip continues, and its failed checks still count. */
	conf.hold_ns = SEC;
	observe_reconf(&r.o, &conf, r.now_ns);
	assert_int_equal(look_run(&r, 4900 * MS), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, SEC), OBSERVE_RENEWED);
	run_to_clear(&r);
	/* The doubling continues. */
	assert_int_equal(trip(&r), 2 * SEC);
}

/* Switched off: no trip begins and none is renewed, but a present one ends at its time. */
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
	/* Switched on again: only traffic from now on counts. */
	conf.on = true;
	r.s.late_pings = 0;
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 9);
	observe_reconf(&r.o, &conf, r.now_ns);
	assert_int_equal(look_run(&r, 3 * SEC), OBSERVE_SAME);
	assert_true(trip(&r) > 0);
	/* Switched off from the start. */
	conf.on = false;
	observe_init(&r.o, &conf, r.now_ns);
	assert_int_equal(observe_next_ns(&r.o, r.now_ns), 0);
}

/* A sample is due every sample_ns, also after the end of a trip and while the service is DOWN. */
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
		cmocka_unit_test(test_old_traffic_does_not_count),
		cmocka_unit_test(test_stall_at_the_end),
		cmocka_unit_test(test_reconf),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
