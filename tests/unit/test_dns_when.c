/* SPDX-License-Identifier: GPL-2.0-only */
/* When a DNS record is read and written, and when it must not be (decide/dns_when.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "decide/dns_when.h"

#define S(n) ((uint64_t)(n)*NS_PER_S)

static const struct dns_when_conf conf = {
	.failover_ns = 0,
	.failback_ns = S(30),
	.min_interval_ns = S(60),
	.verify_ns = S(300),
	.doubt_ns = S(5),
	.retry_ns = S(1),
	.retry_max_ns = S(64),
	.breaker_fall = 5,
	.breaker_ns = S(120),
};

static struct dns_when w;

static int fresh(void **state)
{
	(void)state;
	dns_when_init(&w, &conf, 42);
	return 0;
}

/* This node becomes owner at `at`, because the other one is dead, and its record is right. */
static void own_and_write(uint64_t at)
{
	dns_when_owner(&w, true, false, false, at);
	assert_int_equal(dns_when_next(&w, at), DNS_ACT_WRITE);
	dns_when_result(&w, DNS_CHANGED, 0, at);
	assert_int_equal(w.state, DNS_RIGHT);
}

/* The time from `from` until something is due; fails after an hour. */
static uint64_t due_after(uint64_t from, enum dns_act act)
{
	for (uint64_t at = from; at < from + S(3600); at += S(1) / 4) {
		enum dns_act due = dns_when_next(&w, at);

		if (due == DNS_ACT_NONE)
			continue;
		assert_int_equal(due, act);
		return at - from;
	}
	fail_msg("nothing is due within an hour");
	return 0;
}

static void only_the_owner_writes(void **state)
{
	(void)state;
	assert_int_equal(dns_when_next(&w, S(1)), DNS_ACT_NONE);
	dns_when_owner(&w, false, true, false, S(1));
	assert_int_equal(dns_when_next(&w, S(1000)), DNS_ACT_NONE);
	own_and_write(S(1000));
	assert_int_equal(dns_when_next(&w, S(1001)), DNS_ACT_NONE);
}

static void an_attempt_ends_with_ownership(void **state)
{
	(void)state;
	dns_when_owner(&w, true, false, false, S(1));
	assert_int_equal(dns_when_next(&w, S(1)), DNS_ACT_WRITE);
	assert_int_equal(dns_when_next(&w, S(2)), DNS_ACT_NONE);
	assert_true(dns_when_owner(&w, false, true, false, S(2)));
	/* Its late result changes nothing. */
	dns_when_result(&w, DNS_CHANGED, 0, S(2));
	assert_int_equal(w.state, DNS_AWAY);
	assert_int_equal(dns_when_next(&w, S(1000)), DNS_ACT_NONE);
}

static void two_owners_flip_it_once(void **state)
{
	(void)state;
	own_and_write(S(10));
	/* The look finds that the other one, which also owns, has written it. */
	assert_int_equal(due_after(S(10), DNS_ACT_LOOK), S(5));
	dns_when_result(&w, DNS_OTHER, 0, S(310));
	assert_int_equal(w.state, DNS_CONTESTED);
	for (unsigned int i = 1; i <= 5; i++) {
		due_after(S(1000 * i), DNS_ACT_LOOK);
		dns_when_result(&w, DNS_OTHER, 0, S(1000 * i));
	}
	/* The operator may decide it. */
	assert_false(dns_when_order(&w, false, S(9000)));
	assert_int_equal(dns_when_next(&w, S(9000)), DNS_ACT_WRITE);
}

/* A look at `at`, which finds the record right; returns the time to the next one. */
static uint64_t look_at(uint64_t at)
{
	assert_int_equal(dns_when_next(&w, at), DNS_ACT_LOOK);
	dns_when_result(&w, DNS_SAME, 0, at);
	return w.at_ns - at;
}

/* The record is looked at soon, and less and less often then. */
static void a_second_owner_is_not_found_minutes_late(void **state)
{
	uint64_t at = S(10);

	(void)state;
	own_and_write(at);
	for (uint64_t pause = S(5); pause < S(300); pause *= 2) {
		at = w.at_ns;
		assert_in_range(look_at(at), pause, S(300));
	}
	at = w.at_ns;
	assert_int_equal(look_at(at), S(300));
	/* The other node is heard, and falls silent. */
	dns_when_owner(&w, true, true, false, at + S(20));
	assert_int_equal(look_at(at + S(20)), S(5));
	look_at(at + S(25));
	dns_when_owner(&w, true, false, false, at + S(100));
	assert_int_equal(dns_when_next(&w, at + S(104)), DNS_ACT_NONE);
	assert_int_equal(look_at(at + S(105)), S(5));
	/* One that comes and goes does not make a request each time. */
	for (unsigned int i = 0; i < 8; i++)
		dns_when_owner(&w, true, i % 2 == 0, false, at + S(106));
	assert_int_equal(dns_when_next(&w, at + S(109)), DNS_ACT_NONE);
}

/* ---- a partition, simulated ---- */

struct owner {
	struct dns_when w;
	enum dns_act runs;
	uint64_t end_ns;
};

struct partition {
	struct owner node[2];
	unsigned int record; /* whose address it has */
	unsigned int changes;
	uint32_t random;
};

static unsigned int chance(struct partition *p, unsigned int below)
{
	p->random = p->random * 1664525 + 1013904223;
	return (p->random >> 16) % below;
}

/* The end of what a node does at the provider; requests and answers are lost now and then. */
static enum dns_result attempt(struct partition *p, unsigned int i)
{
	bool write = p->node[i].runs == DNS_ACT_WRITE, right = p->record == i;

	if (chance(p, 4) == 0)
		return chance(p, 2) ? DNS_FAILED : DNS_LIMITED;
	if (right)
		return DNS_SAME;
	if (!write)
		return DNS_OTHER;
	p->record = i;
	p->changes++;
	return chance(p, 4) ? DNS_CHANGED : DNS_FAILED;
}

static void step(struct partition *p, unsigned int i, uint64_t at)
{
	struct owner *o = &p->node[i];

	dns_when_owner(&o->w, true, false, false, at);
	dns_when_sole(&o->w, false, at);
	if (o->runs == DNS_ACT_NONE) {
		o->runs = dns_when_next(&o->w, at);
		o->end_ns = at + S(chance(p, 20));
	} else if (at >= o->end_ns) {
		dns_when_result(&o->w, attempt(p, i), 0, at);
		o->runs = DNS_ACT_NONE;
	}
}

/* Node 0 owns and its record is right. Node 1 does not hear it, and owns too, for twelve hours. */
static void a_partition_changes_the_record_once(void **state)
{
	static struct partition p;

	(void)state;
	for (uint32_t seed = 1; seed <= 100; seed++) {
		p = (struct partition){.random = seed};
		dns_when_init(&p.node[0].w, &conf, seed);
		dns_when_init(&p.node[1].w, &conf, seed + 1000);
		dns_when_owner(&p.node[0].w, true, false, true, S(10));
		for (uint64_t s = 10; s < 43200; s += 5) {
			step(&p, 0, S(s));
			if (s > 500 + seed)
				step(&p, 1, S(s));
			if (p.changes > (s > 500 + seed))
				fail_msg("seed %u: %u changes", seed, p.changes);
		}
		assert_int_equal(p.record, 1);
		assert_int_equal(p.node[0].w.state, DNS_CONTESTED);
		assert_int_equal(p.node[1].w.state, DNS_RIGHT);
	}
}

/* This node owns since 10 s, and finds another one's address at 310 s. */
static void own_and_find_another(void)
{
	own_and_write(S(10));
	due_after(S(10), DNS_ACT_LOOK);
	dns_when_result(&w, DNS_OTHER, 0, S(310));
	assert_int_equal(w.state, DNS_CONTESTED);
}

static void see(bool serves, bool sole, uint64_t at)
{
	dns_when_owner(&w, true, serves, false, at);
	dns_when_sole(&w, sole, at);
}

/*
 * Both nodes are there again, and one of them owns: the record must not keep the name of the other.
 */
static void a_contested_record_is_written_after_the_partition(void **state)
{
	(void)state;
	own_and_find_another();
	see(false, false, S(320));
	assert_int_equal(w.state, DNS_CONTESTED);
	see(true, true, S(330));
	assert_int_equal(dns_when_next(&w, S(359)), DNS_ACT_NONE);
	assert_int_equal(dns_when_next(&w, S(360)), DNS_ACT_WRITE);
}

/* A node that lost the VIP, or died, while its change was on the way to the provider. */
static void a_late_write_does_not_stay_until_a_person_comes(void **state)
{
	(void)state;
	own_and_find_another();
	see(false, true, S(320));
	assert_int_equal(dns_when_next(&w, S(324)), DNS_ACT_NONE);
	assert_int_equal(dns_when_next(&w, S(325)), DNS_ACT_WRITE);
	/* It goes on after a failure. */
	dns_when_result(&w, DNS_FAILED, 0, S(325));
	see(false, true, S(330));
	assert_int_equal(dns_when_next(&w, S(330)), DNS_ACT_WRITE);
	dns_when_result(&w, DNS_CHANGED, 0, S(330));
	assert_int_equal(w.state, DNS_RIGHT);
}

/* Who writes it again is no owner: another program, or another group with the same record. */
static void a_writer_that_comes_again_is_not_fought(void **state)
{
	(void)state;
	own_and_find_another();
	see(true, true, S(320));
	assert_int_equal(dns_when_next(&w, S(350)), DNS_ACT_WRITE);
	dns_when_result(&w, DNS_OTHER, 0, S(350));
	for (uint64_t at = 360; at < 40000; at += 10) {
		see(true, true, S(at));
		if (dns_when_next(&w, S(at)) == DNS_ACT_LOOK)
			dns_when_result(&w, DNS_OTHER, 0, S(at));
		assert_int_equal(w.running, DNS_ACT_NONE);
	}
	assert_int_equal(w.state, DNS_CONTESTED);
	/* Another partition has begun, and ended. */
	see(false, false, S(40000));
	see(true, true, S(40010));
	assert_int_equal(dns_when_next(&w, S(40040)), DNS_ACT_WRITE);
}

/* A single answer of the other node, or of a third one, ends no contest. */
static void a_node_that_is_heard_for_a_moment_makes_no_change(void **state)
{
	(void)state;
	own_and_find_another();
	for (uint64_t at = 320; at < 40000; at += 10) {
		see(at % 20 == 0, at % 20 == 0, S(at));
		see(true, false, S(at + 4));
		see(false, false, S(at + 5));
		assert_int_equal(w.state, DNS_CONTESTED);
		assert_int_not_equal(dns_when_next(&w, S(at + 5)), DNS_ACT_WRITE);
		dns_when_result(&w, DNS_OTHER, 0, S(at + 5));
	}
}

static void failback_waits_while_the_other_serves(void **state)
{
	(void)state;
	dns_when_owner(&w, true, true, false, S(10));
	assert_int_equal(dns_when_next(&w, S(39)), DNS_ACT_NONE);
	assert_int_equal(dns_when_next(&w, S(40)), DNS_ACT_WRITE);
	fresh(NULL);
	/* The other one dies meanwhile. */
	dns_when_owner(&w, true, true, false, S(10));
	dns_when_owner(&w, true, false, false, S(15));
	assert_int_equal(dns_when_next(&w, S(15)), DNS_ACT_WRITE);
}

static void changes_keep_their_distance(void **state)
{
	(void)state;
	own_and_write(S(10));
	dns_when_owner(&w, false, true, false, S(11));
	dns_when_owner(&w, true, false, false, S(12));
	assert_int_equal(dns_when_next(&w, S(69)), DNS_ACT_NONE);
	assert_int_equal(dns_when_next(&w, S(70)), DNS_ACT_WRITE);
}

static void a_restart_writes_nothing(void **state)
{
	(void)state;
	dns_when_owner(&w, true, false, true, S(5));
	assert_int_equal(dns_when_next(&w, S(5)), DNS_ACT_LOOK);
	dns_when_result(&w, DNS_SAME, 0, S(5));
	assert_int_equal(w.state, DNS_RIGHT);
}

static void stop_holds_until_start(void **state)
{
	(void)state;
	own_and_write(S(10));
	dns_when_order(&w, true, S(20));
	assert_int_equal(w.state, DNS_STOPPED);
	dns_when_owner(&w, false, true, false, S(30));
	dns_when_owner(&w, true, true, false, S(40));
	assert_int_equal(dns_when_next(&w, S(4000)), DNS_ACT_NONE);
	/* An order waits for no interval. */
	w.change_ns = S(4999) + conf.min_interval_ns;
	dns_when_order(&w, false, S(5000));
	assert_int_equal(dns_when_next(&w, S(5000)), DNS_ACT_WRITE);
}

/* The next change after a restart: what the clocks say, and how long it waits from then. */
static void a_change_before_a_restart_counts(void **state)
{
	const int64_t then = 1700000000;
	const struct {
		const char *what;
		struct dns_moment change, now;
		uint64_t waits;
	} rows[] = {
		{"no change is known", {0, 0}, {then, S(100)}, 0},
		{"in the same boot", {then, S(90)}, {then + 10, S(100)}, S(50)},
		{"long ago in the same boot", {then, S(90)}, {then + 600, S(690)}, 0},
		{"the clock was set back meanwhile", {then, S(90)}, {then - 5000, S(100)}, S(50)},
		{"the clock was set forward", {then, S(90)}, {then + 5000, S(100)}, S(50)},
		{"set back, and it is long ago", {then, S(90)}, {then - 5000, S(690)}, 0},
		{"a moment that is to come", {then, S(200)}, {then, S(100)}, S(60)},
		{"over a boot", {then, 0}, {then + 40, S(10)}, S(20)},
		{"over a boot, long ago", {then, 0}, {then + 4000, S(10)}, 0},
		{"over a boot, set back", {then, 0}, {then - 5000, S(10)}, S(50)},
		{"set back, and up for long", {then, 0}, {then - 5000, S(60)}, 0},
		{"the clock says less than the boot", {then, 0}, {then + 1, S(45)}, S(15)},
		{"damaged: before all time", {INT64_MIN, 0}, {then, S(10)}, 0},
		{"damaged: after all time", {INT64_MAX, 0}, {then, S(10)}, S(50)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t now = rows[i].now.boot_ns;

		dns_when_init(&w, &conf, 42);
		dns_when_recall(&w, &rows[i].change, &rows[i].now);
		dns_when_owner(&w, true, false, false, now);
		if (due_after(now, DNS_ACT_WRITE) != rows[i].waits)
			fail_msg("%s", rows[i].what);
	}
}

static void failures_back_off_and_open_the_breaker(void **state)
{
	uint64_t at = S(10), pause = 0;

	(void)state;
	dns_when_owner(&w, true, false, false, at);
	for (unsigned int i = 0; i < conf.breaker_fall; i++) {
		uint64_t before = pause;

		pause = due_after(at, DNS_ACT_WRITE);
		/* Each is twice as long, and up to a quarter longer. */
		assert_true(!i || pause >= S(1) << (i - 1));
		assert_true(!i || pause <= (S(1) << (i - 1)) * 5 / 4 + S(1) / 4);
		assert_true(pause >= before);
		at += pause;
		assert_int_equal(w.breaker, DNS_CLOSED);
		dns_when_result(&w, DNS_FAILED, 0, at);
	}
	assert_int_equal(w.breaker, DNS_OPEN);
	assert_true(due_after(at, DNS_ACT_WRITE) >= S(120));
	at += S(121);
	assert_int_equal(w.breaker, DNS_HALF_OPEN);
	/* One failure opens it again, one success closes it. */
	dns_when_result(&w, DNS_FAILED, 0, at);
	assert_int_equal(w.breaker, DNS_OPEN);
	at += due_after(at, DNS_ACT_WRITE);
	dns_when_result(&w, DNS_CHANGED, 0, at);
	assert_int_equal(w.breaker, DNS_CLOSED);
}

static void what_the_provider_asks_for_is_kept(void **state)
{
	(void)state;
	dns_when_owner(&w, true, false, false, S(10));
	assert_int_equal(dns_when_next(&w, S(10)), DNS_ACT_WRITE);
	dns_when_result(&w, DNS_LIMITED, S(200), S(10));
	assert_true(due_after(S(10), DNS_ACT_WRITE) >= S(200));
	/* Wrong credentials are not tried again and again. */
	dns_when_result(&w, DNS_DENIED, 0, S(210));
	assert_int_equal(w.breaker, DNS_OPEN);
	assert_true(due_after(S(210), DNS_ACT_WRITE) >= S(120));
}

/* Also by an owner whose record is right, while a peer comes and goes. */
static void a_peer_does_not_shorten_the_wait(void **state)
{
	uint64_t at;

	(void)state;
	own_and_write(S(10));
	at = w.at_ns;
	assert_int_equal(dns_when_next(&w, at), DNS_ACT_LOOK);
	dns_when_result(&w, DNS_LIMITED, S(300), at);
	for (unsigned int i = 0; i < 4; i++)
		dns_when_owner(&w, true, i % 2 == 0, false, at + S(20));
	assert_int_equal(dns_when_next(&w, at + S(299)), DNS_ACT_NONE);
}

static void a_refusal_is_tried_again_slowly(void **state)
{
	(void)state;
	dns_when_owner(&w, true, false, false, S(10));
	assert_int_equal(dns_when_next(&w, S(10)), DNS_ACT_WRITE);
	dns_when_result(&w, DNS_REFUSED, 0, S(10));
	assert_int_equal(w.state, DNS_STUCK);
	assert_int_equal(w.breaker, DNS_CLOSED);
	assert_int_equal(due_after(S(10), DNS_ACT_WRITE), S(300));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_the_owner_writes, fresh),
		cmocka_unit_test_setup(an_attempt_ends_with_ownership, fresh),
		cmocka_unit_test_setup(two_owners_flip_it_once, fresh),
		cmocka_unit_test_setup(a_second_owner_is_not_found_minutes_late, fresh),
		cmocka_unit_test_setup(a_partition_changes_the_record_once, fresh),
		cmocka_unit_test_setup(a_contested_record_is_written_after_the_partition, fresh),
		cmocka_unit_test_setup(a_late_write_does_not_stay_until_a_person_comes, fresh),
		cmocka_unit_test_setup(a_writer_that_comes_again_is_not_fought, fresh),
		cmocka_unit_test_setup(a_node_that_is_heard_for_a_moment_makes_no_change, fresh),
		cmocka_unit_test_setup(failback_waits_while_the_other_serves, fresh),
		cmocka_unit_test_setup(changes_keep_their_distance, fresh),
		cmocka_unit_test_setup(a_restart_writes_nothing, fresh),
		cmocka_unit_test_setup(stop_holds_until_start, fresh),
		cmocka_unit_test_setup(a_change_before_a_restart_counts, fresh),
		cmocka_unit_test_setup(failures_back_off_and_open_the_breaker, fresh),
		cmocka_unit_test_setup(what_the_provider_asks_for_is_kept, fresh),
		cmocka_unit_test_setup(a_peer_does_not_shorten_the_wait, fresh),
		cmocka_unit_test_setup(a_refusal_is_tried_again_slowly, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
