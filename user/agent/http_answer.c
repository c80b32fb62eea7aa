/* SPDX-License-Identifier: GPL-2.0-only */
/* See http_answer.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http_answer.h"
#include "agent/http_page.h"

#define HTTP_TOO_LONG                                                                     \
	"too long: the state of this node does not fit into a message; the daemon's log " \
	"has its size, and hokm-xdp ctl status shows it"
#define TEXT   "text/plain; charset=utf-8"
#define POLICY "default-src 'none'; frame-ancestors 'none'"

static void forget_bodies(struct http_state *s)
{
	free(s->status.text);
	s->status.text = NULL;
	for (unsigned int i = 0; i < METRICS_FORMATS; i++) {
		free(s->metrics[i].text);
		s->metrics[i].text = NULL;
	}
}

json_t *http_state_cut(const json_t *state, size_t bytes)
{
	const json_t *status = json_object_get(state, "status");

	return json_pack("{s:I, s:{s:O?, s:O?}}", "too_long", (json_int_t)bytes, "status", "state",
			 json_object_get(status, "state"), "owner",
			 json_object_get(status, "owner"));
}

bool http_state_take(struct http_state *s, const char *text, size_t len, uint64_t now_ns)
{
	json_t *json = json_loadb(text, len, 0, NULL);

	if (!json_is_object(json)) {
		json_decref(json);
		return false;
	}
	forget_bodies(s);
	json_decref(s->json);
	s->json = json;
	s->taken_ns = now_ns;
	return true;
}

void http_state_free(struct http_state *s)
{
	forget_bodies(s);
	json_decref(s->json);
	s->json = NULL;
}

static void say(struct http_answer *a, unsigned int status, const char *body)
{
	a->status = status;
	a->type = TEXT;
	a->body = body;
	a->len = strlen(body);
}

static void give(struct http_answer *a, const char *type, const struct http_body *b)
{
	if (!b->text) {
		say(a, 503, "no memory\n");
		return;
	}
	a->status = 200;
	a->type = type;
	a->body = b->text;
	a->len = b->len;
}

static const json_t *status_of(const struct http_state *s)
{
	return json_object_get(s->json, "status");
}

static void answer_metrics(struct http_state *s, const struct http_request *r,
			   struct http_answer *a)
{
	enum metrics_format format = metrics_wanted(r->accept);
	struct http_body *b = &s->metrics[format];

	if (!b->text) {
		FILE *f = open_memstream(&b->text, &b->len);

		if (f) {
			metrics_write(s->json, format, f);
			if (fclose(f)) {
				free(b->text);
				b->text = NULL;
			}
		}
	}
	give(a, metrics_content_type(format), b);
}

static void answer_status(struct http_state *s, const struct http_request *r, struct http_answer *a)
{
	(void)r;
	if (!s->status.text) {
		s->status.text = json_dumps(status_of(s), JSON_COMPACT);
		s->status.len = s->status.text ? strlen(s->status.text) : 0;
	}
	give(a, "application/json", &s->status);
}

/* The word is of a list, so that no text of the state becomes the body. */
static void answer_health(struct http_state *s, const struct http_request *r, struct http_answer *a)
{
	static const char *const words[] = {"init", "backup", "master", "fault"};
	static const char *const bodies[] = {"init\n", "backup\n", "master\n", "fault\n"};
	const json_t *status = status_of(s);
	const char *state = json_string_value(json_object_get(status, "state"));

	(void)r;
	if (json_is_true(json_object_get(status, "owner"))) {
		say(a, 200, "owner\n");
		return;
	}
	say(a, 503, "unknown\n");
	for (size_t i = 0; state && i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(state, words[i]))
			say(a, 503, bodies[i]);
}

static void answer_page(struct http_state *s, const struct http_request *r, struct http_answer *a)
{
	const struct http_page *page = http_page();

	(void)s;
	(void)r;
	if (!page) {
		say(a, 503, "no page\n");
		return;
	}
	a->status = 200;
	a->type = "text/html; charset=utf-8";
	a->body = page->text;
	a->len = page->len;
	a->policy = page->policy;
}

static void answer_events(struct http_state *s, const struct http_request *r, struct http_answer *a)
{
	(void)s;
	say(a, 200, "");
	a->type = "text/event-stream";
	a->follow = !strcmp(r->method, "GET");
}

static const struct {
	const char *path;
	enum { NEEDS_NOTHING, NEEDS_STATE, NEEDS_ALL } needs; /* NEEDS_ALL: not one that was cut */
	void (*answer)(struct http_state *s, const struct http_request *r, struct http_answer *a);
} resources[] = {
	{"/", NEEDS_NOTHING, answer_page},         {"/metrics", NEEDS_ALL, answer_metrics},
	{"/healthz", NEEDS_STATE, answer_health},  {"/api/status", NEEDS_ALL, answer_status},
	{"/api/events", NEEDS_ALL, answer_events},
};

void http_answer_busy(struct http_answer *out)
{
	memset(out, 0, sizeof(*out));
	out->policy = POLICY;
	say(out, 503, "too many follow the events\n");
}

void http_answer(struct http_state *s, const struct http_request *r, uint64_t now_ns,
		 struct http_answer *out)
{
	memset(out, 0, sizeof(*out));
	out->policy = POLICY;
	if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0) {
		say(out, 405, "only GET and HEAD\n");
		out->allow = true;
		return;
	}
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
		if (strcmp(r->path, resources[i].path) != 0)
			continue;
		if (resources[i].needs != NEEDS_NOTHING &&
		    (!s->json || now_ns - s->taken_ns > HTTP_STALE_NS))
			say(out, 503, "stale\n");
		else if (resources[i].needs == NEEDS_ALL && json_object_get(s->json, "too_long"))
			say(out, 503, HTTP_TOO_LONG "\n");
		else
			resources[i].answer(s, r, out);
		return;
	}
	say(out, 404, "there are: / /metrics /healthz /api/status /api/events\n");
}
