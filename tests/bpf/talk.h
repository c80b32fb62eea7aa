/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client and a server that talk through the programs. They send segments with given bytes at
 * consecutive sequence numbers: client to server through ingress, server to client through egress.
 *
 * Every segment must pass and leave unchanged, because frame tracking never changes a packet. For
 * a talk that is steered, `to` names the target.
 */
#ifndef HOKM_TEST_TALK_H
#define HOKM_TEST_TALK_H

#include "fixture.h"

#define CLIENT HOKM_SIDE_CLIENT
#define SERVER HOKM_SIDE_SERVER

/* Initial sequence numbers of client and server, unless a test sets others. */
#define TALK_ISN  1000u
#define TALK_SISN 5000u

/* Payload of a server segment: BPF_PROG_TEST_RUN takes skbs below a page only. */
#define EGRESS_MAX 3000u

struct talk {
	struct fix *x;
	uint16_t port;       /* the client's */
	const uint8_t *from; /* MAC address that its segments come from; NULL: its own */
	const uint8_t *to;   /* MAC address that they are steered to; NULL: they pass */
	uint32_t next[3];    /* by HOKM_SIDE_*: next sequence number of the side */
	uint64_t bytes[3];   /* IP total lengths so far */
	uint32_t packets[3];
};

/* Bytes of one side, and the frames in them by kind (WS_* of hokm/ws.h). */
struct stream {
	uint8_t b[200000];
	uint32_t len;
	uint64_t n[6];
};

extern const char UPGRADE_REQUEST[], SWITCHED[], PLAIN_REQUEST[];

/* A talk that begins at these sequence numbers; nothing is sent. */
void talk_init(struct talk *t, struct fix *x, uint16_t port, uint32_t isn, uint32_t sisn);
/* Sends: SYN and SYN-ACK; the whole handshake; the handshake, the upgrade request and 101. */
void talk_half(struct talk *t, struct fix *x, uint16_t port);
void talk_open(struct talk *t, struct fix *x, uint16_t port);
void talk_upgrade(struct talk *t, struct fix *x);
/* The same two steps for a talk that was begun with talk_init(). */
void talk_handshake(struct talk *t);
void talk_switch(struct talk *t);

/* Sends one segment at `seq`; the talk's sequence numbers do not move. */
void talk_at(struct talk *t, int side, uint32_t seq, const void *data, uint32_t len, uint8_t flags);
/* Sends the next segment. */
void talk_send(struct talk *t, int side, const void *data, uint32_t len, uint8_t flags);
void talk_say(struct talk *t, int side, const void *data, uint32_t len);
void talk_text(struct talk *t, int side, const char *text);
/*
 * Sends a frame in a segment of its own; the same for a close frame, without a code when code is 0.
 */
void talk_frame(struct talk *t, int side, uint8_t b0, uint32_t len);
void talk_close(struct talk *t, int side, uint16_t code);
void talk_ack(struct talk *t, int side);
void talk_fin(struct talk *t, int side);
void talk_rst(struct talk *t, int side);
struct hokm_conn talk_conn(const struct talk *t);

void stream_add(struct stream *s, const void *data, uint32_t len);
/* b0: FIN, RSV and opcode. The length takes its shortest form. */
void stream_frame(struct stream *s, int side, uint8_t b0, uint32_t len);
void stream_close(struct stream *s, int side, uint16_t code, uint32_t more);

/*
 * Fills the bytes with so many frames: whole and fragmented messages with control frames between
 * them, no close frame.
 */
void stream_some(struct stream *s, int side, unsigned int frames, uint32_t *seed);
uint32_t talk_random(uint32_t *seed);

/* Waits long enough for a round trip to be measurable; returns the microseconds that it took. */
uint64_t spin_us(uint64_t us);

#endif
