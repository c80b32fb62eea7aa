/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steering table (docs/architecture.md, walk of a packet), packets of connections: known ones,
 * unknown ones, and steered ones. test_steer.c tests new connections.
 */
#include <arpa/inet.h>
#include <string.h>

#include "fixture.h"

#define DATA1       SEG(.flags = ACK | PSH, .seq = 1001, .ack = 5001, .payload = 10)
#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

/* ---- steered here ---- */

static void arrival_with_a_socket_here_lives_here(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(1);
	struct socks s;

	socks_connect(&s);
	fix_conn_put(x, &c);
	expect_in_pass(x, SEG(.eth.from = PEER0_MAC, .flags = ACK, .seq = 1001, .payload = 5));
	socks_close(&s);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.target, HOKM_LOCAL);
	assert_true(c.flags & HOKM_CONN_STEERED_IN);
	assert_int_equal(COUNT(x, steered_in), 1);
	assert_int_equal(COUNT(x, steered_conn), 0);
}

/* Nobody is known to hold it: the local kernel's answer is the honest one, and the entry stays. */
static void arrival_of_nobodys_connection_is_left_to_the_kernel(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(1);

	fix_conn_put(x, &c);
	expect_in_pass(x, SEG(.eth.from = PEER0_MAC, .flags = ACK, .seq = 1001, .payload = 5));
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.target, 1);
	assert_int_equal(COUNT(x, steered_again), 0);
}

static void arrival_makes_one_hop_more_to_its_named_holder(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(1);

	fix_conn_put(x, &c);
	fix_replica_put(x, 1);
	expect_in_steer(x, SEG(.eth.from = PEER0_MAC, .flags = ACK, .seq = 1001, .payload = 5),
			PEER1_MAC);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.target, 1);
	assert_int_equal(COUNT(x, steered_again), 1);
	fix_peer_dead(x, 1);
	expect_in_pass(x, SEG(.eth.from = PEER0_MAC, .flags = ACK, .seq = 1006, .payload = 5));
}

static void arrival_is_never_steered_back(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(1);
	struct frame f;

	fix_conn_put(x, &c);
	fix_replica_put(x, 1);
	frame_tcp(&f, SEG(.eth.from = PEER1_MAC, .flags = ACK, .seq = 1001, .payload = 5));
	expect_drop(x, &f, 0, HOKM_CTR_drop_steer_loop);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.target, 1);
}

static void unknown_from_a_peer_is_left_to_the_kernel(void **state)
{
	struct fix *x = *state;

	expect_in_pass(x, SEG(.eth.from = PEER0_MAC, .flags = ACK, .seq = 7, .payload = 5));
	assert_int_equal(COUNT(x, unknown_pass), 1);
	assert_int_equal(COUNT(x, steered_in), 1);
	assert_int_equal(fix_conn_count(x), 0);
}

/* ---- known connections ---- */

static void known_local_passes_owner_or_not(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(HOKM_LOCAL);

	fix_conn_put(x, &c);
	expect_in_pass(x, DATA1);
	fix_owner(x, false);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_pass(x, DATA1);
	assert_int_equal(COUNT(x, packets_in), 2);
}

static void known_target_alive_is_steered(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(1);

	fix_conn_put(x, &c);
	expect_in_steer(x, DATA1, PEER1_MAC);
	assert_int_equal(COUNT(x, steered_conn), 1);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.c2s.packets, 2);
}

/* A stale daemon, or a service that is down on the peer, matters for new connections only. */
static void known_target_needs_no_fresh_daemon(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(0);
	struct hokm_peer p = fix_alive_peer(0);

	p.daemon_seen_ns = 0;
	p.svc[0].state = HOKM_SVC_DOWN;
	fix_peer_set(x, 0, &p);
	fix_conn_put(x, &c);
	expect_in_steer(x, DATA1, PEER0_MAC);
}

/* The client is notified by the RST that the dead node would have sent. */
static void known_target_dead_is_answered(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(1);
	struct hokm_event ev;

	fix_peer_dead(x, 1);
	fix_conn_put(x, &c);
	expect_in_answer(x, DATA1);
	assert_int_equal(COUNT(x, target_dead), 0);
	assert_int_equal(COUNT(x, answered_dead), 1);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, &ev), 1);
	assert_int_equal(ev.target, 1);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.tcp_state, HOKM_TCP_RESET);
	assert_true(c.flags & HOKM_CONN_ENDED);
	/* It may be answered again; it is counted as terminated once. */
	expect_in_answer(x, DATA1);
	assert_int_equal(COUNT(x, answered_dead), 2);
	assert_int_equal(fix_events(x, HOKM_EV_ANSWERED_DEAD, NULL), 1);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, NULL), 1);
}

static void target_out_of_range_counts_as_dead(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(HOKM_MAX_PEERS);

	fix_conn_put(x, &c);
	expect_in_answer(x, DATA1);
	assert_int_equal(COUNT(x, answered_dead), 1);
}

/*
 * A node that steered a connection which the client closed must not steer the next one with the
 * same port.
 */
static void reused_port_is_a_new_connection(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(1);

	c.tcp_state = HOKM_TCP_FIN_CLIENT;
	c.isn = 1000;
	fix_conn_put(x, &c);
	expect_in_pass(x, SEG(.flags = SYN, .seq = 9000));
	assert_int_equal(COUNT(x, syn_local), 1);
	assert_int_equal(COUNT(x, steered_syn), 0);
	assert_int_equal(fix_conn_count(x), 0);
}

/*
 * A SYN, which anybody can send, does not terminate an open connection. A late copy of the
 * connection's own SYN changes nothing.
 */
static void syn_of_an_open_connection_follows_it(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(1);

	c.isn = 1000;
	fix_conn_put(x, &c);
	expect_in_steer(x, SEG(.flags = SYN, .seq = 9000), PEER1_MAC);
	c.tcp_state = HOKM_TCP_FIN_CLIENT;
	fix_conn_put(x, &c);
	expect_in_steer(x, SEG(.flags = SYN, .seq = 1000), PEER1_MAC);
	assert_int_equal(fix_conn_count(x), 1);
}

/* ---- unknown connections ---- */

static void unknown_gets_its_second_chance(void **state)
{
	struct fix *x = *state;
	struct hokm_event ev;
	struct hokm_conn c;

	fix_owner(x, false);
	expect_in_steer(x, DATA1, PEER0_MAC);
	assert_int_equal(COUNT(x, second_chance), 1);
	assert_false(fix_conn(x, &c)); /* nobody vouches for it */
	assert_int_equal(fix_events(x, HOKM_EV_SECOND_CHANCE, &ev), 1);
	assert_int_equal(ev.target, 0);
	expect_in_steer(x, DATA1, PEER0_MAC);
	assert_int_equal(COUNT(x, second_chance), 2);
	assert_int_equal(COUNT(x, established), 0);
}

static void second_chance_needs_a_live_kernel_only(void **state)
{
	struct fix *x = *state;
	struct hokm_peer p = fix_alive_peer(1);

	fix_peer_dead(x, 0);
	p.daemon_seen_ns = 0;
	p.svc[0].state = HOKM_SVC_DOWN;
	fix_peer_set(x, 1, &p);
	expect_in_steer(x, DATA1, PEER1_MAC);
}

static void unknown_without_live_peer_passes(void **state)
{
	struct fix *x = *state;

	fix_peer_dead(x, 0);
	fix_peer_dead(x, 1);
	expect_in_pass(x, DATA1);
	assert_int_equal(COUNT(x, unknown_pass), 1);
	assert_int_equal(fix_conn_count(x), 0);
}

static void rst_of_an_unknown_makes_no_entry(void **state)
{
	struct fix *x = *state;

	expect_in_steer(x, SEG(.flags = RST, .seq = 7), PEER0_MAC);
	assert_int_equal(COUNT(x, second_chance), 1);
	assert_int_equal(fix_conn_count(x), 0);
}

static void unknown_in_a_local_socket_is_adopted(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;
	struct socks s;

	fix_owner(x, false);
	socks_connect(&s);
	expect_in_pass(x, DATA1);
	assert_int_equal(COUNT(x, local_socket), 1);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.target, HOKM_LOCAL);
	assert_true(c.flags & HOKM_CONN_ADOPTED);
	assert_int_equal(c.tcp_state, HOKM_TCP_ESTABLISHED);
	expect_in_pass(x, DATA1);
	assert_int_equal(COUNT(x, local_socket), 1);
	socks_close(&s);
}

static void rst_of_a_local_socket_makes_no_entry(void **state)
{
	struct fix *x = *state;
	struct socks s;

	socks_connect(&s);
	expect_in_pass(x, SEG(.flags = RST, .seq = 7));
	assert_int_equal(COUNT(x, local_socket), 1);
	assert_int_equal(fix_conn_count(x), 0);
	socks_close(&s);
}

static void listener_is_no_local_connection(void **state)
{
	struct fix *x = *state;
	struct socks s;

	socks_listen(&s);
	expect_in_steer(x, DATA1, PEER0_MAC);
	assert_int_equal(COUNT(x, local_socket), 0);
	socks_close(&s);
}

/* A socket in FIN_WAIT2 or CLOSE_WAIT still has the connection. */
static void closing_socket_is_local(void **state)
{
	struct fix *x = *state;
	struct socks s;

	socks_connect(&s);
	assert_int_equal(shutdown(s.client, SHUT_WR), 0);
	expect_in_pass(x, DATA1);
	assert_int_equal(COUNT(x, local_socket), 1);
	socks_close(&s);
}

/*
 * A socket in TIME_WAIT belongs to a closed connection. A peer may hold a newer one with the same
 * addresses.
 */
static void time_wait_is_no_local_connection(void **state)
{
	struct fix *x = *state;
	struct socks s;

	socks_connect(&s);
	socks_end_quietly(&s);
	expect_in_steer(x, DATA1, PEER0_MAC);
	assert_int_equal(COUNT(x, local_socket), 0);
	assert_int_equal(COUNT(x, second_chance), 1);
	socks_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(arrival_with_a_socket_here_lives_here),
		HOKM_TEST(arrival_of_nobodys_connection_is_left_to_the_kernel),
		HOKM_TEST(arrival_makes_one_hop_more_to_its_named_holder),
		HOKM_TEST(arrival_is_never_steered_back),
		HOKM_TEST(unknown_from_a_peer_is_left_to_the_kernel),
		HOKM_TEST(known_local_passes_owner_or_not),
		HOKM_TEST(known_target_alive_is_steered),
		HOKM_TEST(known_target_needs_no_fresh_daemon),
		HOKM_TEST(known_target_dead_is_answered),
		HOKM_TEST(target_out_of_range_counts_as_dead),
		HOKM_TEST(reused_port_is_a_new_connection),
		HOKM_TEST(syn_of_an_open_connection_follows_it),
		HOKM_TEST(unknown_gets_its_second_chance),
		HOKM_TEST(second_chance_needs_a_live_kernel_only),
		HOKM_TEST(unknown_without_live_peer_passes),
		HOKM_TEST(rst_of_an_unknown_makes_no_entry),
		HOKM_TEST(unknown_in_a_local_socket_is_adopted),
		HOKM_TEST(rst_of_a_local_socket_makes_no_entry),
		HOKM_TEST(listener_is_no_local_connection),
		HOKM_TEST(closing_socket_is_local),
		HOKM_TEST(time_wait_is_no_local_connection),
	};

	return cmocka_run_group_tests_name("steer_known", tests, fix_open, fix_close);
}
