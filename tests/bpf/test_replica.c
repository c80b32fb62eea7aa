/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who holds a connection that this node does not know, what its client hears when the holder is dead, the
 * records by which peers learn of what lives here, and who may send them.
 */
#include <arpa/inet.h>
#include <string.h>

#include "fixture.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)
#define NODE(x, c)  fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)
#define ISN         1000u
#define DATA        SEG(.flags = ACK | PSH, .seq = 1001, .ack = 5001, .payload = 10)

/* ---- holders ---- */

static void unknown_goes_to_its_holder(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;

	expect_in_steer(x, DATA, PEER0_MAC); /* nobody told: a guess */
	assert_int_equal(COUNT(x, steered_holder), 0);
	fix_reset(state);
	fix_replica_put(x, 1);
	expect_in_steer(x, DATA, PEER1_MAC);
	assert_int_equal(COUNT(x, second_chance), 1);
	assert_int_equal(COUNT(x, steered_holder), 1);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.target, 1);
	expect_in_steer(x, DATA, PEER1_MAC); /* known by now */
	assert_int_equal(COUNT(x, steered_holder), 1);
}

static void dead_holder_is_answered_for(void **state)
{
	struct fix *x = *state;
	struct hokm_replica r;
	struct hokm_event ev;
	struct hokm_conn c;

	fix_replica_put(x, 1);
	fix_peer_dead(x, 1);
	expect_in_answer(x, DATA); /* though peer 0 is alive */
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
				expect_in_answer(x, SEG(.flags = ACK, .seq = 1, .ack = 0xfffffff0u,
							.eth.tags = tags, .options = options,
							.payload = payload,
							.padding = payload ? 0 : 6));
			}
}

/* Nothing to answer with, or nobody to answer. */
static void no_answer(void **state)
{
	struct fix *x = *state;
	struct hokm_replica r;
	struct frame f;

	fix_replica_put(x, 1);
	fix_peer_dead(x, 1);
	expect_in_pass(x, SEG(.flags = RST, .seq = 1001));
	assert_true(fix_replica(x, &r));
	assert_true(r.answered_ns); /* it knows */
	frame_tcp(&f, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .ip.options = 2));
	expect_pass(x, &f);
	expect_in_pass(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .eth.from = PEER0_MAC));
	assert_int_equal(COUNT(x, answered_dead), 0);
}

static void local_socket_wins(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED,
			      .target = 1,
			      .flags = HOKM_CONN_OPENED,
			      .c2s = {.packets = 1, .seq_next = 1001}};
	struct hokm_conn_key k = fix_key();
	struct hokm_change ch;
	struct socks s;

	x->cfg.repl_port = htons(REPL_PORT);
	fix_cfg(x);
	socks_connect(&s);
	k.client_port = htons(s.client_port);
	fix_conn_put_at(x, s.client_port, &c);
	fix_peer_dead(x, 1);
	expect_in_pass(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .sport = s.client_port));
	assert_true(fix_conn_at(x, s.client_port, &c));
	assert_int_equal(c.target, HOKM_LOCAL);
	assert_int_equal(fix_changes(x, &ch, 1), 1);
	assert_int_equal(ch.kind, HOKM_CHANGE_OPEN);
	assert_memory_equal(&ch.key, &k, sizeof(k));
	socks_close(&s);
}

/* ---- changes ---- */

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

static void opening_and_end_are_told(void **state)
{
	struct fix *x = *state;
	struct hokm_conn_key k = fix_key();
	struct hokm_change ch[4];

	repl_on(x);
	expect_in_pass(x, SEG(.flags = SYN, .seq = ISN));
	fix_out(x, SEG(.flags = SYN | ACK, .seq = 5000, .ack = ISN + 1));
	assert_int_equal(fix_changes(x, NULL, 0), 0); /* half-open is nobody's business */
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = 5001));
	assert_int_equal(fix_changes(x, ch, 4), 1);
	assert_int_equal(ch[0].kind, HOKM_CHANGE_OPEN);
	assert_memory_equal(&ch[0].key, &k, sizeof(k));
	assert_int_equal(ch[0].isn, ISN);
	assert_int_equal(ch[0].seq_next, 5001);
	assert_int_equal(ch[0].ack_next, ISN + 1);
	assert_true(ch[0].now_ns && ch[0].now_ns <= fix_now());
	fix_out(x, SEG(.flags = ACK, .seq = 5001, .ack = ISN + 1, .payload = 100));
	assert_int_equal(fix_changes(x, NULL, 0), 0);
	fix_out(x, SEG(.flags = RST | ACK, .seq = 5101, .ack = ISN + 1));
	assert_int_equal(fix_changes(x, ch, 4), 1);
	assert_int_equal(ch[0].kind, HOKM_CHANGE_CLOSE);
	assert_int_equal(ch[0].isn, ISN);
	assert_int_equal(ch[0].seq_next, 5101);
}

static void every_way_to_end(void **state)
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

static void what_lives_on_a_peer_is_its_own_business(void **state)
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

static void steered_here_is_ours(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED,
			      .target = 1,
			      .isn = ISN,
			      .flags = HOKM_CONN_OPENED,
			      .c2s = {.packets = 1, .seq_next = 1001}};
	struct hokm_change ch;

	repl_on(x);
	fix_conn_put(x, &c);
	expect_in_pass(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001, .eth.from = PEER1_MAC));
	assert_int_equal(fix_changes(x, &ch, 1), 1);
	assert_int_equal(ch.kind, HOKM_CHANGE_OPEN);
	assert_int_equal(ch.isn, ISN);
}

static void off_without_a_port(void **state)
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

/* ---- the guard of replication ---- */

static void expect_repl(struct fix *x, const struct ip_spec *ip, unsigned int len, bool pass,
			enum hokm_counter c)
{
	unsigned char payload[2000] = {0};
	uint64_t before = fix_count(x, HOKM_NODE_SLOT, c);
	struct frame f;

	frame_udp(&f, &(struct eth_spec){.from = PEER0_MAC}, ip, REPL_PORT, payload, len);
	if (pass)
		expect_pass(x, &f);
	else
		expect_drop(x, &f, HOKM_NODE_SLOT, c);
	if (pass)
		assert_int_equal(fix_count(x, HOKM_NODE_SLOT, c), before + 1);
}

static void replication_is_for_peers(void **state)
{
	const struct ip_spec good = {.ttl = 255};
	struct fix *x = *state;
	struct frame f;

	repl_on(x);
	expect_repl(x, &good, HOKM_REPL_MIN, true, HOKM_CTR_replication_seen);
	expect_repl(x, &good, HOKM_REPL_MAX, true, HOKM_CTR_replication_seen);
	expect_repl(x, &good, HOKM_REPL_MIN - 1, false, HOKM_CTR_drop_repl_short);
	expect_repl(x, &good, HOKM_REPL_MAX + 1, false, HOKM_CTR_drop_repl_short);
	expect_repl(x, &(struct ip_spec){.ttl = 254}, 100, false, HOKM_CTR_drop_repl_ttl);
	expect_repl(x, &(struct ip_spec){.ttl = 255, .frag = 0x2000}, 100, false,
		    HOKM_CTR_drop_repl_short);
	expect_repl(x, &(struct ip_spec){.ttl = 255, .src = OTHER_ADDR}, 100, false,
		    HOKM_CTR_drop_repl_source);
	expect_repl(x, &(struct ip_spec){.ttl = 255, .src = CLIENT_ADDR}, 100, false,
		    HOKM_CTR_drop_repl_source);
	/* A UDP length that lies. */
	frame_udp(&f, &(struct eth_spec){.from = PEER0_MAC}, &good, REPL_PORT, "x", 1);
	f.b[f.l3 + 20 + 5] = 200;
	expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_repl_short);
}

static void port_of_nobody_passes(void **state)
{
	unsigned char payload[8] = {0};
	struct fix *x = *state;
	struct frame f;

	frame_udp(&f, &(struct eth_spec){.from = OTHER_MAC},
		  &(struct ip_spec){.src = OTHER_ADDR, .ttl = 64}, REPL_PORT, payload, 8);
	expect_pass(x, &f); /* replication is off */
	assert_int_equal(NODE(x, replication_seen), 0);
	repl_on(x);
	frame_udp(&f, &(struct eth_spec){.from = OTHER_MAC},
		  &(struct ip_spec){.src = OTHER_ADDR, .ttl = 64}, REPL_PORT + 1, payload, 8);
	expect_pass(x, &f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(unknown_goes_to_its_holder),
		HOKM_TEST(dead_holder_is_answered_for),
		HOKM_TEST(any_frame_is_answered),
		HOKM_TEST(no_answer),
		HOKM_TEST(local_socket_wins),
		HOKM_TEST(opening_and_end_are_told),
		HOKM_TEST(every_way_to_end),
		HOKM_TEST(what_lives_on_a_peer_is_its_own_business),
		HOKM_TEST(steered_here_is_ours),
		HOKM_TEST(off_without_a_port),
		HOKM_TEST(full_ring_is_counted),
		HOKM_TEST(replication_is_for_peers),
		HOKM_TEST(port_of_nobody_passes),
	};

	return cmocka_run_group_tests_name("replica", tests, fix_open, fix_close);
}
