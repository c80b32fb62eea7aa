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
	struct repl_conf conf = {.session = 5,
				 .vrid = 25,
				 .keys = {.sign = {17, 9}, .verify = {{17, 8}}, .n_verify = 1}};
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

/* Both nodes sign and verify in the order of the three steps, one after the other. */
static void replaced_secret_interrupts_no_stream(void **state)
{
	const __u64 old[2][2] = {{17, 4}, {17, 5}}, new[2][2] = {{18, 6}, {18, 7}};
	struct repl_keys keys[2];
	struct net t;

	(void)state;
	net_open(&t, 11);
	restart(&t, 0);
	restart(&t, 1);
	for (unsigned int step = 0; step <= 3; step++)
		for (unsigned int i = 0; i < 2; i++) {
			keys[i].n_verify = step % 3 ? 2 : 1;
			memcpy(keys[i].sign, step < 2 ? old[i] : new[i], sizeof(old[i]));
			memcpy(keys[i].verify[0], step < 2 ? old[!i] : new[!i], sizeof(old[i]));
			memcpy(keys[i].verify[1], step < 2 ? new[!i] : old[!i], sizeof(old[i]));
			repl_set_keys(t.node[i].link, &keys[i]);
			if (!step && !i)
				continue;
			(void)until_converged(&t);
			busy(&t, 100, 5);
		}
	for (unsigned int i = 0; i < 2; i++) {
		struct repl_stats s = stats_of(&t, i);

		assert_int_equal(s.bad[REPL_BAD_TAG], 0);
		assert_int_equal(s.resyncs, 1);
		assert_true(repl_warm(t.node[i].link));
	}
	net_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_changes_nothing),
		cmocka_unit_test(own_datagrams_sent_back_change_nothing),
		cmocka_unit_test(another_secret_never_connects),
		cmocka_unit_test(replaced_secret_interrupts_no_stream),
	};

	return cmocka_run_group_tests_name("repl_forged", tests, NULL, NULL);
}
