/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame tracking: WebSocket frame headers (RFC 6455 section 5.2), whole in one segment or split
 * over several.
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
 * A client masks every frame and a server masks none (section 5.1). With the reserved bits, the
 * opcodes, and the rules of control frames (5.5) and fragments (5.4) this gives a cheap test of
 * whether the bytes are a header at all. permessage-deflate (RFC 7692) sets RSV1 on the first frame
 * of a message and on no other frame.
 */
#ifndef HOKM_WS_FRAME_H
#define HOKM_WS_FRAME_H

#include "hokm/ws_state.h"

/* Checks the two bytes that every header begins with. Returns the fault, or HOKM_FAULT_NONE. */
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

/* Is the length in its shortest form, as section 5.2 requires? */
WS_INLINE bool ws_len_ok(__u8 b1, __u64 len)
{
	__u8 len7 = b1 & WS_LEN;

	if (len7 == WS_LEN_16)
		return len >= WS_LEN_16;
	return len7 != WS_LEN_64 || (len > 0xffff && !(len >> 63));
}

/* Notes whether a fragmented message is open after a frame. */
WS_INLINE void ws_note_message(struct hokm_ws *w, __u8 b0)
{
	if (b0 & WS_OP_CONTROL)
		return;
	w->flags &= (__u8) ~(HOKM_WS_FLAG_UNSURE | HOKM_WS_FLAG_MESSAGE);
	if (!(b0 & WS_FIN))
		w->flags |= HOKM_WS_FLAG_MESSAGE;
}

/* Skips payload, at most WS_STRIDE bytes now; hokm_ws.left keeps the rest. */
WS_INLINE void ws_skip(struct ws_run *r, __u64 len)
{
	__u32 now = len < WS_STRIDE ? (__u32)len : WS_STRIDE;

	r->off += now;
	r->ws.left = len - now;
}

/*
 * A header is complete.
 * b0: its first byte; taken: bytes of this segment that belong to it; rest: bytes of payload after
 * them; code: the close code, of a close frame.
 */
WS_INLINE void ws_frame(struct ws_run *r, __u8 b0, __u32 taken, __u64 rest, __u16 code)
{
	__u32 kind = ws_kind(b0 & WS_OPCODE);

	/*
	 * The first frame of a trial must not be a continuation, because a run of zeros in any data
	 * looks like continuations.
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

/*
 * Reads a header of `size` bytes that is wholly in the chunk, with the close code if there is one.
 */
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

/*
 * The last byte of a split header of `size` bytes was read, or a byte of the close code after it. A
 * close frame with a code is complete after the two bytes of its code.
 */
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

/* Reads one byte of a header that is split over segments. */
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

/* One step in state FRAMES. */
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

#endif
