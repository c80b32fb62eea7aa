/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drives hokm/ws.h as the BPF programs do: one direction of one connection, segment by segment, and
 * holds it to what its header promises. Each segment is copied into memory of exactly its size, so
 * that AddressSanitizer sees every byte read behind it. A broken promise aborts with a word about
 * it.
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
	__u32 acked;  /* the other side's word, used while has_acked */
	bool has_acked;
	__u8 side;
	struct ws_seen last;  /* of the last segment */
	struct ws_seen total; /* frames and records added, did joined, codes the newest */
	unsigned int lost, regained;
};

/* Bytes of a stream, to be cut into segments. */
struct ws_stream {
	__u8 b[70000];
	__u32 len;
};
void ws_put(struct ws_stream *s, const void *data, __u32 len);
/*
 * A header of the form that `form` names (7, 16 or 64 bits) with this length, masked if the side is
 * the client's; no payload.
 */
void ws_put_header(struct ws_stream *s, __u8 side, __u8 b0, int form, __u64 len);
/* A whole frame in its shortest form; the payload is one that no header begins with. */
void ws_put_frame(struct ws_stream *s, __u8 side, __u8 b0, __u32 len);
/* A close frame with a code. */
void ws_put_close(struct ws_stream *s, __u8 side, __u16 code, __u32 reason_len);

/* A stream whose first byte has this sequence number. */
void ws_rig_begin(struct ws_rig *r, __u8 side, __u32 seq);
/* The same, behind the head, and with nothing known of it. */
void ws_rig_begin_frames(struct ws_rig *r, __u8 side, __u32 seq);
void ws_rig_begin_unknown(struct ws_rig *r, __u8 side, __u32 seq);
/* One segment; len > 0. */
void ws_rig_segment(struct ws_rig *r, __u32 seq, const void *data, __u32 len);
/* The segment behind the newest byte. */
void ws_rig_next(struct ws_rig *r, const void *data, __u32 len);

#endif
