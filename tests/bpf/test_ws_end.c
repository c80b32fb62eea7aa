/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How WebSockets close: by a close frame, of which side and with which code; by FIN or RST without
 * a close frame, which is code 1006 only when both directions were tracked to the last byte. Also
 * which of these are faults of the server.
 */
#include <string.h>

#include "hokm/ws.h"
#include "talk.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define TEXT (WS_FIN | WS_TEXT)

#define OPENED(t)                                                                      \
	N(syn, 1), N(syn_local, 1), N(syn_ack, 1), N(established, 1), N(upgrade, 1),   \
		N(switched, 1), N(packets_in, (t)->packets[CLIENT]),                   \
		N(bytes_in, (t)->bytes[CLIENT]), N(packets_out, (t)->packets[SERVER]), \
		N(bytes_out, (t)->bytes[SERVER])

static void expect_closed(const struct talk *t, int side, uint16_t code)
{
	struct hokm_conn c = talk_conn(t);

	assert_int_equal(c.close_code, code);
	assert_int_equal(c.close_side, side);
}

/* ---- close frames ---- */

struct close_case {
	uint16_t code;
	bool counted;
	enum hokm_counter c;
};

static const struct close_case CLOSES[] = {
	{1000, false, 0},
	{1001, false, 0},
	{1010, false, 0},
	{1011, true, HOKM_CTR_close_1011},
	{1012, true, HOKM_CTR_close_1012},
	{1013, true, HOKM_CTR_close_1013},
	{1014, false, 0},
	{4999, false, 0},
};
#define CLOSE_CASES (sizeof(CLOSES) / sizeof(CLOSES[0]))

static void servers_close_is_counted_by_code(void **state)
{
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < CLOSE_CASES; i++) {
		fix_reset(state);
		talk_upgrade(&t, x);
		talk_close(&t, SERVER, CLOSES[i].code);
		expect_closed(&t, SERVER, CLOSES[i].code);
		assert_int_equal(talk_conn(&t).ws, HOKM_WS_CLOSING);
		talk_close(&t, CLIENT, CLOSES[i].code); /* its echo */
		talk_fin(&t, SERVER);
		talk_fin(&t, CLIENT);
		expect_closed(&t, SERVER, CLOSES[i].code);
		if (CLOSES[i].counted)
			EXPECT_COUNTS(x, OPENED(&t), N(out_close, 1), N(in_close, 1),
				      N(close_server, 1), N(fin_server, 1), {CLOSES[i].c, 1});
		else
			EXPECT_COUNTS(x, OPENED(&t), N(out_close, 1), N(in_close, 1),
				      N(close_server, 1), N(fin_server, 1));
	}
}

static void clients_close_is_no_fault_of_the_server(void **state)
{
	struct fix *x = *state;
	struct hokm_event ev;
	struct talk t;

	for (unsigned int i = 0; i < CLOSE_CASES; i++) {
		fix_reset(state);
		talk_upgrade(&t, x);
		talk_close(&t, CLIENT, CLOSES[i].code);
		talk_close(&t, SERVER, CLOSES[i].code);
		talk_fin(&t, SERVER);
		talk_fin(&t, CLIENT);
		expect_closed(&t, CLIENT, CLOSES[i].code);
		EXPECT_COUNTS(x, OPENED(&t), N(out_close, 1), N(in_close, 1), N(close_client, 1),
			      N(fin_server, 1));
		assert_int_equal(fix_events(x, HOKM_EV_CLOSED, &ev), 1);
		assert_int_equal(ev.close_side, HOKM_SIDE_CLIENT);
		assert_int_equal(ev.close_code, CLOSES[i].code);
	}
}

/* A close frame without a code, one with a reason, and one split at every place. */
static void close_codes_may_be_split_anywhere(void **state)
{
	static const int sides[] = {CLIENT, SERVER};
	static struct stream s;
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < 4; i++) {
		int side = sides[i & 1];
		uint16_t code = i & 2 ? 1011 : 0;
		uint32_t len;

		s.len = 0;
		stream_close(&s, side, code, code ? 30 : 0);
		len = s.len;
		for (uint32_t cut = 0; cut < len; cut++) {
			fix_reset(state);
			talk_upgrade(&t, x);
			if (cut)
				talk_say(&t, side, s.b, cut);
			talk_say(&t, side, s.b + cut, len - cut);
			expect_closed(&t, side, code ? code : WS_CODE_EMPTY);
			assert_int_equal(COUNT(x, close_1011), code && side == SERVER);
			assert_int_equal(COUNT(x, in_close) + COUNT(x, out_close), 1);
		}
	}
}

static void first_close_wins(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	talk_close(&t, SERVER, 1012);
	talk_close(&t, CLIENT, 1011);
	expect_closed(&t, SERVER, 1012);
	EXPECT_COUNTS(x, OPENED(&t), N(in_close, 1), N(out_close, 1), N(close_server, 1),
		      N(close_1012, 1));
	/*
	 * Frames of a side before the other end's close frame count. After its own close frame it
	 * has none.
	 */
	fix_reset(state);
	talk_upgrade(&t, x);
	talk_close(&t, SERVER, 1000);
	talk_frame(&t, CLIENT, TEXT, 5);
	talk_frame(&t, SERVER, TEXT, 5);
	talk_close(&t, SERVER, 1011);
	talk_close(&t, CLIENT, 1000);
	EXPECT_COUNTS(x, OPENED(&t), N(in_text, 1), N(in_close, 1), N(out_close, 1),
		      N(close_server, 1));
	expect_closed(&t, SERVER, 1000);
}

/* ---- without a close frame ---- */

static void fin_without_close_is_abnormal(void **state)
{
	static const int sides[] = {CLIENT, SERVER};
	struct fix *x = *state;
	struct hokm_event ev;
	struct talk t;

	for (unsigned int i = 0; i < 2; i++) {
		int side = sides[i], other = side == CLIENT ? SERVER : CLIENT;

		fix_reset(state);
		talk_upgrade(&t, x);
		talk_frame(&t, CLIENT, TEXT, 5);
		talk_fin(&t, side);
		expect_closed(&t, side, WS_CODE_ABNORMAL);
		talk_fin(&t, other);
		expect_closed(&t, side, WS_CODE_ABNORMAL);
		if (side == CLIENT)
			EXPECT_COUNTS(x, OPENED(&t), N(in_text, 1), N(fin_client, 1),
				      N(abnormal_client, 1));
		else
			EXPECT_COUNTS(x, OPENED(&t), N(in_text, 1), N(fin_server, 1),
				      N(abnormal_server, 1));
		assert_int_equal(fix_events(x, HOKM_EV_CLOSED, &ev), 1);
		assert_int_equal(ev.close_side, side);
		assert_int_equal(ev.close_code, WS_CODE_ABNORMAL);
	}
}

static void abnormal_end_counts_once(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	talk_fin(&t, CLIENT);
	talk_rst(&t, CLIENT);
	EXPECT_COUNTS(x, OPENED(&t), N(fin_client, 1), N(rst_client, 1), N(abnormal_client, 1));
	fix_reset(state);
	talk_upgrade(&t, x);
	talk_fin(&t, SERVER);
	talk_rst(&t, CLIENT);
	EXPECT_COUNTS(x, OPENED(&t), N(fin_server, 1), N(rst_client, 1), N(abnormal_server, 1));
}

static void rst_without_close_is_abnormal(void **state)
{
	struct fix *x = *state;
	struct hokm_event ev;
	struct talk t;

	talk_upgrade(&t, x);
	talk_rst(&t, CLIENT);
	expect_closed(&t, CLIENT, WS_CODE_ABNORMAL);
	EXPECT_COUNTS(x, OPENED(&t), N(rst_client, 1), N(abnormal_client, 1));

	fix_reset(state);
	talk_upgrade(&t, x);
	talk_rst(&t, SERVER);
	expect_closed(&t, SERVER, WS_CODE_ABNORMAL);
	EXPECT_COUNTS(x, OPENED(&t), N(rst_server, 1), N(reset_server, 1));
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, &ev), 1);
	assert_int_equal(ev.tcp_state, HOKM_TCP_RESET);
	assert_int_equal(ev.close_side, HOKM_SIDE_SERVER);
	assert_int_equal(ev.close_code, WS_CODE_ABNORMAL);
}

/* Before the upgrade is answered the reset is counted, and code 1006 is not. */
static void no_websocket_has_no_close_code(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	talk_fin(&t, SERVER);
	expect_closed(&t, SERVER, 0);
	assert_int_equal(COUNT(x, abnormal_server), 0);

	fix_reset(state);
	talk_open(&t, x, CLIENT_PORT);
	talk_text(&t, CLIENT, UPGRADE_REQUEST);
	talk_rst(&t, SERVER);
	expect_closed(&t, SERVER, 0);
	assert_int_equal(COUNT(x, unserved), 1);

	fix_reset(state);
	talk_open(&t, x, CLIENT_PORT);
	talk_text(&t, CLIENT, PLAIN_REQUEST);
	talk_fin(&t, CLIENT);
	expect_closed(&t, CLIENT, 0);
	assert_int_equal(COUNT(x, abnormal_client), 0);
}

/* After a FIN of the client or a close frame, the server's kernel often sends a RST. */
static void reset_after_a_close_is_no_fault(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	talk_close(&t, CLIENT, 1000);
	talk_rst(&t, SERVER);
	EXPECT_COUNTS(x, OPENED(&t), N(in_close, 1), N(close_client, 1), N(rst_server, 1));
	expect_closed(&t, CLIENT, 1000);
	assert_int_equal(talk_conn(&t).tcp_state, HOKM_TCP_RESET);

	fix_reset(state);
	talk_upgrade(&t, x);
	talk_fin(&t, CLIENT);
	talk_rst(&t, SERVER);
	EXPECT_COUNTS(x, OPENED(&t), N(fin_client, 1), N(abnormal_client, 1), N(rst_server, 1));

	fix_reset(state);
	talk_open(&t, x, CLIENT_PORT);
	talk_text(&t, CLIENT, PLAIN_REQUEST);
	talk_fin(&t, CLIENT);
	talk_rst(&t, SERVER);
	assert_int_equal(COUNT(x, rst_server), 1);
	assert_int_equal(COUNT(x, reset_server), 0);

	fix_reset(state);
	talk_upgrade(&t, x);
	talk_close(&t, SERVER, 1011);
	talk_rst(&t, SERVER);
	EXPECT_COUNTS(x, OPENED(&t), N(out_close, 1), N(close_server, 1), N(close_1011, 1),
		      N(rst_server, 1));
}

static void lost_synchronization_is_never_abnormal(void **state)
{
	static const int sides[] = {CLIENT, SERVER};
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < 8; i++) {
		int lost = sides[i & 1], ends = sides[i >> 1 & 1];

		fix_reset(state);
		talk_upgrade(&t, x);
		talk_text(&t, lost, "xxxx");
		if (i & 4) /* a direction in TRIAL is not synchronized */
			talk_frame(&t, lost, TEXT, 9);
		talk_fin(&t, ends);
		expect_closed(&t, ends, 0);
		talk_rst(&t, ends);
		expect_closed(&t, ends, 0);
		assert_int_equal(COUNT(x, abnormal_client) + COUNT(x, abnormal_server), 0);
	}
}

static void fin_may_carry_the_close(void **state)
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
		stream_frame(&s, side, TEXT, 5);
		stream_close(&s, side, 1001, 0);
		talk_send(&t, side, s.b, s.len, FIN | ACK | PSH);
		expect_closed(&t, side, 1001);
		assert_int_equal(COUNT(x, abnormal_client) + COUNT(x, abnormal_server), 0);
		assert_int_equal(COUNT(x, close_client) + COUNT(x, close_server), 1);
	}
}

static void fin_with_other_frames_is_abnormal(void **state)
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
		stream_frame(&s, side, TEXT, 5);
		stream_frame(&s, side, TEXT, 5);
		talk_send(&t, side, s.b, s.len, FIN | ACK | PSH);
		expect_closed(&t, side, WS_CODE_ABNORMAL);
		assert_int_equal(COUNT(x, abnormal_client), side == CLIENT);
		assert_int_equal(COUNT(x, abnormal_server), side == SERVER);
	}
}

/*
 * The close frame was lost on the way and the FIN after it was not, so the close frame is still to
 * come.
 */
static void fin_may_overtake_the_close(void **state)
{
	static struct stream s;
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	s.len = 0;
	stream_close(&s, CLIENT, 1000, 0);
	t.next[CLIENT] += s.len;
	talk_fin(&t, CLIENT);
	expect_closed(&t, CLIENT, 0);
	talk_at(&t, CLIENT, t.next[CLIENT] - s.len - 1, s.b, s.len, ACK | PSH);
	expect_closed(&t, CLIENT, 1000);
	EXPECT_COUNTS(x, OPENED(&t), N(fin_client, 1), N(in_close, 1), N(close_client, 1));
}

/* One segment repeats all missing bytes and has the FIN, so nothing is missing any more. */
static void fin_may_come_with_the_missing_bytes(void **state)
{
	static struct stream s;
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	s.len = 0;
	stream_frame(&s, CLIENT, TEXT, 50);
	stream_frame(&s, CLIENT, TEXT, 50);
	talk_at(&t, CLIENT, t.next[CLIENT] + s.len / 2, s.b + s.len / 2, s.len / 2, ACK);
	talk_send(&t, CLIENT, s.b, s.len, FIN | ACK | PSH);
	EXPECT_COUNTS(x, OPENED(&t), N(in_text, 2), N(fin_client, 1), N(abnormal_client, 1));
	expect_closed(&t, CLIENT, WS_CODE_ABNORMAL);
}

/* The data of a RST is a text for humans (RFC 9293 section 3.5.3) and no frame. */
static void rst_carries_no_frames(void **state)
{
	static const int sides[] = {CLIENT, SERVER};
	static struct stream s;
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < 2; i++) {
		fix_reset(state);
		talk_upgrade(&t, x);
		s.len = 0;
		stream_close(&s, sides[i], 1011, 0);
		talk_send(&t, sides[i], s.b, s.len, RST | ACK);
		expect_closed(&t, sides[i], 0);
		assert_int_equal(COUNT(x, in_close) + COUNT(x, out_close), 0);
		assert_int_equal(talk_conn(&t).tcp_state, HOKM_TCP_RESET);
	}
}

/* The client's FIN began to close, so the server's close frame is an answer. */
static void close_behind_the_others_fin_is_its_answer(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	talk_text(&t, CLIENT, "xxxx");
	talk_fin(&t, CLIENT);
	talk_close(&t, SERVER, 1011);
	expect_closed(&t, CLIENT, 1011);
	EXPECT_COUNTS(x, OPENED(&t), N(sync_lost_in, 1), N(fin_client, 1), N(out_close, 1));
}

/* A FIN before a message is complete: abnormal too. */
static void end_inside_a_frame_is_abnormal(void **state)
{
	static struct stream s;
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	s.len = 0;
	stream_frame(&s, SERVER, TEXT, 500);
	talk_say(&t, SERVER, s.b, 100);
	talk_fin(&t, SERVER);
	expect_closed(&t, SERVER, WS_CODE_ABNORMAL);
	assert_int_equal(COUNT(x, abnormal_server), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(servers_close_is_counted_by_code),
		HOKM_TEST(clients_close_is_no_fault_of_the_server),
		HOKM_TEST(close_codes_may_be_split_anywhere),
		HOKM_TEST(first_close_wins),
		HOKM_TEST(fin_without_close_is_abnormal),
		HOKM_TEST(abnormal_end_counts_once),
		HOKM_TEST(rst_without_close_is_abnormal),
		HOKM_TEST(no_websocket_has_no_close_code),
		HOKM_TEST(reset_after_a_close_is_no_fault),
		HOKM_TEST(lost_synchronization_is_never_abnormal),
		HOKM_TEST(fin_may_carry_the_close),
		HOKM_TEST(fin_with_other_frames_is_abnormal),
		HOKM_TEST(fin_may_overtake_the_close),
		HOKM_TEST(fin_may_come_with_the_missing_bytes),
		HOKM_TEST(rst_carries_no_frames),
		HOKM_TEST(close_behind_the_others_fin_is_its_answer),
		HOKM_TEST(end_inside_a_frame_is_abnormal),
	};

	return cmocka_run_group_tests_name("ws_end", tests, fix_open, fix_close);
}
