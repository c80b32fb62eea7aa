/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a player of a drill reads of its server (RFC 6455 section 5). Payloads of data frames of any
 * length are dropped as they arrive, the newest ping is kept until it is answered (5.5.3), and
 * a close frame ends the connection. Pure: bytes in, a pong to send out.
 *
 * Invariant: `part` holds at most one header or one control frame, which is at most
 * 2 + WS_CONTROL_MAX bytes.
 */
#ifndef HOKM_TEST_PLAYER_FRAMES_H
#define HOKM_TEST_PLAYER_FRAMES_H

#include "agent/ws_client.h"

struct player_frames {
	uint8_t part[2 + WS_CONTROL_MAX]; /* has not arrived whole */
	size_t have;
	uint64_t skip_bytes; /* of the payload of a data frame, still to arrive */
	uint8_t pong[WS_CONTROL_MAX];
	size_t pong_len;
	bool pong_due;
};

/* Reads the next bytes of the server. False: it closes, or this is no frame of a server. */
bool player_frames_read(struct player_frames *f, const uint8_t *data, size_t len);

#endif
