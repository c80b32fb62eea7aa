/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame tracking in the packet path: gives the payload of each segment to the parser (hokm/ws.h).
 *
 *   follow_in, follow_out
 *     |- no header begins in this segment: nothing to do
 *     |- follow_fast   one whole message that ends with the segment or after it: nearly every data
 *     |                packet of a game, so it must cost almost nothing
 *     +- follow_slow   everything else: a bounded loop of steps that load bytes with a helper, so
 *                      that fragmented buffers, GSO and headers at any place need no special case
 *
 * Only the node that serves a connection tracks its frames. A node that steers a connection sees
 * one direction only.
 */
#ifndef HOKM_BPF_WS_TRACK_H
#define HOKM_BPF_WS_TRACK_H

#include "ws_found.h"

/* The first four characters of a request and of an answer. */
#define WORD_GET  bpf_htonl(0x47455420) /* "GET " */
#define WORD_HTTP bpf_htonl(0x48545450) /* "HTTP" */

/* The work of follow_slow() on one segment. bpf_loop() gives its address to every step. */
struct follow {
	void *ctx;
	struct ws_run *run; /* lies in the map work */
	__u32 at;           /* offset of the payload in the frame */
};

/* One segment for follow_slow(): the fields of struct packet and struct segment that it needs. */
struct follow_job {
	__u64 now; /* result: the exact time at which the segment was read */
	__u32 seq;
	__u32 payload;
	__u32 newest;
	__u16 at;   /* offset of the payload in the frame: after headers of at most 142 bytes */
	__u16 slot; /* of the service */
	__u32 window;
	__u32 rsv;
};

/* Bytes of the payload that the next step gets. */
static __always_inline __u32 follow_left(const struct ws_run *r)
{
	__u32 left = r->len - r->off;

	return left < WS_CHUNK ? left : WS_CHUNK;
}

/* One step of the parser over the loaded bytes. Returns 1 when the segment is read. */
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
 * One step, as bpf_loop() calls it. Returns 1 to end the loop.
 *
 * `have` is 1 to WS_CHUNK. The mask changes nothing, but without it the verifier of kernel 6.1 does
 * not see the bounds. barrier_var() keeps clang from removing the mask.
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

/* Sequence number after the newest byte before the segment. A FIN counts as one, but is no byte. */
static __always_inline __u32 newest_before(const struct hokm_conn *c, __u8 side,
					   const struct follow_job *job)
{
	__u8 fin = side == HOKM_SIDE_CLIENT ? HOKM_TCP_FIN_CLIENT : HOKM_TCP_FIN_SERVER;

	return job->newest - (c->tcp_state == fin);
}

/* Is the stream, which is no longer read, no HTTP? An upgrade that is answered so is over. */
static __always_inline bool is_no_http(const struct hokm_conn *c, __u8 side,
				       const struct ws_seen *s)
{
	if (c->ws == HOKM_WS_NONE)
		return true;
	return c->ws == HOKM_WS_ASKED && side == HOKM_SIDE_SERVER && !(s->did & WS_DID_STATUS);
}

/* Where the parser of a direction works. It is too large for the stack. */
static __always_inline struct ws_run *follow_run(__u8 side)
{
	__u32 place = side == HOKM_SIDE_CLIENT ? WORK_IN : WORK_OUT;
	struct work *w = bpf_map_lookup_elem(&work, &place);

	return w ? &w->run : NULL;
}

/* Reads the segment. Returns false when nothing was read. */
static __always_inline bool follow_steps(void *ctx, struct hokm_conn *c, __u8 side,
					 const struct follow_job *job)
{
	struct hokm_flow *flow = side == HOKM_SIDE_CLIENT ? &c->c2s : &c->s2c;
	const struct hokm_flow *other = side == HOKM_SIDE_CLIENT ? &c->s2c : &c->c2s;
	struct follow f = {.ctx = ctx, .run = follow_run(side), .at = job->at};
	bool entered;

	if (!f.run)
		return false;
	ws_run_init(f.run, &flow->ws, job->seq, job->payload, side);
	entered = ws_enter(f.run, job->newest, other->ack, other->packets);
	if (entered) {
		/* Two steps more than bytes: a step may change the state without taking one. */
		if (side == HOKM_SIDE_CLIENT)
			bpf_loop(job->payload + 2, follow_step_in, &f, 0);
		else
			bpf_loop(job->payload + 2, follow_step_out, &f, 0);
	}
	/* Reading ended with this segment or after it, so only earlier bytes can be missing. */
	ws_leave(f.run, newest_before(c, side, job), entered);
	flow->ws = f.run->ws;
	return true;
}

/* The result of follow_slow() as one word: event, fault and side. */
#define SLOW_RESULT(event, fault, side) ((event) | (fault) << 8 | (side) << 16)

/* What was found in the segment changes the connection. */
static __always_inline int follow_apply(struct hokm_conn *c, const struct follow_job *job,
					__u8 side)
{
	struct hokm_flow *flow = side == HOKM_SIDE_CLIENT ? &c->c2s : &c->s2c;
	const struct ws_run *r = follow_run(side);
	struct packet p = {
		.now = job->now,
		.seg.window = job->window,
		.event = EVENT_NONE,
	};

	if (!r || !account(&p, job->slot))
		return EVENT_NONE;
	found(&p, c, flow, &r->seen, side);
	if (flow->ws.state == HOKM_FOLLOW_PLAIN && is_no_http(c, side, &r->seen))
		c->ws = HOKM_WS_PLAIN;
	return SLOW_RESULT(p.event, p.fault, p.side);
}

/*
 * Functions of their own: the verifier checks them once, and not once for each path that leads
 * here. To the verifier their pointers may be NULL. Reading and applying are two functions, because
 * a chain of calls has 512 bytes of stack, and bpf_loop() calls one more.
 */
__noinline int follow_apply_in(struct hokm_conn *c, struct follow_job *job)
{
	return c && job ? follow_apply(c, job, HOKM_SIDE_CLIENT) : EVENT_NONE;
}

__noinline int follow_apply_out(struct hokm_conn *c, struct follow_job *job)
{
	return c && job ? follow_apply(c, job, HOKM_SIDE_SERVER) : EVENT_NONE;
}

__noinline int follow_slow_in(struct xdp_md *ctx, struct hokm_conn *c, struct follow_job *job)
{
	if (!c || !job)
		return EVENT_NONE;
	job->now = bpf_ktime_get_boot_ns();
	return follow_steps(ctx, c, HOKM_SIDE_CLIENT, job) ? follow_apply_in(c, job) : EVENT_NONE;
}

__noinline int follow_slow_out(struct __sk_buff *ctx, struct hokm_conn *c, struct follow_job *job)
{
	if (!c || !job)
		return EVENT_NONE;
	job->now = bpf_ktime_get_boot_ns();
	return follow_steps(ctx, c, HOKM_SIDE_SERVER, job) ? follow_apply_out(c, job) : EVENT_NONE;
}

static __always_inline void follow_slow(struct packet *p, struct hokm_conn *c, __u8 side)
{
	struct follow_job job = {
		.seq = p->seg.seq,
		.payload = p->seg.payload,
		.newest = p->seg.newest,
		.at = (__u16)(p->payload - (void *)p->eth),
		.slot = p->service,
		.window = p->seg.window,
	};
	__u32 result = side == HOKM_SIDE_CLIENT ? follow_slow_in(p->ctx, c, &job)
						: follow_slow_out(p->ctx, c, &job);

	if (p->event != EVENT_NONE)
		return;
	p->event = result;
	p->now = job.now;
	p->fault = result >> 8;
	p->side = result >> 16;
	p->target = c->target;
	p->tcp_state = c->tcp_state;
}

/* Is every header up to the end of the segment read? */
static __always_inline bool is_read(const struct packet *p, const struct hokm_ws *w)
{
	return ws_diff(w->next, p->seg.seq + p->seg.payload) >= 0;
}

/* Does the segment begin with a header, and has nothing gone before that must be remembered? */
static __always_inline bool begins_header(const struct packet *p, const struct hokm_ws *w)
{
	return w->next == p->seg.seq && !w->flags && !w->have && !w->left;
}

/*
 * Handles one unfragmented text or binary message with a length of 7 or 16 bits that begins with
 * the segment and ends with it or after it. Returns false when the segment is anything else. head:
 * the first eight bytes of the payload, the first byte is the lowest.
 */
static __always_inline bool follow_message(struct packet *p, struct hokm_flow *flow, __u8 side,
					   __u64 head)
{
	struct hokm_ws *w = &flow->ws;
	__u32 size = side == HOKM_SIDE_CLIENT ? 6 : 2;
	__u8 b0 = head, b1 = head >> 8;
	__u32 len = b1 & WS_LEN, next;

	/* At least four bytes of payload: bytes after it may be padding of the frame. */
	if (!begins_header(p, w) || p->seg.payload < 4)
		return false;
	if (!(b1 & WS_MASKED) != (side == HOKM_SIDE_SERVER) || len == WS_LEN_64)
		return false;
	if (len == WS_LEN_16) {
		len = bpf_ntohs((__be16)(head >> 16));
		size += 2;
		if (len < WS_LEN_16)
			return false;
	}
	next = p->seg.seq + size + len;
	if (ws_diff(next, p->seg.seq + p->seg.payload) < 0)
		return false;
	if ((b0 & ~WS_RSV1) == (WS_FIN | WS_BINARY)) {
		if (side == HOKM_SIDE_CLIENT)
			COUNT(p, in_binary);
		else
			COUNT(p, out_binary);
	} else if ((b0 & ~WS_RSV1) == (WS_FIN | WS_TEXT)) {
		if (side == HOKM_SIDE_CLIENT)
			COUNT(p, in_text);
		else
			COUNT(p, out_text);
	} else {
		return false;
	}
	w->next = next;
	flow->frames++;
	return true;
}

/* The same for a segment that lies in the linear part. */
static __always_inline bool follow_fast(struct packet *p, struct hokm_flow *flow, __u8 side)
{
	const void *b = p->payload;

	return b + sizeof(__u64) <= p->end && follow_message(p, flow, side, *(const __u64 *)b);
}

/*
 * Handles one TLS record that begins with the segment and ends with it or after it. Returns false
 * when the segment is anything else. head: as for follow_message().
 */
static __always_inline bool follow_record(struct packet *p, struct hokm_flow *flow, __u8 side,
					  __u64 head)
{
	__u32 len = (__u32)(head >> 16 & 0xff00) | (__u8)(head >> 32);
	struct hokm_ws *w = &flow->ws;
	__u32 next = p->seg.seq + WS_RECORD_HEAD + len;

	if (!begins_header(p, w) || p->seg.payload < WS_RECORD_HEAD || !ws_record_type(head) ||
	    (__u8)(head >> 8) != 3 || len > WS_RECORD_MAX ||
	    ws_diff(next, p->seg.seq + p->seg.payload) < 0)
		return false;
	if (side == HOKM_SIDE_CLIENT)
		COUNT(p, in_records);
	else
		COUNT(p, out_records);
	w->next = next;
	flow->frames++;
	return true;
}

/*
 * Does the segment continue the stream, and does it begin with these four characters? The payload
 * of a server lies outside the linear part of its skb, so it is read with a helper.
 */
static __always_inline bool begins_with(const struct packet *p, __u8 side, __be32 word)
{
	__u32 at = (__u32)(p->payload - (void *)p->eth);
	__be32 first = 0;

	/* Bytes after a shorter payload may be padding of the frame. */
	if (p->seg.seq != p->seg.newest || p->seg.payload < sizeof(word))
		return false;
	if (side == HOKM_SIDE_CLIENT)
		return !bpf_xdp_load_bytes(p->ctx, at, &first, sizeof(first)) && first == word;
	return !bpf_skb_load_bytes(p->ctx, at, &first, sizeof(first)) && first == word;
}

/*
 * The client's stream is read no further, or not as it should be. After a refused upgrade the next
 * head begins where frames would have begun. Behind a body of unknown length it may begin with a
 * segment. A server that answered 101 has read a request which this parser has not.
 */
static __always_inline void follow_next_request(struct packet *p, const struct hokm_conn *c,
						struct hokm_ws *w)
{
	if (w->state == HOKM_FOLLOW_FRAMES && c->ws == HOKM_WS_REFUSED) {
		if (w->have || w->left || c->c2s.frames)
			w->state = HOKM_FOLLOW_PLAIN;
		else
			w->state = HOKM_FOLLOW_HEAD;
	}
	if (c->ws == HOKM_WS_OPEN &&
	    (w->state == HOKM_FOLLOW_PLAIN || w->state == HOKM_FOLLOW_HEAD))
		ws_begin_unknown(w);
	if (w->state == HOKM_FOLLOW_PLAIN && begins_with(p, HOKM_SIDE_CLIENT, WORD_GET))
		ws_begin_again(w, p->seg.seq);
}

/*
 * An upgrade request has no answer yet, and the server's stream is not read here. The segment may
 * begin the answer.
 */
static __always_inline void follow_next_answer(struct packet *p, struct hokm_ws *w)
{
	if (w->state == HOKM_FOLLOW_HEAD && w->next == p->seg.seq)
		return;
	if (begins_with(p, HOKM_SIDE_SERVER, WORD_HTTP))
		ws_begin_again(w, p->seg.seq);
}

/*
 * Is there nothing to read in the segment? The stream is not tracked, or the segment lies in a body
 * that is skipped, or the stream lost synchronization and this segment does not follow the newest
 * byte.
 */
static __always_inline bool follow_pauses(const struct packet *p, const struct hokm_ws *w)
{
	if (w->state == HOKM_FOLLOW_LOST)
		return p->seg.seq != p->seg.newest;
	if (w->state == HOKM_FOLLOW_HEAD)
		return is_read(p, w);
	return w->state == HOKM_FOLLOW_PLAIN || w->state == HOKM_FOLLOW_DONE;
}

/*
 * A packet of the server while an upgrade request has no answer: answer_wait.h says what counts. A
 * function of its own for the verifier; to it c may be NULL. slot: of the service.
 */
__noinline int follow_asked(struct hokm_conn *c, __u32 slot, __u32 payload, __u32 ack)
{
	struct packet p = {.service = slot};

	if (!c)
		return 0;
	if (payload) {
		c->due = 0;
		wait_upgrade_end(&p, c);
	} else if (c->due && ws_diff(ack, c->c2s.ws.next) >= 0) {
		c->due = 0;
		wait_upgrade_begin(&p, c);
	}
	return 0;
}

/* Tracks the frames of a segment from the client. */
static __always_inline void follow_in(struct packet *p, struct hokm_conn *c)
{
	struct hokm_flow *flow = &c->c2s;

	/* A client that takes no more bytes keeps the answer away from itself. */
	if (c->ws == HOKM_WS_ASKED && !p->seg.window)
		wait_give_up(p, c);
	if (!p->seg.payload || c->target != HOKM_LOCAL || p->seg.flags & TCP_FLAG_RST)
		return;
	if (flow->ws.state == HOKM_FOLLOW_FRAMES && c->ws == HOKM_WS_OPEN) {
		if (is_read(p, &flow->ws) || follow_fast(p, flow, HOKM_SIDE_CLIENT))
			return;
	} else {
		follow_next_request(p, c, &flow->ws);
		if (follow_pauses(p, &flow->ws))
			return;
	}
	follow_slow(p, c, HOKM_SIDE_CLIENT);
}

/* Tracks the frames of a segment from the server. */
static __always_inline void follow_out(struct packet *p, struct hokm_conn *c)
{
	struct hokm_flow *flow = &c->s2c;

	if (c->ws == HOKM_WS_ASKED)
		follow_asked(c, p->service, p->seg.payload, p->seg.ack);
	if (!p->seg.payload || p->seg.flags & TCP_FLAG_RST)
		return;
	if (flow->ws.state == HOKM_FOLLOW_FRAMES) {
		if (is_read(p, &flow->ws) || follow_fast(p, flow, HOKM_SIDE_SERVER))
			return;
	} else {
		if (c->ws == HOKM_WS_ASKED)
			follow_next_answer(p, &flow->ws);
		if (follow_pauses(p, &flow->ws))
			return;
	}
	follow_slow(p, c, HOKM_SIDE_SERVER);
}

/* ---- the end of the connection ---- */

/* Are the frames of this direction read? Otherwise a close frame may have passed unseen. */
static __always_inline bool is_synchronized(const struct hokm_flow *flow)
{
	return flow->ws.state == HOKM_FOLLOW_FRAMES;
}

/* Has every header before this segment been read? Otherwise one of them may be a close frame. */
static __always_inline bool is_read_up_to(const struct packet *p, const struct hokm_flow *flow)
{
	return is_read(p, &flow->ws);
}

/*
 * FIN or RST of one side, before the TCP state changes. Returns true when a WebSocket is closed
 * without a close frame, which is code 1006.
 */
static __always_inline bool follow_end(struct packet *p, struct hokm_conn *c, __u8 side)
{
	wait_give_up(p, c);
	if (c->ws != HOKM_WS_OPEN || c->close_code || !is_synchronized(&c->c2s) ||
	    !is_synchronized(&c->s2c))
		return false;
	if (!is_read_up_to(p, side == HOKM_SIDE_CLIENT ? &c->c2s : &c->s2c))
		return false;
	return close_code_take(c, WS_CODE_ABNORMAL);
}

#endif
