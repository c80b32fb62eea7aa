/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames are counted exactly, however they are split into segments, repeated or joined: the
 * counters of the programs are compared with the number of frames that were written. test_ws_sync.c
 * tests the loss of synchronization.
 */
#include <stdlib.h>
#include <string.h>

#include "hokm/ws.h"
#include "talk.h"

#define TEXT (WS_FIN | WS_TEXT)
#define BIN  (WS_FIN | WS_BINARY)
#define PING (WS_FIN | 0x09)
#define PONG (WS_FIN | 0x0a)

#define WRAP_ISN 0xfffffe00u /* the stream passes 0 after a few segments */

/* Compares what was counted since the last call with what was written. */
static void expect_frames(struct fix *x, const struct stream *in, const struct stream *out)
{
	static const enum hokm_counter first[] = {
		HOKM_CTR_in_continuation, HOKM_CTR_out_continuation};

	for (unsigned int kind = 0; kind < WS_KINDS; kind++) {
		assert_int_equal(fix_count(x, 0, first[0] + kind), in->n[kind]);
		assert_int_equal(fix_count(x, 0, first[1] + kind), out->n[kind]);
	}
	assert_int_equal(fix_count(x, 0, HOKM_CTR_sync_lost_in), 0);
	assert_int_equal(fix_count(x, 0, HOKM_CTR_sync_lost_out), 0);
}

static void expect_in_step(const struct talk *t, const struct stream *in, const struct stream *out)
{
	struct hokm_conn c = talk_conn(t);
	uint64_t n = 0, m = 0;

	for (unsigned int kind = 0; kind < WS_KINDS; kind++) {
		n += in->n[kind];
		m += out->n[kind];
	}
	expect_frames(t->x, in, out);
	assert_int_equal(c.c2s.frames, n);
	assert_int_equal(c.s2c.frames, m);
	assert_int_equal(c.c2s.ws.state, HOKM_FOLLOW_FRAMES);
	assert_int_equal(c.s2c.ws.state, HOKM_FOLLOW_FRAMES);
	assert_int_equal(c.c2s.ws.next, t->next[CLIENT]);
	assert_int_equal(c.s2c.ws.next, t->next[SERVER]);
	assert_int_equal(c.sync_lost, 0);
}

/* How a stream is cut into segments. */
enum cutting {
	CUT_FRAMES,  /* a frame a segment */
	CUT_RANDOM,  /* 1 to 1400 bytes */
	CUT_SMALL,   /* 1 to 9 bytes */
	CUT_LARGE,   /* as many bytes as a segment takes here */
	CUT_REPEATS, /* random sizes, and some segments twice */
	CUTTINGS,
};

/* Length of the frame at p with its header; the streams here have no 64-bit lengths. */
static uint32_t frame_size(const uint8_t *p)
{
	uint32_t len = p[1] & WS_LEN;

	if (len == WS_LEN_16)
		len = (uint32_t)p[2] << 8 | p[3];
	return ws_size(p[1]) + len;
}

static uint32_t next_cut(const struct stream *s, uint32_t at, int side, enum cutting how,
			 uint32_t *seed)
{
	uint32_t len;

	switch (how) {
	case CUT_FRAMES:
		len = frame_size(s->b + at);
		break;
	case CUT_SMALL:
		len = 1 + talk_random(seed) % 9;
		break;
	case CUT_LARGE:
		len = side == CLIENT ? 30000 : EGRESS_MAX;
		break;
	default:
		len = 1 + talk_random(seed) % 1400;
	}
	return len < s->len - at ? len : s->len - at;
}

static void deliver(struct talk *t, int side, const struct stream *s, enum cutting how,
		    uint32_t *seed)
{
	uint32_t base = t->next[side];

	for (uint32_t at = 0, len; at < s->len; at += len) {
		len = next_cut(s, at, side, how, seed);
		if (how == CUT_REPEATS && at) {
			uint32_t back = talk_random(seed) % (at < 2000 ? at : 2000);

			/* Segments with old bytes only, and with old and new bytes. */
			talk_at(t, side, base + at - back, s->b + at - back, back, ACK);
			talk_at(t, side, base + at - back, s->b + at - back, back + len / 2, ACK);
		}
		talk_say(t, side, s->b + at, len);
	}
}

static void counts_do_not_depend_on_the_cutting(void **state)
{
	static struct stream in, out;
	struct fix *x = *state;
	uint32_t seed = 2463534242u;
	struct talk t;

	for (unsigned int how = 0; how < CUTTINGS; how++) {
		unsigned int frames = how == CUT_SMALL ? 60 : 250;

		fix_reset(state);
		stream_some(&in, CLIENT, frames, &seed);
		stream_some(&out, SERVER, frames, &seed);
		talk_upgrade(&t, x);
		deliver(&t, CLIENT, &in, how, &seed);
		deliver(&t, SERVER, &out, how, &seed);
		expect_in_step(&t, &in, &out);
	}
}

static void sequence_numbers_may_wrap(void **state)
{
	static struct stream in, out;
	struct fix *x = *state;
	uint32_t seed = 88172645u;
	struct talk t;

	for (unsigned int how = 0; how < CUTTINGS; how++) {
		fix_reset(state);
		stream_some(&in, CLIENT, 40, &seed);
		stream_some(&out, SERVER, 40, &seed);
		talk_init(&t, x, CLIENT_PORT, WRAP_ISN, WRAP_ISN + 77);
		talk_handshake(&t);
		talk_switch(&t);
		deliver(&t, CLIENT, &in, how, &seed);
		deliver(&t, SERVER, &out, how, &seed);
		assert_true(t.next[CLIENT] < WRAP_ISN && t.next[SERVER] < WRAP_ISN);
		expect_in_step(&t, &in, &out);
	}
}

/* ---- headers ---- */

/* A frame between two others, split at every place of its header. */
static void cut_header(struct talk *t, struct stream *both, int side, uint8_t b0, uint32_t len)
{
	static struct stream s;

	for (uint32_t cut = 0; cut <= 14; cut++) {
		uint32_t first;

		s.len = 0;
		stream_frame(&s, side, TEXT, 3);
		first = s.len + cut;
		stream_frame(&s, side, b0, len);
		stream_frame(&s, side, BIN, 2);
		both->n[WS_TEXT]++;
		both->n[ws_kind(b0 & WS_OPCODE)]++;
		both->n[WS_BINARY]++;
		if (first > s.len)
			first = s.len;
		talk_say(t, side, s.b, first);
		for (uint32_t at = first, n; at < s.len; at += n) {
			n = s.len - at < EGRESS_MAX ? s.len - at : EGRESS_MAX;
			talk_say(t, side, s.b + at, n);
		}
	}
}

static void headers_may_be_split_anywhere(void **state)
{
	static const uint32_t lens[] = {0, 1, 125, 126, 4000, 65535, 65536};
	struct stream *in = calloc(1, sizeof(*in)), *out = calloc(1, sizeof(*out));
	struct fix *x = *state;
	struct talk t;

	assert_non_null(in);
	assert_non_null(out);
	talk_upgrade(&t, x);
	for (unsigned int i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		cut_header(&t, in, CLIENT, BIN, lens[i]);
		cut_header(&t, out, SERVER, BIN, lens[i]);
		if (lens[i] > WS_CONTROL_MAX)
			continue;
		cut_header(&t, in, CLIENT, PONG, lens[i]);
		cut_header(&t, out, SERVER, PONG, lens[i]);
	}
	expect_in_step(&t, in, out);
	free(in);
	free(out);
}

/*
 * A segment of one to three bytes in a padded Ethernet frame: the padding is no header, even if it
 * looks like one.
 */
static void padding_is_no_header(void **state)
{
	static const uint8_t header[] = {BIN, WS_MASKED | WS_LEN_16, 1, 0, 1, 2, 3, 4};
	struct fix *x = *state;
	struct talk t;

	for (uint32_t len = 1; len <= 4; len++) {
		struct tcp_spec s = {.flags = ACK, .data = header, .payload = len, .padding = 8};
		struct frame f;

		fix_reset(state);
		talk_upgrade(&t, x);
		s.seq = t.next[CLIENT];
		s.ack = t.next[SERVER];
		frame_tcp(&f, &s);
		memset(f.b + f.len - 8, 0x83, 8); /* padding, not bytes 2 and 3 of this frame */
		expect_pass(x, &f);
		t.next[CLIENT] += len;
		talk_say(&t, CLIENT, header + len, (uint32_t)sizeof(header) - len);
		talk_say(&t, CLIENT, NULL, 256);
		talk_frame(&t, CLIENT, TEXT, 1);
		assert_int_equal(fix_count(x, 0, HOKM_CTR_in_binary), 1);
		assert_int_equal(fix_count(x, 0, HOKM_CTR_in_text), 1);
		assert_int_equal(fix_count(x, 0, HOKM_CTR_sync_lost_in), 0);
	}
}

static void tags_and_options_move_the_payload(void **state)
{
	static struct stream s;
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	s.len = 0;
	stream_frame(&s, CLIENT, TEXT, 3);
	stream_frame(&s, CLIENT, PING, 3);
	expect_in_pass(x, SEG(.eth.tags = 2, .ip.options = 10, .options = 10, .flags = ACK,
			      .seq = t.next[CLIENT], .ack = t.next[SERVER], .data = s.b,
			      .payload = s.len));
	s.len = 0;
	stream_frame(&s, SERVER, TEXT, 3);
	stream_frame(&s, SERVER, PONG, 3);
	fix_out(x,
		SEG(.eth.tags = 1, .ip.options = 3, .options = 3, .flags = ACK,
		    .seq = t.next[SERVER], .ack = t.next[CLIENT], .data = s.b, .payload = s.len));
	assert_int_equal(fix_count(x, 0, HOKM_CTR_in_text), 1);
	assert_int_equal(fix_count(x, 0, HOKM_CTR_in_ping), 1);
	assert_int_equal(fix_count(x, 0, HOKM_CTR_out_text), 1);
	assert_int_equal(fix_count(x, 0, HOKM_CTR_out_pong), 1);
	expect_waiting(x, 0, 0);
}

/* ---- large segments ---- */

/*
 * xdp.frags: a segment of many pages, with headers before, after and across the end of every
 * buffer. The filler at its beginning moves all of them by one byte at a time.
 */
static void headers_beyond_the_first_buffer(void **state)
{
	struct stream *s = calloc(1, sizeof(*s)), *none = calloc(1, sizeof(*none));
	struct fix *x = *state;
	struct talk t;

	assert_non_null(s);
	assert_non_null(none);
	for (uint32_t shift = 0; shift < 24; shift++) {
		fix_reset(state);
		talk_upgrade(&t, x);
		s->len = 0;
		memset(s->n, 0, sizeof(s->n));
		stream_frame(s, CLIENT, TEXT, shift);
		while (s->len < 50000)
			stream_frame(s, CLIENT, s->len & 1 ? BIN : PONG, s->len % 19);
		talk_say(&t, CLIENT, s->b, s->len);
		expect_in_step(&t, s, none);
	}
	free(s);
	free(none);
}

/*
 * One message over all buffers, which follow_fast() handles, and a frame after it in the last
 * buffer.
 */
static void large_messages_over_buffers_and_segments(void **state)
{
	struct stream *s = calloc(1, sizeof(*s)), *none = calloc(1, sizeof(*none));
	struct fix *x = *state;
	struct talk t;

	assert_non_null(s);
	assert_non_null(none);
	talk_upgrade(&t, x);
	stream_frame(s, CLIENT, BIN, 40000);
	talk_say(&t, CLIENT, s->b, s->len);
	expect_in_step(&t, s, none);
	s->len = 0;
	stream_frame(s, CLIENT, BIN, 40000);
	stream_frame(s, CLIENT, PONG, 5);
	talk_say(&t, CLIENT, s->b, s->len);
	expect_in_step(&t, s, none);
	s->len = 0;
	stream_frame(s, CLIENT, TEXT, 150000);
	for (uint32_t at = 0, n; at < s->len; at += n) {
		n = s->len - at < 1448 ? s->len - at : 1448;
		talk_say(&t, CLIENT, s->b + at, n);
	}
	expect_in_step(&t, s, none);
	free(s);
	free(none);
}

/*
 * A frame of gigabytes is skipped in strides, and the rest of its payload is not read as a header.
 */
static void rest_of_a_huge_frame_is_no_header(void **state)
{
	static struct stream s;
	struct fix *x = *state;
	struct hokm_conn c;
	struct talk t;

	talk_upgrade(&t, x);
	c = talk_conn(&t);
	s.len = 0;
	stream_frame(&s, CLIENT, BIN, 500);
	c.c2s.ws.left = 2 * s.len;
	fix_conn_put(x, &c);
	for (unsigned int i = 0; i < 3; i++)
		talk_say(&t, CLIENT, s.b, s.len);
	assert_int_equal(talk_conn(&t).c2s.frames, 1);
	assert_int_equal(talk_conn(&t).sync_lost, 0);
	assert_int_equal(talk_conn(&t).c2s.ws.next, t.next[CLIENT]);
}

/* The first buffer ends with the TCP header, or a few bytes after it. */
static void payload_wholly_beyond_the_first_buffer(void **state)
{
	static struct stream s;
	struct fix *x = *state;
	struct hokm_conn c;
	struct talk t;

	talk_upgrade(&t, x);
	s.len = 0;
	stream_frame(&s, CLIENT, TEXT, 6);
	stream_frame(&s, CLIENT, BIN, 3000);
	for (uint32_t first = 0; first < 32; first++) {
		if (!fix_split(x, 14 + 20 + 20 + first))
			skip();
		talk_say(&t, CLIENT, s.b, s.len);
	}
	c = talk_conn(&t);
	assert_int_equal(c.c2s.frames, 64);
	assert_int_equal(c.c2s.ws.next, t.next[CLIENT]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(counts_do_not_depend_on_the_cutting),
		HOKM_TEST(sequence_numbers_may_wrap),
		HOKM_TEST(headers_may_be_split_anywhere),
		HOKM_TEST(padding_is_no_header),
		HOKM_TEST(tags_and_options_move_the_payload),
		HOKM_TEST(headers_beyond_the_first_buffer),
		HOKM_TEST(large_messages_over_buffers_and_segments),
		HOKM_TEST(rest_of_a_huge_frame_is_no_header),
		HOKM_TEST(payload_wholly_beyond_the_first_buffer),
	};

	return cmocka_run_group_tests_name("ws_frames", tests, fix_open, fix_close);
}
