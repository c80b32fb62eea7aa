/* SPDX-License-Identifier: GPL-2.0-only */
/* See player_frames.h. */
#include <string.h>

#include "test/player_frames.h"

static void keep_ping(struct player_frames *f, const uint8_t *payload, size_t len)
{
	memcpy(f->pong, payload, len);
	f->pong_len = len;
	f->pong_due = true;
}

/* One more byte of a header or of a control frame. False: the connection is over. */
static bool take_byte(struct player_frames *f, uint8_t byte)
{
	const char *why = NULL;
	struct ws_header h;
	size_t used = 0;
	enum ws_parsed parsed;

	f->part[f->have++] = byte;
	parsed = ws_parse_server_header(f->part, f->have, &h, &used, &why);
	if (parsed != WS_PARSED)
		return parsed == WS_NEED_MORE;
	if (h.op < WS_OP_CLOSE)
		f->skip_bytes = h.payload_bytes;
	else if (f->have < used + h.payload_bytes)
		return true;
	else if (h.op == WS_OP_CLOSE)
		return false;
	else if (h.op == WS_OP_PING)
		keep_ping(f, f->part + used, (size_t)h.payload_bytes);
	f->have = 0;
	return true;
}

bool player_frames_read(struct player_frames *f, const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		if (f->skip_bytes) {
			size_t n = f->skip_bytes < len - at ? (size_t)f->skip_bytes : len - at;

			f->skip_bytes -= n;
			at += n;
		} else if (!take_byte(f, data[at++])) {
			return false;
		}
	}
	return true;
}
