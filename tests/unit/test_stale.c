/* SPDX-License-Identifier: GPL-2.0-only */
/* What a server owes a connection: each of the three debts, their order, and who owes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "decide/stale.h"

#define S   1000000000ULL
#define NOW (1000 * S)

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

static void test_nothing_owed(void **state)
{
	struct hokm_conn c = served();

	(void)state;
	expect(&c, 0, HOKM_R_NONE);
	/* An idle player, for however long. */
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
	/* The oldest of both counts. */
	c.upgrade_ns = NOW - 2 * S;
	expect(&c, 3 * S, HOKM_R_STALE_PING);
	/* The server's own ping is the client's debt. */
	c = served();
	c.ping_s2c_ns = NOW - 60 * S;
	expect(&c, 0, HOKM_R_NONE);
	/* From another CPU's clock, a moment ahead. */
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
	/* The server said something meanwhile: it lives. */
	c.s2c.last_ns = NOW - 1 * S;
	expect(&c, 1 * S, HOKM_R_STALE_DATA);
	/* Acknowledged. */
	c.s2c.ack = 101;
	expect(&c, 0, HOKM_R_NONE);
	/* Across the end of the sequence numbers. */
	c = served();
	c.c2s.last_data_ns = NOW - 4 * S;
	c.c2s.seq_next = 5;
	c.s2c.ack = 0xfffffff0;
	expect(&c, 4 * S, HOKM_R_STALE_DATA);
	c.c2s.seq_next = 0xfffffff0;
	c.s2c.ack = 5;
	expect(&c, 0, HOKM_R_NONE);
	/* The server's way was never seen: nothing is known of its acknowledgements. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_owed),
		cmocka_unit_test(test_upgrade_and_ping),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_not_ours_or_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
