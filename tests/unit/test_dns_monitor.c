/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Monitors of a DNS record (decide/dns_monitor.h) with decide/dns_when.h and decide/dns_plan.h, as
 * daemon/monitor.c puts them together: what one does, and that two of them, whose views come late
 * or differ, never flip the record more often than something has changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "decide/dns_monitor.h"
#include "decide/dns_plan.h"
#include "decide/dns_when.h"

#define S(n)     ((uint64_t)(n)*NS_PER_S)
#define NODES    3
#define MONITORS 2
#define FAILBACK 30
#define SETTLE   10
#define INTERVAL 20 /* between two changes by one monitor */
#define LAG_MAX  5  /* of a view behind the truth */
#define QUIET    600

static const struct dns_when_conf when = {
	.min_interval_ns = S(INTERVAL),
	.verify_ns = S(60),
	.retry_ns = S(1),
	.retry_max_ns = S(8),
	.breaker_fall = 5,
	.breaker_ns = S(30),
};

/* One monitor, its view, and the attempt that runs. */
struct sim {
	struct dns_monitor m;
	struct dns_when w;
	struct dns_monitor_node node[NODES];
	unsigned int lag;
	unsigned int view_changes, writes;
	enum dns_act act;
	unsigned int want;
	uint32_t keep;
};

static struct sim sims[MONITORS];
static unsigned int record; /* the node that it names */
static unsigned int changes;
static unsigned int fail_percent;
static uint64_t seed;

static uint32_t chance(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

static void begin(uint64_t with)
{
	seed = with * 2654435761u + 1;
	memset(sims, 0, sizeof(sims));
	record = 0;
	changes = 0;
	fail_percent = 0;
	for (unsigned int i = 0; i < MONITORS; i++) {
		dns_monitor_init(&sims[i].m, S(FAILBACK), S(SETTLE));
		dns_when_init(&sims[i].w, &when, with + i);
		for (unsigned int k = 0; k < NODES; k++)
			sims[i].node[k].priority = (uint8_t)(110 - 10 * k);
	}
}

/* What the checks of a monitor say of a node. */
static void sight(struct sim *s, unsigned int k, bool up, uint64_t now_s)
{
	enum dns_sight is = up ? DNS_SIGHT_UP : DNS_SIGHT_DOWN;
	struct dns_monitor_node *n = &s->node[k];

	if (n->sight != is) {
		s->view_changes += n->sight != DNS_SIGHT_UNKNOWN;
		n->sight = is;
		n->since_ns = S(now_s);
	}
	n->proof_ns = up ? S(now_s) : 0;
}

static void set_of(uint32_t bits, struct dns_set *out)
{
	out->n = 0;
	for (unsigned int k = 0; k < NODES; k++)
		if (bits & (1u << k))
			snprintf(out->value[out->n++], DNS_ADDRESS_MAX, "203.0.113.%u", k);
}

/* What a job does with the record. */
static enum dns_result do_job(struct sim *s)
{
	struct dns_set present, group, keep;
	char want[DNS_ADDRESS_MAX];
	const struct dns_plan_input in = {
		.want = want, .present = &present, .group = &group, .keep = &keep};
	struct dns_plan plan;

	if (chance(100) < fail_percent)
		return DNS_FAILED;
	snprintf(want, sizeof(want), "203.0.113.%u", s->want);
	set_of(1u << record, &present);
	set_of((1u << NODES) - 1, &group);
	set_of(s->keep, &keep);
	dns_plan(&in, &plan);
	assert_int_not_equal(plan.verdict, DNS_REFUSE);
	if (plan.verdict != DNS_CHANGE)
		return DNS_SAME;
	if (s->act == DNS_ACT_LOOK)
		return DNS_OTHER;
	/* A record that names a healthy node is changed only for a failback. */
	assert_true(s->m.failback || !(s->m.up & (1u << record)));
	assert_true(s->m.up & (1u << s->want));
	record = s->want;
	changes++;
	s->writes++;
	return DNS_CHANGED;
}

/* One second of a monitor; a job takes until its next one. */
static void turn(struct sim *s, uint64_t now_s)
{
	bool due = dns_monitor_see(&s->m, s->node, NODES, S(now_s));

	if (dns_when_owner(&s->w, s->m.acts, false, false, S(now_s)) ||
	    (due && dns_when_renew(&s->w, S(now_s))))
		s->act = DNS_ACT_NONE;
	if (s->m.view == DNS_VIEW_DOUBT)
		return;
	if (s->act != DNS_ACT_NONE)
		dns_when_result(&s->w, do_job(s), 0, S(now_s));
	s->act = dns_when_next(&s->w, S(now_s));
	s->want = s->m.want;
	s->keep = s->m.keep;
	if (s->m.failback && s->w.state == DNS_RIGHT)
		dns_monitor_done(&s->m);
}

/* All views are this, until `until`. */
static uint64_t steady(uint32_t up, uint64_t from, uint64_t until)
{
	for (; from < until; from++)
		for (unsigned int i = 0; i < MONITORS; i++) {
			for (unsigned int k = 0; k < NODES; k++)
				sight(&sims[i], k, up & (1u << k), from);
			turn(&sims[i], from);
		}
	return from;
}

/* ---- what happens once ---- */

static void a_healthy_record_is_left_alone(void **state)
{
	(void)state;
	begin(1);
	/* An operator has given it to the node that is preferred least. */
	record = 2;
	steady(7, 100, 1000);
	assert_int_equal(changes, 0);
	assert_int_equal(sims[0].w.state, DNS_RIGHT);
}

static void failover_and_failback_change_it_once_each(void **state)
{
	uint64_t at;

	(void)state;
	begin(2);
	at = steady(7, 100, 200);
	at = steady(6, at, at + 5);
	assert_int_equal(record, 1);
	at = steady(6, at, at + 1000);
	at = steady(7, at, at + FAILBACK - 1);
	assert_int_equal(record, 1);
	at = steady(7, at, at + 10);
	assert_int_equal(record, 0);
	steady(7, at, at + 1000);
	assert_int_equal(changes, 2);
}

static void a_monitor_that_saw_no_failure_does_not_fail_back(void **state)
{
	(void)state;
	begin(3);
	steady(7, 100, 200);
	record = 1;
	steady(7, 200, 3000);
	assert_int_equal(record, 1);
	assert_int_equal(changes, 0);
}

static void a_restart_does_not_forget_the_failback(void **state)
{
	(void)state;
	begin(4);
	record = 1;
	for (unsigned int i = 0; i < MONITORS; i++)
		dns_monitor_recall(&sims[i].m, sims[i].node, NODES, 100);
	steady(7, 100, 100 + FAILBACK - 1);
	assert_int_equal(record, 1);
	steady(7, 100 + FAILBACK - 1, 200);
	assert_int_equal(record, 0);
	assert_int_equal(changes, 1);
}

static void a_monitor_that_sees_nothing_changes_nothing(void **state)
{
	struct sim *s = &sims[0];
	uint64_t at = 200;

	(void)state;
	begin(5);
	steady(7, 100, 200);
	/* Its own network is gone: one check after the other fails, and no later one succeeds. */
	for (unsigned int k = 0; k < NODES; k++) {
		for (unsigned int i = 0; i <= k; i++)
			sight(s, i, false, at);
		for (uint64_t until = at + 5; at < until; at++)
			turn(s, at);
	}
	assert_int_equal(s->m.view, DNS_VIEW_BLIND);
	assert_int_equal(s->w.state, DNS_AWAY);
	/* It comes back, and the node that the record names is found UP last. */
	for (unsigned int k = NODES; k-- > 0; at += 4) {
		for (unsigned int i = NODES; i-- > k;)
			sight(s, i, true, at);
		for (unsigned int i = 0; i < 4; i++) {
			for (unsigned int n = k; n < NODES; n++)
				sight(s, n, true, at + i);
			turn(s, at + i);
		}
	}
	for (uint64_t until = at + 100; at < until; at++) {
		for (unsigned int k = 0; k < NODES; k++)
			sight(s, k, true, at);
		turn(s, at);
	}
	assert_int_equal(s->m.view, DNS_VIEW_CLEAR);
	assert_int_equal(changes, 0);
}

static void opposite_views_do_not_flip_it_without_end(void **state)
{
	(void)state;
	begin(6);
	steady(7, 100, 200);
	for (uint64_t at = 200; at < 5000; at++)
		for (unsigned int i = 0; i < MONITORS; i++) {
			sight(&sims[i], 0, i == 1 || at < 300, at);
			sight(&sims[i], 1, i == 0, at);
			sight(&sims[i], 2, true, at);
			turn(&sims[i], at);
		}
	assert_int_equal(changes, 1);
	assert_int_equal(record, 1);
	assert_int_equal(sims[1].w.state, DNS_CONTESTED);
}

/* ---- what always holds ---- */

#define HISTORY (LAG_MAX + 1)

/*
 * Both see the truth, one of them later. The truth changes no faster than a monitor may write, so
 * that no view is of the past when the record changes.
 */
static void one_change_of_the_truth_flips_it_at_most_once(void **state)
{
	(void)state;
	for (uint64_t run = 1; run <= 400; run++) {
		uint32_t past[HISTORY], truth = (1u << NODES) - 1;
		unsigned int real = 0;
		uint64_t next = 150, at;

		begin(run);
		fail_percent = run % 3 == 0 ? 30 : 0;
		for (unsigned int i = 0; i < HISTORY; i++)
			past[i] = truth;
		for (unsigned int i = 0; i < MONITORS; i++)
			sims[i].lag = chance(LAG_MAX);
		for (at = 100; at < 4000 + QUIET; at++) {
			if (at < 4000 && at >= next) {
				truth ^= 1u << chance(NODES);
				real++;
				next = at + INTERVAL + LAG_MAX + chance(120);
			}
			past[at % HISTORY] = truth;
			for (unsigned int i = 0; i < MONITORS; i++) {
				uint32_t seen = past[(at - sims[i].lag) % HISTORY];

				for (unsigned int k = 0; k < NODES; k++)
					sight(&sims[i], k, seen & (1u << k), at);
				turn(&sims[i], at);
			}
		}
		if (changes > real)
			fail_msg("run %u: %u flips for %u changes", (unsigned int)run, changes,
				 real);
		if (truth && !(truth & (1u << record)))
			fail_msg("run %u: the record names a node that is down", (unsigned int)run);
	}
}

/* Each sees something else, at any time. */
static void a_monitor_writes_at_most_once_for_a_change_of_its_view(void **state)
{
	(void)state;
	for (uint64_t run = 1; run <= 400; run++) {
		unsigned int after;
		uint64_t at;

		begin(1000 + run);
		fail_percent = run % 3 == 0 ? 30 : 0;
		for (at = 100; at < 3000; at++)
			for (unsigned int i = 0; i < MONITORS; i++) {
				struct sim *s = &sims[i];
				unsigned int flip = chance(100);

				for (unsigned int k = 0; k < NODES; k++) {
					bool up = s->node[k].sight != DNS_SIGHT_DOWN;

					sight(s, k, up != (flip == k), at);
				}
				turn(s, at);
				/* The first view is one too. */
				if (s->writes > s->view_changes + 1)
					fail_msg("run %u: monitor %u wrote %u times in %u views",
						 (unsigned int)run, i, s->writes, s->view_changes);
			}
		/* Nothing changes any more: what was due is done, and then there is peace. */
		for (unsigned int phase = after = 0; phase < 2; phase++) {
			after = changes;
			for (uint64_t until = at + QUIET; at < until; at++)
				for (unsigned int i = 0; i < MONITORS; i++) {
					for (unsigned int k = 0; k < NODES; k++)
						sight(&sims[i], k,
						      sims[i].node[k].sight == DNS_SIGHT_UP, at);
					turn(&sims[i], at);
				}
		}
		assert_int_equal(changes, after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_record_is_left_alone),
		cmocka_unit_test(failover_and_failback_change_it_once_each),
		cmocka_unit_test(a_monitor_that_saw_no_failure_does_not_fail_back),
		cmocka_unit_test(a_restart_does_not_forget_the_failback),
		cmocka_unit_test(a_monitor_that_sees_nothing_changes_nothing),
		cmocka_unit_test(opposite_views_do_not_flip_it_without_end),
		cmocka_unit_test(one_change_of_the_truth_flips_it_at_most_once),
		cmocka_unit_test(a_monitor_writes_at_most_once_for_a_change_of_its_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
