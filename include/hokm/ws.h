/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame tracking: follows one direction of a WebSocket connection by sequence numbers. The BPF
 * programs, user space and the fuzzers use the same parser. It reads headers and no payload, and it
 * neither copies nor reassembles anything.
 *
 *    HEAD --upgrade / 101--> FRAMES --close frame--> DONE
 *    ^| | |                   |  ^
 *    || | +--TLS--> RECORDS   |  +---- TRIAL <--+ a segment that holds nothing but whole frames,
 *    || +--else---> PLAIN     +--fault--> LOST -+ and another one directly after it
 *    +| a body of known length is skipped
 *
 * How it is used, for each segment with payload:
 *   1. ws_run_init() and ws_enter(): does a header begin in the segment, and where?
 *   2. while ws_more(): load up to WS_CHUNK bytes at run.off and give them to ws_step()
 *   3. ws_leave(): the new state is in run.ws, and what was found is in run.seen
 *
 * Invariants
 *  - hokm_ws.next is the sequence number of the next unread byte of a header (HEAD: of the head). A
 *    segment that does not contain it changes nothing. So repeated and overlapping segments count
 *    once, and payload may come in any order.
 *  - A segment that begins after `next` opens a gap. When the gap is closed and `next` lies after
 *    everything that came too early, no header was missed. Otherwise a header passed unread, and
 *    the state is LOST. The parser never guesses.
 *  - Every step takes at least one byte or ends the run, except a step that finds TLS where a head
 *    was expected. So a segment takes at most payload bytes + 1 steps.
 *
 * ws_state.h has constants and structs, ws_frame.h frame headers, ws_record.h TLS records,
 * ws_head.h the HTTP head.
 */
#ifndef HOKM_WS_H
#define HOKM_WS_H

#include "hokm/ws_frame.h"
#include "hokm/ws_record.h"
#include "hokm/ws_head.h"

/**
 * ws_run_init() - prepares the work on one segment
 * @r: the work
 * @w: the state of the stream before it
 * @seq: sequence number of its first payload byte
 * @len: bytes of its payload
 * @side: its sender, HOKM_SIDE_*
 */
WS_INLINE void ws_run_init(struct ws_run *r, const struct hokm_ws *w, __u32 seq, __u32 len,
			   __u8 side)
{
	*r = (struct ws_run){.ws = *w, .seq = seq, .len = len, .side = side};
}

/* Notes a segment that begins after hokm_ws.next; the first one of a gap counts. */
WS_INLINE void ws_gap_note(struct hokm_ws *w, __u32 seq)
{
	if (!(w->flags & HOKM_WS_FLAG_GAP) || ws_diff(seq, w->gap) < 0)
		w->gap = seq;
	w->flags |= HOKM_WS_FLAG_GAP;
}

/*
 * In LOST or TRIAL: may the segment show that it holds whole frames? It must begin directly after
 * the newest byte of the segments before it, and in TRIAL where the segment before it ended. A
 * repeated segment proves nothing, because a sender whose acknowledgements are late repeats every
 * segment.
 */
WS_INLINE bool ws_enter_trial(struct ws_run *r, __u32 newest)
{
	if (r->seq != newest || (r->ws.state == HOKM_FOLLOW_TRIAL && r->seq != r->ws.next)) {
		if (ws_diff(r->seq + r->len, r->ws.next) > 0)
			r->ws.state = HOKM_FOLLOW_LOST;
		return false;
	}
	r->trial = r->ws.state;
	r->ws.state = HOKM_FOLLOW_FRAMES;
	if (r->trial == HOKM_FOLLOW_LOST)
		r->ws.flags = HOKM_WS_FLAG_UNSURE;
	r->ws.have = 0;
	r->ws.left = 0;
	r->off = 0;
	return true;
}

/**
 * ws_enter() - finds where reading begins in the segment
 * @r: the work, from ws_run_init()
 * @newest: sequence number after the newest byte of all segments before this one
 * @acked: newest acknowledgement of the other end
 * @has_acked: whether @acked is valid
 *
 * Returns false when nothing of the segment is read. ws_leave() must be called in both cases.
 */
WS_INLINE bool ws_enter(struct ws_run *r, __u32 newest, __u32 acked, bool has_acked)
{
	__s32 at = ws_diff(r->ws.next, r->seq);

	switch (r->ws.state) {
	case HOKM_FOLLOW_HEAD:
	case HOKM_FOLLOW_FRAMES:
	case HOKM_FOLLOW_RECORDS:
		break;
	case HOKM_FOLLOW_LOST:
	case HOKM_FOLLOW_TRIAL:
		return ws_enter_trial(r, newest);
	default:
		return false;
	}
	r->off = (__u32)at;
	if (at >= (__s32)r->len)
		return false;
	if (at >= 0)
		return true;
	if (has_acked ? ws_diff(acked, r->ws.next) > 0 : at < -(__s32)WS_GAP_MAX)
		ws_lose(r, HOKM_FAULT_GAP);
	else if (at >= -(__s32)WS_GAP_MAX)
		ws_gap_note(&r->ws, r->seq);
	return false;
}

/* Is there anything left to read in the segment? */
WS_INLINE bool ws_more(const struct ws_run *r)
{
	return r->off < r->len &&
	       (r->ws.state == HOKM_FOLLOW_HEAD || r->ws.state == HOKM_FOLLOW_FRAMES ||
		r->ws.state == HOKM_FOLLOW_RECORDS);
}

/**
 * ws_step() - reads on in the segment
 * @r: the work, for which ws_more() is true
 * @b: the bytes at r->off, at least one and as many of WS_CHUNK as the segment has
 */
WS_INLINE void ws_step(struct ws_run *r, const struct ws_bytes *b)
{
	if (r->ws.state == HOKM_FOLLOW_FRAMES)
		ws_step_frames(r, b);
	else if (r->ws.state == HOKM_FOLLOW_HEAD)
		ws_step_head(r, b);
	else
		ws_step_records(r, b);
}

WS_INLINE bool ws_any_frame(const struct ws_seen *s)
{
	return s->n[0] | s->n[1] | s->n[2] | s->n[3] | s->n[4] | s->n[5];
}

WS_INLINE void ws_forget_seen(struct ws_seen *s)
{
	*s = (struct ws_seen){0};
}

/*
 * The segment of a trial has been read. The first one must hold whole frames and nothing else; then
 * the state is TRIAL. A frame in the second one regains synchronization. What the first one held is
 * not counted, because it proves nothing alone.
 */
WS_INLINE void ws_leave_trial(struct ws_run *r)
{
	bool good = (r->ws.state == HOKM_FOLLOW_FRAMES || r->ws.state == HOKM_FOLLOW_DONE) &&
		    ws_any_frame(&r->seen);

	if (good && r->trial == HOKM_FOLLOW_TRIAL) {
		r->seen.did |= WS_DID_REGAINED;
		return;
	}
	good = good && r->ws.state == HOKM_FOLLOW_FRAMES && r->off == r->len && !r->ws.have &&
	       !r->ws.left;
	ws_forget_seen(&r->seen);
	r->ws.state = good ? HOKM_FOLLOW_TRIAL : HOKM_FOLLOW_LOST;
}

/**
 * ws_leave() - ends the work on the segment
 * @r: the work; afterwards r->ws is the state for the next segment
 * @newest: sequence number after the newest byte of the segments before; this one may be included
 * @entered: what ws_enter() returned
 */
WS_INLINE void ws_leave(struct ws_run *r, __u32 newest, bool entered)
{
	if (!entered)
		return;
	r->ws.next = r->seq + r->off;
	if (r->trial) {
		ws_leave_trial(r);
		return;
	}
	if (!(r->ws.flags & HOKM_WS_FLAG_GAP) || ws_diff(r->ws.next, r->ws.gap) < 0)
		return;
	if (ws_diff(r->ws.next, newest) >= 0 || r->ws.state > HOKM_FOLLOW_RECORDS)
		r->ws.flags &= (__u8)~HOKM_WS_FLAG_GAP;
	else
		ws_lose(r, HOKM_FAULT_GAP);
}

#endif
