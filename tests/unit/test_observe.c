/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passive checks: which traffic trips which signal, and which traffic trips none. How long a trip
 * lasts is in test_observe_hold.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "observe_rig.h"

#define EACH_SIGNAL(i) (enum hokm_signal i = 0; i < HOKM_SIGNAL_COUNT; i++)

static void start(struct observe_rig *r)
{
	struct observe_conf conf;

	look_conf(&conf);
	look_init(r, &conf);
}

/* The SYNs of the newest sample do not count yet: one more sample, without traffic, makes them. */
static enum observe_change look_twice(struct observe_rig *r)
{
	enum observe_change change = look_once(r);

	return change == OBSERVE_SAME ? look_once(r) : change;
}

static void assert_tripped(const struct observe_rig *r, enum hokm_signal signal, uint64_t wrong,
			   uint64_t all)
{
	const struct observe_verdict *v = &r->v;

	if (v->change != OBSERVE_TRIPPED || v->signal != signal ||
	    v->reason != hokm_signal_reason(signal) || v->wrong != wrong || v->all != all)
		fail_msg("signal %d, reason %s: change %d, signal %d, reason %s, %llu of %llu",
			 signal, hokm_reason_name(hokm_signal_reason(signal)), v->change, v->signal,
			 hokm_reason_name(v->reason), (unsigned long long)v->wrong,
			 (unsigned long long)v->all);
	assert_true(r->o.suspect);
	assert_int_equal(r->o.reason, v->reason);
}

static void assert_calm(const struct observe_rig *r)
{
	if (r->v.change != OBSERVE_SAME || r->o.suspect)
		fail_msg("change %d, reason %s, %llu of %llu", r->v.change,
			 hokm_reason_name(r->v.reason), (unsigned long long)r->v.wrong,
			 (unsigned long long)r->v.all);
	assert_int_equal(r->v.signal, HOKM_SIGNAL_COUNT);
	assert_int_equal(r->v.until_ns, 0);
}

static void test_each_has_its_reason(void **state)
{
	struct observe_rig r;

	(void)state;
	for
		EACH_SIGNAL(i)
		{
			start(&r);
			look_wrong(&r.s, i, 7);
			look_twice(&r);
			assert_tripped(&r, i, 7, 7);
			assert_int_equal(r.v.until_ns, r.now_ns + 3 * SEC);
			assert_int_equal(r.o.trips, 1);
			/* A trip is reported once. */
			assert_int_equal(look_once(&r), OBSERVE_SAME);
			assert_int_equal(r.o.trips, 1);
		}
}

static void test_little_traffic(void **state)
{
	struct observe_rig r;

	(void)state;
	for
		EACH_SIGNAL(i)
		{
			start(&r);
			look_wrong(&r.s, i, 2); /* all requests fail, but fewer than three */
			look_twice(&r);
			assert_calm(&r);
			look_wrong(&r.s, i, 1);
			look_twice(&r);
			assert_tripped(&r, i, 3, 3);
		}
}

/* Three requests fail in two seconds, never more: the percentage decides. */
static void test_percent(void **state)
{
	static const struct {
		unsigned int percent, wrong, good;
		bool trips;
	} rows[] = {
		{50, 5, 5, true},    {50, 5, 6, false},    {50, 3, 3, true},
		{50, 3, 4, false},   {100, 9, 0, true},    {100, 9, 1, false},
		{1, 3, 297, true},   {1, 3, 298, false},   {34, 34, 66, true},
		{34, 33, 67, false}, {99, 99, 1, true},    {99, 98, 2, false},
		{50, 40, 60, false}, {20, 100, 400, true}, {20, 100, 401, false},
	};
	struct observe_rig r;

	(void)state;
	for
		EACH_SIGNAL(i)
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		start(&r);
		r.o.conf.limit[i].percent = rows[row].percent;
		look_wrong(&r.s, i, rows[row].wrong);
		look_good(&r.s, i, rows[row].good);
		look_twice(&r);
		if (rows[row].trips)
			assert_tripped(&r, i, rows[row].wrong, rows[row].wrong + rows[row].good);
		else if (r.o.suspect)
			fail_msg("signal %d, row %zu: tripped", i, row);
	}
}

static void test_switched_off(void **state)
{
	struct observe_conf conf;
	struct observe_rig r;

	(void)state;
	for
		EACH_SIGNAL(i)
		{
			look_conf(&conf);
			conf.limit[i].on = false;
			look_init(&r, &conf);
			look_wrong(&r.s, i, 50);
			r.s.suspect_until_ns = i == HOKM_SIGNAL_REFUSED ? UINT64_MAX : 0;
			assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
			assert_calm(&r);
			/* The other signals still work. */
			look_wrong(&r.s, (i + 1) % HOKM_SIGNAL_COUNT, 100);
			look_twice(&r);
			assert_int_equal(r.v.signal, (i + 1) % HOKM_SIGNAL_COUNT);
		}
	look_conf(&conf);
	conf.on = false;
	look_init(&r, &conf);
	for
		EACH_SIGNAL(i)
	look_wrong(&r.s, i, 50);
	assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
	assert_calm(&r);
}

/* Several signals at once: the clearest one gives the reason. */
static void test_clearest_signal(void **state)
{
	static const enum hokm_signal order[] = {
		HOKM_SIGNAL_REFUSED, HOKM_SIGNAL_UPGRADE, HOKM_SIGNAL_SYN,      HOKM_SIGNAL_STATUS,
		HOKM_SIGNAL_CLOSE,   HOKM_SIGNAL_RESET,   HOKM_SIGNAL_ABNORMAL, HOKM_SIGNAL_PING,
	};
	struct observe_rig r;

	const size_t n = sizeof(order) / sizeof(order[0]);

	(void)state;
	for (size_t a = 0; a < n; a++)
		for (size_t b = a + 1; b < n; b++) {
			start(&r);
			for
				EACH_SIGNAL(i)
			r.o.conf.limit[i].percent = 1;
			/* So that the SYNs count in the same sample as the others. */
			if (order[a] == HOKM_SIGNAL_SYN || order[b] == HOKM_SIGNAL_SYN) {
				look_wrong(&r.s, HOKM_SIGNAL_SYN, 10);
				r.o.conf.limit[HOKM_SIGNAL_SYN].on = false;
				look_once(&r);
				r.o.conf.limit[HOKM_SIGNAL_SYN].on = true;
			}
			if (order[a] != HOKM_SIGNAL_SYN)
				look_wrong(&r.s, order[a], 5);
			if (order[b] != HOKM_SIGNAL_SYN)
				look_wrong(&r.s, order[b], 5);
			assert_int_equal(look_once(&r), OBSERVE_TRIPPED);
			if (r.v.signal != order[a])
				fail_msg("%s before %s: gave %s", hokm_signal_name(order[a]),
					 hokm_signal_name(order[b]), hokm_signal_name(r.v.signal));
			assert_int_equal(look_once(&r), OBSERVE_SAME);
		}
}

/* A sample may be taken between a SYN and its answer. */
static void test_syns_before_their_answer(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	r.s.queue_full = true;
	for (int i = 0; i < 100; i++) {
		r.s.syn_ack = r.s.syn;
		r.s.syn += 1000;
		assert_int_equal(look_once(&r), OBSERVE_SAME);
	}
	/* An extra sample right after one does not count them either. */
	r.now_ns += MS;
	observe_step(&r.o, &r.s, true, r.now_ns, &r.v);
	assert_calm(&r);
	/* A SYN without an answer for a whole sample counts. */
	assert_int_equal(look_once(&r), OBSERVE_SAME);
	for (int i = 0; i < 20 && r.v.change == OBSERVE_SAME; i++) {
		r.s.syn += 1000;
		look_once(&r);
	}
	assert_int_equal(r.v.signal, HOKM_SIGNAL_SYN);
	assert_true(r.v.wrong <= r.v.all);
}

static void test_syns_answered_otherwise(void **state)
{
	struct observe_rig r;

	(void)state;
	/* A refused SYN has an answer; it counts for the signal `refused`. */
	start(&r);
	r.o.conf.limit[HOKM_SIGNAL_REFUSED].on = false;
	look_wrong(&r.s, HOKM_SIGNAL_REFUSED, 50);
	assert_int_equal(look_run(&r, 3 * SEC), OBSERVE_SAME);
	/*
	 * More answers than SYNs, as when SYN-ACKs are repeated: the difference is not negative.
	 */
	start(&r);
	r.s.syn += 10;
	r.s.syn_ack += 50;
	assert_int_equal(look_run(&r, 3 * SEC), OBSERVE_SAME);
	/* Some of both, and five without an answer. */
	start(&r);
	r.s.queue_full = true;
	r.o.conf.limit[HOKM_SIGNAL_REFUSED].on = false;
	r.s.syn += 10;
	r.s.syn_ack += 2;
	r.s.refused += 3;
	look_twice(&r);
	assert_tripped(&r, HOKM_SIGNAL_SYN, 5, 10);
}

/* What happened before the window does not count. */
static void test_window(void **state)
{
	struct observe_rig r;

	(void)state;
	for
		EACH_SIGNAL(i)
		{
			if (i == HOKM_SIGNAL_UPGRADE || i == HOKM_SIGNAL_PING)
				continue;
			/* One in a second: at most two in any window of two seconds. */
			start(&r);
			r.o.conf.limit[i].percent = 1;
			for (int n = 0; n < 60; n++) {
				look_wrong(&r.s, i, 1);
				assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
			}
			/* Two old ones are still in the window, and one is new. */
			start(&r);
			look_wrong(&r.s, i, 2);
			assert_int_equal(look_run(&r, 1800 * MS), OBSERVE_SAME);
			look_wrong(&r.s, i, 1);
			look_twice(&r);
			assert_tripped(&r, i, 3, 3);
			/* The old ones have just left the window. */
			start(&r);
			look_wrong(&r.s, i, 2);
			assert_int_equal(look_run(&r, 2100 * MS), OBSERVE_SAME);
			look_wrong(&r.s, i, 1);
			look_twice(&r);
			assert_calm(&r);
		}
}

/*
 * A window that is longer than the ring compares with the oldest sample, also after the ring has
 * wrapped around many times.
 */
static void test_window_beyond_ring(void **state)
{
	struct observe_rig r;

	(void)state;
	for (int rounds = 0; rounds < 3; rounds++) {
		start(&r);
		r.o.conf.window_ns = UINT64_MAX;
		assert_int_equal(look_run(&r, (uint64_t)rounds * 13 * SEC), OBSERVE_SAME);
		look_wrong(&r.s, HOKM_SIGNAL_RESET, 2);
		assert_int_equal(look_run(&r, (OBSERVE_SAMPLES_MAX - 2) * 100 * MS), OBSERVE_SAME);
		look_wrong(&r.s, HOKM_SIGNAL_RESET, 1);
		look_once(&r);
		assert_tripped(&r, HOKM_SIGNAL_RESET, 3, 3);

		start(&r);
		r.o.conf.window_ns = UINT64_MAX;
		look_wrong(&r.s, HOKM_SIGNAL_RESET, 2);
		assert_int_equal(look_run(&r, OBSERVE_SAMPLES_MAX * 100 * MS), OBSERVE_SAME);
		look_wrong(&r.s, HOKM_SIGNAL_RESET, 1);
		look_once(&r);
		assert_calm(&r);
	}
}

/* Extra samples, one for each refused SYN, must not push the window's start out of the ring. */
static void test_extra_samples(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 2);
	for (int i = 0; i < 1000; i++) {
		r.now_ns += MS;
		observe_step(&r.o, &r.s, true, r.now_ns, &r.v);
		assert_calm(&r);
	}
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 1);
	look_once(&r);
	assert_tripped(&r, HOKM_SIGNAL_RESET, 3, 3);
}

/* Answers count for as long as a request may take, not for the whole window. */
static void test_answers_since(void **state)
{
	static const enum hokm_signal waiting[] = {HOKM_SIGNAL_UPGRADE, HOKM_SIGNAL_PING};
	struct observe_rig r;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start(&r);
		assert_int_equal(look_run(&r, 5 * SEC), OBSERVE_SAME);
		look_good(&r.s, waiting[i], 1000);
		assert_int_equal(look_once(&r), OBSERVE_SAME);
		look_wrong(&r.s, waiting[i], 3);
		assert_int_equal(look_run(&r, 400 * MS), OBSERVE_SAME);
		assert_int_equal(look_once(&r), OBSERVE_TRIPPED);
		assert_tripped(&r, waiting[i], 3, 3);
	}
}

/* When the packet path already avoids the service, min and percent do not matter. */
static void test_packet_path_was_first(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	r.o.conf.limit[HOKM_SIGNAL_REFUSED].min = 1000;
	look_good(&r.s, HOKM_SIGNAL_REFUSED, 99);
	look_wrong(&r.s, HOKM_SIGNAL_REFUSED, 1);
	r.s.suspect_until_ns = r.now_ns + 3 * SEC;
	look_once(&r);
	assert_tripped(&r, HOKM_SIGNAL_REFUSED, 1, 100);
	/* Even when the SYN came before the window. */
	start(&r);
	r.s.suspect_until_ns = r.now_ns + 101 * MS;
	look_once(&r);
	assert_tripped(&r, HOKM_SIGNAL_REFUSED, 1, 1);
	/* The packet path avoids it no longer. */
	start(&r);
	r.s.suspect_until_ns = r.now_ns + 100 * MS;
	look_once(&r);
	assert_calm(&r);
	/* The service is DOWN by its checks. */
	start(&r);
	r.checks_ok = false;
	r.s.suspect_until_ns = r.now_ns + 3 * SEC;
	assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
	/* That value was discarded: only another refused SYN counts. */
	r.checks_ok = true;
	assert_int_equal(look_run(&r, SEC), OBSERVE_SAME);
	r.s.suspect_until_ns += 1;
	look_once(&r);
	assert_tripped(&r, HOKM_SIGNAL_REFUSED, 1, 1);
}

/* While a service is DOWN no trip begins, and that time does not count after its recovery. */
static void test_down_service(void **state)
{
	struct observe_rig r;

	(void)state;
	for
		EACH_SIGNAL(i)
		{
			start(&r);
			r.checks_ok = false;
			look_wrong(&r.s, i, 50);
			assert_int_equal(look_run(&r, 5 * SEC), OBSERVE_SAME);
			look_wrong(&r.s, i, 50);
			assert_int_equal(look_once(&r), OBSERVE_SAME);
			assert_int_equal(r.o.forget_ns, r.now_ns);
			assert_int_equal(r.o.trips, 0);
			r.s.late_upgrades = r.s.late_pings = 0; /* they began before forget_ns */
			r.checks_ok = true;
			assert_int_equal(look_run(&r, 5 * SEC), OBSERVE_SAME);
			look_wrong(&r.s, i, 3);
			look_twice(&r);
			assert_tripped(&r, i, 3, 3);
		}
}

/*
 * No sample was taken for a while. The counters of the kernel are right nevertheless; requests may
 * have waited only for the CPU, so that the next sample ignores them.
 */
static void test_stall(void **state)
{
	struct observe_rig r;

	(void)state;
	for
		EACH_SIGNAL(i)
		{
			bool waits = i == HOKM_SIGNAL_UPGRADE || i == HOKM_SIGNAL_PING;

			start(&r);
			assert_int_equal(look_run(&r, 3 * SEC), OBSERVE_SAME);
			look_wrong(&r.s, i, 20);
			r.now_ns += 30 * SEC;
			look_once(&r);
			if (waits || i == HOKM_SIGNAL_SYN)
				assert_calm(&r);
			else
				assert_tripped(&r, i, 20, 20);
			/* Ten times sample_ns is not a stall yet. */
			start(&r);
			look_wrong(&r.s, i, 20);
			r.now_ns += 900 * MS;
			look_once(&r);
			if (waits)
				assert_tripped(&r, i, 20, 20);
			/* The second sample after the stall counts everything. */
			start(&r);
			r.now_ns += 30 * SEC;
			look_once(&r);
			look_wrong(&r.s, i, 20);
			look_twice(&r);
			assert_tripped(&r, i, 20, 20);
		}
	/* A stall without failures trips nothing. */
	start(&r);
	for
		EACH_SIGNAL(i)
	look_good(&r.s, i, 1000);
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 30);
	look_wrong(&r.s, HOKM_SIGNAL_STATUS, 30);
	r.now_ns += 60 * SEC;
	assert_int_equal(look_once(&r), OBSERVE_SAME);
	assert_int_equal(look_run(&r, 3 * SEC), OBSERVE_SAME);
}

static void test_late_range(void **state)
{
	uint64_t from_ns = 1, to_ns = 1;
	struct observe_rig r;
	uint64_t now_ns;

	(void)state;
	start(&r);
	for
		EACH_SIGNAL(i)
		{
			bool waits = i == HOKM_SIGNAL_UPGRADE || i == HOKM_SIGNAL_PING;

			assert_false(observe_late_range(&r.o, i, RIG_T0, &from_ns, &to_ns));
			assert_false(
				observe_late_range(&r.o, i, RIG_T0 + 500 * MS, &from_ns, &to_ns));
			assert_int_equal(observe_late_range(&r.o, i, RIG_T0 + 500 * MS + 1,
							    &from_ns, &to_ns),
					 waits);
			if (!waits)
				continue;
			assert_int_equal(from_ns, RIG_T0);
			assert_int_equal(to_ns, RIG_T0 + 1);
			/* As far back as the map waits remembers, and no request twice. */
			now_ns = RIG_T0 + 3600 * SEC;
			assert_true(observe_late_range(&r.o, i, now_ns, &from_ns, &to_ns));
			assert_int_equal(from_ns, now_ns - (HOKM_WAIT_SLOTS - 1) * HOKM_WAIT_NS);
			assert_int_equal(to_ns, now_ns - 500 * MS);
			r.o.conf.limit[i].on = false;
			assert_false(observe_late_range(&r.o, i, now_ns, &from_ns, &to_ns));
			r.o.conf.limit[i].on = true;
			r.o.conf.on = false;
			assert_false(observe_late_range(&r.o, i, now_ns, &from_ns, &to_ns));
			r.o.conf.on = true;
		}
	/* The machine has just booted. */
	observe_init(&r.o, &r.o.conf, 0);
	assert_false(observe_late_range(&r.o, HOKM_SIGNAL_PING, 100 * MS, &from_ns, &to_ns));
	assert_true(observe_late_range(&r.o, HOKM_SIGNAL_PING, SEC, &from_ns, &to_ns));
	assert_int_equal(from_ns, 0);
	assert_int_equal(to_ns, 500 * MS);
}

/* Numbers beyond any real traffic: nothing overflows, and no trip begins without a reason. */
static void test_extremes(void **state)
{
	struct observe_conf conf;
	struct observe_rig r;

	(void)state;
	look_conf(&conf);
	conf.window_ns = conf.sample_ns = conf.hold_ns = conf.hold_max_ns = conf.calm_ns =
		UINT64_MAX;
	for
		EACH_SIGNAL(i)
	conf.limit[i] = (struct observe_limit){true, 1, 100, UINT64_MAX};
	look_init(&r, &conf);
	memset(&r.s, 0xff, sizeof(r.s));
	r.s.suspect_until_ns = 0;
	r.s.late_upgrades = r.s.late_pings = 0;
	r.s.refused = r.s.syn_ack; /* no SYN was refused */
	r.now_ns = UINT64_MAX;
	observe_step(&r.o, &r.s, true, r.now_ns, &r.v);
	assert_int_equal(r.v.change, OBSERVE_TRIPPED);
	assert_int_equal(r.v.until_ns, UINT64_MAX);
	assert_int_equal(observe_next_ns(&r.o, r.now_ns), UINT64_MAX);

	/* Just under the limit, where an overflow of 32 or 64 bits would be over it. */
	start(&r);
	r.s.answer_5xx = UINT64_MAX / 2;
	r.s.answered = UINT64_MAX;
	assert_int_equal(look_once(&r), OBSERVE_SAME);
	start(&r);
	r.s.late_upgrades = UINT32_MAX;
	r.s.answered += 3ULL * UINT32_MAX;
	assert_int_equal(look_once(&r), OBSERVE_SAME);
	/* 50 times this is a little over 2^64. */
	start(&r);
	look_wrong(&r.s, HOKM_SIGNAL_STATUS, 3);
	r.s.answered += UINT64_MAX / 50;
	assert_int_equal(look_once(&r), OBSERVE_SAME);
	/* Counters that became smaller, as after a conflict of pins: no huge difference. */
	start(&r);
	r.s = (struct observe_sample){0};
	assert_int_equal(look_run(&r, 3 * SEC), OBSERVE_SAME);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_has_its_reason),
		cmocka_unit_test(test_little_traffic),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_clearest_signal),
		cmocka_unit_test(test_syns_before_their_answer),
		cmocka_unit_test(test_syns_answered_otherwise),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_window_beyond_ring),
		cmocka_unit_test(test_extra_samples),
		cmocka_unit_test(test_answers_since),
		cmocka_unit_test(test_packet_path_was_first),
		cmocka_unit_test(test_down_service),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_late_range),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
