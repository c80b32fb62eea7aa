/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication between this node and one peer; repl.h has the protocol and the timers.
 *
 * Messages of a stream are numbered from 1. A ring keeps those in [acked, next). Those in
 * [acked, cursor) were sent since the last repeat. Records are added to the newest message until it
 * is sent.
 *
 *      acked            cursor             next
 *   ....|xxxxxxxxxxxxxxxxx|................|.....
 *        sent, not         to be sent       to be filled
 *        acknowledged
 *
 * A repeat sets cursor back to acked. Messages up to `sent` went out before, and may still be
 * acknowledged. After a repeat at most REPEAT_BURST messages are sent until one is acknowledged: on
 * a bad line the peer would discard most of those that follow a lost one, and messages that wait
 * can take more records.
 *
 * Numbers never wrap: after REPL_NUMBERS messages (weeks, at 10,000 changes a second) a new stream
 * begins.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decide/repl.h"

#define REPEAT_BURST 16

/* One message of the ring. */
struct slot {
	unsigned int n;   /* records */
	bool full;        /* it was sent once: no record is added any more */
	uint64_t born_ns; /* time of its oldest change */
	struct repl_record records[REPL_RECORDS];
};

struct repl_link {
	struct repl_conf conf;
	struct repl_stats stats;

	/* the peer */
	uint64_t session;   /* of its daemon; 0: none was proved yet */
	uint64_t heard_ns;  /* when the last CONTROL was accepted */
	uint64_t stamp_ns;  /* the newest reading of its clock */
	uint64_t echoed_ns; /* the newest reading of our clock that it echoed */
	/* a session that claims to be the peer's and is asked for a proof; 0: none */
	uint64_t hello_session;
	uint64_t hello_stamp_ns;

	/* settings that must agree */
	bool sends_agree, has_agree; /* this node's is set; the peer has sent its own */
	struct agree here, there;

	/* CONTROL */
	bool reply;          /* DATA was received: send an acknowledgement */
	uint64_t control_ns; /* when the last one was sent */
	/* the last reading of our clock that was sent; each one is later than the one before */
	uint64_t clock_ns;

	/* sending */
	bool streaming, listing, want_list;
	bool repeating; /* nothing was acknowledged since the last repeat */
	uint32_t stream, acked, cursor, next;
	uint32_t sent; /* the greatest value of cursor in this stream */
	uint32_t end;  /* number of the message that has the END of the list; 0: not sent yet */
	uint64_t progress_ns; /* last acknowledgement or repeat */
	uint64_t moved_ns;    /* last acknowledgement, or last time that none was awaited */
	struct slot *slots;   /* REPL_WINDOW */

	/* receiving */
	uint32_t rx_stream, rx_next;
	bool rx_warm;

	struct repl_msg msg; /* too large for the stack */
};

int repl_new(const struct repl_conf *conf, struct repl_link **out)
{
	struct repl_link *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l)
		return -ENOMEM;
	l->slots = calloc(REPL_WINDOW, sizeof(*l->slots));
	if (!l->slots) {
		free(l);
		return -ENOMEM;
	}
	l->conf = *conf;
	if (!l->conf.numbers)
		l->conf.numbers = REPL_NUMBERS;
	l->acked = l->cursor = l->next = l->sent = 1;
	*out = l;
	return 0;
}

void repl_free(struct repl_link *l)
{
	if (!l)
		return;
	free(l->slots);
	explicit_bzero(&l->conf, sizeof(l->conf));
	free(l);
}

void repl_set_keys(struct repl_link *l, const struct repl_keys *keys)
{
	l->conf.keys = *keys;
}

void repl_set_agree(struct repl_link *l, const struct agree *here)
{
	l->sends_agree = true;
	l->here = *here;
}

const struct agree *repl_agree(const struct repl_link *l)
{
	return l->has_agree ? &l->there : NULL;
}

bool repl_connected(const struct repl_link *l, uint64_t now_ns)
{
	return l->session && now_ns - l->heard_ns < REPL_FRESH_NS;
}

uint64_t repl_heard_ns(const struct repl_link *l)
{
	return l->heard_ns;
}

/* ---- sending ---- */

static struct slot *slot_of(const struct repl_link *l, uint32_t number)
{
	return &l->slots[number % REPL_WINDOW];
}

/* The message for the next record; NULL: the window is full. */
static struct slot *open_slot(struct repl_link *l, uint64_t born_ns)
{
	struct slot *s;

	if (l->next > l->acked) {
		s = slot_of(l, l->next - 1);
		if (!s->full && s->n < REPL_RECORDS)
			return s;
	}
	if (l->next - l->acked >= REPL_WINDOW)
		return NULL;
	s = slot_of(l, l->next++);
	s->n = 0;
	s->full = false;
	s->born_ns = born_ns;
	return s;
}

static void end_stream(struct repl_link *l)
{
	l->streaming = l->listing = l->repeating = false;
	l->want_list = true;
	l->acked = l->cursor = l->next = l->sent = 1;
}

static void append(struct repl_link *l, const struct repl_record *r, uint64_t born_ns)
{
	struct slot *s;

	if (l->next > l->conf.numbers) {
		end_stream(l);
		return;
	}
	s = open_slot(l, born_ns);
	if (!s) {
		l->stats.overflows++;
		end_stream(l);
		return;
	}
	s->records[s->n++] = *r;
	if (born_ns < s->born_ns)
		s->born_ns = born_ns;
	l->stats.records_sent++;
}

void repl_put(struct repl_link *l, const struct repl_record *r, uint64_t born_ns, uint64_t now_ns)
{
	if (l->streaming)
		append(l, r, born_ns < now_ns ? born_ns : now_ns);
}

bool repl_wants_list(const struct repl_link *l, uint64_t now_ns)
{
	return l->want_list && repl_connected(l, now_ns);
}

void repl_list_begin(struct repl_link *l, uint64_t now_ns)
{
	const struct repl_record begin = {.what = REPL_BEGIN};

	end_stream(l);
	l->want_list = false;
	l->streaming = l->listing = true;
	l->stream++;
	l->end = 0;
	l->progress_ns = l->moved_ns = now_ns;
	l->stats.resyncs++;
	append(l, &begin, now_ns);
}

bool repl_streaming(const struct repl_link *l)
{
	return l->streaming;
}

bool repl_listing(const struct repl_link *l)
{
	return l->listing;
}

bool repl_has_room(const struct repl_link *l)
{
	return l->next - l->acked < REPL_WINDOW / 2;
}

void repl_list_end(struct repl_link *l, uint64_t now_ns)
{
	const struct repl_record end = {.what = REPL_END};

	if (!l->listing)
		return;
	append(l, &end, now_ns);
	if (!l->streaming)
		return;
	l->listing = false;
	l->end = l->next - 1;
}

void repl_lost(struct repl_link *l)
{
	end_stream(l);
}

bool repl_peer_warm(const struct repl_link *l)
{
	return l->streaming && l->end && l->acked > l->end;
}

/* A reading of our clock that is later than the last one. */
static uint64_t clock_reading(struct repl_link *l, uint64_t now_ns)
{
	l->clock_ns = now_ns > l->clock_ns ? now_ns : l->clock_ns + 1;
	return l->clock_ns;
}

static size_t build_control(struct repl_link *l, uint64_t session, uint64_t stamp_ns,
			    uint64_t now_ns, void *buf)
{
	struct repl_msg *m = &l->msg;

	m->kind = REPL_CONTROL;
	m->n = 0;
	m->session = l->conf.session;
	m->echo = session;
	m->stamp_ns = clock_reading(l, now_ns);
	m->echo_stamp_ns = stamp_ns;
	/* What was received is of the session that is proved. For another one nothing was. */
	m->stream = session == l->session ? l->rx_stream : 0;
	m->number = session == l->session ? l->rx_next : 1;
	m->has_agree = l->sends_agree;
	m->agree = l->here;
	return repl_wire_build(m, l->conf.vrid, l->conf.keys.sign, buf);
}

static size_t build_data(struct repl_link *l, void *buf)
{
	struct slot *s = slot_of(l, l->cursor);
	struct repl_msg *m = &l->msg;

	m->kind = REPL_DATA;
	m->session = l->conf.session;
	m->echo = l->session;
	m->stamp_ns = m->echo_stamp_ns = 0;
	m->stream = l->stream;
	m->number = l->cursor;
	m->n = s->n;
	memcpy(m->records, s->records, s->n * sizeof(s->records[0]));
	if (s->full)
		l->stats.repeated++;
	s->full = true;
	if (++l->cursor > l->sent)
		l->sent = l->cursor;
	l->stats.sent++;
	return repl_wire_build(m, l->conf.vrid, l->conf.keys.sign, buf);
}

static size_t send_control(struct repl_link *l, uint64_t now_ns, void *buf)
{
	l->reply = false;
	l->control_ns = now_ns;
	return build_control(l, l->session, l->stamp_ns, now_ns, buf);
}

size_t repl_acknowledge(struct repl_link *l, uint64_t now_ns, void *buf)
{
	return l->reply ? send_control(l, now_ns, buf) : 0;
}

size_t repl_next(struct repl_link *l, uint64_t now_ns, void *buf)
{
	if (l->hello_session) {
		uint64_t session = l->hello_session;

		l->hello_session = 0;
		return build_control(l, session, l->hello_stamp_ns, now_ns, buf);
	}
	if (l->reply || !l->control_ns || now_ns - l->control_ns >= REPL_CONTROL_NS)
		return send_control(l, now_ns, buf);
	if (!repl_connected(l, now_ns) || !l->streaming)
		return 0;
	if (l->acked == l->next)
		l->progress_ns = l->moved_ns = now_ns;
	if (now_ns - l->moved_ns >= REPL_STUCK_NS) {
		l->stats.stuck++;
		end_stream(l);
		return 0;
	}
	if (l->cursor > l->acked && now_ns - l->progress_ns >= REPL_REPEAT_NS) {
		l->cursor = l->acked;
		l->progress_ns = now_ns;
		l->repeating = true;
	}
	if (l->cursor == l->next || (l->repeating && l->cursor - l->acked >= REPEAT_BURST))
		return 0;
	return build_data(l, buf);
}

/* ---- receiving ---- */

/* The peer's daemon has restarted: the streams of both directions end. */
static void new_session(struct repl_link *l, uint64_t session)
{
	l->session = session;
	end_stream(l);
	l->rx_stream = 0;
	l->rx_next = 1;
	l->rx_warm = false;
}

static void take_ack(struct repl_link *l, const struct repl_msg *m, uint64_t now_ns)
{
	if (!l->streaming || m->stream != l->stream || m->number <= l->acked || m->number > l->sent)
		return;
	for (uint32_t i = l->acked; i < m->number; i++) {
		uint64_t lag_ns = now_ns - slot_of(l, i)->born_ns;

		if (lag_ns > l->stats.lag_max_ns)
			l->stats.lag_max_ns = lag_ns;
	}
	l->acked = m->number;
	if (l->cursor < l->acked)
		l->cursor = l->acked;
	l->progress_ns = l->moved_ns = now_ns;
	l->repeating = false;
}

/*
 * A CONTROL that does not echo a fresh reading of our clock may be a recording. It changes nothing,
 * but its sender gets a CONTROL with such a reading to echo.
 */
static enum repl_fault ask_for_proof(struct repl_link *l, const struct repl_msg *m)
{
	if (m->session == l->session && m->stamp_ns <= l->stamp_ns)
		return REPL_BAD_REPLAY;
	l->hello_session = m->session;
	l->hello_stamp_ns = m->stamp_ns;
	return REPL_BAD_SESSION;
}

static enum repl_fault take_control(struct repl_link *l, const struct repl_msg *m, uint64_t now_ns,
				    bool *restarted)
{
	bool fresh = m->echo == l->conf.session && m->echo_stamp_ns &&
		     m->echo_stamp_ns <= l->clock_ns &&
		     l->clock_ns - m->echo_stamp_ns < REPL_FRESH_NS;

	if (!fresh)
		return ask_for_proof(l, m);
	if (m->session == l->session) {
		if (m->stamp_ns <= l->stamp_ns)
			return REPL_BAD_REPLAY;
	} else {
		if (m->echo_stamp_ns <= l->echoed_ns)
			return REPL_BAD_SESSION;
		*restarted = l->session != 0;
		new_session(l, m->session);
	}
	l->stamp_ns = m->stamp_ns;
	l->heard_ns = now_ns;
	if (m->echo_stamp_ns > l->echoed_ns)
		l->echoed_ns = m->echo_stamp_ns;
	l->has_agree = m->has_agree;
	l->there = m->agree;
	take_ack(l, m, now_ns);
	return REPL_BAD_NONE;
}

static void take_records(struct repl_link *l, const struct repl_msg *m)
{
	for (unsigned int i = 0; i < m->n; i++) {
		if (m->records[i].what == REPL_BEGIN)
			l->rx_warm = false;
		else if (m->records[i].what == REPL_END)
			l->rx_warm = true;
	}
	l->stats.received++;
	l->stats.records_received += m->n;
}

static enum repl_fault take_data(struct repl_link *l, const struct repl_msg *m)
{
	if (!l->session || m->session != l->session || m->echo != l->conf.session)
		return REPL_BAD_SESSION;
	l->reply = true;
	if (m->stream > l->rx_stream) {
		if (m->number != 1 || m->records[0].what != REPL_BEGIN)
			return REPL_BAD_ORDER;
		l->rx_stream = m->stream;
		l->rx_next = 1;
	}
	if (m->stream < l->rx_stream || m->number < l->rx_next)
		return REPL_BAD_REPLAY;
	if (m->number > l->rx_next)
		return REPL_BAD_ORDER;
	l->rx_next++;
	take_records(l, m);
	return REPL_BAD_NONE;
}

static enum repl_fault parse(struct repl_link *l, const void *buf, size_t len)
{
	const struct repl_keys *k = &l->conf.keys;
	enum repl_fault fault = REPL_BAD_TAG;

	for (unsigned int i = 0; i < k->n_verify && fault == REPL_BAD_TAG; i++)
		fault = repl_wire_parse(buf, len, l->conf.vrid, k->verify[i], &l->msg);
	return fault;
}

void repl_receive(struct repl_link *l, const void *buf, size_t len, uint64_t now_ns,
		  struct repl_received *out)
{
	struct repl_msg *m = &l->msg;

	memset(out, 0, sizeof(*out));
	out->fault = parse(l, buf, len);
	/* Our own message, sent back to us, must not count as one of the peer. */
	if (out->fault == REPL_BAD_NONE && m->session == l->conf.session)
		out->fault = REPL_BAD_SESSION;
	if (out->fault == REPL_BAD_NONE)
		out->fault = m->kind == REPL_CONTROL ? take_control(l, m, now_ns, &out->restarted)
						     : take_data(l, m);
	if (out->fault != REPL_BAD_NONE) {
		l->stats.bad[out->fault]++;
		return;
	}
	if (m->kind == REPL_DATA) {
		out->records = m->records;
		out->n = m->n;
	}
}

bool repl_warm(const struct repl_link *l)
{
	return l->rx_warm;
}

void repl_get_stats(struct repl_link *l, uint64_t now_ns, struct repl_stats *out)
{
	uint64_t lag_ns = 0;

	if (l->streaming && l->acked < l->next)
		lag_ns = now_ns - slot_of(l, l->acked)->born_ns;
	l->stats.lag_ns = lag_ns;
	if (lag_ns > l->stats.lag_max_ns)
		l->stats.lag_max_ns = lag_ns;
	*out = l->stats;
	l->stats.lag_max_ns = 0;
}
