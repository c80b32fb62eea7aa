/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verb "events": the newest events at once, then each event as it happens.
 *
 * The server subscribes once for all its followers: an event is encoded once, and queued for each
 * follower whose filter selects it. Nothing is sent from here; the loop sends when the client can
 * receive. When the queue of a follower is full, events are left out and counted, and {"dropped":
 * N} stands in their place.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "serve/event_json.h"
#include "serve/server.h"

#define KINDS_MAX 32

_Static_assert(EVENTS_KEEP == CTL_EVENTS_MAX, "a client may ask for all events that are kept");

static void miss(struct ctl_client *c)
{
	c->dropped++;
	c->server->stats.dropped++;
}

/* Queues the note on events that were left out; false on failure. */
static bool note_dropped(struct ctl_client *c)
{
	json_t *note = json_pack("{s:I}", "dropped", (json_int_t)c->dropped);
	bool ok = note && !frame_writer_add(&c->out, note, CTL_REPLY_MAX);

	json_decref(note);
	if (ok)
		c->dropped = 0;
	return ok;
}

static void queue_line(struct ctl_client *c, const struct frame_writer *line)
{
	/* The limit leaves room for a note beside the event. */
	if (frame_writer_pending(&c->out) + frame_writer_pending(line) > CTL_BACKLOG_MAX ||
	    (c->dropped && !note_dropped(c)) || frame_writer_copy(&c->out, line)) {
		miss(c);
		return;
	}
	ctl_client_watch(c);
}

static int make_line(const struct ctl_server *s, const struct event_line *line,
		     struct frame_writer *out)
{
	json_t *msg = event_line_json(line, s->has_names ? &s->names : NULL);
	int err = msg ? frame_writer_add(out, msg, CTL_REPLY_MAX) : -ENOMEM;

	json_decref(msg);
	return err;
}

static void on_line(const struct event_line *line, void *arg)
{
	struct ctl_server *s = arg;
	struct frame_writer bytes = {0};
	struct ctl_client *c;

	LIST_FOREACH(c, &s->clients, link)
	{
		if (!c->following || !event_line_matches(line, c->kinds))
			continue;
		if (!frame_writer_pending(&bytes) && make_line(s, line, &bytes))
			miss(c);
		else
			queue_line(c, &bytes);
	}
	frame_writer_free(&bytes);
}

/* The kept events that match, for a reply. */
struct recent {
	const struct ctl_server *server;
	const json_t *kinds;
	unsigned int matches; /* first walk */
	unsigned int skip;    /* second walk: events that are older than requested */
	json_t *list;
	int err;
};

static void count_line(const struct event_line *line, void *arg)
{
	struct recent *r = arg;

	r->matches += event_line_matches(line, r->kinds);
}

static void collect_line(const struct event_line *line, void *arg)
{
	const struct ctl_server *s;
	struct recent *r = arg;

	if (r->err || !event_line_matches(line, r->kinds))
		return;
	if (r->skip) {
		r->skip--;
		return;
	}
	s = r->server;
	if (json_array_append_new(r->list, event_line_json(line, s->has_names ? &s->names : NULL)))
		r->err = -ENOMEM;
}

static int recent_lines(const struct ctl_server *s, unsigned int n, const json_t *kinds,
			json_t **data)
{
	struct recent r = {.server = s, .kinds = kinds, .list = json_array()};

	if (!r.list)
		return -ENOMEM;
	events_recent(s->events, EVENTS_KEEP, count_line, &r);
	r.skip = r.matches > n ? r.matches - n : 0;
	events_recent(s->events, EVENTS_KEEP, collect_line, &r);
	if (r.err) {
		json_decref(r.list);
		return r.err;
	}
	*data = json_pack("{s:o, s:I}", "events", r.list, "lost",
			  (json_int_t)events_lost(s->events));
	return *data ? 0 : -ENOMEM;
}

static int check_kinds(const json_t *kinds, char *error, size_t error_size)
{
	char known[400];
	size_t i;
	json_t *k;

	if (!json_is_array(kinds) || json_array_size(kinds) > KINDS_MAX) {
		snprintf(error, error_size, "kinds is a list of at most %d words", KINDS_MAX);
		return -EINVAL;
	}
	json_array_foreach (kinds, i, k) {
		const char *word = json_string_value(k);

		if (word && event_kind_known(word))
			continue;
		event_kinds_list(known, sizeof(known));
		snprintf(error, error_size, "no such kind of event: %.32s; there are %s",
			 word ? word : "(not a word)", known);
		return -EINVAL;
	}
	return 0;
}

static int follow(struct ctl_client *c, json_t *kinds)
{
	struct ctl_server *s = c->server;

	if (!s->follow_id) {
		int id = events_follow(s->events, on_line, s);

		if (id < 0)
			return id;
		s->follow_id = id;
	}
	c->following = true;
	c->kinds = json_incref(kinds);
	s->stats.followers++;
	return 0;
}

int ctl_events_verb(struct ctl_client *c, const json_t *args, json_t **data, char *error,
		    size_t error_size)
{
	json_t *kinds = json_object_get(args, "kinds");
	const json_t *recent = json_object_get(args, "recent");
	const json_t *want = json_object_get(args, "follow");
	json_int_t n = recent ? json_integer_value(recent) : 0;
	int err;

	if ((recent && !json_is_integer(recent)) || n < 0 || n > EVENTS_KEEP) {
		snprintf(error, error_size, "recent is a number from 0 to %d", EVENTS_KEEP);
		return -EINVAL;
	}
	if (want && !json_is_boolean(want)) {
		snprintf(error, error_size, "follow is true or false");
		return -EINVAL;
	}
	if (kinds && check_kinds(kinds, error, error_size))
		return -EINVAL;
	err = recent_lines(c->server, (unsigned int)n, kinds, data);
	if (!err && json_is_true(want))
		err = follow(c, kinds);
	return err;
}

void ctl_events_forget(struct ctl_client *c)
{
	struct ctl_server *s = c->server;

	json_decref(c->kinds);
	c->kinds = NULL;
	if (!c->following)
		return;
	c->following = false;
	s->stats.followers--;
	if (s->stats.followers == 0) {
		events_unfollow(s->events, s->follow_id);
		s->follow_id = 0;
	}
}

void ctl_events_caught_up(struct ctl_client *c)
{
	if (c->dropped && !note_dropped(c))
		log_debug("ctl: no memory for a note on dropped events");
}
