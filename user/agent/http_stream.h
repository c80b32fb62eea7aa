/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Server-sent events of the HTTP listener: what each follower of /api/events reads next. The format
 * is that of https://html.spec.whatwg.org/multipage/server-sent-events.html.
 *
 *   event: record   {"time_ms", "events", "history"} as in agent/http_listener.h, when it changed
 *   event: state    {"status", "latency"} as there: each second, and soon after an event
 *   :               nothing, so that both ends learn that the connection still exists
 *
 * A follower has the newest record and the newest state to read, and nothing older: one that reads
 * slowly misses some, and never makes a queue. So a new follower, and one that comes back with a
 * Last-Event-ID, gets everything at once. A message is made once and shared by all of them.
 *
 * No sockets and no clock here: see http_followers.h.
 */
#ifndef HOKM_AGENT_HTTP_STREAM_H
#define HOKM_AGENT_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* How long a browser waits after the end of its stream before it asks again. */
#define HTTP_RETRY_MS 2000
/* After this long without a message a follower gets an empty one. */
#define HTTP_BEAT_NS (5 * NS_PER_S)

/* In the order in which a follower gets them. */
enum http_event { HTTP_EVENT_RECORD, HTTP_EVENT_STATE, HTTP_EVENTS };

struct http_message; /* opaque: its text, and how many use it */

/* What all followers share. */
struct http_feed {
	struct http_message *newest[HTTP_EVENTS]; /* NULL: none came yet */
	uint64_t id[HTTP_EVENTS];                 /* of the newest one; 0: none came yet */
	uint64_t last_id;
};

/*
 * A new message in place of the last one of its kind. `json` is one line. 0, or -EINVAL for a text
 * of several lines, which would be several messages, or -ENOMEM; then the last one stays.
 */
int http_feed_put(struct http_feed *f, enum http_event kind, const char *json);
void http_feed_free(struct http_feed *f);

struct http_follower {
	uint64_t had[HTTP_EVENTS]; /* the ids that it got */
	struct http_message *out;  /* what it reads now; NULL: nothing */
	size_t at;                 /* how much of that it has */
	bool greeted;              /* it got HTTP_RETRY_MS */
	bool idle;                 /* it has read all that there is */
	uint64_t since_ns;         /* idle or not since then */
};

void http_follower_init(struct http_follower *w, uint64_t now_ns);
/* True once when an idle follower has something to read again. */
bool http_follower_wake(struct http_follower *w, const struct http_feed *f, uint64_t now_ns);
/* Writes what comes next into buf. Returns its length; 0: nothing, the follower is idle. */
size_t http_follower_read(struct http_follower *w, const struct http_feed *f, uint64_t now_ns,
			  char *buf, size_t max);
/* True when it has had something to read for longer than limit_ns. */
bool http_follower_slow(const struct http_follower *w, uint64_t now_ns, uint64_t limit_ns);
void http_follower_free(struct http_follower *w);

#endif
