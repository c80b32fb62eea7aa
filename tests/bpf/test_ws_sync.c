/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loss of synchronization and its return: every fault is reported with its side, nothing is counted
 * while it lasts, and two segments of whole frames end it. Also connections whose beginning was not
 * seen, and steered ones, whose frames are not tracked.
 */
#include <string.h>

#include "hokm/ws.h"
#include "talk.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define TEXT (WS_FIN | WS_TEXT)
#define BIN  (WS_FIN | WS_BINARY)
#define PING (WS_FIN | 0x09)
#define PONG (WS_FIN | 0x0a)

static uint8_t follow(const struct talk *t, int side)
{
	struct hokm_conn c = talk_conn(t);

	return side == CLIENT ? c.c2s.ws.state : c.s2c.ws.state;
}

static uint32_t frames(const struct talk *t, int side)
{
	struct hokm_conn c = talk_conn(t);

	return side == CLIENT ? c.c2s.frames : c.s2c.frames;
}

static uint64_t lost(struct fix *x, int side)
{
	return side == CLIENT ? COUNT(x, sync_lost_in) : COUNT(x, sync_lost_out);
}

static uint64_t regained(struct fix *x, int side)
{
	return side == CLIENT ? COUNT(x, sync_regained_in) : COUNT(x, sync_regained_out);
}

static void expect_lost(const struct talk *t, int side, uint8_t fault)
{
	struct fix *x = t->x;
	struct hokm_event ev;

	assert_int_equal(follow(t, side), HOKM_FOLLOW_LOST);
	assert_int_equal(lost(x, side), 1);
	assert_int_equal(lost(x, side == CLIENT ? SERVER : CLIENT), 0);
	assert_int_equal(talk_conn(t).sync_lost, 1);
	assert_int_equal(fix_events(x, HOKM_EV_SYNC_LOST, &ev), 1);
	assert_int_equal(ev.fault, fault);
	assert_int_equal(ev.close_side, side);
	assert_int_equal(ev.tcp_state, HOKM_TCP_ESTABLISHED);
	assert_int_equal(ev.bytes_in | ev.bytes_out | ev.age_ns | ev.close_code, 0);
}

/* Two segments with nothing but whole frames; the frames of the second one count. */
static void expect_regained(struct talk *t, int side)
{
	uint32_t before = frames(t, side);
	struct fix *x = t->x;
	struct hokm_event ev;

	talk_frame(t, side, TEXT, 40);
	assert_int_equal(follow(t, side), HOKM_FOLLOW_TRIAL);
	assert_int_equal(regained(x, side), 0);
	assert_int_equal(frames(t, side), before);
	talk_frame(t, side, BIN, 41);
	assert_int_equal(follow(t, side), HOKM_FOLLOW_FRAMES);
	assert_int_equal(regained(x, side), 1);
	assert_int_equal(regained(x, side == CLIENT ? SERVER : CLIENT), 0);
	assert_int_equal(frames(t, side), before + 1);
	assert_int_equal(fix_events(x, HOKM_EV_SYNC_REGAINED, &ev), 1);
	assert_int_equal(ev.close_side, side);
	assert_int_equal(ev.fault, HOKM_FAULT_NONE);
	talk_frame(t, side, BIN, 42);
	assert_int_equal(frames(t, side), before + 2);
}

/* ---- order ---- */

static void headers_out_of_order_are_lost(void **state)
{
	static const int sides[] = {CLIENT, SERVER};
	static struct stream a, b;
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < 2; i++) {
		int side = sides[i];

		fix_reset(state);
		talk_upgrade(&t, x);
		a.len = b.len = 0;
		stream_frame(&a, side, TEXT, 100);
		stream_frame(&b, side, BIN, 100);
		talk_at(&t, side, t.next[side] + a.len, b.b, b.len, ACK);
		assert_int_equal(lost(x, side), 0); /* the trial may still fail */
		assert_int_equal(frames(&t, side), 0);
		talk_say(&t, side, a.b, a.len);
		t.next[side] += b.len;
		expect_lost(&t, side, HOKM_FAULT_GAP);
		assert_int_equal(frames(&t, side), 1);
		/* The other direction is not affected. */
		talk_frame(&t, side == CLIENT ? SERVER : CLIENT, TEXT, 5);
		assert_int_equal(frames(&t, side == CLIENT ? SERVER : CLIENT), 1);
		expect_regained(&t, side);
	}
}

/* The gap hides no header, because the frame in the first segment reaches over all of it. */
static void payload_may_come_in_any_order(void **state)
{
	static const int sides[] = {CLIENT, SERVER};
	static struct stream s;
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < 2; i++) {
		int side = sides[i];

		fix_reset(state);
		talk_upgrade(&t, x);
		s.len = 0;
		stream_frame(&s, side, BIN, 2900);
		talk_at(&t, side, t.next[side] + 1000, s.b + 1000, 1000, ACK);
		talk_at(&t, side, t.next[side] + 2000, s.b + 2000, s.len - 2000, ACK);
		talk_at(&t, side, t.next[side], s.b, 1000, ACK);
		talk_at(&t, side, t.next[side] + 2000, s.b + 2000, s.len - 2000, ACK);
		t.next[side] += s.len;
		talk_frame(&t, side, TEXT, 3);
		assert_int_equal(frames(&t, side), 2);
		assert_int_equal(talk_conn(&t).sync_lost, 0);
		assert_int_equal(follow(&t, side), HOKM_FOLLOW_FRAMES);
	}
}

/*
 * The bytes of the gap are acknowledged but were not seen: they reached the other end on another
 * path.
 */
static void acknowledged_gap_is_lost_at_once(void **state)
{
	static const int sides[] = {CLIENT, SERVER};
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < 2; i++) {
		int side = sides[i], other = side == CLIENT ? SERVER : CLIENT;

		fix_reset(state);
		talk_upgrade(&t, x);
		talk_frame(&t, side, TEXT, 5);
		t.next[side] += 500;
		talk_frame(&t, side, TEXT, 5);
		assert_int_equal(lost(x, side), 0);
		talk_ack(&t, other);
		talk_frame(&t, side, TEXT, 5);
		expect_lost(&t, side, HOKM_FAULT_GAP);
		assert_int_equal(frames(&t, side), 1);
		expect_regained(&t, side);
	}
}

/* A segment far ahead of the stream does not belong to it, and changes nothing. */
static void segments_far_away_change_nothing(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	talk_at(&t, CLIENT, t.next[CLIENT] + 2 * WS_GAP_MAX, "junkjunk", 8, ACK);
	talk_at(&t, CLIENT, t.next[CLIENT] - 2 * WS_GAP_MAX, "junkjunk", 8, ACK);
	talk_frame(&t, CLIENT, TEXT, 5);
	assert_int_equal(frames(&t, CLIENT), 1);
	assert_int_equal(talk_conn(&t).sync_lost, 0);
}

/* ---- faults ---- */

struct bad {
	uint8_t b[4];
	uint8_t fault;
};

/* The length that the frame would have without its fault. */
static uint32_t alone(const uint8_t *bytes, int side)
{
	uint32_t len = bytes[1] & WS_LEN;

	return len < 10 ? len + (side == CLIENT ? 6 : 2) : 16;
}

static void expect_faults(void **state, int side, const struct bad *bad, unsigned int n)
{
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < n; i++) {
		uint8_t bytes[16] = {0};

		memcpy(bytes, bad[i].b, sizeof(bad[i].b));
		/*
		 * The fault at the beginning, after another frame, in a split header, and alone in
		 * its segment.
		 */
		for (uint32_t way = 0; way < 4; way++) {
			static struct stream s;

			fix_reset(state);
			talk_upgrade(&t, x);
			s.len = 0;
			if (way == 1)
				stream_frame(&s, side, TEXT, 7);
			stream_add(&s, bytes, way == 3 ? alone(bytes, side) : sizeof(bytes));
			if (way == 2) {
				talk_say(&t, side, s.b, 1);
				talk_say(&t, side, s.b + 1, s.len - 1);
			} else {
				talk_say(&t, side, s.b, s.len);
			}
			expect_lost(&t, side, bad[i].fault);
			assert_int_equal(frames(&t, side), way == 1);
			expect_regained(&t, side);
		}
	}
}

static void faults_of_clients_are_reported(void **state)
{
	static const struct bad bad[] = {
		{{TEXT | 0x20, 0x85}, HOKM_FAULT_RSV},
		{{TEXT | 0x10, 0x85}, HOKM_FAULT_RSV},
		{{BIN | 0x20, 0x85}, HOKM_FAULT_RSV},
		{{BIN | 0x10, 0x85}, HOKM_FAULT_RSV},
		{{PING | WS_RSV1, 0x85}, HOKM_FAULT_RSV},
		{{WS_FIN | 3, 0x85}, HOKM_FAULT_OPCODE},
		{{WS_FIN | 7, 0x85}, HOKM_FAULT_OPCODE},
		{{WS_FIN | 0xb, 0x85}, HOKM_FAULT_OPCODE},
		{{TEXT, 0x05}, HOKM_FAULT_MASK},
		{{0x09, 0x85}, HOKM_FAULT_CONTROL},
		{{PING, 0x80 | 126, 0, 200}, HOKM_FAULT_CONTROL},
		{{TEXT, 0x80 | 126, 0, 125}, HOKM_FAULT_LENGTH},
		{{TEXT, 0x80 | 127, 0, 0}, HOKM_FAULT_LENGTH},
		{{TEXT, 0x80 | 127, 0x80, 0}, HOKM_FAULT_LENGTH},
		{{WS_FIN, 0x85}, HOKM_FAULT_ORDER},
	};

	expect_faults(state, CLIENT, bad, sizeof(bad) / sizeof(bad[0]));
}

static void faults_of_servers_are_reported(void **state)
{
	static const struct bad bad[] = {
		{{TEXT | 0x20, 9}, HOKM_FAULT_RSV},     {{BIN | 0x10, 9}, HOKM_FAULT_RSV},
		{{WS_FIN | 0xf, 9}, HOKM_FAULT_OPCODE}, {{BIN, 0x89}, HOKM_FAULT_MASK},
		{{0x08, 2}, HOKM_FAULT_CONTROL},        {{BIN, 126, 0, 125}, HOKM_FAULT_LENGTH},
		{{BIN, 127, 0, 0}, HOKM_FAULT_LENGTH},  {{WS_FIN, 9}, HOKM_FAULT_ORDER},
	};

	expect_faults(state, SERVER, bad, sizeof(bad) / sizeof(bad[0]));
}

static void messages_inside_messages_are_a_fault(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	talk_frame(&t, CLIENT, WS_TEXT, 5);
	talk_frame(&t, CLIENT, PING, 5);
	talk_frame(&t, CLIENT, TEXT, 5);
	expect_lost(&t, CLIENT, HOKM_FAULT_ORDER);
	assert_int_equal(frames(&t, CLIENT), 2);
}

/* Segments that only look like whole frames do not regain synchronization. */
static void trial_needs_two_in_a_row(void **state)
{
	static struct stream s;
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	talk_text(&t, CLIENT, "xxxx");
	expect_lost(&t, CLIENT, HOKM_FAULT_RSV);
	talk_frame(&t, CLIENT, TEXT, 40);
	assert_int_equal(follow(&t, CLIENT), HOKM_FOLLOW_TRIAL);
	talk_text(&t, CLIENT, "xxxx");
	assert_int_equal(follow(&t, CLIENT), HOKM_FOLLOW_LOST);
	talk_frame(&t, CLIENT, TEXT, 40);
	t.next[CLIENT] += 10; /* not where the segment before it ended */
	talk_frame(&t, CLIENT, TEXT, 40);
	assert_int_equal(follow(&t, CLIENT), HOKM_FOLLOW_LOST);
	s.len = 0;
	stream_frame(&s, CLIENT, TEXT, 40);
	talk_say(&t, CLIENT, s.b, s.len - 1); /* no whole frame */
	assert_int_equal(follow(&t, CLIENT), HOKM_FOLLOW_LOST);
	assert_int_equal(COUNT(x, sync_lost_in), 1); /* reported once */
	assert_int_equal(COUNT(x, sync_regained_in), 0);
	assert_int_equal(frames(&t, CLIENT), 0);
	expect_regained(&t, CLIENT);
}

static void sync_lost_stays_at_its_highest(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;
	struct talk t;

	talk_upgrade(&t, x);
	c = talk_conn(&t);
	c.sync_lost = 254;
	fix_conn_put(x, &c);
	for (unsigned int i = 0; i < 3; i++) {
		talk_text(&t, CLIENT, "xxxx");
		talk_frame(&t, CLIENT, TEXT, 40);
		talk_frame(&t, CLIENT, TEXT, 40);
	}
	assert_int_equal(COUNT(x, sync_lost_in), 3);
	assert_int_equal(talk_conn(&t).sync_lost, 255);
}

/* A part of the upgrade request was not seen: synchronization is lost, and frames regain it. */
static void request_seen_in_part_opens_by_its_frames(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	talk_say(&t, CLIENT, "GET / HTTP/1.1\r\n", 16);
	t.next[CLIENT] += 200;
	talk_say(&t, CLIENT, "\r\n\r\n", 4);
	talk_ack(&t, SERVER);
	talk_frame(&t, CLIENT, PING, 0);
	expect_lost(&t, CLIENT, HOKM_FAULT_GAP);
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_NONE);
	expect_regained(&t, CLIENT);
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_OPEN);
	assert_int_equal(COUNT(x, upgrade), 0);
}

/* Regained synchronization does not reopen a WebSocket that is closing. */
static void regained_synchronization_does_not_reopen(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	talk_close(&t, SERVER, 1000);
	talk_text(&t, CLIENT, "xxxx");
	expect_lost(&t, CLIENT, HOKM_FAULT_RSV);
	expect_regained(&t, CLIENT);
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_CLOSING);
}

/* ---- connections whose beginning was not seen ---- */

static void adopted_connection_is_regained(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;
	struct socks s;
	struct talk t;

	socks_connect(&s);
	talk_init(&t, x, CLIENT_PORT, 70000, 90000);
	talk_frame(&t, CLIENT, TEXT, 10); /* enters the connection into conns */
	talk_ack(&t, SERVER);             /* gives its numbers */
	talk_frame(&t, CLIENT, TEXT, 10);
	c = talk_conn(&t);
	assert_int_equal(c.flags, HOKM_CONN_ADOPTED | HOKM_CONN_OPENED);
	assert_int_equal(c.ws, HOKM_WS_NONE);
	assert_int_equal(c.c2s.ws.state, HOKM_FOLLOW_LOST);
	assert_int_equal(c.s2c.ws.state, HOKM_FOLLOW_LOST);
	expect_regained(&t, CLIENT);
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_OPEN);

	talk_frame(&t, CLIENT, PING, 0); /* its pong could not be read */
	expect_waiting(x, 0, 0);
	fix_reset(state);
	talk_frame(&t, CLIENT, TEXT, 10);
	talk_frame(&t, SERVER, TEXT, 10); /* does not follow a segment that was seen */
	assert_int_equal(follow(&t, SERVER), HOKM_FOLLOW_LOST);
	expect_regained(&t, SERVER);
	assert_int_equal(COUNT(x, sync_lost_in) + COUNT(x, sync_lost_out), 0);
	assert_int_equal(COUNT(x, local_socket), 1);
	socks_close(&s);
}

/* Binary data full of zeros, and HTTP, are never read as frames. */
static void other_bytes_do_not_regain_synchronization(void **state)
{
	static const uint8_t zeros[64];
	struct fix *x = *state;
	struct socks s;
	struct talk t;

	socks_connect(&s);
	talk_init(&t, x, CLIENT_PORT, 70000, 90000);
	talk_ack(&t, CLIENT);
	talk_ack(&t, SERVER);
	for (unsigned int i = 0; i < 4; i++) {
		talk_say(&t, CLIENT, zeros, sizeof(zeros));
		talk_say(&t, SERVER, zeros, sizeof(zeros));
		talk_text(&t, CLIENT, PLAIN_REQUEST);
		talk_text(&t, SERVER, SWITCHED);
	}
	assert_int_equal(COUNT(x, sync_regained_in) + COUNT(x, sync_regained_out), 0);
	assert_int_equal(talk_conn(&t).c2s.frames + talk_conn(&t).s2c.frames, 0);
	socks_close(&s);
}

/* ---- steered ---- */

static void expect_unfollowed(const struct talk *t)
{
	struct hokm_conn c = talk_conn(t);
	const struct hokm_ws nothing = {.state = HOKM_FOLLOW_LOST};

	assert_memory_equal(&c.c2s.ws, &nothing, sizeof(nothing));
	assert_memory_equal(&c.s2c.ws, &nothing, sizeof(nothing));
	assert_int_equal(c.ws, HOKM_WS_NONE);
	assert_int_equal(c.c2s.frames, 0);
	assert_int_equal(c.upgrade_ns | c.ping_c2s_ns | c.close_code | c.sync_lost, 0);
	expect_waiting(t->x, 0, 0);
}

static void steered_connections_are_not_followed(void **state)
{
	struct fix *x = *state;
	struct talk t;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	talk_init(&t, x, CLIENT_PORT, TALK_ISN, TALK_SISN);
	t.to = PEER0_MAC;
	talk_send(&t, CLIENT, NULL, 0, SYN);
	t.next[SERVER]++; /* answered by the peer itself */
	talk_ack(&t, CLIENT);
	talk_text(&t, CLIENT, UPGRADE_REQUEST);
	t.next[SERVER] += 129;
	for (unsigned int i = 0; i < 5; i++)
		talk_frame(&t, CLIENT, i & 1 ? TEXT : PING, 20);
	talk_close(&t, CLIENT, 1000);
	expect_unfollowed(&t);
	EXPECT_COUNTS(x, N(syn, 1), N(steered_syn, 1), N(established, 1), N(steered_conn, 8),
		      N(packets_in, 9), N(bytes_in, t.bytes[CLIENT]));
}

static void second_chances_are_not_followed(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_init(&t, x, CLIENT_PORT, 1001, 5001);
	t.to = PEER0_MAC;
	fix_replica_put(x, 0);
	for (unsigned int i = 0; i < 5; i++)
		talk_frame(&t, CLIENT, TEXT, 20);
	expect_unfollowed(&t);
	EXPECT_COUNTS(x, N(second_chance, 1), N(steered_holder, 1), N(steered_conn, 4),
		      N(packets_in, 5), N(bytes_in, t.bytes[CLIENT]));
}

/* A connection that a peer steers here is served here, so its frames are tracked. */
static void steered_in_connections_are_followed(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;
	struct talk t;

	fix_owner(x, false);
	talk_init(&t, x, CLIENT_PORT, TALK_ISN, TALK_SISN);
	t.from = PEER0_MAC;
	talk_handshake(&t);
	talk_switch(&t);
	talk_frame(&t, CLIENT, TEXT, 20);
	talk_frame(&t, CLIENT, PING, 2);
	talk_frame(&t, SERVER, PONG, 2);
	c = talk_conn(&t);
	assert_int_equal(c.flags, HOKM_CONN_OPENED | HOKM_CONN_STEERED_IN);
	assert_int_equal(c.ws, HOKM_WS_OPEN);
	assert_int_equal(c.c2s.frames, 2);
	assert_int_equal(c.s2c.frames, 1);
	expect_waiting(x, 0, 0);
	assert_int_equal(COUNT(x, steered_in), 5);
}

/*
 * An entry that steered to a peer, which now steers the packets here: frames are tracked from then
 * on.
 */
static void entry_that_was_steered_is_regained_here(void **state)
{
	struct fix *x = *state;
	struct socks s;
	struct talk t;

	talk_init(&t, x, CLIENT_PORT, 1001, 5001);
	t.to = PEER0_MAC;
	fix_replica_put(x, 0);
	talk_frame(&t, CLIENT, TEXT, 20);
	talk_frame(&t, CLIENT, TEXT, 20);
	expect_unfollowed(&t);
	socks_connect(&s);
	t.to = NULL;
	t.from = PEER0_MAC;
	expect_regained(&t, CLIENT);
	assert_int_equal(talk_conn(&t).target, HOKM_LOCAL);
	socks_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(headers_out_of_order_are_lost),
		HOKM_TEST(payload_may_come_in_any_order),
		HOKM_TEST(acknowledged_gap_is_lost_at_once),
		HOKM_TEST(segments_far_away_change_nothing),
		HOKM_TEST(faults_of_clients_are_reported),
		HOKM_TEST(faults_of_servers_are_reported),
		HOKM_TEST(messages_inside_messages_are_a_fault),
		HOKM_TEST(trial_needs_two_in_a_row),
		HOKM_TEST(sync_lost_stays_at_its_highest),
		HOKM_TEST(request_seen_in_part_opens_by_its_frames),
		HOKM_TEST(regained_synchronization_does_not_reopen),
		HOKM_TEST(adopted_connection_is_regained),
		HOKM_TEST(other_bytes_do_not_regain_synchronization),
		HOKM_TEST(steered_connections_are_not_followed),
		HOKM_TEST(second_chances_are_not_followed),
		HOKM_TEST(steered_in_connections_are_followed),
		HOKM_TEST(entry_that_was_steered_is_regained_here),
	};

	return cmocka_run_group_tests_name("ws_sync", tests, fix_open, fix_close);
}
