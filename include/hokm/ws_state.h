/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame tracking: constants of the protocols, the work on one segment (struct ws_run), what was
 * found in it (struct ws_seen), and how a stream begins and loses synchronization. hokm/ws.h
 * explains the parser as a whole.
 */
#ifndef HOKM_WS_STATE_H
#define HOKM_WS_STATE_H

#include "hokm/abi.h"

#ifndef __bpf__
#include <stdbool.h>
#endif

#define WS_INLINE static inline __attribute__((always_inline, unused))
/*
 * A function that the verifier checks by itself, once, and not once for each path that leads to it.
 * To the verifier its pointers may be NULL.
 */
#ifdef __bpf__
#define WS_ALONE __attribute__((noinline))
#else
#define WS_ALONE static inline __attribute__((unused))
#endif

/* Bytes that one step can use. */
#define WS_CHUNK 16
/* Payload skipped at a time, in bytes. Sequence numbers compare correctly over less than 2^31. */
#define WS_STRIDE (1U << 30)

/*
 * A segment that begins this many bytes or more after the next header does not belong to the
 * stream, because no client of a game has such a window. When only one direction is seen, the
 * state becomes LOST. Otherwise the acknowledgement of the other end decides.
 */
#define WS_GAP_MAX (4U << 20)

/* Kinds of frames, in the order of the counters in hokm/abi_counters.h. */
#define WS_CONTINUATION 0
#define WS_TEXT         1
#define WS_BINARY       2
#define WS_CLOSE        3
#define WS_PING         4
#define WS_PONG         5
#define WS_KINDS        6

/* Bits and values of a frame header. */
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

/* Close codes that stand for a missing code (RFC 6455 section 7.4.1). */
#define WS_CODE_EMPTY    1005 /* the close frame had no code */
#define WS_CODE_ABNORMAL 1006 /* the connection was closed without a close frame */

/* Marks of a head, in hokm_ws.have. */
#define WS_MARK_LINE      0x03 /* the line being read, WS_LINE_* */
#define WS_MARK_WEBSOCKET 0x04 /* an "Upgrade:" field named websocket */
#define WS_MARK_OTHER     0x08 /* there was an "Upgrade:" field */
#define WS_MARK_FIELDS    0x10 /* the first line was read */
#define WS_MARK_LOOSE     0x20 /* a line ended without CR */
#define WS_MARK_BODY      0x40 /* the length of the body is not known */
#define WS_MARK_PROXY     0x80 /* the first line is that of the PROXY protocol */
#define WS_LINE_UPGRADE   1    /* the field "Upgrade:" */
#define WS_LINE_CONTENT   2    /* the field begins with "Content" */
#define WS_LINE_LENGTH    3    /* the field "Content-Length:" */

/* struct ws_seen.did: what happened in the segment. */
#define WS_DID_REQUEST  0x01 /* an upgrade request was read to its end */
#define WS_DID_PLAIN    0x02 /* a request without an upgrade was read to its end */
#define WS_DID_STATUS   0x04 /* an answer was read to the end of its head: ws_seen.status */
#define WS_DID_TLS      0x08 /* the stream began with a TLS record */
#define WS_DID_CLOSE    0x10 /* the close frame was read: ws_seen.close_code */
#define WS_DID_LOST     0x20 /* synchronization was lost: ws_seen.fault */
#define WS_DID_REGAINED 0x40 /* synchronization was regained */
/*
 * With REQUEST: it is whole and must be answered. With STATUS: no answer before it was missed.
 */
#define WS_DID_SURE 0x80

/**
 * struct ws_seen - what was found in one segment
 * @n: frames by kind
 * @records: TLS records
 * @close_code: with WS_DID_CLOSE, the code of the close frame
 * @status: with WS_DID_STATUS, the HTTP status of the last answer
 * @did: WS_DID_*
 * @fault: with WS_DID_LOST, enum hokm_ws_fault
 * @heads: requests, or answers that are not interim, that were read to the end of their heads
 */
struct ws_seen {
	__u32 n[WS_KINDS];
	__u32 records;
	__u16 close_code;
	__u16 status;
	__u8 did;
	__u8 fault;
	__u16 heads;
};

/**
 * struct ws_run - the work on one segment
 * @ws: the state of the stream
 * @seq: sequence number of the first payload byte
 * @len: bytes of payload
 * @off: offset of the next byte to read; greater than @len when it has not come yet
 * @side: the sender, HOKM_SIDE_*
 * @trial: the state before the segment when that was LOST or TRIAL; 0: the stream is synchronized
 * @seen: what was found
 */
struct ws_run {
	struct hokm_ws ws;
	__u32 seq;
	__u32 len;
	__u32 off;
	__u8 side;
	__u8 trial;
	struct ws_seen seen;
};

/**
 * struct ws_bytes - bytes of the stream, for one step
 * @hi: the first eight bytes, the first one in the highest bits
 * @lo: the eight bytes after them
 * @have: number of bytes that are valid; the others are zero
 */
struct ws_bytes {
	__u64 hi, lo;
	__u32 have;
};

/* The distance from sequence number b to a; negative when a is before b (RFC 9293 section 3.4). */
WS_INLINE __s32 ws_diff(__u32 a, __u32 b)
{
	return (__s32)(a - b);
}

/* The kind of frame (WS_*) of an opcode. */
WS_INLINE __u32 ws_kind(__u8 opcode)
{
	return opcode < WS_OP_CONTROL ? opcode : (__u32)opcode - WS_OP_CONTROL + WS_CLOSE;
}

/* Bytes of a frame header, by its second byte. */
WS_INLINE __u32 ws_size(__u8 b1)
{
	__u8 len = b1 & WS_LEN;
	__u32 size = len == WS_LEN_64 ? 10 : len == WS_LEN_16 ? 4 : 2;

	return size + (b1 & WS_MASKED ? 4 : 0);
}

/**
 * ws_begin() - begins to track a stream
 * @w: its state
 * @seq: sequence number of its first byte, the one after the SYN
 */
WS_INLINE void ws_begin(struct hokm_ws *w, __u32 seq)
{
	*w = (struct hokm_ws){.next = seq, .state = HOKM_FOLLOW_HEAD};
}

/**
 * ws_begin_again() - goes on with a head that was found by its first characters
 * @w: the state of the stream, which was not read so far
 * @seq: sequence number of the first character
 *
 * A body that is not read may hold such characters too, so the head is UNSURE.
 */
WS_INLINE void ws_begin_again(struct hokm_ws *w, __u32 seq)
{
	ws_begin(w, seq);
	w->flags = HOKM_WS_FLAG_UNSURE;
}

/**
 * ws_begin_unknown() - begins to track a stream whose beginning was not seen
 * @w: its state, which becomes LOST
 */
WS_INLINE void ws_begin_unknown(struct hokm_ws *w)
{
	*w = (struct hokm_ws){.state = HOKM_FOLLOW_LOST};
}

/**
 * ws_lose() - the stream has lost synchronization
 * @r: the work on the segment
 * @fault: why; it is reported once, and not during a trial
 */
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

#endif
