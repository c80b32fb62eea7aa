/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See notify_text.h. All text is plain ASCII of ours, names of the configuration, and texts of
 * reasons; nothing in it comes from the network.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/notify_text.h"

/* Items before this age are old news: the channel could not be reached. */
#define LATE_S 120

struct text {
	char *dst;
	size_t size, len;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->dst + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	t->len += (size_t)n < t->size - t->len ? (size_t)n : t->size - t->len - 1;
}

static const char *span(int64_t s, char *dst, size_t size)
{
	if (s < 60)
		snprintf(dst, size, "%" PRId64 " s", s);
	else if (s < 3600)
		snprintf(dst, size, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else
		snprintf(dst, size, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
	return dst;
}

static const char *moment(struct notify_time at, char *dst, size_t size)
{
	time_t t = (time_t)at.wall_s;
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(dst, size, "%Y-%m-%d %H:%M:%S %z", &tm))
		snprintf(dst, size, "?");
	return dst;
}

/* ---- one item ---- */

static const char *about(const struct notify_event *e)
{
	switch (e->kind) {
	case NOTIFY_K_SERVICE:
	case NOTIFY_K_PASSIVE:
	case NOTIFY_K_ANSWERS:
		return "service ";
	case NOTIFY_K_PEER:
	case NOTIFY_K_REPLICA:
	case NOTIFY_K_STEERING:
	case NOTIFY_K_TAKEOVER:
		return "peer ";
	default:
		return "";
	}
}

/* The type of a record alone says little: the text of its line has the name too. */
static bool is_named(const struct notify_event *e)
{
	return e->subject[0] && e->kind != NOTIFY_K_DNS;
}

/* The text of a line without its head, which is expressed in words of its own. */
static const char *rest_of(const struct notify_event *e)
{
	const char *colon = is_named(e) || e->to[0] ? strstr(e->text, ": ") : NULL;

	return colon ? colon + 2 : e->text;
}

const char *notify_words(const struct notify_item *item, char *dst, size_t size)
{
	const struct notify_event *e = &item->event;
	const char *still = item->mark == NOTIFY_STILL ? "still " : "";

	if (e->to[0] && e->subject[0])
		snprintf(dst, size, "%s%s is %s%s", about(e), e->subject, still, e->to);
	else if (e->to[0])
		snprintf(dst, size, "node is %s%s", still, e->to);
	else if (is_named(e))
		snprintf(dst, size, "%s%s%s: %s", still, about(e), e->subject, rest_of(e));
	else
		snprintf(dst, size, "%s%s", still, e->text);
	return dst;
}

bool notify_of_node(const struct notify_message *m)
{
	return m->who->vip[0];
}

bool notify_has_players(const struct notify_message *m, const struct notify_event *e)
{
	return notify_of_node(m) && e->players != NOTIFY_PLAYERS_UNKNOWN;
}

static void add_item(struct text *t, const struct notify_message *m, const struct notify_item *item)
{
	const struct notify_event *e = &item->event;
	char words[NOTIFY_TITLE_MAX], when[48], since[48], lasted[48];
	const char *advice = item->mark == NOTIFY_OVER ? "" : notify_advice(e);

	add(t, "%s%s\n", item->mark == NOTIFY_OVER ? "over: " : "",
	    notify_words(item, words, sizeof(words)));
	if (notify_of_node(m))
		add(t, "  who:     node %s of %s, VIP %s\n", m->who->node, m->who->instance,
		    m->who->vip);
	else
		add(t, "  who:     %s of %s\n", m->who->node, m->who->instance);
	if (e->to[0])
		add(t, "  change:  %s -> %s\n", e->from, e->to);
	add(t, "  why:     %s (%s)\n", rest_of(e), hokm_reason_name(e->reason));
	add(t, "  at:      %s\n", moment(e->at, when, sizeof(when)));
	if (item->mark == NOTIFY_OVER)
		add(t, "  since:   %s, it lasted %s\n", moment(item->since, since, sizeof(since)),
		    span(notify_passed_s(item->since, e->at), lasted, sizeof(lasted)));
	else if (item->mark == NOTIFY_STILL)
		add(t, "  since:   %s, for %s\n", moment(item->since, since, sizeof(since)),
		    span(notify_passed_s(item->since, m->now), lasted, sizeof(lasted)));
	if (notify_has_players(m, e))
		add(t, "  players: %u on this node at that moment\n", e->players);
	if (advice[0])
		add(t, "  to do:   %s\n", advice);
}

/* ---- the message ---- */

static bool all_over(const struct notify_message *m)
{
	for (unsigned int i = 0; i < m->n; i++)
		if (m->items[i].mark != NOTIFY_OVER)
			return false;
	return m->n > 0;
}

/* The item that the title names: the first of the worst ones. */
static const struct notify_item *headline(const struct notify_message *m)
{
	const enum notify_severity worst = notify_worst(m->items, m->n);

	for (unsigned int i = 0; i < m->n; i++)
		if (m->items[i].event.severity == worst &&
		    (m->items[i].mark != NOTIFY_OVER || all_over(m)))
			return &m->items[i];
	return m->items;
}

const char *notify_title(const struct notify_message *m, char *dst, size_t size)
{
	struct text t = {dst, size, 0};
	char words[NOTIFY_TITLE_MAX];

	dst[0] = '\0';
	if (!m->n) {
		add(&t, "[warning] %s %s: at least %u events were dropped", m->who->instance,
		    m->who->node, m->dropped);
		return dst;
	}
	add(&t, "[%s] %s %s: %s",
	    all_over(m) ? "over" : notify_severity_name(notify_worst(m->items, m->n)),
	    m->who->instance, m->who->node, notify_words(headline(m), words, sizeof(words)));
	if (m->n > 1)
		add(&t, " (and %u more)", m->n - 1);
	return dst;
}

static void add_losses(struct text *t, const struct notify_message *m)
{
	int64_t old_s = m->n ? notify_passed_s(m->items[0].event.at, m->now) : 0;
	char old[48];

	if (m->dropped)
		add(t,
		    "At least %u earlier events were dropped: the queue was full or not readable. "
		    "hokm-xdp ctl events and the log have them.\n\n",
		    m->dropped);
	if (old_s > LATE_S)
		add(t, "This message is late: its oldest event is %s old.\n\n",
		    span(old_s, old, sizeof(old)));
}

const char *notify_body(const struct notify_message *m, char *dst, size_t size)
{
	struct text t = {dst, size, 0};
	const size_t tail = 96;

	dst[0] = '\0';
	add_losses(&t, m);
	for (unsigned int i = 0; i < m->n; i++) {
		const size_t before = t.len;

		if (size > tail)
			t.size = size - tail;
		add(&t, "%s", i ? "\n" : "");
		add_item(&t, m, &m->items[i]);
		if (t.len + 1 < t.size)
			continue;
		t.len = before;
		t.size = size;
		add(&t, "\n%u more events do not fit: hokm-xdp ctl events shows them.\n", m->n - i);
		break;
	}
	return dst;
}

const char *notify_short(const struct notify_message *m, char *dst, size_t size)
{
	struct text t = {dst, size, 0};
	const struct notify_item *item;

	notify_title(m, dst, size);
	t.len = strlen(dst);
	if (!m->n)
		return dst;
	item = headline(m);
	add(&t, ". %s (%s)", rest_of(&item->event), hokm_reason_name(item->event.reason));
	if (notify_has_players(m, &item->event))
		add(&t, ", %u players", item->event.players);
	add(&t, ".");
	if (item->mark != NOTIFY_OVER)
		add(&t, " %s", notify_advice(&item->event));
	if (m->dropped)
		add(&t, " At least %u events were dropped.", m->dropped);
	return dst;
}
