/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames of one direction in order, for hokm/ws.h: every form of header, cut at every byte; frames
 * that break the rules of RFC 6455 section 5 and RFC 7692; messages in fragments; close frames;
 * frames longer than the range of sequence numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ws_rig.h"

#define CLIENT HOKM_SIDE_CLIENT
#define SERVER HOKM_SIDE_SERVER
#define ISN    0xfffffffcU /* wraps inside the first header */

/* Sends the stream in two segments; in one when cut is its length. */
static void run_cut(struct ws_rig *r, __u8 side, const struct ws_stream *s, __u32 cut)
{
	ws_rig_begin_frames(r, side, ISN);
	ws_rig_next(r, s->b, cut);
	if (cut < s->len)
		ws_rig_next(r, s->b + cut, s->len - cut);
}

static void headers_of_every_form_cut_at_every_byte(void **state)
{
	static const __u32 lens[] = {0, 1, 2, 125, 126, 127, 1000, 0xffff, 0x10000};
	static struct ws_stream s;

	(void)state;
	for (int side = CLIENT; side <= SERVER; side++) {
		for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			s.len = 0;
			ws_put_frame(&s, (__u8)side, WS_FIN | 2, lens[i]);
			ws_put_frame(&s, (__u8)side, WS_FIN | 9, 3);
			for (__u32 cut = 1; cut <= s.len; cut += cut < 20 ? 1 : s.len / 9 + 1) {
				struct ws_rig r;

				run_cut(&r, (__u8)side, &s, cut);
				assert_int_equal(r.lost, 0);
				assert_int_equal(r.total.n[WS_BINARY], 1);
				assert_int_equal(r.total.n[WS_PING], 1);
				assert_int_equal(r.ws.next, ISN + s.len);
			}
		}
	}
}

static void every_opcode_is_counted_as_its_kind(void **state)
{
	static const __u8 b0[WS_KINDS] = {0x80, 0x01, 0x82, 0x88, 0x89, 0x8a};

	(void)state;
	for (int kind = 1; kind < WS_KINDS; kind++) {
		static struct ws_stream s;
		struct ws_rig r;

		s.len = 0;
		ws_put_frame(&s, CLIENT, b0[kind], 0);
		if (kind == WS_TEXT)
			ws_put_frame(&s, CLIENT, b0[WS_CONTINUATION], 0);
		run_cut(&r, CLIENT, &s, s.len);
		for (int i = 0; i < WS_KINDS; i++)
			assert_int_equal(r.total.n[i], i == kind || (i == 0 && kind == WS_TEXT));
	}
}

static void many_frames_in_one_segment(void **state)
{
	static struct ws_stream s;
	struct ws_rig r;

	(void)state;
	s.len = 0;
	for (__u32 i = 0; i < 400; i++)
		ws_put_frame(&s, CLIENT, WS_FIN | (i % 4 ? 2 : 1), i % 150);
	run_cut(&r, CLIENT, &s, s.len);
	assert_int_equal(r.lost, 0);
	assert_int_equal(r.total.n[WS_TEXT], 100);
	assert_int_equal(r.total.n[WS_BINARY], 300);
}

static void any_segmentation_gives_the_same(void **state)
{
	static struct ws_stream s;

	(void)state;
	s.len = 0;
	for (__u32 i = 0; i < 60; i++)
		ws_put_frame(&s, CLIENT, WS_FIN | 2, i * 7 % 131);
	ws_put_close(&s, CLIENT, 1001, 9);
	for (__u32 size = 1; size <= s.len; size++) {
		struct ws_rig r;

		ws_rig_begin_frames(&r, CLIENT, ISN);
		for (__u32 at = 0; at < s.len; at += size)
			ws_rig_next(&r, s.b + at, s.len - at < size ? s.len - at : size);
		assert_int_equal(r.lost, 0);
		assert_int_equal(r.total.n[WS_BINARY], 60);
		assert_int_equal(r.total.close_code, 1001);
		assert_int_equal(r.ws.state, HOKM_FOLLOW_DONE);
	}
}

/* ---- faults ---- */

struct wrong {
	const char *name;
	__u8 side, b[14], len;
	__u8 fault;
};

static const struct wrong wrongs[] = {
	{"RSV2", SERVER, {0xa1, 0}, 2, HOKM_FAULT_RSV},
	{"RSV3", SERVER, {0x91, 0}, 2, HOKM_FAULT_RSV},
	{"RSV1 of a ping", SERVER, {0xc9, 0}, 2, HOKM_FAULT_RSV},
	{"RSV1 of a close", CLIENT, {0xc8, 0x80}, 2, HOKM_FAULT_RSV},
	{"masked by the server", SERVER, {0x81, 0x80}, 2, HOKM_FAULT_MASK},
	{"not masked by the client", CLIENT, {0x81, 0}, 2, HOKM_FAULT_MASK},
	{"opcode 3", SERVER, {0x83, 0}, 2, HOKM_FAULT_OPCODE},
	{"opcode 7", CLIENT, {0x87, 0x80}, 2, HOKM_FAULT_OPCODE},
	{"opcode 11", SERVER, {0x8b, 0}, 2, HOKM_FAULT_OPCODE},
	{"opcode 15", SERVER, {0x8f, 0}, 2, HOKM_FAULT_OPCODE},
	{"a ping in fragments", SERVER, {0x09, 0}, 2, HOKM_FAULT_CONTROL},
	{"a close in fragments", SERVER, {0x08, 0}, 2, HOKM_FAULT_CONTROL},
	{"a ping of 126 bytes", SERVER, {0x89, 126}, 2, HOKM_FAULT_CONTROL},
	{"a pong of 64 bits of length", CLIENT, {0x8a, 0xff}, 2, HOKM_FAULT_CONTROL},
	{"125 in 16 bits", SERVER, {0x82, 126, 0, 125}, 4, HOKM_FAULT_LENGTH},
	{"125 in 16 bits, masked", CLIENT, {0x82, 0xfe, 0, 125, 1, 2, 3, 4}, 8, HOKM_FAULT_LENGTH},
	{"0 in 16 bits", SERVER, {0x82, 126, 0, 0}, 4, HOKM_FAULT_LENGTH},
	{"65535 in 64 bits",
	 SERVER,
	 {0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff},
	 10,
	 HOKM_FAULT_LENGTH},
	{"65535 in 64 bits, masked",
	 CLIENT,
	 {0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4},
	 14,
	 HOKM_FAULT_LENGTH},
	{"bit 63", SERVER, {0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0}, 10, HOKM_FAULT_LENGTH},
	{"a continuation of nothing", SERVER, {0x80, 0}, 2, HOKM_FAULT_ORDER},
};

/* Sends a good frame, then the faulty header in two segments; cut 0: in one. */
static void run_wrong(const struct wrong *w, __u32 cut)
{
	static struct ws_stream s;
	struct ws_rig r;

	s.len = 0;
	ws_put_frame(&s, w->side, WS_FIN | 1, 3);
	cut = cut ? s.len + cut : 1;
	ws_put(&s, w->b, w->len);
	ws_rig_begin_frames(&r, w->side, ISN);
	ws_rig_next(&r, s.b, cut);
	if (r.lost)
		fail_msg("%s: reported before it was complete, cut at %u", w->name, cut);
	ws_rig_next(&r, s.b + cut, s.len - cut);
	if (r.lost != 1 || r.last.fault != w->fault || r.total.n[WS_TEXT] != 1 ||
	    r.ws.state != HOKM_FOLLOW_LOST)
		fail_msg("%s, cut at %u: lost %u, fault %u", w->name, cut, r.lost, r.last.fault);
	for (int i = 0; i < WS_KINDS; i++)
		assert_int_equal(r.total.n[i], i == WS_TEXT);
}

static void faults_cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++)
		for (__u32 cut = 0; cut < wrongs[i].len; cut++)
			run_wrong(&wrongs[i], cut);
}

static void lengths_at_the_edge_are_right(void **state)
{
	static const struct {
		int form;
		__u64 len;
	} good[] = {{7, 125}, {16, 126}, {16, 0xffff}, {64, 0x10000}, {64, 0x7fffffffffffffffULL}};
	static struct ws_stream s;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		for (__u32 cut = 1; cut < 4; cut++) {
			struct ws_rig r;

			s.len = 0;
			ws_put_header(&s, CLIENT, WS_FIN | 2, good[i].form, good[i].len);
			run_cut(&r, CLIENT, &s, cut);
			assert_int_equal(r.lost, 0);
			assert_int_equal(r.total.n[WS_BINARY], 1);
		}
	}
}

/* ---- messages in fragments ---- */

struct row {
	const char *name;
	__u8 b0[6]; /* first bytes of the frames; 0 ends the list */
	__u8 n, good;
	__u8 fault;
};

#define ENDS_FINE HOKM_FAULT_NONE
static const struct row rows[] = {
	{"three fragments", {0x01, 0x00, 0x80}, 3, 3, ENDS_FINE},
	{"controls between", {0x02, 0x89, 0x00, 0x8a, 0x80, 0x81}, 6, 6, ENDS_FINE},
	{"a message inside another", {0x01, 0x82}, 2, 1, HOKM_FAULT_ORDER},
	{"a message inside, behind a ping", {0x01, 0x89, 0x01}, 3, 2, HOKM_FAULT_ORDER},
	{"a continuation too many", {0x01, 0x80, 0x80}, 3, 2, HOKM_FAULT_ORDER},
	{"a continuation behind a whole message", {0x81, 0x00}, 2, 1, HOKM_FAULT_ORDER},
	{"compressed", {0xc1, 0xc2, 0xc1}, 3, 3, ENDS_FINE},
	{"compressed in fragments", {0x41, 0x89, 0x00, 0x80, 0xc2}, 5, 5, ENDS_FINE},
	{"RSV1 on a continuation", {0x41, 0xc0}, 2, 1, HOKM_FAULT_RSV},
	{"RSV1 inside a message that has none", {0x01, 0x40}, 2, 1, HOKM_FAULT_RSV},
};

static void run_row(const struct row *row, __u8 side, __u32 size)
{
	static struct ws_stream s;
	struct ws_rig r;
	__u32 n = 0;

	s.len = 0;
	for (int i = 0; i < row->n; i++)
		ws_put_frame(&s, side, row->b0[i], 5);
	ws_rig_begin_frames(&r, side, ISN);
	for (__u32 at = 0; at < s.len && !r.lost; at += size)
		ws_rig_next(&r, s.b + at, s.len - at < size ? s.len - at : size);
	for (int i = 0; i < WS_KINDS; i++)
		n += r.total.n[i];
	if (r.lost != !!row->fault || r.total.fault != row->fault || n != row->good)
		fail_msg("%s, by %u: fault %u, %u frames", row->name, size, r.total.fault, n);
}

static void fragments(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (__u32 size = 1; size < 70; size++) {
			run_row(&rows[i], CLIENT, size);
			run_row(&rows[i], SERVER, size);
		}
}

/* ---- close frames ---- */

static void expect_close(const struct ws_stream *s, __u8 side, __u16 code)
{
	for (__u32 cut = 1; cut <= s->len; cut++) {
		struct ws_rig r;

		run_cut(&r, side, s, cut);
		assert_int_equal(r.lost, 0);
		assert_int_equal(r.total.n[WS_CLOSE], 1);
		assert_int_equal(r.total.did, WS_DID_CLOSE);
		if (r.total.close_code != code)
			fail_msg("cut at %u: %u, not %u", cut, r.total.close_code, code);
		assert_int_equal(r.ws.state, HOKM_FOLLOW_DONE);
	}
}

static void close_codes_cut_at_every_byte(void **state)
{
	static const __u16 codes[] = {1000, 1001, 1011, 1012, 1013, 4999, 0xffff, 0};
	static struct ws_stream s;

	(void)state;
	for (int side = CLIENT; side <= SERVER; side++) {
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
			for (__u32 reason = 0; reason <= 123; reason += 41) {
				s.len = 0;
				ws_put_close(&s, (__u8)side, codes[i], reason);
				expect_close(&s, (__u8)side, codes[i]);
			}
		}
		/* A payload of one byte holds no code (RFC 6455 section 5.5.1). */
		for (__u32 len = 0; len < 2; len++) {
			s.len = 0;
			ws_put_frame(&s, (__u8)side, WS_FIN | WS_OP_CLOSE, len);
			expect_close(&s, (__u8)side, WS_CODE_EMPTY);
		}
	}
}

static void nothing_counts_behind_the_close(void **state)
{
	static struct ws_stream s;
	struct ws_rig r;

	(void)state;
	s.len = 0;
	ws_put_close(&s, SERVER, 1012, 3);
	ws_put_frame(&s, SERVER, WS_FIN | 1, 3);
	ws_put_close(&s, SERVER, 1000, 0);
	run_cut(&r, SERVER, &s, s.len);
	assert_int_equal(r.total.n[WS_TEXT], 0);
	assert_int_equal(r.total.n[WS_CLOSE], 1);
	assert_int_equal(r.total.close_code, 1012);
	ws_rig_next(&r, s.b, s.len);
	assert_int_equal(r.last.did, 0);
	assert_int_equal(r.ws.state, HOKM_FOLLOW_DONE);
}

/* ---- frames longer than WS_STRIDE ---- */

#define GIB (1ULL << 30)

/* Shows some segments of a long payload, among them those that cross a multiple of WS_STRIDE. */
static void pass_payload(struct ws_rig *r, __u32 seq, __u64 len)
{
	__u8 junk[100];

	memset(junk, 0xff, sizeof(junk));
	for (__u64 at = 0; at + sizeof(junk) <= len; at += GIB / 64) {
		__u64 begin = at && at % WS_STRIDE == 0 ? at - 50 : at;

		ws_rig_segment(r, seq + (__u32)begin, junk, sizeof(junk));
		assert_int_equal(r->lost, 0);
	}
	ws_rig_segment(r, seq + (__u32)(len - sizeof(junk)), junk, sizeof(junk));
}

static void frames_larger_than_sequence_numbers(void **state)
{
	static const __u64 lens[] = {GIB - 1, GIB,         GIB + 1, 2 * GIB,       2 * GIB + 7,
				     3 * GIB, 4 * GIB - 1, 4 * GIB, 4 * GIB + 500, 11 * GIB + 3};
	static struct ws_stream s, ping;

	(void)state;
	for (int side = CLIENT; side <= SERVER; side++) {
		for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			struct ws_rig r;
			__u32 seq;

			s.len = 0;
			ws_put_header(&s, (__u8)side, WS_FIN | 2, 64, lens[i]);
			ping.len = 0;
			ws_put_frame(&ping, (__u8)side, WS_FIN | 9, 4);
			ws_rig_begin_frames(&r, (__u8)side, ISN);
			ws_rig_next(&r, s.b, s.len);
			seq = ISN + s.len;
			pass_payload(&r, seq, lens[i]);
			assert_int_equal(r.total.n[WS_BINARY], 1);
			ws_rig_segment(&r, seq + (__u32)lens[i], ping.b, ping.len);
			assert_int_equal(r.lost, 0);
			assert_int_equal(r.total.n[WS_PING], 1);
			assert_int_equal(r.ws.next, seq + (__u32)lens[i] + ping.len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_of_every_form_cut_at_every_byte),
		cmocka_unit_test(every_opcode_is_counted_as_its_kind),
		cmocka_unit_test(many_frames_in_one_segment),
		cmocka_unit_test(any_segmentation_gives_the_same),
		cmocka_unit_test(faults_cut_at_every_byte),
		cmocka_unit_test(lengths_at_the_edge_are_right),
		cmocka_unit_test(fragments),
		cmocka_unit_test(close_codes_cut_at_every_byte),
		cmocka_unit_test(nothing_counts_behind_the_close),
		cmocka_unit_test(frames_larger_than_sequence_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
