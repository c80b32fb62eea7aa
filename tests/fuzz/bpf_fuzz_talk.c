/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A talk of one connection through the BPF programs: segments of client and server, in order and
 * out of order, repeated, padded. After each segment the connection's entry must have the state to
 * which hokm/ws.h comes when ws_rig.c gives it the same bytes.
 */
#include <string.h>

#include "../unit/ws_rig.h"
#include "bpf_fuzz.h"

#define CISN 0xffffffc0U
#define SISN 7000U

#define TALK_SERVER  0x01
#define TALK_WHERE   0x06 /* 2: begins earlier, 4: comes too early */
#define TALK_PADDED  0x08
#define TALK_OLD_ACK 0x10
#define TALK_AGAIN   0x20 /* the same bytes twice */
#define TALK_WORDS                                                                     \
	0x40 /* padding that would complete the first letter of a request or an answer \
	      */

struct side {
	struct ws_rig rig;
	uint32_t at;  /* sequence number of the next segment */
	uint32_t ack; /* newest acknowledgement that it sent */
};

static void talk_begin(struct fix *x, struct side s[2], uint8_t how)
{
	bool frames = how & 1;
	struct hokm_conn c = {
		.created_ns = fix_now(),
		.established_ns = fix_now(),
		.isn = CISN,
		.tcp_state = HOKM_TCP_ESTABLISHED,
		.target = HOKM_LOCAL,
		.flags = HOKM_CONN_OPENED,
		.ws = frames ? HOKM_WS_OPEN : HOKM_WS_NONE,
		.vouched = VOUCHED(CISN + 1, SISN + 1),
		.c2s = {.packets = 2, .seq_next = CISN + 1, .ack = SISN + 1},
		.s2c = {.packets = 1, .seq_next = SISN + 1, .ack = CISN + 1},
	};

	for (uint8_t i = 0; i < 2; i++) {
		uint32_t first = (i ? SISN : CISN) + 1;
		uint8_t side = i ? HOKM_SIDE_SERVER : HOKM_SIDE_CLIENT;

		s[i].at = first;
		s[i].ack = (i ? CISN : SISN) + 1;
		if (frames)
			ws_rig_begin_frames(&s[i].rig, side, first);
		else if (how & 2 << i)
			ws_rig_begin_unknown(&s[i].rig, side, first);
		else
			ws_rig_begin(&s[i].rig, side, first);
		*(i ? &c.s2c.ws : &c.c2s.ws) = s[i].rig.ws;
	}
	fix_conn_put(x, &c);
}

/*
 * Where bpf/ws_track.h begins anew: heads behind a body that is not read, and frames after a 101.
 */
static void talk_again(struct ws_rig *r, const struct hokm_conn *c, bool server, uint32_t seq,
		       const uint8_t *data, uint32_t len)
{
	bool begins = len >= 4 && seq == r->newest && !memcmp(data, server ? "HTTP" : "GET ", 4);
	bool is_head = r->ws.state == HOKM_FOLLOW_HEAD, is_plain = r->ws.state == HOKM_FOLLOW_PLAIN;

	if (server) {
		if (c->ws == HOKM_WS_ASKED && r->ws.state != HOKM_FOLLOW_FRAMES && begins &&
		    !(is_head && r->ws.next == seq))
			ws_begin_again(&r->ws, seq);
		return;
	}
	if (r->ws.state == HOKM_FOLLOW_FRAMES && c->ws == HOKM_WS_REFUSED) {
		is_plain = r->ws.have || r->ws.left || c->c2s.frames;
		r->ws.state = is_plain ? HOKM_FOLLOW_PLAIN : HOKM_FOLLOW_HEAD;
	}
	if (c->ws == HOKM_WS_OPEN && (is_head || is_plain))
		ws_begin_unknown(&r->ws);
	else if (is_plain && begins)
		ws_begin_again(&r->ws, seq);
}

/* A 101 that the client did not ask for begins no frames. */
static void talk_unasked(struct side s[2], const struct hokm_conn *c, bool server)
{
	const struct ws_seen *seen = &s[1].rig.last;

	if (server && seen->did & WS_DID_STATUS && seen->status == 101 &&
	    s[1].rig.ws.state != HOKM_FOLLOW_PLAIN && c->ws == HOKM_WS_PLAIN &&
	    s[0].rig.ws.state == HOKM_FOLLOW_HEAD && s[0].rig.ws.next == s[0].rig.newest)
		ws_begin(&s[1].rig.ws, s[1].rig.newest);
}

/* bpf/ws_track.h may count a message whose length has come before its whole mask has. */
static bool counted_before_its_mask(const struct hokm_ws *rig, const struct hokm_ws *bpf)
{
	return rig->state == HOKM_FOLLOW_FRAMES && rig->have >= 4 && !bpf->have &&
	       ((rig->b0 & ~WS_RSV1) == (WS_FIN | WS_TEXT) ||
		(rig->b0 & ~WS_RSV1) == (WS_FIN | WS_BINARY));
}

/* Compares both; returns false when they may differ from here on. */
static bool talk_same(const struct side *s, const struct hokm_flow *flow)
{
	const struct hokm_ws *rig = &s->rig.ws, *bpf = &flow->ws;
	uint32_t frames = s->rig.total.records;

	if (counted_before_its_mask(rig, bpf))
		return false;
	for (int i = 0; i < WS_KINDS; i++)
		frames += s->rig.total.n[i];
	EXPECT(bpf->state == rig->state);
	EXPECT(flow->frames == frames);
	EXPECT(flow->seq_next == s->rig.newest);
	if (rig->state > HOKM_FOLLOW_RECORDS)
		return true;
	EXPECT(bpf->next == rig->next && bpf->flags == rig->flags);
	EXPECT(bpf->have == rig->have && bpf->left == rig->left);
	EXPECT(!(rig->flags & HOKM_WS_FLAG_GAP) || bpf->gap == rig->gap);
	return true;
}

static void talk_frame(struct frame *f, bool server, uint32_t seq, uint32_t ack,
		       const uint8_t *data, uint32_t len, uint8_t how)
{
	bool padded = how & TALK_PADDED && !server;

	frame_tcp(f, SEG(.flags = ACK, .seq = seq, .ack = ack, .payload = len, .reply = server,
			 .padding = padded ? 12 : 0));
	memcpy(f->b + f->len - (padded ? 12 : 0) - len, data, len);
	if (padded)
		memcpy(f->b + f->len - 12,
		       how & TALK_WORDS ? "ET / HTTP/1."
					: "\x85\x85\x85\x85\x85\x85\x85\x85\x85\x85\x85\x85",
		       12);
}

/* Sends one segment; returns false to end the talk. */
static bool talk_segment(struct fix *x, struct side s[2], uint8_t how, const uint8_t *data,
			 uint32_t len)
{
	static struct frame f;
	bool server = how & TALK_SERVER;
	struct side *me = &s[server], *you = &s[!server];
	uint32_t seq = me->at, ack = how & TALK_OLD_ACK ? you->at - 1 : you->at;
	struct hokm_conn c;

	if ((how & TALK_WHERE) == 2)
		seq -= len / 2;
	else if ((how & TALK_WHERE) == 4)
		seq += len;
	EXPECT(fix_conn(x, &c));
	talk_frame(&f, server, seq, ack, data, len, how);
	bpf_fuzz_run(&f, server);
	EXPECT(x->verdict == (server ? TC_OK_V : XDP_PASS_V) && bpf_fuzz_untouched(&f));

	if (ws_diff(ack, me->ack) > 0)
		me->ack = ack;
	talk_again(&me->rig, &c, server, seq, data, len);
	me->rig.has_acked = true;
	me->rig.acked = you->ack;
	ws_rig_segment(&me->rig, seq, data, len);
	talk_unasked(s, &c, server);
	if ((how & TALK_WHERE) != 4 && ws_diff(seq + len, me->at) > 0)
		me->at = seq + len;
	EXPECT(fix_conn(x, &c));
	return talk_same(me, server ? &c.s2c : &c.c2s);
}

void bpf_fuzz_talk(struct fix *x, const uint8_t *data, size_t size)
{
	static struct side s[2];
	static uint8_t copy[1200];
	size_t at = 1;

	if (size < 1)
		return;
	memset(s, 0, sizeof(s));
	talk_begin(x, s, data[0]);
	while (at + 2 < size) {
		uint8_t how = data[at];
		size_t len = data[at + 1] + 1u, left = size - at - 2;

		at += 2;
		if (len > left)
			len = left;
		memcpy(copy, data + at, len);
		at += len;
		if (how & TALK_AGAIN) {
			memcpy(copy + len, copy, len);
			len *= 2;
		}
		if (!talk_segment(x, s, how, copy, (uint32_t)len))
			break;
	}
}
