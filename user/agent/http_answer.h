/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the HTTP listener answers: a function of the request, the last state and the time. It knows
 * nothing of sockets.
 *
 *   /             the page of agent/http_page.h
 *   /metrics      metrics (agent/metrics.h)
 *   /healthz      200 on the owner, 503 elsewhere; the body is the state, one word
 *   /api/status   as `ctl status --json`
 *   /api/events   a stream: agent/http_stream.h
 *
 * A state older than HTTP_STALE_NS means that the daemon does not run: then all of them, the page
 * aside, answer 503 and the word "stale", because what was true is no answer to what is. Of a state
 * that is too long for a message the daemon sends what /healthz needs, and the others answer 503
 * and say why.
 */
#ifndef HOKM_AGENT_HTTP_ANSWER_H
#define HOKM_AGENT_HTTP_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/metrics.h"
#include "base/clock.h"

/* The daemon sends its state each second. */
#define HTTP_STALE_NS (5 * NS_PER_S)

/* A body, made when it is first asked for. */
struct http_body {
	char *text; /* NULL: not made yet */
	size_t len;
};

struct http_state {
	json_t *json;      /* NULL: none came yet */
	uint64_t taken_ns; /* when it came */
	struct http_body status, metrics[METRICS_FORMATS];
};

/* What is sent of a state whose text has too many bytes. NULL: no memory. Caller: json_decref(). */
json_t *http_state_cut(const json_t *state, size_t bytes);
/* Takes a state. False, and nothing changes, when the text is no JSON object. */
bool http_state_take(struct http_state *s, const char *text, size_t len, uint64_t now_ns);
void http_state_free(struct http_state *s);

struct http_request {
	const char *method, *path;
	const char *accept; /* NULL: not given */
};

struct http_answer {
	unsigned int status;
	const char *type; /* Content-Type */
	const char *body; /* valid until the state changes */
	size_t len;
	bool allow;         /* with a header Allow */
	bool follow;        /* no body, but the stream */
	const char *policy; /* Content-Security-Policy */
};

void http_answer(struct http_state *s, const struct http_request *r, uint64_t now_ns,
		 struct http_answer *out);
/* In place of a stream, when as many follow as may. */
void http_answer_busy(struct http_answer *out);

#endif
