/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * WebSocket liveness: hokm/ws.h over the payload of the packets that pass, and what follows for the
 * connection: phase, close code, pings and pongs, counters, events.
 *
 *   follow_in, follow_out
 *     ├─ nothing of a header in this segment: done
 *     ├─ follow_fast   one whole message that ends the segment, the case that must cost nothing
 *     └─ follow_slow   everything else: a bounded loop of steps, bytes by helper, so that frags,
 * GSO and headers anywhere are all the same
 *
 * Only the node that serves a connection follows it; one that steers it sees half of it.
 */
#ifndef HOKM_BPF_WS_TRACK_H
#define HOKM_BPF_WS_TRACK_H

#include "event_send.h"
#include "answer_wait.h"
#include "hokm/ws.h"

#define HTTP_SERVER_ERROR 500
#define HTTP_CLIENT_ERROR 400
#define HTTP_SWITCHING    101

#define WORD_GET  bpf_htonl(0x47455420) /* "GET " */
#define WORD_HTTP bpf_htonl(0x48545450) /* "HTTP" */

#define CLOSE_INTERNAL_ERROR  1011
#define CLOSE_SERVICE_RESTART 1012
#define CLOSE_TRY_AGAIN       1013

/* The slow way's work on one segment; its steps are called back with the address of this. */
struct follow {
	void *ctx;
	struct ws_run *run; /* in map work */
	__u32 at;           /* of the payload in the frame */
};

/* One segment for the slow way, as struct packet and struct segment have it. */
struct follow_job {
	__u64 now;
	__u32 seq;
	__u32 payload;
	__u32 newest;
	__u32 at; /* of the payload in the frame */
	__u32 slot;
	__u32 rsv;
};

/* ---- what was found ---- */

/* An event of less weight than one that the packet has already is not told: counters are exact. */
static __always_inline void follow_event(struct packet *p, __u8 kind)
{
	if (p->event == EVENT_NONE)
		p->event = kind;
}

static __always_inline void found_request(struct packet *p, struct hokm_conn *c)
{
	COUNT(p, upgrade);
	c->ws = HOKM_WS_ASKED;
	/* An answer that could not be seen must not be missed. */
	if (c->s2c.ws.state == HOKM_FOLLOW_HEAD || c->s2c.ws.state == HOKM_FOLLOW_PLAIN)
		wait_upgrade_begin(p, c);
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

/* An answer to an upgrade request; to any other request it means nothing here. */
static __always_inline void found_status(struct packet *p, struct hokm_conn *c, __u16 status)
{
	__u64 asked = wait_upgrade_end(p, c);

	if (!asked && status != HTTP_SWITCHING)
		return;
	if (asked) {
		c->upgrade_us = elapsed_us(p, asked);
		LATENCY(p, upgrade, c->upgrade_us);
	}
	count_status(p, status);
	c->status = status;
	c->switch_ns = p->now;
	c->ws = status == HTTP_SWITCHING ? HOKM_WS_OPEN : HOKM_WS_REFUSED;
	follow_event(p, status == HTTP_SWITCHING ? HOKM_EV_UPGRADED : HOKM_EV_NOT_UPGRADED);
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

/* The first close frame of either side ends it; the other's is its echo, or follows its FIN. */
static __always_inline void found_close(struct packet *p, struct hokm_conn *c, __u8 side,
					__u16 code)
{
	wait_give_up(p, c);
	if (c->close_code)
		return;
	c->close_code = code;
	c->ws = HOKM_WS_CLOSING;
	if (!c->close_side)
		c->close_side = side;
	if (c->close_side != side)
		return;
	if (side == HOKM_SIDE_SERVER)
		count_server_close(p, code);
	else
		COUNT(p, close_client);
}

static __always_inline void found_lost(struct packet *p, struct hokm_conn *c, __u8 side, __u8 fault)
{
	if (side == HOKM_SIDE_SERVER) {
		COUNT(p, sync_lost_out);
		wait_give_up(p, c); /* the answers would not be seen */
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

	/* A pong that could not be seen must not be missed. */
	if (s->n[WS_PING] && c->s2c.ws.state == HOKM_FOLLOW_FRAMES)
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

/* The counters of a direction's frames lie one behind the other, in the order of the kinds. */
_Static_assert(HOKM_CTR_in_pong - HOKM_CTR_in_continuation == WS_PONG, "in_* as WS_*");
_Static_assert(HOKM_CTR_out_pong - HOKM_CTR_out_continuation == WS_PONG, "out_* as WS_*");

static __always_inline void count_frames(struct packet *p, struct hokm_flow *h,
					 const struct ws_seen *s, __u8 side)
{
	__u64 *count = side == HOKM_SIDE_CLIENT ? &p->count->in_continuation
						: &p->count->out_continuation;

#pragma clang loop unroll(full)
	for (int i = 0; i < WS_KINDS; i++) {
		count[i] += s->n[i];
		h->frames += s->n[i];
	}
	h->frames += s->records;
	if (side == HOKM_SIDE_CLIENT)
		p->count->in_records += s->records;
	else
		p->count->out_records += s->records;
}

static __always_inline void found_head(struct packet *p, struct hokm_conn *c,
				       const struct ws_seen *s)
{
	if (s->did & WS_DID_TLS && c->ws == HOKM_WS_NONE) {
		COUNT(p, tls);
		c->ws = HOKM_WS_TLS;
	}
	if (s->did & WS_DID_REQUEST)
		found_request(p, c);
	if (s->did & WS_DID_PLAIN) {
		COUNT(p, http_plain);
		c->ws = HOKM_WS_PLAIN;
	}
	if (s->did & WS_DID_STATUS)
		found_status(p, c, s->status);
}

static __always_inline void found(struct packet *p, struct hokm_conn *c, struct hokm_flow *h,
				  const struct ws_seen *s, __u8 side)
{
	count_frames(p, h, s, side);
	if (s->did & (WS_DID_TLS | WS_DID_REQUEST | WS_DID_PLAIN | WS_DID_STATUS))
		found_head(p, c, s);
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

/* ---- one segment ---- */

/* What one step sees of the payload, at most. */
static __always_inline __u32 follow_left(const struct ws_run *r)
{
	__u32 left = r->len - r->off;

	return left < WS_CHUNK ? left : WS_CHUNK;
}

static __always_inline long follow_take(struct ws_run *r, const __u64 *chunk, __u32 have)
{
	struct ws_bytes b = {
		.hi = bpf_be64_to_cpu(chunk[0]),
		.lo = bpf_be64_to_cpu(chunk[1]),
		.have = have,
	};

	ws_step(r, &b);
	return !ws_more(r);
}

/*
 * `have` is 1 to WS_CHUNK; it is masked, where nothing is masked away, because that is the form in
 * which the verifier of 6.1 understands it, and hidden from clang, which would see through it.
 */
#define FOLLOW_STEP(name, load)                                             \
	static long name(__u32 i __attribute__((unused)), struct follow *f) \
	{                                                                   \
		struct ws_run *r = f->run;                                  \
		__u64 chunk[2] = {0, 0};                                    \
		__u32 have = follow_left(r) - 1;                            \
                                                                            \
		if (!ws_more(r))                                            \
			return 1;                                           \
		barrier_var(have);                                          \
		have = (have & (WS_CHUNK - 1)) + 1;                         \
		if (load(f->ctx, f->at + r->off, chunk, have)) {            \
			ws_lose(r, HOKM_FAULT_READ);                        \
			return 1;                                           \
		}                                                           \
		return follow_take(r, chunk, have);                         \
	}
FOLLOW_STEP(follow_step_in, bpf_xdp_load_bytes)
FOLLOW_STEP(follow_step_out, bpf_skb_load_bytes)

/* Sequence number after the newest byte that came before: a FIN that came too early is none. */
static __always_inline __u32 newest_before(const struct hokm_conn *c, __u8 side,
					   const struct follow_job *job)
{
	__u8 fin = side == HOKM_SIDE_CLIENT ? HOKM_TCP_FIN_CLIENT : HOKM_TCP_FIN_SERVER;

	return job->newest - (c->tcp_state == fin);
}

static __always_inline void follow_steps(struct packet *p, struct hokm_conn *c, __u8 side,
					 const struct follow_job *job)
{
	struct hokm_flow *h = side == HOKM_SIDE_CLIENT ? &c->c2s : &c->s2c;
	const struct hokm_flow *other = side == HOKM_SIDE_CLIENT ? &c->s2c : &c->c2s;
	__u32 place = side == HOKM_SIDE_CLIENT ? WORK_IN : WORK_OUT;
	struct work *w = bpf_map_lookup_elem(&work, &place);
	struct follow f = {.ctx = p->ctx, .at = job->at};
	bool entered;

	if (!w)
		return;
	f.run = &w->run;
	ws_run_init(f.run, &h->ws, job->seq, job->payload, side);
	entered = ws_enter(f.run, job->newest, other->ack, other->packets);
	if (entered) {
		/* Two more than there are bytes: a state may change without taking one. */
		if (side == HOKM_SIDE_CLIENT)
			bpf_loop(job->payload + 2, follow_step_in, &f, 0);
		else
			bpf_loop(job->payload + 2, follow_step_out, &f, 0);
	}
	/*
	 * What is read now ends with this segment or beyond: only what came before can be missing.
	 */
	ws_leave(f.run, newest_before(c, side, job), entered);
	h->ws = f.run->ws;
	found(p, c, h, &f.run->seen, side);
	if (h->ws.state == HOKM_FOLLOW_PLAIN && c->ws == HOKM_WS_NONE)
		c->ws = HOKM_WS_PLAIN; /* no HTTP at all */
}

/* What the slow way leaves to tell, in one word: event, fault and side. */
#define SLOW_RESULT(event, fault, side) ((event) | (fault) << 8 | (side) << 16)

static __always_inline int follow_job_run(void *ctx, struct hokm_conn *c,
					  const struct follow_job *job, __u8 side)
{
	struct packet p = {
		.ctx = ctx,
		.now = job->now,
		.event = EVENT_NONE,
	};

	if (account(&p, job->slot))
		follow_steps(&p, c, side, job);
	return SLOW_RESULT(p.event, p.fault, p.side);
}

/*
 * Functions of their own, which the verifier goes through once, and not once for each way that
 * leads here. What they are given may be NULL to it.
 */
__noinline int follow_slow_in(struct xdp_md *ctx, struct hokm_conn *c, struct follow_job *job)
{
	return c && job ? follow_job_run(ctx, c, job, HOKM_SIDE_CLIENT) : EVENT_NONE;
}

__noinline int follow_slow_out(struct __sk_buff *ctx, struct hokm_conn *c, struct follow_job *job)
{
	return c && job ? follow_job_run(ctx, c, job, HOKM_SIDE_SERVER) : EVENT_NONE;
}

static __always_inline void follow_slow(struct packet *p, struct hokm_conn *c, __u8 side)
{
	struct follow_job job = {
		.now = p->now,
		.seq = p->seg.seq,
		.payload = p->seg.payload,
		.newest = p->seg.newest,
		.at = (__u32)(p->payload - (void *)p->eth),
		.slot = p->service,
	};
	__u32 told = side == HOKM_SIDE_CLIENT ? follow_slow_in(p->ctx, c, &job)
					      : follow_slow_out(p->ctx, c, &job);

	if (p->event != EVENT_NONE)
		return;
	p->event = told;
	p->fault = told >> 8;
	p->side = told >> 16;
	p->target = c->target;
	p->tcp_state = c->tcp_state;
}

/*
 * One unfragmented text or binary message with a short or 16-bit length that begins the segment and
 * ends it, or lies beyond: nearly every data packet of a game.
 */
static __always_inline bool follow_fast(struct packet *p, struct hokm_flow *h, __u8 side)
{
	const __u8 *b = p->payload;
	struct hokm_ws *w = &h->ws;
	__u32 size = side == HOKM_SIDE_CLIENT ? 6 : 2;
	__u32 len, next;

	/* Four bytes of payload at least: behind it the frame may be padded. */
	if (w->next != p->seg.seq || w->flags || w->have || w->left || p->seg.payload < 4 ||
	    (const void *)(b + 8) > p->end)
		return false;
	len = b[1] & WS_LEN;
	if (!(b[1] & WS_MASKED) != (side == HOKM_SIDE_SERVER) || len == WS_LEN_64)
		return false;
	if (len == WS_LEN_16) {
		len = bpf_ntohs(*(const __be16 *)(b + 2));
		size += 2;
		if (len < WS_LEN_16)
			return false;
	}
	next = p->seg.seq + size + len;
	if (ws_diff(next, p->seg.seq + p->seg.payload) < 0)
		return false;
	if ((b[0] & ~WS_RSV1) == (WS_FIN | WS_BINARY)) {
		if (side == HOKM_SIDE_CLIENT)
			COUNT(p, in_binary);
		else
			COUNT(p, out_binary);
	} else if ((b[0] & ~WS_RSV1) == (WS_FIN | WS_TEXT)) {
		if (side == HOKM_SIDE_CLIENT)
			COUNT(p, in_text);
		else
			COUNT(p, out_text);
	} else {
		return false;
	}
	w->next = next;
	h->frames++;
	return true;
}

/* Does the payload begin, in its order, with these four characters? */
static __always_inline bool begins_with(const struct packet *p, __be32 word)
{
	const __be32 *b = p->payload;

	/* Behind a shorter payload the frame may be padded. */
	return p->seg.seq == p->seg.newest && p->seg.payload >= sizeof(word) &&
	       (const void *)(b + 1) <= p->end && *b == word;
}

/* A refused client, or one that asked for something else first, may ask again on its connection. */
static __always_inline void follow_next_request(struct packet *p, const struct hokm_conn *c,
						struct hokm_ws *w)
{
	if (w->state == HOKM_FOLLOW_FRAMES && c->ws == HOKM_WS_REFUSED)
		w->state = HOKM_FOLLOW_PLAIN;
	if (w->state == HOKM_FOLLOW_PLAIN && begins_with(p, WORD_GET))
		ws_begin(w, p->seg.seq);
}

/* Nothing to read here: not followed at all, or out of step and this segment is none to try. */
static __always_inline bool follow_pauses(const struct packet *p, const struct hokm_ws *w)
{
	if (w->state == HOKM_FOLLOW_LOST)
		return p->seg.seq != p->seg.newest;
	return w->state == HOKM_FOLLOW_PLAIN || w->state == HOKM_FOLLOW_DONE;
}

static __always_inline void follow_in(struct packet *p, struct hokm_conn *c)
{
	struct hokm_flow *h = &c->c2s;

	if (!p->seg.payload || c->target != HOKM_LOCAL || p->seg.flags & TCP_FLAG_RST)
		return;
	if (h->ws.state == HOKM_FOLLOW_FRAMES && c->ws == HOKM_WS_OPEN) {
		if (ws_diff(h->ws.next, p->seg.seq + p->seg.payload) >= 0 ||
		    follow_fast(p, h, HOKM_SIDE_CLIENT))
			return;
	} else {
		follow_next_request(p, c, &h->ws);
		if (follow_pauses(p, &h->ws))
			return;
	}
	follow_slow(p, c, HOKM_SIDE_CLIENT);
}

static __always_inline void follow_out(struct packet *p, struct hokm_conn *c)
{
	struct hokm_flow *h = &c->s2c;

	if (!p->seg.payload || p->seg.flags & TCP_FLAG_RST)
		return;
	if (h->ws.state == HOKM_FOLLOW_FRAMES) {
		if (ws_diff(h->ws.next, p->seg.seq + p->seg.payload) >= 0 ||
		    follow_fast(p, h, HOKM_SIDE_SERVER))
			return;
	} else {
		if (h->ws.state == HOKM_FOLLOW_PLAIN && c->upgrade_ns && begins_with(p, WORD_HTTP))
			ws_begin(&h->ws, p->seg.seq);
		if (follow_pauses(p, &h->ws))
			return;
	}
	follow_slow(p, c, HOKM_SIDE_SERVER);
}

/* ---- the end ---- */

/* A direction that is out of step may have closed as it should. */
static __always_inline bool is_synchronized(const struct hokm_flow *h)
{
	return h->ws.state == HOKM_FOLLOW_FRAMES;
}

/* And so may one of which a header is still missing before this segment. */
static __always_inline bool is_read_up_to(const struct packet *p, const struct hokm_flow *h)
{
	return ws_diff(h->ws.next, p->seg.seq + p->seg.payload) >= 0;
}

/*
 * FIN or RST of one side, before the state changes. Without a close frame it is an abnormal end
 * (1006); true when it is one.
 */
static __always_inline bool follow_end(struct packet *p, struct hokm_conn *c, __u8 side)
{
	wait_give_up(p, c);
	if (c->ws != HOKM_WS_OPEN || c->close_code || !is_synchronized(&c->c2s) ||
	    !is_synchronized(&c->s2c))
		return false;
	if (!is_read_up_to(p, side == HOKM_SIDE_CLIENT ? &c->c2s : &c->s2c))
		return false;
	c->close_code = WS_CODE_ABNORMAL;
	return true;
}

#endif
