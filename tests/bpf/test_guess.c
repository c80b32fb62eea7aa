/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets of connections that nobody is known to hold (bpf/guess.h): they enter nothing into conns,
 * few of them reach a peer, and none as long as every replica is complete.
 */
#include <arpa/inet.h>
#include <string.h>

#include <bpf/bpf.h>

#include "fixture.h"
#include "skel.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)
#define DATA        SEG(.flags = ACK | PSH, .seq = 1001, .ack = 5001, .payload = 10)
#define DROPPED     1
#define SENT_ON     3

/* bpf/guess.h */
#define IN_ALL       400
#define A_PREFIX     200
#define A_CONNECTION 256
#define STRAYS       200
#define STRAYS_MORE  350 /* while guesses are given */

static void nobodys_packet_goes_to_the_kernel(void **state)
{
	struct fix *x = *state;

	fix_guesses(x, false);
	expect_in_pass(x, DATA);
	expect_in_pass(x, SEG(.flags = FIN | ACK, .seq = 7, .ack = 9));
	expect_in_pass(x, SEG(.flags = RST, .seq = 7));
	assert_int_equal(COUNT(x, unknown_pass), 3);
	assert_int_equal(COUNT(x, second_chance), 0);
	assert_int_equal(fix_conn_count(x), 0);
}

/* A stopped daemon fails to the side of the players. */
static void second_chance_while_the_daemon_is_stopped(void **state)
{
	struct fix *x = *state;
	uint64_t now = fix_now();
	struct hokm_own own = {.lease_until_ns = now + LONG_NS,
			       .daemon_ns = now - 2 * LIMIT_NS,
			       .state = HOKM_VRRP_MASTER,
			       .successor = HOKM_NO_PEER};
	struct hokm_peer p = fix_alive_peer(0);

	p.seen_ns = own.daemon_ns;
	fix_peer_set(x, 0, &p);
	fix_own(x, &own);
	expect_in_steer(x, DATA, PEER0_MAC);
	own.daemon_ns = 0;
	fix_own(x, &own);
	p.seen_ns = now + LONG_NS;
	fix_peer_set(x, 0, &p);
	expect_in_steer(x, DATA, PEER0_MAC);
	assert_int_equal(fix_conn_count(x), 0);
}

static void second_chance_ends_at_its_time(void **state)
{
	struct fix *x = *state;
	uint64_t now = fix_now();
	struct hokm_own own = {.lease_until_ns = now + LONG_NS,
			       .daemon_ns = now + LONG_NS,
			       .guess_until_ns = now + LONG_NS,
			       .state = HOKM_VRRP_MASTER,
			       .successor = HOKM_NO_PEER};

	fix_own(x, &own);
	expect_in_steer(x, DATA, PEER0_MAC);
	own.guess_until_ns = now;
	fix_own(x, &own);
	expect_in_pass(x, DATA);
}

/* The replica names the holder: no guess. */
static void named_holder_gets_its_packets_at_any_time(void **state)
{
	struct fix *x = *state;

	fix_guesses(x, false);
	fix_replica_put(x, 1);
	expect_in_steer(x, DATA, PEER1_MAC);
	assert_int_equal(fix_conn_count(x), 1);
	expect_in_steer(x, DATA, PEER1_MAC);
	assert_int_equal(COUNT(x, steered_holder), 1);
	assert_int_equal(COUNT(x, out_of_window), 0);
}

static void guess_follows_its_first_packet(void **state)
{
	struct fix *x = *state;

	fix_peer_dead(x, 0);
	expect_in_steer(x, DATA, PEER1_MAC);
	fix_reset_peers(x);
	expect_in_steer(x, DATA, PEER1_MAC);
	fix_peer_dead(x, 1);
	expect_in_steer(x, DATA, PEER0_MAC);
	assert_int_equal(fix_conn_count(x), 0);
}

/* Sends n packets of as many connections; returns how many went to a peer, the rest was dropped. */
static unsigned int burst(struct fix *x, uint32_t client, uint32_t step, unsigned int n)
{
	unsigned int sent = 0;

	for (unsigned int i = 0; i < n; i++) {
		fix_in(x, SEG(.ip.src = client + i * step, .sport = (uint16_t)(1024 + i),
			      .flags = ACK, .seq = i * 77777u, .ack = i * 99999u));
		sent += x->verdict == SENT_ON;
		assert_true(x->verdict == SENT_ON || x->verdict == DROPPED);
	}
	assert_int_equal(fix_conn_count(x), 0);
	return sent;
}

static void guesses_are_limited_in_all(void **state)
{
	struct fix *x = *state;
	uint64_t began = fix_now();
	unsigned int sent = burst(x, IPV4(10, 0, 0, 1), 256, 4 * IN_ALL);

	assert_true(sent >= IN_ALL);
	assert_true(sent <= fix_windows(began) * IN_ALL);
	assert_int_equal(COUNT(x, drop_guess), 4 * IN_ALL - sent);
}

/* A flood from one network leaves room for the players of the others. */
static void guesses_are_limited_for_each_network(void **state)
{
	struct fix *x = *state;
	uint64_t began = fix_now();
	unsigned int sent = burst(x, IPV4(10, 0, 0, 7), 0, 4 * A_PREFIX);

	assert_true(sent >= A_PREFIX);
	assert_true(sent <= fix_windows(began) * A_PREFIX);
	if (fix_windows(began) > 1)
		return;
	assert_true(burst(x, IPV4(10, 0, 1, 7), 0, 10) == 10);
	assert_true(burst(x, IPV4(10, 0, 0, 200), 0, 10) == 0);
}

static void packets_of_a_guess_are_limited(void **state)
{
	struct fix *x = *state;
	uint64_t began = fix_now();

	for (unsigned int i = 0; i < 4 * A_CONNECTION; i++)
		fix_in(x, DATA);
	assert_true(COUNT(x, second_chance) >= A_CONNECTION);
	assert_true(COUNT(x, second_chance) <= fix_windows(began) * A_CONNECTION + 1);
}

/* ---- connections of peers ---- */

/* A steered handshake is entered when the peer says that it has the connection. */
static void steered_handshake_is_entered_when_the_peer_has_it(void **state)
{
	struct fix *x = *state;

	x->cfg.repl_port = htons(REPL_PORT);
	fix_cfg(x);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SEG(.flags = SYN, .seq = 1000), PEER0_MAC);
	/* Anybody can send both; the peer's answer would go to another host. */
	expect_in_steer(x, SEG(.flags = ACK, .seq = 1001, .ack = 77), PEER0_MAC);
	expect_in_steer(x, DATA, PEER0_MAC);
	assert_int_equal(fix_conn_count(x), 0);
	assert_int_equal(COUNT(x, established), 0);
	fix_replica_put(x, 1);
	expect_in_steer(x, DATA, PEER0_MAC); /* another holder: an older connection */
	assert_int_equal(fix_conn_count(x), 0);
	fix_replica_put(x, 0);
	expect_in_steer(x, SEG(.flags = ACK, .seq = 1011, .ack = 5001), PEER0_MAC);
	assert_int_equal(fix_conn_count(x), 1);
	assert_int_equal(COUNT(x, established), 1);
	assert_int_equal(COUNT(x, out_of_window), 0);
}

/* Segments that fit no numbers of a carried player: a peer gets few of them. */
static void strays_are_limited(void **state)
{
	static const uint8_t kinds[] = {ACK, FIN | ACK, RST, SYN};
	struct hokm_conn c = fix_steered_conn(1);
	struct fix *x = *state;
	uint64_t began, sent = 0;

	fix_guesses(x, false);
	fix_conn_put(x, &c);
	fix_replica_put(x, 1);
	began = fix_now();
	for (unsigned int i = 0; i < 4 * STRAYS; i++) {
		fix_in(x, SEG(.flags = kinds[i % 4], .seq = 0x40000000 + i, .ack = 0x40000000));
		sent += x->verdict == SENT_ON;
	}
	assert_in_range(sent, STRAYS, fix_windows(began) * STRAYS);
	assert_int_equal(COUNT(x, drop_stray), 4 * STRAYS - sent);
	expect_in_steer(x, DATA, PEER1_MAC);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.c2s.packets, 2);
	assert_int_equal(c.tcp_state, HOKM_TCP_ESTABLISHED);
}

#define NETWORKS 9

/* Players of peer 1, one in each network. */
static void live_in_networks(struct fix *x)
{
	const struct hokm_replica r = {.told_ns = 1, .holder = 1};
	const struct hokm_conn c = fix_steered_conn(1);
	struct hokm_conn_key k = fix_key();

	for (unsigned int i = 0; i < NETWORKS; i++) {
		k.client.w[3] = htonl(CLIENT_ADDR + (i << 8));
		fix_conn_bits(x, &k);
		assert_int_equal(bpf_map_update_elem(fix_map_fd(x, "conns"), &k, &c, BPF_ANY), 0);
		assert_int_equal(bpf_map_update_elem(fix_map_fd(x, "replica"), &k, &r, BPF_ANY), 0);
	}
}

/* Sends n strays of the player of each of the first networks; returns how many went to the peer. */
static uint64_t stray(struct fix *x, unsigned int networks, unsigned int n)
{
	uint64_t sent = 0;

	for (unsigned int i = 0; i < n * networks; i++) {
		fix_in(x, SEG(.flags = i & 1 ? ACK : SYN, .seq = 0x40000000 + i,
			      .ip.src = CLIENT_ADDR + (i % networks << 8)));
		sent += x->verdict == SENT_ON;
	}
	assert_int_equal(COUNT(x, drop_stray), n * networks - sent);
	return sent;
}

/* The replica may be old then, so that a stray may be the player's own. A flood still ends here. */
static void strays_are_limited_while_guesses_are_given(void **state)
{
	struct fix *x = *state;
	uint64_t began = fix_now(), sent;

	fix_guesses(x, true);
	live_in_networks(x);
	/* The windows are counted afterwards: the order of arguments is the compiler's. */
	sent = stray(x, NETWORKS, STRAYS);
	assert_in_range(sent, STRAYS_MORE, fix_windows(began) * STRAYS_MORE);
}

/* The players of one network do not pay for a flood in the name of those of another one. */
static void strays_of_one_network_leave_room_for_others(void **state)
{
	struct fix *x = *state;
	uint64_t began = fix_now(), sent;

	fix_guesses(x, true);
	live_in_networks(x);
	sent = stray(x, 1, 4 * A_PREFIX);
	assert_in_range(sent, A_PREFIX, fix_windows(began) * A_PREFIX);
	if (fix_windows(began) > 1)
		return;
	for (unsigned int i = 0; i < 10; i++)
		expect_in_steer(x,
				SEG(.flags = ACK, .seq = 0x40000000, .ip.src = CLIENT_ADDR + 256),
				PEER1_MAC);
}

/*
 * The holder accepts no new connections, and the replica does not name it, because it is not
 * complete. Anybody can send a SYN in the name of a player: the entry stays, and the next packet of
 * the player goes to its holder.
 */
static void no_syn_ends_a_connection_while_the_replica_is_not_complete(void **state)
{
	struct hokm_conn c = fix_steered_conn(1);
	struct hokm_peer p = fix_alive_peer(1);
	struct fix *x = *state;

	fix_conn_put(x, &c);
	p.svc[0].state = HOKM_SVC_DRAIN;
	fix_peer_set(x, 1, &p);
	fix_guesses(x, true);
	expect_in_steer(x, SEG(.flags = SYN, .seq = 0x40000000), PEER1_MAC);
	assert_true(fix_conn(x, &c));
	expect_in_steer(x, DATA, PEER1_MAC);
	assert_int_equal(COUNT(x, steered_conn), 1);
	/* A complete replica knows: the connection is over. */
	fix_guesses(x, false);
	expect_in_pass(x, SEG(.flags = SYN, .seq = 0x40000000));
	assert_false(fix_conn(x, &c));
}

/*
 * SYNs are judged by the exact clock, other packets by one that is a little behind. At the begin of
 * a second the two disagree, and the limit must not begin anew with each packet.
 */
static void limit_holds_where_two_clocks_disagree(void **state)
{
	struct hokm_conn c = fix_steered_conn(1);
	struct fix *x = *state;
	uint64_t now, began, sent = 0;

	fix_guesses(x, false);
	fix_conn_put(x, &c);
	fix_replica_put(x, 1);
	do {
		now = fix_now();
	} while (now % FIX_WINDOW_NS < FIX_WINDOW_NS - 500000);
	began = now;
	for (unsigned int i = 0; now < began + FIX_TICK_NS || i < 4 * STRAYS;
	     i++, now = fix_now()) {
		fix_in(x, SEG(.flags = i % 2 ? SYN : ACK, .seq = 0x40000000 + i));
		sent += x->verdict == SENT_ON;
	}
	assert_in_range(sent, STRAYS, fix_windows(began) * STRAYS);
}

/* A stray for a local socket is the local kernel's. */
static void strays_of_local_connections_pass(void **state)
{
	struct hokm_conn c = conn_known(HOKM_LOCAL);
	struct fix *x = *state;

	fix_guesses(x, false);
	fix_conn_put(x, &c);
	for (unsigned int i = 0; i < 2 * STRAYS; i++)
		expect_in_pass(x, SEG(.flags = ACK, .seq = 0x40000000 + i, .ack = 0x40000000));
	assert_int_equal(COUNT(x, out_of_window), 2 * STRAYS);
}

#define HANDSHAKE_NS 10000000000ull

/* The places of the one half-open set: the times of both entries; 0: free. */
static void put_half_open(struct fix *x, uint64_t first_ns, uint64_t second_ns)
{
	const struct hokm_half_open_set set = {
		.way[0] = {.key = {.client_port = 1}, .created_ns = first_ns},
		.way[1] = {.key = {.client_port = 2}, .created_ns = second_ns},
	};
	const uint32_t zero = 0;

	assert_int_equal(bpf_map_update_elem(fix_map_fd(x, "half_open"), &zero, &set, BPF_ANY), 0);
}

/* New players go to a peer, and a flood of SYNs replaces the entries of their handshakes. */
static void flood_of_syns_ends_no_handshake_with_a_peer(void **state)
{
	struct fix *x = *state;

	fix_guesses(x, false);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SEG(.flags = SYN, .seq = 1000), PEER0_MAC);
	fix_in(x, SEG(.flags = SYN, .sport = 1));
	fix_in(x, SEG(.flags = SYN, .sport = 2));
	expect_in_steer(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001), PEER0_MAC);
	expect_in_steer(x, DATA, PEER0_MAC);
	assert_int_equal(COUNT(x, second_chance), 2);
	assert_int_equal(fix_conn_count(x), 0);
	expect_in_pass(x, SEG(.flags = RST, .seq = 1001));
}

/* Where no entry was replaced, an unknown packet is nobody's. */
static void no_handshake_is_guessed_without_a_flood(void **state)
{
	struct fix *x = *state;
	uint64_t now = fix_now();

	fix_guesses(x, false);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_pass(x, DATA);
	put_half_open(x, now, 0);
	expect_in_pass(x, DATA);
	put_half_open(x, 0, now);
	expect_in_pass(x, DATA);
	if (now > 2 * HANDSHAKE_NS) { /* a machine that has just started has no such times */
		put_half_open(x, now, now - HANDSHAKE_NS);
		expect_in_pass(x, DATA);
		put_half_open(x, now - HANDSHAKE_NS, now);
		expect_in_pass(x, DATA);
	}
	put_half_open(x, now, now);
	expect_in_steer(x, DATA, PEER0_MAC);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_UP);
	expect_in_pass(x, SEG(.flags = ACK, .seq = 1, .ack = 1, .sport = 3));
}

static void guesses_of_handshakes_are_limited(void **state)
{
	struct fix *x = *state;
	uint64_t began = fix_now();

	fix_guesses(x, false);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	put_half_open(x, began, began);
	for (unsigned int i = 0; i < 4 * IN_ALL; i++)
		fix_in(x, SEG(.flags = ACK, .seq = i, .ip.src = IPV4(10, 0, 0, 0) + (i << 8)));
	assert_in_range(COUNT(x, second_chance), IN_ALL, fix_windows(began) * IN_ALL);
	assert_int_equal(COUNT(x, drop_guess), 4 * IN_ALL - COUNT(x, second_chance));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(nobodys_packet_goes_to_the_kernel),
		HOKM_TEST(second_chance_while_the_daemon_is_stopped),
		HOKM_TEST(second_chance_ends_at_its_time),
		HOKM_TEST(named_holder_gets_its_packets_at_any_time),
		HOKM_TEST(guess_follows_its_first_packet),
		HOKM_TEST(guesses_are_limited_in_all),
		HOKM_TEST(guesses_are_limited_for_each_network),
		HOKM_TEST(packets_of_a_guess_are_limited),
		HOKM_TEST(steered_handshake_is_entered_when_the_peer_has_it),
		HOKM_TEST(strays_are_limited),
		HOKM_TEST(strays_are_limited_while_guesses_are_given),
		HOKM_TEST(strays_of_one_network_leave_room_for_others),
		HOKM_TEST(no_syn_ends_a_connection_while_the_replica_is_not_complete),
		HOKM_TEST(limit_holds_where_two_clocks_disagree),
		HOKM_TEST(strays_of_local_connections_pass),
		HOKM_TEST(flood_of_syns_ends_no_handshake_with_a_peer),
		HOKM_TEST(no_handshake_is_guessed_without_a_flood),
		HOKM_TEST(guesses_of_handshakes_are_limited),
	};

	return cmocka_run_group_tests_name("guess", tests, fix_open, fix_close);
}
