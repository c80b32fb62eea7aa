/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Following one direction of a WebSocket connection by sequence numbers: one parser for the BPF
 * programs, user space and the fuzzers. It reads headers only, never payload, and nothing is copied
 * or put together again.
 *
 *    HEAD ──upgrade / 101──> FRAMES ──close frame──> DONE
 *     │ │                     │  ^
 *     │ └──TLS──> RECORDS     │  └──── TRIAL <──┐ a segment that is nothing but whole frames,
 *     └──else───> PLAIN       └──fault──> LOST ─┘ and another one right behind it
 *
 * RFC 6455 section 5.2, the frame header:
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-+-+-+-+-------+-+-------------+-------------------------------+
 *   |F|R|R|R| opcode|M| length (7)  |  16 bits of length if it is   |
 *   |I|S|S|S|  (4)  |A|             |  126, 64 bits if it is 127    |
 *   |N|V|V|V|       |S|             |                               |
 *   | |1|2|3|       |K|             |  then, if M, 4 bytes of mask  |
 *   +-+-+-+-+-------+-+-------------+-------------------------------+
 *
 * Clients mask, servers do not (5.1): with the reserved bits, the opcodes, the rules of control
 * frames (5.5) and of fragments (5.4) a cheap test of being in step. permessage-deflate (RFC 7692)
 * sets RSV1 on the first frame of a message and nowhere else. RFC 8446 section 5.1 for TLS records.
 *
 * How it is used, for each segment with payload:
 *   1. ws_enter(): does anything begin in it that must be read, and where?
 *   2. while ws_more(): load up to WS_CHUNK bytes at run.off and give them to ws_step()
 *   3. ws_leave(): the new state, and in run.seen what was found
 *
 * Invariants
 *  - state.next is where the next unread byte of a header (HEAD: of the head) lies. A segment that
 *    does not contain it changes nothing; so repetitions and overlaps count once, and payload may
 *    come in any order.
 *  - A segment beyond `next` opens a gap. If the gap is closed and `next` lies behind all that came
 *    too early, nothing was missed. Else a header went by unread: LOST, never a guess.
 *  - Every step takes at least one byte or ends the run, but for one that finds TLS where a head
 * was to begin: steps <= payload bytes + 1.
 */
#ifndef HOKM_WS_H
#define HOKM_WS_H

#include "hokm/abi.h"

#ifndef __bpf__
#include <stdbool.h>
#endif

#define WS_INLINE static inline __attribute__((always_inline, unused))

#define WS_CHUNK  16         /* bytes one step wants to see */
#define WS_STRIDE (1U << 30) /* payload skipped at a time: sequence numbers compare over 2^31 */

/*
 * Further ahead than any window a game's client has: such a segment is not of this stream. Whoever
 * sees only one direction can but call the stream lost; else the other side's acknowledgement
 * decides.
 */
#define WS_GAP_MAX (4U << 20)

/* Kinds of frames, in the order of the counters of hokm/abi.h. */
#define WS_CONTINUATION 0
#define WS_TEXT         1
#define WS_BINARY       2
#define WS_CLOSE        3
#define WS_PING         4
#define WS_PONG         5
#define WS_KINDS        6

#define WS_FIN         0x80
#define WS_RSV1        0x40
#define WS_RSV23       0x30
#define WS_OPCODE      0x0f
#define WS_OP_CONTROL  0x08
#define WS_OP_CLOSE    0x08
#define WS_MASKED      0x80
#define WS_LEN         0x7f
#define WS_CONTROL_MAX 125
#define WS_LEN_16      126
#define WS_LEN_64      127

#define WS_CODE_EMPTY    1005 /* a close frame without a code (RFC 6455 section 7.4.1) */
#define WS_CODE_ABNORMAL 1006 /* an end without a close frame */

/* Marks of a head, in hokm_ws.have. */
#define WS_MARK_UPGRADE   0x01 /* in the line "Upgrade:" */
#define WS_MARK_WEBSOCKET 0x02 /* which names websocket */

/* What ws_seen.did tells. */
#define WS_DID_REQUEST  0x01 /* the head of an upgrade request ended */
#define WS_DID_PLAIN    0x02 /* the head of a request without an upgrade ended */
#define WS_DID_STATUS   0x04 /* the head of an answer ended; status */
#define WS_DID_TLS      0x08 /* the stream began with a TLS record */
#define WS_DID_CLOSE    0x10 /* the close frame; close_code */
#define WS_DID_LOST     0x20 /* fault */
#define WS_DID_REGAINED 0x40

/* What was found in one segment. */
struct ws_seen {
	__u32 n[WS_KINDS]; /* frames */
	__u32 records;     /* TLS records */
	__u16 close_code;
	__u16 status;
	__u8 did;   /* WS_DID_* */
	__u8 fault; /* enum hokm_ws_fault */
};

/* The work on one segment. */
struct ws_run {
	struct hokm_ws ws;
	__u32 seq;  /* of the first payload byte */
	__u32 len;  /* of the payload */
	__u32 off;  /* of what is read next; behind len when that is still to come */
	__u8 side;  /* HOKM_SIDE_* of the sender */
	__u8 trial; /* state before: LOST or TRIAL; 0 in step */
	struct ws_seen seen;
};

/* Bytes of the stream in their order, the first in the highest bits of hi; zero beyond `have`. */
struct ws_bytes {
	__u64 hi, lo;
	__u32 have;
};

/* Sequence numbers (RFC 9293 section 3.4). */
WS_INLINE __s32 ws_diff(__u32 a, __u32 b)
{
	return (__s32)(a - b);
}

WS_INLINE __u32 ws_kind(__u8 opcode)
{
	return opcode < WS_OP_CONTROL ? opcode : (__u32)opcode - WS_OP_CONTROL + WS_CLOSE;
}

WS_INLINE __u32 ws_size(__u8 b1)
{
	__u8 len = b1 & WS_LEN;
	__u32 size = len == WS_LEN_64 ? 10 : len == WS_LEN_16 ? 4 : 2;

	return size + (b1 & WS_MASKED ? 4 : 0);
}

/* Where a stream begins: at the first byte behind the handshake. */
WS_INLINE void ws_begin(struct hokm_ws *w, __u32 seq)
{
	*w = (struct hokm_ws){.next = seq, .state = HOKM_FOLLOW_HEAD};
}

/* A stream whose beginning nobody saw. */
WS_INLINE void ws_begin_unknown(struct hokm_ws *w)
{
	*w = (struct hokm_ws){.state = HOKM_FOLLOW_LOST};
}

WS_INLINE void ws_lose(struct ws_run *r, enum hokm_ws_fault fault)
{
	if (!r->trial && r->ws.state != HOKM_FOLLOW_LOST) {
		r->seen.did |= WS_DID_LOST;
		r->seen.fault = (__u8)fault;
	}
	r->ws.state = HOKM_FOLLOW_LOST;
	r->ws.flags = 0;
	r->ws.have = 0;
	r->ws.left = 0;
}

/* ---- frames ---- */

/* The two bytes every header begins with. */
WS_INLINE enum hokm_ws_fault ws_check(const struct hokm_ws *w, __u8 side, __u8 b0, __u8 b1)
{
	__u8 opcode = b0 & WS_OPCODE;

	if (b0 & WS_RSV23)
		return HOKM_FAULT_RSV;
	if (!(b1 & WS_MASKED) != (side == HOKM_SIDE_SERVER))
		return HOKM_FAULT_MASK;
	if (opcode & WS_OP_CONTROL) {
		if (opcode > 10)
			return HOKM_FAULT_OPCODE;
		if (b0 & WS_RSV1)
			return HOKM_FAULT_RSV;
		if (!(b0 & WS_FIN) || (b1 & WS_LEN) > WS_CONTROL_MAX)
			return HOKM_FAULT_CONTROL;
		return HOKM_FAULT_NONE;
	}
	if (opcode > 2)
		return HOKM_FAULT_OPCODE;
	if (opcode)
		return w->flags & HOKM_WS_FLAG_MESSAGE ? HOKM_FAULT_ORDER : HOKM_FAULT_NONE;
	if (b0 & WS_RSV1)
		return HOKM_FAULT_RSV;
	return w->flags & (HOKM_WS_FLAG_MESSAGE | HOKM_WS_FLAG_UNSURE)
		       ? HOKM_FAULT_NONE
		       : HOKM_FAULT_ORDER;
}

/* Shortest form only (5.2). */
WS_INLINE bool ws_len_ok(__u8 b1, __u64 len)
{
	__u8 len7 = b1 & WS_LEN;

	if (len7 == WS_LEN_16)
		return len >= WS_LEN_16;
	return len7 != WS_LEN_64 || (len > 0xffff && !(len >> 63));
}

/* Which message is open behind a frame. */
WS_INLINE void ws_note_message(struct hokm_ws *w, __u8 b0)
{
	if (b0 & WS_OP_CONTROL)
		return;
	w->flags &= (__u8) ~(HOKM_WS_FLAG_UNSURE | HOKM_WS_FLAG_MESSAGE);
	if (!(b0 & WS_FIN))
		w->flags |= HOKM_WS_FLAG_MESSAGE;
}

/* Skips payload, as far as sequence numbers can tell. */
WS_INLINE void ws_skip(struct ws_run *r, __u64 len)
{
	__u32 now = len < WS_STRIDE ? (__u32)len : WS_STRIDE;

	r->off += now;
	r->ws.left = len - now;
}

/* A header is complete: `taken` bytes of this segment, `rest` of payload behind them. */
WS_INLINE void ws_frame(struct ws_run *r, __u8 b0, __u32 taken, __u64 rest, __u16 code)
{
	__u32 kind = ws_kind(b0 & WS_OPCODE);

	/*
	 * The first frame of a trial must begin something: runs of zeros look like continuations.
	 */
	if (r->trial == HOKM_FOLLOW_LOST && !r->off && kind == WS_CONTINUATION) {
		ws_lose(r, HOKM_FAULT_ORDER);
		return;
	}
	if (kind < WS_KINDS)
		r->seen.n[kind]++;
	ws_note_message(&r->ws, b0);
	r->ws.have = 0;
	r->off += taken;
	ws_skip(r, rest);
	if (kind == WS_CLOSE) {
		r->seen.did |= WS_DID_CLOSE;
		r->seen.close_code = code;
		r->ws.state = HOKM_FOLLOW_DONE;
	}
}

/* A header that lies in the chunk with all that is wanted of it. */
WS_INLINE void ws_whole(struct ws_run *r, const struct ws_bytes *b, __u32 size)
{
	__u8 b0 = (__u8)(b->hi >> 56), b1 = (__u8)(b->hi >> 48);
	__u64 len = b1 & WS_LEN;
	__u16 code = WS_CODE_EMPTY;
	__u32 taken = size;

	if (len == WS_LEN_16)
		len = b->hi >> 32 & 0xffff;
	else if (len == WS_LEN_64)
		len = b->hi << 16 | b->lo >> 48;
	if (!ws_len_ok(b1, len)) {
		ws_lose(r, HOKM_FAULT_LENGTH);
		return;
	}
	if ((b0 & WS_OPCODE) == WS_OP_CLOSE && len >= 2) {
		code = (__u16)(b->hi >> 32);
		if (b1 & WS_MASKED)
			code ^= (__u16)b->hi; /* mask bytes 2 and 3 of 2..5, payload 6 and 7 */
		taken += 2;
		len -= 2;
	}
	ws_frame(r, b0, taken, len, code);
}

/* A whole header's length is right; with a close code still to come it is not complete. */
WS_INLINE void ws_piece_end(struct ws_run *r, __u32 size, __u8 byte)
{
	struct hokm_ws *w = &r->ws;
	bool close = (w->b0 & WS_OPCODE) == WS_OP_CLOSE;
	__u64 len = w->b1 & WS_LEN;
	__u16 code = WS_CODE_EMPTY;

	if (len >= WS_LEN_16)
		len = w->left;
	if (!ws_len_ok(w->b1, len)) {
		ws_lose(r, HOKM_FAULT_LENGTH);
		return;
	}
	if (close && len >= 2) {
		if (w->have == size + 1)
			w->code = byte ^ w->mask[0];
		if (w->have < size + 2) {
			r->off++;
			return;
		}
		code = (__u16)(w->code << 8 | (byte ^ w->mask[1]));
		len -= 2;
	}
	ws_frame(r, w->b0, 1, len, code);
}

/* One byte of a header that is split over segments. */
WS_INLINE void ws_piece(struct ws_run *r, __u8 byte)
{
	struct hokm_ws *w = &r->ws;
	__u32 at = w->have, size;
	enum hokm_ws_fault fault;

	if (!at) {
		w->b0 = byte;
		w->have = 1;
		r->off++;
		return;
	}
	w->have = (__u8)(at + 1);
	if (at == 1) {
		fault = ws_check(w, r->side, w->b0, byte);
		if (fault) {
			ws_lose(r, fault);
			return;
		}
		w->b1 = byte;
		w->left = 0;
		w->mask[0] = w->mask[1] = 0;
	}
	size = ws_size(w->b1);
	if (at >= 2 && at < size) {
		__u32 mask_at = w->b1 & WS_MASKED ? size - 4 : size;

		if (at < mask_at)
			w->left = w->left << 8 | byte;
		else if (at == mask_at)
			w->mask[0] = byte;
		else if (at == mask_at + 1)
			w->mask[1] = byte;
	}
	if (at + 1 >= size)
		ws_piece_end(r, size, byte);
	else
		r->off++;
}

WS_INLINE void ws_step_frames(struct ws_run *r, const struct ws_bytes *b)
{
	__u8 b0 = (__u8)(b->hi >> 56), b1 = (__u8)(b->hi >> 48);
	enum hokm_ws_fault fault;
	__u32 size, want;

	if (!r->ws.have && r->ws.left) {
		ws_skip(r, r->ws.left);
		return;
	}
	if (r->ws.have || b->have < 2) {
		ws_piece(r, b0);
		return;
	}
	fault = ws_check(&r->ws, r->side, b0, b1);
	if (fault) {
		ws_lose(r, fault);
		return;
	}
	size = ws_size(b1);
	want = size + ((b0 & WS_OPCODE) == WS_OP_CLOSE && (b1 & WS_LEN) >= 2 ? 2 : 0);
	if (b->have < want)
		ws_piece(r, b0);
	else
		ws_whole(r, b, size);
}

/* ---- TLS records: type, version, length ---- */

#define WS_RECORD_HEAD 5
#define WS_RECORD_MAX  (16384 + 2048)

WS_INLINE bool ws_record_type(__u8 type)
{
	return type >= 20 && type <= 24;
}

/* Byte by byte: a record is long and its header short. */
WS_INLINE void ws_step_records(struct ws_run *r, const struct ws_bytes *b)
{
	struct hokm_ws *w = &r->ws;
	__u8 byte = (__u8)(b->hi >> 56);
	__u64 len;

	if ((w->have == 0 && !ws_record_type(byte)) || (w->have == 1 && byte != 3)) {
		ws_lose(r, HOKM_FAULT_RECORD);
		return;
	}
	if (w->have == 0)
		w->left = 0;
	w->left = w->left << 8 | byte;
	w->have++;
	r->off++;
	if (w->have < WS_RECORD_HEAD)
		return;
	len = w->left & 0xffff;
	w->have = 0;
	w->left = 0;
	if (len > WS_RECORD_MAX) {
		ws_lose(r, HOKM_FAULT_RECORD);
		return;
	}
	r->seen.records++;
	r->off += (__u32)len;
}

/* ---- the HTTP head (RFC 9112) ---- */

#define WS_WORD(a, b, c, d, e, f, g, h)                                              \
	((__u64)(a) << 56 | (__u64)(b) << 48 | (__u64)(c) << 40 | (__u64)(d) << 32 | \
	 (__u64)(e) << 24 | (__u64)(f) << 16 | (__u64)(g) << 8 | (__u64)(h))
#define WS_WORD_UPGRADE WS_WORD('u', 'p', 'g', 'r', 'a', 'd', 'e', ':')
#define WS_WORD_SOCKET  WS_WORD('e', 'b', 's', 'o', 'c', 'k', 'e', 't') /* behind a w */
#define WS_WORD_HTTP    WS_WORD('h', 't', 't', 'p', '/', '1', '.', '0')
#define WS_WORD_GET     0x67657420U /* "get " */
/* the line before it may end in a bare LF (RFC 9112 section 2.2) */
#define WS_HEAD_ENDS 0x0a0d0aU
#define WS_STATUS_AT 12 /* characters of "HTTP/1.1 101"; no head is shorter */

WS_INLINE bool ws_is_digit(__u64 c)
{
	return c >= '0' && c <= '9';
}

/* The three digits that end `roll`; 0 when they are none. */
WS_INLINE __u16 ws_status(__u64 roll)
{
	__u64 a = roll >> 16 & 0xff, b = roll >> 8 & 0xff, c = roll & 0xff;

	if (!ws_is_digit(a) || !ws_is_digit(b) || !ws_is_digit(c))
		return 0;
	return (__u16)((a - '0') * 100 + (b - '0') * 10 + (c - '0'));
}

WS_INLINE void ws_head_over(struct ws_run *r, __u8 state)
{
	r->ws.state = state;
	r->ws.left = 0;
	r->ws.have = 0;
	r->ws.b0 = 0;
}

/* The blank line. */
WS_INLINE void ws_head_end(struct ws_run *r)
{
	__u16 status = (__u16)(r->ws.mask[0] << 8 | r->ws.mask[1]);

	if (r->side == HOKM_SIDE_CLIENT) {
		bool upgrade = r->ws.have & WS_MARK_WEBSOCKET;

		r->seen.did |= upgrade ? WS_DID_REQUEST : WS_DID_PLAIN;
		ws_head_over(r, upgrade ? HOKM_FOLLOW_FRAMES : HOKM_FOLLOW_PLAIN);
	} else if (status >= 100 && status < 200 && status != 101) {
		/* An interim answer: the real one follows. */
		ws_head_over(r, HOKM_FOLLOW_HEAD);
	} else {
		r->seen.did |= WS_DID_STATUS;
		r->seen.status = status;
		ws_head_over(r, status == 101 ? HOKM_FOLLOW_FRAMES : HOKM_FOLLOW_PLAIN);
	}
}

/* How it begins: "GET ", or "HTTP/1." and a status. False: not HTTP. */
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

/* One character of a head. */
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

/* ---- one segment ---- */

/* The work on one segment, before anything of it is looked at. */
WS_INLINE void ws_run_init(struct ws_run *r, const struct hokm_ws *w, __u32 seq, __u32 len,
			   __u8 side)
{
	*r = (struct ws_run){.ws = *w, .seq = seq, .len = len, .side = side};
}

WS_INLINE void ws_gap_note(struct hokm_ws *w, __u32 seq)
{
	if (!(w->flags & HOKM_WS_FLAG_GAP) || ws_diff(seq, w->gap) < 0)
		w->gap = seq;
	w->flags |= HOKM_WS_FLAG_GAP;
}

/*
 * LOST or TRIAL: is the segment one to try? It must follow the newest byte that came before it, and
 * in TRIAL begin where the one before ended. One that only repeats says nothing: a sender that
 * hears its acknowledgements late repeats every segment.
 */
WS_INLINE bool ws_enter_trial(struct ws_run *r, __u32 newest)
{
	if (r->seq != newest || (r->ws.state == HOKM_FOLLOW_TRIAL && r->seq != r->ws.next)) {
		if (ws_diff(r->seq + r->len, r->ws.next) > 0)
			r->ws.state = HOKM_FOLLOW_LOST;
		return false;
	}
	r->trial = r->ws.state;
	r->ws.state = HOKM_FOLLOW_FRAMES;
	if (r->trial == HOKM_FOLLOW_LOST)
		r->ws.flags = HOKM_WS_FLAG_UNSURE;
	r->ws.have = 0;
	r->ws.left = 0;
	r->off = 0;
	return true;
}

/*
 * Where to begin. newest: sequence number after the newest byte of the segments before. acked: the
 * newest acknowledgement of the other side, or any value with `has_acked` false. False: nothing is
 * to be read in this segment; ws_leave() is due all the same.
 */
WS_INLINE bool ws_enter(struct ws_run *r, __u32 newest, __u32 acked, bool has_acked)
{
	__s32 at = ws_diff(r->ws.next, r->seq);

	switch (r->ws.state) {
	case HOKM_FOLLOW_HEAD:
	case HOKM_FOLLOW_FRAMES:
	case HOKM_FOLLOW_RECORDS:
		break;
	case HOKM_FOLLOW_LOST:
	case HOKM_FOLLOW_TRIAL:
		return ws_enter_trial(r, newest);
	default:
		return false;
	}
	r->off = (__u32)at;
	if (at >= (__s32)r->len)
		return false;
	if (at >= 0)
		return true;
	if (has_acked ? ws_diff(acked, r->ws.next) > 0 : at < -(__s32)WS_GAP_MAX)
		ws_lose(r, HOKM_FAULT_GAP);
	else if (at >= -(__s32)WS_GAP_MAX)
		ws_gap_note(&r->ws, r->seq);
	return false;
}

WS_INLINE bool ws_more(const struct ws_run *r)
{
	return r->off < r->len &&
	       (r->ws.state == HOKM_FOLLOW_HEAD || r->ws.state == HOKM_FOLLOW_FRAMES ||
		r->ws.state == HOKM_FOLLOW_RECORDS);
}

WS_INLINE void ws_step(struct ws_run *r, const struct ws_bytes *b)
{
	if (r->ws.state == HOKM_FOLLOW_FRAMES)
		ws_step_frames(r, b);
	else if (r->ws.state == HOKM_FOLLOW_HEAD)
		ws_step_head(r, b);
	else
		ws_step_records(r, b);
}

WS_INLINE bool ws_any_frame(const struct ws_seen *s)
{
	return s->n[0] | s->n[1] | s->n[2] | s->n[3] | s->n[4] | s->n[5];
}

WS_INLINE void ws_forget_seen(struct ws_seen *s)
{
	*s = (struct ws_seen){0};
}

/* A trial's segment has been read. */
WS_INLINE void ws_leave_trial(struct ws_run *r)
{
	bool good = (r->ws.state == HOKM_FOLLOW_FRAMES || r->ws.state == HOKM_FOLLOW_DONE) &&
		    ws_any_frame(&r->seen);

	if (good && r->trial == HOKM_FOLLOW_TRIAL) {
		r->seen.did |= WS_DID_REGAINED;
		return;
	}
	good = good && r->ws.state == HOKM_FOLLOW_FRAMES && r->off == r->len && !r->ws.have &&
	       !r->ws.left;
	ws_forget_seen(&r->seen);
	r->ws.state = good ? HOKM_FOLLOW_TRIAL : HOKM_FOLLOW_LOST;
}

/*
 * Ends the run: the state for the next segment in r->ws. newest: as ws_enter()'s, this segment
 * included. entered: what ws_enter() said.
 */
WS_INLINE void ws_leave(struct ws_run *r, __u32 newest, bool entered)
{
	if (!entered)
		return;
	r->ws.next = r->seq + r->off;
	if (r->trial) {
		ws_leave_trial(r);
		return;
	}
	if (!(r->ws.flags & HOKM_WS_FLAG_GAP) || ws_diff(r->ws.next, r->ws.gap) < 0)
		return;
	if (ws_diff(r->ws.next, newest) >= 0 || r->ws.state > HOKM_FOLLOW_RECORDS)
		r->ws.flags &= (__u8)~HOKM_WS_FLAG_GAP;
	else
		ws_lose(r, HOKM_FAULT_GAP);
}

#endif
