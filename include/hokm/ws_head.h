/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame tracking: the HTTP/1.1 head (RFC 9112) that a stream begins with, one character at a time.
 *
 * A head is a first line and field lines, and a blank line ends it. From the client's head it is
 * read whether it begins with "GET " and whether an "Upgrade:" field names websocket; from the
 * server's head the status. A first byte that is a TLS record type makes the stream one of records.
 *
 * The last eight characters, in lower case, are kept in hokm_ws.left. A word is found by comparing
 * them with the word as one number, so that words may be split over segments.
 */
#ifndef HOKM_WS_HEAD_H
#define HOKM_WS_HEAD_H

#include "hokm/ws_record.h"

#define WS_WORD(a, b, c, d, e, f, g, h)                                              \
	((__u64)(a) << 56 | (__u64)(b) << 48 | (__u64)(c) << 40 | (__u64)(d) << 32 | \
	 (__u64)(e) << 24 | (__u64)(f) << 16 | (__u64)(g) << 8 | (__u64)(h))
#define WS_WORD_UPGRADE WS_WORD('u', 'p', 'g', 'r', 'a', 'd', 'e', ':')
/* "websocket" has nine characters: this word follows a w. */
#define WS_WORD_SOCKET WS_WORD('e', 'b', 's', 'o', 'c', 'k', 'e', 't')
#define WS_WORD_HTTP   WS_WORD('h', 't', 't', 'p', '/', '1', '.', '0')
#define WS_WORD_GET    0x67657420U /* "get " */
/* The end of a head: LF CR LF. The line before it may end in a bare LF (RFC 9112 section 2.2). */
#define WS_HEAD_ENDS 0x0a0d0aU
/* Characters of "HTTP/1.1 101". No head is shorter. */
#define WS_STATUS_AT 12

WS_INLINE bool ws_is_digit(__u64 c)
{
	return c >= '0' && c <= '9';
}

/* The number of the last three characters in roll; 0 when they are not digits. */
WS_INLINE __u16 ws_status(__u64 roll)
{
	__u64 a = roll >> 16 & 0xff, b = roll >> 8 & 0xff, c = roll & 0xff;

	if (!ws_is_digit(a) || !ws_is_digit(b) || !ws_is_digit(c))
		return 0;
	return (__u16)((a - '0') * 100 + (b - '0') * 10 + (c - '0'));
}

/* Leaves the head for another state; what was noted of the head is cleared. */
WS_INLINE void ws_head_over(struct ws_run *r, __u8 state)
{
	r->ws.state = state;
	r->ws.left = 0;
	r->ws.have = 0;
	r->ws.b0 = 0;
}

/*
 * The blank line was read. A request with an upgrade, and an answer with 101, are followed by
 * frames. After an interim answer (RFC 9110 section 15.2) the head of the final one follows.
 */
WS_INLINE void ws_head_end(struct ws_run *r)
{
	__u16 status = (__u16)(r->ws.mask[0] << 8 | r->ws.mask[1]);

	if (r->side == HOKM_SIDE_CLIENT) {
		bool upgrade = r->ws.have & WS_MARK_WEBSOCKET;

		r->seen.did |= upgrade ? WS_DID_REQUEST : WS_DID_PLAIN;
		ws_head_over(r, upgrade ? HOKM_FOLLOW_FRAMES : HOKM_FOLLOW_PLAIN);
	} else if (status >= 100 && status < 200 && status != 101) {
		ws_head_over(r, HOKM_FOLLOW_HEAD);
	} else {
		r->seen.did |= WS_DID_STATUS;
		r->seen.status = status;
		ws_head_over(r, status == 101 ? HOKM_FOLLOW_FRAMES : HOKM_FOLLOW_PLAIN);
	}
}

/*
 * Checks the beginning of the head after `count` characters: "GET " from a client, "HTTP/1.0 " or
 * "HTTP/1.1 " and a status from a server. Returns false when it is not HTTP.
 */
WS_INLINE bool ws_head_start(struct ws_run *r, __u32 count, __u64 roll)
{
	__u16 status;

	if (r->side == HOKM_SIDE_CLIENT)
		return count != 4 || (__u32)roll == WS_WORD_GET;
	if (count == 8)
		return (roll & ~1ULL) == WS_WORD_HTTP;
	if (count != WS_STATUS_AT)
		return true;
	status = ws_status(roll);
	r->ws.mask[0] = (__u8)(status >> 8);
	r->ws.mask[1] = (__u8)status;
	return status;
}

WS_INLINE __u8 ws_lower(__u8 c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* Reads one character of a head. */
WS_INLINE void ws_head_byte(struct ws_run *r, __u8 byte)
{
	struct hokm_ws *w = &r->ws;
	__u8 before = (__u8)(w->left >> 56);
	__u64 roll = w->left << 8 | ws_lower(byte);

	if (!w->b0 && ws_record_type(byte)) {
		r->seen.did |= WS_DID_TLS;
		ws_head_over(r, HOKM_FOLLOW_RECORDS);
		return;
	}
	w->left = roll;
	r->off++;
	if (w->b0 < WS_STATUS_AT) {
		w->b0++;
		if (!ws_head_start(r, w->b0, roll)) {
			ws_head_over(r, HOKM_FOLLOW_PLAIN);
			return;
		}
	}
	if (byte == '\n') {
		w->have &= (__u8)~WS_MARK_UPGRADE;
		if (w->b0 == WS_STATUS_AT &&
		    ((roll & 0xffffff) == WS_HEAD_ENDS || (roll & 0xffff) == 0x0a0a))
			ws_head_end(r);
	} else if (byte == ':') {
		if (roll == WS_WORD_UPGRADE && before == '\n')
			w->have |= WS_MARK_UPGRADE;
	} else if (roll == WS_WORD_SOCKET && before == 'w' && w->have & WS_MARK_UPGRADE) {
		w->have |= WS_MARK_WEBSOCKET;
	}
}

/* Characters that one step reads. */
#define WS_HEAD_BYTES 8

WS_INLINE void ws_step_head(struct ws_run *r, const struct ws_bytes *b)
{
	__u64 bytes = b->hi;

#ifdef __bpf__
#pragma clang loop unroll(disable)
#endif
	for (__u32 i = 0; i < WS_HEAD_BYTES; i++) {
		if (i >= b->have || r->ws.state != HOKM_FOLLOW_HEAD)
			break;
		ws_head_byte(r, (__u8)(bytes >> 56));
		bytes <<= 8;
	}
}

#endif
