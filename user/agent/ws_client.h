/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of a WebSocket client (RFC 6455): keys, masked control frames, and the headers of the
 * frames of the server. All functions are pure and do no I/O.
 */
#ifndef HOKM_AGENT_WS_CLIENT_H
#define HOKM_AGENT_WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_KEY_BYTES   16
#define WS_KEY_TEXT    25 /* base64 of 16 bytes, with the terminating zero */
#define WS_ACCEPT_TEXT 29 /* base64 of a SHA-1, with the terminating zero */
#define WS_CONTROL_MAX 125
#define WS_FRAME_MAX   (2 + 4 + WS_CONTROL_MAX) /* a control frame of a client */

enum ws_opcode {
	WS_OP_CONTINUATION = 0x0,
	WS_OP_TEXT = 0x1,
	WS_OP_BINARY = 0x2,
	WS_OP_CLOSE = 0x8,
	WS_OP_PING = 0x9,
	WS_OP_PONG = 0xa,
};

#define WS_CLOSE_NORMAL 1000
#define WS_CLOSE_NONE   1005 /* stands for a close frame without a code; never sent */

/* Writes the Sec-WebSocket-Key for 16 random bytes. */
void ws_key_text(const uint8_t random[WS_KEY_BYTES], char out[WS_KEY_TEXT]);

/*
 * Writes the Sec-WebSocket-Accept that answers `key`. Returns 0, -EINVAL when the key has the wrong
 * length, or -EIO when libcrypto cannot compute the digest.
 */
int ws_accept_text(const char *key, char out[WS_ACCEPT_TEXT]);

/*
 * Writes a complete masked control frame to `out`, which has room for WS_FRAME_MAX bytes. Returns
 * the length of the frame.
 */
size_t ws_build_control(enum ws_opcode op, const uint8_t mask[4], const void *payload, size_t len,
			uint8_t *out);

struct ws_header {
	enum ws_opcode op;
	bool fin;
	uint64_t payload_bytes;
};

enum ws_parsed {
	WS_PARSED,    /* *h is filled; the header had *used bytes */
	WS_NEED_MORE, /* the header is not complete yet */
	WS_BAD,       /* it is not a valid header of a server; *why tells what is wrong */
};

/* Parses the header of a frame of a server, for a client that agreed to no extension. */
enum ws_parsed ws_parse_server_header(const uint8_t *data, size_t len, struct ws_header *h,
				      size_t *used, const char **why);

#endif
