/* SPDX-License-Identifier: GPL-2.0-only */
/* See notify.h. */
#include <string.h>

#include "decide/notify.h"

#define SECOND_NS 1000000000ULL
#define HOUR_NS   (3600 * SECOND_NS)

int64_t notify_passed_s(struct notify_time from, struct notify_time to)
{
	int64_t s;

	if (from.boot_ns && to.boot_ns)
		return to.boot_ns > from.boot_ns
			       ? (int64_t)((to.boot_ns - from.boot_ns) / SECOND_NS)
			       : 0;
	/* Moments that were read from a damaged file may be anything. */
	return !__builtin_sub_overflow(to.wall_s, from.wall_s, &s) && s > 0 ? s : 0;
}

enum notify_severity notify_worst(const struct notify_item *items, unsigned int n)
{
	uint32_t worst = NOTIFY_INFO;

	for (unsigned int i = 0; i < n; i++)
		if (items[i].event.severity > worst)
			worst = items[i].event.severity;
	return (enum notify_severity)worst;
}

/* ---- what waits ---- */

static void remove_item(struct notify_state *s, unsigned int at)
{
	memmove(&s->waiting[at], &s->waiting[at + 1],
		(s->n_waiting - at - 1) * sizeof(s->waiting[0]));
	s->n_waiting--;
}

/* Makes room by dropping the oldest of the least severe items, the new one included. */
static bool make_room(struct notify_state *s, uint32_t severity)
{
	unsigned int least = 0;

	if (s->n_waiting + s->n_out < NOTIFY_ITEMS_MAX)
		return true;
	s->dropped++;
	s->dropped_total++;
	for (unsigned int i = 1; i < s->n_waiting; i++)
		if (s->waiting[i].event.severity < s->waiting[least].event.severity)
			least = i;
	if (!s->n_waiting || s->waiting[least].event.severity > severity)
		return false;
	remove_item(s, least);
	return true;
}

static void add_item(struct notify_state *s, const struct notify_conf *c,
		     const struct notify_event *e, enum notify_mark mark, struct notify_time since,
		     uint64_t now_ns)
{
	struct notify_item *item;

	if (make_room(s, e->severity)) {
		item = &s->waiting[s->n_waiting++];
		item->event = *e;
		item->mark = mark;
		item->since = since;
	}
	if (!s->group_until_ns)
		s->group_until_ns = now_ns + c->group_ns;
}

/* ---- problems ---- */

static struct notify_problem *find_problem(struct notify_state *s, const struct notify_event *e)
{
	for (unsigned int i = 0; i < NOTIFY_PROBLEMS_MAX; i++) {
		struct notify_problem *p = &s->problems[i];

		if (p->open && p->event.kind == e->kind &&
		    !strncmp(p->event.subject, e->subject, sizeof(e->subject)))
			return p;
	}
	return NULL;
}

static struct notify_problem *new_problem(struct notify_state *s)
{
	for (unsigned int i = 0; i < NOTIFY_PROBLEMS_MAX; i++)
		if (!s->problems[i].open)
			return &s->problems[i];
	return NULL;
}

static void tell(struct notify_state *s, const struct notify_conf *c, struct notify_problem *p,
		 enum notify_mark mark, uint64_t now_ns)
{
	p->told = true;
	p->due_ns = p->event.severity == NOTIFY_CRITICAL && c->repeat_ns
			    ? now_ns + c->repeat_ns
			    : 0;
	add_item(s, c, &p->event, mark, p->since, now_ns);
}

static void open_problem(struct notify_state *s, const struct notify_conf *c,
			 const struct notify_event *e, uint64_t now_ns)
{
	struct notify_problem *p = find_problem(s, e);

	if (p && e->effect == NOTIFY_WEAK && p->event.severity > e->severity)
		return;
	if (p) {
		bool changed = p->event.reason != e->reason || p->event.severity != e->severity;

		p->event = *e;
		if (p->told && changed)
			tell(s, c, p, NOTIFY_NEWS, now_ns);
		return;
	}
	p = new_problem(s);
	if (!p) {
		add_item(s, c, e, NOTIFY_NEWS, e->at, now_ns);
		return;
	}
	*p = (struct notify_problem){.open = true, .event = *e, .since = e->at};
	if (e->hold_s)
		p->due_ns = now_ns + e->hold_s * SECOND_NS;
	else
		tell(s, c, p, NOTIFY_NEWS, now_ns);
}

/*
 * The end of a problem is as severe as the problem: who gets a message about one gets one about the
 * other. True when it is reported.
 */
static bool close_problem(struct notify_state *s, const struct notify_conf *c,
			  const struct notify_event *e, uint64_t now_ns)
{
	struct notify_problem *p = find_problem(s, e);
	struct notify_event over = *e;

	if (!p)
		return false;
	over.severity = p->event.severity;
	if (p->told && c->recovery)
		add_item(s, c, &over, NOTIFY_OVER, p->since, now_ns);
	p->open = false;
	return p->told && c->recovery;
}

static bool is_end(const struct notify_event *e)
{
	return e->effect == NOTIFY_CLOSE || e->effect == NOTIFY_DONE;
}

static bool passes(const struct notify_conf *c, const struct notify_event *e)
{
	if (e->kind >= NOTIFY_KIND_COUNT || !(c->kinds & 1u << e->kind))
		return false;
	/* The event that ends a problem is mild; its problem decides. */
	return is_end(e) || e->severity >= c->least;
}

void notify_take(struct notify_state *s, const struct notify_conf *c, const struct notify_event *e,
		 uint64_t now_ns)
{
	/*
	 * A problem that turned mild is over for a channel that does not report mild ones: its
	 * repeats must end.
	 */
	if (e->effect == NOTIFY_OPEN && e->severity < c->least) {
		(void)close_problem(s, c, e, now_ns);
		return;
	}
	if (!passes(c, e))
		return;
	if (e->effect == NOTIFY_OPEN || e->effect == NOTIFY_WEAK)
		open_problem(s, c, e, now_ns);
	else if (is_end(e) && close_problem(s, c, e, now_ns))
		return;
	else if (e->effect != NOTIFY_CLOSE && e->severity >= c->least)
		add_item(s, c, e, NOTIFY_NEWS, e->at, now_ns);
}

/* ---- what the configuration does not name any more ---- */

/* A part of a subject, which was cut off at its end if it was too long. */
static bool is_named(const struct notify_known *known, const char *part, size_t len, bool cut)
{
	for (uint32_t i = 0; i < known->n && i < NOTIFY_KNOWN_MAX; i++)
		if (!strncmp(known->name[i], part, len) && (cut || !known->name[i][len]))
			return true;
	return false;
}

static bool is_known(const struct notify_known *known, const struct notify_event *e)
{
	size_t len = strnlen(e->subject, sizeof(e->subject)), node = strcspn(e->subject, "/");
	bool cut = len >= sizeof(e->subject) - 1;

	if (e->kind == NOTIFY_K_DNS)
		return known->dns;
	if (!len)
		return true;
	if (node == len)
		return is_named(known, e->subject, len, cut);
	len -= node + 1;
	return is_named(known, e->subject, node, node == NOTIFY_PART_MAX) &&
	       is_named(known, e->subject + node + 1, len, len == NOTIFY_PART_MAX);
}

void notify_know(struct notify_state *s, const struct notify_conf *c,
		 const struct notify_known *known, struct notify_time now, uint64_t now_ns)
{
	for (unsigned int i = 0; i < NOTIFY_PROBLEMS_MAX; i++) {
		const struct notify_event *e = &s->problems[i].event;
		struct notify_event over = {
			.kind = e->kind,
			.severity = NOTIFY_INFO,
			.effect = NOTIFY_CLOSE,
			.reason = e->kind == NOTIFY_K_DNS ? HOKM_R_DNS_LEFT : HOKM_R_NOT_CONFIGURED,
			.players = NOTIFY_PLAYERS_UNKNOWN,
			.at = now,
		};
		const char *text = hokm_reason_text((enum hokm_reason)over.reason);

		if (!s->problems[i].open || is_known(known, e))
			continue;
		memcpy(over.subject, e->subject, sizeof(over.subject));
		/* All other bytes are 0. */
		memcpy(over.text, text, strnlen(text, sizeof(over.text) - 1));
		(void)close_problem(s, c, &over, now_ns);
	}
}

static bool is_waiting(const struct notify_state *s, const struct notify_event *e)
{
	for (unsigned int i = 0; i < s->n_waiting; i++)
		if (s->waiting[i].event.kind == e->kind &&
		    !strncmp(s->waiting[i].event.subject, e->subject, sizeof(e->subject)))
			return true;
	return false;
}

static void run_problems(struct notify_state *s, const struct notify_conf *c, uint64_t now_ns)
{
	for (unsigned int i = 0; i < NOTIFY_PROBLEMS_MAX; i++) {
		struct notify_problem *p = &s->problems[i];

		if (!p->open || !p->due_ns || p->due_ns > now_ns)
			continue;
		/* A problem that was not reported yet needs no reminder. */
		if (p->told && is_waiting(s, &p->event))
			p->due_ns = c->repeat_ns ? now_ns + c->repeat_ns : 0;
		else
			tell(s, c, p, p->told ? NOTIFY_STILL : NOTIFY_NEWS, now_ns);
	}
}

/* ---- when a message may go ---- */

static bool is_quiet(const struct notify_conf *c, unsigned int minute)
{
	if (!c->quiet)
		return false;
	if (c->quiet_from <= c->quiet_until)
		return minute >= c->quiet_from && minute < c->quiet_until;
	return minute >= c->quiet_from || minute < c->quiet_until;
}

/*
 * The rate: each message costs an hour divided by per_hour, and at most an hour may be spent in
 * advance. So a quiet channel sends a burst at once, and a busy one keeps to the rate.
 */
static uint64_t cost_ns(const struct notify_conf *c)
{
	return HOUR_NS / (c->per_hour ? c->per_hour : 1);
}

static uint64_t rate_free_ns(const struct notify_state *s, const struct notify_conf *c)
{
	uint64_t spent_ns = s->rate_ns + cost_ns(c);

	return spent_ns > HOUR_NS ? spent_ns - HOUR_NS : 0;
}

static bool is_sendable(const struct notify_state *s, const struct notify_conf *c, uint64_t now_ns,
			unsigned int minute)
{
	if (!s->n_waiting && !s->dropped)
		return false;
	if (now_ns < s->group_until_ns || now_ns < rate_free_ns(s, c))
		return false;
	return !is_quiet(c, minute) || notify_worst(s->waiting, s->n_waiting) == NOTIFY_CRITICAL;
}

bool notify_due(struct notify_state *s, const struct notify_conf *c, uint64_t now_ns,
		unsigned int minute, bool may_send)
{
	run_problems(s, c, now_ns);
	if (!may_send || s->n_out || !is_sendable(s, c, now_ns, minute))
		return false;
	memcpy(s->out, s->waiting, s->n_waiting * sizeof(s->out[0]));
	s->n_out = s->n_waiting;
	s->n_waiting = 0;
	s->out_dropped = s->dropped + s->lost;
	s->dropped = s->lost = 0;
	s->group_until_ns = 0;
	if (s->rate_ns < now_ns)
		s->rate_ns = now_ns;
	s->out_cost_ns = cost_ns(c);
	s->rate_ns += s->out_cost_ns;
	return true;
}

void notify_sent(struct notify_state *s)
{
	s->n_out = 0;
	s->out_cost_ns = 0;
	s->out_dropped = 0;
}

void notify_failed(struct notify_state *s)
{
	/* Both together fit: new items were only let in as far as there was room for both. */
	memmove(&s->waiting[s->n_out], s->waiting, s->n_waiting * sizeof(s->waiting[0]));
	memcpy(s->waiting, s->out, s->n_out * sizeof(s->out[0]));
	s->n_waiting += s->n_out;
	s->n_out = 0;
	/* An attempt is no message: the rate is not used up by it. */
	s->rate_ns -= s->out_cost_ns;
	s->out_cost_ns = 0;
	s->dropped += s->out_dropped;
	s->out_dropped = 0;
	/* They have waited already. */
	if (!s->group_until_ns)
		s->group_until_ns = 1;
}

static uint64_t quiet_end_ns(const struct notify_conf *c, uint64_t now_ns, unsigned int minute)
{
	unsigned int left = (c->quiet_until + 24 * 60 - minute) % (24 * 60);

	/* The seconds of the minute are not known: it is asked again until it is over. */
	return now_ns + (left > 1 ? left - 1 : 1) * 60 * SECOND_NS;
}

uint64_t notify_next_ns(const struct notify_state *s, const struct notify_conf *c, uint64_t now_ns,
			unsigned int minute)
{
	uint64_t next_ns = UINT64_MAX, ready_ns;

	for (unsigned int i = 0; i < NOTIFY_PROBLEMS_MAX; i++) {
		const struct notify_problem *p = &s->problems[i];

		if (p->open && p->due_ns && p->due_ns < next_ns)
			next_ns = p->due_ns;
	}
	if ((!s->n_waiting && !s->dropped) || s->n_out)
		return next_ns;
	ready_ns = s->group_until_ns;
	if (ready_ns < rate_free_ns(s, c))
		ready_ns = rate_free_ns(s, c);
	if (is_quiet(c, minute) && notify_worst(s->waiting, s->n_waiting) != NOTIFY_CRITICAL &&
	    ready_ns < quiet_end_ns(c, now_ns, minute))
		ready_ns = quiet_end_ns(c, now_ns, minute);
	return ready_ns < next_ns ? ready_ns : next_ns;
}
