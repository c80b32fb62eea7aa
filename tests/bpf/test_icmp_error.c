/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors for a VIP reach the node that holds the connection they are about (icmp_error.h).
 */
#include <arpa/inet.h>
#include <string.h>

#include "fixture.h"

#define NODE(x, c) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)
#define ROUTER     IPV4(192, 168, 1, 1)
#define QUOTE      28 /* IP header and eight bytes of TCP */
#define PER_SECOND 200

enum { UNREACHABLE = 3, ECHO = 8, TIME_EXCEEDED = 11 };

/* An error about a packet from the VIP to the client; `quote` bytes of that packet are in it. */
static void error_frame(struct frame *f, uint8_t type, unsigned int quote, const uint8_t *from)
{
	uint8_t icmp[8] = {type, type == UNREACHABLE ? 4 : 0, 0, 0, 0, 0, 0x05, 0x14};
	struct frame lost;

	frame_tcp(&lost,
		  SEG(.reply = true, .flags = ACK, .seq = 5001, .ack = 1001, .payload = 500));
	frame_icmp(f, from, ROUTER, icmp, lost.b + lost.l3, quote);
}

static void put_conn(struct fix *x, uint8_t target)
{
	struct hokm_conn c = fix_steered_conn(1);

	c.target = target;
	fix_conn_put(x, &c);
}

static void error_follows_its_connection(void **state)
{
	static const uint8_t types[] = {UNREACHABLE, TIME_EXCEEDED};
	struct fix *x = *state;
	struct hokm_conn before, after;
	struct frame f;

	put_conn(x, 1);
	assert_true(fix_conn(x, &before));
	for (unsigned int i = 0; i < sizeof(types); i++) {
		error_frame(&f, types[i], QUOTE, NULL);
		expect_steer(x, &f, PEER1_MAC);
		error_frame(&f, types[i], 500, NULL);
		expect_steer(x, &f, PEER1_MAC);
	}
	assert_int_equal(NODE(x, icmp_steered), 4);
	assert_true(fix_conn(x, &after));
	assert_memory_equal(&before, &after, sizeof(before));
}

static void error_of_a_replicated_connection_goes_to_its_holder(void **state)
{
	struct fix *x = *state;
	struct frame f;

	fix_replica_put(x, 1);
	error_frame(&f, UNREACHABLE, QUOTE, NULL);
	expect_steer(x, &f, PEER1_MAC);
	assert_int_equal(fix_conn_count(x), 0);
}

static void error_of_a_local_or_unknown_connection_passes(void **state)
{
	struct fix *x = *state;
	struct socks s;
	struct frame f;

	error_frame(&f, UNREACHABLE, QUOTE, NULL);
	expect_pass(x, &f); /* a guess is no holder */
	put_conn(x, HOKM_LOCAL);
	expect_pass(x, &f);
	fix_reset(state);
	fix_replica_put(x, 1);
	socks_connect(&s);
	expect_pass(x, &f);
	socks_close(&s);
	assert_int_equal(NODE(x, icmp_steered), 0);
}

static void error_of_a_dead_peers_connection_passes(void **state)
{
	struct fix *x = *state;
	struct frame f;

	put_conn(x, 1);
	fix_peer_dead(x, 1);
	error_frame(&f, UNREACHABLE, QUOTE, NULL);
	expect_pass(x, &f);
}

static void error_that_came_steered_is_never_steered_again(void **state)
{
	struct fix *x = *state;
	struct frame f;

	put_conn(x, 1);
	error_frame(&f, UNREACHABLE, QUOTE, PEER0_MAC);
	expect_pass(x, &f);
}

static void other_messages_pass(void **state)
{
	struct fix *x = *state;
	struct frame f, whole;

	put_conn(x, 1);
	error_frame(&f, ECHO, QUOTE, NULL);
	expect_pass(x, &f);
	error_frame(&whole, UNREACHABLE, QUOTE, NULL);
	for (uint32_t len = whole.l3; len < whole.len; len++) {
		f = whole;
		frame_cut(&f, len);
		expect_pass(x, &f);
	}
	f = whole;
	f.b[f.l4 + 8] = 0x44; /* a quoted header that is shorter than a header */
	expect_pass(x, &f);
	f = whole;
	f.b[f.l4 + 8 + 9] = 17; /* UDP */
	expect_pass(x, &f);
	f = whole;
	f.b[f.l4 + 8 + 7] = 1; /* not the first fragment: no ports */
	expect_pass(x, &f);
	f = whole;
	f.b[f.l4 + 8 + 20]++; /* no service's port */
	expect_pass(x, &f);
	assert_int_equal(NODE(x, icmp_steered), 0);
}

static void flood_of_errors_is_bounded(void **state)
{
	struct fix *x = *state;
	uint64_t began, steered;
	struct frame f;

	put_conn(x, 1);
	error_frame(&f, UNREACHABLE, QUOTE, NULL);
	began = fix_now();
	for (int i = 0; i < 4 * PER_SECOND; i++)
		fix_ingress(x, &f);
	steered = NODE(x, icmp_steered);
	/* One limit a CPU, and a second may have begun in between. */
	assert_true(steered <= (fix_now() - began) / SECOND_NS * PER_SECOND * 4 + 4 * PER_SECOND);
	assert_int_equal(steered + NODE(x, icmp_limited), 4 * PER_SECOND);
	assert_true(NODE(x, icmp_limited) > 0 || fix_now() - began > SECOND_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(error_follows_its_connection),
		HOKM_TEST(error_of_a_replicated_connection_goes_to_its_holder),
		HOKM_TEST(error_of_a_local_or_unknown_connection_passes),
		HOKM_TEST(error_of_a_dead_peers_connection_passes),
		HOKM_TEST(error_that_came_steered_is_never_steered_again),
		HOKM_TEST(other_messages_pass),
		HOKM_TEST(flood_of_errors_is_bounded),
	};

	return cmocka_run_group_tests_name("icmp_error", tests, fix_open, fix_close);
}
