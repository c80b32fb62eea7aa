/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections with frame tracking. Each one goes through the two programs from its SYN to the 101,
 * so that a path is measured on an entry as tracking leaves it. Where many are needed the others
 * are copies of one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bench.h"

#define CLIENT_ISN 1000
#define SERVER_ISN 5000

#define FRAME_64_HEAD 14 /* masked header with a 64-bit length */

static const char ask[] = "GET / HTTP/1.1\r\nHost: game\r\nUpgrade: websocket\r\n"
			  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			     "Connection: Upgrade\r\n"
			     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/* TLS handshake records of nine bytes; nothing else is read of them. */
static const char record[] = "\x16\x03\x01\x00\x04tls";

static int send_one(struct bench *b, const struct segment *s, const void *payload)
{
	struct frame f;
	uint8_t out[FRAME_MAX];
	uint8_t *at = bench_segment(&f, s);
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f.b, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = 1);

	if (s->len)
		memcpy(at, payload, s->len);
	o.data_size_in = f.len;
	if (bpf_prog_test_run_opts(s->out ? b->subject_out_fd : b->subject_in_fd, &o))
		return complain("a segment of a connection", -errno);
	return 0;
}

int conn_get(struct bench *b, uint32_t client, struct hokm_conn *c)
{
	const struct hokm_conn_key k = world_key(client);

	if (bpf_map_lookup_elem(b->conns_fd, &k, c))
		return complain("a connection of the bench is not in conns", -errno);
	return 0;
}

static bool is_state(const struct hokm_conn *c, uint8_t phase, uint8_t follow)
{
	return c->tcp_state == HOKM_TCP_ESTABLISHED && c->ws == phase &&
	       c->c2s.ws.state == follow && c->s2c.ws.state == follow;
}

/* The zero that ends a string is not sent; that of a record belongs to it. */
int conn_open(struct bench *b, uint32_t client, bool tls)
{
	const uint32_t asked = (uint32_t)(tls ? sizeof(record) : sizeof(ask) - 1);
	const uint32_t answered = (uint32_t)(tls ? sizeof(record) : sizeof(answer) - 1);
	const uint32_t c = CLIENT_ISN + 1, s = SERVER_ISN + 1;
	const struct segment steps[] = {
		{.client = client, .syn = true, .seq = CLIENT_ISN},
		{.client = client, .syn = true, .out = true, .seq = SERVER_ISN, .ack = c},
		{.client = client, .seq = c, .ack = s},
		{.client = client, .seq = c, .ack = s, .len = asked},
		{.client = client, .out = true, .seq = s, .ack = c + asked, .len = answered},
	};
	struct hokm_conn now;
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++)
		err = send_one(b, &steps[i], tls ? record : steps[i].out ? answer : ask);
	err = err ? err : conn_get(b, client, &now);
	if (err)
		return err;
	if (tls ? is_state(&now, HOKM_WS_TLS, HOKM_FOLLOW_RECORDS)
		: is_state(&now, HOKM_WS_OPEN, HOKM_FOLLOW_FRAMES))
		return 0;
	return complain("a connection is not tracked after its handshake and upgrade", -EPROTO);
}

/* Sends the header of one frame that spans all segments of the next run. */
static int begin_large(struct bench *b, const struct path *p, uint32_t seq)
{
	const struct segment s = {.client = p->base, .seq = seq, .len = FRAME_64_HEAD};
	const uint64_t len = (uint64_t)b->repeat * b->frames[p->frame].payload;
	uint8_t head[FRAME_64_HEAD] = {0x82, 0xff};

	for (unsigned int i = 0; i < 8; i++)
		head[2 + i] = (uint8_t)(len >> (56 - 8 * i));
	return send_one(b, &s, head);
}

static int prepare_first(struct bench *b, const struct path *p)
{
	static const char noise[] = "noise where a frame should begin";
	struct segment s = {.client = p->base, .len = sizeof(noise)};
	struct hokm_conn c;
	int err = conn_open(b, p->base, p->conn == CONN_TLS);

	if (err || p->conn != CONN_LOST)
		return err;
	err = conn_get(b, p->base, &c);
	s.seq = c.c2s.ws.next;
	return err ? err : send_one(b, &s, noise);
}

/* A single connection goes on at its sequence number; of many, each path goes on at its own. */
int conn_prepare(struct bench *b, struct path *p)
{
	const bool out = p->wrap == WRAP_DATA_OUT;
	struct hokm_conn c;
	int err = 0;

	if (p->conn == CONN_NONE)
		return 0;
	if (p->conn == CONN_FLOWS) {
		p->seq = out ? b->followed.s2c.seq_next : b->followed.c2s.seq_next;
		return 0;
	}
	if (!p->n)
		err = prepare_first(b, p);
	err = err ? err : conn_get(b, p->base, &c);
	if (err)
		return err;
	p->seq = out ? c.s2c.seq_next : c.c2s.seq_next;
	p->n = 0;
	if (p->conn != CONN_LARGE)
		return 0;
	err = begin_large(b, p, p->seq);
	p->seq += FRAME_64_HEAD;
	return err;
}

/*
 * Checks that the frames are still tracked, to the last byte, or still lost, as the path requires.
 */
int conn_check(struct bench *b, const struct path *p)
{
	static const uint8_t state[] = {
		[CONN_NONE] = 0,
		[CONN_FLOWS] = HOKM_FOLLOW_FRAMES,
		[CONN_WEBSOCKET] = HOKM_FOLLOW_FRAMES,
		[CONN_LARGE] = HOKM_FOLLOW_FRAMES,
		[CONN_LOST] = HOKM_FOLLOW_LOST,
		[CONN_TLS] = HOKM_FOLLOW_RECORDS,
	};
	const struct hokm_flow *flow;
	struct hokm_conn c;

	if (p->conn == CONN_NONE)
		return 0;
	if (conn_get(b, p->base, &c))
		return -EPROTO;
	flow = p->wrap == WRAP_DATA_OUT ? &c.s2c : &c.c2s;
	if (flow->ws.state == state[p->conn] &&
	    (p->conn == CONN_LOST || flow->ws.next == flow->seq_next))
		return 0;
	fprintf(stderr,
		"bench: %s: state %u, read up to %u of %u: "
		"frames are not tracked as the path requires\n",
		p->name, flow->ws.state, flow->ws.next, flow->seq_next);
	return -EPROTO;
}
