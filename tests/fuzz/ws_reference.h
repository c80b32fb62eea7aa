/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hokm/ws.h must find, read in the simplest way: the whole stream lies in memory, a map holds
 * which of its bytes have come, and every call reads from the beginning to the first byte that has
 * not come. RFC 9112 (heads), RFC 6455 section 5 (frames), RFC 7692 (RSV1), RFC 8446 section 5.1
 * (records).
 *
 * It shares nothing with hokm/ws.h but the names of states and faults in hokm/abi_states.h.
 */
#ifndef HOKM_FUZZ_WS_REFERENCE_H
#define HOKM_FUZZ_WS_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hokm/abi.h"

struct ref_stream {
	const uint8_t *bytes;
	const bool *known; /* NULL: all have come */
	size_t len;
	bool client; /* sender of the stream */
};

/* Where reading begins, and in which state. */
struct ref_start {
	uint64_t at;
	bool frames; /* after a head */
	bool open;   /* a fragmented message is open */
	bool unsure; /* whether one is open is not known */
};

/* Frames by kind: continuation, text, binary, close, ping, pong. */
#define REF_KINDS 6

struct ref_result {
	uint32_t n[REF_KINDS];
	uint32_t records;
	unsigned int requests, answers; /* heads that were read; interim answers do not count */
	bool upgrade, tls, close;
	bool sure; /* nothing before the upgrade, or the answers, leaves a doubt */
	uint16_t status, close_code;
	/* HEAD, FRAMES, RECORDS, PLAIN or DONE; with a fault, the state before it */
	enum hokm_follow_state state;
	enum hokm_ws_fault fault;
	/* position of the next byte to read; may lie far after the end of the stream */
	uint64_t need;
	bool in_header;
	bool stopped; /* inside a header of the PROXY protocol */
	bool doubt;   /* a line ended without CR: the server may read the head in another way */
	bool open, unsure;
	unsigned int first_kind; /* kind of the first frame */
};

struct ref_result ref_read(const struct ref_stream *s, const struct ref_start *from);

#endif
