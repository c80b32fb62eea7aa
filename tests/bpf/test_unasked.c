/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * While the daemon of this node is not running, no probes are sent and no peer answers. Connections
 * on the peers go on being steered there; only new connections need a fresh answer.
 */
#include <string.h>

#include "fixture.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)
#define DATA        SEG(.flags = ACK | PSH, .seq = 1001, .ack = 5001, .payload = 10)

static void lives_on_peer0(struct fix *x)
{
	const struct hokm_conn c = fix_steered_conn(0);

	fix_conn_put(x, &c);
}

/*
 * How long ago: the peer's newest answer, the last sign of life of this node's daemon, and since
 * when the daemon asks.
 */
static void last_asked(struct fix *x, uint64_t answer_ago_ns, uint64_t daemon_ago_ns,
		       uint64_t asking_ago_ns)
{
	struct hokm_peer p = fix_alive_peer(0);
	uint64_t now = fix_now();
	struct hokm_own own = {.lease_until_ns = now + LONG_NS,
			       .daemon_ns = now - daemon_ago_ns,
			       .asking_ns = now - asking_ago_ns,
			       .state = HOKM_VRRP_MASTER,
			       .successor = HOKM_NO_PEER};

	p.seen_ns = p.alive_ns = now - answer_ago_ns;
	fix_peer_set(x, 0, &p);
	fix_own(x, &own);
}

static void last(struct fix *x, uint64_t answer_ago_ns, uint64_t daemon_ago_ns)
{
	last_asked(x, answer_ago_ns, daemon_ago_ns, 100 * LIMIT_NS);
}

static void connections_go_on(void **state)
{
	struct fix *x = *state;

	/* Both are long ago: the peer was alive when it got its last probe. */
	lives_on_peer0(x);
	last(x, 50 * LIMIT_NS, 50 * LIMIT_NS - LIMIT_NS / 2);
	expect_in_steer(x, DATA, PEER0_MAC);
	/* The peer was dead before the break. */
	last(x, 50 * LIMIT_NS, 50 * LIMIT_NS - 2 * LIMIT_NS);
	expect_in_answer(x, DATA);
}

static void alive_while_probes_are_answered(void **state)
{
	struct fix *x = *state;

	lives_on_peer0(x);
	last(x, 50 * LIMIT_NS, 0);
	expect_in_answer(x, DATA);
}

/*
 * A daemon that starts again shows a sign of life before an answer can come. From then on a peer
 * has the whole limit.
 */
static void after_a_break_a_peer_has_the_limit_again(void **state)
{
	struct fix *x = *state;

	lives_on_peer0(x);
	last_asked(x, 50 * LIMIT_NS, 0, 0);
	expect_in_steer(x, DATA, PEER0_MAC);
	last_asked(x, 50 * LIMIT_NS, 0, LIMIT_NS / 2);
	expect_in_steer(x, DATA, PEER0_MAC);
	last_asked(x, 50 * LIMIT_NS, 0, 2 * LIMIT_NS);
	expect_in_answer(x, DATA);
}

/* A peer that was dead before the break is dead after it. */
static void peer_dead_before_the_break_stays_dead(void **state)
{
	struct fix *x = *state;
	uint64_t now = fix_now();
	struct hokm_own own = {.lease_until_ns = now + LONG_NS,
			       .daemon_ns = now,
			       .asking_ns = now,
			       .asked_ns = now - 20 * LIMIT_NS,
			       .state = HOKM_VRRP_MASTER,
			       .successor = HOKM_NO_PEER};

	lives_on_peer0(x);
	last_asked(x, 50 * LIMIT_NS, 0, 0);
	fix_own(x, &own);
	expect_in_answer(x, DATA);
	own.asked_ns = now - 50 * LIMIT_NS + LIMIT_NS / 2;
	own.daemon_ns = own.asking_ns = fix_now();
	fix_own(x, &own);
	expect_in_steer(x, DATA, PEER0_MAC);
}

static void peer_that_never_answered_is_dead(void **state)
{
	struct fix *x = *state;
	struct hokm_peer p;

	lives_on_peer0(x);
	last_asked(x, 0, 0, 2 * LIMIT_NS);
	p = fix_alive_peer(0);
	p.seen_ns = p.alive_ns = 0;
	fix_peer_set(x, 0, &p);
	expect_in_answer(x, DATA);
}

static void new_connections_need_a_fresh_answer(void **state)
{
	struct fix *x = *state;

	fix_peer_set(x, 1, &(const struct hokm_peer){0});
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	last(x, 50 * LIMIT_NS, 50 * LIMIT_NS);
	/* the fixture's daemon is fresh */
	expect_in_steer(x, SEG(.flags = SYN, .seq = 1), PEER0_MAC);
	{
		struct hokm_peer p = fix_alive_peer(0);

		p.seen_ns = p.daemon_seen_ns = fix_now() - 50 * LIMIT_NS;
		fix_peer_set(x, 0, &p);
	}
	expect_in_pass(x, SEG(.flags = SYN, .seq = 2, .sport = CLIENT_PORT + 1));
	assert_int_equal(COUNT(x, syn_local), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(connections_go_on),
		HOKM_TEST(alive_while_probes_are_answered),
		HOKM_TEST(after_a_break_a_peer_has_the_limit_again),
		HOKM_TEST(peer_dead_before_the_break_stays_dead),
		HOKM_TEST(peer_that_never_answered_is_dead),
		HOKM_TEST(new_connections_need_a_fresh_answer),
	};

	return cmocka_run_group_tests_name("unsolicited", tests, fix_open, fix_close);
}
