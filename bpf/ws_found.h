/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the frame parser found in a segment, and what that means for the connection: its phase, its
 * close code, requests and pings that wait, counters and events.
 *
 * Each found_*() function handles one result. An event with less weight than one the packet already
 * has is not sent; counters are always exact.
 */
#ifndef HOKM_BPF_WS_FOUND_H
#define HOKM_BPF_WS_FOUND_H

#include "answer_wait.h"
#include "conn_word.h"
#include "event_send.h"
#include "hokm/ws.h"

/* First status of a class (RFC 9110 section 15). */
#define HTTP_SERVER_ERROR 500
#define HTTP_CLIENT_ERROR 400
#define HTTP_SWITCHING    101

/* Close codes (RFC 6455 section 7.4.1 and the IANA registry). */
#define CLOSE_INTERNAL_ERROR  1011
#define CLOSE_SERVICE_RESTART 1012
#define CLOSE_TRY_AGAIN       1013

/* Leaves the event, unless the packet already has one. */
static __always_inline void follow_event(struct packet *p, __u8 kind)
{
	if (p->event == EVENT_NONE)
		p->event = kind;
}

/*
 * An upgrade request. Its answer is awaited only when the server owes nothing but this answer, the
 * answer can be read, and the client has room for it. Otherwise silence would not be the server's.
 */
static __always_inline void found_request(struct packet *p, struct hokm_conn *c,
					  const struct ws_seen *s)
{
	COUNT(p, upgrade);
	c->ws = HOKM_WS_ASKED;
	c->asked_ns = p->now;
	c->due = s->did & WS_DID_SURE && s->heads == 1 && c->answers == c->requests &&
		 c->s2c.ws.state == HOKM_FOLLOW_HEAD && p->seg.window;
}

/* Requests were read. The last one may be for an upgrade: nothing is read after that as a head. */
static __always_inline void found_requests(struct packet *p, struct hokm_conn *c,
					   const struct ws_seen *s)
{
	bool upgrade = s->did & WS_DID_REQUEST;

	p->count->http_plain += s->heads - upgrade;
	if (upgrade)
		found_request(p, c, s);
	else
		c->ws = HOKM_WS_PLAIN;
	c->requests += s->heads;
}

static __always_inline void count_status(struct packet *p, __u16 status)
{
	if (status == HTTP_SWITCHING)
		COUNT(p, switched);
	else if (status >= HTTP_SERVER_ERROR && status < HTTP_SERVER_ERROR + 100)
		COUNT(p, upgrade_5xx);
	else if (status >= HTTP_CLIENT_ERROR && status < HTTP_SERVER_ERROR)
		COUNT(p, upgrade_4xx);
	else
		COUNT(p, upgrade_other);
}

/*
 * Notes the answers in their number, and returns true when the last one answers an upgrade request.
 * That is the last request, because no head is read after it.
 */
static __always_inline bool answers_upgrade(struct hokm_conn *c, const struct ws_seen *s)
{
	__u16 open = c->requests - c->answers;

	if (!(s->did & WS_DID_SURE) || s->heads >= open)
		c->answers = c->requests;
	else
		c->answers += s->heads;
	return c->ws == HOKM_WS_ASKED && c->answers == c->requests;
}

/* Is every request of the client read, and none of them an upgrade? Then nobody asked for a 101. */
static __always_inline bool nobody_asked(const struct hokm_conn *c)
{
	return c->ws == HOKM_WS_PLAIN && c->c2s.ws.state == HOKM_FOLLOW_HEAD &&
	       c->c2s.ws.next == c->c2s.seq_next;
}

/* Answers. Only the answer to an upgrade request matters, or one that says 101. */
static __always_inline void found_status(struct packet *p, struct hokm_conn *c, struct hokm_ws *w,
					 const struct ws_seen *s)
{
	bool switched = s->status == HTTP_SWITCHING && w->state != HOKM_FOLLOW_PLAIN;
	bool asked = answers_upgrade(c, s);

	if (!asked && !switched)
		return;
	if (switched && nobody_asked(c)) {
		ws_begin(w, c->s2c.seq_next);
		return;
	}
	if (asked) {
		c->upgrade_us = elapsed_us(p, wait_swap(&c->asked_ns));
		LATENCY(p, upgrade, c->upgrade_us);
	}
	count_status(p, s->status);
	c->status = s->status;
	c->switch_ns = p->now;
	c->ws = switched ? HOKM_WS_OPEN : HOKM_WS_REFUSED;
	follow_event(p, switched ? HOKM_EV_UPGRADED : HOKM_EV_NOT_UPGRADED);
}

static __always_inline void count_server_close(struct packet *p, __u16 code)
{
	COUNT(p, close_server);
	if (code == CLOSE_INTERNAL_ERROR)
		COUNT(p, close_1011);
	else if (code == CLOSE_SERVICE_RESTART)
		COUNT(p, close_1012);
	else if (code == CLOSE_TRY_AGAIN)
		COUNT(p, close_1013);
}

/*
 * A close frame. The first one of the connection counts; that of the other end is its echo, or
 * comes after the FIN.
 */
static __always_inline void found_close(struct packet *p, struct hokm_conn *c, __u8 side,
					__u16 code)
{
	wait_give_up(p, c);
	if (!close_code_take(c, code))
		return;
	c->ws = HOKM_WS_CLOSING;
	conn_move(c, MOVE_NONE, side);
	if (c->close_side != side)
		return;
	if (side == HOKM_SIDE_SERVER)
		count_server_close(p, code);
	else
		COUNT(p, close_client);
}

/*
 * Frame tracking of a side lost synchronization: nothing that waits for its frames can be answered.
 */
static __always_inline void found_lost(struct packet *p, struct hokm_conn *c, __u8 side, __u8 fault)
{
	if (side == HOKM_SIDE_SERVER) {
		COUNT(p, sync_lost_out);
		wait_give_up(p, c); /* their answers will not be seen */
	} else {
		COUNT(p, sync_lost_in);
		c->ping_s2c_ns = 0;
	}
	if (c->sync_lost < 255)
		c->sync_lost++;
	p->fault = fault;
	p->side = side;
	follow_event(p, HOKM_EV_SYNC_LOST);
}

static __always_inline void found_regained(struct packet *p, struct hokm_conn *c, __u8 side)
{
	if (side == HOKM_SIDE_SERVER)
		COUNT(p, sync_regained_out);
	else
		COUNT(p, sync_regained_in);
	if (c->ws == HOKM_WS_NONE || c->ws == HOKM_WS_ASKED)
		c->ws = HOKM_WS_OPEN;
	p->side = side;
	follow_event(p, HOKM_EV_SYNC_REGAINED);
}

static __always_inline void found_pings_in(struct packet *p, struct hokm_conn *c,
					   const struct ws_seen *s)
{
	__u64 began;

	/*
	 * A pong is awaited only when the frames of the server can be read, and the client has room
	 * for them.
	 */
	if (s->n[WS_PING] && c->s2c.ws.state == HOKM_FOLLOW_FRAMES && p->seg.window)
		wait_ping_begin(p, c);
	if (!s->n[WS_PONG])
		return;
	began = wait_swap(&c->ping_s2c_ns);
	if (!began)
		return;
	c->rtt_s2c_us = elapsed_us(p, began);
	LATENCY(p, ping_out, c->rtt_s2c_us);
}

static __always_inline void found_pings_out(struct packet *p, struct hokm_conn *c,
					    const struct ws_seen *s)
{
	__u64 began;

	if (s->n[WS_PING] && c->c2s.ws.state == HOKM_FOLLOW_FRAMES)
		__sync_val_compare_and_swap(&c->ping_s2c_ns, 0, p->now);
	if (!s->n[WS_PONG] || !c->ping_c2s_ns)
		return;
	began = wait_ping_end(p, c);
	if (!began)
		return;
	c->rtt_c2s_us = elapsed_us(p, began);
	LATENCY(p, ping_in, c->rtt_c2s_us);
}

/* The frame counters of a direction are consecutive fields in the order of the kinds. */
_Static_assert(HOKM_CTR_in_pong - HOKM_CTR_in_continuation == WS_PONG, "in_* as WS_*");
_Static_assert(HOKM_CTR_out_pong - HOKM_CTR_out_continuation == WS_PONG, "out_* as WS_*");

static __always_inline void count_frames(struct packet *p, struct hokm_flow *flow,
					 const struct ws_seen *s, __u8 side)
{
	__u64 *count = side == HOKM_SIDE_CLIENT ? &p->count->in_continuation
						: &p->count->out_continuation;

#pragma clang loop unroll(full)
	for (int i = 0; i < WS_KINDS; i++) {
		count[i] += s->n[i];
		flow->frames += s->n[i];
	}
	flow->frames += s->records;
	if (side == HOKM_SIDE_CLIENT)
		p->count->in_records += s->records;
	else
		p->count->out_records += s->records;
}

static __always_inline void found_head(struct packet *p, struct hokm_conn *c, struct hokm_ws *w,
				       const struct ws_seen *s)
{
	if (s->did & WS_DID_TLS && c->ws == HOKM_WS_NONE) {
		COUNT(p, tls);
		c->ws = HOKM_WS_TLS;
	}
	if (s->did & (WS_DID_REQUEST | WS_DID_PLAIN))
		found_requests(p, c, s);
	if (s->did & WS_DID_STATUS)
		found_status(p, c, w, s);
}

/* Everything that was found in one segment of a side. flow: that of this side. */
static __always_inline void found(struct packet *p, struct hokm_conn *c, struct hokm_flow *flow,
				  const struct ws_seen *s, __u8 side)
{
	count_frames(p, flow, s, side);
	if (s->did & (WS_DID_TLS | WS_DID_REQUEST | WS_DID_PLAIN | WS_DID_STATUS))
		found_head(p, c, &flow->ws, s);
	if (side == HOKM_SIDE_CLIENT)
		found_pings_in(p, c, s);
	else
		found_pings_out(p, c, s);
	if (s->did & WS_DID_REGAINED)
		found_regained(p, c, side);
	if (s->did & WS_DID_LOST)
		found_lost(p, c, side, s->fault);
	if (s->did & WS_DID_CLOSE)
		found_close(p, c, side, s->close_code);
}

#endif
