/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passive checks: what proves that it is the server who does not answer. For SYNs a full queue, for
 * upgrades more than twice the time that this service takes, for connections that end without an
 * answer an active check.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "observe_rig.h"

static void start(struct observe_rig *r)
{
	struct observe_conf conf;

	look_conf(&conf);
	look_init(r, &conf);
}

/* Only a full queue shows that it is the server who does not answer (rule 4). */
static void test_syns_without_a_full_queue_never_trip(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	for (int i = 0; i < 100; i++) {
		r.s.syn += 1000;
		assert_true(i == 0 || observe_asks_queue(&r.o, &r.s));
		assert_int_equal(look_once(&r), OBSERVE_SAME);
	}
	r.s.queue_full = true;
	r.s.syn += 1000;
	look_once(&r);
	assert_int_equal(r.v.change, OBSERVE_TRIPPED);
	assert_int_equal(r.v.signal, HOKM_SIGNAL_SYN);
	/* SYNs that a packet filter answered with a RST need no look at the queue. */
	start(&r);
	r.s.syn += 10;
	r.s.syn_ack += 4;
	r.s.filtered += 6;
	assert_false(observe_asks_queue(&r.o, &r.s));
	r.s.syn++;
	assert_true(observe_asks_queue(&r.o, &r.s));
}

/* Twice the service's own median, between `after` and ten times that. */
static void test_limit_of_upgrades_follows_the_service(void **state)
{
	static const struct {
		uint64_t pace_ms, limit_ms;
	} rows[] = {{0, 500},    {1, 500},     {250, 500},   {251, 502},
		    {700, 1400}, {2499, 4998}, {2501, 5000}, {90000, 5000}};
	struct observe_rig r;

	(void)state;
	start(&r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		observe_pace(&r.o, rows[i].pace_ms * MS);
		assert_int_equal(observe_after_ns(&r.o, HOKM_SIGNAL_UPGRADE),
				 rows[i].limit_ms * MS);
		assert_int_equal(observe_after_ns(&r.o, HOKM_SIGNAL_PING), 500 * MS);
	}
	observe_pace(&r.o, UINT64_MAX);
	assert_int_equal(observe_after_ns(&r.o, HOKM_SIGNAL_UPGRADE), 5000 * MS);
}

/* One more sample, without the check that the rig would do. */
static enum observe_change doubt_once(struct observe_rig *r)
{
	r->now_ns += r->o.conf.sample_ns;
	observe_step(&r->o, &r->s, r->checks_ok, r->now_ns, &r->v);
	return r->v.change;
}

static void begin_doubt(struct observe_rig *r)
{
	start(r);
	r->s.unserved += 3;
	assert_int_equal(doubt_once(r), OBSERVE_DOUBTED);
	assert_int_equal(r->v.signal, HOKM_SIGNAL_UNSERVED);
	assert_int_equal(r->v.reason, HOKM_R_PASSIVE_UNSERVED);
	assert_int_equal(r->v.wrong, 3);
	assert_int_equal(r->v.until_ns, 0);
	assert_false(r->o.suspect);
}

/* A failure that began in the doubt, however long it took; the next one of that check trips. */
static void test_check_decides_a_doubt(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	begin_doubt(&r);
	assert_int_equal(look_check(&r, true, 0), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, 1), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
	assert_false(r.o.suspect);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_TRIPPED);
	assert_true(r.o.suspect);
	assert_int_equal(r.v.reason, HOKM_R_PASSIVE_UNSERVED);
	assert_int_equal(r.v.wrong, 3);
	assert_int_equal(r.v.all, 3);
	assert_int_equal(r.v.until_ns, r.now_ns + 3 * SEC);
	assert_int_equal(r.o.trips, 1);

	begin_doubt(&r);
	r.now_ns += 13 * SEC - 1; /* an unresponsive game, a timeout of 10 s */
	assert_int_equal(look_check(&r, false, 10 * SEC), OBSERVE_SAME);
	r.now_ns += 10 * SEC;
	assert_int_equal(look_check(&r, false, 10 * SEC), OBSERVE_TRIPPED);
	begin_doubt(&r);
	r.now_ns += 13 * SEC;
	assert_int_equal(look_check(&r, false, 10 * SEC), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
}

/* One that a doubt had run ends now. */
static enum observe_change check_of(struct observe_rig *r, unsigned int check, bool ok)
{
	const struct observe_result of = {check, ok, true, r->now_ns - 10 * SEC};

	observe_check(&r->o, &of, r->now_ns, &r->v);
	return r->v.change;
}

/*
 * Another client is turned away each 4 s, which begins a new doubt, and the checks of an
 * unresponsive game take 10 s. Or the check of a doubt waited until the doubt was over.
 */
static void test_check_of_a_former_doubt_counts(void **state)
{
	struct observe_rig r;

	(void)state;
	begin_doubt(&r);
	for (int i = 0; i < 4; i++) {
		r.now_ns += 4 * SEC;
		r.s.unserved += 3;
		assert_int_equal(doubt_once(&r), OBSERVE_DOUBTED);
	}
	assert_int_equal(check_of(&r, 0, false), OBSERVE_SAME);
	r.now_ns += 10 * SEC;
	assert_int_equal(check_of(&r, 0, false), OBSERVE_TRIPPED);
	begin_doubt(&r);
	r.now_ns += 60 * SEC;
	assert_int_equal(check_of(&r, 0, false), OBSERVE_SAME);
	assert_int_equal(check_of(&r, 0, false), OBSERVE_TRIPPED);
	/* There has been no doubt at all. */
	start(&r);
	assert_int_equal(check_of(&r, 0, false), OBSERVE_SAME);
	assert_int_equal(check_of(&r, 0, false), OBSERVE_SAME);
}

/* A healthy server misses one check of many, as often as a client who is banned has it asked. */
static void test_single_failures_never_trip(void **state)
{
	struct observe_rig r;

	(void)state;
	begin_doubt(&r);
	for (int i = 0; i < 100; i++) {
		r.s.unserved += 3;
		assert_int_equal(doubt_once(&r), OBSERVE_DOUBTED);
		assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
		assert_int_equal(look_check(&r, true, 0), OBSERVE_SAME);
	}
	/* Two checks of the service fail once, each in turn. One of them fails twice. */
	assert_int_equal(check_of(&r, 0, false), OBSERVE_SAME);
	assert_int_equal(check_of(&r, 1, false), OBSERVE_SAME);
	assert_int_equal(check_of(&r, 0, true), OBSERVE_SAME);
	assert_int_equal(check_of(&r, 1, false), OBSERVE_TRIPPED);
	/* What failed before the end of a trip does not count after it. */
	begin_doubt(&r);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
	observe_reconf(&r.o, &r.o.conf, r.now_ns);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
}

/* A doubt is renewed by more clients, and by nothing else. */
static void test_doubt_follows_the_clients(void **state)
{
	struct observe_rig r;

	(void)state;
	begin_doubt(&r);
	for (int i = 0; i < 30; i++)
		assert_int_equal(doubt_once(&r), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME); /* the doubt is over */
	/* Two more are below the limit by now, a third one is not. */
	r.s.unserved += 2;
	assert_int_equal(doubt_once(&r), OBSERVE_SAME);
	r.s.unserved += 1;
	assert_int_equal(doubt_once(&r), OBSERVE_DOUBTED);
	assert_int_equal(look_check(&r, false, 100 * MS), OBSERVE_SAME); /* began before it */
	for (int i = 0; i < 60; i++) {
		r.s.unserved += 1;
		assert_int_equal(doubt_once(&r), OBSERVE_DOUBTED);
	}
	/* A check that took long, while more and more clients were turned away. */
	assert_int_equal(look_check(&r, false, 5 * SEC), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_TRIPPED);
}

static void test_no_doubt_without_reason(void **state)
{
	struct observe_rig r;

	(void)state;
	/* While checks fail anyway; that time does not count afterwards. */
	begin_doubt(&r);
	r.checks_ok = false;
	r.s.unserved += 50;
	assert_int_equal(doubt_once(&r), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
	r.checks_ok = true;
	assert_int_equal(doubt_once(&r), OBSERVE_SAME);
	/* Few among many who were served. */
	start(&r);
	r.s.unserved += 50;
	r.s.established += 101;
	assert_int_equal(doubt_once(&r), OBSERVE_SAME);
	/* So with TLS or plain HTTP, whose answers are no upgrades. */
	start(&r);
	r.o.conf.limit[HOKM_SIGNAL_UNSERVED] = (struct observe_limit){
		.on = true, .min = 1, .percent = 1};
	r.s.unserved += 1;
	r.s.established += 1000;
	assert_int_equal(doubt_once(&r), OBSERVE_SAME);
	r.s.unserved += 9;
	assert_int_equal(doubt_once(&r), OBSERVE_DOUBTED);
	/* The signal is off, or all are. */
	start(&r);
	r.o.conf.limit[HOKM_SIGNAL_UNSERVED].on = false;
	r.s.unserved += 50;
	assert_int_equal(doubt_once(&r), OBSERVE_SAME);
	begin_doubt(&r);
	r.o.conf.on = false;
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
	/* A trip of another signal takes the place of a doubt, and its end ends both. */
	begin_doubt(&r);
	look_wrong(&r.s, HOKM_SIGNAL_RESET, 10);
	assert_int_equal(doubt_once(&r), OBSERVE_TRIPPED);
	assert_int_equal(r.v.signal, HOKM_SIGNAL_RESET);
	r.s.unserved += 50;
	assert_int_equal(doubt_once(&r), OBSERVE_SAME);
	assert_int_equal(look_run(&r, 10 * SEC), OBSERVE_CLEARED);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
}

/* One 5xx answer begins a doubt, long before the signal is over its limit. */
static void test_server_error_begins_a_doubt(void **state)
{
	struct observe_rig r;

	(void)state;
	start(&r);
	r.s.answered += 100;
	r.s.answer_5xx += 1;
	assert_int_equal(doubt_once(&r), OBSERVE_DOUBTED);
	assert_int_equal(r.v.signal, HOKM_SIGNAL_STATUS);
	assert_int_equal(look_check(&r, true, 0), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_SAME);
	assert_int_equal(look_check(&r, false, 0), OBSERVE_TRIPPED);
	assert_int_equal(r.v.reason, HOKM_R_PASSIVE_STATUS);
	start(&r);
	r.o.conf.limit[HOKM_SIGNAL_STATUS].on = false;
	r.s.answered += 1;
	r.s.answer_5xx += 1;
	assert_int_equal(doubt_once(&r), OBSERVE_SAME);
}

/* A client is turned away each millisecond: how many samples come early in one sample_ns? */
static unsigned int early_samples(struct observe_rig *r, enum hokm_signal signal)
{
	uint64_t end_ns = r->now_ns + r->o.conf.sample_ns;
	unsigned int n = 0;

	for (; r->now_ns < end_ns; r->now_ns += MS) {
		if (!observe_asks(&r->o, signal, r->now_ns))
			continue;
		observe_step(&r->o, &r->s, r->checks_ok, r->now_ns, &r->v);
		n++;
	}
	return n;
}

/* Clients set how often they are turned away, and not how often the daemon looks. */
static void test_early_samples_are_few(void **state)
{
	struct observe_rig r;

	(void)state;
	/* They bring no doubt: the number is below the limit of the signal. */
	start(&r);
	assert_int_equal(early_samples(&r, HOKM_SIGNAL_UNSERVED), 3);
	/* The signal is off, or all are, or there is a doubt or a trip. */
	start(&r);
	r.o.conf.limit[HOKM_SIGNAL_STATUS].on = false;
	assert_int_equal(early_samples(&r, HOKM_SIGNAL_STATUS), 0);
	start(&r);
	r.o.conf.on = false;
	assert_false(observe_asks(&r.o, HOKM_SIGNAL_UNSERVED, r.now_ns + SEC));
	begin_doubt(&r);
	assert_false(observe_asks(&r.o, HOKM_SIGNAL_UNSERVED, r.now_ns + SEC));
	assert_true(observe_asks(&r.o, HOKM_SIGNAL_UNSERVED, r.now_ns + 3 * SEC));
	look_check(&r, false, 0);
	look_check(&r, false, 0);
	assert_false(observe_asks(&r.o, HOKM_SIGNAL_UNSERVED, r.now_ns + 60 * SEC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syns_without_a_full_queue_never_trip),
		cmocka_unit_test(test_limit_of_upgrades_follows_the_service),
		cmocka_unit_test(test_check_decides_a_doubt),
		cmocka_unit_test(test_check_of_a_former_doubt_counts),
		cmocka_unit_test(test_single_failures_never_trip),
		cmocka_unit_test(test_doubt_follows_the_clients),
		cmocka_unit_test(test_no_doubt_without_reason),
		cmocka_unit_test(test_server_error_begins_a_doubt),
		cmocka_unit_test(test_early_samples_are_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
