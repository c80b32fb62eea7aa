/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection in the tables: its handshake, both flows, every way to close or terminate it,
 * refusals.
 */
#include <arpa/inet.h>
#include <string.h>

#include "fixture.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define ISN  1000u
#define SISN 5000u

static void in_syn(struct fix *x)
{
	expect_in_pass(x, SEG(.flags = SYN, .seq = ISN));
}

static void out_syn_ack(struct fix *x)
{
	fix_out(x, SEG(.flags = SYN | ACK, .seq = SISN, .ack = ISN + 1));
}

static void in_ack(struct fix *x)
{
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 1));
}

static void handshake(struct fix *x)
{
	in_syn(x);
	out_syn_ack(x);
	in_ack(x);
}

static struct hokm_conn conn_of(struct fix *x)
{
	struct hokm_conn c;

	assert_true(fix_conn(x, &c));
	return c;
}

static void handshake_moves_the_entry(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c, half;
	struct hokm_event ev;

	in_syn(x);
	out_syn_ack(x);
	assert_true(fix_half(x, &half));
	assert_int_equal(half.tcp_state, HOKM_TCP_SYN_ACK);
	assert_true(half.syn_ack_ns >= half.created_ns);
	assert_int_equal(half.s2c.seq_next, SISN + 1);
	assert_int_equal(COUNT(x, syn_ack), 1);
	assert_int_equal(fix_conn_count(x), 0);

	in_ack(x);
	assert_false(fix_half(x, &half));
	c = conn_of(x);
	assert_int_equal(c.tcp_state, HOKM_TCP_ESTABLISHED);
	assert_int_equal(c.target, HOKM_LOCAL);
	assert_int_equal(c.isn, ISN);
	assert_int_equal(c.flags, HOKM_CONN_OPENED);
	assert_int_equal(c.c2s.seq_next, ISN + 1);
	assert_int_equal(c.c2s.ack, SISN + 1);
	assert_int_equal(c.c2s.packets, 2);
	assert_true(c.created_ns <= c.syn_ack_ns && c.syn_ack_ns <= c.established_ns);
	assert_int_equal(COUNT(x, established), 1);
	assert_int_equal(fix_events(x, HOKM_EV_OPEN, &ev), 1);
	assert_int_equal(ev.target, HOKM_LOCAL);
	assert_int_equal(ev.tcp_state, HOKM_TCP_ESTABLISHED);
	in_ack(x);
	assert_int_equal(COUNT(x, established), 1);
	assert_int_equal(fix_events(x, HOKM_EV_OPEN, NULL), 1);
}

static void data_completes_a_handshake_whose_ack_was_lost(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;

	in_syn(x);
	out_syn_ack(x);
	expect_in_pass(x, SEG(.flags = ACK | PSH, .seq = ISN + 1, .ack = SISN + 1, .payload = 100));
	c = conn_of(x);
	assert_int_equal(c.c2s.seq_next, ISN + 101);
	assert_true(c.c2s.last_data_ns >= c.created_ns);
}

/* The ACK and the first bytes of the client were lost: its second segment completes it too. */
static void later_data_completes_a_handshake(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;

	in_syn(x);
	out_syn_ack(x);
	expect_in_pass(x,
		       SEG(.flags = ACK | PSH, .seq = ISN + 101, .ack = SISN + 1, .payload = 100));
	c = conn_of(x);
	assert_int_equal(c.flags, HOKM_CONN_OPENED); /* not adopted: its beginning is known */
	assert_int_equal(c.c2s.seq_next, ISN + 201);
	assert_int_equal(c.c2s.ws.state, HOKM_FOLLOW_HEAD); /* it waits for what was lost */
	assert_int_equal(c.c2s.ws.next, ISN + 1);
	assert_int_equal(COUNT(x, established), 1);
}

/* A sender of forged packets, which does not see the SYN-ACK, cannot fill conns. */
static void ack_must_prove_the_syn_ack(void **state)
{
	struct fix *x = *state;
	struct hokm_conn half;

	in_syn(x);
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 1)); /* none was sent */
	out_syn_ack(x);
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 7));
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN, .ack = SISN + 1));
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1 + (1 << 20), .ack = SISN + 1));
	assert_int_equal(fix_conn_count(x), 0);
	assert_true(fix_half(x, &half));
	assert_int_equal(COUNT(x, established), 0);
	assert_int_equal(COUNT(x, unknown_pass), 4);
	in_ack(x);
	assert_int_equal(fix_conn_count(x), 1);
}

/* The egress program did not see the SYN-ACK, but the kernel has the socket. */
static void handshake_seen_by_the_kernel_alone_is_adopted(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;
	struct socks s;

	socks_connect(&s);
	in_syn(x);
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = 77));
	c = conn_of(x);
	assert_true(c.flags & HOKM_CONN_ADOPTED);
	assert_false(fix_half(x, &c));
	socks_close(&s);
}

static void steering_node_tracks_the_handshake(void **state)
{
	struct fix *x = *state;
	struct hokm_event ev;
	struct hokm_conn c;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SEG(.flags = SYN, .seq = ISN), PEER0_MAC);
	expect_in_steer(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 1), PEER0_MAC);
	c = conn_of(x);
	assert_int_equal(c.target, 0);
	assert_int_equal(c.tcp_state, HOKM_TCP_ESTABLISHED);
	assert_int_equal(COUNT(x, established), 1);
	assert_int_equal(COUNT(x, steered_conn), 1);
	assert_int_equal(fix_events(x, HOKM_EV_OPEN, &ev), 1);
	assert_int_equal(ev.target, 0);
}

static void steered_in_handshake_is_marked(void **state)
{
	struct fix *x = *state;

	fix_owner(x, false);
	expect_in_pass(x, SEG(.eth.from = PEER0_MAC, .flags = SYN, .seq = ISN));
	out_syn_ack(x);
	expect_in_pass(x,
		       SEG(.eth.from = PEER0_MAC, .flags = ACK, .seq = ISN + 1, .ack = SISN + 1));
	assert_true(conn_of(x).flags & HOKM_CONN_STEERED_IN);
	assert_int_equal(COUNT(x, steered_in), 2);
}

static void directions_are_counted_apart(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;

	handshake(x);
	expect_in_pass(x, SEG(.flags = ACK | PSH, .seq = ISN + 1, .ack = SISN + 1, .payload = 10));
	c = conn_of(x);
	assert_int_equal(c.c2s.packets, 3);
	assert_int_equal(c.c2s.bytes, 40 + 40 + 50);
	assert_int_equal(c.c2s.seq_next, ISN + 11);
	assert_int_equal(c.s2c.packets, 1);
	assert_int_equal(c.s2c.bytes, 40);
	assert_int_equal(c.s2c.last_data_ns, 0);
	fix_out(x, SEG(.flags = ACK | PSH, .seq = SISN + 1, .ack = ISN + 11, .payload = 1400));
	c = conn_of(x);
	assert_int_equal(c.c2s.packets, 3);
	assert_int_equal(c.s2c.packets, 2);
	assert_int_equal(c.s2c.bytes, 40 + 1440);
	assert_int_equal(c.s2c.seq_next, SISN + 1401);
	assert_int_equal(c.s2c.ack, ISN + 11);
	assert_true(c.s2c.last_data_ns >= c.c2s.last_data_ns);
	assert_int_equal(COUNT(x, packets_in), 3);
	assert_int_equal(COUNT(x, bytes_in), 130);
	assert_int_equal(COUNT(x, packets_out), 2);
	assert_int_equal(COUNT(x, bytes_out), 1480);
}

static void sequence_numbers_never_go_back(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;

	handshake(x);
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 100, .payload = 100));
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 50, .payload = 10));
	c = conn_of(x);
	assert_int_equal(c.c2s.seq_next, ISN + 101);
	assert_int_equal(c.c2s.ack, SISN + 100);
}

static void sequence_numbers_wrap(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = {
		.tcp_state = HOKM_TCP_ESTABLISHED,
		.target = HOKM_LOCAL,
		.vouched = VOUCHED(0xfffffff0u, 8),
		.c2s = {.packets = 1, .seq_next = 0xfffffff0u, .ack = 0xfffffff8u},
	};

	fix_conn_put(x, &c);
	expect_in_pass(x, SEG(.flags = ACK, .seq = 0xfffffff0u, .ack = 8, .payload = 0x20));
	c = conn_of(x);
	assert_int_equal(c.c2s.seq_next, 0x10);
	assert_int_equal(c.c2s.ack, 8);
}

/* ---- closing and reset ---- */

static void client_closes_first(void **state)
{
	struct fix *x = *state;
	struct hokm_event ev;
	struct hokm_conn c;

	handshake(x);
	expect_in_pass(x, SEG(.flags = FIN | ACK, .seq = ISN + 1, .ack = SISN + 1));
	c = conn_of(x);
	assert_int_equal(c.tcp_state, HOKM_TCP_FIN_CLIENT);
	assert_int_equal(c.close_side, 1);
	assert_int_equal(c.ended_ns, 0);
	assert_int_equal(c.c2s.seq_next, ISN + 2);
	expect_in_pass(x, SEG(.flags = FIN | ACK, .seq = ISN + 1, .ack = SISN + 1)); /* again */
	assert_int_equal(COUNT(x, fin_client), 1);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, NULL), 0);

	fix_out(x, SEG(.flags = FIN | ACK, .seq = SISN + 1, .ack = ISN + 2));
	c = conn_of(x);
	assert_int_equal(c.tcp_state, HOKM_TCP_CLOSED);
	assert_int_equal(c.close_side, 1);
	assert_true(c.ended_ns >= c.created_ns);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, &ev), 1);
	assert_int_equal(ev.close_side, 1);
	assert_int_equal(ev.bytes_in, c.c2s.bytes);
	assert_int_equal(ev.bytes_out, c.s2c.bytes);
	assert_int_equal(ev.age_ns, c.ended_ns - c.created_ns);
	assert_int_equal(COUNT(x, fin_server), 0);
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 2, .ack = SISN + 2));
	assert_int_equal(conn_of(x).tcp_state, HOKM_TCP_CLOSED);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, NULL), 1);
}

static void server_closes_first(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;

	handshake(x);
	fix_out(x, SEG(.flags = FIN | ACK, .seq = SISN + 1, .ack = ISN + 1));
	c = conn_of(x);
	assert_int_equal(c.tcp_state, HOKM_TCP_FIN_SERVER);
	assert_int_equal(c.close_side, 2);
	assert_int_equal(COUNT(x, fin_server), 1);
	expect_in_pass(x, SEG(.flags = FIN | ACK, .seq = ISN + 1, .ack = SISN + 2));
	c = conn_of(x);
	assert_int_equal(c.tcp_state, HOKM_TCP_CLOSED);
	assert_int_equal(c.close_side, 2);
	assert_int_equal(COUNT(x, fin_client), 0);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, NULL), 1);
}

static void client_resets(void **state)
{
	struct fix *x = *state;
	struct hokm_event ev;
	struct hokm_conn c;

	handshake(x);
	expect_in_pass(x, SEG(.flags = RST, .seq = ISN + 1));
	c = conn_of(x);
	assert_int_equal(c.tcp_state, HOKM_TCP_RESET);
	assert_int_equal(c.close_side, 1);
	assert_int_equal(COUNT(x, rst_client), 1);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, &ev), 1);
	assert_int_equal(ev.tcp_state, HOKM_TCP_RESET);
	expect_in_pass(x, SEG(.flags = RST, .seq = ISN + 1));
	assert_int_equal(COUNT(x, rst_client), 1);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, NULL), 1);
}

/* A client without the socket answers with the number that the server acknowledged. */
static void client_without_the_socket_resets(void **state)
{
	struct fix *x = *state;

	handshake(x);
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 1, .payload = 50));
	fix_out(x, SEG(.flags = ACK, .seq = SISN + 1, .ack = ISN + 31, .payload = 5));
	expect_in_pass(x, SEG(.flags = RST, .seq = ISN + 31));
	assert_int_equal(conn_of(x).tcp_state, HOKM_TCP_RESET);
}

static void blind_reset_changes_nothing(void **state)
{
	struct fix *x = *state;

	handshake(x);
	expect_in_pass(x, SEG(.flags = RST, .seq = ISN + 500));
	expect_in_pass(x, SEG(.flags = RST | ACK, .seq = ISN - 500, .ack = SISN + 900));
	assert_int_equal(conn_of(x).tcp_state, HOKM_TCP_ESTABLISHED);
	assert_int_equal(conn_of(x).c2s.seq_next, ISN + 1);
	assert_int_equal(conn_of(x).c2s.ack, SISN + 1);
	assert_int_equal(COUNT(x, rst_client), 0);
	expect_in_pass(x, SEG(.flags = RST, .seq = ISN + 1));
	assert_int_equal(conn_of(x).tcp_state, HOKM_TCP_RESET);
}

static void server_resets(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;

	handshake(x);
	fix_out(x, SEG(.flags = RST | ACK, .seq = SISN + 1, .ack = ISN + 1));
	c = conn_of(x);
	assert_int_equal(c.tcp_state, HOKM_TCP_RESET);
	assert_int_equal(c.close_side, 2);
	assert_int_equal(COUNT(x, rst_server), 1);
	assert_int_equal(COUNT(x, refused), 0);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, NULL), 1);
	fix_out(x, SEG(.flags = RST | ACK, .seq = SISN + 1, .ack = ISN + 1));
	assert_int_equal(COUNT(x, rst_server), 1);
}

static void ended_connection_still_follows_its_target(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = {
		.tcp_state = HOKM_TCP_CLOSED,
		.target = 1,
		.flags = HOKM_CONN_ENDED,
		.c2s = {.packets = 9, .seq_next = ISN},
	};

	fix_conn_put(x, &c);
	expect_in_steer(x, SEG(.flags = ACK, .seq = ISN), PEER1_MAC);
	expect_in_steer(x, SEG(.flags = ACK, .seq = ISN - 100, .payload = 100), PEER1_MAC);
}

/*
 * The client uses the port again: another node got the SYN, and the segments come here after a
 * takeover.
 */
static void segment_of_a_newer_connection_is_unknown(void **state)
{
	static const uint32_t seqs[] = {ISN + 1, ISN - 100000};
	struct fix *x = *state;
	struct hokm_conn c = {
		.tcp_state = HOKM_TCP_RESET,
		.target = HOKM_LOCAL,
		.flags = HOKM_CONN_ENDED,
		.c2s = {.packets = 9, .seq_next = ISN},
	};

	for (int i = 0; i < 2; i++) {
		fix_reset(state);
		fix_conn_put(x, &c);
		expect_in_steer(x, SEG(.flags = ACK, .seq = seqs[i], .payload = 5), PEER0_MAC);
		assert_int_equal(COUNT(x, second_chance), 1);
		assert_int_equal(conn_of(x).tcp_state, HOKM_TCP_RESET); /* the older one */
		fix_replica_put(x, 1);
		expect_in_steer(x, SEG(.flags = ACK, .seq = seqs[i], .payload = 5), PEER1_MAC);
		assert_int_equal(conn_of(x).tcp_state, HOKM_TCP_ESTABLISHED);
		assert_int_equal(conn_of(x).target, 1);
	}
}

static void client_resets_the_handshake(void **state)
{
	struct fix *x = *state;
	struct hokm_conn half;

	in_syn(x);
	expect_in_pass(x, SEG(.flags = RST, .seq = ISN + 900));
	assert_true(fix_half(x, &half));
	expect_in_pass(x, SEG(.flags = RST, .seq = ISN + 1));
	assert_false(fix_half(x, &half));
	assert_int_equal(COUNT(x, rst_client), 1);
	assert_int_equal(fix_conn_count(x), 0);
}

/* ---- the server's first answers ---- */

/* test_replay.c tests refusals when a peer is up. */
static void nobody_to_replay_to(struct fix *x)
{
	fix_peer_dead(x, 0);
	fix_peer_dead(x, 1);
}

static void refusal_makes_the_service_suspect(void **state)
{
	struct fix *x = *state;
	struct hokm_suspect s;
	struct hokm_conn half;
	struct hokm_peer alive = fix_alive_peer(0);
	struct hokm_event ev;

	nobody_to_replay_to(x);
	in_syn(x);
	fix_out(x, SEG(.flags = RST | ACK, .seq = 0, .ack = ISN + 1));
	assert_int_equal(COUNT(x, refused), 1);
	assert_int_equal(COUNT(x, suspects), 1);
	assert_int_equal(COUNT(x, rst_server), 0);
	s = fix_suspect_get(x, 0);
	assert_int_equal(s.until_ns, s.since_ns + SECOND_NS);
	assert_true(s.since_ns && s.since_ns <= fix_now());
	assert_false(fix_half(x, &half));
	assert_int_equal(fix_events(x, HOKM_EV_REFUSED, &ev), 1);
	assert_int_equal(ev.client_port, htons(CLIENT_PORT));
	assert_int_equal(ev.service, 0);
	fix_peer_set(x, 0, &alive);
	expect_in_steer(x, SEG(.flags = SYN, .seq = ISN), PEER0_MAC);
}

static void refusal_of_a_suspect_prolongs_it(void **state)
{
	struct fix *x = *state;
	struct hokm_suspect s;
	uint64_t until = fix_now() + SECOND_NS / 2;

	nobody_to_replay_to(x);
	in_syn(x);
	fix_suspect(x, 0, until);
	fix_out(x, SEG(.flags = RST | ACK, .seq = 0, .ack = ISN + 1));
	s = fix_suspect_get(x, 0);
	assert_int_equal(COUNT(x, refused), 1);
	assert_int_equal(COUNT(x, suspects), 0);
	assert_int_equal(s.since_ns, 0);
	assert_true(s.until_ns > until);
}

static void refusal_without_a_suspect_time_changes_nothing(void **state)
{
	struct fix *x = *state;

	nobody_to_replay_to(x);
	x->cfg.suspect_ns = 0;
	fix_cfg(x);
	in_syn(x);
	fix_out(x, SEG(.flags = RST | ACK, .seq = 0, .ack = ISN + 1));
	assert_int_equal(COUNT(x, refused), 1);
	assert_int_equal(fix_suspect_get(x, 0).until_ns, 0);
}

static void other_resets_are_no_refusal(void **state)
{
	struct fix *x = *state;

	in_syn(x);
	fix_out(x, SEG(.flags = RST | ACK, .seq = 0, .ack = ISN + 2));
	assert_int_equal(COUNT(x, refused), 0);
	assert_int_equal(COUNT(x, rst_server), 1);
	in_syn(x);
	out_syn_ack(x);
	/* the server had accepted it */
	fix_out(x, SEG(.flags = RST | ACK, .seq = 0, .ack = ISN + 1));
	assert_int_equal(COUNT(x, refused), 0);
	assert_int_equal(COUNT(x, rst_server), 2);
	fix_out(x, SEG(.flags = RST, .seq = 4)); /* of no connection */
	assert_int_equal(COUNT(x, rst_server), 2);
	assert_int_equal(fix_suspect_get(x, 0).until_ns, 0);
}

static void syn_ack_of_another_syn_is_ignored(void **state)
{
	struct fix *x = *state;
	struct hokm_conn half;

	in_syn(x);
	fix_out(x, SEG(.flags = SYN | ACK, .seq = SISN, .ack = ISN + 5));
	assert_true(fix_half(x, &half));
	assert_int_equal(half.tcp_state, HOKM_TCP_SYN);
	assert_int_equal(COUNT(x, syn_ack), 0);
	out_syn_ack(x);
	out_syn_ack(x); /* repeated */
	assert_true(fix_half(x, &half));
	assert_int_equal(half.tcp_state, HOKM_TCP_SYN_ACK);
	assert_int_equal(COUNT(x, syn_ack), 2);
}

static void egress_leaves_others_alone(void **state)
{
	struct fix *x = *state;

	fix_out(x, SEG(.ip.src = OTHER_ADDR, .flags = ACK));
	fix_out(x, SEG(.dport = GAME_PORT + 1, .flags = ACK));
	fix_out(x, SEG(.ip.frag = 0x2000, .flags = ACK));
	assert_int_equal(fix_count_all(x), 0);
}

/*
 * The server took the data of the SYN, or a part of it (TCP Fast Open). That is an answer: without
 * it a service of such clients only would seem to answer nobody.
 */
static void syn_ack_of_data_is_an_answer(void **state)
{
	static const uint32_t taken[] = {1, 99, 100, 101};
	struct fix *x = *state;

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		struct hokm_conn half;

		fix_reset(state);
		expect_in_pass(x, SEG(.flags = SYN, .seq = ISN, .payload = 100));
		fix_out(x, SEG(.flags = SYN | ACK, .seq = SISN, .ack = ISN + 1 + taken[i]));
		assert_int_equal(COUNT(x, syn_ack), taken[i] <= 100);
		assert_true(fix_half(x, &half));
		assert_int_equal(half.tcp_state, HOKM_TCP_SYN);
	}
}

static void egress_accepts_tags_and_options(void **state)
{
	struct fix *x = *state;

	handshake(x);
	fix_out(x, SEG(.eth.tags = 2, .ip.options = 10, .options = 10, .flags = ACK,
		       .seq = SISN + 1, .ack = ISN + 1, .payload = 7));
	assert_int_equal(conn_of(x).s2c.seq_next, SISN + 8);
	assert_int_equal(conn_of(x).s2c.bytes, 40 + 60 + 60 + 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(handshake_moves_the_entry),
		HOKM_TEST(data_completes_a_handshake_whose_ack_was_lost),
		HOKM_TEST(later_data_completes_a_handshake),
		HOKM_TEST(ack_must_prove_the_syn_ack),
		HOKM_TEST(handshake_seen_by_the_kernel_alone_is_adopted),
		HOKM_TEST(steering_node_tracks_the_handshake),
		HOKM_TEST(steered_in_handshake_is_marked),
		HOKM_TEST(directions_are_counted_apart),
		HOKM_TEST(sequence_numbers_never_go_back),
		HOKM_TEST(sequence_numbers_wrap),
		HOKM_TEST(client_closes_first),
		HOKM_TEST(server_closes_first),
		HOKM_TEST(client_resets),
		HOKM_TEST(client_without_the_socket_resets),
		HOKM_TEST(blind_reset_changes_nothing),
		HOKM_TEST(server_resets),
		HOKM_TEST(ended_connection_still_follows_its_target),
		HOKM_TEST(segment_of_a_newer_connection_is_unknown),
		HOKM_TEST(client_resets_the_handshake),
		HOKM_TEST(refusal_makes_the_service_suspect),
		HOKM_TEST(refusal_of_a_suspect_prolongs_it),
		HOKM_TEST(refusal_without_a_suspect_time_changes_nothing),
		HOKM_TEST(other_resets_are_no_refusal),
		HOKM_TEST(syn_ack_of_another_syn_is_ignored),
		HOKM_TEST(egress_leaves_others_alone),
		HOKM_TEST(syn_ack_of_data_is_an_answer),
		HOKM_TEST(egress_accepts_tags_and_options),
	};

	return cmocka_run_group_tests_name("tcp_state", tests, fix_open, fix_close);
}
