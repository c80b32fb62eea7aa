/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hokm/ws.h must find, read the plain way: the whole stream lies in memory, a map says which
 * of its bytes have come, and every call reads from the start again until it meets a byte that has
 * not. RFC 9112 (heads), RFC 6455 section 5 (frames), RFC 7692 (RSV1), RFC 8446 section 5.1
 * (records).
 *
 * Shares nothing with hokm/ws.h but the names of states and faults in hokm/abi.h.
 */
#ifndef HOKM_FUZZ_WS_REFERENCE_H
#define HOKM_FUZZ_WS_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hokm/abi.h"

struct ref_stream {
	const uint8_t *bytes;
	const bool *known; /* NULL: all of them */
	size_t len;
	bool client; /* whose stream */
};

/* Where reading begins, and in the middle of what. */
struct ref_start {
	uint64_t at;
	bool frames; /* behind the head */
	bool open;   /* a message of fragments is open */
	bool unsure; /* nobody knows whether one is */
};

/* Continuation, text, binary, close, ping, pong: the order of the counters of hokm/abi.h. */
#define REF_KINDS 6

struct ref_result {
	uint32_t n[REF_KINDS];
	uint32_t records;
	bool request, plain, answer, tls, close;
	uint16_t status, close_code;
	enum hokm_follow_state state; /* HEAD, FRAMES, RECORDS, PLAIN, DONE; as before the fault */
	enum hokm_ws_fault fault;
	uint64_t need; /* the byte to be read next; may lie far behind the stream's end */
	bool in_header;
	bool open, unsure;
	unsigned int first_kind; /* of the first frame */
};

struct ref_result ref_read(const struct ref_stream *s, const struct ref_start *from);

#endif
