/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segments from a sender that does not see the other direction change nothing (bpf/vouch.h): both
 * ends of both windows, on a connection of this node and on one of a peer, and what each kind of
 * blind segment would have changed. Every test runs with sequence numbers that wrap and without.
 */
#include <arpa/inet.h>
#include <string.h>

#include <bpf/bpf.h>

#include "hokm/ws.h"
#include "skel.h"
#include "talk.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

/* bpf/vouch.h */
#define STEP   (1u << 16)
#define BEHIND (1u << 16)
#define AHEAD  (2u << 16)
#define UNSEEN (1u << 20)

/* Initial sequence numbers of client and server. */
struct isns {
	uint32_t client, server;
};
static const struct isns ISNS[] = {{1000, 5000}, {0xffffff00u, 0xfffff000u}, {0x7fffff00u, 12}};
#define EACH_ISNS(i) for (unsigned int i = 0; i < sizeof(ISNS) / sizeof(ISNS[0]); i++)

/* A player here: handshake, upgrade, and one message of each side. */
static void player(struct talk *t, struct fix *x, unsigned int i)
{
	void *state = x;

	fix_reset(&state);
	talk_init(t, x, CLIENT_PORT, ISNS[i].client, ISNS[i].server);
	talk_handshake(t);
	talk_switch(t);
	talk_frame(t, CLIENT, WS_FIN | WS_TEXT, 20);
	talk_frame(t, SERVER, WS_FIN | WS_TEXT, 20);
}

/* A player of peer 1, steered by this node. */
static void carried(struct talk *t, struct fix *x, unsigned int i)
{
	struct hokm_conn c = fix_steered_conn(1);
	void *state = x;

	fix_reset(&state);
	talk_init(t, x, CLIENT_PORT, ISNS[i].client + 1, ISNS[i].server + 1);
	t->to = PEER1_MAC;
	c.isn = ISNS[i].client;
	c.c2s.seq_next = t->next[CLIENT];
	c.c2s.ack = t->next[SERVER];
	c.vouched = VOUCHED(c.c2s.seq_next, c.c2s.ack);
	fix_conn_put(x, &c);
}

/* Sends a segment with these distances from the numbers that would be right. */
static void blind(struct talk *t, uint8_t flags, uint32_t seq, uint32_t ack, unsigned int payload)
{
	fix_in(t->x, SEG(.flags = flags, .seq = t->next[CLIENT] + seq, .ack = t->next[SERVER] + ack,
			 .payload = payload));
}

static void expect_same(const struct talk *t, const struct hokm_conn *before)
{
	struct hokm_conn after = talk_conn(t);

	assert_memory_equal(&after, before, sizeof(after));
}

/* Does such a segment count? The entry is put back. */
static bool counts(struct talk *t, uint32_t seq, uint32_t ack)
{
	const struct hokm_conn before = talk_conn(t);
	struct hokm_conn after;

	blind(t, ACK, seq, ack, 0);
	after = talk_conn(t);
	fix_conn_put(t->x, &before);
	if (after.c2s.packets != before.c2s.packets)
		return true;
	assert_memory_equal(&after, &before, sizeof(after));
	return false;
}

/* The last numbers that fit, and those one further, at both ends of both windows. */
static void expect_window(struct talk *t, uint32_t low_seq, uint32_t high_seq, uint32_t low_ack,
			  uint32_t high_ack)
{
	uint64_t strays = COUNT(t->x, out_of_window);

	assert_true(counts(t, 0, 0));
	assert_true(counts(t, low_seq, 0));
	assert_false(counts(t, low_seq - 1, 0));
	assert_true(counts(t, high_seq, 0));
	assert_false(counts(t, high_seq + 1, 0));
	assert_true(counts(t, 0, low_ack));
	assert_false(counts(t, 0, low_ack - 1));
	assert_true(counts(t, 0, high_ack));
	assert_false(counts(t, 0, high_ack + 1));
	assert_false(counts(t, 0x80000000u, 0));
	assert_false(counts(t, 0, 0x80000000u));
	assert_int_equal(COUNT(t->x, out_of_window) - strays, 6);
}

static void window_of_a_player_here(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;
	struct talk t;

	EACH_ISNS(i)
	{
		player(&t, x, i);
		c = talk_conn(&t);
		expect_window(&t, (uint32_t)c.vouched - BEHIND - t.next[CLIENT], AHEAD,
			      c.c2s.ack - BEHIND - t.next[SERVER],
			      (uint32_t)(c.vouched >> 32) + STEP - t.next[SERVER]);
	}
}

static void window_of_a_carried_player(void **state)
{
	struct fix *x = *state;
	struct talk t;

	EACH_ISNS(i)
	{
		carried(&t, x, i);
		expect_window(&t, -BEHIND, UNSEEN, -BEHIND, UNSEEN);
	}
}

/* The window moves with the connection, in steps of any size, over the end of the numbers. */
static void window_moves_with_the_connection(void **state)
{
	static uint8_t bytes[EGRESS_MAX];
	struct fix *x = *state;
	struct talk t;

	EACH_ISNS(i)
	{
		player(&t, x, i);
		for (unsigned int n = 0; n < 200; n++) {
			talk_say(&t, CLIENT, bytes, 1400);
			talk_say(&t, SERVER, bytes, EGRESS_MAX);
		}
		assert_int_equal(COUNT(x, out_of_window), 0);
		assert_int_equal(talk_conn(&t).c2s.seq_next, t.next[CLIENT]);
		assert_true(counts(&t, 0, 0));
		assert_false(counts(&t, -(uint32_t)(200 * 1400), 0));
		assert_false(counts(&t, 0, -(uint32_t)(200 * EGRESS_MAX)));
	}
}

/* As many bytes in flight as a client likes: each segment begins where one before it ended. */
static void bytes_in_flight_are_not_limited(void **state)
{
	static uint8_t bytes[60000];
	struct fix *x = *state;
	struct talk t;

	EACH_ISNS(i)
	{
		player(&t, x, i);
		for (unsigned int n = 0; n < 100; n++)
			talk_say(&t, CLIENT, bytes, sizeof(bytes));
		assert_int_equal(talk_conn(&t).c2s.seq_next, t.next[CLIENT]);
		assert_int_equal(COUNT(x, out_of_window), 0);
	}
}

/* ---- what blind segments would have done ---- */

static void blind_fin_does_not_make_a_player_gone(void **state)
{
	struct fix *x = *state;
	struct hokm_conn before;
	struct talk t;

	EACH_ISNS(i)
	{
		player(&t, x, i);
		before = talk_conn(&t);
		blind(&t, FIN | ACK, 0x12345678, 0, 0);
		blind(&t, FIN | ACK, 0, 0x12345678, 0);
		blind(&t, FIN | ACK, 12345 << 8, 0, 40);
		expect_same(&t, &before);
		assert_int_equal(COUNT(x, fin_client), 0);
		talk_fin(&t, CLIENT);
		assert_int_equal(talk_conn(&t).tcp_state, HOKM_TCP_FIN_CLIENT);
	}
}

static void blind_data_does_not_let_a_reset_through(void **state)
{
	struct fix *x = *state;
	struct hokm_conn before;
	struct talk t;

	EACH_ISNS(i)
	{
		player(&t, x, i);
		before = talk_conn(&t);
		blind(&t, ACK | PSH, 0x10000000, 0x10000000, 100);
		blind(&t, RST, 0x10000000 + 100, 0, 0);
		blind(&t, RST | ACK, 0x10000000 + 100, 0, 0);
		blind(&t, RST, 0x20000000, 0, 0);
		expect_same(&t, &before);
		assert_int_equal(COUNT(x, rst_client), 0);
		assert_int_equal(fix_changes(x, NULL, 0), 0);
		talk_rst(&t, CLIENT);
		assert_int_equal(talk_conn(&t).tcp_state, HOKM_TCP_RESET);
	}
}

static void blind_data_does_not_move_the_frame_tracking(void **state)
{
	struct fix *x = *state;
	struct hokm_conn before;
	struct talk t;

	EACH_ISNS(i)
	{
		player(&t, x, i);
		before = talk_conn(&t);
		for (uint32_t far = 1; far; far <<= 1) {
			if (far <= AHEAD)
				continue;
			blind(&t, ACK | PSH, far, 0, 100);
			blind(&t, ACK | PSH, -far, 0, 100);
			blind(&t, ACK | PSH, 0, far, 100);
			blind(&t, ACK | PSH, 0, -far, 100);
		}
		expect_same(&t, &before);
		talk_frame(&t, CLIENT, WS_FIN | WS_BINARY, 9);
		assert_int_equal(talk_conn(&t).c2s.frames, before.c2s.frames + 1);
		assert_int_equal(talk_conn(&t).sync_lost, 0);
	}
}

/* The entry of a player that a peer holds: neither a FIN nor a RST ends it here. */
static void blind_segments_do_not_end_a_carried_player(void **state)
{
	struct fix *x = *state;
	struct hokm_conn before;
	struct talk t;

	EACH_ISNS(i)
	{
		carried(&t, x, i);
		before = talk_conn(&t);
		blind(&t, FIN | ACK, 0x10000000, 0, 0);
		blind(&t, FIN | ACK, 0, 0x10000000, 0);
		blind(&t, ACK | PSH, 0x10000000, 0x10000000, 100);
		blind(&t, RST, 0x10000000 + 100, 0, 0);
		expect_same(&t, &before);
		talk_say(&t, CLIENT, "hello", 5);
		talk_fin(&t, CLIENT);
		assert_int_equal(talk_conn(&t).tcp_state, HOKM_TCP_FIN_CLIENT);
	}
}

/* ---- who vouches ---- */

/*
 * A connection that was found in a local socket: the packet that found it may be anybody's. The
 * first segment of the server gives the numbers.
 */
static void adopted_entry_learns_from_the_server(void **state)
{
	struct fix *x = *state;
	struct hokm_conn before;
	struct socks s;
	struct talk t;

	EACH_ISNS(i)
	{
		fix_reset(state);
		socks_connect(&s);
		talk_init(&t, x, CLIENT_PORT, ISNS[i].client + 1, ISNS[i].server + 1);
		blind(&t, ACK | PSH, 0x10000000, 0x10000000, 100);
		before = talk_conn(&t);
		assert_int_equal(before.vouched, 0);
		assert_int_equal(before.c2s.packets, 0);
		blind(&t, FIN | ACK, 0x10000000, 0x10000000, 0);
		blind(&t, RST, 0, 0, 0);
		blind(&t, FIN | ACK, 0, 0, 0);
		expect_same(&t, &before);
		talk_say(&t, SERVER, "state", 5);
		assert_true(talk_conn(&t).vouched == VOUCHED(t.next[CLIENT], t.next[SERVER]));
		blind(&t, FIN | ACK, 0x10000000, 0x10000000, 0);
		assert_int_equal(talk_conn(&t).tcp_state, HOKM_TCP_ESTABLISHED);
		talk_say(&t, CLIENT, "move", 4);
		assert_int_equal(talk_conn(&t).c2s.packets, 1);
		assert_int_equal(talk_conn(&t).c2s.seq_next, t.next[CLIENT]);
		talk_fin(&t, CLIENT);
		assert_int_equal(talk_conn(&t).tcp_state, HOKM_TCP_FIN_CLIENT);
		socks_close(&s);
	}
}

/* This node's kernel is believed, whatever it says. */
static void servers_numbers_count_at_any_distance(void **state)
{
	static const uint32_t far[] = {STEP - 1, STEP, UNSEEN, 0x40000000u, 0x80000000u, -5u};
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		player(&t, x, 1);
		t.next[CLIENT] += far[i];
		t.next[SERVER] += far[i];
		talk_ack(&t, SERVER);
		if (far[i] < 0x80000000u)
			assert_true(counts(&t, 0, 0));
	}
}

static void put_replica(struct fix *x, unsigned int holder, uint32_t client, uint32_t server)
{
	struct hokm_conn_key k = fix_key();
	struct hokm_replica r = {.told_ns = 1,
				 .isn = client - 1,
				 .ack_next = client,
				 .seq_next = server,
				 .holder = (uint8_t)holder};

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(x->skel->maps.replica), &k, &r, BPF_ANY),
			 0);
}

/*
 * The VIP was elsewhere for a while, and the client's packets with it. What the holder replicates
 * gives the numbers once more; nothing else does.
 */
static void carried_player_comes_back(void **state)
{
	struct fix *x = *state;
	struct hokm_conn before;
	struct talk t;

	EACH_ISNS(i)
	{
		carried(&t, x, i);
		before = talk_conn(&t);
		t.next[CLIENT] += 0x10000000;
		t.next[SERVER] += 0x30000000;
		talk_say(&t, CLIENT, "back", 4);
		expect_same(&t, &before);
		put_replica(x, 0, t.next[CLIENT], t.next[SERVER]); /* of another holder */
		talk_say(&t, CLIENT, "back", 4);
		expect_same(&t, &before);
		put_replica(x, 1, t.next[CLIENT] - 500, t.next[SERVER] - 500);
		blind(&t, FIN | ACK, 0x10000000, 0, 0);
		blind(&t, RST, 0x10000000, 0, 0);
		expect_same(&t, &before);
		talk_say(&t, CLIENT, "back", 4);
		assert_int_equal(talk_conn(&t).c2s.packets, before.c2s.packets + 1);
		assert_int_equal(talk_conn(&t).c2s.seq_next, t.next[CLIENT]);
		talk_fin(&t, CLIENT);
		assert_int_equal(talk_conn(&t).tcp_state, HOKM_TCP_FIN_CLIENT);
	}
}

/* A player whose holder the replica names is entered with the holder's numbers. */
static void entry_of_a_named_holder_has_its_numbers(void **state)
{
	struct fix *x = *state;
	struct talk t;

	EACH_ISNS(i)
	{
		fix_reset(state);
		talk_init(&t, x, CLIENT_PORT, ISNS[i].client + 1, ISNS[i].server + 1);
		t.to = PEER1_MAC;
		put_replica(x, 1, t.next[CLIENT], t.next[SERVER]);
		blind(&t, ACK | PSH, 0x10000000, 0x10000000, 100);
		assert_int_equal(talk_conn(&t).target, 1);
		assert_int_equal(talk_conn(&t).isn, ISNS[i].client);
		blind(&t, FIN | ACK, 0x10000000, 0x10000000, 0);
		blind(&t, RST, 0x10000000 + 100, 0, 0);
		assert_int_equal(talk_conn(&t).tcp_state, HOKM_TCP_ESTABLISHED);
		talk_say(&t, CLIENT, "move", 4);
		assert_int_equal(talk_conn(&t).c2s.seq_next, t.next[CLIENT]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(window_of_a_player_here),
		HOKM_TEST(window_of_a_carried_player),
		HOKM_TEST(window_moves_with_the_connection),
		HOKM_TEST(bytes_in_flight_are_not_limited),
		HOKM_TEST(blind_fin_does_not_make_a_player_gone),
		HOKM_TEST(blind_data_does_not_let_a_reset_through),
		HOKM_TEST(blind_data_does_not_move_the_frame_tracking),
		HOKM_TEST(blind_segments_do_not_end_a_carried_player),
		HOKM_TEST(adopted_entry_learns_from_the_server),
		HOKM_TEST(servers_numbers_count_at_any_distance),
		HOKM_TEST(carried_player_comes_back),
		HOKM_TEST(entry_of_a_named_holder_has_its_numbers),
	};

	return cmocka_run_group_tests_name("vouch", tests, fix_open, fix_close);
}
