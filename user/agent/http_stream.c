/* SPDX-License-Identifier: GPL-2.0-only */
/* See http_stream.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http_stream.h"

struct http_message {
	unsigned int users;
	size_t len;
	char text[];
};

static struct http_message *message_new(size_t len)
{
	struct http_message *m = malloc(sizeof(*m) + len + 1);

	if (m) {
		m->users = 1;
		m->len = len;
	}
	return m;
}

static void message_drop(struct http_message *m)
{
	if (m && !--m->users)
		free(m);
}

/* ---- feed ---- */

int http_feed_put(struct http_feed *f, enum http_event kind, const char *json)
{
	static const char *const names[HTTP_EVENTS] = {
		[HTTP_EVENT_RECORD] = "record", [HTTP_EVENT_STATE] = "state"};
	static const char format[] = "id: %llu\nevent: %s\ndata: %s\n\n";
	const unsigned long long id = f->last_id + 1;
	struct http_message *m;
	int len;

	if (strpbrk(json, "\r\n"))
		return -EINVAL;
	len = snprintf(NULL, 0, format, id, names[kind], json);
	m = len > 0 ? message_new((size_t)len) : NULL;
	if (!m)
		return -ENOMEM;
	snprintf(m->text, m->len + 1, format, id, names[kind], json);
	message_drop(f->newest[kind]);
	f->newest[kind] = m;
	f->id[kind] = f->last_id = id;
	return 0;
}

void http_feed_free(struct http_feed *f)
{
	for (unsigned int i = 0; i < HTTP_EVENTS; i++)
		message_drop(f->newest[i]);
	memset(f, 0, sizeof(*f));
}

/* ---- follower ---- */

void http_follower_init(struct http_follower *w, uint64_t now_ns)
{
	memset(w, 0, sizeof(*w));
	w->since_ns = now_ns;
}

/* The first kind of which there is a newer message; HTTP_EVENTS: none. */
static unsigned int next_kind(const struct http_follower *w, const struct http_feed *f)
{
	unsigned int kind = 0;

	while (kind < HTTP_EVENTS && w->had[kind] == f->id[kind])
		kind++;
	return kind;
}

bool http_follower_wake(struct http_follower *w, const struct http_feed *f, uint64_t now_ns)
{
	if (!w->idle || (next_kind(w, f) == HTTP_EVENTS && now_ns - w->since_ns < HTTP_BEAT_NS))
		return false;
	/* A message without content, unless there is another one. */
	if (next_kind(w, f) == HTTP_EVENTS) {
		w->out = message_new(3);
		if (!w->out)
			return false;
		memcpy(w->out->text, ":\n\n", 4);
	}
	w->idle = false;
	w->since_ns = now_ns;
	return true;
}

static void greet(struct http_follower *w)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "retry: %d\n\n", HTTP_RETRY_MS);

	w->greeted = true;
	w->out = message_new((size_t)len);
	if (w->out)
		memcpy(w->out->text, text, (size_t)len + 1);
}

static void next_message(struct http_follower *w, const struct http_feed *f)
{
	unsigned int kind = next_kind(w, f);

	w->at = 0;
	if (!w->greeted) {
		greet(w);
	} else if (kind < HTTP_EVENTS) {
		w->out = f->newest[kind];
		w->out->users++;
		w->had[kind] = f->id[kind];
	}
}

size_t http_follower_read(struct http_follower *w, const struct http_feed *f, uint64_t now_ns,
			  char *buf, size_t max)
{
	size_t n;

	if (!w->out)
		next_message(w, f);
	if (!w->out) {
		w->idle = true;
		w->since_ns = now_ns;
		return 0;
	}
	n = w->out->len - w->at < max ? w->out->len - w->at : max;
	memcpy(buf, w->out->text + w->at, n);
	w->at += n;
	if (w->at == w->out->len)
		http_follower_free(w);
	return n;
}

bool http_follower_slow(const struct http_follower *w, uint64_t now_ns, uint64_t limit_ns)
{
	return !w->idle && now_ns - w->since_ns > limit_ns;
}

void http_follower_free(struct http_follower *w)
{
	message_drop(w->out);
	w->out = NULL;
	w->at = 0;
}
