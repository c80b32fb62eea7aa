/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets of connections that this node does not know: the replica names their holder
 * (bpf/holder.h), and when the holder is dead the client is notified by a RST (bpf/dead_peer.h).
 */
#include <arpa/inet.h>
#include <string.h>

#include "fixture.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)
#define ISN         1000u
#define DATA        SEG(.flags = ACK | PSH, .seq = 1001, .ack = 5001, .payload = 10)

static void unknown_goes_to_its_holder(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;

	expect_in_steer(x, DATA, PEER0_MAC); /* no replica: the second chance */
	assert_int_equal(COUNT(x, steered_holder), 0);
	fix_reset(state);
	fix_replica_put(x, 1);
	expect_in_steer(x, DATA, PEER1_MAC);
	assert_int_equal(COUNT(x, second_chance), 1);
	assert_int_equal(COUNT(x, steered_holder), 1);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.target, 1);
	expect_in_steer(x, DATA, PEER1_MAC); /* in conns by now */
	assert_int_equal(COUNT(x, steered_holder), 1);
}

static void packet_for_a_dead_holder_is_answered(void **state)
{
	struct fix *x = *state;
	struct hokm_replica r;
	struct hokm_event ev;
	struct hokm_conn c;

	fix_replica_put(x, 1);
	fix_peer_dead(x, 1);
	expect_in_answer(x, DATA); /* although peer 0 is alive */
	assert_int_equal(COUNT(x, answered_dead), 1);
	assert_int_equal(COUNT(x, second_chance), 0);
	assert_int_equal(fix_events(x, HOKM_EV_ANSWERED_DEAD, &ev), 1);
	assert_int_equal(ev.target, 1);
	assert_true(fix_replica(x, &r));
	assert_true(r.answered_ns && r.answered_ns <= fix_now());
	assert_false(fix_conn(x, &c));
}

static void any_frame_is_answered(void **state)
{
	struct fix *x = *state;

	for (unsigned int tags = 0; tags <= 2; tags++)
		for (unsigned int options = 0; options <= 10; options += 5)
			for (unsigned int payload = 0; payload < 4000; payload = payload * 3 + 7) {
				fix_reset(state);
				fix_replica_put(x, 1);
				fix_peer_dead(x, 1);
				expect_in_answer(
					x, SEG(.flags = ACK, .seq = 1, .ack = 0xfffffff0u,
					       .eth.tags = tags, .options = options,
					       .payload = payload, .padding = payload ? 0 : 6));
			}
}

/*
 * A frame of several buffers becomes its RST too, also when the first buffer ends after the
 * headers.
 */
static void frames_of_several_buffers_are_answered(void **state)
{
	struct fix *x = *state;

	for (uint32_t linear = 14 + 40; linear <= 14 + 40 + 90; linear += 30) {
		fix_reset(state);
		if (!fix_split(x, linear))
			return;
		fix_replica_put(x, 1);
		fix_peer_dead(x, 1);
		expect_in_answer(x, SEG(.flags = ACK, .seq = 1, .ack = 77, .payload = 9000));
		expect_in_answer(x, SEG(.flags = ACK, .seq = 1, .ack = 78, .payload = 100));
	}
}

/*
 * A packet that is not answered leaves the entry unchanged: the daemon still has to notify the
 * client.
 */
static void expect_left(struct fix *x, const struct tcp_spec *s)
{
	struct hokm_replica r;

	expect_in_pass(x, s);
	assert_int_equal(COUNT(x, answered_dead), 0);
	assert_int_equal(fix_events(x, HOKM_EV_ANSWERED_DEAD, NULL), 0);
	assert_true(fix_replica(x, &r));
	assert_int_equal(r.answered_ns, 0);
}

/* Packets that cannot be answered, or need no answer. */
static void packets_without_an_answer(void **state)
{
	struct fix *x = *state;

	fix_replica_put(x, 1);
	fix_peer_dead(x, 1);
	expect_left(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .ip.options = 2));
	expect_left(x, SEG(.flags = FIN | PSH, .seq = 1001));
	assert_int_equal(COUNT(x, target_dead), 1); /* the second one is malformed */
	expect_left(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .eth.from = PEER0_MAC));
	expect_left(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .eth.from = PEER1_MAC));
	assert_int_equal(COUNT(x, unknown_pass), 2);
}

/*
 * The RST may be lost, so the daemon goes on notifying the client until the client acknowledges by
 * a RST with the number that a tickle acknowledged.
 */
static void only_an_exact_reset_acknowledges_the_notification(void **state)
{
	struct fix *x = *state;
	struct hokm_replica r;

	fix_replica_put(x, 1);
	fix_peer_dead(x, 1);
	expect_in_answer(x, DATA);
	assert_true(fix_replica(x, &r));
	assert_true(r.answered_ns && !r.gone);
	expect_in_pass(x, SEG(.flags = RST, .seq = 1000));
	assert_true(fix_replica(x, &r) && !r.gone);
	expect_in_pass(x, SEG(.flags = RST, .seq = 1001));
	assert_true(fix_replica(x, &r) && r.gone);
	/* A RST for an alive holder changes nothing here. */
	fix_reset(state);
	fix_replica_put(x, 1);
	expect_in_steer(x, SEG(.flags = RST, .seq = 1001), PEER1_MAC);
	assert_true(fix_replica(x, &r) && !r.gone);
}

/* The client reset the connection: it needs no notification, and the packet was not answered. */
static void client_that_resets_is_not_notified(void **state)
{
	struct fix *x = *state;
	struct hokm_replica r;

	fix_replica_put(x, 1);
	fix_peer_dead(x, 1);
	expect_in_pass(x, SEG(.flags = RST, .seq = 1001));
	assert_true(fix_replica(x, &r));
	assert_true(r.answered_ns && r.answered_ns <= fix_now());
	assert_int_equal(COUNT(x, answered_dead), 0);
	assert_int_equal(fix_events(x, HOKM_EV_ANSWERED_DEAD, NULL), 0);
}

/*
 * The same for a connection that this node steers: a RST with the exact number terminates the
 * entry, another one changes nothing.
 */
static void reset_of_a_steered_connection(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1);
	struct hokm_replica r;
	struct hokm_event ev;

	fix_replica_put(x, 1);
	fix_conn_put(x, &c);
	fix_peer_dead(x, 1);
	expect_in_pass(x, SEG(.flags = RST, .seq = 500));
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.tcp_state, HOKM_TCP_ESTABLISHED);
	assert_true(fix_replica(x, &r));
	assert_int_equal(r.answered_ns, 0);
	expect_in_pass(x, SEG(.flags = RST, .seq = 1001));
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.tcp_state, HOKM_TCP_RESET);
	assert_int_equal(c.close_side, HOKM_SIDE_CLIENT);
	assert_true(fix_replica(x, &r));
	assert_true(r.answered_ns);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, &ev), 1);
	assert_int_equal(ev.close_side, HOKM_SIDE_CLIENT);
	assert_int_equal(fix_events(x, HOKM_EV_ANSWERED_DEAD, NULL), 0);
	assert_int_equal(COUNT(x, rst_client), 1);
	assert_int_equal(COUNT(x, target_dead), 2);
}

/* A connection that the packet itself closes is reported as closed. */
static void last_fin_of_a_steered_connection(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1);
	struct hokm_event ev;

	c.tcp_state = HOKM_TCP_FIN_SERVER;
	fix_conn_put(x, &c);
	fix_peer_dead(x, 1);
	expect_in_answer(x, SEG(.flags = FIN | ACK, .seq = 1001, .ack = 5001));
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, &ev), 1);
	assert_int_equal(ev.tcp_state, HOKM_TCP_CLOSED);
	assert_int_equal(fix_events(x, HOKM_EV_ANSWERED_DEAD, NULL), 0);
}

/* A handshake that was steered to a peer, which died meanwhile. */
static void half_open_of_a_dead_peer_is_answered(void **state)
{
	struct fix *x = *state;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SEG(.flags = SYN, .seq = ISN), PEER0_MAC);
	fix_peer_dead(x, 0);
	expect_in_answer(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = 5001));
	assert_int_equal(COUNT(x, answered_dead), 1);
}

/* The local kernel would answer with an ACK, and the client would not notice. */
static void time_wait_here_does_not_prevent_the_answer(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1);
	struct socks s;

	socks_connect(&s);
	assert_int_equal(s.client_port, CLIENT_PORT);
	socks_end_quietly(&s);
	fix_peer_dead(x, 1);
	fix_replica_put(x, 1);
	expect_in_answer(x, DATA);
	fix_conn_put(x, &c);
	expect_in_answer(x, DATA);
	socks_close(&s);
}

/*
 * With three nodes: the holder that the replica names gets the packet, although another peer is
 * preferred.
 */
static void holders_are_told_apart(void **state)
{
	struct fix *x = *state;
	struct hokm_peer p = fix_alive_peer(1);

	x->cfg.n_peers = 3;
	x->cfg.peer[2] = x->cfg.peer[1];
	x->cfg.peer[2].addr.w[3] = htonl(OTHER_ADDR);
	x->cfg.n_order = 3;
	x->cfg.order[2] = 2;
	fix_cfg(x);
	memcpy(p.mac, OTHER_MAC, sizeof(p.mac));
	fix_peer_set(x, 2, &p);
	fix_peer_dead(x, 1);
	fix_replica_put(x, 2);
	expect_in_steer(x, DATA, OTHER_MAC);
	fix_reset(state);
	fix_replica_put(x, 0);
	fix_peer_dead(x, 1);
	expect_in_steer(x, DATA, PEER0_MAC);
	fix_reset(state);
	fix_replica_put(x, 7); /* an unused slot, whose entries will be deleted */
	expect_in_answer(x, DATA);
}

/* Anybody who knows the addresses can send such a SYN. The replica counts more than its entry. */
#define BLIND_SYN SEG(.flags = SYN, .seq = 777777)

static void blind_syn_takes_nothing_from_its_holder(void **state)
{
	struct fix *x = *state;
	struct hokm_replica r;

	fix_replica_put(x, 1);
	expect_in_pass(x, BLIND_SYN);
	expect_in_steer(x, DATA, PEER1_MAC);
	assert_int_equal(COUNT(x, steered_holder), 1);
	/* The SYN was steered to a peer that is not the holder. */
	fix_reset(state);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	fix_replica_put(x, 1);
	expect_in_steer(x, BLIND_SYN, PEER0_MAC);
	expect_in_steer(x, DATA, PEER1_MAC);
	/* The holder is dead: the client is notified with the sequence number that it expects. */
	fix_reset(state);
	fix_replica_put(x, 1);
	fix_peer_dead(x, 1);
	expect_in_pass(x, BLIND_SYN);
	expect_in_answer(x, DATA);
	assert_true(fix_replica(x, &r));
	assert_true(r.answered_ns);
}

/*
 * Only another entry replaces a half-open entry, so the entry of a failed attempt may be hours old.
 */
static void old_attempt_takes_nothing_from_its_holder(void **state)
{
	struct fix *x = *state;
	const struct hokm_conn old = {
		.tcp_state = HOKM_TCP_SYN, .target = HOKM_LOCAL, .isn = 777777, .created_ns = 1};

	fix_half_put(x, &old);
	fix_replica_put(x, 1);
	expect_in_steer(x, DATA, PEER1_MAC);
	/*
	 * Without a replica the packet may belong to that attempt, and the server's kernel decides.
	 */
	fix_reset(state);
	fix_half_put(x, &old);
	expect_in_pass(x, DATA);
}

/* A packet of the attempt belongs to the attempt, although the replica has an older connection. */
static void new_attempt_does_not_go_to_the_old_holder(void **state)
{
	struct fix *x = *state;
	const struct hokm_conn now = {
		.tcp_state = HOKM_TCP_SYN, .target = HOKM_LOCAL, .isn = 1000, .created_ns = 1};

	fix_half_put(x, &now);
	fix_replica_put(x, 1);
	expect_in_pass(x, DATA);
	assert_int_equal(COUNT(x, steered_holder), 0);
}

static void blind_fin_and_syn_take_nothing_from_its_holder(void **state)
{
	struct fix *x = *state;
	const struct hokm_conn c = fix_steered_conn(1);

	fix_replica_put(x, 1);
	fix_conn_put(x, &c);
	expect_in_steer(x, SEG(.flags = FIN | ACK, .seq = 0x70000000, .ack = 1), PEER1_MAC);
	expect_in_steer(x, BLIND_SYN, PEER1_MAC);
	expect_in_steer(x, DATA, PEER1_MAC);
}

/* A steered connection may be over without this node having seen it. */
static void syn_follows_a_steered_entry_only_to_a_peer_that_accepts_it(void **state)
{
	struct fix *x = *state;
	const struct hokm_conn c = fix_steered_conn(1);
	struct hokm_peer p = fix_alive_peer(1);

	fix_conn_put(x, &c);
	expect_in_steer(x, BLIND_SYN, PEER1_MAC);
	p.svc[0].state = HOKM_SVC_DOWN;
	fix_peer_set(x, 1, &p);
	fix_replica_put(x, 1); /* the peer still holds it */
	expect_in_steer(x, BLIND_SYN, PEER1_MAC);
	fix_reset(state);
	fix_conn_put(x, &c);
	fix_peer_set(x, 1, &p);
	fix_guesses(x, false); /* the replica is complete: the connection is over */
	expect_in_pass(x, BLIND_SYN);
}

static void local_socket_wins(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1), now;
	struct hokm_conn_key k = fix_key();
	struct hokm_change ch;
	struct socks s;

	socks_connect(&s);
	k.client_port = htons(s.client_port);
	for (int replicated = 0; replicated < 2; replicated++) {
		fix_reset(state);
		x->cfg.repl_port = replicated ? htons(REPL_PORT) : 0;
		fix_cfg(x);
		fix_conn_put_at(x, s.client_port, &c);
		fix_peer_dead(x, 1);
		expect_in_pass(x,
			       SEG(.flags = ACK, .seq = 1001, .ack = 5001, .sport = s.client_port));
		assert_true(fix_conn_at(x, s.client_port, &now));
		assert_int_equal(now.target, HOKM_LOCAL);
		assert_false(now.flags & HOKM_CONN_ENDED);
		assert_int_equal(COUNT(x, answered_dead), 0);
		assert_int_equal(fix_changes(x, &ch, 1), replicated);
	}
	assert_int_equal(ch.kind, HOKM_CHANGE_OPEN);
	assert_memory_equal(&ch.key, &k, sizeof(k));
	socks_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(unknown_goes_to_its_holder),
		HOKM_TEST(packet_for_a_dead_holder_is_answered),
		HOKM_TEST(any_frame_is_answered),
		HOKM_TEST(frames_of_several_buffers_are_answered),
		HOKM_TEST(packets_without_an_answer),
		HOKM_TEST(only_an_exact_reset_acknowledges_the_notification),
		HOKM_TEST(client_that_resets_is_not_notified),
		HOKM_TEST(reset_of_a_steered_connection),
		HOKM_TEST(last_fin_of_a_steered_connection),
		HOKM_TEST(half_open_of_a_dead_peer_is_answered),
		HOKM_TEST(time_wait_here_does_not_prevent_the_answer),
		HOKM_TEST(holders_are_told_apart),
		HOKM_TEST(blind_syn_takes_nothing_from_its_holder),
		HOKM_TEST(old_attempt_takes_nothing_from_its_holder),
		HOKM_TEST(new_attempt_does_not_go_to_the_old_holder),
		HOKM_TEST(blind_fin_and_syn_take_nothing_from_its_holder),
		HOKM_TEST(syn_follows_a_steered_entry_only_to_a_peer_that_accepts_it),
		HOKM_TEST(local_socket_wins),
	};

	return cmocka_run_group_tests_name("replica", tests, fix_open, fix_close);
}
