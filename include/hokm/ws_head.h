/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame tracking: the HTTP/1.1 heads (RFC 9112) of a stream, one character at a time.
 *
 *    line of PROXY --> head --> body of a known length --> head --> ... --> frames
 *
 * A head is a first line and field lines, and a blank line ends it. From the client's head it is
 * read whether an "Upgrade:" field names websocket; from the server's head the status. Behind a
 * head that begins no frames, and behind its body, the next head follows. The length of a body is
 * known from Content-Length up to five digits. Where it is not known, the stream becomes PLAIN:
 * the parser never guesses where a head begins.
 *
 * Before the first head a client's stream may have blank lines and a header of the PROXY protocol,
 * version 1 or 2 with its TLVs. A first byte that is a TLS record type makes the stream one of
 * records.
 *
 * The last eight characters, in lower case, are kept in hokm_ws.left. A word is found by comparing
 * them with the word as one number, so that words may be split over segments.
 */
#ifndef HOKM_WS_HEAD_H
#define HOKM_WS_HEAD_H

#include "hokm/ws_record.h"

#define WS_WORD2(a, b)                  ((__u32)(a) << 8 | (__u32)(b))
#define WS_WORD4(a, b, c, d)            (WS_WORD2(a, b) << 16 | WS_WORD2(c, d))
#define WS_WORD(a, b, c, d, e, f, g, h) ((__u64)WS_WORD4(a, b, c, d) << 32 | WS_WORD4(e, f, g, h))
#define WS_WORD_UPGRADE                 WS_WORD('u', 'p', 'g', 'r', 'a', 'd', 'e', ':')
/* "websocket" has nine characters: this word follows a w. */
#define WS_WORD_SOCKET WS_WORD('e', 'b', 's', 'o', 'c', 'k', 'e', 't')
#define WS_WORD_HTTP   WS_WORD('h', 't', 't', 'p', '/', '1', '.', '0')
/* "content-length:" and "transfer-encoding:", by their ends and their columns. */
#define WS_WORD_CONTENT  WS_WORD('\n', 'c', 'o', 'n', 't', 'e', 'n', 't')
#define WS_WORD_LENGTH   WS_WORD('-', 'l', 'e', 'n', 'g', 't', 'h', ':')
#define WS_WORD_ENCODING WS_WORD('n', 'c', 'o', 'd', 'i', 'n', 'g', ':')
#define WS_AT_UPGRADE    8
#define WS_AT_CONTENT    7
#define WS_AT_LENGTH     15
#define WS_AT_ENCODING   18
/* Methods whose answer has its body behind it; and the first characters of a PROXY line. */
#define WS_WORD_GET   WS_WORD4('g', 'e', 't', ' ')
#define WS_WORD_POST  WS_WORD4('p', 'o', 's', 't')
#define WS_WORD_PUT   WS_WORD4('p', 'u', 't', ' ')
#define WS_WORD_PATCH WS_WORD4('p', 'a', 't', 'c')
#define WS_WORD_DEL   WS_WORD4('d', 'e', 'l', 'e')
#define WS_WORD_OPT   WS_WORD4('o', 'p', 't', 'i')
#define WS_WORD_PROXY WS_WORD4('p', 'r', 'o', 'x')
/*
 * PROXY protocol version 2: CR LF CR LF, which is skipped like other blank lines, and this word;
 * then version, family, and the length of what follows.
 */
#define WS_WORD_PROXY2 WS_WORD(0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n')
#define WS_PROXY2_HEAD 12
#define WS_PROXY2      (WS_MARK_PROXY | WS_MARK_FIELDS)
/* Characters of "HTTP/1.1 101". No first line is shorter. */
#define WS_STATUS_AT 12
/* Digits of a body's length, and the greatest one: it is kept in 16 bits, plus one. */
#define WS_LENGTH_DIGITS 5
#define WS_LENGTH_MAX    0xfffe

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
	if (r->ws.have & WS_MARK_LOOSE && state == HOKM_FOLLOW_HEAD)
		r->ws.flags |= HOKM_WS_FLAG_UNSURE;
	else if (state != HOKM_FOLLOW_HEAD)
		r->ws.flags &= (__u8)~HOKM_WS_FLAG_UNSURE;
	r->ws.state = state;
	r->ws.left = 0;
	r->ws.have = 0;
	r->ws.b0 = 0;
	r->ws.b1 = 0;
	r->ws.code = 0;
}

/* The length of the body as Content-Length gives it, plus one; 0: there was no such field. */
WS_INLINE __u32 ws_body(const struct hokm_ws *w)
{
	return (__u32)w->b1 << 8 | w->code;
}

/* Behind a head and its body the next head follows, if the length of the body is known. */
WS_INLINE void ws_head_next(struct ws_run *r, __u32 body)
{
	bool known = !(r->ws.have & WS_MARK_BODY);

	ws_head_over(r, known ? HOKM_FOLLOW_HEAD : HOKM_FOLLOW_PLAIN);
	if (known)
		r->off += body;
}

/*
 * The blank line of a request. The server must answer an upgrade request only if no doubt is left
 * about where it begins and ends: a server may wait for the rest of a body, or for a CR.
 */
WS_INLINE void ws_request_end(struct ws_run *r)
{
	const __u8 doubts = WS_MARK_BODY | WS_MARK_LOOSE;
	__u32 body = ws_body(&r->ws);

	body -= !!body;
	r->seen.heads++;
	if (!(r->ws.have & WS_MARK_WEBSOCKET)) {
		r->seen.did |= WS_DID_PLAIN;
		ws_head_next(r, body);
		return;
	}
	r->seen.did |= WS_DID_REQUEST;
	if (!body && !(r->ws.have & doubts) && !(r->ws.flags & HOKM_WS_FLAG_UNSURE))
		r->seen.did |= WS_DID_SURE;
	ws_head_over(r, body || r->ws.have & WS_MARK_BODY ? HOKM_FOLLOW_PLAIN : HOKM_FOLLOW_FRAMES);
}

/*
 * The blank line of an answer. After an interim answer (RFC 9110 section 15.2) the head of the
 * final one follows. Without a length the body ends with the connection (RFC 9112 section 6.3).
 */
WS_INLINE void ws_answer_end(struct ws_run *r)
{
	__u16 status = (__u16)(r->ws.mask[0] << 8 | r->ws.mask[1]);
	__u32 body = ws_body(&r->ws);

	if (status >= 100 && status < 200 && status != 101) {
		ws_head_over(r, HOKM_FOLLOW_HEAD);
		return;
	}
	r->seen.heads++;
	r->seen.did |= WS_DID_STATUS;
	r->seen.did &= (__u8)~WS_DID_SURE;
	if (!(r->ws.flags & HOKM_WS_FLAG_UNSURE))
		r->seen.did |= WS_DID_SURE;
	r->seen.status = status;
	if (status == 101) {
		bool other = r->ws.have & WS_MARK_OTHER && !(r->ws.have & WS_MARK_WEBSOCKET);

		ws_head_over(r, other ? HOKM_FOLLOW_PLAIN : HOKM_FOLLOW_FRAMES);
		return;
	}
	if (status == 204 || status == 304) {
		r->ws.have &= (__u8)~WS_MARK_BODY;
		body = 1;
	} else if (!body) {
		r->ws.have |= WS_MARK_BODY;
	}
	ws_head_next(r, body - 1);
}

/*
 * The line of Content-Length has ended: reads its digits from the last characters. A number with
 * more digits, or two numbers that differ, leave the length unknown.
 */
WS_INLINE void ws_length_read(struct hokm_ws *w, __u64 roll, bool cr)
{
	__u32 number = 0, scale = 1;
	bool good = false;

	roll >>= cr ? 16 : 8;
#ifdef __bpf__
#pragma clang loop unroll(full)
#endif
	for (int i = 0; i <= WS_LENGTH_DIGITS; i++) {
		__u64 c = roll & 0xff;

		if (!ws_is_digit(c)) {
			good = i && (c == ' ' || c == ':' || c == '\t');
			break;
		}
		number += (__u32)(c - '0') * scale;
		scale *= 10;
		roll >>= 8;
	}
	if (!good || number > WS_LENGTH_MAX || (ws_body(w) && ws_body(w) != number + 1)) {
		w->have |= WS_MARK_BODY;
		return;
	}
	number++;
	w->b1 = (__u8)(number >> 8);
	w->code = (__u8)number;
}

/* The first line has ended. */
WS_INLINE void ws_first_line(struct ws_run *r, __u32 column)
{
	if (r->ws.have & WS_MARK_PROXY)
		ws_head_over(r, HOKM_FOLLOW_HEAD);
	else if (column <= WS_STATUS_AT)
		ws_head_over(r, HOKM_FOLLOW_PLAIN);
	else
		r->ws.have |= WS_MARK_FIELDS;
}

/* A line has ended. column: its characters. */
WS_INLINE void ws_line_end(struct ws_run *r, __u32 column, __u64 roll)
{
	__u8 line = r->ws.have & WS_MARK_LINE;
	bool cr = (roll >> 8 & 0xff) == '\r';

	r->ws.b0 = 0;
	r->ws.have &= (__u8)~WS_MARK_LINE;
	if (!cr)
		r->ws.have |= WS_MARK_LOOSE;
	if (!(r->ws.have & WS_MARK_FIELDS)) {
		ws_first_line(r, column);
	} else if (column == 1U + cr) {
		if (r->side == HOKM_SIDE_CLIENT)
			ws_request_end(r);
		else
			ws_answer_end(r);
	} else if (line == WS_LINE_LENGTH) {
		ws_length_read(&r->ws, roll, cr);
	} else if (line == WS_LINE_UPGRADE) {
		r->ws.have |= WS_MARK_OTHER;
	}
}

/* Has the client's stream the first characters of a request or of a PROXY line? */
WS_INLINE bool ws_method(struct hokm_ws *w, __u32 word)
{
	if (word == WS_WORD_PROXY)
		w->have |= WS_MARK_PROXY;
	return word == WS_WORD_GET || word == WS_WORD_POST || word == WS_WORD_PUT ||
	       word == WS_WORD_PATCH || word == WS_WORD_DEL || word == WS_WORD_OPT ||
	       word == WS_WORD_PROXY;
}

/*
 * Checks the beginning of the first line after `column` characters: a method from a client,
 * "HTTP/1.0 " or "HTTP/1.1 " and a status from a server. Returns false when it is not HTTP.
 */
WS_INLINE bool ws_head_start(struct ws_run *r, __u32 column, __u64 roll)
{
	__u16 status;

	if (r->side == HOKM_SIDE_CLIENT)
		return column != 4 || ws_method(&r->ws, (__u32)roll);
	if (column == 8)
		return (roll & ~1ULL) == WS_WORD_HTTP;
	if (column != WS_STATUS_AT)
		return true;
	status = ws_status(roll);
	r->ws.mask[0] = (__u8)(status >> 8);
	r->ws.mask[1] = (__u8)status;
	return status;
}

/* Reads one character of a field line: which field it is, and whether Upgrade names websocket. */
WS_INLINE void ws_field_byte(struct hokm_ws *w, __u8 byte, __u32 column, __u64 roll, __u8 before)
{
	__u8 line = w->have & WS_MARK_LINE;

	if (column == WS_AT_CONTENT && roll == WS_WORD_CONTENT) {
		w->have |= WS_LINE_CONTENT;
	} else if (byte == ':') {
		if (column == WS_AT_UPGRADE && roll == WS_WORD_UPGRADE)
			w->have |= WS_LINE_UPGRADE;
		else if (line == WS_LINE_CONTENT && column == WS_AT_LENGTH &&
			 roll == WS_WORD_LENGTH)
			w->have |= WS_LINE_LENGTH;
		else if (line != WS_LINE_UPGRADE && column == WS_AT_ENCODING &&
			 roll == WS_WORD_ENCODING)
			w->have |= WS_MARK_BODY;
	} else if (line == WS_LINE_UPGRADE && roll == WS_WORD_SOCKET && before == 'w') {
		w->have |= WS_MARK_WEBSOCKET;
	}
}

WS_INLINE __u8 ws_lower(__u8 c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* Reads one byte of the binary header of PROXY protocol version 2. */
WS_INLINE void ws_proxy_byte(struct ws_run *r, __u8 byte)
{
	__u64 roll = r->ws.left << 8 | byte;
	__u32 at = ++r->ws.b0;

	r->ws.left = roll;
	r->off++;
	if ((at == 8 && roll != WS_WORD_PROXY2) || (at == 9 && byte >> 4 != 2)) {
		ws_head_over(r, HOKM_FOLLOW_PLAIN);
	} else if (at == WS_PROXY2_HEAD) {
		r->off += roll & 0xffff;
		ws_head_over(r, HOKM_FOLLOW_HEAD);
	}
}

/*
 * The first byte of a stream or behind a head may begin something else: TLS, blank lines that
 * servers skip (RFC 9112 section 2.2), or the header of PROXY protocol version 2.
 */
WS_INLINE bool ws_head_first(struct ws_run *r, __u8 byte)
{
	if (ws_record_type(byte)) {
		r->seen.did |= WS_DID_TLS;
		ws_head_over(r, HOKM_FOLLOW_RECORDS);
		return true;
	}
	if (r->side != HOKM_SIDE_CLIENT)
		return false;
	if (byte == '\r' || byte == '\n') {
		r->off++;
		return true;
	}
	if (!byte)
		r->ws.have = WS_PROXY2;
	return false;
}

/* Reads one character of a head. */
WS_INLINE void ws_head_take(struct ws_run *r, __u8 byte)
{
	struct hokm_ws *w = &r->ws;
	__u8 before = (__u8)(w->left >> 56);
	__u64 roll = w->left << 8 | ws_lower(byte);

	if (!w->b0 && !(w->have & WS_MARK_FIELDS) && ws_head_first(r, byte))
		return;
	if ((w->have & WS_PROXY2) == WS_PROXY2) {
		ws_proxy_byte(r, byte);
		return;
	}
	w->left = roll;
	r->off++;
	if (w->b0 < 255)
		w->b0++;
	if (byte == '\n')
		ws_line_end(r, w->b0, roll);
	else if (w->have & WS_MARK_FIELDS)
		ws_field_byte(w, byte, w->b0, roll, before);
	else if (!ws_head_start(r, w->b0, roll))
		ws_head_over(r, HOKM_FOLLOW_PLAIN);
}

/* ws_head_take() as a function of its own: the loop below would be checked for each character. */
WS_ALONE int ws_head_byte(struct ws_run *r, __u8 byte)
{
	if (r)
		ws_head_take(r, byte);
	return 0;
}

/* Characters that one step reads. */
#define WS_HEAD_BYTES 8

WS_INLINE void ws_step_head(struct ws_run *r, const struct ws_bytes *b)
{
	__u64 bytes = b->hi;
	__u32 begin = r->off;

#ifdef __bpf__
#pragma clang loop unroll(disable)
#endif
	for (__u32 i = 0; i < WS_HEAD_BYTES; i++) {
		/* A body that was skipped ends the step: the next bytes are not among these. */
		if (i >= b->have || r->ws.state != HOKM_FOLLOW_HEAD || r->off - begin != i)
			break;
		ws_head_byte(r, (__u8)(bytes >> 56));
		bytes <<= 8;
	}
}

#endif
