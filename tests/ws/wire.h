/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One end of a WebSocket, byte by byte (RFC 6455 section 5). It writes frames of every shape into a
 * growing buffer that always ends at the end of a frame, reads the frames of its peer, and counts
 * both by kind. It answers each ping when the ping has come whole. A client masks its frames, a
 * server does not.
 */
#ifndef WS_WIRE_H
#define WS_WIRE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "frames.h"

#define WIRE_FIN       0x80
#define WIRE_CONTROL   125 /* longest payload of a control frame */
#define WIRE_WORD      16  /* longest command, see frames.h */
#define WIRE_HEADER    14
#define WIRE_FRAGMENTS 6

enum { OP_CONTINUATION = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct wire {
	uint8_t *out; /* at..len is still to be sent */
	size_t at, len, room;
	size_t piece; /* longest write of the bytes that wait now; 0: no limit */
	bool server;
	bool whole; /* write everything at once from now on */
	struct chance chance;
	struct frame_counts sent, received;
	/* The frame that is being received. */
	uint8_t header[14];
	unsigned int have; /* bytes of the header */
	uint64_t left;     /* payload still to come */
	bool in_payload;
	bool message; /* a message in fragments is open */
	bool closed;  /* the close frame was sent */
	uint8_t start[WIRE_CONTROL];
	size_t n_start;
	uint8_t mask[4];
	char word[WIRE_WORD + 1]; /* the last command that came; the caller clears it */
	unsigned int messages;    /* that came and were not commands */
};

static inline void wire_free(struct wire *w)
{
	free(w->out);
	w->out = NULL;
}

static inline size_t wire_waiting(const struct wire *w)
{
	return w->len - w->at;
}

static inline void wire_sent(struct wire *w, size_t n)
{
	w->at += n;
	if (w->at == w->len)
		w->at = w->len = 0;
}

/* Makes room for `more` bytes and returns its start; NULL: out of memory. */
static inline uint8_t *wire_room(struct wire *w, size_t more)
{
	size_t room = w->room ? w->room : 4096;
	uint8_t *out;

	while (room < w->len + more)
		room *= 2;
	if (room != w->room) {
		out = realloc(w->out, room);
		if (!out)
			return NULL;
		w->out = out;
		w->room = room;
	}
	return w->out + w->len;
}

static inline int wire_text(struct wire *w, const char *text)
{
	size_t len = strlen(text);
	uint8_t *to = wire_room(w, len);

	if (!to)
		return -ENOMEM;
	memcpy(to, text, len);
	w->len += len;
	return 0;
}

/*
 * Writes the first byte, the length in its shortest form, and the mask unless it is NULL. Returns
 * the size of the header.
 */
static inline size_t wire_header(uint8_t *to, uint8_t b0, size_t len, const uint8_t *mask)
{
	uint8_t bit = mask ? 0x80 : 0;
	size_t n = 2;
	int i;

	to[0] = b0;
	if (len < 126) {
		to[1] = (uint8_t)(bit | len);
	} else if (len < 65536) {
		to[1] = bit | 126;
		to[n++] = (uint8_t)(len >> 8);
		to[n++] = (uint8_t)len;
	} else {
		to[1] = bit | 127;
		for (i = 7; i >= 0; i--)
			to[n++] = (uint8_t)((uint64_t)len >> (8 * i));
	}
	if (!mask)
		return n;
	memcpy(to + n, mask, 4);
	return n + 4;
}

/* Payload NULL: random letters for text and continuations, random bytes for other frames. */
static inline int wire_frame(struct wire *w, uint8_t b0, const uint8_t *payload, size_t len)
{
	uint8_t *to = wire_room(w, len + WIRE_HEADER);
	uint64_t draw = chance_draw(&w->chance);
	uint8_t mask[4] = {0};
	bool letters = (b0 & 15) < OP_BINARY;
	size_t i;

	if (!to)
		return -ENOMEM;
	if (!w->server && draw % 10) /* one mask in ten is zero */
		memcpy(mask, (const uint8_t *)&draw + 4, 4);
	to += wire_header(to, b0, len, w->server ? NULL : mask);
	for (i = 0; i < len; i++) {
		uint8_t byte;

		if (i % 8 == 0 && !payload)
			draw = chance_draw(&w->chance);
		byte = payload ? payload[i] : (uint8_t)(draw >> (i % 8 * 8));
		if (!payload && letters)
			byte = (uint8_t)('a' + byte % 16);
		to[i] = byte ^ mask[i % 4];
	}
	w->len = (size_t)(to - w->out) + len;
	w->sent.n[frame_kind(b0 & 15)]++;
	return 0;
}

static inline int wire_command(struct wire *w, const char *word)
{
	return wire_frame(w, WIRE_FIN | OP_TEXT, (const uint8_t *)word, strlen(word));
}

static inline int wire_control(struct wire *w)
{
	uint8_t op = chance_below(&w->chance, 4) ? OP_PING : OP_PONG;

	return wire_frame(w, WIRE_FIN | op, NULL, chance_below(&w->chance, WIRE_CONTROL + 1));
}

/* A message in several frames, some of them empty, with control frames between them. */
static inline int wire_fragments(struct wire *w, size_t max)
{
	unsigned int n = 2 + chance_below(&w->chance, WIRE_FRAGMENTS - 1), i;
	uint8_t op = OP_TEXT;
	int err = 0;

	for (i = 0; !err && i < n; i++) {
		size_t len = chance_of(&w->chance, 15) ? 0 : frame_size(&w->chance, max);

		err = wire_frame(w, i + 1 == n ? WIRE_FIN | op : op, NULL, len);
		if (!err && i + 1 < n && chance_of(&w->chance, 30))
			err = wire_control(w);
		op = OP_CONTINUATION;
	}
	return err;
}

static inline int wire_message(struct wire *w, size_t max)
{
	unsigned int draw = chance_below(&w->chance, 100), n;
	uint8_t op = draw & 1 ? OP_TEXT : OP_BINARY;
	int err = 0;

	if (draw < 15)
		return wire_fragments(w, max);
	if (draw < 25)
		err = wire_control(w);
	if (draw > 96) {
		for (n = 5 + chance_below(&w->chance, 20); !err && n; n--)
			err = wire_frame(w, WIRE_FIN | op, NULL, chance_below(&w->chance, 11));
		return err;
	}
	return err ? err : wire_frame(w, WIRE_FIN | op, NULL, frame_size(&w->chance, max));
}

/* One to twenty million bytes. */
static inline int wire_message_big(struct wire *w)
{
	return wire_frame(w, WIRE_FIN | OP_BINARY, NULL,
			  1000000 + chance_below(&w->chance, 19000001));
}

/* A close frame without a code, with a code, or with a code and a reason. */
static inline int wire_close(struct wire *w)
{
	static const uint16_t codes[] = {1000, 1001, 3000, 4999};
	uint16_t code = codes[chance_below(&w->chance, 4)];
	uint8_t payload[] = "??so long";
	static const size_t lens[] = {0, 2, sizeof(payload) - 1};

	w->closed = true;
	payload[0] = (uint8_t)(code >> 8);
	payload[1] = (uint8_t)code;
	return wire_frame(w, WIRE_FIN | OP_CLOSE, payload, lens[chance_below(&w->chance, 3)]);
}

/* Writes what waits, in pieces; their size is drawn anew now and then. */
static inline int wire_flush(struct wire *w, int fd)
{
	size_t len;
	ssize_t n;

	for (len = wire_waiting(w); len; len = wire_waiting(w)) {
		if (w->at == 0 || chance_of(&w->chance, 5)) {
			unsigned int draw = chance_below(&w->chance, 100);

			w->piece = draw < 50 || w->whole ? 0
				   : draw < 85           ? 1400
				   : len < 400           ? 7
							 : 200;
		}
		if (w->piece && len > w->piece)
			len = 1 + chance_below(&w->chance, (unsigned int)w->piece);
		n = send(fd, w->out + w->at, len, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		wire_sent(w, (size_t)n);
	}
	return 0;
}

/* ---- receiving ---- */

/* The last byte of a frame was read. */
static inline int wire_came(struct wire *w)
{
	uint8_t b0 = w->header[0];
	int err = 0;

	w->have = 0;
	w->in_payload = false;
	if (b0 == (WIRE_FIN | OP_PING) && !w->closed)
		err = wire_frame(w, WIRE_FIN | OP_PONG, w->start, w->n_start);
	if (b0 == (WIRE_FIN | OP_CLOSE) && !w->closed) {
		w->closed = true;
		err = wire_frame(w, WIRE_FIN | OP_CLOSE, w->start, w->n_start);
	}
	if (b0 == (WIRE_FIN | OP_TEXT) && w->n_start && w->n_start <= WIRE_WORD &&
	    w->start[0] == '!') {
		memcpy(w->word, w->start, w->n_start);
		w->word[w->n_start] = '\0';
	} else if ((b0 & 15) < OP_CLOSE && b0 & WIRE_FIN) {
		w->messages++;
	}
	return err;
}

/* A header is complete. -EPROTO: it breaks the rules of RFC 6455. */
static inline int wire_begins(struct wire *w, uint64_t len)
{
	uint8_t b0 = w->header[0], op = b0 & 15;
	int kind = frame_kind(op);

	if (kind < 0 || b0 & 0x70 || !(w->header[1] & 0x80) == w->server)
		return -EPROTO;
	if (op >= 8) {
		if (!(b0 & WIRE_FIN) || len > WIRE_CONTROL)
			return -EPROTO;
	} else {
		if (!op != w->message)
			return -EPROTO;
		w->message = !(b0 & WIRE_FIN);
	}
	w->received.n[kind]++;
	w->left = len;
	w->n_start = 0;
	w->in_payload = true;
	return len ? 0 : wire_came(w);
}

static inline int wire_header_byte(struct wire *w, uint8_t byte)
{
	unsigned int size, mask = w->server ? 4 : 0, i;
	uint64_t len;

	w->header[w->have++] = byte;
	if (w->have < 2)
		return 0;
	len = w->header[1] & 0x7f;
	size = len == 127 ? 10 : len == 126 ? 4 : 2;
	if (w->have < size + mask)
		return 0;
	memset(w->mask, 0, sizeof(w->mask));
	memcpy(w->mask, w->header + size, mask);
	if (size > 2) {
		for (len = 0, i = 2; i < size; i++)
			len = len << 8 | w->header[i];
	}
	return wire_begins(w, len);
}

/*
 * Reads bytes up to the end of one frame, so that the caller sees its command before the next
 * frame. The number of bytes read; negative: the peer broke the protocol.
 */
static inline ssize_t wire_take(struct wire *w, const uint8_t *data, size_t len)
{
	size_t n, i;
	int err;

	if (!w->in_payload) {
		err = wire_header_byte(w, data[0]);
		return err ? err : 1;
	}
	n = len < w->left ? len : (size_t)w->left;
	for (i = 0; i < n && w->n_start < sizeof(w->start); i++, w->n_start++)
		w->start[w->n_start] = data[i] ^ w->mask[w->n_start % 4];
	w->left -= n;
	err = w->left ? 0 : wire_came(w);
	return err ? err : (ssize_t)n;
}

#endif
