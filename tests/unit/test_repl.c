/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication over a simulated network: both replicas become complete, whatever the network loses,
 * duplicates, swaps or damages, and whichever node restarts. Recorded and forged datagrams are in
 * test_repl_forged.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "repl_rig.h"

/* ---- a good network ---- */

static void every_connection_and_change_is_replicated(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open(&t, 1);
	for (unsigned int c = 0; c < 300; c++)
		t.node[0].own[c] = true;
	assert_in_range(until_converged(&t), 1, 12); /* 120 ms */
	busy(&t, 500, 20);
	assert_true(until_converged(&t) < 4);
	s = stats_of(&t, 0);
	assert_int_equal(s.resyncs, 1);
	assert_int_equal(s.overflows, 0);
	assert_int_equal(s.repeated, 0);
	assert_true(s.lag_max_ns <= 3 * TICK_NS);
	net_close(&t);
}

static void the_greatest_lag_is_that_since_the_last_look(void **state)
{
	struct net t;

	(void)state;
	net_open_converged(&t, 1);
	busy(&t, 10, 20);
	assert_true(stats_of(&t, 0).lag_max_ns > 0);
	ticks(&t, 4);
	(void)stats_of(&t, 0);
	assert_int_equal(stats_of(&t, 0).lag_max_ns, 0);
	net_close(&t);
}

static void ten_thousand_changes_a_second_keep_up(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open_converged(&t, 2);
	(void)stats_of(&t, 0);
	busy(&t, 300, 400); /* 200 changes a tick at each node */
	s = stats_of(&t, 0);
	assert_int_equal(s.overflows, 0);
	assert_true(s.lag_max_ns < 50 * MS);
	assert_true(until_converged(&t) < 4);
	net_close(&t);
}

/* All that node 0 has to send arrives at node 1, which does not send anything yet. */
static void send_without_an_answer(struct net *t)
{
	struct datagram d;

	while ((d.len = repl_next(t->node[0].link, clock_of(t, 0), d.b)))
		assert_int_equal(deliver(t, 1, &d), REPL_BAD_NONE);
}

/* The sender need not wait for a tick of the receiver; one datagram acknowledges all messages. */
static void messages_are_acknowledged_at_once(void **state)
{
	struct datagram d;
	struct net t;

	(void)state;
	net_open_converged(&t, 3);
	ticks(&t, 4);
	assert_int_equal(repl_acknowledge(t.node[1].link, clock_of(&t, 1), d.b), 0);
	for (unsigned int c = 0; c < 3 * REPL_RECORDS; c++)
		change(&t, 0, c, true);
	send_without_an_answer(&t);
	t.now_ns += MS;
	assert_int_equal(stats_of(&t, 0).lag_ns, MS);
	d.len = repl_acknowledge(t.node[1].link, clock_of(&t, 1), d.b);
	assert_true(d.len > 0);
	assert_int_equal(deliver(&t, 0, &d), REPL_BAD_NONE);
	assert_int_equal(stats_of(&t, 0).lag_ns, 0);
	assert_int_equal(repl_acknowledge(t.node[1].link, clock_of(&t, 1), d.b), 0);
	net_close(&t);
}

static void a_stream_without_numbers_is_followed_by_another(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open(&t, 4);
	t.numbers = 50;
	restart(&t, 0);
	restart(&t, 1);
	(void)until_converged(&t);
	busy(&t, 300, 40);
	(void)until_converged(&t);
	s = stats_of(&t, 0);
	assert_in_range(s.resyncs, 6, 20);
	assert_int_equal(s.overflows, 0);
	assert_int_equal(s.bad[REPL_BAD_ORDER] + s.bad[REPL_BAD_REPLAY], 0);
	net_close(&t);
}

/* ---- bad networks ---- */

static void bad_networks_delay_but_lose_nothing(void **state)
{
	static const struct {
		unsigned int loss, twice, swap, damage;
	} ways[] = {{200, 0, 0, 0}, {0, 200, 200, 0}, {0, 0, 0, 100}, {300, 100, 300, 50}};

	(void)state;
	for (unsigned int w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
		for (uint32_t seed = 0; seed < 25; seed++) {
			struct net t;

			net_open(&t, seed * 977 + w);
			t.loss = ways[w].loss;
			t.twice = ways[w].twice;
			t.swap = ways[w].swap;
			t.damage = ways[w].damage;
			for (unsigned int c = 0; c < SET; c += 2)
				t.node[1].own[c] = true;
			busy(&t, 200, 10);
			(void)until_converged(&t);
			net_close(&t);
		}
}

static void restarts_of_either_node(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 25; seed++) {
		struct net t;

		net_open(&t, seed + 100);
		t.loss = seed % 2 ? 100 : 0;
		busy(&t, 100, 10);
		for (unsigned int k = 0; k < 4; k++) {
			restart(&t, chance(&t) & 1);
			busy(&t, chance(&t) % 60, 10);
		}
		(void)until_converged(&t);
		net_close(&t);
	}
}

/*
 * A node that restarts just before a break: what its peer acknowledged of the session before is not
 * taken for an acknowledgement of the new one. Short lists have the same numbers.
 */
static void a_break_after_a_restart_leaves_no_replica_incomplete(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 400; seed++) {
		struct net t;

		net_open_converged(&t, seed + 300);
		restart(&t, 1);
		ticks(&t, chance(&t) % 40);
		t.loss = 1000;
		ticks(&t, chance(&t) % 400);
		t.loss = chance(&t) % 3 ? 0 : 200;
		(void)until_converged(&t);
		net_close(&t);
	}
}

/* The window overflows during a long break: one new list follows, when the peer answers again. */
static void a_long_break_needs_a_new_list(void **state)
{
	struct net t;

	(void)state;
	net_open_converged(&t, 3);
	t.loss = 1000;
	ticks(&t, 100);
	assert_true(is_connected(&t, 0));
	busy(&t, 400, 100);
	assert_false(is_connected(&t, 0));
	assert_int_equal(stats_of(&t, 0).overflows, 1);
	assert_false(repl_wants_list(t.node[0].link, clock_of(&t, 0)));
	t.loss = 0;
	(void)until_converged(&t);
	assert_int_equal(stats_of(&t, 0).resyncs, 2);
	net_close(&t);
}

/* The changes of a short break fit into the window: messages are repeated, without a new list. */
static void a_short_break_needs_no_list(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open_converged(&t, 4);
	t.loss = 1000;
	busy(&t, 50, 5);
	assert_true(stats_of(&t, 0).lag_ns > 400 * MS);
	t.loss = 0;
	(void)until_converged(&t);
	s = stats_of(&t, 0);
	assert_int_equal(s.resyncs, 1);
	assert_true(s.repeated > 0);
	net_close(&t);
}

/* Messages that were sent before a repeat have arrived, and are acknowledged after it. */
static void late_acknowledgements_count(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open_converged(&t, 8);
	for (unsigned int c = 0; c < SET; c++)
		change(&t, 0, c, true); /* 71 messages */
	for (unsigned int k = 0; k < 6; k++) {
		tick(&t);
		t.n[0] = 0; /* the acknowledgements of 60 ms are lost */
	}
	assert_true(replica_is_right(&t, 1));
	ticks(&t, 10);
	s = stats_of(&t, 0);
	assert_int_equal(s.lag_ns, 0);
	assert_int_equal(s.resyncs, 1);
	assert_in_range(s.repeated, 1, 40); /* two bursts at most */
	net_close(&t);
}

static void lose_all_data_to(struct net *t, unsigned int to)
{
	for (unsigned int d = 0; d < t->n[to]; d++)
		if (t->way[to][d].b[5] == REPL_DATA)
			t->way[to][d--] = t->way[to][--t->n[to]];
}

/* CONTROL arrives and DATA does not: new streams are begun until one gets through whole. */
static void a_stuck_stream_is_followed_by_another(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open_converged(&t, 9);
	for (unsigned int k = 0; k < 500; k++) {
		change_any(&t, 0);
		lose_all_data_to(&t, 1);
		tick(&t);
	}
	assert_true(is_connected(&t, 0));
	s = stats_of(&t, 0);
	assert_in_range(s.stuck, 1, 3);
	assert_int_equal(s.overflows, 0);
	(void)until_converged(&t);
	net_close(&t);
}

/* The caller has missed changes, and again while it sends the new list. */
static void missed_changes_need_a_new_list(void **state)
{
	struct net t;

	(void)state;
	net_open_converged(&t, 5);
	for (unsigned int c = 0; c < SET; c++)
		t.node[0].own[c] = true; /* without repl_put() */
	t.slow = 40;
	repl_lost(t.node[0].link);
	ticks(&t, 10);
	assert_true(repl_listing(t.node[0].link));
	assert_false(repl_peer_warm(t.node[0].link));
	assert_false(repl_warm(t.node[1].link));
	repl_lost(t.node[0].link);
	t.slow = 0;
	(void)until_converged(&t);
	net_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_connection_and_change_is_replicated),
		cmocka_unit_test(the_greatest_lag_is_that_since_the_last_look),
		cmocka_unit_test(ten_thousand_changes_a_second_keep_up),
		cmocka_unit_test(messages_are_acknowledged_at_once),
		cmocka_unit_test(a_stream_without_numbers_is_followed_by_another),
		cmocka_unit_test(bad_networks_delay_but_lose_nothing),
		cmocka_unit_test(restarts_of_either_node),
		cmocka_unit_test(a_break_after_a_restart_leaves_no_replica_incomplete),
		cmocka_unit_test(a_long_break_needs_a_new_list),
		cmocka_unit_test(a_short_break_needs_no_list),
		cmocka_unit_test(late_acknowledgements_count),
		cmocka_unit_test(a_stuck_stream_is_followed_by_another),
		cmocka_unit_test(missed_changes_need_a_new_list),
	};

	return cmocka_run_group_tests_name("repl", tests, NULL, NULL);
}
