/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes hokm/ws.h with libFuzzer against the simple reader of ws_reference.h: a stream, and a
 * script that brings it in segments. After every segment hokm/ws.h must have found exactly what the
 * reference finds, and it must lose and regain synchronization exactly as the top of hokm/ws.h
 * states.
 *
 *   byte 0    bit 0: the stream of the client
 *             bits 1-2: begins with a head, with frames, in the middle
 *             bit 3: the source is recipes of frames, otherwise the stream itself
 *             bit 4: acknowledgements are seen
 *             bit 5: sequence numbers wrap soon
 *             bits 6-7: size of the segments that bring the bytes which the script left out
 *   byte 1-2  length of the source, little-endian
 *   then      the source, and the script, three bytes a step
 *
 * Positions here are 64-bit offsets into the stream, not sequence numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/ws_rig.h"
#include "ws_reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STREAM_MAX 6000
#define STEPS_MAX  300 /* segments of one input */
#define FAR        (8U << 20)

struct trial_seen {
	uint64_t next;
	bool open, unsure;
};

struct world {
	uint8_t bytes[STREAM_MAX];
	size_t len;
	bool client;
	uint32_t isn;
	struct ws_rig rig;
	unsigned int segments;

	/* The expected state: positions, and which bytes came while they could be read. */
	bool fair[STREAM_MAX];
	bool come[STREAM_MAX]; /* bytes that came in any state */
	struct ref_start from;
	uint64_t newest;
	uint64_t early; /* where the first segment that came too early began; NONE: there is none */
	uint64_t acked;
	bool has_acked, lost, on_trial, ever_lost;
	struct trial_seen trial;
};
#define NONE UINT64_MAX

#define EXPECT(w, cond) ((cond) ? (void)0 : differ(w, __LINE__, #cond))
static _Noreturn void differ(const struct world *w, int line, const char *what)
{
	fprintf(stderr,
		"fuzz_ws.c:%d: does not hold: %s\n"
		"  state %u next %u newest %u flags %#x; did %#x fault %u; need %llu; isn %u\n",
		line, what, w->rig.ws.state, w->rig.ws.next - w->isn, w->rig.newest - w->isn,
		w->rig.ws.flags, w->rig.last.did, w->rig.last.fault, (unsigned long long)w->from.at,
		w->isn);
	abort();
}

static struct ref_result read_map(const struct world *w, const bool *known,
				  const struct ref_start *from)
{
	const struct ref_stream s = {w->bytes, known, w->len, w->client};

	return ref_read(&s, from);
}

/* ---- what was found ---- */

static uint8_t did_of(const struct ref_result *r)
{
	return (uint8_t)((r->upgrade ? WS_DID_REQUEST : 0) | (r->tls ? WS_DID_TLS : 0) |
			 (r->close ? WS_DID_CLOSE : 0));
}

/* The same for heads, of which a segment may end several. */
static uint8_t heads_of(const struct ref_result *before, const struct ref_result *now)
{
	unsigned int plain = now->requests - now->upgrade - (before->requests - before->upgrade);
	bool upgrade = now->upgrade && !before->upgrade, answer = now->answers > before->answers;

	return (uint8_t)((plain ? WS_DID_PLAIN : 0) | (answer ? WS_DID_STATUS : 0) |
			 ((upgrade || answer) && now->sure ? WS_DID_SURE : 0));
}

/* Expects that the segment found what the reference finds now and did not find before. */
static void expect_found(const struct world *w, const struct ref_result *before,
			 const struct ref_result *now)
{
	const struct ws_seen *s = &w->rig.last;
	uint8_t news = (did_of(now) & (uint8_t)~did_of(before)) | heads_of(before, now);

	for (int i = 0; i < REF_KINDS; i++)
		EXPECT(w, s->n[i] == now->n[i] - before->n[i]);
	EXPECT(w, s->records == now->records - before->records);
	EXPECT(w, s->heads == now->requests - before->requests + now->answers - before->answers);
	EXPECT(w, (s->did & ~(WS_DID_LOST | WS_DID_REGAINED)) == news);
	EXPECT(w, !(news & WS_DID_CLOSE) || s->close_code == now->close_code);
	EXPECT(w, !(news & WS_DID_STATUS) || s->status == now->status);
}

static void expect_nothing(const struct world *w)
{
	static const struct ref_result none;

	expect_found(w, &none, &none);
	EXPECT(w, !(w->rig.last.did & (WS_DID_LOST | WS_DID_REGAINED)));
}

static void expect_lost(struct world *w, enum hokm_ws_fault fault)
{
	EXPECT(w, w->rig.last.did & WS_DID_LOST);
	EXPECT(w, w->rig.last.fault == fault);
	EXPECT(w, w->rig.ws.state == HOKM_FOLLOW_LOST);
	w->lost = true;
	w->on_trial = false;
	w->ever_lost = true;
	w->early = NONE;
}

static void expect_in_step(const struct world *w, const struct ref_result *now)
{
	const struct hokm_ws *ws = &w->rig.ws;
	uint64_t behind = ws->state == HOKM_FOLLOW_FRAMES && !ws->have ? ws->left : 0;

	EXPECT(w, !(w->rig.last.did & WS_DID_LOST));
	EXPECT(w, ws->state == now->state);
	if (now->state > HOKM_FOLLOW_RECORDS)
		return;
	EXPECT(w, (uint32_t)(ws->next + behind) == (uint32_t)(w->isn + now->need));
	EXPECT(w, now->state == HOKM_FOLLOW_HEAD || !ws->have == !now->in_header);
	EXPECT(w, !(ws->flags & HOKM_WS_FLAG_MESSAGE) == !now->open);
	EXPECT(w, !(ws->flags & HOKM_WS_FLAG_GAP) == (w->early == NONE));
}

/* ---- one segment ---- */

static void mark(const struct world *w, bool *map, uint64_t s, uint64_t e)
{
	for (uint64_t i = s; i < e && i < w->len; i++)
		map[i] = true;
}

static void expect_early(struct world *w, const struct ref_result *before, uint64_t s)
{
	bool far = s - before->need > WS_GAP_MAX;

	if (w->has_acked ? w->acked > before->need : far) {
		expect_lost(w, HOKM_FAULT_GAP);
		return;
	}
	if (!far && s < w->early)
		w->early = s;
	expect_nothing(w);
	expect_in_step(w, before);
}

static void expect_read(struct world *w, const struct ref_result *before, uint64_t s, uint64_t e)
{
	struct ref_result now, all;

	mark(w, w->fair, s, e);
	now = read_map(w, w->fair, &w->from);
	expect_found(w, before, &now);
	if (now.fault) {
		expect_lost(w, now.fault);
		return;
	}
	if (w->early != NONE && now.need >= w->early) {
		if (now.need < w->newest && now.state <= HOKM_FOLLOW_RECORDS) {
			expect_lost(w, HOKM_FAULT_GAP);
			return;
		}
		w->early = NONE;
	}
	expect_in_step(w, &now);
	if (w->ever_lost)
		return;
	/* Synchronized: no header was missed, in whatever order the segments came. */
	all = read_map(w, w->come, &w->from);
	EXPECT(w, !memcmp(all.n, now.n, sizeof(all.n)) && all.records == now.records &&
			  all.need == now.need && !all.fault);
}

/* A segment of a trial, read alone. */
static struct ref_result read_trial(const struct world *w, uint64_t s, uint64_t e, bool open,
				    bool unsure)
{
	const struct ref_stream one = {w->bytes + s, NULL, (size_t)(e - s), w->client};
	const struct ref_start from = {.frames = true, .open = open, .unsure = unsure};

	return ref_read(&one, &from);
}

static bool any_frame(const struct ref_result *r)
{
	return r->n[0] + r->n[1] + r->n[2] + r->n[3] + r->n[4] + r->n[5];
}

static void expect_regained(struct world *w, const struct ref_result *r, uint64_t s, uint64_t e)
{
	static const struct ref_result none;
	struct ref_result now;

	EXPECT(w, w->rig.last.did & WS_DID_REGAINED);
	expect_found(w, &none, r);
	w->lost = false;
	w->on_trial = false;
	w->from = (struct ref_start){
		.at = s, .frames = true, .open = w->trial.open, .unsure = w->trial.unsure};
	memset(w->fair, 0, sizeof(w->fair));
	mark(w, w->fair, s, e);
	now = read_map(w, w->fair, &w->from);
	expect_in_step(w, &now);
}

/* Synchronization is lost; newest: before this segment. */
static void expect_trial(struct world *w, uint64_t newest, uint64_t s, uint64_t e)
{
	struct ref_result r;

	if (s != newest || (w->on_trial && s != w->trial.next)) {
		w->on_trial = w->on_trial && e <= w->trial.next;
	} else if (w->on_trial) {
		r = read_trial(w, s, e, w->trial.open, w->trial.unsure);
		if (!r.fault && any_frame(&r)) {
			expect_regained(w, &r, s, e);
			return;
		}
		w->on_trial = false;
	} else {
		r = read_trial(w, s, e, false, true);
		w->on_trial = !r.fault && any_frame(&r) && r.first_kind &&
			      r.state == HOKM_FOLLOW_FRAMES && r.need == e - s && !r.in_header;
		w->trial = (struct trial_seen){e, r.open, r.unsure};
	}
	expect_nothing(w);
	EXPECT(w, w->rig.ws.state == (w->on_trial ? HOKM_FOLLOW_TRIAL : HOKM_FOLLOW_LOST));
}

static void expect_segment(struct world *w, const struct ref_result *before, uint64_t newest,
			   uint64_t s, uint64_t e)
{
	if (w->lost)
		expect_trial(w, newest, s, e);
	else if (before->state > HOKM_FOLLOW_RECORDS || e <= before->need)
		expect_nothing(w);
	else if (s > before->need)
		expect_early(w, before, s);
	else
		expect_read(w, before, s, e);
}

static void deliver(struct world *w, uint64_t s, uint64_t e)
{
	struct ref_result before;
	uint64_t newest = w->newest;

	if (e > w->len)
		e = w->len;
	if (s >= e || ++w->segments > STEPS_MAX)
		return;
	before = read_map(w, w->fair, &w->from);
	mark(w, w->come, s, e);
	if (e > w->newest)
		w->newest = e;
	w->rig.has_acked = w->has_acked;
	w->rig.acked = w->isn + (uint32_t)w->acked;
	ws_rig_segment(&w->rig, w->isn + (uint32_t)s, w->bytes + s, (uint32_t)(e - s));
	expect_segment(w, &before, newest, s, e);
}

/*
 * Bytes far after the stream, which do not belong to it: they must not be read while synchronized.
 */
static void deliver_far(struct world *w, uint64_t at, uint32_t by)
{
	struct ref_result before = read_map(w, w->fair, &w->from);
	uint64_t s = at + FAR + ((uint64_t)by << 20), e = s + 40;
	uint8_t junk[40];

	if (++w->segments > STEPS_MAX)
		return;
	memset(junk, 0xff, sizeof(junk));
	if (e > w->newest)
		w->newest = e;
	w->rig.has_acked = w->has_acked;
	w->rig.acked = w->isn + (uint32_t)w->acked;
	ws_rig_segment(&w->rig, w->isn + (uint32_t)s, junk, sizeof(junk));
	if (w->lost) {
		w->on_trial = false;
		expect_nothing(w);
	} else if (before.state > HOKM_FOLLOW_RECORDS || e <= before.need) {
		expect_nothing(w);
	} else {
		expect_early(w, &before, s);
	}
}

/* ---- the stream and the script ---- */

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static void put(struct world *w, unsigned int byte)
{
	if (w->len < STREAM_MAX)
		w->bytes[w->len++] = (uint8_t)byte;
}

/*
 * A recipe: first byte, form of the length, length. The frame gets the mask that its side must
 * have, and a payload.
 */
static void put_recipe(struct world *w, struct input *src)
{
	uint8_t b0 = take(src), form = take(src), len = take(src);
	uint64_t full = (uint64_t)len << (form >> 2);
	unsigned int masked = w->client ? 0x80 : 0, bytes = 0;

	put(w, b0);
	switch (form % 4) {
	case 0:
		full = len % 126;
		put(w, masked | (unsigned int)full);
		break;
	case 1:
		full = 126 + len;
		put(w, masked | 126);
		bytes = 2;
		break;
	case 2:
		put(w, masked | 127);
		bytes = 8;
		break;
	default: /* a wrong mask bit */
		put(w, form);
		full = len % 8;
	}
	while (bytes--)
		put(w, (unsigned int)(full >> (8 * bytes)) & 0xff);
	for (unsigned int i = 0; i < 4 && masked; i++)
		put(w, b0 + len + i);
	for (unsigned int i = 0; i < full && i < 600; i++)
		put(w, i < 2 ? b0 ^ (len << i) : i * 37);
}

static void make_stream(struct world *w, struct input *in, uint8_t options)
{
	size_t n = take(in);
	struct input src;

	n |= (size_t)take(in) << 8;
	if (n > in->left)
		n = in->left;
	src = (struct input){in->at, n};
	in->at += n;
	in->left -= n;
	while (src.left && w->len < STREAM_MAX) {
		if (options & 8)
			put_recipe(w, &src);
		else
			put(w, take(&src));
	}
}

static void special(struct world *w, uint64_t *at, uint8_t a, uint8_t b)
{
	switch (a % 4) {
	case 0: /* bytes that were not seen */
		*at += 1 + b;
		if (*at > w->len)
			*at = w->len;
		break;
	case 1:
		w->acked = *at;
		break;
	case 2:
		deliver_far(w, *at, b);
		break;
	default: /* the other end acknowledges more than was seen */
		w->acked = *at + b;
	}
}

static void script_step(struct world *w, uint64_t *at, uint64_t *hole_end, struct input *in)
{
	uint8_t op = take(in) % 8, a = take(in), b = take(in);
	uint64_t back = *at < b ? *at : b, s = *at - back;

	switch (op) {
	case 0:
	case 1: /* the next bytes */
		deliver(w, *at, *at + 1 + a);
		*at += 1 + a;
		break;
	case 2: /* segments of one byte */
		for (unsigned int i = 0; i <= a % 32; i++, (*at)++)
			deliver(w, *at, *at + 1);
		break;
	case 3: /* begins earlier */
		deliver(w, s, *at + 1 + a);
		*at += 1 + a;
		break;
	case 4: /* old bytes */
		deliver(w, s, s + 1 + a % (back + 1));
		break;
	case 5: /* too early */
		deliver(w, *at + 1 + b, *at + 2 + b + a);
		*hole_end = *at + 1 + b;
		break;
	case 6: /* exactly the bytes that are missing before the early segment */
		if (*hole_end > *at)
			deliver(w, *at, *hole_end);
		*at = *hole_end > *at ? *hole_end : *at;
		break;
	default:
		special(w, at, a, b);
	}
	if (*at > w->len)
		*at = w->len;
}

static void begin(struct world *w, uint8_t options)
{
	uint8_t side;

	w->client = options & 1;
	w->has_acked = options & 16;
	w->isn = options & 32 ? 0xffffff00U : 1000;
	w->early = NONE;
	side = w->client ? HOKM_SIDE_CLIENT : HOKM_SIDE_SERVER;
	switch (options >> 1 & 3) {
	case 1:
		ws_rig_begin_frames(&w->rig, side, w->isn);
		w->from.frames = true;
		break;
	case 2:
		ws_rig_begin_unknown(&w->rig, side, w->isn);
		w->lost = true;
		w->ever_lost = true;
		break;
	default:
		ws_rig_begin(&w->rig, side, w->isn);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t rest[] = {1400, 1, 97, 300};
	static struct world w;
	struct input in = {data, size};
	uint64_t at = 0, hole_end = 0;
	uint8_t options = take(&in);

	memset(&w, 0, sizeof(w));
	begin(&w, options);
	make_stream(&w, &in, options);
	while (in.left && at < w.len && w.segments < STEPS_MAX)
		script_step(&w, &at, &hole_end, &in);
	while (at < w.len && w.segments < STEPS_MAX) {
		deliver(&w, at, at + rest[options >> 6]);
		at += rest[options >> 6];
	}
	return 0;
}
