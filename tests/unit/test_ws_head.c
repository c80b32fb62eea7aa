/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heads of a stream, for hokm/ws.h: upgrade requests and their answers, other HTTP before them,
 * the PROXY protocol, TLS, and other bytes. Every head is sent whole, cut in two at every byte, and
 * byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ws_rig.h"

#define ISN 0xfffffff0U /* the sequence numbers wrap inside every head */

struct head {
	const char *name, *text;
	__u8 side;
	/* expected */
	__u8 did, state;
	__u16 status;
};

#define CLIENT             HOKM_SIDE_CLIENT
#define SERVER             HOKM_SIDE_SERVER
#define SURE_REQUEST       (WS_DID_REQUEST | WS_DID_SURE)
#define SURE_STATUS        (WS_DID_STATUS | WS_DID_SURE)
#define UPGRADED(t)        (t), CLIENT, SURE_REQUEST, HOKM_FOLLOW_FRAMES, 0
#define DOUBTFUL(t)        (t), CLIENT, WS_DID_REQUEST, HOKM_FOLLOW_FRAMES, 0
#define REQUEST(t)         (t), CLIENT, WS_DID_PLAIN, HOKM_FOLLOW_HEAD, 0
#define UNKNOWN_BODY(t)    (t), CLIENT, WS_DID_PLAIN, HOKM_FOLLOW_PLAIN, 0
#define ANSWER(code, t)    (t), SERVER, SURE_STATUS, AFTER_STATUS(code), (code)
#define WITH_LENGTH(c, t)  (t), SERVER, SURE_STATUS, HOKM_FOLLOW_HEAD, (c)
#define AFTER_STATUS(code) ((code) == 101 ? HOKM_FOLLOW_FRAMES : HOKM_FOLLOW_PLAIN)
#define NOT_HTTP(who, t)   (t), (who), 0, HOKM_FOLLOW_PLAIN, 0
#define UNFINISHED(who, t) (t), (who), 0, HOKM_FOLLOW_HEAD, 0

static const struct head heads[] = {
	{"request", UPGRADED("GET /play HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
			     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n")},
	{"upgrade is the first field", UPGRADED("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")},
	{"no blank before the value", UPGRADED("GET / HTTP/1.1\r\nUpgrade:websocket\r\n\r\n")},
	{"one of two protocols", UPGRADED("GET / HTTP/1.1\r\nUpgrade: h2c, websocket\r\n\r\n")},
	{"the first of two", UPGRADED("GET / HTTP/1.1\r\nupgrade: websocket, h2c\r\n\r\n")},
	{"two fields", UPGRADED("GET / HTTP/1.1\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n\r\n")},
	{"case", UPGRADED("get / http/1.1\r\nuPGRADE: WebSocket\r\n\r\n")},
	{"capitals", UPGRADED("GET / HTTP/1.1\r\nUPGRADE: WEBSOCKET\r\n\r\n")},
	{"LF only", DOUBTFUL("GET / HTTP/1.1\nUpgrade: websocket\nHost: h\n\n")},
	{"LF, then CRLF", DOUBTFUL("GET / HTTP/1.1\nUpgrade: websocket\n\r\n")},
	{"CRLF, then LF", DOUBTFUL("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\n")},
	{"plain", REQUEST("GET /health HTTP/1.1\r\nHost: h\r\n\r\n")},
	{"another protocol", REQUEST("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n")},
	{"websocket in another field",
	 REQUEST("GET / HTTP/1.1\r\nX: websocket\r\nConnection: upgrade\r\n\r\n")},
	{"upgrade inside another field's name",
	 REQUEST("GET / HTTP/1.1\r\nX-Upgrade: websocket\r\n\r\n")},
	{"websocket on the line behind",
	 REQUEST("GET / HTTP/1.1\r\nUpgrade: x\r\nwebsocket: 1\r\n\r\n")},
	{"upgrade in the target", REQUEST("GET /?Upgrade: websocket HTTP/1.1\r\nHost: h\r\n\r\n")},
	{"a letter short", REQUEST("GET / HTTP/1.1\r\nUpgrade: ebsocket\r\n\r\n")},
	{"CR alone ends nothing", UNFINISHED(CLIENT, "GET / HTTP/1.1\r\nA: b\r\n\r\r\n")},
	{"no end", UNFINISHED(CLIENT, "GET / HTTP/1.1\r\nUpgrade: websocket\r\n")},
	{"three letters", UNFINISHED(CLIENT, "GET")},
	{"POST", REQUEST("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")},
	{"POST in chunks",
	 UNKNOWN_BODY("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{"a length of six digits",
	 UNKNOWN_BODY("PUT / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n")},
	{"a length that is none", UNKNOWN_BODY("PUT / HTTP/1.1\r\nContent-Length: 1a\r\n\r\n")},
	{"two lengths", UNKNOWN_BODY("PUT / HTTP/1.1\r\nContent-Length: 0\r\n"
				     "Content-Length: 5\r\n\r\n")},
	{"length inside another field's name",
	 REQUEST("GET / HTTP/1.1\r\nContent-X-Length: 500\r\nX-Content-Length: 7\r\n\r\n")},
	{"HEAD", NOT_HTTP(CLIENT, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")},
	{"an upgrade with a body",
	 "GET / HTTP/1.1\r\nUpgrade: websocket\r\n"
	 "Content-Length: 9\r\n\r\n",
	 CLIENT, WS_DID_REQUEST, HOKM_FOLLOW_PLAIN, 0},
	{"HTTP/2", NOT_HTTP(CLIENT, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
	{"blank lines first", UPGRADED("\r\n\r\n\nGET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")},
	{"PROXY", UPGRADED("PROXY TCP4 10.0.0.1 10.0.0.2 4000 80\r\n"
			   "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")},
	{"PROXY UNKNOWN", REQUEST("PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n\r\n")},
	{"HTTP/0.9", NOT_HTTP(CLIENT, "GET /\r\n\r\n")},
	{"101", ANSWER(101, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")},
	{"101 and nothing else", ANSWER(101, "HTTP/1.1 101\r\n\r\n")},
	{"101, LF only", ANSWER(101, "http/1.1 101 ok\nUpgrade: websocket\n\n")},
	{"101 to another protocol", "HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n", SERVER, SURE_STATUS,
	 HOKM_FOLLOW_PLAIN, 101},
	{"204", WITH_LENGTH(204, "HTTP/1.1 204 x\r\n\r\n")},
	{"304 with the length of what it does not send",
	 WITH_LENGTH(304, "HTTP/1.1 304 x\r\nContent-Length: 500\r\n\r\n")},
	{"200 in chunks", ANSWER(200, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
				      "Content-Length: 1\r\n\r\n")},
	{"503", WITH_LENGTH(503, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")},
	{"HTTP/1.0", ANSWER(404, "HTTP/1.0 404 x\r\n\r\nbody\r\n\r\nHTTP/1.1 101 x\r\n\r\n")},
	{"200", ANSWER(200, "HTTP/1.1 200 OK\r\n\r\n")},
	{"599", ANSWER(599, "HTTP/1.1 599 x\r\n\r\n")},
	{"interim, then 101", ANSWER(101, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
					  "HTTP/1.1 101 x\r\n\r\n")},
	{"two interim ones, then 502", ANSWER(502, "HTTP/1.1 100 c\r\n\r\nHTTP/1.1 102 p\r\n\r\n"
						   "HTTP/1.1 502 x\r\n\r\n")},
	{"interim, then nothing", UNFINISHED(SERVER, "HTTP/1.1 103 x\r\n\r\n")},
	{"interim, then junk", NOT_HTTP(SERVER, "HTTP/1.1 103 x\r\n\r\nHTTX/1.1 101 x\r\n\r\n")},
	{"no status", NOT_HTTP(SERVER, "HTTP/1.1 abc\r\n\r\n")},
	{"status of two digits", NOT_HTTP(SERVER, "HTTP/1.1 20\r\n\r\n")},
	{"status 000", NOT_HTTP(SERVER, "HTTP/1.1 000 x\r\n\r\n")},
	{"HTTP/1.2", NOT_HTTP(SERVER, "HTTP/1.2 200 x\r\n\r\n")},
	{"a banner", NOT_HTTP(SERVER, "SSH-2.0-x\r\n\r\n")},
	{"blank lines for an answer", NOT_HTTP(SERVER, "\n\n\n\n\n\n\n\n")},
};

static void check_head(const struct ws_rig *r, const struct head *h, __u32 cut)
{
	if (r->total.did == h->did && r->ws.state == h->state && r->total.status == h->status &&
	    !r->lost)
		return;
	fail_msg("%s, cut at %u: did %#x, state %u, status %u", h->name, cut, r->total.did,
		 r->ws.state, r->total.status);
}

/* Sends the head in two segments; in one when cut is 0. */
static void cut_at(const struct head *h, __u32 cut)
{
	__u32 len = (__u32)strlen(h->text);
	struct ws_rig r;

	ws_rig_begin(&r, h->side, ISN);
	if (cut)
		ws_rig_next(&r, h->text, cut);
	ws_rig_next(&r, h->text + cut, len - cut);
	check_head(&r, h, cut);
}

static void heads_whole_and_cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		for (__u32 cut = 0; cut < strlen(heads[i].text); cut++)
			cut_at(&heads[i], cut);
}

static void heads_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const struct head *h = &heads[i];
		struct ws_rig r;

		ws_rig_begin(&r, h->side, ISN);
		for (const char *c = h->text; *c; c++)
			ws_rig_next(&r, c, 1);
		check_head(&r, h, 1);
	}
}

/* The result of a head must be reported for the segment that ends it and for no other. */
static void a_head_is_reported_once(void **state)
{
	static const char text[] = "HTTP/1.1 503 x\r\n\r\n";
	struct ws_rig r;

	(void)state;
	ws_rig_begin(&r, SERVER, ISN);
	ws_rig_next(&r, text, sizeof(text) - 2);
	assert_int_equal(r.last.did, 0);
	ws_rig_next(&r, text + sizeof(text) - 2, 1);
	assert_int_equal(r.last.did, SURE_STATUS);
	assert_int_equal(r.last.status, 503);
	ws_rig_next(&r, text, sizeof(text) - 1);
	assert_int_equal(r.last.did, 0);
}

/* ---- several heads in one stream ---- */

#define BYTES(t)    (t), sizeof(t) - 1
#define GET_UPGRADE "GET /play HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n"
#define GET_PLAIN   "GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
#define SWITCH      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
#define CR_LF_CR_LF "\r\n\r\n"

/* heads: requests, or answers that are not interim. The last one must begin the frames. */
static const struct {
	const char *name, *bytes;
	__u32 len;
	__u8 side;
	unsigned int heads;
} several[] = {
	{"two requests", BYTES(GET_PLAIN GET_UPGRADE), CLIENT, 2},
	{"a body, then a request",
	 BYTES("POST / HTTP/1.1\r\ncontent-length:  5\r\nX: y\r\n\r\nGET a" GET_UPGRADE), CLIENT,
	 2},
	{"a blank line behind a body",
	 BYTES("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab\r\n" GET_UPGRADE), CLIENT, 2},
	{"100-continue",
	 BYTES("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
	       "abc" GET_UPGRADE),
	 CLIENT, 2},
	{"PROXY version 1, then two requests",
	 BYTES("PROXY TCP6 ::1 ::2 4000 80\r\n" GET_PLAIN GET_UPGRADE), CLIENT, 2},
	{"PROXY version 2 with TLVs",
	 BYTES(CR_LF_CR_LF "\0\r\nQUIT\n\x21\x11\0\x18\x0a\0\0\1\x0a\0\0\2\x0f\xa0\0\x50"
			   "\4\0\1z\5\0\5GET a" GET_UPGRADE),
	 CLIENT, 1},
	{"PROXY version 2, local", BYTES(CR_LF_CR_LF "\0\r\nQUIT\n\x20\0\0\0" GET_UPGRADE), CLIENT,
	 1},
	/* The length 0x41 is the letter A. */
	{"PROXY version 2 of 65 bytes",
	 BYTES(CR_LF_CR_LF
	       "\0\r\nQUIT\n\x20\0\0\x41"
	       "0123456789012345678901234567890123456789012345678901234567890123A" GET_UPGRADE),
	 CLIENT, 1},
	{"answer with a body, then 101",
	 BYTES("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHTTP/1.1 503" SWITCH), SERVER, 2},
	{"401, then 101", BYTES("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n" SWITCH),
	 SERVER, 2},
	{"100, 200, then 101",
	 BYTES("HTTP/1.1 100 Continue\r\n\r\n"
	       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" SWITCH),
	 SERVER, 2},
	{"304, then 101", BYTES("HTTP/1.1 304 x\r\nContent-Length: 900\r\n\r\n" SWITCH), SERVER, 2},
};

static void no_head_behind_another_is_missed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++) {
		for (__u32 cut = 0; cut < several[i].len; cut++) {
			unsigned int found = 0;
			struct ws_rig r;

			ws_rig_begin(&r, several[i].side, ISN);
			if (cut) {
				ws_rig_next(&r, several[i].bytes, cut);
				found += r.last.heads;
			}
			ws_rig_next(&r, several[i].bytes + cut, several[i].len - cut);
			found += r.last.heads;
			if (found != several[i].heads || r.ws.state != HOKM_FOLLOW_FRAMES ||
			    !(r.last.did & WS_DID_SURE) || r.ws.next != ISN + several[i].len)
				fail_msg("%s, cut at %u: %u heads, state %u, did %#x",
					 several[i].name, cut, found, r.ws.state, r.last.did);
		}
	}
}

/* After a line without CR a server may read the stream in another way: no later request is sure. */
static void doubt_lasts(void **state)
{
	static const char text[] = "GET /health HTTP/1.1\n\n" GET_UPGRADE;
	struct ws_rig r;

	(void)state;
	ws_rig_begin(&r, CLIENT, ISN);
	ws_rig_next(&r, text, sizeof(text) - 1);
	assert_int_equal(r.total.did, WS_DID_PLAIN | WS_DID_REQUEST);
	assert_int_equal(r.ws.flags, 0);
}

/* A server may send frames in the same segment as the 101; the segment is cut at every byte. */
static void frames_right_behind_the_101(void **state)
{
	static const char head[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
	static struct ws_stream s;

	(void)state;
	s.len = 0;
	ws_put(&s, head, sizeof(head) - 1);
	ws_put_frame(&s, SERVER, WS_FIN | WS_RSV1 | 1, 5);
	ws_put_frame(&s, SERVER, WS_FIN | 9, 0);
	ws_put_frame(&s, SERVER, WS_FIN | 2, 300);
	ws_put_close(&s, SERVER, 1012, 0);
	for (__u32 cut = 1; cut <= s.len; cut++) {
		struct ws_rig r;

		ws_rig_begin(&r, SERVER, ISN);
		ws_rig_next(&r, s.b, cut);
		if (cut < s.len)
			ws_rig_next(&r, s.b + cut, s.len - cut);
		assert_int_equal(r.total.did, SURE_STATUS | WS_DID_CLOSE);
		assert_int_equal(r.total.status, 101);
		assert_int_equal(r.total.close_code, 1012);
		assert_int_equal(r.total.n[WS_TEXT], 1);
		assert_int_equal(r.total.n[WS_PING], 1);
		assert_int_equal(r.total.n[WS_BINARY], 1);
		assert_int_equal(r.ws.state, HOKM_FOLLOW_DONE);
		assert_int_equal(r.ws.next, ISN + s.len);
	}
}

/* ---- TLS ---- */

static void put_record(struct ws_stream *s, __u8 type, __u8 major, __u32 len)
{
	const __u8 head[5] = {type, major, 3, (__u8)(len >> 8), (__u8)len};

	ws_put(s, head, sizeof(head));
	for (__u32 i = 0; i < len; i++)
		ws_put(s, "\xff", 1);
}

static void records_are_counted_wherever_they_are_cut(void **state)
{
	static struct ws_stream s;

	(void)state;
	s.len = 0;
	put_record(&s, 22, 3, 200);
	put_record(&s, 20, 3, 1);
	put_record(&s, 23, 3, 0);
	put_record(&s, 23, 3, 60);
	for (int side = CLIENT; side <= SERVER; side++) {
		for (__u32 cut = 1; cut <= s.len; cut++) {
			struct ws_rig r;

			ws_rig_begin(&r, (__u8)side, ISN);
			ws_rig_next(&r, s.b, cut);
			assert_int_equal(r.last.did, WS_DID_TLS);
			if (cut < s.len)
				ws_rig_next(&r, s.b + cut, s.len - cut);
			assert_int_equal(r.total.did, WS_DID_TLS);
			assert_int_equal(r.total.records, 4);
			assert_int_equal(r.ws.state, HOKM_FOLLOW_RECORDS);
			assert_int_equal(r.ws.next, ISN + s.len);
		}
	}
}

static void bad_records_lose_synchronization(void **state)
{
	static const struct {
		__u8 type, major;
		__u32 len;
		bool good;
	} second[] = {
		{23, 3, 16384 + 2048, true},
		{23, 3, 16384 + 2049, false},
		{19, 3, 5, false},
		{25, 3, 5, false},
		{24, 3, 5, true},
		{20, 3, 5, true},
		{23, 2, 5, false},
		{23, 4, 5, false},
	};
	static struct ws_stream s;

	(void)state;
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
		struct ws_rig r;

		s.len = 0;
		put_record(&s, 22, 3, 10);
		put_record(&s, second[i].type, second[i].major, second[i].len);
		ws_rig_begin(&r, CLIENT, ISN);
		ws_rig_next(&r, s.b, s.len);
		assert_int_equal(r.lost, !second[i].good);
		assert_int_equal(r.last.records, second[i].good ? 2 : 1);
		assert_int_equal(r.last.fault,
				 second[i].good ? HOKM_FAULT_NONE : HOKM_FAULT_RECORD);
	}
}

static void a_stream_begins_with_a_record_or_with_a_head(void **state)
{
	(void)state;
	for (unsigned int byte = 0; byte < 32; byte++) {
		const __u8 b = (__u8)byte;
		struct ws_rig r;

		ws_rig_begin(&r, CLIENT, ISN);
		ws_rig_next(&r, &b, 1);
		assert_int_equal(r.ws.state,
				 b >= 20 && b <= 24 ? HOKM_FOLLOW_RECORDS : HOKM_FOLLOW_HEAD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_whole_and_cut_at_every_byte),
		cmocka_unit_test(heads_byte_by_byte),
		cmocka_unit_test(a_head_is_reported_once),
		cmocka_unit_test(no_head_behind_another_is_missed),
		cmocka_unit_test(doubt_lasts),
		cmocka_unit_test(frames_right_behind_the_101),
		cmocka_unit_test(records_are_counted_wherever_they_are_cut),
		cmocka_unit_test(bad_records_lose_synchronization),
		cmocka_unit_test(a_stream_begins_with_a_record_or_with_a_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
