/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication with datagrams that are not what they seem: recordings of this session and of an
 * earlier one, a node's own datagrams sent back to it, and datagrams signed with another secret.
 * None of them changes a replica.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "repl_rig.h"

#define TAPE_MAX 2000

/* Datagrams that were on the way to node 1. */
struct tape {
	struct datagram d[TAPE_MAX];
	unsigned int n;
};

static void record(struct tape *tape, const struct net *t)
{
	for (unsigned int d = 0; d < t->n[1] && tape->n < TAPE_MAX; d++)
		tape->d[tape->n++] = t->way[1][d];
}

/* Plays the tape to node 1; returns how many datagrams were refused, which must be all of them. */
static unsigned int play(const struct tape *tape, struct net *t)
{
	for (unsigned int d = 0; d < tape->n; d++) {
		enum repl_fault f = deliver(t, 1, &tape->d[d]);

		assert_true(f == REPL_BAD_REPLAY || f == REPL_BAD_SESSION);
	}
	return tape->n;
}

static void record_some_traffic(struct tape *tape, struct net *t)
{
	for (unsigned int k = 0; k < 200; k++) {
		for (unsigned int n = 0; n < 5; n++)
			change_any(t, 0);
		record(tape, t);
		tick(t);
	}
	(void)until_converged(t);
}

static void a_recording_changes_nothing(void **state)
{
	static struct tape tape[2]; /* of each session of node 0 */
	static bool before[SET];
	unsigned int refused = 0;
	struct net t;

	(void)state;
	net_open(&t, 6);
	for (unsigned int session = 0; session < 2; session++) {
		record_some_traffic(&tape[session], &t);
		memcpy(before, t.node[1].replica, sizeof(before));
		for (unsigned int s = 0; s <= session; s++)
			refused += play(&tape[s], &t);
		assert_memory_equal(before, t.node[1].replica, sizeof(before));
		assert_true(repl_warm(t.node[1].link));
		assert_true(is_connected(&t, 1));
		tick(&t);
		assert_true(converged(&t));
		restart(&t, 0);
		memset(t.node[0].own, 0, sizeof(t.node[0].own));
	}
	assert_true(refused > 300);
	net_close(&t);
}

/* Sends back to node 0 what it has on the way to node 1. */
static unsigned int send_back(struct net *t, enum repl_fault want)
{
	static bool before[SET];
	unsigned int n = t->n[1];

	memcpy(before, t->node[0].replica, sizeof(before));
	for (unsigned int d = 0; d < n; d++)
		assert_int_equal(deliver(t, 0, &t->way[1][d]), want);
	assert_memory_equal(before, t->node[0].replica, sizeof(before));
	return n;
}

/* Even nodes that use one key for both directions refuse their own datagrams. */
static void own_datagrams_sent_back_change_nothing(void **state)
{
	(void)state;
	for (int one_key = 0; one_key <= 1; one_key++) {
		unsigned int sent_back = 0;
		struct net t;

		net_open(&t, 10);
		t.one_key = one_key;
		restart(&t, 0);
		restart(&t, 1);
		(void)until_converged(&t);
		for (unsigned int k = 0; k < 200; k++) {
			change_any(&t, 0);
			sent_back += send_back(&t, one_key ? REPL_BAD_SESSION : REPL_BAD_TAG);
			tick(&t);
			assert_true(repl_warm(t.node[0].link));
		}
		assert_true(sent_back > 100);
		assert_true(until_converged(&t) < 4);
		net_close(&t);
	}
}

static void another_secret_never_connects(void **state)
{
	struct repl_conf conf = {.session = 5, .vrid = 25, .key = {17, 9}, .peer_key = {17, 8}};
	struct net t;

	(void)state;
	net_open(&t, 7);
	repl_free(t.node[1].link);
	assert_int_equal(repl_new(&conf, &t.node[1].link), 0);
	busy(&t, 300, 5);
	assert_false(is_connected(&t, 0));
	assert_false(repl_warm(t.node[0].link));
	assert_true(stats_of(&t, 0).bad[REPL_BAD_TAG] > 10); /* CONTROL messages of 3 s */
	net_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_changes_nothing),
		cmocka_unit_test(own_datagrams_sent_back_change_nothing),
		cmocka_unit_test(another_secret_never_connects),
	};

	return cmocka_run_group_tests_name("repl_forged", tests, NULL, NULL);
}
