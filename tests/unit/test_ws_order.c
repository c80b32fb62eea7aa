/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segments as a network delivers them, for hokm/ws.h: repeated, overlapping, early, missing; and
 * how synchronization is lost and regained. The tests use a stream with a few frames at known
 * places and scripts of its segments [from, to). The sequence numbers begin just before they wrap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ws_rig.h"

#define SERVER HOKM_SIDE_SERVER
#define CLIENT HOKM_SIDE_CLIENT
#define ISN    0xffffff80U

/*
 * The stream that the server sends: text 0..102, binary 102..606 (header to 106), ping 606..612,
 * text 612..714, text 714..816, close 816..820.
 */
static struct ws_stream stream;
#define END 820

static int make_stream(void **state)
{
	(void)state;
	stream.len = 0;
	ws_put_frame(&stream, SERVER, WS_FIN | 1, 100);
	ws_put_frame(&stream, SERVER, WS_FIN | 2, 500);
	ws_put_frame(&stream, SERVER, WS_FIN | 9, 4);
	ws_put_frame(&stream, SERVER, WS_FIN | 1, 100);
	ws_put_frame(&stream, SERVER, WS_FIN | 1, 100);
	ws_put_close(&stream, SERVER, 1000, 0);
	assert_int_equal(stream.len, END);
	return 0;
}

#define MAX_PARTS 10
struct script {
	const char *name;
	__u16 part[MAX_PARTS][2]; /* from, to; to 0 ends the script */
	/* expected */
	__u8 frames; /* of all kinds */
	__u8 lost, state;
};

#define FRAMES HOKM_FOLLOW_FRAMES
#define DONE   HOKM_FOLLOW_DONE
static const struct script scripts[] = {
	{"in order", {{0, 102}, {102, 612}, {612, END}}, 6, 0, DONE},
	{"every segment twice", {{0, 50}, {0, 50}, {50, 700}, {50, 700}, {700, END}}, 6, 0, DONE},
	{"all again at the end", {{0, 816}, {0, 816}, {816, END}, {816, END}}, 6, 0, DONE},
	{"older start, longer end", {{0, 300}, {10, 609}, {200, 715}, {0, END}}, 6, 0, DONE},
	{"overlap by a byte of a header",
	 {{0, 103}, {102, 104}, {103, 106}, {104, END}},
	 6,
	 0,
	 DONE},
	{"old in the middle of a header", {{0, 103}, {0, 102}, {50, 90}, {103, END}}, 6, 0, DONE},
	{"payload out of order",
	 {{0, 110}, {300, 400}, {200, 300}, {110, 200}, {400, END}},
	 6,
	 0,
	 DONE},
	{"payload never seen", {{0, 110}, {590, 614}, {700, 716}, {800, END}}, 6, 0, DONE},
	{"early, but only payload behind the missing header",
	 {{0, 102}, {150, 300}, {300, 606}, {102, 150}, {606, END}},
	 6,
	 0,
	 DONE},
	{"early and late payload alike",
	 {{0, 102}, {300, 400}, {200, 300}, {400, 606}, {102, 200}, {606, END}},
	 6,
	 0,
	 DONE},
	{"half a header is missing", {{0, 103}, {106, 606}, {103, 106}, {606, END}}, 6, 0, DONE},
	{"a header came early", {{0, 102}, {606, 612}, {102, 606}}, 2, 1, HOKM_FOLLOW_LOST},
	{"a header came early in payload",
	 {{0, 102}, {500, 650}, {102, 500}},
	 2,
	 1,
	 HOKM_FOLLOW_LOST},
	{"half a header came early", {{0, 102}, {105, 606}, {102, 105}}, 1, 1, HOKM_FOLLOW_LOST},
	{"the gap is closed by a segment that covers all",
	 {{0, 102}, {606, 612}, {102, 612}, {612, END}},
	 6,
	 0,
	 DONE},
	{"the gap is closed by one that covers the headers",
	 {{0, 102}, {606, 660}, {102, 620}, {620, END}},
	 6,
	 0,
	 DONE},
	{"two gaps, closed in order, over payload",
	 {{0, 102}, {150, 200}, {250, 300}, {200, 250}, {102, 150}, {606, END}},
	 6,
	 0,
	 DONE},
	{"a second header early behind payload",
	 {{0, 102}, {150, 200}, {606, 612}, {102, 150}},
	 2,
	 1,
	 HOKM_FOLLOW_LOST},
	{"the first of two gaps is the one that counts",
	 {{0, 102}, {150, 200}, {650, 700}, {102, 150}},
	 2,
	 1,
	 HOKM_FOLLOW_LOST},
	{"still waiting", {{0, 102}, {200, 300}}, 1, 0, FRAMES},
	{"still waiting, more repeated", {{0, 102}, {606, 700}, {0, 102}, {80, 102}}, 1, 0, FRAMES},
	{"the gap shrinks", {{0, 102}, {606, 700}, {102, 104}}, 1, 0, FRAMES},
	{"the close came early", {{0, 714}, {816, END}, {714, 816}}, 5, 1, HOKM_FOLLOW_LOST},
};

static __u32 frames(const struct ws_seen *s)
{
	__u32 n = 0;

	for (int i = 0; i < WS_KINDS; i++)
		n += s->n[i];
	return n;
}

static void part(struct ws_rig *r, __u32 from, __u32 to)
{
	ws_rig_segment(r, ISN + from, stream.b + from, to - from);
}

/* seen: the peer's acknowledgements are seen; they cover only what arrived in order. */
static void run_script(const struct script *s, bool seen)
{
	struct ws_rig r;

	ws_rig_begin_frames(&r, SERVER, ISN);
	r.has_acked = seen;
	r.acked = ISN;
	for (int i = 0; i < MAX_PARTS && s->part[i][1]; i++)
		part(&r, s->part[i][0], s->part[i][1]);
	if (frames(&r.total) != s->frames || r.lost != s->lost || r.ws.state != s->state ||
	    (s->lost && r.total.fault != HOKM_FAULT_GAP))
		fail_msg("%s: %u frames, lost %u (%u), state %u", s->name, frames(&r.total), r.lost,
			 r.total.fault, r.ws.state);
}

static void segments_in_any_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		run_script(&scripts[i], false);
		run_script(&scripts[i], true);
	}
}

/* ---- acknowledgements of the peer ---- */

static void an_acknowledged_gap_is_a_loss(void **state)
{
	struct ws_rig r;

	(void)state;
	ws_rig_begin_frames(&r, SERVER, ISN);
	r.has_acked = true;
	r.acked = ISN;
	part(&r, 0, 102);
	r.acked = ISN + 102;
	part(&r, 606, 612);
	assert_int_equal(r.lost, 0);
	r.acked = ISN + 103; /* the peer received the header that was not seen here */
	part(&r, 612, 614);
	assert_int_equal(r.lost, 1);
	assert_int_equal(r.last.fault, HOKM_FAULT_GAP);
	assert_int_equal(frames(&r.last), 0);
}

static void an_acknowledgement_alone_loses_nothing(void **state)
{
	struct ws_rig r;

	(void)state;
	ws_rig_begin_frames(&r, SERVER, ISN);
	r.has_acked = true;
	r.acked = ISN + 612; /* the header was missed, but it is sent again */
	part(&r, 0, 102);
	part(&r, 102, END);
	assert_int_equal(r.lost, 0);
	assert_int_equal(frames(&r.total), 6);
}

static void far_ahead(__s32 by, bool has_acked, __u8 state, bool noted)
{
	struct ws_rig r;

	ws_rig_begin_frames(&r, SERVER, ISN);
	r.has_acked = has_acked;
	part(&r, 0, 102);
	r.acked = ISN + 102;
	ws_rig_segment(&r, ISN + 102 + (__u32)by, stream.b, 100);
	assert_int_equal(r.ws.state, state);
	assert_int_equal(!!(r.ws.flags & HOKM_WS_FLAG_GAP), noted);
	if (state != HOKM_FOLLOW_FRAMES)
		return;
	assert_int_equal(r.ws.next, ISN + 102);
	part(&r, 102, END);
	assert_int_equal(frames(&r.total), 6);
}

static void a_segment_far_out_of_the_window_is_not_of_the_stream(void **state)
{
	(void)state;
	far_ahead(WS_GAP_MAX, true, HOKM_FOLLOW_FRAMES, true);
	far_ahead(WS_GAP_MAX + 1, true, HOKM_FOLLOW_FRAMES, false);
	far_ahead(1 << 30, true, HOKM_FOLLOW_FRAMES, false);
	far_ahead(INT32_MAX, true, HOKM_FOLLOW_FRAMES, false);
	far_ahead(-5000, true, HOKM_FOLLOW_FRAMES, false);
	far_ahead(-(1 << 30), true, HOKM_FOLLOW_FRAMES, false);
	far_ahead(WS_GAP_MAX, false, HOKM_FOLLOW_FRAMES, true);
	far_ahead(WS_GAP_MAX + 1, false, HOKM_FOLLOW_LOST, false);
}

static void gaps_in_heads_and_records(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
	static const __u8 record[] = {22, 3, 1, 0, 2, 9, 9, 23, 3, 1, 0, 1, 9};
	struct ws_rig r;

	(void)state;
	ws_rig_begin(&r, CLIENT, ISN);
	ws_rig_segment(&r, ISN + 10, head + 10, sizeof(head) - 11);
	assert_int_equal(r.lost, 0);
	ws_rig_segment(&r, ISN, head, 10);
	assert_int_equal(r.lost, 1);

	ws_rig_begin(&r, CLIENT, ISN);
	ws_rig_segment(&r, ISN + 10, head + 10, sizeof(head) - 11);
	ws_rig_segment(&r, ISN, head, sizeof(head) - 1);
	assert_int_equal(r.total.did, WS_DID_REQUEST | WS_DID_SURE);

	ws_rig_begin(&r, CLIENT, ISN);
	ws_rig_segment(&r, ISN, record, 3);
	ws_rig_segment(&r, ISN + 6, record + 6, 1);
	ws_rig_segment(&r, ISN + 3, record + 3, 3);
	ws_rig_segment(&r, ISN + 7, record + 7, 6);
	assert_int_equal(r.lost, 0);
	assert_int_equal(r.total.records, 2);
}

/* A direction that is no longer followed ignores gaps. */
static void gaps_behind_the_close_are_none(void **state)
{
	struct ws_rig r;

	(void)state;
	ws_rig_begin_frames(&r, SERVER, ISN);
	part(&r, 0, 816);
	ws_rig_segment(&r, ISN + END + 50, stream.b, 60);
	part(&r, 816, END);
	assert_int_equal(r.lost, 0);
	assert_int_equal(r.ws.state, HOKM_FOLLOW_DONE);
	ws_rig_segment(&r, ISN + END + 500, stream.b, 60);
	assert_int_equal(r.lost, 0);

	/* Bytes behind the close came early: the close still ends the stream. */
	ws_rig_begin_frames(&r, SERVER, ISN);
	part(&r, 0, 816);
	ws_rig_segment(&r, ISN + 818, stream.b, 60);
	part(&r, 816, END);
	assert_int_equal(r.lost, 0);
	assert_int_equal(r.ws.state, HOKM_FOLLOW_DONE);
}

/* ---- synchronization lost and regained ---- */

/* Loses synchronization by a frame that breaks the rules. */
static void lose(struct ws_rig *r, __u8 side)
{
	static const __u8 junk[] = {0xff, 0xff, 0xff};

	ws_rig_begin_frames(r, side, ISN);
	ws_rig_next(r, junk, sizeof(junk));
	assert_int_equal(r->lost, 1);
	assert_int_equal(r->ws.state, HOKM_FOLLOW_LOST);
}

static void next_frame(struct ws_rig *r, __u8 b0, __u32 len)
{
	static struct ws_stream s;

	s.len = 0;
	ws_put_frame(&s, r->side, b0, len);
	ws_rig_next(r, s.b, s.len);
}

static void two_segments_that_validate_regain(void **state)
{
	(void)state;
	for (int side = CLIENT; side <= SERVER; side++) {
		struct ws_rig r;

		lose(&r, (__u8)side);
		next_frame(&r, WS_FIN | 1, 50);
		assert_int_equal(r.ws.state, HOKM_FOLLOW_TRIAL);
		assert_int_equal(frames(&r.total), 0);
		next_frame(&r, WS_FIN | 2, 50);
		assert_int_equal(r.regained, 1);
		assert_int_equal(frames(&r.last), 1);
		assert_int_equal(r.ws.state, HOKM_FOLLOW_FRAMES);
		next_frame(&r, WS_FIN | 10, 0);
		assert_int_equal(frames(&r.total), 2);
		assert_int_equal(r.lost, 1);
	}
}

/* The first segment must consist of whole frames; the second may end within a frame. */
static void the_second_may_end_within_a_frame(void **state)
{
	struct ws_rig r;

	(void)state;
	lose(&r, SERVER);
	next_frame(&r, WS_FIN | 1, 50);
	ws_rig_next(&r, "\x81\x00\x82", 3);
	assert_int_equal(r.regained, 1);
	ws_rig_next(&r, "\x05", 1);
	assert_int_equal(r.total.n[WS_BINARY], 1);
	ws_rig_next(&r, "\xff\xff\xff\xff\xff\x89\x00", 7);
	assert_int_equal(r.total.n[WS_PING], 1);
	assert_int_equal(r.lost, 1);
}

static void not_a_trial(const char *name, const void *data, __u32 len)
{
	struct ws_rig r;

	lose(&r, SERVER);
	ws_rig_next(&r, data, len);
	if (r.ws.state != HOKM_FOLLOW_LOST || r.last.did || frames(&r.last))
		fail_msg("%s must not begin a trial", name);
}

static void what_validates_nothing(void **state)
{
	static const __u8 zeros[1400];

	(void)state;
	not_a_trial("zeros", zeros, sizeof(zeros));
	not_a_trial("two zeros", zeros, 2);
	not_a_trial("a continuation", "\x80\x00", 2);
	not_a_trial("one byte", "\x81", 1);
	not_a_trial("a frame and a byte", "\x81\x00\x81", 3);
	not_a_trial("half a frame", "\x81\x05xxx", 5);
	not_a_trial("half an extended length", "\x82\x7e\x01", 3);
	not_a_trial("a frame of many GiB", "\x82\x7f\0\0\0\x05\0\0\0\0", 10);
	not_a_trial("a frame and a fault", "\x81\x00\x83\x00", 4);
	not_a_trial("a masked frame", "\x81\x80\1\2\3\4", 6);
	not_a_trial("a close frame", "\x88\x02\x03\xe8", 4);
	not_a_trial("letters", "{\"x\":1}", 7);
	not_a_trial("a continuation too many", "\x81\x00\x00\x00", 4);
}

static void a_failed_trial_is_not_reported_again(void **state)
{
	struct ws_rig r;

	(void)state;
	lose(&r, SERVER);
	for (int i = 0; i < 3; i++) {
		next_frame(&r, WS_FIN | 1, 5);
		assert_int_equal(r.ws.state, HOKM_FOLLOW_TRIAL);
		ws_rig_next(&r, "\x81\x00\xff\xff", 4);
		assert_int_equal(r.ws.state, HOKM_FOLLOW_LOST);
		assert_int_equal(r.last.did, 0);
		assert_int_equal(frames(&r.last), 0);
	}
	next_frame(&r, WS_FIN | 1, 5);
	ws_rig_next(&r, "\x81", 1); /* not a whole frame: proves nothing */
	assert_int_equal(r.ws.state, HOKM_FOLLOW_LOST);
	assert_int_equal(r.lost, 1);
	assert_int_equal(r.regained, 0);
}

/*
 * Only a segment directly behind the newest byte begins a trial; only one directly behind that
 * continues it.
 */
static void a_trial_goes_in_order(void **state)
{
	static const __u8 text[] = {0x81, 1, 'x'};
	struct ws_rig r;

	(void)state;
	lose(&r, SERVER);
	ws_rig_segment(&r, r.newest + 10, text, sizeof(text));
	assert_int_equal(r.ws.state, HOKM_FOLLOW_LOST);
	ws_rig_segment(&r, r.newest - 20, text, sizeof(text));
	assert_int_equal(r.ws.state, HOKM_FOLLOW_LOST);
	ws_rig_next(&r, text, sizeof(text));
	assert_int_equal(r.ws.state, HOKM_FOLLOW_TRIAL);
	ws_rig_segment(&r, r.newest + 1, text, sizeof(text));
	assert_int_equal(r.ws.state, HOKM_FOLLOW_LOST);
	ws_rig_next(&r, text, sizeof(text));
	assert_int_equal(r.ws.state, HOKM_FOLLOW_TRIAL);
	ws_rig_segment(&r, r.newest - 2, text, sizeof(text)); /* repeats two bytes, then one byte
								 more */
	assert_int_equal(r.ws.state, HOKM_FOLLOW_LOST);
	assert_int_equal(r.regained, 0);
	assert_int_equal(r.lost, 1);
}

/* A sender without an acknowledgement in time sends its bytes again. */
static void a_repetition_ends_no_trial(void **state)
{
	static const __u8 text[] = {0x81, 1, 'x'};
	struct ws_rig r;

	(void)state;
	lose(&r, SERVER);
	ws_rig_next(&r, text, sizeof(text));
	for (int i = 0; i < 3; i++) {
		ws_rig_segment(&r, r.newest - 3, text, sizeof(text));
		assert_int_equal(r.ws.state, HOKM_FOLLOW_TRIAL);
		assert_int_equal(frames(&r.last), 0);
	}
	ws_rig_segment(&r, r.newest - 9, text, sizeof(text)); /* older */
	assert_int_equal(r.ws.state, HOKM_FOLLOW_TRIAL);
	ws_rig_next(&r, text, sizeof(text));
	assert_int_equal(r.regained, 1);
	assert_int_equal(frames(&r.total), 1);
}

static void a_regained_stream_may_be_inside_a_message(void **state)
{
	struct ws_rig r;

	(void)state;
	lose(&r, SERVER);
	next_frame(&r, WS_FIN | 9, 0);
	next_frame(&r, WS_FIN | 10, 0);
	assert_int_equal(r.regained, 1);
	next_frame(&r, 0x00, 5); /* a continuation of an unknown message */
	next_frame(&r, WS_FIN | 0, 5);
	assert_int_equal(r.lost, 1);
	next_frame(&r, WS_FIN | 0, 5); /* now no message is open */
	assert_int_equal(r.lost, 2);
	assert_int_equal(r.last.fault, HOKM_FAULT_ORDER);
}

static void a_message_opened_in_a_trial_is_open(void **state)
{
	struct ws_rig r;

	(void)state;
	lose(&r, SERVER);
	next_frame(&r, 0x01, 5);
	next_frame(&r, WS_FIN | 9, 0);
	assert_int_equal(r.regained, 1);
	next_frame(&r, WS_FIN | 1, 5);
	assert_int_equal(r.lost, 2);
	assert_int_equal(r.last.fault, HOKM_FAULT_ORDER);
}

/* The flag of an open message must be cleared by the loss. */
static void a_message_before_the_loss_is_forgotten(void **state)
{
	struct ws_rig r;

	(void)state;
	ws_rig_begin_frames(&r, SERVER, ISN);
	next_frame(&r, 0x01, 5);
	ws_rig_next(&r, "\xff\xff", 2);
	next_frame(&r, WS_FIN | 1, 5);
	next_frame(&r, WS_FIN | 1, 5);
	assert_int_equal(r.regained, 1);
}

static void a_close_ends_a_trial(void **state)
{
	static struct ws_stream s;
	struct ws_rig r;

	(void)state;
	lose(&r, SERVER);
	next_frame(&r, WS_FIN | 1, 5);
	s.len = 0;
	ws_put_close(&s, SERVER, 1013, 0);
	ws_rig_next(&r, s.b, s.len);
	assert_int_equal(r.last.did, WS_DID_REGAINED | WS_DID_CLOSE);
	assert_int_equal(r.last.close_code, 1013);
	assert_int_equal(r.ws.state, HOKM_FOLLOW_DONE);
}

static void a_stream_seen_from_its_middle_is_synchronized_alike(void **state)
{
	struct ws_rig r;

	(void)state;
	ws_rig_begin_unknown(&r, CLIENT, ISN);
	ws_rig_next(&r, "xxxx", 4);
	assert_int_equal(r.last.did, 0);
	next_frame(&r, WS_FIN | 2, 30);
	next_frame(&r, WS_FIN | 2, 30);
	assert_int_equal(r.regained, 1);
	assert_int_equal(r.lost, 0);
	next_frame(&r, WS_FIN | 3, 30);
	assert_int_equal(r.lost, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_in_any_order),
		cmocka_unit_test(an_acknowledged_gap_is_a_loss),
		cmocka_unit_test(an_acknowledgement_alone_loses_nothing),
		cmocka_unit_test(a_segment_far_out_of_the_window_is_not_of_the_stream),
		cmocka_unit_test(gaps_in_heads_and_records),
		cmocka_unit_test(gaps_behind_the_close_are_none),
		cmocka_unit_test(two_segments_that_validate_regain),
		cmocka_unit_test(the_second_may_end_within_a_frame),
		cmocka_unit_test(what_validates_nothing),
		cmocka_unit_test(a_failed_trial_is_not_reported_again),
		cmocka_unit_test(a_trial_goes_in_order),
		cmocka_unit_test(a_repetition_ends_no_trial),
		cmocka_unit_test(a_regained_stream_may_be_inside_a_message),
		cmocka_unit_test(a_message_opened_in_a_trial_is_open),
		cmocka_unit_test(a_message_before_the_loss_is_forgotten),
		cmocka_unit_test(a_close_ends_a_trial),
		cmocka_unit_test(a_stream_seen_from_its_middle_is_synchronized_alike),
	};

	return cmocka_run_group_tests(tests, make_stream, NULL);
}
