/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs one direction of a stream through hokm/ws.h, see ws_rig.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ws_rig.h"

#define BROKEN(what) broken(__LINE__, what)
static _Noreturn void broken(int line, const char *what)
{
	fprintf(stderr, "ws_rig.c:%d: hokm/ws.h broke a promise: %s\n", line, what);
	abort();
}

void ws_put(struct ws_stream *s, const void *data, __u32 len)
{
	if (len > sizeof(s->b) - s->len) {
		fprintf(stderr, "ws_rig: the stream is longer than %zu bytes\n", sizeof(s->b));
		abort();
	}
	memcpy(s->b + s->len, data, len);
	s->len += len;
}

static void put_byte(struct ws_stream *s, __u64 byte)
{
	__u8 b = (__u8)byte;

	ws_put(s, &b, 1);
}

static const __u8 mask[4] = {0x5a, 0xc3, 0x81, 0x7e};

void ws_put_header(struct ws_stream *s, __u8 side, __u8 b0, int form, __u64 len)
{
	__u64 masked = side == HOKM_SIDE_CLIENT ? WS_MASKED : 0;

	put_byte(s, b0);
	if (form == 7)
		put_byte(s, masked | len);
	else
		put_byte(s, masked | (form == 16 ? WS_LEN_16 : WS_LEN_64));
	for (int bit = form - 8; form > 7 && bit >= 0; bit -= 8)
		put_byte(s, len >> bit);
	if (masked)
		ws_put(s, mask, sizeof(mask));
}

void ws_put_frame(struct ws_stream *s, __u8 side, __u8 b0, __u32 len)
{
	ws_put_header(s, side, b0, len < WS_LEN_16 ? 7 : len <= 0xffff ? 16 : 64, len);
	for (__u32 i = 0; i < len; i++)
		put_byte(s, 0xff);
}

void ws_put_close(struct ws_stream *s, __u8 side, __u16 code, __u32 reason_len)
{
	bool masked = side == HOKM_SIDE_CLIENT;

	ws_put_header(s, side, WS_FIN | WS_OP_CLOSE, 7, 2 + reason_len);
	put_byte(s, (__u64)(code >> 8) ^ (masked ? mask[0] : 0));
	put_byte(s, (__u64)(code & 0xff) ^ (masked ? mask[1] : 0));
	for (__u32 i = 0; i < reason_len; i++)
		put_byte(s, 0xff);
}

static void begin(struct ws_rig *r, __u8 side, __u32 seq)
{
	*r = (struct ws_rig){.newest = seq, .side = side};
}

void ws_rig_begin(struct ws_rig *r, __u8 side, __u32 seq)
{
	begin(r, side, seq);
	ws_begin(&r->ws, seq);
}

void ws_rig_begin_frames(struct ws_rig *r, __u8 side, __u32 seq)
{
	ws_rig_begin(r, side, seq);
	r->ws.state = HOKM_FOLLOW_FRAMES;
}

void ws_rig_begin_unknown(struct ws_rig *r, __u8 side, __u32 seq)
{
	begin(r, side, seq);
	ws_begin_unknown(&r->ws);
}

/* Like bpf_xdp_load_bytes: never more than the segment has. */
static struct ws_bytes load(const __u8 *at, __u32 left)
{
	struct ws_bytes b = {.have = left < WS_CHUNK ? left : WS_CHUNK};

	for (__u32 i = 0; i < b.have; i++) {
		__u64 byte = at[i];

		if (i < 8)
			b.hi |= byte << (56 - 8 * i);
		else
			b.lo |= byte << (56 - 8 * (i - 8));
	}
	return b;
}

static void steps(struct ws_run *run, const __u8 *data)
{
	__u32 taken = 0;

	while (ws_more(run)) {
		struct ws_bytes b = load(data + run->off, run->len - run->off);
		__u32 off = run->off;

		ws_step(run, &b);
		if (++taken > run->len + 1)
			BROKEN("more steps than bytes plus one");
		if (run->off < off)
			BROKEN("a step went back");
	}
}

static bool synchronized(const struct hokm_ws *w)
{
	return w->state <= HOKM_FOLLOW_RECORDS;
}

static void check_left(const struct hokm_ws *before, const struct ws_run *run, bool entered)
{
	const struct hokm_ws *w = &run->ws;

	if (w->state >= HOKM_FOLLOW_STATE_COUNT)
		BROKEN("an unknown state");
	if (synchronized(before) && ws_diff(w->next, before->next) < 0)
		BROKEN("next went back");
	if (synchronized(before) && synchronized(w) && entered &&
	    ws_diff(w->next, run->seq + run->len) < 0)
		BROKEN("bytes were left unread");
	if (run->seen.did & WS_DID_LOST && (w->have || w->left || w->flags))
		BROKEN("synchronization lost, but state from before is left");
	if (!entered && run->seen.did & ~WS_DID_LOST)
		BROKEN("a result from a segment that was not read");
	if (!(run->seen.did & WS_DID_LOST) != !run->seen.fault)
		BROKEN("a fault without a loss, or a loss without a fault");
}

static void add(struct ws_rig *r, const struct ws_seen *s)
{
	struct ws_seen *t = &r->total;

	r->last = *s;
	for (int i = 0; i < WS_KINDS; i++)
		t->n[i] += s->n[i];
	t->records += s->records;
	t->did |= s->did;
	if (s->did & WS_DID_CLOSE)
		t->close_code = s->close_code;
	if (s->did & WS_DID_STATUS)
		t->status = s->status;
	if (s->fault)
		t->fault = s->fault;
	r->lost += !!(s->did & WS_DID_LOST);
	r->regained += !!(s->did & WS_DID_REGAINED);
}

void ws_rig_segment(struct ws_rig *r, __u32 seq, const void *data, __u32 len)
{
	__u8 *copy = malloc(len);
	struct ws_run run;
	__u32 newest = r->newest;
	bool entered;

	if (!copy || !len) {
		fprintf(stderr, "ws_rig: a segment of %u bytes cannot be made\n", len);
		abort();
	}
	memcpy(copy, data, len);
	if (ws_diff(seq + len, newest) > 0)
		r->newest = seq + len;
	ws_run_init(&run, &r->ws, seq, len, r->side);
	entered = ws_enter(&run, newest, r->acked, r->has_acked);
	if (entered && run.off >= len)
		BROKEN("entered behind the end of the segment");
	if (entered)
		steps(&run, copy);
	ws_leave(&run, r->newest, entered);
	free(copy);
	check_left(&r->ws, &run, entered);
	r->ws = run.ws;
	add(r, &run.seen);
}

void ws_rig_next(struct ws_rig *r, const void *data, __u32 len)
{
	ws_rig_segment(r, r->newest, data, len);
}
