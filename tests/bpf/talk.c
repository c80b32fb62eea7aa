/* SPDX-License-Identifier: GPL-2.0-only */
/* Client and server of the frame tests: see talk.h. */
#include <string.h>

#include "hokm/ws.h"
#include "talk.h"

#define XDP_VERDICT_PASS 2
#define XDP_VERDICT_TX   3

const char UPGRADE_REQUEST[] = "GET /play HTTP/1.1\r\nHost: game.example:8765\r\n"
			       "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
			       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			       "Sec-WebSocket-Version: 13\r\n\r\n";
const char SWITCHED[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			"Connection: Upgrade\r\n"
			"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const char PLAIN_REQUEST[] = "GET /health HTTP/1.1\r\nHost: game.example:8765\r\n\r\n";

#define OP_PING 0x09
#define OP_PONG 0x0a

static const uint8_t MASK[4] = {0xa5, 0x01, 0x7e, 0xf0};

void talk_init(struct talk *t, struct fix *x, uint16_t port, uint32_t isn, uint32_t sisn)
{
	*t = (struct talk){.x = x, .port = port, .next = {0, isn, sisn}};
}

static void run_in(struct talk *t, struct tcp_spec *s)
{
	static struct frame f;

	s->eth.from = t->from;
	frame_tcp(&f, s);
	fix_ingress(t->x, &f);
	assert_int_equal(t->x->verdict, t->to ? XDP_VERDICT_TX : XDP_VERDICT_PASS);
	assert_int_equal(t->x->out.len, f.len);
	if (t->to) {
		assert_memory_equal(t->x->out.b, t->to, 6);
		assert_memory_equal(t->x->out.b + 12, f.b + 12, f.len - 12);
	} else {
		assert_memory_equal(t->x->out.b, f.b, f.len);
	}
}

void talk_at(struct talk *t, int side, uint32_t seq, const void *data, uint32_t len, uint8_t flags)
{
	int other = side == CLIENT ? SERVER : CLIENT;
	struct tcp_spec s = {
		.sport = t->port,
		.flags = flags,
		.seq = seq,
		.ack = flags & ACK ? t->next[other] : 0,
		.data = data,
		.payload = len,
	};

	t->bytes[side] += 40 + len;
	t->packets[side]++;
	if (side == CLIENT)
		run_in(t, &s);
	else
		fix_out(t->x, &s);
}

void talk_send(struct talk *t, int side, const void *data, uint32_t len, uint8_t flags)
{
	talk_at(t, side, t->next[side], data, len, flags);
	t->next[side] += len + !!(flags & SYN) + !!(flags & FIN);
}

void talk_say(struct talk *t, int side, const void *data, uint32_t len)
{
	talk_send(t, side, data, len, ACK | PSH);
}

void talk_text(struct talk *t, int side, const char *text)
{
	talk_say(t, side, text, (uint32_t)strlen(text));
}

void talk_frame(struct talk *t, int side, uint8_t b0, uint32_t len)
{
	static struct stream s;

	s.len = 0;
	stream_frame(&s, side, b0, len);
	talk_say(t, side, s.b, s.len);
}

void talk_close(struct talk *t, int side, uint16_t code)
{
	static struct stream s;

	s.len = 0;
	stream_close(&s, side, code, 0);
	talk_say(t, side, s.b, s.len);
}

void talk_ack(struct talk *t, int side)
{
	talk_send(t, side, NULL, 0, ACK);
}

void talk_fin(struct talk *t, int side)
{
	talk_send(t, side, NULL, 0, FIN | ACK);
}

void talk_rst(struct talk *t, int side)
{
	talk_send(t, side, NULL, 0, side == SERVER ? RST | ACK : RST);
}

static void half(struct talk *t)
{
	talk_send(t, CLIENT, NULL, 0, SYN);
	talk_send(t, SERVER, NULL, 0, SYN | ACK);
}

void talk_handshake(struct talk *t)
{
	half(t);
	talk_ack(t, CLIENT);
}

void talk_switch(struct talk *t)
{
	talk_text(t, CLIENT, UPGRADE_REQUEST);
	talk_text(t, SERVER, SWITCHED);
}

void talk_half(struct talk *t, struct fix *x, uint16_t port)
{
	talk_init(t, x, port, TALK_ISN, TALK_SISN);
	half(t);
}

void talk_open(struct talk *t, struct fix *x, uint16_t port)
{
	talk_half(t, x, port);
	talk_ack(t, CLIENT);
}

void talk_upgrade(struct talk *t, struct fix *x)
{
	talk_open(t, x, CLIENT_PORT);
	talk_switch(t);
}

struct hokm_conn talk_conn(const struct talk *t)
{
	struct hokm_conn c;

	assert_true(fix_conn_at(t->x, t->port, &c));
	return c;
}

/* ---- bytes ---- */

static void add8(struct stream *s, unsigned int byte)
{
	assert_true(s->len < sizeof(s->b));
	s->b[s->len++] = (uint8_t)byte;
}

void stream_add(struct stream *s, const void *data, uint32_t len)
{
	assert_true(len <= sizeof(s->b) - s->len);
	memcpy(s->b + s->len, data, len);
	s->len += len;
}

static void add_header(struct stream *s, int side, uint8_t b0, uint32_t len)
{
	unsigned int masked = side == CLIENT ? WS_MASKED : 0;

	s->n[ws_kind(b0 & WS_OPCODE)]++;
	add8(s, b0);
	if (len < WS_LEN_16) {
		add8(s, masked | len);
	} else if (len <= 0xffff) {
		add8(s, masked | WS_LEN_16);
		add8(s, len >> 8);
		add8(s, len & 0xff);
	} else {
		add8(s, masked | WS_LEN_64);
		for (int shift = 56; shift >= 0; shift -= 8)
			add8(s, (unsigned int)((uint64_t)len >> shift & 0xff));
	}
	if (masked)
		stream_add(s, MASK, sizeof(MASK));
}

/* Payload that looks like frame headers. */
void stream_frame(struct stream *s, int side, uint8_t b0, uint32_t len)
{
	add_header(s, side, b0, len);
	for (uint32_t i = 0; i < len; i++)
		add8(s, i & 1 ? (side == CLIENT ? WS_MASKED : 0) : WS_FIN | WS_TEXT);
}

void stream_close(struct stream *s, int side, uint16_t code, uint32_t more)
{
	add_header(s, side, WS_FIN | WS_OP_CLOSE, (code ? 2 : 0) + more);
	if (code) {
		add8(s, (unsigned int)code >> 8 ^ (side == CLIENT ? MASK[0] : 0u));
		add8(s, (code & 0xff) ^ (side == CLIENT ? MASK[1] : 0u));
	}
	for (uint32_t i = 0; i < more; i++)
		add8(s, 'r');
}

uint32_t talk_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

void stream_some(struct stream *s, int side, unsigned int frames, uint32_t *seed)
{
	bool open = false;

	s->len = 0;
	memset(s->n, 0, sizeof(s->n));
	for (unsigned int i = 0; i < frames; i++) {
		uint32_t r = talk_random(seed), len = r >> 8 & 127;
		uint8_t b0;

		if (r % 5 == 0) {
			stream_frame(s, side, WS_FIN | (r & 16 ? OP_PING : OP_PONG), len % 126);
			continue;
		}
		b0 = open ? WS_CONTINUATION : (r & 32 ? WS_TEXT : WS_BINARY);
		if (!open && r & 64)
			b0 |= WS_RSV1;
		open = r >> 16 & 1;
		if (!open)
			b0 |= WS_FIN;
		stream_frame(s, side, b0, r % 7 == 0 ? len * 9 : len);
	}
}

uint64_t spin_us(uint64_t us)
{
	uint64_t began = fix_now(), now = began;

	while (now - began < us * 1000)
		now = fix_now();
	return (now - began) / 1000;
}
