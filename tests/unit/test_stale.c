/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stale connections: each of the three requests, which one counts, and when none is open. How long
 * each kind of connection stays in the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>

#include <cmocka.h>

#include "decide/stale.h"

#define S   1000000000ULL
#define NOW (1000 * S)

/* A connection that this node serves, idle for 9 s, with no open request. */
static struct hokm_conn served(void)
{
	return (struct hokm_conn){
		.tcp_state = HOKM_TCP_ESTABLISHED,
		.target = HOKM_LOCAL,
		.c2s = {.packets = 5, .seq_next = 100, .ack = 500, .last_ns = NOW - 9 * S},
		.s2c = {.packets = 5, .seq_next = 500, .ack = 100, .last_ns = NOW - 9 * S},
	};
}

static void expect(const struct hokm_conn *c, uint64_t ns, enum hokm_reason why)
{
	enum hokm_reason got = HOKM_REASON_COUNT;

	assert_int_equal(stale_ns(c, NOW, &got), ns);
	assert_string_equal(hokm_reason_name(got), hokm_reason_name(why));
}

static void test_no_open_request(void **state)
{
	struct hokm_conn c = served();

	(void)state;
	expect(&c, 0, HOKM_R_NONE);
	/* A player may be idle for any time. */
	c.c2s.last_data_ns = 1;
	expect(&c, 0, HOKM_R_NONE);
}

static void test_upgrade_and_ping(void **state)
{
	struct hokm_conn c = served();

	(void)state;
	c.upgrade_ns = NOW - 5 * S;
	expect(&c, 5 * S, HOKM_R_STALE_UPGRADE);
	c.upgrade_ns = 0;
	c.ping_c2s_ns = NOW - 3 * S;
	expect(&c, 3 * S, HOKM_R_STALE_PING);
	/* The older of two requests counts. */
	c.upgrade_ns = NOW - 2 * S;
	expect(&c, 3 * S, HOKM_R_STALE_PING);
	/* A ping of the server is for the client to answer. */
	c = served();
	c.ping_s2c_ns = NOW - 60 * S;
	expect(&c, 0, HOKM_R_NONE);
	/* The clock of another CPU may be a moment ahead. */
	c.upgrade_ns = NOW + 1;
	expect(&c, 0, HOKM_R_NONE);
}

static void test_data(void **state)
{
	struct hokm_conn c = served();

	(void)state;
	c.c2s.seq_next = 101;
	c.c2s.last_data_ns = NOW - 4 * S;
	expect(&c, 4 * S, HOKM_R_STALE_DATA);
	/* A packet from the server shows that it is alive. */
	c.s2c.last_ns = NOW - 1 * S;
	expect(&c, 1 * S, HOKM_R_STALE_DATA);
	/* Acknowledged. */
	c.s2c.ack = 101;
	expect(&c, 0, HOKM_R_NONE);
	/* Sequence numbers wrap around. */
	c = served();
	c.c2s.last_data_ns = NOW - 4 * S;
	c.c2s.seq_next = 5;
	c.s2c.ack = 0xfffffff0;
	expect(&c, 4 * S, HOKM_R_STALE_DATA);
	c.c2s.seq_next = 0xfffffff0;
	c.s2c.ack = 5;
	expect(&c, 0, HOKM_R_NONE);
	/* No packet from the server was seen: its acknowledgements are not known. */
	c = served();
	c.c2s.seq_next = 101;
	c.c2s.last_data_ns = NOW - 4 * S;
	c.s2c.packets = 0;
	expect(&c, 0, HOKM_R_NONE);
}

static void test_not_ours_or_over(void **state)
{
	static const unsigned int over[] = {
		HOKM_TCP_FIN_CLIENT, HOKM_TCP_FIN_SERVER, HOKM_TCP_CLOSED, HOKM_TCP_RESET};
	struct hokm_conn c = served();

	(void)state;
	c.upgrade_ns = NOW - 5 * S;
	c.target = 0;
	expect(&c, 0, HOKM_R_NONE);
	c.target = HOKM_LOCAL;
	for (unsigned int i = 0; i < sizeof(over) / sizeof(over[0]); i++) {
		c.tcp_state = (__u8)over[i];
		expect(&c, 0, HOKM_R_NONE);
	}
}

#define IDLE_LIMIT (7200 * S)

/* The entry stays for `ns` after its last packet, and not longer. */
static void expect_fate(struct hokm_conn c, uint64_t ns, enum conn_fate fate)
{
	c.created_ns = c.c2s.last_ns = NOW;
	c.s2c.last_ns = c.s2c.packets ? NOW : 0;
	assert_int_equal(conn_fate(&c, NOW + ns, IDLE_LIMIT), CONN_STAYS);
	assert_int_equal(conn_fate(&c, NOW + ns + 1, IDLE_LIMIT), fate);
}

static void test_ended_ones_leave(void **state)
{
	struct hokm_conn c = served();

	(void)state;
	expect_fate(c, IDLE_LIMIT, CONN_EXPIRED);
	c.tcp_state = HOKM_TCP_CLOSED;
	expect_fate(c, CONN_CLOSED_NS, CONN_LEFT);
	c.tcp_state = HOKM_TCP_RESET;
	expect_fate(c, CONN_CLOSED_NS, CONN_LEFT);
	c.tcp_state = HOKM_TCP_FIN_CLIENT;
	expect_fate(c, 60 * S, CONN_LEFT);
	c.tcp_state = HOKM_TCP_FIN_SERVER;
	expect_fate(c, 60 * S, CONN_LEFT);
}

/*
 * Walks that begin one to three seconds apart ask for a silent connection once a minute. What
 * expires in the same moment is spread over them.
 */
static void test_asked_for_once_a_minute(void **state)
{
	static const uint16_t ports[] = {0, 1, 1023, 32768, 60999, 65535};
	uint64_t before_ns = NOW + IDLE_LIMIT - S, began_ns = NOW + IDLE_LIMIT;
	unsigned int asked[6] = {0}, at_once = 0, walk = 0;
	struct hokm_conn_key k = {0};
	struct hokm_conn c = served();

	(void)state;
	c.created_ns = c.c2s.last_ns = c.s2c.last_ns = NOW;
	assert_false(conn_asked_for(&k, &c, before_ns, began_ns, IDLE_LIMIT));
	for (unsigned int minute = 1; minute <= 50; minute++)
		for (; began_ns <= NOW + IDLE_LIMIT + minute * CONN_ASK_NS; walk++) {
			for (unsigned int i = 0; i < 6; i++) {
				k.client_port = htons(ports[i]);
				asked[i] += conn_asked_for(&k, &c, before_ns, began_ns, IDLE_LIMIT);
			}
			before_ns = began_ns;
			began_ns += S + walk * 7 % 21 * (S / 10);
		}
	for (unsigned int i = 0; i < 6; i++)
		assert_in_range(asked[i], 49, 51);

	before_ns = NOW + IDLE_LIMIT + 10 * S;
	for (unsigned int port = 0; port < 65536; port++) {
		k.client_port = htons((uint16_t)port);
		at_once += conn_asked_for(&k, &c, before_ns, before_ns + S, IDLE_LIMIT);
	}
	assert_in_range(at_once, 1000, 1200);
}

/* What only one packet of a client vouches for must not count as a player for hours. */
static void test_unconfirmed_ones_leave(void **state)
{
	struct hokm_conn c = served();

	(void)state;
	c.flags = HOKM_CONN_ADOPTED | HOKM_CONN_OPENED;
	c.s2c.packets = 0;
	expect_fate(c, CONN_UNCONFIRMED_NS, CONN_LEFT);
	/* The server has spoken. */
	c.vouched = 1;
	expect_fate(c, IDLE_LIMIT, CONN_EXPIRED);
	/* A peer serves it: the server's packets do not pass this node. */
	c.vouched = 0;
	c.target = 0;
	expect_fate(c, IDLE_LIMIT, CONN_EXPIRED);
	/* This node saw the handshake. */
	c.target = HOKM_LOCAL;
	c.flags = HOKM_CONN_OPENED;
	expect_fate(c, IDLE_LIMIT, CONN_EXPIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_open_request),
		cmocka_unit_test(test_upgrade_and_ping),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_not_ours_or_over),
		cmocka_unit_test(test_ended_ones_leave),
		cmocka_unit_test(test_asked_for_once_a_minute),
		cmocka_unit_test(test_unconfirmed_ones_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
