/* SPDX-License-Identifier: GPL-2.0-only */
/* See notify_feed.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/notify_feed.h"
#include "daemon/traffic_watch.h"

static void on_line(const struct event_line *line, void *arg)
{
	struct notify_feed *f = arg;
	struct notify_event *e;

	/* More in one turn than there is room for: none may be lost. */
	if (f->n == NOTIFY_FEED_MAX)
		notify_feed_run(f);
	e = &f->list[f->n];
	if (line->source != EVENT_DAEMON || !f->node->conf->n_notify ||
	    !notify_event_from(line->what, line->reason, line->text, e))
		return;
	e->at.wall_s = line->realtime_ns / (int64_t)NS_PER_S;
	e->at.boot_ns = line->now_ns;
	e->players = (uint32_t)services_players(&f->node->services);
	f->n++;
}

int notify_feed_open(struct notify_feed *f, struct node *n)
{
	int err = notifier_open(n->event, n->conf, &f->notifier);

	f->node = n;
	if (err)
		return err;
	err = events_follow(n->events, on_line, f);
	if (err < 0) {
		log_error("could not follow the events for notifications: %s", strerror(-err));
		return err;
	}
	f->follower = err;
	/* A monitor has no packet path. */
	if (n->bpf && !strcmp(hokm_bpf_mode(n->bpf), "generic"))
		events_add(n->events, "upkeep", HOKM_R_GENERIC_XDP, "%s",
			   hokm_reason_text(HOKM_R_GENERIC_XDP));
	return 0;
}

void notify_feed_close(struct notify_feed *f)
{
	if (f->notifier)
		notify_feed_run(f);
	if (f->follower > 0)
		events_unfollow(f->node->events, f->follower);
	notifier_close(f->notifier);
	f->notifier = NULL;
}

void notify_feed_cut(struct notify_feed *f, int wait_ms)
{
	if (f->notifier)
		notify_feed_run(f);
	notifier_cut(f->notifier, wait_ms);
}

void notify_feed_reconf(struct notify_feed *f)
{
	notifier_reconf(f->notifier, f->node->conf);
}

void notify_feed_end(struct notify_feed *f, const char *what, enum hokm_reason why,
		     const char *text)
{
	struct notify_event e;

	if (!f->node->conf->n_notify || !notify_event_from(what, why, text, &e))
		return;
	e.at.wall_s = (int64_t)time(NULL);
	e.at.boot_ns = clock_now_ns();
	e.players = (uint32_t)services_players(&f->node->services);
	notifier_take(f->notifier, &e);
}

void notify_feed_each_turn(struct notify_feed *f, void (*each_turn)(void *arg), void *arg)
{
	f->each_turn = each_turn;
	f->each_turn_arg = arg;
}

/*
 * The first end of syns-unanswered after a start is no line of the stream. The notifier ends with
 * it what a daemon before this one began, and sends nothing otherwise.
 */
static void take_end(struct notify_feed *f, struct service *svc)
{
	enum hokm_reason why = svc->answers_end;
	char text[NOTIFY_LINE_MAX];

	svc->answers_end = HOKM_R_NONE;
	(void)snprintf(text, sizeof(text), "%s: %s", svc->conf->name, traffic_watch_end_text(why));
	notify_feed_end(f, "passive", why, text);
}

void notify_feed_run(struct notify_feed *f)
{
	struct services *s = &f->node->services;

	for (unsigned int i = 0; i < f->n; i++)
		notifier_take(f->notifier, &f->list[i]);
	f->n = 0;
	for (unsigned int i = 0; i < s->n; i++)
		if (s->list[i].answers_end != HOKM_R_NONE)
			take_end(f, &s->list[i]);
	if (f->each_turn)
		f->each_turn(f->each_turn_arg);
}
