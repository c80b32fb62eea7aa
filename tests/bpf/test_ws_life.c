/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A WebSocket through the programs, from its SYN to its last ACK: every field of its entry, every
 * counter, every event. Then the HTTP heads that it may begin with, split at every place, and
 * streams that are no WebSocket.
 */
#include <arpa/inet.h>
#include <string.h>

#include "hokm/ws.h"
#include "talk.h"

#define TEXT (WS_FIN | WS_TEXT)
#define BIN  (WS_FIN | WS_BINARY)
#define PING (WS_FIN | 0x09)
#define PONG (WS_FIN | 0x0a)

#define REFUSED_503 "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
#define OK_200      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* The counters of one connection with its handshake, which every test here has. */
#define OPENED(t)                                                                     \
	N(syn, 1), N(syn_local, 1), N(syn_ack, 1), N(established, 1),                 \
		N(packets_in, (t)->packets[CLIENT]), N(bytes_in, (t)->bytes[CLIENT]), \
		N(packets_out, (t)->packets[SERVER]), N(bytes_out, (t)->bytes[SERVER])

static void expect_event_kinds(struct fix *x, const uint8_t *kinds, unsigned int n)
{
	(void)fix_events(x, HOKM_EV_OPEN, NULL);
	assert_int_equal(x->n_events, n);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(x->event[i].kind, kinds[i]);
		assert_int_equal(x->event[i].client.w[3], htonl(CLIENT_ADDR));
		assert_int_equal(x->event[i].client_port, htons(CLIENT_PORT));
		assert_int_equal(x->event[i].service, 0);
		assert_int_equal(x->event[i].target, HOKM_LOCAL);
	}
}

/* ---- from SYN to the last ACK ---- */

static void expect_whole_flow(const struct hokm_flow *h, const struct talk *t, int side,
			      uint32_t frames)
{
	int other = side == CLIENT ? SERVER : CLIENT;

	assert_int_equal(h->bytes, t->bytes[side]);
	assert_int_equal(h->packets, t->packets[side]);
	assert_int_equal(h->frames, frames);
	assert_int_equal(h->seq_next, t->next[side]);
	assert_int_equal(h->ack, t->next[other]);
	assert_int_equal(h->ws.state, HOKM_FOLLOW_DONE);
	assert_int_equal(h->ws.next, t->next[side] - 1); /* the FIN is after the close frame */
	assert_int_equal(h->ws.left | h->ws.have | h->ws.flags, 0);
	assert_true(h->last_data_ns && h->last_data_ns <= h->last_ns);
}

static void expect_whole_entry(const struct hokm_conn *c, const struct talk *t)
{
	assert_true(c->created_ns && c->created_ns <= c->syn_ack_ns);
	assert_true(c->syn_ack_ns <= c->established_ns && c->established_ns <= c->switch_ns);
	assert_true(c->switch_ns <= c->ended_ns && c->ended_ns <= fix_now());
	assert_int_equal(c->isn, TALK_ISN);
	assert_int_equal(c->tcp_state, HOKM_TCP_CLOSED);
	assert_int_equal(c->target, HOKM_LOCAL);
	assert_int_equal(c->flags, HOKM_CONN_OPENED | HOKM_CONN_ENDED);
	assert_int_equal(c->close_side, HOKM_SIDE_CLIENT);
	assert_int_equal(c->ws, HOKM_WS_CLOSING);
	assert_int_equal(c->sync_lost, 0);
	assert_int_equal(c->status, 101);
	assert_int_equal(c->close_code, 1000);
	assert_int_equal(c->upgrade_ns | c->ping_c2s_ns | c->ping_s2c_ns, 0);
	assert_int_equal(c->due | c->rsv16, 0);
	expect_whole_flow(&c->c2s, t, CLIENT, 6);
	expect_whole_flow(&c->s2c, t, SERVER, 5);
}

static void expect_whole_closed_event(struct fix *x, const struct hokm_conn *c)
{
	struct hokm_event ev;

	assert_int_equal(fix_events(x, HOKM_EV_UPGRADED, &ev), 1);
	assert_int_equal(ev.now_ns, c->switch_ns);
	assert_int_equal(ev.age_ns, (uint64_t)c->upgrade_us * 1000);
	assert_int_equal(ev.status, 101);
	assert_int_equal(ev.close_side | ev.close_code | ev.fault, 0);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, &ev), 1);
	assert_int_equal(ev.now_ns, c->ended_ns);
	assert_int_equal(ev.age_ns, c->ended_ns - c->created_ns);
	assert_int_equal(ev.close_side, HOKM_SIDE_CLIENT);
	assert_int_equal(ev.close_code, 1000);
	assert_int_equal(ev.tcp_state, HOKM_TCP_CLOSED);
	assert_int_equal(ev.status | ev.fault | ev.counter, 0);
}

static void whole_life(void **state)
{
	static const uint8_t kinds[] = {HOKM_EV_OPEN, HOKM_EV_UPGRADED, HOKM_EV_CLOSED};
	struct fix *x = *state;
	uint64_t in, out;
	struct hokm_conn c;
	struct hokm_event ev;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_NONE);
	assert_int_equal(talk_conn(&t).c2s.ws.next, TALK_ISN + 1);
	assert_int_equal(talk_conn(&t).s2c.ws.next, TALK_SISN + 1);
	talk_text(&t, CLIENT, UPGRADE_REQUEST);
	c = talk_conn(&t);
	assert_int_equal(c.ws, HOKM_WS_ASKED);
	assert_in_range(c.asked_ns, c.c2s.last_ns, c.c2s.last_ns + LIMIT_NS);
	talk_text(&t, SERVER, SWITCHED);
	c = talk_conn(&t);
	assert_int_equal(c.ws, HOKM_WS_OPEN);
	assert_in_range(c.switch_ns, c.s2c.last_ns, c.s2c.last_ns + LIMIT_NS);

	talk_frame(&t, CLIENT, TEXT, 20);
	talk_frame(&t, SERVER, BIN, 300);
	talk_frame(&t, CLIENT, WS_TEXT, 20); /* a message in two frames */
	talk_frame(&t, CLIENT, WS_FIN, 20);
	talk_frame(&t, CLIENT, PING, 4);
	talk_frame(&t, SERVER, PONG, 4);
	talk_frame(&t, SERVER, PING, 0);
	talk_frame(&t, CLIENT, PONG, 0);
	talk_frame(&t, SERVER, WS_BINARY | WS_RSV1 | WS_FIN, 70);
	talk_close(&t, CLIENT, 1000);
	c = talk_conn(&t);
	assert_int_equal(c.ws, HOKM_WS_CLOSING);
	assert_int_equal(c.close_side, HOKM_SIDE_CLIENT);
	talk_close(&t, SERVER, 1000);
	talk_fin(&t, SERVER);
	in = t.bytes[CLIENT] + 40;
	out = t.bytes[SERVER];
	talk_fin(&t, CLIENT);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, &ev), 1);
	assert_int_equal(ev.bytes_in, in);
	assert_int_equal(ev.bytes_out, out);
	talk_ack(&t, SERVER);

	c = talk_conn(&t);
	expect_whole_entry(&c, &t);
	expect_whole_closed_event(x, &c);
	expect_event_kinds(x, kinds, 3);
	expect_waiting(x, 0, 0);
	EXPECT_COUNTS(x, OPENED(&t), N(upgrade, 1), N(switched, 1), N(in_text, 2),
		      N(in_continuation, 1), N(in_ping, 1), N(in_pong, 1), N(in_close, 1),
		      N(out_binary, 2), N(out_ping, 1), N(out_pong, 1), N(out_close, 1),
		      N(close_client, 1), N(fin_server, 1));
	for (unsigned int k = 0; k < HOKM_LAT_COUNT; k++)
		assert_int_equal(fix_latency(x, (enum hokm_latency_kind)k, NULL), 1);
	assert_int_equal(fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_events_lost), 0);
}

/* ---- heads ---- */

/* Both heads split at every place; each talk has a port of its own. */
static void heads_may_be_cut_anywhere(void **state)
{
	const uint32_t asks = (uint32_t)strlen(UPGRADE_REQUEST), says = (uint32_t)strlen(SWITCHED);
	struct fix *x = *state;
	struct talk t;

	for (uint32_t cut = 1; cut < asks; cut++) {
		uint32_t back = cut < says ? cut : says;

		talk_open(&t, x, (uint16_t)(CLIENT_PORT + cut));
		talk_say(&t, CLIENT, UPGRADE_REQUEST, cut);
		assert_int_equal(talk_conn(&t).ws, HOKM_WS_NONE);
		talk_say(&t, CLIENT, UPGRADE_REQUEST + cut, asks - cut);
		assert_int_equal(talk_conn(&t).ws, HOKM_WS_ASKED);
		talk_say(&t, SERVER, SWITCHED, back);
		talk_say(&t, SERVER, SWITCHED + back, says - back);
		assert_int_equal(talk_conn(&t).ws, HOKM_WS_OPEN);
		assert_int_equal(talk_conn(&t).status, 101);
		talk_frame(&t, CLIENT, TEXT, 1);
		talk_frame(&t, SERVER, TEXT, 1);
		assert_int_equal(talk_conn(&t).c2s.frames, 1);
		assert_int_equal(talk_conn(&t).s2c.frames, 1);
	}
	assert_int_equal(fix_count(x, 0, HOKM_CTR_upgrade), asks - 1);
	assert_int_equal(fix_count(x, 0, HOKM_CTR_switched), asks - 1);
	expect_waiting(x, 0, 0);
}

static void heads_may_come_byte_by_byte(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	for (uint32_t i = 0; UPGRADE_REQUEST[i]; i++)
		talk_say(&t, CLIENT, UPGRADE_REQUEST + i, 1);
	for (uint32_t i = 0; SWITCHED[i]; i++)
		talk_say(&t, SERVER, SWITCHED + i, 1);
	EXPECT_COUNTS(x, OPENED(&t), N(upgrade, 1), N(switched, 1));
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_OPEN);
}

static void ack_of_the_handshake_may_carry_the_request(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_half(&t, x, CLIENT_PORT);
	talk_switch(&t);
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_OPEN);
	EXPECT_COUNTS(x, OPENED(&t), N(upgrade, 1), N(switched, 1));
	assert_int_equal(fix_events(x, HOKM_EV_OPEN, NULL), 1);
	assert_int_equal(fix_events(x, HOKM_EV_UPGRADED, NULL), 1);
}

static void frames_may_follow_the_heads_at_once(void **state)
{
	static struct stream s;
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	s.len = 0;
	stream_add(&s, UPGRADE_REQUEST, (uint32_t)strlen(UPGRADE_REQUEST));
	stream_frame(&s, CLIENT, TEXT, 9);
	talk_say(&t, CLIENT, s.b, s.len);
	s.len = 0;
	stream_add(&s, SWITCHED, (uint32_t)strlen(SWITCHED));
	stream_frame(&s, SERVER, BIN, 200);
	stream_frame(&s, SERVER, PING, 3);
	talk_say(&t, SERVER, s.b, s.len);
	EXPECT_COUNTS(x, OPENED(&t), N(upgrade, 1), N(switched, 1), N(in_text, 1), N(out_binary, 1),
		      N(out_ping, 1));
	assert_int_equal(talk_conn(&t).s2c.frames, 2);
	assert_true(talk_conn(&t).ping_s2c_ns != 0);
}

static void interim_answers_are_passed_over(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	talk_text(&t, CLIENT, UPGRADE_REQUEST);
	talk_text(&t, SERVER, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_ASKED);
	expect_waiting(x, 0, 0); /* the server is not silent */
	talk_text(&t, SERVER, SWITCHED);
	EXPECT_COUNTS(x, OPENED(&t), N(upgrade, 1), N(switched, 1));
	expect_waiting(x, 0, 0);
}

/* ---- refused upgrades ---- */

struct answer {
	const char *text;
	uint16_t status;
	enum hokm_counter c;
	bool ends; /* it is known where its body ends */
};

/* waits: the answers of the server are read, so that its silence would be seen. */
static void ask_again(struct talk *t, uint64_t nth, bool waits)
{
	struct fix *x = t->x;

	talk_text(t, CLIENT, UPGRADE_REQUEST);
	assert_int_equal(talk_conn(t).ws, HOKM_WS_ASKED);
	assert_int_equal(fix_count(x, 0, HOKM_CTR_upgrade), nth);
	talk_ack(t, SERVER);
	expect_waiting(x, waits, 0);
	talk_text(t, SERVER, SWITCHED);
	expect_waiting(x, 0, 0);
	assert_int_equal(talk_conn(t).ws, HOKM_WS_OPEN);
	assert_int_equal(talk_conn(t).status, 101);
	talk_frame(t, CLIENT, BIN, 5);
	talk_frame(t, SERVER, BIN, 5);
	assert_int_equal(talk_conn(t).c2s.frames, 1);
	assert_int_equal(talk_conn(t).s2c.frames, 1);
}

static void refused_upgrade_may_be_asked_again(void **state)
{
	static const struct answer a[] = {
		{REFUSED_503, 503, HOKM_CTR_upgrade_5xx, true},
		{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, HOKM_CTR_upgrade_4xx,
		 true},
		{"HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n", 302, HOKM_CTR_upgrade_other, false},
		{OK_200, 200, HOKM_CTR_upgrade_other, true},
		{"HTTP/1.1 599 X\r\n\r\n", 599, HOKM_CTR_upgrade_5xx, false},
		{"HTTP/1.1 600 X\r\n\r\n", 600, HOKM_CTR_upgrade_other, false},
		{"HTTP/1.1 400 X\r\n\r\n", 400, HOKM_CTR_upgrade_4xx, false},
		{"HTTP/1.1 399 X\r\n\r\n", 399, HOKM_CTR_upgrade_other, false},
		{"HTTP/1.1 500 X\r\n\r\n", 500, HOKM_CTR_upgrade_5xx, false},
	};
	struct fix *x = *state;
	struct hokm_event ev;
	struct hokm_conn c;
	struct talk t;

	for (unsigned int i = 0; i < sizeof(a) / sizeof(a[0]); i++) {
		fix_reset(state);
		talk_open(&t, x, CLIENT_PORT);
		talk_text(&t, CLIENT, UPGRADE_REQUEST);
		talk_text(&t, SERVER, a[i].text);
		c = talk_conn(&t);
		assert_int_equal(c.ws, HOKM_WS_REFUSED);
		assert_int_equal(c.status, a[i].status);
		assert_in_range(c.switch_ns, c.s2c.last_ns, c.s2c.last_ns + LIMIT_NS);
		expect_waiting(x, 0, 0);
		EXPECT_COUNTS(x, OPENED(&t), N(upgrade, 1), {a[i].c, 1});
		assert_int_equal(fix_events(x, HOKM_EV_NOT_UPGRADED, &ev), 1);
		assert_int_equal(ev.status, a[i].status);
		assert_int_equal(ev.age_ns, (uint64_t)c.upgrade_us * 1000);
		assert_int_equal(fix_latency(x, HOKM_LAT_upgrade, NULL), 1);
		ask_again(&t, 2, a[i].ends);
		assert_int_equal(fix_events(x, HOKM_EV_UPGRADED, NULL), 1);
		assert_int_equal(fix_latency(x, HOKM_LAT_upgrade, NULL), 2);
	}
}

/* The body and a repeated segment of the request are no new request. */
static void refused_client_may_send_other_requests(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	talk_text(&t, CLIENT, UPGRADE_REQUEST);
	talk_text(&t, SERVER, REFUSED_503);
	talk_at(&t, CLIENT, TALK_ISN + 1, UPGRADE_REQUEST, (uint32_t)strlen(UPGRADE_REQUEST), ACK);
	talk_text(&t, CLIENT, "whatever");
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_REFUSED);
	assert_int_equal(talk_conn(&t).c2s.ws.state, HOKM_FOLLOW_PLAIN);
	EXPECT_COUNTS(x, OPENED(&t), N(upgrade, 1), N(upgrade_5xx, 1));
	expect_waiting(x, 0, 0);
}

static void keep_alive_then_upgrade(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	for (unsigned int i = 1; i <= 3; i++) {
		talk_text(&t, CLIENT, PLAIN_REQUEST);
		assert_int_equal(talk_conn(&t).ws, HOKM_WS_PLAIN);
		talk_text(&t, SERVER, OK_200);
		assert_int_equal(talk_conn(&t).status, 0);
		EXPECT_COUNTS(x, OPENED(&t), N(http_plain, i));
	}
	talk_text(&t, SERVER, SWITCHED); /* an answer without a request */
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_PLAIN);
	EXPECT_COUNTS(x, OPENED(&t), N(http_plain, 3));
	ask_again(&t, 1, true);
	EXPECT_COUNTS(x, OPENED(&t), N(http_plain, 3), N(upgrade, 1), N(switched, 1),
		      N(in_binary, 1), N(out_binary, 1));
	assert_int_equal(fix_events(x, HOKM_EV_NOT_UPGRADED, NULL), 0);
}

/* A request that does not name websocket, or names it in another field. */
static void other_upgrades_are_plain(void **state)
{
	static const char *const asks[] = {
		"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
		"GET / HTTP/1.1\r\nX-Upgrade: websocket\r\n\r\n",
		"GET / HTTP/1.1\r\nUpgrade: h2c\r\nX: websocket\r\n\r\n",
	};
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		fix_reset(state);
		talk_open(&t, x, CLIENT_PORT);
		talk_text(&t, CLIENT, asks[i]);
		EXPECT_COUNTS(x, OPENED(&t), N(http_plain, 1));
		assert_int_equal(talk_conn(&t).ws, HOKM_WS_PLAIN);
	}
}

/* ---- streams that are not HTTP ---- */

static void tls_is_followed_by_records(void **state)
{
	static const uint8_t hello[] = {22, 3, 1, 0, 4, 'h', 'e', 'l', 'o'};
	static const uint8_t two[] = {23, 3, 3, 0, 2, 'a', 'b', 23, 3, 3, 0, 1, 'c', 23, 3};
	static const uint8_t rest[] = {3, 0, 1, 'd', 21, 3, 3, 0, 0};
	struct fix *x = *state;
	struct hokm_conn c;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	talk_say(&t, CLIENT, hello, sizeof(hello));
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_TLS);
	talk_say(&t, SERVER, hello, sizeof(hello));
	talk_say(&t, SERVER, two, sizeof(two));
	talk_say(&t, CLIENT, two, sizeof(two));
	talk_at(&t, CLIENT, t.next[CLIENT] - (uint32_t)sizeof(two), two, sizeof(two), ACK);
	talk_say(&t, CLIENT, rest, sizeof(rest));
	c = talk_conn(&t);
	assert_int_equal(c.ws, HOKM_WS_TLS);
	assert_int_equal(c.c2s.ws.state, HOKM_FOLLOW_RECORDS);
	assert_int_equal(c.s2c.ws.state, HOKM_FOLLOW_RECORDS);
	assert_int_equal(c.c2s.frames, 5);
	assert_int_equal(c.s2c.frames, 3);
	talk_fin(&t, SERVER);
	/* whether it had a close frame is not known */
	assert_int_equal(talk_conn(&t).close_code, 0);
	EXPECT_COUNTS(x, OPENED(&t), N(tls, 1), N(in_records, 5), N(out_records, 3),
		      N(fin_server, 1));
}

static void lost_records_are_reported(void **state)
{
	static const uint8_t hello[] = {22, 3, 1, 0, 1, 'h'}, junk[] = {23, 9, 9, 9};
	struct fix *x = *state;
	struct hokm_event ev;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	talk_say(&t, CLIENT, hello, sizeof(hello));
	talk_say(&t, CLIENT, junk, sizeof(junk));
	assert_int_equal(fix_events(x, HOKM_EV_SYNC_LOST, &ev), 1);
	assert_int_equal(ev.fault, HOKM_FAULT_RECORD);
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_TLS);
	EXPECT_COUNTS(x, OPENED(&t), N(tls, 1), N(in_records, 1), N(sync_lost_in, 1));
}

static void other_protocols_are_plain(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	talk_text(&t, CLIENT, "SSH-2.0-x\r\n");
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_PLAIN);
	talk_text(&t, SERVER, "SSH-2.0-y\r\n");
	talk_frame(&t, CLIENT, TEXT, 10);
	talk_frame(&t, SERVER, TEXT, 10);
	assert_int_equal(talk_conn(&t).c2s.ws.state, HOKM_FOLLOW_PLAIN);
	assert_int_equal(talk_conn(&t).s2c.ws.state, HOKM_FOLLOW_PLAIN);
	talk_text(&t, CLIENT, "POST / HTTP/1.1\r\n\r\n");
	EXPECT_COUNTS(x, OPENED(&t));
}

/* The server's answer is not HTTP: no WebSocket, but the server is not silent. */
static void answer_that_is_no_http_ends_the_request(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	talk_text(&t, CLIENT, UPGRADE_REQUEST);
	talk_text(&t, SERVER, "ICY 101 OK\r\n\r\n");
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_PLAIN);
	expect_waiting(x, 0, 0);
	EXPECT_COUNTS(x, OPENED(&t), N(upgrade, 1));
}

/* A 101 to a request that was not seen: the WebSocket is open, and no time is measured. */
static void switch_without_its_request(void **state)
{
	struct fix *x = *state;
	struct hokm_event ev;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	t.next[CLIENT] += (uint32_t)strlen(UPGRADE_REQUEST);
	talk_text(&t, SERVER, SWITCHED);
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_OPEN);
	assert_int_equal(fix_events(x, HOKM_EV_UPGRADED, &ev), 1);
	assert_int_equal(ev.age_ns, 0);
	assert_int_equal(fix_latency(x, HOKM_LAT_upgrade, NULL), 0);
	EXPECT_COUNTS(x, OPENED(&t), N(switched, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(whole_life),
		HOKM_TEST(heads_may_be_cut_anywhere),
		HOKM_TEST(heads_may_come_byte_by_byte),
		HOKM_TEST(ack_of_the_handshake_may_carry_the_request),
		HOKM_TEST(frames_may_follow_the_heads_at_once),
		HOKM_TEST(interim_answers_are_passed_over),
		HOKM_TEST(refused_upgrade_may_be_asked_again),
		HOKM_TEST(refused_client_may_send_other_requests),
		HOKM_TEST(keep_alive_then_upgrade),
		HOKM_TEST(other_upgrades_are_plain),
		HOKM_TEST(tls_is_followed_by_records),
		HOKM_TEST(lost_records_are_reported),
		HOKM_TEST(other_protocols_are_plain),
		HOKM_TEST(answer_that_is_no_http_ends_the_request),
		HOKM_TEST(switch_without_its_request),
	};

	return cmocka_run_group_tests_name("ws_life", tests, fix_open, fix_close);
}
