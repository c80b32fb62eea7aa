/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drives hokm/ws.h as the BPF programs do: one direction of one connection, segment by segment. It
 * checks what the header promises and aborts with a message when a promise is broken. Each segment
 * is copied into memory of exactly its size, so that AddressSanitizer finds a read behind its end.
 *
 * Shared by the unit tests and by the fuzzers: no cmocka here.
 */
#ifndef HOKM_TEST_WS_RIG_H
#define HOKM_TEST_WS_RIG_H

#include <stddef.h>

#include "hokm/ws.h"

struct ws_rig {
	struct hokm_ws ws;
	__u32 newest; /* after the newest byte of the segments so far */
	__u32 acked;  /* acknowledged by the peer, valid while has_acked */
	bool has_acked;
	__u8 side;
	struct ws_seen last;  /* of the last segment */
	struct ws_seen total; /* frames and records summed, did or-ed, the newest codes */
	unsigned int lost, regained;
};

/* The bytes of a stream, to be cut into segments. */
struct ws_stream {
	__u8 b[70000];
	__u32 len;
};
void ws_put(struct ws_stream *s, const void *data, __u32 len);
/*
 * A header without payload whose length has 7, 16 or 64 bits, as `form` says. Masked for the side
 * of the client.
 */
void ws_put_header(struct ws_stream *s, __u8 side, __u8 b0, int form, __u64 len);
/* A whole frame in its shortest form; no header begins with the bytes of its payload. */
void ws_put_frame(struct ws_stream *s, __u8 side, __u8 b0, __u32 len);
/* A close frame with a code. */
void ws_put_close(struct ws_stream *s, __u8 side, __u16 code, __u32 reason_len);

/* Begins a stream whose first byte has this sequence number. */
void ws_rig_begin(struct ws_rig *r, __u8 side, __u32 seq);
/* The same, behind the head of the stream; and at an unknown place. */
void ws_rig_begin_frames(struct ws_rig *r, __u8 side, __u32 seq);
void ws_rig_begin_unknown(struct ws_rig *r, __u8 side, __u32 seq);
/* One segment; len > 0. */
void ws_rig_segment(struct ws_rig *r, __u32 seq, const void *data, __u32 len);
/* The segment directly behind the newest byte. */
void ws_rig_next(struct ws_rig *r, const void *data, __u32 len);

#endif
