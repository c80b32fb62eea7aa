/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passive checks: what proves that it is the server who does not answer. For SYNs a full queue, for
 * upgrades more than twice the time that this service takes.
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syns_without_a_full_queue_never_trip),
		cmocka_unit_test(test_limit_of_upgrades_follows_the_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
