/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clients of the HTTP listener that follow /api/events: the connections to what
 * agent/http_stream.h gives them to read. libmicrohttpd suspends a connection that has nothing to
 * read, and here it is resumed when there is something.
 *
 * There are at most HTTP_FOLLOWERS_MAX, and never more than half of `listen.clients`. One that has
 * something to read for longer than `listen.timeout` is ended: nobody waits for it. The kernel
 * holds little for one that reads nothing.
 */
#ifndef HOKM_AGENT_HTTP_FOLLOWERS_H
#define HOKM_AGENT_HTTP_FOLLOWERS_H

#include "agent/http_answer.h"
#include "agent/http_stream.h"
#include "agent/lib_mhd.h"

#define HTTP_FOLLOWERS_MAX 16

struct http_followers;

struct http_follow {
	bool used, ended;
	int fd;
	struct MHD_Connection *connection;
	struct http_followers *all;
	struct http_follower read;
};

struct http_followers {
	unsigned int max;
	json_t *events; /* of the newest record */
	struct http_feed feed;
	struct http_follow list[HTTP_FOLLOWERS_MAX];
};

void http_followers_init(struct http_followers *all, unsigned int clients);
/* NULL: there are as many as there may be, or there is no memory. */
struct MHD_Response *http_followers_add(struct http_followers *all, struct MHD_Connection *c,
					int fd, uint64_t now_ns);
/* A new state. */
void http_followers_take(struct http_followers *all, const struct http_state *s);
/* Resumes those who have something to read, and ends the slow ones. */
void http_followers_turn(struct http_followers *all, uint64_t now_ns, uint64_t timeout_ns);

#endif
