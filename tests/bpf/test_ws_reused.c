/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections on which other requests come before the upgrade, as proxies and other clients that
 * reuse connections make them, and upgrades to other protocols. The WebSocket is followed, and no
 * request is taken for one that the server leaves without an answer.
 */
#include <string.h>

#include "hokm/ws.h"
#include "talk.h"

#define BIN (WS_FIN | WS_BINARY)

#define PLAIN_GET "GET /health HTTP/1.1\r\nHost: game.example:8765\r\n\r\n"
#define OK_200    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* The counters of one connection with its handshake, which every test here has. */
#define OPENED(t)                                                                     \
	N(syn, 1), N(syn_local, 1), N(syn_ack, 1), N(established, 1),                 \
		N(packets_in, (t)->packets[CLIENT]), N(bytes_in, (t)->bytes[CLIENT]), \
		N(packets_out, (t)->packets[SERVER]), N(bytes_out, (t)->bytes[SERVER])

#define POSTED    "POST /login HTTP/1.1\r\nContent-Length: 9\r\n\r\nGET /name"
#define IN_CHUNKS "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
#define DENIED    "HTTP/1.1 401 Unauthorized\r\nContent-Length: 6\r\n\r\ndenied"

struct before {
	const char *name;
	const char *ask; /* what the client sends first; NULL: it comes with the upgrade request */
	const char *answer; /* what the server answers to that; NULL: it answers all at once */
	const char *with;   /* what the client sends in the segment of the upgrade request */
	const char *first;  /* what the server sends in the segment of its 101 */
	unsigned int plain; /* requests before the upgrade */
	bool waits;         /* would silence of the server be seen? */
};

static const struct before before[] = {
	{"GET", PLAIN_GET, OK_200, "", "", 1, true},
	{"401", PLAIN_GET, DENIED, "", "", 1, true},
	{"answer in chunks", PLAIN_GET, IN_CHUNKS, "", "", 1, false},
	{"answer without an end", PLAIN_GET, "HTTP/1.1 200 OK\r\n\r\nok", "", "", 1, false},
	{"two GETs at once", NULL, NULL, PLAIN_GET, OK_200, 1, false},
	{"long poll and upgrade at once", NULL, OK_200, PLAIN_GET, "", 1, false},
	{"POST with its body", POSTED, OK_200, "", "", 1, true},
	{"POST, body and upgrade at once", NULL, NULL, POSTED, OK_200, 1, false},
	{"POST and 100-continue",
	 "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
	 "HTTP/1.1 100 Continue\r\n\r\n", "ab", OK_200, 1, false},
	{"POST in chunks",
	 "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", OK_200, "",
	 "", 1, false},
	{"HEAD", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
	 "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", "", "", 0, false},
	{"blank line", NULL, NULL, "\r\n", "", 0, true},
	{"PROXY", NULL, NULL, "PROXY TCP4 10.0.0.1 10.0.0.2 4000 8765\r\n", "", 0, true},
	{"PROXY and GET", "PROXY UNKNOWN\r\n" PLAIN_GET, OK_200, "", "", 1, true},
};

static void send_both(struct talk *t, int side, const char *one, const char *two)
{
	static struct stream s;

	s.len = 0;
	stream_add(&s, one, (uint32_t)strlen(one));
	stream_add(&s, two, (uint32_t)strlen(two));
	talk_say(t, side, s.b, s.len);
}

static void upgrade_after(struct fix *x, const struct before *b)
{
	struct talk t;

	print_message("%s\n", b->name);
	talk_open(&t, x, CLIENT_PORT);
	if (b->ask) {
		talk_text(&t, CLIENT, b->ask);
		talk_text(&t, SERVER, b->answer);
	}
	send_both(&t, CLIENT, b->with, UPGRADE_REQUEST);
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_ASKED);
	talk_ack(&t, SERVER);
	expect_waiting(x, b->waits, 0);
	if (!b->ask && b->answer)
		talk_text(&t, SERVER, b->answer);
	send_both(&t, SERVER, b->first, SWITCHED);
	expect_waiting(x, 0, 0);
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_OPEN);
	assert_int_equal(talk_conn(&t).status, 101);
	assert_int_equal(talk_conn(&t).asked_ns, 0);
	talk_frame(&t, CLIENT, BIN, 5);
	talk_frame(&t, SERVER, BIN, 5);
	EXPECT_COUNTS(x, OPENED(&t), N(http_plain, b->plain), N(upgrade, 1), N(switched, 1),
		      N(in_binary, 1), N(out_binary, 1));
	assert_int_equal(fix_latency(x, HOKM_LAT_upgrade, NULL), 1);
}

static void upgrade_is_not_asked_for_ever_after_other_requests(void **state)
{
	for (unsigned int i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		fix_reset(state);
		upgrade_after(*state, &before[i]);
	}
}

/* An upgrade to another protocol, and HTTP/2 without any: no WebSocket, and nothing waits. */
static void other_protocols_never_count_as_no_answer(void **state)
{
	static const uint8_t settings[] = {0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0xff, 0xff};
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	talk_text(&t, CLIENT, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	talk_ack(&t, SERVER);
	talk_say(&t, SERVER, settings, sizeof(settings));
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_PLAIN);
	EXPECT_COUNTS(x, OPENED(&t), N(http_plain, 0));
	fix_reset(state);
	talk_open(&t, x, CLIENT_PORT);
	talk_text(&t, CLIENT, "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n");
	talk_ack(&t, SERVER);
	talk_text(&t, SERVER, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n");
	talk_say(&t, SERVER, settings, sizeof(settings));
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_PLAIN);
	expect_waiting(x, 0, 0);
	EXPECT_COUNTS(x, OPENED(&t), N(http_plain, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(upgrade_is_not_asked_for_ever_after_other_requests),
		HOKM_TEST(other_protocols_never_count_as_no_answer),
	};

	return cmocka_run_group_tests_name("ws_reused", tests, fix_open, fix_close);
}
