/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blind segments of a player whose holder is dead (bpf/dead_peer.h) change nothing: neither entry
 * nor replica changes by a byte, and nothing is reported. The answer repeats a number of the
 * segment. The segment of the player itself ends the connection, before and after them.
 *
 * The player is steered by this node and has an entry, or only the replica names its holder, or
 * this node has the entry only.
 */
#include <arpa/inet.h>
#include <string.h>

#include <bpf/bpf.h>

#include "fixture.h"
#include "skel.h"

#define HOLDER 1

/* bpf/vouch.h */
#define BEHIND (1u << 16)
#define UNSEEN (1u << 20)

/* What is known of the player. */
enum known { ENTRY = 1, REPLICA = 2, BOTH = 3 };

/* The next numbers of client and server. */
struct next {
	uint32_t client, server;
};
static const struct next NEXT[] = {{1001, 5001}, {0xffffff00u, 0xfffff000u}, {0x7fffff00u, 12}};
#define N_NEXT   (sizeof(NEXT) / sizeof(NEXT[0]))
#define EACH_WAY for (unsigned int i = 0; i < 3 * N_NEXT; i++)

/* Everything that the segment could change. */
struct memory {
	struct hokm_conn conn;
	struct hokm_replica replica;
	bool has_conn, has_replica;
};

/* The world of one round. */
static struct next player(struct fix *x, unsigned int round)
{
	enum known known = (enum known)(1 + round % 3);
	struct hokm_conn c = fix_steered_conn(HOLDER);
	const struct next n = NEXT[round / 3];
	struct hokm_conn_key k = fix_key();
	struct hokm_replica r = {.told_ns = 1,
				 .isn = n.client - 1,
				 .seq_next = n.server,
				 .ack_next = n.client,
				 .holder = HOLDER};
	void *state = x;

	fix_reset(&state);
	c.isn = n.client - 1;
	c.c2s.seq_next = n.client;
	c.c2s.ack = n.server;
	c.vouched = VOUCHED(n.client, n.server);
	if (known & ENTRY)
		fix_conn_put(x, &c);
	if (known & REPLICA)
		assert_int_equal(
			bpf_map_update_elem(bpf_map__fd(x->skel->maps.replica), &k, &r, BPF_ANY),
			0);
	fix_peer_dead(x, HOLDER);
	return n;
}

static struct memory memory(struct fix *x)
{
	struct memory m;

	memset(&m, 0, sizeof(m));
	m.has_conn = fix_conn(x, &m.conn);
	m.has_replica = fix_replica(x, &m.replica);
	return m;
}

static void expect_nothing_changed(struct fix *x, const struct memory *before)
{
	const struct memory after = memory(x);

	assert_memory_equal(&after, before, sizeof(after));
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, NULL), 0);
	assert_int_equal(fix_events(x, HOKM_EV_ANSWERED_DEAD, NULL), 0);
}

static void expect_ended(struct fix *x, const struct memory *before)
{
	const struct memory after = memory(x);

	if (after.has_conn) {
		assert_int_equal(after.conn.tcp_state, HOKM_TCP_RESET);
		assert_true(after.conn.flags & HOKM_CONN_ENDED);
		assert_true(after.conn.ended_ns);
	}
	if (after.has_replica)
		assert_true(after.replica.answered_ns);
	assert_int_equal(after.has_conn, before->has_conn);
	assert_int_equal(
		fix_events(x, after.has_conn ? HOKM_EV_CLOSED : HOKM_EV_ANSWERED_DEAD, NULL), 1);
}

/* Segments with these distances from the numbers that would be right. */
static void expect_blind(struct fix *x, struct next n, uint8_t flags, uint32_t seq, uint32_t ack)
{
	const struct memory before = memory(x);

	expect_in_answer(x, SEG(.flags = flags, .seq = n.client + seq, .ack = n.server + ack));
	expect_nothing_changed(x, &before);
}

static const struct next AWAY[] = {
	{0x40000000u, 0x40000000u},
	{0x40000000u, 0},
	{0, 0x40000000u},
	{UNSEEN + 1, 0},
	{0, UNSEEN + 1},
	{-BEHIND - 1, 0},
	{0, -BEHIND - 1},
	{0, 0x80000000u},
	{0x80000000u, 0},
};
#define N_AWAY (sizeof(AWAY) / sizeof(AWAY[0]))

static void blind_segment_ends_no_player_of_a_dead_holder(void **state)
{
	static const uint8_t flags[] = {ACK, ACK | PSH, FIN | ACK};
	struct fix *x = *state;

	EACH_WAY
	{
		struct next n = player(x, i);
		struct memory before = memory(x);

		for (unsigned int a = 0; a < N_AWAY; a++)
			for (unsigned int f = 0; f < sizeof(flags); f++)
				expect_blind(x, n, flags[f], AWAY[a].client, AWAY[a].server);
		expect_in_answer(
			x, SEG(.flags = ACK | PSH, .seq = n.client, .ack = n.server, .payload = 9));
		expect_ended(x, &before);
	}
}

/* Both ends of both windows belong to the player. */
static void player_of_a_dead_holder_is_answered(void **state)
{
	static const struct next near[] = {
		{UNSEEN, UNSEEN}, {-BEHIND, -BEHIND}, {UNSEEN, -BEHIND}, {-BEHIND, UNSEEN}, {0, 0}};
	struct fix *x = *state;

	for (unsigned int a = 0; a < sizeof(near) / sizeof(near[0]); a++)
		EACH_WAY
		{
			struct next n = player(x, i);
			struct memory before = memory(x);
			uint32_t ack = n.server + near[a].server;

			expect_in_answer(
				x, SEG(.flags = ACK, .seq = n.client + near[a].client, .ack = ack));
			expect_ended(x, &before);
			/* The daemon repeats the RST with the number that the client expects. */
			if (before.has_replica)
				assert_int_equal(memory(x).replica.seq_next, ack);
		}
}

/* A node whose replica says nothing of the server's numbers cannot judge. */
static void numbers_that_nobody_knows_end_nothing(void **state)
{
	struct fix *x = *state;
	struct next n = player(x, REPLICA - 1);
	struct hokm_conn_key k = fix_key();
	struct memory before = memory(x);

	before.replica.seq_next = 0;
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(x->skel->maps.replica), &k,
					     &before.replica, BPF_ANY),
			 0);
	expect_in_answer(x, SEG(.flags = ACK, .seq = n.client, .ack = n.server));
	expect_nothing_changed(x, &before);
}

/* The holder would be informed that its player was notified, and would end its socket. */
static void blind_reset_notes_nothing(void **state)
{
	struct fix *x = *state;

	EACH_WAY
	{
		struct next n = player(x, i);
		const struct memory before = memory(x);

		for (unsigned int a = 0; a < N_AWAY; a++) {
			uint32_t seq = n.client + (AWAY[a].client ? AWAY[a].client : 1);

			expect_in_pass(x, SEG(.flags = RST, .seq = seq));
			expect_nothing_changed(x, &before);
		}
		expect_in_pass(x, SEG(.flags = RST, .seq = n.client));
		if (before.has_replica)
			assert_true(memory(x).replica.answered_ns);
		if (before.has_conn)
			assert_int_equal(memory(x).conn.tcp_state, HOKM_TCP_RESET);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(blind_segment_ends_no_player_of_a_dead_holder),
		HOKM_TEST(player_of_a_dead_holder_is_answered),
		HOKM_TEST(numbers_that_nobody_knows_end_nothing),
		HOKM_TEST(blind_reset_notes_nothing),
	};

	return cmocka_run_group_tests_name("dead blind", tests, fix_open, fix_close);
}
