/* SPDX-License-Identifier: GPL-2.0-only */
/* See http_followers.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/http_followers.h"
#include "base/log.h"

#define BLOCK       4096
#define SEND_BUFFER (64 * 1024)

void http_followers_init(struct http_followers *all, unsigned int clients)
{
	memset(all, 0, sizeof(*all));
	all->max = clients / 2 < HTTP_FOLLOWERS_MAX ? clients / 2 : HTTP_FOLLOWERS_MAX;
}

/* ---- a client ---- */

static ssize_t read_next(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct http_follow *w = arg;
	size_t n;

	(void)pos;
	if (w->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = http_follower_read(&w->read, &w->all->feed, clock_now_ns(), buf, max);
	if (!n)
		lib_mhd()->suspend_connection(w->connection);
	return (ssize_t)n;
}

static void forget(void *arg)
{
	struct http_follow *w = arg;

	http_follower_free(&w->read);
	w->used = false;
}

static struct http_follow *free_place(struct http_followers *all)
{
	for (unsigned int i = 0; i < all->max; i++)
		if (!all->list[i].used)
			return &all->list[i];
	return NULL;
}

struct MHD_Response *http_followers_add(struct http_followers *all, struct MHD_Connection *c,
					int fd, uint64_t now_ns)
{
	struct http_follow *w = free_place(all);
	const int size = SEND_BUFFER;
	struct MHD_Response *r;

	if (!w)
		return NULL;
	r = lib_mhd()->create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_next, w, forget);
	if (!r)
		return NULL;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*w = (struct http_follow){.used = true, .fd = fd, .connection = c, .all = all};
	http_follower_init(&w->read, now_ns);
	return r;
}

/* ---- states ---- */

static void put(struct http_followers *all, enum http_event kind, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (!text || http_feed_put(&all->feed, kind, text))
		log_debug("listener: a message for followers could not be made");
	free(text);
	json_decref(json);
}

/* The newest of these keys that the state has. */
static json_t *part(const struct http_state *s, const char *const keys[], size_t n)
{
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(s->json, keys[i]);

		if (value && json_object_set(o, keys[i], value))
			log_debug("listener: no memory for %s", keys[i]);
	}
	return o;
}

void http_followers_take(struct http_followers *all, const struct http_state *s)
{
	static const char *const record[] = {"time_ms", "events", "history"};
	static const char *const state[] = {"status", "latency"};
	json_t *events = json_object_get(s->json, "events");

	/* The daemon could not send all of it: no follower takes a part for the whole. */
	if (json_object_get(s->json, "too_long"))
		return;
	/* The moment alone is no news. */
	if (events && !json_equal(events, all->events)) {
		json_decref(all->events);
		all->events = json_incref(events);
		put(all, HTTP_EVENT_RECORD, part(s, record, sizeof(record) / sizeof(record[0])));
	}
	put(all, HTTP_EVENT_STATE, part(s, state, sizeof(state) / sizeof(state[0])));
}

static void end(struct http_follow *w)
{
	w->ended = true;
	/* libmicrohttpd finds the end of the stream and closes. */
	(void)shutdown(w->fd, SHUT_RDWR);
}

void http_followers_turn(struct http_followers *all, uint64_t now_ns, uint64_t timeout_ns)
{
	for (unsigned int i = 0; i < all->max; i++) {
		struct http_follow *w = &all->list[i];

		if (!w->used)
			continue;
		if (!w->ended && http_follower_slow(&w->read, now_ns, timeout_ns))
			end(w);
		else if (http_follower_wake(&w->read, &all->feed, now_ns))
			lib_mhd()->resume_connection(w->connection);
	}
}
