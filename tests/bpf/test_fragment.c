/* SPDX-License-Identifier: GPL-2.0-only */
/* IP fragments go where their connection is, and change nothing (fragment.h). */
#include <string.h>

#include "fixture.h"

#define NODE(x, c)    fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)
#define MORE          0x2000
#define FIRST         SEG(.flags = ACK, .seq = 1001, .payload = 560, .ip.frag = MORE)
#define LATER(offset) SEG(.flags = ACK, .payload = 560, .ip.frag = MORE | (offset) / 8)
#define LAST(offset)  SEG(.flags = ACK, .payload = 100, .ip.frag = (offset) / 8)

#define SENT_ON   3
#define OWN_ID    60000 /* of the player's own packet */
#define OWN_FIRST SEG(.flags = ACK, .seq = 1001, .ack = 5001, .payload = 560, .ip.frag = MORE)

/* bpf/guess.h, bpf/fragment.h */
#define STRAYS   200
#define A_PACKET 120

/* The n-th packet in fragments: its first one, or a later one. */
static void fragment_in(struct fix *x, const struct tcp_spec *s, uint32_t n)
{
	struct frame f;

	frame_tcp(&f, s);
	f.b[f.l3 + 4] = (uint8_t)(n >> 8);
	f.b[f.l3 + 5] = (uint8_t)n;
	frame_ip_checksum(&f);
	fix_ingress(x, &f);
}

static bool went_on(const struct fix *x)
{
	return x->verdict == SENT_ON;
}

static void fragments_follow_their_first(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1), after;

	fix_conn_put(x, &c);
	expect_in_steer(x, FIRST, PEER1_MAC);
	expect_in_steer(x, LATER(576), PEER1_MAC);
	expect_in_steer(x, LAST(1152), PEER1_MAC);
	assert_int_equal(NODE(x, fragments), 3);
	assert_int_equal(fix_count(x, 0, HOKM_CTR_fragments_steered), 0);
	assert_int_equal(NODE(x, fragments_steered), 3);
	assert_true(fix_conn(x, &after));
	assert_memory_equal(&c, &after, sizeof(c));
}

static void fragments_of_replicated_connections_too(void **state)
{
	struct fix *x = *state;

	fix_replica_put(x, 1);
	expect_in_steer(x, FIRST, PEER1_MAC);
	expect_in_steer(x, LAST(576), PEER1_MAC);
	assert_int_equal(fix_conn_count(x), 0);
}

static void fragments_of_local_and_unknown_connections_pass(void **state)
{
	struct fix *x = *state;
	struct socks s;

	fix_guesses(x, false);
	expect_in_pass(x, FIRST);
	expect_in_pass(x, LAST(576));
	fix_replica_put(x, 1);
	socks_connect(&s);
	expect_in_pass(x, FIRST);
	expect_in_pass(x, LAST(576));
	socks_close(&s);
	assert_int_equal(NODE(x, fragments_steered), 0);
	assert_int_equal(NODE(x, fragments), 4);
}

/*
 * A peer may hold the connection: the local kernel, which would have the packet whole, would reset
 * it. A SYN is a new connection's, a socket here is known, and a dead peer wants nothing.
 */
static void fragments_of_unknown_connections_are_not_answered(void **state)
{
	struct fix *x = *state;
	struct frame f;
	struct socks s;

	fix_guesses(x, true);
	frame_tcp(&f, FIRST);
	expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_stray);
	expect_in_pass(x, SEG(.flags = SYN, .payload = 560, .ip.frag = MORE));
	socks_connect(&s);
	expect_in_pass(x, FIRST);
	expect_in_pass(x, LAST(576));
	socks_close(&s);
	for (unsigned int slot = 0; slot < 2; slot++)
		fix_peer_dead(x, slot);
	expect_in_pass(x, FIRST);
	assert_int_equal(fix_conn_count(x), 0);
}

/* Without its first one a fragment belongs to nobody; of another packet it is not this one's. */
static void fragments_without_their_first_pass(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1);
	struct frame f;

	fix_conn_put(x, &c);
	expect_in_pass(x, SEG(.flags = ACK, .payload = 100, .ip.frag = 72, .ip.src = OTHER_ADDR));
	expect_in_steer(x, FIRST, PEER1_MAC);
	frame_tcp(&f, LAST(576));
	f.b[f.l3 + 4] ^= 1; /* identification */
	frame_ip_checksum(&f);
	expect_pass(x, &f);
	expect_in_pass(x, SEG(.flags = ACK, .payload = 100, .ip.frag = 72, .ip.src = OTHER_ADDR));
}

static void fragments_that_came_steered_pass(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1);

	fix_conn_put(x, &c);
	expect_in_pass(x,
		       SEG(.flags = ACK, .payload = 560, .ip.frag = MORE, .eth.from = PEER0_MAC));
}

static void fragments_for_a_dead_peer_pass(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1);

	fix_guesses(x, false);
	fix_conn_put(x, &c);
	expect_in_steer(x, FIRST, PEER1_MAC);
	fix_peer_dead(x, 1);
	expect_in_pass(x, LAST(576));
	expect_in_pass(x, FIRST);
}

static void tiny_first_fragments_pass(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1);
	struct frame whole, f;

	fix_conn_put(x, &c);
	frame_tcp(&whole, FIRST);
	for (uint32_t len = whole.l3; len < whole.l4 + 20; len++) {
		f = whole;
		frame_cut(&f, len);
		expect_pass(x, &f);
	}
}

/*
 * Fragments that anybody can send, whose first one does not fit the connection: a peer gets few of
 * them. The player's own go on meanwhile, as many as a packet may have.
 */
static void flood_of_fragments_does_not_reach_a_peer(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1);
	uint64_t began = fix_now(), sent = 0, own = 0, limit;

	fix_guesses(x, false);
	fix_conn_put(x, &c);
	for (uint32_t i = 0; i < 2 * STRAYS; i++) {
		fragment_in(x,
			    SEG(.flags = ACK, .seq = 0x40000000, .payload = 560, .ip.frag = MORE),
			    i);
		sent += went_on(x);
		fragment_in(x, LATER(576), i);
		sent += went_on(x);
	}
	limit = STRAYS * fix_windows(began);
	assert_in_range(sent, STRAYS, limit);
	assert_in_range(NODE(x, drop_stray), 1, 4 * STRAYS - sent);
	fragment_in(x, OWN_FIRST, OWN_ID);
	assert_true(went_on(x));
	for (unsigned int i = 0; i < 2 * A_PACKET; i++) {
		fragment_in(x, LATER(576), OWN_ID);
		own += went_on(x);
	}
	assert_in_range(own, A_PACKET, A_PACKET + STRAYS * (fix_windows(began) - 1));
}

/*
 * Anybody can send a first fragment with the identification of a packet of the player. When it is
 * dropped, its later ones do not follow the entry of that packet.
 */
static void a_dropped_first_fragment_leaves_no_entry(void **state)
{
	const struct tcp_spec *const stray = SEG(.flags = ACK, .seq = 0x40000000, .payload = 560,
						 .ip.frag = MORE);
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(1);
	bool dropped = false;

	fix_guesses(x, false);
	fix_conn_put(x, &c);
	for (uint32_t i = 0; i < 4 * STRAYS && !dropped; i++) {
		fragment_in(x, stray, i);
		if (went_on(x))
			continue;
		fragment_in(x, OWN_FIRST, OWN_ID);
		assert_true(went_on(x));
		/* It goes on only if the next window of strays began meanwhile. */
		fragment_in(x, stray, OWN_ID);
		dropped = !went_on(x);
	}
	assert_true(dropped);
	fragment_in(x, LATER(576), OWN_ID);
	assert_false(went_on(x));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(fragments_follow_their_first),
		HOKM_TEST(fragments_of_replicated_connections_too),
		HOKM_TEST(fragments_of_local_and_unknown_connections_pass),
		HOKM_TEST(fragments_of_unknown_connections_are_not_answered),
		HOKM_TEST(fragments_without_their_first_pass),
		HOKM_TEST(fragments_that_came_steered_pass),
		HOKM_TEST(fragments_for_a_dead_peer_pass),
		HOKM_TEST(tiny_first_fragments_pass),
		HOKM_TEST(flood_of_fragments_does_not_reach_a_peer),
		HOKM_TEST(a_dropped_first_fragment_leaves_no_entry),
	};

	return cmocka_run_group_tests_name("fragment", tests, fix_open, fix_close);
}
