/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records of the ring buffer changes (bpf/conn_changes.h): connections that open, close or are
 * terminated, in their order, with the right numbers, and only for local connections.
 */
#include <arpa/inet.h>

#include "fixture.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)
#define ISN         1000u

static void repl_on(struct fix *x)
{
	x->cfg.repl_port = htons(REPL_PORT);
	fix_cfg(x);
}

static void open_local(struct fix *x)
{
	expect_in_pass(x, SEG(.flags = SYN, .seq = ISN));
	fix_out(x, SEG(.flags = SYN | ACK, .seq = 5000, .ack = ISN + 1));
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = 5001));
}

static void open_and_close_are_recorded(void **state)
{
	struct fix *x = *state;
	struct hokm_conn_key k = fix_key();
	struct hokm_change ch[4];

	repl_on(x);
	expect_in_pass(x, SEG(.flags = SYN, .seq = ISN));
	fix_out(x, SEG(.flags = SYN | ACK, .seq = 5000, .ack = ISN + 1));
	assert_int_equal(fix_changes(x, NULL, 0), 0); /* a half-open connection is not replicated */
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = 5001));
	assert_int_equal(fix_changes(x, ch, 4), 1);
	assert_int_equal(ch[0].kind, HOKM_CHANGE_OPEN);
	assert_memory_equal(&ch[0].key, &k, sizeof(k));
	assert_int_equal(ch[0].isn, ISN);
	assert_int_equal(ch[0].seq_next, 5001);
	assert_int_equal(ch[0].ack_next, ISN + 1);
	assert_int_equal(ch[0].began, 1);
	assert_true(ch[0].now_ns && ch[0].now_ns <= fix_now());
	fix_out(x, SEG(.flags = ACK, .seq = 5001, .ack = ISN + 1, .payload = 100));
	assert_int_equal(fix_changes(x, NULL, 0), 0);
	fix_out(x, SEG(.flags = RST | ACK, .seq = 5101, .ack = ISN + 1));
	assert_int_equal(fix_changes(x, ch, 4), 1);
	assert_int_equal(ch[0].kind, HOKM_CHANGE_CLOSE);
	assert_int_equal(ch[0].isn, ISN);
	assert_int_equal(ch[0].seq_next, 5101);
}

static void every_way_to_close_is_recorded(void **state)
{
	struct fix *x = *state;
	struct hokm_change ch[4];

	repl_on(x);
	open_local(x);
	expect_in_pass(x, SEG(.flags = FIN | ACK, .seq = ISN + 1, .ack = 5001));
	assert_int_equal(fix_changes(x, NULL, 0), 1); /* open */
	fix_out(x, SEG(.flags = FIN | ACK, .seq = 5001, .ack = ISN + 2));
	assert_int_equal(fix_changes(x, ch, 4), 1);
	assert_int_equal(ch[0].kind, HOKM_CHANGE_CLOSE);
	fix_reset(state);
	repl_on(x);
	open_local(x);
	expect_in_pass(x, SEG(.flags = RST, .seq = ISN + 1));
	assert_int_equal(fix_changes(x, ch, 4), 2);
	assert_int_equal(ch[1].kind, HOKM_CHANGE_CLOSE);
	fix_reset(state);
	repl_on(x);
	open_local(x);
	expect_in_pass(x, SEG(.flags = SYN, .seq = 99)); /* the same port, another connection */
	assert_int_equal(fix_changes(x, ch, 4), 2);
	assert_int_equal(ch[1].kind, HOKM_CHANGE_CLOSE);
	assert_int_equal(ch[1].isn, ISN);
}

static void connections_of_peers_are_not_recorded(void **state)
{
	struct fix *x = *state;

	repl_on(x);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SEG(.flags = SYN, .seq = ISN), PEER0_MAC);
	expect_in_steer(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = 5001), PEER0_MAC);
	expect_in_steer(x, SEG(.flags = RST, .seq = ISN + 1), PEER0_MAC);
	expect_in_steer(x, SEG(.flags = ACK, .seq = 1, .ack = 2, .sport = 41000), PEER0_MAC);
	assert_int_equal(fix_changes(x, NULL, 0), 0);
}

static void steered_in_connections_are_recorded(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1);
	struct hokm_change ch;
	struct socks s;

	socks_connect(&s);
	repl_on(x);
	fix_conn_put(x, &c);
	expect_in_pass(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .eth.from = PEER1_MAC));
	assert_int_equal(fix_changes(x, &ch, 1), 1);
	assert_int_equal(ch.kind, HOKM_CHANGE_OPEN);
	assert_int_equal(ch.isn, ISN);
	assert_int_equal(ch.began, 0); /* it is older than the record */
	/*
	 * A connection that is over gets no OPEN record, because no CLOSE record would follow it.
	 */
	c.tcp_state = HOKM_TCP_RESET;
	c.flags |= HOKM_CONN_ENDED;
	fix_conn_put(x, &c);
	expect_in_pass(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .eth.from = PEER1_MAC));
	assert_int_equal(fix_changes(x, NULL, 0), 0);
	socks_close(&s);
}

static void connection_found_in_a_socket_is_recorded(void **state)
{
	struct fix *x = *state;
	struct hokm_change ch;
	struct socks s;

	repl_on(x);
	socks_connect(&s);
	expect_in_pass(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .payload = 9));
	assert_int_equal(fix_changes(x, &ch, 1), 1);
	assert_int_equal(ch.kind, HOKM_CHANGE_OPEN);
	assert_int_equal(ch.began, 0);    /* nor is its sequence number that of the beginning */
	assert_int_equal(ch.seq_next, 0); /* the server has sent nothing yet */
	assert_int_equal(ch.ack_next, 0); /* the packet may be anybody's */
	socks_close(&s);
}

static void nothing_is_recorded_without_a_port(void **state)
{
	struct fix *x = *state;

	open_local(x);
	fix_out(x, SEG(.flags = RST | ACK, .seq = 5001, .ack = ISN + 1));
	assert_int_equal(fix_changes(x, NULL, 0), 0);
	assert_int_equal(COUNT(x, changes_lost), 0);
}

static void full_ring_is_counted(void **state)
{
	struct fix *x = *state;
	const unsigned int many = HOKM_CHANGES_SIZE / (sizeof(struct hokm_change) + 8) / 2 + 1000;

	repl_on(x);
	for (unsigned int i = 0; i < many; i++) {
		open_local(x);
		fix_out(x, SEG(.flags = RST | ACK, .seq = 5001, .ack = ISN + 1));
	}
	assert_true(COUNT(x, changes_lost) > 0);
	assert_int_equal(fix_changes(x, NULL, 0) + COUNT(x, changes_lost), 2 * many);
	open_local(x);
	assert_int_equal(fix_changes(x, NULL, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(open_and_close_are_recorded),
		HOKM_TEST(every_way_to_close_is_recorded),
		HOKM_TEST(connections_of_peers_are_not_recorded),
		HOKM_TEST(steered_in_connections_are_recorded),
		HOKM_TEST(connection_found_in_a_socket_is_recorded),
		HOKM_TEST(nothing_is_recorded_without_a_port),
		HOKM_TEST(full_ring_is_counted),
	};

	return cmocka_run_group_tests_name("changes", tests, fix_open, fix_close);
}
