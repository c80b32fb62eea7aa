/* SPDX-License-Identifier: GPL-2.0-only */
/* See publish.h. */
#include <stdlib.h>
#include <string.h>

#include "agent/http_answer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timer.h"
#include "daemon/front_ops.h"
#include "daemon/publish.h"
#include "sense/events.h"

#define EACH_NS NS_PER_S
/* Events of one change come together, and settle() comes before the state is read. */
#define SOON_NS (50 * NS_PER_MS)
/* The longest text of a state. */
#define MOST     (HTTP_MSG_MAX - sizeof(struct http_msg))
#define PRIORITY 20 /* operators come after the network */
/* The newest events, and the newest of kind state, which may be much older. */
#define EVENTS_SENT  48
#define HISTORY_SENT 48

/* ---- events ---- */

static void keep(json_t *list, json_t *line, size_t max)
{
	if (json_array_append(list, line))
		return;
	while (json_array_size(list) > max)
		json_array_remove(list, 0);
}

/* The listener has no address of a player, and events of kind stale name one. */
static void keep_line(const struct event_line *line, void *arg)
{
	struct publish *p = arg;
	json_t *json;

	if (line->source != EVENT_DAEMON || !strcmp(line->what, "stale"))
		return;
	json = p->front->line(line);
	if (!json)
		return;
	keep(p->events, json, EVENTS_SENT);
	if (!strcmp(line->what, "state"))
		keep(p->history, json, HISTORY_SENT);
	json_decref(json);
	p->clock_ns = line->realtime_ns - (int64_t)line->now_ns;
}

/* Without an event nobody needs their clock. */
static void put_events(const struct publish *p, json_t *state)
{
	int64_t wall_ns = p->clock_ns + (int64_t)clock_now_ns();

	if (json_array_size(p->events) &&
	    (json_object_set(state, "events", p->events) ||
	     json_object_set(state, "history", p->history) ||
	     json_object_set_new(state, "time_ms", json_integer(wall_ns / (int64_t)NS_PER_MS))))
		log_debug("no memory for the events of the listener");
}

/* ---- state ---- */

/* The text of the state and the events; the state alone when there is no room for both. */
static char *text_with_events(const struct publish *p, json_t *state)
{
	char *text;

	put_events(p, state);
	text = json_dumps(state, JSON_COMPACT);
	if (!text || strlen(text) <= MOST)
		return text;
	free(text);
	(void)json_object_del(state, "events");
	(void)json_object_del(state, "history");
	return json_dumps(state, JSON_COMPACT);
}

static void report_length(struct publish *p, size_t len, bool too_long)
{
	if (too_long && !p->too_long)
		log_error("the state is too long for the listener: %zu bytes of at most %zu; "
			  "it answers /healthz only",
			  len, MOST);
	else if (!too_long && p->too_long)
		log_info("the state fits into a message for the listener again");
	p->too_long = too_long;
}

static void send_state(struct publish *p)
{
	json_t *state = p->front->state(p->daemon);
	char *text = state ? text_with_events(p, state) : NULL;
	size_t len = text ? strlen(text) : 0;

	if (text)
		report_length(p, len, len > MOST);
	if (len > MOST) {
		json_t *cut = http_state_cut(state, len);

		free(text);
		text = cut ? json_dumps(cut, JSON_COMPACT) : NULL;
		json_decref(cut);
	}
	json_decref(state);
	if (text)
		http_listener_state(p->listener, text, strlen(text));
	free(text);
}

static void arm(struct publish *p, uint64_t at_ns)
{
	p->at_ns = at_ns;
	timer_arm(p->timer, at_ns);
}

/* Without a port nobody asks for the state, and nothing is sent. */
static void arm_first(struct publish *p, const struct conf *c)
{
	arm(p, c->listen.port ? clock_now_ns() + SOON_NS : 0);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct publish *p = arg;

	(void)s;
	(void)usec;
	send_state(p);
	arm(p, clock_now_ns() + EACH_NS);
	return 0;
}

static void on_line(const struct event_line *line, void *arg)
{
	uint64_t soon_ns = clock_now_ns() + SOON_NS;
	struct publish *p = arg;

	keep_line(line, p);
	if (line->source == EVENT_DAEMON && p->at_ns > soon_ns)
		arm(p, soon_ns);
}

int publish_open(struct publish *p, struct daemon *d, struct node *n,
		 const struct daemon_front *front)
{
	int err;

	if (!front->state)
		return 0;
	p->daemon = d;
	p->stream = n->events;
	p->front = front;
	p->events = json_array();
	p->history = json_array();
	events_recent(p->stream, EVENTS_KEEP, keep_line, p);
	err = http_listener_open(n->event, n->conf, &p->listener);
	if (!err)
		err = timer_add(n->event, &p->timer, PRIORITY, on_timer, p);
	if (err)
		return err;
	err = events_follow(p->stream, on_line, p);
	if (err < 0)
		return err;
	p->follower = err;
	arm_first(p, n->conf);
	return 0;
}

void publish_reconf(struct publish *p, const struct conf *c)
{
	if (!p->follower)
		return;
	http_listener_reconf(p->listener, c);
	arm_first(p, c);
}

void publish_close(struct publish *p)
{
	if (p->follower > 0)
		events_unfollow(p->stream, p->follower);
	sd_event_source_disable_unref(p->timer);
	http_listener_close(p->listener);
	json_decref(p->events);
	json_decref(p->history);
	memset(p, 0, sizeof(*p));
}

void publish_cut(struct publish *p, int wait_ms)
{
	if (p)
		http_listener_cut(p->listener, wait_ms);
}
